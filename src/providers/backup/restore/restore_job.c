/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restores: of disks, as a new machine, and in the machine's place.
 */
#include <string.h>

#include "blob/blob.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/point/point.h"
#include "providers/backup/restore/restore.h"
#include "providers/compute/attach.h"
#include "providers/compute/machine.h"
#include "providers/compute/plan.h"
#include "vault/point/point.h"

static const json_t *input_of(const struct lf_job_run *run)
{
	return lf_job_run_job(run)->doc;
}

static const char *input_text(const struct lf_job_run *run, const char *name)
{
	return lf_json_text_or(input_of(run), name, "");
}

/* The vault that is read, and the name of the restore's claim on the point there. */
static int open_point(struct lf_job_run *run, struct lf_vault **ret_vault,
		      char claim[static LF_GUID_SIZE + 8], struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);

	snprintf(claim, LF_GUID_SIZE + 8, "restore:%s", lf_job_run_job(run)->id);
	return lf_regions_vault(context->regions, input_text(run, "region"), ret_vault, err);
}

static int run_hold(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	char claim[LF_GUID_SIZE + 8];

	int rc = open_point(run, &vault, claim, err);
	if (!rc)
		rc = lf_claim_put(vault, input_text(run, "point"), claim, LF_CLAIM_FOREVER, err);
	return rc != LF_ENOTFOUND ? rc
				  : lf_fail_arm(err, LF_ENOTFOUND, "UserErrorRecoveryPointNotFound",
						"recoveryPointId", "choose another recovery point",
						"the recovery point was deleted");
}

static int run_release(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	char claim[LF_GUID_SIZE + 8];

	int rc = open_point(run, &vault, claim, err);
	if (!rc)
		rc = lf_claim_drop(vault, input_text(run, "point"), claim, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

/* The disks of a machine to be (providers/compute/machine.h), named as the restore has it. */
static json_t *new_disks(const struct lf_job_run *run)
{
	json_t *disks = json_array();
	const json_t *disk;
	size_t i;

	json_array_foreach (lf_json_at(input_of(run), "disks"), i, disk)
		json_array_append_new(
			disks, json_pack("{s:I, s:s, s:I, s:{s:s, s:s, s:s, s:s, s:s}}", "lun",
					 (json_int_t)lf_json_int_or(disk, "lun", -1), "name",
					 lf_json_text_or(disk, "diskName", ""), "sizeBytes",
					 (json_int_t)lf_json_int_or(disk, "sizeBytes", 0), "source",
					 "kind", "point", "region", input_text(run, "region"),
					 "point", input_text(run, "point"), "root",
					 lf_json_text_or(disk, "root", ""), "disk",
					 lf_json_text_or(disk, "id", "")));
	return disks;
}

/* The machine that the point is of, somewhere else: what it is, without disks and interfaces. */
static json_t *new_machine(const struct lf_job_run *run)
{
	const json_t *machine = lf_json_at(input_of(run), "machine");
	bool secure = lf_json_bool_or(
		machine, "properties.securityProfile.uefiSettings.secureBootEnabled", false);

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:b, s:O*}", "id", input_text(run, "vm"), "location",
		input_text(run, "location"), "vmSize",
		lf_json_text_or(machine, "properties.hardwareProfile.vmSize", ""), "osType",
		lf_json_text_or(machine, "properties.storageProfile.osDisk.osType", "Linux"),
		"firmware", lf_json_text_or(input_of(run), "firmware", "bios"), "secureBoot",
		(int)secure, "tags", lf_json_at(machine, "tags"));
}

/* --- disks --- */

static char *disk_id(const struct lf_job_run *run, const json_t *disk)
{
	return lf_printf_dup("%s/providers/" LF_DISK_TYPE "/%s", input_text(run, "group"),
			     lf_json_text_or(disk, "name", ""));
}

static char *blob_name(const json_t *disk)
{
	return lf_printf_dup("%s.vhd", lf_json_text_or(disk, "name", "disk"));
}

