/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is looked up: packs by name in a table, chunks in the runs, the newest
 * first.
 *
 * Packs that come are runs in memory, which indexmerge.c writes to files;
 * indexload.c brings the table in line with the store.  A chunk that is
 * condemned is spared by the look-up that answers that it is there.  The index
 * is a cache of the packs' footers: whatever a kill or damage takes of it is
 * read from them.
 */
#include "vault/index/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/index/index_internal.h"

#define TABLE_INITIAL 256u
#define HELD_AT_ONCE  1024u
#define PREFETCHED    16u

LF_REQUIRES(lf_index_lock)
static struct lf_pack **table_slot(struct lf_index *index, const uint8_t *name)
{
	return &index->table[lf_get_u32(name) & (index->table_size - 1)];
}

LF_REQUIRES(lf_index_lock)
static int grow_table(struct lf_index *index, struct lf_error *err)
{
	size_t size = index->table_size ? index->table_size * 2 : TABLE_INITIAL;
	struct lf_pack **table = calloc(size, sizeof(struct lf_pack *));
	struct lf_pack **old = index->table;
	size_t old_size = index->table_size;

	if (!table)
		return lf_fail_nomem(err);
	index->table = table;
	index->table_size = size;
	for (size_t i = 0; i < old_size; i++) {
		for (struct lf_pack *pack = old[i], *next; pack; pack = next) {
			next = pack->next;
			struct lf_pack **slot = table_slot(index, pack->name);
			pack->next = *slot;
			*slot = pack;
		}
	}
	free(old);
	return 0;
}

struct lf_pack *lf_index_pack(struct lf_index *index, const uint8_t *name)
{
	struct lf_pack *pack = index->table_size ? *table_slot(index, name) : NULL;

	while (pack && memcmp(pack->name, name, 32) != 0)
		pack = pack->next;
	return pack;
}

struct lf_pack *lf_index_pack_or_new(struct lf_index *index, const uint8_t *name)
{
	struct lf_pack *pack = lf_index_pack(index, name);
	struct lf_error err;

	if (pack)
		return pack;
	if (index->pack_count >= index->table_size && grow_table(index, &err))
		return NULL;
	pack = calloc(1, sizeof(*pack));
	if (!pack)
		return NULL;
	memcpy(pack->name, name, 32);
	pack->dead = true; /* until it is listed or added */
	struct lf_pack **slot = table_slot(index, name);
	pack->next = *slot;
	*slot = pack;
	index->pack_count++;
	return pack;
}

int lf_index_push_run(struct lf_index *index, struct lf_run *run, struct lf_error *err)
{
	struct lf_run **runs =
		reallocarray(index->runs, index->run_count + 1, sizeof(struct lf_run *));

	if (!runs)
		return lf_fail_nomem(err);
	index->runs = runs;
	runs[index->run_count++] = run;
	return 0;
}

void lf_index_remove_runs(struct lf_index *index, struct lf_run *const *old, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < index->run_count; i++) {
		bool gone = false;
		for (size_t j = 0; j < n; j++)
			gone = gone || index->runs[i] == old[j];
		if (gone)
			lf_run_unref(index->runs[i]);
		else
			index->runs[kept++] = index->runs[i];
	}
	index->run_count = kept;
}

void lf_index_uncover(struct lf_index *index, struct lf_run *run)
{
	for (uint32_t i = 0; i < run->pack_count; i++)
		run->packs[i]->covered = false;
	lf_index_remove_runs(index, &run, 1);
}

char *lf_index_run_path(const struct lf_index *index, uint64_t number)
{
	return lf_printf_dup("%s/%016llx" LF_INDEX_RUN_SUFFIX, index->dir,
			     (unsigned long long)number);
}

int lf_index_add(struct lf_index *index, const struct lf_pack_footer *footer, uint64_t seq,
		 struct lf_error *err)
{
	struct lf_run *run = NULL;

	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	struct lf_pack *pack = lf_index_pack_or_new(index, footer->name);
	int rc = pack ? 0 : lf_fail_nomem(err);
	/* one that was collected and comes again: merges may have dropped its records */
	if (!rc && (!pack->covered || atomic_load(&pack->dead))) {
		memcpy(pack->salt, footer->salt, sizeof(pack->salt));
		pack->epoch = footer->epoch;
		pack->count = footer->count;
		pack->size = (uint32_t)footer->size;
		pack->flags = footer->flags;
		rc = lf_run_of_pack(pack, footer, &run, err);
	}
	if (!rc && run)
		rc = lf_index_push_run(index, run, err);
	if (!rc) {
		pack->covered = true;
		pack->killed = false;
		/* refresh and adopt may add the same pack in either order: keep the larger number
		 */
		if (seq > pack->seq)
			pack->seq = seq;
		if (seq)
			atomic_store(&pack->checked, true);
		atomic_store(&pack->dead, false);
	} else if (run) {
		lf_run_unref(run);
	}
	return rc;
}

