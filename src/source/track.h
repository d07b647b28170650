/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source/track.h - which pages of a block device were written, by eBPF: no
 * kernel module, nothing in the way of the writes, no queue that could overflow.
 *
 * The kernel marks 4 KiB pages in a bitmap; lf_track_take() swaps it for an
 * empty one.  Seen are writes of any kind through the block layer, to the
 * device, its partitions and what is stacked on it.  Not seen are writes before
 * lf_track_open() and SCSI pass-through.
 *
 * A write is marked when it is submitted and when it has ended, so that one that
 * was under way while its page was read has the page read again.  A device that
 * does not tell the end (zram, some mappings) is refused.
 *
 * Memory: 64 MiB of the kernel's for each TiB.  Cost: some 100 ns a write.
 * Threads: one at a time.
 * Why so: docs/adr/0009-change-tracking.md
 */
#ifndef LF_SOURCE_TRACK_H
#define LF_SOURCE_TRACK_H

#include "base/error.h"

#define LF_TRACK_PAGE_SIZE 4096u

struct lf_track;
/*
 * Begin to track the block device at path.  LF_EUNSUPPORTED: not a block device, or a kernel
 * without what it takes, or a read that was tried went unseen, so that writes would, too; the
 * message says which.
 */
LF_MUST_CHECK int lf_track_open(const char *path, struct lf_track **ret_track,
				struct lf_error *err);
void lf_track_close(struct lf_track *track);
/* Of the device when tracking began. */
uint64_t lf_track_pages(const struct lf_track *track);
/* Whole 64-bit words for a bit of each page, page 0 the lowest bit of word 0. */
size_t lf_track_words(const struct lf_track *track);
/*
 * Set the bits of the pages that were written since the last call (or since the beginning) in
 * bits, of lf_track_words() words; those set before stay.  Cost follows what was written.
 */
void lf_track_take(struct lf_track *track, uint64_t *bits);

#endif
