/* SPDX-License-Identifier: Apache-2.0 */
#include "job/engine.h"

#include "base/counters.h"

#include <string.h>

#include "base/health.h"
#include "catalog/jobrows.h"

#define UNCOMMITTED_RETRY_NS (20 * LF_NS_PER_MS)
#define RELOAD_EVERY_NS	     (5 * LF_NS_PER_S)

const struct lf_job_type *lf_jobs_type(const struct lf_jobs *jobs, const char *name)
{
	for (size_t i = 0; i < jobs->n_types; i++)
		if (strcmp(jobs->types[i]->name, name) == 0)
			return jobs->types[i];
	return NULL;
}

int lf_jobs_open(struct lf_catalog *catalog, struct lf_clock *clock,
		 const struct lf_job_type *const *types, size_t n_types, void *context,
		 struct lf_jobs **ret_jobs, struct lf_error *err)
{
	struct lf_jobs *jobs = calloc(1, sizeof(*jobs));

	if (!jobs)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < n_types; i++)
		LF_ASSERT(types[i]->n_steps > 0 && types[i]->n_steps <= LF_JOB_STEPS_MAX);
	pthread_mutex_init(&jobs->mutex, NULL);
	jobs->catalog = catalog;
	jobs->clock = clock;
	jobs->types = types;
	jobs->n_types = n_types;
	jobs->context = context;
	*ret_jobs = jobs;
	return 0;
}

/* Queue. */

/* The mutex is held. */
static struct lf_job_entry *find_entry(struct lf_jobs *jobs, const char *id)
{
	for (size_t i = 0; i < jobs->n_queue; i++)
		if (strcmp(jobs->queue[i].id, id) == 0)
			return &jobs->queue[i];
	return NULL;
}

/* The mutex is held.  Out of memory: the next reload adds it. */
static void add_entry(struct lf_jobs *jobs, const char *id, const char *resource)
{
	if (find_entry(jobs, id))
		return;
	if (jobs->n_queue == jobs->queue_capacity) {
		size_t wanted = jobs->queue_capacity ? 2 * jobs->queue_capacity : 16;
		struct lf_job_entry *queue = realloc(jobs->queue, wanted * sizeof(*queue));
		if (!queue)
			return;
		jobs->queue = queue;
		jobs->queue_capacity = wanted;
	}
	struct lf_job_entry entry = {.resource = lf_text_lower_dup(resource)};
	if (!entry.resource)
		return;
	memcpy(entry.id, id, strnlen(id, sizeof(entry.id) - 1));
	jobs->queue[jobs->n_queue++] = entry;
}

/* The mutex is held. */
static void remove_entry(struct lf_jobs *jobs, struct lf_job_entry *entry)
{
	free(entry->resource);
	*entry = jobs->queue[--jobs->n_queue];
}

/* Has it something to do?  A row that is no job is named and left alone: the others go on. */
static bool is_wanted(const json_t *body)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	struct lf_error err;
	int rc = lf_job_from_body(body, &job, &err);

	if (rc == LF_ECORRUPT)
		lf_health_raise("job-row", lf_json_text_or(body, "id", ""), "%s", err.message);
	return rc == 0 && job.state != LF_JOB_SUSPENDED;
}

static int reload_queue(struct lf_jobs *jobs, struct lf_error *err)
{
	const struct lf_jobrow_query unfinished = {.unfinished = true};
	LF_AUTO_JSON *bodies = NULL;
	size_t i;
	json_t *body;

	int rc = lf_jobrow_list(jobs->catalog, &unfinished, &bodies, err);
	if (rc)
		return rc;
	for (i = json_array_size(bodies); i-- > 0;)
		if (!is_wanted(json_array_get(bodies, i)))
			json_array_remove(bodies, i);
	LF_GUARD(&jobs->mutex);
	json_array_foreach (bodies, i, body)
		add_entry(jobs, lf_json_text_or(body, "id", ""),
			  lf_json_text_or(body, "resource", ""));
	return 0;
}

/*
 * The job to look at now, marked as running; false: none, and *ret_next_ns is
 * when the next one is due on the clock.
 */
static bool take_entry(struct lf_jobs *jobs, char id[static LF_GUID_SIZE], int64_t *ret_next_ns)
{
	int64_t now = lf_clock_now_ns(jobs->clock), next = INT64_MAX;
	LF_GUARD(&jobs->mutex);

	for (size_t i = 0; i < jobs->n_queue; i++) {
		struct lf_job_entry *entry = &jobs->queue[i];
		if (entry->running)
			continue;
		if (entry->wake_ns <= now || entry->poked) {
			entry->running = true;
			entry->poked = false;
			memcpy(id, entry->id, LF_GUID_SIZE);
			return true;
		}
		next = entry->wake_ns < next ? entry->wake_ns : next;
	}
	*ret_next_ns = next;
	return false;
}

