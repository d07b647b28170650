/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment of a disk: holes and zeroes are found before anything else, the
 * rest is cut into chunks where they lie in the buffer (no copy), and a chunk
 * that nobody has goes to this thread's open pack.
 */
#include "vault/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/thread.h"
#include "vault/bytes.h"

#define BUFFER_BYTES (2u << 20)
#define RECENT_BYTES (64u << 20)

int lf_segment_worker_begin(struct lf_segment_worker *worker, struct lf_ingest *ingest,
			    struct lf_error *err)
{
	worker->ingest = ingest;
	worker->buffer = malloc(BUFFER_BYTES);
	worker->reserved = calloc(LF_RESERVED_SLOTS, sizeof(*worker->reserved));
	return worker->buffer && worker->reserved ? 0 : lf_fail_nomem(err);
}

void lf_segment_worker_done(struct lf_segment_worker *worker)
{
	lf_pack_writer_free(worker->writer);
	free(worker->buffer);
	free(worker->reserved);
}

static struct lf_chunk_id *reserved_slot(const struct lf_segment_worker *worker,
					 const struct lf_chunk_id *id)
{
	static const struct lf_chunk_id none;
	size_t at = lf_get_u32(id->bytes) & (LF_RESERVED_SLOTS - 1);

	while (memcmp(worker->reserved[at].bytes, id->bytes, 32) != 0 &&
	       memcmp(worker->reserved[at].bytes, none.bytes, 32) != 0)
		at = (at + 1) & (LF_RESERVED_SLOTS - 1);
	return &worker->reserved[at];
}

/* True: the chunk is ours to store.  False: some thread has it in its open pack. */
static bool reserve_chunk(struct lf_segment_worker *worker, const struct lf_chunk_id *id)
{
	struct lf_ingest *ingest = worker->ingest;

	LF_GUARD(&ingest->reserving);
	for (size_t i = 0; i < ingest->worker_count; i++)
		if (memcmp(reserved_slot(&ingest->workers[i], id)->bytes, id->bytes, 32) == 0)
			return false;
	*reserved_slot(worker, id) = *id;
	worker->reserved_count++;
	return true;
}

int lf_segment_close_pack(struct lf_segment_worker *worker, struct lf_error *err)
{
	struct lf_ingest *ingest = worker->ingest;
	int rc = 0;

	if (!worker->writer)
		return 0;
	rc = lf_vault_adopt_writer(ingest->vault, worker->writer, err);
	lf_pack_writer_free(worker->writer);
	worker->writer = NULL;
	/* from here on the index has them */
	LF_GUARD(&ingest->reserving);
	memset(worker->reserved, 0, LF_RESERVED_SLOTS * sizeof(*worker->reserved));
	worker->reserved_count = 0;
	return rc;
}

/* Compression is what a first pass waits for; where much is known there is time for more. */
static enum lf_effort choose_effort(struct lf_segment_worker *worker)
{
	if (worker->ingest->opts->changed)
		return LF_EFFORT_DENSE;
	if (worker->recent_bytes > RECENT_BYTES) {
		worker->recent_bytes /= 2;
		worker->recent_new /= 2;
	}
	return worker->recent_new * 3 < worker->recent_bytes * 2 ? LF_EFFORT_NORMAL
								 : LF_EFFORT_FAST;
}

static int store_new_chunk(struct lf_segment_worker *worker, const struct lf_chunk_id *id,
			   const uint8_t *data, size_t len, struct lf_error *err)
{
	struct lf_vault *vault = worker->ingest->vault;
	int rc = 0;

	if (!worker->writer) {
		LF_AUTO_FREE char *path = lf_vault_new_pack_path(vault);
		rc = path ? lf_pack_writer_new(&vault->key, path, &worker->writer, err)
			  : lf_fail_nomem(err);
	}
	if (!rc) {
		lf_pack_writer_set_effort(worker->writer, choose_effort(worker));
		rc = lf_pack_writer_add(worker->writer, id, data, len, err);
	}
	if (rc)
		return rc;
	worker->new_bytes += len;
	worker->recent_new += len;
	if (lf_pack_writer_size(worker->writer) >= LF_PACK_TARGET_BYTES ||
	    worker->reserved_count >= LF_RESERVED_SLOTS / 2)
		rc = lf_segment_close_pack(worker, err);
	return rc;
}

static int add_extent(struct lf_segment *segment, const struct lf_extent *extent,
		      struct lf_error *err)
{
	if (segment->count == segment->room) {
		size_t room = segment->room ? segment->room * 2 : 256;
		struct lf_extent *extents = reallocarray(segment->extents, room, sizeof(*extents));
		if (!extents)
			return lf_fail_nomem(err);
		segment->extents = extents;
		segment->room = room;
	}
	segment->extents[segment->count++] = *extent;
	return 0;
}

static int store_chunk(struct lf_segment_worker *worker, struct lf_segment *segment, uint64_t page,
		       const uint8_t *data, size_t len, struct lf_error *err)
{
	struct lf_vault *vault = worker->ingest->vault;
	struct lf_extent extent = {.page = page, .pages = (uint32_t)(len / LF_PAGE_SIZE)};
	int rc = lf_chunk_id_of(vault->hasher, data, len, &extent.chunk, err);

	if (rc)
		return rc;
	worker->chunks++;
	worker->recent_bytes += len;
	if (!lf_index_hold(vault->index, &extent.chunk, NULL) &&
	    reserve_chunk(worker, &extent.chunk))
		rc = store_new_chunk(worker, &extent.chunk, data, len, err);
	return rc ? rc : add_extent(segment, &extent, err);
}

