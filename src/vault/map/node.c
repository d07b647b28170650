/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes as bytes and back.  Decoding refuses whatever encoding would not
 * write, so that one content has one encoding and equal subtrees equal ids.
 */
#include "vault/map/node.h"

#include <string.h>

#include "base/bytes.h"
#include "vault/vault_internal.h"

#define NODE_VERSION 1u

uint64_t lf_node_span(unsigned height)
{
	return (uint64_t)LF_LEAF_PAGES << (6 * height);
}

bool lf_leaf_joins(const struct lf_leaf_extent *a, const struct lf_leaf_extent *b)
{
	return a->page + a->pages == b->page && a->chunk_page + a->pages == b->chunk_page &&
	       memcmp(a->chunk.bytes, b->chunk.bytes, 32) == 0;
}

size_t lf_leaf_encode(const struct lf_leaf_extent *extents, size_t n, uint8_t *out)
{
	uint8_t *at = out + LF_LEAF_HEADER;

	out[0] = 'L';
	out[1] = NODE_VERSION;
	lf_put_u16(out + 2, (uint16_t)n);
	for (size_t i = 0; i < n; i++, at += LF_NODE_EXTENT_SIZE) {
		lf_put_u16(at, extents[i].page);
		at[2] = extents[i].pages;
		at[3] = extents[i].chunk_page;
		memcpy(at + 4, extents[i].chunk.bytes, 32);
	}
	return (size_t)(at - out);
}

size_t lf_inner_encode(const struct lf_inner *inner, unsigned height, uint8_t *out)
{
	uint8_t *at = out + LF_INNER_HEADER;

	out[0] = 'I';
	out[1] = NODE_VERSION;
	out[2] = (uint8_t)height;
	out[3] = 0;
	lf_put_u64(out + 4, inner->present);
	for (unsigned i = 0; i < LF_INNER_CHILDREN; i++) {
		if (!(inner->present >> i & 1))
			continue;
		memcpy(at, inner->children[i].bytes, 32);
		at += 32;
	}
	return (size_t)(at - out);
}

static int fail_node(const char *what, struct lf_error *err)
{
	return lf_fail(err, LF_ECORRUPT, NULL, "a node of a disk map is malformed: %s", what);
}

int lf_leaf_decode(const uint8_t *data, size_t len, struct lf_leaf_extent *out, size_t *ret_n,
		   struct lf_error *err)
{
	if (len < LF_LEAF_HEADER || data[0] != 'L' || data[1] != NODE_VERSION)
		return fail_node("not a leaf", err);
	size_t n = lf_get_u16(data + 2);
	if (n == 0 || n > LF_LEAF_PAGES || len != LF_LEAF_HEADER + n * LF_NODE_EXTENT_SIZE)
		return fail_node("its length", err);
	const uint8_t *at = data + LF_LEAF_HEADER;
	for (size_t i = 0; i < n; i++, at += LF_NODE_EXTENT_SIZE) {
		struct lf_leaf_extent *extent = &out[i];
		extent->page = lf_get_u16(at);
		extent->pages = at[2];
		extent->chunk_page = at[3];
		extent->fresh = false;
		memcpy(extent->chunk.bytes, at + 4, 32);
		if (extent->pages == 0 || extent->page + extent->pages > (int)LF_LEAF_PAGES ||
		    extent->chunk_page + extent->pages > (int)LF_CHUNK_PAGES_MAX)
			return fail_node("an extent is out of range", err);
		if (i && out[i - 1].page + out[i - 1].pages > extent->page)
			return fail_node("extents overlap", err);
		if (i && lf_leaf_joins(&out[i - 1], extent))
			return fail_node("extents are not joined", err);
	}
	*ret_n = n;
	return 0;
}

int lf_inner_decode(const uint8_t *data, size_t len, unsigned height, struct lf_inner *ret_inner,
		    struct lf_error *err)
{
	if (len < LF_INNER_HEADER || data[0] != 'I' || data[1] != NODE_VERSION || data[3] != 0)
		return fail_node("not an inner node", err);
	if (data[2] != height || height == 0 || height > LF_ROOT_HEIGHT_MAX)
		return fail_node("its height", err);
	uint64_t present = lf_get_u64(data + 4);
	size_t n = (size_t)__builtin_popcountll(present);
	if (n == 0 || len != LF_INNER_HEADER + n * 32)
		return fail_node("its length", err);
	const uint8_t *at = data + LF_INNER_HEADER;
	ret_inner->present = present;
	for (unsigned i = 0; i < LF_INNER_CHILDREN; i++) {
		if (!(present >> i & 1))
			continue;
		memcpy(ret_inner->children[i].bytes, at, 32);
		at += 32;
	}
	return 0;
}

int lf_leaf_load(struct lf_vault *vault, const struct lf_chunk_id *id, struct lf_leaf_extent *out,
		 size_t *ret_n, struct lf_error *err)
{
	struct lf_cached *chunk = NULL;
	int rc = lf_vault_get_chunk(vault, id, &chunk, err);

	if (rc)
		return rc;
	rc = lf_leaf_decode(chunk->bytes, chunk->len, out, ret_n, err);
	lf_cache_release(vault->cache, chunk);
	return rc;
}

int lf_inner_load(struct lf_vault *vault, const struct lf_chunk_id *id, unsigned height,
		  struct lf_inner *ret_inner, struct lf_error *err)
{
	struct lf_cached *chunk = NULL;
	int rc = lf_vault_get_chunk(vault, id, &chunk, err);

	if (rc)
		return rc;
	rc = lf_inner_decode(chunk->bytes, chunk->len, height, ret_inner, err);
	lf_cache_release(vault->cache, chunk);
	return rc;
}
