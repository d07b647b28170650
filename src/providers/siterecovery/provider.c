/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of Site Recovery.  Fabrics, containers, mappings, providers,
 * policies, settings, events and items are documents; what is done to an item
 * is a row with the description of its job; what is not done says so.
 */
#include "arm/route.h"
#include "providers/siterecovery/internal.h"
#include "providers/siterecovery/plan/handlers.h"
#include "providers/siterecovery/plan/plan.h"
#include "providers/siterecovery/siterecovery.h"
#include "providers/vaults/vaults.h"

#define VAULT	  LF_GROUP_PATH "/providers/" LF_SR_TYPE_VAULT "/{vault}"
#define FABRIC	  VAULT "/replicationFabrics/{fabric}"
#define CONTAINER FABRIC "/replicationProtectionContainers/{container}"
#define ITEM	  CONTAINER "/replicationProtectedItems/{item}"
#define MAPPING	  CONTAINER "/replicationProtectionContainerMappings/{mapping}"
#define DRA	  FABRIC "/replicationRecoveryServicesProviders/{provider}"
#define POLICY	  VAULT "/replicationPolicies/{policy}"
#define PLAN	  VAULT "/replicationRecoveryPlans/{plan}"
#define JOB	  VAULT "/replicationJobs/{job}"
#define ALERT	  VAULT "/replicationAlertSettings/{name}"
#define SETTING	  VAULT "/replicationVaultSettings/{name}"
#define NETWORK	  FABRIC "/replicationNetworks/{network}"
#define CLASS	  FABRIC "/replicationStorageClassifications/{class}"
#define VCENTER	  FABRIC "/replicationvCenters/{vcenter}"
#define INTENT	  VAULT "/replicationProtectionIntents/{intent}"
#define MIGRATION CONTAINER "/replicationMigrationItems/{item}"
#define CLUSTER	  CONTAINER "/replicationProtectionClusters/{cluster}"
#define VM                                                                                         \
	LF_GROUP_PATH "/providers/Microsoft.Compute/virtualMachines/{vm}/providers/"               \
		      "Microsoft.RecoveryServices/replicationEligibilityResults"

/* A list of all that a vault has of a type below its fabrics: with the right to read the type. */
#define OF_VAULT(document, types, type)                                                            \
	LF_DOCUMENT_LIST(document, VAULT "/" types, LF_RIGHT(type "/read"))
/* What older clients POST for a DELETE. */
#define REMOVE(document, path) LF_POST(path "/remove", lf_sr_remove, LF_SUBJECT(document))
/* What begins a job of an item. */
#define ACT(verb, start)      LF_POST(ITEM "/" verb, lf_sr_act, LF_SUBJECT(start))
#define ACT_BODY(verb, start) LF_POST_BODY(ITEM "/" verb, lf_sr_act, LF_SUBJECT(start))
/* What this service does not do, and what to do instead. */
#define REFUSE(path, who, why, instead)                                                            \
	LF_POST(path, lf_sr_refuse, LF_REFUSED(why),                                               \
		.subject =                                                                         \
			&(const struct lf_sr_refusal){.scope = who, .code = why, .hint = instead})
/* Kinds that have no members with this replication provider. */
#define EMPTY(above, types, type) LF_GET(above "/" types, lf_sr_empty_list, LF_SUBJECT(type))
/* One of them, or what lies below one: it is not there; nothing that makes one is of this provider.
 * type: of who has to be there above. */
#define NONE(path, type) LF_GET(path, lf_sr_none, LF_SUBJECT(type), LF_REFUSED("ResourceNotFound"))
#define NONE_TO_REMOVE(path, type)                                                                 \
	LF_DELETE(path, lf_sr_none_to_remove, LF_SUBJECT(type), LF_REFUSED("ResourceNotFound"))
#define OTHERS_CODE "InstanceTypeNotSupported"
#define OTHERS_HINT                                                                                \
	"this is of another replication provider; machines are protected by their agent, "         \
	"with " LF_SR_INSTANCE
#define OTHERS(verb, path, type)                                                                   \
	LF_ROUTE(verb, path, lf_sr_refuse, LF_REFUSED(OTHERS_CODE),                                \
		 .subject = &(const struct lf_sr_refusal){                                         \
			 .scope = type, .code = OTHERS_CODE, .hint = OTHERS_HINT})

