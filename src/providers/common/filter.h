/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/filter.h - $filter of lists.
 *
 *     name eq 'a' and (status ne 'Failed' or startTime ge '2026-11-27T00:00:00Z')
 *     substringof('web', name)    startswith(tagName, 'env')
 *     startDate eq '2026-11-27 12:00:00 AM' and endDate eq '2026-12-01 12:00:00 AM'
 *
 * A list says which names may be compared and where their values are.  What cannot be read, or
 * names something else, is refused: a filter never lets more pass than it says.  Texts are compared
 * without case.  Times are ISO 8601 with or without seconds, or a day, alone or with a time of
 * twelve hours and AM or PM (hour 00 is 12) or of 24; UTC where they name no zone.  At most 32
 * conditions, 16 brackets deep.  Pure; any thread.
 */
#ifndef LF_PROVIDERS_FILTER_H
#define LF_PROVIDERS_FILTER_H

#include "json/json.h"

enum lf_filter_kind {
	LF_FILTER_TEXT,	     /* eq, ne, substringof, startswith */
	LF_FILTER_LOCATION,  /* the same; "East US" is "eastus" */
	LF_FILTER_FIXED,     /* the same; path is the value, of all of the list */
	LF_FILTER_TIME,	     /* eq, ne, ge, gt, le, lt */
	LF_FILTER_FROM,	     /* a time; "eq" is the beginning of a window that has it: ge */
	LF_FILTER_UNTIL,     /* its end: le */
	LF_FILTER_TAG_NAME,  /* eq, startswith; both are of one and the same of the document's tags
			      */
	LF_FILTER_TAG_VALUE, /* (no path) */
};

/* A name that $filter may compare, and the path of its value in a document of the list, which
 * counts as "" where the document lacks it. */
struct lf_filter_row {
	const char *name, *path;
	enum lf_filter_kind kind;
};

struct lf_filter;
/* text NULL or blank: *ret_filter stays what it was.  rows are the list's, borrowed as long as the
 * filter lives.  LF_EINVAL "InvalidFilterInQueryString". */
LF_MUST_CHECK int lf_filter_new(const char *text, const struct lf_filter_row *rows, size_t n,
				struct lf_filter **ret_filter, struct lf_error *err);
void lf_filter_free(struct lf_filter **filter);
#define LF_AUTO_FILTER LF_CLEANUP(lf_filter_free) struct lf_filter
/* Does doc pass?  NULL passes all. */
bool lf_filter_passes(const struct lf_filter *filter, const json_t *doc);

#endif
