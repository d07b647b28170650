/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restores: of disks, as a new machine, and in the machine's place.
 *
 * Each begins by claiming the point and ends by dropping that claim; between the two everything has
 * the names that the input gives it, so that a step which a kill cut short finds what it had made.
 * Before disks are replaced a point is taken of the machine as it is, and the machine is stopped;
 * if the exchange fails, it gets its own disks back and is started if it was running.
 */
#include <string.h>

#include "blob/blob.h"
#include "blob/point.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/point/documents.h"
#include "providers/backup/point/point.h"
#include "providers/backup/restore/restore.h"
#include "providers/compute/attach.h"
#include "providers/compute/machine.h"
#include "providers/compute/ids.h"
#include "vault/point/point.h"

/* One step of a restore. */
struct step {
	struct lf_job_run *run;
	struct lf_context *context;
	struct lf_restore input;
};

static int begin_step(struct lf_job_run *run, struct step *ret_step, struct lf_error *err)
{
	ret_step->run = run;
	ret_step->context = lf_job_run_context(run);
	return lf_restore_read(lf_job_run_job(run), &ret_step->input, err);
}

/* The vault that is read, and the name of the restore's claim on the point there. */
static int open_point(struct lf_job_run *run, struct step *ret_step, struct lf_vault **ret_vault,
		      char claim[static LF_GUID_SIZE + 8], struct lf_error *err)
{
	int rc = begin_step(run, ret_step, err);

	snprintf(claim, LF_GUID_SIZE + 8, "restore:%s", lf_job_run_job(run)->id);
	return rc ? rc
		  : lf_regions_vault(ret_step->context->regions, ret_step->input.region, ret_vault,
				     err);
}

static int run_hold(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	struct step step;
	char claim[LF_GUID_SIZE + 8];

	int rc = open_point(run, &step, &vault, claim, err);
	if (!rc)
		rc = lf_claim_put(vault, step.input.point, claim, LF_CLAIM_FOREVER, err);
	return rc != LF_ENOTFOUND ? rc
				  : lf_fail_arm(err, LF_ENOTFOUND, "UserErrorRecoveryPointNotFound",
						"recoveryPointId", "choose another recovery point",
						"the recovery point was deleted");
}

static int run_release(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	struct step step;
	char claim[LF_GUID_SIZE + 8];

	int rc = open_point(run, &step, &vault, claim, err);
	return rc ? rc : lf_claim_drop(vault, step.input.point, claim, err);
}

/* What the machine said of its disk at that LUN; NULL: nothing. */
static const json_t *disk_then(const struct lf_restore *input, int lun)
{
	const json_t *profile = lf_json_at(input->machine, "properties.storageProfile");

	return lun < 0 ? lf_json_at(profile, "osDisk")
		       : lf_backup_disk_at(lf_json_at(profile, "dataDisks"), lun);
}

/* The type and the caching are those of then. */
static json_t *new_disk(const struct lf_restore *input, const struct lf_restore_disk *disk)
{
	const json_t *then = disk_then(input, disk->lun);
	LF_AUTO_DOC row = LF_DOC_INIT;

	lf_doc_int(&row, "lun", disk->lun);
	lf_doc_text(&row, "name", disk->disk_name);
	lf_doc_int(&row, "sizeBytes", disk->size_bytes);
	lf_doc_text_if(&row, "sku", lf_json_text(then, "managedDisk.storageAccountType"));
	lf_doc_text_if(&row, "caching", lf_json_text(then, "caching"));
	lf_doc_put(&row, "source",
		   lf_point_ref_doc(&(struct lf_point_ref){.region = input->region,
							   .point = input->point,
							   .root = disk->root,
							   .disk = disk->id}));
	return lf_doc_take(&row);
}

/* The disks of a machine to be (providers/compute/machine.h), named as the restore has it. */
static json_t *new_disks(const struct lf_restore *input)
{
	LF_AUTO_DOC disks = LF_DOC_INIT;

	lf_doc_put(&disks, "disks", json_array());
	for (size_t i = 0; i < input->n_disks; i++)
		lf_doc_append(&disks, "disks", new_disk(input, &input->disks[i]));
	LF_AUTO_JSON *own = lf_doc_take(&disks);
	return json_incref(lf_json_at(own, "disks"));
}