bool lf_index_has_pack(struct lf_index *index, const uint8_t name[static 32])
{
	LF_READ_GUARD(&index->lock, lf_index_lock);
	const struct lf_pack *pack = lf_index_pack(index, name);

	return pack && !atomic_load(&pack->dead) && !pack->damaged;
}

/* The newest run first; of a run's file a few records are read. */
LF_REQUIRES(lf_index_lock)
static bool find_locked(struct lf_index *index, const struct lf_chunk_id *id, unsigned nth,
			struct lf_place *ret_place)
{
	for (size_t i = index->run_count; i-- > 0;)
		if (lf_run_find(index->runs[i], id, &nth, ret_place))
			return true;
	return false;
}

bool lf_index_find(struct lf_index *index, const struct lf_chunk_id *id, unsigned nth,
		   struct lf_place *ret_place)
{
	LF_READ_GUARD(&index->lock, lf_index_lock);

	return find_locked(index, id, nth, ret_place);
}

/* What keeps us from knowing all that there is; 0: nothing. */
static int why_partial(struct lf_index *index)
{
	int why = 0;

	LF_READ_GUARD(&index->lock, lf_index_lock);
	for (size_t i = 0; i < index->table_size; i++)
		for (const struct lf_pack *pack = index->table[i]; pack; pack = pack->next)
			if (pack->damaged && !atomic_load(&pack->dead) && why != LF_EIO)
				why = pack->damaged;
	for (size_t i = 0; i < index->run_count; i++)
		if (atomic_load(&index->runs[i]->unread))
			why = LF_EIO;
	return why;
}

int lf_index_fail_absent(struct lf_index *index, const struct lf_chunk_id *id, int code,
			 struct lf_error *err)
{
	int why = why_partial(index);
	char hex[65];

	lf_hex_encode(id->bytes, 32, hex);
	if (!why)
		return lf_fail(err, code, NULL, "chunk %s is missing", hex);
	return lf_fail(err, why == LF_EIO ? LF_EIO : LF_ECORRUPT, NULL,
		       "chunk %s is not in what can be read of packs and index", hex);
}

static bool bit_is_set(const uint8_t *bits, uint32_t at)
{
	return bits && bits[at / 8] >> (at % 8) & 1;
}

LF_REQUIRES(lf_index_lock)
static bool is_condemned(const struct lf_place *place)
{
	return place->entry.record < place->pack->count &&
	       bit_is_set(place->pack->condemned, place->entry.record);
}

static bool look_up(struct lf_index *index, const struct lf_chunk_id *id,
		    struct lf_place *ret_place, bool *ret_condemned)
{
	LF_READ_GUARD(&index->lock, lf_index_lock);
	bool found = find_locked(index, id, 0, ret_place);

	*ret_condemned = found && is_condemned(ret_place);
	return found;
}

/* Rare: looked up again by one that may change the bits. */
static bool spare_one(struct lf_index *index, const struct lf_chunk_id *id,
		      struct lf_place *ret_place)
{
	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	bool found = find_locked(index, id, 0, ret_place);
	const uint32_t at = found ? ret_place->entry.record : 0;

	if (found && is_condemned(ret_place))
		ret_place->pack->condemned[at / 8] &= (uint8_t) ~(1u << (at % 8));
	return found;
}

bool lf_index_hold(struct lf_index *index, const struct lf_chunk_id *id, uint32_t *ret_plain)
{
	struct lf_place place;
	bool condemned = false;
	bool found = look_up(index, id, &place, &condemned);

	if (condemned)
		found = spare_one(index, id, &place);
	if (found && ret_plain)
		*ret_plain = place.entry.plain;
	return found;
}

/* Set the bits of those of n ids (at most HELD_AT_ONCE) that some run may have. */
static void filter_many(struct lf_index *index, const struct lf_chunk_id *ids, size_t n,
			uint8_t *maybe)
{
	memset(maybe, 0, (n + 7) / 8);
	LF_READ_GUARD(&index->lock, lf_index_lock);
	for (size_t r = 0; r < index->run_count; r++) {
		const struct lf_run *run = index->runs[r];
		for (size_t i = 0; i < n && i < PREFETCHED; i++)
			lf_run_prefetch(run, &ids[i]);
		for (size_t i = 0; i < n; i++) {
			if (i + PREFETCHED < n)
				lf_run_prefetch(run, &ids[i + PREFETCHED]);
			maybe[i / 8] |= (uint8_t)(lf_run_maybe(run, &ids[i]) << (i % 8));
		}
	}
}

void lf_index_hold_many(struct lf_index *index, const struct lf_chunk_id *ids, size_t n,
			uint8_t *bits)
{
	uint8_t maybe[HELD_AT_ONCE / 8];

	for (size_t from = 0; from < n; from += HELD_AT_ONCE) {
		size_t some = n - from < HELD_AT_ONCE ? n - from : HELD_AT_ONCE;
		filter_many(index, ids + from, some, maybe);
		for (size_t i = 0; i < some; i++)
			if (bit_is_set(maybe, (uint32_t)i) &&
			    lf_index_hold(index, &ids[from + i], NULL))
				bits[(from + i) / 8] |= (uint8_t)(1u << ((from + i) % 8));
	}
}

