/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/args.h"

struct target {
	const char *group;
	bool now;
	unsigned days;
	unsigned added;
};

static int add(void *at, const char *value, struct lf_error *err)
{
	struct target *target = at;

	if (strcmp(value, "much") == 0)
		return lf_fail(err, LF_EINVAL, value, "that is too much");
	target->added++;
	return 0;
}

static const struct lf_option options[] = {
	{"--group", "GROUP", true, "where", lf_option_text, offsetof(struct target, group)},
	LF_OPTION_SWITCH("--now", struct target, now, "at once"),
	LF_OPTION_COUNT("--days", "N", struct target, days, "how long"),
	{"--add", "THING", false, "may be repeated", add, 0},
	{0},
};
static const struct lf_command_line line = {
	.program = "thing",
	.command = "make",
	.words = "NAME [PLACE]",
	.min_words = 1,
	.max_words = 2,
	.options = options,
	.help = "Make a thing.",
};
static const struct lf_command_line with_rest = {
	.program = "thing", .words = "NAME", .min_words = 1, .max_words = 1, .takes_rest = true};

static struct target target;

static int read_args(const struct lf_command_line *of, struct lf_args *args, struct lf_error *err,
		     int argc, const char *const *argv)
{
	target = (struct target){0};
	return lf_args_read(of, argc, (char *const *)(uintptr_t)argv, &target, args, err);
}
#define READ(args, err, ...)                                                                       \
	read_args(&line, args, err, (int)LF_N(((const char *const[]){__VA_ARGS__})),               \
		  (const char *const[]){__VA_ARGS__})

static void test_args__takes_words_and_options_in_any_order(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	struct lf_args args;

	(void)state;
	assert_lf_ok(READ(&args, &err, "--group=g", "a", "--now", "b", "--days", "7"));
	assert_string_equal(lf_args_value(&args, "--group"), "g");
	assert_string_equal(target.group, "g");
	assert_true(target.now);
	assert_int_equal(target.days, 7);
	assert_int_equal(args.n_words, 2);
	assert_string_equal(args.words[1], "b");
	assert_lf_ok(READ(&args, &err, "--group", "g", "--", "--now"));
	assert_null(lf_args_value(&args, "--now"));
	assert_false(target.now);
	assert_string_equal(args.words[0], "--now");
	assert_string_equal(lf_args_value_or(&args, "--now", "later"), "later");
	assert_lf_ok(READ(&args, &err, "a", "--group=", "--add", "x", "--add=y"));
	assert_int_equal(target.added, 2);
	assert_string_equal(target.group, "");
}

static void test_args__refuses_what_does_not_fit_and_says_where_to_look(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	struct lf_args args = {.n_words = 77};

	(void)state;
	assert_int_equal(READ(&args, &err, "--group", "g"), LF_EINVAL);
	assert_int_equal(READ(&args, &err, "a"), LF_EINVAL);
	assert_string_equal(err.target, "--group");
	assert_string_equal(err.hint, "see thing make --help");
	assert_int_equal(READ(&args, &err, "a", "--group"), LF_EINVAL);
	assert_int_equal(READ(&args, &err, "a", "--group=g", "--other"), LF_EINVAL);
	assert_int_equal(READ(&args, &err, "a", "--group=g", "--da", "7"), LF_EINVAL);
	assert_int_equal(READ(&args, &err, "a", "--group=g", "--now=1"), LF_EINVAL);
	assert_int_equal(READ(&args, &err, "a", "b", "c", "--group=g"), LF_EINVAL);
	assert_int_equal(READ(&args, &err, "a", "--group=g", "--days", "-1"), LF_EINVAL);
	assert_string_equal(err.message, "--days: '-1' is not a number");
	assert_int_equal(READ(&args, &err, "a", "--group=g", "--add", "much"), LF_EINVAL);
	assert_string_equal(err.message, "--add: that is too much");
	assert_int_equal(args.n_words, 77);
}

static void test_args__help_and_version_need_nothing_else(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	struct lf_args args;

	(void)state;
	assert_lf_ok(READ(&args, &err, "--help"));
	assert_true(args.help);
	assert_lf_ok(READ(&args, &err, "--version"));
	assert_true(args.version && !args.help);
	assert_lf_ok(READ(&args, &err, "--group=g", "--", "--help"));
	assert_false(args.help);
}

static void test_args__a_rest_is_left_as_it_is(void **state)
{
	static const char *const alone[] = {"a", NULL};
	static const char *const words[] = {"a", "--", "--help", "-x", NULL};
	struct lf_error err = LF_ERROR_NONE;
	struct lf_args args;

	(void)state;
	assert_lf_ok(read_args(&with_rest, &args, &err, 4, words));
	assert_false(args.help);
	assert_string_equal(args.rest[1], "-x");
	assert_null(args.rest[2]);
	assert_lf_ok(read_args(&with_rest, &args, &err, 1, alone));
	assert_null(args.rest[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args__takes_words_and_options_in_any_order),
		cmocka_unit_test(test_args__refuses_what_does_not_fit_and_says_where_to_look),
		cmocka_unit_test(test_args__help_and_version_need_nothing_else),
		cmocka_unit_test(test_args__a_rest_is_left_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
