/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New runs: of one pack, and of other runs.  A merge goes once through sorted
 * inputs and writes filter and records as it goes, so that its memory does not
 * grow with the index.  A file is allocated first: no space is an error then,
 * not halfway.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/index/run_internal.h"

#define UNDER_WAY_BYTES (8u << 20)

/* Bytes in order to a place in a file, or to memory that has room for them all. */
struct stream {
	int fd; /* -1: memory */
	uint64_t from, at;
	uint8_t *buffer;
	size_t used;
	XXH3_state_t *digest; /* of a file */
};

/* A run as it is written: two streams, and the block of the filter that is being filled. */
struct writer {
	struct lf_run *run;
	struct stream head, records;
	uint8_t block[LF_RUN_BLOCK_SIZE];
	uint64_t block_number, done;
};

static int stream_begin(struct stream *stream, int fd, uint64_t at, uint8_t *memory,
			struct lf_error *err)
{
	*stream = (struct stream){.fd = fd, .from = at, .at = at, .buffer = memory};
	if (memory)
		return 0;
	stream->buffer = malloc(LF_RUN_BUFFER_BYTES);
	stream->digest = XXH3_createState();
	if (!stream->buffer || !stream->digest)
		return lf_fail_nomem(err);
	XXH3_128bits_reset(stream->digest);
	return 0;
}

static void stream_done(struct stream *stream)
{
	if (stream->digest)
		free(stream->buffer);
	XXH3_freeState(stream->digest);
}

static int stream_flush(struct stream *stream, struct lf_error *err)
{
	if (stream->fd < 0 || !stream->used)
		return 0;
	int rc = lf_file_pwrite_all(stream->fd, stream->buffer, stream->used, stream->at, "index",
				    err);
	if (rc)
		return rc;
	XXH3_128bits_update(stream->digest, stream->buffer, stream->used);
	/* on its way now, and never much of it: other files' syncs would wait for all of it */
	(void)sync_file_range(stream->fd, (off_t)stream->at, (off_t)stream->used,
			      SYNC_FILE_RANGE_WRITE);
	if (stream->at - stream->from > UNDER_WAY_BYTES)
		(void)sync_file_range(stream->fd, (off_t)(stream->at - UNDER_WAY_BYTES),
				      (off_t)stream->used, SYNC_FILE_RANGE_WAIT_BEFORE);
	stream->at += stream->used;
	stream->used = 0;
	return 0;
}

static int stream_put(struct stream *stream, const void *data, size_t len, struct lf_error *err)
{
	if (stream->fd >= 0 && stream->used + len > LF_RUN_BUFFER_BYTES) {
		int rc = stream_flush(stream, err);
		if (rc)
			return rc;
	}
	memcpy(stream->buffer + stream->used, data, len);
	stream->used += len;
	return 0;
}

static int put_block(struct writer *writer, struct lf_error *err)
{
	int rc = stream_put(&writer->head, writer->block, sizeof(writer->block), err);

	memset(writer->block, 0, sizeof(writer->block));
	lf_run_rank_put(writer->block, writer->done);
	writer->block_number++;
	return rc;
}

/* In the order of ids. */
static int put_record(struct writer *writer, const uint8_t *record, uint32_t pack,
		      struct lf_error *err)
{
	uint64_t block = lf_run_block(writer->run, record);
	uint8_t out[LF_RUN_RECORD_SIZE];
	int rc = 0;

	while (!rc && writer->block_number < block)
		rc = put_block(writer, err);
	if (rc)
		return rc;
	lf_run_filter_add(writer->block, record);
	memcpy(out, record, sizeof(out));
	lf_put_u32(out + 48, pack);
	writer->done++;
	return stream_put(&writer->records, out, sizeof(out), err);
}

static int put_table(struct writer *writer, struct lf_error *err)
{
	uint8_t out[LF_RUN_PACK_SIZE];
	int rc = 0;

	/* the last block, and one more that says where its records end */
	while (!rc && writer->block_number <= writer->run->blocks)
		rc = put_block(writer, err);
	for (uint32_t i = 0; !rc && i < writer->run->pack_count; i++) {
		const struct lf_pack *pack = writer->run->packs[i];
		memcpy(out, pack->name, 32);
		memcpy(out + 32, pack->salt, 32);
		lf_put_u32(out + 64, pack->epoch);
		lf_put_u32(out + 68, pack->count);
		lf_put_u32(out + 72, pack->size);
		lf_put_u32(out + 76,
			   (pack->flags & ~LF_RUN_PACK_CHECKED) |
				   (atomic_load(&pack->checked) ? LF_RUN_PACK_CHECKED : 0));
		rc = stream_put(&writer->head, out, sizeof(out), err);
	}
	return rc;
}

