/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault's document: what is set when a client says nothing, what may
 * follow what, and when a vault may go.
 */
#include <string.h>

#include "base/text.h"
#include "providers/common/managed_identity.h"
#include "providers/common/unsupported.h"
#include "providers/network/private_link.h"
#include "providers/vaults/internal.h"

#define REDUNDANCY	      "properties.redundancySettings.standardTierStorageRedundancy"
#define CROSS_REGION	      "properties.redundancySettings.crossRegionRestore"
#define SOFT_DELETE	      "properties.securitySettings.softDeleteSettings.softDeleteState"
#define ENHANCED_SECURITY     "properties.securitySettings.softDeleteSettings.enhancedSecurityState"
#define ENCRYPTION	      "properties.encryption"
#define RETENTION	      "properties.securitySettings.softDeleteSettings.softDeleteRetentionPeriodInDays"
#define IMMUTABILITY_SETTINGS "properties.securitySettings.immutabilitySettings"
#define IMMUTABILITY	      IMMUTABILITY_SETTINGS ".state"
#define IMMUTABLE_FOR	      IMMUTABILITY_SETTINGS ".configuration"
#define ALERTS		      "properties.monitoringSettings.azureMonitorAlertSettings."
#define OLD_ALERTS	      "properties.monitoringSettings.classicAlertSettings."

int lf_vault_count(struct lf_catalog *catalog, const char *vault_id, const char *type,
		   size_t *ret_n, struct lf_error *err)
{
	return lf_catalog_count(catalog, type, vault_id, ret_n, err);
}

static const char *const kept[] = {"properties.redundancySettings",
				   "properties.securitySettings",
				   "properties.monitoringSettings",
				   "properties.costManagementSettings",
				   "properties.restoreSettings",
				   "properties.publicNetworkAccess",
				   "identity",
				   NULL};

/* Geo-redundancy comes before cross region restore, and both before what is protected. */
static int check_redundancy(struct lf_catalog *catalog, const json_t *doc,
			    const struct lf_resource *before, struct lf_error *err)
{
	bool crosses = strcmp(lf_json_text_or(doc, CROSS_REGION, ""), "Enabled") == 0;
	size_t n = 0;

	if (crosses && strcmp(lf_json_text_or(doc, REDUNDANCY, ""), "GeoRedundant") != 0)
		return lf_fail_arm(err, LF_EINVAL, "CrossRegionRestoreNotSupported", CROSS_REGION,
				   "set standardTierStorageRedundancy to GeoRedundant",
				   "cross region restore needs a geo-redundant vault");
	if (!before)
		return 0;
	bool was = strcmp(lf_json_text_or(before->doc, CROSS_REGION, ""), "Enabled") == 0;
	bool moved = strcmp(lf_json_text_or(before->doc, REDUNDANCY, ""),
			    lf_json_text_or(doc, REDUNDANCY, "")) != 0;
	if (!moved && (!was || crosses))
		return 0;
	int rc = lf_vault_count(catalog, before->id,
				LF_VAULT_TYPE "/backupFabrics/protectionContainers/protectedItems",
				&n, err);
	return rc || !n ? rc
			: lf_fail_arm(err, LF_ECONFLICT, "CloudVaultStorageTypeLocked", REDUNDANCY,
				      "use another vault",
				      "the vault protects %zu items, so its redundancy cannot be "
				      "changed",
				      n);
}

/* How long: days where it is by time, and no less once it is locked. */
static int check_immutable_days(const json_t *doc, const struct lf_resource *before,
				struct lf_error *err)
{
	static const char days_path[] = IMMUTABLE_FOR ".durationInDays";
	bool timed = strcmp(lf_json_text_or(doc, IMMUTABLE_FOR ".type", ""), "TimeBased") == 0;
	int64_t days = lf_json_int_or(doc, days_path, 0);
	bool locked =
		before && strcmp(lf_json_text_or(before->doc, IMMUTABILITY, ""), "Locked") == 0;

	if (timed != (days > 0))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", days_path,
				   "TimeBased takes durationInDays, AsPerPolicy none",
				   "it does not say how long points are immutable");
	if (locked && days < lf_json_int_or(before->doc, days_path, 0))
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorImmutabilityLocked", days_path,
				   "keep the days, or lengthen them",
				   "the immutability of the vault is locked for ever");
	return 0;
}

static int check_immutability(const json_t *doc, const struct lf_resource *before,
			      struct lf_error *err)
{
	static const char *const order[] = {"Disabled", "Unlocked", "Locked"};
	const char *was = before ? lf_json_text_or(before->doc, IMMUTABILITY, order[0]) : order[0];
	const char *now = lf_json_text_or(doc, IMMUTABILITY, was);

	if (strcmp(was, now) == 0)
		return 0;
	if (strcmp(was, order[2]) == 0)
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorImmutabilityLocked", IMMUTABILITY,
				   "nothing undoes a lock",
				   "the immutability of the vault is locked for ever");
	if (strcmp(now, order[2]) == 0 && strcmp(was, order[1]) != 0)
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidImmutabilityTransition",
				   IMMUTABILITY, "set it to Unlocked first, then to Locked",
				   "immutability cannot go from %s to %s", was, now);
	return 0;
}

