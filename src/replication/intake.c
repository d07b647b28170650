/* SPDX-License-Identifier: Apache-2.0 */
#include "replication/intake.h"

#include <stdlib.h>
#include <string.h>

#include "http/json.h"
#include "replication/agents.h"
#include "replication/journal.h"
#include "replication/session.h"
#include "replication/state.h"

#define ROOT	     "/agent/v1/"
#define BODY_MAX     (8u << 20)
#define HAVE_IDS_MAX 65536
#define POLL_SECONDS 1

struct lf_intake {
	struct lf_intake_opts opts;
	struct lf_http_handler handler;
};

/* One request: who asks, what for. */
struct ask {
	struct lf_intake *intake;
	struct lf_http_exchange *x;
	const char *agent; /* NULL only for the open routes */
	char session[LF_GUID_SIZE];
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

static int get_ca(struct ask *ask, struct lf_error *err)
{
	(void)err;
	lf_http_status(ask->x, 200);
	lf_http_answer_copy(ask->x, "application/x-pem-file", ask->intake->opts.ca_cert);
	return 0;
}

static int register_agent(struct ask *ask, struct lf_error *err)
{
	LF_AUTO_FREE char *agent = NULL;
	LF_AUTO_FREE char *certificate = NULL;

	int rc = lf_agent_register(ask->intake->opts.replication,
				   lf_json_text_or(ask->doc, "secret", ""),
				   lf_json_text_or(ask->doc, "csr", ""),
				   lf_json_at(ask->doc, "inventory"), &agent, &certificate, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *answer = json_pack("{s:s,s:s}", "agentId", agent, "certificate", certificate);
	return answer ? lf_http_answer_json(ask->x, answer, err) : lf_fail_nomem(err);
}

static int poll(struct ask *ask, struct lf_error *err)
{
	const struct lf_intake_opts *opts = &ask->intake->opts;
	LF_AUTO_JSON *assignments = NULL;
	LF_AUTO_FREE char *token = NULL;
	json_t *status = lf_json_at(ask->doc, "status");

	int rc = lf_agent_update(opts->replication, ask->agent, lf_json_at(ask->doc, "inventory"),
				 err);
	if (rc)
		return rc;
	lf_report_put(opts->replication, ask->agent, json_incref(status));
	rc = lf_replication_assignments(opts->replication, ask->agent, &assignments, err);
	if (!rc && json_array_size(assignments))
		rc = opts->blob_token(opts->context, ask->agent, &token, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *answer = json_pack("{s:O,s:s?,s:i}", "assignments", assignments, "blobToken",
					 token, "pollSeconds", POLL_SECONDS);
	return answer ? lf_http_answer_json(ask->x, answer, err) : lf_fail_nomem(err);
}

static int begin_session(struct ask *ask, struct lf_error *err)
{
	LF_AUTO_JSON *answer = NULL;
	int rc = lf_replication_session_begin(ask->intake->opts.replication, ask->agent, ask->doc,
					      &answer, err);

	return rc ? rc : lf_http_answer_json(ask->x, answer, err);
}

static int have(struct ask *ask, struct lf_error *err)
{
	size_t n = ask->len / sizeof(struct lf_chunk_id);
	LF_AUTO_FREE uint8_t *bits = calloc(1, n / 8 + 1);

	if (ask->len % sizeof(struct lf_chunk_id) || n > HAVE_IDS_MAX)
		return lf_fail(err, LF_EINVAL, "body", "not a list of at most %d chunk ids",
			       HAVE_IDS_MAX);
	if (!bits)
		return lf_fail_nomem(err);
	int rc = lf_replication_session_have(
		ask->intake->opts.replication, ask->agent, ask->session,
		(const struct lf_chunk_id *)(const void *)ask->body, n, bits, err);
	if (rc)
		return rc;
	lf_http_status(ask->x, 200);
	lf_http_answer_take(ask->x, "application/octet-stream", (char *)lf_steal(&bits),
			    (n + 7) / 8);
	return 0;
}

/* The packs named, one a line, lie in the session's cache account: take them into the vault. */
static int adopt_packs(struct ask *ask, struct lf_error *err)
{
	const struct lf_intake_opts *opts = &ask->intake->opts;
	LF_AUTO_FREE char *account = NULL;
	uint8_t name_bytes[32];
	char name[65];

	int rc = lf_replication_session_cache(opts->replication, ask->agent, ask->session, &account,
					      err);
	for (const char *p = ask->body; !rc && *p;) {
		size_t len = strcspn(p, "\n");
		LF_AUTO_FREE char *path = NULL;
		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		rc = lf_hex_decode(name, name_bytes, sizeof(name_bytes), err);
		if (!rc)
			rc = opts->blob_path(opts->context, account, LF_PACK_CONTAINER, name, &path,
					     err);
		if (!rc)
			rc = lf_replication_session_adopt(opts->replication, ask->agent,
							  ask->session, path, err);
		p += len + (p[len] == '\n');
	}
	return rc ? rc : answer_empty(ask);
}

/* Query: disk=ID&upto=PAGE; body: records. */
static int take_extents(struct ask *ask, struct lf_error *err)
{
	char disk[LF_GUID_SIZE] = "", digits[24] = "";
	uint64_t upto;

	if (sscanf(lf_http_query(ask->x), "disk=%36[0-9a-fA-F-]&upto=%23[0-9]", disk, digits) != 2)
		return lf_fail(err, LF_EINVAL, "query", "give disk and upto");
	int rc = lf_parse_u64(digits, 0, UINT64_MAX, &upto, err);
	if (!rc && ask->len % LF_EXTENT_WIRE_SIZE)
		rc = lf_fail(err, LF_EINVAL, "body", "not a list of extents");
	if (!rc)
		rc = lf_replication_session_extents(
			ask->intake->opts.replication, ask->agent, ask->session, disk, upto,
			(const uint8_t *)ask->body, ask->len / LF_EXTENT_WIRE_SIZE, err);
	return rc ? rc : answer_empty(ask);
}

static int commit(struct ask *ask, struct lf_error *err)
{
	LF_AUTO_JSON *answer = NULL;
	int rc = lf_replication_session_commit(ask->intake->opts.replication, ask->agent,
					       ask->session, ask->doc, &answer, err);

	return rc ? rc : lf_http_answer_json(ask->x, answer, err);
}

enum { OPEN = 1, JSON = 2 };
static const struct {
	const char *method, *path; /* '*': a session id */
	unsigned flags;
	ask_fn *fn;
} routes[] = {
	{"GET", "ca", OPEN, get_ca},
	{"POST", "register", OPEN | JSON, register_agent},
	{"POST", "poll", JSON, poll},
	{"POST", "sessions", JSON, begin_session},
	{"POST", "sessions/*/have", 0, have},
	{"POST", "sessions/*/packs", 0, adopt_packs},
	{"POST", "sessions/*/extents", 0, take_extents},
	{"POST", "sessions/*/commit", JSON, commit},
};

/* Does path have the form of pattern?  The session id, if there is one, goes into session. */
static bool path_matches(const char *pattern, const char *path, char session[static LF_GUID_SIZE])
{
	const char *star = strchr(pattern, '*');
	size_t before = star ? (size_t)(star - pattern) : 0;

	if (!star)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0 || strlen(path) < before + LF_GUID_SIZE - 1 ||
	    strcmp(path + before + LF_GUID_SIZE - 1, star + 1) != 0)
		return false;
	memcpy(session, path + before, LF_GUID_SIZE - 1);
	session[LF_GUID_SIZE - 1] = '\0';
	return lf_guid_valid(session);
}

static int serve(struct ask *ask, struct lf_error *err)
{
	const char *path = lf_http_path(ask->x) + strlen(ROOT);

	for (size_t i = 0; i < LF_N(routes); i++) {
		if (!path_matches(routes[i].path, path, ask->session) ||
		    strcmp(routes[i].method, lf_http_method(ask->x)) != 0)
			continue;
		ask->agent = lf_http_client_name(ask->x);
		if (!ask->agent && !(routes[i].flags & OPEN))
			return lf_fail(err, LF_EUNAUTHENTICATED, NULL,
				       "a client certificate of this site is needed");
		ask->body = lf_http_body(ask->x, &ask->len);
		int rc = routes[i].flags & JSON ? lf_json_parse(ask->body, ask->len, &ask->doc, err)
						: 0;
		return rc ? rc : routes[i].fn(ask, err);
	}
	return lf_fail(err, LF_ENOTFOUND, NULL, "there is nothing at this path");
}

static int begin(void *context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	(void)context, (void)x;
	ret_begin->body_max = BODY_MAX;
	return 0;
}

static void complete(void *context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *sink_err)
{
	struct ask ask = {.intake = context, .x = x};
	struct lf_error err = LF_ERROR_NONE;

	if (sink_error)
		lf_http_answer_error(x, sink_err);
	else if (serve(&ask, &err))
		lf_http_answer_error(x, &err);
	json_decref(ask.doc);
}

int lf_intake_open(const struct lf_intake_opts *opts, struct lf_intake **ret_intake,
		   struct lf_error *err)
{
	struct lf_intake *intake = calloc(1, sizeof(*intake));

	if (!intake)
		return lf_fail_nomem(err);
	intake->opts = *opts;
	intake->handler = (struct lf_http_handler){begin, complete, intake};
	*ret_intake = intake;
	return 0;
}

void lf_intake_free(struct lf_intake *intake)
{
	free(intake);
}

bool lf_intake_matches(void *intake, const struct lf_http_exchange *x)
{
	(void)intake;
	return strncmp(lf_http_path(x), ROOT, strlen(ROOT)) == 0;
}

const struct lf_http_handler *lf_intake_http_handler(struct lf_intake *intake)
{
	return &intake->handler;
}
