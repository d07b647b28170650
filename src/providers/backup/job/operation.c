/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: the acceptance of a job.  Clients ask for the same one below the item, below the
 * vault, or wherever their version of the service put it, by the job's id.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"

#define RETRY_AFTER_S 2

int lf_backup_reply_operation(struct lf_arm_call *call, const char *status_below,
			      const char *result_below, const char *job, struct lf_error *err)
{
	LF_AUTO_FREE char *status = lf_printf_dup("%s/%s", status_below, job);
	LF_AUTO_FREE char *result = lf_printf_dup("%s/%s", result_below, job);
	const struct lf_arm_async async = {.job = job,
					   .status_path = status,
					   .result_path = result,
					   .retry_after = RETRY_AFTER_S};

	return status && result ? lf_arm_reply_async(call, 202, &async, NULL, err)
				: lf_fail_nomem(err);
}

int lf_backup_reply_accepted(struct lf_arm_call *call, const char *item_id, const char *job,
			     struct lf_error *err)
{
	LF_AUTO_FREE char *status = lf_printf_dup("%s/operationsStatus", item_id);
	LF_AUTO_FREE char *result = lf_printf_dup("%s/operationResults", item_id);

	return status && result ? lf_backup_reply_operation(call, status, result, job, err)
				: lf_fail_nomem(err);
}

/* The job of an operation; one of another provider is none. */
static int find_job(struct lf_arm_call *call, struct lf_job *ret_job, struct lf_error *err)
{
	const char *id = lf_arm_param(call, "operation");
	int rc = lf_jobs_get(lf_arm_context(call)->jobs, id, ret_job, err);

	if (rc != LF_ENOTFOUND && (rc || lf_text_starts_nocase(ret_job->type, LF_BACKUP_JOBS)))
		return rc;
	return lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorOperationNotFound", id,
			   "take the id from the Azure-AsyncOperation header",
			   "there is no operation '%.64s'", id);
}

static json_t *extended_info(struct lf_context *context, const struct lf_job *job)
{
	const struct lf_backup_job_row *row = lf_backup_job_row(context, job);

	return row && row->extended_info
		       ? row->extended_info(context, job)
		       : json_pack("{s:s, s:s}", "objectType", "OperationStatusJobExtendedInfo",
				   "jobId", job->id);
}

int lf_backup_operation_status(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	char time[LF_TIME_SIZE];

	int rc = find_job(call, &job, err);
	if (rc)
		return rc;
	lf_time_format(job.created_ns, time);
	LF_AUTO_JSON *body =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", lf_arm_id(call, 0), "name",
			  job.id, "status", "Succeeded", "startTime", time, "endTime", time,
			  "properties", extended_info(lf_arm_context(call), &job));
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

/* The result of configuring protection is the item, that of anything else its job. */
int lf_backup_operation_result(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;

	int rc = find_job(call, &job, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *body = json_pack("{s:s, s:s, s:s, s:o}", "id", lf_arm_id(call, 0), "name",
				       job.id, "type", LF_VAULT_TYPE "/backupJobs", "properties",
				       extended_info(lf_arm_context(call), &job));
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}
