/* SPDX-License-Identifier: Apache-2.0 */
#include "json/view.h"

#include "test.h"

enum { DISK, ROW };

static const struct lf_view_row rows[] = {
	{"size", LF_VIEW_INT, DISK, "sizeBytes", "0"},
	{"name", LF_VIEW_TEXT, ROW, "given.name"},
	{"type", LF_VIEW_TEXT, ROW, "type", "\"Standard\""},
	{"boots", LF_VIEW_WORD, DISK, "os", "\"false\""},
	{"tags", LF_VIEW_ANY, ROW, "tags", "[]"},
	{"seed.uri"},
	{"seed.kind", .fallback = "\"none\""},
};

static void assert_view(const json_t *disk, const json_t *row, const char *expected)
{
	const json_t *const sources[] = {[DISK] = disk, [ROW] = row};
	LF_AUTO_DOC view = LF_DOC_INIT;
	struct lf_error err;
	LF_AUTO_JSON *doc = NULL;

	lf_view_put(&view, rows, LF_N(rows), sources);
	assert_lf_ok(lf_doc_end(&view, &doc, &err));
	LF_AUTO_FREE char *text = json_dumps(doc, JSON_COMPACT);
	assert_string_equal(text, expected);
}

static void test_view__copies_what_is_there(void **state)
{
	LF_AUTO_JSON *disk = json_pack("{s:s,s:b}", "sizeBytes", "4096", "os", 1);
	LF_AUTO_JSON *row = json_pack("{s:{s:s},s:s,s:[s]}", "given", "name", "data", "type",
				      "Premium", "tags", "a");

	(void)state;
	assert_view(disk, row,
		    "{\"size\":4096,\"name\":\"data\",\"type\":\"Premium\",\"boots\":\"true\","
		    "\"tags\":[\"a\"],\"seed\":{\"uri\":null,\"kind\":\"none\"}}");
}

static void test_view__falls_back_where_a_source_has_nothing(void **state)
{
	LF_AUTO_JSON *row = json_pack("{s:{s:s},s:s,s:n}", "given", "name", "", "type", "", "tags");

	(void)state;
	assert_view(NULL, row,
		    "{\"size\":0,\"name\":null,\"type\":\"Standard\",\"boots\":\"false\","
		    "\"tags\":[],\"seed\":{\"uri\":null,\"kind\":\"none\"}}");
	assert_view(NULL, NULL,
		    "{\"size\":0,\"name\":null,\"type\":\"Standard\",\"boots\":\"false\","
		    "\"tags\":[],\"seed\":{\"uri\":null,\"kind\":\"none\"}}");
}

static void test_view__fails_where_a_fallback_is_no_json(void **state)
{
	static const struct lf_view_row bad[] = {{"a", .fallback = "none"}};
	LF_AUTO_DOC view = LF_DOC_INIT;
	struct lf_error err;

	(void)state;
	lf_view_put(&view, bad, LF_N(bad), NULL);
	assert_int_equal(lf_doc_check(&view, &err), LF_ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_view__copies_what_is_there),
		cmocka_unit_test(test_view__falls_back_where_a_source_has_nothing),
		cmocka_unit_test(test_view__fails_where_a_fallback_is_no_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
