/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fault.h"

static char *path_in(void **state, const char *name)
{
	char *path = lf_printf_dup("%s/%s", (char *)*state, name);

	assert_non_null(path);
	return path;
}

static void check_content(const char *path, const char *expected)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_BUF content = LF_BUF_INIT;

	assert_lf_ok(lf_file_read(path, 1 << 20, &content, &err));
	assert_string_equal(lf_buf_text(&content), expected);
}

static int count_entry(void *context, const char *name, struct lf_error *err)
{
	(void)name, (void)err;
	++*(int *)context;
	return 0;
}

static void test_write_durable__replaces_all_or_nothing_at_every_failing_call(void **state)
{
	static const char *const faults[] = {"file-write", "file-sync", "file-rename"};
	LF_AUTO_FREE char *path = path_in(state, "f");
	struct lf_error err = LF_ERROR_NONE;

	assert_lf_ok(lf_file_write_durable(path, "old", 3, 0600, &err));
	for (size_t i = 0; i < LF_N(faults); i++) {
		char list[64];
		snprintf(list, sizeof(list), "%s=enospc", faults[i]);
		lf_fault_set(list);
		assert_int_equal(lf_file_write_durable(path, "new", 3, 0600, &err), LF_ENOSPACE);
		lf_fault_set(NULL);
		check_content(path, "old");
	}
	int entries = 0;
	assert_lf_ok(lf_dir_list(*state, count_entry, &entries, &err));
	assert_int_equal(lf_dir_list("/nonexistent/x", count_entry, &entries, &err), LF_ENOTFOUND);
	assert_lf_ok(lf_dir_list_if("/nonexistent/x", count_entry, &entries, &err));
	assert_int_equal(entries, 1); /* no temporary file stays behind */
	assert_lf_ok(lf_file_write_durable(path, "new", 3, 0600, &err));
	check_content(path, "new");
}

static void test_read__tells_missing_too_large_and_short_apart(void **state)
{
	LF_AUTO_FREE char *path = path_in(state, "f");
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_BUF buf = LF_BUF_INIT;
	char byte[4];

	assert_int_equal(lf_file_read(path, 10, &buf, &err), LF_ENOTFOUND);
	assert_lf_ok(lf_file_write_durable(path, "0123456789a", 11, 0600, &err));
	assert_int_equal(lf_file_read(path, 10, &buf, &err), LF_ETOOLARGE);
	FILE *file = fopen(path, "r");
	assert_int_equal(lf_file_pread_all(fileno(file), byte, 4, 9, path, &err), LF_ECORRUPT);
	assert_lf_ok(lf_file_pread_all(fileno(file), byte, 4, 7, path, &err));
	assert_memory_equal(byte, "789a", 4);
	fclose(file);
}

static void test_dir__is_made_deep_and_removed_whole(void **state)
{
	LF_AUTO_FREE char *top = path_in(state, "a");
	LF_AUTO_FREE char *deep = path_in(state, "a/b/c");
	LF_AUTO_FREE char *file = path_in(state, "a/b/f");
	struct lf_error err = LF_ERROR_NONE;
	struct stat st;

	assert_lf_ok(lf_dir_make(deep, 0700, &err));
	assert_lf_ok(lf_dir_make(deep, 0700, &err));
	assert_lf_ok(lf_file_write_durable(file, "", 0, 0600, &err));
	assert_lf_ok(lf_dir_remove(top, &err));
	assert_int_equal(stat(top, &st), -1);
	assert_lf_ok(lf_dir_remove(top, &err));
	assert_lf_ok(lf_file_remove(file, &err));
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(test_write_durable__replaces_all_or_nothing_at_every_failing_call),
		WITH_DIR(test_read__tells_missing_too_large_and_short_apart),
		WITH_DIR(test_dir__is_made_deep_and_removed_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
