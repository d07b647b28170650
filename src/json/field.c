/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of rows walks a document: each row finds the places that its path
 * means (an array's elements are places each), and a check, a redaction or a
 * completion looks at each of them.  The first fault ends the walk, with the
 * place's path as target.
 */
#include "json/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "json/field_internal.h"

#define PATH_MAX_LEN LF_FIELD_PATH_SIZE

/* A field being looked at: where it is, and what is checked. */
struct look {
	const struct lf_field *field;
	json_t *parent;	      /* object that holds it, or NULL */
	const char *name;     /* member name in parent */
	json_t *value;	      /* NULL: absent */
	const json_t *before; /* value in the stored document, or NULL */
	const char *path;     /* with indexes, for the error's target */
};
typedef int look_fn(const struct look *look, struct lf_error *err);

static look_fn check_one;

int lf_field_check_way(const char *rest, const json_t *value, const char *path,
		       struct lf_error *err)
{
	bool array = *rest == '*';

	if (array ? json_is_array(value) : json_is_object(value))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path,
			   array ? "give an array" : "give an object",
			   "%s is not of the right kind", path);
}

static int each_place(const struct lf_field *field, const char *rest, json_t *at,
		      const json_t *before, char path[static PATH_MAX_LEN], look_fn *fn,
		      struct lf_error *err)
{
	size_t len = strcspn(rest, "."), used = strlen(path);
	char name[128];

	snprintf(name, sizeof(name), "%.*s", (int)len, rest);
	if (strcmp(name, "*") == 0) {
		for (size_t i = 0; i < json_array_size(at); i++) {
			json_t *element = json_array_get(at, i);
			snprintf(path + used, PATH_MAX_LEN - used, "[%zu]", i);
			if (!rest[len]) { /* texts or numbers, which are only checked */
				int rc = fn == check_one
						 ? lf_field_check_value(field, element, path, err)
						 : 0;
				path[used] = '\0';
				if (rc)
					return rc;
				continue;
			}
			int rc = fn == check_one
					 ? lf_field_check_way(rest + len + 1, element, path, err)
					 : 0;
			if (!rc)
				rc = each_place(field, rest + len + 1, element, NULL, path, fn,
						err);
			path[used] = '\0';
			if (rc)
				return rc;
		}
		return 0;
	}
	snprintf(path + used, PATH_MAX_LEN - used, "%s%s", used ? "." : "", name);
	json_t *value = json_object_get(at, name);
	if (json_is_null(value))
		value = NULL;
	const json_t *old = before ? json_object_get(before, name) : NULL;
	int rc = rest[len] && value && fn == check_one
			 ? lf_field_check_way(rest + len + 1, value, path, err)
			 : 0;
	if (rc)
		return rc;
	if (rest[len] && value)
		rc = each_place(field, rest + len + 1, value, old, path, fn, err);
	else if (!rest[len])
		rc = fn(&(struct look){field, at, name, value, old, path}, err);
	else if (field->flags & LF_REQUIRED && !strchr(field->path, '*'))
		rc = fn(&(struct look){field, NULL, name, NULL, NULL, field->path}, err);
	path[used] = '\0';
	return rc;
}

int lf_field_enum(const struct lf_field *field, const char *text)
{
	for (int i = 0; text && field->values[i]; i++)
		if (lf_text_equal_nocase(field->values[i], text))
			return i;
	return -1;
}

static bool type_matches(const struct lf_field *field, const json_t *value)
{
	const char *text = json_string_value(value);

	switch (field->type) {
	case LF_TEXT:
		return text;
	case LF_ID:
		return text && (!*text || lf_id_good(text));
	case LF_GUID:
		return text && lf_guid_valid(text);
	case LF_INT:
		return lf_json_int_or(value, "", INT64_MIN) != INT64_MIN;
	case LF_BOOL:
		return json_is_boolean(value) || (text && (lf_text_equal_nocase(text, "true") ||
							   lf_text_equal_nocase(text, "false")));
	case LF_OBJECT:
		return json_is_object(value);
	case LF_ARRAY:
		return json_is_array(value);
	case LF_ENUM:
		return lf_field_enum(field, text) >= 0;
	}
	return false;
}

static void describe_type(const struct lf_field *field, char *out, size_t size)
{
	static const char *const names[] = {
		[LF_TEXT] = "a string",	   [LF_INT] = "an integer", [LF_BOOL] = "true or false",
		[LF_OBJECT] = "an object", [LF_ARRAY] = "an array", [LF_ID] = "a resource id",
		[LF_GUID] = "a GUID",
	};
	size_t used;

	if (field->type != LF_ENUM) {
		snprintf(out, size, "give %s", names[field->type]);
		return;
	}
	snprintf(out, size, "give one of");
	for (const char *const *v = field->values; *v; v++) {
		used = strlen(out);
		snprintf(out + used, size - used, " %s", *v);
	}
}

