/* SPDX-License-Identifier: Apache-2.0 */
#include "json/view.h"

/* The value that the row finds, or NULL; the caller's. */
static json_t *find_value(const struct lf_view_row *row, const json_t *source)
{
	json_t *value = lf_json_at(source, row->path);
	const char *text = json_string_value(value);

	if (!value)
		return NULL;
	switch (row->kind) {
	case LF_VIEW_CONST:
		return NULL;
	case LF_VIEW_ANY:
		return json_incref(value);
	case LF_VIEW_TEXT:
		return text && *text ? json_incref(value) : NULL;
	case LF_VIEW_INT:
		return json_integer(lf_json_int_or(value, "", 0));
	case LF_VIEW_WORD:
		return json_string(lf_json_bool_or(value, "", false) ? "true" : "false");
	}
	return NULL;
}

void lf_view_put(struct lf_doc *view, const struct lf_view_row *rows, size_t n,
		 const json_t *const *sources)
{
	for (size_t i = 0; i < n; i++) {
		json_t *value = rows[i].kind == LF_VIEW_CONST
					? NULL
					: find_value(&rows[i], sources[rows[i].from]);
		if (!value)
			value = rows[i].fallback
					? json_loads(rows[i].fallback, JSON_DECODE_ANY, NULL)
					: json_null();
		lf_doc_put(view, rows[i].name, value);
	}
}
