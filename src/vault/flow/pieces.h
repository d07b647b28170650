/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/flow/pieces.h - runs of a disk's pages as pieces that are read while earlier
 * ones are worked on.
 *
 * Memory: LF_PIECES buffers of LF_PIECE_PAGES, with room before each for what
 * is left of its predecessor.  Threads: one at a time; the disk may be shared.
 */
#ifndef LF_VAULT_FLOW_PIECES_H
#define LF_VAULT_FLOW_PIECES_H

#include "source/disk.h"
#include "vault/pack/chunk.h"

#define LF_PIECES      8u
#define LF_PIECE_PAGES 128u

struct lf_piece {
	uint64_t page;
	uint32_t pages;
	bool ends_run; /* what follows is not the next piece's first page */
	uint8_t *data; /* LF_CHUNK_PAGES_MAX pages of room before it */
};

/* The next run of pages [*ret_first, *ret_last), all after the last one; an empty one: no more. */
typedef int lf_next_run_fn(void *context, uint64_t *ret_first, uint64_t *ret_last,
			   struct lf_error *err);

struct lf_pieces;
/* disk is borrowed; what lies behind its end reads as zeroes. */
LF_MUST_CHECK int lf_pieces_new(const struct lf_disk *disk, struct lf_pieces **ret_pieces,
				struct lf_error *err);
void lf_pieces_free(struct lf_pieces *pieces);
/* What was under way before is over: every piece was taken, or an error ended it. */
void lf_pieces_begin(struct lf_pieces *pieces, lf_next_run_fn *next_run, void *context);
/* NULL: no more.  A piece's bytes stay until the second call after. */
LF_MUST_CHECK int lf_pieces_next(struct lf_pieces *pieces, const struct lf_piece **ret_piece,
				 struct lf_error *err);

#endif
