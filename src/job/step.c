/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of one job.  The order is always the same: store that the step has
 * begun, run it, store what it left; a kill in between runs it again, which is
 * why steps are idempotent.
 */
#include "base/fault.h"
#include "job/engine.h"
#include "job/row.h"

#define ATTEMPTS_DEFAULT 5
#define BACKOFF_MAX_NS	 (60 * LF_NS_PER_S)

struct lf_job_run {
	struct lf_jobs *jobs;
	struct lf_job *job;
	const struct lf_job_type *type;
	int64_t again_ns;
	bool committed;	  /* the step stored its own end */
	unsigned attempt; /* that the step was at when it did */
};

const struct lf_job *lf_job_run_job(const struct lf_job_run *run)
{
	return run->job;
}

void *lf_job_run_context(const struct lf_job_run *run)
{
	return run->jobs->context;
}

bool lf_job_run_cancelled(const struct lf_job_run *run)
{
	return run->job->cancel_requested || lf_job_queue_cancelled(run->jobs, run->job->id);
}

json_t *lf_job_run_data(struct lf_job_run *run)
{
	return run->job->data;
}

void lf_job_again_at(struct lf_job_run *run, int64_t time_ns)
{
	run->again_ns = time_ns;
}

int lf_job_save(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_JOB stored = LF_JOB_INIT;

	int rc = lf_transaction_begin(&tx, run->jobs->catalog, err);
	if (!rc)
		rc = lf_jobs_get(run->jobs, run->job->id, &stored, err);
	if (rc)
		return rc;
	/* a cancel that came while the step ran is in the row only; keep it */
	run->job->cancel_requested = run->job->cancel_requested || stored.cancel_requested;
	run->job->changed_ns = lf_clock_now_ns(run->jobs->clock);
	rc = lf_job_to_row(run->jobs->catalog, run->job, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

/* The moves a job can make; job->state changes here and in the marks of request.c. */
static void move(struct lf_job *job, enum lf_job_state to)
{
	static const bool allowed[6][6] = {
		[LF_JOB_NOT_STARTED] = {[LF_JOB_IN_PROGRESS] = true, [LF_JOB_CANCELLED] = true},
		[LF_JOB_IN_PROGRESS] = {[LF_JOB_IN_PROGRESS] = true,
					[LF_JOB_SUSPENDED] = true,
					[LF_JOB_SUCCEEDED] = true,
					[LF_JOB_FAILED] = true,
					[LF_JOB_CANCELLED] = true},
		[LF_JOB_SUSPENDED] = {[LF_JOB_IN_PROGRESS] = true},
	};

	LF_ASSERT(allowed[job->state][to]);
	job->state = to;
}

/* The step is over: its row, and the next one. */
static void advance(struct lf_job_run *run)
{
	struct lf_job *job = run->job;

	job->steps[job->step].end_ns = lf_clock_now_ns(run->jobs->clock);
	job->steps[job->step].state = LF_JOB_SUCCEEDED;
	job->step++;
	job->attempt = 0;
}

/* The transaction in which the step stored its own end was not committed. */
static void retreat(struct lf_job_run *run)
{
	struct lf_job *job = run->job;

	job->step--;
	job->attempt = run->attempt;
	job->steps[job->step].end_ns = 0;
	job->steps[job->step].state = LF_JOB_IN_PROGRESS;
	run->committed = false;
}

int lf_job_step_commit(struct lf_job_run *run, struct lf_error *err)
{
	LF_ASSERT(lf_catalog_in_transaction(run->jobs->catalog) && !run->committed);
	run->attempt = run->job->attempt;
	advance(run);
	run->committed = true;
	return lf_job_save(run, err);
}

/* Make the job final, with what its type wants to change along, in one transaction. */
static int finish(struct lf_job_run *run, enum lf_job_state state, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	enum lf_job_state before = run->job->state;

	int rc = lf_transaction_begin(&tx, run->jobs->catalog, err);
	if (rc)
		return rc;
	run->job->ended_ns = lf_clock_now_ns(run->jobs->clock);
	move(run->job, state);
	if (run->type && run->type->ended)
		rc = run->type->ended(run, state, err);
	if (!rc)
		rc = lf_job_save(run, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (rc)
		run->job->state = before;
	return rc;
}

/* Take back the steps from the current one down; each may have run in part. */
static int undo_steps(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_job *job = run->job;

	for (unsigned at = job->step < run->type->n_steps ? job->step + 1 : job->step; at-- > 0;) {
		const struct lf_job_step *step = &run->type->steps[at];
		if (!step->undo || !job->steps[at].start_ns)
			continue;
		int rc = step->undo(run, err);
		if (rc)
			return rc;
		LF_CRASH_POINT("job-after-undo");
	}
	return 0;
}

/* Record why, take back, become final.  A failing undo is tried again later. */
static int end_badly(struct lf_job_run *run, enum lf_job_state state, bool *ret_finished,
		     struct lf_error *err)
{
	struct lf_error undo_err = LF_ERROR_NONE;
	struct lf_job *job = run->job;

	if (!job->ending) {
		job->ending = state;
		if (job->step < LF_JOB_STEPS_MAX && job->steps[job->step].start_ns) {
			job->steps[job->step].end_ns = lf_clock_now_ns(run->jobs->clock);
			job->steps[job->step].state = state;
		}
		int rc = lf_job_save(run, err);
		if (rc)
			return rc;
	}
	if (run->type && job->started_ns && undo_steps(run, &undo_err)) {
		lf_log_error("cannot take back a step yet", &undo_err);
		run->again_ns = lf_clock_now_ns(run->jobs->clock) + 2 * LF_NS_PER_S;
		return 0;
	}
	*ret_finished = true;
	return finish(run, state, err);
}

/* A step failed: later again, or for good? */
static int step_failed(struct lf_job_run *run, const struct lf_error *why, bool *ret_finished,
		       struct lf_error *err)
{
	struct lf_job *job = run->job;
	if (why->code == LF_ECANCELED && lf_job_run_cancelled(run))
		return end_badly(run, LF_JOB_CANCELLED, ret_finished, err);
	unsigned limit = run->type->attempts_max ? run->type->attempts_max : ATTEMPTS_DEFAULT;

	if (lf_error_retry(why->code) == LF_RETRY_BACKOFF && ++job->attempt < limit) {
		int64_t wait = LF_NS_PER_S << (job->attempt < 6 ? job->attempt - 1 : 5);
		run->again_ns = lf_clock_now_ns(run->jobs->clock) +
				(wait < BACKOFF_MAX_NS ? wait : BACKOFF_MAX_NS);
		lf_warn("job %s (%s): %s; trying again", job->id, job->type, why->message);
		return lf_job_save(run, err);
	}
	job->error = *why;
	lf_warn("job %s (%s) failed: %s", job->id, job->type, why->message);
	return end_badly(run, LF_JOB_FAILED, ret_finished, err);
}

static int begin_step(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_job *job = run->job;
	int64_t now = lf_clock_now_ns(run->jobs->clock);

	if (job->state == LF_JOB_IN_PROGRESS && job->steps[job->step].start_ns)
		return 0;
	move(job, LF_JOB_IN_PROGRESS);
	if (!job->started_ns)
		job->started_ns = now;
	job->steps[job->step].start_ns = now;
	job->steps[job->step].state = LF_JOB_IN_PROGRESS;
	return lf_job_save(run, err);
}

/* A cancel that came while the step ran is in the row: then there is nobody to wait for. */
static int suspend(struct lf_job_run *run, bool *ret_finished, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_JOB stored = LF_JOB_INIT;

	int rc = lf_transaction_begin(&tx, run->jobs->catalog, err);
	if (!rc)
		rc = lf_jobs_get(run->jobs, run->job->id, &stored, err);
	if (rc)
		return rc;
	if (!stored.cancel_requested)
		move(run->job, LF_JOB_SUSPENDED);
	run->again_ns = 0;
	rc = lf_job_save(run, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	*ret_finished = !rc && !stored.cancel_requested;
	return rc;
}

static int step_returned(struct lf_job_run *run, int result, const json_t *data_before,
			 bool *ret_finished, struct lf_error *err)
{
	struct lf_job *job = run->job;

	LF_CRASH_POINT("job-after-step");
	if (result == LF_STEP_AGAIN) /* waiting costs no write */
		return json_equal(data_before, job->data) ? 0 : lf_job_save(run, err);
	if (result == LF_STEP_SUSPEND)
		return suspend(run, ret_finished, err);
	if (!run->committed)
		advance(run);
	run->again_ns = 0;
	if (job->step < run->type->n_steps)
		return run->committed ? 0 : lf_job_save(run, err);
	*ret_finished = true;
	return finish(run, LF_JOB_SUCCEEDED, err);
}

static int run_step(struct lf_job_run *run, bool *ret_finished, struct lf_error *err)
{
	struct lf_job *job = run->job;
	struct lf_error why = LF_ERROR_NONE;

	/* killed after the last step's own commit */
	if (job->step >= run->type->n_steps) {
		*ret_finished = true;
		return finish(run, LF_JOB_SUCCEEDED, err);
	}
	int rc = begin_step(run, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *before = json_deep_copy(job->data);
	int result = run->type->steps[job->step].run(run, &why);
	if (result < 0 && run->committed)
		retreat(run);
	if (result < 0)
		return step_failed(run, &why, ret_finished, err);
	return step_returned(run, result, before, ret_finished, err);
}

int lf_job_step_run(struct lf_jobs *jobs, struct lf_job *job, int64_t *ret_wake_ns,
		    bool *ret_finished, struct lf_error *err)
{
	struct lf_job_run run = {.jobs = jobs, .job = job};
	int rc;

	*ret_finished = lf_job_state_is_final(job->state) || job->state == LF_JOB_SUSPENDED;
	if (*ret_finished)
		return 0;
	run.type = lf_jobs_type(jobs, job->type);
	run.again_ns = lf_clock_now_ns(jobs->clock) + LF_NS_PER_S;
	if (!run.type) {
		lf_fail(&job->error, LF_EUNSUPPORTED, job->type,
			"this version does not know jobs of type %s", job->type);
		if (job->state == LF_JOB_NOT_STARTED)
			move(job, LF_JOB_IN_PROGRESS);
		rc = end_badly(&run, LF_JOB_FAILED, ret_finished, err);
	} else if (job->ending) {
		rc = end_badly(&run, job->ending, ret_finished, err);
	} else if (job->cancel_requested) {
		rc = end_badly(&run, LF_JOB_CANCELLED, ret_finished, err);
	} else {
		rc = run_step(&run, ret_finished, err);
	}
	*ret_wake_ns = run.again_ns;
	return rc;
}
