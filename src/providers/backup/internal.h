/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/internal.h - what the files of this provider share.
 */
#ifndef LF_PROVIDERS_BACKUP_INTERNAL_H
#define LF_PROVIDERS_BACKUP_INTERNAL_H

#include "base/text.h"
#include "providers/backup/backup.h"
#include "providers/backup/point/point.h"
#include "providers/common/document.h"
#include "providers/vaults/vaults.h"

#define LF_BACKUP_POLICY_TYPE LF_VAULT_TYPE "/backupPolicies"
#define LF_BACKUP_ITEM_TYPE   LF_VAULT_TYPE "/backupFabrics/protectionContainers/protectedItems"

/* "iaasvmcontainer;iaasvmcontainerv2;GROUP;VM", "VM;iaasvmcontainerv2;GROUP;VM"; free(). */
char *lf_backup_container_name(const char *vm_id);
char *lf_backup_item_name(const char *vm_id);
/* Id of the vault above an item or a point; free(). */
char *lf_backup_vault_id(const char *id);

/* The vault of a request's path, {group} and {vault}. */
LF_MUST_CHECK int lf_backup_vault(struct lf_arm_call *call, struct lf_resource *ret_vault,
				  struct lf_error *err);
/* The item levels_up above the request's path; one that is soft-deleted, too. */
LF_MUST_CHECK int lf_backup_item(struct lf_arm_call *call, unsigned levels_up,
				 struct lf_resource *ret_item, struct lf_error *err);
/* Does the vault send its points to its pair?  *ret_pair: static; NULL: no. */
const char *lf_backup_pair(const struct lf_resource *vault);

/* A list's page: filtered and sorted already. */
LF_MUST_CHECK int lf_backup_reply_list(struct lf_arm_call *call, json_t *values,
				       struct lf_error *err);

/* Submit a backup of an item; expires: time or NULL (by its policy). */
LF_MUST_CHECK int lf_backup_submit(struct lf_context *context, const struct lf_resource *item,
				   const char *expires, char ret_job[static LF_GUID_SIZE],
				   struct lf_error *err);
#define LF_REPLICA_CLAIM "replica:" /* and the pairing's name: of what a peer sent */

extern const struct lf_job_type lf_backup_job, lf_backup_validate_job;

lf_arm_handler lf_backup_policy_get, lf_backup_policy_list, lf_backup_policy_put,
	lf_backup_policy_delete;
lf_arm_handler lf_backup_item_get, lf_backup_item_put, lf_backup_item_delete, lf_backup_item_list,
	lf_backup_now;
lf_arm_handler lf_backup_point_get, lf_backup_point_list, lf_backup_restore;
lf_arm_handler lf_backup_files_provision, lf_backup_files_revoke;
lf_arm_handler lf_backup_job_get, lf_backup_job_list, lf_backup_job_cancel, lf_backup_job_result,
	lf_backup_job_export, lf_backup_job_export_result;
lf_arm_handler lf_backup_operation_status, lf_backup_operation_result;
lf_arm_handler lf_backup_container_get, lf_backup_container_list, lf_backup_container_put,
	lf_backup_containers_refresh, lf_backup_protectable_list, lf_backup_empty_list,
	lf_backup_status, lf_backup_validate_feature, lf_backup_prevalidate,
	lf_backup_validate_operation, lf_backup_validate_trigger, lf_backup_validate_status,
	lf_backup_validate_result, lf_backup_usage;
lf_arm_handler lf_backup_vault_config_get, lf_backup_vault_config_put, lf_backup_storage_config_get,
	lf_backup_storage_config_put, lf_backup_encryption_config_get,
	lf_backup_encryption_config_put, lf_backup_security_pin, lf_backup_unsupported;
lf_arm_handler lf_backup_aad_properties, lf_backup_access_token, lf_backup_cross_region_restore,
	lf_backup_cross_region_job, lf_backup_cross_region_jobs, lf_backup_cross_region_status,
	lf_backup_cross_region_result;

/* Is it an api-version whose calls speak of the paired region? */
bool lf_backup_is_secondary(const struct lf_arm_call *call);

#endif
