/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows a failover: commit it, take it back, or use another point.
 */
#include <string.h>

#include "json/field.h"
#include "providers/siterecovery/failover/failover.h"

#define DETAILS "properties.providerSpecificDetails"

/* No other point will be chosen: the source is asked to send nothing more. */
static int run_stop_replication(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	int rc = lf_replica_request_final(context->replication, lf_sr_job_item(run),
					  lf_job_run_job(run)->id, LF_REPLICA_STOPS, err);

	return rc == LF_ENOTFOUND ? 0 : rc;
}

static int run_commit(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_begin(run, &tx, &item, err);
	if (!rc)
		rc = lf_sr_check_allowed(item.state, LF_SR_COMMIT, item.id, err);
	if (rc)
		return rc;
	if (lf_sr_item_set_phase(&item, LF_SR_COMMITTED))
		return lf_fail_nomem(err);
	return lf_sr_step_end(run, &tx, &item, err);
}

static const struct lf_job_step commit_steps[] = {
	{"StopReplication", "Stop replication", run_stop_replication, NULL},
	{"CommitFailover", "Commit the failover", run_commit, NULL},
};
const struct lf_job_type lf_sr_commit_job = {.name = "siterecovery.commit",
					     .steps = commit_steps,
					     .n_steps = LF_N(commit_steps),
					     .ended = lf_sr_job_ended};
const struct lf_sr_start lf_sr_commit = {.action = LF_SR_COMMIT,
					 .job = &lf_sr_commit_job,
					 .scenario = "CommitFailover",
					 .friendly = "Commit"};

/* Cancel: the machine goes, replication goes on. */

/* The machine that the present failover made, and its claim. */
static int remove_present(struct lf_job_run *run, const struct lf_resource *item,
			  struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *vm = lf_json_text_or(item->state, "failover.vm", "");
	const char *job = lf_json_text_or(item->state, "failover.job", "");

	int rc = *vm ? lf_sr_machine_remove_own(context, vm, job, err) : 0;
	if (!rc && *vm)
		rc = lf_sr_point_release(context, lf_json_text_or(item->state, "region", ""),
					 lf_json_text_or(item->state, "failover.point", ""), job,
					 err);
	return rc;
}

static int run_cancel(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_sr_check_allowed(item.state, LF_SR_CANCEL_FAILOVER, item.id, err);
	if (!rc)
		rc = remove_present(run, &item, err);
	if (!rc)
		rc = lf_replica_resume(context->replication, item.id, err);
	return rc;
}

static int run_cancelled(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_begin(run, &tx, &item, err);
	if (rc)
		return rc;
	json_object_del(item.state, "failover");
	if (lf_sr_item_set_phase(&item, LF_SR_PROTECTED) |
	    lf_json_set_text(item.state, "testFailoverState", "None"))
		return lf_fail_nomem(err);
	return lf_sr_step_end(run, &tx, &item, err);
}

static const struct lf_job_step cancel_steps[] = {
	{"RemoveVirtualMachine", "Remove the virtual machine", run_cancel, NULL},
	{"ResumeReplication", "Resume replication", run_cancelled, NULL},
};
const struct lf_job_type lf_sr_cancel_failover_job = {.name = "siterecovery.cancelFailover",
						      .steps = cancel_steps,
						      .n_steps = LF_N(cancel_steps),
						      .ended = lf_sr_job_ended};
const struct lf_sr_start lf_sr_cancel_failover = {.action = LF_SR_CANCEL_FAILOVER,
						  .job = &lf_sr_cancel_failover_job,
						  .scenario = "CancelFailover",
						  .friendly = "Cancel failover"};

/* Another point: the machine is made again from it. */

static int put_change(struct lf_arm_call *call, const struct lf_resource *item,
		      struct lf_doc *input, struct lf_error *err)
{
	struct asked {
		const char *outer, *point;
	} asked = {.outer = ""};
	static const struct lf_field rows[] = {
		LF_TEXT_AT(struct asked, outer, "properties.recoveryPointId", 0),
		LF_TEXT_AT(struct asked, point, DETAILS ".recoveryPointId", 0),
	};
	int rc = lf_fields_read(rows, LF_N(rows), lf_arm_body(call), "", &asked, err);
	const char *wanted = asked.point ? asked.point : asked.outer;

	lf_doc_text(input, "recoveryPoint", wanted);
	return rc ? rc : lf_sr_check_point_request(call, item, LF_SR_CHANGE_PIT, wanted, err);
}

static int run_choose(struct lf_job_run *run, struct lf_error *err)
{
	const char *wanted = lf_json_text(lf_job_run_job(run)->doc, "recoveryPoint");
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_JSON *point = NULL;

	int rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_sr_check_allowed(item.state, LF_SR_CHANGE_PIT, item.id, err);
	if (!rc)
		rc = lf_sr_point_find(lf_job_run_context(run), &item, wanted, &point, err);
	return rc ? rc : lf_sr_making_choose(run, &item, point, err);
}

/* The new point is held first, so that a kill leaves one of the two whole. */
static int run_remove_old(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_sr_making_hold(run, err);
	return rc ? rc : remove_present(run, &item, err);
}

static int run_start_machine(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	int rc = lf_sr_step_item(run, &item, err);

	return rc ? rc : lf_sr_failover_start(run, lf_sr_phase_of(item.state), err);
}

static const struct lf_job_step change_steps[] = {
	{"ChangePitPrerequisitesCheck", "Prerequisites check for changing the recovery point",
	 run_choose, NULL},
	{"RemoveVirtualMachine", "Remove the virtual machine", run_remove_old,
	 lf_sr_failover_unmake},
	{"StartFailover", "Start failover", lf_sr_failover_make, lf_sr_failover_unmake},
	{"StartReplicaVirtualMachine", "Start the replica virtual machine", run_start_machine,
	 NULL},
};
const struct lf_job_type lf_sr_change_pit_job = {.name = "siterecovery.changePit",
						 .steps = change_steps,
						 .n_steps = LF_N(change_steps),
						 .ended = lf_sr_job_ended};
const struct lf_sr_start lf_sr_change_pit = {.action = LF_SR_CHANGE_PIT,
					     .job = &lf_sr_change_pit_job,
					     .scenario = "ChangePit",
					     .friendly = "Change recovery point",
					     .input = put_change};
