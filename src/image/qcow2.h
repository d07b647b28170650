/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image/qcow2.h - write a qcow2 image, version 3, uncompressed, holes kept; and whether one reads
 * from another.
 *
 * Written once, in any order: the caller asks where a run of clusters goes and
 * writes it there; what it never asks for is a hole.  The file holds one
 * cluster after another, without gaps, and becomes an image when it is
 * finished.  Memory: 8 bytes for each 512 MiB of the disk.
 *
 * Threads: lf_qcow2_place() from many at once, the others alone.
 */
#ifndef LF_IMAGE_QCOW2_H
#define LF_IMAGE_QCOW2_H

#include "base/error.h"

#define LF_QCOW2_CLUSTER (UINT64_C(64) << 10)

struct lf_qcow2;
/*
 * A disk of size bytes, in the empty file fd (not O_DIRECT), which is borrowed
 * with its name.  The caller owns *ret_image: lf_qcow2_free().
 *   LF_ETOOLARGE  more than the format's readers take (2 PiB)
 */
LF_MUST_CHECK int lf_qcow2_new(int fd, const char *name, uint64_t size, struct lf_qcow2 **ret_image,
			       struct lf_error *err);
void lf_qcow2_free(struct lf_qcow2 *image);
/*
 * Where in the file the len bytes at offset of the disk go: all in one piece.
 * Both are whole clusters (beyond the disk's end there are zeroes), and no
 * cluster is asked for twice.
 */
LF_MUST_CHECK int lf_qcow2_place(struct lf_qcow2 *image, uint64_t offset, uint64_t len,
				 uint64_t *ret_place, struct lf_error *err);
/* After all is written: tables and header.  Not synced. */
LF_MUST_CHECK int lf_qcow2_finish(struct lf_qcow2 *image, struct lf_error *err);

/* Does the image in a file, of any version and whoever wrote it, read what it does not hold from
 * another (its backing file)?  LF_ENOTFOUND: no file.  LF_ECORRUPT: not qcow2.  Threads: any. */
LF_MUST_CHECK int lf_qcow2_has_backing(const char *path, bool *ret_has, struct lf_error *err);

#endif
