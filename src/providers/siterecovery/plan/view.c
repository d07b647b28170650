/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recovery plan's job as replicationJobs shows it: a task for each group, whose
 * child tasks are its actions and what it does with each item.
 */
#include <string.h>

#include "providers/siterecovery/plan/plan.h"

/* What a stage does with an item: from, and to, which step of its job. */
struct part {
	const char *name, *friendly;
	unsigned first, last;
};

/* What goes on or waits does no more once its job has ended. */
static struct lf_job_step_row ended_row(const struct lf_job *job, struct lf_job_step_row row)
{
	if (lf_job_state_is_final(job->state) &&
	    (row.state == LF_JOB_IN_PROGRESS || row.state == LF_JOB_SUSPENDED)) {
		row.state = job->state;
		row.end_ns = job->ended_ns;
	}
	return row;
}

/* after_shutdown 0: drills shut nothing down.  What is started is the last step. */
static bool part_of(const struct lf_sr_plan_start *start, unsigned stage, struct part *ret_part)
{
	if (stage == 1) {
		*ret_part = (struct part){"ShutDownVirtualMachine", "Shut down", 1,
					  start->after_shutdown - 1};
		return start->after_shutdown;
	}
	*ret_part = stage == 2 ? (struct part){"StartFailover", "Failover", start->after_shutdown,
					       start->after_failover - 1}
			       : (struct part){"StartReplicaVirtualMachine", "Start",
					       start->after_failover, start->after_failover};
	return true;
}

static struct lf_job_step_row row_of(const struct lf_job *child, const struct part *part)
{
	const struct lf_job_step_row *first = &child->steps[part->first];
	const struct lf_job_step_row *last = &child->steps[part->last];
	struct lf_job_step_row row = {.start_ns = first->start_ns, .end_ns = last->end_ns};

	for (unsigned i = part->first; i <= part->last; i++)
		if (child->steps[i].start_ns)
			row.state = child->steps[i].state;
	if (row.state == LF_JOB_SUCCEEDED && !row.end_ns)
		row.state = LF_JOB_IN_PROGRESS;
	return ended_row(child, row);
}

/* Why nothing of the part was done; NULL: something was, or may be. */
static const char *skipped_of(const struct lf_job_type *type, const struct lf_job *child,
			      const struct part *part)
{
	const char *why = NULL;

	for (unsigned i = part->first; type && i <= part->last && i < type->n_steps; i++) {
		why = lf_json_text(lf_json_at(child->data, "skipped"), type->steps[i].name);
		if (!why)
			return NULL;
	}
	return why;
}

static json_t *item_task(struct lf_context *context, const struct lf_job *job,
			 const struct lf_sr_plan_start *start, const json_t *child_row,
			 unsigned stage)
{
	const char *name = lf_json_text_or(child_row, "name", "");
	LF_AUTO_FREE char *friendly = NULL;
	LF_AUTO_JOB child = LF_JOB_INIT;
	struct lf_error ignored;
	struct part part;
	char task[64 + LF_GUID_SIZE];

	if (!part_of(start, stage, &part) ||
	    lf_jobs_get(context->jobs, lf_json_text_or(child_row, "job", ""), &child, &ignored))
		return NULL;
	const struct lf_job_step_row row = row_of(&child, &part);
	const char *skipped = skipped_of(lf_jobs_type(context->jobs, child.type), &child, &part);
	friendly = lf_printf_dup("%s: %s", part.friendly, name);
	snprintf(task, sizeof(task), "%s:%s", part.name, child.id);
	const struct lf_sr_task shown = {.name = task,
					 .shown_name = part.name,
					 .friendly = friendly ? friendly : part.friendly,
					 .row = &row,
					 .skipped = skipped,
					 .details = lf_sr_job_task_details(&child, skipped)};
	return lf_sr_job_task(job, &shown);
}

static json_t *action_details(const json_t *action, const json_t *done)
{
	const char *instance = lf_json_text_or(action, "customDetails.instanceType", "");
	bool manual = strcmp(instance, "ManualActionDetails") == 0;
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_doc_text(&view, "instanceType",
		    manual ? "ManualActionTaskDetails" : "ScriptActionTaskDetails");
	lf_doc_text(&view, "name", lf_json_text_or(action, "actionName", ""));
	if (manual) {
		lf_doc_text(&view, "instructions",
			    lf_json_text_or(action, "customDetails.description", ""));
		lf_doc_text(&view, "observation", lf_json_text_or(done, "observation", ""));
		return lf_doc_take(&view);
	}
	lf_doc_text(&view, "path", lf_json_text_or(action, "customDetails.path", ""));
	lf_doc_text(&view, "output", lf_json_text_or(done, "output", ""));
	lf_doc_bool(&view, "isPrimarySideScript", false);
	return lf_doc_take(&view);
}

static enum lf_job_state state_named(const char *name)
{
	enum lf_job_state state = LF_JOB_NOT_STARTED;

