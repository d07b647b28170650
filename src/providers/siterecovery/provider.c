/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/siterecovery/internal.h"
#include "providers/siterecovery/siterecovery.h"
#include "providers/vaults/vaults.h"

#define V                                                                                          \
	"/subscriptions/{subscription}/resourceGroups/{group}/providers/"                          \
	"Microsoft.RecoveryServices/vaults/{vault}"
#define F V "/replicationFabrics/{fabric}"
#define C F "/replicationProtectionContainers/{container}"
#define I C "/replicationProtectedItems/{item}"
#define M C "/replicationProtectionContainerMappings/{mapping}"
#define R F "/replicationRecoveryServicesProviders/{provider}"
#define VM                                                                                         \
	"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/"        \
	"virtualMachines/{vm}/providers/Microsoft.RecoveryServices/replicationEligibilityResults"

#define A(name) LF_SR_TYPE_VAULT "/" name
#define GET(path, action, handler)                                                                 \
	{                                                                                          \
		"GET", path, A(action "/read"), handler, 0, NULL, 0                                \
	}
#define PUT(path, action, handler)                                                                 \
	{                                                                                          \
		"PUT", path, A(action "/write"), handler, LF_ARM_BODY, NULL, 0                     \
	}
#define PATCH(path, action, handler)                                                               \
	{                                                                                          \
		"PATCH", path, A(action "/write"), handler, LF_ARM_BODY, NULL, 0                   \
	}
#define DELETE(path, action, handler)                                                              \
	{                                                                                          \
		"DELETE", path, A(action "/delete"), handler, 0, NULL, 0                           \
	}
/* POST with and without a body. */
#define POST(path, verb, action, handler)                                                          \
	{                                                                                          \
		"POST", path "/" verb, A(action "/" verb "/action"), handler, LF_ARM_BODY, NULL, 0 \
	}
#define POST0(path, verb, action, handler)                                                         \
	{                                                                                          \
		"POST", path "/" verb, A(action "/" verb "/action"), handler, 0, NULL, 0           \
	}

#define AF "replicationFabrics"
#define AC AF "/replicationProtectionContainers"
#define AI AC "/replicationProtectedItems"
#define AM AC "/replicationProtectionContainerMappings"
#define AR AF "/replicationRecoveryServicesProviders"

