/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where machines come from (sites, fabrics) and how often points are made
 * (policies).
 */
#include <string.h>

#include "base/text.h"
#include "cli/find.h"
#include "cli/output.h"

static const struct lf_cli_column site_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},
	{"KIND", "type", LF_SHOW_LAST},
	{"LOCATION", "location", LF_SHOW_TEXT},
	{"GROUP", "id", LF_SHOW_GROUP},
};
static const struct lf_cli_column machine_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},
	{"MACHINE", "properties.displayName", LF_SHOW_TEXT},
	{"OS", "properties.operatingSystemDetails.osName", LF_SHOW_TEXT},
	{"FIRMWARE", "properties.firmware", LF_SHOW_TEXT},
	{"DISKS", "properties.disks", LF_SHOW_COUNT},
	{"NICS", "properties.networkAdapters", LF_SHOW_COUNT},
};
static const struct lf_cli_column key_columns[] = {
	{"key", "registrationKey", LF_SHOW_TEXT},
	{"valid until", "expiresOn", LF_SHOW_TEXT},
};
static const struct lf_cli_column fabric_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},
	{"KIND", "properties.customDetails.instanceType", LF_SHOW_TEXT},
	{"HEALTH", "properties.health", LF_SHOW_TEXT},
	{"SITE", "properties.customDetails.physicalSiteId", LF_SHOW_LAST},
	{"VMWARE SITE", "properties.customDetails.vmwareSiteId", LF_SHOW_LAST},
};
#define POLICY(name) "properties.providerSpecificDetails." name
static const struct lf_cli_column policy_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},
	{"HISTORY MIN", POLICY("recoveryPointHistoryInMinutes"), LF_SHOW_TEXT},
	{"CRASH MIN", POLICY("crashConsistentFrequencyInMinutes"), LF_SHOW_TEXT},
	{"APP MIN", POLICY("appConsistentFrequencyInMinutes"), LF_SHOW_TEXT},
};

static int site_create(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err)
{
	const char *kind = lf_cli_option(args, "--vmware") ? "VMwareSites" : "ServerSites";
	LF_AUTO_FREE char *path =
		lf_cli_path(cli, "/resourceGroups/%s/providers/Microsoft.OffAzure/%s/%s",
			    lf_cli_option(args, "--group"), kind, args->args[0]);
	LF_AUTO_JSON *body =
		json_pack("{s:s,s:{}}", "location", lf_cli_option_or(args, "--location", "eastus"),
			  "properties");
	LF_AUTO_JSON *doc = NULL;

	if (!path || !body)
		return lf_fail_nomem(err);
	int rc = lf_cli_change(cli, "PUT", path, LF_API_OFFAZURE, body, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "%s", lf_cli_id(doc));
}

static int add_sites(struct lf_cli *cli, const struct lf_cli_kind *kind, json_t *sites,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_cli_path(cli, "%s", kind->collection);
	LF_AUTO_JSON *items = NULL;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_list(cli, path, kind->api, &items, err);
	if (!rc && json_array_extend(sites, items))
		rc = lf_fail_nomem(err);
	return rc;
}

static int site_list(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err)
{
	(void)args;
	LF_AUTO_JSON *sites = json_array();

	if (!sites)
		return lf_fail_nomem(err);
	int rc = add_sites(cli, &lf_kind_server_site, sites, err);
	if (!rc)
		rc = add_sites(cli, &lf_kind_vmware_site, sites, err);
	return rc ? rc : lf_cli_print_list(cli, sites, site_columns, LF_N(site_columns), err);
}

static int site_key(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *site = NULL;
	LF_AUTO_JSON *key = NULL;
	int rc = lf_cli_find_site(cli, args->args[0], &site, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/generateRegistrationKey", lf_cli_id(site));
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, "POST", path, LF_API_OFFAZURE, NULL, NULL, NULL, &key, err);
	return rc ? rc : lf_cli_print_one(cli, key, key_columns, LF_N(key_columns), err);
}

