/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/auth/conditions.h - If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since.
 *
 * Pure; any thread.
 */
#ifndef LF_BLOB_AUTH_CONDITIONS_H
#define LF_BLOB_AUTH_CONDITIONS_H

#include "http/exchange.h"

enum lf_blob_asking {
	LF_BLOB_ASKS_READ,   /* what is the same is not answered again: 304 */
	LF_BLOB_ASKS_CHANGE, /* of what is there */
	LF_BLOB_ASKS_MAKE,   /* whether or not there is one */
	LF_BLOB_ASKS_SOURCE, /* the x-ms-source-if-... headers, of what is copied */
};

/*
 * Do a request's conditions hold for what is there (exists; last changed at modified_ns)?
 * *ret_same: answer 304 (LF_BLOB_ASKS_READ alone).
 *   LF_EPRECONDITION "ConditionNotMet", "SourceConditionNotMet"
 *   LF_ECONFLICT "BlobAlreadyExists": If-None-Match: *, of what is to be made
 *   LF_EINVAL "InvalidHeaderValue": a date that cannot be read
 */
LF_MUST_CHECK int lf_blob_conditions(const struct lf_http_exchange *x, enum lf_blob_asking asking,
				     bool exists, int64_t modified_ns, bool *ret_same,
				     struct lf_error *err);

#endif
