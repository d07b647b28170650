/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/receive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/exchange.h"
#include "base/text.h"
#include "http/json.h"
#include "os/file.h"
#include "peer/inbox.h"
#include "inflow/journal.h"
#include "vault/flow/copy.h"
#include "vault/pack/key.h"

#define ROOT	    "/peer/v1/"
#define BODY_MAX    (8u << 20)
#define FORGET_DAYS 7

struct lf_receive {
	struct lf_receive_opts opts;
	struct lf_journal_ends *ends;
	struct lf_http_handler handler;
};

/* A pack that comes: a file in the inbox, gone again unless the vault took it. */
struct pack {
	char *path;
	int fd;
	uint64_t written;
};

/* One request: who asks for what is decided at its head, and kept. */
struct ask {
	const struct lf_receive *receive;
	struct lf_http_exchange *x;
	const struct route *route;
	struct lf_inbox_point at;
	struct pack pack;
	const char *body;
	size_t len;
	json_t *doc; /* body as JSON, where the route takes it */
};
typedef int ask_fn(struct ask *ask, struct lf_error *err);

static int answer_empty(struct ask *ask)
{
	lf_http_status(ask->x, 204);
	return 0;
}

static int begin_point(struct ask *ask, struct lf_error *err)
{
	struct lf_domain_key key = {0};
	uint8_t id_key[32];
	char hex[65];
	bool base = false;

	int rc = lf_hex_decode(lf_json_text_or(ask->doc, "idKey", ""), id_key, sizeof(id_key), err);
	if (!rc)
		rc = lf_inbox_begin(&ask->at, id_key, lf_json_text(ask->doc, "basePoint"), &key,
				    &base, err);
	explicit_bzero(id_key, sizeof(id_key));
	if (rc)
		return rc;
	lf_hex_encode(key.data_key, 32, hex);
	LF_AUTO_JSON *answer =
		json_pack("{s:s, s:i, s:b}", "dataKey", hex, "epoch", (int)key.epoch, "base", base);
	explicit_bzero(hex, sizeof(hex));
	lf_domain_key_done(&key);
	return answer ? lf_http_answer_json(ask->x, answer, err) : lf_fail_nomem(err);
}

/* Query: disk=INDEX; body: records; answer: bits. */
static int take_extents(struct ask *ask, struct lf_error *err)
{
	size_t n = ask->len / LF_EXTENT_WIRE_SIZE;
	LF_AUTO_FREE uint8_t *bits = calloc(1, lf_have_bytes(n) + 1);
	const char *query = lf_http_query(ask->x);
	uint64_t disk = 0;

	if (!bits)
		return lf_fail_nomem(err);
	int rc = strncmp(query, "disk=", 5) == 0
			 ? lf_parse_u64(query + 5, 0, UINT32_MAX, &disk, err)
			 : lf_fail(err, LF_EINVAL, "query", "give disk");
	if (!rc && (ask->len % LF_EXTENT_WIRE_SIZE || n > LF_COPY_BATCH))
		rc = lf_fail(err, LF_EINVAL, "body", "not a list of at most %u extents",
			     LF_COPY_BATCH);
	if (!rc)
		rc = lf_inbox_extents(&ask->at, (unsigned)disk, (const uint8_t *)ask->body, n, bits,
				      err);
	if (rc)
		return rc;
	lf_http_status(ask->x, 200);
	lf_http_answer_take(ask->x, "application/octet-stream", (char *)lf_steal(&bits),
			    (n + 7) / 8);
	return 0;
}

static void ask_free(void *context)
{
	struct ask *ask = context;

	if (ask->pack.fd >= 0)
		close(ask->pack.fd);
	if (ask->pack.path)
		unlink(ask->pack.path);
	free(ask->pack.path);
	json_decref(ask->doc);
	free(ask);
}

static int take_block(void *context, const void *data, size_t len, struct lf_error *err)
{
	struct pack *pack = &((struct ask *)context)->pack;
	int rc = lf_file_pwrite_all(pack->fd, data, len, pack->written, pack->path, err);

	pack->written += len;
	return rc;
}

