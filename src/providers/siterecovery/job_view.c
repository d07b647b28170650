/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as replicationJobs shows it: the engine's steps are its tasks, with what
 * went wrong and what was skipped at the task where it happened.
 */
#include <string.h>

#include "json/view.h"
#include "providers/siterecovery/internal.h"

/* A sentence of an error: ARM's start with a capital and end with a stop. */
static json_t *sentence(const char *text)
{
	LF_AUTO_FREE char *copy = lf_printf_dup("%s%s", text, *text ? "." : "");

	if (!copy)
		return NULL;
	if (copy[0] >= 'a' && copy[0] <= 'z')
		copy[0] = (char)(copy[0] - 'a' + 'A');
	json_t *value = json_string(copy);
	return value ? value : json_string("");
}

static json_t *job_error(const struct lf_job *job, const char *level, const char *code,
			 const char *message, const char *advice, const char *task)
{
	LF_AUTO_DOC error = LF_DOC_INIT;

	lf_doc_text(&error, "serviceErrorDetails.code", code);
	lf_doc_put(&error, "serviceErrorDetails.message", sentence(message));
	lf_doc_text(&error, "serviceErrorDetails.possibleCauses", "");
	lf_doc_put(&error, "serviceErrorDetails.recommendedAction", sentence(advice));
	lf_doc_text(&error, "serviceErrorDetails.activityId", job->id);
	lf_doc_null(&error, "providerErrorDetails");
	lf_doc_text(&error, "errorLevel", level);
	lf_doc_time(&error, "creationTime", job->ended_ns ? job->ended_ns : job->changed_ns);
	lf_doc_text(&error, "taskId", task);
	return lf_doc_take(&error);
}

static void put_remark(struct lf_doc *view, const struct lf_job *job, const json_t *remark,
		       const char *task)
{
	lf_doc_append(view, "errors",
		      job_error(job, "Information", lf_json_text_or(remark, "code", ""),
				lf_json_text_or(remark, "message", ""),
				lf_json_text_or(remark, "advice", ""), task));
}

static bool has_remarks(const struct lf_job *job)
{
	return lf_json_at(job->data, "remarks") || lf_json_at(job->data, "information");
}

static void put_errors(struct lf_doc *view, const struct lf_job *job, const char *task)
{
	const struct lf_error told = lf_error_for_tenant(&job->error);
	json_t *remark;
	size_t i;

	lf_doc_put(view, "errors", json_array());
	if (told.code)
		lf_doc_append(view, "errors",
			      job_error(job, "Error", lf_error_arm(&told), told.message, told.hint,
					task));
	json_array_foreach (lf_json_at(job->data, "remarks"), i, remark)
		put_remark(view, job, remark, task);
	if (lf_json_at(job->data, "information")) /* of a job of an earlier version */
		put_remark(view, job, lf_json_at(job->data, "information"), task);
}

/* What was accepted is under way for a client, also while it waits for a worker. */
static enum lf_job_state told_state(const struct lf_job *job)
{
	return job->state == LF_JOB_NOT_STARTED ? LF_JOB_IN_PROGRESS : job->state;
}

static const char *state_description(const struct lf_job *job, enum lf_job_state state)
{
	if (state == LF_JOB_SUCCEEDED)
		return has_remarks(job) ? "CompletedWithInformation" : "Completed";
	return lf_job_state_name(state);
}

json_t *lf_sr_job_task_details(const struct lf_job *job, const char *skipped)
{
	static const struct lf_view_row rows[] = {
		{"instanceType", .fallback = "\"VirtualMachineTaskDetails\""},
		{"jobTask.jobFriendlyName", LF_VIEW_ANY, 0, "friendlyName", "\"\""},
		{"jobTask.targetObjectId", LF_VIEW_ANY, 0, "targetObjectId", "\"\""},
		{"jobTask.targetObjectName", LF_VIEW_ANY, 0, "targetObjectName", "\"\""},
		{"jobTask.targetInstanceType", LF_VIEW_ANY, 0, "targetInstanceType", "\"Other\""},
		{"jobTask.jobScenarioName", LF_VIEW_ANY, 0, "scenario", "\"\""},
	};
	const json_t *doc = job->doc;
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_view_put(&view, rows, LF_N(rows), &doc);
	lf_doc_text(&view, "jobTask.jobId", job->id);
	lf_doc_text(&view, "skippedReason", skipped ? "NotApplicable" : NULL);
	lf_doc_text(&view, "skippedReasonString", skipped);
	return lf_doc_take(&view);
}

