/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of virtual machines: protect, back up, look, restore.
 */
#include <string.h>

#include "base/text.h"
#include "cli/commands/backup.h"
#include "cli/find.h"
#include "cli/output.h"

#define API	LF_CLI_BACKUP_API
#define FABRIC	"/backupFabrics/Azure/protectionContainers/"
#define STEP_MS 1000

static const struct lf_cli_kind kind_policy = {"backup policy", "/backupPolicies", API};

static const struct lf_cli_column item_columns[] = {
	{"MACHINE", "properties.friendlyName", LF_SHOW_TEXT},
	{"STATE", "properties.protectionState", LF_SHOW_TEXT},
	{"LAST BACKUP", "properties.lastBackupTime", LF_SHOW_TEXT},
	{"POINTS", "properties.extendedInfo.recoveryPointCount", LF_SHOW_TEXT},
	{"POLICY", "properties.policyName", LF_SHOW_TEXT},
};
static const struct lf_cli_column point_columns[] = {
	{"POINT", "name", LF_SHOW_TEXT},
	{"TIME", "properties.recoveryPointTime", LF_SHOW_TEXT},
	{"CONSISTENCY", "properties.recoveryPointType", LF_SHOW_TEXT},
	{"DISKS", "properties.recoveryPointDiskConfiguration.includedDiskList", LF_SHOW_COUNT},
	{"KEPT UNTIL", "properties.recoveryPointProperties.expiryTime", LF_SHOW_TEXT},
};
static const struct lf_cli_column job_columns[] = {
	{"JOB", "name", LF_SHOW_TEXT},
	{"WHAT", "properties.operation", LF_SHOW_TEXT},
	{"OF", "properties.entityFriendlyName", LF_SHOW_TEXT},
	{"STATE", "properties.status", LF_SHOW_TEXT},
	{"STARTED", "properties.startTime", LF_SHOW_TEXT},
	{"DONE %", "properties.extendedInfo.progressPercentage", LF_SHOW_TEXT},
};

/* The job of an accepted request, followed to its end. */
static int follow_job(struct lf_cli *cli, const char *item_id, const struct lf_cli_answer *answer,
		      json_t **ret_job, struct lf_error *err)
{
	struct lf_cli_progress progress = {0};
	const char *end = strstr(item_id, FABRIC);
	char id[LF_GUID_SIZE] = "";
	const char *slash = strrchr(answer->monitor, '/');

	if (slash)
		snprintf(id, sizeof(id), "%.36s", slash + 1);
	LF_AUTO_FREE char *path =
		lf_printf_dup("%.*s/backupJobs/%s", (int)(end ? end - item_id : 0), item_id, id);
	for (;;) {
		LF_AUTO_JSON *job = NULL;
		int rc = path ? lf_cli_get(cli, path, API, &job, err) : lf_fail_nomem(err);
		if (rc)
			return rc;
		const char *status = lf_json_text_or(job, "properties.status", "");
		bool ended = strcmp(status, "InProgress") != 0 && strcmp(status, "Cancelling") != 0;
		if (ended || !cli->wait) {
			lf_cli_progress_end(cli, &progress);
			*ret_job = lf_steal(&job);
			break;
		}
		int percent =
			(int)lf_json_int_or(job, "properties.extendedInfo.progressPercentage", 0);
		lf_cli_progress(
			cli, &progress, percent, "%s, %s left",
			lf_json_text_or(job, "properties.operation", ""),
			lf_json_text_or(job, "properties.extendedInfo.estimatedRemainingDuration",
					"?"));
		lf_cli_sleep_ms(STEP_MS);
	}
	if (strcmp(lf_json_text_or(*ret_job, "properties.status", ""), "Failed") != 0)
		return 0;
	lf_fail(err, LF_EIO, id, "%s",
		lf_json_text_or(*ret_job, "properties.errorDetails.0.errorString",
				"the job failed"));
	return lf_error_hint(err, "landfall backup jobs tells more");
}

static int submit(struct lf_cli *cli, const char *method, const char *path, const char *item_id,
		  const json_t *body, json_t **ret_job, struct lf_error *err)
{
	LF_AUTO_CLI_ANSWER answer = {0};
	int rc = lf_cli_call(cli, method, path, API, body, &answer, err);

	return rc ? rc : follow_job(cli, item_id, &answer, ret_job, err);
}

