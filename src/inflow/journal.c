/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An append takes the file's lock, finds where the last whole batch ends, cuts what a crash left
 * behind it, writes the batch and syncs it.  A kill before the sync leaves a torn batch, which was
 * never acknowledged and which the next append cuts off; a kill after it, a batch that the sender
 * sends again.  Reading checks every sum.
 */
#include "inflow/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "os/file.h"

#define BATCH_MAGIC	0x324a464cu
#define HEADER_SIZE	32
#define OLD_BATCH_MAGIC 0x314a464cu /* its header has no check */
#define OLD_HEADER_SIZE 24
#define SECTOR		512 /* what reaches a disk as a whole or not at all */
#define BATCH_SIZE_MAX	(HEADER_SIZE + (uint64_t)LF_BATCH_RECORDS_MAX * LF_EXTENT_WIRE_SIZE)

static void put_le(uint8_t *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *in, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)in[i] << (8 * i);
	return value;
}

struct batch {
	uint64_t begin; /* offset of its records */
	uint64_t end;	/* offset after it */
	uint64_t upto, sum;
	uint32_t n;
	uint8_t *records; /* free(); NULL unless asked for */
};

/* An append that a crash cut off: nothing after it, and never acknowledged. */
static int torn(struct lf_error *err)
{
	return lf_fail(err, LF_ENOTFOUND, NULL, "torn tail of the journal");
}

/* Acknowledged bytes changed: going on without them would make a point that lacks data. */
static int damaged(uint64_t offset, struct lf_error *err)
{
	return lf_fail(err, LF_ECORRUPT, "journal", "a journal is damaged at offset %" PRIu64,
		       offset);
}

static uint64_t check_header(const uint8_t *header)
{
	return XXH3_64bits(header, HEADER_SIZE - 8);
}

/* Is a header whole?  If not: one end of it, in a sector that was not written, is zeroes. */
static int judge_header(const uint8_t *header, bool old, uint64_t offset, uint64_t left,
			struct lf_error *err)
{
	bool whole = old ? get_le(header + 4, 4) <= LF_BATCH_RECORDS_MAX
			 : get_le(header + HEADER_SIZE - 8, 8) == check_header(header);
	bool cut = !get_le(header, 8) || (!old && !get_le(header + HEADER_SIZE - 8, 8));

	if (whole)
		return 0;
	return cut && left <= BATCH_SIZE_MAX ? torn(err) : damaged(offset, err);
}

/* What the header at offset says; LF_ENOTFOUND at the end or at a torn tail. */
static int read_header(int fd, uint64_t offset, uint64_t file_size, struct batch *ret_batch,
		       struct lf_error *err)
{
	uint64_t left = file_size - offset;
	uint8_t header[HEADER_SIZE] = {0};
	size_t have = left < HEADER_SIZE ? left : HEADER_SIZE;

	if (have < OLD_HEADER_SIZE)
		return torn(err);
	int rc = lf_file_pread_all(fd, header, have, offset, "journal", err);
	bool old = get_le(header, 4) == OLD_BATCH_MAGIC;
	if (!rc && !old && have < HEADER_SIZE)
		return torn(err);
	if (!rc)
		rc = judge_header(header, old, offset, left, err);
	if (rc)
		return rc;
	if (!old && get_le(header, 4) != BATCH_MAGIC)
		return damaged(offset, err);
	struct batch batch = {.begin = offset + (old ? OLD_HEADER_SIZE : HEADER_SIZE),
			      .n = (uint32_t)get_le(header + 4, 4),
			      .upto = get_le(header + 8, 8),
			      .sum = get_le(header + 16, 8)};
	batch.end = batch.begin + (uint64_t)batch.n * LF_EXTENT_WIRE_SIZE;
	if (batch.end > file_size)
		return torn(err);
	*ret_batch = batch;
	return 0;
}

/* upto is the seed: it is as worth checking as the records. */
static uint64_t sum_batch(const uint8_t *records, size_t n, uint64_t upto)
{
	return XXH3_64bits_withSeed(records, n * LF_EXTENT_WIRE_SIZE, upto);
}

/* Is a sector's part of the records zeroes?  No whole record is: each has a number of pages. */
static bool lacks_sector(const uint8_t *records, const struct batch *batch)
{
	for (uint64_t at = batch->begin, next; at < batch->end; at = next) {
		next = at - at % SECTOR + SECTOR;
		next = next < batch->end ? next : batch->end;
		const uint8_t *part = records + (at - batch->begin);
		if (!part[0] && memcmp(part, part + 1, next - at - 1) == 0)
			return true;
	}
	return false;
}

/* The batch at offset with its records; LF_ENOTFOUND at the end or at a torn tail. */
static int read_batch(int fd, uint64_t offset, uint64_t file_size, struct batch *ret_batch,
		      struct lf_error *err)
{
	struct batch batch = {0};

