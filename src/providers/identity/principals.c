/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site's directory: who there is to give roles to.  Service principals are made and removed
 * here; the principals of managed identities are those of the resources that have them.  A
 * principal goes with its roles in one transaction, so that a token that is still good gives no
 * right.
 */
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "crypto/token.h"
#include "json/doc.h"
#include "json/field.h"
#include "providers/authorization/authorization.h"
#include "providers/common/document.h"
#include "providers/common/page.h"
#include "providers/identity/identity.h"

#define PRINCIPALS "/landfall/servicePrincipals"

static json_t *view(const struct lf_resource *row, const char *secret)
{
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "appId", lf_json_text_or(row->doc, "appId", ""));
	lf_doc_text(&doc, "objectId", lf_json_text_or(row->doc, "objectId", ""));
	lf_doc_text(&doc, "displayName", lf_json_text_or(row->doc, "displayName", ""));
	lf_doc_time(&doc, "createdOn", row->created_ns);
	lf_doc_text_if(&doc, "secret", secret);
	return lf_doc_take(&doc);
}

static int list_principals(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_PRINCIPAL_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();

	int rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		if (json_array_append_new(values, view(&list.items[i], NULL)))
			rc = lf_fail_nomem(err);
	return rc ? rc : lf_page_reply(call, values, err);
}

/* The secret is told once, in this answer. */
static int make_principal(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_field fields[] = {
		{.path = "displayName", .type = LF_TEXT, .flags = LF_REQUIRED, .max = 120}};
	struct lf_catalog *catalog = lf_arm_context(call)->catalog;
	const json_t *body = lf_arm_body(call);
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	char app[LF_GUID_SIZE], object[LF_GUID_SIZE];

	int rc = lf_document_check_request(lf_arm_body(call), fields, LF_N(fields), NULL, err);
	if (!rc)
		rc = lf_name_check(LF_NAME_TEXT, lf_json_text(body, "displayName"), "displayName",
				   err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *secret = lf_secret_text_new();
	if (!secret)
		return lf_fail_nomem(err);
	lf_guid_random(app);
	lf_guid_random(object);
	LF_AUTO_FREE char *id = lf_printf_dup(LF_PRINCIPAL_ID_PREFIX "%s", app);
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_principal_put(catalog, app, object, lf_json_text(body, "displayName"), secret, err);
	if (!rc)
		rc = lf_catalog_get(catalog, id, &row, err);
	LF_AUTO_JSON *answer = rc ? NULL : view(&row, secret);
	explicit_bzero(secret, strlen(secret));
	lf_http_set_header(lf_arm_http(call), "Cache-Control", "no-store");
	return rc ? rc : answer ? lf_arm_reply(call, 201, answer, err) : lf_fail_nomem(err);
}

static int remove_roles(struct lf_catalog *catalog, const char *object_id, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_ASSIGNMENT_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		if (lf_text_equal_nocase(
			    lf_json_text_or(list.items[i].doc, "properties.principalId", ""),
			    object_id))
			rc = lf_catalog_delete(catalog, list.items[i].id, err);
	return rc;
}

static int remove_principal(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FREE char *id =
		lf_printf_dup(LF_PRINCIPAL_ID_PREFIX "%s", lf_arm_param(call, "principal"));
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	bool there = false;

	int rc = id ? lf_transaction_begin(&tx, context->catalog, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_catalog_find(context->catalog, id, &row, &there, err);
	if (!rc && !there)
		return lf_arm_reply(call, 204, NULL, err);
	const char *object = rc ? "" : lf_json_text_or(row.doc, "objectId", "");
	if (!rc && lf_text_equal_nocase(object, context->owner_id))
		return lf_fail_arm(err, LF_ECONFLICT, "FirstPrincipalStays", "principal",
				   "a lost secret is made anew by a start without DIR/client.env",
				   "the site's first principal cannot be removed");
	if (!rc)
		rc = remove_roles(context->catalog, object, err);
	if (!rc)
		rc = lf_catalog_delete(context->catalog, row.id, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	return rc ? rc : lf_arm_reply(call, 200, NULL, err);
}

/* Has a resource of the type this principal, at path of its document? */
static int look_for(struct lf_catalog *catalog, const char *type, const char *path,
		    const char *object_id, bool *ret_known, struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	for (size_t i = 0; !rc && !*ret_known && i < list.n; i++)
		*ret_known = lf_text_equal_nocase(lf_json_text_or(list.items[i].doc, path, ""),
						  object_id);
	return rc;
}

int lf_principal_known(struct lf_catalog *catalog, const char *object_id, bool *ret_known,
		       struct lf_error *err)
{
	static const char *const places[][2] = {
		{LF_PRINCIPAL_TYPE, "objectId"},
		{"Microsoft.RecoveryServices/vaults", "identity.principalId"},
		{"Microsoft.Storage/storageAccounts", "identity.principalId"},
		{"Microsoft.ManagedIdentity/userAssignedIdentities", "properties.principalId"}};
	int rc = 0;

	*ret_known = false;
	for (size_t i = 0; !rc && !*ret_known && object_id[0] && i < LF_N(places); i++)
		rc = look_for(catalog, places[i][0], places[i][1], object_id, ret_known, err);
	return rc;
}

static const struct lf_arm_route routes[] = {
	LF_GET(PRINCIPALS, list_principals,
	       LF_RIGHT("Microsoft.Authorization/servicePrincipals/read"),
	       .flags = LF_ARM_NO_VERSION),
	LF_ROUTE("POST", PRINCIPALS, make_principal,
		 LF_RIGHT("Microsoft.Authorization/servicePrincipals/write"),
		 .flags = LF_ARM_NO_VERSION | LF_ARM_BODY),
	LF_DELETE(PRINCIPALS "/{principal}", remove_principal,
		  LF_RIGHT("Microsoft.Authorization/servicePrincipals/delete"),
		  .flags = LF_ARM_NO_VERSION),
};

const struct lf_arm_provider lf_principals_provider = {
	.routes = routes,
	.n_routes = LF_N(routes),
};
