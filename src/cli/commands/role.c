/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: principals, roles and locks.
 */
#include <stdlib.h>
#include <string.h>

#include "arm/path.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/find.h"
#include "cli/output.h"
#include "json/doc.h"

#define PROVIDER   "/providers/Microsoft.Authorization"
#define PRINCIPALS "/landfall/servicePrincipals"
#define API_ROLES  "2022-04-01"
#define API_LOCKS  "2020-05-01"

static const struct lf_cli_column principal_columns[] = {
	{"NAME", "displayName", LF_SHOW_TEXT},
	{"APP ID", "appId", LF_SHOW_TEXT},
	{"OBJECT ID", "objectId", LF_SHOW_TEXT},
};
static const struct lf_cli_column secret_columns[] = {
	{"name", "displayName", LF_SHOW_TEXT},
	{"LF_CLIENT_ID", "appId", LF_SHOW_TEXT},
	{"LF_CLIENT_SECRET", "secret", LF_SHOW_TEXT},
	{"object id", "objectId", LF_SHOW_TEXT},
};
static const struct lf_cli_column definition_columns[] = {
	{"ROLE", "properties.roleName", LF_SHOW_TEXT},
	{"ID", "name", LF_SHOW_TEXT},
	{"WHAT", "properties.description", LF_SHOW_TEXT},
};
static const struct lf_cli_column assignment_columns[] = {
	{"PRINCIPAL", "properties.principalId", LF_SHOW_TEXT},
	{"ROLE", "roleName", LF_SHOW_TEXT},
	{"SCOPE", "properties.scope", LF_SHOW_TEXT},
	{"NAME", "name", LF_SHOW_TEXT},
};
static const struct lf_cli_column lock_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},
	{"LEVEL", "properties.level", LF_SHOW_TEXT},
	{"NOTES", "properties.notes", LF_SHOW_TEXT},
	{"ID", "id", LF_SHOW_TEXT},
};

static int principal_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *body = json_pack("{s:s}", "displayName", args->words[0]);
	LF_AUTO_CLI_ANSWER answer = {0};
	int rc = body ? lf_cli_call(cli, "POST", PRINCIPALS, NULL, body, &answer, err)
		      : lf_fail_nomem(err);

	return rc ? rc
		  : lf_cli_print_one(cli, answer.doc, secret_columns, LF_N(secret_columns), err);
}

static int principal_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *items = NULL;

	(void)args;
	int rc = lf_cli_list(cli, PRINCIPALS, NULL, &items, err);
	return rc ? rc
		  : lf_cli_print_list(cli, items, principal_columns, LF_N(principal_columns), err);
}

/* DELETE, and say that it is gone. */
static int delete_path(struct lf_cli *cli, const char *path, const char *api, const char *name,
		       struct lf_error *err)
{
	LF_AUTO_CLI_ANSWER answer = {0};
	int rc = path ? lf_cli_call(cli, "DELETE", path, api, NULL, &answer, err)
		      : lf_fail_nomem(err);

	if (!rc && answer.status == 204)
		rc = lf_fail(err, LF_ENOTFOUND, name, "there is no %s", name);
	return rc ? rc : lf_cli_say(cli, NULL, err, "%s is gone", name);
}

static int principal_delete(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup(PRINCIPALS "/%s", args->words[0]);

	return delete_path(cli, path, NULL, args->words[0], err);
}

static int definition_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_cli_path(cli, PROVIDER "/roleDefinitions");
	LF_AUTO_JSON *items = NULL;

	(void)args;
	int rc = path ? lf_cli_list(cli, path, API_ROLES, &items, err) : lf_fail_nomem(err);
	return rc ? rc
		  : lf_cli_print_list(cli, items, definition_columns, LF_N(definition_columns),
				      err);
}

/* SCOPE/providers/Microsoft.Authorization/KIND: of --scope, --group, or the subscription. */
static char *path_of(const struct lf_cli *cli, const struct lf_args *args, const char *kind,
		     const char *name)
{
	const char *scope = lf_args_value(args, "--scope");
	const char *group = lf_args_value(args, "--group");

	if (scope && strcmp(scope, "/") == 0)
		scope = "";
	if (scope)
		return lf_printf_dup("%s" PROVIDER "/%s%s%s", scope, kind, name ? "/" : "",
				     name ? name : "");
	return lf_cli_path(cli, "%s%s" PROVIDER "/%s%s%s", group ? "/resourceGroups/" : "",
			   group ? group : "", kind, name ? "/" : "", name ? name : "");
}

