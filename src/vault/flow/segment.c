/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment of a disk: holes and zeroes are found before anything else, the
 * rest is cut into chunks where they lie in the buffer (no copy), and a chunk
 * that nobody has goes to this thread's open pack.
 */
#include "vault/flow/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "os/file.h"
#include "base/lock.h"

#define RECENT_BYTES (UINT64_C(512) << 20)

int lf_segment_worker_begin(struct lf_segment_worker *worker, struct lf_ingest *ingest,
			    struct lf_error *err)
{
	worker->ingest = ingest;
	/* the benefit of the doubt: a disk like those that are here already */
	worker->recent_bytes = ingest->fresh ? 0 : RECENT_BYTES;
	LF_ALONE(lf_ingest_reserving);
	worker->reserved = calloc(LF_RESERVED_SLOTS, sizeof(*worker->reserved));
	return worker->reserved ? lf_pieces_new(ingest->disk, &worker->pieces, err)
				: lf_fail_nomem(err);
}

void lf_segment_worker_done(struct lf_segment_worker *worker)
{
	lf_pack_writer_free(worker->writer);
	lf_pieces_free(worker->pieces);
	LF_ALONE(lf_ingest_reserving);
	free(worker->reserved);
}

static struct lf_chunk_id *reserved_slot(const struct lf_segment_worker *worker,
					 const struct lf_chunk_id *id)
	LF_REQUIRES(lf_ingest_reserving);
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

	LF_GUARD(&ingest->reserving, lf_ingest_reserving);
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
	LF_GUARD(&ingest->reserving, lf_ingest_reserving);
	memset(worker->reserved, 0, LF_RESERVED_SLOTS * sizeof(*worker->reserved));
	worker->reserved_count = 0;
	return rc;
}

/* Compression is what a first pass waits for; where much is known there is time for more. */
static enum lf_effort choose_effort(struct lf_segment_worker *worker)
{
	if (worker->ingest->delta)
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
	int rc = lf_vault_begin_pack(vault, NULL, &worker->writer, err);

	if (!rc) {
		lf_pack_writer_set_effort(worker->writer, choose_effort(worker));
		rc = lf_pack_writer_add(worker->writer, id, data, len, err);
	}
	if (rc)
		return rc;
	worker->new_bytes += len;
	worker->recent_new += len;
	if (lf_pack_writer_is_full(worker->writer) ||
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

	return worker->ingest->delta ? add_extent(segment, &hole, err) : 0;
}

/* How many of the pages were dealt with; the rest needs what follows them. */
static int cut_chunks(struct lf_segment_worker *worker, struct lf_segment *segment, uint64_t page,
		      const uint8_t *data, size_t pages, bool at_end, size_t *ret_done,
		      struct lf_error *err)
{
	const uint64_t *prints = worker->prints;
	size_t at = 0;
	int rc = 0;