/* Soft delete is on by both of its names; turning it off is refused, but in an emulator. */
static int check_soft_delete(const struct lf_context *context, json_t *doc, struct lf_error *err)
{
	bool may_be_off = context->allow & LF_ALLOW_SOFT_DELETE_OFF;
	const char *state = lf_json_text(doc, SOFT_DELETE);

	if (!state)
		return lf_json_set_text(doc, SOFT_DELETE, may_be_off ? "Enabled" : "AlwaysON")
			       ? lf_fail_nomem(err)
			       : 0;
	if (strcmp(state, "Disabled") != 0 || may_be_off)
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorSoftDeleteStateAlwaysOn", SOFT_DELETE,
			   "leave softDeleteState out",
			   "soft delete is always on and cannot be turned off");
}

static const struct lf_unsupported unsupported[] = {
	{"properties.encryption.keyVaultProperties", LF_IS_THERE, NULL,
	 "CustomerManagedKeysNotSupported"},
	{"properties.encryption.infrastructureEncryption", LF_IS_TEXT, "Enabled",
	 "InfrastructureEncryptionNotSupported"},
	{"properties.securitySettings.multiUserAuthorization", LF_IS_TEXT, "Enabled",
	 "MultiUserAuthorizationNotSupported"},
	{ENHANCED_SECURITY, LF_IS_TEXT, "Disabled", "DisablingEnhancedSecurityNotSupported"},
};

static int check_vault(struct lf_arm_call *call, const char *id, json_t *doc,
		       const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	int rc = lf_unsupported_check(unsupported, LF_N(unsupported), doc, err);

	(void)id;
	if (!rc)
		rc = check_redundancy(context->catalog, doc, before, err);
	if (!rc)
		rc = check_immutability(doc, before, err);
	if (!rc)
		rc = check_immutable_days(doc, before, err);
	if (!rc)
		rc = check_soft_delete(context, doc, err);
	if (!rc)
		rc = lf_managed_identity_check(context, doc, state, err);
	if (!rc && strcmp(lf_json_text_or(doc, "sku.name", ""), "RS0") == 0 &&
	    lf_json_set_text(doc, "sku.tier", "Standard"))
		rc = lf_fail_nomem(err);
	return rc;
}

/* A vault goes only when nothing that it protects, or that feeds it, is left. */
static int remove_vault(struct lf_context *context, const struct lf_resource *vault,
			struct lf_error *err)
{
	static const struct {
		const char *type, *what;
	} contents[] = {
		{LF_VAULT_TYPE "/replicationFabrics/replicationProtectionContainers/"
			       "replicationProtectedItems",
		 "replicated items"},
		{LF_VAULT_TYPE "/replicationFabrics", "replication fabrics"},
		{LF_VAULT_TYPE "/backupFabrics/protectionContainers/protectedItems",
		 "backup items"},
		{LF_VAULT_TYPE "/backupFabrics/protectionContainers", "registered servers"},
		{LF_VAULT_TYPE "/privateEndpointConnections", "private endpoints"},
	};

	for (size_t i = 0; i < LF_N(contents); i++) {
		const struct lf_list_query query = {
			.type = contents[i].type, .below = vault->id, .limit = 1};
		LF_AUTO_RESOURCE_LIST list = {0};
		int rc = lf_catalog_list(context->catalog, &query, &list, err);
		if (rc)
			return rc;
		if (list.n)
			return lf_fail_arm(
				err, LF_ECONFLICT, "ServiceResourceNotEmptyWithContainerDetails",
				list.items[0].id, "remove them, then delete the vault",
				"vault cannot be deleted as there are existing resources within "
				"the vault: %s, as %s",
				contents[i].what, lf_arm_id_last(list.items[0].id));
	}
	return 0;
}

/* What its private endpoints are, and which of its services they reach. */
static int view_vault(struct lf_arm_call *call, const struct lf_resource *vault, json_t *doc,
		      struct lf_error *err)
{
	static const struct {
		const char *group, *path;
	} states[] = {{"AzureBackup", "properties.privateEndpointStateForBackup"},
		      {"AzureSiteRecovery", "properties.privateEndpointStateForSiteRecovery"}};
	json_t *links = NULL, *link;
	size_t i;
	int rc =
		lf_private_link_list(call, &lf_private_link_vault_document, vault->id, &links, err);

	if (rc || lf_json_set(doc, "properties.privateEndpointConnections", links))
		return rc ? rc : lf_fail_nomem(err);
	json_array_foreach (links, i, link)
		for (size_t s = 0; s < LF_N(states); s++)
			if (strcmp(lf_json_text_or(link, "properties.groupIds.0", ""),
				   states[s].group) == 0 &&
			    lf_json_set_text(doc, states[s].path, "Enabled"))
				return lf_fail_nomem(err);
	return 0;
}

