/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "providers/network/prefix.h"

static struct lf_prefix prefix(const char *text)
{
	struct lf_prefix p;
	struct lf_error err;

	assert_lf_ok(lf_prefix_parse(text, NULL, &p, &err));
	return p;
}

static void test_prefix__goes_through_text(void **state)
{
	char text[LF_PREFIX_SIZE], address[LF_ADDRESS_SIZE];
	struct lf_prefix p = prefix("10.1.128.0/17");

	(void)state;
	lf_prefix_format(&p, text);
	assert_string_equal(text, "10.1.128.0/17");
	lf_address_format(lf_prefix_last(&p), address);
	assert_string_equal(address, "10.1.255.255");
}

static void test_prefix__refuses_what_is_none(void **state)
{
	static const char *const bad[] = {"",
					  "10.0.0.0",
					  "10.0.0.0/",
					  "10.0.0.0/33",
					  "10.0.0.0/0",
					  "10.0.0/24",
					  "a.b.c.d/8",
					  "10.0.0.0/-1",
					  "10.0.0.0/8x",
					  "256.0.0.0/8",
					  "10.0.0.0/024"};
	struct lf_prefix p;
	struct lf_error err;

	(void)state;
	for (size_t i = 0; i < LF_N(bad); i++) {
		assert_int_equal(lf_prefix_parse(bad[i], "x", &p, &err), LF_EINVAL);
		assert_string_equal(err.arm_code, "InvalidAddressPrefixFormat");
	}
}

static void test_prefix__says_which_one_was_meant(void **state)
{
	struct lf_prefix p;
	struct lf_error err;

	(void)state;
	assert_int_equal(lf_prefix_parse("10.0.0.7/24", "x", &p, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "InvalidCIDRNotation");
	assert_non_null(strstr(err.hint, "10.0.0.0/24"));
	assert_int_equal(lf_prefix_parse("fd00::/64", "x", &p, &err), LF_EUNSUPPORTED);
}

static void test_prefix__knows_inside_and_overlap(void **state)
{
	struct lf_prefix a = prefix("10.0.0.0/16"), b = prefix("10.0.4.0/24"),
			 c = prefix("10.1.0.0/16"), all = prefix("0.0.0.0/1"),
			 one = prefix("10.0.4.9/32");

	(void)state;
	assert_true(lf_prefix_inside(&b, &a));
	assert_false(lf_prefix_inside(&a, &b));
	assert_true(lf_prefix_overlaps(&a, &b));
	assert_true(lf_prefix_overlaps(&b, &a));
	assert_false(lf_prefix_overlaps(&a, &c));
	assert_true(lf_prefix_inside(&a, &all));
	assert_true(lf_prefix_holds(&b, one.base));
	assert_int_equal(lf_prefix_last(&one), one.base);
}

static void test_subnet__keeps_five_addresses(void **state)
{
	struct lf_prefix s = prefix("10.0.0.0/29"), tiny = prefix("10.0.0.0/30");

	(void)state;
	assert_int_equal(lf_prefix_usable(&s), 3);
	assert_int_equal(lf_prefix_usable(&tiny), 0);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(lf_prefix_reserves(&s, s.base + i), i < 4 || i == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix__goes_through_text),
		cmocka_unit_test(test_prefix__refuses_what_is_none),
		cmocka_unit_test(test_prefix__says_which_one_was_meant),
		cmocka_unit_test(test_prefix__knows_inside_and_overlap),
		cmocka_unit_test(test_subnet__keeps_five_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
