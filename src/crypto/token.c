/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token is checked in this order: its form, the key that its header names,
 * the signature with that key's one algorithm, then the claims.  Signatures
 * that held are remembered by the token's digest, since clients send the same
 * token for an hour; the claims are checked each time.  What is remembered is
 * memory only.
 */
#include "crypto/token.h"

#include <jose/b64.h>
#include <jose/jwk.h>
#include <jose/openssl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/text.h"
#include "json/doc.h"

#define SKEW_S	       60
#define TOKEN_MAX      16384
#define KNOWN_MAX      64
#define KEYS_MAX       8
#define SCRYPT_N       16384
#define SCRYPT_SALT    16
#define SCRYPT_KEY     32
#define SECRET_LETTERS 40

struct signing_key {
	char kid[64];
	EVP_PKEY *key;
	json_t *public_jwk;
};

/* A token whose signature held: clients send the same one for an hour. */
struct known_token {
	unsigned char digest[32]; /* SHA-256 of the token's text */
	json_t *claims;		  /* never changed: shared by reference */
};

LF_LOCK_KIND(lf_token_lock);
struct lf_token_keys {
	struct signing_key keys[KEYS_MAX]; /* the first signs */
	size_t n;
	pthread_mutex_t mutex;
	struct known_token known[KNOWN_MAX] LF_GUARDED_BY(lf_token_lock);
	size_t next LF_GUARDED_BY(lf_token_lock); /* the oldest, which goes next */
};

int lf_token_key_new(char **ret_jwk, struct lf_error *err)
{
	char kid[LF_GUID_SIZE];

	lf_guid_random(kid);
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "kty", "RSA");
	lf_doc_int(&doc, "bits", 2048);
	lf_doc_text(&doc, "use", "sig");
	lf_doc_text(&doc, "kid", kid);
	lf_doc_text(&doc, "alg", "RS256");
	LF_AUTO_JSON *jwk = lf_doc_take(&doc);
	if (!jwk || !jose_jwk_gen(NULL, jwk))
		return lf_fail(err, LF_EINTERNAL, NULL, "cannot make a signing key");
	return lf_json_dump(jwk, ret_jwk, err);
}

static int load_key(const char *text, struct signing_key *key, struct lf_error *err)
{
	LF_AUTO_JSON *jwk = NULL;
	int rc = lf_json_parse(text, strlen(text), &jwk, err);

	if (rc)
		return lf_fail(err, LF_ECORRUPT, NULL, "a signing key is not JSON");
	snprintf(key->kid, sizeof(key->kid), "%s", lf_json_text_or(jwk, "kid", ""));
	key->key = jose_openssl_jwk_to_EVP_PKEY(NULL, jwk);
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "kty", "RSA");
	lf_doc_text(&doc, "use", "sig");
	lf_doc_text(&doc, "alg", "RS256");
	lf_doc_text(&doc, "kid", key->kid);
	lf_doc_put(&doc, "n", json_incref(json_object_get(jwk, "n")));
	lf_doc_put(&doc, "e", json_incref(json_object_get(jwk, "e")));
	key->public_jwk = lf_doc_take(&doc);
	if (!key->key || !key->public_jwk || EVP_PKEY_base_id(key->key) != EVP_PKEY_RSA)
		return lf_fail(err, LF_ECORRUPT, key->kid, "a signing key cannot be read");
	return 0;
}

int lf_token_keys_load(const char *const *jwks, size_t n, struct lf_token_keys **ret_keys,
		       struct lf_error *err)
{
	struct lf_token_keys *keys = calloc(1, sizeof(*keys));

	if (keys)
		pthread_mutex_init(&keys->mutex, NULL);
	int rc = !keys ? lf_fail_nomem(err)
		 : n == 0 || n > KEYS_MAX
			 ? lf_fail(err, LF_EINVAL, NULL, "give 1 to %d signing keys", KEYS_MAX)
			 : 0;

	for (; !rc && keys->n < n; keys->n++)
		rc = load_key(jwks[keys->n], &keys->keys[keys->n], err);
	if (rc) {
		lf_token_keys_free(keys);
		return rc;
	}
	*ret_keys = keys;
	return 0;
}

void lf_token_keys_free(struct lf_token_keys *keys)
{
	if (!keys)
		return;
	LF_ALONE(lf_token_lock);
	for (size_t i = 0; i < KEYS_MAX; i++) {
		EVP_PKEY_free(keys->keys[i].key);
		json_decref(keys->keys[i].public_jwk);
	}
	for (size_t i = 0; i < KNOWN_MAX; i++)
		json_decref(keys->known[i].claims);
	pthread_mutex_destroy(&keys->mutex);
	free(keys);
}

int lf_token_jwks(const struct lf_token_keys *keys, json_t **ret_jwks, struct lf_error *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < keys->n; i++)
		json_array_append(list, keys->keys[i].public_jwk);
	json_t *jwks = json_pack("{s:o}", "keys", list);
	if (!jwks)
		return lf_fail_nomem(err);
	*ret_jwks = jwks;
	return 0;
}

