/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Garbage collection, without stopping anybody.
 *
 * 1. Points whose claims are gone or past are removed, and that is synced.
 * 2. What the remaining points (and edits under way) use is marked.
 * 3. Packs with enough unmarked records get those condemned.  From then on
 *    whoever asks for a condemned chunk saves it (lf_index_hold()).
 * 4. A lease or edit that began earlier may have asked before: only when none
 *    of them lives are condemned records removed, now or by a later collection.
 *    Points made meanwhile are marked first, and spare what they use.
 * 5. A pack goes when what it holds besides has been copied to a new pack that
 *    is durable and found.  A record saved at the last moment keeps its pack.
 *    Packs of which nothing is kept go first: that takes no room.  What there is
 *    no room to copy stays, and is counted.
 *
 * Of a point that is damaged nobody knows what it needs: while it has a claim,
 * points go and data stays, and the report names it.
 *
 * A crash anywhere leaves garbage or copies, never a hole.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"
#include "json/doc.h"
#include "vault/care/care.h"
#include "vault/point/claim_internal.h"
#include "vault/care/mark.h"
#include "vault/care/move.h"
#include "os/workers.h"
#include "vault/point/point.h"

#define SMALL_PACK_BYTES (4u << 20)
#define SMALL_PACKS_MIN	 16u /* so many small packs are folded into large ones */
#define GARBAGE_DIVISOR	 4u  /* a pack is rewritten when a quarter of it is garbage */
#define GROUP_PACKS	 64u /* are rewritten, at most, before they are removed */
#define GROUP_BYTES	 (256u << 20)

struct collection {
	struct lf_vault *vault;
	const struct lf_collect_opts *opts;
	uint64_t begun; /* packs that came later are left alone */
	struct lf_mark mark;
	json_t *damaged; /* ids of points whose needs are not known */
	int64_t points, chunks, removed, left;
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
	LF_GUARD(&vault->points_mutex, lf_points_lock);
	int rc = lf_claims_live(vault, id, NULL, collection->opts->now_ns, &live, err);
	if (rc || live)
		return rc;
	rc = lf_store_delete(vault->store, name, err);
	LF_CRASH_POINT("vault-collect-point");
	if (!rc)
		rc = lf_claims_remove(vault, id, err);
	collection->points += !rc;
	return rc;
}

