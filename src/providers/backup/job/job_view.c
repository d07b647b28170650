/* SPDX-License-Identifier: Apache-2.0 */
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
static const char *operation_of(const struct lf_job *job, const struct lf_backup_job_row *row)
{
	if (lf_json_bool_or(job->doc, "secondary", false))
		return "CrossRegionRestore";
	return row && row->operation ? row->operation
				     : lf_json_text_or(job->doc, "operation", job->type);
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

static json_t *task_row(const char *name, const char *status, int64_t start_ns, int64_t end_ns,
			int64_t now_ns, int64_t percent)
{
	char duration[32];

	format_duration(start_ns ? (end_ns ? end_ns : now_ns) - start_ns : 0, duration);
	json_t *task = json_pack("{s:s, s:s, s:s, s:o, s:o}", "taskId", name, "duration", duration,
				 "status", status, "startTime", lf_json_time(start_ns), "endTime",
				 lf_json_time(end_ns));
	if (task && percent >= 0)
		lf_json_set_int(task, "progressPercentage", percent);
	return task;
}

/* The first of the two tasks of a backup's step. */
static void add_snapshot(json_t *tasks, const struct lf_job *job, int64_t now_ns)
{
	const struct lf_job_step_row *row = &job->steps[0];
	struct lf_error ignored;
	int64_t at = 0;
	const char *text = lf_json_text(job->data, "snapshotAt");

	if (text && lf_time_parse(text, &at, &ignored))
		at = 0;
	bool failed = row->state == LF_JOB_FAILED && !at;
	int64_t end = at ? at : row->end_ns;
	json_array_append_new(tasks, task_row("Take Snapshot",
					      failed				     ? "Failed"
					      : at || row->state == LF_JOB_SUCCEEDED ? "Completed"
					      : row->start_ns			     ? "InProgress"
										     : "NotStarted",
					      row->start_ns, end, now_ns, -1));
}

static json_t *tasks_of(struct lf_context *context, const struct lf_job *job)
{
	const struct lf_job_type *type = lf_jobs_type(context->jobs, job->type);
	const struct lf_backup_job_row *view = lf_backup_job_row(context, job);
	int64_t now = lf_clock_now_ns(context->clock);
	json_t *tasks = json_array();

	if (view && view->done_at_once)
		return tasks;
	for (unsigned i = 0; type && i < type->n_steps; i++) {
		const struct lf_job_step_row *row = &job->steps[i];
		bool at = row->state == LF_JOB_IN_PROGRESS && lf_json_at(job->data, "percent");
		if (view && view->takes_snapshot)
			add_snapshot(tasks, job, now);
		json_array_append_new(tasks,
				      task_row(type->steps[i].friendly, step_status(row),
					       row->start_ns, row->end_ns, now,
					       at ? lf_json_int_or(job->data, "percent", 0) : -1));
	}
	return tasks;
}

static json_t *errors_of(const struct lf_job *job)
{
	if (!job->error.code)
		return json_array();
	return json_pack("[{s:i, s:s, s:s, s:[s]}]", "errorCode", job->error.code, "errorString",
			 job->error.message, "errorTitle", lf_error_arm(&job->error),
			 "recommendations", job->error.hint);
}

/* Percent, and what is left at the rate so far. */
static int add_progress(json_t *properties, const struct lf_job *job, int64_t now_ns)
{
	int64_t percent = lf_json_int_or(job->data, "percent", 0);
	char left[32];

	if (lf_job_state_is_final(job->state))
		return job->state == LF_JOB_SUCCEEDED
			       ? lf_json_set_int(properties, "extendedInfo.progressPercentage", 100)
			       : 0;
	int failed = lf_json_set_int(properties, "extendedInfo.progressPercentage", percent);
	if (percent > 0 && job->started_ns) {
		format_duration((now_ns - job->started_ns) * (100 - percent) / percent, left);
		failed |= lf_json_set_text(properties, "extendedInfo.estimatedRemainingDuration",
					   left);
	}
	return failed;
}

static json_t *properties_of(struct lf_context *context, const struct lf_job *job)
{
	const struct lf_job_type *type = lf_jobs_type(context->jobs, job->type);
	const char *item = lf_json_text_or(job->doc, "item", "");
	const char *last = strrchr(item, ';') ? strrchr(item, ';') + 1 : "";
	const char *name = lf_json_text_or(job->doc, "friendlyName",
					   lf_json_text_or(job->doc, "vmName", last));
	int64_t now = lf_clock_now_ns(context->clock), start = job->started_ns;
	json_t *bag = lf_json_at(job->data, "propertyBag");
	char duration[32];

	start = start ? start : job->created_ns;
	format_duration((job->ended_ns ? job->ended_ns : now) - start, duration);
	json_t *properties = json_pack(
		"{s:s, s:s, s:s, s:{s:o, s:O?}, s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:[]}",
		"jobType", "AzureIaaSVMJob", "duration", duration, "virtualMachineVersion",
		"Compute", "extendedInfo", "tasksList", tasks_of(context, job), "propertyBag", bag,
		"entityFriendlyName", name, "backupManagementType", "AzureIaasVM", "operation",
		operation_of(job, lf_backup_job_row(context, job)), "status", status_of(job),
		"startTime", lf_json_time(start), "endTime", lf_json_time(job->ended_ns),
		"activityId", job->id, "errorDetails", errors_of(job), "actionsInfo");
	if (!bag)
		lf_json_set(properties, "extendedInfo.propertyBag",
			    json_pack("{s:s}", "VM Name", name));
	if (type && type->cancellable && !lf_job_state_is_final(job->state) &&
	    !job->cancel_requested)
		json_array_append_new(lf_json_at(properties, "actionsInfo"),
				      json_string("Cancellable"));
	if (add_progress(properties, job, now)) {
		json_decref(properties);
		return NULL;
	}
	return properties;
}

int lf_backup_job_view(struct lf_context *context, const struct lf_job *job, const char *below,
		       json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_printf_dup("%s/backupJobs/%s", below, job->id);
	LF_AUTO_JSON *doc = json_object();
	json_t *properties = properties_of(context, job);

	if (!id || !properties || json_object_set_new(doc, "properties", properties))
		return lf_fail_nomem(err);
	int rc = lf_arm_envelope(doc, id, LF_VAULT_TYPE "/backupJobs", err);
	if (!rc)
		*ret_doc = lf_steal(&doc);
	return rc;
}
