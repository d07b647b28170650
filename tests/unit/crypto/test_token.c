/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <jose/b64.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/text.h"
#include "crypto/token.h"

#define NOW_S  INT64_C(1800000000)
#define ISSUER "urn:landfall:tenant:t"

static struct lf_error err;
static const char *const audiences[] = {"https://management.azure.com", "urn:second", NULL};
static struct lf_token_keys *keys, *other_keys;

static struct lf_token_keys *make_keys(void)
{
	struct lf_token_keys *made = NULL;
	LF_AUTO_FREE char *jwk = NULL;

	assert_lf_ok(lf_token_key_new(&jwk, &err));
	assert_lf_ok(lf_token_keys_load((const char *const[]){jwk}, 1, &made, &err));
	return made;
}

static int group_setup(void **state)
{
	(void)state;
	keys = make_keys();
	other_keys = make_keys();
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	lf_token_keys_free(keys);
	lf_token_keys_free(other_keys);
	return 0;
}

static json_t *claims_of(const char *audience, int64_t nbf, int64_t exp)
{
	return json_pack("{s:s,s:s,s:I,s:I,s:s}", "iss", ISSUER, "aud", audience, "nbf",
			 (json_int_t)nbf, "exp", (json_int_t)exp, "sub", "me");
}

static char *sign(const struct lf_token_keys *by, json_t *taken)
{
	LF_AUTO_JSON *claims = taken;
	char *token = NULL;

	assert_lf_ok(lf_token_sign(by, claims, &token, &err));
	return token;
}

static int verify_at(const char *token, int64_t now_s)
{
	LF_AUTO_JSON *claims = NULL;

	int rc =
		lf_token_verify(keys, token, ISSUER, audiences, now_s * LF_NS_PER_S, &claims, &err);
	assert_true((rc == 0) == (claims != NULL));
	if (!rc)
		assert_string_equal(lf_json_text_or(claims, "sub", ""), "me");
	return rc;
}

static void refused(const char *token, const char *arm_code)
{
	assert_int_equal(verify_at(token, NOW_S), LF_EUNAUTHENTICATED);
	assert_string_equal(lf_error_arm(&err), arm_code);
}

static char *encode(const void *data, size_t len)
{
	size_t need = jose_b64_enc_buf(NULL, len, NULL, 0);
	char *text = calloc(1, need + 1);

	assert_int_equal(jose_b64_enc_buf(data, len, text, need), need);
	return text;
}

static void test_token__is_verified(void **state)
{
	LF_AUTO_FREE char *token = sign(keys, claims_of(audiences[0], NOW_S - 5, NOW_S + 3600));

	(void)state;
	assert_lf_ok(verify_at(token, NOW_S));
	/* a minute of skew, no more */
	assert_lf_ok(verify_at(token, NOW_S - 65));
	assert_int_equal(verify_at(token, NOW_S - 66), LF_EUNAUTHENTICATED);
	assert_lf_ok(verify_at(token, NOW_S + 3660));
	assert_int_equal(verify_at(token, NOW_S + 3661), LF_EUNAUTHENTICATED);
	assert_string_equal(lf_error_arm(&err), "ExpiredAuthenticationToken");
}

static void test_token__without_times_is_refused(void **state)
{
	LF_AUTO_FREE char *no_exp = sign(
		keys, json_pack("{s:s,s:s,s:i}", "iss", ISSUER, "aud", audiences[0], "nbf", 1));
	LF_AUTO_FREE char *no_nbf =
		sign(keys, json_pack("{s:s,s:s,s:I}", "iss", ISSUER, "aud", audiences[0], "exp",
				     (json_int_t)NOW_S + 1000));

	(void)state;
	refused(no_exp, "ExpiredAuthenticationToken");
	refused(no_nbf, "InvalidAuthenticationToken");
}

static void test_token__audience_is_compared_without_case_and_last_slashes(void **state)
{
	static const char *const good[] = {"https://management.azure.com/",
					   "https://management.azure.com//",
					   "HTTPS://Management.Azure.com", "urn:second"};
	static const char *const bad[] = {"", "/", "https://management.azure.co",
					  "https://management.azure.com/x",
					  "https://vault.azure.net"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		LF_AUTO_FREE char *token = sign(keys, claims_of(good[i], NOW_S, NOW_S + 60));
		assert_lf_ok(verify_at(token, NOW_S));
	}
	for (size_t i = 0; i < 5; i++) {
		LF_AUTO_FREE char *token = sign(keys, claims_of(bad[i], NOW_S, NOW_S + 60));
		refused(token, "InvalidAuthenticationTokenAudience");
	}
}

static void test_token__of_another_issuer_is_refused(void **state)
{
	LF_AUTO_JSON *claims = claims_of(audiences[0], NOW_S, NOW_S + 60);
	LF_AUTO_FREE char *token = NULL;

	(void)state;
	json_object_set_new(claims, "iss", json_string("urn:landfall:tenant:other"));
	assert_lf_ok(lf_token_sign(keys, claims, &token, &err));
	refused(token, "InvalidAuthenticationTokenTenant");
}

static void test_token__of_another_key_is_refused(void **state)
{
	LF_AUTO_FREE char *token = sign(other_keys, claims_of(audiences[0], NOW_S, NOW_S + 60));

	(void)state;
	refused(token, "InvalidAuthenticationToken");
}

