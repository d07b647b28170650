/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small part of OData's $filter that clients send to job and event lists:
 * comparisons of a field with a quoted or bare value, joined by "and".
 */
#include "providers/common/filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define CONDITIONS_MAX 16

struct condition {
	char field[64], op[4], value[256];
};
struct lf_filter {
	struct condition conditions[CONDITIONS_MAX];
	size_t n;
};

void lf_filter_free(struct lf_filter **filter)
{
	free(*filter);
	*filter = NULL;
}

static const char *skip_spaces(const char *p)
{
	return p + strspn(p, " \t()");
}

/* A word up to a blank; NULL: too long or empty. */
static const char *take_word(const char *p, char *out, size_t size)
{
	p = skip_spaces(p);
	size_t len = strcspn(p, " \t()");
	if (!len || len >= size)
		return NULL;
	memcpy(out, p, len);
	out[len] = '\0';
	return p + len;
}

/* 'quoted' with '' for a quote, or a word. */
static const char *take_value(const char *p, char *out, size_t size)
{
	size_t n = 0;

	p = skip_spaces(p);
	if (*p != '\'')
		return take_word(p, out, size);
	for (p++; *p && n + 1 < size; p++) {
		if (*p == '\'' && *++p != '\'')
			break;
		out[n++] = *p;
	}
	out[n] = '\0';
	return p[-1] == '\'' ? p : NULL;
}

static const char *take_condition(const char *p, struct condition *condition)
{
	static const char *const ops[] = {"eq", "ne", "ge", "gt", "le", "lt"};

	p = take_word(p, condition->field, sizeof(condition->field));
	p = p ? take_word(p, condition->op, sizeof(condition->op)) : NULL;
	p = p ? take_value(p, condition->value, sizeof(condition->value)) : NULL;
	for (size_t i = 0; p && i < LF_N(ops); i++)
		if (lf_text_equal_nocase(ops[i], condition->op)) {
			memcpy(condition->op, ops[i], 3);
			return p;
		}
	return NULL;
}

int lf_filter_new(const char *text, struct lf_filter **ret_filter, struct lf_error *err)
{
	LF_AUTO_FILTER *filter = NULL;
	char word[8];

	if (!text || !*skip_spaces(text))
		return 0;
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return lf_fail_nomem(err);
	for (const char *p = text;;) {
		p = filter->n < CONDITIONS_MAX ? take_condition(p, &filter->conditions[filter->n++])
					       : NULL;
		if (p && !*skip_spaces(p))
			break;
		p = p ? take_word(p, word, sizeof(word)) : NULL;
		if (!p || !lf_text_equal_nocase(word, "and"))
			return lf_fail_arm(err, LF_EINVAL, "InvalidFilter", "$filter",
					   "write: Field eq 'value' and Field eq 'value'",
					   "the filter cannot be read");
	}
	*ret_filter = lf_steal(&filter);
	return 0;
}

/* Times are compared as times, the rest as text without case. */
static int compare(const char *a, const char *b)
{
	struct lf_error ignored;
	int64_t x, y;

	if (lf_time_parse(a, &x, &ignored) == 0 && lf_time_parse(b, &y, &ignored) == 0)
		return x < y ? -1 : x > y;
	return strcasecmp(a, b);
}

static const char *field_value(const json_t *fields, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)fields, key, value)
		if (lf_text_equal_nocase(key, name))
			return json_string_value(value);
	return NULL;
}

/* value: what the document has under the condition's name; NULL: the name is not known. */
static bool holds(const struct condition *condition, const char *value)
{
	if (!value)
		return true;
	/* the lists' time windows are written "StartTime eq T" and "EndTime eq T" too */
	int order = compare(value, condition->value);
	if (lf_text_equal_nocase(condition->field, "startTime"))
		return order >= 0;
	if (lf_text_equal_nocase(condition->field, "endTime"))
		return order <= 0;
	switch (condition->op[0]) {
	case 'n':
		return order != 0;
	case 'g':
		return condition->op[1] == 'e' ? order >= 0 : order > 0;
	case 'l':
		return condition->op[1] == 'e' ? order <= 0 : order < 0;
	default:
		return order == 0;
	}
}

const char *lf_filter_value(const struct lf_filter *filter, const char *field)
{
	for (size_t i = 0; filter && i < filter->n; i++)
		if (lf_text_equal_nocase(filter->conditions[i].field, field) &&
		    lf_text_equal_nocase(filter->conditions[i].op, "eq"))
			return filter->conditions[i].value;
	return NULL;
}

static const char *row_value(const struct lf_filter_row *rows, size_t n, const json_t *doc,
			     const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (lf_text_equal_nocase(rows[i].name, name))
			return lf_json_text_or(doc, rows[i].path, "");
	return NULL;
}

bool lf_filter_passes(const struct lf_filter *filter, const struct lf_filter_row *rows, size_t n,
		      const json_t *doc)
{
	for (size_t i = 0; filter && i < filter->n; i++)
		if (!holds(&filter->conditions[i],
			   row_value(rows, n, doc, filter->conditions[i].field)))
			return false;
	return true;
}

bool lf_filter_matches(const struct lf_filter *filter, const json_t *fields)
{
	for (size_t i = 0; filter && i < filter->n; i++)
		if (!holds(&filter->conditions[i],
			   field_value(fields, filter->conditions[i].field)))
			return false;
	return true;
}