static void append_base64(struct lf_buf *out, const void *data, size_t len)
{
	size_t need = jose_b64_enc_buf(NULL, len, NULL, 0);
	char *room = need == SIZE_MAX ? NULL : lf_buf_reserve(out, need);

	if (room && jose_b64_enc_buf(data, len, room, need) == need) {
		out->len += need;
		out->data[out->len] = '\0';
	} else {
		out->failed = true;
	}
}

int lf_token_sign(const struct lf_token_keys *keys, const json_t *claims, char **ret_token,
		  struct lf_error *err)
{
	const struct signing_key *key = &keys->keys[0];
	LF_AUTO_FREE char *body = NULL;
	LF_AUTO_BUF token = LF_BUF_INIT;
	unsigned char signature[1024];
	size_t len = sizeof(signature);
	char header[160];

	int rc = lf_json_dump(claims, &body, err);
	if (rc)
		return rc;
	snprintf(header, sizeof(header), "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"%s\"}",
		 key->kid);
	append_base64(&token, header, strlen(header));
	lf_buf_puts(&token, ".");
	append_base64(&token, body, strlen(body));
	if (lf_buf_check(&token, err))
		return err->code;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good =
		md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key->key) == 1 &&
		EVP_DigestSign(md, signature, &len, (unsigned char *)token.data, token.len) == 1;
	EVP_MD_CTX_free(md);
	if (!good)
		return lf_fail(err, LF_EINTERNAL, NULL, "cannot sign a token");
	lf_buf_puts(&token, ".");
	append_base64(&token, signature, len);
	if (lf_buf_check(&token, err))
		return err->code;
	*ret_token = lf_buf_take(&token);
	return 0;
}

static int fail_token(struct lf_error *err, const char *arm_code, const char *message)
{
	return lf_fail_arm(err, LF_EUNAUTHENTICATED, arm_code, NULL,
			   "get a new token from this site's token endpoint", "%s", message);
}

static json_t *decode_part(const char *text, size_t len)
{
	size_t size = jose_b64_dec_buf(NULL, len, NULL, 0);
	LF_AUTO_FREE char *data = size == SIZE_MAX ? NULL : malloc(size + 1);
	struct lf_error ignored;
	json_t *doc = NULL;

	if (!data || jose_b64_dec_buf(text, len, data, size) != size ||
	    lf_json_parse(data, size, &doc, &ignored))
		return NULL;
	return doc;
}

/* The signature is by the key that the header names, with that key's one algorithm. */
static bool signature_holds(const struct lf_token_keys *keys, const json_t *header,
			    const char *token, size_t signed_len, const char *signature_text)
{
	unsigned char signature[1024];
	const struct signing_key *key = NULL;
	size_t len = strlen(signature_text);
	size_t size = jose_b64_dec_buf(NULL, len, NULL, 0);

	for (size_t i = 0; i < keys->n; i++)
		if (strcmp(keys->keys[i].kid, lf_json_text_or(header, "kid", "")) == 0)
			key = &keys->keys[i];
	if (!key || strcmp(lf_json_text_or(header, "alg", ""), "RS256") != 0 ||
	    size > sizeof(signature) ||
	    jose_b64_dec_buf(signature_text, len, signature, sizeof(signature)) != size)
		return false;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key->key) == 1 &&
		    EVP_DigestVerify(md, signature, size, (const unsigned char *)token,
				     signed_len) == 1;
	EVP_MD_CTX_free(md);
	return good;
}

static bool same_audience(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);

	while (a_len && a[a_len - 1] == '/')
		a_len--;
	while (b_len && b[b_len - 1] == '/')
		b_len--;
	return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

static int check_claims(const json_t *claims, const char *issuer, const char *const *audiences,
			int64_t now_ns, struct lf_error *err)
{
	int64_t now = now_ns / LF_NS_PER_S;
	const char *aud = lf_json_text_or(claims, "aud", "");
	bool listed = false;

	if (strcmp(lf_json_text_or(claims, "iss", ""), issuer) != 0)
		return fail_token(err, "InvalidAuthenticationTokenTenant",
				  "the token was issued by somebody else");
	if (lf_json_int_or(claims, "exp", 0) + SKEW_S < now)
		return fail_token(err, "ExpiredAuthenticationToken", "the access token expired");
	if (lf_json_int_or(claims, "nbf", INT64_MAX - SKEW_S) - SKEW_S > now)
		return fail_token(err, "InvalidAuthenticationToken",
				  "the access token is not valid yet");
	for (size_t i = 0; audiences[i]; i++)
		listed = listed || same_audience(aud, audiences[i]);
	return listed ? 0
		      : fail_token(err, "InvalidAuthenticationTokenAudience",
				   "the access token was got for another audience");
}

