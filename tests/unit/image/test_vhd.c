/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <endian.h>

#include "image/vhd.h"

static const uint8_t id[LF_VHD_ID_SIZE] = "an id of a disk";

static uint64_t get(const uint8_t *at, unsigned bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | *at++;
	return n;
}

static void test_vhd__is_whole_mebibytes(void **state)
{
	(void)state;
	assert_int_equal(lf_vhd_disk_size(0), 0);
	assert_int_equal(lf_vhd_disk_size(1), 1 << 20);
	assert_int_equal(lf_vhd_disk_size(1 << 20), 1 << 20);
	assert_int_equal(lf_vhd_disk_size((1 << 20) + 1), 2 << 20);
}

static void test_vhd__says_what_the_specification_asks(void **state)
{
	uint8_t footer[LF_VHD_FOOTER_SIZE];
	uint32_t sum = 0;

	(void)state;
	lf_vhd_footer(UINT64_C(30) << 30, id, footer);
	assert_memory_equal(footer, "conectix", 8);
	assert_int_equal(get(footer + 8, 4), 2);
	assert_int_equal(get(footer + 12, 4), 0x10000);
	assert_true(get(footer + 16, 8) == UINT64_MAX);
	assert_true(get(footer + 40, 8) == UINT64_C(30) << 30);
	assert_true(get(footer + 48, 8) == UINT64_C(30) << 30);
	assert_int_equal(get(footer + 60, 4), 2);
	assert_memory_equal(footer + 68, id, sizeof(id));
	for (size_t i = 0; i < sizeof(footer); i++)
		sum += i >= 64 && i < 68 ? 0 : footer[i];
	assert_int_equal(get(footer + 64, 4), (uint32_t)~sum);
}

/* The geometries that the specification's algorithm gives for these sizes. */
static void test_vhd__has_the_geometry_of_its_size(void **state)
{
	static const struct {
		uint64_t mib;
		unsigned cylinders, heads, sectors;
	} cases[] = {{1, 30, 4, 17},
		     {40, 963, 5, 17},
		     {100, 1003, 12, 17},
		     {1024, 2080, 16, 63},
		     {8192, 16644, 16, 63},
		     {130000, 65254, 16, 255},
		     {UINT64_C(4) << 20, 65535, 16, 255}};
	uint8_t footer[LF_VHD_FOOTER_SIZE];

	(void)state;
	for (size_t i = 0; i < LF_N(cases); i++) {
		lf_vhd_footer(cases[i].mib << 20, id, footer);
		assert_int_equal(get(footer + 56, 2), cases[i].cylinders);
		assert_int_equal(footer[58], cases[i].heads);
		assert_int_equal(footer[59], cases[i].sectors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vhd__is_whole_mebibytes),
		cmocka_unit_test(test_vhd__says_what_the_specification_asks),
		cmocka_unit_test(test_vhd__has_the_geometry_of_its_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