/* Its definition by its name or GUID. */
static int find_role(struct lf_cli *cli, const char *role, json_t **ret_role, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_cli_path(cli, PROVIDER "/roleDefinitions");
	LF_AUTO_JSON *items = NULL;
	int rc = path ? lf_cli_list(cli, path, API_ROLES, &items, err) : lf_fail_nomem(err);

	if (rc)
		return rc;
	json_t *found = lf_json_find_nocase(items, "properties.roleName", role);
	if (!found)
		found = lf_json_find_nocase(items, "name", role);
	if (!found)
		return lf_fail_arm(err, LF_ENOTFOUND, "RoleDefinitionDoesNotExist", role,
				   "landfall role definition list", "there is no role '%s'", role);
	*ret_role = json_incref(found);
	return 0;
}

/* Object id of a principal by its app id or name; what is none of them is taken for one itself. */
static int find_principal(struct lf_cli *cli, const char *who, char **ret_id, struct lf_error *err)
{
	LF_AUTO_JSON *items = NULL;
	int rc = lf_cli_list(cli, PRINCIPALS, NULL, &items, err);

	/* who may give roles need not be who may read the directory */
	if (rc && !lf_guid_valid(who))
		return rc;
	const json_t *found = rc ? NULL : lf_json_find_nocase(items, "appId", who);
	if (!found &&
	    !lf_guid_valid(who)) /* names are anybody's choice, and can be ids of others */
		found = lf_json_find_nocase(items, "displayName", who);
	size_t n = 0, i;
	json_t *item;
	json_array_foreach (items, i, item)
		n += lf_text_equal_nocase(lf_json_text_or(item, "displayName", ""), who);
	if (n > 1 && !lf_guid_valid(who))
		return lf_fail(err, LF_EINVAL, "--assignee",
			       "%zu principals are called '%s': give an id", n, who);
	*ret_id = strdup(found ? lf_json_text_or(found, "objectId", who) : who);
	return *ret_id ? 0 : lf_fail_nomem(err);
}

static int assignment_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	struct lf_doc doc = LF_DOC_INIT;
	LF_AUTO_CLI_ANSWER answer = {0};
	LF_AUTO_JSON *role = NULL;
	LF_AUTO_FREE char *principal = NULL;
	char name[LF_GUID_SIZE];

	lf_guid_random(name);
	LF_AUTO_FREE char *path = path_of(cli, args, "roleAssignments", name);
	int rc = path ? find_role(cli, lf_args_value(args, "--role"), &role, err)
		      : lf_fail_nomem(err);
	if (!rc)
		rc = find_principal(cli, lf_args_value(args, "--assignee"), &principal, err);
	if (rc)
		return rc;
	lf_doc_text(&doc, "properties.roleDefinitionId", lf_cli_id(role));
	lf_doc_text(&doc, "properties.principalId", principal);
	LF_AUTO_JSON *body = lf_doc_take(&doc);
	rc = body ? lf_cli_call(cli, "PUT", path, API_ROLES, body, &answer, err)
		  : lf_fail_nomem(err);
	return rc ? rc : lf_cli_say(cli, answer.doc, err, "%s", lf_cli_id(answer.doc));
}

/* Roles by their names, for people. */
static int name_roles(struct lf_cli *cli, json_t *items, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_cli_path(cli, PROVIDER "/roleDefinitions");
	LF_AUTO_JSON *roles = NULL;
	json_t *item;
	size_t i;

	int rc = path ? lf_cli_list(cli, path, API_ROLES, &roles, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	json_array_foreach (items, i, item) {
		const char *id = lf_json_text_or(item, "properties.roleDefinitionId", "/");
		const json_t *role = lf_json_find_nocase(roles, "name", strrchr(id, '/') + 1);
		json_object_set_new(item, "roleName",
				    json_string(lf_json_text_or(role, "properties.roleName", id)));
	}
	return 0;
}

static int assignment_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	const char *assignee = lf_args_value(args, "--assignee");
	LF_AUTO_FREE char *path = path_of(cli, args, "roleAssignments", NULL);
	LF_AUTO_FREE char *principal = NULL;
	LF_AUTO_FREE char *filtered = NULL;
	LF_AUTO_JSON *items = NULL;

	int rc = path ? 0 : lf_fail_nomem(err);
	if (!rc && assignee)
		rc = find_principal(cli, assignee, &principal, err);
	if (!rc && principal) {
		LF_AUTO_FREE char *value = lf_url_encode(principal);
		filtered = value ? lf_printf_dup("%s?$filter=principalId%%20eq%%20%%27%s%%27", path,
						 value)
				 : NULL;
		rc = filtered ? 0 : lf_fail_nomem(err);
	}
	if (!rc)
		rc = lf_cli_list(cli, filtered ? filtered : path, API_ROLES, &items, err);
	if (!rc && !cli->json)
		rc = name_roles(cli, items, err);
	return rc ? rc
		  : lf_cli_print_list(cli, items, assignment_columns, LF_N(assignment_columns),
				      err);
}

