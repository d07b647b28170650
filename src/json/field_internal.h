/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json/field_internal.h - what checking a document and reading it into a struct share.
 */
#ifndef LF_JSON_FIELD_INTERNAL_H
#define LF_JSON_FIELD_INTERNAL_H

#include "json/field.h"

/* A field's value (NULL: absent) against its row; path: with indexes, the error's target. */
LF_MUST_CHECK int lf_field_check_value(const struct lf_field *field, const json_t *value,
				       const char *path, struct lf_error *err);
/* What rest, the end of a row's path, goes on in is an array (rest begins with "*") or an object.
 */
LF_MUST_CHECK int lf_field_check_way(const char *rest, const json_t *value, const char *path,
				     struct lf_error *err);
/* Index of text, in any case, in an enum's values; -1: it is none. */
int lf_field_enum(const struct lf_field *field, const char *text);

#endif
