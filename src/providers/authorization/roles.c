/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in roles as they are published, with their GUIDs.  What they give in namespaces that
 * Landfall has no route in (Microsoft.DataProtection, Microsoft.HybridCompute and the like) is left
 * out.  The right to give certain roles to others, which "Azure Migrate Owner" has under a
 * condition, is not given: conditions are not evaluated here.
 */
#include "providers/authorization/roles.h"

#include <ctype.h>
#include <string.h>

#include "base/compiler.h"
#include "base/text.h"
#include "json/doc.h"

#define LIST(...)                                                                                  \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
#define AUTHORIZATION "Microsoft.Authorization/"
#define VAULTS	      "Microsoft.RecoveryServices/vaults/"
#define PLACES	      "Microsoft.RecoveryServices/locations/"
#define FABRICS	      VAULTS "replicationFabrics/"
#define CONTAINERS    FABRICS "replicationProtectionContainers/"
#define ITEMS	      CONTAINERS "replicationProtectedItems/"
#define PLANS	      VAULTS "replicationRecoveryPlans/"
#define BACKUP_FABRIC VAULTS "backupFabrics/"
#define BACKUP_ITEMS  BACKUP_FABRIC "protectionContainers/protectedItems/"
#define BLOB_SERVICE  "Microsoft.Storage/storageAccounts/blobServices/"
#define BLOBS	      BLOB_SERVICE "containers/blobs/"
#define RESOURCES     "Microsoft.Resources/"
#define DELEGATION    BLOB_SERVICE "generateUserDelegationKey/action"

