/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm/path.h - request paths and query strings as clients really send them.
 *
 * Pure functions.  Threads: any.
 */
#ifndef LF_ARM_PATH_H
#define LF_ARM_PATH_H

#include "base/error.h"

#define LF_PATH_SEGMENTS_MAX 40

/* Decoded segments of a path; empty ones (double slashes) are dropped. */
struct lf_path {
	char *text; /* holds the segments */
	const char *segments[LF_PATH_SEGMENTS_MAX];
	size_t n;
};
void lf_path_done(struct lf_path *path);
#define LF_AUTO_PATH LF_CLEANUP(lf_path_done) struct lf_path
/*
 * LF_EINVAL for a broken escape, what is not UTF-8, a NUL or slash in a segment, "." or "..", more
 * than LF_PATH_SEGMENTS_MAX segments.
 * "/subscriptions//subscriptions/ID" and "/subscriptions/subscriptions/ID", a slip of the
 * documents, count as one.
 */
LF_MUST_CHECK int lf_path_parse(const char *raw, struct lf_path *ret_path, struct lf_error *err);

/* Value of a query or form field, decoded ('+' is a space), name compared without case and without
 * a leading '$'; free().  *ret_value NULL: absent or empty. */
LF_MUST_CHECK int lf_form_value(const char *form, const char *name, char **ret_value,
				struct lf_error *err);

/* Percent-encode everything but unreserved characters. */
char *lf_url_encode(const char *text);

#endif
