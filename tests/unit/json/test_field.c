/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "json/field.h"

static const char *const colours[] = {"Red", "DeepBlue", NULL};
static const struct lf_field fields[] = {
	{"kind", LF_ENUM, LF_REQUIRED, 0, 0, colours, "a colour"},
	{"properties.size", LF_INT, LF_CREATE_ONLY, 1, 10, NULL, "1 to 10"},
	{"properties.state", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "ours"},
	{"properties.secret", LF_TEXT, LF_SECRET, 0, 8, NULL, "at most 8"},
	{"properties.parts", LF_ARRAY, 0, 0, 2, NULL, "at most 2"},
	{"properties.parts.*.colour", LF_ENUM, LF_REQUIRED, 0, 0, colours, "of a part"},
};

static int check(json_t *doc, const json_t *before, struct lf_error *err)
{
	return lf_fields_check(fields, LF_N(fields), doc, before, err);
}

static json_t *parse(const char *text)
{
	json_t *doc = NULL;
	struct lf_error err;

	assert_lf_ok(lf_json_parse(text, strlen(text), &doc, &err));
	return doc;
}

static void test_fields__write_enums_as_published(void **state)
{
	LF_AUTO_JSON *doc =
		parse("{\"kind\":\"deepblue\",\"properties\":{\"parts\":[{\"colour\":\"RED\"}]}}");
	struct lf_error err;

	(void)state;
	assert_lf_ok(check(doc, NULL, &err));
	assert_string_equal(lf_json_text(doc, "kind"), "DeepBlue");
	assert_string_equal(lf_json_text(doc, "properties.parts.0.colour"), "Red");
}

