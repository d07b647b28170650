/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jobs of a vault: lists, one of them, cancelling, and the export of a list as a blob that can
 * be read for a quarter of an hour.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"
#include "providers/common/page.h"
#include "providers/compute/access.h"

#define EXPORT_SECONDS (15 * 60)

/* Both times of a $filter are about the beginning. */
static const struct lf_filter_row job_filter[] = {
	{"operation", "properties.operation"},
	{"status", "properties.status"},
	{"jobId", "name"},
	{"backupManagementType", "properties.backupManagementType"},
	{"entityFriendlyName", "properties.entityFriendlyName"},
	{"startTime", "properties.startTime", LF_FILTER_FROM},
	{"endTime", "properties.startTime", LF_FILTER_UNTIL},
};

int lf_backup_job_views(struct lf_context *context, const struct lf_backup_job_query *query,
			json_t *values, struct lf_error *err)
{
	LF_AUTO_JOB_LIST list = {0};
	int rc = lf_jobs_list(context->jobs, query->vault, LF_BACKUP_JOBS, NULL, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_JSON *doc = NULL;
		if (lf_json_bool_or(list.items[i].doc, "secondary", false) != query->secondary)
			continue;
		rc = lf_backup_job_view(context, &list.items[i], query->below, &doc, err);
		rc = lf_row_pass_over(list.items[i].id, rc, err);
		if (doc && lf_filter_passes(query->filter, doc) && json_array_append(values, doc))
			rc = lf_fail_nomem(err);
	}
	return rc;
}

/* The vault's jobs that the request's filter lets through, appended to values. */
static int collect_jobs(struct lf_arm_call *call, json_t *values, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_FILTER *filter = NULL;

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), job_filter, LF_N(job_filter),
				   &filter, err);
	const struct lf_backup_job_query query = {
		.vault = vault.id, .below = vault.id, .filter = filter};
	return rc ? rc : lf_backup_job_views(lf_arm_context(call), &query, values, err);
}

int lf_backup_job_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();
	int rc = collect_jobs(call, values, err);

	return rc ? rc : lf_page_reply(call, values, err);
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
	if (!rc && lf_text_starts_nocase(ret_job->type, LF_BACKUP_JOBS) &&
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
	if (!lf_jobs_can_cancel(context->jobs, &job))
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

/* The jobs as a JSON text in a blob, which can be read for a quarter of an hour. */
int lf_backup_job_export(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = strdup(lf_arm_id(call, 1));
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_FREE char *text = NULL;
	LF_AUTO_FREE char *url = NULL;
	LF_AUTO_FREE char *query = NULL;
	char guid[LF_GUID_SIZE], job[LF_GUID_SIZE];

	lf_guid_random(guid);
	LF_AUTO_FREE char *resource = vault ? lf_printf_dup("%s/jobsExport/%s", vault, guid) : NULL;
	int rc = resource && values ? collect_jobs(call, values, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_json_dump(values, &text, err);
	if (!rc)
		rc = lf_access_share(call, resource, "jobs.json", text, EXPORT_SECONDS, &url,
				     &query, err);
	LF_AUTO_JSON *doc =
		rc ? NULL : json_pack("{s:s, s:s}", "blobUrl", url, "blobSasKey", query);
	const struct lf_job_request request = {.id = guid,
					       .type = lf_backup_export_job.name,
					       .scope = vault,
					       .resource = resource,
					       .doc = doc};
	if (!rc)
		rc = doc ? lf_jobs_submit(lf_arm_context(call)->jobs, &request, job, err)
			 : lf_fail_nomem(err);
	LF_AUTO_FREE char *result = lf_printf_dup("%s/backupJobs/operationResults/%s", vault, guid);
	const struct lf_arm_async async = {.job = guid, .result_path = result, .retry_after = 1};
	return rc	? rc
	       : result ? lf_arm_reply_async(call, 202, &async, NULL, err)
			: lf_fail_nomem(err);
}

int lf_backup_job_export_result(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	LF_AUTO_DOC body = LF_DOC_INIT;

	int rc = lf_backup_operation_job(call, lf_backup_export_job.name, "export of jobs", &job,
					 err);
	if (rc)
		return rc;
	const char *url = lf_json_text_or(job.doc, "blobUrl", ""),
		   *key = lf_json_text_or(job.doc, "blobSasKey", "");
	lf_doc_put(&body, "headers", json_object());
	lf_doc_text(&body, "statusCode", "OK");
	lf_doc_text(&body, "operation.objectType", "ExportJobsOperationResultInfo");
	lf_doc_text(&body, "operation.blobUrl", url);
	lf_doc_text(&body, "operation.blobSasKey", key);
	lf_doc_text(&body, "operation.excelFileBlobUrl", url);
	lf_doc_text(&body, "operation.excelFileBlobSasKey", key);
	return lf_arm_reply_doc(call, 200, &body, err);
}

/* Not one of the jobs that clients list. */
const struct lf_job_type lf_backup_export_job = {.name = "backupexport.jobs", LF_BACKUP_DONE_STEPS};
