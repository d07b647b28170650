/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/backup/files/files.h"
#include "providers/backup/internal.h"
#include "providers/backup/item/backup.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/pair/pair.h"
#include "providers/backup/restore/restore.h"

#define VAULT	     LF_GROUP_PATH "/providers/Microsoft.RecoveryServices/vaults/{vault}"
#define FABRIC	     VAULT "/backupFabrics/{fabric}"
#define CONTAINER    FABRIC "/protectionContainers/{container}"
#define ITEM	     CONTAINER "/protectedItems/{item}"
#define POINT	     ITEM "/recoveryPoints/{point}"
#define LOCATION     LF_SUBSCRIPTION_PATH "/providers/Microsoft.RecoveryServices/locations/{location}"
#define ACTION(text) LF_VAULT_TYPE "/" text
#define CONTAINERS   "backupFabrics/protectionContainers/"
#define ITEMS	     CONTAINERS "protectedItems/"
#define RS(text)     "Microsoft.RecoveryServices/locations/" text
#define NONE	     NULL, 0
#define FIELDS(name) name, LF_N(name)

static const struct lf_field item_fields[] = {
	{"properties.sourceResourceId", LF_ID, 0, 0, 0, NULL, "The machine to protect."},
	{"properties.policyId", LF_TEXT, 0, 0, 1024, NULL, "The backup policy, of the same vault."},
	{"properties.protectionState", LF_TEXT, 0, 0, 64, NULL,
	 "ProtectionStopped: stop, and keep the data."},
	{"properties.isRehydrate", LF_BOOL, 0, 0, 0, NULL, "Bring a deleted item back."},
};
static const struct lf_field policy_fields[] = {
	{"properties.backupManagementType", LF_TEXT, LF_REQUIRED, 0, 64, NULL, "AzureIaasVM."},
	{"properties.schedulePolicy", LF_OBJECT, 0, 0, 0, NULL, "When backups are made."},
	{"properties.retentionPolicy", LF_OBJECT, 0, 0, 0, NULL, "How long they are kept."},
	{"properties.instantRpRetentionRangeInDays", LF_INT, 0, 1, 30, NULL,
	 "Days of instant restore."},
};

#define OPERATIONS(path, action)                                                                   \
	{"GET",                                                                                    \
	 path "/operationsStatus/{operation}",                                                     \
	 ACTION(action "operationsStatus/read"),                                                   \
	 lf_backup_operation_status,                                                               \
	 0,                                                                                        \
	 NONE},                                                                                    \
	{                                                                                          \
		"GET", path "/operationResults/{operation}",                                       \
			ACTION(action "operationResults/read"), lf_backup_operation_result, 0,     \
			NONE                                                                       \
	}

