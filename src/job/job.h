/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job/job.h - long operations that survive being killed at any instruction.
 *
 * A job is a row.  Its type is a table of steps; each step is idempotent
 * (record intent, do, commit the result together with the resource change in
 * one catalog transaction) and keyed by ids derived from the job's.  After a
 * crash every unfinished job enters its current step again.  The ARM async
 * headers are a projection of the row.
 *
 * Threads: any.  Steps run on the engine's workers, one job on one thread at a
 * time, and one job of a resource at a time.
 */
#ifndef LF_JOB_JOB_H
#define LF_JOB_JOB_H

#include "audit/audit.h"
#include "base/text.h"
#include "catalog/catalog.h"

enum lf_job_state {
	LF_JOB_NOT_STARTED,
	LF_JOB_IN_PROGRESS,
	LF_JOB_SUSPENDED, /* waits for a person: resume */
	LF_JOB_SUCCEEDED,
	LF_JOB_FAILED,
	LF_JOB_CANCELLED,
};
const char *lf_job_state_name(enum lf_job_state state); /* "NotStarted", "InProgress", ... */
bool lf_job_state_is_final(enum lf_job_state state);

struct lf_job_step_row {	  /* what happened to one step, for tasks lists */
	int64_t start_ns, end_ns; /* 0: not yet */
	enum lf_job_state state;
};

#define LF_JOB_STEPS_MAX 16

struct lf_job {
	char id[LF_GUID_SIZE];
	char *type;	/* "siterecovery.testFailover" */
	char *scope;	/* id below which it is listed: a vault, a subscription */
	char *resource; /* id it works on */
	enum lf_job_state state;
	enum lf_job_state ending; /* FAILED or CANCELLED while its steps are being taken back */
	unsigned step;
	unsigned attempt; /* of this step */
	bool cancel_requested;
	int64_t created_ns, started_ns, ended_ns, changed_ns;
	json_t *doc;	       /* input (never changed after submit) */
	json_t *data;	       /* checkpoint, progress, result: written by steps */
	struct lf_error error; /* when failed */
	struct lf_job_step_row steps[LF_JOB_STEPS_MAX];
};
void lf_job_done(struct lf_job *job);
#define LF_JOB_INIT ((struct lf_job){0})
#define LF_AUTO_JOB LF_CLEANUP(lf_job_done) struct lf_job

/* What a step returns; negative: the job fails with err (after undo). */
#define LF_STEP_DONE	0 /* go to the next step */
#define LF_STEP_AGAIN	1 /* run this step again later: lf_job_again_at() */
#define LF_STEP_SUSPEND 2 /* run this step again once resumed; when it was cancelled: at once */

struct lf_job_run; /* one step being run */
const struct lf_job *lf_job_run_job(const struct lf_job_run *run);
/* Whatever was given to lf_jobs_open(). */
void *lf_job_run_context(const struct lf_job_run *run);
/* The checkpoint document, to change in place: stored when the step returns or calls lf_job_save().
 */
json_t *lf_job_run_data(struct lf_job_run *run);
/* Was it cancelled while the step runs?  A long step asks now and then, and fails with
 * LF_ECANCELED: the job then ends as Cancelled. */
bool lf_job_run_cancelled(const struct lf_job_run *run);
/* Store data now (inside the thread's open transaction, if there is one). */
LF_MUST_CHECK int lf_job_save(struct lf_job_run *run, struct lf_error *err);
/*
 * Mark the step done inside the open transaction, so that the resource change
 * and the job's progress are one commit; the step returns LF_STEP_DONE after.
 */
LF_MUST_CHECK int lf_job_step_commit(struct lf_job_run *run, struct lf_error *err);
/* When to run again, on the clock; default: one second from now. */
void lf_job_again_at(struct lf_job_run *run, int64_t time_ns);

struct lf_job_step {
	const char *name;     /* "CreateTestVirtualMachine" */
	const char *friendly; /* "Create test virtual machine", as the documents have it */
	int (*run)(struct lf_job_run *run, struct lf_error *err);
	/* Take back what run did, also if it was cut short; NULL: nothing to take back. */
	int (*undo)(struct lf_job_run *run, struct lf_error *err);
};