static int assignment_delete(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(cli, args, "roleAssignments", args->words[0]);

	return delete_path(cli, path, API_ROLES, args->words[0], err);
}

static int lock_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(cli, args, "locks", args->words[0]);
	LF_AUTO_CLI_ANSWER answer = {0};
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "properties.level", lf_args_value_or(args, "--level", "CanNotDelete"));
	lf_doc_text_if(&doc, "properties.notes", lf_args_value(args, "--notes"));
	LF_AUTO_JSON *body = lf_doc_take(&doc);
	int rc = path && body ? lf_cli_call(cli, "PUT", path, API_LOCKS, body, &answer, err)
			      : lf_fail_nomem(err);
	return rc ? rc : lf_cli_say(cli, answer.doc, err, "%s", lf_cli_id(answer.doc));
}

static int lock_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(cli, args, "locks", NULL);
	LF_AUTO_JSON *items = NULL;
	int rc = path ? lf_cli_list(cli, path, API_LOCKS, &items, err) : lf_fail_nomem(err);

	return rc ? rc : lf_cli_print_list(cli, items, lock_columns, LF_N(lock_columns), err);
}

static int lock_delete(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(cli, args, "locks", args->words[0]);

	return delete_path(cli, path, API_LOCKS, args->words[0], err);
}

#define SCOPE                                                                                      \
	{                                                                                          \
		"--scope", "ID", false, "there: a subscription, group or resource, or / for all"   \
	}
#define ONE(what) .args = what, .min_args = 1, .max_args = 1
#define ASSIGNEE(must)                                                                             \
	{                                                                                          \
		"--assignee", "WHO", must, "name, app id or object id of a principal"              \
	}

const struct lf_cli_command lf_cli_role_commands[] = {
	{.words = "principal create",
	 ONE("NAME"),
	 .help = "Make a service principal without a role, and print its secret, once.",
	 .run = principal_create},
	{.words = "principal list", .help = "List service principals.", .run = principal_list},
	{.words = "principal delete",
	 ONE("APP-ID"),
	 .help = "Remove a service principal with its roles.",
	 .run = principal_delete},
	{.words = "role definition list",
	 .help = "List the roles that there are.",
	 .run = definition_list},
	{.words = "role assignment create",
	 .help = "Give a principal a role at a scope and all below it.",
	 .run = assignment_create,
	 .options = {ASSIGNEE(true),
		     {"--role", "ROLE", true, "name or id of a role"},
		     SCOPE,
		     LF_CLI_GROUP_OPTION}},
	{.words = "role assignment list",
	 .help = "List who has which role at a scope, above and below it.",
	 .run = assignment_list,
	 .options = {ASSIGNEE(false), SCOPE, LF_CLI_GROUP_OPTION}},
	{.words = "role assignment delete",
	 ONE("NAME"),
	 .help = "Take a role; the scope is the one that it was given at.",
	 .run = assignment_delete,
	 .options = {SCOPE, LF_CLI_GROUP_OPTION}},
	{.words = "lock create",
	 ONE("NAME"),
	 .help = "Lock a scope and all below it against deletion, or every change.",
	 .run = lock_create,
	 .options = {{"--level", "LEVEL", false, "CanNotDelete (the default) or ReadOnly"},
		     {"--notes", "TEXT", false, "why"},
		     SCOPE,
		     LF_CLI_GROUP_OPTION}},
	{.words = "lock list",
	 .help = "List the locks at a scope and below it.",
	 .run = lock_list,
	 .options = {SCOPE, LF_CLI_GROUP_OPTION}},
	{.words = "lock delete",
	 ONE("NAME"),
	 .help = "Remove a lock.",
	 .run = lock_delete,
	 .options = {SCOPE, LF_CLI_GROUP_OPTION}},
	{0},
};
