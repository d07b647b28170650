/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "json/json.h"

static json_t *parse(const char *text)
{
	struct lf_error err = LF_ERROR_NONE;
	json_t *doc = NULL;

	assert_lf_ok(lf_json_parse(text, strlen(text), &doc, &err));
	return doc;
}

static void test_parse__refuses_hostile_documents(void **state)
{
	static const char *const hostile[] = {
		"",	    "{",     "{\"a\":1,\"a\":2}", "{\"a\":1}x",
		"\"\xff\"", "{a:1}", "{\"a\":NaN}",	  "[1,]",
	};
	struct lf_error err = LF_ERROR_NONE;
	json_t *doc = NULL;
	char deep[2 * LF_JSON_DEPTH_MAX + 3];

	(void)state;
	for (size_t i = 0; i < LF_N(hostile); i++) {
		assert_int_equal(lf_json_parse(hostile[i], strlen(hostile[i]), &doc, &err),
				 LF_EINVAL);
		assert_string_equal(lf_error_arm(&err), "InvalidRequestContent");
	}
	size_t half = LF_JSON_DEPTH_MAX + 1;
	memset(deep, '[', half);
	memset(deep + half, ']', half);
	assert_int_equal(lf_json_parse(deep, 2 * half, &doc, &err), LF_EINVAL);
	assert_lf_ok(lf_json_parse(deep + 1, 2 * half - 2, &doc, &err));
	json_decref(doc);
}

static void test_at__finds_members_and_elements_and_takes_null_for_absent(void **state)
{
	LF_AUTO_JSON *doc = parse("{\"a\":{\"b\":[{\"c\":\"x\"}],\"n\":null}}");

	(void)state;
	assert_string_equal(lf_json_text(doc, "a.b.0.c"), "x");
	assert_null(lf_json_at(doc, "a.n"));
	assert_null(lf_json_at(doc, "a.b.1.c"));
	assert_null(lf_json_at(doc, "a.b.c"));
	assert_null(lf_json_text(doc, "a.b"));
	assert_string_equal(lf_json_text_or(doc, "z", "fallback"), "fallback");
}

static void test_values__come_as_themselves_or_as_text(void **state)
{
	LF_AUTO_JSON *doc = parse("{\"i\":5,\"s\":\"6\",\"t\":true,\"T\":\"True\",\"f\":\"no\"}");

	(void)state;
	assert_int_equal(lf_json_int_or(doc, "i", 0), 5);
	assert_int_equal(lf_json_int_or(doc, "s", 0), 6);
	assert_int_equal(lf_json_int_or(doc, "t", 9), 9);
	assert_true(lf_json_bool_or(doc, "t", false));
	assert_true(lf_json_bool_or(doc, "T", false));
	assert_true(lf_json_bool_or(doc, "f", true));
}

static void test_set__makes_the_way_and_refuses_to_break_it(void **state)
{
	LF_AUTO_JSON *doc = json_object();

	(void)state;
	assert_int_equal(lf_json_set_text(doc, "a.b.c", "x"), 0);
	assert_int_equal(lf_json_set_time(doc, "a.t", 0), 0);
	assert_string_equal(lf_json_text(doc, "a.t"), "1970-01-01T00:00:00.0000000Z");
	assert_int_not_equal(lf_json_set_int(doc, "a.b.c.d", 1), 0);
	assert_string_equal(lf_json_text(doc, "a.b.c"), "x");
	assert_int_not_equal(lf_json_set(doc, "a.z", NULL), 0);
}

static void test_merge__replaces_leaves_and_keeps_the_rest(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_JSON *doc = parse("{\"p\":{\"a\":1,\"b\":[1,2]},\"q\":1}");
	LF_AUTO_JSON *patch = parse("{\"p\":{\"b\":[3],\"c\":\"\"}}");
	LF_AUTO_FREE char *text = NULL;

	(void)state;
	assert_lf_ok(lf_json_merge(doc, patch, &err));
	assert_lf_ok(lf_json_dump(doc, &text, &err));
	assert_string_equal(text, "{\"p\":{\"a\":1,\"b\":[3],\"c\":\"\"},\"q\":1}");
}

static void test_parse__bounds_the_values_of_strangers(void **state)
{
	static const char *const shapes[] = {"{},", "[],", "1,", "\"\","};

	(void)state;
	for (size_t i = 0; i < LF_N(shapes); i++) {
		LF_AUTO_BUF text = LF_BUF_INIT;
		LF_AUTO_JSON *doc = NULL, *own = NULL;
		struct lf_error err;
		lf_buf_puts(&text, "[");
		for (size_t n = 0; n < LF_JSON_VALUES_MAX; n++)
			lf_buf_puts(&text, shapes[i]);
		lf_buf_puts(&text, "0]");
		assert_int_equal(lf_json_parse(text.data, text.len, &doc, &err), LF_EINVAL);
		assert_string_equal(lf_error_arm(&err), "InvalidRequestContent");
		assert_lf_ok(lf_json_parse_own(text.data, text.len, &own, &err));
	}
	/* commas and brackets inside strings are no values */
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *doc = NULL;
	struct lf_error err;
	lf_buf_puts(&text, "[\"\\\"");
	for (size_t n = 0; n < LF_JSON_VALUES_MAX; n++)
		lf_buf_puts(&text, ",[{");
	lf_buf_puts(&text, "\"]");
	assert_lf_ok(lf_json_parse(text.data, text.len, &doc, &err));
}

static void test_find__gives_the_first_of_an_array_with_this_text(void **state)
{
	LF_AUTO_JSON *array = json_pack("[{s:s,s:i},{s:i},{s:s,s:i},{s:s,s:i}]", "id", "a", "n", 1,
					"n", 2, "id", "B", "n", 3, "id", "b", "n", 4);

	(void)state;
	assert_int_equal(lf_json_int_or(lf_json_find(array, "id", "b"), "n", 0), 4);
	assert_int_equal(lf_json_int_or(lf_json_find_nocase(array, "id", "b"), "n", 0), 3);
	assert_null(lf_json_find(array, "id", "c"));
	assert_null(lf_json_find(NULL, "id", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse__bounds_the_values_of_strangers),
		cmocka_unit_test(test_parse__refuses_hostile_documents),
		cmocka_unit_test(test_at__finds_members_and_elements_and_takes_null_for_absent),
		cmocka_unit_test(test_values__come_as_themselves_or_as_text),
		cmocka_unit_test(test_set__makes_the_way_and_refuses_to_break_it),
		cmocka_unit_test(test_merge__replaces_leaves_and_keeps_the_rest),
		cmocka_unit_test(test_find__gives_the_first_of_an_array_with_this_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
