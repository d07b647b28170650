/* SPDX-License-Identifier: Apache-2.0 */
#include "nbd/export.h"

#include <signal.h>

#include "base/text.h"
#include "os/process.h"
#include "test.h"

static struct lf_export_spec spec_of(const char *dir)
{
	return (struct lf_export_spec){.dir = dir,
				       .store_dir = "/store",
				       .key_file = "/key",
				       .root = "00-aa",
				       .size_bytes = 4096};
}

static void test_export__command_line_names_socket_and_root(void **state)
{
	struct lf_export_spec spec = spec_of("/d");
	char **argv = lf_export_argv(&spec, "plugin.so");
	static const char *const expected[] = {
		"nbdkit",     "--foreground", "--readonly", "--unix",	    "/d/disk.sock",
		"--pidfile",  "/d/pid",	      "plugin.so",  "store=/store", "key-file=/key",
		"root=00-aa", "size=4096",    "trace=",
	};

	(void)state;
	assert_non_null(argv);
	for (size_t i = 0; i < LF_N(expected); i++)
		assert_string_equal(argv[i], expected[i]);
	assert_null(argv[LF_N(expected)]);
	lf_export_argv_free(argv);
}

/* The disk "00-aa" in store, served by the stand-in that is built beside the tests. */
static void use_standin(const char *store)
{
	char program[4096];
	struct lf_error err;
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

	assert_true(len > 0);
	program[len] = '\0';
	*strrchr(program, '/') = '\0';
	LF_AUTO_FREE char *plugin = lf_printf_dup("%s/unit/nbd/nbdkit-standin-plugin.so", program);
	LF_AUTO_FREE char *disk = lf_printf_dup("%s/00-aa", store);
	assert_lf_ok(lf_file_write_durable(disk, "x", 1, 0600, &err));
	setenv("LF_NBD_PLUGIN", plugin, 1);
}

static pid_t pid_of(const char *dir)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/pid", dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error err;
	uint64_t pid;

	assert_lf_ok(lf_file_read(path, 64, &text, &err));
	text.data[text.len - 1] = '\0';
	assert_lf_ok(lf_parse_u64(text.data, 1, INT32_MAX, &pid, &err));
	return (pid_t)pid;
}

static void test_export__starts_once_and_leaves_nothing(void **state)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/e", (char *)*state);
	struct lf_export_spec spec = spec_of(dir);
	struct lf_error err;

	use_standin(*state);
	spec.store_dir = *state;
	assert_false(lf_export_alive(dir));
	assert_lf_ok(lf_export_start(&spec, &err));
	assert_true(lf_export_alive(dir));
	pid_t pid = pid_of(dir);
	assert_lf_ok(lf_export_start(&spec, &err));
	assert_int_equal(pid_of(dir), pid);
	spec.root = "00-bb";
	assert_int_equal(lf_export_start(&spec, &err), LF_ECONFLICT);
	assert_lf_ok(lf_export_stop(dir, &err));
	assert_false(lf_process_is(pid, dir));
	assert_int_equal(access(dir, F_OK), -1);
	assert_lf_ok(lf_export_stop(dir, &err));
}

static void test_export__starts_again_after_a_kill(void **state)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/e", (char *)*state);
	struct lf_export_spec spec = spec_of(dir);
	struct lf_error err;

	use_standin(*state);
	spec.store_dir = *state;
	assert_lf_ok(lf_export_start(&spec, &err));
	pid_t pid = pid_of(dir);
	kill(pid, SIGKILL);
	while (lf_process_is(pid, dir))
		usleep(1000);
	assert_false(lf_export_alive(dir));
	assert_lf_ok(lf_export_start(&spec, &err));
	assert_true(lf_export_alive(dir));
	assert_int_not_equal(pid_of(dir), pid);
	assert_lf_ok(lf_export_stop(dir, &err));
}

static void test_export__says_what_nbdkit_said(void **state)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/e", (char *)*state);
	struct lf_export_spec spec = spec_of(dir);
	struct lf_error err;

	setenv("LF_NBD_PLUGIN", "/nonexistent/plugin.so", 1);
	assert_int_equal(lf_export_start(&spec, &err), LF_EIO);
	assert_non_null(strstr(err.message, "/nonexistent/plugin.so"));
	assert_lf_ok(lf_export_stop(dir, &err));
}

static void test_export__refuses_a_path_that_no_socket_can_have(void **state)
{
	char dir[200];
	struct lf_export_spec spec = spec_of(dir);
	struct lf_error err;

	(void)state;
	memset(dir, 'd', sizeof(dir) - 1);
	dir[0] = '/';
	dir[sizeof(dir) - 1] = '\0';
	assert_int_equal(lf_export_start(&spec, &err), LF_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)
		T(test_export__command_line_names_socket_and_root),
		T(test_export__starts_once_and_leaves_nothing),
		T(test_export__starts_again_after_a_kill),
		T(test_export__says_what_nbdkit_said),
		T(test_export__refuses_a_path_that_no_socket_can_have),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