static const char *const site_recovery_contributor[] = {
	AUTHORIZATION "*/read",
	"Microsoft.Insights/alertRules/*",
	"Microsoft.Network/virtualNetworks/read",
	PLACES "allocatedStamp/read",
	PLACES "allocateStamp/action",
	VAULTS "certificates/write",
	VAULTS "extendedInformation/*",
	VAULTS "read",
	VAULTS "refreshContainers/read",
	VAULTS "registeredIdentities/*",
	VAULTS "replicationAlertSettings/*",
	VAULTS "replicationEvents/read",
	VAULTS "replicationFabrics/*",
	VAULTS "replicationJobs/*",
	VAULTS "replicationPolicies/*",
	VAULTS "replicationRecoveryPlans/*",
	VAULTS "replicationVaultSettings/*",
	VAULTS "storageConfig/*",
	VAULTS "tokenInfo/read",
	VAULTS "usages/read",
	VAULTS "vaultTokens/read",
	VAULTS "monitoringAlerts/*",
	VAULTS "monitoringConfigurations/notificationConfiguration/read",
	VAULTS "replicationOperationStatus/read",
	"Microsoft.ResourceHealth/availabilityStatuses/read",
	RESOURCES "deployments/*",
	RESOURCES "subscriptions/resourceGroups/read",
	"Microsoft.Storage/storageAccounts/read",
	"Microsoft.Support/*",
	NULL,
};
static const char *const site_recovery_operator[] = {
	AUTHORIZATION "*/read",
	"Microsoft.Insights/alertRules/*",
	"Microsoft.Network/virtualNetworks/read",
	PLACES "allocatedStamp/read",
	PLACES "allocateStamp/action",
	VAULTS "extendedInformation/read",
	VAULTS "read",
	VAULTS "refreshContainers/read",
	VAULTS "registeredIdentities/operationResults/read",
	VAULTS "registeredIdentities/read",
	VAULTS "replicationAlertSettings/read",
	VAULTS "replicationEvents/read",
	FABRICS "checkConsistency/action",
	FABRICS "read",
	FABRICS "reassociateGateway/action",
	FABRICS "renewcertificate/action",
	FABRICS "replicationNetworks/read",
	FABRICS "replicationNetworks/replicationNetworkMappings/read",
	CONTAINERS "read",
	CONTAINERS "replicationProtectableItems/read",
	ITEMS "applyRecoveryPoint/action",
	ITEMS "failoverCommit/action",
	ITEMS "plannedFailover/action",
	ITEMS "read",
	ITEMS "recoveryPoints/read",
	ITEMS "repairReplication/action",
	ITEMS "reProtect/action",
	CONTAINERS "switchprotection/action",
	ITEMS "testFailover/action",
	ITEMS "testFailoverCleanup/action",
	ITEMS "unplannedFailover/action",
	ITEMS "updateMobilityService/action",
	CONTAINERS "replicationProtectionContainerMappings/read",
	FABRICS "replicationRecoveryServicesProviders/read",
	FABRICS "replicationRecoveryServicesProviders/refreshProvider/action",
	FABRICS "replicationStorageClassifications/read",
	FABRICS "replicationStorageClassifications/replicationStorageClassificationMappings/read",
	FABRICS "replicationvCenters/read",
	VAULTS "replicationJobs/*",
	VAULTS "replicationPolicies/read",
	PLANS "failoverCommit/action",
	PLANS "plannedFailover/action",
	PLANS "read",
	PLANS "reProtect/action",
	PLANS "testFailover/action",
	PLANS "testFailoverCleanup/action",
	PLANS "unplannedFailover/action",
	VAULTS "replicationVaultSettings/read",
	VAULTS "monitoringAlerts/*",
	VAULTS "monitoringConfigurations/notificationConfiguration/read",
	VAULTS "storageConfig/read",
	VAULTS "tokenInfo/read",
	VAULTS "usages/read",
	VAULTS "vaultTokens/read",
	"Microsoft.ResourceHealth/availabilityStatuses/read",
	RESOURCES "deployments/*",
	RESOURCES "subscriptions/resourceGroups/read",
	"Microsoft.Storage/storageAccounts/read",
	"Microsoft.Support/*",
	NULL,
};
static const char *const site_recovery_reader[] = {
	AUTHORIZATION "*/read",
	PLACES "allocatedStamp/read",
	VAULTS "extendedInformation/read",
	VAULTS "monitoringAlerts/read",
	VAULTS "monitoringConfigurations/notificationConfiguration/read",
	VAULTS "read",
	VAULTS "refreshContainers/read",
	VAULTS "registeredIdentities/operationResults/read",
	VAULTS "registeredIdentities/read",
	VAULTS "replicationAlertSettings/read",
	VAULTS "replicationEvents/read",
	FABRICS "read",
	FABRICS "replicationNetworks/read",
	FABRICS "replicationNetworks/replicationNetworkMappings/read",
	CONTAINERS "read",
	CONTAINERS "replicationProtectableItems/read",
	ITEMS "read",
	ITEMS "recoveryPoints/read",
	CONTAINERS "replicationProtectionContainerMappings/read",
	FABRICS "replicationRecoveryServicesProviders/read",
	FABRICS "replicationStorageClassifications/read",
	FABRICS "replicationStorageClassifications/replicationStorageClassificationMappings/read",
	FABRICS "replicationvCenters/read",
	VAULTS "replicationJobs/read",
	VAULTS "replicationPolicies/read",
	PLANS "read",
	VAULTS "replicationVaultSettings/read",
	VAULTS "storageConfig/read",
	VAULTS "tokenInfo/read",
	VAULTS "usages/read",
	VAULTS "vaultTokens/read",
	"Microsoft.Support/*",
	NULL,
};
static const char *const backup_contributor[] = {
	AUTHORIZATION "*/read",
	"Microsoft.Network/virtualNetworks/read",
	PLACES "*",
	BACKUP_FABRIC "operationResults/*",
	BACKUP_FABRIC "protectionContainers/*",
	BACKUP_FABRIC "refreshContainers/action",
	VAULTS "backupJobs/*",
	VAULTS "backupJobsExport/action",
	VAULTS "backupOperationResults/*",
	VAULTS "backupPolicies/*",
	VAULTS "backupProtectableItems/*",
	VAULTS "backupProtectedItems/*",
	VAULTS "backupProtectionContainers/*",
	VAULTS "backupSecurityPIN/*",
	VAULTS "backupUsageSummaries/read",
	VAULTS "certificates/*",
	VAULTS "extendedInformation/*",
	VAULTS "monitoringAlerts/read",
	VAULTS "monitoringConfigurations/*",
	VAULTS "read",
	VAULTS "registeredIdentities/*",
	VAULTS "usages/*",
	RESOURCES "deployments/*",
	RESOURCES "subscriptions/resourceGroups/read",
	"Microsoft.Storage/storageAccounts/read",
	VAULTS "backupstorageconfig/*",
	VAULTS "backupconfig/*",
	VAULTS "backupValidateOperation/action",
	VAULTS "write",
	VAULTS "backupOperations/read",
	VAULTS "backupEngines/read",
	BACKUP_FABRIC "backupProtectionIntent/*",
	BACKUP_FABRIC "protectableContainers/read",
	VAULTS "operationStatus/read",
	VAULTS "operationResults/read",
	PLACES "backupStatus/action",
	PLACES "backupPreValidateProtection/action",
	PLACES "backupValidateFeatures/action",
	VAULTS "monitoringAlerts/write",
	"Microsoft.RecoveryServices/operations/read",
	PLACES "operationStatus/read",
	VAULTS "backupProtectionIntents/read",
	"Microsoft.Support/*",
	NULL,
};
static const char *const backup_operator[] = {
	AUTHORIZATION "*/read",
	"Microsoft.Network/virtualNetworks/read",
	BACKUP_FABRIC "operationResults/read",
	BACKUP_FABRIC "protectionContainers/operationResults/read",
	BACKUP_ITEMS "backup/action",
	BACKUP_ITEMS "operationResults/read",
	BACKUP_ITEMS "operationsStatus/read",
	BACKUP_ITEMS "read",
	BACKUP_ITEMS "recoveryPoints/provisionInstantItemRecovery/action",
	BACKUP_ITEMS "recoveryPoints/accessToken/action",
	BACKUP_ITEMS "recoveryPoints/read",
	BACKUP_ITEMS "recoveryPoints/restore/action",
	BACKUP_ITEMS "recoveryPoints/revokeInstantItemRecovery/action",
	BACKUP_ITEMS "write",
	BACKUP_FABRIC "protectionContainers/read",
	BACKUP_FABRIC "refreshContainers/action",
	VAULTS "backupJobs/*",
	VAULTS "backupJobsExport/action",
	VAULTS "backupOperationResults/*",
	VAULTS "backupPolicies/operationResults/read",
	VAULTS "backupPolicies/read",
	VAULTS "backupProtectableItems/*",
	VAULTS "backupProtectedItems/read",
	VAULTS "backupProtectionContainers/read",
	VAULTS "backupUsageSummaries/read",
	VAULTS "certificates/write",
	VAULTS "extendedInformation/read",
	VAULTS "extendedInformation/write",
	VAULTS "monitoringAlerts/read",
	VAULTS "monitoringConfigurations/*",
	VAULTS "read",
	VAULTS "registeredIdentities/operationResults/read",
	VAULTS "registeredIdentities/read",
	VAULTS "registeredIdentities/write",
	VAULTS "usages/read",
	RESOURCES "deployments/*",
	RESOURCES "subscriptions/resourceGroups/read",
	"Microsoft.Storage/storageAccounts/read",
	VAULTS "backupstorageconfig/*",
	VAULTS "backupValidateOperation/action",
	VAULTS "backupTriggerValidateOperation/action",
	VAULTS "backupValidateOperationResults/read",
	VAULTS "backupValidateOperationsStatuses/read",
	VAULTS "backupOperations/read",
	VAULTS "backupPolicies/operations/read",
	BACKUP_FABRIC "protectionContainers/write",
	BACKUP_FABRIC "protectionContainers/inquire/action",
	VAULTS "backupEngines/read",
	BACKUP_FABRIC "backupProtectionIntent/write",
	BACKUP_FABRIC "backupProtectionIntent/read",
	BACKUP_FABRIC "protectableContainers/read",
	BACKUP_FABRIC "protectionContainers/items/read",
	PLACES "backupStatus/action",
	PLACES "backupPreValidateProtection/action",
	PLACES "backupValidateFeatures/action",
	PLACES "backupAadProperties/read",
	PLACES "backupCrrJobs/action",
	PLACES "backupCrrJob/action",
	PLACES "backupCrossRegionRestore/action",
	PLACES "backupCrrOperationResults/read",
	PLACES "backupCrrOperationsStatus/read",
	VAULTS "monitoringAlerts/write",
	"Microsoft.RecoveryServices/operations/read",
	PLACES "operationStatus/read",
	VAULTS "backupProtectionIntents/read",
	"Microsoft.Support/*",
	NULL,
};
static const char *const backup_reader[] = {
	AUTHORIZATION "*/read",
	PLACES "allocatedStamp/read",
	BACKUP_FABRIC "operationResults/read",
	BACKUP_FABRIC "protectionContainers/operationResults/read",
	BACKUP_ITEMS "operationResults/read",
	BACKUP_ITEMS "operationsStatus/read",
	BACKUP_ITEMS "read",
	BACKUP_ITEMS "recoveryPoints/read",
	BACKUP_FABRIC "protectionContainers/read",
	VAULTS "backupJobs/operationResults/read",
	VAULTS "backupJobs/read",
	VAULTS "backupJobsExport/action",
	VAULTS "backupOperationResults/read",
	VAULTS "backupPolicies/operationResults/read",
	VAULTS "backupPolicies/read",
	VAULTS "backupProtectedItems/read",
	VAULTS "backupProtectionContainers/read",
	VAULTS "backupUsageSummaries/read",
	VAULTS "extendedInformation/read",
	VAULTS "monitoringAlerts/read",
	VAULTS "read",
	VAULTS "registeredIdentities/operationResults/read",
	VAULTS "registeredIdentities/read",
	VAULTS "backupstorageconfig/read",
	VAULTS "backupconfig/read",
	VAULTS "backupOperations/read",
	VAULTS "backupPolicies/operations/read",
	VAULTS "backupEngines/read",
	BACKUP_FABRIC "backupProtectionIntent/read",
	BACKUP_FABRIC "protectionContainers/items/read",
	PLACES "backupStatus/action",
	VAULTS "monitoringConfigurations/*",
	VAULTS "monitoringAlerts/write",
	"Microsoft.RecoveryServices/operations/read",
	PLACES "operationStatus/read",
	VAULTS "backupProtectionIntents/read",
	VAULTS "usages/read",
	PLACES "backupValidateFeatures/action",
	PLACES "backupCrrJobs/action",
	PLACES "backupCrrJob/action",
	PLACES "backupCrrOperationResults/read",
	PLACES "backupCrrOperationsStatus/read",
	NULL,
};

