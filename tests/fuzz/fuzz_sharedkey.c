/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests signed with an account's key: a path, a query and headers, a line each
 * ("name: value").  As it came it lets nobody in; signed it does if its date is
 * now, and not with a header, a path or a query that is another.
 */
#include "http_standin.h"
#include "fuzz.h"

#include "blob/auth/sign.h"

#define NOW  INT64_C(1790000000000000000)
#define DATE "Mon, 21 Sep 2026 14:13:20 GMT" /* the same */
#define KEY                                                                                        \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

static bool admitted(const struct lf_http_exchange *x, const char *signature)
{
	static json_t *keys;
	struct lf_error err;

	if (!keys)
		keys = json_pack("[s]", KEY);
	LF_AUTO_FREE char *header = lf_printf_dup("acct:%s", signature);
	int rc = lf_blob_shared_key_check(x, header, "acct", keys, NOW, &err);
	LF_ASSERT(rc == 0 || rc == LF_EDENIED);
	return rc == 0;
}

/* The next line of *at; it ends at a line break. */
static char *take_line(char **at)
{
	char *line = *at, *end = line ? strchr(line, '\n') : NULL;

	if (end)
		*end++ = '\0';
	*at = end;
	return line;
}

static void fill(struct lf_http_exchange *x, char *text)
{
	char *line;

	x->path = take_line(&text);
	x->query = text ? take_line(&text) : "";
	while ((line = take_line(&text)) && x->n < STANDIN_HEADERS - 2) {
		char *colon = strchr(line, ':');
		if (!colon || colon == line)
			continue;
		*colon = '\0';
		/* the server's library would not give a header without a value's blanks cut */
		standin_add(x, line, colon + 1 + strspn(colon + 1, " "));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LF_AUTO_FREE char *text = strndup((const char *)data, size);
	struct lf_http_exchange x = {.method = "PUT"};
	char signature[48];

	LF_ASSERT(text);
	fill(&x, text);
	LF_ASSERT(!admitted(&x, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
	if (!lf_http_header(&x, "x-ms-date"))
		standin_add(&x, "x-ms-date", DATE);
	LF_AUTO_FREE char *signed_text = lf_blob_shared_key_text(&x, "acct");
	if (!signed_text)
		return 0;
	LF_ASSERT(lf_blob_hmac(KEY, signed_text, signature));
	if (!admitted(&x, signature))
		return 0; /* of another time */
	struct lf_http_exchange other = x;
	other.method = "DELETE";
	LF_ASSERT(!admitted(&other, signature));
	LF_AUTO_FREE char *path = lf_printf_dup("%s/", x.path);
	other = x;
	other.path = path;
	LF_ASSERT(!admitted(&other, signature));
	other = x;
	LF_AUTO_FREE char *query = lf_printf_dup("%s&zz=1", lf_http_query(&x));
	other.query = query;
	LF_ASSERT(!admitted(&other, signature));
	other = x;
	standin_add(&other, "x-ms-zz", "1");
	LF_ASSERT(!admitted(&other, signature));
	return 0;
}
