/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of jobs from outside: submit, list, cancel, restart, resume,
 * and the removal of old ones.
 *
 * Each is one transaction on rows; the queue hears of it after.  A kill
 * between the two loses nothing: the queue is filled from the rows.  A submit
 * inside the caller's transaction is there once that commits; until then a
 * worker that looks for the row finds none and asks again.
 */
#include <string.h>

#include "base/health.h"
#include "catalog/jobrows.h"
#include "job/engine.h"
#include "job/row.h"

static int insert_job(struct lf_jobs *jobs, const struct lf_job_request *request, const char *id,
		      struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;

	memcpy(job.id, id, LF_GUID_SIZE);
	job.type = strdup(request->type);
	job.scope = strdup(request->scope);
	job.resource = strdup(request->resource);
	job.doc = request->doc ? json_deep_copy(request->doc) : json_object();
	job.data = json_object();
	job.created_ns = job.changed_ns = lf_clock_now_ns(jobs->clock);
	if (!job.type || !job.scope || !job.resource || !job.doc || !job.data)
		return lf_fail_nomem(err);
	return lf_job_to_row(jobs->catalog, &job, err);
}

/* Refuse a second job of the resource. */
static int check_free(struct lf_jobs *jobs, const char *resource, struct lf_error *err)
{
	const struct lf_jobrow_query busy = {.resource = resource, .unfinished = true, .limit = 1};
	LF_AUTO_JSON *others = NULL;

	int rc = lf_jobrow_list(jobs->catalog, &busy, &others, err);
	if (rc || !json_array_size(others))
		return rc;
	return lf_fail_arm(err, LF_ECONFLICT, "AnotherOperationInProgress", resource,
			   "wait until it has ended, or cancel it",
			   "the job %s (%s) is working on this resource",
			   lf_json_text_or(others, "0.id", ""),
			   lf_json_text_or(others, "0.type", ""));
}

/* An earlier submit of the same id is the answer. */
static int submit_once(struct lf_jobs *jobs, const struct lf_job_request *request, const char *id,
		       struct lf_error *err)
{
	LF_AUTO_JSON *same = NULL;

	int rc = lf_jobrow_find(jobs->catalog, id, &same, err);
	if (rc || same)
		return rc;
	rc = check_free(jobs, request->resource, err);
	return rc ? rc : insert_job(jobs, request, id, err);
}

int lf_jobs_submit(struct lf_jobs *jobs, const struct lf_job_request *request,
		   char ret_id[static LF_GUID_SIZE], struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	char id[LF_GUID_SIZE] = "";

	LF_ASSERT(lf_jobs_type(jobs, request->type));
	if (request->id)
		snprintf(id, sizeof(id), "%s", request->id);
	else
		lf_guid_random(id);
	int rc = lf_transaction_begin(&tx, jobs->catalog, err);
	if (!rc)
		rc = submit_once(jobs, request, id, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (rc)
		return rc;
	lf_job_queue_add(jobs, id, request->resource);
	lf_clock_wake(jobs->clock);
	memcpy(ret_id, id, LF_GUID_SIZE);
	return 0;
}

int lf_jobs_list(struct lf_jobs *jobs, const char *scope, const char *type_prefix,
		 const char *resource, struct lf_job_list *ret_list, struct lf_error *err)
{
	const struct lf_jobrow_query query = {
		.scope = scope, .type_prefix = type_prefix, .resource = resource};
	LF_AUTO_JSON *bodies = NULL;
	LF_AUTO_JOB_LIST list = {0};

	int rc = lf_jobrow_list(jobs->catalog, &query, &bodies, err);
	if (rc)
		return rc;
	list.items = lf_alloc_array(json_array_size(bodies), sizeof(*list.items));
	if (!list.items)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < json_array_size(bodies); i++) {
		rc = lf_job_from_body(json_array_get(bodies, i), &list.items[list.n], err);
		if (rc && rc != LF_ECORRUPT)
			return rc;
		if (rc)
			lf_health_raise("job-row",
					lf_json_text_or(json_array_get(bodies, i), "id", ""), "%s",
					err->message);
		else
			list.n++;
	}
	*ret_list = list;
	list = (struct lf_job_list){0};
	return 0;
}