#define MIGRATE_COMMON                                                                             \
	RESOURCES "subscriptions/resourceGroups/read", RESOURCES "subscriptions/read",             \
		RESOURCES "deployments/*", RESOURCES "subscriptions/locations/read",               \
		RESOURCES "checkResourceName/action", RESOURCES "deploymentScripts/write",         \
		RESOURCES "deploymentScripts/read", RESOURCES "links/write",                       \
		RESOURCES "links/read", AUTHORIZATION "*/read", AUTHORIZATION "locks/write",       \
		AUTHORIZATION "locks/delete", "Microsoft.Insights/alertRules/*",                   \
		"Microsoft.Migrate/*", "Microsoft.OffAzure/*", "Microsoft.Support/*",              \
		"Microsoft.KeyVault/vaults/*", "Microsoft.KeyVault/checkNameAvailability/read",    \
		"Microsoft.KeyVault/register/action",                                              \
		"Microsoft.Network/virtualNetworks/subnets/write",                                 \
		"Microsoft.Network/virtualNetworks/subnets/join/action",                           \
		"Microsoft.Network/networkSecurityGroups/join/action",                             \
		"Microsoft.Network/virtualNetworks/join/action",                                   \
		"Microsoft.Network/privateEndpoints/read",                                         \
		"Microsoft.Network/privateEndpoints/write",                                        \
		"Microsoft.Network/privateEndpoints/privateDnsZoneGroups/write",                   \
		"Microsoft.Network/privateDnsZones/write",                                         \
		"Microsoft.Network/privateDnsZones/virtualNetworkLinks/write",                     \
		"Microsoft.Network/privateDnsZones/join/action",                                   \
		"Microsoft.Network/privateDnsZones/A/write", "Microsoft.Network/register/action",  \
		"Microsoft.Network/virtualNetworks/subnets/read",                                  \
		"Microsoft.Network/privateEndpoints/privateDnsZoneGroups/read", VAULTS "*",        \
		"Microsoft.RecoveryServices/register/action"

