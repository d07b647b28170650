/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of private endpoints.  The row below the target is the one place
 * that says whether a connection is let through.
 */
#include "providers/network/private_link.h"

#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/common/types.h"
#include "providers/common/scope.h"

#define STATE "properties.privateLinkServiceConnectionState"

static bool is_approved(const json_t *link)
{
	return strcmp(lf_json_text_or(link, STATE ".status", ""), "Approved") == 0;
}

/* Has the target room for one more that is approved, or that is not? */
static int check_room(struct lf_catalog *catalog, const char *target_id, const char *type,
		      bool approved, struct lf_error *err)
{
	const struct lf_list_query query = {.type = type, .below = target_id};
	bool vault = lf_text_starts_nocase(type, LF_VAULT_TYPE);
	size_t n = 0, max = !approved ? LF_PRIVATE_LINKS_ASKING_MAX
			    : vault   ? LF_PRIVATE_LINKS_OF_VAULT_MAX
				      : LF_PRIVATE_LINKS_OF_ACCOUNT_MAX;
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	for (size_t i = 0; i < list.n; i++)
		n += is_approved(list.items[i].doc) == approved;
	return rc || n < max
		       ? rc
		       : lf_fail_arm(err, LF_ECONFLICT, "PrivateEndpointLimitReached", target_id,
				     "its owner removes a connection that is not needed",
				     "%s has at most %zu private endpoints that %s",
				     vault ? "a vault" : "a storage account", max,
				     approved ? "are approved"
					      : "wait for approval or were rejected");
}

int lf_private_link_open(struct lf_catalog *catalog, const struct lf_private_link_request *request,
			 char **ret_id, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	LF_AUTO_FREE char *type = lf_printf_dup("%s/" LF_PRIVATE_LINK_TYPES, request->target->type);
	LF_AUTO_FREE char *id =
		lf_printf_dup("%s/" LF_PRIVATE_LINK_TYPES "/%s.%s", request->target->id,
			      lf_arm_id_last(request->endpoint_id), guid);
	LF_AUTO_DOC build = LF_DOC_INIT;
	LF_AUTO_JSON *state = json_pack("{s:O}", "addresses", request->addresses);

	lf_doc_text(&build, "properties.privateEndpoint.id", request->endpoint_id);
	lf_doc_append(&build, "properties.groupIds", json_string(request->group));
	lf_doc_text(&build, STATE ".status", request->approved ? "Approved" : "Pending");
	lf_doc_text(&build, STATE ".description",
		    request->approved  ? "Auto-Approved"
		    : request->message ? request->message
				       : "");
	lf_doc_text(&build, "properties.provisioningState", "Succeeded");
	LF_AUTO_JSON *doc = lf_doc_take(&build);
	if (!type || !id || !state || !doc)
		return lf_fail_nomem(err);
	int rc = check_room(catalog, request->target->id, type, request->approved, err);
	if (!rc)
		rc = lf_catalog_put(catalog, id, type, LF_PUT_NEW, NULL, doc, state, err);
	if (!rc)
		*ret_id = lf_steal(&id);
	return rc;
}

int lf_private_link_state(struct lf_catalog *catalog, const char *connection_id, json_t **ret_state,
			  struct lf_error *err)
{
	LF_AUTO_RESOURCE link = LF_RESOURCE_INIT;
	LF_AUTO_DOC state = LF_DOC_INIT;
	bool there = false;
	int rc = lf_catalog_find(catalog, connection_id, &link, &there, err);

	if (rc)
		return rc;
	lf_doc_text(&state, "status",
		    there ? lf_json_text_or(link.doc, STATE ".status", "Pending") : "Disconnected");
	lf_doc_text(&state, "description", lf_json_text_or(link.doc, STATE ".description", ""));
	/* an account's owner has another name for it than a vault's */
	const char *action = lf_json_text(link.doc, STATE ".actionsRequired");
	if (!action)
		action = lf_json_text_or(link.doc, STATE ".actionRequired", "None");
	lf_doc_text(&state, "actionsRequired",
		    there ? action : "delete the private endpoint and make it again");
	return lf_doc_end(&state, ret_state, err);
}

int lf_private_link_list(struct lf_arm_call *call, const struct lf_document *document,
			 const char *target_id, json_t **ret_array, struct lf_error *err)
{
	const struct lf_list_query query = {.type = document->type, .below = target_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();
	int rc = values ? lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err)
			: lf_fail_nomem(err);

	for (size_t i = 0; !rc && i < list.n; i++)
		rc = lf_document_list_add(call, document, NULL, &list.items[i], values, err);
	if (!rc)
		*ret_array = lf_steal(&values);
	return rc;
}

static bool has_text(const json_t *array, const char *text)
{
	const json_t *value;
	size_t i;

	json_array_foreach (array, i, value)
		if (lf_text_equal_nocase(json_string_value(value), text))
			return true;
	return false;
}

