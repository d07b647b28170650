/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Garbage collection, without stopping anybody.
 *
 * 1. Points whose claims are gone or past are removed, and that is synced.
 * 2. What the remaining points (and edits under way) use is marked.
 * 3. Packs with enough unmarked records get those condemned.  From then on
 *    whoever asks for a condemned chunk saves it (lf_index_hold()).
 * 4. A session or edit that began earlier may have asked before: only when none
 *    of them lives are condemned records removed, now or by a later collection.
 *    Points made meanwhile are marked first, and spare what they use.
 * 5. A pack goes when what it holds besides has been copied to a new pack that
 *    is durable and found.  A record saved at the last moment keeps its pack.
 *
 * A crash anywhere leaves garbage or copies, never a hole.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/thread.h"
#include "vault/claim.h"
#include "vault/mark.h"
#include "vault/point.h"

#define SMALL_PACK_BYTES (4u << 20)
#define SMALL_PACKS_MIN	 16u /* so many small packs are folded into large ones */
#define GARBAGE_DIVISOR	 4u  /* a pack is rewritten when a quarter of it is garbage */

struct collection {
	struct lf_vault *vault;
	int64_t now_ns;
	uint64_t begun; /* packs that came later are left alone */
	struct lf_mark mark;
	struct lf_pack_writer *writer; /* of what is kept */
	int64_t points, chunks, bytes;
	bool deferred;
};

static int drop_point(void *context, const char *id, struct lf_error *err)
{
	struct collection *collection = context;
	struct lf_vault *vault = collection->vault;
	bool live = true;
	char name[64];

	if (!lf_guid_valid(id))
		return 0;
	snprintf(name, sizeof(name), "points/%s", id);
	LF_GUARD(&vault->points_mutex);
	int rc = lf_claims_live(vault, id, collection->now_ns, &live, err);
	if (rc || live)
		return rc;
	rc = lf_store_delete(vault->store, name, err);
	LF_CRASH_POINT("vault-collect-point");
	if (!rc)
		rc = lf_claims_remove(vault, id, err);
	collection->points += !rc;
	return rc;
}

/* Claims of a point that never came to be: a crash in lf_point_put(). */
static int drop_orphan(void *context, const char *id, struct lf_error *err)
{
	struct collection *collection = context;
	struct lf_vault *vault = collection->vault;
	char name[64];
	uint64_t size;

	if (!lf_guid_valid(id))
		return 0;
	snprintf(name, sizeof(name), "points/%s", id);
	LF_GUARD(&vault->points_mutex);
	int rc = lf_store_size(vault->store, name, &size, err);
	if (rc != LF_ENOTFOUND)
		return rc;
	/* without a point a claim keeps nothing, and with the lock nobody is making one */
	return lf_claims_remove(vault, id, err);
}

static int drop_points(struct collection *collection, struct lf_error *err)
{
	struct lf_store *store = collection->vault->store;
	int rc = lf_store_list(store, "points", drop_point, collection, err);

	if (!rc)
		rc = lf_store_list(store, "claims", drop_orphan, collection, err);
	/* packs may go only when the points that named them cannot come back */
	return rc ? rc : lf_store_sync(store, "points", err);
}

static uint32_t count_bits(const uint8_t *bits, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; bits && i < n; i++)
		sum += bits[i / 8] >> (i % 8) & 1;
	return sum;
}

static bool is_small(const struct lf_pack *pack)
{
	return pack->size < SMALL_PACK_BYTES;
}

/* Bits of the records that are not marked; NULL: none, or no memory. */
static uint8_t *unmarked_bits(const struct lf_pack *pack, uint32_t *ret_count)
{
	uint8_t *bits = calloc(1, (pack->count + 7) / 8 + 1);

	*ret_count = 0;
	for (uint32_t i = 0; bits && i < pack->count; i++) {
		if (pack->marked && pack->marked[i / 8] >> (i % 8) & 1)
			continue;
		bits[i / 8] |= (uint8_t)(1u << (i % 8));
		++*ret_count;
	}
	return bits;
}

