/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/types.h - resource types that providers name which do not use each other.
 */
#ifndef LF_PROVIDERS_COMMON_TYPES_H
#define LF_PROVIDERS_COMMON_TYPES_H

#define LF_VAULT_TYPE	"Microsoft.RecoveryServices/vaults"
#define LF_STORAGE_TYPE "Microsoft.Storage/storageAccounts"

#endif