struct lf_job_type {
	const char *name;
	const struct lf_job_step *steps;
	size_t n_steps;
	bool cancellable;
	size_t cancellable_steps; /* from this one on it is not; 0: there is none */
	unsigned attempts_max;	  /* of a step that fails with LF_RETRY_BACKOFF; 0: 5 */
	const void *subject;	  /* what its provider's views know of it; may be NULL */
	/* Called once the job is final, inside the transaction that makes it so; may be NULL. */
	int (*ended)(struct lf_job_run *run, enum lf_job_state state, struct lf_error *err);
	/* Called before a failed one is restarted, inside that transaction, with what was given to
	 * lf_jobs_open(); an error refuses it; may be NULL. */
	int (*restarting)(void *context, const struct lf_job *job, struct lf_error *err);
};

struct lf_jobs;
/* types: array of pointers, outlives the engine.  Nothing runs before lf_jobs_run(). */
LF_MUST_CHECK int lf_jobs_open(struct lf_catalog *catalog, struct lf_clock *clock,
			       const struct lf_job_type *const *types, size_t n_types,
			       void *context, struct lf_jobs **ret_jobs, struct lf_error *err);
/* Where the end of each job becomes a line; before lf_jobs_run(). */
void lf_jobs_audit(struct lf_jobs *jobs, struct lf_audit *audit);
/* How many are queued, run or wait. */
size_t lf_jobs_unfinished(struct lf_jobs *jobs);
/* Start the workers; unfinished jobs of an earlier life go on. */
LF_MUST_CHECK int lf_jobs_run(struct lf_jobs *jobs, unsigned workers, struct lf_error *err);
/* Waits for steps under way to return, then frees. */
void lf_jobs_free(struct lf_jobs *jobs);

struct lf_job_request {
	const char *id; /* NULL: a random GUID.  The same id again: the job that is there. */
	const char *type, *scope, *resource;
	json_t *doc; /* borrowed; may be NULL */
};
/*
 * Inside or outside a transaction; it runs once that is committed.
 * LF_ECONFLICT "AnotherOperationInProgress": the resource has an unfinished job.
 */
LF_MUST_CHECK int lf_jobs_submit(struct lf_jobs *jobs, const struct lf_job_request *request,
				 char ret_id[static LF_GUID_SIZE], struct lf_error *err);
LF_MUST_CHECK int lf_jobs_get(struct lf_jobs *jobs, const char *id, struct lf_job *ret_job,
			      struct lf_error *err);
/* The newest first; type_prefix and scope may be NULL.  Array owned by the caller. */
struct lf_job_list {
	struct lf_job *items;
	size_t n;
};
void lf_job_list_done(struct lf_job_list *list);
#define LF_AUTO_JOB_LIST LF_CLEANUP(lf_job_list_done) struct lf_job_list
LF_MUST_CHECK int lf_jobs_list(struct lf_jobs *jobs, const char *scope, const char *type_prefix,
			       const char *resource, struct lf_job_list *ret_list,
			       struct lf_error *err);
/* LF_ECONFLICT when its type or state does not allow it. */
LF_MUST_CHECK int lf_jobs_cancel(struct lf_jobs *jobs, const char *id, struct lf_error *err);
/* Also as lf_jobs_submit() when the resource has an unfinished job by now. */
LF_MUST_CHECK int lf_jobs_restart(struct lf_jobs *jobs, const char *id, struct lf_error *err);
LF_MUST_CHECK int lf_jobs_resume(struct lf_jobs *jobs, const char *id, const char *comments,
				 struct lf_error *err);
/* How long finished jobs are kept, as the service does, and how many at most. */
#define LF_JOB_KEEP_NS	(90 * 24 * 3600 * LF_NS_PER_S)
#define LF_JOB_KEEP_MAX 20000u
/* Remove the finished jobs past that by this time.  Unfinished ones stay whatever their age. */
LF_MUST_CHECK int lf_jobs_expire(struct lf_jobs *jobs, int64_t now_ns, struct lf_error *err);

/* Would lf_jobs_cancel() take it? */
bool lf_jobs_can_cancel(const struct lf_jobs *jobs, const struct lf_job *job);

/* The table row of a job's type; NULL when this build does not know it. */
const struct lf_job_type *lf_jobs_type(const struct lf_jobs *jobs, const char *name);
/* Something a waiting step asked about has happened: look at all waiting jobs of a resource now. */
void lf_jobs_poke(struct lf_jobs *jobs, const char *resource);

#endif
