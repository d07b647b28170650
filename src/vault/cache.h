/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/cache.h - plain bytes of chunks and map nodes, bounded.
 *
 * What is in use is never freed under its user; what is not is dropped oldest
 * first when the limit is passed.  Threads: any.
 */
#ifndef LF_VAULT_CACHE_H
#define LF_VAULT_CACHE_H

#include "vault/pack/chunk.h"

struct lf_cached {
	struct lf_chunk_id id;
	uint32_t len;
	uint8_t bytes[];
};

struct lf_cache;
LF_MUST_CHECK int lf_cache_new(uint64_t bytes_max, struct lf_cache **ret_cache,
			       struct lf_error *err);
void lf_cache_free(struct lf_cache *cache); /* everything is released by then */
/* With a reference; NULL: not there. */
struct lf_cached *lf_cache_get(struct lf_cache *cache, const struct lf_chunk_id *id);
/* Copy in (an entry that is there already wins), with a reference; NULL: out of memory. */
struct lf_cached *lf_cache_put(struct lf_cache *cache, const struct lf_chunk_id *id,
			       const void *data, size_t len);
void lf_cache_release(struct lf_cache *cache, struct lf_cached *chunk);

#endif
