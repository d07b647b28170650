/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: its workers, and what becomes of a job that one of them has
 * taken.
 *
 * A worker takes a job that is due (queue.c), reads its row (row.c), runs one
 * step of it (step.c) and gives it back with the time of the next look; an end
 * becomes a line of the audit log.  A row that is not there yet belongs to a
 * transaction that is still open: the worker asks again for some seconds.  A
 * catalog that cannot be read or written now costs a second and no job.  A
 * kill leaves the rows: the next life fills the queue from them and enters
 * each job's current step again.
 */
#include "base/counters.h"
#include "base/health.h"
#include "job/engine.h"
#include "job/row.h"

#define UNCOMMITTED_RETRY_NS (20 * LF_NS_PER_MS)
#define RELOAD_EVERY_NS	     (5 * LF_NS_PER_S)

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

void lf_jobs_audit(struct lf_jobs *jobs, struct lf_audit *audit)
{
	jobs->audit = audit;
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
		finished = lf_job_queue_missed(jobs, id);
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
	lf_job_queue_give_back(jobs, id, finished, wake_ns);
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
		    lf_job_queue_reload(jobs, &err))
			lf_log_error("jobs", &err);
		if (lf_job_queue_take(jobs, id, &next_ns))
			look_at(jobs, id);
		else
			lf_clock_wait(jobs->clock, next_ns, LF_NS_PER_S / 2);
	}
	return NULL;
}

int lf_jobs_run(struct lf_jobs *jobs, unsigned workers, struct lf_error *err)
{
	int rc = lf_job_queue_reload(jobs, err);

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
	lf_job_queue_clear(jobs);
	pthread_mutex_destroy(&jobs->mutex);
	free(jobs);
}
