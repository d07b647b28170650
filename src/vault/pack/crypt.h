/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/pack/crypt.h - deriving keys and sealing records (AES-256-GCM), over OpenSSL.
 *
 * Threads: a sealer belongs to one thread at a time; the rest is pure.
 */
#ifndef LF_VAULT_PACK_CRYPT_H
#define LF_VAULT_PACK_CRYPT_H

#include "base/error.h"

#define LF_KEY_SIZE 32u
#define LF_TAG_SIZE 16u

/* HKDF-SHA256 with one block of output. */
void lf_key_derive(const uint8_t key[static LF_KEY_SIZE], const void *salt, size_t salt_len,
		   const char *info, uint8_t ret_key[static LF_KEY_SIZE]);
void lf_sha256(const void *data, size_t len, uint8_t ret_digest[static 32]);
#define LF_NAME_HASH_SIZE 33
/* 32 hex digits for any name: what a file can be called. */
void lf_name_hash(const char *name, char ret_hex[static LF_NAME_HASH_SIZE]);

struct lf_sealer;
LF_MUST_CHECK int lf_sealer_new(struct lf_sealer **ret_sealer, struct lf_error *err);
void lf_sealer_free(struct lf_sealer *sealer);
/* Cheap when it is the key already. */
LF_MUST_CHECK int lf_sealer_set_key(struct lf_sealer *sealer, const uint8_t key[static LF_KEY_SIZE],
				    struct lf_error *err);
/* out gets len + LF_TAG_SIZE bytes.  One (key, nonce) pair seals once, ever. */
LF_MUST_CHECK int lf_seal(struct lf_sealer *sealer, const uint8_t nonce[static 12], const void *aad,
			  size_t aad_len, const void *data, size_t len, void *out,
			  struct lf_error *err);
/* len counts the tag; out gets len - LF_TAG_SIZE bytes.  LF_ECORRUPT: not what was sealed. */
LF_MUST_CHECK int lf_unseal(struct lf_sealer *sealer, const uint8_t nonce[static 12],
			    const void *aad, size_t aad_len, const void *data, size_t len,
			    void *out, struct lf_error *err);

#endif
