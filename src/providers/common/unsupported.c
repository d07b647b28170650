/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/unsupported.h"

#include <string.h>

#include "base/text.h"

static bool says(const json_t *value, bool what)
{
	const char *text = json_string_value(value);

	return text ? lf_text_equal_nocase(text, what ? "true" : "false")
		    : json_is_boolean(value) && json_is_true(value) == what;
}

static bool is_met(const struct lf_unsupported *row, const json_t *value)
{
	switch (row->when) {
	case LF_IS_TRUE:
		return says(value, true);
	case LF_IS_FALSE:
		return says(value, false);
	case LF_IS_TEXT:
		return json_is_string(value) &&
		       lf_text_equal_nocase(json_string_value(value), row->text);
	default:
		return value && !json_is_null(value) &&
		       !(json_is_string(value) && !json_string_value(value)[0]) &&
		       !(json_is_array(value) && json_array_size(value) == 0) &&
		       !(json_is_object(value) && json_object_size(value) == 0);
	}
}

int lf_unsupported_check(const struct lf_unsupported *rows, size_t n, const json_t *doc,
			 struct lf_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (is_met(&rows[i], lf_json_at(doc, rows[i].path)))
			return lf_fail_arm(err, LF_EUNSUPPORTED, rows[i].code, rows[i].path,
					   "leave it out: this site would not keep to it",
					   "%s cannot be set so here", rows[i].path);
	return 0;
}

struct rows {
	const struct lf_field *fields;
	size_t n;
};

enum naming { UNKNOWN, BELOW, NAMED };

/* Do rows name the path, or something below it? */
static enum naming find_naming(const struct rows *rows, const char *path)
{
	enum naming found = UNKNOWN;
	size_t len = strlen(path);

	for (size_t i = 0; i < rows->n; i++) {
		const char *row = rows->fields[i].path;
		if (strncmp(row, path, len) != 0)
			continue;
		if (row[len] == '.')
			return BELOW;
		if (!row[len])
			found = NAMED;
	}
	return found;
}

static bool asks_nothing(const json_t *value)
{
	return json_is_null(value) || json_is_false(value) ||
	       (json_is_string(value) && !json_string_length(value));
}

/* The first path below doc that no row names, into path; false: all are named. */
static bool find_unnamed(const struct rows *rows, json_t *doc, char *path, size_t size)
{
	size_t len = strlen(path), i;
	const char *key;
	json_t *value;

	if (asks_nothing(doc))
		return false;
	enum naming naming = len ? find_naming(rows, path) : BELOW;
	if (naming != BELOW && !json_is_object(doc) && !json_is_array(doc))
		return naming == UNKNOWN;
	if (naming == NAMED)
		return false;
	json_object_foreach (doc, key, value) {
		snprintf(path + len, size - len, "%s%.60s", len ? "." : "", key);
		if (find_unnamed(rows, value, path, size))
			return true;
	}
	json_array_foreach (doc, i, value) {
		snprintf(path + len, size - len, ".*");
		if (find_unnamed(rows, value, path, size))
			return true;
	}
	path[len] = '\0';
	return false;
}

int lf_members_check(struct lf_arm_call *call, struct lf_error *err)
{
	struct rows rows;
	char path[512] = "";

	rows.fields = lf_arm_fields(call, &rows.n);
	if (!find_unnamed(&rows, lf_arm_body(call), path, sizeof(path)))
		return 0;
	return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", path,
			   "leave it out: this site would not keep to it", "%s cannot be set here",
			   path);
}