static void test_fields__say_where_and_what_is_allowed(void **state)
{
	LF_AUTO_JSON *doc = parse("{\"kind\":\"Red\",\"properties\":{\"parts\":[{\"colour\":"
				  "\"Red\"},{\"colour\":\"Pink\"}]}}");
	LF_AUTO_JSON *none = parse("{\"kind\":null}");
	struct lf_error err;

	(void)state;
	assert_int_equal(check(doc, NULL, &err), LF_EINVAL);
	assert_string_equal(err.target, "properties.parts[1].colour");
	assert_non_null(strstr(err.hint, "DeepBlue"));
	assert_int_equal(check(none, NULL, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "MissingRequiredProperty");
	assert_string_equal(err.target, "kind");
}

static void test_fields__keep_ranges_and_lengths(void **state)
{
	static const char *const bad[] = {
		"{\"kind\":\"Red\",\"properties\":{\"size\":11}}",
		"{\"kind\":\"Red\",\"properties\":{\"size\":\"0\"}}",
		"{\"kind\":\"Red\",\"properties\":{\"size\":\"x\"}}",
		"{\"kind\":\"Red\",\"properties\":{\"secret\":\"123456789\"}}",
		"{\"kind\":\"Red\",\"properties\":{\"secret\":7}}",
		"{\"kind\":\"Red\",\"properties\":{\"parts\":[{\"colour\":\"Red\"},{\"colour\":"
		"\"Red\"},{\"colour\":\"Red\"}]}}"};
	struct lf_error err;

	(void)state;
	for (size_t i = 0; i < LF_N(bad); i++) {
		LF_AUTO_JSON *doc = parse(bad[i]);
		assert_int_equal(check(doc, NULL, &err), LF_EINVAL);
		assert_string_equal(err.arm_code, "InvalidParameter");
	}
}

static void test_fields__drop_what_is_ours_and_keep_what_is_fixed(void **state)
{
	LF_AUTO_JSON *before = parse("{\"kind\":\"Red\",\"properties\":{\"size\":3}}");
	LF_AUTO_JSON *same =
		parse("{\"kind\":\"Red\",\"properties\":{\"size\":3,\"state\":\"x\"}}");
	LF_AUTO_JSON *other = parse("{\"kind\":\"Red\",\"properties\":{\"size\":4}}");
	struct lf_error err;

	(void)state;
	assert_lf_ok(check(same, before, &err));
	assert_null(lf_json_at(same, "properties.state"));
	assert_int_equal(check(other, before, &err), LF_ECONFLICT);
	assert_string_equal(err.arm_code, "PropertyChangeNotAllowed");
}

static void test_fields__secrets_are_redacted(void **state)
{
	LF_AUTO_JSON *doc =
		parse("{\"kind\":\"Red\",\"properties\":{\"secret\":\"s\",\"size\":1}}");

	(void)state;
	lf_fields_redact(fields, LF_N(fields), doc);
	assert_null(lf_json_at(doc, "properties.secret"));
	assert_int_equal(lf_json_int_or(doc, "properties.size", 0), 1);
}

static void test_fields__fixed_values_may_be_written_otherwise(void **state)
{
	static const struct lf_field fixed[] = {
		{"id", LF_ID, LF_CREATE_ONLY, 0, 0, NULL, "an id"},
		{"size", LF_INT, LF_CREATE_ONLY, 0, 0, NULL, "a number"},
		{"on", LF_BOOL, LF_CREATE_ONLY, 0, 0, NULL, "a truth"},
		{"name", LF_TEXT, LF_CREATE_ONLY, 0, 0, NULL, "a name"},
	};
	static const char *const same[] = {
		"{\"id\":\"/A/b\",\"size\":7,\"on\":true,\"name\":\"x\"}",
		"{\"id\":\"/a/B\",\"size\":\"7\",\"on\":\"True\"}",
		"{\"id\":null}",
	};
	static const char *const other[] = {"{\"id\":\"/a/c\"}", "{\"size\":8}", "{\"on\":false}",
					    "{\"name\":\"X\"}"};
	LF_AUTO_JSON *before = parse(same[0]);
	struct lf_error err;

	(void)state;
	for (size_t i = 0; i < LF_N(same); i++) {
		LF_AUTO_JSON *doc = parse(same[i]);
		assert_lf_ok(lf_fields_check(fixed, LF_N(fixed), doc, before, &err));
	}
	for (size_t i = 0; i < LF_N(other); i++) {
		LF_AUTO_JSON *doc = parse(other[i]);
		assert_int_equal(lf_fields_check(fixed, LF_N(fixed), doc, before, &err),
				 LF_ECONFLICT);
		assert_string_equal(err.arm_code, "PropertyChangeNotAllowed");
	}
}

static void test_id__is_taken_by_its_form_alone(void **state)
{
	static const struct lf_field id[] = {{"id", LF_ID, 0, 0, 0, NULL, "an id"}};
	static const char *const bad[] = {"x", "/x/../y", "/x//y", "/x/y\nz", "/x/%2e%2e", "/x/"};

	(void)state;
	for (size_t i = 0; i < LF_N(bad); i++) {
		struct lf_error err = LF_ERROR_NONE;
		LF_AUTO_JSON *doc = json_pack("{s:s}", "id", bad[i]);
		assert_int_equal(lf_fields_check(id, 1, doc, NULL, &err), LF_EINVAL);
		assert_string_equal(err.target, "id");
	}
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_JSON *empty = json_pack("{s:s}", "id", "");
	LF_AUTO_JSON *good = json_pack("{s:s}", "id", "/subscriptions/s/resourceGroups/a b");
	assert_lf_ok(lf_fields_check(id, 1, empty, NULL, &err));
	assert_lf_ok(lf_fields_check(id, 1, good, NULL, &err));
}

static void test_fields__an_optional_enum_of_no_letters_is_absent(void **state)
{
	static const struct lf_field optional[] = {
		{"properties.tier", LF_ENUM, 0, 0, 0, colours, "a colour", "\"Red\""},
	};
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_JSON *doc = json_pack("{s:{s:s}}", "properties", "tier", "");
	LF_AUTO_JSON *required = json_pack("{s:s}", "kind", "");

	(void)state;
	assert_lf_ok(lf_fields_check(optional, 1, doc, NULL, &err));
	assert_null(lf_json_at(doc, "properties.tier"));
	assert_lf_ok(lf_fields_complete(optional, 1, doc, &err));
	assert_string_equal(lf_json_text(doc, "properties.tier"), "Red");
	assert_int_equal(check(required, NULL, &err), LF_EINVAL);
	assert_string_equal(err.target, "kind");
}

static void test_fields__fall_back_where_they_are_absent_or_null(void **state)
{
	static const struct lf_field account[] = {
		{"properties.tier", LF_TEXT, 0, 0, 0, NULL, "how fast", "\"Hot\""},
		{"properties.rules", LF_ARRAY, 0, 0, 0, NULL, "rules", "[]"},
		{"properties.open", LF_BOOL, 0, 0, 0, NULL, "is it open", "true"},
		{"properties.name", LF_TEXT, 0, 0, 0, NULL, "a name"},
	};
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_JSON *empty = json_object();
	LF_AUTO_JSON *given =
		json_pack("{s:{s:s,s:n,s:b}}", "properties", "tier", "Cool", "rules", "open", 0);

	(void)state;
	assert_lf_ok(lf_fields_complete(account, LF_N(account), empty, &err));
	assert_lf_ok(lf_fields_complete(account, LF_N(account), given, &err));
	LF_AUTO_FREE char *a = json_dumps(empty, JSON_COMPACT);
	LF_AUTO_FREE char *b = json_dumps(given, JSON_COMPACT);
	assert_string_equal(a, "{\"properties\":{\"tier\":\"Hot\",\"rules\":[],\"open\":true}}");
	assert_string_equal(b, "{\"properties\":{\"tier\":\"Cool\",\"rules\":[],\"open\":false}}");
}

static void test_fields__refuse_a_text_where_a_row_goes_on(void **state)
{
	static const char *const bad[][2] = {
		{"{\"kind\":\"Red\",\"properties\":\"x\"}", "properties"},
		{"{\"kind\":\"Red\",\"properties\":[]}", "properties"},
		{"{\"kind\":\"Red\",\"properties\":{\"parts\":[5]}}", "properties.parts[0]"},
		{"{\"kind\":\"Red\",\"properties\":{\"parts\":[null]}}", "properties.parts[0]"},
		{"{\"kind\":\"Red\",\"properties\":{\"parts\":{}}}", "properties.parts"},
	};
	struct lf_error err;

	(void)state;
	for (size_t i = 0; i < LF_N(bad); i++) {
		LF_AUTO_JSON *doc = parse(bad[i][0]);
		assert_int_equal(check(doc, NULL, &err), LF_EINVAL);
		assert_string_equal(err.arm_code, "InvalidParameter");
		assert_string_equal(err.target, bad[i][1]);
	}
}

static void test_fields__find_what_no_row_names(void **state)
{
	static const struct {
		const char *doc, *path;
	} strays[] = {
		{"{\"other\":1}", "other"},
		{"{\"properties\":{\"size\":1,\"licence\":\"x\"}}", "properties.licence"},
		{"{\"properties\":{\"parts\":[{\"colour\":\"Red\"},{\"shade\":{\"a\":1}}]}}",
		 "properties.parts[1].shade"},
		{"{\"Kind\":\"Red\"}", "Kind"},
		{"{\"properties.size\":1}", "properties.size"},
	};
	static const char good[] = "{\"kind\":\"Red\",\"x\":null,\"y\":\"\",\"properties\":{\"z\":"
				   "false,\"parts\":[{\"colour\":"
				   "\"Red\",\"a\":[],\"b\":{}}],\"told\":{\"when\":\"ABC\"}}}";
	char path[LF_FIELD_PATH_SIZE];
	LF_AUTO_JSON *shown = parse("{\"properties\":{\"told\":{\"when\":\"abc\"}}}");
	LF_AUTO_JSON *doc = parse(good);

	(void)state;
	for (size_t i = 0; i < LF_N(strays); i++) {
		LF_AUTO_JSON *stray = parse(strays[i].doc);
		assert_true(lf_fields_stray(fields, LF_N(fields), stray, NULL, path));
		assert_string_equal(path, strays[i].path);
	}
	assert_true(lf_fields_stray(fields, LF_N(fields), doc, NULL, path));
	assert_string_equal(path, "properties.told");
	assert_false(lf_fields_stray(fields, LF_N(fields), doc, shown, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields__write_enums_as_published),
		cmocka_unit_test(test_fields__say_where_and_what_is_allowed),
		cmocka_unit_test(test_fields__keep_ranges_and_lengths),
		cmocka_unit_test(test_fields__drop_what_is_ours_and_keep_what_is_fixed),
		cmocka_unit_test(test_fields__fixed_values_may_be_written_otherwise),
		cmocka_unit_test(test_fields__secrets_are_redacted),
		cmocka_unit_test(test_fields__an_optional_enum_of_no_letters_is_absent),
		cmocka_unit_test(test_fields__fall_back_where_they_are_absent_or_null),
		cmocka_unit_test(test_id__is_taken_by_its_form_alone),
		cmocka_unit_test(test_fields__refuse_a_text_where_a_row_goes_on),
		cmocka_unit_test(test_fields__find_what_no_row_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
