/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source/disk.h - one disk to protect: a block device or an image file.
 *
 * Block devices are read past the page cache (O_DIRECT): a file system writes
 * past the device's own cache, so what lies there is old.  Image files are
 * read through the cache, and their holes are found without reading.
 *
 * Threads: one at a time for one disk.
 */
#ifndef LF_SOURCE_DISK_H
#define LF_SOURCE_DISK_H

#include "base/error.h"

#define LF_DISK_ALIGN 4096u

struct lf_disk;
LF_MUST_CHECK int lf_disk_open(const char *path, struct lf_disk **ret_disk, struct lf_error *err);
void lf_disk_close(struct lf_disk *disk);
/* Size now (an image file or a logical volume may have grown). */
LF_MUST_CHECK int lf_disk_size(struct lf_disk *disk, uint64_t *ret_bytes, struct lf_error *err);
/*
 * len bytes at offset into data; offset, len and data aligned to LF_DISK_ALIGN.  What lies past the
 * end of the disk reads as zeroes.
 */
LF_MUST_CHECK int lf_disk_read(struct lf_disk *disk, void *data, size_t len, uint64_t offset,
			       struct lf_error *err);
/* Some runs at once, each as lf_disk_read() has it; n: at most LF_READS_MAX (os/reads.h). */
struct lf_disk_run {
	void *data;
	size_t len;
	uint64_t offset;
};
LF_MUST_CHECK int lf_disk_read_runs(struct lf_disk *disk, const struct lf_disk_run *runs, size_t n,
				    struct lf_error *err);
/* Where the next data begins at or after offset, aligned down; the size when there is none. */
LF_MUST_CHECK int lf_disk_next_data(struct lf_disk *disk, uint64_t offset, uint64_t *ret_offset,
				    struct lf_error *err);

#endif
