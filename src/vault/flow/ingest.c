/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of an ingest and the order between them.  What one thread does
 * with a segment is in segment.c.
 */
#include "vault/flow/ingest.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/lock.h"
#include "os/workers.h"
#include "vault/flow/segment.h"

static void ingest_done(struct lf_ingest *ingest)
{
	LF_ALONE(lf_ingest_ordering);
	for (size_t i = 0; i < LF_SEGMENT_WINDOW; i++)
		free(ingest->window[i].extents);
	lf_map_edit_free(ingest->edit);
	lf_prints_close(ingest->prints);
	lf_disk_close(ingest->own_disk);
	pthread_mutex_destroy(&ingest->reserving);
	pthread_mutex_destroy(&ingest->ordering);
	pthread_cond_destroy(&ingest->moved);
}

/* The next segment with work, when the window has room for it; none is ready: no more. */
static int next_segment(struct lf_ingest *ingest, uint64_t *ret_number,
			struct lf_segment *ret_segment, struct lf_error *err)
{
	LF_GUARD(&ingest->ordering, lf_ingest_ordering);

	*ret_segment = (struct lf_segment){.ready = false};
	while (!ingest->failed && ingest->given >= ingest->merged + LF_SEGMENT_WINDOW)
		pthread_cond_wait(&ingest->moved, &ingest->ordering);
	if (ingest->failed)
		return 0;
	if (ingest->opts->stop && atomic_load(ingest->opts->stop))
		return lf_fail(err, LF_ECANCELED, NULL, "stopped");
	uint64_t page = ingest->pages;
	int rc = lf_segment_next_work(ingest, ingest->next_page, &page, err);
	ingest->next_page = page;
	if (rc || page >= ingest->pages)
		return rc;
	uint64_t first = page - page % LF_SEGMENT_PAGES;
	uint64_t last = first + LF_SEGMENT_PAGES;
	ingest->next_page = last < ingest->pages ? last : ingest->pages;
	*ret_segment =
		(struct lf_segment){.ready = true, .first = first, .last = ingest->next_page};
	*ret_number = ingest->given++;
	return 0;
}

static int put_extents(struct lf_ingest *ingest, struct lf_segment *segment, struct lf_error *err)
	LF_REQUIRES(lf_ingest_ordering);
