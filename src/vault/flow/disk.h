/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/flow/disk.h - the disk that an ingest reads: a file, a block device, or
 * whatever a caller can read (a machine's disk by NBD).
 *
 * Threads: any, all at once; a caller's functions have to bear it.
 */
#ifndef LF_VAULT_FLOW_DISK_H
#define LF_VAULT_FLOW_DISK_H

#include "base/error.h"

/* A disk that is no file here. */
struct lf_disk_source {
	uint64_t size_bytes;
	/* All len bytes at offset. */
	int (*read)(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err);
	/* The next run of bytes at or after offset that need not be zeroes; none: from is the size.
	 */
	int (*next_data)(void *context, uint64_t offset, uint64_t *ret_from, uint64_t *ret_to,
			 struct lf_error *err);
	void *context;
	/* The next run, at or after offset, that may differ from the ingest's base; none: from is
	 * the size.  What it passes over is not read when page prints of the base are known.  NULL:
	 * not known, all may. */
	int (*next_dirty)(void *context, uint64_t offset, uint64_t *ret_from, uint64_t *ret_to,
			  struct lf_error *err);
};

struct lf_ingest_disk {
	const char *path; /* for messages */
	int fd;		  /* -1: source is read */
	const struct lf_disk_source *source;
	uint64_t size;
};
/* source NULL: open path, borrowed.  lf_ingest_disk_close() in any case. */
LF_MUST_CHECK int lf_ingest_disk_open(struct lf_ingest_disk *disk, const char *path,
				      const struct lf_disk_source *source, struct lf_error *err);
void lf_ingest_disk_close(struct lf_ingest_disk *disk);
/* As lf_disk_source.next_data.  Where nothing can tell, everything is data. */
LF_MUST_CHECK int lf_ingest_disk_next_data(const struct lf_ingest_disk *disk, uint64_t offset,
					   uint64_t *ret_from, uint64_t *ret_to,
					   struct lf_error *err);
/* As lf_disk_source.next_dirty. */
LF_MUST_CHECK int lf_ingest_disk_next_dirty(const struct lf_ingest_disk *disk, uint64_t offset,
					    uint64_t *ret_from, uint64_t *ret_to,
					    struct lf_error *err);

#endif
