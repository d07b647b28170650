/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers tell what they read; two threads load what comes next into the
 * cache. A reader that goes on where it was is followed further ahead each
 * time, and what a disk's first readers ask for is kept as its trace, which
 * the next boot loads at once.  Queue and tables are bounded, and a trace that
 * is lost costs time only.
 */
#include "vault/map/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/buf.h"
#include "base/lock.h"
#include "os/file.h"
#include "vault/vault_internal.h"

#define THREADS	     2u
#define QUEUE	     256u /* ranges that wait; more are not taken */
#define STREAMS	     16u
#define NEAR_BYTES   (1u << 20) /* requests of one reader may overtake each other by this much */
#define WINDOW_FIRST (512u << 10)
#define WINDOW_MAX   (4u << 20)
#define LOAD_BYTES   (256u << 10) /* a range of the queue */
#define BLOCK_BYTES  (64u << 10)  /* of the trace */
#define TRACE_BLOCKS 1024u	  /* 64 MiB: what a boot reads */
#define TRACE_SLOTS  4096u	  /* power of two, at least twice TRACE_BLOCKS */
#define TRACE_MAGIC  "LFTRACE1"

struct range {
	uint64_t offset, len;
};

struct stream {
	uint64_t next;	/* where its reader is expected */
	uint64_t ahead; /* loaded, or asked for, up to here */
	uint32_t window;
	uint64_t used; /* by the count of notes */
};

LF_LOCK_KIND(ahead_lock);
struct lf_ahead {
	struct lf_vault *vault;
	struct lf_root root;
	uint64_t size;
	char *trace;
	pthread_t threads[THREADS];
	unsigned started;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool ending LF_GUARDED_BY(ahead_lock);
	unsigned loading LF_GUARDED_BY(ahead_lock);
	struct range queue[QUEUE] LF_GUARDED_BY(ahead_lock);
	uint64_t queued LF_GUARDED_BY(ahead_lock), taken
		LF_GUARDED_BY(ahead_lock); /* ranges, ever */
	struct stream streams[STREAMS] LF_GUARDED_BY(ahead_lock);
	uint64_t notes LF_GUARDED_BY(ahead_lock);
	uint64_t traced[TRACE_BLOCKS] LF_GUARDED_BY(
		ahead_lock); /* blocks in the order of their first reading */
	size_t trace_count LF_GUARDED_BY(ahead_lock);
	uint64_t seen[TRACE_SLOTS] LF_GUARDED_BY(ahead_lock); /* block + 1 */
};

static int load_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct lf_ahead *ahead = context;
	struct lf_cached *chunk = NULL;
	int rc = extent->hole ? 0 : lf_vault_get_chunk(ahead->vault, &extent->chunk, &chunk, err);

	lf_cache_release(ahead->vault->cache, chunk);
	return rc;
}

