/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job of a recovery plan.
 *
 * Its first step submits the jobs of all items in one transaction with its own
 * end: the same jobs that a failover of one item has.  Each waits at a gate
 * (lf_sr_plan_gate) before it shuts its machine down, before it makes the new one
 * and before it starts it.  The steps that follow are the groups in their order:
 * the actions before, the gate is opened for the stage, all items have to be
 * through, the actions after.  Items of one group go on in parallel.
 *
 * How far a stage is stands in the job's data before the next part begins, so that
 * a kill repeats one part: an opened gate stays open, a manual action stays
 * suspended, a script is run again.  When an item fails, the others of its stage go
 * on; then the plan fails, and what has not started by then is cancelled: those
 * jobs take their machines back.  Restarted, the plan passes over the items that are
 * through and does every action again: it checks what is there by then.
 */
#include <string.h>

#include "providers/siterecovery/plan/handlers.h"
#include "providers/siterecovery/plan/plan.h"

#define STAGE_SHUTDOWN 1
#define STAGE_FAILOVER 2

#define ITEM_FAILED "the item %s did not get through: %s"
#define ITEM_ADVICE                                                                                \
	"see the job of the item, mend its cause and restart the plan's job: items that are "      \
	"through are passed over, actions are done again"

static int find_start(const struct lf_job *job, const struct lf_sr_plan_start **ret_start,
		      struct lf_error *err)
{
	*ret_start = lf_sr_plan_start(lf_json_text_or(job->doc, "action", ""));
	return *ret_start ? 0
			  : lf_fail(err, LF_ECORRUPT, job->id, "the row of job %s is damaged",
				    job->id);
}

/* Was the item brought there before, by this job's earlier run or by hand? */
static bool is_done(const struct lf_resource *item, enum lf_sr_action action)
{
	enum lf_sr_phase phase = lf_sr_phase_of(item->state);

	if (action == LF_SR_TEST_FAILOVER)
		return phase == LF_SR_TESTED;
	return phase == LF_SR_FAILED_OVER || phase == LF_SR_PLANNED_OVER;
}

/* What the item's job is told: the plan's input, the item's point, and which stage it starts in. */
static int child_input(struct lf_job_run *run, const struct lf_sr_plan_start *start,
		       const struct lf_resource *item, int64_t group, struct lf_doc *input,
		       struct lf_error *err)
{
	const struct lf_job *job = lf_job_run_job(run);
	const json_t *given = lf_json_at(job->doc, "input");
	char point[LF_GUID_SIZE] = "";
	const char *name;
	json_t *value;

	int rc = start->every
			 ? lf_sr_plan_point(lf_job_run_context(run), item, job->doc, point, err)
			 : 0;
	json_object_foreach ((json_t *)(uintptr_t)given, name, value)
		lf_doc_share(input, name, value);
	if (start->every) {
		lf_doc_text(input, "recoveryPoint", point);
		lf_doc_text(input, "plan.job", job->id);
		lf_doc_int(input, "plan.stage", STAGE_FAILOVER + group);
	}
	return rc;
}

/* Submit the job of one item, unless there is nothing to do for it. */
static int submit_child(struct lf_job_run *run, const struct lf_sr_plan_start *start, json_t *row,
			struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const struct lf_job *job = lf_job_run_job(run);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_DOC input = LF_DOC_INIT;
	char id[LF_GUID_SIZE] = "", made[LF_GUID_SIZE], space[LF_GUID_SIZE + 24];

	int rc = lf_catalog_get(context->catalog, lf_json_text_or(row, "item", ""), &item, err);
	if (rc)
		return rc;
	bool can = lf_sr_allows(lf_sr_phase_of(item.state), start->item->action);
	bool passed = !can && !lf_sr_item_busy(&item) &&
		      (!start->every || is_done(&item, start->item->action));
	if (!passed) { /* a restarted job has new ones */
		snprintf(space, sizeof(space), "%s:%lld", job->id, (long long)job->started_ns);
		lf_guid_derive(space, item.id, id);
		rc = child_input(run, start, &item, lf_json_int_or(row, "group", 1), &input, err);
		if (!rc)
			rc = lf_sr_item_submit(context, item.id, start->item, id, &input, made,
					       err);
	}
	return !rc && lf_json_set_text(row, "job", id) ? lf_fail_nomem(err) : rc;
}

