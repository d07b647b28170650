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

#include "arm/arm.h"

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
 * Does the request's body ask for nothing but what its route's fields name?  A member that none of
 * them names is refused, unless it is null, false or empty; a row without rows below it stands for
 * all that is below.  LF_EUNSUPPORTED "OperationNotAllowed", with the path as target.
 */
LF_MUST_CHECK int lf_members_check(struct lf_arm_call *call, struct lf_error *err);

#endif
