/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/pack/chunk.h - chunks of a disk: what they are called, and where they end.
 *
 * A chunk is a run of whole pages.  Its id is a keyed hash of its plaintext, so equal bytes are
 * stored once; borders follow the content, so that bytes which moved are found again.
 *
 * Threads: a hasher is only read once it is made; one serves all threads.
 */
#ifndef LF_VAULT_PACK_CHUNK_H
#define LF_VAULT_PACK_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

#include "vault/pack/key.h"

#define LF_PAGE_SIZE	   4096u
#define LF_CHUNK_PAGES_MAX 64u /* 256 KiB */

/* Keyed hash of a chunk's plaintext. */
struct lf_chunk_id {
	uint8_t bytes[32];
};

struct lf_chunk_hasher; /* keyed hash with the key already absorbed */
LF_MUST_CHECK int lf_chunk_hasher_new(const struct lf_domain_key *key,
				      struct lf_chunk_hasher **ret_hasher, struct lf_error *err);
LF_MUST_CHECK int lf_chunk_id_of(struct lf_chunk_hasher *hasher, const void *data, size_t len,
				 struct lf_chunk_id *ret_id, struct lf_error *err);
void lf_chunk_hasher_free(struct lf_chunk_hasher *hasher);

/*
 * A page's fingerprint: fast, keyed by the domain, 0 for a page of zeroes and
 * for nothing else.  Tells whether a page changed, and where chunks end.
 */
uint64_t lf_page_print(const struct lf_chunk_hasher *hasher, const void *page);
bool lf_page_is_zero(const void *page);

/*
 * Where a chunk ends in a full pass: after a page whose fingerprint says so,
 * between 4 and LF_CHUNK_PAGES_MAX pages, 16 on average; zero pages never
 * belong to a chunk.  Given the prints of pages in a row, the first not 0,
 * returns the chunk's pages; when they end before a border was found and
 * !at_end, returns 0: call again with more.
 */
size_t lf_chunk_border(const uint64_t *prints, size_t pages, bool at_end);
/*
 * The one cutter: of pages in a row by their prints, how many from the first on are zeroes
 * (*ret_hole) or the next chunk; 0: as lf_chunk_border().
 */
size_t lf_chunk_cut(const uint64_t *prints, size_t pages, bool at_end, bool *ret_hole);

#endif
