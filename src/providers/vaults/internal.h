/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/vaults/internal.h - shared by the files of this provider.
 */
#ifndef LF_PROVIDERS_VAULTS_INTERNAL_H
#define LF_PROVIDERS_VAULTS_INTERNAL_H

#include "providers/common/document.h"
#include "providers/vaults/vaults.h"

extern const struct lf_document lf_vault_document;

lf_arm_handler lf_vault_usages, lf_vault_replication_usages;

#endif
