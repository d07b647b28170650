/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target machines: those that failovers made.
 */
#include "cli/find.h"
#include "cli/output.h"

static const struct lf_cli_column vm_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},
	{"SIZE", "properties.hardwareProfile.vmSize", LF_SHOW_TEXT},
	{"STATE", "properties.instanceView.statuses.1.displayStatus", LF_SHOW_TEXT},
	{"DISKS", "properties.storageProfile.dataDisks", LF_SHOW_COUNT},
	{"GROUP", "id", LF_SHOW_GROUP},
};

static int vm_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	const char *group = lf_args_value(args, "--group");
	LF_AUTO_JSON *vms = NULL;
	LF_AUTO_FREE char *path = lf_cli_path(
		cli, "%s%s/providers/Microsoft.Compute/virtualMachines?$expand=instanceView",
		group ? "/resourceGroups/" : "", group ? group : "");

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_list(cli, path, LF_API_COMPUTE, &vms, err);
	return rc ? rc : lf_cli_print_list(cli, vms, vm_columns, LF_N(vm_columns), err);
}

/* "ID/suffix" of the machine that is meant; free(). */
static int vm_path(struct lf_cli *cli, const struct lf_args *args, const char *suffix,
		   char **ret_path, struct lf_error *err)
{
	LF_AUTO_JSON *vm = NULL;
	int rc = lf_cli_find(cli, &lf_kind_vm, NULL, args->words[0], &vm, err);

	if (rc)
		return rc;
	*ret_path = lf_printf_dup("%s%s", lf_cli_id(vm), suffix);
	return *ret_path ? 0 : lf_fail_nomem(err);
}

static int vm_show(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_JSON *vm = NULL;
	int rc = vm_path(cli, args, "?$expand=instanceView", &path, err);

	if (!rc)
		rc = lf_cli_get(cli, path, LF_API_COMPUTE, &vm, err);
	return rc ? rc : lf_cli_print_one(cli, vm, vm_columns, LF_N(vm_columns), err);
}

static int vm_console(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_JSON *uris = NULL;
	LF_AUTO_CLI_ANSWER console = {0};
	int rc = vm_path(cli, args, "/retrieveBootDiagnosticsData", &path, err);

	if (!rc)
		rc = lf_cli_change(cli, "POST", path, LF_API_COMPUTE, NULL, NULL, NULL, &uris, err);
	if (rc)
		return rc;
	const char *uri = lf_json_text(uris, "serialConsoleLogBlobUri");
	if (!uri)
		return lf_fail(err, LF_ENOTFOUND, args->words[0], "the machine has no console");
	rc = lf_cli_call(cli, "GET", uri, NULL, NULL, &console, err);
	if (!rc)
		lf_cli_print_text(&console, lf_args_value(args, "--raw"));
	return rc;
}

static int vm_act(struct lf_cli *cli, const struct lf_args *args, const char *method,
		  const char *suffix, const char *said, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_JSON *doc = NULL;
	int rc = vm_path(cli, args, suffix, &path, err);

	if (!rc)
		rc = lf_cli_change(cli, method, path, LF_API_COMPUTE, NULL, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, NULL, err, "%s %s", args->words[0], said);
}

static int vm_start(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	return vm_act(cli, args, "POST", "/start", "runs", err);
}

static int vm_stop(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	return vm_act(cli, args, "POST", "/powerOff", "is off", err);
}

static int vm_delete(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	return vm_act(cli, args, "DELETE", "", "is gone", err);
}

#define ONE_VM .args = "VM", .min_args = 1, .max_args = 1

const struct lf_cli_command lf_cli_vm_commands[] = {
	{.words = "vm list",
	 .help = "List virtual machines.",
	 .run = vm_list,
	 .options = {LF_CLI_GROUP_OPTION}},
	{.words = "vm show", ONE_VM, .help = "Show a virtual machine.", .run = vm_show},
	{.words = "vm console",
	 ONE_VM,
	 .help = "Print what a machine has said on its serial console, without control sequences.",
	 .run = vm_console,
	 .options = {{"--raw", NULL, false, "every byte as the machine sent it"}}},
	{.words = "vm start",
	 ONE_VM,
	 .help = "Start a machine.",
	 .run = vm_start,
	 .options = {LF_CLI_NO_WAIT_OPTION}},
	{.words = "vm stop",
	 ONE_VM,
	 .help = "Power a machine off.",
	 .run = vm_stop,
	 .options = {LF_CLI_NO_WAIT_OPTION}},
	{.words = "vm delete",
	 ONE_VM,
	 .help = "Delete a machine.",
	 .run = vm_delete,
	 .options = {LF_CLI_NO_WAIT_OPTION}},
	{0},
};
