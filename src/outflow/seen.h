/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outflow/seen.h - which chunks are packed but not yet the sink's, so that a disk that
 * holds the same bytes many times sends them once.
 *
 * Memory: LF_SEEN_SLOTS entries of 40 bytes.  Threads: one at a time.
 */
#ifndef LF_OUTFLOW_SEEN_H
#define LF_OUTFLOW_SEEN_H

#include "vault/vault.h"

#define LF_SEEN_SLOTS 65536u /* a power of two */
#define LF_SEEN_MAX   (LF_SEEN_SLOTS / 2)

struct lf_seen;
LF_MUST_CHECK int lf_seen_new(struct lf_seen **ret_seen, struct lf_error *err);
void lf_seen_free(struct lf_seen *seen);
/*
 * Was the chunk seen before?  If not it is noted as of this window.  What windows up to arrived
 * held is the sink's, and is forgotten when room is short: at most LF_SEEN_MAX chunks may be of
 * later ones.
 */
bool lf_seen_before(struct lf_seen *seen, const struct lf_chunk_id *id, uint64_t window,
		    uint64_t arrived);

#endif
