/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Role assignments.  A PUT is one transaction: scope, role and principal are looked for, what is
 * there under the name or says the same is compared, and the row is written.  An assignment does
 * not change but for its description.  A PUT or DELETE that was answered is obeyed by the next
 * request.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "json/doc.h"
#include "json/field.h"
#include "providers/authorization/internal.h"
#include "providers/common/document.h"
#include "providers/common/page.h"
#include "providers/identity/identity.h"

#define ASSIGNMENTS_MAX 4000 /* of the site; Azure has as many in a subscription */

struct input {
	const char *role_id, *principal_id, *principal_type, *description, *condition,
		*condition_version, *delegated;
};

static const char *const principal_types[] = {"User",	      "Group",	"ServicePrincipal",
					      "ForeignGroup", "Device", NULL};
static const struct lf_field fields[] = {
	LF_TEXT_AT(struct input, role_id, "properties.roleDefinitionId", LF_REQUIRED),
	LF_TEXT_AT(struct input, principal_id, "properties.principalId", LF_REQUIRED),
	{.path = "properties.principalType", .type = LF_ENUM, .values = principal_types, .at = {0}},
	LF_TEXT_AT(struct input, description, "properties.description", 0),
	LF_TEXT_AT(struct input, condition, "properties.condition", 0),
	LF_TEXT_AT(struct input, condition_version, "properties.conditionVersion", 0),
	LF_TEXT_AT(struct input, delegated, "properties.delegatedManagedIdentityResourceId", 0),
	{.path = "properties.scope", .type = LF_TEXT, .flags = LF_READ_ONLY},
	{.path = "properties.createdOn", .type = LF_TEXT, .flags = LF_READ_ONLY},
	{.path = "properties.updatedOn", .type = LF_TEXT, .flags = LF_READ_ONLY},
	{.path = "properties.createdBy", .type = LF_TEXT, .flags = LF_READ_ONLY},
	{.path = "properties.updatedBy", .type = LF_TEXT, .flags = LF_READ_ONLY},
};

static json_t *view(const struct lf_resource *row)
{
	const struct lf_role *role =
		lf_role_find(lf_json_text_or(row->doc, "properties.roleDefinitionId", ""));
	LF_AUTO_FREE char *scope = lf_rights_scope_of(row->id);
	struct lf_doc doc = LF_DOC_INIT;
	char subscription[64] = "";

	(void)lf_arm_id_segment(row->id, "subscriptions", subscription, sizeof(subscription));
	lf_doc_text(&doc, "id", row->id);
	lf_doc_text(&doc, "name", lf_arm_id_last(row->id));
	lf_doc_text(&doc, "type", LF_ASSIGNMENT_TYPE);
	lf_doc_printf(&doc, "properties.roleDefinitionId",
		      "%s%s" LF_AUTHORIZATION "/roleDefinitions/%s",
		      subscription[0] ? "/subscriptions/" : "", subscription, role ? role->id : "");
	lf_doc_text(&doc, "properties.principalId",
		    lf_json_text_or(row->doc, "properties.principalId", ""));
	lf_doc_text(&doc, "properties.principalType",
		    lf_json_text_or(row->doc, "properties.principalType", "ServicePrincipal"));
	lf_doc_text(&doc, "properties.scope", scope && scope[0] ? scope : "/");
	lf_doc_text(&doc, "properties.description",
		    lf_json_text(row->doc, "properties.description"));
	lf_doc_null(&doc, "properties.condition");
	lf_doc_null(&doc, "properties.conditionVersion");
	lf_doc_null(&doc, "properties.delegatedManagedIdentityResourceId");
	lf_doc_time(&doc, "properties.createdOn", row->created_ns);
	lf_doc_time(&doc, "properties.updatedOn", row->changed_ns);
	lf_doc_text(&doc, "properties.createdBy", lf_json_text(row->state, "createdBy"));
	lf_doc_text(&doc, "properties.updatedBy",
		    lf_json_text_or(row->state, "updatedBy",
				    lf_json_text_or(row->state, "createdBy", "")));
	return lf_doc_take(&doc);
}

static int reply(struct lf_arm_call *call, int status, const struct lf_resource *row,
		 struct lf_error *err)
{
	LF_AUTO_JSON *body = view(row);

	return body ? lf_arm_reply(call, status, body, err) : lf_fail_nomem(err);
}

/* The row of the path's assignment; *ret_there false: there is none, or nothing at its scope. */
static int find(struct lf_arm_call *call, struct lf_resource *ret_row, bool *ret_there,
		struct lf_error *err)
{
	return lf_catalog_find(lf_arm_context(call)->catalog, lf_arm_id(call, 0), ret_row,
			       ret_there, err);
}