	while (!rc && at < pages) {
		bool hole;
		size_t n = lf_chunk_cut(prints + at, pages - at, at_end, &hole);
		if (!n)
			break;
		rc = hole ? store_zeroes(worker, segment, page + at, n, err)
			  : store_chunk(worker, segment, page + at, data + at * LF_PAGE_SIZE,
					n * LF_PAGE_SIZE, err);
		at += n;
	}
	*ret_done = at;
	return rc;
}

/* The next piece with its fingerprints, which are also those of the segment now; NULL: no more. */
static int next_piece(struct lf_segment_worker *worker, const struct lf_segment *segment,
		      uint64_t *prints, const struct lf_piece **ret_piece, struct lf_error *err)
{
	const struct lf_piece *piece;
	int rc = lf_pieces_next(worker->pieces, &piece, err);

	*ret_piece = rc ? NULL : piece;
	if (rc || !piece)
		return rc;
	worker->read_bytes += (uint64_t)piece->pages * LF_PAGE_SIZE;
	for (size_t i = 0; i < piece->pages; i++)
		prints[i] = lf_page_print(worker->ingest->vault->hasher,
					  piece->data + i * LF_PAGE_SIZE);
	memcpy(&worker->now[piece->page - segment->first], prints, piece->pages * sizeof(*prints));
	return 0;
}

static int store_runs(struct lf_segment_worker *worker, struct lf_segment *segment,
		      lf_next_run_fn *next_run, void *context, struct lf_error *err)
{
	const struct lf_piece *piece = NULL;
	const uint8_t *rest = NULL; /* of the piece before: pages that no border ended */
	size_t kept = 0;
	int rc = 0;

	lf_pieces_begin(worker->pieces, next_run, context);
	for (;;) {
		rc = next_piece(worker, segment, worker->prints + kept, &piece, err);
		if (rc || !piece)
			return rc;
		uint8_t *data = piece->data - kept * LF_PAGE_SIZE;
		size_t pages = kept + piece->pages, done = 0;
		if (kept)
			memcpy(data, rest, kept * LF_PAGE_SIZE);
		rc = cut_chunks(worker, segment, piece->page - kept, data, pages, piece->ends_run,
				&done, err);
		if (rc)
			return rc;
		rest = data + done * LF_PAGE_SIZE;
		kept = pages - done;
		memmove(worker->prints, worker->prints + done, kept * sizeof(*worker->prints));
	}
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Does the disk tell what may differ from the base? */
static bool knows_dirty(const struct lf_ingest *ingest)
{
	return ingest->disk->next_dirty;
}

/* What is left of a segment. */
struct rest {
	const struct lf_ingest *ingest;
	uint64_t at, last;
	const uint64_t *changed; /* a list instead of the disk's data */
	size_t count;
	struct lf_segment_worker *worker; /* of next_dirty_run(), and */
	uint64_t first, dirty_at, end; /* the segment, and where its next dirty run is looked for */
};

static int next_data_run(void *context, uint64_t *ret_first, uint64_t *ret_last,
			 struct lf_error *err)
{
	struct rest *rest = context;
	uint64_t from = 0, to = 0;

	*ret_first = *ret_last = rest->last;
	if (rest->at >= rest->last)
		return 0;
	int rc = lf_disk_next_data(rest->ingest->disk, rest->at * LF_PAGE_SIZE, &from, &to, err);
	if (rc)
		return rc;
	*ret_first = min_u64(from / LF_PAGE_SIZE, rest->last);
	if (*ret_first < rest->at) /* what is left of a page that was read already */
		*ret_first = rest->at;
	rest->at = min_u64((to + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE, rest->last);
	if (*ret_first < rest->last && rest->at <= *ret_first)
		rest->at = *ret_first + 1;
	*ret_last = *ret_first < rest->last ? rest->at : rest->last;
	if (*ret_first >= rest->last)
		rest->at = rest->last;
	return 0;
}

/*
 * The data of what may differ from the base, run by run; where a dirty run has none, there is
 * nothing now.
 */
static int next_dirty_run(void *context, uint64_t *ret_first, uint64_t *ret_last,
			  struct lf_error *err)
{
	struct rest *rest = context;
	uint64_t from = 0, to = 0;

	for (;;) {
		int rc = next_data_run(rest, ret_first, ret_last, err);
		if (rc || *ret_first < rest->last || rest->dirty_at >= rest->end)
			return rc;
		rc = lf_disk_next_dirty(rest->ingest->disk, rest->dirty_at * LF_PAGE_SIZE, &from,
					&to, err);
		if (rc)
			return rc;
		uint64_t first = min_u64(from / LF_PAGE_SIZE, rest->end);
		first = first < rest->dirty_at ? rest->dirty_at : first;
		rest->at = first;
		rest->last = min_u64((to + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE, rest->end);
		rest->last = rest->last < first ? first : rest->last;
		rest->dirty_at = first < rest->end ? rest->last : rest->end;
		memset(rest->worker->now + (first - rest->first), 0,
		       (size_t)(rest->last - first) * sizeof(*rest->worker->now));
	}
}

static int next_listed_run(void *context, uint64_t *ret_first, uint64_t *ret_last,
			   struct lf_error *err)
{
	struct rest *rest = context;

	(void)err;
	*ret_first = *ret_last = rest->last;
	if (!rest->count || *rest->changed >= rest->last)
		return 0;
	*ret_first = *rest->changed;
	*ret_last = *ret_first;
	while (rest->count && *rest->changed <= *ret_last && *ret_last < rest->last) {
		*ret_last = *rest->changed + 1;
		rest->changed++;
		rest->count--;
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

int lf_segment_next_work(const struct lf_ingest *ingest, uint64_t page, uint64_t *ret_page,
			 struct lf_error *err)
{
	uint64_t from = 0, to = 0;

	*ret_page = ingest->pages;
	if (page >= ingest->pages)
		return 0;
	if (ingest->changed) {
		size_t i = first_not_below(ingest->changed, ingest->changed_count, page);
		if (i < ingest->changed_count)
			*ret_page = min_u64(ingest->changed[i], ingest->pages);
		return 0;
	}
	int rc = ingest->compare && knows_dirty(ingest)
			 ? lf_disk_next_dirty(ingest->disk, page * LF_PAGE_SIZE, &from, &to, err)
			 : lf_disk_next_data(ingest->disk, page * LF_PAGE_SIZE, &from, &to, err);
	if (rc)
		return rc;
	if (from < ingest->size)
		*ret_page = from / LF_PAGE_SIZE > page ? from / LF_PAGE_SIZE : page;
	/* where something was there may be nothing now */
	if (ingest->compare && !knows_dirty(ingest))
		*ret_page = min_u64(*ret_page, lf_prints_next(ingest->prints, page));
	return 0;
}

/* What of the segment differs from its fingerprints, as a list in worker->changed. */
static int find_changes(struct lf_segment_worker *worker, struct lf_segment *segment,
			struct rest *rest, struct lf_error *err)
{
	uint64_t prints[LF_PIECE_PAGES];
	const struct lf_piece *piece = NULL;
	size_t count = 0;
	int rc;

	bool dirty = knows_dirty(worker->ingest);
	if (dirty) /* the first look finds the first run; the rest is as it was */
		*rest = (struct rest){.ingest = worker->ingest,
				      .worker = worker,
				      .first = segment->first,
				      .dirty_at = segment->first,
				      .end = segment->last};
	lf_pieces_begin(worker->pieces, dirty ? next_dirty_run : next_data_run, rest);
	do
		rc = next_piece(worker, segment, prints, &piece, err);
	while (!rc && piece);
	for (uint64_t i = 0; i < segment->last - segment->first; i++)
		if (worker->now[i] != worker->known[i])
			worker->changed[count++] = segment->first + i;
	rest->last = segment->last;
	rest->changed = worker->changed;
	rest->count = count;
	return rc;
}

static int read_segment(struct lf_segment_worker *worker, struct lf_segment *segment,
			struct lf_error *err)
{
	const struct lf_ingest *ingest = worker->ingest;
	struct rest rest = {worker->ingest, segment->first, segment->last, NULL, 0};
	int rc = 0;

	if (ingest->changed) {
		size_t i = first_not_below(ingest->changed, ingest->changed_count, segment->first);
		rest.changed = ingest->changed + i;
		rest.count = ingest->changed_count - i;
	} else if (worker->ingest->compare) {
		rc = find_changes(worker, segment, &rest, err);
	} else {
		return store_runs(worker, segment, next_data_run, &rest, err);
	}
	return rc ? rc : store_runs(worker, segment, next_listed_run, &rest, err);
}

int lf_segment_read(struct lf_segment_worker *worker, struct lf_segment *segment,
		    struct lf_error *err)
{
	struct lf_prints *prints = worker->ingest->prints;
	size_t pages = (size_t)(segment->last - segment->first);
	int rc = 0;

	memset(worker->known, 0, sizeof(worker->known));
	memset(worker->now, 0, sizeof(worker->now));
	if (prints && worker->ingest->delta)
		rc = lf_prints_read(prints, segment->first, pages, worker->known, err);
	if (worker->ingest->changed || /* the rest is not read, and is as it was */
	    (worker->ingest->compare && knows_dirty(worker->ingest)))
		memcpy(worker->now, worker->known, sizeof(worker->now));
	if (!rc)
		rc = read_segment(worker, segment, err);
	if (!rc && prints && memcmp(worker->now, worker->known, pages * sizeof(*worker->now)) != 0)
		rc = lf_prints_write(prints, segment->first, pages, worker->now, err);
	return rc;
}