/* What a crash in lf_point_put() left: half a claim, or claims of a point that never came to be. */
static int drop_orphan(void *context, const char *id, struct lf_error *err)
{
	struct collection *collection = context;
	struct lf_vault *vault = collection->vault;
	char name[64], folder[64];
	uint64_t size;

	if (!lf_guid_valid(id))
		return 0;
	snprintf(name, sizeof(name), "points/%s", id);
	snprintf(folder, sizeof(folder), "claims/%s", id);
	LF_GUARD(&vault->points_mutex, lf_points_lock);
	int rc = lf_store_sweep(vault->store, folder, err);
	if (rc)
		return rc;
	rc = lf_store_size(vault->store, name, &size, err);
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

/* Would compressing it anew save something, or is it sealed with an old key? */
static bool is_loose(const struct collection *collection, const struct lf_pack *pack)
{
	return collection->opts->compact &&
	       (!(pack->flags & LF_PACK_DENSE) || pack->epoch != collection->vault->key.epoch);
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
LF_REQUIRES(lf_collecting_lock)
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
		    (is_small(packs[i]) && small >= SMALL_PACKS_MIN) ||
		    is_loose(collection, packs[i])) {
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

/* What is to be kept; damaged() says whether that is all that is to be. */
static int mark_points(struct collection *collection, struct lf_error *err)
{
	collection->mark.damaged = collection->damaged;
	return lf_mark_points(&collection->mark, err);
}

static bool damaged(const struct collection *collection)
{
	return json_array_size(collection->damaged) > 0;
}

/* What points use that were made since is condemned no more. */
static int spare_marked(struct collection *collection, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_pack **packs = NULL;
	size_t count = 0;
	int rc = mark_points(collection, err);

	if (!rc)
		rc = lf_index_packs(collection->vault->index, &packs, &count, err);
	for (size_t i = 0; !rc && i < count; i++)
		if (packs[i]->marked)
			lf_index_spare(collection->vault->index, packs[i], packs[i]->marked);
	return rc;
}

/* Those whose kept records have been moved. */
static int remove_packs(struct collection *collection, const struct lf_leaving *leaving, size_t n,
			struct lf_error *err)
{
	struct lf_vault *vault = collection->vault;
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		struct lf_pack *pack = leaving[i].pack;
		char name[80] = "packs/";
		if (!lf_index_kill(vault->index, pack, leaving[i].bits))
			continue;
		lf_hex_encode(pack->name, 32, name + 6);
		rc = lf_store_delete(vault->store, name, err);
		LF_CRASH_POINT("vault-collect-removed");
		collection->chunks += leaving[i].dead;
		collection->removed += (int64_t)pack->size;
	}
	return rc;
}

/* Those of one machine together: a new pack is of one, too. */
static int compare_owners(const void *a, const void *b)
{
	const struct lf_pack *x = ((const struct lf_leaving *)a)->pack;
	const struct lf_pack *y = ((const struct lf_leaving *)b)->pack;
	const uint8_t *of_x = lf_pack_owner(x->flags, x->salt);
	const uint8_t *of_y = lf_pack_owner(y->flags, y->salt);

	if (!of_x || !of_y)
		return (of_x != NULL) - (of_y != NULL);
	return memcmp(of_x, of_y, LF_OWNER_SIZE);
}

static int replace_packs(struct collection *collection, struct lf_leaving *leaving, size_t n,
			 struct lf_error *err)
{
	const struct lf_collect_opts *opts = collection->opts;
	struct lf_move_opts how = {
		.dense = opts->compact,
		.threads = opts->threads ? opts->threads : lf_processors(),
		.bytes_per_second = opts->bytes_per_second,
		.stop = opts->stop,
	};

	/* each thread leaves a pack that is not full */
	uint64_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += leaving[i].pack->size;
	if (how.threads > 1 + bytes / (4 * LF_PACK_TARGET_BYTES))
		how.threads = 1 + (unsigned)(bytes / (4 * LF_PACK_TARGET_BYTES));
	qsort(leaving, n, sizeof(*leaving), compare_owners);
	int rc = lf_move_kept(collection->vault, leaving, n, &how, err);
	LF_CRASH_POINT("vault-collect-copied");
	return rc ? rc : remove_packs(collection, leaving, n, err);
}

/* What there is no room for stays. */
static int replace_some(struct collection *collection, struct lf_leaving *leaving, size_t n,
			struct lf_error *err)
{
	int rc = replace_packs(collection, leaving, n, err);

	if (rc != LF_ENOSPACE)
		return rc;
	for (size_t i = 0; i < n; i++)
		collection->left += (int64_t)leaving[i].pack->size;
	return 0;
}

static void free_bits(struct lf_leaving *leaving, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(leaving[i].bits);
}

/* The condemned packs; those of which nothing is kept are first, *ret_dead of them. */
static int list_condemned(struct collection *collection, struct lf_leaving **ret_leaving,
			  size_t *ret_dead, size_t *ret_count, struct lf_error *err)
{
	struct lf_index *index = collection->vault->index;
	LF_AUTO_FREE struct lf_pack **packs = NULL;
	size_t count = 0, n = 0, n_dead = 0;
	int rc = lf_index_packs(index, &packs, &count, err);

	if (rc)
		return rc;
	LF_AUTO_FREE struct lf_leaving *leaving = calloc(count + 1, sizeof(*leaving));
	if (!leaving)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		uint8_t *bits = lf_index_condemned(index, packs[i]);
		if (!bits)
			continue;
		uint32_t dead = count_bits(bits, packs[i]->count);
		if (dead == 0 && !is_small(packs[i]) && !is_loose(collection, packs[i])) {
			lf_index_condemn(index, packs[i], NULL);
			free(bits);
			continue;
		}
		leaving[n] = (struct lf_leaving){packs[i], bits, dead};
		if (dead == packs[i]->count) {
			struct lf_leaving first = leaving[n];
			leaving[n] = leaving[n_dead];
			leaving[n_dead++] = first;
		}
		n++;
	}
	*ret_leaving = lf_steal(&leaving);
	*ret_dead = n_dead;
	*ret_count = n;
	return 0;
}

/* Those of which least is kept first: they free the most for the least room. */
static int compare_kept(const void *a, const void *b)
{
	const struct lf_leaving *x = a, *y = b;
	uint64_t of_x = x->pack->size * (x->pack->count - x->dead) / (x->pack->count + 1);
	uint64_t of_y = y->pack->size * (y->pack->count - y->dead) / (y->pack->count + 1);

	return of_x < of_y ? -1 : of_x > of_y;
}

/* Bytes of packs to be rewritten at a time: what is taken twice meanwhile. */
static uint64_t group_bytes(const struct collection *collection)
{
	struct lf_error ignored;
	uint64_t room;

	if (lf_store_room(collection->vault->store, &room, &ignored))
		return GROUP_BYTES;
	return room / 2 < GROUP_BYTES ? room / 2 : GROUP_BYTES;
}