static int begin_pack(struct ask *ask, struct lf_http_begin *ret_begin, struct lf_error *err)
{
	struct pack *pack = &ask->pack;
	int rc = lf_inbox_pack_path(&ask->at, &pack->path, err);

	if (rc)
		return rc;
	pack->fd = open(pack->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (pack->fd < 0)
		return lf_fail_sys(err, errno, pack->path, "cannot make a file");
	ret_begin->body_max = LF_PACK_BYTES_MAX;
	ret_begin->sink = take_block;
	return 0;
}

static int take_pack(struct ask *ask, struct lf_error *err)
{
	const struct pack *pack = &ask->pack;
	int rc = lf_file_sync(pack->fd, pack->path, err);

	if (!rc)
		rc = lf_inbox_adopt(&ask->at, pack->path, err);
	return rc ? rc : answer_empty(ask);
}

static int commit(struct ask *ask, struct lf_error *err)
{
	int rc = lf_inbox_commit(&ask->at, ask->doc, err);

	return rc ? rc : answer_empty(ask);
}

static int forget(struct ask *ask, struct lf_error *err)
{
	int rc = lf_inbox_forget(&ask->at, err);

	return rc ? rc : answer_empty(ask);
}

enum { JSON = 1, PACK = 2, LATER = 4 };
struct route {
	const char *method, *what;
	unsigned flags;
	ask_fn *fn;
	const char *action; /* of a line of the audit log when it went well, too */
};
static const struct route routes[] = {
	{"POST", "/begin", JSON, begin_point, "Landfall/peers/begin/action"},
	{"POST", "/extents", 0, take_extents},
	{"POST", "/packs", PACK | LATER, take_pack},
	{"POST", "/commit", JSON | LATER, commit, "Landfall/peers/commit/action"},
	{"DELETE", "", 0, forget, "Landfall/peers/forget/action"},
};

/* "/peer/v1/REGION/POINT" and what of it; NULL: nothing of ours. */
static const struct route *find_route(const struct lf_receive *receive,
				      const struct lf_http_exchange *x, struct lf_inbox_point *at)
{
	const char *path = lf_http_path(x) + strlen(ROOT);
	size_t region = strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789-");

	at->opts = &receive->opts;
	at->ends = receive->ends;
	if (!region || region >= sizeof(at->region) || path[region] != '/' ||
	    strlen(path + region + 1) < LF_GUID_SIZE - 1)
		return NULL;
	snprintf(at->region, sizeof(at->region), "%.*s", (int)region, path);
	snprintf(at->point, sizeof(at->point), "%s", path + region + 1);
	if (!lf_guid_valid(at->point))
		return NULL;
	const char *what = path + region + LF_GUID_SIZE;
	for (size_t i = 0; i < LF_N(routes); i++)
		if (strcmp(what, routes[i].what) == 0 &&
		    strcmp(lf_http_method(x), routes[i].method) == 0)
			return &routes[i];
	return NULL;
}

/* Whose secret is it?  A key that is for other regions is good for nothing here. */
static int authenticate(const struct lf_receive *receive, const struct lf_http_exchange *x,
			struct lf_inbox_point *at, struct lf_error *err)
{
	static const char scheme[] = "Bearer ";
	const char *given = lf_http_header(x, "Authorization");
	bool bearer = given && strncmp(given, scheme, strlen(scheme)) == 0;

	return lf_pairing_check(receive->opts.data_dir, bearer ? given + strlen(scheme) : "",
				at->region, at->pairing, err);
}

/* A line of the audit log: what peers are refused, and what they begin, make and let go of. */
static void audit(const struct lf_receive *receive, const struct lf_http_exchange *x,
		  const struct route *route, const struct lf_inbox_point *at,
		  const struct lf_error *err)
{
	struct lf_audit_event event = {
		.action = route && route->action ? route->action : "Landfall/peers/action",
		.principal = at->pairing[0] ? at->pairing : NULL,
		.durable = !err->code,
		.guest = true,
	};

	if (err->code || route->action)
		lf_audit_exchange(receive->opts.audit, x, &event, err);
}

/* Who asks, before any of the body is read. */
static int begin(void *context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	struct lf_receive *receive = context;
	struct lf_error err = LF_ERROR_NONE;
	struct ask *ask = calloc(1, sizeof(*ask));
	int rc = ask ? 0 : lf_fail_nomem(&err);

	if (!rc) {
		ask->receive = receive;
		ask->x = x;
		ask->pack.fd = -1;
		ask->route = find_route(receive, x, &ask->at);
		*ret_begin = (struct lf_http_begin){
			.body_max = BODY_MAX, .release = ask_free, .context = ask};
		rc = authenticate(receive, x, &ask->at, &err);
	}
	if (!rc && !ask->route)
		rc = lf_fail(&err, LF_ENOTFOUND, NULL, "there is nothing at this path");
	ret_begin->known = !rc;
	if (!rc && ask->route->flags & PACK)
		rc = begin_pack(ask, ret_begin, &err);
	if (rc) {
		lf_http_answer_error(x, &err);
		if (ask)
			audit(receive, x, ask->route, &ask->at, &err);
	}
	return rc;
}

static int serve(struct ask *ask, struct lf_error *err)
{
	int rc = 0;

	ask->body = lf_http_body(ask->x, &ask->len);
	if (ask->route->flags & JSON)
		rc = lf_json_parse(ask->body, ask->len, &ask->doc, err);
	return rc ? rc : ask->route->fn(ask, err);
}

static void answer(struct ask *ask, int rc, struct lf_error *err)
{
	if (rc)
		lf_http_answer_error(ask->x, err);
	else
		*err = LF_ERROR_NONE;
	audit(ask->receive, ask->x, ask->route, &ask->at, err);
}

static void serve_later(void *context, const atomic_bool *stopping)
{
	struct ask *ask = context;
	struct lf_error err = LF_ERROR_NONE;

	ask->at.stopping = stopping;
	int rc = *stopping ? lf_fail(&err, LF_EUNREACHABLE, NULL, "the site is stopping")
			   : serve(ask, &err);
	answer(ask, rc, &err);
}

static void complete(void *context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *sink_err)
{
	struct lf_receive *receive = context;
	struct ask *ask = lf_http_state(x);
	struct lf_error err = LF_ERROR_NONE;
	int rc;

	if (sink_error) {
		lf_http_answer_error(x, sink_err);
		return;
	}
	if (ask->route->flags & LATER && receive->opts.later) {
		rc = lf_later_give(receive->opts.later, x, ask->at.pairing, serve_later, ask, &err);
		if (!rc)
			return;
	} else
		rc = serve(ask, &err);
	answer(ask, rc, &err);
}

int lf_receive_open(const struct lf_receive_opts *opts, struct lf_receive **ret_receive,
		    struct lf_error *err)
{
	struct lf_receive *receive = calloc(1, sizeof(*receive));

	if (!receive)
		return lf_fail_nomem(err);
	int rc = lf_journal_ends_new(&receive->ends, err);
	if (rc) {
		lf_receive_free(receive);
		return rc;
	}
	receive->opts = *opts;
	receive->handler = (struct lf_http_handler){begin, complete, receive};
	*ret_receive = receive;
	return 0;
}

void lf_receive_free(struct lf_receive *receive)
{
	if (receive)
		lf_journal_ends_free(receive->ends);
	free(receive);
}

bool lf_receive_matches(void *receive, const struct lf_http_exchange *x)
{
	(void)receive;
	return strncmp(lf_http_path(x), ROOT, strlen(ROOT)) == 0;
}

const struct lf_http_handler *lf_receive_http_handler(struct lf_receive *receive)
{
	return &receive->handler;
}

int lf_receive_sweep(struct lf_receive *receive, struct lf_error *err)
{
	return lf_inbox_sweep(&receive->opts,
			      lf_clock_expiry_ns(receive->opts.clock) / LF_NS_PER_S -
				      FORGET_DAYS * 24 * 3600,
			      err);
}
