/* SPDX-License-Identifier: Apache-2.0 */
/* $filter of lists: what it lets pass, and that it is refused rather than passed over. */
#include "test.h"

#include "base/buf.h"
#include "base/text.h"
#include "providers/common/filter.h"

static const struct lf_filter_row rows[] = {
	{"jobStatus", "properties.state"},
	{"name", "name"},
	{"location", "location", LF_FILTER_LOCATION},
	{"itemType", "VM", LF_FILTER_FIXED},
	{"at", "properties.at", LF_FILTER_TIME},
	{"startDate", "properties.at", LF_FILTER_FROM},
	{"endDate", "properties.at", LF_FILTER_UNTIL},
	{"tagName", .kind = LF_FILTER_TAG_NAME},
	{"tagValue", .kind = LF_FILTER_TAG_VALUE},
};

static json_t *a_document(void)
{
	return json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:s,s:s}}", "name", "it's vm1", "location",
			 "eastus", "properties", "state", "Failed", "at",
			 "2026-11-27T13:30:00.0000000Z", "tags", "env", "test", "owner", "lab");
}

static bool passes(const char *text)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *doc = a_document();

	assert_lf_ok(lf_filter_new(text, rows, LF_N(rows), &filter, &err));
	return lf_filter_passes(filter, doc);
}

static void test_filter__says_which_documents_pass(void **state)
{
	static const struct {
		const char *text;
		bool passes;
	} cases[] = {
		{"", true},
		{"  ", true},
		{"JobStatus eq 'failed'", true},
		{"jobstatus eq Failed", true},
		{"JobStatus ne 'Failed'", false},
		{"name eq 'it''s vm1'", true},
		{"(jobStatus eq 'Failed') and (name eq 'x')", false},
		{"jobStatus eq 'x' or name eq 'it''s vm1'", true},
		{"jobStatus eq 'x' and name eq 'y' or itemType eq 'vm'", true},
		{"jobStatus eq 'x' and (name eq 'y' or itemType eq 'vm')", false},
		{"itemType ne 'VM'", false},
		{"substringof('VM', name)", true},
		{"substringof('web', name) and location eq 'eastus'", false},
		{"startswith(name,'it')", true},
		{"startswith(name,'vm')", false},
		{"location eq 'East US'", true},
		{"location ne 'east us'", false},
		{"tagName eq 'env' and tagValue eq 'test'", true},
		{"tagname eq 'env'", true},
		{"tagName eq 'env' and tagValue eq 'lab'", false},
		{"startswith(tagName, 'own')", true},
		{"tagName eq 'none'", false},
	};

	(void)state;
	for (size_t i = 0; i < LF_N(cases); i++)
		if (passes(cases[i].text) != cases[i].passes)
			fail_msg("%s", cases[i].text);
}

/* Of a point of 13:30. */
static void test_filter__reads_times_in_every_form_that_clients_write(void **state)
{
	static const struct {
		const char *from, *until;
		bool passes;
	} cases[] = {
		{"2026-11-27 12:00:00 AM", "2026-11-28 12:00:00 AM", true},
		{"2026-11-27 00:00:00 AM", "2026-11-27 11:59:59 PM", true},
		{"2026-11-27 01:30:00 PM", "2026-11-27 01:30:00 pm", true},
		{"2026-11-27 01:30:01 PM", "2026-11-28 01:30:00 AM", false},
		{"2026-11-27 12:00:00 PM", "2026-11-27 01:29:59 PM", false},
		{"2026-11-27", "2026-11-28", true},
		{"2026-11-28", "2026-11-29", false},
		{"2026-11-27 13:30:00", "2026-11-27 13:30:00", true},
		{"2026-11-27T13:30:00Z", "2026-11-27T13:30Z", true},
		{"2026-11-27T14:30:00+01:00", "2026-11-27T13:30:00.0000000Z", true},
	};
	char text[160];

	(void)state;
	for (size_t i = 0; i < LF_N(cases); i++) {
		snprintf(text, sizeof(text), "startDate eq '%s' and endDate eq '%s'", cases[i].from,
			 cases[i].until);
		if (passes(text) != cases[i].passes)
			fail_msg("%s", text);
	}
	assert_true(passes("at eq '2026-11-27T13:30:00Z' and at lt '2026-11-27T13:30:01Z'"));
	assert_false(passes("at gt '2026-11-27T13:30:00Z'"));
}

static void test_filter__what_cannot_be_read_is_refused(void **state)
{
	static const char *const cases[] = {
		"JobStatus eq",
		"JobStatus",
		"eq 'x'",
		"JobStatus like 'x'",
		"JobStatus eq 'x' or 1",
		"JobStatus eq 'x",
		"JobStatus eq 'x' JobStatus eq 'x'",
		"JobStatus eq 'x' and",
		"JobStatus eq 'x')",
		"(JobStatus eq 'x'",
		"not JobStatus eq 'x'",
		"JobStatus gt 'x'",
		"nonsense eq 'x'",
		"JobStatus eq 'Failed' or nonsense eq 'x'",
		"substringof(name)",
		"substringof('x', nonsense)",
		"startswith(name, 'x'",
		"substringof('x', tagName)",
		"tagName ne 'x'",
		"startswith(at, '2026')",
		"startDate eq 'yesterday'",
		"startDate eq '2026-13-01'",
		"startDate eq '2026-11-27 13:00:00 PM'",
		"startDate eq '2026-11-27 10:00:00 XM'",
		"startDate eq '2026-11-27 x'",
		"startDate eq ''",
	};
	static const char *const deep = "((((((((((((((((((((name eq 'x'))))))))))))))))))))";
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_FILTER *filter = NULL;

	(void)state;
	for (size_t i = 0; i < LF_N(cases); i++)
		if (lf_filter_new(cases[i], rows, LF_N(rows), &filter, &err) != LF_EINVAL ||
		    strcmp(lf_error_arm(&err), "InvalidFilterInQueryString") != 0)
			fail_msg("%s", cases[i]);
	assert_int_equal(lf_filter_new(deep, rows, LF_N(rows), &filter, &err), LF_EINVAL);
	assert_int_equal(lf_filter_new("name eq 'x'", NULL, 0, &filter, &err), LF_EINVAL);
	assert_null(filter);
}

static void test_filter__has_as_many_conditions_as_it_says(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_FILTER *filter = NULL, *none = NULL;
	LF_AUTO_JSON *doc = a_document();
	LF_AUTO_BUF text = LF_BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 31; i++)
		lf_buf_puts(&text, "name eq 'x' or ");
	lf_buf_puts(&text, "itemType eq 'VM'");
	assert_lf_ok(lf_filter_new(lf_buf_text(&text), rows, LF_N(rows), &filter, &err));
	assert_true(lf_filter_passes(filter, doc));
	lf_buf_puts(&text, " or name eq 'x'");
	assert_int_equal(lf_filter_new(lf_buf_text(&text), rows, LF_N(rows), &none, &err),
			 LF_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter__says_which_documents_pass),
		cmocka_unit_test(test_filter__reads_times_in_every_form_that_clients_write),
		cmocka_unit_test(test_filter__what_cannot_be_read_is_refused),
		cmocka_unit_test(test_filter__has_as_many_conditions_as_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
