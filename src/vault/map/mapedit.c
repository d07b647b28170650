/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a disk map: the nodes on the way to a change are loaded and changed
 * in memory, then stored bottom-up.  When many leaves are loaded they are
 * stored early and dropped, so that memory is bounded whatever the disk; a node
 * stored early and changed again is garbage for the collector.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/text.h"
#include "vault/map/map.h"
#include "vault/map/node.h"
#include "vault/vault_internal.h"

#define LEAVES_LOADED_MAX 512u
#define MISSING_MAX	  (1u << 20) /* chunks that may come after the extents naming them */
#define MISSING_LOOK	  (1u << 14) /* so many: look again which have come */

struct branch;

/* A node in memory. */
struct enode {
	bool dirty;
	struct branch *branch;		/* of an inner node; NULL: a leaf */
	struct lf_leaf_extent *extents; /* of a leaf */
	uint16_t count, room;
};

struct branch {
	struct lf_inner inner; /* ids of children that are not loaded */
	struct enode *loaded[LF_INNER_CHILDREN];
};

struct wanted {
	struct lf_chunk_id id;
	uint32_t plain; /* at least */
};

struct lf_map_edit {
	struct lf_vault *vault;
	struct lf_holder *holder;
	uint64_t lost; /* vault->lost at the beginning */
	struct lf_root base;
	struct enode *root; /* NULL: empty, or not loaded */
	unsigned height;
	size_t leaves; /* loaded */
	struct wanted *missing;
	size_t missing_count, missing_room, missing_look;
	bool failed; /* a step failed half-way: nothing can be committed */
};

static void enode_free(struct lf_map_edit *edit, struct enode *node)
{
	if (!node)
		return;
	for (unsigned i = 0; node->branch && i < LF_INNER_CHILDREN; i++)
		enode_free(edit, node->branch->loaded[i]);
	if (!node->branch)
		edit->leaves--;
	free(node->branch);
	free(node->extents);
	free(node);
}

void lf_map_edit_free(struct lf_map_edit *edit)
{
	if (!edit)
		return;
	enode_free(edit, edit->root);
	lf_holder_end(edit->vault, edit->holder);
	free(edit->missing);
	free(edit);
}

static int load_enode(struct lf_map_edit *edit, const struct lf_chunk_id *id, unsigned height,
		      struct enode **ret_node, struct lf_error *err)
{
	struct enode *node = calloc(1, sizeof(*node));
	int rc = 0;

	if (!node)
		return lf_fail_nomem(err);
	if (height) {
		node->branch = calloc(1, sizeof(*node->branch));
		rc = node->branch ? 0 : lf_fail_nomem(err);
		if (!rc && id)
			rc = lf_inner_load(edit->vault, id, height, &node->branch->inner, err);
	} else if (id) {
		struct lf_leaf_extent extents[LF_LEAF_PAGES];
		size_t n = 0;
		rc = lf_leaf_load(edit->vault, id, extents, &n, err);
		node->extents = rc ? NULL : malloc(n * sizeof(*extents));
		if (!rc && !node->extents)
			rc = lf_fail_nomem(err);
		if (!rc)
			memcpy(node->extents, extents, n * sizeof(*extents));
		node->count = node->room = (uint16_t)n;
	}
	if (rc) {
		free(node->branch);
		free(node->extents);
		free(node);
		return rc;
	}
	edit->leaves += height == 0;
	*ret_node = node;
	return 0;
}

int lf_map_edit_begin(struct lf_vault *vault, const struct lf_root *base,
		      struct lf_map_edit **ret_edit, struct lf_error *err)
{
	int rc = lf_vault_writable(vault, err);
	struct lf_map_edit *edit = rc ? NULL : calloc(1, sizeof(*edit));

	if (rc)
		return rc;
	if (!edit)
		return lf_fail_nomem(err);
	edit->vault = vault;
	edit->lost = atomic_load(&vault->lost);
	if (base)
		edit->base = *base;
	edit->height = edit->base.height;
	edit->missing_look = MISSING_LOOK;
	rc = lf_holder_begin(vault, "", &edit->base, &edit->holder, err);
	/* from here on the collector keeps base; it must not have gone before */
	if (!rc && !lf_root_is_empty(&edit->base) && !lf_vault_hold(vault, &edit->base.node, NULL))
		rc = lf_fail(err, LF_ENOTFOUND, NULL, "the disk map to start from is not there");
	if (!rc && !lf_root_is_empty(&edit->base))
		rc = load_enode(edit, &edit->base.node, edit->height, &edit->root, err);
	if (rc) {
		lf_map_edit_free(edit);
		return rc;
	}
	*ret_edit = edit;
	return 0;
}