static int put_extents(struct lf_ingest *ingest, struct lf_segment *segment, struct lf_error *err)
{
	for (size_t i = 0; i < segment->count; i++) {
		int rc = lf_map_edit_put(ingest->edit, &segment->extents[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Hand a segment's extents over, and put in all that are next in order. */
static int deliver_segment(struct lf_ingest *ingest, uint64_t number, struct lf_segment *done,
			   struct lf_error *err)
{
	LF_GUARD(&ingest->ordering, lf_ingest_ordering);
	uint64_t at = done->last * LF_PAGE_SIZE;
	int rc = 0;

	ingest->window[number % LF_SEGMENT_WINDOW] = *done;
	*done = (struct lf_segment){0};
	for (;;) {
		struct lf_segment *segment = &ingest->window[ingest->merged % LF_SEGMENT_WINDOW];
		if (rc || !segment->ready)
			break;
		rc = put_extents(ingest, segment, err);
		free(segment->extents);
		*segment = (struct lf_segment){0};
		ingest->merged++;
	}
	if (ingest->opts->progress)
		ingest->opts->progress(ingest->opts->context, at < ingest->size ? at : ingest->size,
				       ingest->size);
	pthread_cond_broadcast(&ingest->moved);
	return rc;
}

/* Who waits for room in the window hears of a failure here: nobody would make it. */
static void end_worker(struct lf_ingest *ingest, const struct lf_segment_worker *worker,
		       bool failed)
{
	LF_GUARD(&ingest->ordering, lf_ingest_ordering);

	ingest->read_bytes += worker->read_bytes;
	ingest->new_bytes += worker->new_bytes;
	ingest->chunks += worker->chunks;
	ingest->failed |= failed;
	pthread_cond_broadcast(&ingest->moved);
}

static int ingest_segments(void *context, struct lf_error *err)
{
	struct lf_ingest *ingest = context;
	struct lf_segment_worker *worker =
		&ingest->workers[atomic_fetch_add(&ingest->next_worker, 1)];
	struct lf_segment segment;
	uint64_t number = 0;
	int rc = next_segment(ingest, &number, &segment, err);

	while (!rc && segment.ready) {
		rc = lf_segment_read(worker, &segment, err);
		if (!rc)
			rc = deliver_segment(ingest, number, &segment, err);
		free(segment.extents);
		if (!rc)
			rc = next_segment(ingest, &number, &segment, err);
	}
	if (!rc)
		rc = lf_segment_close_pack(worker, err);
	end_worker(ingest, worker, rc);
	return rc;
}

static int run_workers(struct lf_ingest *ingest, unsigned count, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_segment_worker *workers = calloc(count, sizeof(*workers));
	unsigned begun = 0;
	int rc = workers ? 0 : lf_fail_nomem(err);

	ingest->workers = workers;
	while (!rc && begun < count) {
		rc = lf_segment_worker_begin(&workers[begun], ingest, err);
		ingest->worker_count = ++begun;
	}
	if (!rc)
		rc = lf_workers_run(count, ingest_segments, ingest, NULL, err);
	while (begun > 0)
		lf_segment_worker_done(&workers[--begun]);
	return rc;
}

static unsigned thread_count(unsigned asked)
{
	unsigned count = asked ? asked : lf_processors();

	return count < LF_WORKERS_MAX ? count : LF_WORKERS_MAX;
}

/* Prints that do not describe the base help nobody when only some pages are read. */
static int begin_prints(struct lf_ingest *ingest, struct lf_error *err)
{
	const struct lf_ingest_opts *opts = ingest->opts;
	int rc = opts->prints ? lf_prints_open(opts->prints, &ingest->prints, err) : 0;
	bool known = !rc && ingest->prints && opts->base &&
		     lf_prints_describe(ingest->prints, opts->base);

	ingest->why_full = known || opts->changed ? NULL
			   : !opts->base	  ? "the disk has no point yet"
			   : !opts->prints	  ? "no page prints are kept"
					   : "the page prints do not describe the newest point";
	ingest->compare = known && !opts->changed;
	ingest->delta = known || opts->changed;
	if (ingest->prints && !known && opts->changed) {
		lf_prints_close(ingest->prints);
		ingest->prints = NULL;
	}
	return rc || !ingest->prints ? rc : lf_prints_begin(ingest->prints, known, err);
}

static int look_at_vault(struct lf_ingest *ingest, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_pack **packs = NULL;
	size_t count = 0;
	int rc = lf_index_packs(ingest->vault->index, &packs, &count, err);

	ingest->fresh = count == 0;
	return rc;
}

static int ingest_disk(struct lf_ingest *ingest, struct lf_root *ret_root, struct lf_error *err)
{
	const struct lf_ingest_opts *opts = ingest->opts;
	int rc = opts->disk ? 0 : lf_disk_open(opts->path, &ingest->own_disk, err);

	if (rc)
		return rc;
	if (!opts->disk) {
		ingest->own_disk->bad = opts->bad;
		if (opts->bytes)
			ingest->own_disk->size_bytes = opts->bytes;
	}
	ingest->disk = opts->disk ? opts->disk : ingest->own_disk;
	ingest->size = ingest->disk->size_bytes;
	ingest->pages = (ingest->size + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;

	LF_ALONE(lf_ingest_ordering); /* but while the workers run, who lock for themselves */
	if (!rc)
		rc = look_at_vault(ingest, err);
	if (!rc)
		rc = begin_prints(ingest, err);
	if (!rc)
		rc = lf_map_edit_begin(ingest->vault, ingest->delta ? opts->base : NULL,
				       &ingest->edit, err);
	if (!rc && ingest->delta)
		rc = lf_map_edit_truncate(ingest->edit, ingest->pages, err);
	if (!rc)
		rc = run_workers(ingest, thread_count(opts->threads), err);
	LF_CRASH_POINT("vault-ingest-read");
	if (!rc)
		rc = lf_map_edit_commit(ingest->edit, ret_root, err);
	if (!rc && ingest->prints)
		rc = lf_prints_end(ingest->prints, ingest->pages, ret_root, err);
	return rc;
}

int lf_ingest(struct lf_vault *vault, const struct lf_ingest_opts *opts,
	      struct lf_ingest_result *ret_result, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_ingest *ingest = calloc(1, sizeof(*ingest));
	struct lf_root root;
	int rc = lf_vault_writable(vault, err);

	if (rc)
		return rc;
	if (!ingest)
		return lf_fail_nomem(err);
	pthread_mutex_init(&ingest->reserving, NULL);
	pthread_mutex_init(&ingest->ordering, NULL);
	pthread_cond_init(&ingest->moved, NULL);
	ingest->vault = vault;
	ingest->opts = opts;
	ingest->changed = opts->changed;
	ingest->changed_count = opts->changed_count;
	uint64_t stored = atomic_load(&vault->adopted_bytes);
	rc = ingest_disk(ingest, &root, err);
	LF_ALONE(lf_ingest_ordering);
	if (!rc)
		*ret_result = (struct lf_ingest_result){
			.root = root,
			.size_bytes = ingest->size,
			.sector_bytes = lf_disk_sector(ingest->disk),
			.read_bytes = ingest->read_bytes,
			.new_bytes = ingest->new_bytes,
			.stored_bytes = atomic_load(&vault->adopted_bytes) - stored,
			.chunks = ingest->chunks,
			.why_full = ingest->why_full};
	ingest_done(ingest);
	return rc;
}
