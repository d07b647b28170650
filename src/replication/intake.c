/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agents' protocol as routes (http/endpoint.h): what each call's body and query may be, and
 * what of replication/ it calls.  What an answer says is durable before it is sent: a kill loses
 * no more than the answer, and the agent asks again.
 */
#include "replication/intake.h"

#include <stdlib.h>
#include <string.h>

#include "audit/exchange.h"
#include "http/endpoint.h"
#include "replication/agents.h"
#include "replication/assign/rendezvous.h"
#include "replication/inventory.h"
#include "inflow/journal.h"
#include "replication/session.h"
#include "replication/state.h"

#define HAVE_IDS_MAX   65536
#define PACKS_MAX      16 /* of one call: it is served by a thread of the server's */
#define PACK_LINE      65
#define POLL_SECONDS   1
#define REGISTER_BYTES (96u << 10) /* an inventory and a request for a certificate */
#define POLL_BYTES     (512u << 10)
#define SMALL_BYTES    (64u << 10)
#define COMMIT_BYTES   (2u << 20) /* with what cannot be read, and what was held */

struct lf_intake {
	struct lf_intake_opts opts;
	struct lf_endpoint *endpoint;
};

/* One request. */
struct ask {
	struct lf_endpoint_ask at; /* who: the agent; guid: the session */
	const struct lf_intake_opts *opts;
	char fingerprint[65];		   /* of the agent's certificate */
	char made[LF_GUID_SIZE];	   /* the agent that was registered */
	struct lf_transfer_session opened; /* by open_session() */
};

static struct ask *ask_of(struct lf_endpoint_ask *at)
{
	return (struct ask *)at;
}

/* The session of the path: opened once for all that the request does. */
static int open_session(struct ask *ask, struct lf_error *err)
{
	return lf_session_open(ask->opts->replication, ask->at.who, ask->at.guid, &ask->opened,
			       err);
}

static int get_ca(struct lf_endpoint_ask *at, struct lf_error *err)
{
	struct ask *ask = ask_of(at);
	(void)err;
	lf_http_status(ask->at.x, 200);
	lf_http_answer_copy(ask->at.x, "application/x-pem-file", ask->opts->ca_cert);
	return 0;
}

static int register_agent(struct lf_endpoint_ask *at, struct lf_error *err)
{
	struct ask *ask = ask_of(at);
	LF_AUTO_FREE char *agent = NULL;
	LF_AUTO_FREE char *certificate = NULL;

	int rc = lf_agent_register(ask->opts->replication,
				   lf_json_text_or(ask->at.doc, "secret", ""),
				   lf_json_text_or(ask->at.doc, "csr", ""),
				   lf_json_at(ask->at.doc, "inventory"), &agent, &certificate, err);
	if (rc)
		return rc;
	snprintf(ask->made, sizeof(ask->made), "%s", agent);
	LF_AUTO_JSON *answer = json_pack("{s:s,s:s}", "agentId", agent, "certificate", certificate);
	return answer ? lf_http_answer_json(ask->at.x, answer, err) : lf_fail_nomem(err);
}

static int renew(struct lf_endpoint_ask *at, struct lf_error *err)
{
	struct ask *ask = ask_of(at);
	LF_AUTO_FREE char *certificate = NULL;
	int rc = lf_agent_renew(ask->opts->replication, ask->at.who, ask->fingerprint,
				lf_json_text_or(ask->at.doc, "csr", ""), &certificate, err);

	if (rc)
		return rc;
	LF_AUTO_JSON *answer = json_pack("{s:s}", "certificate", certificate);
	return answer ? lf_http_answer_json(ask->at.x, answer, err) : lf_fail_nomem(err);
}

static int take_report(struct ask *ask, struct lf_error *err)
{
	struct lf_replication *replication = ask->opts->replication;
	LF_AUTO_JSON *status = NULL;

	int rc = lf_agent_update(replication, ask->at.who, lf_json_at(ask->at.doc, "inventory"),
				 err);
	if (!rc)
		rc = lf_status_check(lf_json_at(ask->at.doc, "status"), &status, err);
	if (!rc)
		lf_report_put(replication, ask->at.who, lf_steal(&status));
	return rc;
}

