/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protected items: showing, following, changing and ending them.
 */
#include <string.h>

#include "base/text.h"
#include "cli/commands/enable.h"
#include "cli/find.h"
#include "cli/watch.h"

#define DETAILS(name) "properties.providerSpecificDetails." name

static const struct lf_cli_column list_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},
	{"MACHINE", "properties.friendlyName", LF_SHOW_TEXT},
	{"STATE", "properties.protectionState", LF_SHOW_TEXT},
	{"HEALTH", "properties.replicationHealth", LF_SHOW_TEXT},
	{"RPO", DETAILS("lastRpoInSeconds"), LF_SHOW_SECONDS},
	{"LAST POINT", DETAILS("lastRecoveryPointReceived"), LF_SHOW_TEXT},
};
static const struct lf_cli_column item_columns[] = {
	{"name", "name", LF_SHOW_TEXT},
	{"machine", "properties.friendlyName", LF_SHOW_TEXT},
	{"state", "properties.protectionState", LF_SHOW_TEXT},
	{"description", "properties.protectionStateDescription", LF_SHOW_TEXT},
	{"test failover", "properties.testFailoverState", LF_SHOW_TEXT},
	{"health", "properties.replicationHealth", LF_SHOW_TEXT},
	{"initial %", DETAILS("initialReplicationProgressPercentage"), LF_SHOW_TEXT},
	{"initial read", DETAILS("initialReplicationProcessedBytes"), LF_SHOW_BYTES},
	{"initial sent", DETAILS("initialReplicationTransferredBytes"), LF_SHOW_BYTES},
	{"RPO", DETAILS("lastRpoInSeconds"), LF_SHOW_SECONDS},
	{"last point", DETAILS("lastRecoveryPointId"), LF_SHOW_LAST},
	{"last point at", DETAILS("lastRecoveryPointReceived"), LF_SHOW_TEXT},
	{"disks", DETAILS("protectedDisks"), LF_SHOW_COUNT},
	{"target machine", DETAILS("targetVmName"), LF_SHOW_TEXT},
	{"target size", DETAILS("targetVmSize"), LF_SHOW_TEXT},
	{"target group", DETAILS("targetResourceGroupId"), LF_SHOW_LAST},
	{"target network", DETAILS("targetNetworkId"), LF_SHOW_LAST},
	{"test network", DETAILS("testNetworkId"), LF_SHOW_LAST},
	{"allowed", "properties.allowedOperations", LF_SHOW_JOINED},
};
static const struct lf_cli_column point_columns[] = {
	{"POINT", "name", LF_SHOW_TEXT},
	{"TIME", "properties.recoveryPointTime", LF_SHOW_TEXT},
	{"KIND", "properties.recoveryPointType", LF_SHOW_TEXT},
};

static int show(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	int rc = lf_cli_find_item(cli, args, args->words[0], &item, err);

	return rc ? rc : lf_cli_print_one(cli, item, item_columns, LF_N(item_columns), err);
}

static int list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *items = NULL;
	int rc = lf_cli_find_vault(cli, args, &vault, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/replicationProtectedItems", vault);
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_list(cli, path, LF_API_RECOVERY, &items, err);
	return rc ? rc : lf_cli_print_list(cli, items, list_columns, LF_N(list_columns), err);
}

static int points(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_JSON *all = NULL;
	int rc = lf_cli_find_item(cli, args, args->words[0], &item, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/recoveryPoints", lf_cli_id(item));
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_list(cli, path, LF_API_RECOVERY, &all, err);
	return rc ? rc : lf_cli_print_list(cli, all, point_columns, LF_N(point_columns), err);
}

static int watch(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_JSON *after = NULL;
	int rc = lf_cli_find_item(cli, args, args->words[0], &item, err);

	if (rc)
		return rc;
	struct lf_cli_watch state = {.item_id = lf_cli_id(item)};
	rc = lf_cli_watch_until_protected(cli, &state, &after, err);
	lf_cli_progress_end(cli, &state.progress);
	return rc ? rc : lf_cli_print_one(cli, after, item_columns, LF_N(item_columns), err);
}

static int disable(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_JSON *body = json_pack("{s:{s:s,s:{s:s}}}", "properties", "disableProtectionReason",
				       "NotSpecified", "replicationProviderInput", "instanceType",
				       "DisableProtectionProviderSpecificInput");
	int rc =
		body ? lf_cli_find_item(cli, args, args->words[0], &item, err) : lf_fail_nomem(err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/remove", lf_cli_id(item));
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, "POST", path, LF_API_RECOVERY, body, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, NULL, err, "%s is no longer replicated", args->words[0]);
}

static int update(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_JSON *details = json_pack("{s:s}", "instanceType", "InMageRcm");
	int rc = details ? lf_cli_find_item(cli, args, args->words[0], &item, err)
			 : lf_fail_nomem(err);

	if (!rc)
		rc = lf_cli_target_settings(cli, args, details, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *body =
		json_pack("{s:{s:O}}", "properties", "providerSpecificDetails", details);
	if (!body)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, "PATCH", lf_cli_id(item), LF_API_RECOVERY, body, NULL, NULL, &doc,
			   err);
	if (!rc && cli->wait)
		rc = show(cli, args, err);
	return rc;
}

#define ONE_ITEM .args = "ITEM", .min_args = 1, .max_args = 1

const struct lf_cli_command lf_cli_replication_commands[] = {
	{.words = "replication enable",
	 .args = "MACHINE",
	 .min_args = 1,
	 .max_args = 1,
	 .help = "Protect a discovered machine; ends when it is protected.",
	 .run = lf_cli_enable,
	 .options = {{"--policy", "POLICY", false, "replication policy (default: the only one)"},
		     {"--cache", "ACCOUNT", false,
		      "storage account that data passes through (default: the only one)"},
		     LF_CLI_TARGET_OPTIONS,
		     {"--multi-vm-group", "NAME", false,
		      "machines that have points of one instant together"},
		     {"--disks", "ID,ID...", false, "disks to protect (default: all)"},
		     {"--item", "NAME", false, "name of the protected item (the machine's)"},
		     {"--fabric", "FABRIC", false, "fabric of the machine (default: the only one)"},
		     LF_CLI_VAULT_OPTION,
		     LF_CLI_NO_WAIT_OPTION}},
	{.words = "replication list",
	 .help = "List the protected items of a vault.",
	 .run = list,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "replication show",
	 ONE_ITEM,
	 .help = "Show a protected item.",
	 .run = show,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "replication points",
	 ONE_ITEM,
	 .help = "List the recovery points of an item, the newest first.",
	 .run = points,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "replication watch",
	 ONE_ITEM,
	 .help = "Follow the initial replication until the item is protected.",
	 .run = watch,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "replication update",
	 ONE_ITEM,
	 .help = "Change the target settings of an item.",
	 .run = update,
	 .options = {LF_CLI_TARGET_OPTIONS, LF_CLI_VAULT_OPTION, LF_CLI_NO_WAIT_OPTION}},
	{.words = "replication disable",
	 ONE_ITEM,
	 .help = "Stop protecting a machine and drop its recovery points.",
	 .run = disable,
	 .options = {LF_CLI_VAULT_OPTION, LF_CLI_NO_WAIT_OPTION}},
	{0},
};
