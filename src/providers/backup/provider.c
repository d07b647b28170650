/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of Azure Backup is served.
 */
#include "providers/backup/files/files.h"
#include "providers/backup/internal.h"
#include "providers/backup/item/backup.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/pair/pair.h"
#include "providers/backup/policy/policy.h"
#include "providers/backup/restore/restore.h"

#define VAULT	  LF_GROUP_PATH "/providers/Microsoft.RecoveryServices/vaults/{vault}"
#define FABRIC	  VAULT "/backupFabrics/{fabric}"
#define CONTAINER FABRIC "/protectionContainers/{container}"
#define ITEM	  CONTAINER "/protectedItems/{item}"
#define POINT	  ITEM "/recoveryPoints/{point}"
#define LOCATION  LF_SUBSCRIPTION_PATH "/providers/Microsoft.RecoveryServices/locations/{location}"

static const struct lf_field files_result_fields[] = {
	{"provisionInstantItemRecoveryOperationId", LF_TEXT, LF_REQUIRED, 0, 64, NULL,
	 "The operation that began the session."},
};
static const char *const source_scans[] = {"Enable", "Disable", NULL};
static const struct lf_field source_scan_fields[] = {
	{"sourceScanAction", LF_ENUM, LF_REQUIRED, 0, 0, source_scans, "Disable."},
};
static const struct lf_field extended_fields[] = {
	{"properties.recoveryPointIds", LF_ARRAY, LF_REQUIRED, 0, 100, NULL, "Ids of points."},
};

static int list_nothing(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	int rc = lf_backup_vault(call, &vault, err);

	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}

static int refuse(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotSupported", lf_arm_id(call, 0),
			   "docs/contract.md lists what is served",
			   "this operation of Azure Backup is not served here");
}

#define OPERATIONS(path)                                                                           \
	LF_GET(path "/operationsStatus/{operation}", lf_backup_operation_status),                  \
		LF_GET(path "/operationResults/{operation}", lf_backup_operation_result)

