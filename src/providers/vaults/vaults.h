/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/vaults/vaults.h - Microsoft.RecoveryServices/vaults themselves.  What is in a vault
 * belongs to the providers of replication and backup.
 */
#ifndef LF_PROVIDERS_VAULTS_H
#define LF_PROVIDERS_VAULTS_H

#include "arm/arm.h"
#include "providers/common/site.h"
#include "providers/common/types.h"

extern const struct lf_arm_provider lf_vaults_provider;

/* As lf_arm_provider.admit of all that lies below vaults: what a peer sent of a vault of its own
 * (state "replicaOf") can be read, and restored across regions, but not changed; a vault whose
 * publicNetworkAccess is Disabled is served through its private endpoints alone, and a private door
 * serves those vaults alone that its address leads to.  LF_ECONFLICT; LF_EDENIED
 * "PublicNetworkAccessDisabled". */
lf_arm_handler lf_vault_admit;

/* How many resources of type the vault holds. */
LF_MUST_CHECK int lf_vault_count(struct lf_catalog *catalog, const char *vault_id, const char *type,
				 size_t *ret_n, struct lf_error *err);
/* Change a vault's document by the rules of a PATCH of the vault. */
LF_MUST_CHECK int lf_vault_change(struct lf_arm_call *call, const char *vault_id, json_t *changes,
				  struct lf_error *err);

#endif
