/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/xml.h - the XML that clients of a storage account send and get: elements and text.
 *
 * Reading knows elements, text, the five entities and numeric ones, and skips attributes, comments
 * and the declaration; a document type or a processing instruction is refused, so that nothing is
 * expanded or fetched.  Pure; any thread.
 */
#ifndef LF_BLOB_XML_H
#define LF_BLOB_XML_H

#include "base/buf.h"

/* Escaped text; control characters are left out. */
void lf_blob_xml_text(struct lf_buf *out, const char *text);
/* <name>text</name>; text NULL: nothing. */
void lf_blob_xml_element(struct lf_buf *out, const char *name, const char *text);

#define LF_BLOB_XML_NAME  64
#define LF_BLOB_XML_DEPTH 8

/*
 * Each element that holds no other, in order: path is the names from the root down
 * ("BlockList/Latest"), text what is between its tags, unescaped.
 *   LF_EINVAL "InvalidXmlDocument"; what visit returns
 */
typedef int lf_blob_xml_fn(void *context, const char *path, const char *text, struct lf_error *err);
LF_MUST_CHECK int lf_blob_xml_read(const char *data, size_t len, lf_blob_xml_fn *visit,
				   void *context, struct lf_error *err);

#endif
