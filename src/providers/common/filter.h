/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/filter.h - $filter of lists: "field op 'value' and ...".
 *
 * A list says which names may be compared and where their values are; times compare
 * as times, the rest as text without case; startTime and endTime are a window
 * however they are compared.  Pure; any thread.
 */
#ifndef LF_PROVIDERS_FILTER_H
#define LF_PROVIDERS_FILTER_H

#include "json/json.h"

struct lf_filter;
/* text NULL or blank: *ret_filter stays what it was.  LF_EINVAL "InvalidFilter". */
LF_MUST_CHECK int lf_filter_new(const char *text, struct lf_filter **ret_filter,
				struct lf_error *err);
void lf_filter_free(struct lf_filter **filter);
#define LF_AUTO_FILTER LF_CLEANUP(lf_filter_free) struct lf_filter
/* What field has to equal; NULL: the filter does not say.  Borrowed. */
const char *lf_filter_value(const struct lf_filter *filter, const char *field);
/* A name that $filter may compare, and the path of its value in a document of the list. */
struct lf_filter_row {
	const char *name, *path;
};
/* Does doc pass?  NULL passes all.  A condition on a name that no row has is ignored; a value that
 * the document lacks is "". */
bool lf_filter_passes(const struct lf_filter *filter, const struct lf_filter_row *rows, size_t n,
		      const json_t *doc);
/* The same of an object of text values: a condition on a member that it lacks is ignored. */
bool lf_filter_matches(const struct lf_filter *filter, const json_t *fields);

#endif