#define SECURITY "properties.securityProfile."
/* Each region has the same zones. A set or a placement group is the source's own: left out. */
static void put_asked(struct lf_doc *machine, const json_t *had)
{
	lf_doc_bool(machine, "secureBoot",
		    lf_json_bool_or(had, SECURITY "uefiSettings.secureBootEnabled", false));
	lf_doc_bool(machine, "tpm",
		    lf_json_bool_or(had, SECURITY "uefiSettings.vTpmEnabled", false));
	lf_doc_text_if(machine, "securityType", lf_json_text(had, SECURITY "securityType"));
	lf_doc_text_if(machine, "licenseType", lf_json_text(had, "properties.licenseType"));
	lf_doc_share_if(machine, "zones", lf_json_at(had, "zones"));
	lf_doc_share_if(machine, "tags", lf_json_at(had, "tags"));
}

/* The machine that the point is of, somewhere else: what it is, without disks and interfaces. */
static json_t *new_machine(const struct lf_restore *input)
{
	const json_t *had = input->machine;
	LF_AUTO_DOC machine = LF_DOC_INIT;

	lf_doc_text(&machine, "id", input->vm);
	lf_doc_text(&machine, "location", input->location);
	lf_doc_text(&machine, "vmSize",
		    lf_json_text_or(had, "properties.hardwareProfile.vmSize", ""));
	lf_doc_text(&machine, "osType",
		    lf_json_text_or(had, "properties.storageProfile.osDisk.osType", "Linux"));
	lf_doc_text(&machine, "firmware", input->firmware);
	put_asked(&machine, had);
	return lf_doc_take(&machine);
}

static char *disk_id(const struct lf_restore *input, const char *name)
{
	return lf_printf_dup("%s/providers/" LF_DISK_TYPE "/%s", input->group, name);
}

static int make_blob(const struct step *step, const struct lf_restore_disk *disk,
		     struct lf_error *err)
{
	const struct lf_restore *input = &step->input;
	LF_AUTO_FREE char *name = lf_printf_dup("%s.vhd", disk->disk_name);
	struct lf_blob_point point = {
		.region = input->region,
		.point = input->point,
		.root = disk->root,
		.size_bytes = (uint64_t)disk->size_bytes,
	};

	return name ? lf_blob_put_point(step->context->data_dir, step->context->regions,
					input->account, input->container, name, &point, err)
		    : lf_fail_nomem(err);
}

/* A managed disk, or a blob in the staging account. */
static int make_disk(const struct step *step, const json_t *machine, const json_t *row,
		     const struct lf_restore_disk *disk, struct lf_error *err)
{
	LF_AUTO_FREE char *id = disk_id(&step->input, disk->disk_name);

	if (!id)
		return lf_fail_nomem(err);
	return step->input.group[0] ? lf_disk_make(step->context, id, machine, row, err)
				    : make_blob(step, disk, err);
}

static int write_text(const struct step *step, const char *blob, char *text, struct lf_error *err)
{
	LF_AUTO_FREE char *own = text;

	return own ? lf_blob_put_bytes(step->context->data_dir, step->input.account,
				       step->input.container, blob, own, strlen(own), err)
		   : lf_fail_nomem(err);
}

/* Where everything is: "uri" of a blob, "id" of a disk. */
static int place_disks(const struct step *step, json_t *disks, struct lf_error *err)
{
	const struct lf_restore *input = &step->input;
	bool managed = input->group[0];

	for (size_t i = 0; i < input->n_disks; i++) {
		const char *name = input->disks[i].disk_name;
		LF_AUTO_FREE char *place =
			managed ? disk_id(input, name)
				: lf_printf_dup("%s/%s/%s/%s.vhd", step->context->base_url,
						input->account, input->container, name);
		if (!place ||
		    lf_json_set_text(json_array_get(disks, i), managed ? "id" : "uri", place))
			return lf_fail_nomem(err);
	}
	return 0;
}

