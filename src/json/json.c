/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths, values in the forms that Azure's clients send them, and parsing with
 * limits: depth and number of values are counted on the text before jansson is
 * given it, so that a hostile document takes no memory.
 */
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "os/file.h"

#define JSON_FILE_MAX (16 << 20)
#define JSON_NAME_MAX 128 /* longest component of a path */

/* jansson takes a text that it had no memory for as one that is wrong. */
static _Thread_local bool no_memory;

static void *allocate(size_t len)
{
	void *memory = malloc(len);

	no_memory = no_memory || !memory;
	return memory;
}

__attribute__((constructor)) static void watch_allocations(void)
{
	json_set_alloc_funcs(allocate, free);
}

void lf_json_done(json_t **doc)
{
	json_decref(*doc);
	*doc = NULL;
}

/*
 * Levels and values, before anything is made of them: jansson's own limit is 2048 levels, which is
 * deeper than our recursion wants to be, and a value takes a hundred times the bytes of its text.
 */
static void measure(const char *text, size_t len, unsigned *ret_depth, size_t *ret_values)
{
	unsigned depth = 0;
	bool quoted = false;

	*ret_depth = 0;
	*ret_values = 1;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++, ++*ret_values;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
		else if (!quoted && c == ',')
			++*ret_values;
		*ret_depth = depth > *ret_depth ? depth : *ret_depth;
	}
}

static int parse(const char *text, size_t len, size_t values_max, json_t **ret_doc,
		 struct lf_error *err)
{
	json_error_t where;
	unsigned depth;
	size_t values;

	measure(text, len, &depth, &values);
	if (depth > LF_JSON_DEPTH_MAX)
		return lf_fail_arm(err, LF_EINVAL, "InvalidRequestContent", NULL,
				   "flatten the document", "more than %d levels of JSON",
				   LF_JSON_DEPTH_MAX);
	if (values > values_max)
		return lf_fail_arm(err, LF_EINVAL, "InvalidRequestContent", NULL,
				   "send less at once", "more than %zu values of JSON", values_max);
	no_memory = false;
	json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!doc && no_memory)
		return lf_fail_nomem(err);
	if (!doc)
		return lf_fail_arm(err, LF_EINVAL, "InvalidRequestContent", NULL,
				   "send one JSON object in UTF-8",
				   "not valid JSON at line %d column %d: %s", where.line,
				   where.column, where.text);
	*ret_doc = doc;
	return 0;
}

int lf_json_parse(const char *text, size_t len, json_t **ret_doc, struct lf_error *err)
{
	return parse(text, len, LF_JSON_VALUES_MAX, ret_doc, err);
}

int lf_json_parse_own(const char *text, size_t len, json_t **ret_doc, struct lf_error *err)
{
	return parse(text, len, SIZE_MAX, ret_doc, err);
}

int lf_json_dump(const json_t *doc, char **ret_text, struct lf_error *err)
{
	char *text = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);

	if (!text)
		return lf_fail_nomem(err);
	*ret_text = text;
	return 0;
}

int lf_json_read_file(const char *path, json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	int rc = lf_file_read(path, JSON_FILE_MAX, &text, err);

	if (!rc)
		rc = lf_json_parse_own(lf_buf_text(&text), text.len, ret_doc, err);
	return rc ? lf_error_wrap(err, "%s", path) : 0;
}

int lf_json_write_file(const char *path, const json_t *doc, struct lf_error *err)
{
	LF_AUTO_FREE char *text = NULL;
	int rc = doc ? lf_json_dump(doc, &text, err) : lf_fail_nomem(err);

	return rc ? rc : lf_file_write_durable(path, text, strlen(text), 0600, err);
}

/* Split the next component off *path into name; false at the end or when it is too long. */
static bool next_component(const char **path, char name[static JSON_NAME_MAX])
{
	size_t len = strcspn(*path, ".");

	if (!len || len >= JSON_NAME_MAX)
		return false;
	memcpy(name, *path, len);
	name[len] = '\0';
	*path += len + ((*path)[len] == '.');
	return true;
}