static void give_back_entry(struct lf_jobs *jobs, const char *id, bool finished, int64_t wake_ns)
{
	LF_GUARD(&jobs->mutex);
	struct lf_job_entry *entry = find_entry(jobs, id);

	LF_ASSERT(entry && entry->running);
	entry->running = false;
	entry->wake_ns = wake_ns;
	if (finished)
		remove_entry(jobs, entry);
}

void lf_jobs_poke(struct lf_jobs *jobs, const char *resource)
{
	pthread_mutex_lock(&jobs->mutex);
	for (size_t i = 0; i < jobs->n_queue; i++)
		if (lf_text_equal_nocase(jobs->queue[i].resource, resource))
			jobs->queue[i].poked = true;
	pthread_mutex_unlock(&jobs->mutex);
	lf_clock_wake(jobs->clock);
}

/* Workers. */

void lf_jobs_audit(struct lf_jobs *jobs, struct lf_audit *audit)
{
	jobs->audit = audit;
}

size_t lf_jobs_unfinished(struct lf_jobs *jobs)
{
	LF_GUARD(&jobs->mutex);
	return jobs->n_queue;
}

/* What came of a job; who began it is in the line that names it. */
static void audit_end(struct lf_jobs *jobs, const struct lf_job *job)
{
	char action[96];
	bool good = job->state == LF_JOB_SUCCEEDED;

	lf_count("jobs_ended", lf_job_state_name(job->state), 1);
	snprintf(action, sizeof(action), "Landfall/jobs/%.60s/end", job->type);
	lf_audit_write(jobs->audit,
		       &(struct lf_audit_event){
			       .action = action,
			       .resource = job->resource,
			       .outcome = good ? LF_AUDIT_ALLOWED : LF_AUDIT_FAILED,
			       .code = good				? NULL
				       : job->state == LF_JOB_CANCELLED ? "OperationCanceled"
									: lf_error_arm(&job->error),
			       .job = job->id});
}

static void look_at(struct lf_jobs *jobs, const char *id)
{
	struct lf_error err = LF_ERROR_NONE;
	int64_t wake_ns = 0;
	bool finished = false;
	LF_AUTO_JOB job = LF_JOB_INIT;

	int rc = lf_jobs_get(jobs, id, &job, &err);
	if (rc == LF_ENOTFOUND) {
		/* submitted in a transaction that is not committed yet; or rolled back: the
		 * reload would bring back what is wanted, so this entry may go after a while */
		LF_GUARD(&jobs->mutex);
		struct lf_job_entry *entry = find_entry(jobs, id);
		finished = ++entry->misses > 500;
	} else if (!rc) {
		rc = lf_job_step_run(jobs, &job, &wake_ns, &finished, &err);
		if (!rc && finished && lf_job_state_is_final(job.state))
			audit_end(jobs, &job);
	}
	if (rc == LF_ECORRUPT && !job.type) {
		lf_health_raise("job-row", id, "%s", err.message);
		finished = true;
	} else if (rc && rc != LF_ENOTFOUND) {
		/* the catalog cannot be read or written now: nothing is lost, try again */
		lf_log_error("job", &err);
		wake_ns = lf_clock_now_ns(jobs->clock) + LF_NS_PER_S;
	}
	if (rc == LF_ENOTFOUND && !finished) {
		const struct timespec pause = {.tv_nsec = UNCOMMITTED_RETRY_NS};
		nanosleep(&pause, NULL);
	}
	give_back_entry(jobs, id, finished, wake_ns);
}

static void *work(void *context)
{
	struct lf_jobs *jobs = context;
	struct lf_error err;
	char id[LF_GUID_SIZE];
	int64_t next_ns;

	while (!jobs->stopping) {
		int64_t real = lf_clock_monotonic_ns(), due = jobs->reload_at_ns;
		if (real >= due &&
		    atomic_compare_exchange_strong(&jobs->reload_at_ns, &due,
						   real + RELOAD_EVERY_NS) &&
		    reload_queue(jobs, &err))
			lf_log_error("jobs", &err);
		if (take_entry(jobs, id, &next_ns))
			look_at(jobs, id);
		else
			lf_clock_wait(jobs->clock, next_ns, LF_NS_PER_S / 2);
	}
	return NULL;
}

int lf_jobs_run(struct lf_jobs *jobs, unsigned workers, struct lf_error *err)
{
	int rc = reload_queue(jobs, err);

	for (unsigned i = 0; !rc && i < workers && jobs->n_workers < LF_JOB_WORKERS_MAX; i++) {
		int sys = pthread_create(&jobs->workers[jobs->n_workers], NULL, work, jobs);
		if (sys)
			rc = lf_fail_sys(err, sys, NULL, "cannot start a job worker");
		else
			jobs->n_workers++;
	}
	return rc;
}

