/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/map/node.h - nodes of disk maps as bytes.  Format: docs/formats/map.md
 *
 *   leaf   'L' | version 1 | count u16 | extents of LF_NODE_EXTENT_SIZE bytes:
 *          page u16, pages u8, chunk page u8, chunk id 32
 *   inner  'I' | version 1 | height u8 | zero | children u64 (bit i: child i is
 *          there) | ids of those children, 32 bytes each
 *
 * One content has one encoding: extents are sorted, do not overlap and are
 * joined where they can be; a node has something in it.  Pure.
 */
#ifndef LF_VAULT_MAP_NODE_H
#define LF_VAULT_MAP_NODE_H

#include "vault/root.h"
#include "vault/vault.h"

#define LF_LEAF_PAGES	    512u
#define LF_INNER_CHILDREN   64u
#define LF_NODE_EXTENT_SIZE 36u
#define LF_LEAF_HEADER	    4u
#define LF_INNER_HEADER	    12u
#define LF_NODE_BYTES_MAX   (LF_LEAF_HEADER + LF_LEAF_PAGES * LF_NODE_EXTENT_SIZE)

/* An extent inside a leaf. */
struct lf_leaf_extent {
	uint16_t page; /* of the leaf */
	uint8_t pages;
	uint8_t chunk_page;
	bool fresh; /* of an edit: not yet known to be in the vault */
	struct lf_chunk_id chunk;
};

struct lf_inner {
	uint64_t present;
	struct lf_chunk_id children[LF_INNER_CHILDREN]; /* by number */
};

/* Pages that a node of this height covers. */
uint64_t lf_node_span(unsigned height);
/* Returns the length; out has LF_NODE_BYTES_MAX of room. */
size_t lf_leaf_encode(const struct lf_leaf_extent *extents, size_t n, uint8_t *out);
size_t lf_inner_encode(const struct lf_inner *inner, unsigned height, uint8_t *out);
/* out has room for LF_LEAF_PAGES.  LF_ECORRUPT: not a canonical leaf. */
LF_MUST_CHECK int lf_leaf_decode(const uint8_t *data, size_t len, struct lf_leaf_extent *out,
				 size_t *ret_n, struct lf_error *err);
LF_MUST_CHECK int lf_inner_decode(const uint8_t *data, size_t len, unsigned height,
				  struct lf_inner *ret_inner, struct lf_error *err);
/* Can b be joined to a, which lies before it? */
bool lf_leaf_joins(const struct lf_leaf_extent *a, const struct lf_leaf_extent *b);

/* Read a node through the vault's cache. */
LF_MUST_CHECK int lf_leaf_load(struct lf_vault *vault, const struct lf_chunk_id *id,
			       struct lf_leaf_extent *out, size_t *ret_n, struct lf_error *err);
LF_MUST_CHECK int lf_inner_load(struct lf_vault *vault, const struct lf_chunk_id *id,
				unsigned height, struct lf_inner *ret_inner, struct lf_error *err);

#endif
