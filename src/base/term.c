/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text on its way to a terminal is cleaned in place: escape sequences go,
 * other characters that a terminal obeys or that hide text become '?', and the
 * text never grows.
 */
#include "base/term.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define ESCAPE '\x1b'

bool lf_term_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xffff) ||
	       c >= 0xe0000;
}

/* Bytes of a control sequence that begins at text with ESC: "ESC [ … letter", "ESC ] … BEL", "ESC
 * x". */
static size_t sequence_length(const char *text, size_t len)
{
	size_t at = 2;

	if (len < 2)
		return len;
	if (text[1] == '[')
		while (at < len && text[at] >= ' ' && text[at] <= '?')
			at++;
	else if (text[1] && strchr("]PX^_", text[1]))
		while (at < len && text[at] != '\a' && text[at] != ESCAPE && text[at] != '\n')
			at++;
	else
		for (at = 1; at < len && text[at] >= ' ' && text[at] <= '/';)
			at++;
	/* what ends it belongs to it, unless it was cut by a line's end or another sequence */
	return at < len && text[at] != '\n' && text[at] != ESCAPE ? at + 1 : at;
}

static size_t clean(char *text, size_t len, bool lines)
{
	size_t in = 0, out = 0, n;
	uint32_t c;

	for (; in < len; in += n) {
		char *from = text + in;
		n = lf_utf8_decode(from, &c);
		if (lines && (*from == '\n' || *from == '\t')) {
			text[out++] = *from;
		} else if (lines && *from == '\r') {
			continue;
		} else if (lines && *from == ESCAPE) {
			n = sequence_length(from, len - in);
		} else if (!n || lf_term_hidden(c)) {
			n = n ? n : 1;
			text[out++] = '?';
		} else {
			memmove(text + out, from, n);
			out += n;
		}
	}
	text[out] = '\0';
	return out;
}

void lf_term_clean(char *text)
{
	clean(text, strlen(text), false);
}

size_t lf_term_clean_lines(char *text, size_t len)
{
	return clean(text, len, true);
}

void lf_term_vprint(FILE *to, const char *fmt, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, args) < 0)
		return;
	lf_term_clean(text);
	fprintf(to, "%s\n", text);
	free(text);
}

void lf_term_print(FILE *to, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	lf_term_vprint(to, fmt, args);
	va_end(args);
}

void lf_term_clean_error(struct lf_error *err)
{
	lf_term_clean(err->arm_code);
	lf_term_clean(err->target);
	lf_term_clean(err->message);
	lf_term_clean(err->hint);
}
