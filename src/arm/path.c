/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths and queries are decoded once, segment by segment; an escape that would
 * make one segment look like two, or that is no text, is refused.
 */
#include "arm/path.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/utf8.h"

void lf_path_done(struct lf_path *path)
{
	free(path->text);
	*path = (struct lf_path){0};
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode len bytes of raw to out (at least len + 1 bytes); false: broken escape, NUL, or not
 * UTF-8. */
static bool decode(const char *raw, size_t len, bool plus, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		char c = raw[i];
		if (c == '+' && plus) {
			c = ' ';
		} else if (c == '%') {
			if (i + 2 >= len || hex_value(raw[i + 1]) < 0 || hex_value(raw[i + 2]) < 0)
				return false;
			c = (char)(hex_value(raw[i + 1]) << 4 | hex_value(raw[i + 2]));
			i += 2;
		}
		if (!c)
			return false;
		out[used++] = c;
	}
	out[used] = '\0';
	return lf_utf8_valid(out);
}

static int add_segment(struct lf_path *path, const char *raw, size_t len, char **at,
		       struct lf_error *err)
{
	static const char advice[] = "send a plain resource path";

	if (path->n == LF_PATH_SEGMENTS_MAX)
		return lf_fail_arm(err, LF_EINVAL, "InvalidRequestUri", NULL, advice,
				   "the path has more than %d segments", LF_PATH_SEGMENTS_MAX);
	/* an encoded slash would make one segment look like more, once it is part of an id */
	if (!decode(raw, len, false, *at) || strchr(*at, '/') || strcmp(*at, ".") == 0 ||
	    strcmp(*at, "..") == 0)
		return lf_fail_arm(err, LF_EINVAL, "InvalidRequestUri", NULL, advice,
				   "the path has a segment that cannot be read");
	bool doubled = path->n == 1 && lf_text_equal_nocase(*at, "subscriptions") &&
		       lf_text_equal_nocase(path->segments[0], "subscriptions");
	if (!doubled)
		path->segments[path->n++] = *at;
	*at += strlen(*at) + 1;
	return 0;
}

int lf_path_parse(const char *raw, struct lf_path *ret_path, struct lf_error *err)
{
	LF_AUTO_PATH path = {.text = malloc(strlen(raw) + 2)};
	char *at = path.text;

	if (!path.text)
		return lf_fail_nomem(err);
	for (const char *p = raw; *p;) {
		size_t len = strcspn(p, "/");
		if (len) {
			int rc = add_segment(&path, p, len, &at, err);
			if (rc)
				return rc;
		}
		p += len + (p[len] == '/');
	}
	*ret_path = path;
	path = (struct lf_path){0};
	return 0;
}

int lf_form_value(const char *form, const char *name, char **ret_value, struct lf_error *err)
{
	for (const char *p = form; *p;) {
		size_t len = strcspn(p, "&"), key = strcspn(p, "=&");
		LF_AUTO_FREE char *field = malloc(key + 1);
		if (!field)
			return lf_fail_nomem(err);
		bool good = decode(p, key, true, field);
		const char *plain = good && field[0] == '$' ? field + 1 : field;
		if (good && lf_text_equal_nocase(plain, name)) {
			size_t value_len = len > key ? len - key - 1 : 0;
			LF_AUTO_FREE char *value = malloc(value_len + 1);
			if (!value)
				return lf_fail_nomem(err);
			if (!decode(p + key + (len > key), value_len, true, value))
				return lf_fail_arm(err, LF_EINVAL, "InvalidRequestUri", name,
						   "percent-encode it",
						   "the value of %s cannot be read", name);
			*ret_value = value[0] ? lf_steal(&value) : NULL;
			return 0;
		}
		p += len + (p[len] == '&');
	}
	*ret_value = NULL;
	return 0;
}

char *lf_url_encode(const char *text)
{
	struct lf_buf out = LF_BUF_INIT;

	for (const char *p = text; *p; p++)
		if (isalnum((unsigned char)*p) || strchr("-._~", *p))
			lf_buf_append(&out, p, 1);
		else
			lf_buf_printf(&out, "%%%02X", (unsigned char)*p);
	return lf_buf_take(&out);
}