static int check_range(const struct lf_field *field, const json_t *value, const char *path,
		       struct lf_error *err)
{
	char hint[160];

	if (field->type == LF_INT && (field->min || field->max)) {
		int64_t number = lf_json_int_or(value, "", 0);
		snprintf(hint, sizeof(hint), "give a number from %lld to %lld",
			 (long long)field->min, (long long)field->max);
		if (number < field->min || number > field->max)
			return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path, hint,
					   "%s is %lld", path, (long long)number);
	}
	size_t len = json_is_array(value)    ? json_array_size(value)
		     : json_is_string(value) ? json_string_length(value)
					     : 0;
	if (field->type != LF_INT && field->max > 0 && len > (size_t)field->max) {
		snprintf(hint, sizeof(hint), "at most %lld", (long long)field->max);
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path, hint, "%s is too long",
				   path);
	}
	return 0;
}

int lf_field_check_value(const struct lf_field *field, const json_t *value, const char *path,
			 struct lf_error *err)
{
	bool empty = field->type == LF_ID && value && json_string_length(value) == 0;
	char hint[320];

	if (!value || (empty && field->flags & LF_REQUIRED))
		return !(field->flags & LF_REQUIRED)
			       ? 0
			       : lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", path,
					     field->doc, "%s is missing", path);
	if (!type_matches(field, value)) {
		describe_type(field, hint, sizeof(hint));
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path, hint,
				   "%s is not of the right kind", path);
	}
	return field->type == LF_ENUM ? 0 : check_range(field, value, path, err);
}

/* The same value as clients write it: ids in any case, numbers and truth also as text. */
static bool same_value(const struct lf_field *field, const json_t *a, const json_t *b)
{
	switch (field->type) {
	case LF_ID:
	case LF_GUID:
	case LF_ENUM:
		return json_is_string(a) && json_is_string(b) &&
		       lf_text_equal_nocase(json_string_value(a), json_string_value(b));
	case LF_INT:
		return lf_json_int_or(a, "", INT64_MIN) == lf_json_int_or(b, "", INT64_MIN);
	case LF_BOOL:
		return lf_json_bool_or(a, "", false) == lf_json_bool_or(b, "", false);
	default:
		return json_equal(a, b);
	}
}

static int check_one(const struct look *look, struct lf_error *err)
{
	const struct lf_field *field = look->field;

	if (field->flags & LF_READ_ONLY) {
		if (look->value)
			json_object_del(look->parent, look->name);
		return 0;
	}
	if (field->type == LF_ENUM && !(field->flags & LF_REQUIRED) && look->value &&
	    json_is_string(look->value) && json_string_length(look->value) == 0) {
		json_object_del(look->parent, look->name);
		return 0;
	}
	int rc = lf_field_check_value(field, look->value, look->path, err);
	if (rc || !look->value)
		return rc;
	if (field->flags & LF_CREATE_ONLY && look->before && !json_is_null(look->before) &&
	    !same_value(field, look->before, look->value))
		return lf_fail_arm(err, LF_ECONFLICT, "PropertyChangeNotAllowed", look->path,
				   "make a new resource instead", "%s cannot be changed",
				   look->path);
	if (field->type != LF_ENUM)
		return 0;
	int i = lf_field_enum(field, json_string_value(look->value));
	return json_object_set_new(look->parent, look->name, json_string(field->values[i]))
		       ? lf_fail_nomem(err)
		       : 0;
}

int lf_fields_check(const struct lf_field *fields, size_t n, json_t *doc, const json_t *before,
		    struct lf_error *err)
{
	char path[PATH_MAX_LEN] = "";
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++)
		rc = each_place(&fields[i], fields[i].path, doc, before, path, check_one, err);
	return rc;
}

int lf_fields_complete(const struct lf_field *fields, size_t n, json_t *doc, struct lf_error *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = fields[i].fallback;
		if (text && !lf_json_at(doc, fields[i].path) &&
		    lf_json_set(doc, fields[i].path, json_loads(text, JSON_DECODE_ANY, NULL)))
			return lf_fail_nomem(err);
	}
	return 0;
}

static int redact_one(const struct look *look, struct lf_error *err)
{
	(void)err;
	if (look->field->flags & LF_SECRET && look->value)
		json_object_del(look->parent, look->name);
	return 0;
}

void lf_fields_redact(const struct lf_field *fields, size_t n, json_t *doc)
{
	char path[PATH_MAX_LEN] = "";
	struct lf_error ignored;

	for (size_t i = 0; i < n; i++)
		if (fields[i].flags & LF_SECRET &&
		    each_place(&fields[i], fields[i].path, doc, NULL, path, redact_one, &ignored))
			return; /* redact_one does not fail */
}