static const char *const skus[] = {"Standard", "RS0", NULL};
static const char *const tiers[] = {"Standard", NULL};
static const char *const switches[] = {"Enabled", "Disabled", NULL};
static const char *const redundancies[] = {"GeoRedundant", "LocallyRedundant", "ZoneRedundant",
					   NULL};
static const char *const soft_delete_states[] = {"Enabled", "Disabled", "AlwaysON", NULL};
static const char *const immutabilities[] = {"Disabled", "Unlocked", "Locked", NULL};
static const char *const cost_levels[] = {"VaultLevel", NULL};
static const char *const immutable_for[] = {"AsPerPolicy", "TimeBased", NULL};
static const char *const subscription_restores[] = {"Enabled", "Disabled", "PermanentlyDisabled",
						    NULL};

#define OURS(path, ...)                                                                            \
	{                                                                                          \
		"properties." path, LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "set by the service",       \
			##__VA_ARGS__                                                              \
	}
#define SWITCH(path, doc, fallback)                                                                \
	{                                                                                          \
		path, LF_ENUM, 0, 0, 0, switches, doc, fallback                                    \
	}
#define ON  "\"Enabled\""
#define OFF "\"Disabled\""

static const struct lf_field vault_fields[] = {
	{"sku", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "{\"name\": \"RS0\", \"tier\": \"Standard\"}"},
	{"sku.name", LF_ENUM, LF_REQUIRED, 0, 0, skus, "RS0 or Standard"},
	{"sku.tier", LF_ENUM, 0, 0, 0, tiers, "Standard"},
	{"identity", LF_OBJECT, 0, 0, 0, NULL, "the vault's managed identity"},
	{"properties", LF_OBJECT, 0, 0, 0, NULL, "{} will do"},
	SWITCH("properties.publicNetworkAccess", "is the vault reached without private endpoints",
	       ON),
	{REDUNDANCY, LF_ENUM, 0, 0, 0, redundancies, "where copies are kept", "\"GeoRedundant\""},
	SWITCH(CROSS_REGION, "may points be restored in the paired region", OFF),
	/* not told before they are set: Terraform would plan to remove them at each run */
	{"properties.costManagementSettings.granularityLevel", LF_ENUM, 0, 0, 0, cost_levels,
	 "nothing costs anything here: VaultLevel, as a client's default"},
	SWITCH(ALERTS "alertsForAllJobFailures", "alerts for failed jobs", NULL),
	SWITCH(ALERTS "alertsForAllReplicationIssues", "alerts for replication", NULL),
	SWITCH(ALERTS "alertsForAllFailoverIssues", "alerts for failovers", NULL),
	SWITCH(OLD_ALERTS "alertsForCriticalOperations", "classic alerts", NULL),
	SWITCH(OLD_ALERTS "emailNotificationsForSiteRecovery", "classic mails", NULL),
	{SOFT_DELETE, LF_ENUM, 0, 0, 0, soft_delete_states, "always on"},
	{RETENTION, LF_INT, 0, 14, 180, NULL, "days that deleted points are kept", "14"},
	{ENHANCED_SECURITY, LF_ENUM, 0, 0, 0, soft_delete_states, "always on", "\"AlwaysON\""},
	SWITCH("properties.securitySettings.multiUserAuthorization", "Disabled", OFF),
	{IMMUTABILITY, LF_ENUM, 0, 0, 0, immutabilities, "Disabled, then Unlocked, then Locked"},
	{IMMUTABLE_FOR ".type", LF_ENUM, 0, 0, 0, immutable_for, "as the policy says, or by time"},
	{IMMUTABLE_FOR ".durationInDays", LF_INT, 0, 1, 36135, NULL, "days, of TimeBased"},
	{"properties.restoreSettings.crossSubscriptionRestoreSettings."
	 "crossSubscriptionRestoreState",
	 LF_ENUM, 0, 0, 0, subscription_restores, "may points be restored in other subscriptions",
	 ON},
	OURS("provisioningState"),
	OURS("privateEndpointStateForBackup", "\"None\""),
	OURS("privateEndpointStateForSiteRecovery", "\"None\""),
	OURS("backupStorageVersion"),
	OURS("bcdrSecurityLevel"),
	OURS("secureScore"),
	OURS("moveState"),
	{"properties.privateEndpointConnections", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL,
	 "set by the service"},
	{ENCRYPTION, LF_OBJECT, 0, 0, 0, NULL, "by the site's own key"},
	{ENCRYPTION ".infrastructureEncryption", LF_ENUM, 0, 0, 0, switches, "Disabled"},
};

const struct lf_document lf_vault_document = {
	.type = LF_VAULT_TYPE,
	.fields = vault_fields,
	.n_fields = LF_N(vault_fields),
	.check = check_vault,
	.removing = remove_vault,
	.view = view_vault,
	.needs_location = true,
	.async = true,
	.kept = kept,
	.provisioned = true,
	.strict = true,
};

int lf_vault_change(struct lf_arm_call *call, const char *vault_id, json_t *changes,
		    struct lf_error *err)
{
	return lf_document_change(call, &lf_vault_document, vault_id, changes, err);
}
