/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account's document.  Its directory is made before the row is written and
 * removed before the row is deleted: a kill in between leaves an account that
 * the same call completes, or a directory that the next account of that name
 * begins with empty.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "blob/blob.h"
#include "providers/common/managed_identity.h"
#include "providers/network/private_link.h"
#include "providers/resources/locations.h"
#include "providers/storage/internal.h"

/* Names are those of the whole site, since they are in the URLs of blobs. */
static int check_name(struct lf_catalog *catalog, const char *id, struct lf_error *err)
{
	const char *name = lf_arm_id_last(id);
	LF_AUTO_FREE char *other = NULL;

	if (!lf_storage_name_valid(name))
		return lf_fail_arm(err, LF_EINVAL, "AccountNameInvalid", name,
				   "3 to 24 lower-case letters and digits, and no word that the "
				   "site's own URLs begin with",
				   "%.64s is not a valid storage account name", name);
	int rc = lf_storage_find(catalog, name, &other, err);
	if (rc || !other || lf_arm_id_equal(other, id))
		return rc;
	return lf_fail_arm(err, LF_ECONFLICT, "StorageAccountAlreadyTaken", name,
			   "choose another name: names are unique over all resource groups",
			   "the storage account named %s is already taken", name);
}

static const char *tier_of(const char *sku)
{
	return lf_text_starts_nocase(sku, "Premium") ? "Premium" : "Standard";
}

/* Geo-redundant SKUs have a second location. */
static bool has_secondary(const char *sku)
{
	return strstr(sku, "GRS") || strstr(sku, "GZRS");
}

static int set_endpoints(struct lf_context *context, json_t *doc, const char *name,
			 struct lf_error *err)
{
	const char *sku = lf_json_text_or(doc, "sku.name", "");
	const char *location = lf_json_text_or(doc, "location", "");
	const char *pair = has_secondary(sku) ? lf_location_pair(location) : NULL;
	LF_AUTO_FREE char *blob = lf_printf_dup("%s/%s/", context->base_url, name);

	if (!blob || lf_json_set_text(doc, "properties.primaryEndpoints.blob", blob) |
			     lf_json_set_text(doc, "properties.primaryLocation", location) |
			     lf_json_set_text(doc, "properties.statusOfPrimary", "available"))
		return lf_fail_nomem(err);
	if (pair && (lf_json_set_text(doc, "properties.secondaryLocation", pair) |
		     lf_json_set_text(doc, "properties.statusOfSecondary", "available")))
		return lf_fail_nomem(err);
	return 0;
}

static int complete(struct lf_context *context, json_t *doc, const char *name, json_t *state,
		    struct lf_error *err)
{
	int rc = set_endpoints(context, doc, name, err);

	if (!rc)
		rc = lf_managed_identity_check(context, doc, state, err);
	for (size_t i = 0; !rc && i < LF_STORAGE_KEYS; i++)
		if (!json_array_get(lf_json_at(state, "keys"), i))
			rc = lf_storage_key_new(context, state, i, err);
	if (rc)
		return rc;
	const char *created = lf_json_text(state, "created");
	if (!created) {
		if (lf_json_set_time(state, "created", lf_clock_now_ns(context->clock)))
			return lf_fail_nomem(err);
		created = lf_json_text(state, "created");
	}
	return lf_json_set_text(doc, "sku.tier", tier_of(lf_json_text_or(doc, "sku.name", ""))) |
			       lf_json_set_text(doc, "properties.creationTime", created)
		       ? lf_fail_nomem(err)
		       : 0;
}

static int check_account(struct lf_arm_call *call, const char *id, json_t *doc,
			 const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *name = lf_arm_id_last(before ? before->id : id);

	int rc = before ? 0 : check_name(context->catalog, id, err);
	if (!rc && lf_json_bool_or(doc, "properties.isHnsEnabled", false))
		rc = lf_fail_arm(err, LF_EUNSUPPORTED, "HnsNotSupported", "properties.isHnsEnabled",
				 "leave isHnsEnabled out",
				 "hierarchical namespaces are not served here");
	if (!rc)
		rc = lf_storage_security_check(doc, err);
	if (!rc)
		rc = complete(context, doc, name, state, err);
	return rc ? rc : lf_blob_account_make(context->data_dir, name, err);
}

