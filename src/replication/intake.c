/* SPDX-License-Identifier: Apache-2.0 */
#include "replication/intake.h"

#include <stdlib.h>
#include <string.h>

#include "audit/exchange.h"
#include "http/json.h"
#include "replication/agents.h"
#include "replication/inventory.h"
#include "inflow/journal.h"
#include "replication/session.h"
#include "replication/state.h"

#define ROOT	       "/agent/v1/"
#define HAVE_IDS_MAX   65536
#define PACKS_MAX      16 /* of one call: it is served by a thread of the server's */
#define PACK_LINE      65
#define POLL_SECONDS   1
#define REGISTER_BYTES (96u << 10) /* an inventory and a request for a certificate */
#define POLL_BYTES     (512u << 10)
#define SMALL_BYTES    (64u << 10)

struct lf_intake {
	struct lf_intake_opts opts;
	struct lf_http_handler handler;
};

/* What the head of a request decides, kept to its end. */
struct admission {
	size_t route;
	char agent[LF_GUID_SIZE]; /* "" only for the open routes */
	char fingerprint[65];
	char session[LF_GUID_SIZE];
};

/* One request: who asks, what for. */
struct ask {
	struct lf_intake *intake;
	struct lf_http_exchange *x;
	const char *agent, *fingerprint, *session; /* of the admission */
	struct lf_transfer_session *opened;	   /* the session, where the route needs it */
	const char *body;
	size_t len;
	json_t *doc; /* body as JSON, where the route takes it */
	size_t route;
	const atomic_bool *stopping; /* NULL: served at once */
	char made[LF_GUID_SIZE];     /* the agent that was registered */
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
	snprintf(ask->made, sizeof(ask->made), "%s", agent);
	LF_AUTO_JSON *answer = json_pack("{s:s,s:s}", "agentId", agent, "certificate", certificate);
	return answer ? lf_http_answer_json(ask->x, answer, err) : lf_fail_nomem(err);
}

static int renew(struct ask *ask, struct lf_error *err)
{
	LF_AUTO_FREE char *certificate = NULL;
	int rc = lf_agent_renew(ask->intake->opts.replication, ask->agent, ask->fingerprint,
				lf_json_text_or(ask->doc, "csr", ""), &certificate, err);

	if (rc)
		return rc;
	LF_AUTO_JSON *answer = json_pack("{s:s}", "certificate", certificate);
	return answer ? lf_http_answer_json(ask->x, answer, err) : lf_fail_nomem(err);
}

static int take_report(struct ask *ask, struct lf_error *err)
{
	struct lf_replication *replication = ask->intake->opts.replication;
	LF_AUTO_JSON *status = NULL;

	int rc = lf_agent_update(replication, ask->agent, lf_json_at(ask->doc, "inventory"), err);
	if (!rc)
		rc = lf_status_check(lf_json_at(ask->doc, "status"), &status, err);
	if (!rc)
		lf_report_put(replication, ask->agent, lf_steal(&status));
	return rc;
}

