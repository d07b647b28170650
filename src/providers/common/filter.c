/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of OData's $filter that Azure's clients send.  A text is read once, into a tree of
 * "and", "or" and conditions whose names are the list's rows and whose times are parsed; each
 * document is then held against the tree.  Nothing is skipped: a text with anything left over is no
 * filter.
 */
#include "providers/common/filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/text.h"

#define NODES_MAX 63 /* 32 conditions and what joins them */
#define DEPTH_MAX 16
#define VALUE_MAX 256

enum op { EQ, NE, GE, GT, LE, LT, SUBSTRING, STARTS, AND, OR };
static const char *const op_names[] = {"eq", "ne",	    "ge",	  "gt",	 "le",
				       "lt", "substringof", "startswith", "and", "or"};

struct node {
	enum op op;
	size_t left, right;		 /* AND, OR: nodes */
	const struct lf_filter_row *row; /* else: what is compared with */
	char value[VALUE_MAX];
	int64_t time;
};
struct lf_filter {
	const struct lf_filter_row *rows;
	size_t n_rows;
	struct node nodes[NODES_MAX];
	size_t n, root;
};

void lf_filter_free(struct lf_filter **filter)
{
	free(*filter);
	*filter = NULL;
}

/* The text while it is read. */
struct reader {
	struct lf_filter *filter;
	const char *at;
	unsigned depth;
	struct lf_error *err;
};

static int fail_filter(const struct reader *reader, const char *problem)
{
	LF_AUTO_BUF names = LF_BUF_INIT;

	for (size_t i = 0; i < reader->filter->n_rows; i++)
		lf_buf_printf(&names, "%s%s", i ? ", " : "", reader->filter->rows[i].name);
	if (!names.len)
		return lf_fail_arm(reader->err, LF_EINVAL, "InvalidFilterInQueryString", "$filter",
				   "ask without $filter", "this list has no filter");
	LF_AUTO_FREE char *hint =
		lf_printf_dup("write: name eq 'value' and name eq 'value'; this list's names: %s",
			      lf_buf_text(&names));
	return lf_fail_arm(reader->err, LF_EINVAL, "InvalidFilterInQueryString", "$filter",
			   hint ? hint : "", "the filter cannot be read at '%.40s': %s", reader->at,
			   problem);
}

static void skip_blanks(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t");
}

/* Is the next word this one?  Then it is passed over. */
static bool take_mark(struct reader *reader, char mark)
{
	skip_blanks(reader);
	if (*reader->at != mark)
		return false;
	reader->at++;
	return true;
}

static bool take_word(struct reader *reader, char *out, size_t size)
{
	skip_blanks(reader);
	size_t len = strcspn(reader->at, " \t(),'");
	if (!len || len >= size)
		return false;
	memcpy(out, reader->at, len);
	out[len] = '\0';
	reader->at += len;
	return true;
}

/* 'quoted' with '' for a quote, or a word. */
static bool take_value(struct reader *reader, char *out, size_t size)
{
	size_t n = 0;

	if (!take_mark(reader, '\''))
		return take_word(reader, out, size);
	for (const char *p = reader->at; *p && n + 1 < size; p++) {
		if (*p == '\'' && *++p != '\'') {
			out[n] = '\0';
			reader->at = p;
			return true;
		}
		out[n++] = *p;
	}
	return false;
}

/* Is the next word "and" or "or" as wanted?  Then it is passed over. */
static bool take_joint(struct reader *reader, enum op op)
{
	const char *before = reader->at;
	char word[8];

	if (take_word(reader, word, sizeof(word)) && lf_text_equal_nocase(word, op_names[op]))
		return true;
	reader->at = before;
	return false;
}

