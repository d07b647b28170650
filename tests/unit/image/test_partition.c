/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <endian.h>

#include "image/partition.h"

#define SIZE (UINT64_C(1) << 30)

static uint8_t head[LF_PARTITION_HEAD];
static struct lf_partition found[LF_PARTITIONS_MAX];

static void put_u64(size_t at, uint64_t n)
{
	n = htole64(n);
	memcpy(head + at, &n, 8);
}

static void put_u32(size_t at, uint32_t n)
{
	n = htole32(n);
	memcpy(head + at, &n, 4);
}

static size_t read_head(void)
{
	return lf_partitions_read(head, sizeof(head), SIZE, 512, found);
}

static void put_mbr_entry(unsigned i, uint8_t type, uint32_t first, uint32_t sectors)
{
	head[446 + i * 16 + 4] = type;
	put_u32(446 + i * 16 + 8, first);
	put_u32(446 + i * 16 + 12, sectors);
	head[510] = 0x55;
	head[511] = 0xaa;
}

static void put_gpt(uint64_t table, uint32_t count)
{
	put_mbr_entry(0, 0xee, 1, UINT32_MAX);
	memcpy(head + 512, "EFI PART", 8);
	put_u64(512 + 72, table);
	put_u32(512 + 80, count);
	put_u32(512 + 84, 128);
}

static void put_gpt_entry(size_t at, const char *type, uint64_t first, uint64_t last)
{
	memcpy(head + at, type, 16);
	put_u64(at + 32, first);
	put_u64(at + 40, last);
}

static int clear(void **state)
{
	(void)state;
	memset(head, 0, sizeof(head));
	return 0;
}

static void test_partitions__none_on_an_empty_disk(void **state)
{
	(void)state;
	assert_int_equal(read_head(), 0);
	assert_int_equal(lf_partitions_read(head, 0, 0, 512, found), 0);
}

static void test_partitions__of_an_mbr(void **state)
{
	(void)state;
	put_mbr_entry(0, 0x83, 2048, 4096);
	put_mbr_entry(2, 0xef, 8192, 100);
	put_mbr_entry(3, 0x83, 8192, UINT32_MAX); /* not on this disk */
	assert_int_equal(read_head(), 2);
	assert_true(found[0].offset == 1 << 20 && found[0].size == 2 << 20 && !found[0].efi);
	assert_true(found[1].number == 3 && found[1].efi);
}

/* The table does not say what it counts in: the disk does. */
static void test_partitions__of_an_mbr_in_sectors_of_4096(void **state)
{
	(void)state;
	put_mbr_entry(0, 0x83, 256, 512);
	put_mbr_entry(1, 0xef, 1024, 100);
	put_mbr_entry(2, 0x83, (uint32_t)(SIZE / 4096), 1); /* not on this disk */
	assert_int_equal(lf_partitions_read(head, sizeof(head), SIZE, 4096, found), 2);
	assert_true(found[0].offset == 1 << 20 && found[0].size == 2 << 20 && !found[0].efi);
	assert_true(found[1].offset == 4 << 20 && found[1].efi);
	/* a disk of a point that does not say has 512 */
	assert_int_equal(lf_partitions_read(head, sizeof(head), SIZE, 0, found), 3);
	assert_int_equal(found[0].offset, 256 * 512);
}

static void test_partitions__of_a_gpt(void **state)
{
	(void)state;
	put_gpt(2, 128);
	put_gpt_entry(1024, "\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b",
		      2048, 4095);
	put_gpt_entry(1024 + 127 * 128, "some other type.", 4096, 8191);
	assert_int_equal(read_head(), 2);
	assert_true(found[0].offset == 1 << 20 && found[0].size == 1 << 20 && found[0].efi);
	assert_true(found[1].number == 128 && found[1].size == 2 << 20 && !found[1].efi);
}

static void test_partitions__of_a_gpt_in_sectors_of_4096(void **state)
{
	(void)state;
	put_mbr_entry(0, 0xee, 1, UINT32_MAX);
	memcpy(head + 4096, "EFI PART", 8);
	put_u64(4096 + 72, 2);
	put_u32(4096 + 80, 128);
	put_u32(4096 + 84, 128);
	put_gpt_entry(2 * 4096, "linux filesystem", 256, 511);
	put_gpt_entry(2 * 4096 + 127 * 128, "linux filesystem", 512, 600);
	assert_int_equal(lf_partitions_sector(head, sizeof(head)), 4096);
	assert_int_equal(read_head(), 2);
	assert_int_equal(found[0].offset, 256 * 4096);
	assert_int_equal(found[0].size, 256 * 4096);
	assert_int_equal(found[1].number, 128);
}

static void test_partitions__never_outside_what_was_read(void **state)
{
	(void)state;
	put_gpt(UINT64_MAX, UINT32_MAX);
	assert_int_equal(read_head(), 0);
	put_gpt(39, UINT32_MAX);
	put_gpt_entry(39 * 512, "some other type.", 4096, UINT64_MAX);
	put_gpt_entry(39 * 512 + 128, "some other type.", 0, UINT64_MAX - 1);
	put_gpt_entry(39 * 512 + 256, "some other type.", 4096, 4095);
	assert_int_equal(read_head(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_partitions__none_on_an_empty_disk, clear),
		cmocka_unit_test_setup(test_partitions__of_an_mbr, clear),
		cmocka_unit_test_setup(test_partitions__of_an_mbr_in_sectors_of_4096, clear),
		cmocka_unit_test_setup(test_partitions__of_a_gpt_in_sectors_of_4096, clear),
		cmocka_unit_test_setup(test_partitions__of_a_gpt, clear),
		cmocka_unit_test_setup(test_partitions__never_outside_what_was_read, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
