/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/internal.h - the handlers of this provider's routes.
 */
#ifndef LF_PROVIDERS_BACKUP_INTERNAL_H
#define LF_PROVIDERS_BACKUP_INTERNAL_H

#include "providers/backup/scope.h"

extern const struct lf_document lf_backup_item_document;
lf_arm_handler lf_backup_policy_list, lf_backup_policy_delete;
lf_arm_handler lf_backup_item_put, lf_backup_item_delete, lf_backup_item_list, lf_backup_now;
lf_arm_handler lf_backup_point_get, lf_backup_point_list, lf_backup_restore;
lf_arm_handler lf_backup_files_provision, lf_backup_files_revoke, lf_backup_files_result;
lf_arm_handler lf_backup_points_extended, lf_backup_points_extended_result, lf_backup_source_scan;
lf_arm_handler lf_backup_job_get, lf_backup_job_list, lf_backup_job_cancel, lf_backup_job_result,
	lf_backup_job_export, lf_backup_job_export_result;
lf_arm_handler lf_backup_operation_status, lf_backup_operation_result;
lf_arm_handler lf_backup_container_get, lf_backup_container_list, lf_backup_container_put,
	lf_backup_containers_refresh, lf_backup_refresh_result, lf_backup_protectable_list,
	lf_backup_status, lf_backup_validate_feature, lf_backup_prevalidate,
	lf_backup_validate_operation, lf_backup_validate_trigger, lf_backup_validate_status,
	lf_backup_validate_result, lf_backup_usage;
lf_arm_handler lf_backup_vault_config_get, lf_backup_vault_config_put, lf_backup_storage_config_get,
	lf_backup_storage_config_put, lf_backup_encryption_config_get,
	lf_backup_encryption_config_put, lf_backup_security_pin;
lf_arm_handler lf_backup_aad_properties, lf_backup_access_token, lf_backup_cross_region_restore,
	lf_backup_cross_region_job, lf_backup_cross_region_jobs, lf_backup_cross_region_status,
	lf_backup_cross_region_result;

#endif