/* A day, alone or with a time; of twelve hours when AM or PM follows. */
static int parse_day(const char *text, int64_t *ret_time, struct lf_error *err)
{
	int y, mo, d, h = 0, mi = 0, s = 0, used = 0, end = 0;
	char half[3] = "", iso[64];

	if (sscanf(text, "%4d-%2d-%2d%n", &y, &mo, &d, &used) < 3)
		return lf_fail(err, LF_EINVAL, text, "no time");
	if (sscanf(text + used, "%*1[ T]%2d:%2d%n:%2d%n", &h, &mi, &end, &s, &end) >= 2)
		used += end, end = 0;
	if (sscanf(text + used, " %2[AMPamp]%n", half, &end) == 1)
		used += end;
	if (*half && (h > 12 || !half[1] || !strchr("APap", *half) || !strchr("Mm", half[1])))
		return lf_fail(err, LF_EINVAL, text, "no time");
	if (*half)
		h = h % 12 + (strchr("Pp", *half) ? 12 : 0);
	snprintf(iso, sizeof(iso), "%04d-%02d-%02dT%02d:%02d:%02d%.30s", y, mo, d, h, mi, s,
		 text + used);
	return lf_time_parse(iso, ret_time, err);
}

static bool is_time(enum lf_filter_kind kind)
{
	return kind == LF_FILTER_TIME || kind == LF_FILTER_FROM || kind == LF_FILTER_UNTIL;
}

static bool is_tag(enum lf_filter_kind kind)
{
	return kind == LF_FILTER_TAG_NAME || kind == LF_FILTER_TAG_VALUE;
}

static const struct lf_filter_row *find_row(const struct lf_filter *filter, const char *name)
{
	for (size_t i = 0; i < filter->n_rows; i++)
		if (lf_text_equal_nocase(filter->rows[i].name, name))
			return &filter->rows[i];
	return NULL;
}

static bool op_fits(enum op op, enum lf_filter_kind kind)
{
	if (is_time(kind))
		return op <= LT;
	return op == EQ || op == STARTS || (!is_tag(kind) && (op == NE || op == SUBSTRING));
}

static void drop_blanks(char *text)
{
	char *out = text;

	for (; *text; text++)
		if (*text != ' ')
			*out++ = *text;
	*out = '\0';
}

/* The condition is whole: does it fit its name? */
static int finish_condition(const struct reader *reader, struct node *node, const char *name)
{
	struct lf_error ignored;

	node->row = find_row(reader->filter, name);
	if (!node->row)
		return fail_filter(reader, "the name is not known");
	if (!op_fits(node->op, node->row->kind))
		return fail_filter(reader, "the name cannot be compared in this way");
	if (is_time(node->row->kind) && parse_day(node->value, &node->time, &ignored))
		return fail_filter(reader, "that is no time");
	if (node->row->kind == LF_FILTER_LOCATION)
		drop_blanks(node->value);
	if (node->op == EQ && node->row->kind == LF_FILTER_FROM)
		node->op = GE;
	if (node->op == EQ && node->row->kind == LF_FILTER_UNTIL)
		node->op = LE;
	return 0;
}

/* substringof('value', name) or startswith(name, 'value'), after its "(". */
static int read_call(struct reader *reader, struct node *node)
{
	char name[64];
	bool substring = node->op == SUBSTRING, good;

	good = substring ? take_value(reader, node->value, sizeof(node->value))
			 : take_word(reader, name, sizeof(name));
	good = good && take_mark(reader, ',');
	good = good && (substring ? take_word(reader, name, sizeof(name))
				  : take_value(reader, node->value, sizeof(node->value)));
	if (!good || !take_mark(reader, ')'))
		return fail_filter(reader, "substringof('value', name) is meant, or "
					   "startswith(name, 'value')");
	return finish_condition(reader, node, name);
}

static int read_condition(struct reader *reader, size_t *ret_node)
{
	char name[64], word[16];
	struct lf_filter *filter = reader->filter;

	if (filter->n == NODES_MAX || !take_word(reader, name, sizeof(name)))
		return fail_filter(reader, "a name is missing");
	struct node *node = &filter->nodes[ *ret_node = filter->n++];
	for (node->op = SUBSTRING; node->op <= STARTS; node->op++)
		if (lf_text_equal_nocase(name, op_names[node->op]) && take_mark(reader, '('))
			return read_call(reader, node);
	if (!take_word(reader, word, sizeof(word)))
		return fail_filter(reader, "a comparison is missing");
	for (node->op = EQ; node->op <= LT; node->op++)
		if (lf_text_equal_nocase(word, op_names[node->op]))
			break;
	if (node->op > LT || !take_value(reader, node->value, sizeof(node->value)))
		return fail_filter(reader, "eq, ne, ge, gt, le or lt is meant, and a value");
	return finish_condition(reader, node, name);
}

