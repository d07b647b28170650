/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "extent/wire.h"

static struct lf_error err;

static void test_extent__survives_the_wire(void **state)
{
	const struct lf_extent in = {
		.page = 0x123456789a, .pages = 7, .chunk_page = 9, .chunk = {{1, 2, 3}}};
	uint8_t wire[LF_EXTENT_WIRE_SIZE];
	struct lf_extent out;

	(void)state;
	lf_extent_encode(&in, wire);
	assert_lf_ok(lf_extent_decode(wire, &out, &err));
	assert_int_equal(out.page, in.page);
	assert_int_equal(out.pages, 7);
	assert_int_equal(out.chunk_page, 9);
	assert_false(out.hole);
	assert_memory_equal(&out.chunk, &in.chunk, 32);
}

static void test_extent__is_the_record_of_the_documents(void **state)
{
	const struct lf_extent in = {.page = 0x0807060504030201,
				     .pages = 0x0c0b0a09,
				     .chunk_page = 0x100f0e0d,
				     .chunk = {{17}}};
	uint8_t wire[LF_EXTENT_WIRE_SIZE];

	(void)state;
	lf_extent_encode(&in, wire);
	for (uint8_t i = 0; i < 17; i++)
		assert_int_equal(wire[i], i + 1);
	assert_int_equal(wire[17], 0);
}

static void test_extent__of_no_chunk_is_a_hole(void **state)
{
	const struct lf_extent in = {.page = 3, .pages = 1000, .hole = true, .chunk = {{1}}};
	uint8_t wire[LF_EXTENT_WIRE_SIZE];
	struct lf_extent out;

	(void)state;
	lf_extent_encode(&in, wire);
	assert_lf_ok(lf_extent_decode(wire, &out, &err));
	assert_true(out.hole);
	assert_int_equal(out.pages, 1000);
}

static void test_extent__refuses_numbers_without_sense(void **state)
{
	const struct lf_extent bad[] = {
		{.page = 1, .pages = 0, .hole = true},
		{.page = UINT64_C(1) << 52, .pages = 1, .hole = true},
		{.page = UINT64_MAX, .pages = 1, .hole = true},
		{.page = (UINT64_C(1) << 52) - 1, .pages = 2, .hole = true},
		{.page = 1, .pages = LF_CHUNK_PAGES_MAX + 1, .chunk = {{1}}},
		{.page = 1, .pages = 1, .chunk_page = UINT32_MAX, .chunk = {{1}}},
	};
	uint8_t wire[LF_EXTENT_WIRE_SIZE];
	struct lf_extent out;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		lf_extent_encode(&bad[i], wire);
		assert_int_equal(lf_extent_decode(wire, &out, &err), LF_EINVAL);
	}
}

static void test_have__is_a_bit_a_chunk_least_significant_first(void **state)
{
	uint8_t bits[2] = {0};

	(void)state;
	assert_int_equal(lf_have_bytes(8), 1);
	assert_int_equal(lf_have_bytes(9), 2);
	lf_have_set(bits, 1);
	lf_have_set(bits, 8);
	assert_int_equal(bits[0], 2);
	assert_int_equal(bits[1], 1);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(lf_have_bit(bits, i), i == 1 || i == 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extent__survives_the_wire),
		cmocka_unit_test(test_extent__is_the_record_of_the_documents),
		cmocka_unit_test(test_extent__of_no_chunk_is_a_hole),
		cmocka_unit_test(test_extent__refuses_numbers_without_sense),
		cmocka_unit_test(test_have__is_a_bit_a_chunk_least_significant_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
