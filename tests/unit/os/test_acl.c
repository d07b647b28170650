/* SPDX-License-Identifier: Apache-2.0 */
#include "os/acl.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "test.h"

#define STRANGER 64999

static bool can_enter(const char *path, uid_t uid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(setresgid(uid, uid, uid) || setresuid(uid, uid, uid) || chdir(path));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_acl__lets_one_user_through_and_no_other(void **state)
{
	struct lf_error err;
	bool changed;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(*state, 0700), 0);
	assert_false(can_enter(*state, STRANGER));
	assert_lf_ok(lf_acl_allow_traverse(*state, STRANGER, STRANGER, &changed, &err));
	assert_true(changed);
	assert_true(can_enter(*state, STRANGER));
	assert_false(can_enter(*state, STRANGER + 1));
	assert_lf_ok(lf_acl_allow_traverse(*state, STRANGER, STRANGER, &changed, &err));
	assert_false(changed);
}

static void test_acl__comes_back_after_a_chmod(void **state)
{
	struct lf_error err;
	bool changed;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(*state, 0700), 0);
	assert_lf_ok(lf_acl_allow_traverse(*state, STRANGER, STRANGER, &changed, &err));
	assert_int_equal(chmod(*state, 0700), 0);
	assert_false(can_enter(*state, STRANGER));
	assert_lf_ok(lf_acl_allow_traverse(*state, STRANGER, STRANGER, &changed, &err));
	assert_true(changed);
	assert_true(can_enter(*state, STRANGER));
}

static void test_acl__reaches_through_what_is_ours(void **state)
{
	LF_AUTO_FREE char *deep = lf_printf_dup("%s/a/b", (char *)*state);
	struct lf_error err;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(*state, 0700), 0);
	assert_lf_ok(lf_dir_make(deep, 0700, &err));
	assert_lf_ok(lf_acl_allow_reach(deep, *state, STRANGER, STRANGER, &err));
	assert_true(can_enter(deep, STRANGER));
}

static void test_acl__changes_nothing_above_what_is_ours(void **state)
{
	LF_AUTO_FREE char *deep = lf_printf_dup("%s/a/b", (char *)*state);
	LF_AUTO_FREE char *ours = lf_printf_dup("%s/a", (char *)*state);
	struct lf_error err;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(*state, 0700), 0);
	assert_lf_ok(lf_dir_make(deep, 0700, &err));
	assert_int_equal(lf_acl_allow_reach(deep, ours, STRANGER, STRANGER, &err), LF_EDENIED);
	assert_string_equal(err.target, *state);
	assert_false(can_enter(*state, STRANGER));
}

static void test_acl__missing_directory_is_not_found(void **state)
{
	struct lf_error err;
	bool changed;

	(void)state;
	assert_int_equal(
		lf_acl_allow_traverse("/nonexistent/x", STRANGER, STRANGER, &changed, &err),
		LF_ENOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)
		T(test_acl__lets_one_user_through_and_no_other),
		T(test_acl__comes_back_after_a_chmod),
		T(test_acl__reaches_through_what_is_ours),
		T(test_acl__changes_nothing_above_what_is_ours),
		T(test_acl__missing_directory_is_not_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