static int make_blob(struct lf_job_run *run, const json_t *disk, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_FREE char *name = blob_name(disk);
	struct lf_blob_point point = {
		.region = lf_json_text_or(disk, "source.region", ""),
		.point = lf_json_text_or(disk, "source.point", ""),
		.root = lf_json_text_or(disk, "source.root", ""),
		.size_bytes = (uint64_t)lf_json_int_or(disk, "sizeBytes", 0),
	};

	return name ? lf_blob_put_point(context->data_dir, context->regions,
					input_text(run, "account"), input_text(run, "container"),
					name, &point, err)
		    : lf_fail_nomem(err);
}

static int write_text(struct lf_job_run *run, const char *blob, char *text, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_FREE char *own = text;

	return own ? lf_blob_put_bytes(context->data_dir, input_text(run, "account"),
				       input_text(run, "container"), input_text(run, blob), own,
				       strlen(own), err)
		   : lf_fail_nomem(err);
}

/* Where everything is: "uri" of a blob, "id" of a disk. */
static int place_disks(const struct lf_job_run *run, json_t *disks, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	bool managed = input_text(run, "group")[0];
	json_t *disk;
	size_t i;

	json_array_foreach (disks, i, disk) {
		LF_AUTO_FREE char *blob = blob_name(disk);
		LF_AUTO_FREE char *place =
			managed ? disk_id(run, disk)
				: lf_printf_dup("%s/%s/%s/%s", context->base_url,
						input_text(run, "account"),
						input_text(run, "container"), blob ? blob : "");
		if (!place || lf_json_set_text(disk, managed ? "id" : "uri", place))
			return lf_fail_nomem(err);
	}
	return 0;
}

static int note_places(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_FREE char *uri =
		lf_printf_dup("%s/%s/%s/%s", context->base_url, input_text(run, "account"),
			      input_text(run, "container"), input_text(run, "templateBlob"));
	json_t *bag = json_pack("{s:s, s:s, s:s, s:s?}", "Target Storage Account Name",
				input_text(run, "account"), "Config Blob Container Name",
				input_text(run, "container"), "Config Blob Name",
				input_text(run, "configBlob"), "Template Blob Uri", uri);

	return !bag || lf_json_set(lf_job_run_data(run), "propertyBag", bag) ? lf_fail_nomem(err)
									     : 0;
}

static int run_make_disks(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	bool managed = input_text(run, "group")[0];
	LF_AUTO_JSON *disks = new_disks(run);
	LF_AUTO_JSON *machine = new_machine(run);
	const json_t *disk;
	size_t i;

	if (!disks || !machine)
		return lf_fail_nomem(err);
	int rc = lf_blob_container_make(context->data_dir, input_text(run, "account"),
					input_text(run, "container"), err);
	json_array_foreach (disks, i, disk) {
		LF_AUTO_FREE char *id = disk_id(run, disk);
		if (!rc)
			rc = managed ? lf_disk_make(context, id, machine, disk, err)
				     : make_blob(run, disk, err);
	}
	if (!rc)
		rc = place_disks(run, disks, err);
	if (!rc)
		rc = write_text(run, "templateBlob", lf_restore_template(input_of(run), disks),
				err);
	if (!rc)
		rc = write_text(run, "configBlob", lf_restore_config(input_of(run), disks), err);
	return rc ? rc : note_places(run, err);
}

static int undo_make_disks(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_JSON *disks = new_disks(run);
	const json_t *disk;
	size_t i;

	int rc = disks ? lf_blob_container_remove(context->data_dir, context->regions,
						  input_text(run, "account"),
						  input_text(run, "container"), err)
		       : lf_fail_nomem(err);
	json_array_foreach (disks, i, disk) {
		LF_AUTO_FREE char *id = disk_id(run, disk);
		if (!rc && input_text(run, "group")[0])
			rc = lf_disk_remove(context, id, err);
	}
	return rc;
}

/* --- a machine in another place --- */

static int run_make_machine(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_JSON *machine = new_machine(run);
	LF_AUTO_FREE char *nic = lf_printf_dup("%s-nic", lf_arm_id_last(input_text(run, "vm")));
	json_t *nics = json_pack("[{s:s?, s:s, s:s, s:b}]", "name", nic, "networkId",
				 input_text(run, "network"), "subnet", input_text(run, "subnet"),
				 "primary", 1);

	if (!machine || lf_json_set(machine, "nics", nics) ||
	    lf_json_set(machine, "disks", new_disks(run)))
		return lf_fail_nomem(err);
	return lf_machine_make(context, machine, err);
}