/* Cut [first, last) out of a leaf's extents; out has room for all that may stay and one more. */
static size_t cut_extents(const struct enode *leaf, uint32_t first, uint32_t last,
			  struct lf_leaf_extent *out, size_t *ret_before)
{
	size_t n = 0;

	*ret_before = 0;
	for (size_t i = 0; i < leaf->count; i++) {
		struct lf_leaf_extent extent = leaf->extents[i];
		uint32_t end = (uint32_t)extent.page + extent.pages;
		if (extent.page < first) {
			out[n] = extent;
			out[n].pages = (uint8_t)((end < first ? end : first) - extent.page);
			*ret_before = ++n;
		}
		if (end > last) {
			uint32_t from = extent.page > last ? extent.page : last;
			out[n] = extent;
			out[n].page = (uint16_t)from;
			out[n].pages = (uint8_t)(end - from);
			out[n++].chunk_page = (uint8_t)(extent.chunk_page + (from - extent.page));
		}
	}
	return n;
}

static size_t join_extents(struct lf_leaf_extent *extents, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept && lf_leaf_joins(&extents[kept - 1], &extents[i])) {
			extents[kept - 1].pages =
				(uint8_t)(extents[kept - 1].pages + extents[i].pages);
			extents[kept - 1].fresh |= extents[i].fresh;
		} else {
			extents[kept++] = extents[i];
		}
	}
	return kept;
}

/* Replace pages [first, last) of a leaf by put (NULL: a hole). */
static int edit_leaf(struct enode *leaf, uint32_t first, uint32_t last,
		     const struct lf_leaf_extent *put, struct lf_error *err)
{
	struct lf_leaf_extent extents[LF_LEAF_PAGES + 2];
	size_t before = 0, n = cut_extents(leaf, first, last, extents, &before);

	if (put) {
		memmove(&extents[before + 1], &extents[before], (n - before) * sizeof(*extents));
		extents[before] = *put;
		n++;
	}
	n = join_extents(extents, n);
	if (n > leaf->room) {
		size_t room = n + n / 2 < 8 ? 8 : n + n / 2;
		struct lf_leaf_extent *grown = reallocarray(leaf->extents, room, sizeof(*grown));
		if (!grown)
			return lf_fail_nomem(err);
		leaf->extents = grown;
		leaf->room = (uint16_t)room;
	}
	if (n)
		memcpy(leaf->extents, extents, n * sizeof(*extents));
	leaf->count = (uint16_t)n;
	leaf->dirty = true;
	return 0;
}

static bool child_present(const struct branch *branch, unsigned i)
{
	return branch->loaded[i] || branch->inner.present >> i & 1;
}

static void drop_child(struct lf_map_edit *edit, struct enode *node, unsigned i)
{
	if (!child_present(node->branch, i))
		return;
	enode_free(edit, node->branch->loaded[i]);
	node->branch->loaded[i] = NULL;
	node->branch->inner.present &= ~(UINT64_C(1) << i);
	node->dirty = true;
}

static int open_child(struct lf_map_edit *edit, struct enode *node, unsigned i, unsigned height,
		      struct lf_error *err)
{
	struct branch *branch = node->branch;

	if (branch->loaded[i])
		return 0;
	const struct lf_chunk_id *id =
		branch->inner.present >> i & 1 ? &branch->inner.children[i] : NULL;
	return load_enode(edit, id, height, &branch->loaded[i], err);
}

/* Pages [first, last) of node, counted from its own first page. */
static int edit_range(struct lf_map_edit *edit, struct enode *node, unsigned height, uint64_t first,
		      uint64_t last, const struct lf_leaf_extent *put, struct lf_error *err)
{
	if (height == 0) {
		struct lf_leaf_extent extent;
		if (put) {
			extent = *put;
			extent.page = (uint16_t)first;
			extent.pages = (uint8_t)(last - first);
		}
		return edit_leaf(node, (uint32_t)first, (uint32_t)last, put ? &extent : NULL, err);
	}
	uint64_t span = lf_node_span(height - 1);
	for (uint64_t at = first; at < last;) {
		unsigned i = (unsigned)(at / span);
		uint64_t begin = i * span, end = begin + span < last ? begin + span : last;
		struct lf_leaf_extent part;
		if (put) {
			part = *put;
			part.chunk_page = (uint8_t)(put->chunk_page + (at - first));
		}
		if (!put && at == begin && end == begin + span) {
			drop_child(edit, node, i);
		} else if (put || child_present(node->branch, i)) {
			int rc = open_child(edit, node, i, height - 1, err);
			if (!rc)
				rc = edit_range(edit, node->branch->loaded[i], height - 1,
						at - begin, end - begin, put ? &part : NULL, err);
			if (rc)
				return rc;
			node->dirty = true;
		}
		at = end;
	}
	return 0;
}

