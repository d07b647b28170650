/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps that a failover and the change of its recovery point share.  The end
 * is one commit: the item is failed over, and the job that copies the disks
 * behind the machine is there.
 */
#include "providers/siterecovery/failover/failover.h"

/* The plan pokes who waits when it opens its gate and when it ends: this is for a daemon that was
 * killed in between. */
#define GATE_LOOK_NS (10 * LF_NS_PER_S)

int lf_sr_plan_gate(struct lf_job_run *run, enum lf_sr_gate gate, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *doc = lf_job_run_job(run)->doc;
	const char *plan = lf_json_text(doc, "plan.job");
	int64_t need = gate == LF_SR_GATE_START ? lf_json_int_or(doc, "plan.stage", 0) : gate;
	LF_AUTO_JOB job = LF_JOB_INIT;

	if (!plan)
		return 0;
	int rc = lf_jobs_get(context->jobs, plan, &job, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	if (rc || lf_job_state_is_final(job.state))
		return lf_fail_arm(err, LF_ECONFLICT, "RecoveryPlanEnded", plan,
				   "restart the job of the plan",
				   "the plan ended before its turn came");
	if (lf_json_int_or(job.data, "gate", 0) >= need)
		return 0;
	lf_job_again_at(run, lf_clock_now_ns(context->clock) + GATE_LOOK_NS);
	return LF_STEP_AGAIN;
}

int lf_sr_failover_make(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_making_hold(run, err);
	if (!rc)
		rc = lf_sr_step_item(run, &item, err);
	return rc ? rc
		  : lf_sr_making_make(run, &item, lf_json_text(item.doc, "details.targetNetworkId"),
				      false, err);
}

int lf_sr_failover_unmake(struct lf_job_run *run, struct lf_error *err)
{
	int rc = lf_sr_making_unmake(run, err);

	return rc ? rc : lf_sr_making_release(run, err);
}

/* Source disk id to the managed disk that was made of it: the point and the plan agree in order. */
static json_t *managed_disks(const struct lf_sr_making *making, const char *group_id)
{
	LF_AUTO_JSON *disks = json_object();
	json_t *disk;
	size_t i;

	json_array_foreach (lf_json_at(making->chosen, "disks"), i, disk) {
		const json_t *made = json_array_get(lf_json_at(making->machine, "disks"), i);
		LF_AUTO_FREE char *id = lf_printf_dup("%s/providers/Microsoft.Compute/disks/%s",
						      group_id, lf_json_text_or(made, "name", ""));
		if (!id ||
		    json_object_set_new(disks, lf_json_text_or(disk, "id", ""), json_string(id)))
			return NULL;
	}
	return lf_steal(&disks);
}

static int set_failed_over(struct lf_job_run *run, struct lf_resource *item,
			   const struct lf_sr_making *making, enum lf_sr_phase phase,
			   struct lf_error *err)
{
	const char *group = lf_json_text_or(item->doc, "details.targetResourceGroupId", "");
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_DOC state = lf_doc_from(json_incref(item->state));

	lf_doc_text(&state, "phase", lf_sr_phase_row(phase)->name);
	lf_doc_put(&state, "failover", json_object());
	lf_doc_text(&state, "failover.job", lf_job_run_job(run)->id);
	lf_doc_text(&state, "failover.vm", making->vm);
	lf_doc_text(&state, "failover.point", making->point);
	lf_doc_put(&state, "failover.disks", managed_disks(making, group));
	lf_doc_time(&state, "lastFailoverTime", lf_clock_now_ns(context->clock));
	return lf_doc_check(&state, err);
}

int lf_sr_failover_start(struct lf_job_run *run, enum lf_sr_phase phase, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	struct lf_sr_making making;

	int rc = lf_sr_making(run, &making, err);
	if (!rc)
		rc = lf_machine_start(context, making.vm, err);
	if (!rc)
		rc = lf_sr_step_begin(run, &tx, &item, err);
	if (!rc)
		rc = set_failed_over(run, &item, &making, phase, err);
	if (!rc)
		rc = lf_sr_hydrate_submit(context, making.vm, making.region, making.point,
					  lf_job_run_job(run)->id, err);
	return rc ? rc : lf_sr_step_end(run, &tx, &item, err);
}
