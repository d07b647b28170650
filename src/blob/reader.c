/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blob's bytes in their order: one file, the files of its blocks, or a point's disk.  What is
 * open stays readable when the blob gets other bytes or goes: a directory that lost its name keeps
 * its files open one at a time, and a read that comes too late for the next one breaks off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/checked.h"
#include "blob/blocks.h"
#include "blob/entry.h"
#include "blob/point.h"
#include "os/file.h"

struct lf_blob_reader {
	struct lf_blob_point_reader *point;
	struct lf_blob_blocks blocks; /* n 0: one file */
	int dir, fd;
	size_t current; /* the block whose file fd is */
	uint64_t from;
};

void lf_blob_reader_free(void *context)
{
	struct lf_blob_reader *reader = context;

	if (!reader)
		return;
	if (reader->point)
		lf_blob_point_reader_free(reader->point);
	lf_blob_blocks_done(&reader->blocks);
	lf_fd_done(&reader->dir);
	lf_fd_done(&reader->fd);
	free(reader);
}

static int open_parts(struct lf_blob_reader *reader, const struct lf_blob_entry *entry,
		      struct lf_error *err)
{
	int fd = entry->fd >= 0 ? entry->fd : entry->dir;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return lf_fail_sys(err, errno, "blob", "cannot open a blob again");
	if (entry->fd >= 0) {
		reader->fd = own;
		return 0;
	}
	reader->dir = own;
	return lf_blob_blocks_read(own, &reader->blocks, err);
}

int lf_blob_reader_open(struct lf_regions *regions, const struct lf_blob_entry *entry,
			uint64_t from, struct lf_blob_reader **ret_reader, struct lf_error *err)
{
	struct lf_blob_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return lf_fail_nomem(err);
	reader->dir = reader->fd = -1;
	reader->from = from;
	int rc = entry->point ? lf_blob_point_reader_open(regions, entry->point, from,
							  &reader->point, err)
			      : open_parts(reader, entry, err);
	if (rc)
		lf_blob_reader_free(reader);
	else
		*ret_reader = reader;
	return rc;
}

/* The block that holds an offset: the first that ends behind it. */
static size_t find_block(const struct lf_blob_blocks *blocks, uint64_t at)
{
	size_t low = 0, high = blocks->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (blocks->items[middle].end > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int open_block(struct lf_blob_reader *reader, size_t i, struct lf_error *err)
{
	char name[24];

	if (reader->fd >= 0 && reader->current == i)
		return 0;
	lf_fd_done(&reader->fd);
	snprintf(name, sizeof(name), "%u", reader->blocks.items[i].file);
	reader->fd = openat(reader->dir, name, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0)
		return lf_fail_sys(err, errno, "blob", "cannot open a block");
	reader->current = i;
	return 0;
}

static int read_blocks(struct lf_blob_reader *reader, char *data, size_t len, uint64_t at,
		       struct lf_error *err)
{
	const struct lf_blob_blocks *blocks = &reader->blocks;

	while (len) {
		size_t i = find_block(blocks, at);
		if (i == blocks->n)
			return lf_fail(err, LF_EINVAL, NULL, "read beyond the end of a blob");
		uint64_t start = i ? blocks->items[i - 1].end : 0;
		uint64_t rest = blocks->items[i].end - at;
		size_t part = rest < len ? (size_t)rest : len;
		int rc = open_block(reader, i, err);
		if (!rc)
			rc = lf_file_pread_all(reader->fd, data, part, at - start, "block", err);
		if (rc)
			return rc;
		data += part;
		at += part;
		len -= part;
	}
	return 0;
}

int lf_blob_reader_read(void *context, void *data, size_t len, uint64_t offset,
			struct lf_error *err)
{
	struct lf_blob_reader *reader = context;
	uint64_t at;

	if (reader->point)
		return lf_blob_point_read(reader->point, data, len, offset, err);
	if (!lf_checked_add(reader->from, offset, &at))
		return lf_fail(err, LF_EINVAL, NULL, "read beyond the end of a blob");
	return reader->dir >= 0 ? read_blocks(reader, data, len, at, err)
				: lf_file_pread_all(reader->fd, data, len, at, "blob", err);
}
