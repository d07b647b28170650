/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/unsupported.h - settings that a body may ask for and that
 * nothing here would keep to: refused with a code of their own, never stored
 * and shown as if they held.
 *
 * Pure; any thread.
 */
#ifndef LF_PROVIDERS_COMMON_UNSUPPORTED_H
#define LF_PROVIDERS_COMMON_UNSUPPORTED_H

#include "json/json.h"

enum lf_unsupported_when {
	LF_IS_TRUE,
	LF_IS_FALSE,
	LF_IS_THERE, /* and neither null nor empty */
	LF_IS_TEXT,  /* text, in any case */
};

struct lf_unsupported {
	const char *path;
	enum lf_unsupported_when when;
	const char *text; /* of LF_IS_TEXT */
	const char *code; /* "...NotSupported" */
};

/* LF_EUNSUPPORTED with the code of the first row that the document meets. */
LF_MUST_CHECK int lf_unsupported_check(const struct lf_unsupported *rows, size_t n,
				       const json_t *doc, struct lf_error *err);

/*
 * What doc says otherwise than before may be changed if its path is one of changing, or below one.
 * Absent members, null and what asks for nothing are no changes; texts compare without case.
 * LF_ECONFLICT "PropertyChangeNotAllowed", with the path as target.
 */
LF_MUST_CHECK int lf_changes_check(const json_t *doc, const json_t *before,
				   const char *const *changing, size_t n, struct lf_error *err);
/* Put what doc has at the paths of changing into kept; -1: no memory. */
LF_MUST_CHECK int lf_changes_take(json_t *kept, const json_t *doc, const char *const *changing,
				  size_t n);

#endif
