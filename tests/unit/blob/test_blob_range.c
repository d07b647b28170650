/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/text.h"
#include "blob/serve/range.h"
#include "http_standin.h"

static struct lf_error err;

static void is(const char *text, uint64_t first, uint64_t last)
{
	struct lf_blob_range range = {0};
	bool asked = false;

	assert_lf_ok(lf_blob_range_parse(text, &asked, &range, &err));
	assert_true(asked);
	assert_true(range.first == first);
	assert_true(range.last == last);
}

static void is_none(const char *text)
{
	struct lf_blob_range range;
	bool asked = true;

	assert_lf_ok(lf_blob_range_parse(text, &asked, &range, &err));
	assert_false(asked);
}

static void is_refused(const char *text)
{
	struct lf_blob_range range = {7, 9};
	bool asked = false;

	assert_int_equal(lf_blob_range_parse(text, &asked, &range, &err), LF_ERANGE);
	assert_string_equal(err.arm_code, "InvalidRange");
	assert_int_equal(lf_error_http(err.code), 416);
	assert_int_equal(range.first, 7);
	assert_int_equal(range.last, 9);
}

static void test_range__is_first_and_last(void **state)
{
	(void)state;
	is("bytes=0-0", 0, 0);
	is("bytes=5-9", 5, 9);
	is("bytes=5-", 5, UINT64_MAX);
	is("Bytes=5-9", 5, 9);
	is("bytes=000000000000000000000000005-9", 5, 9);
	is_none(NULL);
	is_none("");
	is_none("items=5-3");
}

static void test_range__ends_before_it_begins_is_no_range(void **state)
{
	(void)state;
	is_refused("bytes=5-4");
	is_refused("bytes=4194704-5");
	is_refused("bytes=18446744073709551615-0");
	is_refused("bytes=99999999999999999999999-5");
}

static void test_range__of_another_form_is_no_range(void **state)
{
	(void)state;
	is_refused("bytes=");
	is_refused("bytes=-");
	is_refused("bytes=-5");
	is_refused("bytes=--5");
	is_refused("bytes=5");
	is_refused("bytes=0-1,4-5");
	is_refused("bytes=0-1 ");
	is_refused("bytes= 0-1");
	is_refused("bytes=0- 1");
	is_refused("bytes=+0-1");
	is_refused("bytes=0x1-2");
	is_refused("bytes=0--1");
	is_refused("bytes=a-b");
}

static void test_range__beyond_64_bits_is_the_end_of_numbers(void **state)
{
	(void)state;
	is("bytes=1-18446744073709551615", 1, UINT64_MAX);
	is("bytes=1-18446744073709551616", 1, UINT64_MAX);
	is("bytes=1-99999999999999999999999999999999", 1, UINT64_MAX);
	is("bytes=18446744073709551620-", UINT64_MAX, UINT64_MAX);
}

static int within(const char *ms, const char *plain, uint64_t size, bool *partial,
		  struct lf_blob_range *range)
{
	struct lf_http_exchange x = {.method = "GET", .path = "/a/b/c"};

	if (plain)
		standin_add(&x, "Range", plain);
	if (ms)
		standin_add(&x, "x-ms-range", ms);
	return lf_blob_range_within(&x, size, partial, range, &err);
}

static void test_range__is_cut_at_the_end_of_the_blob(void **state)
{
	struct lf_blob_range range;
	bool partial;

	(void)state;
	assert_lf_ok(within(NULL, "bytes=5-99", 10, &partial, &range));
	assert_true(partial);
	assert_int_equal(range.first, 5);
	assert_int_equal(range.last, 9);
	assert_lf_ok(within(NULL, "bytes=9-18446744073709551616", 10, &partial, &range));
	assert_int_equal(range.last, 9);
	assert_int_equal(within(NULL, "bytes=10-", 10, &partial, &range), LF_ERANGE);
	assert_int_equal(within(NULL, "bytes=0-", 0, &partial, &range), LF_ERANGE);
	assert_lf_ok(within(NULL, NULL, 0, &partial, &range));
	assert_false(partial);
	assert_int_equal(range.last, 0);
}

static void test_range__of_azures_own_header_counts_first(void **state)
{
	struct lf_blob_range range;
	bool partial;

	(void)state;
	assert_lf_ok(within("bytes=1-2", "bytes=5-6", 10, &partial, &range));
	assert_int_equal(range.first, 1);
	/* what is wrong in it is not made good by the other */
	assert_int_equal(within("bytes=2-1", "bytes=5-6", 10, &partial, &range), LF_ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range__is_first_and_last),
		cmocka_unit_test(test_range__ends_before_it_begins_is_no_range),
		cmocka_unit_test(test_range__of_another_form_is_no_range),
		cmocka_unit_test(test_range__beyond_64_bits_is_the_end_of_numbers),
		cmocka_unit_test(test_range__is_cut_at_the_end_of_the_blob),
		cmocka_unit_test(test_range__of_azures_own_header_counts_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