/* a op b op c, of brackets and conditions: "or" of "and"s. */
static int read_joined(struct reader *reader, enum op op, size_t *ret_node)
{
	int rc;

	if (op == OR) {
		rc = read_joined(reader, AND, ret_node);
	} else if (!take_mark(reader, '(')) {
		rc = read_condition(reader, ret_node);
	} else {
		if (++reader->depth > DEPTH_MAX)
			return fail_filter(reader, "there are too many brackets");
		rc = read_joined(reader, OR, ret_node);
		if (!rc && !take_mark(reader, ')'))
			rc = fail_filter(reader, "a bracket is not closed");
		reader->depth--;
	}
	if (rc || !take_joint(reader, op))
		return rc;
	if (reader->filter->n == NODES_MAX)
		return fail_filter(reader, "there are too many conditions");
	size_t at = reader->filter->n++;
	struct node *node = &reader->filter->nodes[at];
	node->op = op;
	node->left = *ret_node;
	*ret_node = at;
	return read_joined(reader, op, &node->right);
}

int lf_filter_new(const char *text, const struct lf_filter_row *rows, size_t n,
		  struct lf_filter **ret_filter, struct lf_error *err)
{
	LF_AUTO_FILTER *filter = NULL;

	if (!text || !text[strspn(text, " \t")])
		return 0;
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return lf_fail_nomem(err);
	filter->rows = rows;
	filter->n_rows = n;
	struct reader reader = {.filter = filter, .at = text, .err = err};
	int rc = read_joined(&reader, OR, &filter->root);
	skip_blanks(&reader);
	if (!rc && *reader.at)
		rc = fail_filter(&reader, "\"and\" or \"or\" is meant");
	if (rc)
		return rc;
	*ret_filter = lf_steal(&filter);
	return 0;
}

/* What is looked at: a document, and which of its tags. */
struct subject {
	const json_t *doc;
	const char *tag, *tag_value; /* NULL: none */
};

static const char *subject_value(const struct lf_filter_row *row, const struct subject *subject)
{
	switch (row->kind) {
	case LF_FILTER_TAG_NAME:
		return subject->tag;
	case LF_FILTER_TAG_VALUE:
		return subject->tag_value;
	case LF_FILTER_FIXED:
		return row->path;
	default:
		return lf_json_text_or(subject->doc, row->path, "");
	}
}

static bool time_holds(const struct node *node, const char *text)
{
	struct lf_error ignored;
	int64_t time;

	if (lf_time_parse(text, &time, &ignored))
		return node->op == NE;
	switch (node->op) {
	case NE:
		return time != node->time;
	case GE:
		return time >= node->time;
	case GT:
		return time > node->time;
	case LE:
		return time <= node->time;
	case LT:
		return time < node->time;
	default:
		return time == node->time;
	}
}

static bool condition_holds(const struct node *node, const struct subject *subject)
{
	const char *text = subject_value(node->row, subject);

	if (!text)
		return false;
	if (is_time(node->row->kind))
		return time_holds(node, text);
	if (node->op == SUBSTRING)
		return strcasestr(text, node->value);
	if (node->op == STARTS)
		return lf_text_starts_nocase(text, node->value);
	return lf_text_equal_nocase(text, node->value) == (node->op == EQ);
}

static bool holds(const struct lf_filter *filter, size_t at, const struct subject *subject)
{
	const struct node *node = &filter->nodes[at];

	if (node->op == AND)
		return holds(filter, node->left, subject) && holds(filter, node->right, subject);
	if (node->op == OR)
		return holds(filter, node->left, subject) || holds(filter, node->right, subject);
	return condition_holds(node, subject);
}

bool lf_filter_passes(const struct lf_filter *filter, const json_t *doc)
{
	struct subject subject = {.doc = doc};
	const char *name;
	json_t *value;

	if (!filter || holds(filter, filter->root, &subject))
		return true;
	json_object_foreach (lf_json_at(doc, "tags"), name, value) {
		subject.tag = name;
		subject.tag_value = json_string_value(value);
		if (holds(filter, filter->root, &subject))
			return true;
	}
	return false;
}
