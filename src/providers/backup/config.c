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

/* Takes the properties. */
static int wrap_config(struct lf_arm_call *call, const char *type, struct lf_doc *properties,
		       json_t **ret_doc, struct lf_error *err)
{
	return lf_document_wrap(lf_arm_id(call, 0), type, lf_doc_take(properties), ret_doc, err);
}

/* What both say of the vault's storage; *ret_vault: its row. */
static int put_storage(struct lf_arm_call *call, struct lf_doc *properties,
		       struct lf_resource *ret_vault, struct lf_error *err)
{
	size_t n = 0;
	int rc = lf_backup_vault(call, ret_vault, err);

	if (!rc)
		rc = lf_vault_count(lf_arm_context(call)->catalog, ret_vault->id,
				    LF_BACKUP_ITEM_TYPE, &n, err);
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

/* A configuration: what it shows, and what a client may change of it. */
struct config {
	int (*show)(struct lf_arm_call *call, json_t **ret_doc, struct lf_error *err);
	const struct lf_field *fields;
	size_t n_fields;
};

static int reply_config(struct lf_arm_call *call, const struct config *config, struct lf_error *err)
{
	LF_AUTO_JSON *doc = NULL;
	int rc = config->show(call, &doc, err);

	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

/* Types, words, and nothing that would have no effect; what GET shows may be sent back. */
static int check_config(struct lf_arm_call *call, const struct config *config, struct lf_error *err)
{
	LF_AUTO_JSON *shown = NULL;
	json_t *body = lf_arm_body(call);
	char path[LF_FIELD_PATH_SIZE];

	int rc = config->show(call, &shown, err);
	if (!rc)
		rc = lf_fields_check(config->fields, config->n_fields, body, NULL, err);
	if (rc || !lf_fields_stray(config->fields, config->n_fields, body, shown, path))
		return rc;
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path,
			   "leave it out: it would have no effect", "%s cannot be changed here",
			   path);
}

/* "storageModelType" and "storageType" are one: of two that differ, the one that is changed. */
static int change_redundancy(struct lf_arm_call *call, struct lf_doc *changes, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	const char *model = lf_json_text(body, "properties.storageModelType");
	const char *type = lf_json_text(body, "properties.storageType");
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;

	int rc = model || type ? lf_backup_vault(call, &vault, err) : 0;
	const char *now = lf_json_text_or(vault.doc, REDUNDANCY, "GeoRedundant");
	if (!rc && model && type && strcmp(model, type) != 0) {
		if (strcmp(model, now) != 0 && strcmp(type, now) != 0)
			return lf_fail_arm(err, LF_EINVAL, "InvalidParameter",
					   "properties.storageType", "give one of the two",
					   "storageModelType and storageType are one setting");
		model = strcmp(model, now) == 0 ? type : model;
	}
	if (!rc && (model || type))
		lf_doc_text(changes, REDUNDANCY, model ? model : type);
	return rc;
}

static const char *const redundancies[] = {"GeoRedundant", "LocallyRedundant", "ZoneRedundant",
					   NULL};
#define REDUNDANCY_FIELDS                                                                          \
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "what is changed"},                     \
		{"properties.storageModelType", LF_ENUM, 0, 0, 0, redundancies, "redundancy"},     \
	{                                                                                          \
		"properties.storageType", LF_ENUM, 0, 0, 0, redundancies, "the same"               \
	}

static int show_vault_config(struct lf_arm_call *call, json_t **ret_doc, struct lf_error *err)
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
	lf_doc_bool(&properties, "isSoftDeleteFeatureStateEditable",
		    lf_arm_context(call)->allow & LF_ALLOW_SOFT_DELETE_OFF);
	return wrap_config(call, LF_VAULT_TYPE "/backupconfig", &properties, ret_doc, err);
}

static const char *const soft_delete_states[] = {"Enabled", "Disabled", "AlwaysON", NULL};
static const struct lf_field vault_config_fields[] = {
	REDUNDANCY_FIELDS,
	{"properties.enhancedSecurityState", LF_ENUM, 0, 0, 0, soft_delete_states, "always on"},
	{"properties.softDeleteFeatureState", LF_ENUM, 0, 0, 0, soft_delete_states, "always on"},
	{"properties.softDeleteRetentionPeriodInDays", LF_INT, 0, 14, 180, NULL, "days"},
};
static const struct config vault_config = {show_vault_config, vault_config_fields,
					   LF_N(vault_config_fields)};

int lf_backup_vault_config_get(struct lf_arm_call *call, struct lf_error *err)
{
	return reply_config(call, &vault_config, err);
}

int lf_backup_vault_config_put(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct {
		const char *from, *to;
	} members[] = {
		{"properties.softDeleteFeatureState", SOFT_DELETE "softDeleteState"},
		{"properties.enhancedSecurityState", SOFT_DELETE "enhancedSecurityState"},
		{"properties.softDeleteRetentionPeriodInDays",
		 SOFT_DELETE "softDeleteRetentionPeriodInDays"},
	};
	LF_AUTO_DOC changes = LF_DOC_INIT;

	int rc = check_config(call, &vault_config, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < LF_N(members); i++)
		lf_doc_share_if(&changes, members[i].to,
				lf_json_at(lf_arm_body(call), members[i].from));
	rc = change_redundancy(call, &changes, err);
	if (!rc)
		rc = patch_vault(call, &changes, err);
	return rc ? rc : reply_config(call, &vault_config, err);
}

static int show_storage_config(struct lf_arm_call *call, json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_DOC properties = LF_DOC_INIT;
	int rc = put_storage(call, &properties, &vault, err);

	if (rc)
		return rc;
	lf_doc_bool(&properties, "crossRegionRestoreFlag", lf_backup_pair(&vault) != NULL);
	lf_doc_text(&properties, "dedupState", "Enabled");
	return wrap_config(call, LF_VAULT_TYPE "/backupstorageconfig", &properties, ret_doc, err);
}

static const struct lf_field storage_config_fields[] = {
	REDUNDANCY_FIELDS,
	{"properties.crossRegionRestoreFlag", LF_BOOL, 0, 0, 0, NULL, "restores from the pair"},
};
static const struct config storage_config = {show_storage_config, storage_config_fields,
					     LF_N(storage_config_fields)};

int lf_backup_storage_config_get(struct lf_arm_call *call, struct lf_error *err)
{
	return reply_config(call, &storage_config, err);
}

int lf_backup_storage_config_put(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	const json_t *flag = lf_json_at(body, "properties.crossRegionRestoreFlag");
	bool on = lf_json_bool_or(body, "properties.crossRegionRestoreFlag", false);
	LF_AUTO_DOC changes = LF_DOC_INIT;

	int rc = check_config(call, &storage_config, err);
	if (rc)
		return rc;
	if (flag && !json_is_null(flag))
		lf_doc_text(&changes, CROSS_REGION, on ? "Enabled" : "Disabled");
	rc = change_redundancy(call, &changes, err);
	if (!rc)
		rc = patch_vault(call, &changes, err);
	if (rc)
		return rc;
	/* the service's answer to a PATCH has no body */
	return strcmp(lf_http_method(lf_arm_http(call)), "PATCH") == 0
		       ? lf_arm_reply(call, 204, NULL, err)
		       : reply_config(call, &storage_config, err);
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
	LF_AUTO_JSON *doc = NULL;
	rc = wrap_config(call, LF_VAULT_TYPE "/backupEncryptionConfigs", &properties, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
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