static const struct lf_arm_route routes[] = {
	{"GET", VAULT "/backupPolicies", ACTION("backupPolicies/read"), lf_backup_policy_list, 0,
	 NONE},
	{"GET", VAULT "/backupPolicies/{policy}", ACTION("backupPolicies/read"),
	 lf_backup_policy_get, 0, NONE},
	{"PUT", VAULT "/backupPolicies/{policy}", ACTION("backupPolicies/write"),
	 lf_backup_policy_put, LF_ARM_BODY, FIELDS(policy_fields)},
	{"DELETE", VAULT "/backupPolicies/{policy}", ACTION("backupPolicies/delete"),
	 lf_backup_policy_delete, 0, NONE},

	{"GET", VAULT "/backupProtectedItems", ACTION("backupProtectedItems/read"),
	 lf_backup_item_list, 0, NONE},
	{"GET", ITEM, ACTION(ITEMS "read"), lf_backup_item_get, 0, NONE},
	{"PUT", ITEM, ACTION(ITEMS "write"), lf_backup_item_put, LF_ARM_BODY, FIELDS(item_fields)},
	{"DELETE", ITEM, ACTION(ITEMS "delete"), lf_backup_item_delete, 0, NONE},
	{"POST", ITEM "/backup", ACTION(ITEMS "backup/action"), lf_backup_now, 0, NONE},
	OPERATIONS(ITEM, ITEMS),

	{"GET", ITEM "/recoveryPoints", ACTION(ITEMS "recoveryPoints/read"), lf_backup_point_list,
	 0, NONE},
	{"GET", POINT, ACTION(ITEMS "recoveryPoints/read"), lf_backup_point_get, 0, NONE},
	{"POST", POINT "/restore", ACTION(ITEMS "recoveryPoints/restore/action"), lf_backup_restore,
	 LF_ARM_BODY, NONE},
	{"POST", POINT "/accessToken", ACTION(ITEMS "recoveryPoints/accessToken/action"),
	 lf_backup_access_token, LF_ARM_BODY, NONE},
	{"POST", POINT "/provisionInstantItemRecovery",
	 ACTION(ITEMS "recoveryPoints/provisionInstantItemRecovery/action"),
	 lf_backup_files_provision, 0, NONE},
	{"POST", POINT "/revokeInstantItemRecovery",
	 ACTION(ITEMS "recoveryPoints/revokeInstantItemRecovery/action"), lf_backup_files_revoke, 0,
	 NONE},

	{"GET", VAULT "/backupJobs", ACTION("backupJobs/read"), lf_backup_job_list, 0, NONE},
	{"GET", VAULT "/backupJobs/{job}", ACTION("backupJobs/read"), lf_backup_job_get, 0, NONE},
	{"POST", VAULT "/backupJobs/{job}/cancel", ACTION("backupJobs/cancel/action"),
	 lf_backup_job_cancel, 0, NONE},
	{"GET", VAULT "/backupJobs/{job}/operationResults/{operation}",
	 ACTION("backupJobs/operationResults/read"), lf_backup_job_result, 0, NONE},
	{"GET", VAULT "/backupJobs/operationResults/{operation}",
	 ACTION("backupJobs/operationResults/read"), lf_backup_job_export_result, 0, NONE},
	{"POST", VAULT "/backupJobsExport", ACTION("backupJobsExport/action"), lf_backup_job_export,
	 0, NONE},

	{"GET", VAULT "/backupOperations/{operation}", ACTION("backupOperations/read"),
	 lf_backup_operation_status, 0, NONE},
	{"GET", VAULT "/backupOperationResults/{operation}", ACTION("backupOperationResults/read"),
	 lf_backup_operation_result, 0, NONE},
	OPERATIONS(FABRIC, "backupFabrics/"),
	OPERATIONS(CONTAINER, CONTAINERS),

	{"POST", FABRIC "/refreshContainers", ACTION("backupFabrics/refreshContainers/action"),
	 lf_backup_containers_refresh, 0, NONE},
	{"GET", FABRIC "/protectableContainers", ACTION("backupFabrics/protectableContainers/read"),
	 lf_backup_empty_list, 0, NONE},
	{"GET", VAULT "/backupProtectionContainers", ACTION("backupProtectionContainers/read"),
	 lf_backup_container_list, 0, NONE},
	{"GET", VAULT "/backupProtectableItems", ACTION("backupProtectableItems/read"),
	 lf_backup_protectable_list, 0, NONE},
	{"GET", CONTAINER, ACTION(CONTAINERS "read"), lf_backup_container_get, 0, NONE},
	{"PUT", CONTAINER, ACTION(CONTAINERS "write"), lf_backup_container_put, LF_ARM_BODY, NONE},
	{"GET", VAULT "/backupEngines", ACTION("backupEngines/read"), lf_backup_empty_list, 0,
	 NONE},
	{"GET", VAULT "/backupResourceGuardProxies", ACTION("backupResourceGuardProxies/read"),
	 lf_backup_empty_list, 0, NONE},
	{"GET", VAULT "/backupProtectionIntents", ACTION("backupProtectionIntents/read"),
	 lf_backup_empty_list, 0, NONE},
	{"GET", VAULT "/backupDeletedProtectionContainers",
	 ACTION("backupDeletedProtectionContainers/read"), lf_backup_empty_list, 0, NONE},
	{"GET", VAULT "/backupUsageSummaries", ACTION("backupUsageSummaries/read"), lf_backup_usage,
	 0, NONE},

	{"GET", VAULT "/backupconfig/vaultconfig", ACTION("backupconfig/read"),
	 lf_backup_vault_config_get, 0, NONE},
	{"PUT", VAULT "/backupconfig/vaultconfig", ACTION("backupconfig/write"),
	 lf_backup_vault_config_put, LF_ARM_BODY, NONE},
	{"PATCH", VAULT "/backupconfig/vaultconfig", ACTION("backupconfig/write"),
	 lf_backup_vault_config_put, LF_ARM_BODY, NONE},
	{"GET", VAULT "/backupstorageconfig/vaultstorageconfig", ACTION("backupstorageconfig/read"),
	 lf_backup_storage_config_get, 0, NONE},
	{"PUT", VAULT "/backupstorageconfig/vaultstorageconfig",
	 ACTION("backupstorageconfig/write"), lf_backup_storage_config_put, LF_ARM_BODY, NONE},
	{"PATCH", VAULT "/backupstorageconfig/vaultstorageconfig",
	 ACTION("backupstorageconfig/write"), lf_backup_storage_config_put, LF_ARM_BODY, NONE},
	{"POST", VAULT "/backupstorageconfig/vaultstorageconfig/prepareDataMove",
	 ACTION("backupstorageconfig/prepareDataMove/action"), lf_backup_unsupported, 0, NONE},
	{"POST", VAULT "/backupstorageconfig/vaultstorageconfig/triggerDataMove",
	 ACTION("backupstorageconfig/triggerDataMove/action"), lf_backup_unsupported, 0, NONE},
	{"GET", VAULT "/backupEncryptionConfigs/backupResourceEncryptionConfig",
	 ACTION("backupEncryptionConfigs/read"), lf_backup_encryption_config_get, 0, NONE},
	{"PUT", VAULT "/backupEncryptionConfigs/backupResourceEncryptionConfig",
	 ACTION("backupEncryptionConfigs/write"), lf_backup_encryption_config_put, LF_ARM_BODY,
	 NONE},
	{"POST", VAULT "/backupSecurityPIN", ACTION("backupSecurityPIN/action"),
	 lf_backup_security_pin, 0, NONE},
	{"POST", VAULT "/backupTieringCost/default/fetchTieringCost",
	 ACTION("backupTieringCost/fetchTieringCost/action"), lf_backup_unsupported, 0, NONE},

	{"POST", VAULT "/backupValidateOperation", ACTION("backupValidateOperation/action"),
	 lf_backup_validate_operation, LF_ARM_BODY, NONE},
	{"POST", VAULT "/backupTriggerValidateOperation",
	 ACTION("backupTriggerValidateOperation/action"), lf_backup_validate_trigger, LF_ARM_BODY,
	 NONE},
	{"GET", VAULT "/backupValidateOperationsStatuses/{operation}",
	 ACTION("backupValidateOperationsStatuses/read"), lf_backup_validate_status, 0, NONE},
	{"GET", VAULT "/backupValidateOperationResults/{operation}",
	 ACTION("backupValidateOperationResults/read"), lf_backup_validate_result, 0, NONE},

	{"POST", LOCATION "/backupStatus", RS("backupStatus/action"), lf_backup_status, LF_ARM_BODY,
	 NONE},
	{"POST", LOCATION "/backupValidateFeatures", RS("backupValidateFeatures/action"),
	 lf_backup_validate_feature, LF_ARM_BODY, NONE},
	{"POST", LOCATION "/backupPreValidateProtection", RS("backupPreValidateProtection/action"),
	 lf_backup_prevalidate, LF_ARM_BODY, NONE},

	{"GET", LOCATION "/backupAadProperties", RS("backupAadProperties/read"),
	 lf_backup_aad_properties, 0, NONE},
	{"POST", LOCATION "/backupCrossRegionRestore", RS("backupCrossRegionRestore/action"),
	 lf_backup_cross_region_restore, LF_ARM_BODY, NONE},
	{"POST", LOCATION "/backupCrrJob", RS("backupCrrJob/action"), lf_backup_cross_region_job,
	 LF_ARM_BODY, NONE},
	{"POST", LOCATION "/backupCrrJobs", RS("backupCrrJobs/action"), lf_backup_cross_region_jobs,
	 LF_ARM_BODY, NONE},
	{"GET", LOCATION "/backupCrrOperationsStatus/{operation}",
	 RS("backupCrrOperationsStatus/read"), lf_backup_cross_region_status, 0, NONE},
	{"GET", LOCATION "/backupCrrOperationResults/{operation}",
	 RS("backupCrrOperationResults/read"), lf_backup_cross_region_result, 0, NONE},
};