static int undo_make_machine(struct lf_job_run *run, struct lf_error *err)
{
	return lf_machine_remove(lf_job_run_context(run), input_text(run, "vm"), err);
}

/* Its disks are copied behind it: it holds the point itself until that is done. */
static int run_start(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	int rc = lf_machine_start(context, input_text(run, "vm"), err);

	return rc ? rc : lf_machine_hydrate(context, input_text(run, "vm"), err);
}

/* --- other disks under the machine --- */

/* The machine as it is now, in case the restore was a mistake. */
static int run_safety_point(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_JSON *state = NULL;
	int rc = lf_machine_state(lf_job_run_context(run), input_text(run, "vm"), &state, err);

	if (!rc && lf_json_set_bool(lf_job_run_data(run), "wasRunning",
				    strcmp(lf_json_text_or(state, "power", ""), "stopped") != 0))
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_backup_point_take(run, input_text(run, "item"), NULL, err);
}

static int run_stop(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	char guid[LF_GUID_SIZE];

	lf_machine_host_guid(context, input_text(run, "vm"), guid);
	return lf_compute_vm_stop(context->compute, guid, true, err);
}

static int restart(struct lf_job_run *run, struct lf_error *err)
{
	return lf_json_bool_or(lf_job_run_job(run)->data, "wasRunning", true)
		       ? lf_machine_start(lf_job_run_context(run), input_text(run, "vm"), err)
		       : 0;
}

static int run_exchange(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_JSON *disks = new_disks(run);

	return disks ? lf_machine_exchange_disks(lf_job_run_context(run), input_text(run, "vm"),
						 lf_job_run_job(run)->id, disks, err)
		     : lf_fail_nomem(err);
}

static int undo_exchange(struct lf_job_run *run, struct lf_error *err)
{
	return lf_machine_exchange_back(lf_job_run_context(run), input_text(run, "vm"),
					lf_job_run_job(run)->id, err);
}

static int run_restart(struct lf_job_run *run, struct lf_error *err)
{
	int rc = restart(run, err);

	return rc || !lf_json_bool_or(lf_job_run_job(run)->data, "wasRunning", true)
		       ? rc
		       : lf_machine_hydrate(lf_job_run_context(run), input_text(run, "vm"), err);
}

#define HOLD                                                                                       \
	{                                                                                          \
		"HoldRecoveryPoint", "Prepare the restore", run_hold, run_release                  \
	}
#define RELEASE                                                                                    \
	{                                                                                          \
		"ReleaseRecoveryPoint", "Finish the restore", run_release, NULL                    \
	}

static const struct lf_job_step disks_steps[] = {
	HOLD,
	{"TransferData", "Transfer data from vault", run_make_disks, undo_make_disks},
	RELEASE,
};
static const struct lf_job_step machine_steps[] = {
	HOLD,
	{"CreateMachine", "Create the restored virtual machine", run_make_machine,
	 undo_make_machine},
	{"StartMachine", "Start the restored virtual machine", run_start, NULL},
	RELEASE,
};
static const struct lf_job_step replace_steps[] = {
	HOLD,
	{"TakeSnapshot", "Take Snapshot", run_safety_point, NULL},
	{"StopMachine", "Stop the virtual machine", run_stop, restart},
	{"ReplaceDisks", "Replace disks", run_exchange, undo_exchange},
	{"StartMachine", "Start the virtual machine", run_restart, NULL},
	RELEASE,
};

static const struct lf_backup_job_row row = {.operation = "Restore"};
const struct lf_job_type lf_backup_restore_disks_job = {.name = LF_BACKUP_JOBS "restoreDisks",
							.steps = disks_steps,
							.n_steps = LF_N(disks_steps),
							.subject = &row};
const struct lf_job_type lf_backup_restore_machine_job = {.name = LF_BACKUP_JOBS "restoreMachine",
							  .steps = machine_steps,
							  .n_steps = LF_N(machine_steps),
							  .subject = &row};
const struct lf_job_type lf_backup_replace_disks_job = {.name = LF_BACKUP_JOBS "replaceDisks",
							.steps = replace_steps,
							.n_steps = LF_N(replace_steps),
							.subject = &row};