	int rc = read_header(fd, offset, file_size, &batch, err);
	if (rc)
		return rc;
	size_t len = (size_t)batch.n * LF_EXTENT_WIRE_SIZE;
	LF_AUTO_FREE uint8_t *records = malloc(len ? len : 1);
	if (!records)
		return lf_fail_nomem(err);
	rc = lf_file_pread_all(fd, records, len, batch.begin, "journal", err);
	if (rc)
		return rc;
	if (sum_batch(records, batch.n, batch.upto) != batch.sum)
		return batch.end == file_size && lacks_sector(records, &batch)
			       ? torn(err)
			       : damaged(offset, err);
	batch.records = lf_steal(&records);
	*ret_batch = batch;
	return 0;
}

static int size_of(int fd, uint64_t *ret_size, struct lf_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return lf_fail_sys(err, errno, "journal", "cannot read a journal");
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

typedef int batch_fn(void *context, const struct batch *batch, struct lf_error *err);

/* Every whole batch; *ret_end is where the next one goes. */
static int each_batch(int fd, batch_fn *visit, void *context, uint64_t *ret_end,
		      struct lf_error *err)
{
	uint64_t offset = 0, size = 0;
	int rc = size_of(fd, &size, err);

	while (!rc) {
		struct batch batch = {0};
		rc = read_batch(fd, offset, size, &batch, err);
		if (!rc)
			rc = visit(context, &batch, err);
		free(batch.records);
		if (!rc)
			offset = batch.end;
	}
	if (rc != LF_ENOTFOUND)
		return rc;
	*ret_end = offset;
	return 0;
}

/*
 * Where the next batch goes, without reading all that is there: only the last
 * batch can be torn, since each append looked at the one before it.
 */
static int find_end(int fd, uint64_t *ret_end, struct lf_error *err)
{
	uint64_t offset = 0, last = 0, size = 0;
	struct batch batch = {0};
	int rc = size_of(fd, &size, err);

	while (!rc) {
		rc = read_header(fd, offset, size, &batch, err);
		if (!rc) {
			last = offset;
			offset = batch.end;
		}
	}
	if (rc == LF_ENOTFOUND && offset > last) {
		rc = read_batch(fd, last, size, &batch, err);
		free(batch.records);
		if (rc == LF_ENOTFOUND)
			offset = last;
	}
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	*ret_end = offset;
	return 0;
}

LF_LOCK_KIND(ends_lock);
struct lf_journal_ends {
	pthread_mutex_t mutex; /* innermost; not held across I/O */
	struct {
		uint64_t path; /* its hash */
		uint64_t end;  /* 0: none */
	} slots[LF_JOURNAL_ENDS] LF_GUARDED_BY(ends_lock);
};

int lf_journal_ends_new(struct lf_journal_ends **ret_ends, struct lf_error *err)
{
	struct lf_journal_ends *ends = calloc(1, sizeof(*ends));

	if (!ends)
		return lf_fail_nomem(err);
	pthread_mutex_init(&ends->mutex, NULL);
	*ret_ends = ends;
	return 0;
}

void lf_journal_ends_free(struct lf_journal_ends *ends)
{
	if (!ends)
		return;
	pthread_mutex_destroy(&ends->mutex);
	free(ends);
}

/* 0: not known.  One that was cut since, or begun again, is shorter than what is remembered. */
static uint64_t recall_end(struct lf_journal_ends *ends, const char *path)
{
	uint64_t hash = XXH3_64bits(path, strlen(path));

	if (!ends)
		return 0;
	LF_GUARD(&ends->mutex, ends_lock);
	return ends->slots[hash % LF_JOURNAL_ENDS].path == hash
		       ? ends->slots[hash % LF_JOURNAL_ENDS].end
		       : 0;
}

static void remember_end(struct lf_journal_ends *ends, const char *path, uint64_t end)
{
	uint64_t hash = XXH3_64bits(path, strlen(path));

	if (!ends)
		return;
	LF_GUARD(&ends->mutex, ends_lock);
	ends->slots[hash % LF_JOURNAL_ENDS].path = hash;
	ends->slots[hash % LF_JOURNAL_ENDS].end = end;
}

static int check_records(const uint8_t *records, size_t n, struct lf_error *err)
{
	struct lf_extent extent;
	int rc = 0;

	if (n > LF_BATCH_RECORDS_MAX)
		return lf_fail(err, LF_ETOOLARGE, "extents", "more than %d extents in one batch",
			       LF_BATCH_RECORDS_MAX);
	for (size_t i = 0; !rc && i < n; i++)
		rc = lf_extent_decode(records + i * LF_EXTENT_WIRE_SIZE, &extent, err);
	return rc;
}

/* A batch at the end, synced; cut off again when that fails. */
static int write_batch(int fd, const char *path, uint64_t end, const uint8_t *batch, size_t len,
		       struct lf_error *err)
{
	if (ftruncate(fd, (off_t)end))
		return lf_fail_sys(err, errno, path, "cannot cut %s", path);
	LF_CRASH_POINT("journal-before-write");
	int rc = lf_file_pwrite_all(fd, batch, len, end, path, err);
	if (!rc)
		rc = lf_file_sync(fd, path, err);
	if (!rc && end == 0)
		rc = lf_file_sync_parent(path, err);
	/* what could not be synced must not be what a later batch, synced, comes to stand on */
	if (rc && ftruncate(fd, (off_t)end))
		lf_warn("cannot cut %s: %s", path, strerror(errno));
	LF_CRASH_POINT("journal-after-sync");
	return rc;
}

int lf_journal_append(const char *path, const uint8_t *records, size_t n, uint64_t upto,
		      struct lf_journal_ends *ends, struct lf_error *err)
{
	LF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	size_t len = n * LF_EXTENT_WIRE_SIZE;
	uint64_t end = 0, size = 0;

	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	/* a caller that gave up waiting may be back while its first call is still at it */
	if (flock(fd, LOCK_EX))
		return lf_fail_sys(err, errno, path, "cannot lock %s", path);
	int rc = check_records(records, n, err);
	if (!rc)
		rc = size_of(fd, &size, err);
	if (!rc)
		end = recall_end(ends, path);
	if (!rc && (!end || end != size))
		rc = find_end(fd, &end, err);
	if (rc)
		return rc;
	LF_AUTO_FREE uint8_t *batch = malloc(HEADER_SIZE + len);
	if (!batch)
		return lf_fail_nomem(err);
	put_le(batch, BATCH_MAGIC, 4);
	put_le(batch + 4, n, 4);
	put_le(batch + 8, upto, 8);
	put_le(batch + 16, sum_batch(records, n, upto), 8);
	put_le(batch + 24, check_header(batch), 8);
	if (len)
		memcpy(batch + HEADER_SIZE, records, len);
	rc = write_batch(fd, path, end, batch, HEADER_SIZE + len, err);
	if (!rc)
		remember_end(ends, path, end + HEADER_SIZE + len);
	return rc;
}

static int note_upto(void *context, const struct batch *batch, struct lf_error *err)
{
	(void)err;
	*(uint64_t *)context = batch->upto;
	return 0;
}

/* A missing journal is an empty one: *ret_fd stays -1. */
static int open_existing(const char *path, int *ret_fd, struct lf_error *err)
{
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0 && errno != ENOENT)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	return 0;
}