int lf_assignment_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	bool there = false;
	int rc = find(call, &row, &there, err);

	if (!rc && !there)
		return lf_fail_arm(err, LF_ENOTFOUND, "RoleAssignmentNotFound", lf_arm_id(call, 0),
				   "landfall role assignment list",
				   "the role assignment '%s' is not found",
				   lf_arm_param(call, "assignment"));
	return rc ? rc : reply(call, 200, &row, err);
}

/* What is asked for is known here and can be obeyed. */
static int check_input(struct lf_arm_call *call, const struct input *input, struct lf_error *err)
{
	const struct lf_context *context = lf_arm_context(call);
	bool there = false;

	if (!lf_guid_valid(lf_arm_param(call, "assignment")))
		return lf_fail_arm(err, LF_EINVAL, "InvalidRoleAssignmentId", "name",
				   "name the assignment by a new GUID",
				   "the role assignment ID '%s' is not valid: it must be a GUID",
				   lf_arm_param(call, "assignment"));
	if ((input->condition && input->condition[0]) || (input->delegated && input->delegated[0]))
		return lf_fail_arm(err, LF_EINVAL, "UnsupportedRoleAssignmentProperty",
				   input->condition && input->condition[0]
					   ? "properties.condition"
					   : "properties.delegatedManagedIdentityResourceId",
				   "leave it out: assignments hold without conditions here",
				   "conditions and delegated identities are not evaluated");
	if (!lf_role_find(input->role_id))
		return lf_fail_arm(err, LF_ENOTFOUND, "RoleDefinitionDoesNotExist",
				   "properties.roleDefinitionId", "landfall role definition list",
				   "the specified role definition with ID '%.200s' does not exist",
				   input->role_id);
	int rc = lf_principal_known(context->catalog, input->principal_id, &there, err);
	if (rc || there)
		return rc;
	return lf_fail_arm(err, LF_EINVAL, "PrincipalNotFound", "properties.principalId",
			   "give the object id of a service principal or a managed identity "
			   "(landfall principal list)",
			   "principal %.64s does not exist in the directory %s",
			   input->principal_id, context->tenant_id);
}

static int check_type(const json_t *body, const struct input *input, struct lf_error *err)
{
	const char *type = lf_json_text(body, "properties.principalType");

	if (!type || strcmp(type, "ServicePrincipal") == 0)
		return 0;
	return lf_fail_arm(
		err, LF_EINVAL, "UnmatchedPrincipalType", "properties.principalType",
		"leave it out, or say ServicePrincipal",
		"the PrincipalId '%.64s' has type 'ServicePrincipal', which is different "
		"from specified PrincipalType '%s'",
		input->principal_id, type);
}

/* The same role for the same principal at the scope has one name. */
static int check_others(struct lf_arm_call *call, const char *scope, const char *id,
			const struct input *input, struct lf_error *err)
{
	const struct lf_role *role = lf_role_find(input->role_id);
	LF_AUTO_RESOURCE_LIST list = {0};
	const struct lf_list_query query = {.type = LF_ASSIGNMENT_TYPE};

	int rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		const json_t *doc = list.items[i].doc;
		LF_AUTO_FREE char *own = lf_rights_scope_of(list.items[i].id);
		if (!own)
			return lf_fail_nomem(err);
		if (!lf_arm_id_equal(own, scope) || lf_arm_id_equal(list.items[i].id, id) ||
		    lf_role_find(lf_json_text_or(doc, "properties.roleDefinitionId", "")) != role ||
		    !lf_text_equal_nocase(lf_json_text_or(doc, "properties.principalId", ""),
					  input->principal_id))
			continue;
		return lf_fail_arm(err, LF_ECONFLICT, "RoleAssignmentExists", list.items[i].id,
				   "use the one that is there",
				   "the role assignment already exists; its ID is %s",
				   lf_arm_id_last(list.items[i].id));
	}
	if (!rc && list.n >= ASSIGNMENTS_MAX)
		rc = lf_fail_arm(err, LF_ECONFLICT, "RoleAssignmentLimitExceeded", NULL,
				 "delete those that are not needed",
				 "no more role assignments can be created (limit %d)",
				 ASSIGNMENTS_MAX);
	return rc;
}

static int check_same(const struct lf_resource *row, const struct input *input,
		      struct lf_error *err)
{
	const char *role = lf_json_text_or(row->doc, "properties.roleDefinitionId", "");
	const char *principal = lf_json_text_or(row->doc, "properties.principalId", "");

	if (lf_role_find(role) == lf_role_find(input->role_id) &&
	    lf_text_equal_nocase(principal, input->principal_id))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "RoleAssignmentUpdateNotPermitted", row->id,
			   "make another assignment, and delete this one",
			   "tenant ID, application ID, principal ID, and scope are not allowed to "
			   "be updated");
}