json_t *lf_sr_job_task(const struct lf_job *job, const struct lf_sr_task *task)
{
	const char *state = lf_job_state_name(task->row->state);
	char id[LF_GUID_SIZE], space[LF_GUID_SIZE + 16];
	LF_AUTO_DOC view = LF_DOC_INIT;

	snprintf(space, sizeof(space), "task:%s", job->id);
	lf_guid_derive(space, task->name, id);
	lf_doc_text(&view, "taskId", id);
	lf_doc_text(&view, "name", task->shown_name ? task->shown_name : task->name);
	lf_doc_time(&view, "startTime", task->row->start_ns);
	lf_doc_time(&view, "endTime", task->row->end_ns);
	lf_doc_put(&view, "allowedActions", json_array());
	lf_doc_text(&view, "friendlyName", task->friendly);
	lf_doc_text(&view, "state", task->skipped && task->row->end_ns ? "Skipped" : state);
	lf_doc_text(&view, "stateDescription",
		    task->row->state == LF_JOB_SUCCEEDED ? "Completed" : state);
	lf_doc_text(&view, "taskType", "TaskDetails");
	lf_doc_put(&view, "customDetails", task->details);
	if (task->group)
		lf_doc_put(&view, "groupTaskCustomDetails", task->group);
	else
		lf_doc_null(&view, "groupTaskCustomDetails");
	if (task->row->state == LF_JOB_FAILED && !task->shown_name)
		put_errors(&view, job, id);
	else
		lf_doc_put(&view, "errors", json_array());
	return lf_doc_take(&view);
}

/* A step of the engine is a task of the contract. */
static json_t *task_of(const struct lf_job *job, const struct lf_job_type *type, unsigned at)
{
	const struct lf_job_step *step = &type->steps[at];
	const char *skipped = lf_json_text(lf_json_at(job->data, "skipped"), step->name);
	const struct lf_sr_task task = {.name = step->name,
					.friendly = step->friendly,
					.row = &job->steps[at],
					.skipped = skipped,
					.details = lf_sr_job_task_details(job, skipped)};

	return lf_sr_job_task(job, &task);
}

enum { DOC, DATA };

json_t *lf_sr_job_item_details(const struct lf_job *job)
{
	static const struct lf_view_row rows[] = {
		{"name", LF_VIEW_ANY, DOC, "targetObjectId", "\"\""},
		{"friendlyName", LF_VIEW_ANY, DOC, "targetObjectName", "\"\""},
		{"testVmName", LF_VIEW_ANY, DATA, "machine.name"},
		{"testVmFriendlyName", LF_VIEW_ANY, DATA, "machine.name"},
		{"networkFriendlyName", LF_VIEW_ANY, DOC, "networkName"},
		{"subnet", LF_VIEW_ANY, DATA, "machine.nics.0.subnet"},
		{"recoveryPointId", LF_VIEW_ANY, DATA, "pointId"},
		{"recoveryPointTime", LF_VIEW_ANY, DATA, "pointTime"},
	};
	const json_t *const sources[] = {[DOC] = job->doc, [DATA] = job->data};
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_view_put(&view, rows, LF_N(rows), sources);
	lf_doc_text(&view, "networkConnectionStatus",
		    lf_json_at(job->data, "machine.nics.0") ? "Connected" : "NotConnected");
	return lf_doc_take(&view);
}

static void put_drill(struct lf_doc *view, const struct lf_job *job)
{
	static const struct lf_view_row rows[] = {
		{"instanceType", .fallback = "\"TestFailoverJobDetails\""},
		{"comments", LF_VIEW_ANY, DOC, "comments", "\"\""},
		{"networkName", LF_VIEW_ANY, DOC, "networkName"},
		{"networkFriendlyName", LF_VIEW_ANY, DOC, "networkName"},
	};
	const json_t *doc = job->doc;

	lf_view_put(view, rows, LF_N(rows), &doc);
	lf_doc_text(view, "networkType",
		    *lf_json_text_or(doc, "networkName", "") ? "VmNetworkAsInput"
							     : "NoNetworkAttachAsInput");
	lf_doc_text(view, "testFailoverStatus", lf_job_state_name(told_state(job)));
}

