/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/auth/authorize.h - who asks, and may they?
 *
 * Threads: any; a request belongs to one.
 */
#ifndef LF_BLOB_AUTH_AUTHORIZE_H
#define LF_BLOB_AUTH_AUTHORIZE_H

#include "blob/internal.h"

/* Of the request itself: by bearer token, account key or shared access signature.  Sets
 * create_only, agent and what is known of the account.  LF_EUNAUTHENTICATED, LF_EDENIED. */
LF_MUST_CHECK int lf_blob_authorize(struct lf_http_exchange *x, struct lf_blob_request *request,
				    struct lf_error *err);
/*
 * May the request read a blob of this site that it wants to copy?  By the signature in the URL's
 * query, by x-ms-copy-source-authorization, or in its own account by the token or key of the
 * request itself.  LF_EDENIED.
 */
LF_MUST_CHECK int lf_blob_authorize_source(struct lf_http_exchange *x,
					   const struct lf_blob_request *request,
					   const struct lf_blob_target *source, const char *query,
					   struct lf_error *err);

#endif
