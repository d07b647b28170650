/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "json/field.h"

enum colour { RED, DEEP_BLUE };
static const char *const colours[] = {"Red", "DeepBlue", NULL};

struct source {
	const char *region;
	int64_t bytes;
};
struct part {
	char guid[LF_GUID_SIZE];
	int lun;
	struct source source;
};
struct machine {
	const char *name;
	enum colour colour;
	bool on;
	unsigned cores;
	struct part parts[2];
	size_t n_parts;
	int luns[3];
	size_t n_luns;
	const json_t *tags;
};

static const struct lf_field source_fields[] = {
	LF_TEXT_AT(struct source, region, "region", LF_REQUIRED),
	LF_INT_AT(struct source, bytes, "bytes", 0, 0, INT64_MAX),
};
static const struct lf_field part_fields[] = {
	LF_GUID_AT(struct part, guid, "guid", LF_REQUIRED),
	LF_INT_AT(struct part, lun, "lun", LF_REQUIRED, -1, 63),
	LF_OBJECT_AT(struct part, source, "source", 0, source_fields),
};
static const struct lf_field lun_fields[] = {LF_INT_ELEMENT(-1, 63)};
static const struct lf_field fields[] = {
	LF_TEXT_AT(struct machine, name, "name", LF_REQUIRED),
	LF_ENUM_AT(struct machine, colour, "properties.colour", 0, colours),
	LF_BOOL_AT(struct machine, on, "properties.on", 0),
	LF_INT_AT(struct machine, cores, "cores", 0, 1, UINT32_MAX),
	{"notOurs", LF_TEXT, 0, 0, 3, NULL, "a field that no struct has"},
	LF_ARRAY_AT(struct machine, parts, n_parts, "parts", 0, part_fields),
	LF_ARRAY_AT(struct machine, luns, n_luns, "luns", 0, lun_fields),
	LF_JSON_AT(struct machine, tags, "tags", 0, LF_OBJECT),
};

#define GUID "01234567-89ab-4cde-8f01-23456789abcd"
#define WHOLE                                                                                      \
	"{\"name\":\"m\",\"properties\":{\"colour\":\"DeepBlue\",\"on\":true},"                    \
	"\"cores\":4000000000,"                                                                    \
	"\"parts\":[{\"guid\":\"" GUID "\",\"lun\":-1,\"source\":{\"region\":\"r\","               \
	"\"bytes\":5000000000}}],\"luns\":[-1,63],\"tags\":{\"a\":\"b\"}}"

static json_t *parse(const char *text)
{
	json_t *doc = NULL;
	struct lf_error err;

	assert_lf_ok(lf_json_parse(text, strlen(text), &doc, &err));
	return doc;
}

static int read_machine(const json_t *doc, struct machine *machine, struct lf_error *err)
{
	return lf_fields_read(fields, LF_N(fields), doc, "", machine, err);
}

static void test_read__fills_a_struct_by_its_rows(void **state)
{
	LF_AUTO_JSON *doc = parse(WHOLE);
	struct machine machine = {0};
	struct lf_error err;

	(void)state;
	assert_lf_ok(read_machine(doc, &machine, &err));
	assert_string_equal(machine.name, "m");
	assert_int_equal(machine.colour, DEEP_BLUE);
	assert_true(machine.on);
	assert_int_equal(machine.cores, 4000000000);
	assert_int_equal(machine.n_parts, 1);
	assert_string_equal(machine.parts[0].guid, GUID);
	assert_int_equal(machine.parts[0].lun, -1);
	assert_string_equal(machine.parts[0].source.region, "r");
	assert_int_equal(machine.parts[0].source.bytes, 5000000000);
	assert_int_equal(machine.n_luns, 2);
	assert_int_equal(machine.luns[0], -1);
	assert_int_equal(machine.luns[1], 63);
	assert_string_equal(lf_json_text(machine.tags, "a"), "b");
}

static void test_write__gives_the_document_that_was_read(void **state)
{
	LF_AUTO_JSON *doc = parse(WHOLE);
	struct machine machine = {0};
	LF_AUTO_DOC out = LF_DOC_INIT;
	struct lf_error err;

	(void)state;
	assert_lf_ok(read_machine(doc, &machine, &err));
	lf_fields_write(fields, LF_N(fields), &machine, &out);
	LF_AUTO_JSON *written = lf_doc_take(&out);
	LF_AUTO_FREE char *text = NULL;
	assert_lf_ok(lf_json_dump(written, &text, &err));
	assert_string_equal(text, WHOLE);
}