static const char *const migrate_planner[] = {
	MIGRATE_COMMON,
	"Microsoft.Storage/storageAccounts/*/read",
	"Microsoft.Storage/storageAccounts/*/write",
	"Microsoft.Storage/storageAccounts/listKeys/action",
	NULL,
};
static const char *const migrate_owner[] = {
	MIGRATE_COMMON,
	RESOURCES "subscriptions/resourceGroups/write",
	"Microsoft.Network/networkInterfaces/read",
	"Microsoft.Network/networkInterfaces/write",
	"Microsoft.Network/networkInterfaces/delete",
	"Microsoft.Network/virtualNetworks/read",
	"Microsoft.Storage/storageAccounts/*",
	"Microsoft.Compute/register/action",
	"Microsoft.Compute/availabilitySets/read",
	"Microsoft.Compute/availabilitySets/vmSizes/read",
	"Microsoft.Compute/diskEncryptionSets/read",
	"Microsoft.Compute/skus/read",
	"Microsoft.Compute/disks/read",
	"Microsoft.Compute/disks/write",
	"Microsoft.Compute/disks/delete",
	"Microsoft.Compute/virtualMachines/read",
	"Microsoft.Compute/virtualMachines/write",
	"Microsoft.Compute/virtualMachines/delete",
	"Microsoft.RecoveryServices/operations/read",
	NULL,
};

