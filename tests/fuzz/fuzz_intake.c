/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile agent does, over a real catalog and vault, with this file as the
 * HTTPS server.  An input is steps: a byte that says which, the length of its body
 * (u16), the body.  Most are requests; SESSION is the id of the last session that
 * was begun, PACK the name of the last pack that was forged.
 *
 * Whatever is asked, the site answers, and never with "internal error"; and it
 * believes nothing: another machine's point is what it was, and no chunk is found
 * under an id that is not its content's, though an agent has the keys that seal
 * packs, and knows the other machine's ids.
 */
#include "fuzz.h"

#include "crypto/tls.h"
#include "http_standin.h"
#include "replication/agents.h"
#include "replication/intake.h"
#include "inflow/journal.h"
#include "replication/session.h"
#include "replication/state.h"
#include "vault/pack/crypt.h"
#include "victim.h"

#define AGENT	    "aaaaaaaa-0000-4000-8000-000000000001"
#define ITEM	    "/i"
#define FINGERPRINT "fingerprint"
#define START	    (INT64_C(1800000000) * LF_NS_PER_S)
#define ASKS_MAX    12u

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
	LF_AUTO_FREE char *store = lf_printf_dup("%s/regions/west/store", site.dir);
	LF_AUTO_FREE char *key = lf_printf_dup("%s/keys/platform.key", site.dir);
	struct lf_vault *vault = NULL;
	LF_ASSERT(lf_regions_vault(site.regions, "west", &vault, &err) == 0);
	victim_make(vault, store, key);
}

/* Where an agent's packs lie before they are adopted. */
static void put_forged(const uint8_t *data, size_t size)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/forged", site.dir);

	forge(data, size, path);
	LF_AUTO_FREE char *blob = lf_printf_dup("%s/blob-%s", site.dir, forged.pack);
	LF_ASSERT(rename(path, blob) == 0 || access(path, F_OK) != 0);
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

/* text with the names of this input in it; free(). */
static char *with_names(const char *text, size_t len, size_t *ret_len)
{
	const struct {
		const char *word, *stands_for;
	} names[] = {{"SESSION", session}, {"PACK", forged.pack}, {"VICTIM", VICTIM}};
	LF_AUTO_BUF out = LF_BUF_INIT;

	for (size_t i = 0, n; i < len; i += n) {
		const char *put = NULL;
		n = 1;
		for (size_t j = 0; !put && j < LF_N(names); j++) {
			size_t word = strlen(names[j].word);
			if (len - i < word || memcmp(text + i, names[j].word, word) != 0)
				continue;
			put = names[j].stands_for;
			n = word;
		}
		lf_buf_append(&out, put ? put : text + i, put ? strlen(put) : 1);
	}
	*ret_len = out.len;
	lf_buf_append(&out, "", 1); /* a NUL, as the server has it behind buffered bodies */
	char *taken = lf_buf_take(&out);
	LF_ASSERT(taken);
	return taken;
}

static void ask(unsigned which, const char *body, size_t len)
{
	LF_AUTO_FREE char *own = with_names(body, len, &len);
	const char *of = asks[which].path ? asks[which].path : own;
	size_t path_len;
	LF_AUTO_FREE char *below =
		with_names(of, asks[which].path ? strlen(of) : strcspn(of, "\n"), &path_len);
	LF_AUTO_FREE char *path = lf_printf_dup("/agent/v1/%s", below);
	struct lf_http_exchange x = {.method = asks[which].method ? asks[which].method : "POST",
				     .path = path,
				     .query = asks[which].path ? asks[which].query : own,
				     .client_name = AGENT,
				     .client_fingerprint = FINGERPRINT,
				     .body = own,
				     .body_len = len};

	standin_call(lf_intake_http_handler(site.intake), &x);
	if (x.status < 200 || x.status >= 500) {
		fprintf(stderr, "%s %s: %d %s\n", x.method, x.path, x.status,
			lf_buf_text(&x.answer));
		abort();
	}
	LF_AUTO_JSON *answer = json_loads(lf_buf_text(&x.answer), 0, NULL);
	const char *begun = lf_json_text(answer, "sessionId");
	if (begun)
		snprintf(session, sizeof(session), "%s", begun);
	standin_done(&x);
}

/* Five bytes an extent: page, pages, page of the chunk, which chunk, and its number. */
static void send_extents(const uint8_t *data, size_t size)
{
	static const unsigned which = 4; /* of asks: to d0 */
	LF_AUTO_BUF records = LF_BUF_INIT;

	for (; size >= 5; data += 5, size -= 5) {
		uint8_t wire[LF_EXTENT_WIRE_SIZE];
		struct lf_extent extent = {
			.page = data[0], .pages = data[1], .chunk_page = data[2]};
		unsigned id = data[3] % 4;
		if (id == 3 && forged.n)
			extent.chunk = forged.ids[data[4] % forged.n];
		else if (id)
			extent.chunk = id == 1 ? victim.data : victim.root.node;
		lf_extent_encode(&extent, wire);
		lf_buf_append(&records, wire, sizeof(wire));
	}
	ask(which, lf_buf_text(&records), records.len);
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
	static unsigned inputs;

	if (!site.dir)
		open_site();
	forget_forged();
	begin_item();
	for (unsigned n = 0; size >= 3 && n < ASKS_MAX; n++) {
		size_t len = (size_t)(data[1] | data[2] << 8);
		len = len < size - 3 ? len : size - 3;
		unsigned step = data[0] % (LF_N(asks) + 2);
		lf_clock_step(site.clock, 5 * 60 * LF_NS_PER_S); /* a point is due again */
		if (step < LF_N(asks))
			ask(step, (const char *)data + 3, len);
		else if (step == LF_N(asks))
			put_forged(data + 3, len);
		else
			send_extents(data + 3, len);
		data += 3 + len;
		size -= 3 + len;
	}
	look_at_item();
	victim_check(victim.vault);
	if (++inputs % 32 == 0)
		victim_check_from_outside();
	return 0;
}
