/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as clients see it: what its row and its type's say, without asking anybody.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"

const struct lf_backup_job_row *lf_backup_job_row(struct lf_context *context,
						  const struct lf_job *job)
{
	const struct lf_job_type *type = lf_jobs_type(context->jobs, job->type);

	return type ? type->subject : NULL;
}

/* What clients call it. */
static const char *operation_of(const struct lf_job *job, const struct lf_backup_job_row *row,
				const struct lf_backup_input *input)
{
	if (input->secondary)
		return "CrossRegionRestore";
	if (row && row->operation)
		return row->operation;
	return input->operation ? input->operation : job->type;
}

static const char *status_of(const struct lf_job *job)
{
	switch (job->state) {
	case LF_JOB_SUCCEEDED:
		return "Completed";
	case LF_JOB_FAILED:
		return "Failed";
	case LF_JOB_CANCELLED:
		return "Cancelled";
	default:
		return job->cancel_requested ? "Cancelling" : "InProgress";
	}
}

static const char *step_status(const struct lf_job_step_row *row)
{
	return row->state == LF_JOB_SUCCEEDED	  ? "Completed"
	       : row->state == LF_JOB_NOT_STARTED ? "NotStarted"
						  : lf_job_state_name(row->state);
}

/* "PT12.5S": always seconds, as clients read it. */
static void format_duration(int64_t ns, char out[static 32])
{
	snprintf(out, 32, "PT%lld.%03lldS", (long long)(ns / LF_NS_PER_S),
		 (long long)(ns / LF_NS_PER_MS % 1000));
}

struct task {
	const char *name, *status;
	int64_t start_ns, end_ns; /* 0: not yet */
	int64_t percent;	  /* negative: none is shown */
};

static void add_task(struct lf_doc *properties, const struct task *task, int64_t now_ns)
{
	LF_AUTO_DOC row = LF_DOC_INIT;
	int64_t end = task->end_ns ? task->end_ns : now_ns;
	char duration[32];

	format_duration(task->start_ns ? end - task->start_ns : 0, duration);
	lf_doc_text(&row, "taskId", task->name);
	lf_doc_text(&row, "duration", duration);
	lf_doc_text(&row, "status", task->status);
	lf_doc_time(&row, "startTime", task->start_ns);
	lf_doc_time(&row, "endTime", task->end_ns);
	if (task->percent >= 0)
		lf_doc_int(&row, "progressPercentage", task->percent);
	lf_doc_append(properties, "extendedInfo.tasksList", lf_doc_take(&row));
}

/* The first of the two tasks of a backup's step. */
static void add_snapshot(struct lf_doc *properties, const struct lf_job *job, int64_t now_ns)
{
	const struct lf_job_step_row *row = &job->steps[0];
	const char *text = lf_json_text(job->data, "snapshotAt");
	struct lf_error ignored;
	int64_t at = 0;

	if (text && lf_time_parse(text, &at, &ignored))
		at = 0;
	bool failed = row->state == LF_JOB_FAILED && !at;
	bool taken = at || row->state == LF_JOB_SUCCEEDED;
	const struct task task = {.name = "Take Snapshot",
				  .status = failed	    ? "Failed"
					    : taken	    ? "Completed"
					    : row->start_ns ? "InProgress"
							    : "NotStarted",
				  .start_ns = row->start_ns,
				  .end_ns = at ? at : row->end_ns,
				  .percent = -1};
	add_task(properties, &task, now_ns);
}

static void add_tasks(struct lf_doc *properties, struct lf_context *context,
		      const struct lf_job *job, int64_t now_ns)
{
	const struct lf_job_type *type = lf_jobs_type(context->jobs, job->type);
	const struct lf_backup_job_row *view = lf_backup_job_row(context, job);

	lf_doc_put(properties, "extendedInfo.tasksList", json_array());
	for (unsigned i = 0; type && !(view && view->done_at_once) && i < type->n_steps; i++) {
		const struct lf_job_step_row *row = &job->steps[i];
		const struct task task = {.name = type->steps[i].friendly,
					  .status = step_status(row),
					  .start_ns = row->start_ns,
					  .end_ns = row->end_ns,
					  .percent =
						  row->state == LF_JOB_IN_PROGRESS
							  ? lf_json_int_or(job->data, "percent", -1)
							  : -1};
		if (view && view->takes_snapshot)
			add_snapshot(properties, job, now_ns);
		add_task(properties, &task, now_ns);
	}
}

