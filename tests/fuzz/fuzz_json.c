/* SPDX-License-Identifier: Apache-2.0 */
/* A request body of any bytes against a table with every kind of row. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "json/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const colours[] = {"Red", "Green", NULL};
static const struct lf_field fields[] = {
	{"location", LF_TEXT, LF_REQUIRED, 0, 40, NULL, "Where."},
	{"id", LF_ID, LF_READ_ONLY, 0, 0, NULL, "Ours."},
	{"properties", LF_OBJECT, 0, 0, 0, NULL, "The rest."},
	{"properties.count", LF_INT, 0, -5, 10, NULL, "How many."},
	{"properties.on", LF_BOOL, 0, 0, 0, NULL, "Whether."},
	{"properties.colour", LF_ENUM, LF_CREATE_ONLY, 0, 0, colours, "Which."},
	{"properties.secret", LF_TEXT, LF_SECRET, 0, 0, NULL, "Hidden."},
	{"properties.items", LF_ARRAY, 0, 0, 3, NULL, "Some."},
	{"properties.items.*.name", LF_TEXT, LF_REQUIRED, 0, 0, NULL, "Its name."},
	{"properties.items.*.colour", LF_ENUM, 0, 0, 0, colours, "Its colour."},
	{"properties.items.*.parts.*.id", LF_ID, LF_READ_ONLY, 0, 0, NULL, "Deep."},
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LF_AUTO_JSON *doc = NULL, *before = NULL, *again = NULL;
	LF_AUTO_FREE char *text = NULL, *once_more = NULL;
	struct lf_error err;

	if (lf_json_parse((const char *)data, size, &doc, &err))
		return 0;
	LF_ASSERT(lf_json_dump(doc, &text, &err) == 0);
	LF_ASSERT(lf_json_parse(text, strlen(text), &before, &err) == 0);
	/* reals are written with 15 digits, and so they stay */
	LF_ASSERT(lf_json_dump(before, &once_more, &err) == 0 && strcmp(text, once_more) == 0);
	if (lf_fields_check(fields, N_FIELDS, doc, before, &err) == 0) {
		/* what was accepted and put right is accepted again, as it is */
		again = json_deep_copy(doc);
		LF_ASSERT(lf_fields_check(fields, N_FIELDS, again, doc, &err) == 0);
		LF_ASSERT(json_equal(again, doc));
		LF_ASSERT(lf_json_text(doc, "location") && !lf_json_at(doc, "id"));
	} else {
		LF_ASSERT(err.message[0] && strlen(err.target) < sizeof(err.target));
	}
	lf_fields_redact(fields, N_FIELDS, doc);
	LF_ASSERT(!lf_json_at(doc, "properties.secret"));
	return 0;
}
