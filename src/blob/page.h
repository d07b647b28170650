/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/page.h - page blobs that clients write.
 */
#ifndef LF_BLOB_PAGE_H
#define LF_BLOB_PAGE_H

#include "base/error.h"

#define LF_BLOB_PAGE_SUFFIX ".page"

struct lf_blob_request;
struct lf_http_exchange;

/* The file of such a blob, whether or not it is there; free(). */
LF_MUST_CHECK int lf_blob_page_path(const char *data_dir, const char *account,
				    const char *container, const char *blob, char **ret_path,
				    struct lf_error *err);
/* Put Blob: a page blob of zeroes.  Put Page: at most 4 MiB of it, durable. */
LF_MUST_CHECK int lf_blob_page_create(const struct lf_blob_request *request,
				      struct lf_http_exchange *x, struct lf_error *err);
LF_MUST_CHECK int lf_blob_page_write(const struct lf_blob_request *request,
				     struct lf_http_exchange *x, struct lf_error *err);

#endif