/* Change a job from outside: read, check, change and write in one transaction. */
static int change_job(struct lf_jobs *jobs, const char *id,
		      int (*change)(struct lf_jobs *jobs, struct lf_job *job, const char *argument,
				    struct lf_error *err),
		      const char *argument, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_JOB job = LF_JOB_INIT;

	int rc = lf_transaction_begin(&tx, jobs->catalog, err);
	if (!rc)
		rc = lf_jobs_get(jobs, id, &job, err);
	if (!rc)
		rc = change(jobs, &job, argument, err);
	if (!rc)
		rc = lf_job_to_row(jobs->catalog, &job, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (rc)
		return rc;
	lf_job_queue_add(jobs, id, job.resource);
	lf_jobs_poke(jobs, job.resource);
	return 0;
}

static int fail_state(const struct lf_job *job, const char *verb, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ECONFLICT, "JobActionNotAllowed", job->id,
			   "see allowedActions of the job", "a job that is %s cannot be %s",
			   lf_job_state_name(job->state), verb);
}

/* One that is being taken back ends without anybody's wish. */
bool lf_jobs_can_cancel(const struct lf_jobs *jobs, const struct lf_job *job)
{
	const struct lf_job_type *type = lf_jobs_type(jobs, job->type);

	return type && type->cancellable && !lf_job_state_is_final(job->state) &&
	       (!type->cancellable_steps || job->step < type->cancellable_steps) &&
	       job->ending != LF_JOB_FAILED;
}

static int mark_cancel(struct lf_jobs *jobs, struct lf_job *job, const char *unused,
		       struct lf_error *err)
{
	(void)unused;
	if (!lf_jobs_can_cancel(jobs, job))
		return fail_state(job, "cancelled", err);
	job->cancel_requested = true;
	if (job->state == LF_JOB_SUSPENDED)
		job->state = LF_JOB_IN_PROGRESS;
	return 0;
}

int lf_jobs_cancel(struct lf_jobs *jobs, const char *id, struct lf_error *err)
{
	int rc = change_job(jobs, id, mark_cancel, NULL, err);

	if (!rc)
		lf_job_queue_cancel(jobs, id);
	return rc;
}

static int mark_restart(struct lf_jobs *jobs, struct lf_job *job, const char *unused,
			struct lf_error *err)
{
	const struct lf_job_type *type = lf_jobs_type(jobs, job->type);

	(void)unused;
	if (job->state != LF_JOB_FAILED)
		return fail_state(job, "restarted", err);
	int rc = check_free(jobs, job->resource, err);
	if (!rc && type && type->restarting)
		rc = type->restarting(jobs->context, job, err);
	if (rc)
		return rc;
	memset(job->steps, 0, sizeof(job->steps));
	job->state = job->ending = LF_JOB_NOT_STARTED;
	job->step = job->attempt = 0;
	job->started_ns = job->ended_ns = 0;
	job->cancel_requested = false;
	job->error = LF_ERROR_NONE;
	json_object_clear(job->data);
	return 0;
}

int lf_jobs_restart(struct lf_jobs *jobs, const char *id, struct lf_error *err)
{
	return change_job(jobs, id, mark_restart, NULL, err);
}

static int mark_resume(struct lf_jobs *jobs, struct lf_job *job, const char *comments,
		       struct lf_error *err)
{
	(void)jobs;
	if (job->state != LF_JOB_SUSPENDED)
		return fail_state(job, "resumed", err);
	job->state = LF_JOB_IN_PROGRESS;
	return lf_json_set_text(job->data, "resumeComments", comments) ? lf_fail_nomem(err) : 0;
}

int lf_jobs_resume(struct lf_jobs *jobs, const char *id, const char *comments, struct lf_error *err)
{
	return change_job(jobs, id, mark_resume, comments ? comments : "", err);
}

int lf_jobs_expire(struct lf_jobs *jobs, int64_t now_ns, struct lf_error *err)
{
	bool more = true;
	int rc = 0;

	while (!rc && more && !jobs->stopping)
		rc = lf_jobrow_expire(jobs->catalog, now_ns - LF_JOB_KEEP_NS, LF_JOB_KEEP_MAX,
				      &more, err);
	return rc;
}
