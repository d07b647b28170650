/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature of a request by an account's key: method, headers and resource
 * in one text, in the order that clients use, compared in constant time.  A
 * request whose date is not of now is refused, so that one that was overheard
 * is of no use later.
 */
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "blob/internal.h"
#include "blob/auth/sign.h"

#define HEADERS_MAX 64
#define SKEW_NS	    (15 * 60 * LF_NS_PER_S)

bool lf_blob_hmac(const char *key, const char *text, char out[static 48])
{
	unsigned char bytes[96], digest[EVP_MAX_MD_SIZE];
	size_t len = strlen(key);
	unsigned n = 0;

	if (len == 0 || len % 4 || len / 4 * 3 > sizeof(bytes))
		return false;
	int used = EVP_DecodeBlock(bytes, (const unsigned char *)key, (int)len);
	for (size_t i = len; used > 0 && i > 0 && key[i - 1] == '='; i--)
		used--;
	bool good = used > 0 && HMAC(EVP_sha256(), bytes, used, (const unsigned char *)text,
				     strlen(text), digest, &n);
	if (good)
		EVP_EncodeBlock((unsigned char *)out, digest, (int)n);
	explicit_bzero(bytes, sizeof(bytes));
	return good;
}

struct pair {
	char *name, *value;
};
struct pairs {
	struct pair items[HEADERS_MAX];
	size_t n;
	bool failed;
};

static void pairs_done(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		free(pairs->items[i].name);
		free(pairs->items[i].value);
	}
}

static void add_pair(struct pairs *pairs, char *name, char *value)
{
	for (char *p = name; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!name || !value || pairs->n == HEADERS_MAX) {
		free(name);
		free(value);
		pairs->failed = true;
		return;
	}
	pairs->items[pairs->n++] = (struct pair){name, value};
}

static int compare_pairs(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

static void add_header(void *context, const char *name, const char *value)
{
	value += strspn(value, " \t");
	add_pair(context, strdup(name), strdup(value));
}

/* "name:value\n" of every x-ms- header, by name. */
static bool put_headers(struct lf_buf *out, const struct lf_http_exchange *x)
{
	LF_CLEANUP(pairs_done) struct pairs pairs = {.n = 0};

	lf_http_headers_each(x, "x-ms-", add_header, &pairs);
	qsort(pairs.items, pairs.n, sizeof(*pairs.items), compare_pairs);
	for (size_t i = 0; i < pairs.n; i++)
		lf_buf_printf(out, "%s:%s\n", pairs.items[i].name, pairs.items[i].value);
	return !pairs.failed;
}

/* "/ACCOUNT" and the path as it was sent, then "\nname:value" of the query, by name. */
static bool put_resource(struct lf_buf *out, const struct lf_http_exchange *x, const char *account)
{
	LF_CLEANUP(pairs_done) struct pairs pairs = {.n = 0};

	lf_buf_printf(out, "/%s%s", account, lf_http_path(x));
	for (const char *p = lf_http_query(x); *p;) {
		size_t len = strcspn(p, "&"), key = strcspn(p, "=&");
		if (key) {
			char *value = strndup(p + key + (len > key), len > key ? len - key - 1 : 0);
			char *name = strndup(p, key);
			if (value && !lf_blob_decode(value))
				pairs.failed = true;
			if (name && !lf_blob_decode(name))
				pairs.failed = true;
			add_pair(&pairs, name, value);
		}
		p += len + (p[len] == '&');
	}
	qsort(pairs.items, pairs.n, sizeof(*pairs.items), compare_pairs);
	for (size_t i = 0; i < pairs.n; i++) {
		bool again = i && strcmp(pairs.items[i].name, pairs.items[i - 1].name) == 0;
		if (again)
			lf_buf_printf(out, ",%s", pairs.items[i].value);
		else
			lf_buf_printf(out, "\n%s:%s", pairs.items[i].name, pairs.items[i].value);
	}
	return !pairs.failed;
}

char *lf_blob_shared_key_text(const struct lf_http_exchange *x, const char *account)
{
	static const char *const names[] = {"Content-Encoding",
					    "Content-Language",
					    "Content-Length",
					    "Content-MD5",
					    "Content-Type",
					    "Date",
					    "If-Modified-Since",
					    "If-Match",
					    "If-None-Match",
					    "If-Unmodified-Since",
					    "Range"};
	LF_AUTO_BUF text = LF_BUF_INIT;

	lf_buf_printf(&text, "%s\n", lf_http_method(x));
	for (size_t i = 0; i < LF_N(names); i++) {
		const char *value = lf_http_header(x, names[i]);
		bool none = !value || (i == 2 && strcmp(value, "0") == 0);
		/* with x-ms-date, Date does not count */
		if (i == 5 && lf_http_header(x, "x-ms-date"))
			none = true;
		lf_buf_printf(&text, "%s\n", none ? "" : value);
	}
	if (!put_headers(&text, x) || !put_resource(&text, x, account))
		return NULL;
	return lf_buf_take(&text);
}

static int fail_key(const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EDENIED, "AuthenticationFailed", "Authorization",
			   "sign with one of the account's keys, and the right time",
			   "the request is not signed as it should be: %s", what);
}

/* A request is for now: whoever heard it cannot use it later. */
static bool is_of_now(const struct lf_http_exchange *x, int64_t now_ns)
{
	const char *text = lf_http_header(x, "x-ms-date");
	struct lf_error ignored;
	int64_t then_ns, off;

	if (!text)
		text = lf_http_header(x, "Date");
	if (!text || lf_time_parse_http(text, &then_ns, &ignored))
		return false;
	return !__builtin_sub_overflow(then_ns, now_ns, &off) && off < SKEW_NS && off > -SKEW_NS;
}

int lf_blob_shared_key_check(const struct lf_http_exchange *x, const char *header,
			     const char *account, const json_t *keys, int64_t now_ns,
			     struct lf_error *err)
{
	const char *colon = strchr(header, ':');
	LF_AUTO_FREE char *text = lf_blob_shared_key_text(x, account);
	const json_t *key;
	char signature[48];
	bool good = false;
	size_t i;

	if (!text)
		return fail_key("its headers cannot be read", err);
	if (!colon || (size_t)(colon - header) != strlen(account) ||
	    strncmp(header, account, strlen(account)) != 0)
		return fail_key("it names another account", err);
	json_array_foreach (keys, i, key)
		good |= lf_blob_hmac(json_string_value(key), text, signature) &&
			strlen(colon + 1) == strlen(signature) &&
			CRYPTO_memcmp(signature, colon + 1, strlen(signature)) == 0;
	if (!good)
		return fail_key("the signature is another", err);
	return is_of_now(x, now_ns) ? 0 : fail_key("its date is not now", err);
}