/* What is wholly dead goes without a copy; the rest in groups, so that not much space is taken
 * twice. */
static int remove_condemned(struct collection *collection, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_leaving *leaving = NULL;
	size_t count = 0, dead = 0;
	uint64_t bytes = 0;
	int rc = list_condemned(collection, &leaving, &dead, &count, err);

	if (!rc)
		rc = remove_packs(collection, leaving, dead, err);
	if (!rc)
		qsort(leaving + dead, count - dead, sizeof(*leaving), compare_kept);
	uint64_t most = group_bytes(collection);
	for (size_t i = dead, first = dead; !rc && i < count; i++) {
		bytes += leaving[i].pack->size;
		if (i + 1 < count && i + 1 - first < GROUP_PACKS &&
		    bytes + leaving[i + 1].pack->size <= most)
			continue;
		rc = replace_some(collection, &leaving[first], i + 1 - first, err);
		first = i + 1;
		bytes = 0;
		most = group_bytes(collection);
		if (collection->opts->progress)
			collection->opts->progress(collection->opts->context, first, count);
	}
	free_bits(leaving, count);
	return rc;
}

/* Called by lf_index_each_pack(). */
LF_REQUIRES(lf_index_lock)
static void forget_condemned(struct lf_pack *pack)
{
	free(pack->condemned);
	pack->condemned = NULL;
}

LF_REQUIRES(lf_collecting_lock)
static void clear_condemned(struct lf_vault *vault)
{
	lf_index_each_pack(vault->index, forget_condemned);
	vault->condemned_seq = 0;
}

/* Remove what is condemned, unless somebody may still count on it. */
LF_REQUIRES(lf_collecting_lock)
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
	if (!rc && !damaged(collection))
		rc = remove_condemned(collection, err);
	clear_condemned(vault);
	return rc;
}

LF_REQUIRES(lf_collecting_lock)
static int collect(struct collection *collection, struct lf_error *err)
{
	struct lf_vault *vault = collection->vault;
	int rc = drop_points(collection, err);

	if (!rc)
		rc = mark_points(collection, err);
	LF_CRASH_POINT("vault-collect-marked");
	if (!rc && !damaged(collection))
		rc = settle(collection, err);
	if (rc || collection->deferred || damaged(collection))
		return rc;
	/* packs copied above are new and were not marked in their new place */
	lf_mark_end(&collection->mark);
	collection->begun = atomic_load(&vault->seq);
	rc = lf_mark_begin(&collection->mark, vault, err);
	if (!rc)
		rc = mark_points(collection, err);
	if (!rc && !damaged(collection))
		rc = condemn(collection, err);
	if (!rc && !damaged(collection))
		rc = settle(collection, err);
	if (!rc)
		rc = lf_index_tidy(vault->index, true, err);
	/* fewer and larger parts of the index are for when there is room */
	return rc == LF_ENOSPACE ? 0 : rc;
}

static int report_collection(const struct collection *collection, uint64_t written,
			     json_t **ret_report, struct lf_error *err)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_int(&doc, "points", collection->points);
	lf_doc_int(&doc, "chunks", collection->chunks);
	/* sessions that write beside us make it look less: it is what the directory shrank by */
	lf_doc_int(&doc, "bytes", collection->removed - (int64_t)written);
	lf_doc_int(&doc, "bytesLeft", collection->left);
	lf_doc_bool(&doc, "deferred", collection->deferred);
	lf_doc_share(&doc, "damaged", collection->damaged);
	return lf_doc_end(&doc, ret_report, err);
}

int lf_vault_collect(struct lf_vault *vault, const struct lf_collect_opts *opts,
		     json_t **ret_report, struct lf_error *err)
{
	LF_AUTO_JSON *damaged_points = json_array();
	struct collection collection = {.vault = vault, .opts = opts, .damaged = damaged_points};
	uint64_t adopted = atomic_load(&vault->adopted_bytes);
	int rc = damaged_points ? lf_vault_writable(vault, err) : lf_fail_nomem(err);

	if (rc)
		return rc;
	LF_GUARD(&vault->collecting_mutex, lf_collecting_lock);
	rc = lf_mark_begin(&collection.mark, vault, err);
	if (!rc)
		rc = collect(&collection, err);
	lf_mark_end(&collection.mark);
	return rc ? rc
		  : report_collection(&collection, atomic_load(&vault->adopted_bytes) - adopted,
				      ret_report, err);
}