static int poll(struct lf_endpoint_ask *at, struct lf_error *err)
{
	struct ask *ask = ask_of(at);
	const struct lf_intake_opts *opts = ask->opts;
	LF_AUTO_JSON *assignments = NULL;
	LF_AUTO_FREE char *token = NULL;
	bool due = false;

	int rc = take_report(ask, err);
	if (!rc)
		rc = lf_replication_assignments(opts->replication, ask->at.who, &assignments, err);
	if (!rc)
		rc = lf_agent_renewal_due(opts->replication, ask->at.who, ask->fingerprint, &due,
					  err);
	if (!rc && json_array_size(assignments))
		rc = opts->blob_token(opts->context, ask->at.who, &token, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *answer =
		json_pack("{s:O,s:s?,s:i,s:b}", "assignments", assignments, "blobToken", token,
			  "pollSeconds", POLL_SECONDS, "renewCertificate", due);
	return answer ? lf_http_answer_json(ask->at.x, answer, err) : lf_fail_nomem(err);
}

static int begin_session(struct lf_endpoint_ask *at, struct lf_error *err)
{
	struct ask *ask = ask_of(at);
	const struct lf_intake_opts *opts = ask->opts;
	LF_AUTO_TRANSFER_SESSION session = {0};
	LF_AUTO_JSON *answer = NULL;
	char container[LF_PACK_CONTAINER_SIZE];

	int rc = lf_replication_session_begin(opts->replication, ask->at.who, ask->at.doc, &answer,
					      err);
	if (!rc)
		rc = lf_session_open(opts->replication, ask->at.who,
				     lf_json_text_or(answer, "sessionId", ""), &session, err);
	lf_pack_container(ask->at.who, container);
	if (!rc && session.account[0])
		rc = opts->blob_container(opts->context, session.account, container, err);
	return rc ? rc : lf_http_answer_json(ask->at.x, answer, err);
}

static int have(struct lf_endpoint_ask *at, struct lf_error *err)
{
	struct ask *ask = ask_of(at);
	size_t n = at->len / sizeof(struct lf_chunk_id);
	LF_AUTO_FREE uint8_t *bits = calloc(1, n / 8 + 1);

	if (at->len % sizeof(struct lf_chunk_id) || n > HAVE_IDS_MAX)
		return lf_fail(err, LF_EINVAL, "body", "not a list of at most %d chunk ids",
			       HAVE_IDS_MAX);
	int rc = bits ? open_session(ask, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_session_have(&ask->opened,
				     (const struct lf_chunk_id *)(const void *)at->body, n, bits,
				     err);
	return rc ? rc : lf_endpoint_answer_bits(at, lf_steal(&bits), n);
}

static int adopt_pack(struct ask *ask, const char *name, struct lf_error *err)
{
	const struct lf_intake_opts *opts = ask->opts;
	LF_AUTO_FREE char *path = NULL;
	char container[LF_PACK_CONTAINER_SIZE];

	lf_pack_container(ask->at.who, container);
	int rc = opts->blob_path(opts->context, ask->opened.account, container, name, &path, err);
	return rc ? rc : lf_session_adopt(&ask->opened, path, err);
}

/* The packs named, one a line, lie in the agent's own container of the session's cache account:
 * take them into the vault. */
static int adopt_packs(struct lf_endpoint_ask *at, struct lf_error *err)
{
	struct ask *ask = ask_of(at);
	uint8_t name_bytes[32];
	char name[PACK_LINE];
	int rc = open_session(ask, err), n = 0;

	for (const char *p = ask->at.body; !rc && *p; n++) {
		if (ask->at.stopping && *ask->at.stopping)
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
	return rc ? rc : lf_endpoint_answer_empty(at);
}

/* Query: disk=ID&upto=PAGE; body: records. */
static int take_extents(struct lf_endpoint_ask *at, struct lf_error *err)
{
	struct ask *ask = ask_of(at);
	char disk[LF_GUID_SIZE] = "", digits[24] = "";
	uint64_t upto;

	if (sscanf(lf_http_query(ask->at.x), "disk=%36[0-9a-fA-F-]&upto=%23[0-9]", disk, digits) !=
	    2)
		return lf_fail(err, LF_EINVAL, "query", "give disk and upto");
	int rc = lf_parse_u64(digits, 0, UINT64_MAX, &upto, err);
	if (!rc && ask->at.len % LF_EXTENT_WIRE_SIZE)
		rc = lf_fail(err, LF_EINVAL, "body", "not a list of extents");
	if (!rc)
		rc = open_session(ask, err);
	if (!rc)
		rc = lf_session_extents(&ask->opened, disk, upto, (const uint8_t *)ask->at.body,
					ask->at.len / LF_EXTENT_WIRE_SIZE, err);
	return rc ? rc : lf_endpoint_answer_empty(at);
}

/* How far the session is on the way to the instant of its group. */
static int meet(struct lf_endpoint_ask *at, struct lf_error *err)
{
	static const char *const stages[] = {
		[LF_RENDEZVOUS_READY] = "ready", [LF_RENDEZVOUS_HELD] = "held", NULL};
	struct said {
		enum lf_rendezvous_stage stage;
	} said = {0};
	static const struct lf_field rows[] = {
		LF_ENUM_AT(struct said, stage, "stage", LF_REQUIRED, stages),
	};
	struct lf_replication *replication = ask_of(at)->opts->replication;

	int rc = lf_fields_read(rows, LF_N(rows), at->doc, "", &said, err);
	if (!rc)
		rc = lf_session_check_owner(replication, at->who, at->guid, err);
	if (rc)
		return rc;
	const struct lf_rendezvous_answer met =
		lf_rendezvous_stage(replication, at->guid, said.stage);
	LF_AUTO_JSON *answer = json_pack("{s:b,s:b}", "go", (int)met.go, "lost", (int)met.lost);
	return answer ? lf_http_answer_json(at->x, answer, err) : lf_fail_nomem(err);
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
static int commit(struct lf_endpoint_ask *at, struct lf_error *err)
{
	const struct ask *ask = ask_of(at);

	lf_http_suspend(at->x);
	if (lf_replication_commit_later(ask->opts->replication, at->who, at->guid, at->doc,
					commit_ended, at->x, err))
		commit_ended(at->x, NULL, err);
	return 0;
}

/* The agent takes the order to shut its machine down, or could not. */
static int shut_down(struct lf_endpoint_ask *at, struct lf_error *err)
{
	const struct ask *ask = ask_of(at);
	LF_AUTO_JSON *answer = json_object();
	int rc = lf_replication_shut_down(ask->opts->replication, at->who, at->doc, err);

	return rc ? rc : lf_http_answer_json(at->x, answer, err);
}

#define JSON LF_ENDPOINT_JSON
static const struct lf_endpoint_route routes[] = {
	{"GET", "ca", LF_ENDPOINT_OPEN, 0, get_ca},
	{"POST", "register", LF_ENDPOINT_OPEN | JSON, REGISTER_BYTES, register_agent,
	 "Landfall/agents/register/action"},
	{"POST", "renew", JSON, SMALL_BYTES, renew, "Landfall/agents/renew/action"},
	{"POST", "poll", JSON, POLL_BYTES, poll},
	{"POST", "shutdown", JSON, SMALL_BYTES, shut_down, "Landfall/agents/shutdown/action"},
	{"POST", "sessions", JSON, SMALL_BYTES, begin_session},
	{"POST", "sessions/*/have", 0, HAVE_IDS_MAX * sizeof(struct lf_chunk_id), have},
	{"POST", "sessions/*/packs", LF_ENDPOINT_LATER, PACKS_MAX *PACK_LINE, adopt_packs},
	{"POST", "sessions/*/extents", 0, LF_BATCH_RECORDS_MAX *LF_EXTENT_WIRE_SIZE, take_extents},
	{"POST", "sessions/*/group", JSON, SMALL_BYTES, meet},
	{"POST", "sessions/*/commit", JSON, COMMIT_BYTES, commit},
};

/* Who asks: a certificate of our CA that the agent's row names. */
static int admit(struct lf_endpoint_ask *at, struct lf_error *err)
{
	const char *agent = lf_http_client_name(at->x);
	const char *fingerprint = lf_http_client_fingerprint(at->x);
	const struct lf_intake *intake = at->context;
	struct ask *ask = ask_of(at);

	ask->opts = &intake->opts;
	if (!at->route || at->route->flags & LF_ENDPOINT_OPEN)
		return 0;
	if (!agent || !fingerprint)
		return lf_fail(err, LF_EUNAUTHENTICATED, NULL,
			       "a client certificate of this site is needed");
	int rc = lf_agent_admit(ask->opts->replication, agent, fingerprint, err);
	if (rc)
		return rc;
	snprintf(at->who, sizeof(at->who), "%s", agent);
	snprintf(ask->fingerprint, sizeof(ask->fingerprint), "%s", fingerprint);
	return 0;
}

/* A line of the audit log: what agents are refused, and what makes one. */
static void audit(struct lf_endpoint_ask *at, const struct lf_error *err)
{
	const struct ask *ask = ask_of(at);
	const char *action = at->route ? at->route->action : NULL;
	struct lf_audit_event event = {
		.action = action ? action : "Landfall/agents/action",
		.principal = at->who[0]	    ? at->who
			     : ask->made[0] ? ask->made
					    : NULL,
		.detail = lf_json_text(at->doc, "inventory.machineName"),
		.durable = !err->code,
		.guest = true,
	};

	if (action || err->code)
		lf_audit_exchange(ask->opts->audit, at->x, &event, err);
}

static void ask_done(struct lf_endpoint_ask *at)
{
	lf_transfer_session_done(&ask_of(at)->opened);
}

int lf_intake_open(const struct lf_intake_opts *opts, struct lf_intake **ret_intake,
		   struct lf_error *err)
{
	LF_AUTO_FREE struct lf_intake *intake = calloc(1, sizeof(*intake));
	const struct lf_endpoint_opts endpoint = {.root = "/agent/v1/",
						  .routes = routes,
						  .n_routes = LF_N(routes),
						  .ask_size = sizeof(struct ask),
						  .later = opts->later,
						  .admit = admit,
						  .ended = audit,
						  .done = ask_done,
						  .context = intake};

	if (!intake)
		return lf_fail_nomem(err);
	intake->opts = *opts;
	int rc = lf_endpoint_open(&endpoint, &intake->endpoint, err);
	if (!rc)
		*ret_intake = lf_steal(&intake);
	return rc;
}

void lf_intake_free(struct lf_intake *intake)
{
	if (intake)
		lf_endpoint_free(intake->endpoint);
	free(intake);
}

bool lf_intake_matches(void *intake, const struct lf_http_exchange *x)
{
	return lf_endpoint_matches(((const struct lf_intake *)intake)->endpoint, x);
}

const struct lf_http_handler *lf_intake_http_handler(struct lf_intake *intake)
{
	return lf_endpoint_handler(intake->endpoint);
}
