/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/vaults/internal.h - shared by the files of this provider.
 */
#ifndef LF_PROVIDERS_VAULTS_INTERNAL_H
#define LF_PROVIDERS_VAULTS_INTERNAL_H

#include "providers/common/document.h"
#include "providers/vaults/vaults.h"

extern const struct lf_document lf_vault_document;

/* How many resources of type the vault holds. */
LF_MUST_CHECK int lf_vault_count(struct lf_context *context, const char *vault_id, const char *type,
				 size_t *ret_n, struct lf_error *err);

lf_arm_handler lf_vault_usages, lf_vault_replication_usages;

#endif
