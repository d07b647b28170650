/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/access.h - reading a disk, or a disk of a restore point, by a URL that carries
 * its own right and ends (beginGetAccess, endGetAccess); and what else is handed out that way.
 *
 * A grant is a row of type "Landfall/diskAccess" with the GUID derived from what it is of, {"of":
 * id, "expires": time, "container": GUID}, and a container of that name, random for each grant, in
 * an account that no client can make, with one blob: the point's disk (blob/point.h), or bytes.  A
 * URL of a grant that was taken back is of no use for the next.  The blob's claim keeps the disk
 * while it can be read, whatever becomes of the resource.
 *
 * Threads: any.
 */
#ifndef LF_PROVIDERS_COMPUTE_ACCESS_H
#define LF_PROVIDERS_COMPUTE_ACCESS_H

#include "arm/arm.h"
#include "blob/point.h"
#include "providers/common/site.h"

#define LF_DISK_ACCESS_ACCOUNT "md-access"

/*
 * Grant what the request's body asks for, of the resource one level up, and answer it; again: the
 * same grant, for the longer time.
 *
 *   LF_EINVAL       access or durationInSeconds
 *   LF_EUNSUPPORTED access to write
 */
LF_MUST_CHECK int lf_disk_access_grant(struct lf_arm_call *call, const struct lf_blob_point *disk,
				       struct lf_error *err);
/* May a disk be handed out?  LF_ECONFLICT "OperationNotAllowed": its networkAccessPolicy is
 * DenyAll, or its publicNetworkAccess Disabled.  A disk that is gone has said nothing. */
LF_MUST_CHECK int lf_disk_access_check(struct lf_catalog *catalog, const char *disk_id,
				       struct lf_error *err);
bool lf_disk_is_closed(const json_t *doc);
/* Hand out bytes as the blob NAME of a grant of its own, for so long: its URL without, and the
 * query with, the right; free() both. */
LF_MUST_CHECK int lf_access_share(struct lf_arm_call *call, const char *of, const char *name,
				  const char *text, int64_t seconds, char **ret_url,
				  char **ret_query, struct lf_error *err);
/* Take it back; none is fine. */
LF_MUST_CHECK int lf_disk_access_revoke(struct lf_context *context, const char *of,
					struct lf_error *err);
/* Is there one? */
LF_MUST_CHECK int lf_disk_access_is_granted(struct lf_catalog *catalog, const char *of,
					    bool *ret_granted, struct lf_error *err);
/* Take back what has expired. */
LF_MUST_CHECK int lf_disk_access_tend(struct lf_context *context, struct lf_error *err);
/* The account's keys, as lf_blob_opts.keys answers them. */
LF_MUST_CHECK int lf_disk_access_keys(struct lf_catalog *catalog, json_t **ret_keys,
				      struct lf_error *err);

#endif
