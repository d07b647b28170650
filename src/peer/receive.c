/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peers' protocol as routes (http/endpoint.h) over peer/inbox.h.  A pack is written into a file
 * of the inbox as it comes, and the file is gone when its request ends, unless the vault took it.
 */
#include "peer/receive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/exchange.h"
#include "base/text.h"
#include "http/endpoint.h"
#include "os/file.h"
#include "peer/inbox.h"
#include "inflow/journal.h"
#include "vault/flow/copy.h"
#include "vault/pack/footer.h"
#include "vault/pack/key.h"

#define BODY_MAX    (8u << 20)
#define FORGET_DAYS 7

struct lf_receive {
	struct lf_receive_opts opts;
	struct lf_journal_ends *ends;
	struct lf_endpoint *endpoint;
};

/* A pack that comes: a file in the inbox, gone again unless the vault took it. */
struct pack {
	char *path;
	int fd;
	uint64_t written;
};

/* One request. */
struct ask {
	struct lf_endpoint_ask base; /* who: the pairing; name: the region; guid: the point */
	struct lf_inbox_point at;
	struct pack pack;
};

static struct ask *ask_of(struct lf_endpoint_ask *base)
{
	return (struct ask *)base;
}

/* What takes long is told of a stop. */
static const struct lf_inbox_point *point_of(struct lf_endpoint_ask *base)
{
	struct ask *ask = ask_of(base);

	ask->at.stopping = base->stopping;
	return &ask->at;
}

static int begin_point(struct lf_endpoint_ask *ask, struct lf_error *err)
{
	struct lf_domain_key key = {0};
	uint8_t id_key[32];
	char hex[65];
	bool base = false;

	int rc = lf_hex_decode(lf_json_text_or(ask->doc, "idKey", ""), id_key, sizeof(id_key), err);
	if (!rc)
		rc = lf_inbox_begin(point_of(ask), id_key, lf_json_text(ask->doc, "basePoint"),
				    &key, &base, err);
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
static int take_extents(struct lf_endpoint_ask *ask, struct lf_error *err)
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
		rc = lf_inbox_extents(point_of(ask), (unsigned)disk, (const uint8_t *)ask->body, n,
				      bits, err);
	return rc ? rc : lf_endpoint_answer_bits(ask, lf_steal(&bits), n);
}

static void ask_done(struct lf_endpoint_ask *base)
{
	struct pack *pack = &ask_of(base)->pack;

	if (!pack->path)
		return;
	if (pack->fd >= 0)
		close(pack->fd);
	unlink(pack->path);
	free(pack->path);
}

static int take_block(struct lf_endpoint_ask *ask, const void *data, size_t len,
		      struct lf_error *err)
{
	struct pack *pack = &ask_of(ask)->pack;
	int rc = lf_file_pwrite_all(pack->fd, data, len, pack->written, pack->path, err);

	pack->written += len;
	return rc;
}

