/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/serve/range.h - which bytes of a blob a request is about.
 *
 * Azure's two forms, and no others: "bytes=FIRST-" and "bytes=FIRST-LAST".  The
 * header x-ms-range counts before Range.  Units other than bytes are no range
 * (RFC 9110, 14.2); anything else in bytes - several ranges, the last N bytes,
 * an end before its beginning - is refused, never read as something near it.
 *
 * Pure; any thread.
 */
#ifndef LF_BLOB_RANGE_H
#define LF_BLOB_RANGE_H

#include "http/server.h"

struct lf_blob_range {
	uint64_t first, last; /* both included: first <= last */
};

/*
 * The range of a header's text (NULL: none).  *ret_asked false: none, and
 * *ret_range stays.  last is UINT64_MAX where the text leaves it open; numbers
 * beyond 64 bits count as UINT64_MAX.
 *   LF_ERANGE "InvalidRange"
 */
LF_MUST_CHECK int lf_blob_range_parse(const char *text, bool *ret_asked,
				      struct lf_blob_range *ret_range, struct lf_error *err);
/* The range that a request's headers name, as lf_blob_range_parse(). */
LF_MUST_CHECK int lf_blob_range_asked(const struct lf_http_exchange *x, bool *ret_asked,
				      struct lf_blob_range *ret_range, struct lf_error *err);
/*
 * What of a blob of size bytes a request reads: all of it, or a range that is
 * cut at the blob's end.  Of an empty blob all is {0, 0} of no bytes.
 *   LF_ERANGE "InvalidRange" it begins beyond the end
 */
LF_MUST_CHECK int lf_blob_range_within(const struct lf_http_exchange *x, uint64_t size,
				       bool *ret_partial, struct lf_blob_range *ret_range,
				       struct lf_error *err);

#endif
