/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where machines come from (sites, fabrics) and how often points are made
 * (policies).
 */
#include <string.h>

#include "base/text.h"
#include "cli/find.h"
#include "cli/output.h"
#include "json/doc.h"

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
	{"machines", "machines", LF_SHOW_TEXT},
};
static const struct lf_cli_column keys_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},		{"CREATED", "createdOn", LF_SHOW_TEXT},
	{"EXPIRES", "expiresOn", LF_SHOW_TEXT}, {"MACHINES", "machines", LF_SHOW_TEXT},
	{"USED", "used", LF_SHOW_TEXT},
};
static const struct lf_cli_column agent_columns[] = {
	{"AGENT", "agentId", LF_SHOW_TEXT},
	{"MACHINE", "machineName", LF_SHOW_TEXT},
	{"VERSION", "version", LF_SHOW_TEXT},
	{"CONNECTED", "connected", LF_SHOW_TEXT},
	{"HEARD", "lastHeartbeat", LF_SHOW_TEXT},
	{"CERTIFICATE ENDS", "certificateEnds", LF_SHOW_TEXT},
	{"BARRED", "barred", LF_SHOW_TEXT},
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

static int site_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	const char *kind = lf_args_value(args, "--vmware") ? "VMwareSites" : "ServerSites";
	LF_AUTO_FREE char *path =
		lf_cli_path(cli, "/resourceGroups/%s/providers/Microsoft.OffAzure/%s/%s",
			    lf_args_value(args, "--group"), kind, args->words[0]);
	LF_AUTO_JSON *body =
		json_pack("{s:s,s:{}}", "location", lf_args_value_or(args, "--location", "eastus"),
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

static int site_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
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

/* An option that is a number, into the body; the site says what it may be. */
static int number_option(const struct lf_args *args, const char *option, json_t *body,
			 const char *name, struct lf_error *err)
{
	const char *given = lf_args_value(args, option);
	uint64_t number;

	if (!given)
		return 0;
	int rc = lf_parse_u64(given, 1, INT32_MAX, &number, err);
	if (rc)
		return rc;
	return lf_json_set_int(body, name, (int64_t)number) ? lf_fail_nomem(err) : 0;
}

static int site_key(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *site = NULL;
	LF_AUTO_JSON *key = NULL;
	int rc = lf_cli_find_site(cli, args->words[0], &site, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/generateRegistrationKey", lf_cli_id(site));
	LF_AUTO_JSON *body = json_object();
	if (!path || !body)
		return lf_fail_nomem(err);
	rc = number_option(args, "--days", body, "validDays", err);
	if (!rc)
		rc = number_option(args, "--machines", body, "machines", err);
	if (!rc)
		rc = lf_cli_change(cli, "POST", path, LF_API_OFFAZURE, body, NULL, NULL, &key, err);
	return rc ? rc : lf_cli_print_one(cli, key, key_columns, LF_N(key_columns), err);
}

static int site_machines(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *site = NULL;
	LF_AUTO_JSON *machines = NULL;
	int rc = lf_cli_find_site(cli, args->words[0], &site, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/machines", lf_cli_id(site));
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_list(cli, path, LF_API_OFFAZURE, &machines, err);
	return rc ? rc
		  : lf_cli_print_list(cli, machines, machine_columns, LF_N(machine_columns), err);
}

/* What a site lists below its id. */
static int list_below(struct lf_cli *cli, const struct lf_args *args, const char *what,
		      json_t **ret_site, json_t **ret_items, struct lf_error *err)
{
	LF_AUTO_JSON *site = NULL;
	int rc = lf_cli_find_site(cli, args->words[0], &site, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", lf_cli_id(site), what);
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_list(cli, path, LF_API_OFFAZURE, ret_items, err);
	if (!rc)
		*ret_site = lf_steal(&site);
	return rc;
}

static int site_keys(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *site = NULL;
	LF_AUTO_JSON *keys = NULL;
	int rc = list_below(cli, args, "registrationKeys", &site, &keys, err);

	return rc ? rc : lf_cli_print_list(cli, keys, keys_columns, LF_N(keys_columns), err);
}

static int site_revoke(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *site = NULL;
	LF_AUTO_JSON *doc = NULL;
	int rc = lf_cli_find_site(cli, args->words[0], &site, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path =
		lf_printf_dup("%s/registrationKeys/%s", lf_cli_id(site), args->words[1]);
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, "DELETE", path, LF_API_OFFAZURE, NULL, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "revoked");
}

static int site_agents(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *site = NULL;
	LF_AUTO_JSON *agents = NULL;
	int rc = list_below(cli, args, "agents", &site, &agents, err);

	return rc ? rc : lf_cli_print_list(cli, agents, agent_columns, LF_N(agent_columns), err);
}

/* The agent that is called so: by its id, or by its machine's name if only one has it. */
static int find_agent(const json_t *agents, const char *name, const char **ret_id,
		      struct lf_error *err)
{
	const json_t *agent;
	size_t i;
	int n = 0;

	json_array_foreach (agents, i, agent) {
		const char *id = lf_json_text_or(agent, "agentId", "");
		bool named = lf_text_equal_nocase(lf_json_text_or(agent, "machineName", ""), name);
		if (lf_text_equal_nocase(id, name)) { /* also if another is called so */
			*ret_id = id;
			return 0;
		}
		if (!named)
			continue;
		*ret_id = id;
		n++;
	}
	if (n > 1)
		return lf_fail(err, LF_ECONFLICT, name,
			       "%d machines are called '%s': give the agent's id", n, name);
	return n ? 0 : lf_fail(err, LF_ENOTFOUND, name, "the site has no machine '%s'", name);
}

/* METHOD site/agents/ID, and what follows. */
static int change_agent(struct lf_cli *cli, const struct lf_args *args, const char *method,
			const char *what, const char *done, struct lf_error *err)
{
	LF_AUTO_JSON *site = NULL;
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_JSON *doc = NULL;
	const char *id = "";

	int rc = list_below(cli, args, "agents", &site, &agents, err);
	if (!rc)
		rc = find_agent(agents, args->words[1], &id, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/agents/%s%s", lf_cli_id(site), id, what);
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, method, path, LF_API_OFFAZURE, NULL, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "%s", done);
}

static int site_bar(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	return change_agent(cli, args, "POST", "/bar", "barred", err);
}

static int site_unbar(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	return change_agent(cli, args, "POST", "/unbar", "let in again", err);
}

static int site_remove(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	return change_agent(cli, args, "DELETE", "", "removed", err);
}

/* Ids of the sites that the options name, into custom. */
static int take_sites(struct lf_cli *cli, const struct lf_args *args, json_t *custom,
		      struct lf_error *err)
{
	static const char *const names[][2] = {{"--site", "physicalSiteId"},
					       {"--vmware-site", "vmwareSiteId"}};

	for (size_t i = 0; i < LF_N(names); i++) {
		LF_AUTO_JSON *site = NULL;
		const char *given = lf_args_value(args, names[i][0]);
		int rc = given ? lf_cli_find_site(cli, given, &site, err) : 0;
		if (!rc && given && lf_json_set_text(custom, names[i][1], lf_cli_id(site)))
			rc = lf_fail_nomem(err);
		if (rc)
			return rc;
	}
	return 0;
}

static int fabric_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_DOC identity = LF_DOC_INIT;

	lf_doc_text(&identity, "tenantId", cli->tenant);
	lf_doc_text(&identity, "applicationId", cli->client_id);
	lf_doc_text(&identity, "objectId", cli->client_id);
	lf_doc_text(&identity, "audience", cli->url);
	lf_doc_printf(&identity, "aadAuthority", "%s/%s", cli->url, cli->tenant);
	LF_AUTO_JSON *body =
		json_pack("{s:{s:{s:s,s:o}}}", "properties", "customDetails", "instanceType",
			  "InMageRcm", "sourceAgentIdentity", lf_doc_take(&identity));
	if (!body)
		return lf_fail_nomem(err);
	int rc = take_sites(cli, args, lf_json_at(body, "properties.customDetails"), err);
	if (!rc)
		rc = lf_cli_find_vault(cli, args, &vault, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/replicationFabrics/%s", vault, args->words[0]);
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, "PUT", path, LF_API_RECOVERY, body, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "%s", path);
}

/* List what a vault holds. */
static int list_in_vault(struct lf_cli *cli, const struct lf_args *args,
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

static int fabric_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	return list_in_vault(cli, args, &lf_kind_fabric, fabric_columns, LF_N(fabric_columns), err);
}

static int fabric_show(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *fabric = NULL;
	LF_AUTO_JSON *whole = NULL;
	int rc = lf_cli_find_vault(cli, args, &vault, err);

	if (!rc)
		rc = lf_cli_find(cli, &lf_kind_fabric, vault, args->words[0], &fabric, err);
	/* a list has no details */
	if (!rc)
		rc = lf_cli_get(cli, lf_cli_id(fabric), LF_API_RECOVERY, &whole, err);
	return rc ? rc : lf_cli_print_one(cli, whole, fabric_columns, LF_N(fabric_columns), err);
}

static int minutes_option(const struct lf_args *args, const char *name, uint64_t fallback,
			  json_t *into, const char *member, struct lf_error *err)
{
	const char *text = lf_args_value(args, name);
	uint64_t minutes = fallback;
	int rc = text ? lf_parse_u64(text, 0, 1000000, &minutes, err) : 0;

	if (rc)
		return lf_error_wrap(err, "%s", name);
	return lf_json_set_int(into, member, (int64_t)minutes) ? lf_fail_nomem(err) : 0;
}

static int policy_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
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
	LF_AUTO_FREE char *path = lf_printf_dup("%s/replicationPolicies/%s", vault, args->words[0]);
	if (!path || !body)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, "PUT", path, LF_API_RECOVERY, body, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "%s", path);
}

static int policy_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	return list_in_vault(cli, args, &lf_kind_policy, policy_columns, LF_N(policy_columns), err);
}

#define SITE_MACHINE .args = "NAME MACHINE", .min_args = 2, .max_args = 2
#define ONE_NAME     .args = "NAME", .min_args = 1, .max_args = 1

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
	 .run = site_key,
	 .options = {{"--days", "DAYS", false, "how long it is valid (default 5, at most 30)"},
		     {"--machines", "N", false,
		      "how many new machines may register (default 25, at most 1000)"}}},
	{.words = "site keys",
	 ONE_NAME,
	 .help = "List the keys with which agents can register at a site.",
	 .run = site_keys},
	{.words = "site revoke",
	 .args = "NAME KEY",
	 .min_args = 2,
	 .max_args = 2,
	 .help = "End a registration key; 'site keys' names it.",
	 .run = site_revoke},
	{.words = "site agents",
	 ONE_NAME,
	 .help = "List the agents that are registered with a site.",
	 .run = site_agents},
	{.words = "site bar",
	 SITE_MACHINE,
	 .help = "Lock a machine's agent out; what it has protected stays.",
	 .run = site_bar},
	{.words = "site unbar",
	 SITE_MACHINE,
	 .help = "Let a barred agent in again.",
	 .run = site_unbar},
	{.words = "site remove",
	 SITE_MACHINE,
	 .help = "Forget the agent of a machine that is not protected.",
	 .run = site_remove},
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
