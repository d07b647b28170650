/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/point/claim_internal.h - claims as the vault's own files see them.
 */
#ifndef LF_VAULT_POINT_CLAIM_INTERNAL_H
#define LF_VAULT_POINT_CLAIM_INTERNAL_H

#include "vault/point/claim.h"
#include "vault/vault_internal.h"

LF_MUST_CHECK int lf_claim_write(struct lf_vault *vault, const char *point, const char *claim,
				 int64_t until_ns, struct lf_error *err)
	LF_REQUIRES(lf_points_lock);
LF_MUST_CHECK int lf_claims_remove(struct lf_vault *vault, const char *point, struct lf_error *err)
	LF_REQUIRES(lf_points_lock);
/* The file of a claim. */
LF_MUST_CHECK int lf_claim_read(struct lf_vault *vault, const char *point, const char *claim,
				int64_t *ret_until_ns, struct lf_error *err);

#endif
