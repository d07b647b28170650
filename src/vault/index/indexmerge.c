/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging runs.  Runs in memory become a file, small files a larger one, as
 * soon as it is due: milliseconds.  A merge of many records is left to a thread,
 * one at a time, so that nobody who brings packs waits for it; what comes
 * meanwhile is merged among itself.  An input that turns out to be damaged is
 * left for lf_index_heal() to drop.
 */
#include <stdlib.h>

#include "base/fault.h"
#include "base/lock.h"
#include "os/file.h"
#include "vault/index/index_internal.h"

#define MEMORY_RUNS_MAX 16u	   /* then they become a file */
#define RECORDS_AT_ONCE (1u << 18) /* more are merged behind */
#define SOURCES_MAX	64u	   /* of one merge of runs in memory */
#define WASTE_SHARE	4u	   /* a run is written anew when this part of it is dead */

/* A merge in the making; the runs are referred to. */
struct merge {
	struct lf_index *index;
	struct lf_run **runs;
	size_t n;
	uint64_t number; /* of its file; 0: in memory */
	struct lf_run *merged;
};

static void merge_done(struct merge *merge)
{
	for (size_t i = 0; i < merge->n; i++)
		lf_run_unref(merge->runs[i]);
	free(merge->runs);
}

static int compare_runs(const void *a, const void *b)
{
	const struct lf_run *x = *(struct lf_run *const *)a, *y = *(struct lf_run *const *)b;

	return x->count < y->count ? -1 : x->count > y->count;
}

/*
 * The smallest runs whose sum reaches a third of the next one are merged with
 * it: each record is moved about log(n) times, and about log(n) runs stay.  Not
 * more records than most.
 */
static size_t due_runs(struct lf_run **runs, size_t n, uint64_t most)
{
	uint64_t sum = 0;
	size_t due = 0;

	qsort(runs, n, sizeof(struct lf_run *), compare_runs);
	for (size_t i = 0; i < n && sum + runs[i]->count <= most; i++) {
		if (i && sum * 3 >= runs[i]->count)
			due = i + 1;
		sum += runs[i]->count;
	}
	return due;
}

static bool is_wasteful(const struct lf_run *run)
{
	uint64_t dead = 0;

	for (uint32_t i = 0; i < run->pack_count; i++)
		if (atomic_load(&run->packs[i]->dead))
			dead += run->packs[i]->count;
	return dead * WASTE_SHARE > run->count;
}

/* Bring the first that is mostly dead to the front. */
static size_t wasteful_run(struct lf_run **runs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_wasteful(runs[i]))
			continue;
		struct lf_run *run = runs[i];
		runs[i] = runs[0];
		runs[0] = run;
		return 1;
	}
	return 0;
}

LF_REQUIRES(lf_index_changing)
static size_t choose(const struct lf_index *index, struct lf_run **runs, size_t n, bool files,
		     bool all)
{
	if (files) {
		size_t due = due_runs(runs, n, index->merger_runs ? RECORDS_AT_ONCE : UINT64_MAX);
		return due || !all || index->merger_runs ? due : wasteful_run(runs, n);
	}
	if (n <= MEMORY_RUNS_MAX && !(all && !index->read_only))
		return 0;
	if (index->read_only)
		return due_runs(runs, n, UINT64_MAX);
	return n < SOURCES_MAX ? n : SOURCES_MAX; /* the rest with the next pack */
}

/* What is due among the runs of files, or among those in memory; merge->n 0: nothing. */
LF_REQUIRES(lf_index_changing)
static int pick(struct lf_index *index, bool files, bool all, struct merge *merge,
		struct lf_error *err)
{
	struct lf_run **runs = NULL;
	size_t n = 0, picked = 0;
	int rc = lf_index_runs(index, &runs, &n, err);

	*merge = (struct merge){.index = index, .runs = runs};
	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if ((runs[i]->number != 0) == files && !runs[i]->busy)
			runs[picked++] = runs[i];
		else
			lf_run_unref(runs[i]);
	}
	merge->n = choose(index, runs, picked, files, all);
	for (size_t i = merge->n; i < picked; i++)
		lf_run_unref(runs[i]);
	merge->number = merge->n && !index->read_only ? ++index->last_number : 0;
	return 0;
}

/* No other lock is needed: the runs do not change. */
static int write_merged(struct merge *merge, struct lf_error *err)
{
	LF_AUTO_FREE char *path =
		merge->number ? lf_index_run_path(merge->index, merge->number) : NULL;

	if (merge->number && !path)
		return lf_fail_nomem(err);
	int rc = lf_run_merge(merge->runs, merge->n, path, &merge->merged, err);
	if (!rc)
		merge->merged->number = merge->number;
	return rc;
}

/* What was dead has no records any more, should it come again. */
LF_REQUIRES(lf_index_lock)
static void uncover_dead(struct lf_run *run)
{
	for (uint32_t i = 0; i < run->pack_count; i++)
		if (atomic_load(&run->packs[i]->dead))
			run->packs[i]->covered = false;
}

