/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens as anybody may forge them.  The first byte says what the rest is:
 * a whole token, one part of a token that is good, or bytes to change in one.
 * Whatever it is, what is let in is a token that was signed here, to the letter.
 */
#include "fuzz.h"

#include "crypto/token.h"

#define NOW_S  INT64_C(1800000000)
#define ISSUER "urn:landfall:tenant:t"

static const char *const audiences[] = {"https://management.azure.com", NULL};
static struct lf_token_keys *keys;
static char *good, *expired, *foreign;

static char *sign(const struct lf_token_keys *by, const char *audience, int64_t exp)
{
	LF_AUTO_JSON *claims =
		json_pack("{s:s,s:s,s:I,s:I,s:s}", "iss", ISSUER, "aud", audience, "nbf",
			  (json_int_t)NOW_S - 10, "exp", (json_int_t)exp, "oid", "me");
	struct lf_error err;
	char *token = NULL;

	LF_ASSERT(lf_token_sign(by, claims, &token, &err) == 0);
	return token;
}

static void make_keys(void)
{
	LF_AUTO_FREE char *jwk = NULL;
	struct lf_error err;

	LF_ASSERT(lf_token_key_new(&jwk, &err) == 0);
	LF_ASSERT(lf_token_keys_load((const char *const[]){jwk}, 1, &keys, &err) == 0);
	good = sign(keys, audiences[0], NOW_S + 3600);
	expired = sign(keys, audiences[0], NOW_S - 3600);
	foreign = sign(keys, "https://elsewhere", NOW_S + 3600);
}

static void verify(const char *token)
{
	json_t *claims = NULL;
	struct lf_error err = LF_ERROR_NONE;
	int rc =
		lf_token_verify(keys, token, ISSUER, audiences, NOW_S * LF_NS_PER_S, &claims, &err);

	LF_ASSERT((rc == 0) == (strcmp(token, good) == 0));
	LF_ASSERT(rc == 0 || rc == LF_EUNAUTHENTICATED);
	if (!rc)
		json_decref(claims);
}

/* part number n of the good token replaced by text */
static char *with_part(unsigned n, const char *text)
{
	const char *start = good;

	for (unsigned i = 0; i < n; i++)
		start = strchr(start, '.') + 1;
	return lf_printf_dup("%.*s%s%s", (int)(start - good), good, text,
			     start + strcspn(start, "."));
}

/* each pair of bytes: where, and what to xor */
static char *with_changes(const char *of, const uint8_t *data, size_t size)
{
	char *token = strdup(of);
	size_t len = strlen(token);

	for (size_t i = 0; i + 2 < size; i += 3) {
		size_t at = (size_t)(data[i] | data[i + 1] << 8) % len;
		char c = (char)(token[at] ^ data[i + 2]);
		token[at] = c ? c : token[at];
	}
	return token;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!keys)
		make_keys();
	if (!size)
		return 0;
	unsigned kind = data[0] % 8;
	LF_AUTO_FREE char *text = strndup((const char *)data + 1, size - 1);
	LF_AUTO_FREE char *token = kind < 3    ? with_part(kind, text)
				   : kind == 3 ? with_changes(good, data + 1, size - 1)
				   : kind == 4 ? with_changes(expired, data + 1, size - 1)
				   : kind == 5 ? with_changes(foreign, data + 1, size - 1)
				   : kind == 6 ? lf_printf_dup("%s%s", good, text)
					       : strdup(text);

	LF_ASSERT(token);
	verify(token);
	verify(good);
	return 0;
}