/* Choose packs and condemn what is garbage in them. */
static int condemn(struct collection *collection, struct lf_error *err)
{
	struct lf_vault *vault = collection->vault;
	LF_AUTO_FREE struct lf_pack **packs = NULL;
	size_t count = 0, small = 0, chosen = 0;
	int rc = lf_index_packs(vault->index, &packs, &count, err);

	for (size_t i = 0; !rc && i < count; i++)
		small += is_small(packs[i]) && packs[i]->seq <= collection->begun;
	for (size_t i = 0; !rc && i < count; i++) {
		uint32_t garbage = 0;
		if (packs[i]->seq > collection->begun)
			continue;
		uint8_t *bits = unmarked_bits(packs[i], &garbage);
		if (!bits)
			return lf_fail_nomem(err);
		if ((garbage && garbage >= packs[i]->count / GARBAGE_DIVISOR) ||
		    (is_small(packs[i]) && small >= SMALL_PACKS_MIN)) {
			lf_index_condemn(vault->index, packs[i], bits);
			chosen++;
		} else {
			free(bits);
		}
	}
	if (!rc && chosen)
		vault->condemned_seq = atomic_fetch_add(&vault->seq, 1) + 1;
	return rc;
}

/* What points use that were made since is condemned no more. */
static int spare_marked(struct collection *collection, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_pack **packs = NULL;
	size_t count = 0;
	int rc = lf_mark_points(&collection->mark, err);

	if (!rc)
		rc = lf_index_packs(collection->vault->index, &packs, &count, err);
	for (size_t i = 0; !rc && i < count; i++)
		if (packs[i]->marked)
			lf_index_spare(collection->vault->index, packs[i], packs[i]->marked);
	return rc;
}

static int close_writer(struct collection *collection, struct lf_error *err)
{
	int rc = 0;

	if (collection->writer && lf_pack_writer_count(collection->writer))
		rc = lf_vault_adopt_writer(collection->vault, collection->writer, err);
	lf_pack_writer_free(collection->writer);
	collection->writer = NULL;
	return rc;
}

/* Move a record as it is compressed; the seal is the new pack's. */
static int move_record(struct collection *collection, struct lf_pack *pack,
		       const struct lf_pack_entry *entry, struct lf_opener *opener, uint8_t *plain,
		       struct lf_error *err)
{
	struct lf_vault *vault = collection->vault;
	struct lf_place place = {pack, *entry};
	int rc = lf_vault_read_place(vault, opener, &place, plain, err);

	if (!rc && !collection->writer) {
		LF_AUTO_FREE char *path = lf_vault_new_pack_path(vault);
		rc = path ? lf_pack_writer_new(&vault->key, path, &collection->writer, err)
			  : lf_fail_nomem(err);
	}
	if (rc)
		return rc;
	if (lf_pack_writer_find(collection->writer, &entry->id))
		return 0; /* another copy has been moved */
	const void *coded = entry->coding == LF_CODING_RAW ? plain : opener->scratch;
	return lf_pack_writer_add_coded(collection->writer, entry, coded,
					entry->stored - LF_TAG_SIZE, err);
}

static int move_kept(struct collection *collection, struct lf_pack *pack, const uint8_t *bits,
		     struct lf_error *err)
{
	struct lf_vault *vault = collection->vault;
	struct lf_pack_footer footer = {0};
	struct lf_opener *opener = NULL;
	LF_AUTO_FREE uint8_t *plain = malloc(LF_CHUNK_BYTES_MAX);
	int rc = plain ? lf_pack_footer_load(vault->store, pack->name, &footer, err)
		       : lf_fail_nomem(err);

	if (!rc)
		rc = lf_opener_get(vault, &opener, err);
	for (uint32_t i = 0; !rc && i < footer.count; i++) {
		const struct lf_pack_entry *entry = &footer.entries[i];
		if (bits[entry->record / 8] >> (entry->record % 8) & 1)
			continue;
		rc = move_record(collection, pack, entry, opener, plain, err);
	}
	if (opener)
		lf_opener_put(vault, opener);
	lf_pack_footer_done(&footer);
	return rc;
}

/* A pack on its way out, with the bits that were condemned when it was copied. */
struct leaving {
	struct lf_pack *pack;
	uint8_t *bits;
};

static int remove_packs(struct collection *collection, struct leaving *leaving, size_t n,
			struct lf_error *err)
{
	struct lf_vault *vault = collection->vault;
	int rc = close_writer(collection, err);

	LF_CRASH_POINT("vault-collect-copied");
	for (size_t i = 0; i < n; i++) {
		struct lf_pack *pack = leaving[i].pack;
		char name[80] = "packs/";
		if (!rc && lf_index_kill(vault->index, pack, leaving[i].bits)) {
			lf_hex_encode(pack->name, 32, name + 6);
			rc = lf_store_delete(vault->store, name, err);
			LF_CRASH_POINT("vault-collect-removed");
			collection->chunks += count_bits(leaving[i].bits, pack->count);
			collection->bytes += (int64_t)pack->size;
		}
		free(leaving[i].bits);
	}
	return rc;
}