static int site_machines(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *site = NULL;
	LF_AUTO_JSON *machines = NULL;
	int rc = lf_cli_find_site(cli, args->args[0], &site, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/machines", lf_cli_id(site));
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_list(cli, path, LF_API_OFFAZURE, &machines, err);
	return rc ? rc
		  : lf_cli_print_list(cli, machines, machine_columns, LF_N(machine_columns), err);
}

/* Ids of the sites that the options name, into custom. */
static int take_sites(struct lf_cli *cli, const struct lf_cli_args *args, json_t *custom,
		      struct lf_error *err)
{
	static const char *const names[][2] = {{"--site", "physicalSiteId"},
					       {"--vmware-site", "vmwareSiteId"}};

	for (size_t i = 0; i < LF_N(names); i++) {
		LF_AUTO_JSON *site = NULL;
		const char *given = lf_cli_option(args, names[i][0]);
		int rc = given ? lf_cli_find_site(cli, given, &site, err) : 0;
		if (!rc && given && lf_json_set_text(custom, names[i][1], lf_cli_id(site)))
			rc = lf_fail_nomem(err);
		if (rc)
			return rc;
	}
	return 0;
}

static int fabric_create(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_JSON *body =
		json_pack("{s:{s:{s:s,s:{s:s,s:s,s:s,s:s,s:s}}}}", "properties", "customDetails",
			  "instanceType", "InMageRcm", "sourceAgentIdentity", "tenantId",
			  cli->tenant, "applicationId", cli->client_id, "objectId", cli->client_id,
			  "audience", cli->url, "aadAuthority", cli->url);

	if (!body)
		return lf_fail_nomem(err);
	int rc = take_sites(cli, args, lf_json_at(body, "properties.customDetails"), err);
	if (!rc)
		rc = lf_cli_find_vault(cli, args, &vault, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/replicationFabrics/%s", vault, args->args[0]);
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, "PUT", path, LF_API_RECOVERY, body, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "%s", path);
}

/* List what a vault holds. */
static int list_in_vault(struct lf_cli *cli, const struct lf_cli_args *args,
			 const struct lf_cli_kind *kind, const struct lf_cli_column *columns,
			 size_t n, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *items = NULL;
	int rc = lf_cli_find_vault(cli, args, &vault, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s%s", vault, kind->collection);
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_list(cli, path, kind->api, &items, err);
	return rc ? rc : lf_cli_print_list(cli, items, columns, n, err);
}

static int fabric_list(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err)
{
	return list_in_vault(cli, args, &lf_kind_fabric, fabric_columns, LF_N(fabric_columns), err);
}

static int fabric_show(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *fabric = NULL;
	LF_AUTO_JSON *whole = NULL;
	int rc = lf_cli_find_vault(cli, args, &vault, err);

	if (!rc)
		rc = lf_cli_find(cli, &lf_kind_fabric, vault, args->args[0], &fabric, err);
	/* a list has no details */
	if (!rc)
		rc = lf_cli_get(cli, lf_cli_id(fabric), LF_API_RECOVERY, &whole, err);
	return rc ? rc : lf_cli_print_one(cli, whole, fabric_columns, LF_N(fabric_columns), err);
}

static int minutes_option(const struct lf_cli_args *args, const char *name, uint64_t fallback,
			  json_t *into, const char *member, struct lf_error *err)
{
	const char *text = lf_cli_option(args, name);
	uint64_t minutes = fallback;
	int rc = text ? lf_parse_u64(text, 0, 1000000, &minutes, err) : 0;

	if (rc)
		return lf_error_wrap(err, "%s", name);
	return lf_json_set_int(into, member, (int64_t)minutes) ? lf_fail_nomem(err) : 0;
}

static int policy_create(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_JSON *input =
		json_pack("{s:s,s:s}", "instanceType", "InMageRcm", "enableMultiVmSync", "false");

	if (!input)
		return lf_fail_nomem(err);
	int rc = minutes_option(args, "--history", 1440, input, "recoveryPointHistoryInMinutes",
				err);
	if (!rc)
		rc = minutes_option(args, "--crash", 5, input, "crashConsistentFrequencyInMinutes",
				    err);
	if (!rc)
		rc = minutes_option(args, "--app", 0, input, "appConsistentFrequencyInMinutes",
				    err);
	if (!rc)
		rc = lf_cli_find_vault(cli, args, &vault, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *body = json_pack("{s:{s:O}}", "properties", "providerSpecificInput", input);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/replicationPolicies/%s", vault, args->args[0]);
	if (!path || !body)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, "PUT", path, LF_API_RECOVERY, body, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "%s", path);
}

static int policy_list(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err)
{
	return list_in_vault(cli, args, &lf_kind_policy, policy_columns, LF_N(policy_columns), err);
}

#define ONE_NAME .args = "NAME", .min_args = 1, .max_args = 1

const struct lf_cli_command lf_cli_site_commands[] = {
	{.words = "site create",
	 ONE_NAME,
	 .help = "Make a site: a place whose machines are discovered.",
	 .run = site_create,
	 .options = {{"--group", "GROUP", true, "resource group that holds it"},
		     {"--location", "REGION", false, "region (default eastus)"},
		     {"--vmware", NULL, false, "a VMware site instead of one of servers"}}},
	{.words = "site list", .help = "List sites.", .run = site_list},
	{.words = "site key",
	 ONE_NAME,
	 .help = "Make a key with which agents register at a site.",
	 .run = site_key},
	{.words = "site machines",
	 ONE_NAME,
	 .help = "List the machines that a site has discovered.",
	 .run = site_machines},
	{.words = "fabric create",
	 ONE_NAME,
	 .help = "Make a fabric of the kind InMageRcm in a vault, for one or two sites.",
	 .run = fabric_create,
	 .options = {LF_CLI_VAULT_OPTION,
		     {"--site", "SITE", false, "site of servers"},
		     {"--vmware-site", "SITE", false, "VMware site"}}},
	{.words = "fabric list",
	 .help = "List the fabrics of a vault.",
	 .run = fabric_list,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "fabric show",
	 ONE_NAME,
	 .help = "Show a fabric.",
	 .run = fabric_show,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "policy create",
	 ONE_NAME,
	 .help = "Make or change a replication policy.",
	 .run = policy_create,
	 .options = {LF_CLI_VAULT_OPTION,
		     {"--history", "MINUTES", false, "how long points are kept (1440)"},
		     {"--crash", "MINUTES", false, "between crash-consistent points (5)"},
		     {"--app", "MINUTES", false,
		      "between application-consistent points (0: none)"}}},
	{.words = "policy list",
	 .help = "List the replication policies of a vault.",
	 .run = policy_list,
	 .options = {LF_CLI_VAULT_OPTION}},
	{0},
};
