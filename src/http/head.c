/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two looks at a request's head before anybody acts on it: are its ends where
 * every reader in front of us would see them (framing), and is it text?  A
 * head that could be read in two ways is refused; after one whose ends are in
 * doubt the connection is closed.
 */
#include "http/head.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/utf8.h"

/* What the headers of a request say about its ends. */
struct framing {
	const char *head; /* where the library keeps it, from the URL on */
	size_t head_len;
	unsigned hosts, lengths, encodings;
	bool chunked, malformed;
};

static bool is_token(const char *text)
{
	/* clang-format off */
	static const bool letters[256] = {
		['!'] = true, ['#' ... '\''] = true, ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true,
		['0' ... '9'] = true, ['A' ... 'Z'] = true, ['^' ... 'z'] = true, ['|'] = true, ['~'] = true,
	};
	/* clang-format on */
	const char *p = text;

	while (letters[(uint8_t)*p])
		p++;
	return p > text && !*p;
}

static bool has_controls(const char *text)
{
	for (const char *p = text; *p; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return true;
	return false;
}

static enum MHD_Result look_at_header(void *cls, enum MHD_ValueKind kind, const char *name,
				      const char *value)
{
	struct framing *framing = cls;
	bool encoding = strcasecmp(name, "Transfer-Encoding") == 0;

	(void)kind;
	/* lines that were folded into one are no longer where they came in */
	if (name < framing->head || name >= framing->head + framing->head_len)
		framing->malformed = true;
	framing->hosts += strcasecmp(name, "Host") == 0;
	framing->lengths += strcasecmp(name, "Content-Length") == 0;
	framing->encodings += encoding;
	if (encoding && value && strcasecmp(value, "chunked") == 0)
		framing->chunked = true;
	/* a blank before the colon: what some take for another header others do not */
	if (!is_token(name) || (value && !lf_ascii_plain(value) && has_controls(value)))
		framing->malformed = true;
	return MHD_YES;
}

/* Blanks and controls of a target are its end to some, and not to others. */
static bool is_plain(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	return true;
}

int lf_http_check_framing(const struct lf_http_head *head, struct lf_error *err)
{
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(head->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct framing framing = {.head = head->uri, .head_len = size ? size->header_size : 0};

	MHD_get_connection_values(head->connection, MHD_HEADER_KIND, look_at_header, &framing);
	bool hostless = !framing.hosts && strcmp(head->version, "HTTP/1.0") != 0;
	/* the version follows the one blank after the URL, unless there is a NUL in it */
	bool plain = head->version == head->uri + head->uri_len + 1 && is_plain(head->path) &&
		     is_plain(head->query);
	const char *wrong = NULL;
	if (head->path[0] != '/' || !plain)
		wrong = "what is asked for is not a path";
	else if (framing.malformed)
		wrong = "a header is not well-formed";
	else if (framing.lengths + framing.encodings > 1)
		wrong = "the request has more than one length";
	else if (framing.encodings && !framing.chunked)
		wrong = "the transfer encoding is not one that this server knows";
	else if (framing.hosts > 1 || hostless)
		wrong = "the request does not name one host";
	return wrong ? lf_fail_arm(err, LF_EINVAL, "BadRequest", NULL,
				   "send a path that begins with '/', one Host, and one "
				   "Content-Length or 'Transfer-Encoding: chunked'",
				   "%s", wrong)
		     : 0;
}

/* Is raw text, as it is and with its escapes decoded?  Broken escapes are the handlers' to refuse.
 */
static bool is_text(const char *raw)
{
	char hex[3] = "";
	uint8_t byte;
	size_t used = 0;
	struct lf_error ignored;

	if (!strchr(raw, '%'))
		return lf_utf8_valid(raw);
	LF_AUTO_FREE char *plain = malloc(strlen(raw) + 1);
	if (!plain)
		return false;
	for (const char *p = raw; *p; p++) {
		plain[used++] = *p;
		if (*p != '%')
			continue;
		snprintf(hex, sizeof(hex), "%.2s", p + 1);
		if (lf_hex_decode(hex, &byte, 1, &ignored))
			continue;
		if (!byte)
			return false;
		plain[used - 1] = (char)byte;
		p += 2;
	}
	plain[used] = '\0';
	return lf_utf8_valid(plain);
}

static enum MHD_Result look_at_text(void *cls, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	bool *text = cls;

	(void)kind;
	*text = *text && lf_utf8_valid(name) && lf_utf8_valid(value ? value : "");
	return MHD_YES;
}

int lf_http_check_text(const struct lf_http_head *head, struct lf_error *err)
{
	bool text = is_text(head->path) && is_text(head->query);

	MHD_get_connection_values(head->connection, MHD_HEADER_KIND, look_at_text, &text);
	return text ? 0
		    : lf_fail_arm(err, LF_EINVAL, "InvalidRequestUri", NULL,
				  "send UTF-8, percent-encoded in the URL",
				  "the path, the query or a header is not UTF-8 text");
}
