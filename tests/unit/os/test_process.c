/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/text.h"
#include "os/process.h"

static void test_run__gives_output_and_the_last_line_of_a_failure(void **state)
{
	const char *const good[] = {"sh", "-c", "echo one; echo two >&2", NULL};
	const char *const bad[] = {"sh", "-c", "echo why; exit 3", NULL};
	const char *const missing[] = {"no-such-program-here", NULL};
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_BUF output = LF_BUF_INIT;

	(void)state;
	assert_lf_ok(lf_process_run(good, 10 * LF_NS_PER_S, &output, &err));
	assert_string_equal(lf_buf_text(&output), "one\ntwo\n");
	assert_int_equal(lf_process_run(bad, 10 * LF_NS_PER_S, NULL, &err), LF_EIO);
	assert_non_null(strstr(err.message, "why"));
	assert_int_equal(lf_process_run(missing, LF_NS_PER_S, NULL, &err), LF_ENOTFOUND);
	assert_non_null(strstr(err.hint, "no-such-program-here"));
}

static void test_run__kills_what_takes_too_long(void **state)
{
	const char *const slow[] = {"sleep", "60", NULL};
	struct lf_error err = LF_ERROR_NONE;

	(void)state;
	assert_int_equal(lf_process_run(slow, 10 * LF_NS_PER_MS, NULL, &err), LF_ETIMEOUT);
}

static void test_detached__is_known_by_its_command_line_and_stops(void **state)
{
	const char *const argv[] = {"sleep", "61", NULL};
	LF_AUTO_FREE char *log = lf_printf_dup("%s/log", (char *)*state);
	struct lf_error err = LF_ERROR_NONE;
	pid_t pid;

	assert_lf_ok(lf_process_start_detached(argv, log, &pid, &err));
	assert_true(lf_process_is(pid, "sleep 61"));
	/* another program's pid is left alone */
	assert_false(lf_process_is(pid, "nbdkit"));
	assert_lf_ok(lf_process_stop(pid, "nbdkit", LF_NS_PER_S, &err));
	assert_true(lf_process_is(pid, "sleep 61"));
	assert_lf_ok(lf_process_stop(pid, "sleep 61", LF_NS_PER_S, &err));
	assert_false(lf_process_is(pid, "sleep 61"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run__gives_output_and_the_last_line_of_a_failure),
		cmocka_unit_test(test_run__kills_what_takes_too_long),
		cmocka_unit_test_setup_teardown(
			test_detached__is_known_by_its_command_line_and_stops, test_dir_setup,
			test_dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
