/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: the acceptance of a job.  Clients ask for the same one below the item, below the
 * vault, or wherever their version of the service put it, by the job's id.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"

int lf_backup_operation_job(struct lf_arm_call *call, const char *types, const char *what,
			    struct lf_job *ret_job, struct lf_error *err)
{
	const char *id = lf_arm_param(call, "operation");
	int rc = lf_jobs_get(lf_arm_context(call)->jobs, id, ret_job, err);

	if (rc != LF_ENOTFOUND && (rc || lf_text_starts_nocase(ret_job->type, types)))
		return rc;
	return lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorOperationNotFound", id,
			   "take the id from the Azure-AsyncOperation or the Location header",
			   "there is no %s '%.64s'", what, id);
}

int lf_backup_reply_status(struct lf_arm_call *call, const struct lf_job *job, json_t *properties,
			   struct lf_error *err)
{
	LF_AUTO_DOC body = LF_DOC_INIT;

	lf_doc_text(&body, "id", job->id);
	lf_doc_text(&body, "name", job->id);
	lf_doc_text(&body, "status", "Succeeded");
	lf_doc_time(&body, "startTime", job->created_ns);
	lf_doc_time(&body, "endTime", job->created_ns);
	lf_doc_put(&body, "properties", properties);
	return lf_arm_reply_doc(call, 200, &body, err);
}

json_t *lf_backup_job_info(const struct lf_job *job)
{
	return json_pack("{s:s, s:s}", "objectType", "OperationStatusJobExtendedInfo", "jobId",
			 job->id);
}

static json_t *extended_info(struct lf_context *context, const struct lf_job *job)
{
	const struct lf_backup_job_row *row = lf_backup_job_row(context, job);

	return row && row->extended_info ? row->extended_info(context, job)
					 : lf_backup_job_info(job);
}

int lf_backup_operation_status(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_backup_operation_job(call, LF_BACKUP_JOBS, "operation", &job, err);

	return rc ? rc
		  : lf_backup_reply_status(call, &job, extended_info(lf_arm_context(call), &job),
					   err);
}

/* The result of configuring protection is the item, while there is one; that of anything else what
 * became of the operation, as the documents print it. */
int lf_backup_operation_result(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JOB job = LF_JOB_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_JSON *doc = NULL;
	struct lf_backup_input input;
	bool there = false;

	int rc = lf_backup_operation_job(call, LF_BACKUP_JOBS, "operation", &job, err);
	if (!rc)
		rc = lf_backup_input_read(&job, &input, err);
	if (!rc && lf_text_equal_nocase(job.type, lf_backup_done_job.name))
		rc = lf_catalog_find(context->catalog, input.item, &item, &there, err);
	if (rc)
		return rc;
	if (!there || !lf_text_equal_nocase(item.type, LF_BACKUP_ITEM_TYPE))
		return lf_backup_reply_status(call, &job, extended_info(context, &job), err);
	rc = lf_document_view(call, &lf_backup_item_document, &item, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}