int lf_journal_upto(const char *path, uint64_t *ret_upto, struct lf_error *err)
{
	LF_AUTO_FD fd = -1;
	uint64_t end, upto = 0;

	int rc = open_existing(path, &fd, err);
	if (!rc && fd >= 0)
		rc = each_batch(fd, note_upto, &upto, &end, err);
	if (!rc)
		*ret_upto = upto;
	return rc;
}

struct cut {
	uint64_t max_upto, end;
	bool over;
};

static int note_end(void *context, const struct batch *batch, struct lf_error *err)
{
	struct cut *cut = context;

	(void)err;
	cut->over = cut->over || batch->upto > cut->max_upto;
	if (!cut->over)
		cut->end = batch->end;
	return 0;
}

int lf_journal_cut(const char *path, uint64_t max_upto, struct lf_error *err)
{
	struct cut cut = {.max_upto = max_upto};
	LF_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
	uint64_t end;

	if (fd < 0)
		return errno == ENOENT ? 0 : lf_fail_sys(err, errno, path, "cannot open %s", path);
	if (flock(fd, LOCK_EX))
		return lf_fail_sys(err, errno, path, "cannot lock %s", path);
	int rc = each_batch(fd, note_end, &cut, &end, err);
	if (rc)
		return rc;
	if (ftruncate(fd, (off_t)cut.end))
		return lf_fail_sys(err, errno, path, "cannot cut %s", path);
	return lf_file_sync(fd, path, err);
}

struct walk {
	lf_extent_visit_fn *visit;
	void *context;
};

static int walk_batch(void *context, const struct batch *batch, struct lf_error *err)
{
	const struct walk *walk = context;
	struct lf_extent extent;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < batch->n; i++) {
		rc = lf_extent_decode(batch->records + (size_t)i * LF_EXTENT_WIRE_SIZE, &extent,
				      err);
		if (!rc)
			rc = walk->visit(walk->context, &extent, err);
	}
	return rc;
}

int lf_journal_walk(const char *path, lf_extent_visit_fn *visit, void *context,
		    struct lf_error *err)
{
	struct walk walk = {visit, context};
	LF_AUTO_FD fd = -1;
	uint64_t end;

	int rc = open_existing(path, &fd, err);
	return rc || fd < 0 ? rc : each_batch(fd, walk_batch, &walk, &end, err);
}
