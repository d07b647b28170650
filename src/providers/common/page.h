/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/page.h - long lists, a page at a time.
 *
 * Lists of catalog rows read a page of rows (common/document.h); this is for those that are made
 * whole first.  Threads: a call's.
 */
#ifndef LF_PROVIDERS_PAGE_H
#define LF_PROVIDERS_PAGE_H

#include "arm/arm.h"
#include "providers/common/site.h"

#define LF_PAGE_ROWS 100

/* How many rows a page of the request's list has: $top, from 1 to 1000, or LF_PAGE_ROWS.
 * LF_EINVAL "InvalidTopInQueryString". */
LF_MUST_CHECK int lf_page_size(struct lf_arm_call *call, size_t *ret_rows, struct lf_error *err);
/* 200 with the page of values that the request asks for; values are filtered and sorted already.
 * A page's token is the place and the id of its last one: when that is gone meanwhile, the next
 * page goes on at its place.  LF_EINVAL "InvalidSkipToken": it is none. */
LF_MUST_CHECK int lf_page_reply(struct lf_arm_call *call, const json_t *values,
				struct lf_error *err);

#endif