	while (state < LF_JOB_CANCELLED && strcmp(lf_job_state_name(state), name) != 0)
		state++;
	return state;
}

static json_t *action_task(const struct lf_job *job, const json_t *action, unsigned stage,
			   size_t at)
{
	const char *name = lf_json_text_or(action, "actionName", "");
	char key[LF_SR_PLAN_KEY_SIZE], path[64], task[64];
	struct lf_job_step_row row = {0};
	struct lf_error ignored;

	lf_sr_plan_action_key(stage, at, key);
	snprintf(path, sizeof(path), "actions.%s", key);
	snprintf(task, sizeof(task), "RecoveryPlanAction:%s", key);
	const json_t *done = lf_json_at(job->data, path);
	const char *from = lf_json_text(done, "startTime"), *to = lf_json_text(done, "endTime");
	if (from && lf_time_parse(from, &row.start_ns, &ignored))
		row.start_ns = 0;
	if (to && lf_time_parse(to, &row.end_ns, &ignored))
		row.end_ns = 0;
	row.state = state_named(lf_json_text_or(done, "state", "NotStarted"));
	row = ended_row(job, row);
	const struct lf_sr_task shown = {.name = task,
					 .shown_name = "RecoveryPlanAction",
					 .friendly = name,
					 .row = &row,
					 .details = action_details(action, done)};
	return lf_sr_job_task(job, &shown);
}

static void put_actions(struct lf_doc *view, const struct lf_job *job, const json_t *actions,
			unsigned stage, size_t from)
{
	json_t *action;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)actions, i, action)
		lf_doc_append(view, "childTasks", action_task(job, action, stage, from + i));
}

static json_t *group_details(struct lf_context *context, const struct lf_job *job,
			     const json_t *group, unsigned stage)
{
	const struct lf_sr_plan_start *start =
		lf_sr_plan_start(lf_json_text_or(job->doc, "action", ""));
	LF_AUTO_JSON *before = lf_sr_plan_actions(job, group, "startGroupActions");
	LF_AUTO_JSON *after = lf_sr_plan_actions(job, group, "endGroupActions");
	LF_AUTO_DOC view = LF_DOC_INIT;
	const json_t *row;
	size_t i;

	lf_doc_text(&view, "instanceType",
		    stage == 1 ? "RecoveryPlanShutdownGroupTaskDetails"
			       : "RecoveryPlanGroupTaskDetails");
	lf_doc_printf(&view, "name", "Group %u", stage);
	lf_doc_printf(&view, "groupId", "%u", stage);
	lf_doc_text(&view, "rpGroupType", lf_json_text_or(group, "groupType", ""));
	lf_doc_put(&view, "childTasks", json_array());
	put_actions(&view, job, before, stage, 0);
	json_array_foreach (lf_json_at(job->data, "children"), i, row) {
		bool own = lf_json_int_or(row, "group", 1) + 2 == (int64_t)stage;
		json_t *task =
			stage <= 2 || own ? item_task(context, job, start, row, stage) : NULL;
		if (task)
			lf_doc_append(&view, "childTasks", task);
	}
	put_actions(&view, job, after, stage, json_array_size(before) + 1);
	return lf_doc_take(&view);
}

/* The steps of groups that the plan does not have are not told. */
static void put_tasks(struct lf_context *context, const struct lf_job *job, struct lf_doc *view)
{
	const struct lf_job_type *type = lf_jobs_type(context->jobs, job->type);
	const json_t *groups = lf_json_at(job->doc, "groups");
	const struct lf_sr_plan_start *start =
		lf_sr_plan_start(lf_json_text_or(job->doc, "action", ""));
	bool grouped = start && start->every;

	for (unsigned stage = 0; stage < type->n_steps; stage++) {
		const json_t *group = grouped && stage ? json_array_get(groups, stage - 1) : NULL;
		if (grouped && stage && !group)
			break;
		const struct lf_sr_task task = {
			.name = type->steps[stage].name,
			.friendly = type->steps[stage].friendly,
			.row = &job->steps[stage],
			.details = lf_sr_job_task_details(job, NULL),
			.group = group ? group_details(context, job, group, stage) : NULL};
		lf_doc_append(view, "tasks", lf_sr_job_task(job, &task));
	}
}

static void put_items(struct lf_context *context, const struct lf_job *job, struct lf_doc *view)
{
	const json_t *row;
	size_t i;

	lf_doc_put(view, "protectedItemDetails", json_array());
	json_array_foreach (lf_json_at(job->data, "children"), i, row) {
		LF_AUTO_JOB child = LF_JOB_INIT;
		struct lf_error ignored;
		if (lf_jobs_get(context->jobs, lf_json_text_or(row, "job", ""), &child, &ignored) ==
		    0)
			lf_doc_append(view, "protectedItemDetails", lf_sr_job_item_details(&child));
	}
}

const struct lf_sr_job_shape lf_sr_plan_shape = {put_tasks, put_items};