static const char *const api_versions[] = {
	"2016-12-01",	      "2017-07-01", "2018-12-20", "2018-12-20-preview",
	"2019-05-13",	      "2019-06-15", "2020-10-01", "2021-01-01",
	"2021-06-01",	      "2021-11-15", "2022-01-01", "2022-03-01",
	"2022-09-01-preview", "2023-01-01", "2023-01-15", "2023-02-01",
	"2023-04-01",	      "2023-06-01", "2024-01-01", "2024-04-01",
	"2025-01-01",	      "2025-02-01", "2025-08-01", NULL};
static const char *const types[] = {"vaults/backupFabrics/protectionContainers/protectedItems",
				    "vaults/backupPolicies", "vaults/backupJobs", NULL};

const struct lf_arm_provider lf_backup_provider = {
	.name = "Microsoft.RecoveryServices",
	.api_versions = api_versions,
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
	.admit = lf_vault_admit,
};

const struct lf_job_type *const lf_backup_jobs[] = {&lf_backup_job,
						    &lf_backup_done_job,
						    &lf_backup_files_job,
						    &lf_backup_validate_job,
						    &lf_backup_export_job,
						    &lf_backup_copy_job,
						    &lf_backup_restore_disks_job,
						    &lf_backup_restore_machine_job,
						    &lf_backup_replace_disks_job};
const size_t lf_backup_n_jobs = LF_N(lf_backup_jobs);
