/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the holder of a pairing key does, over a real vault, catalog and the rows
 * that a commit brings, with this file as the HTTPS server.  An input is steps: a
 * byte that says which, the length of its body (u16), the body.  In bodies IDKEY,
 * NEW, VICTIM, ROOT, OWN stand for the region's id key, a point of the peer's, the
 * site's own, the root of its disk, and a vault of the site's own.
 *
 * Whatever is asked, the site answers, and never with "internal error"; its own
 * point, the claim that keeps it and its own resources are what they were.
 */
#include "fuzz.h"

#include "providers/common/site.h"
#include "http_standin.h"
#include "peer/receive.h"
#include "providers/backup/backup.h"
#include "providers/vaults/vaults.h"
#include "inflow/journal.h"
#include "vault/pack/footer.h"
#include "victim.h"

#define SECRET "the-secret-of-the-key"
#define REGION "westus"
#define NEW    "cccccccc-0000-4000-8000-000000000003"
#define OWN                                                                                        \
	"/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/g/providers/"          \
	"Microsoft.RecoveryServices/vaults/own"
#define START	 (INT64_C(1800000000) * LF_NS_PER_S)
#define ASKS_MAX 12u

static struct {
	char *dir;
	struct lf_context context;
	struct lf_receive *receive;
	char id_key[65], root[LF_ROOT_TEXT_SIZE];
} site;

static const struct {
	const char *method, *what, *query;
} asks[] = {
	{"POST", NEW "/begin", ""},
	{"POST", VICTIM "/begin", ""},
	{"POST", NEW "/extents", "disk=0"},
	{"POST", VICTIM "/extents", "disk=0"},
	{"POST", NEW "/packs", ""},
	{"POST", VICTIM "/packs", ""},
	{"POST", NEW "/commit", ""},
	{"POST", VICTIM "/commit", ""},
	{"DELETE", NEW, ""},
	{"DELETE", VICTIM, ""},
	{"POST", NEW "/extents", "disk=63"},
	{"POST", NEW "/extents", NULL}, /* the query is the body */
};

static int sent(void *context, const struct lf_received *what, struct lf_error *err)
{
	return lf_backup_replica_sent(context, what, err);
}
static int keep(void *context, const struct lf_received *what, const json_t *body,
		struct lf_error *err)
{
	return lf_backup_replica_keep(context, what, body, err);
}
static int forget(void *context, const struct lf_received *what, struct lf_error *err)
{
	return lf_backup_replica_forget(context, what, err);
}

static void put_key(void)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/keys", site.dir);
	LF_AUTO_FREE char *file = lf_printf_dup("%s/peer.json", dir);
	static const char text[] = "{\"secret\":\"" SECRET "\",\"region\":\"" REGION "\"}";
	struct lf_error err;

	LF_ASSERT(lf_dir_make(dir, 0700, &err) == 0);
	LF_ASSERT(lf_file_write_durable(file, text, strlen(text), 0600, &err) == 0);
}

static json_t *own_doc(void)
{
	return json_pack("{s:s,s:{s:s}}", "location", "eastus", "tags", "owner", "site");
}

static void put_own(void)
{
	LF_AUTO_JSON *doc = own_doc();
	struct lf_error err;

	LF_ASSERT(lf_catalog_put(site.context.catalog, OWN, LF_VAULT_TYPE, LF_PUT_ANY, NULL, doc,
				 NULL, &err) == 0);
}

