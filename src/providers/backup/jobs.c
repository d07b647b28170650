/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/common/filter.h"

#define TYPES "backup."

static json_t *filter_fields(const json_t *doc)
{
	const json_t *properties = lf_json_at(doc, "properties");

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "operation",
			 lf_json_text_or(properties, "operation", ""), "status",
			 lf_json_text_or(properties, "status", ""), "jobId",
			 lf_json_text_or(doc, "name", ""), "backupManagementType", "AzureIaasVM",
			 "entityFriendlyName",
			 lf_json_text_or(properties, "entityFriendlyName", ""), "startTime",
			 lf_json_text_or(properties, "startTime", ""), "endTime",
			 lf_json_text_or(properties, "startTime", ""));
}

static bool is_cross_region(const struct lf_job *job)
{
	return lf_json_bool_or(job->doc, "secondary", false);
}

int lf_backup_job_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_JOB_LIST list = {0};

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), &filter, err);
	if (!rc)
		rc = lf_jobs_list(context->jobs, vault.id, TYPES, NULL, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_JSON *doc = NULL;
		if (is_cross_region(&list.items[i]))
			continue;
		rc = lf_backup_job_view(context, &list.items[i], vault.id, &doc, err);
		LF_AUTO_JSON *fields = rc ? NULL : filter_fields(doc);
		if (!rc && lf_filter_matches(filter, fields) && json_array_append(values, doc))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_backup_reply_list(call, values, err);
}

/* The job named in the path, of the vault named there. */
static int find_job(struct lf_arm_call *call, struct lf_resource *ret_vault, struct lf_job *ret_job,
		    struct lf_error *err)
{
	const char *id = lf_arm_param(call, "job");
	int rc = lf_backup_vault(call, ret_vault, err);

	if (rc)
		return rc;
	rc = lf_jobs_get(lf_arm_context(call)->jobs, id, ret_job, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	if (!rc && strncmp(ret_job->type, TYPES, strlen(TYPES)) == 0 &&
	    lf_arm_id_equal(ret_job->scope, ret_vault->id))
		return 0;
	return lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorJobNotFound", id,
			   "GET backupJobs lists the vault's jobs", "the vault has no job '%.64s'",
			   id);
}

int lf_backup_job_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_JOB job = LF_JOB_INIT;
	LF_AUTO_JSON *doc = NULL;

	int rc = find_job(call, &vault, &job, err);
	if (!rc)
		rc = lf_backup_job_view(lf_arm_context(call), &job, vault.id, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

int lf_backup_job_cancel(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_JOB job = LF_JOB_INIT;

	int rc = find_job(call, &vault, &job, err);
	if (rc)
		return rc;
	const struct lf_job_type *type = lf_jobs_type(context->jobs, job.type);
	if (lf_job_state_is_final(job.state) || !type || !type->cancellable)
		return lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorCancelNotAllowed", job.id,
				   "actionsInfo of the job says Cancellable while it can be",
				   "the job cannot be cancelled");
	rc = lf_jobs_cancel(context->jobs, job.id, err);
	LF_AUTO_FREE char *below = lf_printf_dup("%s/backupJobs/%s", vault.id, job.id);
	if (!rc && !below)
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_backup_reply_accepted(call, below, job.id, err);
}

int lf_backup_job_result(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = find_job(call, &vault, &job, err);

	return rc ? rc
		  : lf_arm_reply(call, lf_job_state_is_final(job.state) ? 204 : 202, NULL, err);
}

int lf_backup_job_export(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotSupported", lf_arm_id(call, 0),
			   "GET backupJobs, or landfall --output json job list",
			   "jobs are not exported to blobs here");
}
