/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents into structs and back, by the column "at" of field tables.
 *
 * Reading goes row by row: find the value, check it as a request's is checked, store it.  So the
 * first wrong field ends it, and its path is known.  Both ways descend into objects and arrays by
 * the rows of their elements; a row with the path "" is the element itself, when it is no object.
 */
#include <stdio.h>
#include <string.h>

#include "json/field_internal.h"

/* A narrow member is an unsigned one when nothing below 0 is allowed. */
static int64_t load_int(const struct lf_field *field, const char *member)
{
	int narrow;
	int64_t wide;

	if (field->at.size == sizeof(narrow)) {
		memcpy(&narrow, member, sizeof(narrow));
		return field->min < 0 ? narrow : (int64_t)(unsigned)narrow;
	}
	memcpy(&wide, member, sizeof(wide));
	return wide;
}

static void store_int(const struct lf_field *field, char *member, int64_t value)
{
	int narrow = (int)value;

	if (field->at.size == sizeof(narrow))
		memcpy(member, &narrow, sizeof(narrow));
	else
		memcpy(member, &value, sizeof(value));
}

static int read_array(const struct lf_field *field, const json_t *array, const char *path,
		      char *base, struct lf_error *err)
{
	const struct lf_field_at *at = &field->at;
	size_t n = json_array_size(array);
	char prefix[LF_FIELD_PATH_SIZE];

	memset(base + at->offset, 0, at->size * (size_t)field->max);
	for (size_t i = 0; i < n; i++) {
		const json_t *element = json_array_get(array, i);
		snprintf(prefix, sizeof(prefix), "%s[%zu]", path, i);
		int rc = *at->rows->path ? lf_field_check_way("", element, prefix, err) : 0;
		if (!rc)
			rc = lf_fields_read(at->rows, at->n_rows, element, prefix,
					    base + at->offset + i * at->size, err);
		if (rc)
			return rc;
	}
	memcpy(base + at->n_offset, &n, sizeof(n));
	return 0;
}

/* A value that was checked, into its member. */
static void store(const struct lf_field *field, const json_t *value, char *member)
{
	const char *text = json_string_value(value);

	switch (field->type) {
	case LF_TEXT:
	case LF_ID:
		memcpy(member, &text, sizeof(text));
		break;
	case LF_GUID:
		memcpy(member, text, LF_GUID_SIZE);
		break;
	case LF_INT:
		store_int(field, member, lf_json_int_or(value, "", 0));
		break;
	case LF_BOOL:
		*(bool *)member = lf_json_bool_or(value, "", false);
		break;
	case LF_ENUM:
		store_int(field, member, lf_field_enum(field, text));
		break;
	case LF_OBJECT:
	case LF_ARRAY:
		memcpy(member, &value, sizeof(value));
		break;
	}
}

/* What the row's path leads through is an object each time, or absent. */
static int check_way_to(const struct lf_field *field, const json_t *doc, const char *prefix,
			struct lf_error *err)
{
	char path[LF_FIELD_PATH_SIZE], name[LF_FIELD_PATH_SIZE];

	for (const char *dot = strchr(field->path, '.'); dot; dot = strchr(dot + 1, '.')) {
		snprintf(name, sizeof(name), "%.*s", (int)(dot - field->path), field->path);
		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", name);
		const json_t *value = lf_json_at(doc, name);
		int rc = value && !json_is_array(value) /* an index is next */
				 ? lf_field_check_way(dot + 1, value, path, err)
				 : 0;
		if (rc)
			return rc;
	}
	return 0;
}

static int read_one(const struct lf_field *field, const json_t *doc, const char *prefix, char *base,
		    struct lf_error *err)
{
	const json_t *value = lf_json_at(doc, field->path);
	const struct lf_field_at *at = &field->at;
	char path[LF_FIELD_PATH_SIZE];

	snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix && *field->path ? "." : "",
		 field->path);
	int rc = check_way_to(field, doc, prefix, err);
	if (!rc)
		rc = lf_field_check_value(field, value, path, err);
	if (rc || !value)
		return rc;
	if (at->rows && field->type == LF_ARRAY)
		return read_array(field, value, path, base, err);
	if (at->rows)
		return lf_fields_read(at->rows, at->n_rows, value, path, base + at->offset, err);
	store(field, value, base + at->offset);
	return 0;
}

int lf_fields_read(const struct lf_field *fields, size_t n, const json_t *doc, const char *prefix,
		   void *ret_struct, struct lf_error *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc = fields[i].at.size ? read_one(&fields[i], doc, prefix, ret_struct, err) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* An element of an array, or a struct's member: NULL when there was no memory. */
static json_t *value_of_rows(const struct lf_field_at *at, const char *from)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_fields_write(at->rows, at->n_rows, from, &doc);
	return lf_doc_take(&doc);
}

static json_t *value_of_scalar(const struct lf_field *field, const char *member)
{
	const char *text;

	switch (field->type) {
	case LF_GUID:
		return json_string(member);
	case LF_INT:
		return json_integer(load_int(field, member));
	case LF_BOOL:
		return json_boolean(*(const bool *)member);
	case LF_ENUM:
		return json_string(field->values[load_int(field, member)]);
	default:
		memcpy(&text, member, sizeof(text));
		return json_string(text);
	}
}

static json_t *value_of_array(const struct lf_field *field, const char *from)
{
	const struct lf_field_at *at = &field->at;
	bool plain = at->rows->path[0] == '\0';
	json_t *array = json_array();
	size_t n;

	memcpy(&n, from + at->n_offset, sizeof(n));
	for (size_t i = 0; i < n; i++) {
		const char *element = from + at->offset + i * at->size;
		if (json_array_append_new(array, plain ? value_of_scalar(at->rows, element)
						       : value_of_rows(at, element))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* Is there nothing to write?  Of a pointer NULL, of a GUID "". */
static bool is_absent(const struct lf_field *field, const char *member)
{
	const void *pointer = NULL;

	if (field->type == LF_GUID)
		return !*member;
	if (field->at.rows || field->type == LF_INT || field->type == LF_BOOL ||
	    field->type == LF_ENUM)
		return false;
	memcpy(&pointer, member, sizeof(pointer));
	return !pointer;
}

static void write_one(const struct lf_field *field, const char *from, struct lf_doc *doc)
{
	const struct lf_field_at *at = &field->at;
	const char *member = from + at->offset;
	const json_t *borrowed;

	if (is_absent(field, member))
		return;
	if (at->rows && field->type == LF_ARRAY) {
		lf_doc_put(doc, field->path, value_of_array(field, from));
	} else if (at->rows) {
		LF_AUTO_JSON *object = value_of_rows(at, member);
		if (!object || json_object_size(object))
			lf_doc_put(doc, field->path, json_incref(object));
	} else if (field->type == LF_OBJECT || field->type == LF_ARRAY) {
		memcpy(&borrowed, member, sizeof(borrowed));
		lf_doc_share(doc, field->path, borrowed);
	} else {
		lf_doc_put(doc, field->path, value_of_scalar(field, member));
	}
}

void lf_fields_write(const struct lf_field *fields, size_t n, const void *from, struct lf_doc *doc)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].at.size)
			write_one(&fields[i], from, doc);
}
