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

static int reply_config(struct lf_arm_call *call, const char *type, struct lf_doc *properties,
			struct lf_error *err)
{
	LF_AUTO_JSON *doc = NULL;
	int rc = lf_document_wrap(lf_arm_id(call, 0), type, lf_doc_take(properties), &doc, err);

	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

/* What both say of the vault's storage; *ret_vault: its row. */
static int put_storage(struct lf_arm_call *call, struct lf_doc *properties,
		       struct lf_resource *ret_vault, struct lf_error *err)
{
	size_t n = 0;
	int rc = lf_backup_vault(call, ret_vault, err);

	if (!rc)
		rc = lf_vault_count(lf_arm_context(call), ret_vault->id, LF_BACKUP_ITEM_TYPE, &n,
				    err);
	if (rc)
		return rc;
	const char *redundancy = lf_json_text_or(ret_vault->doc, REDUNDANCY, "GeoRedundant");
	lf_doc_text(properties, "storageModelType", redundancy);
	lf_doc_text(properties, "storageType", redundancy);
	lf_doc_text(properties, "storageTypeState", n ? "Locked" : "Unlocked");
	return 0;
}

/* The vault's document, changed by the vault's own rules: as a PATCH of the vault would. */
static int patch_vault(struct lf_arm_call *call, struct lf_doc *changes, struct lf_error *err)
{
	LF_AUTO_JSON *own = NULL;
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	int rc = lf_doc_end(changes, &own, err);

	if (!rc)
		rc = lf_backup_vault(call, &vault, err);
	return rc ? rc : lf_vault_change(call, vault.id, own, err);
}

int lf_backup_vault_config_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_DOC properties = LF_DOC_INIT;
	int rc = put_storage(call, &properties, &vault, err);

	if (rc)
		return rc;
	lf_doc_text(&properties, "enhancedSecurityState",
		    lf_json_text_or(vault.doc, SOFT_DELETE "enhancedSecurityState", "AlwaysON"));
	lf_doc_text(&properties, "softDeleteFeatureState",
		    lf_json_text_or(vault.doc, SOFT_DELETE "softDeleteState", "AlwaysON"));
	lf_doc_int(&properties, "softDeleteRetentionPeriodInDays",
		   lf_json_int_or(vault.doc, SOFT_DELETE "softDeleteRetentionPeriodInDays", 14));
	lf_doc_bool(&properties, "isSoftDeleteFeatureStateEditable", false);
	return reply_config(call, LF_VAULT_TYPE "/backupconfig", &properties, err);
}

int lf_backup_vault_config_put(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	const char *state = lf_json_text(body, "properties.softDeleteFeatureState");
	json_t *days = lf_json_at(body, "properties.softDeleteRetentionPeriodInDays");
	LF_AUTO_DOC changes = LF_DOC_INIT;

	if (state && lf_text_equal_nocase(state, "Disabled"))
		lf_doc_text(&changes, SOFT_DELETE "softDeleteState", "Disabled");
	if (days)
		lf_doc_share(&changes, SOFT_DELETE "softDeleteRetentionPeriodInDays", days);
	int rc = patch_vault(call, &changes, err);
	return rc ? rc : lf_backup_vault_config_get(call, err);
}

int lf_backup_storage_config_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_DOC properties = LF_DOC_INIT;
	int rc = put_storage(call, &properties, &vault, err);

	if (rc)
		return rc;
	lf_doc_bool(&properties, "crossRegionRestoreFlag", lf_backup_pair(&vault) != NULL);
	lf_doc_text(&properties, "dedupState", "Enabled");
	return reply_config(call, LF_VAULT_TYPE "/backupstorageconfig", &properties, err);
}

int lf_backup_storage_config_put(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	const char *model = lf_json_text(body, "properties.storageModelType");
	json_t *flag = lf_json_at(body, "properties.crossRegionRestoreFlag");
	LF_AUTO_DOC changes = LF_DOC_INIT;

	if (!model)
		model = lf_json_text(body, "properties.storageType");
	if (model)
		lf_doc_text(&changes, REDUNDANCY, model);
	if (json_is_boolean(flag))
		lf_doc_text(&changes, CROSS_REGION, json_is_true(flag) ? "Enabled" : "Disabled");
	int rc = patch_vault(call, &changes, err);
	if (rc)
		return rc;
	/* the service's answer to a PATCH has no body */
	return strcmp(lf_http_method(lf_arm_http(call)), "PATCH") == 0
		       ? lf_arm_reply(call, 204, NULL, err)
		       : lf_backup_storage_config_get(call, err);
}

int lf_backup_encryption_config_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_DOC properties = LF_DOC_INIT;
	int rc = lf_backup_vault(call, &vault, err);

	if (rc)
		return rc;
	lf_doc_text(&properties, "encryptionAtRestType", "MicrosoftManaged");
	lf_doc_text(&properties, "infrastructureEncryptionState", "Disabled");
	lf_doc_text(&properties, "lastUpdateStatus", "NotEnabled");
	return reply_config(call, LF_VAULT_TYPE "/backupEncryptionConfigs", &properties, err);
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
