/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk ids and borders.  The hash state after the key has been absorbed is
 * copied for each chunk; that takes OpenSSL's plain SHA256_CTX, since copying
 * an EVP context allocates.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "vault/pack/chunk.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include "vault/pack/crypt.h"

#define CHUNK_PAGES_MIN 4u
#define CHUNK_PAGES_AVG 16u

struct lf_chunk_hasher {
	SHA256_CTX inner, outer;
	uint64_t print_seed;
};

int lf_chunk_hasher_new(const struct lf_domain_key *key, struct lf_chunk_hasher **ret_hasher,
			struct lf_error *err)
{
	struct lf_chunk_hasher *hasher = malloc(sizeof(*hasher));
	uint8_t pad[64];

	if (!hasher)
		return lf_fail_nomem(err);
	memset(pad, 0x36, sizeof(pad));
	for (size_t i = 0; i < 32; i++)
		pad[i] ^= key->id_key[i];
	SHA256_Init(&hasher->inner);
	SHA256_Update(&hasher->inner, pad, sizeof(pad));
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&hasher->outer);
	SHA256_Update(&hasher->outer, pad, sizeof(pad));
	OPENSSL_cleanse(pad, sizeof(pad));
	lf_key_derive(key->id_key, NULL, 0, "landfall page print 1", pad);
	memcpy(&hasher->print_seed, pad, sizeof(hasher->print_seed));
	OPENSSL_cleanse(pad, sizeof(pad));
	*ret_hasher = hasher;
	return 0;
}

int lf_chunk_id_of(struct lf_chunk_hasher *hasher, const void *data, size_t len,
		   struct lf_chunk_id *ret_id, struct lf_error *err)
{
	SHA256_CTX inner = hasher->inner, outer = hasher->outer;
	uint8_t digest[32];

	(void)err;
	SHA256_Update(&inner, data, len);
	SHA256_Final(digest, &inner);
	SHA256_Update(&outer, digest, sizeof(digest));
	SHA256_Final(ret_id->bytes, &outer);
	return 0;
}

void lf_chunk_hasher_free(struct lf_chunk_hasher *hasher)
{
	if (hasher)
		OPENSSL_cleanse(hasher, sizeof(*hasher));
	free(hasher);
}

bool lf_page_is_zero(const void *page)
{
	const uint8_t *bytes = page;

	/* most pages that are not zero show it in their first bytes */
	for (size_t i = 0; i < LF_PAGE_SIZE; i += 64) {
		uint64_t words[8];
		memcpy(words, bytes + i, sizeof(words));
		if (words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] |
		    words[7])
			return false;
	}
	return true;
}

uint64_t lf_page_print(const struct lf_chunk_hasher *hasher, const void *page)
{
	if (lf_page_is_zero(page))
		return 0;
	uint64_t print = XXH3_64bits_withSeed(page, LF_PAGE_SIZE, hasher->print_seed);
	return print ? print : 1;
}

size_t lf_chunk_border(const uint64_t *prints, size_t pages, bool at_end)
{
	for (size_t i = 0; i < pages; i++) {
		if (i && !prints[i])
			return i;
		if (i + 1 == LF_CHUNK_PAGES_MAX)
			return i + 1;
		if (i + 1 >= CHUNK_PAGES_MIN && prints[i] % CHUNK_PAGES_AVG == 0)
			return i + 1;
	}
	return at_end ? pages : 0;
}

size_t lf_chunk_cut(const uint64_t *prints, size_t pages, bool at_end, bool *ret_hole)
{
	size_t n = 0;

	while (n < pages && !prints[n])
		n++;
	*ret_hole = n > 0;
	return n ? n : lf_chunk_border(prints, pages, at_end);
}
