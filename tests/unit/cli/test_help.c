/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include "test.h"

static const struct lf_cli_command *find(int *words, int argc, const char *const *argv)
{
	return lf_cli_command_find(argc, (char *const *)(uintptr_t)argv, words);
}

static void test_help__finds_commands_by_whole_words(void **state)
{
	(void)state;
	int words = 0;

	const struct lf_cli_command *found =
		find(&words, 3, (const char *const[]){"job", "show", "x"});
	assert_non_null(found);
	assert_int_equal(words, 2);
	assert_string_equal(found->words, "job show");
	assert_non_null(find(&words, 1, (const char *const[]){"login-check"}));
	assert_null(find(&words, 1, (const char *const[]){"job"}));
	assert_null(find(&words, 2, (const char *const[]){"job", "sho"}));
	assert_null(find(&words, 2, (const char *const[]){"job", "shown"}));
}

/* Every row is complete: what a table holds is what a person reads. */
static void test_help__rows_are_complete(void **state)
{
	(void)state;
	static const struct lf_cli_command *const tables[] = {
		lf_cli_basic_commands,	     lf_cli_resource_commands, lf_cli_site_commands,
		lf_cli_replication_commands, lf_cli_failover_commands, lf_cli_job_commands,
		lf_cli_vm_commands,
	};

	for (size_t t = 0; t < LF_N(tables); t++)
		for (const struct lf_cli_command *c = tables[t]; c->words; c++) {
			assert_non_null(c->run);
			assert_non_null(c->help);
			assert_true(c->max_args <= LF_ARGS_WORDS_MAX && c->min_args <= c->max_args);
			assert_int_equal(c->max_args > 0, c->args != NULL);
			for (unsigned i = 0; c->options[i].name; i++) {
				assert_true(i + 1 < LF_ARGS_OPTIONS_MAX);
				assert_memory_equal(c->options[i].name, "--", 2);
				assert_non_null(c->options[i].help);
				assert_true(c->options[i].value || !c->options[i].required);
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help__finds_commands_by_whole_words),
		cmocka_unit_test(test_help__rows_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
