/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "json/doc.h"

static void assert_text(json_t *doc, const char *expected)
{
	LF_AUTO_FREE char *text = NULL;
	struct lf_error err;

	assert_lf_ok(lf_json_dump(doc, &text, &err));
	assert_string_equal(text, expected);
}

static void test_doc__is_what_was_put_in_its_order(void **state)
{
	LF_AUTO_JSON *tags = json_pack("{s:s}", "a", "b");
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_JSON *made = NULL;
	struct lf_error err;

	(void)state;
	lf_doc_text(&doc, "name", "x");
	lf_doc_int(&doc, "properties.size", -7);
	lf_doc_bool(&doc, "properties.on", true);
	lf_doc_printf(&doc, "properties.id", "%s/%d", "y", 3);
	lf_doc_share(&doc, "tags", tags);
	lf_doc_put(&doc, "list", json_array());
	lf_doc_null(&doc, "none");
	assert_lf_ok(lf_doc_end(&doc, &made, &err));
	assert_text(made, "{\"name\":\"x\",\"properties\":{\"size\":-7,\"on\":true,\"id\":\"y/3\"},"
			  "\"tags\":{\"a\":\"b\"},\"list\":[],\"none\":null}");
	assert_text(tags, "{\"a\":\"b\"}");
}

static void test_doc__says_what_becomes_of_an_absent_value(void **state)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	(void)state;
	lf_doc_text(&doc, "text", NULL);
	lf_doc_text_if(&doc, "leftOut", NULL);
	lf_doc_share(&doc, "value", NULL);
	lf_doc_share_if(&doc, "leftOut", NULL);
	lf_doc_time(&doc, "time", 0);
	LF_AUTO_JSON *made = lf_doc_take(&doc);
	assert_text(made, "{\"text\":null,\"value\":null,\"time\":null}");
}

static void test_doc__of_nothing_is_an_empty_object(void **state)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_JSON *made = lf_doc_take(&doc);

	(void)state;
	assert_text(made, "{}");
}

static void test_doc__goes_on_with_an_object(void **state)
{
	LF_AUTO_DOC doc = lf_doc_from(json_pack("{s:s}", "a", "b"));

	(void)state;
	lf_doc_text(&doc, "c", "d");
	LF_AUTO_JSON *made = lf_doc_take(&doc);
	assert_text(made, "{\"a\":\"b\",\"c\":\"d\"}");
}

static void test_doc__appends_to_arrays_that_it_makes(void **state)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		LF_AUTO_DOC part = LF_DOC_INIT;
		lf_doc_int(&part, "lun", i);
		lf_doc_append(&doc, "properties.parts", lf_doc_take(&part));
	}
	LF_AUTO_JSON *made = lf_doc_take(&doc);
	assert_text(made, "{\"properties\":{\"parts\":[{\"lun\":0},{\"lun\":1}]}}");
}

static void fail_by_text(struct lf_doc *doc)
{
	lf_doc_text(doc, "a", "\xff");
}

static void fail_by_value(struct lf_doc *doc)
{
	lf_doc_put(doc, "a", NULL);
}

static void fail_by_element(struct lf_doc *doc)
{
	lf_doc_append(doc, "a", NULL);
}

static void fail_by_path(struct lf_doc *doc)
{
	lf_doc_text(doc, "a", "text");
	lf_doc_text(doc, "a.b", "below a text");
}

static void fail_by_array(struct lf_doc *doc)
{
	lf_doc_text(doc, "a", "text");
	lf_doc_append(doc, "a", json_true());
}

static void fail_from_start(struct lf_doc *doc)
{
	*doc = lf_doc_from(NULL);
}

static void test_doc__that_failed_once_stays_failed(void **state)
{
	void (*const ways[])(struct lf_doc *) = {fail_by_text, fail_by_value, fail_by_element,
						 fail_by_path, fail_by_array, fail_from_start};

	(void)state;
	for (size_t i = 0; i < LF_N(ways); i++) {
		LF_AUTO_DOC doc = LF_DOC_INIT;
		LF_AUTO_DOC outer = LF_DOC_INIT;
		struct lf_error err = LF_ERROR_NONE;
		json_t *made = NULL;

		ways[i](&doc);
		lf_doc_text(&doc, "b", "later");
		lf_doc_append(&doc, "list", json_true());
		assert_int_equal(lf_doc_check(&doc, &err), LF_ENOMEM);
		assert_int_equal(lf_doc_end(&doc, &made, &err), LF_ENOMEM);
		assert_null(made);
		/* and with it what it was to be part of */
		lf_doc_put(&outer, "inner", lf_doc_take(&doc));
		assert_null(lf_doc_take(&outer));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doc__is_what_was_put_in_its_order),
		cmocka_unit_test(test_doc__says_what_becomes_of_an_absent_value),
		cmocka_unit_test(test_doc__of_nothing_is_an_empty_object),
		cmocka_unit_test(test_doc__goes_on_with_an_object),
		cmocka_unit_test(test_doc__appends_to_arrays_that_it_makes),
		cmocka_unit_test(test_doc__that_failed_once_stays_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
