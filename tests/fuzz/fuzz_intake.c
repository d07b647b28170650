/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What agents send, over a real catalog and vault, with this file as the HTTPS
 * server.  An input is requests: a byte that says which, the length of its body
 * (u16), the body.  SESSION is the id of the last session that was begun.
 * Whatever is asked, the site answers, and never with "internal error".
 */
#include "fuzz.h"

#include <semaphore.h>

#include "crypto/tls.h"
#include "http/server.h"
#include "replication/agents.h"
#include "replication/intake.h"
#include "replication/session.h"
#include "replication/state.h"
#include "vault/crypt.h"

#define AGENT	    "aaaaaaaa-0000-4000-8000-000000000001"
#define ITEM	    "/i"
#define FINGERPRINT "fingerprint"
#define START	    (INT64_C(1800000000) * LF_NS_PER_S)
#define ASKS_MAX    12u

struct lf_http_exchange {
	const char *method, *agent, *query;
	char path[256];
	const char *body;
	size_t len;
	int status;
	char *answer;
	void *state;
	bool suspended;
	sem_t resumed;
};

static struct {
	char *dir;
	struct lf_clock *clock;
	struct lf_catalog *catalog;
	struct lf_regions *regions;
	struct lf_replication *replication;
	struct lf_intake *intake;
	char *cert, *key;
} site;

static char session[LF_GUID_SIZE];

static const struct {
	const char *method, *path, *query;
} asks[] = {
	{"POST", "poll", ""},
	{"POST", "sessions", ""},
	{"POST", "sessions/SESSION/have", ""},
	{"POST", "sessions/SESSION/packs", ""},
	{"POST", "sessions/SESSION/extents", "disk=d0&upto=7"},
	{"POST", "sessions/SESSION/extents", "disk=d1&upto=18446744073709551615"},
	{"POST", "sessions/SESSION/commit", ""},
	{"POST", "register", ""},
	{"POST", "renew", ""},
	{"GET", "ca", ""},
	{NULL, NULL, ""}, /* both out of the body */
};

const char *lf_http_method(const struct lf_http_exchange *x)
{
	return x->method;
}
const char *lf_http_path(const struct lf_http_exchange *x)
{
	return x->path;
}
const char *lf_http_query(const struct lf_http_exchange *x)
{
	return x->query;
}
const char *lf_http_client_name(const struct lf_http_exchange *x)
{
	return x->agent;
}
const char *lf_http_client_fingerprint(const struct lf_http_exchange *x)
{
	return x->agent ? FINGERPRINT : NULL;
}
void *lf_http_state(const struct lf_http_exchange *x)
{
	return x->state;
}
const char *lf_http_body(const struct lf_http_exchange *x, size_t *ret_len)
{
	*ret_len = x->len;
	return x->body;
}
void lf_http_suspend(struct lf_http_exchange *x)
{
	x->suspended = true;
}
void lf_http_resume(struct lf_http_exchange *x)
{
	sem_post(&x->resumed);
}
void lf_http_status(struct lf_http_exchange *x, int status)
{
	x->status = status;
}
void lf_http_answer_take(struct lf_http_exchange *x, const char *type, char *data, size_t len)
{
	(void)type;
	free(x->answer);
	x->answer = malloc(len + 1);
	LF_ASSERT(x->answer);
	if (len)
		memcpy(x->answer, data, len); /* all of it is there */
	x->answer[len] = '\0';
	free(data);
}
void lf_http_answer_copy(struct lf_http_exchange *x, const char *type, const char *text)
{
	lf_http_answer_take(x, type, strdup(text), strlen(text));
}

static int blob_path(void *context, const char *account, const char *container, const char *blob,
		     char **ret_path, struct lf_error *err)
{
	(void)context, (void)account, (void)container, (void)err;
	LF_ASSERT(strlen(blob) == 64 && !strchr(blob, '/'));
	*ret_path = lf_printf_dup("%s/blob-%s", site.dir, blob);
	return 0;
}

static int blob_container(void *context, const char *account, const char *container,
			  struct lf_error *err)
{
	(void)context, (void)account, (void)container, (void)err;
	return 0;
}

static int blob_token(void *context, const char *agent, char **ret_token, struct lf_error *err)
{
	(void)context, (void)agent, (void)err;
	*ret_token = strdup("token");
	return 0;
}

/* A registration key whose secret is "s". */
static void put_key(void)
{
	LF_AUTO_JSON *doc =
		json_pack("{s:s,s:I}", "siteId", "/site", "expires", (json_int_t)INT64_MAX);
	char hash[65], id[LF_ID_SIZE];
	uint8_t digest[32];
	struct lf_error err;

	lf_sha256("s", 1, digest);
	lf_hex_encode(digest, 32, hash);
	snprintf(id, sizeof(id), "/landfall/registrationKeys/%s", hash);
	LF_ASSERT(lf_catalog_put(site.catalog, id, LF_KEY_TYPE, LF_PUT_NEW, NULL, doc, NULL,
				 &err) == 0);
}

static void put_agent(void)
{
	LF_AUTO_JSON *doc = json_pack("{s:s,s:{}}", "siteId", "/site", "inventory");
	char id[LF_ID_SIZE];
	struct lf_error err;

	lf_agent_path(AGENT, id);
	LF_ASSERT(lf_catalog_put(site.catalog, id, LF_AGENT_TYPE, LF_PUT_ANY, NULL, doc, NULL,
				 &err) == 0);
}

