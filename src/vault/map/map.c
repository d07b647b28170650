/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading disk maps: walk, read, difference.
 */
#include "vault/map/map.h"

#include <stdlib.h>
#include <string.h>

#include "vault/map/node.h"
#include "vault/vault_internal.h"

#define HOLE_PAGES_MAX (1u << 30)

/* Collects what a walk or a difference finds, and joins holes. */
struct emitter {
	lf_extent_visit_fn *visit;
	void *context;
	struct lf_extent hole; /* pages 0: none */
};

static int emit_hole(struct emitter *emitter, struct lf_error *err)
{
	struct lf_extent hole = emitter->hole;

	emitter->hole.pages = 0;
	return hole.pages ? emitter->visit(emitter->context, &hole, err) : 0;
}

static int add_hole(struct emitter *emitter, uint64_t page, uint64_t pages, struct lf_error *err)
{
	struct lf_extent *hole = &emitter->hole;

	if (hole->pages && hole->page + hole->pages != page) {
		int rc = emit_hole(emitter, err);
		if (rc)
			return rc;
	}
	while (pages) {
		if (!hole->pages)
			*hole = (struct lf_extent){.page = page, .hole = true};
		uint64_t room = HOLE_PAGES_MAX - hole->pages, n = pages < room ? pages : room;
		hole->pages += (uint32_t)n;
		page += n;
		pages -= n;
		if (pages) {
			int rc = emit_hole(emitter, err);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int add_extent(struct emitter *emitter, uint64_t page, uint32_t pages,
		      const struct lf_leaf_extent *from, uint32_t skip, struct lf_error *err)
{
	struct lf_extent extent = {.page = page,
				   .pages = pages,
				   .chunk_page = from->chunk_page + skip,
				   .chunk = from->chunk};
	int rc = emit_hole(emitter, err);

	return rc ? rc : emitter->visit(emitter->context, &extent, err);
}

struct walk {
	struct lf_vault *vault;
	struct emitter emitter;
	uint64_t next, last; /* pages still to be told */
};

static int walk_leaf(struct walk *walk, const struct lf_chunk_id *id, uint64_t base,
		     struct lf_error *err)
{
	struct lf_leaf_extent extents[LF_LEAF_PAGES];
	size_t n = 0;
	int rc = lf_leaf_load(walk->vault, id, extents, &n, err);

	for (size_t i = 0; !rc && i < n; i++) {
		uint64_t from = base + extents[i].page, to = from + extents[i].pages;
		if (to <= walk->next)
			continue;
		if (from >= walk->last)
			break;
		uint32_t skip = from < walk->next ? (uint32_t)(walk->next - from) : 0;
		from += skip;
		to = to < walk->last ? to : walk->last;
		rc = add_hole(&walk->emitter, walk->next, from - walk->next, err);
		if (!rc)
			rc = add_extent(&walk->emitter, from, (uint32_t)(to - from), &extents[i],
					skip, err);
		walk->next = to;
	}
	return rc;
}

static int walk_node(struct walk *walk, const struct lf_chunk_id *id, unsigned height,
		     uint64_t base, struct lf_error *err)
{
	struct lf_inner inner;

	if (height == 0)
		return walk_leaf(walk, id, base, err);
	int rc = lf_inner_load(walk->vault, id, height, &inner, err);
	uint64_t span = lf_node_span(height - 1);
	for (unsigned i = 0; !rc && i < LF_INNER_CHILDREN; i++) {
		uint64_t begin = base + i * span;
		if (begin >= walk->last)
			break;
		if (begin + span <= walk->next || !(inner.present >> i & 1))
			continue;
		rc = walk_node(walk, &inner.children[i], height - 1, begin, err);
	}
	return rc;
}

int lf_map_walk(struct lf_vault *vault, const struct lf_root *root, uint64_t first, uint64_t pages,
		lf_extent_visit_fn *visit, void *context, struct lf_error *err)
{
	struct walk walk = {.vault = vault, .emitter = {.visit = visit, .context = context}};
	int rc = 0;

	if (root->height > LF_ROOT_HEIGHT_MAX)
		return lf_fail(err, LF_EINVAL, NULL, "not the root of a disk map");
	walk.next = first;
	if (__builtin_add_overflow(first, pages, &walk.last))
		walk.last = UINT64_MAX;
	if (!lf_root_is_empty(root))
		rc = walk_node(&walk, &root->node, root->height, 0, err);
	if (!rc)
		rc = add_hole(&walk.emitter, walk.next, walk.last - walk.next, err);
	return rc ? rc : emit_hole(&walk.emitter, err);
}

struct reading {
	struct lf_vault *vault;
	uint8_t *data;
	uint64_t offset, end; /* of the disk, in bytes */
};

static int read_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct reading *reading = context;
	uint64_t from = extent->page * LF_PAGE_SIZE;
	uint64_t to = from + (uint64_t)extent->pages * LF_PAGE_SIZE;
	uint64_t inside = (uint64_t)extent->chunk_page * LF_PAGE_SIZE;
	struct lf_cached *chunk = NULL;

	if (from < reading->offset) {
		inside += reading->offset - from;
		from = reading->offset;
	}
	if (to > reading->end)
		to = reading->end;
	uint8_t *out = reading->data + (from - reading->offset);
	if (extent->hole) {
		memset(out, 0, to - from);
		return 0;
	}
	int rc = lf_vault_get_chunk(reading->vault, &extent->chunk, &chunk, err);
	if (rc)
		return rc;
	if (inside + (to - from) > chunk->len)
		rc = lf_fail(err, LF_ECORRUPT, NULL, "an extent reaches past its chunk");
	else
		memcpy(out, chunk->bytes + inside, to - from);
	lf_cache_release(reading->vault->cache, chunk);
	return rc;
}

int lf_map_read(struct lf_vault *vault, const struct lf_root *root, void *data, size_t len,
		uint64_t offset, struct lf_error *err)
{
	struct reading reading = {vault, data, offset, offset + len};
	uint64_t first = offset / LF_PAGE_SIZE;

	if (len == 0)
		return 0;
	if (reading.end < offset)
		return lf_fail(err, LF_EINVAL, NULL, "the range is beyond any disk");
	return lf_map_walk(vault, root, first, (reading.end - 1) / LF_PAGE_SIZE + 1 - first,
			   read_extent, &reading, err);
}

/* A subtree, or nothing. */
struct subtree {
	bool present;
	uint8_t height;
	struct lf_chunk_id id;
};

struct diff {
	struct lf_vault *vault;
	struct emitter emitter;
};

/* Which extent, and which page of its chunk, holds each page of a leaf. */
struct leaf_pages {
	struct lf_leaf_extent extents[LF_LEAF_PAGES];
	int16_t extent[LF_LEAF_PAGES]; /* -1: a hole */
};

static int load_pages(struct diff *diff, const struct subtree *tree, struct leaf_pages *pages,
		      struct lf_error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < LF_LEAF_PAGES; i++)
		pages->extent[i] = -1;
	if (!tree->present)
		return 0;
	int rc = lf_leaf_load(diff->vault, &tree->id, pages->extents, &n, err);
	for (size_t i = 0; !rc && i < n; i++)
		for (unsigned j = 0; j < pages->extents[i].pages; j++)
			pages->extent[pages->extents[i].page + j] = (int16_t)i;
	return rc;
}

static bool same_page(const struct leaf_pages *a, const struct leaf_pages *b, unsigned page)
{
	if (a->extent[page] < 0 || b->extent[page] < 0)
		return a->extent[page] == b->extent[page];
	const struct lf_leaf_extent *x = &a->extents[a->extent[page]];
	const struct lf_leaf_extent *y = &b->extents[b->extent[page]];
	return x->chunk_page - x->page == y->chunk_page - y->page &&
	       memcmp(x->chunk.bytes, y->chunk.bytes, 32) == 0;
}

static int diff_leaves(struct diff *diff, const struct subtree *from, const struct subtree *to,
		       uint64_t base, struct lf_error *err)
{
	LF_AUTO_FREE struct leaf_pages *a = malloc(sizeof(*a));
	LF_AUTO_FREE struct leaf_pages *b = malloc(sizeof(*b));

	if (!a || !b)
		return lf_fail_nomem(err);
	int rc = load_pages(diff, from, a, err);
	if (!rc)
		rc = load_pages(diff, to, b, err);
	for (unsigned page = 0; !rc && page < LF_LEAF_PAGES;) {
		unsigned n = 1;
		if (same_page(a, b, page)) {
			page++;
			continue;
		}
		while (page + n < LF_LEAF_PAGES && b->extent[page + n] == b->extent[page] &&
		       !same_page(a, b, page + n))
			n++;
		if (b->extent[page] < 0) {
			rc = add_hole(&diff->emitter, base + page, n, err);
		} else {
			const struct lf_leaf_extent *extent = &b->extents[b->extent[page]];
			rc = add_extent(&diff->emitter, base + page, n, extent, page - extent->page,
					err);
		}
		page += n;
	}
	return rc;
}

/* The children of tree seen as a node of height; a lower tree is its own first child. */
static int load_children(struct diff *diff, const struct subtree *tree, unsigned height,
			 struct subtree *out, struct lf_error *err)
{
	struct lf_inner inner;

	memset(out, 0, LF_INNER_CHILDREN * sizeof(*out));
	if (!tree->present)
		return 0;
	if (tree->height < height) {
		out[0] = *tree;
		return 0;
	}
	int rc = lf_inner_load(diff->vault, &tree->id, height, &inner, err);
	for (unsigned i = 0; !rc && i < LF_INNER_CHILDREN; i++)
		if (inner.present >> i & 1)
			out[i] = (struct subtree){true, (uint8_t)(height - 1), inner.children[i]};
	return rc;
}

static int diff_trees(struct diff *diff, const struct subtree *from, const struct subtree *to,
		      unsigned height, uint64_t base, struct lf_error *err)
{
	if (from->present == to->present && from->height == to->height &&
	    memcmp(from->id.bytes, to->id.bytes, 32) == 0)
		return 0;
	if (height == 0)
		return diff_leaves(diff, from, to, base, err);
	LF_AUTO_FREE struct subtree *children =
		calloc((size_t)LF_INNER_CHILDREN * 2, sizeof(*from));
	if (!children)
		return lf_fail_nomem(err);
	struct subtree *a = children, *b = children + LF_INNER_CHILDREN;
	int rc = load_children(diff, from, height, a, err);
	if (!rc)
		rc = load_children(diff, to, height, b, err);
	for (unsigned i = 0; !rc && i < LF_INNER_CHILDREN; i++)
		if (a[i].present || b[i].present)
			rc = diff_trees(diff, &a[i], &b[i], height - 1,
					base + i * lf_node_span(height - 1), err);
	return rc;
}

int lf_map_diff(struct lf_vault *vault, const struct lf_root *from, const struct lf_root *to,
		lf_extent_visit_fn *visit, void *context, struct lf_error *err)
{
	struct diff diff = {.vault = vault, .emitter = {.visit = visit, .context = context}};
	struct subtree a = {!lf_root_is_empty(from), from->height, from->node};
	struct subtree b = {!lf_root_is_empty(to), to->height, to->node};
	unsigned height = a.height > b.height ? a.height : b.height;

	if (height > LF_ROOT_HEIGHT_MAX)
		return lf_fail(err, LF_EINVAL, NULL, "not the root of a disk map");
	int rc = diff_trees(&diff, &a, &b, height, 0, err);
	return rc ? rc : emit_hole(&diff.emitter, err);
}
