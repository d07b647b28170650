/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/text.h"

static void test_parse_u64__refuses_what_is_not_the_whole_number(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	uint64_t value = 7;

	(void)state;
	assert_int_equal(lf_parse_u64("", 0, 9, &value, &err), LF_EINVAL);
	assert_int_equal(lf_parse_u64("1x", 0, 9, &value, &err), LF_EINVAL);
	assert_int_equal(lf_parse_u64("-1", 0, 9, &value, &err), LF_EINVAL);
	assert_int_equal(lf_parse_u64("10", 0, 9, &value, &err), LF_EINVAL);
	assert_int_equal(lf_parse_u64("18446744073709551616", 0, UINT64_MAX, &value, &err),
			 LF_EINVAL);
	assert_int_equal(value, 7);
	assert_lf_ok(lf_parse_u64("18446744073709551615", 0, UINT64_MAX, &value, &err));
	assert_true(value == UINT64_MAX);
}

static void test_time__round_trips_with_seven_digits(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	char text[LF_TIME_SIZE];
	int64_t ns;

	(void)state;
	lf_time_format(1795410243123456700, text);
	assert_string_equal(text, "2026-11-23T05:04:03.1234567Z");
	assert_lf_ok(lf_time_parse(text, &ns, &err));
	assert_true(ns == 1795410243123456700);
	assert_lf_ok(lf_time_parse("2026-11-23T06:04:03+01:00", &ns, &err));
	assert_true(ns == 1795410243 * LF_NS_PER_S);
	assert_lf_ok(lf_time_parse("2026-11-23T04:04:03.5-01:00", &ns, &err));
	assert_true(ns == 1795410243 * LF_NS_PER_S + LF_NS_PER_S / 2);
	assert_int_equal(lf_time_parse("yesterday", &ns, &err), LF_EINVAL);
	assert_int_equal(lf_time_parse("2026-11-23T05:04:03Zx", &ns, &err), LF_EINVAL);
}

static void test_guid__derived_ones_are_stable_and_distinct(void **state)
{
	char a[LF_GUID_SIZE], b[LF_GUID_SIZE], c[LF_GUID_SIZE];

	(void)state;
	lf_guid_derive("a", "bc", a);
	lf_guid_derive("a", "bc", b);
	lf_guid_derive("ab", "c", c);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	assert_true(lf_guid_valid(a));
	assert_false(lf_guid_valid("x"));
}

static void test_guid__of_a_hash_goes_by_both_names(void **state)
{
	char a[LF_GUID_SIZE], b[LF_GUID_SIZE];

	(void)state;
	lf_guid_hash("a", "bc", a);
	lf_guid_hash("ab", "c", b);
	assert_string_not_equal(a, b);
	assert_true(lf_guid_valid(a));
	/* it is in catalogs and claims: it stays what it is */
	assert_string_equal(a, "fa19a6c0-df56-898a-8e23-4d9f4e324b43");
}

static void test_hex__round_trips(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	uint8_t bytes[3] = {0, 0xab, 0xff}, back[3];
	char text[7];

	(void)state;
	lf_hex_encode(bytes, 3, text);
	assert_string_equal(text, "00abff");
	assert_lf_ok(lf_hex_decode("00ABff", back, 3, &err));
	assert_memory_equal(bytes, back, 3);
	assert_int_equal(lf_hex_decode("00abf", back, 3, &err), LF_EINVAL);
	assert_int_equal(lf_hex_decode("00abfg", back, 3, &err), LF_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_u64__refuses_what_is_not_the_whole_number),
		cmocka_unit_test(test_time__round_trips_with_seven_digits),
		cmocka_unit_test(test_guid__derived_ones_are_stable_and_distinct),
		cmocka_unit_test(test_guid__of_a_hash_goes_by_both_names),
		cmocka_unit_test(test_hex__round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
