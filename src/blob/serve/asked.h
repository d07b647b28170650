/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/serve/asked.h - which operation a request asks for, and whether all that it says is obeyed.
 *
 * Pure; any thread.
 */
#ifndef LF_BLOB_SERVE_ASKED_H
#define LF_BLOB_SERVE_ASKED_H

#include "blob/internal.h"

/*
 * By method, level, restype and comp, and the type of a blob that is put.
 *   LF_EUNSUPPORTED "UnsupportedHeader", "UnsupportedQueryParameter", "UnsupportedHttpVerb": what
 *                   would change its meaning, and is not served with this operation
 *   LF_EINVAL "MissingRequiredHeader", "InvalidHeaderValue", "InvalidQueryParameterValue"
 *   LF_ENOTFOUND "BlobNotFound": a snapshot or version, of which there are none
 */
LF_MUST_CHECK int lf_blob_parse_operation(const struct lf_http_exchange *x,
					  const struct lf_blob_target *target,
					  enum lf_blob_operation *ret_operation,
					  struct lf_error *err);

#endif
