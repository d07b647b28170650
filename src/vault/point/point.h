/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/point/point.h - recovery points and the claims that keep them alive.
 *
 * A point is a manifest: {"id", "time", "consistency", "machine": {...},
 * "disks": [{"id", "name", "sizeBytes", "root", "lun", "os"}]}, sealed and
 * durable.  A claim is a name on a point ("retention", "export:GUID",
 * "session:GUID", "lock") with an expiry; a point without live claims is
 * garbage, and what only it refers to is collected.  Format:
 * docs/formats/point.md.  Threads: any.
 */
#ifndef LF_VAULT_POINT_POINT_H
#define LF_VAULT_POINT_POINT_H

#include "vault/vault.h"

#define LF_CLAIM_FOREVER INT64_MAX

/* id: a GUID.  The claim is made first, so that no instant leaves the point unclaimed. */
LF_MUST_CHECK int lf_point_put(struct lf_vault *vault, const char *id, const json_t *manifest,
			       const char *claim, int64_t until_ns, struct lf_error *err);
LF_MUST_CHECK int lf_point_get(struct lf_vault *vault, const char *id, json_t **ret_manifest,
			       struct lf_error *err);
/* Array of manifests, oldest first. */
LF_MUST_CHECK int lf_point_list(struct lf_vault *vault, json_t **ret_points, struct lf_error *err);

/* Make or move a claim; durable.  LF_ENOTFOUND: no such point. */
LF_MUST_CHECK int lf_claim_put(struct lf_vault *vault, const char *point, const char *claim,
			       int64_t until_ns, struct lf_error *err);
/* When it ends.  LF_ENOTFOUND: there is no such claim. */
LF_MUST_CHECK int lf_claim_until(struct lf_vault *vault, const char *point, const char *claim,
				 int64_t *ret_until_ns, struct lf_error *err);
/* Drop it; absent is fine. */
LF_MUST_CHECK int lf_claim_drop(struct lf_vault *vault, const char *point, const char *claim,
				struct lf_error *err);

#endif
