/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of buffers: pieces are begun in the order of the disk's runs, as many
 * ahead as there are buffers, and awaited in that order.  The piece that was
 * handed out last keeps its buffer until the next is asked for.
 */
#include "vault/flow/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "os/reads.h"
#include "source/bad.h"

#define ROOM_BYTES   ((size_t)LF_CHUNK_PAGES_MAX * LF_PAGE_SIZE)
#define PIECE_BYTES  ((size_t)LF_PIECE_PAGES * LF_PAGE_SIZE)
#define BUFFER_BYTES (ROOM_BYTES + PIECE_BYTES)

struct lf_pieces {
	const struct lf_disk *disk;
	struct lf_reads *reads; /* of its file; NULL: the disk is read when a piece is taken */
	uint8_t *buffers;
	struct lf_piece piece[LF_PIECES];
	uint64_t begun, taken; /* pieces, ever */
	lf_next_run_fn *next_run;
	void *context;
	uint64_t first, last; /* what is left of the newest run */
};

void lf_pieces_free(struct lf_pieces *pieces)
{
	if (!pieces)
		return;
	lf_reads_free(pieces->reads);
	free(pieces->buffers);
	free(pieces);
}

int lf_pieces_new(const struct lf_disk *disk, struct lf_pieces **ret_pieces, struct lf_error *err)
{
	struct lf_pieces *pieces = calloc(1, sizeof(*pieces));

	if (!pieces)
		return lf_fail_nomem(err);
	pieces->disk = disk;
	/* a block device past the page cache wants whole pages */
	pieces->buffers = aligned_alloc(LF_PAGE_SIZE, LF_PIECES * BUFFER_BYTES);
	int rc = pieces->buffers ? 0 : lf_fail_nomem(err);
	if (!rc && disk->is_file)
		rc = lf_reads_new(disk->fd, disk->name, LF_PIECES, &pieces->reads, err);
	if (rc) {
		lf_pieces_free(pieces);
		return rc;
	}
	*ret_pieces = pieces;
	return 0;
}

void lf_pieces_begin(struct lf_pieces *pieces, lf_next_run_fn *next_run, void *context)
{
	pieces->next_run = next_run;
	pieces->context = context;
	pieces->first = pieces->last = 0;
}

/* That the disk has of a piece. */
static size_t bytes_of(const struct lf_pieces *pieces, const struct lf_piece *piece)
{
	uint64_t left = pieces->disk->size_bytes - piece->page * LF_PAGE_SIZE;
	size_t len = (size_t)piece->pages * LF_PAGE_SIZE;

	return left < len ? (size_t)left : len;
}

/* Begin reading the next piece; *ret_more is false when there is none. */
static int begin_piece(struct lf_pieces *pieces, bool *ret_more, struct lf_error *err)
{
	unsigned slot = (unsigned)(pieces->begun % LF_PIECES);
	struct lf_piece *piece = &pieces->piece[slot];

	int rc = pieces->first < pieces->last
			 ? 0
			 : pieces->next_run(pieces->context, &pieces->first, &pieces->last, err);
	*ret_more = !rc && pieces->first < pieces->last;
	if (!*ret_more)
		return rc;
	uint64_t left = pieces->last - pieces->first;
	piece->page = pieces->first;
	piece->pages = left < LF_PIECE_PAGES ? (uint32_t)left : LF_PIECE_PAGES;
	piece->ends_run = piece->pages == left;
	piece->data = pieces->buffers + slot * BUFFER_BYTES + ROOM_BYTES;
	pieces->first += piece->pages;
	pieces->begun++;
	if (!pieces->reads)
		return 0;
	return lf_reads_begin(pieces->reads, slot, piece->data, bytes_of(pieces, piece),
			      piece->page * LF_PAGE_SIZE, err);
}

static int finish_piece(struct lf_pieces *pieces, const struct lf_piece *piece, unsigned slot,
			struct lf_error *err)
{
	const struct lf_disk *disk = pieces->disk;
	size_t have = bytes_of(pieces, piece);

	memset(piece->data + have, 0, (size_t)piece->pages * LF_PAGE_SIZE - have);
	int rc = disk->is_file ? lf_reads_await(pieces->reads, slot, err) : 0;
	if (disk->is_file && disk->bad && !rc)
		lf_bad_forget(disk->bad, piece->page * LF_PAGE_SIZE, have);
	/* again, and around what cannot be read */
	return disk->is_file && (rc != LF_EIO || !disk->bad)
		       ? rc
		       : lf_disk_read(disk, piece->data, have, piece->page * LF_PAGE_SIZE, err);
}

int lf_pieces_next(struct lf_pieces *pieces, const struct lf_piece **ret_piece,
		   struct lf_error *err)
{
	bool more = true;
	int rc = 0;

	/* the piece handed out last may still be in use: its buffer is the last to be filled again
	 */
	while (!rc && more && pieces->begun + 1 < pieces->taken + LF_PIECES)
		rc = begin_piece(pieces, &more, err);
	if (rc)
		return rc;
	*ret_piece = NULL;
	if (pieces->taken == pieces->begun)
		return 0;
	unsigned slot = (unsigned)(pieces->taken % LF_PIECES);
	rc = finish_piece(pieces, &pieces->piece[slot], slot, err);
	if (rc)
		return rc;
	pieces->taken++;
	*ret_piece = &pieces->piece[slot];
	return 0;
}
