/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of an ingest and the order between them.  What one thread does
 * with a segment is in segment.c.
 */
#include "vault/flow/ingest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/lock.h"
#include "vault/flow/segment.h"

#define THREADS_MAX 16u

static void ingest_done(struct lf_ingest *ingest)
{
	for (size_t i = 0; i < LF_SEGMENT_WINDOW; i++)
		free(ingest->window[i].extents);
	lf_map_edit_free(ingest->edit);
	lf_prints_close(ingest->prints);
	lf_disk_close(ingest->own_disk);
	pthread_mutex_destroy(&ingest->reserving);
	pthread_mutex_destroy(&ingest->ordering);
	pthread_cond_destroy(&ingest->moved);
}

/* The next segment with work, when the window has room for it; false: no more. */
static bool next_segment(struct lf_ingest *ingest, uint64_t *ret_number,
			 struct lf_segment *ret_segment)
{
	LF_GUARD(&ingest->ordering);

	while (!ingest->rc && ingest->given >= ingest->merged + LF_SEGMENT_WINDOW)
		pthread_cond_wait(&ingest->moved, &ingest->ordering);
	if (!ingest->rc && ingest->opts->stop && atomic_load(ingest->opts->stop))
		ingest->rc = lf_fail(&ingest->err, LF_ECANCELED, NULL, "stopped");
	if (ingest->rc)
		return false;
	uint64_t page = ingest->pages;
	ingest->rc = lf_segment_next_work(ingest, ingest->next_page, &page, &ingest->err);
	ingest->next_page = page;
	if (ingest->rc || page >= ingest->pages)
		return false;
	uint64_t first = page - page % LF_SEGMENT_PAGES;
	uint64_t last = first + LF_SEGMENT_PAGES;
	ingest->next_page = last < ingest->pages ? last : ingest->pages;
	*ret_segment =
		(struct lf_segment){.ready = true, .first = first, .last = ingest->next_page};
	*ret_number = ingest->given++;
	return true;
}

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
	LF_GUARD(&ingest->ordering);
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

static void *ingest_segments(void *argument)
{
	struct lf_segment_worker *worker = argument;
	struct lf_ingest *ingest = worker->ingest;
	struct lf_error err = LF_ERROR_NONE;
	struct lf_segment segment;
	uint64_t number = 0;
	int rc = 0;

	while (!rc && next_segment(ingest, &number, &segment)) {
		rc = lf_segment_read(worker, &segment, &err);
		if (!rc)
			rc = deliver_segment(ingest, number, &segment, &err);
		free(segment.extents);
	}
	if (!rc)
		rc = lf_segment_close_pack(worker, &err);
	LF_GUARD(&ingest->ordering);
	ingest->read_bytes += worker->read_bytes;
	ingest->new_bytes += worker->new_bytes;
	ingest->chunks += worker->chunks;
	if (rc && !ingest->rc) {
		ingest->rc = rc;
		ingest->err = err;
	}
	pthread_cond_broadcast(&ingest->moved);
	return NULL;
}

static int run_workers(struct lf_ingest *ingest, unsigned count, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_segment_worker *workers = calloc(count, sizeof(*workers));
	pthread_t threads[THREADS_MAX];
	unsigned begun = 0, started = 0;
	int rc = workers ? 0 : lf_fail_nomem(err);

	ingest->workers = workers;
	while (!rc && begun < count) {
		rc = lf_segment_worker_begin(&workers[begun], ingest, err);
		ingest->worker_count = ++begun;
	}
	while (!rc && started + 1 < count &&
	       pthread_create(&threads[started], NULL, ingest_segments, &workers[started + 1]) == 0)
		started++;
	if (!rc)
		ingest_segments(&workers[0]);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	while (begun > 0)
		lf_segment_worker_done(&workers[--begun]);
	if (!rc && ingest->rc) {
		rc = ingest->rc;
		*err = ingest->err;
	}
	return rc;
}

static unsigned thread_count(unsigned asked)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned count = asked ? asked : processors > 0 ? (unsigned)processors : 1;

	return count < THREADS_MAX ? count : THREADS_MAX;
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
