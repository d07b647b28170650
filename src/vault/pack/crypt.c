/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys by HMAC-SHA256 in two steps (extract, then expand), records by
 * AES-256-GCM, each with the position in its pack as nonce under the pack's
 * own key; so no nonce comes twice under one key.
 */
#include "vault/pack/crypt.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/text.h"

struct lf_sealer {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *out, *in; /* each keeps the key's schedule */
	uint8_t key[LF_KEY_SIZE];
	bool out_ready, in_ready;
};

void lf_key_derive(const uint8_t key[static LF_KEY_SIZE], const void *salt, size_t salt_len,
		   const char *info, uint8_t ret_key[static LF_KEY_SIZE])
{
	uint8_t extracted[32], text[128];
	unsigned len = 32;
	size_t info_len = strlen(info);

	LF_ASSERT(info_len < sizeof(text));
	memcpy(text, info, info_len);
	text[info_len] = 1;
	LF_ASSERT(HMAC(EVP_sha256(), salt, (int)salt_len, key, LF_KEY_SIZE, extracted, &len));
	LF_ASSERT(HMAC(EVP_sha256(), extracted, 32, text, info_len + 1, ret_key, &len));
	OPENSSL_cleanse(extracted, sizeof(extracted));
}

void lf_sha256(const void *data, size_t len, uint8_t ret_digest[static 32])
{
	SHA256(data, len, ret_digest);
}

void lf_name_hash(const char *name, char ret_hex[static LF_NAME_HASH_SIZE])
{
	uint8_t digest[32];

	lf_sha256(name, strlen(name), digest);
	lf_hex_encode(digest, 16, ret_hex);
}

void lf_sealer_free(struct lf_sealer *sealer)
{
	if (!sealer)
		return;
	EVP_CIPHER_CTX_free(sealer->out);
	EVP_CIPHER_CTX_free(sealer->in);
	EVP_CIPHER_free(sealer->cipher);
	OPENSSL_cleanse(sealer, sizeof(*sealer));
	free(sealer);
}

int lf_sealer_new(struct lf_sealer **ret_sealer, struct lf_error *err)
{
	struct lf_sealer *sealer = calloc(1, sizeof(*sealer));

	if (sealer) {
		sealer->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
		sealer->out = EVP_CIPHER_CTX_new();
		sealer->in = EVP_CIPHER_CTX_new();
	}
	if (!sealer || !sealer->cipher || !sealer->out || !sealer->in) {
		lf_sealer_free(sealer);
		return lf_fail_nomem(err);
	}
	*ret_sealer = sealer;
	return 0;
}

int lf_sealer_set_key(struct lf_sealer *sealer, const uint8_t key[static LF_KEY_SIZE],
		      struct lf_error *err)
{
	(void)err;
	if (memcmp(sealer->key, key, LF_KEY_SIZE) != 0) {
		memcpy(sealer->key, key, LF_KEY_SIZE);
		sealer->out_ready = sealer->in_ready = false;
	}
	return 0;
}

static int fail_cipher(struct lf_error *err)
{
	return lf_fail(err, LF_EINTERNAL, NULL, "the cipher does not work");
}

int lf_seal(struct lf_sealer *sealer, const uint8_t nonce[static 12], const void *aad,
	    size_t aad_len, const void *data, size_t len, void *out, struct lf_error *err)
{
	EVP_CIPHER_CTX *ctx = sealer->out;
	int n = 0;

	if (!sealer->out_ready &&
	    !EVP_EncryptInit_ex2(ctx, sealer->cipher, sealer->key, NULL, NULL))
		return fail_cipher(err);
	sealer->out_ready = true;
	if (!EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) ||
	    !EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_len) ||
	    !EVP_EncryptUpdate(ctx, out, &n, data, (int)len) || n != (int)len ||
	    !EVP_EncryptFinal_ex(ctx, (uint8_t *)out + len, &n) ||
	    !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, LF_TAG_SIZE, (uint8_t *)out + len))
		return fail_cipher(err);
	return 0;
}

int lf_unseal(struct lf_sealer *sealer, const uint8_t nonce[static 12], const void *aad,
	      size_t aad_len, const void *data, size_t len, void *out, struct lf_error *err)
{
	EVP_CIPHER_CTX *ctx = sealer->in;
	uint8_t tag[LF_TAG_SIZE], none[16];
	int n = 0;

	if (len < LF_TAG_SIZE)
		return lf_fail(err, LF_ECORRUPT, NULL, "a sealed record is too short");
	len -= LF_TAG_SIZE;
	memcpy(tag, (const uint8_t *)data + len, LF_TAG_SIZE);
	if (!sealer->in_ready && !EVP_DecryptInit_ex2(ctx, sealer->cipher, sealer->key, NULL, NULL))
		return fail_cipher(err);
	sealer->in_ready = true;
	if (!EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) ||
	    !EVP_DecryptUpdate(ctx, NULL, &n, aad, (int)aad_len) ||
	    !EVP_DecryptUpdate(ctx, out, &n, data, (int)len) || n != (int)len ||
	    !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, LF_TAG_SIZE, tag))
		return fail_cipher(err);
	if (EVP_DecryptFinal_ex(ctx, none, &n) <= 0)
		return lf_fail(err, LF_ECORRUPT, NULL, "the seal of a record is broken");
	return 0;
}
