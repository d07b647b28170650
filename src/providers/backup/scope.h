/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/scope.h - what the path of a request names, and what things are called.
 *
 * Threads: a call's; what takes a context or pure text: any.
 */
#ifndef LF_PROVIDERS_BACKUP_SCOPE_H
#define LF_PROVIDERS_BACKUP_SCOPE_H

#include "base/text.h"
#include "providers/common/document.h"
#include "providers/common/scope.h"
#include "providers/vaults/vaults.h"

#define LF_BACKUP_POLICY_TYPE LF_VAULT_TYPE "/backupPolicies"
#define LF_BACKUP_ITEM_TYPE   LF_VAULT_TYPE "/backupFabrics/protectionContainers/protectedItems"
/* Of an item's document: {"diskLunList", "isInclusionList"}. */
#define LF_BACKUP_EXCLUSION  "properties.extendedProperties.diskExclusionProperties"
#define LF_BACKUP_POINT_TYPE LF_BACKUP_ITEM_TYPE "/recoveryPoints"

/* "iaasvmcontainer;iaasvmcontainerv2;GROUP;VM", "VM;iaasvmcontainerv2;GROUP;VM"; free(). */
char *lf_backup_container_name(const char *vm_id);
char *lf_backup_item_name(const char *vm_id);
/*
 * The id that an item has, of one that the documents write too: "…/protectedItems/VM;GROUP;VM",
 * with its container "iaasvmcontainerv2;GROUP;VM" or "iaasvmcontainer;iaasvmcontainerv2;GROUP;VM";
 * any other id as it is.  free().
 */
char *lf_backup_item_id(const char *id);
/* Id of the vault above an item or a point; free(). */
char *lf_backup_vault_id(const char *id);

/* The vault above a request's path. */
LF_MUST_CHECK int lf_backup_vault(struct lf_arm_call *call, struct lf_resource *ret_vault,
				  struct lf_error *err);
/* The item levels_up above the request's path; one that is soft-deleted, too. */
LF_MUST_CHECK int lf_backup_item(struct lf_arm_call *call, unsigned levels_up,
				 struct lf_resource *ret_item, struct lf_error *err);
/* The recovery point levels_up above the path, and its item; both are there. */
LF_MUST_CHECK int lf_backup_point(struct lf_arm_call *call, unsigned levels_up,
				  struct lf_resource *ret_item, struct lf_resource *ret_point,
				  struct lf_error *err);
/* Is no backup of the item made, as somebody has it? */
bool lf_backup_is_stopped(const struct lf_resource *item);
/* LF_ENOTFOUND in the words of Backup's clients. */
int lf_backup_fail_no_item(const char *id, struct lf_error *err);
/* Does the vault send its points to its pair?  *ret_pair: static; NULL: no. */
const char *lf_backup_pair(const struct lf_resource *vault);

/* Is it an api-version whose calls speak of the paired region? */
bool lf_backup_is_secondary(const struct lf_arm_call *call);
/* Does the call speak of what the contract of 2026 added? */
bool lf_backup_is_2026(const struct lf_arm_call *call);
/* Write the document and state of a row that is there. */
LF_MUST_CHECK int lf_backup_store(struct lf_catalog *catalog, const struct lf_resource *resource,
				  struct lf_error *err);

#endif
