/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/filter.h - $filter of lists: "field op 'value' and ...".
 *
 * A list offers fields as an object of text values; times compare as times, the
 * rest as text without case; startTime and endTime are a window however they are
 * compared.  Pure; any thread.
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
/* NULL matches all.  A condition on a field that fields lacks is ignored. */
bool lf_filter_matches(const struct lf_filter *filter, const json_t *fields);

#endif
