/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflow/inflow.h - the receiver of disks, whether an agent or another site sends them.
 *
 * A transfer has a directory, DIR/N.journal for its disk N, and a lease of the vault
 * (vault/point/point.h), which keeps the chunks that its sender was told of and the packs that it
 * brought.  Extents go into the journal; building a disk makes a map of its base and the journal,
 * at the cost of what they change, and leaves the journal: whoever made a point of the maps, or
 * gives up, ends the transfer.  Every call may be repeated.
 *
 * A journal holds each page of its disk twice, and some, and 16 GiB at most.
 * Memory: that of inflow/settle.h while a disk is built.
 * Threads: one at a time for one disk of a transfer.
 */
#ifndef LF_INFLOW_INFLOW_H
#define LF_INFLOW_INFLOW_H

#include <stdatomic.h>

#include "inflow/journal.h"

#define LF_INFLOW_DISKS_MAX 64
#define LF_DISK_BYTES_MAX   (INT64_C(64) << 40) /* the largest that Azure has */

/* What one transfer is kept in; all of it is the caller's. */
struct lf_inflow {
	struct lf_vault *vault;
	const char *dir;	      /* there when extents come */
	struct lf_journal_ends *ends; /* NULL: each journal is read before it is appended to */
	const atomic_bool *stopping;  /* building ends soon with LF_ECANCELED; NULL: never */
};

/*
 * n records (inflow/journal.h) of a disk of so many pages into its journal, synced.  upto: a full
 * pass has covered the pages before this one.  LF_EINVAL: a record without sense, or not on the
 * disk; LF_ETOOLARGE "SessionTooLarge": the journal is full.
 */
LF_MUST_CHECK int lf_inflow_extents(const struct lf_inflow *inflow, unsigned disk, uint64_t pages,
				    uint64_t upto, const uint8_t *records, size_t n,
				    struct lf_error *err);
/* How far a full pass of a disk got. */
LF_MUST_CHECK int lf_inflow_upto(const struct lf_inflow *inflow, unsigned disk, uint64_t *ret_upto,
				 struct lf_error *err);
/* Drop what came after the pages before max_upto were covered (lf_journal_cut()). */
LF_MUST_CHECK int lf_inflow_cut(const struct lf_inflow *inflow, unsigned disk, uint64_t max_upto,
				struct lf_error *err);
/* The map of a disk of so many pages: base (empty: none) with what came.  Holes end where the disk
 * does; LF_EINVAL: another extent is not on it; LF_ECORRUPT: the journal is damaged; LF_ECANCELED:
 * *stopping. */
LF_MUST_CHECK int lf_inflow_build(const struct lf_inflow *inflow, unsigned disk, uint64_t pages,
				  const struct lf_root *base, struct lf_root *ret_root,
				  struct lf_error *err);
/* Let go of everything: the lease, then the directory, by which whoever goes on after a kill finds
 * the lease.  Ended already is fine. */
LF_MUST_CHECK int lf_inflow_end(const struct lf_inflow *inflow, const char *lease,
				struct lf_error *err);

/* Pages of so many bytes; the last one may be less than whole. */
static inline uint64_t lf_pages_of(uint64_t bytes)
{
	return bytes / LF_PAGE_SIZE + (bytes % LF_PAGE_SIZE != 0);
}

#endif
