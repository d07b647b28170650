/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json/field.h - what a request body may hold, as a table.
 *
 * One row a field, in the order of the documents.  The rows check a document,
 * redact it for logs and answers, and document it (docs/contract.md).  Fields
 * that no row names are let through: Azure's clients send more than any
 * description lists.  null counts as absent.
 */
#ifndef LF_JSON_FIELD_H
#define LF_JSON_FIELD_H

#include "json/json.h"

enum lf_field_type {
	LF_TEXT, /* string */
	LF_INT,	 /* integer, or digits in a string; min..max */
	LF_BOOL, /* boolean, or "true"/"false" */
	LF_OBJECT,
	LF_ARRAY, /* at most max elements, if max > 0 */
	LF_ENUM,  /* one of values, any case; rewritten to the published case */
	LF_ID,	  /* ARM resource id by its form (lf_id_good); "" allowed unless required */
};

enum lf_field_flags {
	LF_REQUIRED = 1,    /* absent: LF_EINVAL with the path as target */
	LF_READ_ONLY = 2,   /* accepted and dropped */
	LF_CREATE_ONLY = 4, /* another value on update: LF_ECONFLICT "PropertyChangeNotAllowed" */
	LF_SECRET = 8,	    /* never echoed, never logged */
};

struct lf_field {
	const char *path; /* inside the document; "*" as a component means each array element */
	enum lf_field_type type;
	unsigned flags;
	int64_t min, max;	   /* LF_INT: range; LF_ARRAY, LF_TEXT: max length when > 0 */
	const char *const *values; /* LF_ENUM: NULL-ended */
	const char *doc;	   /* one sentence */
};

/*
 * Check doc against the rows; drops read-only fields and normalises enums in
 * place.  before: the stored document on update, else NULL.
 * LF_EINVAL "InvalidParameter"/"MissingRequiredProperty" with the path as
 * target and what is allowed as hint.
 */
LF_MUST_CHECK int lf_fields_check(const struct lf_field *fields, size_t n, json_t *doc,
				  const json_t *before, struct lf_error *err);
/* Remove secret fields in place, before a document is answered or logged. */
void lf_fields_redact(const struct lf_field *fields, size_t n, json_t *doc);

#endif
