/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups, recovery vaults, networks and storage accounts.
 */
#include "cli/find.h"
#include "cli/output.h"
#include "json/doc.h"

#define DEFAULT_LOCATION "eastus"

static const struct lf_cli_column resource_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},
	{"LOCATION", "location", LF_SHOW_TEXT},
	{"STATE", "properties.provisioningState", LF_SHOW_TEXT},
	{"GROUP", "id", LF_SHOW_GROUP},
};

static const char *location_of(const struct lf_args *args)
{
	return lf_args_value_or(args, "--location", DEFAULT_LOCATION);
}

/* PUT a document into --group, and say so. */
static int put_resource(struct lf_cli *cli, const struct lf_args *args, const char *collection,
			const char *api, json_t *body, struct lf_error *err)
{
	LF_AUTO_JSON *owned = body;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_FREE char *path =
		lf_cli_path(cli, "/resourceGroups/%s/providers/%s/%s",
			    lf_args_value(args, "--group"), collection, args->words[0]);

	if (!owned || !path)
		return lf_fail_nomem(err);
	int rc = lf_cli_change(cli, "PUT", path, api, owned, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "%s", lf_cli_id(doc));
}

static int list_kind(struct lf_cli *cli, const struct lf_cli_kind *kind, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_cli_path(cli, "%s", kind->collection);
	LF_AUTO_JSON *items = NULL;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_list(cli, path, kind->api, &items, err);
	return rc ? rc
		  : lf_cli_print_list(cli, items, resource_columns, LF_N(resource_columns), err);
}

static int group_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_cli_path(cli, "/resourceGroups/%s", args->words[0]);
	LF_AUTO_JSON *body = json_pack("{s:s}", "location", location_of(args));
	LF_AUTO_JSON *doc = NULL;

	if (!path || !body)
		return lf_fail_nomem(err);
	int rc = lf_cli_change(cli, "PUT", path, LF_API_RESOURCES, body, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "%s", lf_cli_id(doc));
}

static int group_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	(void)args;
	LF_AUTO_FREE char *path = lf_cli_path(cli, "/resourceGroups");
	LF_AUTO_JSON *items = NULL;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_list(cli, path, LF_API_RESOURCES, &items, err);
	return rc ? rc : lf_cli_print_list(cli, items, resource_columns, 3, err);
}

static int group_delete(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_cli_path(cli, "/resourceGroups/%s", args->words[0]);
	LF_AUTO_JSON *doc = NULL;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_change(cli, "DELETE", path, LF_API_RESOURCES, NULL, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, NULL, err, "%s is gone", args->words[0]);
}

static int vault_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "location", location_of(args));
	lf_doc_text(&doc, "sku.name", "RS0");
	lf_doc_text(&doc, "sku.tier", "Standard");
	lf_doc_text(&doc, "properties.publicNetworkAccess", "Enabled");
	return put_resource(cli, args, "Microsoft.RecoveryServices/vaults", LF_API_VAULTS,
			    lf_doc_take(&doc), err);
}

static int vault_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	(void)args;
	return list_kind(cli, &lf_kind_vault, err);
}

static int vault_show(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *vault = NULL;
	int rc = lf_cli_find(cli, &lf_kind_vault, NULL, args->words[0], &vault, err);

	return rc ? rc
		  : lf_cli_print_one(cli, vault, resource_columns, LF_N(resource_columns), err);
}

static int vault_delete(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *vault = NULL;
	LF_AUTO_JSON *doc = NULL;
	int rc = lf_cli_find(cli, &lf_kind_vault, NULL, args->words[0], &vault, err);

	if (!rc)
		rc = lf_cli_change(cli, "DELETE", lf_cli_id(vault), LF_API_VAULTS, NULL, NULL, NULL,
				   &doc, err);
	return rc ? rc : lf_cli_say(cli, NULL, err, "%s is gone", args->words[0]);
}

static int network_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	const char *prefix = lf_args_value_or(args, "--prefix", "10.0.0.0/16");

	struct lf_doc doc = LF_DOC_INIT, subnet = LF_DOC_INIT;

	lf_doc_text(&doc, "location", location_of(args));
	lf_doc_append(&doc, "properties.addressSpace.addressPrefixes", json_string(prefix));
	lf_doc_text(&subnet, "name", lf_args_value_or(args, "--subnet", "default"));
	lf_doc_text(&subnet, "properties.addressPrefix",
		    lf_args_value_or(args, "--subnet-prefix", prefix));
	lf_doc_append(&doc, "properties.subnets", lf_doc_take(&subnet));
	return put_resource(cli, args, "Microsoft.Network/virtualNetworks", LF_API_NETWORK,
			    lf_doc_take(&doc), err);
}

static int network_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	(void)args;
	return list_kind(cli, &lf_kind_network, err);
}

static int storage_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	return put_resource(cli, args, "Microsoft.Storage/storageAccounts", LF_API_STORAGE,
			    json_pack("{s:s,s:s,s:{s:s}}", "location", location_of(args), "kind",
				      "StorageV2", "sku", "name", "Standard_LRS"),
			    err);
}

static int storage_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	(void)args;
	return list_kind(cli, &lf_kind_storage, err);
}

#define IN_GROUP                                                                                   \
	{                                                                                          \
		"--group", "GROUP", true, "resource group that holds it"                           \
	}
#define LOCATION                                                                                   \
	{                                                                                          \
		"--location", "REGION", false, "region (default " DEFAULT_LOCATION ")"             \
	}
#define ONE_NAME .args = "NAME", .min_args = 1, .max_args = 1

const struct lf_cli_command lf_cli_resource_commands[] = {
	{.words = "group create",
	 ONE_NAME,
	 .help = "Make a resource group.",
	 .run = group_create,
	 .options = {LOCATION}},
	{.words = "group list", .help = "List resource groups.", .run = group_list},
	{.words = "group delete",
	 ONE_NAME,
	 .help = "Delete a resource group; machines and disks in it go first, by hand.",
	 .run = group_delete,
	 .options = {LF_CLI_NO_WAIT_OPTION}},
	{.words = "recovery-vault create",
	 ONE_NAME,
	 .help = "Make a Recovery Services vault.",
	 .run = vault_create,
	 .options = {IN_GROUP, LOCATION}},
	{.words = "recovery-vault list", .help = "List vaults.", .run = vault_list},
	{.words = "recovery-vault show", ONE_NAME, .help = "Show a vault.", .run = vault_show},
	{.words = "recovery-vault delete",
	 ONE_NAME,
	 .help = "Delete an empty vault.",
	 .run = vault_delete},
	{.words = "network create",
	 ONE_NAME,
	 .help = "Make a virtual network with one subnet.",
	 .run = network_create,
	 .options = {IN_GROUP,
		     LOCATION,
		     {"--prefix", "CIDR", false, "addresses (default 10.0.0.0/16)"},
		     {"--subnet", "NAME", false, "name of the subnet (default \"default\")"},
		     {"--subnet-prefix", "CIDR", false, "its addresses (default: all)"}}},
	{.words = "network list", .help = "List virtual networks.", .run = network_list},
	{.words = "storage create",
	 ONE_NAME,
	 .help = "Make a storage account, for example as a replication's cache.",
	 .run = storage_create,
	 .options = {IN_GROUP, LOCATION}},
	{.words = "storage list", .help = "List storage accounts.", .run = storage_list},
	{0},
};
