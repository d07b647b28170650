/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/reads.h - reads of one file that are under way while the caller works:
 * a row of slots, begun and awaited in any order.
 *
 * By io_uring; where the kernel has or allows none, a begun read is a hint to
 * it to read ahead, and awaiting it reads.
 *
 * Threads: one at a time for one struct lf_reads; the file may be shared.
 */
#ifndef LF_OS_READS_H
#define LF_OS_READS_H

#include "base/error.h"

#define LF_READS_MAX 32u

struct lf_reads;
/* fd and name (for messages) are borrowed.  slots: at most LF_READS_MAX. */
LF_MUST_CHECK int lf_reads_new(int fd, const char *name, unsigned slots,
			       struct lf_reads **ret_reads, struct lf_error *err);
/* Awaits what is under way, whose buffers must still be there. */
void lf_reads_free(struct lf_reads *reads);
/* The slot is free: never begun, or awaited.  data belongs to the kernel until then. */
LF_MUST_CHECK int lf_reads_begin(struct lf_reads *reads, unsigned slot, void *data, size_t len,
				 uint64_t offset, struct lf_error *err);
/* All bytes are there on 0.  LF_ECORRUPT: the file ends early; LF_EIO. */
LF_MUST_CHECK int lf_reads_await(struct lf_reads *reads, unsigned slot, struct lf_error *err);

#endif