static const struct lf_arm_route routes[] = {
	GET(V "/replicationFabrics", AF, lf_sr_fabrics_list),
	GET(F, AF, lf_sr_fabrics_get),
	PUT(F, AF, lf_sr_fabrics_put),
	DELETE(F, AF, lf_sr_fabrics_delete),
	POST0(F, "remove", AF, lf_sr_fabrics_delete),
	POST0(F, "removeInfra", AF, lf_sr_fabrics_remove_infra),
	POST0(F, "checkConsistency", AF, lf_sr_fabrics_check),
	POST0(F, "renewCertificate", AF, lf_sr_fabrics_renew),
	POST0(F, "reassociateGateway", AF, lf_sr_fabrics_reassociate),
	POST0(F, "migratetoaad", AF, lf_sr_fabrics_migrate_aad),

	GET(F "/replicationProtectionContainers", AC, lf_sr_containers_list),
	GET(V "/replicationProtectionContainers", AC, lf_sr_containers_list_all),
	GET(C, AC, lf_sr_containers_get),
	PUT(C, AC, lf_sr_containers_put),
	POST0(C, "remove", AC, lf_sr_containers_remove),
	POST0(C, "discoverProtectableItem", AC, lf_sr_containers_discover),
	POST0(C, "switchprotection", AC, lf_sr_containers_switch),
	POST0(C, "switchClusterProtection", AC, lf_sr_containers_switch),

	GET(C "/replicationProtectionContainerMappings", AM, lf_sr_mappings_list),
	GET(V "/replicationProtectionContainerMappings", AM, lf_sr_mappings_list_all),
	GET(M, AM, lf_sr_mappings_get),
	PUT(M, AM, lf_sr_mappings_put),
	PATCH(M, AM, lf_sr_mappings_patch),
	DELETE(M, AM, lf_sr_mappings_delete),
	POST0(M, "remove", AM, lf_sr_mappings_delete),

	GET(F "/replicationRecoveryServicesProviders", AR, lf_sr_dras_list),
	GET(V "/replicationRecoveryServicesProviders", AR, lf_sr_dras_list_all),
	GET(R, AR, lf_sr_dras_get),
	PUT(R, AR, lf_sr_dras_put),
	DELETE(R, AR, lf_sr_dras_delete),
	POST0(R, "remove", AR, lf_sr_dras_delete),
	POST0(R, "refreshProvider", AR, lf_sr_dras_refresh),

	GET(V "/replicationPolicies", "replicationPolicies", lf_sr_policies_list),
	GET(V "/replicationPolicies/{policy}", "replicationPolicies", lf_sr_policies_get),
	PUT(V "/replicationPolicies/{policy}", "replicationPolicies", lf_sr_policies_put),
	PATCH(V "/replicationPolicies/{policy}", "replicationPolicies", lf_sr_policies_patch),
	DELETE(V "/replicationPolicies/{policy}", "replicationPolicies", lf_sr_policies_delete),

	GET(C "/replicationProtectableItems", AC "/replicationProtectableItems",
	    lf_sr_protectable_list),
	GET(C "/replicationProtectableItems/{machine}", AC "/replicationProtectableItems",
	    lf_sr_protectable_get),

	GET(C "/replicationProtectedItems", AI, lf_sr_items_list),
	GET(V "/replicationProtectedItems", AI, lf_sr_items_list_all),
	GET(I, AI, lf_sr_items_get),
	PUT(I, AI, lf_sr_items_put),
	PATCH(I, AI, lf_sr_items_patch),
	DELETE(I, AI, lf_sr_items_delete),
	POST0(I, "remove", AI, lf_sr_items_delete),
	POST(I, "testFailover", AI, lf_sr_test_failover),
	POST0(I, "testFailoverCleanup", AI, lf_sr_test_cleanup),
	POST(I, "unplannedFailover", AI, lf_sr_unplanned_failover),
	POST0(I, "plannedFailover", AI, lf_sr_planned_failover),
	POST0(I, "failoverCommit", AI, lf_sr_failover_commit),
	POST0(I, "failoverCancel", AI, lf_sr_failover_cancel),
	POST(I, "applyRecoveryPoint", AI, lf_sr_apply_point),
	POST0(I, "repairReplication", AI, lf_sr_items_repair),
	POST0(I, "resolveHealthErrors", AI, lf_sr_items_resolve),
	POST0(I, "addDisks", AI, lf_sr_items_add_disks),
	POST0(I, "removeDisks", AI, lf_sr_items_remove_disks),
	POST0(I, "reProtect", AI, lf_sr_items_reprotect),
	POST0(I, "updateMobilityService", AI, lf_sr_items_update_agent),
	POST0(I, "reinstallMobilityService", AI, lf_sr_items_update_agent),
	POST0(I, "updateAppliance", AI, lf_sr_items_update_appliance),
	POST0(I, "switchProvider", AI, lf_sr_items_switch_provider),
	GET(I "/targetComputeSizes", AI "/targetComputeSizes", lf_sr_items_sizes),
	GET(I "/recoveryPoints", AI "/recoveryPoints", lf_sr_points_list),
	GET(I "/recoveryPoints/{point}", AI "/recoveryPoints", lf_sr_points_get),

	GET(V "/replicationJobs", "replicationJobs", lf_sr_jobs_list),
	GET(V "/replicationJobs/{job}", "replicationJobs", lf_sr_jobs_get),
	POST0(V "/replicationJobs/{job}", "cancel", "replicationJobs", lf_sr_jobs_cancel),
	POST0(V "/replicationJobs/{job}", "restart", "replicationJobs", lf_sr_jobs_restart),
	POST0(V "/replicationJobs/{job}", "resume", "replicationJobs", lf_sr_jobs_resume),
	POST0(V "/replicationJobs", "export", "replicationJobs", lf_sr_jobs_export),

	GET(V "/replicationEvents", "replicationEvents", lf_sr_events_list),
	GET(V "/replicationEvents/{event}", "replicationEvents", lf_sr_events_get),

	GET(V "/replicationVaultHealth", "replicationVaultHealth", lf_sr_health_get),
	POST0(V "/replicationVaultHealth/default", "refresh", "replicationVaultHealth",
	      lf_sr_health_refresh),
	GET(V "/replicationAppliances", "replicationAppliances", lf_sr_appliances_list),
	GET(V "/replicationSupportedOperatingSystems", "replicationSupportedOperatingSystems",
	    lf_sr_supported_os_get),
	GET(V "/replicationAlertSettings", "replicationAlertSettings", lf_sr_alerts_list),
	GET(V "/replicationAlertSettings/{name}", "replicationAlertSettings", lf_sr_alerts_get),
	PUT(V "/replicationAlertSettings/{name}", "replicationAlertSettings", lf_sr_alerts_put),
	GET(V "/replicationVaultSettings", "replicationVaultSettings", lf_sr_settings_list),
	GET(V "/replicationVaultSettings/{name}", "replicationVaultSettings", lf_sr_settings_get),
	PUT(V "/replicationVaultSettings/{name}", "replicationVaultSettings", lf_sr_settings_put),
	GET(VM, "replicationEligibilityResults", lf_sr_eligibility_list),
	GET(VM "/default", "replicationEligibilityResults", lf_sr_eligibility_get),

	/* kinds that have no members with this replication provider */
	GET(V "/replicationNetworks", "replicationNetworks", lf_sr_empty_list),
	GET(V "/replicationNetworkMappings", "replicationNetworkMappings", lf_sr_empty_list),
	GET(V "/replicationvCenters", "replicationvCenters", lf_sr_empty_list),
	GET(V "/replicationStorageClassifications", "replicationStorageClassifications",
	    lf_sr_empty_list),
	GET(V "/replicationStorageClassificationMappings",
	    "replicationStorageClassificationMappings", lf_sr_empty_list),
	GET(V "/replicationMigrationItems", "replicationMigrationItems", lf_sr_empty_list),
	GET(V "/replicationProtectionIntents", "replicationProtectionIntents", lf_sr_empty_list),
	GET(V "/replicationProtectionClusters", "replicationProtectionClusters", lf_sr_empty_list),
	GET(V "/replicationRecoveryPlans", "replicationRecoveryPlans", lf_sr_empty_list),

	GET(F "/replicationNetworks", AF "/replicationNetworks", lf_sr_empty_fabric_list),
	GET(F "/replicationLogicalNetworks", AF "/replicationLogicalNetworks",
	    lf_sr_empty_fabric_list),
	GET(F "/replicationvCenters", AF "/replicationvCenters", lf_sr_empty_fabric_list),
	GET(F "/replicationStorageClassifications", AF "/replicationStorageClassifications",
	    lf_sr_empty_fabric_list),
	GET(C "/replicationMigrationItems", AC "/replicationMigrationItems",
	    lf_sr_empty_container_list),
	GET(C "/replicationProtectionClusters", AC "/replicationProtectionClusters",
	    lf_sr_empty_container_list),

	GET(V "/replicationOperationStatus/{operation}", "replicationOperationStatus",
	    lf_sr_operation_status),
	GET(I "/operationresults/{operation}", AI "/operationresults", lf_sr_operation_result),
};

