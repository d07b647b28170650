/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of small XML documents: one pass, a stack of LF_BLOB_XML_DEPTH names, and the text since
 * the last tag.  An element is told when its end comes and nothing was inside of it but text.
 */
#include "blob/xml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define PATH_SIZE (LF_BLOB_XML_DEPTH * (LF_BLOB_XML_NAME + 1))

void lf_blob_xml_text(struct lf_buf *out, const char *text)
{
	for (const char *p = text; *p; p++)
		switch (*p) {
		case '<':
			lf_buf_puts(out, "&lt;");
			break;
		case '>':
			lf_buf_puts(out, "&gt;");
			break;
		case '&':
			lf_buf_puts(out, "&amp;");
			break;
		case '"':
			lf_buf_puts(out, "&quot;");
			break;
		default:
			if ((unsigned char)*p >= ' ')
				lf_buf_append(out, p, 1);
		}
}

void lf_blob_xml_element(struct lf_buf *out, const char *name, const char *text)
{
	if (!text)
		return;
	lf_buf_printf(out, "<%s>", name);
	lf_blob_xml_text(out, text);
	lf_buf_printf(out, "</%s>", name);
}

struct reader {
	const char *at, *end;
	char path[PATH_SIZE];
	size_t depth;
	bool leaf; /* the innermost element holds no other */
	struct lf_buf text;
	lf_blob_xml_fn *visit;
	void *context;
};

static int fail_xml(const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidXmlDocument", NULL, NULL,
			   "the XML of the request %s", what);
}

static bool skip_to(struct reader *r, const char *what)
{
	const char *found = memmem(r->at, (size_t)(r->end - r->at), what, strlen(what));

	if (found)
		r->at = found + strlen(what);
	return found;
}

static size_t name_length(const struct reader *r)
{
	const char *p = r->at;

	while (p < r->end && (isalnum((unsigned char)*p) || strchr("_-.:", *p)) && *p)
		p++;
	return (size_t)(p - r->at);
}

static int close_element(struct reader *r, struct lf_error *err)
{
	int rc = 0;

	if (r->leaf)
		rc = lf_buf_check(&r->text, err);
	if (!rc && r->leaf)
		rc = r->visit(r->context, r->path, lf_buf_text(&r->text), err);
	char *slash = strrchr(r->path, '/');
	*(slash ? slash : r->path) = '\0';
	r->depth--;
	r->leaf = false;
	lf_buf_clear(&r->text);
	return rc;
}

static int open_element(struct reader *r, struct lf_error *err)
{
	size_t len = name_length(r), used = strlen(r->path);

	if (!len || len >= LF_BLOB_XML_NAME || r->depth == LF_BLOB_XML_DEPTH)
		return fail_xml("has an element that is not known", err);
	snprintf(r->path + used, sizeof(r->path) - used, "%s%.*s", used ? "/" : "", (int)len,
		 r->at);
	r->depth++;
	r->leaf = true;
	lf_buf_clear(&r->text);
	const char *tag = memchr(r->at, '>', (size_t)(r->end - r->at));
	if (!tag)
		return fail_xml("ends early", err);
	bool empty = tag[-1] == '/';
	r->at = tag + 1;
	return empty ? close_element(r, err) : 0;
}

static int end_element(struct reader *r, struct lf_error *err)
{
	const char *name = strrchr(r->path, '/');

	name = name ? name + 1 : r->path;
	size_t len = name_length(r);
	if (!r->depth || strlen(name) != len || strncmp(name, r->at, len) != 0)
		return fail_xml("closes what it did not open", err);
	r->at += len;
	if (!skip_to(r, ">"))
		return fail_xml("ends early", err);
	return close_element(r, err);
}

static void put_character(struct lf_buf *out, uint32_t c)
{
	char bytes[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(n == 1 ? c : (0xf0 << (4 - n) & 0xff) | c);
	lf_buf_append(out, bytes, n);
}

static int digit_of(char c, bool hex)
{
	return c >= '0' && c <= '9'	     ? c - '0'
	       : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : hex && c >= 'A' && c <= 'F' ? c - 'A' + 10
					     : -1;
}

static int take_entity(struct reader *r, struct lf_error *err)
{
	static const struct {
		const char *name;
		char is;
	} entities[] = {
		{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
	size_t rest = (size_t)(r->end - r->at);

	for (size_t i = 0; i < LF_N(entities); i++) {
		size_t len = strlen(entities[i].name);
		if (rest >= len && strncmp(r->at, entities[i].name, len) == 0) {
			lf_buf_append(&r->text, &entities[i].is, 1);
			r->at += len;
			return 0;
		}
	}
	if (rest < 4 || r->at[1] != '#')
		return fail_xml("has an entity that is not known", err);
	bool hex = r->at[2] == 'x';
	size_t at = hex ? 3 : 2, from = at;
	uint32_t c = 0;
	for (; at < rest && at < from + 8 && digit_of(r->at[at], hex) >= 0; at++)
		c = c * (hex ? 16 : 10) + (uint32_t)digit_of(r->at[at], hex);
	if (at == from || at == rest || r->at[at] != ';' || !c || c > 0x10ffff ||
	    (c >= 0xd800 && c < 0xe000))
		return fail_xml("has an entity that is not known", err);
	put_character(&r->text, c);
	r->at += at + 1;
	return 0;
}

static int take_markup(struct reader *r, struct lf_error *err)
{
	size_t rest = (size_t)(r->end - r->at);

	if (rest >= 4 && strncmp(r->at, "<!--", 4) == 0)
		return skip_to(r, "-->") ? 0 : fail_xml("ends early", err);
	if (rest >= 6 && strncmp(r->at, "<?xml ", 6) == 0 && !r->depth)
		return skip_to(r, "?>") ? 0 : fail_xml("ends early", err);
	if (rest < 2 || r->at[1] == '!' || r->at[1] == '?')
		return fail_xml("has what is not served", err);
	bool closes = r->at[1] == '/';
	r->at += closes ? 2 : 1;
	return closes ? end_element(r, err) : open_element(r, err);
}

static void reader_done(struct reader *r)
{
	lf_buf_done(&r->text);
}

int lf_blob_xml_read(const char *data, size_t len, lf_blob_xml_fn *visit, void *context,
		     struct lf_error *err)
{
	LF_CLEANUP(reader_done)
	struct reader r = {.at = data,
			   .end = data + len,
			   .text = LF_BUF_INIT,
			   .visit = visit,
			   .context = context};
	LF_AUTO_FREE char *copy = strndup(data, len);
	int rc = 0;

	if (!copy)
		return lf_fail_nomem(err);
	if (strlen(copy) != len || !lf_utf8_valid(copy))
		return fail_xml("is not UTF-8", err);
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		r.at += 3;
	while (!rc && r.at < r.end) {
		if (*r.at == '<')
			rc = take_markup(&r, err);
		else if (*r.at == '&')
			rc = take_entity(&r, err);
		else
			lf_buf_append(&r.text, r.at++, 1);
	}
	return rc || !r.depth ? rc : fail_xml("ends early", err);
}
