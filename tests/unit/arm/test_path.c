/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "arm/path.h"
#include "base/buf.h"

static struct lf_error err;

/* Segments joined by '|'. */
static void check(const char *raw, const char *expected)
{
	LF_AUTO_PATH path = {0};
	LF_AUTO_BUF joined = LF_BUF_INIT;

	assert_lf_ok(lf_path_parse(raw, &path, &err));
	for (size_t i = 0; i < path.n; i++)
		lf_buf_printf(&joined, "%s%s", i ? "|" : "", path.segments[i]);
	assert_string_equal(lf_buf_text(&joined), expected);
}

static void refused(const char *raw)
{
	LF_AUTO_PATH path = {0};

	assert_int_equal(lf_path_parse(raw, &path, &err), LF_EINVAL);
	assert_string_equal(lf_error_arm(&err), "InvalidRequestUri");
}

static void test_path__drops_empty_segments(void **state)
{
	(void)state;
	check("", "");
	check("/", "");
	check("//", "");
	check("/a//b/", "a|b");
	check("///a/b///c", "a|b|c");
}

static void test_path__decodes_segments(void **state)
{
	(void)state;
	check("/a%20b/%C3%A9", "a b|\303\251");
	check("/a+b/%2B", "a+b|+");
	check("/a%25b", "a%b");
	check("/%252e%252e", "%2e%2e");
}

static void test_path__takes_the_doubled_word_of_the_documents_as_one(void **state)
{
	(void)state;
	check("/subscriptions//subscriptions/ID/x", "subscriptions|ID|x");
	check("/subscriptions/Subscriptions/ID", "subscriptions|ID");
	/* no more than that */
	check("/a/subscriptions/subscriptions", "a|subscriptions|subscriptions");
}

static void test_path__refuses_what_could_be_another_path(void **state)
{
	static const char *const bad[] = {
		"/%FF",	       "/a/%C3",    "/%ED%A0%80",  "/a\377b", "/..",   "/a/../b", "/.",
		"/a/%2e%2e/b", "/a/%2E./b", "/a%00b",	   "/%",      "/a%2",  "/a%zz",	  "/a%2Fb",
		"/%2f",	       "/a/%2F..",  "/a%2f%2e%2e", "/a%2g/b", "/a/b%",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i]);
}

static void test_path__has_bounded_segments(void **state)
{
	char raw[2 * LF_PATH_SEGMENTS_MAX + 3] = "";
	LF_AUTO_PATH path = {0};

	(void)state;
	for (int i = 0; i < LF_PATH_SEGMENTS_MAX; i++)
		strcat(raw, "/a");
	assert_lf_ok(lf_path_parse(raw, &path, &err));
	assert_int_equal(path.n, LF_PATH_SEGMENTS_MAX);
	strcat(raw, "/a");
	refused(raw);
}

static void check_form(const char *form, const char *name, const char *expected)
{
	LF_AUTO_FREE char *value = NULL;

	assert_lf_ok(lf_form_value(form, name, &value, &err));
	if (expected)
		assert_string_equal(value, expected);
	else
		assert_null(value);
}

static void test_form__finds_fields(void **state)
{
	LF_AUTO_FREE char *value = NULL;

	(void)state;
	check_form("api-version=2021-04-01&$filter=a+eq+%27b%27", "filter", "a eq 'b'");
	check_form("%24top=5", "top", "5");
	check_form("API-Version=1", "api-version", "1");
	check_form("a=1&b=2", "b", "2");
	check_form("a=x=y", "a", "x=y");
	check_form("a=1&a=2", "a", "1");
	check_form("a&b=", "a", NULL);
	check_form("a&b=", "b", NULL);
	check_form("", "a", NULL);
	check_form("&&=&=x&", "a", NULL);
	check_form("xa=1", "a", NULL);
	check_form("%zz=1&a=2", "a", "2");
	assert_int_equal(lf_form_value("a=%zz", "a", &value, &err), LF_EINVAL);
	assert_int_equal(lf_form_value("a=%0", "a", &value, &err), LF_EINVAL);
	assert_int_equal(lf_form_value("a=%FF", "a", &value, &err), LF_EINVAL);
	assert_int_equal(lf_form_value("a=b%00c", "a", &value, &err), LF_EINVAL);
}

static void test_url__is_encoded_and_read_back(void **state)
{
	static const char text[] = "A z/0-9._~?&=+%\"\303\251";
	LF_AUTO_FREE char *encoded = lf_url_encode(text);
	LF_AUTO_BUF form = LF_BUF_INIT;

	(void)state;
	assert_string_equal(encoded, "A%20z%2F0-9._~%3F%26%3D%2B%25%22%C3%A9");
	lf_buf_printf(&form, "x=1&v=%s&y=2", encoded);
	check_form(lf_buf_text(&form), "v", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path__drops_empty_segments),
		cmocka_unit_test(test_path__decodes_segments),
		cmocka_unit_test(test_path__takes_the_doubled_word_of_the_documents_as_one),
		cmocka_unit_test(test_path__refuses_what_could_be_another_path),
		cmocka_unit_test(test_path__has_bounded_segments),
		cmocka_unit_test(test_form__finds_fields),
		cmocka_unit_test(test_url__is_encoded_and_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