/* In memory when run->fd is -1. */
static int writer_begin(struct writer *writer, struct lf_run *run, struct lf_error *err)
{
	uint8_t *memory = NULL;

	*writer = (struct writer){.run = run, .head.fd = -1, .records.fd = -1};
	int rc = lf_run_head_size(run, &run->head_len, err);
	if (!rc && run->fd < 0) {
		memory = calloc(1, run->head_len + run->count * LF_RUN_RECORD_SIZE);
		if (!memory)
			return lf_fail_nomem(err);
		run->head = memory;
		run->filter = memory + LF_RUN_HEADER_SIZE;
		run->records = memory + run->head_len;
	}
	if (!rc)
		rc = stream_begin(&writer->head, run->fd, LF_RUN_HEADER_SIZE,
				  memory ? memory + LF_RUN_HEADER_SIZE : NULL, err);
	if (!rc)
		rc = stream_begin(&writer->records, run->fd, run->head_len,
				  memory ? memory + run->head_len : NULL, err);
	return rc;
}

/* The header is written last of all. */
static int writer_end(struct writer *writer, struct lf_error *err)
{
	uint8_t header[LF_RUN_HEADER_SIZE];
	int rc = put_table(writer, err);

	if (!rc)
		rc = stream_flush(&writer->head, err);
	if (!rc)
		rc = stream_flush(&writer->records, err);
	if (rc || writer->run->fd < 0)
		return rc;
	lf_run_header_encode(writer->run, XXH3_128bits_digest(writer->head.digest),
			     XXH3_128bits_digest(writer->records.digest), header);
	return lf_file_pwrite_all(writer->run->fd, header, sizeof(header), 0, "index", err);
}

static void writer_done(struct writer *writer)
{
	stream_done(&writer->head);
	stream_done(&writer->records);
}

int lf_run_of_pack(struct lf_pack *pack, const struct lf_pack_footer *footer,
		   struct lf_run **ret_run, struct lf_error *err)
{
	struct lf_run *run = lf_run_new(footer->count, 1);
	uint8_t record[LF_RUN_RECORD_SIZE];
	struct writer writer = {0};

	if (!run)
		return lf_fail_nomem(err);
	run->packs[0] = pack;
	int rc = writer_begin(&writer, run, err);
	for (uint32_t i = 0; !rc && i < footer->count; i++) {
		lf_run_record_encode(&footer->entries[i], 0, record);
		rc = put_record(&writer, record, 0, err);
	}
	if (!rc)
		rc = writer_end(&writer, err);
	writer_done(&writer);
	if (rc) {
		lf_run_unref(run);
		return rc;
	}
	*ret_run = run;
	return 0;
}

/* One input of a merge. */
struct source {
	struct lf_run *run;
	struct lf_run_reader *reader;
	uint32_t *to;	       /* its pack numbers in the new run; UINT32_MAX: left out */
	const uint8_t *record; /* the next one that is kept; NULL: no more */
	uint64_t prefix;       /* of its id */
};

static int compare_packs(const void *a, const void *b)
{
	return memcmp((*(struct lf_pack *const *)a)->name, (*(struct lf_pack *const *)b)->name, 32);
}

/* The packs that live, sorted, each once; which is decided here and once. */
static uint32_t gather_packs(struct lf_run *const *runs, size_t n, struct lf_pack **packs)
{
	uint32_t count = 0, kept = 0;

	for (size_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < runs[i]->pack_count; j++)
			if (!atomic_load(&runs[i]->packs[j]->dead))
				packs[count++] = runs[i]->packs[j];
	qsort(packs, count, sizeof(struct lf_pack *), compare_packs);
	for (uint32_t i = 0; i < count; i++)
		if (!kept || packs[kept - 1] != packs[i])
			packs[kept++] = packs[i];
	return kept;
}

static uint32_t pack_number(struct lf_pack *const *packs, uint32_t count,
			    const struct lf_pack *pack)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (memcmp(packs[middle]->name, pack->name, 32) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && packs[low] == pack ? low : UINT32_MAX;
}

static void free_sources(struct source *sources, size_t n)
{
	for (size_t i = 0; sources && i < n; i++) {
		lf_run_reader_free(sources[i].reader);
		free(sources[i].to);
	}
	free(sources);
}

/* Step to the next record that is kept. */
static int next_record(struct source *source, struct lf_error *err)
{
	for (;;) {
		int rc = lf_run_reader_record(source->reader, &source->record, err);
		if (rc || !source->record)
			return rc;
		uint32_t pack = lf_get_u32(source->record + 48);
		if (pack < source->run->pack_count && source->to[pack] != UINT32_MAX)
			break;
	}
	memcpy(&source->prefix, source->record, sizeof(source->prefix));
	source->prefix = be64toh(source->prefix);
	return 0;
}

