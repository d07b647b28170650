/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two questions of a body: does it ask for something that a row refuses, and
 * does it change a member that may not change?  The rows are asked in order,
 * and the first that is met answers.
 */
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

/* The paths that may be changed, and the one that is looked at. */
struct changes {
	const char *const *changing;
	size_t n;
	char path[256];
};

static bool may_change(const struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		size_t len = strlen(changes->changing[i]);
		if (strncmp(changes->path, changes->changing[i], len) == 0 &&
		    (!changes->path[len] || changes->path[len] == '.'))
			return true;
	}
	return false;
}

static bool same(const json_t *value, const json_t *was)
{
	if (json_is_string(value) && json_is_string(was))
		return lf_text_equal_nocase(json_string_value(value), json_string_value(was));
	if (!was)
		return json_is_null(value) || json_is_false(value) ||
		       (json_is_string(value) && !json_string_length(value));
	return json_equal((json_t *)(uintptr_t)value, (json_t *)(uintptr_t)was);
}

/* Is there a change that may not be?  Its path is then in changes. */
static bool find_change(struct changes *changes, const json_t *value, const json_t *was)
{
	size_t used = strlen(changes->path), i;
	const char *name;
	json_t *part;

	if (json_is_null(value) || (used && may_change(changes)))
		return false;
	if (!json_is_object(value) && !json_is_array(value))
		return !same(value, was);
	if (json_is_array(value) && json_array_size(value) != json_array_size(was))
		return true;
	json_object_foreach ((json_t *)(uintptr_t)value, name, part) {
		snprintf(changes->path + used, sizeof(changes->path) - used, "%s%s",
			 used ? "." : "", name);
		if (find_change(changes, part, json_object_get(was, name)))
			return true;
	}
	json_array_foreach ((json_t *)(uintptr_t)value, i, part) {
		snprintf(changes->path + used, sizeof(changes->path) - used, ".%zu", i);
		if (find_change(changes, part, json_array_get(was, i)))
			return true;
	}
	changes->path[used] = '\0';
	return false;
}

int lf_changes_check(const json_t *doc, const json_t *before, const char *const *changing, size_t n,
		     struct lf_error *err)
{
	struct changes changes = {changing, n, ""};
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)doc, name, value) {
		if (strcmp(name, "tags") == 0 || strcmp(name, "location") == 0)
			continue;
		snprintf(changes.path, sizeof(changes.path), "%s", name);
		if (find_change(&changes, value, json_object_get(before, name)))
			return lf_fail_arm(err, LF_ECONFLICT, "PropertyChangeNotAllowed",
					   changes.path, "leave it as it is, or make it anew",
					   "%s cannot be changed", changes.path);
	}
	return 0;
}

int lf_changes_take(json_t *kept, const json_t *doc, const char *const *changing, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *value = lf_json_at(doc, changing[i]);
		if (value && lf_json_set(kept, changing[i], json_incref(value)))
			return -1;
	}
	return 0;
}
