/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's jobs: those of this provider, newest first; and cancel, restart, resume. */
#include <string.h>

#include "providers/common/page.h"
#include "providers/siterecovery/internal.h"

#define TYPES "siterecovery."

/* As the list's query parameters in the description; the window is on a job's start. */
static const struct lf_filter_row filter_rows[] = {
	{"startTime", "properties.startTime", LF_FILTER_FROM},
	{"endTime", "properties.startTime", LF_FILTER_UNTIL},
	{"jobStatus", "properties.state"},
	{"jobName", "name"},
	{"affectedObjectTypes", "properties.targetInstanceType"},
};

int lf_sr_jobs_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *docs = json_array();
	LF_AUTO_JOB_LIST list = {0};
	LF_AUTO_SCOPE scope = {0};

	int rc = lf_scope_open(call, LF_SR_TYPE_VAULT, &scope, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), filter_rows, LF_N(filter_rows),
				   &filter, err);
	if (!rc)
		rc = lf_jobs_list(context->jobs, scope.at[LF_SR_VAULT].id, TYPES, NULL, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_JSON *doc = NULL;
		rc = lf_sr_job_view(context, &list.items[i], &doc, err);
		rc = lf_row_pass_over(list.items[i].id, rc, err);
		if (doc && lf_filter_passes(filter, doc) && json_array_append(docs, doc))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_page_reply(call, docs, err);
}

/* A job of this vault; others are not there. */
static int find_job(struct lf_arm_call *call, struct lf_job *job, struct lf_error *err)
{
	LF_AUTO_SCOPE scope = {0};
	int rc = lf_scope_open(call, LF_SR_TYPE_VAULT, &scope, err);

	if (!rc)
		rc = lf_jobs_get(lf_arm_context(call)->jobs, lf_arm_param(call, "job"), job, err);
	if (rc)
		return rc;
	if (!lf_arm_id_equal(job->scope, scope.at[LF_SR_VAULT].id) ||
	    strncmp(job->type, TYPES, strlen(TYPES)) != 0)
		return lf_fail(err, LF_ENOTFOUND, lf_arm_id(call, 0), "the vault has no such job");
	return 0;
}

static int reply_job(struct lf_arm_call *call, const char *id, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JOB job = LF_JOB_INIT;
	LF_AUTO_JSON *doc = NULL;

	int rc = lf_jobs_get(context->jobs, id, &job, err);
	if (!rc)
		rc = lf_sr_job_view(context, &job, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

int lf_sr_jobs_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = find_job(call, &job, err);

	return rc ? rc : reply_job(call, job.id, err);
}

/* cancel, restart and resume are done when they are accepted: 200 with the job. */

int lf_sr_jobs_cancel(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = find_job(call, &job, err);

	if (!rc)
		rc = lf_jobs_cancel(lf_arm_context(call)->jobs, job.id, err);
	return rc ? rc : reply_job(call, job.id, err);
}

/* A failed job of an item that another job works on now has to wait for it. */
static int check_free(struct lf_catalog *catalog, const struct lf_job *job, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(catalog, lf_json_text_or(job->doc, "itemId", job->scope), &item,
				err);

	if (rc)
		return rc;
	const char *busy = lf_json_text(item.state, "current.job");
	if (busy && strcmp(busy, job->id) != 0)
		return lf_fail_arm(err, LF_ECONFLICT, "AnotherOperationInProgress", item.id,
				   "wait until it has ended, or cancel it",
				   "the job %s is working on the item", busy);
	return 0;
}

int lf_sr_jobs_restart(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = find_job(call, &job, err);

	if (!rc && lf_json_text(job.doc, "plan.job"))
		rc = lf_fail_arm(
			err, LF_ECONFLICT, "JobActionNotAllowed", job.id,
			"restart the job of the plan: items that are through are passed over",
			"the job is part of the recovery plan's job %s",
			lf_json_text(job.doc, "plan.job"));
	if (!rc)
		rc = check_free(context->catalog, &job, err);
	if (!rc)
		rc = lf_jobs_restart(context->jobs, job.id, err);
	return rc ? rc : reply_job(call, job.id, err);
}

int lf_sr_jobs_resume(struct lf_arm_call *call, struct lf_error *err)
{
	/* they are kept in the job's row */
	static const struct lf_field rows[] = {
		{"properties.comments", LF_TEXT, 0, 0, 4096, NULL, "what the person says"}};
	static const struct lf_sr_fields fields = {rows, LF_N(rows)};
	const char *comments = lf_json_text_or(lf_arm_body(call), "properties.comments", "");
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = find_job(call, &job, err);

	if (!rc)
		rc = lf_sr_fields_check(&fields, lf_arm_body(call), err);
	if (!rc)
		rc = lf_jobs_resume(lf_arm_context(call)->jobs, job.id, comments, err);
	return rc ? rc : reply_job(call, job.id, err);
}