/* Copy and remove in groups, so that not much space is taken twice. */
static int remove_condemned(struct collection *collection, struct lf_error *err)
{
	struct lf_vault *vault = collection->vault;
	LF_AUTO_FREE struct lf_pack **packs = NULL;
	struct leaving group[64];
	size_t count = 0, n = 0;
	int rc = lf_index_packs(vault->index, &packs, &count, err);

	for (size_t i = 0; !rc && i < count; i++) {
		uint8_t *bits = lf_index_condemned(vault->index, packs[i]);
		if (!bits)
			continue;
		uint32_t dead = count_bits(bits, packs[i]->count);
		if (dead == 0 && !is_small(packs[i])) {
			lf_index_condemn(vault->index, packs[i], NULL);
			free(bits);
			continue;
		}
		group[n++] = (struct leaving){packs[i], bits};
		if (dead < packs[i]->count)
			rc = move_kept(collection, packs[i], bits, err);
		bool full = collection->writer &&
			    lf_pack_writer_size(collection->writer) >= LF_PACK_TARGET_BYTES;
		if (!rc && (full || n == LF_N(group))) {
			rc = remove_packs(collection, group, n, err);
			n = 0;
		}
	}
	if (!rc)
		return remove_packs(collection, group, n, err);
	for (size_t i = 0; i < n; i++)
		free(group[i].bits);
	return rc;
}

static void clear_condemned(struct lf_vault *vault)
{
	struct lf_pack **packs = NULL;
	size_t count = 0;
	struct lf_error err;

	if (!lf_index_packs(vault->index, &packs, &count, &err))
		for (size_t i = 0; i < count; i++)
			lf_index_condemn(vault->index, packs[i], NULL);
	free(packs);
	vault->condemned_seq = 0;
}

/* Remove what is condemned, unless somebody may still count on it. */
static int settle(struct collection *collection, struct lf_error *err)
{
	struct lf_vault *vault = collection->vault;

	if (!vault->condemned_seq)
		return 0;
	if (lf_holder_lives(vault, vault->condemned_seq)) {
		collection->deferred = true;
		return 0;
	}
	int rc = spare_marked(collection, err);
	if (!rc)
		rc = remove_condemned(collection, err);
	lf_pack_writer_free(collection->writer);
	collection->writer = NULL;
	clear_condemned(vault);
	return rc;
}

static int collect(struct collection *collection, struct lf_error *err)
{
	struct lf_vault *vault = collection->vault;
	int rc = drop_points(collection, err);

	if (!rc)
		rc = lf_mark_points(&collection->mark, err);
	LF_CRASH_POINT("vault-collect-marked");
	if (rc == LF_ECORRUPT)
		return lf_error_hint(err, "nothing was removed; verify the vault, and drop the "
					  "points that are damaged");
	if (!rc)
		rc = settle(collection, err);
	if (rc || collection->deferred)
		return rc;
	/* packs copied above are new and were not marked in their new place */
	lf_mark_end(&collection->mark);
	collection->begun = atomic_load(&vault->seq);
	rc = lf_mark_begin(&collection->mark, vault, err);
	if (!rc)
		rc = lf_mark_points(&collection->mark, err);
	if (!rc)
		rc = condemn(collection, err);
	if (!rc)
		rc = settle(collection, err);
	return rc ? rc : lf_index_tidy(vault->index, true, err);
}

int lf_vault_collect(struct lf_vault *vault, int64_t now_ns, json_t **ret_report,
		     struct lf_error *err)
{
	struct collection collection = {.vault = vault, .now_ns = now_ns};
	int rc = lf_vault_writable(vault, err);

	if (rc)
		return rc;
	LF_GUARD(&vault->collecting_mutex);
	rc = lf_mark_begin(&collection.mark, vault, err);
	if (!rc)
		rc = collect(&collection, err);
	lf_mark_end(&collection.mark);
	if (rc)
		return rc;
	json_t *report = json_pack("{s:I, s:I, s:I, s:b}", "points", (json_int_t)collection.points,
				   "chunks", (json_int_t)collection.chunks, "bytes",
				   (json_int_t)collection.bytes, "deferred", collection.deferred);
	if (!report)
		return lf_fail_nomem(err);
	*ret_report = report;
	return 0;
}