/* Make the tree tall enough to have page in it. */
static int grow(struct lf_map_edit *edit, uint64_t last, struct lf_error *err)
{
	while (last > lf_node_span(edit->height)) {
		struct enode *above = NULL;
		if (edit->height == LF_ROOT_HEIGHT_MAX)
			return lf_fail(err, LF_EINVAL, NULL, "a disk map cannot be this large");
		if (edit->root) {
			int rc = load_enode(edit, NULL, edit->height + 1, &above, err);
			if (rc)
				return rc;
			above->branch->loaded[0] = edit->root;
			edit->root->dirty = true; /* above has not its id */
			above->dirty = true;
			edit->root = above;
		}
		edit->height++;
	}
	return edit->root ? 0 : load_enode(edit, NULL, edit->height, &edit->root, err);
}

/* Drop from the list what has come since; keeps it as short as what is really on its way. */
static void forget_found(struct lf_map_edit *edit)
{
	size_t kept = 0;

	for (size_t i = 0; i < edit->missing_count; i++) {
		uint32_t plain = 0;
		if (!lf_vault_hold(edit->vault, &edit->missing[i].id, &plain) ||
		    plain < edit->missing[i].plain)
			edit->missing[kept++] = edit->missing[i];
	}
	edit->missing_count = kept;
	edit->missing_look = kept * 2 > MISSING_LOOK ? kept * 2 : MISSING_LOOK;
}

static int want_chunk(struct lf_map_edit *edit, const struct lf_leaf_extent *extent,
		      struct lf_error *err)
{
	uint32_t need = (uint32_t)(extent->chunk_page + extent->pages) * LF_PAGE_SIZE, plain = 0;

	if (lf_vault_hold(edit->vault, &extent->chunk, &plain))
		return plain >= need ? 0
				     : lf_fail(err, LF_EINVAL, NULL,
					       "an extent reaches past the end of its chunk");
	if (edit->missing_count >= edit->missing_look)
		forget_found(edit);
	if (edit->missing_count == MISSING_MAX)
		return lf_fail(err, LF_ENOTFOUND, NULL, "too many chunks are not in the vault");
	if (edit->missing_count == edit->missing_room) {
		size_t room = edit->missing_room ? edit->missing_room * 2 : 256;
		struct wanted *missing = reallocarray(edit->missing, room, sizeof(*missing));
		if (!missing)
			return lf_fail_nomem(err);
		edit->missing = missing;
		edit->missing_room = room;
	}
	edit->missing[edit->missing_count++] = (struct wanted){extent->chunk, need};
	return 0;
}

static int store_leaf(struct lf_map_edit *edit, struct enode *leaf, struct lf_chunk_id *ret_id,
		      struct lf_error *err)
{
	uint8_t bytes[LF_NODE_BYTES_MAX];

	for (size_t i = 0; i < leaf->count; i++) {
		if (!leaf->extents[i].fresh)
			continue;
		int rc = want_chunk(edit, &leaf->extents[i], err);
		if (rc)
			return rc;
		leaf->extents[i].fresh = false;
	}
	size_t len = lf_leaf_encode(leaf->extents, leaf->count, bytes);
	return lf_vault_put_kind(edit->vault, LF_CHUNK_NODE, bytes, len, ret_id, err);
}

static int store_node(struct lf_map_edit *edit, struct enode *node, unsigned height,
		      struct lf_chunk_id *ret_id, bool *ret_empty, struct lf_error *err);

/* Children to ids; clean ones need nothing but to be dropped from memory. */
static int store_children(struct lf_map_edit *edit, struct branch *branch, unsigned height,
			  struct lf_error *err)
{
	for (unsigned i = 0; i < LF_INNER_CHILDREN; i++) {
		struct enode *child = branch->loaded[i];
		bool empty = false;
		if (!child)
			continue;
		if (child->dirty) {
			int rc = store_node(edit, child, height - 1, &branch->inner.children[i],
					    &empty, err);
			if (rc)
				return rc;
			branch->inner.present &= ~(UINT64_C(1) << i);
			branch->inner.present |= (uint64_t)!empty << i;
		}
		enode_free(edit, child);
		branch->loaded[i] = NULL;
	}
	return 0;
}

static int store_node(struct lf_map_edit *edit, struct enode *node, unsigned height,
		      struct lf_chunk_id *ret_id, bool *ret_empty, struct lf_error *err)
{
	uint8_t bytes[LF_INNER_HEADER + LF_INNER_CHILDREN * 32];
	int rc;