static int view_account(struct lf_arm_call *call, const struct lf_resource *account, json_t *doc,
			struct lf_error *err)
{
	LF_AUTO_FREE char *blob =
		lf_printf_dup("%s/%s/", lf_arm_base_url(call), lf_arm_id_last(account->id));
	json_t *links = NULL;
	int rc = lf_private_link_list(call, &lf_private_link_account_document, account->id, &links,
				      err);

	if (rc)
		return rc;
	if (lf_json_set(doc, "properties.privateEndpointConnections", links))
		return lf_fail_nomem(err);
	/* under the name that this client calls us by */
	if (!blob || lf_json_set_text(doc, "properties.primaryEndpoints.blob", blob) |
			     lf_json_set_text(doc, "properties.keyCreationTime.key1",
					      lf_json_text(account->state, "keyTimes.0")) |
			     lf_json_set_text(doc, "properties.keyCreationTime.key2",
					      lf_json_text(account->state, "keyTimes.1")))
		return lf_fail_nomem(err);
	return 0;
}

/* Replication that writes its cache here would lose what is in it. */
static int check_unused(struct lf_context *context, const struct lf_resource *account,
			struct lf_error *err)
{
	LF_AUTO_FREE char *item = NULL;
	int rc = context->replication
			 ? lf_replication_account_item(context->replication,
						       lf_arm_id_last(account->id), &item, err)
			 : 0;

	return rc || !item ? rc
			   : lf_fail_arm(err, LF_ECONFLICT, "StorageAccountInUse", account->id,
					 "disable that replication first",
					 "the storage account is the cache of replicated item %s",
					 item);
}

static int remove_blobs(struct lf_context *context, const struct lf_resource *account,
			struct lf_error *err)
{
	return lf_blob_account_remove(context->data_dir, context->regions,
				      lf_arm_id_last(account->id), err);
}

static const char *const skus[] = {"Standard_LRS",  "Standard_GRS",    "Standard_RAGRS",
				   "Standard_ZRS",  "Premium_LRS",     "Premium_ZRS",
				   "Standard_GZRS", "Standard_RAGZRS", NULL};
static const char *const kinds[] = {"Storage",	   "StorageV2",	       "BlobStorage",
				    "FileStorage", "BlockBlobStorage", NULL};
static const char *const tiers[] = {"Hot", "Cool", "Premium", "Cold", NULL};
static const char *const switches[] = {"Enabled", "Disabled", "SecuredByPerimeter", NULL};
static const char *const actions[] = {"Allow", "Deny", NULL};
static const char *const tls_versions[] = {"TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3", NULL};

static const char *const key_sources[] = {"Microsoft.Storage", "Microsoft.Keyvault", NULL};
static const char *const account_keys[] = {"Account", NULL};
static const char *const key_types[] = {"Account", "Service", NULL};
static const char *const dns_types[] = {"Standard", "AzureDnsZone", NULL};
static const char *const share_states[] = {"Disabled", NULL};
static const char *const no_directories[] = {"None", NULL};
static const char *const routings[] = {"MicrosoftRouting", NULL};

#define OURS(path, type)                                                                           \
	{                                                                                          \
		"properties." path, type, LF_READ_ONLY, 0, 0, NULL, "set by the service"           \
	}

