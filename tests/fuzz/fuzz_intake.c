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
#include "replication/session.h"
#include "replication/state.h"
#include "replication/journal.h"
#include "vault/crypt.h"
#include "vault/pack_internal.h"
#include "vault/point.h"

#define AGENT	     "aaaaaaaa-0000-4000-8000-000000000001"
#define ITEM	     "/i"
#define FINGERPRINT  "fingerprint"
#define START	     (INT64_C(1800000000) * LF_NS_PER_S)
#define ASKS_MAX     12u
#define FORGED_MAX   32u
#define VICTIM	     "bbbbbbbb-0000-4000-8000-000000000002"
#define VICTIM_PAGES 8u

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

/* Another machine's point, and what the agent may know of it. */
static struct {
	struct lf_vault *vault;
	struct lf_root root;
	struct lf_chunk_id data;
	json_t *manifest;
	uint8_t bytes[VICTIM_PAGES * LF_PAGE_SIZE];
} victim;

/* What this input has claimed. */
static struct {
	struct lf_chunk_id ids[FORGED_MAX];
	size_t n;
	char pack[LF_PACK_NAME_SIZE];
} forged;

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
}

static void make_victim(void)
{
	struct lf_extent extent = {.pages = VICTIM_PAGES};
	struct lf_map_edit *edit = NULL;
	char root[LF_ROOT_TEXT_SIZE];
	struct lf_error err;

	for (size_t i = 0; i < sizeof(victim.bytes); i++)
		victim.bytes[i] = (uint8_t)(i * 7 + i / LF_PAGE_SIZE);
	LF_ASSERT(lf_regions_vault(site.regions, "west", &victim.vault, &err) == 0);
	LF_ASSERT(lf_vault_put(victim.vault, victim.bytes, sizeof(victim.bytes), &victim.data,
			       &err) == 0);
	LF_ASSERT(lf_vault_flush(victim.vault, &err) == 0);
	extent.chunk = victim.data;
	LF_ASSERT(lf_map_edit_begin(victim.vault, NULL, &edit, &err) == 0);
	LF_ASSERT(lf_map_edit_put(edit, &extent, &err) == 0);
	LF_ASSERT(lf_map_edit_commit(edit, &victim.root, &err) == 0);
	lf_map_edit_free(edit);
	lf_root_format(&victim.root, root);
	victim.manifest =
		json_pack("{s:s,s:s,s:s,s:{},s:[{s:s,s:s,s:i,s:s,s:i,s:b}]}", "id", VICTIM, "time",
			  "2026-01-01T00:00:00Z", "consistency", "CrashConsistent", "machine",
			  "disks", "id", "d", "name", "os", "sizeBytes", (int)sizeof(victim.bytes),
			  "root", root, "lun", -1, "os", 1);
	LF_ASSERT(victim.manifest && lf_point_put(victim.vault, VICTIM, victim.manifest,
						  "retention", LF_CLAIM_FOREVER, &err) == 0);
}

/* Is the content found under id the one that has it? */
static void check_chunk(struct lf_vault *vault, const struct lf_chunk_id *id)
{
	static struct lf_chunk_hasher *hasher;
	struct lf_chunk_id is;
	LF_AUTO_BUF plain = LF_BUF_INIT;
	struct lf_error err;

	if (!hasher)
		LF_ASSERT(lf_chunk_hasher_new(lf_vault_key(victim.vault), &hasher, &err) == 0);
	if (lf_vault_read_chunk(vault, id, &plain, &err) == LF_ENOTFOUND)
		return;
	LF_ASSERT(plain.len);
	LF_ASSERT(lf_chunk_id_of(hasher, plain.data, plain.len, &is, &err) == 0);
	LF_ASSERT(memcmp(&is, id, sizeof(is)) == 0);
}

static void look_at_victim(struct lf_vault *vault)
{
	static uint8_t read[sizeof(victim.bytes)];
	LF_AUTO_JSON *manifest = NULL;
	int64_t until;
	struct lf_error err;

	LF_ASSERT(lf_point_get(vault, VICTIM, &manifest, &err) == 0);
	LF_ASSERT(json_equal(lf_json_at(manifest, "disks"), lf_json_at(victim.manifest, "disks")));
	LF_ASSERT(lf_claim_until(vault, VICTIM, "retention", &until, &err) == 0 &&
		  until == LF_CLAIM_FOREVER);
	LF_ASSERT(lf_map_read(vault, &victim.root, read, sizeof(read), 0, &err) == 0);
	LF_ASSERT(memcmp(read, victim.bytes, sizeof(read)) == 0);
	for (size_t i = 0; i < forged.n; i++)
		check_chunk(vault, &forged.ids[i]);
}

