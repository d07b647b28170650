/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/account.h"

#include "test.h"

static void expect_setting(const char *text, const char *name, const char *expected)
{
	char *value = lf_account_setting(text, name);

	if (expected)
		assert_string_equal(value, expected);
	else
		assert_null(value);
	free(value);
}

static void test_account__reads_the_forms_a_shell_reads(void **state)
{
	(void)state;
	const char *text = "# comment\nLF_T_URL=https://h:1\nexport LF_T_ID='a b'\n"
			   "  LF_T_SECRET=\"x=y\"\r\nLF_T_LAST=z";

	expect_setting(text, "LF_T_URL", "https://h:1");
	expect_setting(text, "LF_T_ID", "a b");
	expect_setting(text, "LF_T_SECRET", "x=y");
	expect_setting(text, "LF_T_LAST", "z");
	expect_setting(text, "LF_T", NULL);
	expect_setting(text, "T_URL", NULL);
}

static void test_account__file_wins_over_environment_and_falls_back_to_it(void **state)
{
	(void)state;
	setenv("LF_T_URL", "from environment", 1);
	expect_setting("LF_T_URL=from file\n", "LF_T_URL", "from file");
	expect_setting("OTHER=1\n", "LF_T_URL", "from environment");
	expect_setting(NULL, "LF_T_URL", "from environment");
	setenv("LF_T_URL", "", 1);
	expect_setting(NULL, "LF_T_URL", NULL);
}

static void test_account__form_values_are_encoded(void **state)
{
	(void)state;
	char *text = lf_form_encode("a~b c&d=e+%\xc3\xa9");

	assert_string_equal(text, "a~b%20c%26d%3De%2B%25%C3%A9");
	free(text);
	text = lf_form_encode("");
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_account__reads_the_forms_a_shell_reads),
		cmocka_unit_test(test_account__file_wins_over_environment_and_falls_back_to_it),
		cmocka_unit_test(test_account__form_values_are_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