json_t *lf_json_at(const json_t *doc, const char *path)
{
	char name[JSON_NAME_MAX];
	const json_t *at = doc;
	struct lf_error ignored;
	uint64_t index;

	while (at && *path && next_component(&path, name)) {
		if (!json_is_array(at))
			at = json_object_get(at, name);
		else if (lf_parse_u64(name, 0, json_array_size(at), &index, &ignored) == 0)
			at = json_array_get(at, (size_t)index);
		else
			at = NULL;
	}
	/* jansson hands out mutable children of constant parents; so do we */
	return json_is_null(at) ? NULL : (json_t *)(uintptr_t)at;
}

const char *lf_json_text(const json_t *doc, const char *path)
{
	return json_string_value(lf_json_at(doc, path));
}

const char *lf_json_text_or(const json_t *doc, const char *path, const char *fallback)
{
	const char *text = lf_json_text(doc, path);

	return text ? text : fallback;
}

int64_t lf_json_int_or(const json_t *doc, const char *path, int64_t fallback)
{
	const json_t *at = lf_json_at(doc, path);
	struct lf_error ignored;
	uint64_t value;

	if (json_is_integer(at))
		return json_integer_value(at);
	if (json_is_string(at) &&
	    lf_parse_u64(json_string_value(at), 0, INT64_MAX, &value, &ignored) == 0)
		return (int64_t)value;
	return fallback;
}

bool lf_json_bool_or(const json_t *doc, const char *path, bool fallback)
{
	const json_t *at = lf_json_at(doc, path);

	if (json_is_boolean(at))
		return json_is_true(at);
	if (json_is_string(at) && lf_text_equal_nocase(json_string_value(at), "true"))
		return true;
	if (json_is_string(at) && lf_text_equal_nocase(json_string_value(at), "false"))
		return false;
	return fallback;
}

static bool is_same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static json_t *find(const json_t *array, const char *path, const char *value,
		    bool (*equal)(const char *a, const char *b))
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		json_t *item = json_array_get(array, i);
		const char *text = lf_json_text(item, path);
		if (text && equal(text, value))
			return item;
	}
	return NULL;
}

json_t *lf_json_find(const json_t *array, const char *path, const char *value)
{
	return find(array, path, value, is_same);
}

json_t *lf_json_find_nocase(const json_t *array, const char *path, const char *value)
{
	return find(array, path, value, lf_text_equal_nocase);
}

int lf_json_set(json_t *doc, const char *path, json_t *value)
{
	char name[JSON_NAME_MAX];
	json_t *at = doc;

	while (next_component(&path, name)) {
		if (!*path)
			return json_object_set_new(at, name, value);
		json_t *child = json_object_get(at, name);
		if (!child || json_is_null(child)) {
			child = json_object();
			if (json_object_set_new(at, name, child))
				break;
		}
		at = child;
	}
	json_decref(value);
	return -1;
}

int lf_json_set_text(json_t *doc, const char *path, const char *text)
{
	return lf_json_set(doc, path, text ? json_string(text) : json_null());
}

int lf_json_set_int(json_t *doc, const char *path, int64_t value)
{
	return lf_json_set(doc, path, json_integer(value));
}

int lf_json_set_bool(json_t *doc, const char *path, bool value)
{
	return lf_json_set(doc, path, json_boolean(value));
}

int lf_json_set_time(json_t *doc, const char *path, int64_t time_ns)
{
	char text[LF_TIME_SIZE];

	lf_time_format(time_ns, text);
	return lf_json_set_text(doc, path, text);
}

int lf_json_merge(json_t *doc, const json_t *patch, struct lf_error *err)
{
	json_t *mutable_patch = (json_t *)(uintptr_t)patch; /* jansson iterates non-const */
	const char *name;
	json_t *value;

	json_object_foreach (mutable_patch, name, value) {
		json_t *present = json_object_get(doc, name);
		if (json_is_object(value) && json_is_object(present)) {
			int rc = lf_json_merge(present, value, err);
			if (rc)
				return rc;
		} else if (json_object_set_new(doc, name, json_deep_copy(value))) {
			return lf_fail_nomem(err);
		}
	}
	return 0;
}

json_t *lf_json_time(int64_t time_ns)
{
	char text[LF_TIME_SIZE];

	if (!time_ns)
		return json_null();
	lf_time_format(time_ns, text);
	return json_string(text);
}
