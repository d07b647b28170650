/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vaults are documents; what is here beside them are operations that end at
 * once and lists that are always empty, since a vault is deleted only when
 * nothing is in it.
 */
#include "providers/vaults/vaults.h"

#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "providers/network/endpoint_names.h"
#include "providers/network/private_link.h"
#include "providers/vaults/internal.h"

/* Since this version a deletion is an operation (202); the clients of older ones take 200 only. */
#define DELETE_IS_ASYNC_SINCE "2024-01-01"

static int delete_vault(struct lf_arm_call *call, struct lf_error *err)
{
	bool async = strcmp(lf_arm_api_version(call), DELETE_IS_ASYNC_SINCE) >= 0;

	return lf_document_delete(call, &lf_vault_document, async ? 202 : 200, err);
}

/* The keys that agents of Backup derive credentials from: kept for clients as they gave them. */
static const struct lf_field extended_fields[] = {
	{"properties", LF_OBJECT, 0, 0, 0, NULL, "keys, as the client made them"},
	{"properties.integrityKey", LF_TEXT, 0, 0, 512, NULL, "in base64"},
	{"properties.encryptionKey", LF_TEXT, 0, 0, 512, NULL, "in base64"},
	{"properties.encryptionKeyThumbprint", LF_TEXT, 0, 0, 128, NULL, "in hex"},
	{"properties.algorithm", LF_TEXT, 0, 0, 32, NULL, "None, or the cipher"},
};
static const struct lf_document extended_document = {
	.type = LF_VAULT_TYPE "/extendedInformation",
	.fields = extended_fields,
	.n_fields = LF_N(extended_fields),
	.strict = true,
	.created_is_200 = true,
};

static int get_operation_status(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_arm_reply_job_status(call, lf_arm_param(call, "operation"), err);
}

static int get_operation_result(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_arm_reply_job_result(call, lf_arm_param(call, "operation"), NULL, err);
}

static int check_name(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *name = lf_json_text_or(lf_arm_body(call), "name", "");
	LF_AUTO_FREE char *id = lf_printf_dup(
		"/subscriptions/%s/resourceGroups/%s/providers/" LF_VAULT_TYPE "/%s",
		lf_arm_param(call, "subscription"), lf_arm_param(call, "group"), name);
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
	const char *reason = NULL, *message = NULL;

	if (!id)
		return lf_fail_nomem(err);
	int rc = lf_catalog_get(context->catalog, id, &found, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	if (!lf_name_good(LF_NAME_VAULT, name)) {
		reason = "Invalid";
		message = "2 to 50 letters, digits and hyphens, beginning with a letter.";
	} else if (!rc) {
		reason = "AlreadyExists";
		message = "Resource already exists with the same name.";
	}
	LF_AUTO_JSON *body = json_pack("{s:b,s:s?,s:s?}", "nameAvailable", reason == NULL, "reason",
				       reason, "message", message);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

/* A vault is deleted only when it is empty, so nothing of a deleted one is left to bring back. */
static int list_deleted(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();

	return values ? lf_arm_reply_list(call, values, NULL, err) : lf_fail_nomem(err);
}

static int get_deleted(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ENOTFOUND, "ResourceNotFound",
			   lf_arm_param(call, "deletedVault"),
			   "vaults are deleted only when they are empty; create a new one",
			   "there is no deleted vault '%s'", lf_arm_param(call, "deletedVault"));
}

static int put_certificate(struct lf_arm_call *call, struct lf_error *err)
{
	(void)call;
	return lf_fail_arm(err, LF_EUNSUPPORTED, "VaultCertificatesNotSupported", "certificates",
			   "register machines with a registration key of their site; see "
			   "docs/manual/landfall-agent",
			   "vault credential certificates are not used by this service");
}

/* No machine registers with a vault itself, so the one named is not there: as the documents say. */
static int delete_registered(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_arm_reply(call, 204, NULL, err);
}

static const struct lf_field name_fields[] = {
	{"name", LF_TEXT, LF_REQUIRED, 0, 0, NULL, "the name to ask about"},
	{"type", LF_TEXT, 0, 0, 0, NULL, "Microsoft.RecoveryServices/vaults"},
};

#define VAULTS	   "/providers/Microsoft.RecoveryServices/vaults"
#define VAULT	   LF_GROUP_PATH VAULTS "/{name}"
#define EXTENDED   VAULT "/extendedInformation/vaultExtendedInfo"
#define LOCATIONS  "/providers/Microsoft.RecoveryServices/locations/{location}"
#define DELETED	   LF_SUBSCRIPTION_PATH LOCATIONS "/deletedVaults"
#define DELETED_ID DELETED "/{deletedVault}"
#define RS	   "Microsoft.RecoveryServices/"

static const struct lf_arm_route routes[] = {
	LF_DOCUMENT_LIST(&lf_vault_document, LF_SUBSCRIPTION_PATH VAULTS),
	LF_DOCUMENT_LIST(&lf_vault_document, LF_GROUP_PATH VAULTS),
	LF_DOCUMENT_GET(&lf_vault_document, VAULT),
	LF_DOCUMENT_PUT(&lf_vault_document, VAULT),
	LF_DOCUMENT_PATCH(&lf_vault_document, VAULT),
	LF_DELETE(VAULT, delete_vault),
	LF_DOCUMENT_GET(&extended_document, EXTENDED,
			LF_RIGHT(LF_VAULT_TYPE "/extendedInformation/read")),
	LF_DOCUMENT_PUT(&extended_document, EXTENDED,
			LF_RIGHT(LF_VAULT_TYPE "/extendedInformation/write")),
	LF_DOCUMENT_PATCH(&extended_document, EXTENDED,
			  LF_RIGHT(LF_VAULT_TYPE "/extendedInformation/write")),
	LF_GET(VAULT "/operationStatus/{operation}", get_operation_status),
	LF_GET(VAULT "/operationResults/{operation}", get_operation_result),
	LF_DOCUMENT_ITEM(&lf_private_link_vault_document,
			 VAULT "/" LF_PRIVATE_LINK_TYPES "/{child}"),
	LF_GET(VAULT "/privateLinkResources", lf_private_link_resources_list),
	LF_GET(VAULT "/privateLinkResources/{child}", lf_private_link_resources_get),
	LF_GET(VAULT "/usages", lf_vault_usages),
	LF_GET(VAULT "/replicationUsages", lf_vault_replication_usages),
	LF_ROUTE("PUT", VAULT "/certificates/{certificate}", put_certificate),
	LF_DELETE(VAULT "/registeredIdentities/{identity}", delete_registered),
	LF_POST_BODY(LF_GROUP_PATH LOCATIONS "/checkNameAvailability", check_name,
		     LF_FIELDS(name_fields)),
	LF_GET(DELETED, list_deleted),
	LF_GET(DELETED_ID, get_deleted),
	LF_POST(DELETED_ID "/undelete", get_deleted),
};

static const char *const types[] = {"vaults", NULL};

const struct lf_arm_provider lf_vaults_provider = {
	.name = "Microsoft.RecoveryServices",
	.oldest_version = "2015-03-15",
	.newest_version = "2026-11-01",
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
	.admit = lf_vault_admit,
};