static void open_site(void)
{
	struct lf_error err;

	site.dir = fuzz_path("site");
	LF_ASSERT(lf_dir_make(site.dir, 0700, &err) == 0);
	LF_AUTO_FREE char *db = lf_printf_dup("%s/catalog.db", site.dir);
	site.clock = lf_clock_new_manual(START);
	LF_ASSERT(lf_ca_new("fuzz", START, &site.cert, &site.key, &err) == 0);
	LF_ASSERT(lf_catalog_open(db, site.clock, &site.catalog, &err) == 0);
	LF_ASSERT(lf_regions_open(site.dir, &site.regions, &err) == 0);
	const struct lf_replication_opts opts = {.catalog = site.catalog,
						 .clock = site.clock,
						 .regions = site.regions,
						 .data_dir = site.dir,
						 .ca_cert = site.cert,
						 .ca_key = site.key};
	LF_ASSERT(lf_replication_open(&opts, &site.replication, &err) == 0);
	const struct lf_intake_opts intake = {.replication = site.replication,
					      .ca_cert = site.cert,
					      .blob_path = blob_path,
					      .blob_container = blob_container,
					      .blob_token = blob_token};
	LF_ASSERT(lf_intake_open(&intake, &site.intake, &err) == 0);
	LF_ASSERT(lf_replication_run(site.replication, &err) == 0);
	put_key();
}

/* Every input finds the site as the first one did. */
static void begin_item(void)
{
	LF_AUTO_JSON *spec = json_pack("{s:s,s:s,s:s,s:[{s:s},{s:s}]}", "itemId", ITEM, "agentId",
				       AGENT, "region", "west", "disks", "id", "d0", "id", "d1");
	struct lf_error err;

	put_agent();
	snprintf(session, sizeof(session), "00000000-0000-4000-8000-000000000000");
	LF_ASSERT(lf_replica_remove(site.replication, ITEM, &err) == 0);
	LF_ASSERT(lf_replica_start(site.replication, spec, &err) == 0);
	LF_ASSERT(lf_replication_session_sweep(site.replication, &err) == 0);
}

/* text with the session's id in it; free(). */
static char *with_session(const char *text, size_t len, size_t *ret_len)
{
	char *out = malloc(len * 6 + LF_GUID_SIZE);
	size_t n = 0;

	LF_ASSERT(out);
	for (size_t i = 0; i < len;) {
		bool here = len - i >= 7 && memcmp(text + i, "SESSION", 7) == 0;
		memcpy(out + n, here ? session : text + i, here ? LF_GUID_SIZE - 1 : 1);
		n += here ? LF_GUID_SIZE - 1 : 1;
		i += here ? 7 : 1;
	}
	out[n] = '\0'; /* as the server does for buffered bodies */
	*ret_len = n;
	return out;
}

static void ask(unsigned which, const char *body, size_t len)
{
	LF_AUTO_FREE char *own = with_session(body, len, &len);
	LF_AUTO_FREE char *path = NULL;
	size_t path_len;
	struct lf_http_exchange x = {.agent = AGENT, .query = asks[which].query, .body = own};

	x.method = asks[which].method ? asks[which].method : "POST";
	path = with_session(asks[which].path ? asks[which].path : own,
			    asks[which].path ? strlen(asks[which].path) : strcspn(own, "\n"),
			    &path_len);
	snprintf(x.path, sizeof(x.path), "/agent/v1/%s", path);
	if (!asks[which].path)
		x.query = own;
	x.len = len;
	struct lf_http_begin begun_with = {0};
	sem_init(&x.resumed, 0, 0);
	const struct lf_http_handler *handler = lf_intake_http_handler(site.intake);
	if (!handler->begin(site.intake, &x, &begun_with)) {
		x.state = begun_with.context;
		if (len <= begun_with.body_max)
			handler->complete(site.intake, &x, 0, NULL);
		else
			x.status = 413;
		if (x.suspended)
			sem_wait(&x.resumed);
		begun_with.release(begun_with.context);
	}
	if (x.status < 200 || x.status >= 500) {
		fprintf(stderr, "%s %s: %d %s\n", x.method, x.path, x.status, x.answer);
		abort();
	}
	LF_AUTO_JSON *answer = x.answer ? json_loads(x.answer, 0, NULL) : NULL;
	const char *begun = lf_json_text(answer, "sessionId");
	if (begun)
		snprintf(session, sizeof(session), "%s", begun);
	free(x.answer);
}

static void look_at_item(void)
{
	LF_AUTO_JSON *replica = NULL, *points = NULL, *agents = NULL;
	struct lf_error err;

	LF_ASSERT(lf_replica_get(site.replication, ITEM, &replica, &err) == 0);
	LF_ASSERT(lf_replica_points(site.replication, ITEM, &points, &err) == 0);
	LF_ASSERT(lf_agents_list(site.replication, "/site", &agents, &err) == 0);
	LF_ASSERT(lf_replication_tend(site.replication, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!site.dir)
		open_site();
	begin_item();
	for (unsigned n = 0; size >= 3 && n < ASKS_MAX; n++) {
		size_t len = (size_t)(data[1] | data[2] << 8);
		len = len < size - 3 ? len : size - 3;
		ask(data[0] % LF_N(asks), (const char *)data + 3, len);
		data += 3 + len;
		size -= 3 + len;
	}
	look_at_item();
	return 0;
}