int lf_index_packs(struct lf_index *index, struct lf_pack ***ret_packs, size_t *ret_count,
		   struct lf_error *err)
{
	size_t count = 0;

	LF_READ_GUARD(&index->lock, lf_index_lock);
	struct lf_pack **packs = calloc(index->pack_count + 1, sizeof(struct lf_pack *));
	for (size_t i = 0; packs && i < index->table_size; i++)
		for (struct lf_pack *pack = index->table[i]; pack; pack = pack->next)
			if (!atomic_load(&pack->dead))
				packs[count++] = pack;
	if (!packs)
		return lf_fail_nomem(err);
	*ret_packs = packs;
	*ret_count = count;
	return 0;
}

void lf_index_each_pack(struct lf_index *index, void (*visit)(struct lf_pack *pack))
{
	LF_WRITE_GUARD(&index->lock, lf_index_lock);

	for (size_t i = 0; i < index->table_size; i++)
		for (struct lf_pack *pack = index->table[i]; pack; pack = pack->next)
			visit(pack);
}

int lf_index_runs(struct lf_index *index, struct lf_run ***ret_runs, size_t *ret_count,
		  struct lf_error *err)
{
	LF_READ_GUARD(&index->lock, lf_index_lock);
	struct lf_run **runs = calloc(index->run_count + 1, sizeof(struct lf_run *));

	if (!runs)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < index->run_count; i++)
		runs[i] = lf_run_ref(index->runs[i]);
	*ret_runs = runs;
	*ret_count = index->run_count;
	return 0;
}

/* *ret_ended: by visit, whose answer it is; else the run is damaged. */
static int walk_run(struct lf_run *run, const uint8_t *pack, lf_record_fn *visit, void *context,
		    bool *ret_ended, struct lf_error *err)
{
	struct lf_run_reader *reader = NULL;
	struct lf_place place;
	bool more = true;
	int rc = lf_run_reader_new(run, &reader, err);

	while (!rc && more) {
		rc = lf_run_reader_next(reader, &place, &more, err);
		if (rc || !more || !place.pack ||
		    (pack ? memcmp(place.pack->name, pack, 32) != 0
			  : atomic_load(&place.pack->dead)))
			continue;
		rc = visit(context, &place, err);
		*ret_ended = rc;
	}
	lf_run_reader_free(reader);
	return rc;
}

int lf_index_each_record(struct lf_index *index, const uint8_t *pack, lf_record_fn *visit,
			 void *context, struct lf_error *err)
{
	struct lf_run **runs = NULL;
	struct lf_error damage = LF_ERROR_NONE;
	bool ended = false;
	size_t n = 0;
	int rc = lf_index_runs(index, &runs, &n, err);

	for (size_t i = 0; i < n; i++) {
		if (!rc)
			rc = walk_run(runs[i], pack, visit, context, &ended, err);
		if (rc == LF_ECORRUPT && !ended) {
			damage = *err;
			rc = 0;
		}
		lf_run_unref(runs[i]);
	}
	free(runs);
	if (!rc && damage.code)
		*err = damage;
	return rc ? rc : damage.code;
}

size_t lf_index_run_count(struct lf_index *index)
{
	LF_READ_GUARD(&index->lock, lf_index_lock);
	return index->run_count;
}

void lf_index_condemn(struct lf_index *index, struct lf_pack *pack, uint8_t *bits)
{
	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	free(pack->condemned);
	pack->condemned = bits;
}

void lf_index_spare(struct lf_index *index, struct lf_pack *pack, const uint8_t *keep)
{
	LF_WRITE_GUARD(&index->lock, lf_index_lock);

	for (uint32_t i = 0; pack->condemned && i < (pack->count + 7) / 8; i++)
		pack->condemned[i] &= (uint8_t)~keep[i];
}

uint8_t *lf_index_condemned(struct lf_index *index, struct lf_pack *pack)
{
	size_t len = (pack->count + 7) / 8 + 1;

	LF_READ_GUARD(&index->lock, lf_index_lock);
	uint8_t *bits = pack->condemned ? calloc(1, len) : NULL;
	if (bits)
		memcpy(bits, pack->condemned, len - 1);
	return bits;
}

bool lf_index_kill(struct lf_index *index, struct lf_pack *pack, const uint8_t *bits)
{
	size_t len = (pack->count + 7) / 8;

	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	bool same = pack->condemned && memcmp(pack->condemned, bits, len) == 0;
	if (same) {
		atomic_store(&pack->dead, true);
		pack->killed = true;
	}
	free(pack->condemned);
	pack->condemned = NULL;
	return same;
}