/* A machine with an agent, which the vault could protect, as {"id", "name"}. */
static int find_server(struct lf_cli *cli, const char *vault, const char *name, json_t **ret_vm,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/backupProtectableItems", vault);
	LF_AUTO_JSON *items = NULL;
	const char *found = NULL;
	const json_t *item;
	size_t i;
	int n = 0, rc = path ? lf_cli_list(cli, path, API, &items, err) : lf_fail_nomem(err);

	json_array_foreach (items, i, item) {
		const char *id = lf_json_text_or(item, "properties.virtualMachineId", "/");
		const char *last = strrchr(id, '/') ? strrchr(id, '/') + 1 : id;
		if (lf_text_equal_nocase(last, name)) {
			found = id;
			n = 1;
			break;
		}
		if (!lf_text_equal_nocase(lf_json_text_or(item, "properties.friendlyName", ""),
					  name))
			continue;
		found = id;
		n++;
	}
	if (rc)
		return rc;
	if (n > 1) /* a machine says itself what it is called */
		return lf_fail(err, LF_ECONFLICT, name,
			       "%d machines are called '%s': give the agent's id", n, name);
	if (n) {
		*ret_vm = json_pack("{s:s, s:s}", "id", found, "name", strrchr(found, '/') + 1);
		return *ret_vm ? 0 : lf_fail_nomem(err);
	}
	lf_fail(err, LF_ENOTFOUND, name, "there is no machine '%s' that is not protected yet",
		name);
	return lf_error_hint(err, "see landfall vm list, and landfall site machines SITE");
}

static int backup_enable(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	const char *policy = lf_args_value_or(args, "--policy", "DefaultPolicy");
	LF_AUTO_JSON *vm = NULL;
	LF_AUTO_JSON *chosen = NULL;
	LF_AUTO_JSON *job = NULL;
	LF_AUTO_FREE char *vault = NULL;
	char group[128] = "";

	int rc = lf_cli_find_vault(cli, args, &vault, err);
	if (!rc)
		rc = lf_cli_find(cli, &lf_kind_vm, NULL, args->words[0], &vm, err);
	if (rc == LF_ENOTFOUND && vault)
		rc = find_server(cli, vault, args->words[0], &vm, err);
	if (!rc)
		rc = lf_cli_find(cli, &kind_policy, vault, policy, &chosen, err);
	if (rc)
		return rc;
	const char *at = strcasestr(lf_cli_id(vm), "/resourceGroups/");
	if (at)
		snprintf(group, sizeof(group), "%.*s",
			 (int)strcspn(at + strlen("/resourceGroups/"), "/"),
			 at + strlen("/resourceGroups/"));
	LF_AUTO_FREE char *item =
		lf_printf_dup("%s" FABRIC "iaasvmcontainer;iaasvmcontainerv2;%s;%s/protectedItems/"
			      "VM;iaasvmcontainerv2;%s;%s",
			      vault, group, lf_cli_name(vm), group, lf_cli_name(vm));
	LF_AUTO_JSON *body = json_pack("{s:{s:s, s:s, s:s}}", "properties", "protectedItemType",
				       "Microsoft.Compute/virtualMachines", "sourceResourceId",
				       lf_cli_id(vm), "policyId", lf_cli_id(chosen));
	if (!item || !body)
		return lf_fail_nomem(err);
	rc = submit(cli, "PUT", item, item, body, &job, err);
	return rc ? rc
		  : lf_cli_say(cli, job, err, "%s is now protected by policy %s", args->words[0],
			       policy);
}

static int backup_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *items = NULL;
	int rc = lf_cli_find_vault(cli, args, &vault, err);
	LF_AUTO_FREE char *path = rc ? NULL : lf_printf_dup("%s" LF_CLI_BACKUP_ITEMS, vault);

	if (!rc)
		rc = path ? lf_cli_list(cli, path, API, &items, err) : lf_fail_nomem(err);
	return rc ? rc : lf_cli_print_list(cli, items, item_columns, LF_N(item_columns), err);
}

static int backup_jobs(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *jobs = NULL;
	int rc = lf_cli_find_vault(cli, args, &vault, err);
	LF_AUTO_FREE char *path = rc ? NULL : lf_printf_dup("%s/backupJobs", vault);

	if (!rc)
		rc = path ? lf_cli_list(cli, path, API, &jobs, err) : lf_fail_nomem(err);
	return rc ? rc : lf_cli_print_list(cli, jobs, job_columns, LF_N(job_columns), err);
}