static const char *const api_versions[] = {
	"2025-08-01", "2025-02-01", "2025-01-01", "2024-10-01", "2024-04-01", "2024-02-01",
	"2024-01-01", "2023-08-01", "2023-06-01", "2023-04-01", "2023-02-01", "2023-01-01",
	"2022-10-01", "2022-09-10", "2022-08-01", "2022-05-01", "2022-04-01", "2022-03-01",
	"2022-02-01", "2022-01-01", "2021-12-01", "2021-11-01", "2021-10-01", "2021-08-01",
	"2021-07-01", "2021-06-01", "2021-04-01", "2021-03-01", "2021-02-10", "2018-07-10",
	"2018-01-10", "2016-08-10", NULL,
};

static const char *const types[] = {
	"vaults/replicationFabrics", "vaults/replicationPolicies",	 "vaults/replicationJobs",
	"vaults/replicationEvents",  "vaults/replicationProtectedItems", NULL,
};

static const struct lf_job_type *const jobs[] = {
	&lf_sr_enable_job,	    &lf_sr_finalize_job,
	&lf_sr_update_job,	    &lf_sr_repair_job,
	&lf_sr_resolve_job,	    &lf_sr_test_failover_job,
	&lf_sr_test_cleanup_job,    &lf_sr_failover_job,
	&lf_sr_commit_job,	    &lf_sr_change_pit_job,
	&lf_sr_cancel_failover_job, &lf_sr_disable_job,
	&lf_sr_hydrate_job,	    NULL};

const struct lf_arm_provider lf_siterecovery_provider = {
	.name = "Microsoft.RecoveryServices",
	.api_versions = api_versions,
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
	.jobs = jobs,
	.admit = lf_vault_admit,
};