static const struct lf_role roles[] = {
	{.id = LF_ROLE_OWNER,
	 .name = "Owner",
	 .description = "Grants full access to manage all resources, including the ability to "
			"assign roles in Azure RBAC.",
	 .actions = LIST("*")},
	{.id = "b24988ac-6180-42a0-ab88-20f7382dd24c",
	 .name = "Contributor",
	 .description = "Grants full access to manage all resources, but does not allow you to "
			"assign roles in Azure RBAC, manage assignments in Azure Blueprints, or "
			"share image galleries.",
	 .actions = LIST("*"),
	 .not_actions =
		 LIST(AUTHORIZATION "*/Delete", AUTHORIZATION "*/Write",
		      AUTHORIZATION "elevateAccess/Action",
		      "Microsoft.Blueprint/blueprintAssignments/write",
		      "Microsoft.Blueprint/blueprintAssignments/delete",
		      "Microsoft.Compute/galleries/share/action",
		      "Microsoft.Purview/consents/write", "Microsoft.Purview/consents/delete")},
	{.id = "acdd72a7-3385-48ef-bd42-f606fba81ae7",
	 .name = "Reader",
	 .description = "View all resources, but does not allow you to make any changes.",
	 .actions = LIST("*/read")},
	{.id = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
	 .name = "User Access Administrator",
	 .description = "Lets you manage user access to Azure resources.",
	 .actions = LIST("*/read", AUTHORIZATION "*", "Microsoft.Support/*")},
	{.id = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
	 .name = "Storage Blob Data Reader",
	 .description = "Allows for read access to Azure Storage blob containers and data",
	 .actions = LIST(BLOB_SERVICE "containers/read", DELEGATION),
	 .data_actions = LIST(BLOBS "read")},
	{.id = "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
	 .name = "Storage Blob Data Contributor",
	 .description = "Allows for read, write and delete access to Azure Storage blob containers "
			"and data",
	 .actions = LIST(BLOB_SERVICE "containers/delete", BLOB_SERVICE "containers/read",
			 BLOB_SERVICE "containers/write", DELEGATION),
	 .data_actions = LIST(BLOBS "delete", BLOBS "read", BLOBS "write", BLOBS "move/action",
			      BLOBS "add/action")},
	{.id = LF_ROLE_BLOB_DATA_OWNER,
	 .name = "Storage Blob Data Owner",
	 .description = "Allows for full access to Azure Storage blob containers and data, "
			"including assigning POSIX access control.",
	 .actions = LIST(BLOB_SERVICE "containers/*", DELEGATION),
	 .data_actions = LIST(BLOBS "*")},
	{"6670b86e-a3f7-4917-ac9b-5d6ab1be4567", "Site Recovery Contributor",
	 "Lets you manage Site Recovery service except vault creation and role assignment",
	 site_recovery_contributor, NULL, NULL},
	{"494ae006-db33-4328-bf46-533a6560a3ca", "Site Recovery Operator",
	 "Lets you failover and failback but not perform other Site Recovery management operations",
	 site_recovery_operator, NULL, NULL},
	{"dbaa88c4-0c30-4179-9fb3-46319faa6149", "Site Recovery Reader",
	 "Lets you view Site Recovery status but not perform other management operations",
	 site_recovery_reader, NULL, NULL},
	{"5e467623-bb1f-42f4-a55d-6e525e11384b", "Backup Contributor",
	 "Lets you manage backups, but can't delete vaults and give access to others",
	 backup_contributor, NULL, NULL},
	{"00c29273-979b-4161-815c-10b084fb9324", "Backup Operator",
	 "Lets you manage backup services, except removal of backup, vault creation and giving "
	 "access to others",
	 backup_operator, NULL, NULL},
	{"a795c7a0-d4a2-40c1-ae25-d81f01202912", "Backup Reader",
	 "Can view backup services, but can't make changes", backup_reader, NULL, NULL},
	{"7859c0b0-0bb9-4994-bd12-cd529af7d646", "Azure Migrate Decide and Plan Expert",
	 "Grants restricted access on Azure Migrate project to only perform planning operations "
	 "including appliance-based discovery, managing inventory, identifying server "
	 "dependencies, creation of business case & assessment reports.",
	 migrate_planner, NULL, NULL},
	{"fd8ea4d5-6509-4db0-bada-356ab233b4fa", "Azure Migrate Owner",
	 "Grants full access to create and manage Azure Migrate projects including appliance-based "
	 "discovery, creation of business case & assessment report and execution of migrations.",
	 migrate_owner, NULL, NULL},
};

