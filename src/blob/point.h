/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/point.h - page blobs that are a vault's disk: a fixed VHD whose bytes stream from a point.
 *
 * Such a blob is a small file "NAME.point" that names a root; making one costs the same whatever
 * the disk's size.  It holds a claim of its own on its point, "blob:GUID", from before it is there
 * until after it is gone.  The GUID is derived from account, container and name: letting go of a
 * blob drops that claim and no other, whatever its file says.  In between, the file is
 * ".NAME.gone". A file whose region or point there is not keeps nothing, and keeps nothing from
 * going. Threads: any.
 */
#ifndef LF_BLOB_POINT_H
#define LF_BLOB_POINT_H

#include "http/server.h"
#include "json/json.h"
#include "vault/open/regions.h"

#define LF_BLOB_POINT_SUFFIX ".point"

struct lf_blob_point {
	const char *region, *point, *root; /* of the disk */
	uint64_t size_bytes;		   /* of the disk */
};
/* Make it, or make it again; the container is there. */
LF_MUST_CHECK int lf_blob_put_point(const char *data_dir, struct lf_regions *regions,
				    const char *account, const char *container, const char *blob,
				    const struct lf_blob_point *point, struct lf_error *err);
/* {"region", "point", "root", "sizeBytes"}; LF_ENOTFOUND: no such blob, or of other bytes. */
LF_MUST_CHECK int lf_blob_find_point(const char *data_dir, const char *account,
				     const char *container, const char *blob, json_t **ret_point,
				     struct lf_error *err);
/* Another record (blob/entry.h) for it. */
LF_MUST_CHECK int lf_blob_describe_point(const char *data_dir, const char *account,
					 const char *container, const char *blob,
					 const json_t *record, struct lf_error *err);
/* Remove it, then its claim.  LF_ENOTFOUND. */
LF_MUST_CHECK int lf_blob_remove_point(const char *data_dir, struct lf_regions *regions,
				       const char *account, const char *container, const char *blob,
				       struct lf_error *err);
/* The claims of all such blobs of a container that is to be removed, or is. */
LF_MUST_CHECK int lf_blob_release_points(const char *data_dir, struct lf_regions *regions,
					 const char *account, const char *container,
					 struct lf_error *err);
/* Of a container's blobs, those that were being removed or replaced when something cut it short. */
LF_MUST_CHECK int lf_blob_settle_points(const char *data_dir, struct lf_regions *regions,
					const char *account, const char *container,
					struct lf_error *err);
/* Length of the blob: the disk in whole MiB, and the footer. */
uint64_t lf_blob_point_length(const json_t *point);
/* Bytes of the blob, as lf_http_read_fn; context: struct lf_blob_point_reader from the opener. */
struct lf_blob_point_reader;
LF_MUST_CHECK int lf_blob_point_reader_open(struct lf_regions *regions, const json_t *point,
					    uint64_t from, struct lf_blob_point_reader **ret_reader,
					    struct lf_error *err);
int lf_blob_point_read(void *context, void *data, size_t len, uint64_t offset,
		       struct lf_error *err);
void lf_blob_point_reader_free(void *context);
/* Runs of bytes from first to last (inclusive) that are not holes, in order, footer included; the
 * visit stops the walk by a code that is not 0. */
typedef int lf_blob_range_fn(void *context, uint64_t first, uint64_t last, struct lf_error *err);
LF_MUST_CHECK int lf_blob_point_ranges(struct lf_regions *regions, const json_t *point,
				       uint64_t first, uint64_t last, lf_blob_range_fn *visit,
				       void *context, struct lf_error *err);

#endif
