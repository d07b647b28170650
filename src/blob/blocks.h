/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/blocks.h - blocks of block blobs: staged ones, and those that a blob is made of.
 *
 * A staged block is a file of its own, ".NAME.blocks/HEX" (HEX: its id); a blob's directory holds
 * its blocks as files "0", "1", ... and the list "blocks": a line "SIZE FILE ID" for each, in
 * order.  Committing links staged files and those of the blob that was there into the new
 * directory: no byte is copied.
 *
 * Blocks are synced when they are committed.  Those that a power cut may have torn are never
 * committed: the sweep drops what was staged before this start of the machine, and what is a week
 * old.  Of a stage at most LF_BLOB_BLOCKS_MAX are committed; each takes 16 bytes of memory where a
 * blob is read, and its line where ids are asked for.
 *
 * Threads: whoever changes what is staged or committed holds the name's lock.
 */
#ifndef LF_BLOB_BLOCKS_H
#define LF_BLOB_BLOCKS_H

#include "blob/internal.h"

#define LF_BLOB_BLOCKS_MAX    50000 /* as Azure has it */
#define LF_BLOB_BLOCK_ID_SIZE 92    /* base64 of 64 bytes at most, and NUL */

struct lf_blob_block {
	uint64_t end;  /* offset in the blob behind it */
	uint32_t file; /* number of its file */
	uint32_t id;   /* offset of its id in the text */
};
struct lf_blob_blocks {
	struct lf_blob_block *items;
	size_t n;
	char *text;
};
void lf_blob_blocks_done(struct lf_blob_blocks *blocks);
#define LF_AUTO_BLOB_BLOCKS LF_CLEANUP(lf_blob_blocks_done) struct lf_blob_blocks
/* The list of a blob's directory. */
LF_MUST_CHECK int lf_blob_blocks_read(int dir, struct lf_blob_blocks *ret_blocks,
				      struct lf_error *err);
static inline const char *lf_blob_block_id(const struct lf_blob_blocks *blocks, size_t i)
{
	return blocks->text + blocks->items[i].id;
}
static inline uint64_t lf_blob_block_size(const struct lf_blob_blocks *blocks, size_t i)
{
	return blocks->items[i].end - (i ? blocks->items[i - 1].end : 0);
}

/* Is it base64 of 1 to 64 bytes, in the one form there is?  Its hex: 2 * 64 + 1 bytes. */
bool lf_blob_block_hex(const char *id, char out[static 129]);
/* Let a file be the staged block of that id.  LF_EINVAL "InvalidBlobOrBlock": staged blocks have
 * ids of another length.  LF_ENOTFOUND "ContainerNotFound". */
LF_MUST_CHECK int lf_blob_block_stage(const char *data_dir, const struct lf_blob_target *target,
				      const char *id, const char *temporary, struct lf_error *err);
/* Each staged block, in no order. */
typedef int lf_blob_staged_fn(void *context, const char *id, uint64_t size, struct lf_error *err);
LF_MUST_CHECK int lf_blob_blocks_staged(const char *data_dir, const struct lf_blob_target *target,
					lf_blob_staged_fn *visit, void *context,
					struct lf_error *err);

/* What a blob is to be made of. */
struct lf_blob_pick {
	enum { LF_BLOB_PICK_LATEST, LF_BLOB_PICK_COMMITTED, LF_BLOB_PICK_STAGED } from;
	char id[LF_BLOB_BLOCK_ID_SIZE];
};
/* Into the draft: files, list; *ret_size: of the blob.  dir: of the blob that is there (-1: none is
 * made of blocks).  LF_EINVAL "InvalidBlockList": one is not there. */
LF_MUST_CHECK int lf_blob_blocks_commit(const char *data_dir, const struct lf_blob_target *target,
					int dir, const struct lf_blob_pick *picks, size_t n,
					const char *draft, uint64_t *ret_size,
					struct lf_error *err);
/* Staged blocks go. */
LF_MUST_CHECK int lf_blob_blocks_drop(const char *data_dir, const struct lf_blob_target *target,
				      struct lf_error *err);
/* The same of a directory in a container, if it is one of staged blocks that are of no use. */
LF_MUST_CHECK int lf_blob_blocks_sweep(const char *path, int64_t now_ns, struct lf_error *err);

#endif
