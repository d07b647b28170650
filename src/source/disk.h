/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source/disk.h - one disk that is read: an image file, a block device, a
 * disk behind NBD (nbd/reader.h), or whatever fills in a struct lf_disk.
 *
 * Block devices are read with O_DIRECT, past the page cache: a file system writes
 * past the device's own cache, so what lies there is old.  Image files are
 * read through the cache, and their holes are found without reading.
 *
 * A new kind of source: fill in a struct lf_disk (nbd/reader.c is the example) and let
 * tests/unit/source/disk_conformance.h look at it.
 *
 * Threads: any, all at once, but for lf_disk_size() and lf_disk_read_runs(), one at a time for one
 * disk.
 */
#ifndef LF_SOURCE_DISK_H
#define LF_SOURCE_DISK_H

#include "base/error.h"

#define LF_DISK_ALIGN 4096u

struct lf_bad;
struct lf_reads;
struct lf_disk {
	const char *name; /* for messages */
	uint64_t size_bytes;
	uint32_t sector_bytes; /* what it is written in by whoever has it; 0: 512 */
	/* All len bytes at offset, which lie within the size. */
	int (*read)(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err);
	/* The next run of bytes at or after offset that need not be zeroes; none: from is the size.
	 * It ends after its begin.  NULL: not known, all may. */
	int (*next_data)(void *context, uint64_t offset, uint64_t *ret_from, uint64_t *ret_to,
			 struct lf_error *err);
	/* The same of what may differ from the disk's newest point.  What it passes over is not
	 * read when page prints of that are known.  NULL: not known, all may. */
	int (*next_dirty)(void *context, uint64_t offset, uint64_t *ret_from, uint64_t *ret_to,
			  struct lf_error *err);
	void *context;
	/* Of a file or block device, that os/reads.h may read; is_file says whether. */
	bool is_file;
	int fd;
	struct lf_reads *reads; /* lf_disk_read_runs()'s */
	/* What of a file cannot be read; borrowed.  NULL: the first such place ends the reading. */
	struct lf_bad *bad;
};

/* An image file or a block device. */
LF_MUST_CHECK int lf_disk_open(const char *path, struct lf_disk **ret_disk, struct lf_error *err);
/* Of lf_disk_open() alone; NULL: nothing. */
void lf_disk_close(struct lf_disk *disk);
/* Size now (an image file or a logical volume may have grown), which is size_bytes from here on. */
LF_MUST_CHECK int lf_disk_size(struct lf_disk *disk, uint64_t *ret_bytes, struct lf_error *err);
uint32_t lf_disk_sector(const struct lf_disk *disk);
/*
 * len bytes at offset into data; of a block device offset, len and data are aligned to
 * LF_DISK_ALIGN.  What lies past the end of the disk reads as zeroes, as does what cannot be read
 * where disk->bad takes it.
 */
LF_MUST_CHECK int lf_disk_read(const struct lf_disk *disk, void *data, size_t len, uint64_t offset,
			       struct lf_error *err);
/* Some runs at once, each as lf_disk_read() has it; n: at most LF_READS_MAX (os/reads.h). */
struct lf_disk_run {
	void *data;
	size_t len;
	uint64_t offset;
};
LF_MUST_CHECK int lf_disk_read_runs(struct lf_disk *disk, const struct lf_disk_run *runs, size_t n,
				    struct lf_error *err);
/* As the functions of the disk; where it has none, everything is data, and dirty. */
LF_MUST_CHECK int lf_disk_next_data(const struct lf_disk *disk, uint64_t offset, uint64_t *ret_from,
				    uint64_t *ret_to, struct lf_error *err);
LF_MUST_CHECK int lf_disk_next_dirty(const struct lf_disk *disk, uint64_t offset,
				     uint64_t *ret_from, uint64_t *ret_to, struct lf_error *err);

#endif