/* A pack goes into a file as it comes. */
static int open_pack(struct ask *ask, struct lf_error *err)
{
	struct pack *pack = &ask->pack;
	int rc = lf_inbox_pack_path(&ask->at, &pack->path, err);

	if (rc)
		return rc;
	pack->fd = open(pack->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return pack->fd >= 0 ? 0 : lf_fail_sys(err, errno, pack->path, "cannot make a file");
}

static int take_pack(struct lf_endpoint_ask *ask, struct lf_error *err)
{
	const struct pack *pack = &ask_of(ask)->pack;
	int rc = lf_file_sync(pack->fd, pack->path, err);

	if (!rc)
		rc = lf_inbox_adopt(point_of(ask), pack->path, err);
	return rc ? rc : lf_endpoint_answer_empty(ask);
}

static int commit(struct lf_endpoint_ask *ask, struct lf_error *err)
{
	int rc = lf_inbox_commit(point_of(ask), ask->doc, err);

	return rc ? rc : lf_endpoint_answer_empty(ask);
}

static int forget(struct lf_endpoint_ask *ask, struct lf_error *err)
{
	int rc = lf_inbox_forget(point_of(ask), err);

	return rc ? rc : lf_endpoint_answer_empty(ask);
}

#define JSON  LF_ENDPOINT_JSON
#define LATER LF_ENDPOINT_LATER
static const struct lf_endpoint_route routes[] = {
	{"POST", "%/*/begin", JSON, BODY_MAX, begin_point, "Landfall/peers/begin/action"},
	{"POST", "%/*/extents", 0, BODY_MAX, take_extents},
	{"POST", "%/*/packs", LATER, LF_PACK_BYTES_MAX, take_pack, NULL, take_block},
	{"POST", "%/*/commit", JSON | LATER, BODY_MAX, commit, "Landfall/peers/commit/action"},
	{"DELETE", "%/*", 0, BODY_MAX, forget, "Landfall/peers/forget/action"},
};

/* Whose secret is it?  A key that is for other regions is good for nothing here. */
static int admit(struct lf_endpoint_ask *base, struct lf_error *err)
{
	static const char scheme[] = "Bearer ";
	const struct lf_receive *receive = base->context;
	const char *given = lf_http_header(base->x, "Authorization");
	bool bearer = given && strncmp(given, scheme, strlen(scheme)) == 0;
	struct ask *ask = ask_of(base);

	ask->at = (struct lf_inbox_point){.opts = &receive->opts, .ends = receive->ends};
	snprintf(ask->at.region, sizeof(ask->at.region), "%s", base->name);
	snprintf(ask->at.point, sizeof(ask->at.point), "%s", base->guid);
	int rc = lf_pairing_check(receive->opts.data_dir, bearer ? given + strlen(scheme) : "",
				  ask->at.region, ask->at.pairing, err);
	snprintf(base->who, sizeof(base->who), "%s", ask->at.pairing);
	return rc || !base->route || !base->route->sink ? rc : open_pack(ask, err);
}

/* A line of the audit log: what peers are refused, and what they begin, make and let go of. */
static void audit(struct lf_endpoint_ask *base, const struct lf_error *err)
{
	const struct lf_receive *receive = base->context;
	const char *action = base->route ? base->route->action : NULL;
	struct lf_audit_event event = {
		.action = action ? action : "Landfall/peers/action",
		.principal = base->who[0] ? base->who : NULL,
		.durable = !err->code,
		.guest = true,
	};

	if (action || err->code)
		lf_audit_exchange(receive->opts.audit, base->x, &event, err);
}

int lf_receive_open(const struct lf_receive_opts *opts, struct lf_receive **ret_receive,
		    struct lf_error *err)
{
	struct lf_receive *receive = calloc(1, sizeof(*receive));
	const struct lf_endpoint_opts endpoint = {.root = "/peer/v1/",
						  .routes = routes,
						  .n_routes = LF_N(routes),
						  .ask_size = sizeof(struct ask),
						  .later = opts->later,
						  .admit = admit,
						  .ended = audit,
						  .done = ask_done,
						  .context = receive};

	if (!receive)
		return lf_fail_nomem(err);
	receive->opts = *opts;
	int rc = lf_journal_ends_new(&receive->ends, err);
	if (!rc)
		rc = lf_endpoint_open(&endpoint, &receive->endpoint, err);
	if (rc) {
		lf_receive_free(receive);
		return rc;
	}
	*ret_receive = receive;
	return 0;
}

void lf_receive_free(struct lf_receive *receive)
{
	if (!receive)
		return;
	lf_endpoint_free(receive->endpoint);
	lf_journal_ends_free(receive->ends);
	free(receive);
}

bool lf_receive_matches(void *receive, const struct lf_http_exchange *x)
{
	return lf_endpoint_matches(((const struct lf_receive *)receive)->endpoint, x);
}

const struct lf_http_handler *lf_receive_http_handler(struct lf_receive *receive)
{
	return lf_endpoint_handler(receive->endpoint);
}

int lf_receive_sweep(struct lf_receive *receive, struct lf_error *err)
{
	return lf_inbox_sweep(&receive->opts,
			      lf_clock_expiry_ns(receive->opts.clock) / LF_NS_PER_S -
				      FORGET_DAYS * 24 * 3600,
			      err);
}
