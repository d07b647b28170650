/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "image/qcow2.h"

#define CLUSTER LF_QCOW2_CLUSTER
#define MASK	(UINT64_C(0x00fffffffffffe00))

static uint64_t read_u64(int fd, uint64_t offset)
{
	uint64_t n = 0;

	assert_int_equal(pread(fd, &n, 8, (off_t)offset), 8);
	return be64toh(n);
}

/* Where a reader finds a cluster of the disk; 0: a hole. */
static uint64_t look_up(int fd, uint64_t offset)
{
	uint64_t l1 = read_u64(fd, 40), index = offset / CLUSTER;
	uint64_t table = read_u64(fd, l1 + index / (CLUSTER / 8) * 8) & MASK;

	return table ? read_u64(fd, table + index % (CLUSTER / 8) * 8) & MASK : 0;
}

static unsigned count_of(int fd, uint64_t cluster)
{
	uint64_t block = read_u64(fd, read_u64(fd, 48) + cluster / (CLUSTER / 2) * 8);
	uint16_t count = 0;

	assert_int_equal(pread(fd, &count, 2, (off_t)(block + cluster % (CLUSTER / 2) * 2)), 2);
	return be16toh(count);
}

static int new_file(void **state)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/image", (char *)*state);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void test_qcow2__names_every_cluster_where_it_was_placed(void **state)
{
	const uint64_t size = (UINT64_C(3) << 30) + 1000; /* seven second-level tables */
	const uint64_t table = CLUSTER * CLUSTER / 8;
	LF_AUTO_FD fd = new_file(state);
	struct lf_qcow2 *image = NULL;
	uint64_t a, b, c;
	struct lf_error err;
	struct stat st;

	assert_lf_ok(lf_qcow2_new(fd, "image", size, &image, &err));
	assert_lf_ok(lf_qcow2_place(image, UINT64_C(3) << 30, CLUSTER, &c, &err)); /* the last */
	assert_lf_ok(lf_qcow2_place(image, 0, CLUSTER, &a, &err));
	assert_lf_ok(lf_qcow2_place(image, table - 100 * CLUSTER, 200 * CLUSTER, &b, &err));
	assert_lf_ok(lf_qcow2_finish(image, &err));
	lf_qcow2_free(image);

	assert_true(look_up(fd, 0) == a);
	assert_true(look_up(fd, UINT64_C(3) << 30) == c);
	for (uint64_t i = 0; i < 200; i++)
		assert_true(look_up(fd, table + i * CLUSTER - 100 * CLUSTER) == b + i * CLUSTER);
	assert_true(look_up(fd, CLUSTER) == 0 && look_up(fd, 4 * table) == 0);
	assert_true(read_u64(fd, 24) == (UINT64_C(3) << 30) + 1024);
	assert_int_equal(fstat(fd, &st), 0);
	for (uint64_t i = 0; i < (uint64_t)st.st_size / CLUSTER; i++)
		assert_int_equal(count_of(fd, i), 1);
	assert_int_equal(count_of(fd, (uint64_t)st.st_size / CLUSTER), 0);
}

static void test_qcow2__counts_more_clusters_than_a_block_holds(void **state)
{
	const uint64_t size = UINT64_C(5) << 30;
	LF_AUTO_FD fd = new_file(state);
	struct lf_qcow2 *image = NULL;
	uint64_t place;
	struct lf_error err;
	struct stat st;

	assert_lf_ok(lf_qcow2_new(fd, "image", size, &image, &err));
	assert_lf_ok(lf_qcow2_place(image, 0, size, &place, &err));
	assert_lf_ok(lf_qcow2_finish(image, &err));
	lf_qcow2_free(image);
	assert_int_equal(fstat(fd, &st), 0);
	uint64_t end = (uint64_t)st.st_size / CLUSTER;
	assert_int_equal(count_of(fd, 0), 1);
	assert_int_equal(count_of(fd, end - 1), 1);
	assert_int_equal(count_of(fd, end), 0);
}

static void test_qcow2__refuses_what_no_reader_takes(void **state)
{
	struct lf_qcow2 *image = NULL;
	struct lf_error err;

	(void)state;
	assert_int_equal(lf_qcow2_new(-1, "image", UINT64_MAX, &image, &err), LF_ETOOLARGE);
	assert_null(image);
}

static void test_qcow2__says_whether_it_reads_from_another(void **state)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/image", (char *)*state);
	LF_AUTO_FD fd = new_file(state);
	struct lf_qcow2 *image = NULL;
	struct lf_error err;
	bool has = true;

	assert_int_equal(lf_qcow2_has_backing("/nowhere/image", &has, &err), LF_ENOTFOUND);
	assert_int_equal(pwrite(fd, "no qcow2 image at all", 21, 0), 21);
	assert_int_equal(lf_qcow2_has_backing(path, &has, &err), LF_ECORRUPT);
	assert_true(has);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_lf_ok(lf_qcow2_new(fd, "image", 1 << 20, &image, &err));
	assert_lf_ok(lf_qcow2_finish(image, &err));
	lf_qcow2_free(image);
	assert_lf_ok(lf_qcow2_has_backing(path, &has, &err));
	assert_false(has);
	assert_int_equal(pwrite(fd, "\0\0\0\0\0\0\0\x70", 8, 8), 8); /* its name's offset */
	assert_lf_ok(lf_qcow2_has_backing(path, &has, &err));
	assert_true(has);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_qcow2__names_every_cluster_where_it_was_placed,
						test_dir_setup, test_dir_teardown),
		cmocka_unit_test_setup_teardown(test_qcow2__counts_more_clusters_than_a_block_holds,
						test_dir_setup, test_dir_teardown),
		cmocka_unit_test(test_qcow2__refuses_what_no_reader_takes),
		cmocka_unit_test_setup_teardown(test_qcow2__says_whether_it_reads_from_another,
						test_dir_setup, test_dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
