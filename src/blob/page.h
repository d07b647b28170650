/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/page.h - page blobs that clients write, as files.
 */
#ifndef LF_BLOB_PAGE_H
#define LF_BLOB_PAGE_H

#include "base/error.h"

#define LF_BLOB_PAGE_SUFFIX ".page" /* of earlier versions */

/* The file that holds such a blob's bytes; free().  LF_ENOTFOUND: there is no page blob, or it is a
 * point's disk. */
LF_MUST_CHECK int lf_blob_page_file(const char *data_dir, const char *account,
				    const char *container, const char *blob, char **ret_path,
				    struct lf_error *err);

#endif
