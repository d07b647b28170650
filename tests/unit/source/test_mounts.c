/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "source/mounts.h"

static struct lf_error err;

static void check(const char *line, unsigned major, unsigned minor, const char *point)
{
	unsigned got_major = 0, got_minor = 0;
	char out[128];

	assert_true(lf_mountinfo_parse(line, &got_major, &got_minor, out, sizeof(out)));
	assert_int_equal(got_major, major);
	assert_int_equal(got_minor, minor);
	assert_string_equal(out, point);
}

static void test_mountinfo__is_read(void **state)
{
	(void)state;
	check("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw", 98, 0, "/mnt2");
	check("1 1 259:3 / / rw - ext4 /dev/nvme0n1p3 rw", 259, 3, "/");
	check("22 1 0:20 / /proc rw shared:5 - proc proc rw", 0, 20, "/proc");
}

static void test_mountinfo__unescapes_mount_points(void **state)
{
	(void)state;
	check("1 1 8:1 / /with\\040space\\011tab\\134back - -", 8, 1, "/with space\ttab\\back");
	check("1 1 8:1 / /m\\303\\266hre - -", 8, 1, "/m\303\266hre");
	/* what the kernel never writes is taken as it is, and never read past */
	check("1 1 8:1 / /end\\", 8, 1, "/end\\");
	check("1 1 8:1 / /end\\0", 8, 1, "/end\\0");
	check("1 1 8:1 / /end\\08x", 8, 1, "/end\\08x");
}

static void test_mountinfo__refuses_other_lines(void **state)
{
	static const char *const lines[] = {
		"",	 "\n", "36 35", "36 35 98 / /mnt", "36 35 98:x / /mnt", "36 35 98:0 /mnt",
		"a b c",
	};
	unsigned major, minor;
	char out[128];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(lf_mountinfo_parse(lines[i], &major, &minor, out, sizeof(out)));
}

static void test_mountinfo__never_cuts_a_mount_point(void **state)
{
	const char *line = "1 1 8:1 / /1234567 - -";
	unsigned major, minor;
	char out[9];

	(void)state;
	assert_true(lf_mountinfo_parse(line, &major, &minor, out, 9));
	assert_string_equal(out, "/1234567");
	/* a shorter one would be another directory, perhaps of another file system */
	assert_false(lf_mountinfo_parse(line, &major, &minor, out, 8));
}

static void test_mounts__of_a_file_without_any(void **state)
{
	char path[256];
	LF_AUTO_JSON *mounts = NULL;

	snprintf(path, sizeof(path), "%s/disk", (char *)*state);
	assert_int_equal(lf_mounts_of_disk(path, &mounts, &err), LF_ENOTFOUND);
	assert_lf_ok(lf_file_write_durable(path, "x", 1, 0600, &err));
	assert_lf_ok(lf_mounts_of_disk(path, &mounts, &err));
	assert_int_equal(json_array_size(mounts), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mountinfo__is_read),
		cmocka_unit_test(test_mountinfo__unescapes_mount_points),
		cmocka_unit_test(test_mountinfo__refuses_other_lines),
		cmocka_unit_test(test_mountinfo__never_cuts_a_mount_point),
		TEST(test_mounts__of_a_file_without_any),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