static void *load_ranges(void *argument)
{
	struct lf_ahead *ahead = argument;
	struct lf_error ignored;

	LF_GUARD(&ahead->mutex, ahead_lock);
	for (;;) {
		while (!ahead->ending && ahead->taken == ahead->queued)
			pthread_cond_wait(&ahead->changed, &ahead->mutex);
		if (ahead->ending)
			return NULL;
		struct range range = ahead->queue[ahead->taken++ % QUEUE];
		ahead->loading++;
		lf_unlock(&ahead->mutex, ahead_lock);
		uint64_t first = range.offset / LF_PAGE_SIZE;
		uint64_t last = (range.offset + range.len + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;
		int rc = lf_map_walk(ahead->vault, &ahead->root, first, last - first, load_extent,
				     ahead, &ignored);
		(void)rc; /* the reader will see */
		lf_lock(&ahead->mutex, ahead_lock);
		ahead->loading--;
		pthread_cond_broadcast(&ahead->changed);
	}
}

/* False: the queue is full. */
LF_REQUIRES(ahead_lock)
static bool queue_range(struct lf_ahead *ahead, uint64_t offset, uint64_t len)
{
	if (offset >= ahead->size)
		return true;
	if (ahead->queued - ahead->taken == QUEUE)
		return false;
	ahead->queue[ahead->queued++ % QUEUE] = (struct range){offset, len};
	pthread_cond_broadcast(&ahead->changed);
	return true;
}

/* The reader that this range goes on with, or the one forgotten first. */
LF_REQUIRES(ahead_lock)
static struct stream *find_stream(struct lf_ahead *ahead, uint64_t offset, bool *ret_known)
{
	struct stream *oldest = &ahead->streams[0];

	for (size_t i = 0; i < STREAMS; i++) {
		struct stream *stream = &ahead->streams[i];
		uint64_t apart =
			offset > stream->next ? offset - stream->next : stream->next - offset;
		if (stream->used && apart <= NEAR_BYTES) {
			*ret_known = true;
			return stream;
		}
		if (stream->used < oldest->used)
			oldest = stream;
	}
	*ret_known = false;
	return oldest;
}

LF_REQUIRES(ahead_lock)
static void follow(struct lf_ahead *ahead, uint64_t offset, uint64_t len)
{
	bool known;
	struct stream *stream = find_stream(ahead, offset, &known);
	uint64_t end = offset + len;

	if (!known)
		*stream = (struct stream){.next = end, .ahead = end};
	stream->used = ++ahead->notes;
	if (!known || end <= stream->next)
		return;
	stream->next = end;
	stream->window = !stream->window	       ? WINDOW_FIRST
			 : stream->window < WINDOW_MAX ? stream->window * 2
						       : WINDOW_MAX;
	if (stream->ahead < end)
		stream->ahead = end;
	while (stream->ahead < end + stream->window &&
	       queue_range(ahead, stream->ahead, LOAD_BYTES))
		stream->ahead += LOAD_BYTES;
}

/* Keep the blocks of a range in the trace, until it is full. */
LF_REQUIRES(ahead_lock)
static void keep_trace(struct lf_ahead *ahead, uint64_t offset, uint64_t len)
{
	uint64_t last = (offset + len - 1) / BLOCK_BYTES;

	for (uint64_t block = offset / BLOCK_BYTES;
	     block <= last && ahead->trace_count < TRACE_BLOCKS; block++) {
		size_t at = block * UINT64_C(0x9e3779b97f4a7c15) >> 52;
		while (ahead->seen[at] && ahead->seen[at] != block + 1)
			at = (at + 1) % TRACE_SLOTS;
		if (ahead->seen[at])
			continue;
		ahead->seen[at] = block + 1;
		ahead->traced[ahead->trace_count++] = block;
	}
}

void lf_ahead_note(struct lf_ahead *ahead, uint64_t offset, uint64_t len)
{
	LF_GUARD(&ahead->mutex, ahead_lock);

	if (!len)
		return;
	if (ahead->trace)
		keep_trace(ahead, offset, len);
	follow(ahead, offset, len);
}

void lf_ahead_settle(struct lf_ahead *ahead)
{
	LF_GUARD(&ahead->mutex, ahead_lock);

	while (ahead->taken < ahead->queued || ahead->loading)
		pthread_cond_wait(&ahead->changed, &ahead->mutex);
}

/* Blocks that lie together are one range. */
static void load_trace(struct lf_ahead *ahead)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error ignored;
	struct range range = {0};

	if (lf_file_read(ahead->trace, 8 + TRACE_BLOCKS * 8, &text, &ignored) || text.len < 8 ||
	    memcmp(text.data, TRACE_MAGIC, 8) != 0)
		return;
	LF_GUARD(&ahead->mutex, ahead_lock);
	for (size_t at = 8; at + 8 <= text.len; at += 8) {
		uint64_t block = lf_get_u64((const uint8_t *)text.data + at);
		if (block >= ahead->size / BLOCK_BYTES + 1)
			continue;
		uint64_t offset = block * BLOCK_BYTES;
		if (range.len && offset == range.offset + range.len && range.len < WINDOW_MAX) {
			range.len += BLOCK_BYTES;
			continue;
		}
		if (range.len && !queue_range(ahead, range.offset, range.len))
			return;
		range = (struct range){offset, BLOCK_BYTES};
	}
	if (range.len)
		(void)queue_range(ahead, range.offset, range.len);
}

/* A trace that is lost costs nothing but time. */
LF_REQUIRES(ahead_lock)
static void save_trace(const struct lf_ahead *ahead)
{
	LF_AUTO_BUF file = LF_BUF_INIT;
	struct lf_error ignored;
	uint8_t number[8];

	if (!ahead->trace || !ahead->trace_count)
		return;
	lf_buf_append(&file, TRACE_MAGIC, 8);
	for (size_t i = 0; i < ahead->trace_count; i++) {
		lf_put_u64(number, ahead->traced[i]);
		lf_buf_append(&file, number, sizeof(number));
	}
	if (!lf_buf_check(&file, &ignored) &&
	    lf_file_write_durable(ahead->trace, file.data, file.len, 0600, &ignored))
		return;
}

void lf_ahead_free(struct lf_ahead *ahead)
{
	if (!ahead)
		return;
	lf_lock(&ahead->mutex, ahead_lock);
	ahead->ending = true;
	pthread_cond_broadcast(&ahead->changed);
	lf_unlock(&ahead->mutex, ahead_lock);
	while (ahead->started > 0)
		pthread_join(ahead->threads[--ahead->started], NULL);
	LF_ALONE(ahead_lock);
	save_trace(ahead);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->mutex);
	free(ahead->trace);
	free(ahead);
}

int lf_ahead_new(struct lf_vault *vault, const struct lf_root *root, uint64_t size,
		 const char *trace, struct lf_ahead **ret_ahead, struct lf_error *err)
{
	struct lf_ahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return lf_fail_nomem(err);
	pthread_mutex_init(&ahead->mutex, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	ahead->vault = vault;
	ahead->root = *root;
	ahead->size = size;
	ahead->trace = trace ? strdup(trace) : NULL;
	int rc = trace && !ahead->trace ? lf_fail_nomem(err) : 0;
	while (!rc && ahead->started < THREADS) {
		int sys = pthread_create(&ahead->threads[ahead->started], NULL, load_ranges, ahead);
		rc = sys ? lf_fail_sys(err, sys, NULL, "cannot start a thread") : 0;
		ahead->started += !sys;
	}
	if (rc) {
		lf_ahead_free(ahead);
		return rc;
	}
	if (ahead->trace)
		load_trace(ahead);
	*ret_ahead = ahead;
	return 0;
}
