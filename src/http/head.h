/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/head.h - what the head of a request must be before anybody looks at what it asks.
 *
 * Threads: the request's.
 */
#ifndef LF_HTTP_HEAD_H
#define LF_HTTP_HEAD_H

#include "base/error.h"

struct MHD_Connection;
struct lf_http_head {
	const char *uri; /* where the library keeps it, raw; the version and the headers follow */
	size_t uri_len;	 /* as it came, to its first NUL */
	const char *path, *query, *version;
	struct MHD_Connection *connection;
};
/* What is asked is a path, and where the request ends and for whom it is is beyond doubt: a proxy
 * in front may have read it in another way.  Handlers may count on the slash in front.  LF_EINVAL
 * "BadRequest"; nothing that follows on the connection can be believed. */
LF_MUST_CHECK int lf_http_check_framing(const struct lf_http_head *head, struct lf_error *err);
/* The one place where bytes of strangers become text: path and query, as they are and with their
 * escapes decoded, and headers are UTF-8.  LF_EINVAL "InvalidRequestUri".  Bodies are their
 * readers' to check. */
LF_MUST_CHECK int lf_http_check_text(const struct lf_http_head *head, struct lf_error *err);

#endif
