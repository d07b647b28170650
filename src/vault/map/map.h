/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/map/map.h - disk maps: which chunk holds which page of a disk.
 *
 * A persistent radix tree.  A leaf covers 512 pages and holds extents (first
 * page, pages, chunk id, first page inside the chunk); an inner node has 64
 * children.  Nodes are chunks themselves: equal content, equal id, stored
 * once.  A hole is an absent extent or child.  The root names the whole
 * content, not the size: sizes are in manifests.  Format: docs/formats/map.md
 *
 * Threads: an edit or reader belongs to one thread at a time; many at once on
 * one vault are fine.
 */
#ifndef LF_VAULT_MAP_MAP_H
#define LF_VAULT_MAP_MAP_H

#include "vault/root.h"
#include "vault/vault.h"

struct lf_extent {
	uint64_t page;	     /* first page of the disk */
	uint32_t pages;	     /* how many */
	uint32_t chunk_page; /* first page inside the chunk */
	struct lf_chunk_id chunk;
	bool hole; /* reads as zeroes; chunk is meaningless */
};

struct lf_map_edit;
/* Start from base (NULL: empty). */
LF_MUST_CHECK int lf_map_edit_begin(struct lf_vault *vault, const struct lf_root *base,
				    struct lf_map_edit **ret_edit, struct lf_error *err);
/* Later puts win.  Cheapest in page order; any order works.  extent->hole punches. */
LF_MUST_CHECK int lf_map_edit_put(struct lf_map_edit *edit, const struct lf_extent *extent,
				  struct lf_error *err);
/* Drop everything from page on (a disk that shrank). */
LF_MUST_CHECK int lf_map_edit_truncate(struct lf_map_edit *edit, uint64_t page,
				       struct lf_error *err);
/*
 * Store the new nodes and return the root; durable on return.  Every chunk
 * named must be present, or LF_ENOTFOUND and nothing changes.
 */
LF_MUST_CHECK int lf_map_edit_commit(struct lf_map_edit *edit, struct lf_root *ret_root,
				     struct lf_error *err);
void lf_map_edit_free(struct lf_map_edit *edit);

/* Bytes of the disk at offset; holes are zeroes.  Any alignment. */
LF_MUST_CHECK int lf_map_read(struct lf_vault *vault, const struct lf_root *root, void *data,
			      size_t len, uint64_t offset, struct lf_error *err);

typedef int lf_extent_visit_fn(void *context, const struct lf_extent *extent, struct lf_error *err);
/* Extents (and holes between them) of pages [first, first + pages), in order. */
LF_MUST_CHECK int lf_map_walk(struct lf_vault *vault, const struct lf_root *root, uint64_t first,
			      uint64_t pages, lf_extent_visit_fn *visit, void *context,
			      struct lf_error *err);
/* Runs of pages that differ between two maps; equal subtrees are not read. */
LF_MUST_CHECK int lf_map_diff(struct lf_vault *vault, const struct lf_root *from,
			      const struct lf_root *to, lf_extent_visit_fn *visit, void *context,
			      struct lf_error *err);

#endif