LF_REQUIRES(lf_index_changing)
static int take_merged(struct merge *merge, struct lf_error *err)
{
	struct lf_index *index = merge->index;

	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	int rc = lf_index_push_run(index, merge->merged, err);
	if (!rc) {
		lf_index_remove_runs(index, merge->runs, merge->n);
		for (size_t i = 0; i < merge->n; i++)
			uncover_dead(merge->runs[i]);
	} else {
		lf_run_unref(merge->merged);
	}
	return rc;
}

static int remove_files(const struct merge *merge, struct lf_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < merge->n && !rc; i++) {
		uint64_t number = merge->runs[i]->number;
		LF_AUTO_FREE char *old = number ? lf_index_run_path(merge->index, number) : NULL;
		if (old)
			rc = lf_file_remove(old, err);
		LF_CRASH_POINT("vault-run-removed");
	}
	return rc;
}

LF_REQUIRES(lf_index_changing)
static int merge_here(struct merge *merge, struct lf_error *err)
{
	int rc = write_merged(merge, err);

	if (rc == LF_ECORRUPT) { /* an input is damaged: its packs are to be asked again */
		merge->index->ailing = true;
		return 0;
	}
	if (!rc)
		rc = take_merged(merge, err);
	return rc ? rc : remove_files(merge, err);
}

LF_REQUIRES(lf_index_changing)
static void set_busy(struct merge *merge, bool busy)
{
	for (size_t i = 0; i < merge->n; i++)
		merge->runs[i]->busy = busy;
	merge->index->making = busy ? merge->number : 0;
}

static int end_behind(struct merge *merge, int rc, struct lf_error *err)
{
	struct lf_index *index = merge->index;

	LF_GUARD(&index->changing, lf_index_changing);
	set_busy(merge, false);
	if (!rc)
		rc = take_merged(merge, err);
	else if (rc == LF_ECORRUPT)
		index->ailing = true;
	index->leaving = merge->runs;
	index->leaving_count = rc ? 0 : merge->n;
	return rc;
}

/*
 * One merge, whose result nobody waits for: what fails is due again with the
 * next pack.  A large file takes long to be removed, and to be closed after: no
 * lock is held then.
 */
static void *merge_behind(void *argument)
{
	struct merge *merge = argument;
	struct lf_index *index = merge->index;
	struct lf_error err;
	int rc = end_behind(merge, write_merged(merge, &err), &err);

	if (!rc)
		(void)!remove_files(merge, &err);
	lf_lock(&index->changing, lf_index_changing);
	index->leaving_count = 0;
	lf_unlock(&index->changing, lf_index_changing);
	merge_done(merge);
	free(merge);
	LF_GUARD(&index->changing, lf_index_changing);
	index->merger_runs = false;
	return NULL;
}

LF_REQUIRES(lf_index_changing)
static int begin_behind(const struct merge *merge, struct lf_error *err)
{
	struct lf_index *index = merge->index;
	struct merge *own = malloc(sizeof(*own));

	if (!own)
		return lf_fail_nomem(err);
	if (index->merger_begun) /* it has ended */
		pthread_join(index->merger, NULL);
	*own = *merge;
	set_busy(own, true);
	index->merger_begun = pthread_create(&index->merger, NULL, merge_behind, own) == 0;
	index->merger_runs = index->merger_begun;
	if (index->merger_begun)
		return 0;
	set_busy(own, false);
	free(own);
	return lf_fail_nomem(err);
}

static uint64_t sum_records(const struct merge *merge)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < merge->n; i++)
		sum += merge->runs[i]->count;
	return sum;
}

LF_REQUIRES(lf_index_changing)
static int tidy_sort(struct lf_index *index, bool files, bool all, struct lf_error *err)
{
	struct merge merge;
	int rc = pick(index, files, all, &merge, err);

	if (rc)
		return rc;
	if (merge.n && files && !index->merger_runs && sum_records(&merge) > RECORDS_AT_ONCE) {
		rc = begin_behind(&merge, err);
		if (!rc)
			return 0; /* the runs are the thread's now */
	} else if (merge.n) {
		rc = merge_here(&merge, err);
	}
	merge_done(&merge);
	return rc;
}

int lf_index_tidy_locked(struct lf_index *index, bool all, struct lf_error *err)
{
	int rc = index->ailing ? 0 : tidy_sort(index, false, all, err);

	return rc || index->read_only || index->ailing ? rc : tidy_sort(index, true, all, err);
}

void lf_index_wait(struct lf_index *index)
{
	pthread_t merger;
	bool begun;

	{
		LF_GUARD(&index->changing, lf_index_changing);
		begun = index->merger_begun;
		merger = index->merger;
		index->merger_begun = false;
	}
	if (begun)
		pthread_join(merger, NULL);
}