static int begin_source(struct source *source, struct lf_run *run, struct lf_pack **packs,
			uint32_t count, bool *taken, struct lf_error *err)
{
	source->run = run;
	source->to = lf_alloc_array((size_t)run->pack_count + 1, sizeof(uint32_t));
	if (!source->to)
		return lf_fail_nomem(err);
	for (uint32_t i = 0; i < run->pack_count; i++) {
		uint32_t number = pack_number(packs, count, run->packs[i]);
		/* a pack in two runs (an interrupted merge) is taken from one */
		source->to[i] = number != UINT32_MAX && taken[number] ? UINT32_MAX : number;
	}
	for (uint32_t i = 0; i < run->pack_count; i++)
		if (source->to[i] != UINT32_MAX)
			taken[source->to[i]] = true;
	int rc = lf_run_reader_new(run, &source->reader, err);
	return rc ? rc : next_record(source, err);
}

static struct source *least_source(struct source *sources, size_t n)
{
	struct source *least = NULL;

	for (size_t i = 0; i < n; i++) {
		struct source *source = &sources[i];
		if (source->record && (!least || source->prefix < least->prefix ||
				       (source->prefix == least->prefix &&
					memcmp(source->record, least->record, 32) < 0)))
			least = source;
	}
	return least;
}

static int merge_sources(struct lf_run *run, struct source *sources, size_t n, struct lf_error *err)
{
	struct writer writer = {0};
	int rc = writer_begin(&writer, run, err);

	for (struct source *source; !rc && (source = least_source(sources, n));) {
		if (writer.done == run->count)
			break;
		rc = put_record(&writer, source->record,
				source->to[lf_get_u32(source->record + 48)], err);
		if (!rc)
			rc = next_record(source, err);
	}
	if (!rc && (writer.done != run->count || least_source(sources, n)))
		rc = lf_fail(err, LF_ECORRUPT, NULL,
			     "runs of the index do not hold what their packs do");
	if (!rc)
		rc = writer_end(&writer, err);
	writer_done(&writer);
	return rc;
}

static int make_file(struct lf_run *run, const char *path, struct lf_error *err)
{
	size_t len = 0;
	int rc = lf_run_head_size(run, &len, err);

	if (rc)
		return rc;
	run->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (run->fd < 0)
		return lf_fail_sys(err, errno, path, "cannot make %s", path);
	int sys = LF_FAULT("vault-run-write");
	if (!sys)
		sys = posix_fallocate(run->fd, 0, (off_t)(len + run->count * LF_RUN_RECORD_SIZE));
	return sys ? lf_fail_sys(err, sys, path, "no room for %s", path) : 0;
}

/* Write beside path, sync, rename. */
static int write_file(struct lf_run *run, struct source *sources, size_t n, const char *path,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *temporary = lf_printf_dup("%s.tmp-merge", path);

	if (!temporary)
		return lf_fail_nomem(err);
	int rc = make_file(run, temporary, err);
	if (!rc)
		rc = merge_sources(run, sources, n, err);
	LF_CRASH_POINT("vault-run-written");
	if (!rc)
		rc = lf_file_sync(run->fd, temporary, err);
	if (!rc)
		rc = lf_run_map(run, temporary, err);
	if (!rc)
		rc = lf_file_rename_durable(temporary, path, err);
	if (rc)
		unlink(temporary);
	LF_CRASH_POINT("vault-run-renamed");
	return rc;
}

int lf_run_merge(struct lf_run *const *runs, size_t n, const char *path, struct lf_run **ret_run,
		 struct lf_error *err)
{
	size_t most = 0;
	uint64_t count = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		most += runs[i]->pack_count;
	LF_AUTO_FREE struct lf_pack **packs = calloc(most + 1, sizeof(struct lf_pack *));
	LF_AUTO_FREE bool *taken = calloc(most + 1, sizeof(bool));
	struct source *sources = calloc(n, sizeof(*sources));
	if (!packs || !taken || !sources) {
		free(sources);
		return lf_fail_nomem(err);
	}
	uint32_t pack_count = gather_packs(runs, n, packs);
	for (uint32_t i = 0; i < pack_count; i++)
		count += packs[i]->count;
	struct lf_run *run = lf_run_new(count, pack_count);
	if (!run)
		rc = lf_fail_nomem(err);
	for (size_t i = 0; !rc && i < n; i++)
		rc = begin_source(&sources[i], runs[i], packs, pack_count, taken, err);
	if (!rc) {
		memcpy(run->packs, packs, pack_count * sizeof(struct lf_pack *));
		run->number = path ? UINT64_MAX : 0; /* until its owner says which */
		rc = path ? write_file(run, sources, n, path, err)
			  : merge_sources(run, sources, n, err);
	}
	free_sources(sources, n);
	if (rc) {
		lf_run_unref(run);
		return rc;
	}
	*ret_run = run;
	return 0;
}