static void test_write__leaves_out_what_is_not_there(void **state)
{
	const struct machine machine = {.name = "m", .cores = 1, .n_parts = 1};
	LF_AUTO_DOC out = LF_DOC_INIT;
	struct lf_error err;

	(void)state;
	lf_fields_write(fields, LF_N(fields), &machine, &out);
	LF_AUTO_JSON *written = lf_doc_take(&out);
	LF_AUTO_FREE char *text = NULL;
	assert_lf_ok(lf_json_dump(written, &text, &err));
	assert_string_equal(text,
			    "{\"name\":\"m\",\"properties\":{\"colour\":\"Red\",\"on\":false},"
			    "\"cores\":1,\"parts\":[{\"lun\":0,\"source\":{\"bytes\":0}}],"
			    "\"luns\":[]}");
}

static void test_read__leaves_defaults_where_nothing_is_said(void **state)
{
	LF_AUTO_JSON *doc = parse("{\"name\":\"m\",\"properties\":null}");
	struct machine machine = {.colour = DEEP_BLUE, .on = true, .cores = 3, .n_parts = 0};
	struct lf_error err;

	(void)state;
	assert_lf_ok(read_machine(doc, &machine, &err));
	assert_int_equal(machine.colour, DEEP_BLUE);
	assert_true(machine.on);
	assert_int_equal(machine.cores, 3);
	assert_null(machine.tags);
}

static void test_read__says_which_field_is_wrong(void **state)
{
	static const struct {
		const char *doc, *target, *code;
	} rows[] = {
		{"{}", "it.name", "MissingRequiredProperty"},
		{"{\"name\":7}", "it.name", "InvalidParameter"},
		{"{\"name\":\"m\",\"properties\":{\"colour\":\"Pink\"}}", "it.properties.colour",
		 "InvalidParameter"},
		{"{\"name\":\"m\",\"cores\":0}", "it.cores", "InvalidParameter"},
		{"{\"name\":\"m\",\"parts\":{}}", "it.parts", "InvalidParameter"},
		{"{\"name\":\"m\",\"parts\":[{},{},{}]}", "it.parts", "InvalidParameter"},
		{"{\"name\":\"m\",\"parts\":[{\"lun\":1}]}", "it.parts[0].guid",
		 "MissingRequiredProperty"},
		{"{\"name\":\"m\",\"parts\":[{\"guid\":\"..\"}]}", "it.parts[0].guid",
		 "InvalidParameter"},
		{"{\"name\":\"m\",\"parts\":[{\"guid\":\"" GUID "\",\"lun\":1},{\"guid\":\"" GUID
		 "\",\"lun\":1,\"source\":{}}]}",
		 "it.parts[1].source.region", "MissingRequiredProperty"},
		{"{\"name\":\"m\",\"luns\":[1,64]}", "it.luns[1]", "InvalidParameter"},
		{"[]", "it.name", "MissingRequiredProperty"},
	};

	(void)state;
	for (size_t i = 0; i < LF_N(rows); i++) {
		LF_AUTO_JSON *doc = parse(rows[i].doc);
		struct lf_error err = LF_ERROR_NONE;
		struct machine machine = {0};
		assert_int_equal(lf_fields_read(fields, LF_N(fields), doc, "it", &machine, &err),
				 LF_EINVAL);
		assert_string_equal(err.target, rows[i].target);
		assert_string_equal(err.arm_code, rows[i].code);
	}
}

static void test_read__changes_nothing_in_the_document(void **state)
{
	LF_AUTO_JSON *doc = parse("{\"name\":\"m\",\"properties\":{\"colour\":\"RED\"}}");
	LF_AUTO_JSON *before = json_deep_copy(doc);
	struct machine machine = {0};
	struct lf_error err;

	(void)state;
	assert_lf_ok(read_machine(doc, &machine, &err));
	assert_int_equal(machine.colour, RED);
	assert_true(json_equal(doc, before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read__fills_a_struct_by_its_rows),
		cmocka_unit_test(test_write__gives_the_document_that_was_read),
		cmocka_unit_test(test_write__leaves_out_what_is_not_there),
		cmocka_unit_test(test_read__leaves_defaults_where_nothing_is_said),
		cmocka_unit_test(test_read__says_which_field_is_wrong),
		cmocka_unit_test(test_read__changes_nothing_in_the_document),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
