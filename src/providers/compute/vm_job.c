/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes a while with a machine that is there: start, stop, restart, delete.  Each is one job
 * of steps that may be repeated: the host is asked first, then the catalog is told.
 */
#include "providers/common/document.h"
#include "providers/compute/compute.h"
#include "providers/compute/machine.h"
#include "providers/compute/ids.h"

/* "deallocated" in the VM's state tells a stopped machine from a deallocated one. */
static int note_deallocated(struct lf_catalog *catalog, const char *id, bool deallocated,
			    struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;

	int rc = lf_catalog_get(catalog, id, &vm, err);
	if (!rc && lf_json_set_bool(vm.state, "deallocated", deallocated))
		rc = lf_fail_nomem(err);
	return rc ? rc
		  : lf_catalog_put(catalog, id, LF_VM_TYPE, LF_PUT_EXISTING, NULL, vm.doc, vm.state,
				   err);
}

static int run_start(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *id = lf_job_run_job(run)->resource;

	int rc = lf_machine_start(context, id, err);
	return rc ? rc : note_deallocated(context->catalog, id, false, err);
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
		  : note_deallocated(context->catalog, job->resource,
				     lf_json_bool_or(job->doc, "deallocate", false), err);
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

/* Submit a job for the VM levels_up above the request's path. */
static int submit(struct lf_arm_call *call, const struct lf_job_type *type, unsigned levels_up,
		  json_t *doc, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *own = doc;
	LF_AUTO_FREE char *id = strdup(lf_arm_id(call, levels_up));
	LF_AUTO_FREE char *scope =
		lf_printf_dup("/subscriptions/%s", lf_arm_param(call, "subscription"));
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	char job[LF_GUID_SIZE];

	if (!id || !scope)
		return lf_fail_nomem(err);
	if (!context->compute)
		return lf_fail(err, LF_EUNSUPPORTED, id, "this site runs no machines");
	int rc = lf_catalog_get(context->catalog, id, &vm, err);
	if (rc == LF_ENOTFOUND && type == &lf_vm_delete_job)
		return lf_arm_reply(call, 204, NULL, err);
	const struct lf_job_request request = {
		.type = type->name, .scope = scope, .resource = id, .doc = own};
	if (!rc)
		rc = lf_jobs_submit(context->jobs, &request, job, err);
	const struct lf_arm_async async = {.job = job};
	return rc ? rc : lf_arm_reply_async(call, 202, &async, NULL, err);
}

int lf_vm_delete(struct lf_arm_call *call, struct lf_error *err)
{
	bool force; /* a machine that is deleted is not asked in any case */
	int rc = lf_arm_query_bool(call, "forceDeletion", &force, err);
	if (!rc)
		rc = lf_vm_check_locks(lf_arm_context(call), lf_arm_id(call, 0), err);

	return rc ? rc : submit(call, &lf_vm_delete_job, 0, NULL, err);
}

int lf_vm_start(struct lf_arm_call *call, struct lf_error *err)
{
	return submit(call, &lf_vm_start_job, 1, NULL, err);
}

int lf_vm_power_off(struct lf_arm_call *call, struct lf_error *err)
{
	bool now;
	int rc = lf_arm_query_bool(call, "skipShutdown", &now, err);

	return rc ? rc
		  : submit(call, &lf_vm_stop_job, 1, json_pack("{s:b}", "skipShutdown", (int)now),
			   err);
}

int lf_vm_deallocate(struct lf_arm_call *call, struct lf_error *err)
{
	bool hibernate;
	int rc = lf_arm_query_bool(call, "hibernate", &hibernate, err);

	if (!rc && hibernate)
		rc = lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", "hibernate",
				 "leave it out: the machine is then shut down",
				 "machines do not hibernate here");
	return rc ? rc : submit(call, &lf_vm_stop_job, 1, json_pack("{s:b}", "deallocate", 1), err);
}

int lf_vm_restart(struct lf_arm_call *call, struct lf_error *err)
{
	return submit(call, &lf_vm_restart_job, 1, NULL, err);
}