const struct lf_role *lf_roles(size_t *ret_n)
{
	*ret_n = LF_N(roles);
	return roles;
}

const struct lf_role *lf_role_find(const char *id)
{
	static const char path[] = "/providers/Microsoft.Authorization/roleDefinitions/";
	const char *slash = strrchr(id, '/'), *guid = slash ? slash + 1 : id;
	size_t len = (size_t)(guid - id), tail = strlen(path);

	if (slash && (len < tail || !lf_text_starts_nocase(id + len - tail, path)))
		return NULL;
	for (size_t i = 0; i < LF_N(roles); i++)
		if (lf_text_equal_nocase(roles[i].id, guid))
			return &roles[i];
	return NULL;
}

/* "*" stands for any characters, also none; everything else for itself, in any case. */
static bool matches(const char *pattern, const char *text)
{
	const char *star = NULL, *again = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			again = text;
		} else if (tolower((unsigned char)*pattern) == tolower((unsigned char)*text)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++again;
		} else {
			return false;
		}
	}
	return !pattern[strspn(pattern, "*")];
}

static bool is_in(const char *const *patterns, const char *right)
{
	for (; patterns && *patterns; patterns++)
		if (matches(*patterns, right))
			return true;
	return false;
}

bool lf_role_gives(const struct lf_role *role, const char *right, bool data)
{
	return data ? is_in(role->data_actions, right)
		    : is_in(role->actions, right) && !is_in(role->not_actions, right);
}

static json_t *texts(const char *const *list)
{
	json_t *array = json_array();

	for (; array && list && *list; list++)
		json_array_append_new(array, json_string(*list));
	return array;
}

json_t *lf_role_permissions(const struct lf_role *role)
{
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_put(&doc, "actions", texts(role->actions));
	lf_doc_put(&doc, "notActions", texts(role->not_actions));
	lf_doc_put(&doc, "dataActions", texts(role->data_actions));
	lf_doc_put(&doc, "notDataActions", texts(NULL));
	return lf_doc_take(&doc);
}
