/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/text.h"
#include "blob/auth/sign.h"
#include "http_standin.h"

#define KEY                                                                                        \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
#define NOW  INT64_C(1790000000000000000)
#define DATE "Mon, 21 Sep 2026 14:13:20 GMT" /* the same */
#define MIN  (60 * LF_NS_PER_S)

static struct lf_error err;

static struct lf_http_exchange request(void)
{
	struct lf_http_exchange x = {
		.method = "PUT", .path = "/acct/box/a%20b", .query = "comp=page&b=2&a=1&b=1"};

	standin_add(&x, "Content-Length", "512");
	standin_add(&x, "x-ms-version", "2021-08-06");
	standin_add(&x, "X-MS-Date", DATE);
	standin_add(&x, "x-ms-range", "bytes=0-511");
	return x;
}

static int check(const struct lf_http_exchange *x, const char *account, int64_t now)
{
	static char signature[48];
	LF_AUTO_JSON *keys = json_pack("[s]", KEY);
	const struct lf_http_exchange honest = request();
	LF_AUTO_FREE char *text = lf_blob_shared_key_text(&honest, "acct");
	LF_AUTO_FREE char *header = NULL;

	assert_true(text && lf_blob_hmac(KEY, text, signature));
	header = lf_printf_dup("%s:%s", account, signature);
	return lf_blob_shared_key_check(x, header, "acct", keys, now, &err);
}

static void test_text__is_as_azure_documents_it(void **state)
{
	const struct lf_http_exchange x = request();
	LF_AUTO_FREE char *text = lf_blob_shared_key_text(&x, "acct");

	(void)state;
	assert_string_equal(text, "PUT\n\n\n512\n\n\n\n\n\n\n\n\n"
				  "x-ms-date:" DATE "\nx-ms-range:bytes=0-511\n"
				  "x-ms-version:2021-08-06\n"
				  "/acct/acct/box/a%20b\na:1\nb:2,1\ncomp:page");
}

static void test_request__is_good_for_a_quarter_of_an_hour_of_the_sites_clock(void **state)
{
	const struct lf_http_exchange x = request();

	(void)state;
	assert_lf_ok(check(&x, "acct", NOW));
	assert_lf_ok(check(&x, "acct", NOW + 14 * MIN));
	assert_lf_ok(check(&x, "acct", NOW - 14 * MIN));
	assert_int_equal(check(&x, "acct", NOW + 15 * MIN), LF_EDENIED);
	assert_int_equal(check(&x, "acct", NOW - 15 * MIN), LF_EDENIED);
}

static void test_request__that_was_changed_is_refused(void **state)
{
	struct lf_http_exchange x = request();

	(void)state;
	assert_int_equal(check(&x, "acct2", NOW), LF_EDENIED);
	x.method = "DELETE";
	assert_int_equal(check(&x, "acct", NOW), LF_EDENIED);
	x = request();
	x.path = "/acct/box/a%20c";
	assert_int_equal(check(&x, "acct", NOW), LF_EDENIED);
	x = request();
	x.query = "comp=page&b=2&a=1";
	assert_int_equal(check(&x, "acct", NOW), LF_EDENIED);
	x = request();
	x.values[3] = "bytes=0-1023";
	assert_int_equal(check(&x, "acct", NOW), LF_EDENIED);
	x = request();
	standin_add(&x, "x-ms-page-write", "clear");
	assert_int_equal(check(&x, "acct", NOW), LF_EDENIED);
	x = request();
	standin_add(&x, "Range", "bytes=0-1");
	assert_int_equal(check(&x, "acct", NOW), LF_EDENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text__is_as_azure_documents_it),
		cmocka_unit_test(test_request__is_good_for_a_quarter_of_an_hour_of_the_sites_clock),
		cmocka_unit_test(test_request__that_was_changed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