static int backup_now(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_JSON *job = NULL;
	LF_AUTO_JSON *body =
		json_pack("{s:{s:s}}", "properties", "objectType", "IaasVMBackupRequest");
	int rc = lf_cli_backup_item(cli, args, &item, err);
	LF_AUTO_FREE char *path = rc ? NULL : lf_printf_dup("%s/backup", lf_cli_id(item));

	if (!rc)
		rc = path && body ? submit(cli, "POST", path, lf_cli_id(item), body, &job, err)
				  : lf_fail_nomem(err);
	return rc ? rc
		  : lf_cli_say(cli, job, err, "%s %s: %s stored", args->words[0],
			       cli->wait ? "is backed up" : "is being backed up",
			       lf_json_text_or(job,
					       "properties.extendedInfo.propertyBag.Backup Size",
					       "nothing"));
}

static int backup_points(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_JSON *points = NULL;
	int rc = lf_cli_backup_item(cli, args, &item, err);

	if (!rc)
		rc = lf_cli_backup_points(cli, item, &points, err);
	return rc ? rc : lf_cli_print_list(cli, points, point_columns, LF_N(point_columns), err);
}

/* --- restore --- */

/* The id of what an option names, into a member of the request. */
static int add_named(struct lf_cli *cli, const struct lf_args *args, const char *option,
		     const struct lf_cli_kind *kind, const char *member, json_t *request,
		     struct lf_error *err)
{
	const char *name = lf_args_value(args, option);
	LF_AUTO_JSON *found = NULL;
	int rc = name ? lf_cli_find(cli, kind, NULL, name, &found, err) : 0;

	if (!rc && name && lf_json_set_text(request, member, lf_cli_id(found)))
		rc = lf_fail_nomem(err);
	return rc;
}

static int add_target(struct lf_cli *cli, const struct lf_args *args, json_t *request,
		      struct lf_error *err)
{
	const char *group = lf_args_value(args, "--group"), *name = lf_args_value(args, "--name");
	const char *subnet = lf_args_value_or(args, "--subnet", "default");
	LF_AUTO_FREE char *id = group ? lf_cli_path(cli, "/resourceGroups/%s", group) : NULL;
	LF_AUTO_FREE char *vm = NULL;

	int rc = add_named(cli, args, "--account", &lf_kind_storage, "storageAccountId", request,
			   err);
	if (!rc)
		rc = add_named(cli, args, "--network", &lf_kind_network, "virtualNetworkId",
			       request, err);
	if (rc)
		return rc;
	if (name)
		vm = lf_printf_dup("%s/providers/Microsoft.Compute/virtualMachines/%s",
				   id ? id : "", name);
	const char *network = lf_json_text(request, "virtualNetworkId");
	LF_AUTO_FREE char *subnet_id =
		network ? lf_printf_dup("%s/subnets/%s", network, subnet) : NULL;
	if ((id && lf_json_set_text(request, "targetResourceGroupId", id)) ||
	    (vm && lf_json_set_text(request, "targetVirtualMachineId", vm)) ||
	    (subnet_id && lf_json_set_text(request, "subnetId", subnet_id)))
		return lf_fail_nomem(err);
	return 0;
}

/* --as disks, machine or replace, in the contract's words. */
static const char *kind_of(const struct lf_args *args)
{
	const char *as = lf_args_value_or(args, "--as", "disks");

	return strcmp(as, "machine") == 0   ? "AlternateLocation"
	       : strcmp(as, "replace") == 0 ? "OriginalLocation"
	       : strcmp(as, "disks") == 0   ? "RestoreDisks"
					    : as;
}

