/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job/engine.h - what the files of the job engine share.
 *
 * The queue holds the unfinished jobs by id; the rows are the truth, and a
 * reload every few seconds mends what the queue may have missed.
 * Lock: jobs->mutex guards the queue only and is never held across I/O.
 */
#ifndef LF_JOB_ENGINE_H
#define LF_JOB_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "job/job.h"

#define LF_JOB_WORKERS_MAX 16

struct lf_job_entry {
	char id[LF_GUID_SIZE];
	char *resource;	 /* lower case */
	int64_t wake_ns; /* not before, on the clock */
	unsigned misses; /* times the row was not there */
	bool running, poked, cancelled;
};

LF_LOCK_KIND(lf_jobs_lock);
struct lf_jobs {
	struct lf_catalog *catalog;
	struct lf_clock *clock;
	struct lf_audit *audit;
	const struct lf_job_type *const *types;
	size_t n_types;
	void *context;
	pthread_mutex_t mutex;
	struct lf_job_entry *queue LF_GUARDED_BY(lf_jobs_lock);
	size_t n_queue LF_GUARDED_BY(lf_jobs_lock);
	size_t queue_capacity LF_GUARDED_BY(lf_jobs_lock);
	_Atomic int64_t reload_at_ns; /* real time */
	atomic_bool stopping;
	pthread_t workers[LF_JOB_WORKERS_MAX];
	unsigned n_workers;
};

/* Add a job unless it is there; without memory the next reload adds it. */
void lf_job_queue_add(struct lf_jobs *jobs, const char *id, const char *resource);
/* Add what the rows say is unfinished.  A row that is no job raises "job-row" and is left alone. */
LF_MUST_CHECK int lf_job_queue_reload(struct lf_jobs *jobs, struct lf_error *err);
/*
 * The job to look at now, marked as running; false: none, and *ret_next_ns is
 * when the next one is due on the clock.
 */
bool lf_job_queue_take(struct lf_jobs *jobs, char id[static LF_GUID_SIZE], int64_t *ret_next_ns);
/* A job that was taken: out of the queue when finished, else due at wake_ns. */
void lf_job_queue_give_back(struct lf_jobs *jobs, const char *id, bool finished, int64_t wake_ns);
/* The row of a job that was taken is not there (yet); true: it never will be. */
bool lf_job_queue_missed(struct lf_jobs *jobs, const char *id);
/* Somebody wants the job to end: the step that runs may ask. */
void lf_job_queue_cancel(struct lf_jobs *jobs, const char *id);
bool lf_job_queue_cancelled(struct lf_jobs *jobs, const char *id);
/* Once no worker runs any more. */
void lf_job_queue_clear(struct lf_jobs *jobs);

/*
 * Run the current step of job once and store what became of it.
 * *ret_finished: nothing more to do for the queue (final, or suspended).
 * An error means that the catalog could not be written: nothing was acknowledged.
 */
LF_MUST_CHECK int lf_job_step_run(struct lf_jobs *jobs, struct lf_job *job, int64_t *ret_wake_ns,
				  bool *ret_finished, struct lf_error *err);

#endif