/* What begins a job of a plan, which does the same to its items. */
#define PLAN_ACT(path, action)                                                                     \
	LF_POST(PLAN "/" path, lf_sr_plan_act, .subject = &(const char *const){action})
#define PLAN_ACT_BODY(path, action)                                                                \
	LF_POST_BODY(PLAN "/" path, lf_sr_plan_act, .subject = &(const char *const){action})

static const struct lf_arm_route routes[] = {
	LF_DOCUMENT_LIST(&lf_sr_fabric_document, VAULT "/replicationFabrics"),
	LF_DOCUMENT_ITEM(&lf_sr_fabric_document, FABRIC),
	REMOVE(&lf_sr_fabric_document, FABRIC),
	LF_POST(FABRIC "/removeInfra", lf_sr_remove, LF_SUBJECT(&lf_sr_fabric_document)),
	/* nothing is cached that could disagree: the answer is the fabric as it is */
	LF_POST(FABRIC "/checkConsistency", lf_document_on_get, LF_SUBJECT(&lf_sr_fabric_document)),
	REFUSE(FABRIC "/renewCertificate", NULL, "RenewCertificateNotSupported",
	       "agents renew their own certificates with the site"),
	REFUSE(FABRIC "/reassociateGateway", NULL, "ReassociateGatewayNotSupported",
	       "a fabric has one process server, the site's own"),
	REFUSE(FABRIC "/migratetoaad", NULL, "MigrateToAadNotSupported",
	       "fabrics sign in with their identity from the start"),

	LF_DOCUMENT_LIST(&lf_sr_container_document, FABRIC "/replicationProtectionContainers"),
	OF_VAULT(&lf_sr_container_document, "replicationProtectionContainers",
		 LF_SR_TYPE_CONTAINER),
	LF_DOCUMENT_GET(&lf_sr_container_document, CONTAINER),
	LF_DOCUMENT_PUT(&lf_sr_container_document, CONTAINER),
	REMOVE(&lf_sr_container_document, CONTAINER),
	/* machines appear by registering an agent with the site; nothing is pushed */
	REFUSE(CONTAINER "/discoverProtectableItem", NULL, "DiscoverProtectableItemNotSupported",
	       "register the landfall-agent of the machine with the site; it then appears among "
	       "the protectable items"),
	REFUSE(CONTAINER "/switchprotection", NULL, "SwitchProtectionNotSupported",
	       "disable protection and protect the machine again"),
	REFUSE(CONTAINER "/switchClusterProtection", NULL, "SwitchProtectionNotSupported",
	       "disable protection and protect the machine again"),

	LF_DOCUMENT_LIST(&lf_sr_mapping_document,
			 CONTAINER "/replicationProtectionContainerMappings"),
	OF_VAULT(&lf_sr_mapping_document, "replicationProtectionContainerMappings",
		 LF_SR_TYPE_MAPPING),
	LF_DOCUMENT_ITEM(&lf_sr_mapping_document, MAPPING),
	LF_DOCUMENT_PATCH(&lf_sr_mapping_document, MAPPING),
	REMOVE(&lf_sr_mapping_document, MAPPING),

	LF_DOCUMENT_LIST(&lf_sr_dra_document, FABRIC "/replicationRecoveryServicesProviders"),
	OF_VAULT(&lf_sr_dra_document, "replicationRecoveryServicesProviders", LF_SR_TYPE_DRA),
	LF_DOCUMENT_ITEM(&lf_sr_dra_document, DRA),
	REMOVE(&lf_sr_dra_document, DRA),
	LF_POST(DRA "/refreshProvider", lf_document_on_get, LF_SUBJECT(&lf_sr_dra_document)),

	LF_DOCUMENT_LIST(&lf_sr_policy_document, VAULT "/replicationPolicies"),
	LF_DOCUMENT_ITEM(&lf_sr_policy_document, POLICY),
	LF_DOCUMENT_PATCH(&lf_sr_policy_document, POLICY),

	LF_GET(CONTAINER "/replicationProtectableItems", lf_sr_protectable_list),
	LF_GET(CONTAINER "/replicationProtectableItems/{machine}", lf_sr_protectable_get),

	LF_DOCUMENT_LIST(&lf_sr_item_document, CONTAINER "/replicationProtectedItems"),
	OF_VAULT(&lf_sr_item_document, "replicationProtectedItems", LF_SR_TYPE_ITEM),
	LF_DOCUMENT_GET(&lf_sr_item_document, ITEM),
	LF_PUT(ITEM, lf_sr_items_put),
	LF_PATCH(ITEM, lf_sr_act, LF_SUBJECT(&lf_sr_update)),
	LF_DELETE(ITEM, lf_sr_items_delete),
	LF_POST(ITEM "/remove", lf_sr_items_delete),
	ACT_BODY("testFailover", &lf_sr_test_failover),
	ACT("testFailoverCleanup", &lf_sr_test_cleanup),
	ACT_BODY("unplannedFailover", &lf_sr_unplanned_failover),
	ACT("plannedFailover", &lf_sr_planned_failover),
	ACT("failoverCommit", &lf_sr_commit),
	ACT("failoverCancel", &lf_sr_cancel_failover),
	ACT_BODY("applyRecoveryPoint", &lf_sr_change_pit),
	ACT("repairReplication", &lf_sr_repair),
	ACT("resolveHealthErrors", &lf_sr_resolve),
	REFUSE(ITEM "/addDisks", LF_SR_TYPE_ITEM, "AddDisksNotSupported",
	       "disable protection and enable it with all the disks"),
	REFUSE(ITEM "/removeDisks", LF_SR_TYPE_ITEM, "RemoveDisksNotSupported",
	       "disable protection and enable it without the disks"),
	REFUSE(ITEM "/reProtect", LF_SR_TYPE_ITEM, "ReprotectNotSupported",
	       "install landfall-agent in the machine that was made and protect it as a machine "
	       "of its own"),
	REFUSE(ITEM "/updateMobilityService", LF_SR_TYPE_ITEM, "MobilityServiceUpdateNotSupported",
	       "update the landfall-agent package on the machine"),
	REFUSE(ITEM "/reinstallMobilityService", LF_SR_TYPE_ITEM,
	       "MobilityServiceUpdateNotSupported",
	       "update the landfall-agent package on the machine"),
	REFUSE(ITEM "/updateAppliance", LF_SR_TYPE_ITEM, "UpdateApplianceNotSupported",
	       "a fabric has one process server, the site's own"),
	REFUSE(ITEM "/switchProvider", LF_SR_TYPE_ITEM, "SwitchProviderNotSupported",
	       "there is one provider here, " LF_SR_INSTANCE),
	LF_GET(ITEM "/targetComputeSizes", lf_sr_items_sizes),
	LF_GET(ITEM "/recoveryPoints", lf_sr_points_list),
	LF_GET(ITEM "/recoveryPoints/{point}", lf_sr_points_get),

	LF_DOCUMENT_LIST(&lf_sr_plan_document, VAULT "/replicationRecoveryPlans"),
	LF_DOCUMENT_ITEM(&lf_sr_plan_document, PLAN),
	LF_DOCUMENT_PATCH(&lf_sr_plan_document, PLAN),
	PLAN_ACT_BODY("testFailover", "TestFailover"),
	PLAN_ACT("testFailoverCleanup", "TestFailoverCleanup"),
	PLAN_ACT_BODY("unplannedFailover", "UnplannedFailover"),
	PLAN_ACT_BODY("plannedFailover", "PlannedFailover"),
	PLAN_ACT("failoverCommit", "Commit"),
	PLAN_ACT("failoverCancel", "CancelFailover"),
	REFUSE(PLAN "/reProtect", LF_SR_TYPE_PLAN, "ReprotectNotSupported",
	       "install landfall-agent in the machines that were made and protect each as a "
	       "machine of its own"),

	LF_GET(VAULT "/replicationJobs", lf_sr_jobs_list),
	LF_GET(JOB, lf_sr_jobs_get),
	LF_POST(JOB "/cancel", lf_sr_jobs_cancel),
	LF_POST(JOB "/restart", lf_sr_jobs_restart),
	LF_POST(JOB "/resume", lf_sr_jobs_resume),
	REFUSE(VAULT "/replicationJobs/export", NULL, "ExportJobsNotSupported",
	       "list replicationJobs with a $filter; the answer is JSON"),

	LF_DOCUMENT_LIST(&lf_sr_event_document, VAULT "/replicationEvents"),
	LF_DOCUMENT_GET(&lf_sr_event_document, VAULT "/replicationEvents/{event}"),

	LF_GET(VAULT "/replicationVaultHealth", lf_sr_health_get),
	LF_POST(VAULT "/replicationVaultHealth/default/refresh", lf_sr_health_refresh,
		LF_RIGHT(LF_SR_TYPE_VAULT "/replicationVaultHealth/refresh/action")),
	LF_GET(VAULT "/replicationAppliances", lf_sr_appliances_list),
	LF_GET(VAULT "/replicationSupportedOperatingSystems", lf_sr_supported_os_get),
	LF_DOCUMENT_LIST(&lf_sr_alert_document, VAULT "/replicationAlertSettings"),
	LF_DOCUMENT_GET(&lf_sr_alert_document, ALERT),
	LF_DOCUMENT_PUT(&lf_sr_alert_document, ALERT),
	LF_GET(VAULT "/replicationVaultSettings", lf_sr_settings_list,
	       LF_SUBJECT(&lf_sr_setting_document)),
	LF_DOCUMENT_GET(&lf_sr_setting_document, SETTING),
	LF_DOCUMENT_PUT(&lf_sr_setting_document, SETTING),
	LF_GET(VM, lf_sr_eligibility_list,
	       LF_RIGHT(LF_SR_TYPE_VAULT "/replicationEligibilityResults/read")),
	LF_GET(VM "/default", lf_sr_eligibility_get,
	       LF_RIGHT(LF_SR_TYPE_VAULT "/replicationEligibilityResults/read")),

	EMPTY(VAULT, "replicationNetworks", LF_SR_TYPE_VAULT),
	EMPTY(VAULT, "replicationNetworkMappings", LF_SR_TYPE_VAULT),
	EMPTY(VAULT, "replicationvCenters", LF_SR_TYPE_VAULT),
	EMPTY(VAULT, "replicationStorageClassifications", LF_SR_TYPE_VAULT),
	EMPTY(VAULT, "replicationStorageClassificationMappings", LF_SR_TYPE_VAULT),
	EMPTY(VAULT, "replicationMigrationItems", LF_SR_TYPE_VAULT),
	EMPTY(VAULT, "replicationProtectionIntents", LF_SR_TYPE_VAULT),
	EMPTY(VAULT, "replicationProtectionClusters", LF_SR_TYPE_VAULT),
	EMPTY(FABRIC, "replicationNetworks", LF_SR_TYPE_FABRIC),
	EMPTY(FABRIC, "replicationLogicalNetworks", LF_SR_TYPE_FABRIC),
	EMPTY(FABRIC, "replicationvCenters", LF_SR_TYPE_FABRIC),
	EMPTY(FABRIC, "replicationStorageClassifications", LF_SR_TYPE_FABRIC),
	EMPTY(CONTAINER, "replicationMigrationItems", LF_SR_TYPE_CONTAINER),
	EMPTY(CONTAINER, "replicationProtectionClusters", LF_SR_TYPE_CONTAINER),
	NONE(FABRIC "/replicationLogicalNetworks/{network}", LF_SR_TYPE_FABRIC),
	NONE(NETWORK, LF_SR_TYPE_FABRIC),
	NONE(NETWORK "/replicationNetworkMappings", LF_SR_TYPE_FABRIC),
	NONE(NETWORK "/replicationNetworkMappings/{mapping}", LF_SR_TYPE_FABRIC),
	NONE_TO_REMOVE(NETWORK "/replicationNetworkMappings/{mapping}", LF_SR_TYPE_FABRIC),
	OTHERS("PUT", NETWORK "/replicationNetworkMappings/{mapping}", LF_SR_TYPE_FABRIC),
	OTHERS("PATCH", NETWORK "/replicationNetworkMappings/{mapping}", LF_SR_TYPE_FABRIC),
	NONE(CLASS, LF_SR_TYPE_FABRIC),
	NONE(CLASS "/replicationStorageClassificationMappings", LF_SR_TYPE_FABRIC),
	NONE(CLASS "/replicationStorageClassificationMappings/{mapping}", LF_SR_TYPE_FABRIC),
	NONE_TO_REMOVE(CLASS "/replicationStorageClassificationMappings/{mapping}",
		       LF_SR_TYPE_FABRIC),
	OTHERS("PUT", CLASS "/replicationStorageClassificationMappings/{mapping}",
	       LF_SR_TYPE_FABRIC),
	NONE(VCENTER, LF_SR_TYPE_FABRIC),
	NONE_TO_REMOVE(VCENTER, LF_SR_TYPE_FABRIC),
	OTHERS("PUT", VCENTER, LF_SR_TYPE_FABRIC),
	OTHERS("PATCH", VCENTER, LF_SR_TYPE_FABRIC),
	NONE(INTENT, LF_SR_TYPE_VAULT),
	OTHERS("PUT", INTENT, LF_SR_TYPE_VAULT),
	NONE(MIGRATION, LF_SR_TYPE_CONTAINER),
	NONE(MIGRATION "/migrationRecoveryPoints", LF_SR_TYPE_CONTAINER),
	NONE(MIGRATION "/migrationRecoveryPoints/{point}", LF_SR_TYPE_CONTAINER),
	NONE_TO_REMOVE(MIGRATION, LF_SR_TYPE_CONTAINER),
	OTHERS("PUT", MIGRATION, LF_SR_TYPE_CONTAINER),
	OTHERS("PATCH", MIGRATION, LF_SR_TYPE_CONTAINER),
	OTHERS("POST", MIGRATION "/migrate", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", MIGRATION "/pauseReplication", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", MIGRATION "/resumeReplication", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", MIGRATION "/resync", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", MIGRATION "/testMigrate", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", MIGRATION "/testMigrateCleanup", LF_SR_TYPE_CONTAINER),
	NONE(CLUSTER, LF_SR_TYPE_CONTAINER),
	NONE(CLUSTER "/recoveryPoints", LF_SR_TYPE_CONTAINER),
	NONE(CLUSTER "/recoveryPoints/{point}", LF_SR_TYPE_CONTAINER),
	NONE(CLUSTER "/operationResults/{operation}", LF_SR_TYPE_CONTAINER),
	NONE_TO_REMOVE(CLUSTER, LF_SR_TYPE_CONTAINER),
	OTHERS("PUT", CLUSTER, LF_SR_TYPE_CONTAINER),
	OTHERS("POST", CLUSTER "/applyRecoveryPoint", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", CLUSTER "/failoverCommit", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", CLUSTER "/repairReplication", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", CLUSTER "/testFailover", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", CLUSTER "/testFailoverCleanup", LF_SR_TYPE_CONTAINER),
	OTHERS("POST", CLUSTER "/unplannedFailover", LF_SR_TYPE_CONTAINER),

	LF_GET(VAULT "/replicationOperationStatus/{operation}", lf_sr_operation_status),
	LF_GET(ITEM "/operationresults/{operation}", lf_sr_operation_result,
	       LF_SUBJECT(&lf_sr_item_document)),
	LF_GET(PLAN "/operationresults/{operation}", lf_sr_operation_result,
	       LF_SUBJECT(&lf_sr_plan_document)),
};

static const char *const types[] = {
	"vaults/replicationFabrics",
	"vaults/replicationPolicies",
	"vaults/replicationJobs",
	"vaults/replicationEvents",
	"vaults/replicationProtectedItems",
	"vaults/replicationRecoveryPlans",
	NULL,
};

/* What the documents call by name; the rest is what the front says of any request. */
static const char *const error_codes[] = {
	"InvalidParameter",
	"ResourceNotFound",
	"RecoveryPointNotFound",
	"InvalidRequestContent",
	"InvalidFilterInQueryString",
	"InvalidTopInQueryString",
	NULL,
};

static const struct lf_job_type *const jobs[] = {
	&lf_sr_enable_job,	    &lf_sr_finalize_job,
	&lf_sr_update_job,	    &lf_sr_repair_job,
	&lf_sr_resolve_job,	    &lf_sr_test_failover_job,
	&lf_sr_test_cleanup_job,    &lf_sr_failover_job,
	&lf_sr_commit_job,	    &lf_sr_change_pit_job,
	&lf_sr_cancel_failover_job, &lf_sr_disable_job,
	&lf_sr_hydrate_job,	    &lf_sr_plan_failover_job,
	&lf_sr_plan_items_job,	    NULL};

const struct lf_arm_provider lf_siterecovery_provider = {
	.name = "Microsoft.RecoveryServices",
	.oldest_version = "2016-08-10",
	.newest_version = "2025-08-01",
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
	.error_codes = error_codes,
	.jobs = jobs,
	.admit = lf_vault_admit,
};