static const struct lf_field account_fields[] = {
	{"sku", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "{\"name\": \"Standard_LRS\"}"},
	{"sku.name", LF_ENUM, LF_REQUIRED, 0, 0, skus, "redundancy"},
	{"sku.tier", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "follows from the name"},
	{"kind", LF_ENUM, LF_REQUIRED, 0, 0, kinds, "StorageV2"},
	{"identity", LF_OBJECT, 0, 0, 0, NULL, "{\"type\": \"SystemAssigned\"}"},
	{"properties", LF_OBJECT, 0, 0, 0, NULL, "settings"},
	{"properties.accessTier", LF_ENUM, 0, 0, 0, tiers, "Hot unless said otherwise", "\"Hot\""},
	{"properties.publicNetworkAccess", LF_ENUM, 0, 0, 0, switches, "Enabled or Disabled",
	 "\"Enabled\""},
	{"properties.minimumTlsVersion", LF_ENUM, 0, 0, 0, tls_versions, "TLS1_2", "\"TLS1_2\""},
	{"properties.networkAcls.defaultAction", LF_ENUM, 0, 0, 0, actions, "Allow or Deny",
	 "\"Allow\""},
	{"properties.networkAcls.ipRules", LF_ARRAY, 0, 0, 400, NULL, "addresses let in", "[]"},
	{"properties.networkAcls.bypass", LF_TEXT, 0, 0, 64, NULL, "AzureServices or None",
	 "\"AzureServices\""},
	{"properties.networkAcls.virtualNetworkRules", LF_ARRAY, 0, 0, 400, NULL, "subnets let in",
	 "[]"},
	{"properties.networkAcls.resourceAccessRules", LF_ARRAY, 0, 0, 0, NULL, "resources let in",
	 "[]"},
	{"properties.supportsHttpsTrafficOnly", LF_BOOL, 0, 0, 0, NULL, "true", "true"},
	{"properties.allowSharedKeyAccess", LF_BOOL, 0, 0, 0, NULL, "may keys be used", "true"},
	{"properties.allowBlobPublicAccess", LF_BOOL, 0, 0, 0, NULL, "may containers be public",
	 "false"},
	{"properties.allowCrossTenantReplication", LF_BOOL, 0, 0, 0, NULL, "kept", "false"},
	{"properties.encryption.keySource", LF_ENUM, 0, 0, 0, key_sources, "Microsoft.Storage",
	 "\"Microsoft.Storage\""},
	{"properties.encryption.services.blob.keyType", LF_ENUM, 0, 0, 0, account_keys, "Account",
	 "\"Account\""},
	{"properties.encryption.services.blob.enabled", LF_BOOL, 0, 0, 0, NULL, "true", "true"},
	{"properties.encryption.services.blob.lastEnabledTime", LF_TEXT, LF_READ_ONLY, 0, 0, NULL,
	 "set by the service"},
	/* of services that there are not: what a client says of them is kept, and means nothing */
	{"properties.encryption.services.file.keyType", LF_ENUM, 0, 0, 0, key_types, "Account"},
	{"properties.encryption.services.file.enabled", LF_BOOL, 0, 0, 0, NULL, "true"},
	{"properties.encryption.services.queue.keyType", LF_ENUM, 0, 0, 0, key_types, "Service"},
	{"properties.encryption.services.queue.enabled", LF_BOOL, 0, 0, 0, NULL, "true"},
	{"properties.encryption.services.table.keyType", LF_ENUM, 0, 0, 0, key_types, "Service"},
	{"properties.encryption.services.table.enabled", LF_BOOL, 0, 0, 0, NULL, "true"},
	{"properties.defaultToOAuthAuthentication", LF_BOOL, 0, 0, 0, NULL, "a hint for consoles"},
	/* true is how Azure and azurerm begin an account; users can be made only where SFTP is */
	{"properties.isLocalUserEnabled", LF_BOOL, 0, 0, 0, NULL, "may local users be made"},
	{"properties.dnsEndpointType", LF_ENUM, 0, 0, 0, dns_types, "Standard"},
	{"properties.largeFileSharesState", LF_ENUM, 0, 0, 0, share_states, "Disabled"},
	{"properties.azureFilesIdentityBasedAuthentication.directoryServiceOptions", LF_ENUM, 0, 0,
	 0, no_directories, "None"},
	{"properties.routingPreference.routingChoice", LF_ENUM, 0, 0, 0, routings,
	 "MicrosoftRouting"},
	OURS("provisioningState", LF_TEXT),
	OURS("primaryEndpoints", LF_OBJECT),
	OURS("secondaryEndpoints", LF_OBJECT),
	OURS("primaryLocation", LF_TEXT),
	OURS("secondaryLocation", LF_TEXT),
	OURS("statusOfPrimary", LF_TEXT),
	OURS("statusOfSecondary", LF_TEXT),
	OURS("creationTime", LF_TEXT),
	OURS("keyCreationTime", LF_OBJECT),
	OURS("privateEndpointConnections", LF_ARRAY),
};

/* What a PUT over an existing account leaves as it is when it does not speak of it. */
static const char *const kept[] = {"properties", NULL};

const struct lf_document lf_storage_document = {
	.type = LF_STORAGE_TYPE,
	.fields = account_fields,
	.n_fields = LF_N(account_fields),
	.check = check_account,
	.removing = check_unused,
	.undo = remove_blobs,
	.view = view_account,
	.needs_location = true,
	.strict = true,
	.kept = kept,
	.no_etag = true,
	.provisioned = true,
	.created_is_200 = true,
};
