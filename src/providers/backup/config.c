/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault's settings as Azure Backup shows them.  They are members of the vault's own document: one
 * truth, several names.
 */
#include <string.h>

#include "providers/backup/internal.h"

#define REDUNDANCY   "properties.redundancySettings.standardTierStorageRedundancy"
#define CROSS_REGION "properties.redundancySettings.crossRegionRestore"
#define SOFT_DELETE  "properties.securitySettings.softDeleteSettings."

static int reply_config(struct lf_arm_call *call, const char *type, json_t *properties,
			struct lf_error *err)
{
	LF_AUTO_JSON *doc = json_object();

	if (!properties || json_object_set_new(doc, "properties", properties))
		return lf_fail_nomem(err);
	int rc = lf_arm_envelope(doc, lf_arm_id(call, 0), type, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

/* The vault's document, changed by the vault's own rules: as a PATCH of the vault would. */
static int patch_vault(struct lf_arm_call *call, json_t *changes, struct lf_error *err)
{
	LF_AUTO_JSON *own = changes;
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	int rc = own ? lf_backup_vault(call, &vault, err) : lf_fail_nomem(err);

	return rc ? rc : lf_vault_change(call, vault.id, own, err);
}

/* --- backupconfig/vaultconfig --- */

int lf_backup_vault_config_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	size_t n = 0;

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_vault_count(lf_arm_context(call), vault.id, LF_BACKUP_ITEM_TYPE, &n, err);
	if (rc)
		return rc;
	const char *redundancy = lf_json_text_or(vault.doc, REDUNDANCY, "GeoRedundant");
	return reply_config(
		call, LF_VAULT_TYPE "/backupconfig",
		json_pack(
			"{s:s, s:s, s:s, s:s, s:s, s:I, s:b}", "storageModelType", redundancy,
			"storageType", redundancy, "storageTypeState", n ? "Locked" : "Unlocked",
			"enhancedSecurityState",
			lf_json_text_or(vault.doc, SOFT_DELETE "enhancedSecurityState", "AlwaysON"),
			"softDeleteFeatureState",
			lf_json_text_or(vault.doc, SOFT_DELETE "softDeleteState", "AlwaysON"),
			"softDeleteRetentionPeriodInDays",
			(json_int_t)lf_json_int_or(
				vault.doc, SOFT_DELETE "softDeleteRetentionPeriodInDays", 14),
			"isSoftDeleteFeatureStateEditable", 0),
		err);
}

int lf_backup_vault_config_put(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	const char *state = lf_json_text(body, "properties.softDeleteFeatureState");
	json_t *days = lf_json_at(body, "properties.softDeleteRetentionPeriodInDays");
	json_t *changes = json_object();

	if (state && lf_text_equal_nocase(state, "Disabled"))
		lf_json_set_text(changes, SOFT_DELETE "softDeleteState", "Disabled");
	if (days)
		lf_json_set(changes, SOFT_DELETE "softDeleteRetentionPeriodInDays",
			    json_deep_copy(days));
	int rc = patch_vault(call, changes, err);
	return rc ? rc : lf_backup_vault_config_get(call, err);
}

/* --- backupstorageconfig/vaultstorageconfig --- */

int lf_backup_storage_config_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	size_t n = 0;

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_vault_count(lf_arm_context(call), vault.id, LF_BACKUP_ITEM_TYPE, &n, err);
	if (rc)
		return rc;
	const char *redundancy = lf_json_text_or(vault.doc, REDUNDANCY, "GeoRedundant");
	return reply_config(call, LF_VAULT_TYPE "/backupstorageconfig",
			    json_pack("{s:s, s:s, s:s, s:b, s:s}", "storageModelType", redundancy,
				      "storageType", redundancy, "storageTypeState",
				      n ? "Locked" : "Unlocked", "crossRegionRestoreFlag",
				      lf_backup_pair(&vault) != NULL, "dedupState", "Enabled"),
			    err);
}

int lf_backup_storage_config_put(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	const char *model = lf_json_text(body, "properties.storageModelType");
	json_t *flag = lf_json_at(body, "properties.crossRegionRestoreFlag");
	json_t *changes = json_object();

	if (!model)
		model = lf_json_text(body, "properties.storageType");
	if (model)
		lf_json_set_text(changes, REDUNDANCY, model);
	if (json_is_boolean(flag))
		lf_json_set_text(changes, CROSS_REGION,
				 json_is_true(flag) ? "Enabled" : "Disabled");
	int rc = patch_vault(call, changes, err);
	if (rc)
		return rc;
	/* the service's answer to a PATCH has no body */
	return strcmp(lf_http_method(lf_arm_http(call)), "PATCH") == 0
		       ? lf_arm_reply(call, 204, NULL, err)
		       : lf_backup_storage_config_get(call, err);
}

/* --- the rest --- */

int lf_backup_encryption_config_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	int rc = lf_backup_vault(call, &vault, err);

	return rc ? rc
		  : reply_config(call, LF_VAULT_TYPE "/backupEncryptionConfigs",
				 json_pack("{s:s, s:s, s:s}", "encryptionAtRestType",
					   "MicrosoftManaged", "infrastructureEncryptionState",
					   "Disabled", "lastUpdateStatus", "NotEnabled"),
				 err);
}

int lf_backup_encryption_config_put(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "CustomerManagedKeysNotSupported",
			   lf_arm_id(call, 0),
			   "leave it: the site's own key wraps the vault's (landfall vault rekey)",
			   "customer managed keys are not supported by this build");
}

int lf_backup_security_pin(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotSupported", lf_arm_id(call, 0),
			   "delete without one: what is deleted is kept for the vault's days",
			   "no operation here needs a security PIN");
}
