/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/document.h"
#include "providers/compute/attach.h"
#include "providers/compute/compute.h"
#include "providers/compute/machine.h"
#include "providers/compute/plan.h"

/* "deallocated" in the VM's state tells a stopped machine from a deallocated one. */
static int note_deallocated(struct lf_context *context, const char *id, bool deallocated,
			    struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;

	int rc = lf_catalog_get(context->catalog, id, &vm, err);
	if (!rc && lf_json_set_bool(vm.state, "deallocated", deallocated))
		rc = lf_fail_nomem(err);
	return rc ? rc
		  : lf_catalog_put(context->catalog, id, LF_VM_TYPE, LF_PUT_EXISTING, NULL, vm.doc,
				   vm.state, err);
}

static int run_start(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *id = lf_job_run_job(run)->resource;

	int rc = lf_machine_start(context, id, err);
	return rc ? rc : note_deallocated(context, id, false, err);
}

static int run_stop(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const struct lf_job *job = lf_job_run_job(run);
	char guid[LF_GUID_SIZE];

	lf_machine_host_guid(context, job->resource, guid);
	int rc = lf_compute_vm_stop(context->compute, guid,
				    !lf_json_bool_or(job->doc, "skipShutdown", false), err);
	return rc ? rc
		  : note_deallocated(context, job->resource,
				     lf_json_bool_or(job->doc, "deallocate", false), err);
}

static bool is_deleted_with_vm(const json_t *doc, const char *disk_id)
{
	const json_t *profile = lf_json_at(doc, "properties.storageProfile");
	const json_t *found = NULL;
	json_t *disk;
	size_t i;

	if (lf_arm_id_equal(lf_json_text_or(profile, "osDisk.managedDisk.id", ""), disk_id))
		found = lf_json_at(profile, "osDisk");
	json_array_foreach (lf_json_at(profile, "dataDisks"), i, disk)
		if (lf_arm_id_equal(lf_json_text_or(disk, "managedDisk.id", ""), disk_id))
			found = disk;
	return lf_text_equal_nocase(lf_json_text_or(found, "deleteOption", "Detach"), "Delete");
}

/* Disks that are deleted with the VM, or stay; interfaces always stay. */
static int leave_parts(struct lf_context *context, const struct lf_resource *vm, const char *type,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		struct lf_resource *part = &list.items[i];
		if (!lf_arm_id_equal(lf_json_text_or(part->state, "machine", ""), vm->id))
			continue;
		rc = is_deleted_with_vm(vm->doc, part->id)
			     ? lf_catalog_delete(context->catalog, part->id, err)
			     : lf_part_detach(context, part, err);
	}
	return rc;
}

int lf_vm_leave_parts(struct lf_context *context, const struct lf_resource *vm,
		      struct lf_error *err)
{
	int rc = leave_parts(context, vm, LF_DISK_TYPE, err);

	return rc ? rc : leave_parts(context, vm, LF_NIC_TYPE, err);
}

/* Do disks that stay lie in the machine's directory? */
static int count_staying(struct lf_context *context, const struct lf_resource *vm, const char *host,
			 unsigned *ret_n, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_DISK_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	char other[LF_GUID_SIZE];

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	*ret_n = 0;
	for (size_t i = 0; !rc && i < list.n; i++)
		*ret_n += lf_disk_host(context, &list.items[i], other) &&
			  strcmp(other, host) == 0 &&
			  !is_deleted_with_vm(vm->doc, list.items[i].id);
	return rc;
}

int lf_vm_leave_host(struct lf_context *context, const struct lf_resource *vm, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];
	unsigned staying;

	if (!context->compute)
		return 0;
	lf_machine_host_guid(context, vm->id, guid);
	int rc = count_staying(context, vm, guid, &staying, err);
	if (!rc)
		rc = lf_compute_vm_remove(context->compute, guid, staying > 0, err);
	return rc ? rc : lf_machine_remove_networks(context, lf_json_at(vm->state, "plan"), err);
}

static int run_delete(struct lf_job_run *run, struct lf_error *err)
{
	return lf_document_remove(lf_job_run_context(run), &lf_vm_document,
				  lf_job_run_job(run)->resource, err);
}

static const struct lf_job_step start_steps[] = {{"Start", "Start the machine", run_start, NULL}};
static const struct lf_job_step stop_steps[] = {{"Stop", "Stop the machine", run_stop, NULL}};
static const struct lf_job_step restart_steps[] = {
	{"Stop", "Stop the machine", run_stop, NULL},
	{"Start", "Start the machine", run_start, NULL},
};
static const struct lf_job_step delete_steps[] = {
	{"Delete", "Delete the machine", run_delete, NULL}};

const struct lf_job_type lf_vm_start_job = {
	.name = "compute.startMachine", .steps = start_steps, .n_steps = LF_N(start_steps)};
const struct lf_job_type lf_vm_stop_job = {
	.name = "compute.stopMachine", .steps = stop_steps, .n_steps = LF_N(stop_steps)};
const struct lf_job_type lf_vm_restart_job = {
	.name = "compute.restartMachine", .steps = restart_steps, .n_steps = LF_N(restart_steps)};
const struct lf_job_type lf_vm_delete_job = {
	.name = "compute.deleteMachine", .steps = delete_steps, .n_steps = LF_N(delete_steps)};