	if (height == 0) {
		*ret_empty = node->count == 0;
		rc = node->count ? store_leaf(edit, node, ret_id, err) : 0;
	} else {
		rc = store_children(edit, node->branch, height, err);
		*ret_empty = node->branch->inner.present == 0;
		if (!rc && !*ret_empty) {
			size_t len = lf_inner_encode(&node->branch->inner, height, bytes);
			rc = lf_vault_put_kind(edit->vault, LF_CHUNK_NODE, bytes, len, ret_id, err);
		}
	}
	if (!rc)
		node->dirty = false;
	return rc;
}

/* Store and forget what is loaded, but for the root. */
static int flush_early(struct lf_map_edit *edit, struct lf_error *err)
{
	if (edit->leaves < LEAVES_LOADED_MAX || edit->height == 0)
		return 0;
	return store_children(edit, edit->root->branch, edit->height, err);
}

static int change(struct lf_map_edit *edit, uint64_t first, uint64_t last,
		  const struct lf_leaf_extent *put, struct lf_error *err)
{
	int rc;

	if (edit->failed)
		return lf_fail(err, LF_EINVAL, NULL, "the edit has failed before");
	if (put)
		rc = grow(edit, last, err);
	else if (!edit->root || first >= lf_node_span(edit->height))
		return 0; /* a hole in a hole */
	else
		rc = flush_early(edit, err);
	if (!put && last > lf_node_span(edit->height))
		last = lf_node_span(edit->height);
	if (!rc)
		rc = edit_range(edit, edit->root, edit->height, first, last, put, err);
	if (!rc && put)
		rc = flush_early(edit, err);
	edit->failed = rc != 0;
	return rc;
}

int lf_map_edit_put(struct lf_map_edit *edit, const struct lf_extent *extent, struct lf_error *err)
{
	uint64_t last;

	if (extent->pages == 0)
		return 0;
	if (__builtin_add_overflow(extent->page, extent->pages, &last) ||
	    last > lf_node_span(LF_ROOT_HEIGHT_MAX))
		return lf_fail(err, LF_EINVAL, NULL, "an extent lies beyond any disk");
	if (extent->hole)
		return change(edit, extent->page, last, NULL, err);
	if (extent->pages > LF_CHUNK_PAGES_MAX ||
	    extent->chunk_page > LF_CHUNK_PAGES_MAX - extent->pages)
		return lf_fail(err, LF_EINVAL, NULL, "an extent is longer than a chunk can be");
	struct lf_leaf_extent put = {
		.chunk_page = (uint8_t)extent->chunk_page, .fresh = true, .chunk = extent->chunk};
	return change(edit, extent->page, last, &put, err);
}

int lf_map_edit_truncate(struct lf_map_edit *edit, uint64_t page, struct lf_error *err)
{
	return change(edit, page, UINT64_MAX, NULL, err);
}

/* A root with only its first child is its first child: one content, one root. */
static int lower_root(struct lf_map_edit *edit, struct lf_root *root, struct lf_error *err)
{
	while (root->height) {
		struct lf_inner inner;
		int rc = lf_inner_load(edit->vault, &root->node, root->height, &inner, err);
		if (rc)
			return rc;
		if (inner.present != 1)
			return 0;
		root->node = inner.children[0];
		root->height--;
	}
	return 0;
}

static int check_missing(struct lf_map_edit *edit, struct lf_error *err)
{
	char hex[65];

	for (size_t i = 0; i < edit->missing_count; i++) {
		uint32_t plain = 0;
		if (lf_vault_hold(edit->vault, &edit->missing[i].id, &plain) &&
		    plain >= edit->missing[i].plain)
			continue;
		lf_hex_encode(edit->missing[i].id.bytes, 32, hex);
		return lf_fail(err, LF_ENOTFOUND, NULL, "chunk %s is not in the vault", hex);
	}
	return 0;
}

int lf_map_edit_commit(struct lf_map_edit *edit, struct lf_root *ret_root, struct lf_error *err)
{
	struct lf_root root = {.height = (uint8_t)edit->height};
	bool empty = !edit->root;
	int rc = 0;

	if (edit->failed)
		return lf_fail(err, LF_EINVAL, NULL, "the edit has failed before");
	if (edit->root && !edit->root->dirty) {
		*ret_root = edit->base;
		return 0;
	}
	if (edit->root)
		rc = store_node(edit, edit->root, edit->height, &root.node, &empty, err);
	if (!rc)
		rc = check_missing(edit, err);
	LF_CRASH_POINT("vault-map-commit");
	if (!rc && !empty)
		rc = lower_root(edit, &root, err);
	if (!rc)
		rc = lf_vault_flush(edit->vault, err);
	if (!rc && atomic_load(&edit->vault->lost) != edit->lost)
		rc = lf_fail(err, LF_EIO, NULL, "what was stored for this disk map was lost");
	edit->failed = rc != 0;
	if (rc)
		return rc;
	*ret_root = empty ? (struct lf_root){0} : root;
	edit->base = *ret_root;
	return 0;
}
