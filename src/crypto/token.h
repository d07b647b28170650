/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto/token.h - signed access tokens (JWT, RS256) and hashed secrets.
 *
 * Keys are JWKs (libjose); verification pins the algorithm to the key's type
 * and looks the key up by kid.  Threads: any.
 */
#ifndef LF_CRYPTO_TOKEN_H
#define LF_CRYPTO_TOKEN_H

#include "json/json.h"

struct lf_token_keys;
/* iss of every access token of a tenant; the same whatever name a client calls the site by. */
#define LF_TOKEN_ISSUER_FORMAT "urn:landfall:tenant:%s"
/* A new RSA-2048 signing key as JWK text (private: store as a secret); free(). */
LF_MUST_CHECK int lf_token_key_new(char **ret_jwk, struct lf_error *err);
/* Load; jwks: array of private JWKs, the first signs. */
LF_MUST_CHECK int lf_token_keys_load(const char *const *jwks, size_t n,
				     struct lf_token_keys **ret_keys, struct lf_error *err);
void lf_token_keys_free(struct lf_token_keys *keys);
/* {"keys":[...]} with public parts only. */
LF_MUST_CHECK int lf_token_jwks(const struct lf_token_keys *keys, json_t **ret_jwks,
				struct lf_error *err);
LF_MUST_CHECK int lf_token_sign(const struct lf_token_keys *keys, const json_t *claims,
				char **ret_token, struct lf_error *err);
/*
 * Check signature, nbf, exp (60 s of skew), iss; any listed aud (NULL-ended; trailing slashes do
 * not count).  LF_EUNAUTHENTICATED with arm_code "ExpiredAuthenticationToken",
 * "InvalidAuthenticationToken" or "InvalidAuthenticationTokenAudience".
 * A token whose signature held is remembered (64 of them); *ret_claims is shared: do not change it.
 */
LF_MUST_CHECK int lf_token_verify(struct lf_token_keys *keys, const char *token, const char *issuer,
				  const char *const *audiences, int64_t now_ns, json_t **ret_claims,
				  struct lf_error *err);

/* A random URL-safe secret of 40 characters; free(). */
char *lf_secret_text_new(void);
/* "scrypt$..." for storing; free().  Slow on purpose. */
LF_MUST_CHECK int lf_secret_hash(const char *secret, char **ret_hash, struct lf_error *err);
/* Constant time in the secret. */
bool lf_secret_matches(const char *hash, const char *secret);

#endif
