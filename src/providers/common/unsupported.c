/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/unsupported.h"

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
