/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the blob service that are XML: lists, and errors, as clients of storage accounts read
 * them.
 */
#include <stdlib.h>
#include <string.h>

#include "blob/internal.h"
#include "blob/xml.h"

#define XML_TYPE "application/xml"

void lf_blob_answer_xml(struct lf_http_exchange *x, int status, struct lf_buf *xml)
{
	size_t len = xml->len;
	char *text = lf_buf_take(xml);

	if (!text) {
		lf_http_answer_sorry(x);
		return;
	}
	lf_http_status(x, status);
	lf_http_answer_take(x, XML_TYPE, text, len);
}

/* What was written for clients has a code of its own; anything else may speak of files and of the
 * daemon, which is for its log: stricter than lf_error_outside(). */
static const char *message_for(const struct lf_error *err)
{
	if (err->arm_code[0])
		return err->message;
	switch (err->code) {
	case LF_EUNAUTHENTICATED:
		return "the request could not be authenticated";
	case LF_EDENIED:
		return "this request is not authorized to perform this operation";
	case LF_ENOTFOUND:
		return "the resource does not exist";
	default:
		return lf_error_http(err->code) < 500 ? "the request cannot be served"
						      : lf_error_outside(err);
	}
}

void lf_blob_answer_error(struct lf_http_exchange *x, const struct lf_error *err)
{
	struct lf_buf xml = LF_BUF_INIT;
	const char *code = lf_error_arm(err);

	lf_http_set_header(x, "x-ms-error-code", code);
	if (err->code == LF_EUNAUTHENTICATED)
		lf_http_set_header(x, "WWW-Authenticate",
				   "Bearer authorization_uri=\"https://login\" "
				   "resource_id=\"https://storage.azure.com\"");
	lf_buf_puts(&xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>");
	lf_blob_xml_text(&xml, code);
	lf_buf_puts(&xml, "</Code><Message>");
	lf_blob_xml_text(&xml, message_for(err));
	lf_buf_puts(&xml, "</Message></Error>");
	lf_blob_answer_xml(x, lf_error_http(err->code), &xml);
}
