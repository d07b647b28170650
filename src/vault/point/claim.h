/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/point/claim.h - what keeps recovery points alive.
 *
 * A claim is a name on a point ("retention", "export:GUID", "session:GUID",
 * "lock") with an expiry; a point without live claims is garbage, and what only
 * it refers to is collected (vault/care/care.h).  Format:
 * docs/formats/point.md.  Threads: any.
 */
#ifndef LF_VAULT_POINT_CLAIM_H
#define LF_VAULT_POINT_CLAIM_H

#include "vault/vault.h"

#define LF_CLAIM_FOREVER INT64_MAX

/* Make or move a claim; durable.  LF_ENOTFOUND: no such point. */
LF_MUST_CHECK int lf_claim_put(struct lf_vault *vault, const char *point, const char *claim,
			       int64_t until_ns, struct lf_error *err);
/* When it ends.  LF_ENOTFOUND: there is no such claim. */
LF_MUST_CHECK int lf_claim_until(struct lf_vault *vault, const char *point, const char *claim,
				 int64_t *ret_until_ns, struct lf_error *err);
/* Drop it; absent is fine. */
LF_MUST_CHECK int lf_claim_drop(struct lf_vault *vault, const char *point, const char *claim,
				struct lf_error *err);
/*
 * Does a claim keep the point at now_ns?  One that cannot be read does.  Those whose names begin
 * with except (NULL: none) do not count.  The answer is that of a moment: the collection, which
 * acts on it, holds the vault's lock of points meanwhile.
 */
LF_MUST_CHECK int lf_claims_live(struct lf_vault *vault, const char *point, const char *except,
				 int64_t now_ns, bool *ret_live, struct lf_error *err);

#endif