void lf_jobs_free(struct lf_jobs *jobs)
{
	if (!jobs)
		return;
	jobs->stopping = true;
	for (unsigned i = 0; i < jobs->n_workers; i++) {
		lf_clock_wake(jobs->clock);
		pthread_join(jobs->workers[i], NULL);
	}
	while (jobs->n_queue)
		remove_entry(jobs, &jobs->queue[0]);
	free(jobs->queue);
	pthread_mutex_destroy(&jobs->mutex);
	free(jobs);
}

/* Requests. */

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

/* Inside a transaction: refuse a second job, find an earlier submit of the same id. */
static int submit_locked(struct lf_jobs *jobs, const struct lf_job_request *request, const char *id,
			 struct lf_error *err)
{
	const struct lf_jobrow_query busy = {
		.resource = request->resource, .unfinished = true, .limit = 1};
	LF_AUTO_JSON *others = NULL;
	LF_AUTO_JSON *same = NULL;

	int rc = lf_jobrow_get(jobs->catalog, id, &same, err);
	if (rc != LF_ENOTFOUND)
		return rc;
	rc = lf_jobrow_list(jobs->catalog, &busy, &others, err);
	if (rc)
		return rc;
	if (json_array_size(others))
		return lf_fail_arm(err, LF_ECONFLICT, "AnotherOperationInProgress",
				   request->resource, "wait until it has ended, or cancel it",
				   "the job %s (%s) is working on this resource",
				   lf_json_text_or(others, "0.id", ""),
				   lf_json_text_or(others, "0.type", ""));
	return insert_job(jobs, request, id, err);
}

int lf_jobs_submit(struct lf_jobs *jobs, const struct lf_job_request *request,
		   char ret_id[static LF_GUID_SIZE], struct lf_error *err)
{
	bool own = !lf_catalog_in_transaction(jobs->catalog);
	char id[LF_GUID_SIZE] = "";
	int rc = 0;

	LF_ASSERT(lf_jobs_type(jobs, request->type));
	if (request->id)
		snprintf(id, sizeof(id), "%s", request->id);
	else
		lf_guid_random(id);
	if (own)
		rc = lf_catalog_begin(jobs->catalog, err);
	if (!rc)
		rc = submit_locked(jobs, request, id, err);
	if (!rc && own)
		rc = lf_catalog_commit(jobs->catalog, err);
	else if (rc && own)
		lf_catalog_rollback(jobs->catalog);
	if (rc)
		return rc;
	pthread_mutex_lock(&jobs->mutex);
	add_entry(jobs, id, request->resource);
	pthread_mutex_unlock(&jobs->mutex);
	lf_clock_wake(jobs->clock);
	memcpy(ret_id, id, LF_GUID_SIZE);
	return 0;
}

int lf_jobs_get(struct lf_jobs *jobs, const char *id, struct lf_job *ret_job, struct lf_error *err)
{
	LF_AUTO_JSON *body = NULL;
	int rc = lf_jobrow_get(jobs->catalog, id, &body, err);

	return rc ? rc : lf_job_from_body(body, ret_job, err);
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
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_catalog_begin(jobs->catalog, err);

	if (rc)
		return rc;
	rc = lf_jobs_get(jobs, id, &job, err);
	if (!rc)
		rc = change(jobs, &job, argument, err);
	if (!rc)
		rc = lf_job_to_row(jobs->catalog, &job, err);
	if (rc) {
		lf_catalog_rollback(jobs->catalog);
		return rc;
	}
	rc = lf_catalog_commit(jobs->catalog, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&jobs->mutex);
	add_entry(jobs, id, job.resource);
	pthread_mutex_unlock(&jobs->mutex);
	lf_jobs_poke(jobs, job.resource);
	return 0;
}

static int fail_state(const struct lf_job *job, const char *verb, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ECONFLICT, "JobActionNotAllowed", job->id,
			   "see allowedActions of the job", "a job that is %s cannot be %s",
			   lf_job_state_name(job->state), verb);
}

static int mark_cancel(struct lf_jobs *jobs, struct lf_job *job, const char *unused,
		       struct lf_error *err)
{
	const struct lf_job_type *type = lf_jobs_type(jobs, job->type);

	(void)unused;
	if (lf_job_state_is_final(job->state) || !type || !type->cancellable)
		return fail_state(job, "cancelled", err);
	job->cancel_requested = true;
	if (job->state == LF_JOB_SUSPENDED)
		job->state = LF_JOB_IN_PROGRESS;
	return 0;
}

int lf_jobs_cancel(struct lf_jobs *jobs, const char *id, struct lf_error *err)
{
	return change_job(jobs, id, mark_cancel, NULL, err);
}

static int mark_restart(struct lf_jobs *jobs, struct lf_job *job, const char *unused,
			struct lf_error *err)
{
	(void)jobs, (void)unused;
	if (job->state != LF_JOB_FAILED)
		return fail_state(job, "restarted", err);
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
