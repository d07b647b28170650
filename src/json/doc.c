/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call puts one value at a path; the first that fails marks the
 * document, and the others drop what they are given.  Whoever builds asks
 * once, at the end.
 */
#include "json/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void fail(struct lf_doc *doc)
{
	lf_json_done(&doc->root);
	doc->failed = true;
}

void lf_doc_done(struct lf_doc *doc)
{
	lf_json_done(&doc->root);
}

struct lf_doc lf_doc_from(json_t *object)
{
	struct lf_doc doc = {.root = object};

	if (!json_is_object(object))
		fail(&doc);
	return doc;
}

/* Is there a root to put something in? */
static bool is_open(struct lf_doc *doc)
{
	if (!doc->failed && !doc->root && !(doc->root = json_object()))
		doc->failed = true;
	return !doc->failed;
}

void lf_doc_put(struct lf_doc *doc, const char *path, json_t *value)
{
	if (!is_open(doc))
		json_decref(value);
	else if (lf_json_set(doc->root, path, value))
		fail(doc);
}

void lf_doc_text(struct lf_doc *doc, const char *path, const char *text)
{
	lf_doc_put(doc, path, text ? json_string(text) : json_null());
}

void lf_doc_text_if(struct lf_doc *doc, const char *path, const char *text)
{
	if (text)
		lf_doc_text(doc, path, text);
}

void lf_doc_printf(struct lf_doc *doc, const char *path, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	lf_doc_put(doc, path, len < 0 ? NULL : json_stringn(text, (size_t)len));
	if (len >= 0)
		free(text);
}

void lf_doc_int(struct lf_doc *doc, const char *path, int64_t value)
{
	lf_doc_put(doc, path, json_integer(value));
}

void lf_doc_bool(struct lf_doc *doc, const char *path, bool value)
{
	lf_doc_put(doc, path, json_boolean(value));
}

void lf_doc_time(struct lf_doc *doc, const char *path, int64_t time_ns)
{
	lf_doc_put(doc, path, lf_json_time(time_ns));
}

void lf_doc_null(struct lf_doc *doc, const char *path)
{
	lf_doc_put(doc, path, json_null());
}

void lf_doc_share_if(struct lf_doc *doc, const char *path, const json_t *value)
{
	/* jansson counts references in what the caller sees as constant */
	if (value)
		lf_doc_put(doc, path, json_incref((json_t *)(uintptr_t)value));
}

void lf_doc_share(struct lf_doc *doc, const char *path, const json_t *value)
{
	if (value)
		lf_doc_share_if(doc, path, value);
	else
		lf_doc_null(doc, path);
}

void lf_doc_append(struct lf_doc *doc, const char *path, json_t *value)
{
	if (!doc->failed && !lf_json_at(doc->root, path))
		lf_doc_put(doc, path, json_array());
	if (doc->failed)
		json_decref(value);
	else if (json_array_append_new(lf_json_at(doc->root, path), value))
		fail(doc);
}

int lf_doc_check(const struct lf_doc *doc, struct lf_error *err)
{
	return doc->failed ? lf_fail_nomem(err) : 0;
}

json_t *lf_doc_take(struct lf_doc *doc)
{
	json_t *root = is_open(doc) ? doc->root : NULL;

	doc->root = NULL;
	return root;
}

int lf_doc_end(struct lf_doc *doc, json_t **ret_doc, struct lf_error *err)
{
	json_t *root = lf_doc_take(doc);

	if (!root)
		return lf_fail_nomem(err);
	*ret_doc = root;
	return 0;
}