static const struct lf_arm_route routes[] = {
	LF_GET(VAULT "/backupPolicies", lf_backup_policy_list),
	LF_DOCUMENT_GET(&lf_backup_policy_document, VAULT "/backupPolicies/{policy}"),
	LF_DOCUMENT_PUT(&lf_backup_policy_document, VAULT "/backupPolicies/{policy}"),
	LF_DELETE(VAULT "/backupPolicies/{policy}", lf_backup_policy_delete),

	LF_GET(VAULT "/backupProtectedItems", lf_backup_item_list),
	LF_DOCUMENT_GET(&lf_backup_item_document, ITEM),
	LF_PUT(ITEM, lf_backup_item_put),
	LF_DELETE(ITEM, lf_backup_item_delete),
	LF_POST_BODY(ITEM "/backup", lf_backup_now),
	OPERATIONS(ITEM),

	LF_GET(ITEM "/recoveryPoints", lf_backup_point_list),
	LF_GET(POINT, lf_backup_point_get),
	LF_POST_BODY(POINT "/restore", lf_backup_restore),
	LF_POST_BODY(POINT "/accessToken", lf_backup_access_token),
	LF_POST_BODY(POINT "/provisionInstantItemRecovery", lf_backup_files_provision),
	LF_POST(POINT "/revokeInstantItemRecovery", lf_backup_files_revoke),
	LF_POST_BODY(POINT "/listInstantItemRecoveryOperationResult", lf_backup_files_result,
		     LF_FIELDS(files_result_fields)),
	LF_POST_BODY(ITEM "/configureSourceScan", lf_backup_source_scan,
		     LF_FIELDS(source_scan_fields)),
	LF_POST_BODY(FABRIC "/getRPExtendedInfo", lf_backup_points_extended,
		     LF_FIELDS(extended_fields)),
	LF_GET(FABRIC "/getRPExtendedInfoOperationResult/{operation}",
	       lf_backup_points_extended_result),

	LF_GET(VAULT "/backupJobs", lf_backup_job_list),
	LF_GET(VAULT "/backupJobs/{job}", lf_backup_job_get),
	LF_POST(VAULT "/backupJobs/{job}/cancel", lf_backup_job_cancel),
	LF_GET(VAULT "/backupJobs/{job}/operationResults/{operation}", lf_backup_job_result),
	LF_GET(VAULT "/backupJobs/operationResults/{operation}", lf_backup_job_export_result),
	LF_POST(VAULT "/backupJobsExport", lf_backup_job_export),

	LF_GET(VAULT "/backupOperations/{operation}", lf_backup_operation_status),
	LF_GET(VAULT "/backupOperationResults/{operation}", lf_backup_operation_result),
	LF_GET(FABRIC "/operationsStatus/{operation}", lf_backup_operation_status),
	LF_GET(FABRIC "/operationResults/{operation}", lf_backup_refresh_result),
	OPERATIONS(CONTAINER),

	LF_POST(FABRIC "/refreshContainers", lf_backup_containers_refresh),
	LF_GET(FABRIC "/protectableContainers", list_nothing),
	LF_GET(VAULT "/backupProtectionContainers", lf_backup_container_list),
	LF_GET(VAULT "/backupProtectableItems", lf_backup_protectable_list),
	LF_GET(CONTAINER, lf_backup_container_get),
	LF_PUT(CONTAINER, lf_backup_container_put),
	LF_GET(VAULT "/backupEngines", list_nothing),
	LF_GET(VAULT "/backupResourceGuardProxies", list_nothing),
	LF_GET(VAULT "/backupProtectionIntents", list_nothing),
	LF_GET(VAULT "/backupDeletedProtectionContainers", list_nothing),
	LF_GET(VAULT "/backupUsageSummaries", lf_backup_usage),

	LF_GET(VAULT "/backupconfig/vaultconfig", lf_backup_vault_config_get,
	       LF_RIGHT(LF_VAULT_TYPE "/backupconfig/read")),
	LF_PUT(VAULT "/backupconfig/vaultconfig", lf_backup_vault_config_put,
	       LF_RIGHT(LF_VAULT_TYPE "/backupconfig/write")),
	LF_PATCH(VAULT "/backupconfig/vaultconfig", lf_backup_vault_config_put,
		 LF_RIGHT(LF_VAULT_TYPE "/backupconfig/write")),
	LF_GET(VAULT "/backupstorageconfig/vaultstorageconfig", lf_backup_storage_config_get,
	       LF_RIGHT(LF_VAULT_TYPE "/backupstorageconfig/read")),
	LF_PUT(VAULT "/backupstorageconfig/vaultstorageconfig", lf_backup_storage_config_put,
	       LF_RIGHT(LF_VAULT_TYPE "/backupstorageconfig/write")),
	LF_PATCH(VAULT "/backupstorageconfig/vaultstorageconfig", lf_backup_storage_config_put,
		 LF_RIGHT(LF_VAULT_TYPE "/backupstorageconfig/write")),
	LF_POST(VAULT "/backupstorageconfig/vaultstorageconfig/prepareDataMove", refuse,
		LF_RIGHT(LF_VAULT_TYPE "/backupstorageconfig/prepareDataMove/action")),
	LF_POST(VAULT "/backupstorageconfig/vaultstorageconfig/triggerDataMove", refuse,
		LF_RIGHT(LF_VAULT_TYPE "/backupstorageconfig/triggerDataMove/action")),
	LF_GET(VAULT "/backupEncryptionConfigs/backupResourceEncryptionConfig",
	       lf_backup_encryption_config_get,
	       LF_RIGHT(LF_VAULT_TYPE "/backupEncryptionConfigs/read")),
	LF_PUT(VAULT "/backupEncryptionConfigs/backupResourceEncryptionConfig",
	       lf_backup_encryption_config_put,
	       LF_RIGHT(LF_VAULT_TYPE "/backupEncryptionConfigs/write")),
	LF_POST(VAULT "/backupSecurityPIN", lf_backup_security_pin),
	LF_POST(VAULT "/backupTieringCost/default/fetchTieringCost", refuse,
		LF_RIGHT(LF_VAULT_TYPE "/backupTieringCost/fetchTieringCost/action")),

	LF_POST_BODY(VAULT "/backupValidateOperation", lf_backup_validate_operation),
	LF_POST_BODY(VAULT "/backupTriggerValidateOperation", lf_backup_validate_trigger),
	LF_GET(VAULT "/backupValidateOperationsStatuses/{operation}", lf_backup_validate_status),
	LF_GET(VAULT "/backupValidateOperationResults/{operation}", lf_backup_validate_result),

	LF_POST_BODY(LOCATION "/backupStatus", lf_backup_status),
	LF_POST_BODY(LOCATION "/backupValidateFeatures", lf_backup_validate_feature),
	LF_POST_BODY(LOCATION "/backupPreValidateProtection", lf_backup_prevalidate),

	LF_GET(LOCATION "/backupAadProperties", lf_backup_aad_properties),
	LF_POST_BODY(LOCATION "/backupCrossRegionRestore", lf_backup_cross_region_restore),
	LF_POST_BODY(LOCATION "/backupCrrJob", lf_backup_cross_region_job),
	LF_POST_BODY(LOCATION "/backupCrrJobs", lf_backup_cross_region_jobs),
	LF_GET(LOCATION "/backupCrrOperationsStatus/{operation}", lf_backup_cross_region_status),
	LF_GET(LOCATION "/backupCrrOperationResults/{operation}", lf_backup_cross_region_result),
};

static const char *const types[] = {"vaults/backupFabrics/protectionContainers/protectedItems",
				    "vaults/backupPolicies", "vaults/backupJobs", NULL};

static const struct lf_job_type *const jobs[] = {&lf_backup_job,
						 &lf_backup_done_job,
						 &lf_backup_files_job,
						 &lf_backup_validate_job,
						 &lf_backup_export_job,
						 &lf_backup_copy_job,
						 &lf_backup_restore_disks_job,
						 &lf_backup_restore_machine_job,
						 &lf_backup_replace_disks_job,
						 NULL};

const struct lf_arm_provider lf_backup_provider = {
	.name = "Microsoft.RecoveryServices",
	.oldest_version = "2016-12-01",
	.newest_version = "2026-11-01",
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
	.jobs = jobs,
	.admit = lf_vault_admit,
};