static void test_token__changed_anywhere_is_refused(void **state)
{
	LF_AUTO_FREE char *token = sign(keys, claims_of(audiences[0], NOW_S, NOW_S + 60));
	size_t len = strlen(token);

	(void)state;
	/* the last letter of a part holds bits that mean nothing: not those */
	for (size_t i = 0; i < len; i++) {
		char kept = token[i];
		if (kept == '.' || token[i + 1] == '.' || !token[i + 1])
			continue;
		token[i] = kept == 'A' ? 'B' : 'A';
		refused(token, "InvalidAuthenticationToken");
		token[i] = kept;
	}
	for (size_t cut = 0; cut < len; cut += 7) {
		LF_AUTO_FREE char *shorter = strndup(token, cut);
		refused(shorter, "InvalidAuthenticationToken");
	}
	LF_AUTO_FREE char *longer = lf_printf_dup("%s.AAAA", token);
	refused(longer, "InvalidAuthenticationToken");
	refused("..", "InvalidAuthenticationToken");
	refused("", "InvalidAuthenticationToken");
}

/* header.claims.signature with a header of our making. */
static char *forge(const char *header, const void *hmac_key, size_t hmac_key_len)
{
	LF_AUTO_JSON *claims = claims_of(audiences[0], NOW_S, NOW_S + 60);
	LF_AUTO_FREE char *body = json_dumps(claims, JSON_COMPACT);
	LF_AUTO_FREE char *first = encode(header, strlen(header));
	LF_AUTO_FREE char *second = encode(body, strlen(body));
	LF_AUTO_FREE char *unsigned_text = lf_printf_dup("%s.%s", first, second);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned mac_len = 0;

	if (hmac_key)
		HMAC(EVP_sha256(), hmac_key, (int)hmac_key_len, (unsigned char *)unsigned_text,
		     strlen(unsigned_text), mac, &mac_len);
	LF_AUTO_FREE char *third = encode(mac, mac_len);
	return lf_printf_dup("%s.%s", unsigned_text, third);
}

static void test_token__algorithm_is_the_keys_own(void **state)
{
	static const char *const algorithms[] = {"none", "None", "HS256", "RS512", "PS256", ""};
	LF_AUTO_JSON *jwks = NULL;

	(void)state;
	assert_lf_ok(lf_token_jwks(keys, &jwks, &err));
	const json_t *key = json_array_get(json_object_get(jwks, "keys"), 0);
	const char *kid = lf_json_text_or(key, "kid", "");
	const char *n = lf_json_text_or(key, "n", "");
	LF_AUTO_FREE char *jwk = json_dumps(key, JSON_COMPACT);
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		LF_AUTO_FREE char *header = lf_printf_dup(
			"{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}", algorithms[i], kid);
		LF_AUTO_FREE char *unsigned_token = forge(header, NULL, 0);
		LF_AUTO_FREE char *by_modulus = forge(header, n, strlen(n));
		LF_AUTO_FREE char *by_jwk = forge(header, jwk, strlen(jwk));
		refused(unsigned_token, "InvalidAuthenticationToken");
		refused(by_modulus, "InvalidAuthenticationToken");
		refused(by_jwk, "InvalidAuthenticationToken");
	}
}

static void test_jwks__holds_public_parts_only(void **state)
{
	static const char *const private_parts[] = {"d", "p", "q", "dp", "dq", "qi", "k"};
	LF_AUTO_JSON *jwks = NULL;

	(void)state;
	assert_lf_ok(lf_token_jwks(keys, &jwks, &err));
	const json_t *key = json_array_get(json_object_get(jwks, "keys"), 0);
	for (size_t i = 0; i < sizeof(private_parts) / sizeof(private_parts[0]); i++)
		assert_null(json_object_get(key, private_parts[i]));
	assert_non_null(json_object_get(key, "n"));
}

static void test_keys__that_cannot_be_read_are_refused(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
					  "{\"kty\":\"RSA\",\"n\":\"x\"}"};
	struct lf_token_keys *loaded = NULL;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(lf_token_keys_load(&bad[i], 1, &loaded, &err), LF_ECORRUPT);
	assert_int_equal(lf_token_keys_load(bad, 0, &loaded, &err), LF_EINVAL);
}

static void test_secret__matches_its_hash_alone(void **state)
{
	LF_AUTO_FREE char *secret = lf_secret_text_new(), *hash = NULL, *again = NULL;

	(void)state;
	assert_int_equal(strlen(secret), 40);
	assert_lf_ok(lf_secret_hash(secret, &hash, &err));
	assert_lf_ok(lf_secret_hash(secret, &again, &err));
	assert_string_not_equal(hash, again); /* salted */
	assert_null(strstr(hash, secret));
	assert_true(lf_secret_matches(hash, secret));
	secret[39] ^= 1;
	assert_false(lf_secret_matches(hash, secret));
	assert_false(lf_secret_matches(hash, ""));
	assert_false(lf_secret_matches("", ""));
	assert_false(lf_secret_matches("scrypt$$", ""));
	assert_false(lf_secret_matches("scrypt$00$00", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token__is_verified),
		cmocka_unit_test(test_token__without_times_is_refused),
		cmocka_unit_test(test_token__audience_is_compared_without_case_and_last_slashes),
		cmocka_unit_test(test_token__of_another_issuer_is_refused),
		cmocka_unit_test(test_token__of_another_key_is_refused),
		cmocka_unit_test(test_token__changed_anywhere_is_refused),
		cmocka_unit_test(test_token__algorithm_is_the_keys_own),
		cmocka_unit_test(test_jwks__holds_public_parts_only),
		cmocka_unit_test(test_keys__that_cannot_be_read_are_refused),
		cmocka_unit_test(test_secret__matches_its_hash_alone),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