/* A run of zero pages: nothing in a full pass, a hole over what was there otherwise. */
static int store_zeroes(struct lf_segment_worker *worker, struct lf_segment *segment, uint64_t page,
			uint64_t pages, struct lf_error *err)
{
	struct lf_extent hole = {.page = page, .pages = (uint32_t)pages, .hole = true};

	return worker->ingest->opts->changed ? add_extent(segment, &hole, err) : 0;
}

/* Read len bytes at offset; past the disk's end (its last page) are zeroes. */
static int read_disk(struct lf_segment_worker *worker, uint8_t *out, uint64_t offset, size_t len,
		     struct lf_error *err)
{
	struct lf_ingest *ingest = worker->ingest;
	size_t have = ingest->size - offset < len ? (size_t)(ingest->size - offset) : len;

	memset(out + have, 0, len - have);
	worker->read_bytes += have;
	return lf_file_pread_all(ingest->fd, out, have, offset, ingest->opts->path, err);
}

/* How many of the buffer's bytes were dealt with; the rest needs what follows it. */
static int cut_chunks(struct lf_segment_worker *worker, struct lf_segment *segment, uint64_t page,
		      size_t len, bool at_end, size_t *ret_done, struct lf_error *err)
{
	const uint8_t *data = worker->buffer;
	size_t at = 0;
	int rc = 0;

	while (!rc && at < len) {
		size_t n = 0;
		while (at + n < len && lf_page_is_zero(data + at + n))
			n += LF_PAGE_SIZE;
		if (n) {
			rc = store_zeroes(worker, segment, page + at / LF_PAGE_SIZE,
					  n / LF_PAGE_SIZE, err);
		} else {
			n = lf_chunk_border(data + at, len - at, at_end);
			if (!n)
				break;
			rc = store_chunk(worker, segment, page + at / LF_PAGE_SIZE, data + at, n,
					 err);
		}
		at += n;
	}
	*ret_done = at;
	return rc;
}

/* All pages of [first, last). */
static int read_run(struct lf_segment_worker *worker, struct lf_segment *segment, uint64_t first,
		    uint64_t last, struct lf_error *err)
{
	size_t kept = 0; /* bytes at the beginning of the buffer, of page first on */
	int rc = 0;

	while (!rc && first < last) {
		uint64_t from = first + kept / LF_PAGE_SIZE;
		size_t room = BUFFER_BYTES - kept;
		size_t n =
			(last - from) * LF_PAGE_SIZE < room ? (last - from) * LF_PAGE_SIZE : room;
		size_t done = 0;
		rc = read_disk(worker, worker->buffer + kept, from * LF_PAGE_SIZE, n, err);
		if (!rc)
			rc = cut_chunks(worker, segment, first, kept + n,
					from + n / LF_PAGE_SIZE == last, &done, err);
		kept = kept + n - done;
		memmove(worker->buffer, worker->buffer + done, kept);
		first += done / LF_PAGE_SIZE;
	}
	return rc;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Everything but the file's holes. */
static int read_all(struct lf_segment_worker *worker, struct lf_segment *segment, uint64_t first,
		    uint64_t last, struct lf_error *err)
{
	struct lf_ingest *ingest = worker->ingest;
	uint64_t end = min_u64(last * LF_PAGE_SIZE, ingest->size);

	for (uint64_t at = first * LF_PAGE_SIZE; at < end;) {
		off_t data = lseek(ingest->fd, (off_t)at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return 0;
		/* no such thing on this file: all of it is data */
		uint64_t from = data < 0 ? at : (uint64_t)data;
		off_t hole = data < 0 ? -1 : lseek(ingest->fd, data, SEEK_HOLE);
		uint64_t to = hole < 0 ? end : min_u64((uint64_t)hole, end);
		if (from >= end)
			return 0;
		uint64_t begin = from / LF_PAGE_SIZE;
		uint64_t stop = min_u64((to + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE, last);
		int rc = read_run(worker, segment, begin, stop, err);
		if (rc)
			return rc;
		at = stop * LF_PAGE_SIZE;
	}
	return 0;
}

static size_t first_not_below(const uint64_t *pages, size_t n, uint64_t page)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (pages[middle] < page)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Runs of changed pages only. */
static int read_changed(struct lf_segment_worker *worker, struct lf_segment *segment,
			uint64_t first, uint64_t last, struct lf_error *err)
{
	const struct lf_ingest_opts *opts = worker->ingest->opts;
	size_t i = first_not_below(opts->changed, opts->changed_count, first);

	while (i < opts->changed_count && opts->changed[i] < last) {
		uint64_t from = opts->changed[i], to = from + 1;
		while (++i < opts->changed_count && opts->changed[i] <= to && to < last)
			to = opts->changed[i] + 1;
		int rc = read_run(worker, segment, from, min_u64(to, last), err);
		if (rc)
			return rc;
	}
	return 0;
}

int lf_segment_read(struct lf_segment_worker *worker, uint64_t number, struct lf_segment *segment,
		    struct lf_error *err)
{
	uint64_t pages = (worker->ingest->size + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;
	uint64_t first = number * LF_SEGMENT_PAGES;
	uint64_t last = min_u64(first + LF_SEGMENT_PAGES, pages);

	if (worker->ingest->opts->changed)
		return read_changed(worker, segment, first, last, err);
	return read_all(worker, segment, first, last, err);
}