static int write_row(struct lf_arm_call *call, const char *id, const struct lf_resource *before,
		     const struct input *input, struct lf_error *err)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_JSON *made = NULL;
	LF_AUTO_JSON *state = before->id ? json_deep_copy(before->state)
					 : json_pack("{s:s}", "createdBy", lf_arm_principal(call));

	if (state && lf_json_set_text(state, "updatedBy", lf_arm_principal(call)))
		return lf_fail_nomem(err);

	lf_doc_printf(&doc, "properties.roleDefinitionId", LF_AUTHORIZATION "/roleDefinitions/%s",
		      lf_role_find(input->role_id)->id);
	lf_doc_text(&doc, "properties.principalId", input->principal_id);
	lf_doc_text(&doc, "properties.principalType", "ServicePrincipal");
	lf_doc_text_if(&doc, "properties.description", input->description);
	int rc = state ? lf_doc_end(&doc, &made, err) : lf_fail_nomem(err);
	return rc ? rc
		  : lf_catalog_put(lf_arm_context(call)->catalog, id, LF_ASSIGNMENT_TYPE,
				   LF_PUT_ANY, NULL, made, state, err);
}

static int put_row(struct lf_arm_call *call, const struct input *input, char **ret_id,
		   bool *ret_existed, struct lf_error *err)
{
	struct lf_catalog *catalog = lf_arm_context(call)->catalog;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *scope = NULL;

	int rc = lf_transaction_begin(&tx, catalog, err);
	if (!rc)
		rc = lf_rights_open_scope(call, &scope, err);
	if (!rc && !(*ret_id = lf_printf_dup("%s" LF_AUTHORIZATION "/roleAssignments/%s", scope,
					     lf_arm_param(call, "assignment"))))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = check_input(call, input, err);
	if (!rc)
		rc = lf_catalog_find(catalog, *ret_id, &before, ret_existed, err);
	if (!rc)
		rc = *ret_existed ? check_same(&before, input, err)
				  : check_others(call, scope, *ret_id, input, err);
	if (!rc)
		rc = write_row(call, *ret_id, &before, input, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_assignment_put(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *id = NULL;
	struct input input = {0};
	json_t *body = lf_arm_body(call);
	bool existed = false;

	int rc = lf_document_check_request(body, fields, LF_N(fields), NULL, err);
	if (!rc)
		rc = lf_fields_read(fields, LF_N(fields), body, "", &input, err);
	if (!rc)
		rc = check_type(body, &input, err);
	if (!rc)
		rc = put_row(call, &input, &id, &existed, err);
	if (!rc)
		rc = lf_catalog_get(lf_arm_context(call)->catalog, id, &row, err);
	return rc ? rc : reply(call, existed ? 200 : 201, &row, err);
}

int lf_assignment_delete(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	bool there = false;
	int rc = find(call, &row, &there, err);

	if (!rc && !there)
		return lf_arm_reply(call, 204, NULL, err);
	if (!rc && lf_json_bool_or(row.state, "first", false))
		return lf_fail_arm(err, LF_ECONFLICT, "CannotDeleteLastRbacAdminAssignment", row.id,
				   "revoke its secret instead, if nobody is to be the owner",
				   "the site's first principal keeps its roles");
	if (!rc)
		rc = lf_catalog_delete(lf_arm_context(call)->catalog, row.id, err);
	return rc ? rc : reply(call, 200, &row, err);
}

/*
 * At the scope, above it, and below it unless the filter has atScope() or assignedTo(), which are
 * of those that hold there.
 */
static bool is_listed(const struct lf_resource *row, const char *scope,
		      const struct lf_rights_filter *filter)
{
	const char *principal = lf_json_text_or(row->doc, "properties.principalId", "");
	LF_AUTO_FREE char *own = lf_rights_scope_of(row->id);
	bool only_held = filter->at_scope || filter->assigned_to[0];

	if (!own || (filter->principal[0] && !lf_text_equal_nocase(principal, filter->principal)) ||
	    (filter->assigned_to[0] && !lf_text_equal_nocase(principal, filter->assigned_to)))
		return false;
	return lf_rights_is_within(scope, own) || (!only_held && lf_rights_is_within(own, scope));
}

int lf_assignment_list(struct lf_arm_call *call, struct lf_error *err)
{
	static const char *const known[] = {"atScope()", "assignedTo()", "principalId", NULL};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_FREE char *scope = NULL;
	LF_AUTO_JSON *values = json_array();
	struct lf_rights_filter filter;

	int rc = values ? lf_rights_open_list(call, LF_ASSIGNMENT_TYPE, known, &filter, &scope,
					      &list, err)
			: lf_fail_nomem(err);
	for (size_t i = 0; !rc && i < list.n; i++)
		if (is_listed(&list.items[i], scope, &filter) &&
		    json_array_append_new(values, view(&list.items[i])))
			rc = lf_fail_nomem(err);
	return rc ? rc : lf_page_reply(call, values, err);
}
