/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>

#include "base/utf8.h"

static void test_fail__fills_everything_and_forgets_what_was_there(void **state)
{
	struct lf_error err = {.hint = "old advice", .arm_code = "OldCode", .sys = EIO};

	(void)state;
	assert_int_equal(lf_fail(&err, LF_ENOTFOUND, "disk0", "no disk %d", 7), LF_ENOTFOUND);
	assert_string_equal(err.message, "no disk 7");
	assert_string_equal(err.target, "disk0");
	assert_string_equal(err.hint, "");
	assert_string_equal(err.arm_code, "");
	assert_int_equal(err.sys, 0);
	assert_string_equal(lf_error_arm(&err), "ResourceNotFound");
	assert_int_equal(lf_error_http(err.code), 404);
}

static void test_fail__may_quote_the_error_it_replaces(void **state)
{
	struct lf_error err = LF_ERROR_NONE;

	(void)state;
	lf_fail(&err, LF_EIO, "inner", "inner message");
	lf_fail(&err, LF_ECORRUPT, err.target, "outer of %s", err.message);
	assert_string_equal(err.target, "inner");
	assert_string_equal(err.message, "outer of inner message");
}

static void test_fail_sys__tells_missing_full_and_broken_apart(void **state)
{
	struct lf_error err = LF_ERROR_NONE;

	(void)state;
	assert_int_equal(lf_fail_sys(&err, ENOENT, "f", "open f"), LF_ENOTFOUND);
	assert_int_equal(lf_fail_sys(&err, ENOSPC, "f", "write f"), LF_ENOSPACE);
	assert_int_equal(lf_fail_sys(&err, EIO, "f", "read f"), LF_EIO);
	assert_int_equal(lf_fail_sys(&err, ENXIO, "f", "read f"), LF_EUNREACHABLE);
	assert_int_equal(lf_fail_sys(&err, ENODEV, "f", "read f"), LF_EUNREACHABLE);
	assert_int_equal(lf_fail_sys(&err, ECONNREFUSED, "f", "connect"), LF_EUNREACHABLE);
	assert_string_equal(err.message, "connect: Connection refused");
	assert_int_equal(err.sys, ECONNREFUSED);
}

static void test_wrap__keeps_the_inner_message_and_survives_long_ones(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	char longest[sizeof(err.message)];

	(void)state;
	lf_fail(&err, LF_EIO, NULL, "inner");
	assert_int_equal(lf_error_wrap(&err, "outer %d", 1), LF_EIO);
	assert_string_equal(err.message, "outer 1: inner");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	lf_error_wrap(&err, "%s", longest);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

/* len bytes of "ü" after one of 'x': each field is cut in the middle of a character. */
static void test_error__is_text_wherever_it_is_cut_and_whatever_is_given(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	char umlauts[2001] = "";

	(void)state;
	for (size_t shift = 0; shift < 2; shift++) {
		memset(umlauts, 'x', shift);
		for (size_t i = shift; i + 1 < sizeof(umlauts) - 1; i += 2)
			memcpy(umlauts + i, "\303\274", 2);
		lf_fail_arm(&err, LF_EINVAL, "Code", umlauts, umlauts, "%s", umlauts);
		assert_true(lf_utf8_valid(err.target) && lf_utf8_valid(err.hint) &&
			    lf_utf8_valid(err.message));
		assert_true(strlen(err.target) >= sizeof(err.target) - 2);
		lf_error_wrap(&err, "in %s", umlauts + 1300);
		assert_true(lf_utf8_valid(err.message));
		lf_error_hint(&err, "use %s", umlauts);
		assert_true(lf_utf8_valid(err.hint));
	}
	lf_fail_sys(&err, ENOENT, "a\377", "cannot open \377");
	assert_string_equal(err.target, "a?");
	assert_string_equal(err.message, "cannot open ?: No such file or directory");
	lf_fail(&err, LF_EINVAL, NULL, "'%.2s' is cut", "x\303\274");
	assert_string_equal(err.message, "'x?' is cut");
}

static void test_outside__no_file_is_named(void **state)
{
	static const int systems[] = {ENOENT, ENOSPC, EACCES, EIO, EXDEV, EEXIST, EINVAL};
	static const int codes[] = {LF_EIO, LF_ECORRUPT, LF_EUNREACHABLE, LF_EINTERNAL,
				    LF_ETIMEOUT};
	struct lf_error err;

	(void)state;
	for (size_t i = 0; i < LF_N(systems); i++) {
		lf_fail_sys(&err, systems[i], "/site/x", "cannot open /site/x");
		assert_null(strstr(lf_error_outside(&err), "/site"));
	}
	for (size_t i = 0; i < LF_N(codes); i++) {
		lf_fail(&err, codes[i], NULL, "the file /site/x is broken");
		assert_null(strstr(lf_error_outside(&err), "/site"));
	}
	lf_fail(&err, LF_EINVAL, "disks", "a disk has a size");
	assert_string_equal(lf_error_outside(&err), "a disk has a size");
}

static void test_tenant__is_told_what_was_written_for_clients_and_no_more(void **state)
{
	struct lf_error err, told;

	(void)state;
	lf_fail_sys(&err, EIO, "/site/x", "cannot read /site/x");
	lf_error_hint(&err, "look at /site");
	told = lf_error_for_tenant(&err);
	assert_int_equal(told.code, err.code);
	assert_null(strstr(told.message, "/site"));
	assert_string_equal(told.target, "");
	assert_string_equal(told.hint, "");
	lf_fail_arm(&err, LF_EIO, "DiskLost", "disks", "make it again", "the disk is gone");
	told = lf_error_for_tenant(&err);
	assert_string_equal(lf_error_arm(&told), "DiskLost");
	assert_string_equal(told.message, "the disk is gone");
	assert_string_equal(told.target, "disks");
	assert_string_equal(told.hint, "make it again");
	lf_fail(&err, LF_EINVAL, "disks", "a disk has a size");
	told = lf_error_for_tenant(&err);
	assert_string_equal(told.message, "a disk has a size");
	assert_string_equal(told.target, "disks");
}

static void test_table__every_code_has_its_row(void **state)
{
	(void)state;
#define CHECK_ROW(name, arm, http, retry, exit)                                                    \
	assert_string_equal(lf_error_name(LF_##name), #name);                                      \
	assert_int_equal(lf_error_http(LF_##name), http);                                          \
	assert_int_equal(lf_error_retry(LF_##name), retry);                                        \
	assert_int_equal(lf_error_exit(LF_##name), exit);
	LF_ERROR_TABLE(CHECK_ROW)
#undef CHECK_ROW
	assert_string_equal(lf_error_name(-1), "EINTERNAL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail__fills_everything_and_forgets_what_was_there),
		cmocka_unit_test(test_fail__may_quote_the_error_it_replaces),
		cmocka_unit_test(test_fail_sys__tells_missing_full_and_broken_apart),
		cmocka_unit_test(test_wrap__keeps_the_inner_message_and_survives_long_ones),
		cmocka_unit_test(test_error__is_text_wherever_it_is_cut_and_whatever_is_given),
		cmocka_unit_test(test_outside__no_file_is_named),
		cmocka_unit_test(test_tenant__is_told_what_was_written_for_clients_and_no_more),
		cmocka_unit_test(test_table__every_code_has_its_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
