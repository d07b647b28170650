/* SPDX-License-Identifier: Apache-2.0 */
/* Role definitions, which are the built-in ones, and what the caller's roles give at a scope. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/authorization/internal.h"
#include "providers/common/page.h"

/* As Azure shows it: with the subscription that was asked, if one was. */
static json_t *view(struct lf_arm_call *call, const struct lf_role *role)
{
	struct lf_doc doc = LF_DOC_INIT;
	char subscription[64];

	if (lf_arm_id_segment(lf_arm_id(call, 0), "subscriptions", subscription,
			      sizeof(subscription)))
		lf_doc_printf(&doc, "id",
			      "/subscriptions/%s" LF_AUTHORIZATION "/roleDefinitions/%s",
			      subscription, role->id);
	else
		lf_doc_printf(&doc, "id", LF_AUTHORIZATION "/roleDefinitions/%s", role->id);
	lf_doc_text(&doc, "name", role->id);
	lf_doc_text(&doc, "type", "Microsoft.Authorization/roleDefinitions");
	lf_doc_text(&doc, "properties.roleName", role->name);
	lf_doc_text(&doc, "properties.type", "BuiltInRole");
	lf_doc_text(&doc, "properties.description", role->description);
	lf_doc_append(&doc, "properties.assignableScopes", json_string("/"));
	lf_doc_append(&doc, "properties.permissions", lf_role_permissions(role));
	return lf_doc_take(&doc);
}

int lf_definition_get(struct lf_arm_call *call, struct lf_error *err)
{
	const char *name = lf_arm_param(call, "definition");
	const struct lf_role *role = lf_role_find(name);

	if (!role)
		return lf_fail_arm(err, LF_ENOTFOUND, "RoleDefinitionDoesNotExist", name,
				   "landfall role definition list",
				   "the specified role definition with ID '%s' does not exist",
				   name);
	LF_AUTO_JSON *body = view(call, role);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

int lf_definition_list(struct lf_arm_call *call, struct lf_error *err)
{
	/* all of them can be given anywhere: each is of every scope */
	static const char *const known[] = {"atScope()", "roleName", "type", NULL};
	LF_AUTO_JSON *values = json_array();
	struct lf_rights_filter filter;
	size_t n;
	const struct lf_role *roles = lf_roles(&n);

	int rc = values ? lf_rights_filter_parse(lf_arm_query(call, "filter"), known, &filter, err)
			: lf_fail_nomem(err);
	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++)
		if ((!filter.role_name[0] ||
		     lf_text_equal_nocase(filter.role_name, roles[i].name)) &&
		    (!filter.type[0] || lf_text_equal_nocase(filter.type, "BuiltInRole")) &&
		    json_array_append_new(values, view(call, &roles[i])))
			return lf_fail_nomem(err);
	return lf_arm_reply_list(call, values, NULL, err);
}

int lf_permissions_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *scope = NULL;
	LF_AUTO_JSON *values = NULL;
	int rc = lf_rights_open_scope(call, &scope, err);

	if (!rc)
		rc = lf_rights_permissions(lf_arm_context(call)->rights, lf_arm_principal(call),
					   scope, &values, err);
	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}
