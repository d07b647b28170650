/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads take packs in turn and copy what is kept of them into new packs of
 * their own, in the order in which it was written.  New packs are adopted when
 * they are full and at the end; only then does the caller remove the old ones,
 * so that a kill leaves records twice, never not at all.
 */
#include "vault/care/move.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"
#include "os/workers.h"

#define LOOK_NS (50 * LF_NS_PER_MS) /* how often one who waits looks whether to stop */

LF_LOCK_KIND(move_lock);

struct move {
	struct lf_vault *vault;
	const struct lf_leaving *packs;
	size_t n;
	const struct lf_move_opts *opts;
	int64_t begun_ns;
	atomic_bool failed;
	pthread_mutex_t mutex;
	size_t next LF_GUARDED_BY(move_lock);
	uint64_t bytes LF_GUARDED_BY(move_lock); /* of packs given out */
};

/* One thread's. */
struct mover {
	struct move *move;
	struct lf_pack_writer *writer; /* of what is kept */
	struct lf_opener *opener;
	uint8_t *plain;
};

static int open_writer(struct mover *mover, const struct lf_pack *pack, struct lf_error *err)
{
	int rc = lf_vault_open_pack(mover->move->vault, lf_pack_owner(pack->flags, pack->salt),
				    &mover->writer, err);

	if (!rc && mover->move->opts->dense)
		lf_pack_writer_set_effort(mover->writer, LF_EFFORT_BEST);
	return rc;
}

/* As it is compressed or anew; the seal is the new pack's. */
static int move_record(struct mover *mover, struct lf_pack *pack, const struct lf_pack_entry *entry,
		       struct lf_error *err)
{
	struct lf_place place = {pack, *entry};
	int rc = lf_vault_read_place(mover->move->vault, mover->opener, &place, mover->plain, err);

	if (!rc)
		rc = open_writer(mover, pack, err);
	if (rc || lf_pack_writer_find(mover->writer, &entry->id))
		return rc; /* another copy has been moved */
	if (mover->move->opts->dense)
		return lf_pack_writer_add_kind(mover->writer, &entry->id, entry->kind, mover->plain,
					       entry->plain, err);
	const void *coded = entry->coding == LF_CODING_RAW ? mover->plain : mover->opener->scratch;
	return lf_pack_writer_add_coded(mover->writer, entry, coded, entry->stored - LF_TAG_SIZE,
					err);
}

static int compare_records(const void *a, const void *b)
{
	uint32_t x = ((const struct lf_pack_entry *)a)->record;
	uint32_t y = ((const struct lf_pack_entry *)b)->record;

	return x < y ? -1 : x > y;
}

static int move_pack(struct mover *mover, const struct lf_leaving *leaving, struct lf_error *err)
{
	struct lf_pack_footer footer = {0};
	int rc = lf_pack_footer_load(mover->move->vault->store, leaving->pack->name, &footer, err);

	/* as they were written: what lies together on a disk stays together */
	if (!rc)
		qsort(footer.entries, footer.count, sizeof(*footer.entries), compare_records);
	for (uint32_t i = 0; !rc && i < footer.count; i++) {
		uint32_t record = footer.entries[i].record;
		if (!(leaving->bits[record / 8] >> (record % 8) & 1))
			rc = move_record(mover, leaving->pack, &footer.entries[i], err);
	}
	lf_pack_footer_done(&footer);
	return rc;
}

static bool is_stopped(const struct move *move)
{
	return move->opts->stop && atomic_load(move->opts->stop);
}

/* Wait until so many bytes are due, or nobody wants them any more. */
static void keep_pace(const struct move *move, uint64_t bytes)
{
	uint64_t rate = move->opts->bytes_per_second;
	int64_t due_ns = rate ? (int64_t)((double)bytes / (double)rate * (double)LF_NS_PER_S) : 0;

	while (!is_stopped(move)) {
		int64_t left_ns = move->begun_ns + due_ns - lf_clock_monotonic_ns();
		if (left_ns <= 0)
			return;
		if (left_ns > LOOK_NS)
			left_ns = LOOK_NS;
		nanosleep(&(struct timespec){.tv_nsec = left_ns}, NULL);
	}
}

/* The next pack; NULL: no more. */
static const struct lf_leaving *next_pack(struct move *move)
{
	const struct lf_leaving *leaving = NULL;

	lf_lock(&move->mutex, move_lock);
	uint64_t bytes = move->bytes;
	if (!atomic_load(&move->failed) && move->next < move->n) {
		leaving = &move->packs[move->next++];
		move->bytes += leaving->pack->size;
	}
	lf_unlock(&move->mutex, move_lock);
	if (leaving)
		keep_pace(move, bytes);
	return leaving;
}

static int move_packs(void *context, struct lf_error *err)
{
	struct move *move = context;
	struct mover mover = {.move = move, .plain = malloc(LF_CHUNK_BYTES_MAX)};
	const struct lf_leaving *leaving;
	int rc = mover.plain ? lf_opener_get(move->vault, &mover.opener, err) : lf_fail_nomem(err);

	while (!rc && (leaving = next_pack(move))) {
		if (is_stopped(move))
			rc = lf_fail(err, LF_ECANCELED, NULL, "stopped");
		else if (leaving->dead < leaving->pack->count)
			rc = move_pack(&mover, leaving, err);
	}
	if (!rc)
		rc = lf_vault_close_pack(mover.move->vault, &mover.writer, err);
	lf_pack_writer_free(mover.writer);
	if (mover.opener)
		lf_opener_put(move->vault, mover.opener);
	free(mover.plain);
	return rc;
}

int lf_move_kept(struct lf_vault *vault, const struct lf_leaving *packs, size_t n,
		 const struct lf_move_opts *opts, struct lf_error *err)
{
	struct move move = {.vault = vault,
			    .packs = packs,
			    .n = n,
			    .opts = opts,
			    .begun_ns = lf_clock_monotonic_ns()};
	unsigned threads = n < opts->threads ? (unsigned)n : opts->threads;

	pthread_mutex_init(&move.mutex, NULL);
	int rc = lf_workers_run(threads, move_packs, &move, &move.failed, err);
	pthread_mutex_destroy(&move.mutex);
	return rc;
}
