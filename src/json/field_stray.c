/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that no row names.
 *
 * The document is walked from its root.  A path that rows go on from is descended; one that a row
 * ends at is that row's, with all that is below it; one that no row knows is stray, unless it asks
 * for nothing or repeats what is shown.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "json/field_internal.h"

struct walk {
	const struct lf_field *fields;
	size_t n;
};

/* How the rows know a path: not at all, by one that ends there, by those that go on. */
enum known { STRAY, ENDS, GOES_ON };

static enum known known(const struct walk *walk, const char *rows_path,
			const struct lf_field **ret_row)
{
	size_t len = strlen(rows_path);
	enum known found = STRAY;

	for (size_t i = 0; i < walk->n; i++) {
		const struct lf_field *row = &walk->fields[i];
		if (strncmp(row->path, rows_path, len) != 0)
			continue;
		if (row->path[len] == '.')
			found = GOES_ON;
		else if (row->path[len] == '\0' && (*ret_row = row) && found == STRAY)
			found = ENDS;
	}
	return found;
}

/* null, false and "" ask for nothing, and so does what holds nothing else. */
static bool asks(const json_t *value)
{
	const char *name;
	json_t *part;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)value, name, part)
		if (asks(part))
			return true;
	json_array_foreach ((json_t *)(uintptr_t)value, i, part)
		if (asks(part))
			return true;
	return !json_is_null(value) && !json_is_false(value) && !json_is_object(value) &&
	       !json_is_array(value) && !(json_is_string(value) && json_string_length(value) == 0);
}

static bool is_shown(const json_t *shown, const json_t *value)
{
	const char *text = json_string_value(value), *was = json_string_value(shown);

	return text && was ? lf_text_equal_nocase(text, was) : shown && json_equal(shown, value);
}

static bool member_stray(const struct walk *walk, const char *rows_path, const json_t *value,
			 const json_t *shown, char path[static LF_FIELD_PATH_SIZE]);

static bool object_stray(const struct walk *walk, const char *rows_path, const json_t *object,
			 const json_t *shown, char path[static LF_FIELD_PATH_SIZE])
{
	size_t used = strlen(path);
	char below[LF_FIELD_PATH_SIZE];
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
		/* one with a dot in it is not the path that it looks like */
		snprintf(below, sizeof(below), "%s%s%s", rows_path, *rows_path ? "." : "",
			 strchr(name, '.') ? "." : name);
		snprintf(path + used, LF_FIELD_PATH_SIZE - used, "%s%s", used ? "." : "", name);
		if (member_stray(walk, below, value, json_object_get(shown, name), path))
			return true;
		path[used] = '\0';
	}
	return false;
}

static bool array_stray(const struct walk *walk, const char *rows_path, const json_t *array,
			const json_t *shown, char path[static LF_FIELD_PATH_SIZE])
{
	size_t used = strlen(path);
	char below[LF_FIELD_PATH_SIZE];

	snprintf(below, sizeof(below), "%s.*", rows_path);
	for (size_t i = 0; i < json_array_size(array); i++) {
		snprintf(path + used, LF_FIELD_PATH_SIZE - used, "[%zu]", i);
		if (member_stray(walk, below, json_array_get(array, i), json_array_get(shown, i),
				 path))
			return true;
		path[used] = '\0';
	}
	return false;
}

/* A row's own table of rows, of its member or of its elements. */
static bool nested_stray(const struct lf_field *row, const json_t *value, const json_t *shown,
			 char path[static LF_FIELD_PATH_SIZE])
{
	const struct walk walk = {row->at.rows, row->at.n_rows};

	if (json_is_object(value))
		return object_stray(&walk, "", value, shown, path);
	size_t used = strlen(path);
	for (size_t i = 0; i < json_array_size(value); i++) {
		snprintf(path + used, LF_FIELD_PATH_SIZE - used, "[%zu]", i);
		if (object_stray(&walk, "", json_array_get(value, i), json_array_get(shown, i),
				 path))
			return true;
		path[used] = '\0';
	}
	return false;
}

static bool member_stray(const struct walk *walk, const char *rows_path, const json_t *value,
			 const json_t *shown, char path[static LF_FIELD_PATH_SIZE])
{
	const struct lf_field *row = NULL;
	enum known how = known(walk, rows_path, &row);

	if (how == ENDS)
		return row->at.rows && nested_stray(row, value, shown, path);
	if (how == STRAY && !(json_is_object(value) && json_is_object(shown)))
		return asks(value) && !is_shown(shown, value);
	if (json_is_object(value))
		return object_stray(walk, rows_path, value, shown, path);
	return json_is_array(value) && array_stray(walk, rows_path, value, shown, path);
}

bool lf_fields_stray(const struct lf_field *fields, size_t n, const json_t *doc,
		     const json_t *shown, char ret_path[static LF_FIELD_PATH_SIZE])
{
	const struct walk walk = {fields, n};

	ret_path[0] = '\0';
	return object_stray(&walk, "", doc, shown, ret_path);
}