static int poll(struct ask *ask, struct lf_error *err)
{
	const struct lf_intake_opts *opts = &ask->intake->opts;
	LF_AUTO_JSON *assignments = NULL;
	LF_AUTO_FREE char *token = NULL;
	bool due = false;

	int rc = take_report(ask, err);
	if (!rc)
		rc = lf_replication_assignments(opts->replication, ask->agent, &assignments, err);
	if (!rc)
		rc = lf_agent_renewal_due(opts->replication, ask->agent, ask->fingerprint, &due,
					  err);
	if (!rc && json_array_size(assignments))
		rc = opts->blob_token(opts->context, ask->agent, &token, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *answer =
		json_pack("{s:O,s:s?,s:i,s:b}", "assignments", assignments, "blobToken", token,
			  "pollSeconds", POLL_SECONDS, "renewCertificate", due);
	return answer ? lf_http_answer_json(ask->x, answer, err) : lf_fail_nomem(err);
}

static int begin_session(struct ask *ask, struct lf_error *err)
{
	const struct lf_intake_opts *opts = &ask->intake->opts;
	LF_AUTO_TRANSFER_SESSION session = {0};
	LF_AUTO_JSON *answer = NULL;
	char container[LF_PACK_CONTAINER_SIZE];

	int rc =
		lf_replication_session_begin(opts->replication, ask->agent, ask->doc, &answer, err);
	if (!rc)
		rc = lf_session_open(opts->replication, ask->agent,
				     lf_json_text_or(answer, "sessionId", ""), &session, err);
	lf_pack_container(ask->agent, container);
	if (!rc && session.account[0])
		rc = opts->blob_container(opts->context, session.account, container, err);
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
	int rc = lf_session_have(ask->opened, (const struct lf_chunk_id *)(const void *)ask->body,
				 n, bits, err);
	if (rc)
		return rc;
	lf_http_status(ask->x, 200);
	lf_http_answer_take(ask->x, "application/octet-stream", (char *)lf_steal(&bits),
			    (n + 7) / 8);
	return 0;
}

static int adopt_pack(struct ask *ask, const char *name, struct lf_error *err)
{
	const struct lf_intake_opts *opts = &ask->intake->opts;
	LF_AUTO_FREE char *path = NULL;
	char container[LF_PACK_CONTAINER_SIZE];

	lf_pack_container(ask->agent, container);
	int rc = opts->blob_path(opts->context, ask->opened->account, container, name, &path, err);
	return rc ? rc : lf_session_adopt(ask->opened, path, err);
}

/* The packs named, one a line, lie in the agent's own container of the session's cache account:
 * take them into the vault. */
static int adopt_packs(struct ask *ask, struct lf_error *err)
{
	uint8_t name_bytes[32];
	char name[PACK_LINE];
	int rc = 0, n = 0;

	for (const char *p = ask->body; !rc && *p; n++) {
		if (ask->stopping && *ask->stopping)
			return lf_fail(err, LF_EUNREACHABLE, NULL, "the site is stopping");
		size_t len = strcspn(p, "\n");
		if (n == PACKS_MAX)
			return lf_fail(err, LF_EINVAL, "body", "name at most %d packs", PACKS_MAX);
		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		rc = len < sizeof(name)
			     ? lf_hex_decode(name, name_bytes, sizeof(name_bytes), err)
			     : lf_fail(err, LF_EINVAL, "body", "a pack's name has 64 hex digits");
		if (!rc)
			rc = adopt_pack(ask, name, err);
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
		rc = lf_session_extents(ask->opened, disk, upto, (const uint8_t *)ask->body,
					ask->len / LF_EXTENT_WIRE_SIZE, err);
	return rc ? rc : answer_empty(ask);
}

/* The answer of a commit, by the thread that made the point. */
static void commit_ended(void *context, const json_t *answer, const struct lf_error *commit_err)
{
	struct lf_http_exchange *x = context;
	struct lf_error err = *commit_err;

	if (!answer || lf_http_answer_json(x, answer, &err))
		lf_http_answer_error(x, &err);
	lf_http_resume(x);
}

/* It takes as long as the session has extents: no thread that answers waits for it. */
static int commit(struct ask *ask, struct lf_error *err)
{
	lf_http_suspend(ask->x);
	if (lf_replication_commit_later(ask->intake->opts.replication, ask->agent, ask->session,
					ask->doc, commit_ended, ask->x, err))
		commit_ended(ask->x, NULL, err);
	return 0;
}

enum { OPEN = 1, JSON = 2, LATER = 4, SESSION = 8 };
static const struct {
	const char *method, *path; /* '*': a session id */
	unsigned flags;
	uint32_t body_max;
	ask_fn *fn;
	const char *action; /* of a line of the audit log when it went well, too */
} routes[] = {
	{"GET", "ca", OPEN, 0, get_ca},
	{"POST", "register", OPEN | JSON, REGISTER_BYTES, register_agent,
	 "Landfall/agents/register/action"},
	{"POST", "renew", JSON, SMALL_BYTES, renew, "Landfall/agents/renew/action"},
	{"POST", "poll", JSON, POLL_BYTES, poll},
	{"POST", "sessions", JSON, SMALL_BYTES, begin_session},
	{"POST", "sessions/*/have", SESSION, HAVE_IDS_MAX * sizeof(struct lf_chunk_id), have},
	{"POST", "sessions/*/packs", SESSION | LATER, PACKS_MAX *PACK_LINE, adopt_packs},
	{"POST", "sessions/*/extents", SESSION, LF_BATCH_RECORDS_MAX *LF_EXTENT_WIRE_SIZE,
	 take_extents},
	{"POST", "sessions/*/commit", JSON, SMALL_BYTES, commit},
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

static int find_route(const struct lf_http_exchange *x, struct admission *admission,
		      struct lf_error *err)
{
	const char *path = lf_http_path(x) + strlen(ROOT);

	for (size_t i = 0; i < LF_N(routes); i++)
		if (path_matches(routes[i].path, path, admission->session) &&
		    strcmp(routes[i].method, lf_http_method(x)) == 0) {
			admission->route = i;
			return 0;
		}
	return lf_fail(err, LF_ENOTFOUND, NULL, "there is nothing at this path");
}

/* Who asks: a certificate of our CA that the agent's row names. */
static int admit(const struct lf_intake *intake, const struct lf_http_exchange *x,
		 struct admission *admission, struct lf_error *err)
{
	const char *agent = lf_http_client_name(x), *fingerprint = lf_http_client_fingerprint(x);

	if (routes[admission->route].flags & OPEN)
		return 0;
	if (!agent || !fingerprint)
		return lf_fail(err, LF_EUNAUTHENTICATED, NULL,
			       "a client certificate of this site is needed");
	int rc = lf_agent_admit(intake->opts.replication, agent, fingerprint, err);
	if (rc)
		return rc;
	snprintf(admission->agent, sizeof(admission->agent), "%s", agent);
	snprintf(admission->fingerprint, sizeof(admission->fingerprint), "%s", fingerprint);
	return 0;
}

/* A line of the audit log: what agents are refused, and what makes one. */
static void audit(const struct lf_intake *intake, const struct lf_http_exchange *x,
		  const struct admission *admission, const struct ask *ask,
		  const struct lf_error *err)
{
	const char *action = admission ? routes[admission->route].action : NULL;
	struct lf_audit_event event = {
		.action = action ? action : "Landfall/agents/action",
		.principal = admission && admission->agent[0] ? admission->agent : NULL,
		.detail = ask ? lf_json_text(ask->doc, "inventory.machineName") : NULL,
		.durable = !err->code,
		.guest = true,
	};

	if (ask && !err->code && !event.principal)
		event.principal = ask->made;
	if (action || err->code)
		lf_audit_exchange(intake->opts.audit, x, &event, err);
}

/* The head of a request: nobody's body is read before it is known who sends it. */
static int begin(void *context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	struct admission *admission = calloc(1, sizeof(*admission));
	struct lf_error err = LF_ERROR_NONE;

	int rc = admission ? find_route(x, admission, &err) : lf_fail_nomem(&err);
	if (!rc)
		rc = admit(context, x, admission, &err);
	if (rc) {
		free(admission);
		lf_http_answer_error(x, &err);
		audit(context, x, NULL, NULL, &err);
		return rc;
	}
	*ret_begin = (struct lf_http_begin){.body_max = routes[admission->route].body_max,
					    .known = !(routes[admission->route].flags & OPEN),
					    .release = free,
					    .context = admission};
	return 0;
}

/* A session is opened once for all that a request does. */
static int serve(struct ask *ask, struct lf_error *err)
{
	LF_AUTO_TRANSFER_SESSION session = {0};
	unsigned flags = routes[ask->route].flags;
	int rc = 0;

	ask->body = lf_http_body(ask->x, &ask->len);
	if (flags & JSON)
		rc = lf_json_parse(ask->body, ask->len, &ask->doc, err);
	if (!rc && flags & SESSION)
		rc = lf_session_open(ask->intake->opts.replication, ask->agent, ask->session,
				     &session, err);
	ask->opened = &session;
	if (!rc)
		rc = routes[ask->route].fn(ask, err);
	ask->opened = NULL;
	return rc;
}

static void answer(struct ask *ask, int rc, struct lf_error *err)
{
	if (rc)
		lf_http_answer_error(ask->x, err);
	else
		*err = LF_ERROR_NONE;
	audit(ask->intake, ask->x, lf_http_state(ask->x), ask, err);
	json_decref(ask->doc);
}

static void serve_later(void *context, const atomic_bool *stopping)
{
	LF_AUTO_FREE struct ask *ask = context;
	struct lf_error err = LF_ERROR_NONE;

	ask->stopping = stopping;
	int rc = serve(ask, &err);
	answer(ask, rc, &err);
}

/* What takes long does not keep a thread that answers. */
static int put_off(const struct ask *ask, struct lf_error *err)
{
	LF_AUTO_FREE struct ask *kept = malloc(sizeof(*kept));

	if (!kept)
		return lf_fail_nomem(err);
	*kept = *ask;
	int rc = lf_later_give(ask->intake->opts.later, ask->x, ask->agent, serve_later, kept, err);
	if (!rc)
		(void)lf_steal(&kept);
	return rc;
}

static void complete(void *context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *sink_err)
{
	const struct admission *admission = lf_http_state(x);
	struct ask ask = {.intake = context,
			  .x = x,
			  .route = admission->route,
			  .agent = admission->agent,
			  .fingerprint = admission->fingerprint,
			  .session = admission->session};
	struct lf_error err = LF_ERROR_NONE;
	int rc = sink_error;

	if (sink_error)
		err = *sink_err;
	else if (routes[ask.route].flags & LATER && ask.intake->opts.later) {
		rc = put_off(&ask, &err);
		if (!rc)
			return;
	} else
		rc = serve(&ask, &err);
	answer(&ask, rc, &err);
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