static void open_site(void)
{
	struct lf_context *context = &site.context;
	struct lf_vault *vault = NULL;
	struct lf_error err;

	site.dir = fuzz_path("peer");
	LF_ASSERT(lf_dir_make(site.dir, 0700, &err) == 0);
	put_key();
	LF_AUTO_FREE char *db = lf_printf_dup("%s/catalog.db", site.dir);
	LF_AUTO_FREE char *store = lf_printf_dup("%s/regions/" REGION "/store", site.dir);
	LF_AUTO_FREE char *key = lf_printf_dup("%s/keys/platform.key", site.dir);
	context->data_dir = site.dir;
	context->clock = lf_clock_new_manual(START);
	LF_ASSERT(lf_catalog_open(db, context->clock, &context->catalog, &err) == 0);
	LF_ASSERT(lf_regions_open(site.dir, &context->regions, &err) == 0);
	const struct lf_receive_opts opts = {.regions = context->regions,
					     .clock = context->clock,
					     .data_dir = site.dir,
					     .sent = sent,
					     .keep = keep,
					     .forget = forget,
					     .context = context};
	LF_ASSERT(lf_receive_open(&opts, &site.receive, &err) == 0);
	LF_ASSERT(lf_regions_vault(context->regions, REGION, &vault, &err) == 0);
	victim_make(vault, store, key);
	lf_hex_encode(lf_vault_key(vault)->id_key, 32, site.id_key);
	lf_root_format(&victim.root, site.root);
	put_own();
}

/* text with what its words stand for; free(). */
static char *with_names(const char *text, size_t len, size_t *ret_len)
{
	const struct {
		const char *word, *stands_for;
	} names[] = {{"IDKEY", site.id_key},
		     {"VICTIM", VICTIM},
		     {"NEW", NEW},
		     {"ROOT", site.root},
		     {"OWN", OWN}};
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

static void ask_raw(unsigned which, const void *body, size_t len)
{
	LF_AUTO_FREE char *path = lf_printf_dup("/peer/v1/" REGION "/%s", asks[which].what);
	struct lf_http_exchange x = {.method = asks[which].method,
				     .path = path,
				     .query = asks[which].query ? asks[which].query : body,
				     .body = body,
				     .body_len = len};

	standin_add(&x, "Authorization", "Bearer " SECRET);
	standin_call(lf_receive_http_handler(site.receive), &x);
	if (x.status < 200 || x.status >= 500) {
		fprintf(stderr, "%s %s: %d %s\n", x.method, x.path, x.status,
			lf_buf_text(&x.answer));
		abort();
	}
	standin_done(&x);
}

static void ask(unsigned which, const char *body, size_t len)
{
	LF_AUTO_FREE char *own = with_names(body, len, &len);

	ask_raw(which, own, len);
}

/* A forged pack, to one point or the other. */
static void send_forged(const uint8_t *data, size_t size, bool to_victim)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/forged", site.dir);
	LF_AUTO_BUF pack = LF_BUF_INIT;
	struct lf_error err;

	forge(data, size, path);
	if (lf_file_read(path, LF_PACK_BYTES_MAX, &pack, &err))
		return; /* it had no chunk */
	unlink(path);
	ask_raw(to_victim ? 5 : 4, pack.data, pack.len);
}

/* Five bytes an extent: page, pages, page of the chunk, which chunk, and its number. */
static void send_extents(const uint8_t *data, size_t size)
{
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
	lf_buf_append(&records, "", 1);
	ask_raw(2, lf_buf_text(&records), records.len - 1);
}

static void check_own(void)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	LF_AUTO_JSON *doc = own_doc();
	struct lf_error err;

	LF_ASSERT(lf_catalog_get(site.context.catalog, OWN, &row, &err) == 0);
	LF_ASSERT(json_equal(row.doc, doc) && !lf_json_text(row.state, "replicaOf"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned inputs;

	if (!site.dir)
		open_site();
	forget_forged();
	for (unsigned n = 0; size >= 3 && n < ASKS_MAX; n++) {
		size_t len = (size_t)(data[1] | data[2] << 8);
		len = len < size - 3 ? len : size - 3;
		unsigned step = data[0] % (LF_N(asks) + 3);
		if (step < LF_N(asks))
			ask(step, (const char *)data + 3, len);
		else if (step == LF_N(asks) + 2)
			send_extents(data + 3, len);
		else
			send_forged(data + 3, len, step == LF_N(asks) + 1);
		data += 3 + len;
		size -= 3 + len;
	}
	ask(8, "", 0); /* what it sent goes again: each input finds the site as the first one did */
	victim_check(victim.vault);
	check_own();
	if (++inputs % 32 == 0)
		victim_check_from_outside();
	return 0;
}