/* As somebody who opens the store anew reads it: no cache knows better than what lies there. */
static void look_from_outside(void)
{
	const struct lf_vault_opts opts = {.read_only = true};
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/regions/west/store", site.dir);
	LF_AUTO_FREE char *key = lf_printf_dup("%s/keys/platform.key", site.dir);
	struct lf_vault *vault = NULL;
	struct lf_error err;

	int rc = lf_vault_open(dir, key, &opts, &vault, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	LF_ASSERT(rc == 0);
	look_at_victim(vault);
	lf_vault_free(vault);
}

/* The id under which the next chunk is to be found: its own, the other machine's, or any. */
static void claim_id(uint8_t how, const uint8_t *data, size_t size, const void *content, size_t len,
		     struct lf_chunk_id *ret_id)
{
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_error err;

	*ret_id = how % 4 == 1 ? victim.data : victim.root.node;
	if (how % 4 == 3)
		memset(ret_id, size ? data[0] : 0, sizeof(*ret_id));
	if (how % 4)
		return;
	LF_ASSERT(lf_chunk_hasher_new(lf_vault_key(victim.vault), &hasher, &err) == 0);
	LF_ASSERT(lf_chunk_id_of(hasher, content, len, ret_id, &err) == 0);
	lf_chunk_hasher_free(hasher);
}

/* A pack that is sealed as it should be.  Its chunks, three bytes each: which id; of which kind,
 * and whether the content is the other machine's; what it is made of. */
static void forge(const uint8_t *data, size_t size)
{
	static uint8_t content[sizeof(victim.bytes)];
	struct lf_pack_writer *writer = NULL;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/forged", site.dir);
	LF_AUTO_FREE char *blob = NULL;
	struct lf_error err;

	LF_ASSERT(lf_pack_writer_new(lf_vault_key(victim.vault), path, &writer, &err) == 0);
	for (; size >= 3 && forged.n < FORGED_MAX; data += 3, size -= 3) {
		struct lf_chunk_id *id = &forged.ids[forged.n];
		size_t len =
			data[1] & 4 ? 1u + data[2] : LF_PAGE_SIZE * (1u + data[2] % VICTIM_PAGES);
		memset(content, data[2], sizeof(content));
		if (data[1] & 2)
			memcpy(content, victim.bytes, sizeof(content));
		claim_id(data[0], data + 2, 1, content, len, id);
		if (lf_pack_writer_find(writer, id))
			continue;
		LF_ASSERT(lf_pack_writer_add_kind(writer, id,
						  data[1] & 1 ? LF_CHUNK_NODE : LF_CHUNK_DATA,
						  content, len, &err) == 0);
		forged.n++;
	}
	if (lf_pack_writer_count(writer)) {
		LF_ASSERT(lf_pack_writer_finish(writer, forged.pack, &err) == 0);
		blob = lf_printf_dup("%s/blob-%s", site.dir, forged.pack);
		LF_ASSERT(rename(path, blob) == 0);
	}
	lf_pack_writer_free(writer);
	unlink(path);
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

	if (!site.dir) {
		open_site();
		make_victim();
	}
	forged.n = 0;
	snprintf(forged.pack, sizeof(forged.pack), "%064d", 0);
	begin_item();
	for (unsigned n = 0; size >= 3 && n < ASKS_MAX; n++) {
		size_t len = (size_t)(data[1] | data[2] << 8);
		len = len < size - 3 ? len : size - 3;
		unsigned step = data[0] % (LF_N(asks) + 2);
		if (step < LF_N(asks))
			ask(step, (const char *)data + 3, len);
		else if (step == LF_N(asks))
			forge(data + 3, len);
		else
			send_extents(data + 3, len);
		data += 3 + len;
		size -= 3 + len;
	}
	look_at_item();
	look_at_victim(victim.vault);
	if (++inputs % 32 == 0)
		look_from_outside();
	return 0;
}