static int submit_children(struct lf_job_run *run, json_t **ret_rows, struct lf_error *err)
{
	const struct lf_job *job = lf_job_run_job(run);
	const struct lf_sr_plan_start *start;
	LF_AUTO_JSON *rows = NULL;
	size_t i;
	json_t *row;

	int rc = find_start(job, &start, err);
	if (!rc)
		rc = lf_sr_plan_items(lf_job_run_context(run), lf_json_at(job->doc, "groups"),
				      &rows, err);
	json_array_foreach (rows, i, row)
		rc = rc ? rc : submit_child(run, start, row, err);
	if (!rc && !json_array_size(rows))
		rc = lf_fail_arm(err, LF_ECONFLICT, "RecoveryPlanHasNoItems", job->resource,
				 "protect its machines again and make the plan anew",
				 "none of the plan's items is protected any more");
	if (!rc)
		*ret_rows = lf_steal(&rows);
	return rc;
}

static int run_prerequisites(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_JSON *rows = NULL;

	int rc = lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = submit_children(run, &rows, err);
	if (!rc && lf_json_set(lf_job_run_data(run), "children", lf_steal(&rows)))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_job_step_commit(run, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (rc)
		json_object_del(lf_job_run_data(run), "children");
	return rc;
}

/* How the items' jobs are getting on with a stage. */
struct progress {
	bool all;	  /* are through */
	bool any;	  /* has not failed */
	char failed[128]; /* name of an item whose job did not succeed; "": none */
	char why[256];	  /* as its tenant may know */
};

static bool is_through(const struct lf_sr_plan_start *start, unsigned stage,
		       const struct lf_job *child)
{
	if (lf_job_state_is_final(child->state))
		return true;
	if (!stage || stage > STAGE_FAILOVER)
		return false;
	return child->step >=
	       (stage == STAGE_SHUTDOWN ? start->after_shutdown : start->after_failover);
}

/* The remarks of an item's job are the plan's, too. */
static int take_remarks(struct lf_job_run *run, const char *name, const struct lf_job *child,
			struct lf_error *err)
{
	const json_t *remark;
	size_t i;

	json_array_foreach (lf_json_at(child->data, "remarks"), i, remark) {
		LF_AUTO_FREE char *message = lf_printf_dup("the item %s: %s", name,
							   lf_json_text_or(remark, "message", ""));
		if (!message || lf_sr_job_inform(run, lf_json_text_or(remark, "code", ""), message,
						 lf_json_text_or(remark, "advice", "")))
			return lf_fail_nomem(err);
	}
	return 0;
}

static void note_failed(struct progress *progress, const char *name, const struct lf_job *child)
{
	const struct lf_error told = lf_error_for_tenant(&child->error);

	snprintf(progress->failed, sizeof(progress->failed), "%.100s", name);
	snprintf(progress->why, sizeof(progress->why), "%.200s",
		 told.code ? told.message : "its job was cancelled");
}

/* An item that fails before its own group is started does not end the plan there. */
static int remark_failed(struct lf_job_run *run, const struct progress *progress,
			 struct lf_error *err)
{
	char message[512];

	snprintf(message, sizeof(message), ITEM_FAILED, progress->failed, progress->why);
	return lf_sr_job_inform(run, "RecoveryPlanItemFailed", message, ITEM_ADVICE)
		       ? lf_fail_nomem(err)
		       : 0;
}

/* stage 0: of what all items do at once. */
static int look_at_child(struct lf_job_run *run, unsigned stage, const json_t *row,
			 struct progress *progress, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *name = lf_json_text_or(row, "name", "");
	const struct lf_sr_plan_start *start;
	LF_AUTO_JOB child = LF_JOB_INIT;

	int rc = find_start(lf_job_run_job(run), &start, err);
	if (!rc)
		rc = lf_jobs_get(context->jobs, lf_json_text_or(row, "job", ""), &child, err);
	if (!rc)
		rc = take_remarks(run, name, &child, err);
	if (rc)
		return rc;
	if (!is_through(start, stage, &child))
		progress->all = false;
	if (child.state != LF_JOB_FAILED && child.state != LF_JOB_CANCELLED) {
		progress->any = true;
		return 0;
	}
	note_failed(progress, name, &child);
	return stage && stage <= STAGE_FAILOVER ? remark_failed(run, progress, err) : 0;
}

static int look_at_children(struct lf_job_run *run, unsigned stage, struct progress *progress,
			    struct lf_error *err)
{
	const json_t *row;
	size_t i;

	*progress = (struct progress){.all = true};
	json_array_foreach (lf_json_at(lf_job_run_data(run), "children"), i, row) {
		unsigned own = STAGE_FAILOVER + (unsigned)lf_json_int_or(row, "group", 1);
		if (!*lf_json_text_or(row, "job", "") || (stage > STAGE_FAILOVER && own != stage))
			continue;
		int rc = look_at_child(run, stage, row, progress, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Those that wait for it look now. */
static void wake_children(struct lf_job_run *run)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *row;
	size_t i;

	json_array_foreach (lf_json_at(lf_job_run_data(run), "children"), i, row)
		lf_jobs_poke(context->jobs, lf_json_text_or(row, "item", ""));
}

static int open_gate(struct lf_job_run *run, unsigned stage, struct lf_error *err)
{
	json_t *data = lf_job_run_data(run);

	if (lf_json_int_or(data, "gate", 0) >= (int64_t)stage)
		return 0;
	if (lf_json_set_int(data, "gate", (int64_t)stage))
		return lf_fail_nomem(err);
	int rc = lf_job_save(run, err);
	if (!rc)
		wake_children(run);
	return rc;
}

static int check_failed(const struct progress *progress, struct lf_error *err)
{
	return *progress->failed
		       ? lf_fail_arm(err, LF_ECONFLICT, "RecoveryPlanItemFailed", progress->failed,
				     ITEM_ADVICE, ITEM_FAILED, progress->failed, progress->why)
		       : 0;
}

/* The items' part of a stage.  One that fails before its own Boot group fails the plan there, so
 * that groups before it start; unless no item is left that could. */
static int run_items(struct lf_job_run *run, unsigned stage, struct lf_error *err)
{
	struct progress progress;
	int rc = open_gate(run, stage, err);

	if (!rc)
		rc = look_at_children(run, stage, &progress, err);
	if (rc)
		return rc;
	if (!progress.all)
		return LF_STEP_AGAIN;
	return stage > STAGE_FAILOVER || !progress.any ? check_failed(&progress, err) : 0;
}

/* The next part of the group: an action before, the items, an action after.  The engine looks at
 * the job after each, so that a cancel, and what else its worker has to do, wait for one at most.
 */
static int run_group(struct lf_job_run *run, struct lf_error *err)
{
	const struct lf_job *job = lf_job_run_job(run);
	unsigned stage = job->step;
	const json_t *group = json_array_get(lf_json_at(job->doc, "groups"), stage - 1);
	LF_AUTO_JSON *before = lf_sr_plan_actions(job, group, "startGroupActions");
	LF_AUTO_JSON *after = lf_sr_plan_actions(job, group, "endGroupActions");
	size_t n = json_array_size(before), parts = n + 1 + json_array_size(after);
	char cursor[24], key[LF_SR_PLAN_KEY_SIZE];

	snprintf(cursor, sizeof(cursor), "cursor.s%u", stage);
	size_t at = (size_t)lf_json_int_or(lf_job_run_data(run), cursor, 0);
	if (!group || at >= parts)
		return 0;
	lf_sr_plan_action_key(stage, at, key);
	const json_t *action =
		at < n ? json_array_get(before, at) : json_array_get(after, at - n - 1);
	int rc = at == n ? run_items(run, stage, err) : lf_sr_plan_action(run, key, action, err);
	if (!rc && lf_json_set_int(lf_job_run_data(run), cursor, (int64_t)at + 1))
		rc = lf_fail_nomem(err);
	if (rc || at + 1 == parts)
		return rc;
	lf_job_again_at(run, 0);
	return LF_STEP_AGAIN;
}

static int run_all(struct lf_job_run *run, struct lf_error *err)
{
	struct progress progress;
	int rc = look_at_children(run, 0, &progress, err);

	if (rc)
		return rc;
	return progress.all ? check_failed(&progress, err) : LF_STEP_AGAIN;
}

/* What has not started when the plan ends is taken back by its own job. */
static int cancel_children(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *row;
	size_t i;

	json_array_foreach (lf_json_at(lf_job_run_data(run), "children"), i, row) {
		const char *id = lf_json_text_or(row, "job", "");
		int rc = *id ? lf_jobs_cancel(context->jobs, id, err) : 0;
		if (rc && rc != LF_ECONFLICT && rc != LF_ENOTFOUND) /* it has ended */
			return rc;
	}
	return 0;
}

static int plan_ended(struct lf_job_run *run, enum lf_job_state state, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const struct lf_job *job = lf_job_run_job(run);
	const struct lf_sr_plan_start *start;
	LF_AUTO_RESOURCE plan = LF_RESOURCE_INIT;
	bool there = false;

	if (state != LF_JOB_SUCCEEDED)
		return cancel_children(run, err);
	int rc = find_start(job, &start, err);
	if (!rc)
		rc = lf_catalog_find(context->catalog, job->resource, &plan, &there, err);
	if (rc || !there || !start->last)
		return rc;
	if (lf_json_set_time(plan.state, start->last, lf_clock_now_ns(context->clock)))
		return lf_fail_nomem(err);
	return lf_sr_item_store(context->catalog, &plan, err);
}

#define BOOT(n)                                                                                    \
	{                                                                                          \
		"RecoveryPlanBootGroup" n, "Group " n ": Start", run_group, NULL                   \
	}
static const struct lf_job_step failover_steps[] = {
	{"RecoveryPlanPrerequisitesCheck", "Prerequisites check for the recovery plan",
	 run_prerequisites, NULL},
	{"RecoveryPlanShutdownGroup", "All groups shutdown", run_group, NULL},
	{"RecoveryPlanFailoverGroup", "All groups failover", run_group, NULL},
	BOOT("1"),
	BOOT("2"),
	BOOT("3"),
	BOOT("4"),
	BOOT("5"),
	BOOT("6"),
	BOOT("7"),
};
const struct lf_job_type lf_sr_plan_failover_job = {.name = "siterecovery.planFailover",
						    .steps = failover_steps,
						    .n_steps = LF_N(failover_steps),
						    .cancellable = true,
						    .subject = &lf_sr_plan_shape,
						    .ended = plan_ended,
						    .restarting = lf_sr_plan_restarting};

static const struct lf_job_step items_steps[] = {
	{"RecoveryPlanPrerequisitesCheck", "Prerequisites check for the recovery plan",
	 run_prerequisites, NULL},
	{"RecoveryPlanItems", "All groups", run_all, NULL},
};
const struct lf_job_type lf_sr_plan_items_job = {.name = "siterecovery.planItems",
						 .steps = items_steps,
						 .n_steps = LF_N(items_steps),
						 .subject = &lf_sr_plan_shape,
						 .ended = plan_ended,
						 .restarting = lf_sr_plan_restarting};
