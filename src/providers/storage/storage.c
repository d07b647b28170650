/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider: its routes, names that are asked about, and how many accounts there are.  Nothing
 * is kept here.
 */
#include "providers/storage/storage.h"

#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/network/endpoint_names.h"
#include "providers/network/private_link.h"
#include "providers/resources/locations.h"
#include "providers/storage/internal.h"

#define ACCOUNTS_LIMIT 250 /* of a subscription in a region: Azure's own default */

static int check_name(struct lf_arm_call *call, struct lf_error *err)
{
	const char *name = lf_json_text_or(lf_arm_body(call), "name", "");
	LF_AUTO_FREE char *other = NULL;
	LF_AUTO_FREE char *message = NULL;
	const char *reason = NULL;

	int rc = lf_storage_find(lf_arm_context(call)->catalog, name, &other, err);
	if (rc)
		return rc;
	if (!lf_storage_name_valid(name)) {
		reason = "AccountNameInvalid";
		message = lf_printf_dup("%.64s is not a valid storage account name. Storage "
					"account name must be between 3 and 24 characters in "
					"length and use numbers and lower-case letters only.",
					name);
	} else if (other) {
		reason = "AlreadyExists";
		message = lf_printf_dup("The storage account named %s is already taken.", name);
	}
	LF_AUTO_JSON *body = json_pack("{s:b,s:s?,s:s?}", "nameAvailable", reason == NULL, "reason",
				       reason, "message", message);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

static int list_usages(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *below =
		lf_printf_dup("/subscriptions/%s", lf_arm_param(call, "subscription"));
	const struct lf_list_query query = {.type = LF_STORAGE_TYPE, .below = below};
	LF_AUTO_RESOURCE_LIST list = {0};
	size_t n = 0;

	if (!below)
		return lf_fail_nomem(err);
	int rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < list.n; i++)
		n += lf_location_equal(lf_json_text(list.items[i].doc, "location"),
				       lf_arm_param(call, "location"));
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "unit", "Count");
	lf_doc_int(&doc, "currentValue", n);
	lf_doc_int(&doc, "limit", ACCOUNTS_LIMIT);
	lf_doc_text(&doc, "name.value", "StorageAccounts");
	lf_doc_text(&doc, "name.localizedValue", "Storage Accounts");
	LF_AUTO_JSON *values = json_pack("[o]", lf_doc_take(&doc));
	return values ? lf_arm_reply_list(call, values, NULL, err) : lf_fail_nomem(err);
}

static const struct lf_field name_fields[] = {
	{"name", LF_TEXT, LF_REQUIRED, 0, 0, NULL, "the name to ask about"},
	{"type", LF_TEXT, 0, 0, 0, NULL, LF_STORAGE_TYPE},
};
static const struct lf_field regenerate_fields[] = {
	{"keyName", LF_TEXT, LF_REQUIRED, 0, 0, NULL, "key1 or key2"},
};

#define ACCOUNTS  "/providers/Microsoft.Storage/storageAccounts"
#define ACCOUNT	  LF_GROUP_PATH ACCOUNTS "/{name}"
#define NAMESPACE LF_SUBSCRIPTION_PATH "/providers/Microsoft.Storage"

#define CONTAINERS ACCOUNT "/blobServices/default/containers"
#define CONTAINER  CONTAINERS "/{container}"

static const char *const accesses[] = {"None", "Blob", "Container", NULL};
static const char *const scopes[] = {"$account-encryption-key", NULL};

#define OURS(path)                                                                                 \
	{                                                                                          \
		"properties." path, LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "set by the service"        \
	}

static const struct lf_field container_fields[] = {
	{"properties", LF_OBJECT, 0, 0, 0, NULL, "settings"},
	{"properties.publicAccess", LF_ENUM, 0, 0, 0, accesses, "None"},
	{"properties.metadata", LF_OBJECT, 0, 0, 0, NULL, "names and texts"},
	{"properties.defaultEncryptionScope", LF_ENUM, 0, 0, 0, scopes, "there are no others"},
	OURS("leaseState"),
	OURS("leaseStatus"),
	OURS("lastModifiedTime"),
};

static const struct lf_arm_route routes[] = {
	LF_DOCUMENT_ROUTES(&lf_storage_document, ACCOUNTS),
	LF_POST(ACCOUNT "/listKeys", lf_storage_list_keys,
		LF_RIGHT(LF_STORAGE_TYPE "/listkeys/action")),
	LF_POST_BODY(ACCOUNT "/regenerateKey", lf_storage_regenerate_key,
		     LF_RIGHT(LF_STORAGE_TYPE "/regeneratekey/action"),
		     LF_FIELDS(regenerate_fields)),
	LF_POST_BODY(NAMESPACE "/checkNameAvailability", check_name,
		     LF_RIGHT("Microsoft.Storage/checknameavailability/read"),
		     LF_FIELDS(name_fields)),
	LF_GET(NAMESPACE "/locations/{location}/usages", list_usages),
	LF_DOCUMENT_CHILD_ROUTES(&lf_private_link_account_document,
				 ACCOUNT "/" LF_PRIVATE_LINK_TYPES),
	LF_GET(ACCOUNT "/privateLinkResources", lf_private_link_resources_list),
	LF_GET(ACCOUNT "/blobServices", lf_storage_service_list),
	LF_GET(ACCOUNT "/blobServices/default", lf_storage_service_get),
	LF_PUT(ACCOUNT "/blobServices/default", lf_storage_service_put),
	LF_GET(ACCOUNT "/fileServices", lf_storage_service_list),
	LF_GET(ACCOUNT "/fileServices/default", lf_storage_service_get),
	LF_PUT(ACCOUNT "/fileServices/default", lf_storage_service_put),
	LF_GET(CONTAINERS, lf_storage_container_list),
	LF_GET(CONTAINER, lf_storage_container_get),
	LF_PUT(CONTAINER, lf_storage_container_put, LF_FIELDS(container_fields)),
	LF_PATCH(CONTAINER, lf_storage_container_patch, LF_FIELDS(container_fields)),
	LF_DELETE(CONTAINER, lf_storage_container_delete),
};

static const char *const types[] = {"storageAccounts", NULL};

const struct lf_arm_provider lf_storage_provider = {
	.name = "Microsoft.Storage",
	.oldest_version = "2015-05-01-preview",
	.newest_version = "2026-09-01",
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
};
