/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflow/journal.h - a session's extents on disk, until they become a map.
 *
 * A journal is a file of batches; a batch is acknowledged once it is synced.
 *
 *   batch   := u32 magic "LFJ2" · u32 records · u64 upto · u64 sum · u64 check · records
 *
 * records as in extent/wire.h; numbers little-endian; upto: the full pass has covered the
 * pages before this one; sum: xxh3-64 of the records, seeded with upto; check: xxh3-64 of
 * the 24 bytes before.
 * A batch of the version before, "LFJ1", has no check, and is read, too.
 *
 * A torn last batch ends the journal: it was not acknowledged.  Torn is what is cut
 * short or lacks a sector (is zeroes there), as a crash leaves it; anything else that
 * does not match its sums is damage, and LF_ECORRUPT from every call.
 *
 * Threads: one at a time for one journal.
 */
#ifndef LF_INFLOW_JOURNAL_H
#define LF_INFLOW_JOURNAL_H

#include "extent/wire.h"

#define LF_BATCH_RECORDS_MAX 65536

/*
 * Where the journals end that this process appended to lately, LF_JOURNAL_ENDS of them (16 KiB),
 * so that appending to one does not mean reading all of it.  A hint: it is believed of a file that
 * is as long as that.  Any thread.
 */
struct lf_journal_ends;
LF_MUST_CHECK int lf_journal_ends_new(struct lf_journal_ends **ret_ends, struct lf_error *err);
void lf_journal_ends_free(struct lf_journal_ends *ends);
#define LF_JOURNAL_ENDS 1024u

/* Append n records (wire form) and sync.  Cuts a torn tail first.  ends: NULL: the headers of all
 * batches are read, and the last batch.  LF_EINVAL for a bad record. */
LF_MUST_CHECK int lf_journal_append(const char *path, const uint8_t *records, size_t n,
				    uint64_t upto, struct lf_journal_ends *ends,
				    struct lf_error *err);
/* How far a full pass got; 0 when there is no journal. */
LF_MUST_CHECK int lf_journal_upto(const char *path, uint64_t *ret_upto, struct lf_error *err);
/*
 * Drop the batches from the first one on whose upto is over max_upto: an agent that was cut short
 * goes on where its own fingerprints end.  Durable.
 */
LF_MUST_CHECK int lf_journal_cut(const char *path, uint64_t max_upto, struct lf_error *err);
/* All acknowledged records in order; a missing journal has none. */
LF_MUST_CHECK int lf_journal_walk(const char *path, lf_extent_visit_fn *visit, void *context,
				  struct lf_error *err);

#endif