static json_t *error_of(const struct lf_job *job)
{
	const struct lf_error told = lf_error_for_tenant(&job->error);

	return json_pack("{s:i, s:s, s:s, s:[s]}", "errorCode", told.code, "errorString",
			 told.message, "errorTitle", lf_error_arm(&told), "recommendations",
			 told.hint);
}

/* Percent, and what is left at the rate so far. */
static void add_progress(struct lf_doc *properties, const struct lf_job *job, int64_t now_ns)
{
	bool ended = lf_job_state_is_final(job->state);
	int64_t percent = ended ? 100 : lf_json_int_or(job->data, "percent", 0);
	char left[32];

	if (ended && job->state != LF_JOB_SUCCEEDED)
		return;
	lf_doc_int(properties, "extendedInfo.progressPercentage", percent);
	if (ended || percent <= 0 || !job->started_ns)
		return;
	format_duration((now_ns - job->started_ns) * (100 - percent) / percent, left);
	lf_doc_text(properties, "extendedInfo.estimatedRemainingDuration", left);
}

/* What the job is called: the machine's name, or what the item's is made of. */
static const char *friendly_name(const struct lf_backup_input *input)
{
	const char *last = strrchr(input->item, ';');

	if (input->friendly_name || input->vm_name)
		return input->friendly_name ? input->friendly_name : input->vm_name;
	return last ? last + 1 : "";
}

static void add_extended_info(struct lf_doc *properties, struct lf_context *context,
			      const struct lf_job *job, const char *name, int64_t now_ns)
{
	const json_t *bag = lf_json_at(job->data, "propertyBag");

	add_tasks(properties, context, job, now_ns);
	if (bag)
		lf_doc_share(properties, "extendedInfo.propertyBag", bag);
	else
		lf_doc_text(properties, "extendedInfo.propertyBag.VM Name", name);
	add_progress(properties, job, now_ns);
}

static json_t *properties_of(struct lf_context *context, const struct lf_job *job,
			     const struct lf_backup_input *input)
{
	int64_t now = lf_clock_now_ns(context->clock);
	int64_t start = job->started_ns ? job->started_ns : job->created_ns;
	LF_AUTO_DOC properties = LF_DOC_INIT;
	char duration[32];

	format_duration((job->ended_ns ? job->ended_ns : now) - start, duration);
	lf_doc_text(&properties, "jobType", "AzureIaaSVMJob");
	lf_doc_text(&properties, "duration", duration);
	lf_doc_text(&properties, "virtualMachineVersion", "Compute");
	add_extended_info(&properties, context, job, friendly_name(input), now);
	lf_doc_text(&properties, "entityFriendlyName", friendly_name(input));
	lf_doc_text(&properties, "backupManagementType", "AzureIaasVM");
	lf_doc_text(&properties, "operation",
		    operation_of(job, lf_backup_job_row(context, job), input));
	lf_doc_text(&properties, "status", status_of(job));
	lf_doc_time(&properties, "startTime", start);
	lf_doc_time(&properties, "endTime", job->ended_ns);
	lf_doc_text(&properties, "activityId", job->id);
	lf_doc_put(&properties, "errorDetails", json_array());
	if (job->error.code)
		lf_doc_append(&properties, "errorDetails", error_of(job));
	lf_doc_put(&properties, "actionsInfo", json_array());
	if (lf_jobs_can_cancel(context->jobs, job) && !job->cancel_requested)
		lf_doc_append(&properties, "actionsInfo", json_string("Cancellable"));
	return lf_doc_take(&properties);
}

int lf_backup_job_view(struct lf_context *context, const struct lf_job *job, const char *below,
		       json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_id_child(below, "backupJobs", job->id);
	struct lf_backup_input input;
	int rc = lf_backup_input_read(job, &input, err);

	if (rc)
		return rc;
	return id ? lf_document_wrap(id, LF_VAULT_TYPE "/backupJobs",
				     properties_of(context, job, &input), ret_doc, err)
		  : lf_fail_nomem(err);
}
