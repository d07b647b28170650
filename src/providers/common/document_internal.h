/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/document_internal.h - what every body is held to, for document.c.
 */
#ifndef LF_PROVIDERS_DOCUMENT_INTERNAL_H
#define LF_PROVIDERS_DOCUMENT_INTERNAL_H

#include "providers/common/document.h"

LF_MUST_CHECK int lf_document_check_tags(const json_t *doc, struct lf_error *err);
/* Take away what the client may not set itself. */
void lf_document_drop_envelope(json_t *doc);
/* The first member that no row names, beside the envelope, location and tags; ret_path is "" when
 * there is none.  body may be NULL. */
LF_MUST_CHECK int lf_document_find_stray(const json_t *body, const struct lf_field *fields,
					 size_t n, const json_t *shown,
					 char ret_path[static LF_FIELD_PATH_SIZE],
					 struct lf_error *err);
LF_MUST_CHECK int lf_document_fail_stray(const char *path, struct lf_error *err);

#endif