static json_t *custom_details(struct lf_context *context, const struct lf_job *job,
			      const struct lf_sr_job_shape *shape)
{
	static const struct lf_view_row affected[] = {
		{"affectedObjectDetails.PrimaryVmId", LF_VIEW_ANY, DOC, "targetObjectId", "\"\""},
		{"affectedObjectDetails.PrimaryVmName", LF_VIEW_ANY, DOC, "targetObjectName",
		 "\"\""},
		{"affectedObjectDetails.PrimaryFabricProviderId",
		 .fallback = "\"InMageRcmFabric\""},
	};
	const char *scenario = lf_json_text_or(job->doc, "scenario", "");
	const json_t *doc = job->doc;
	LF_AUTO_DOC view = LF_DOC_INIT;

	bool drill = strncmp(scenario, "TestFailover", 12) == 0;
	if (drill)
		put_drill(&view, job);
	else
		lf_doc_text(&view, "instanceType",
			    strstr(scenario, "Failover") ? "FailoverJobDetails" : "AsrJobDetails");
	if (shape)
		shape->put_items(context, job, &view);
	else if (drill || strstr(scenario, "Failover"))
		lf_doc_append(&view, "protectedItemDetails", lf_sr_job_item_details(job));
	if (!shape)
		lf_view_put(&view, affected, LF_N(affected), &doc);
	return lf_doc_take(&view);
}

static void put_actions(struct lf_doc *view, const struct lf_jobs *jobs, const struct lf_job *job)
{
	lf_doc_put(view, "allowedActions", json_array());
	if (lf_jobs_can_cancel(jobs, job) && !job->cancel_requested)
		lf_doc_append(view, "allowedActions", json_string("Cancel"));
	if (job->state == LF_JOB_FAILED && !lf_json_text(job->doc, "plan.job"))
		lf_doc_append(view, "allowedActions", json_string("Restart"));
	if (job->state == LF_JOB_SUSPENDED)
		lf_doc_append(view, "allowedActions", json_string("Resume"));
}

int lf_sr_job_view(struct lf_context *context, const struct lf_job *job, json_t **ret_doc,
		   struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"friendlyName", LF_VIEW_ANY, DOC, "friendlyName", "\"\""},
		{"targetObjectId", LF_VIEW_ANY, DOC, "targetObjectId", "\"\""},
		{"targetObjectName", LF_VIEW_ANY, DOC, "targetObjectName", "\"\""},
		{"targetInstanceType", LF_VIEW_ANY, DOC, "targetInstanceType", "\"Other\""},
	};
	const struct lf_job_type *type = lf_jobs_type(context->jobs, job->type);
	const struct lf_sr_job_shape *shape = type ? type->subject : NULL;
	LF_AUTO_FREE char *id = lf_id_child(job->scope, "replicationJobs", job->id);
	bool cancelling = job->cancel_requested && !lf_job_state_is_final(job->state);
	const json_t *doc = job->doc;
	LF_AUTO_DOC view = LF_DOC_INIT;

	if (!id)
		return lf_fail_nomem(err);
	lf_doc_text(&view, "activityId", job->id);
	lf_doc_text(&view, "scenarioName", lf_json_text_or(doc, "scenario", job->type));
	lf_doc_text(&view, "state", cancelling ? "Cancelling" : lf_job_state_name(told_state(job)));
	lf_doc_text(&view, "stateDescription",
		    cancelling ? "Cancelling" : state_description(job, told_state(job)));
	lf_doc_put(&view, "tasks", json_array());
	if (shape)
		shape->put_tasks(context, job, &view);
	for (unsigned i = 0; type && !shape && i < type->n_steps; i++)
		lf_doc_append(&view, "tasks", task_of(job, type, i));
	put_errors(&view, job, NULL);
	lf_doc_time(&view, "startTime", job->started_ns ? job->started_ns : job->created_ns);
	lf_doc_time(&view, "endTime", job->ended_ns);
	put_actions(&view, context->jobs, job);
	lf_view_put(&view, rows, LF_N(rows), &doc);
	lf_doc_put(&view, "customDetails", custom_details(context, job, shape));
	return lf_document_wrap(id, LF_SR_TYPE_VAULT "/replicationJobs", lf_doc_take(&view),
				ret_doc, err);
}