/* Claims of a token whose signature held before; the caller's reference, or NULL. */
static json_t *find_known(struct lf_token_keys *keys, const unsigned char digest[static 32])
{
	LF_GUARD(&keys->mutex, lf_token_lock);

	for (size_t i = 0; i < KNOWN_MAX; i++)
		if (keys->known[i].claims && memcmp(keys->known[i].digest, digest, 32) == 0)
			return json_incref(keys->known[i].claims);
	return NULL;
}

static void note_known(struct lf_token_keys *keys, const unsigned char digest[static 32],
		       json_t *claims)
{
	LF_GUARD(&keys->mutex, lf_token_lock);
	struct known_token *oldest = &keys->known[keys->next];

	keys->next = (keys->next + 1) % KNOWN_MAX;
	json_decref(oldest->claims);
	oldest->claims = json_incref(claims);
	memcpy(oldest->digest, digest, 32);
}

/* Decode, and check the signature. */
static int open_token(const struct lf_token_keys *keys, const char *token, json_t **ret_claims,
		      struct lf_error *err)
{
	const char *first = strchr(token, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;

	if (!second || strlen(token) > TOKEN_MAX || strchr(second + 1, '.'))
		return fail_token(err, "InvalidAuthenticationToken",
				  "the access token is not a JWT");
	LF_AUTO_JSON *header = decode_part(token, (size_t)(first - token));
	LF_AUTO_JSON *claims = decode_part(first + 1, (size_t)(second - first - 1));
	if (!header || !claims ||
	    !signature_holds(keys, header, token, (size_t)(second - token), second + 1))
		return fail_token(err, "InvalidAuthenticationToken",
				  "the access token's signature is not valid");
	*ret_claims = lf_steal(&claims);
	return 0;
}

int lf_token_verify(struct lf_token_keys *keys, const char *token, const char *issuer,
		    const char *const *audiences, int64_t now_ns, json_t **ret_claims,
		    struct lf_error *err)
{
	unsigned char digest[32];
	LF_AUTO_JSON *claims = NULL;
	int rc = 0;

	if (!EVP_Q_digest(NULL, "SHA256", NULL, token, strlen(token), digest, NULL))
		return lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a token");
	claims = find_known(keys, digest);
	if (!claims) {
		rc = open_token(keys, token, &claims, err);
		if (!rc)
			note_known(keys, digest, claims);
	}
	/* time and audience are asked every time */
	if (!rc)
		rc = check_claims(claims, issuer, audiences, now_ns, err);
	if (!rc)
		*ret_claims = lf_steal(&claims);
	return rc;
}

char *lf_secret_text_new(void)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char random[SECRET_LETTERS];
	char *text = malloc(SECRET_LETTERS + 1);

	if (!text || RAND_bytes(random, sizeof(random)) != 1) {
		free(text);
		return NULL;
	}
	for (size_t i = 0; i < SECRET_LETTERS; i++)
		text[i] = letters[random[i] & 63];
	text[SECRET_LETTERS] = '\0';
	return text;
}

static bool derive(const char *secret, const unsigned char *salt, unsigned char *key)
{
	return EVP_PBE_scrypt(secret, strlen(secret), salt, SCRYPT_SALT, SCRYPT_N, 8, 1, 64u << 20,
			      key, SCRYPT_KEY) == 1;
}

int lf_secret_hash(const char *secret, char **ret_hash, struct lf_error *err)
{
	unsigned char salt[SCRYPT_SALT], key[SCRYPT_KEY];
	char salt_hex[2 * SCRYPT_SALT + 1], key_hex[2 * SCRYPT_KEY + 1];

	if (RAND_bytes(salt, sizeof(salt)) != 1 || !derive(secret, salt, key))
		return lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a secret");
	lf_hex_encode(salt, sizeof(salt), salt_hex);
	lf_hex_encode(key, sizeof(key), key_hex);
	char *hash = lf_printf_dup("scrypt$%s$%s", salt_hex, key_hex);
	if (!hash)
		return lf_fail_nomem(err);
	*ret_hash = hash;
	return 0;
}

bool lf_secret_matches(const char *hash, const char *secret)
{
	unsigned char salt[SCRYPT_SALT], key[SCRYPT_KEY], stored[SCRYPT_KEY];
	char salt_hex[2 * SCRYPT_SALT + 1], key_hex[2 * SCRYPT_KEY + 1];
	struct lf_error ignored;

	return sscanf(hash, "scrypt$%32[0-9a-f]$%64[0-9a-f]", salt_hex, key_hex) == 2 &&
	       !lf_hex_decode(salt_hex, salt, sizeof(salt), &ignored) &&
	       !lf_hex_decode(key_hex, stored, sizeof(stored), &ignored) &&
	       derive(secret, salt, key) && CRYPTO_memcmp(key, stored, sizeof(key)) == 0;
}