static int backup_restore(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_JSON *job = NULL;
	LF_AUTO_FREE char *point = NULL;

	int rc = lf_cli_backup_item(cli, args, &item, err);
	if (!rc)
		rc = lf_cli_backup_point(cli, args, item, &point, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *request = json_pack("{s:s, s:s, s:s, s:s}", "objectType",
					  "IaasVMRestoreRequest", "recoveryPointId", point,
					  "recoveryType", kind_of(args), "sourceResourceId",
					  lf_json_text_or(item, "properties.sourceResourceId", ""));
	LF_AUTO_FREE char *path =
		lf_printf_dup("%s/recoveryPoints/%s/restore", lf_cli_id(item), point);
	rc = request && path ? add_target(cli, args, request, err) : lf_fail_nomem(err);
	LF_AUTO_JSON *body = rc ? NULL : json_pack("{s:O}", "properties", request);
	if (!rc)
		rc = body ? submit(cli, "POST", path, lf_cli_id(item), body, &job, err)
			  : lf_fail_nomem(err);
	return rc ? rc
		  : lf_cli_say(cli, job, err, "%s %s as of point %s", args->words[0],
			       cli->wait ? "is restored" : "is being restored", point);
}

static int backup_stop(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	bool erase = lf_args_value(args, "--delete-data");
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_JSON *job = NULL;
	LF_AUTO_JSON *body = NULL;
	int rc = lf_cli_backup_item(cli, args, &item, err);

	if (!rc && !erase) {
		body = json_pack("{s:{s:s, s:s, s:s}}", "properties", "protectedItemType",
				 "Microsoft.Compute/virtualMachines", "sourceResourceId",
				 lf_json_text_or(item, "properties.sourceResourceId", ""),
				 "protectionState", "ProtectionStopped");
		rc = body ? 0 : lf_fail_nomem(err);
	}
	if (!rc)
		rc = submit(cli, erase ? "DELETE" : "PUT", lf_cli_id(item), lf_cli_id(item), body,
			    &job, err);
	return rc ? rc
		  : lf_cli_say(cli, job, err,
			       erase ? "%s is not backed up any more; its points can be brought "
				       "back for some days"
				     : "%s is not backed up any more; its points stay",
			       args->words[0]);
}

#define ONE_MACHINE .args = "MACHINE", .min_args = 1, .max_args = 1

const struct lf_cli_command lf_cli_backup_commands[] = {
	{.words = "backup list",
	 .help = "List the machines that a vault backs up.",
	 .run = backup_list,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "backup enable",
	 ONE_MACHINE,
	 .help = "Back a virtual machine up, by a policy's schedule.",
	 .run = backup_enable,
	 .options = {LF_CLI_VAULT_OPTION,
		     {"--policy", "POLICY", false, "the backup policy (default: DefaultPolicy)"},
		     LF_CLI_NO_WAIT_OPTION}},
	{.words = "backup now",
	 ONE_MACHINE,
	 .help = "Take a recovery point now.",
	 .run = backup_now,
	 .options = {LF_CLI_VAULT_OPTION, LF_CLI_NO_WAIT_OPTION}},
	{.words = "backup points",
	 ONE_MACHINE,
	 .help = "List a machine's recovery points, the newest first.",
	 .run = backup_points,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "backup restore",
	 ONE_MACHINE,
	 .help = "Restore a machine, or its disks, from a recovery point.",
	 .run = backup_restore,
	 .options = {LF_CLI_VAULT_OPTION,
		     {"--point", "POINT", false, "the recovery point (default: the newest)"},
		     {"--as", "KIND", false,
		      "disks (default), machine (a new one) or replace (in its place)"},
		     {"--account", "NAME", false, "storage account for disks and configuration"},
		     {"--group", "GROUP", false,
		      "resource group of managed disks, or of the new machine"},
		     {"--name", "NAME", false, "name of the new machine"},
		     {"--network", "NETWORK", false, "virtual network of the new machine"},
		     {"--subnet", "SUBNET", false, "its subnet (default: default)"},
		     LF_CLI_NO_WAIT_OPTION}},
	{.words = "backup files",
	 ONE_MACHINE,
	 .help = "Get a script that mounts the files of a recovery point, read only.",
	 .run = lf_cli_backup_files,
	 .options = {LF_CLI_VAULT_OPTION,
		     {"--point", "POINT", false, "the recovery point (default: the newest)"},
		     {"--to", "FILE", false, "where the script goes (default: MACHINE-POINT.sh)"},
		     {"--revoke", NULL, false, "end it now; else it ends after twelve hours"}}},
	{.words = "backup stop",
	 ONE_MACHINE,
	 .help = "Stop backing a machine up; its points stay.",
	 .run = backup_stop,
	 .options = {LF_CLI_VAULT_OPTION,
		     {"--delete-data", NULL, false, "delete the points too, softly"},
		     LF_CLI_NO_WAIT_OPTION}},
	{.words = "backup jobs",
	 .help = "List the jobs of backups and restores.",
	 .run = backup_jobs,
	 .options = {LF_CLI_VAULT_OPTION}},
	{0},
};
