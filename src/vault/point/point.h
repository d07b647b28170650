/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/point/point.h - recovery points.
 *
 * A point is a manifest: {"id", "time", "consistency", "machine": {...},
 * "disks": [{"id", "name", "sizeBytes", "root", "lun", "os"}]}, sealed and
 * durable.  It lives as long as a claim on it does (vault/point/claim.h).  Format:
 * docs/formats/point.md.  Threads: any.
 */
#ifndef LF_VAULT_POINT_POINT_H
#define LF_VAULT_POINT_POINT_H

#include "vault/point/claim.h"

/* id: a GUID.  The claim is made first, so that no instant leaves the point unclaimed. */
LF_MUST_CHECK int lf_point_put(struct lf_vault *vault, const char *id, const json_t *manifest,
			       const char *claim, int64_t until_ns, struct lf_error *err);
LF_MUST_CHECK int lf_point_get(struct lf_vault *vault, const char *id, json_t **ret_manifest,
			       struct lf_error *err);
/*
 * Array of manifests, oldest first.  *ret_damaged: those that cannot be read, {"id", "damaged":
 * why}, whose disks and time nobody knows; NULL: such a one is an error.
 */
LF_MUST_CHECK int lf_point_list(struct lf_vault *vault, json_t **ret_points, json_t **ret_damaged,
				struct lf_error *err);
/* Is this error of reading a point the point's own trouble, and no other's? */
bool lf_point_is_damage(int rc);

#endif