static int note_places(const struct step *step, struct lf_error *err)
{
	const struct lf_restore *input = &step->input;
	LF_AUTO_DOC bag = LF_DOC_INIT;

	lf_doc_text(&bag, "Target Storage Account Name", input->account);
	lf_doc_text(&bag, "Config Blob Container Name", input->container);
	lf_doc_text(&bag, "Config Blob Name", input->config_blob);
	lf_doc_printf(&bag, "Template Blob Uri", "%s/%s/%s/%s", step->context->base_url,
		      input->account, input->container, input->template_blob);
	return lf_json_set(lf_job_run_data(step->run), "propertyBag", lf_doc_take(&bag))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int run_make_disks(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	int rc = begin_step(run, &step, err);

	if (rc)
		return rc;
	const struct lf_restore *input = &step.input;
	LF_AUTO_JSON *disks = new_disks(input);
	LF_AUTO_JSON *machine = new_machine(input);
	if (!disks || !machine)
		return lf_fail_nomem(err);
	rc = lf_blob_container_make(step.context->data_dir, input->account, input->container, err);
	for (size_t i = 0; !rc && i < input->n_disks; i++)
		rc = make_disk(&step, machine, json_array_get(disks, i), &input->disks[i], err);
	if (!rc)
		rc = place_disks(&step, disks, err);
	if (!rc)
		rc = write_text(&step, input->template_blob, lf_restore_template(input, disks),
				err);
	if (!rc)
		rc = write_text(&step, input->config_blob, lf_restore_config(input, disks), err);
	return rc ? rc : note_places(&step, err);
}

static int undo_make_disks(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	int rc = begin_step(run, &step, err);

	if (!rc)
		rc = lf_blob_container_remove(step.context->data_dir, step.context->regions,
					      step.input.account, step.input.container, err);
	for (size_t i = 0; !rc && step.input.group[0] && i < step.input.n_disks; i++) {
		LF_AUTO_FREE char *id = disk_id(&step.input, step.input.disks[i].disk_name);
		rc = id ? lf_disk_remove(step.context, id, err) : lf_fail_nomem(err);
	}
	return rc;
}

static json_t *new_nic(const struct lf_restore *input)
{
	LF_AUTO_DOC nic = LF_DOC_INIT;

	if (input->nic[0])
		lf_doc_text(&nic, "name", input->nic);
	else /* a job of an older version */
		lf_doc_printf(&nic, "name", "%s-nic", lf_arm_id_last(input->vm));
	lf_doc_text(&nic, "networkId", input->network);
	lf_doc_text(&nic, "subnet", input->subnet);
	lf_doc_bool(&nic, "primary", true);
	return lf_doc_take(&nic);
}

/* What was made, where. */
static int note_machine(const struct step *step, struct lf_error *err)
{
	const struct lf_restore *input = &step->input;
	LF_AUTO_DOC bag = LF_DOC_INIT;

	lf_doc_text(&bag, "Job Type", "Recover to an alternate location");
	lf_doc_text(&bag, "VM Name", input->vm_name);
	lf_doc_text(&bag, "Target Virtual Machine Name", lf_arm_id_last(input->vm));
	lf_doc_text(&bag, "Target Resource Group", lf_arm_id_last(input->group));
	lf_doc_text(&bag, "Target Virtual Network", lf_arm_id_last(input->network));
	lf_doc_text(&bag, "Target Subnet", input->subnet);
	return lf_json_set(lf_job_run_data(step->run), "propertyBag", lf_doc_take(&bag))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int run_make_machine(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	LF_AUTO_JSON *whole = NULL;
	int rc = begin_step(run, &step, err);

	if (rc)
		return rc;
	LF_AUTO_DOC machine = lf_doc_from(new_machine(&step.input));
	lf_doc_append(&machine, "nics", new_nic(&step.input));
	lf_doc_put(&machine, "disks", new_disks(&step.input));
	rc = lf_doc_end(&machine, &whole, err);
	if (!rc)
		rc = lf_machine_make(step.context, whole, err);
	return rc ? rc : note_machine(&step, err);
}

static int undo_make_machine(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	int rc = begin_step(run, &step, err);

	return rc ? rc : lf_machine_remove(step.context, step.input.vm, err);
}

/* Its disks are copied behind it: it holds the point itself until that is done. */
static int run_start(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	int rc = begin_step(run, &step, err);

	if (!rc)
		rc = lf_machine_start(step.context, step.input.vm, err);
	return rc ? rc : lf_machine_hydrate(step.context, step.input.vm, err);
}

/* The machine as it is now, in case the restore was a mistake. */
static int run_safety_point(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	LF_AUTO_VM_STATE state = {0};
	int rc = begin_step(run, &step, err);

	if (!rc)
		rc = lf_machine_state(step.context, step.input.vm, &state, err);
	if (!rc &&
	    lf_json_set_bool(lf_job_run_data(run), "wasRunning", state.power != LF_VM_STOPPED))
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_backup_point_take(run, step.input.item, NULL, err);
}

/* A safety point that is whole stays, whatever comes of the restore. */
static int undo_safety_point(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	int rc = begin_step(run, &step, err);

	return rc ? rc : lf_backup_point_untake(run, step.input.item, err);
}

static int run_stop(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	char guid[LF_GUID_SIZE];
	int rc = begin_step(run, &step, err);

	if (rc)
		return rc;
	lf_machine_host_guid(step.context, step.input.vm, guid);
	return lf_compute_vm_stop(step.context->compute, guid, true, err);
}

static bool was_running(const struct lf_job_run *run)
{
	return lf_json_bool_or(lf_job_run_job(run)->data, "wasRunning", true);
}

static int restart(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	int rc = begin_step(run, &step, err);

	return rc || !was_running(run) ? rc : lf_machine_start(step.context, step.input.vm, err);
}

static int run_exchange(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	int rc = begin_step(run, &step, err);

	if (rc)
		return rc;
	LF_AUTO_JSON *disks = new_disks(&step.input);
	return disks ? lf_machine_exchange_disks(step.context, step.input.vm,
						 lf_job_run_job(run)->id, disks, err)
		     : lf_fail_nomem(err);
}

static int undo_exchange(struct lf_job_run *run, struct lf_error *err)
{
	struct step step;
	int rc = begin_step(run, &step, err);

	return rc ? rc
		  : lf_machine_exchange_back(step.context, step.input.vm, lf_job_run_job(run)->id,
					     err);
}

static int run_restart(struct lf_job_run *run, struct lf_error *err)
{
	return was_running(run) ? run_start(run, err) : 0;
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
	{"TakeSnapshot", "Take Snapshot", run_safety_point, undo_safety_point},
	{"StopMachine", "Stop the virtual machine", run_stop, restart},
	{"ReplaceDisks", "Replace disks", run_exchange, undo_exchange},
	{"StartMachine", "Start the virtual machine", run_restart, NULL},
	RELEASE,
};

static const struct lf_backup_job_row row = {.operation = "Restore"};
const struct lf_job_type lf_backup_restore_disks_job = {.name = LF_BACKUP_JOBS "restoreDisks",
							.steps = disks_steps,
							.n_steps = LF_N(disks_steps),
							.cancellable = true,
							/* not once the disks are whole */
							.cancellable_steps = 2,
							.subject = &row};
const struct lf_job_type lf_backup_restore_machine_job = {.name = LF_BACKUP_JOBS "restoreMachine",
							  .steps = machine_steps,
							  .n_steps = LF_N(machine_steps),
							  .cancellable = true,
							  /* not once the machine is somebody's */
							  .cancellable_steps = 2,
							  .subject = &row};
const struct lf_job_type lf_backup_replace_disks_job = {.name = LF_BACKUP_JOBS "replaceDisks",
							.steps = replace_steps,
							.n_steps = LF_N(replace_steps),
							.cancellable = true,
							/* not once the machine is stopped */
							.cancellable_steps = 2,
							.subject = &row};
