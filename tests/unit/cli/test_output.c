/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include "test.h"

static void expect_cell(const char *json, const char *path, enum lf_cli_format format,
			const char *expected)
{
	struct lf_error err = LF_ERROR_NONE;
	const struct lf_cli_column column = {"T", path, format};
	LF_AUTO_BUF cell = LF_BUF_INIT;
	LF_AUTO_JSON *doc = NULL;

	assert_lf_ok(lf_json_parse(json, strlen(json), &doc, &err));
	assert_lf_ok(lf_cli_cell(doc, &column, &cell, &err));
	assert_string_equal(cell.data, expected);
}

static void test_cell__formats(void **state)
{
	(void)state;
	expect_cell("{\"a\":{\"b\":\"x\"}}", "a.b", LF_SHOW_TEXT, "x");
	expect_cell("{\"a\":null}", "a", LF_SHOW_TEXT, "-");
	expect_cell("{\"a\":true}", "a", LF_SHOW_TEXT, "yes");
	expect_cell("{\"a\":7}", "a", LF_SHOW_TEXT, "7");
	expect_cell("{\"a\":1572864}", "a", LF_SHOW_BYTES, "1.5 MiB");
	expect_cell("{\"a\":-1}", "a", LF_SHOW_BYTES, "0 B");
	expect_cell("{\"a\":3720}", "a", LF_SHOW_SECONDS, "1 h 02 min");
	expect_cell("{\"a\":\"/x/resourceGroups/g/y/n\"}", "a", LF_SHOW_GROUP, "g");
	expect_cell("{\"a\":\"/x/y/n\"}", "a", LF_SHOW_LAST, "n");
	expect_cell("{\"a\":[1,2]}", "a", LF_SHOW_COUNT, "2");
	expect_cell("{\"a\":[\"p\",\"q\"]}", "a", LF_SHOW_JOINED, "p,q");
}

static void test_cell__control_characters_do_not_reach_the_terminal(void **state)
{
	(void)state;
	expect_cell("{\"a\":\"x\\u001b[2Jy\\n\"}", "a", LF_SHOW_TEXT, "x?[2Jy?");
}

static void test_numbers__read_well_at_their_borders(void **state)
{
	(void)state;
	char text[32];

	lf_cli_bytes(1023, text, sizeof(text));
	assert_string_equal(text, "1023 B");
	lf_cli_bytes(UINT64_MAX, text, sizeof(text));
	assert_string_equal(text, "16384 PiB");
	lf_cli_seconds(59, text, sizeof(text));
	assert_string_equal(text, "59 s");
	lf_cli_seconds(61, text, sizeof(text));
	assert_string_equal(text, "1 min 01 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cell__formats),
		cmocka_unit_test(test_cell__control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(test_numbers__read_well_at_their_borders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