static int leads_to(struct lf_catalog *catalog, const char *target_id, const char *group,
		    const char *address, bool *ret_leads, struct lf_error *err)
{
	LF_AUTO_FREE char *below = lf_printf_dup("%s/" LF_PRIVATE_LINK_TYPES, target_id);
	const struct lf_list_query query = {.below = below};
	LF_AUTO_RESOURCE_LIST list = {0};

	*ret_leads = false;
	if (!below)
		return lf_fail_nomem(err);
	int rc = lf_catalog_list(catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n && !*ret_leads; i++) {
		const struct lf_resource *link = &list.items[i];
		*ret_leads =
			is_approved(link->doc) &&
			has_text(lf_json_at(link->state, "addresses"), address) &&
			(!group || has_text(lf_json_at(link->doc, "properties.groupIds"), group));
	}
	return rc;
}

int lf_private_link_admit(struct lf_catalog *catalog, const char *target_id, const char *group,
			  bool open, const struct lf_http_exchange *x, bool *ret_may,
			  struct lf_error *err)
{
	const char *door = lf_http_private_address(x);

	if (door)
		return leads_to(catalog, target_id, group, door, ret_may, err);
	*ret_may = open;
	return 0;
}

/* The owner's decision; who is connected, and to what, stays as it was made. */
static int check_link(struct lf_arm_call *call, const char *id, json_t *doc,
		      const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	static const char *const ours[] = {"privateEndpoint", "groupIds"};

	(void)state;
	if (!before)
		return lf_fail_arm(err, LF_ENOTFOUND, "ResourceNotFound", id,
				   "make a private endpoint that leads here first",
				   "there is no private endpoint connection '%s'",
				   lf_arm_id_last(id));
	for (size_t i = 0; i < LF_N(ours); i++) {
		json_t *was = json_object_get(lf_json_at(before->doc, "properties"), ours[i]);
		if (was && json_object_set(lf_json_at(doc, "properties"), ours[i], was))
			return lf_fail_nomem(err);
	}
	if (!is_approved(doc) || is_approved(before->doc)) /* a rejection always finds room */
		return 0;
	LF_AUTO_FREE char *target = lf_id_above(
		before->id, lf_text_starts_nocase(before->type, LF_VAULT_TYPE) ? LF_VAULT_TYPE
									       : LF_STORAGE_TYPE);
	return target ? check_room(lf_arm_context(call)->catalog, target, before->type, true, err)
		      : lf_fail_nomem(err);
}

/* A storage account's description has another name for it, and no groups. */
static int view_account_link(struct lf_arm_call *call, const struct lf_resource *link, json_t *doc,
			     struct lf_error *err)
{
	(void)call, (void)link, (void)err;
	json_object_del(lf_json_at(doc, "properties"), "groupIds");
	return 0;
}

static const char *const statuses[] = {"Approved", "Rejected", "Pending", NULL};

#define LINK_ROWS                                                                                  \
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "the owner's decision"},                \
		{STATE, LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "{\"status\": \"Approved\"}"},         \
		{STATE ".status", LF_ENUM, LF_REQUIRED, 0, 0, statuses, "Approved or Rejected"},   \
		{STATE ".description", LF_TEXT, 0, 0, 1024, NULL, "why"},                          \
		{"properties.privateEndpoint",                                                     \
		 LF_OBJECT,                                                                        \
		 LF_READ_ONLY,                                                                     \
		 0,                                                                                \
		 0,                                                                                \
		 NULL,                                                                             \
		 "who is connected"},                                                              \
	{                                                                                          \
		"properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded"     \
	}

static const struct lf_field vault_fields[] = {
	LINK_ROWS,
	{STATE ".actionsRequired", LF_TEXT, 0, 0, 1024, NULL, "what the other side has to do"},
	{"properties.groupIds", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL, "AzureSiteRecovery"},
};
static const struct lf_field account_fields[] = {
	LINK_ROWS,
	{STATE ".actionRequired", LF_TEXT, 0, 0, 1024, NULL, "what the other side has to do"},
};

const struct lf_document lf_private_link_vault_document = {
	.type = LF_VAULT_TYPE "/" LF_PRIVATE_LINK_TYPES,
	.scope = LF_VAULT_TYPE,
	.fields = vault_fields,
	.n_fields = LF_N(vault_fields),
	.strict = true,
	.check = check_link,
	.async = true,
	.provisioned = true,
	.deleted_status = 202,
};

const struct lf_document lf_private_link_account_document = {
	.type = LF_STORAGE_TYPE "/" LF_PRIVATE_LINK_TYPES,
	.scope = LF_STORAGE_TYPE,
	.fields = account_fields,
	.n_fields = LF_N(account_fields),
	.strict = true,
	.check = check_link,
	.view = view_account_link,
	.no_etag = true,
	.provisioned = true,
};
