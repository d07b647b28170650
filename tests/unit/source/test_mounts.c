/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "source/mounts.h"

static struct lf_error err;

static void check(const char *line, unsigned major, unsigned minor, const char *point)
{
	struct lf_mount mount;

	assert_true(lf_mountinfo_parse(line, &mount));
	assert_int_equal(mount.major, major);
	assert_int_equal(mount.minor, minor);
	assert_string_equal(mount.point, point);
}

static void test_mountinfo__is_read(void **state)
{
	(void)state;
	check("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw", 98, 0, "/mnt2");
	check("1 1 259:3 / / rw - ext4 /dev/nvme0n1p3 rw", 259, 3, "/");
	check("22 1 0:20 / /proc rw shared:5 - proc proc rw", 0, 20, "/proc");
}

static void test_mountinfo__says_what_is_mounted(void **state)
{
	struct lf_mount mount;

	(void)state;
	assert_true(lf_mountinfo_parse("50 28 0:39 /sub /data rw,relatime shared:1 - btrfs "
				       "/dev/my\\040disk rw,subvol=/sub",
				       &mount));
	assert_int_equal(mount.id, 50);
	assert_int_equal(mount.major, 0);
	assert_string_equal(mount.source, "/dev/my disk");
	assert_true(lf_mountinfo_parse("50 28 8:1 / /x rw", &mount));
	assert_string_equal(mount.source, "");
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
	struct lf_mount mount;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(lf_mountinfo_parse(lines[i], &mount));
}

static void test_mountinfo__never_cuts_a_mount_point(void **state)
{
	struct lf_mount mount;
	char line[5000];

	(void)state;
	snprintf(line, sizeof(line), "1 1 8:1 / /%0*d - - -", (int)sizeof(mount.point) - 2, 0);
	assert_true(lf_mountinfo_parse(line, &mount));
	assert_int_equal(strlen(mount.point), sizeof(mount.point) - 1);
	/* a shorter one would be another directory, perhaps of another file system */
	snprintf(line, sizeof(line), "1 1 8:1 / /%0*d - - -", (int)sizeof(mount.point) - 1, 0);
	assert_false(lf_mountinfo_parse(line, &mount));
}

static void test_mounts__of_a_file_without_any(void **state)
{
	char path[256];
	const char *disk = path;
	LF_AUTO_JSON *mounts = NULL;

	snprintf(path, sizeof(path), "%s/disk", (char *)*state);
	assert_int_equal(lf_mounts_of(&disk, 1, NULL, &mounts, &err), LF_ENOTFOUND);
	assert_lf_ok(lf_file_write_durable(path, "x", 1, 0600, &err));
	assert_lf_ok(lf_mounts_of(&disk, 1, NULL, &mounts, &err));
	assert_int_equal(json_array_size(mounts), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mountinfo__is_read),
		cmocka_unit_test(test_mountinfo__says_what_is_mounted),
		cmocka_unit_test(test_mountinfo__unescapes_mount_points),
		cmocka_unit_test(test_mountinfo__refuses_other_lines),
		cmocka_unit_test(test_mountinfo__never_cuts_a_mount_point),
		TEST(test_mounts__of_a_file_without_any),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
