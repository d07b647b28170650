/* SPDX-License-Identifier: Apache-2.0 */
#include "base/checked.h"

#include "test.h"

static void test_add__over_the_end_leaves_the_result_as_it_was(void **state)
{
	uint64_t sum = 7;
	int64_t signed_sum = 7;

	(void)state;
	assert_false(lf_checked_add(UINT64_MAX, 1u, &sum));
	assert_int_equal(sum, 7);
	assert_true(lf_checked_add(UINT64_MAX - 1, 1u, &sum));
	assert_true(sum == UINT64_MAX);
	assert_false(lf_checked_add(INT64_MAX, 1, &signed_sum));
	assert_false(lf_checked_add(INT64_MIN, -1, &signed_sum));
	assert_int_equal(signed_sum, 7);
}

static void test_add__of_unlike_types_is_the_true_sum(void **state)
{
	uint32_t small = 0;
	uint64_t big = 0;

	(void)state;
	assert_true(lf_checked_add(UINT64_C(5), -5, &small));
	assert_int_equal(small, 0);
	assert_false(lf_checked_add(UINT64_C(5), -6, &big));
	assert_false(lf_checked_add(UINT32_MAX, 1u, &small));
	assert_true(lf_checked_add(UINT32_MAX, 1u, &big));
	assert_true(big == UINT64_C(1) << 32);
}

static void test_sub__below_nothing_is_refused(void **state)
{
	uint64_t difference = 7;
	int64_t below = 0;

	(void)state;
	assert_false(lf_checked_sub(3u, 4u, &difference));
	assert_int_equal(difference, 7);
	assert_true(lf_checked_sub(3u, 4u, &below));
	assert_int_equal(below, -1);
}

static void test_mul__over_the_end_is_refused(void **state)
{
	uint64_t product = 7;
	int64_t ns = 7;

	(void)state;
	assert_false(lf_checked_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &product));
	assert_int_equal(product, 7);
	assert_false(lf_checked_mul(INT64_C(10000000000), INT64_C(1000000000), &ns));
	assert_true(lf_checked_mul(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &product));
}

static void test_to__a_type_without_the_value_is_refused(void **state)
{
	size_t size = 7;
	int n = 7;
	uint8_t byte = 7;

	(void)state;
	assert_false(lf_checked_to(INT64_C(-1), &size));
	assert_false(lf_checked_to(UINT64_C(1) << 31, &n));
	assert_false(lf_checked_to(256, &byte));
	assert_int_equal(size, 7);
	assert_int_equal(n, 7);
	assert_true(lf_checked_to(UINT64_C(255), &byte));
	assert_int_equal(byte, 255);
}

static void test_operands__are_evaluated_once(void **state)
{
	uint64_t results[2] = {0, 0}, *at = results;
	int a = 1, b = 2;

	(void)state;
	assert_true(lf_checked_add(a++, b++, at++));
	assert_int_equal(a, 2);
	assert_int_equal(b, 3);
	assert_ptr_equal(at, results + 1);
	assert_int_equal(results[0], 3);
}

static void test_span__that_wraps_does_not_fit(void **state)
{
	(void)state;
	assert_true(lf_span_fits(0, 0, 0));
	assert_true(lf_span_fits(4, 6, 10));
	assert_true(lf_span_fits(10, 0, 10));
	assert_false(lf_span_fits(4, 7, 10));
	assert_false(lf_span_fits(11, 0, 10));
	assert_false(lf_span_fits(UINT64_MAX, 2, 10));
	assert_false(lf_span_fits(2, UINT64_MAX, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add__over_the_end_leaves_the_result_as_it_was),
		cmocka_unit_test(test_add__of_unlike_types_is_the_true_sum),
		cmocka_unit_test(test_sub__below_nothing_is_refused),
		cmocka_unit_test(test_mul__over_the_end_is_refused),
		cmocka_unit_test(test_to__a_type_without_the_value_is_refused),
		cmocka_unit_test(test_operands__are_evaluated_once),
		cmocka_unit_test(test_span__that_wraps_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
