/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits: threads of their own make points of sessions, so that no thread that
 * answers does it.  A session whose commit was asked for says so in its row,
 * and is gone on with after a restart, whether or not its agent asks again.
 *
 * Lock: committer.mutex guards the list; not held while a commit runs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/log.h"
#include "replication/inventory.h"
#include "replication/session.h"
#include "replication/state.h"

struct lf_commit_job {
	char session[LF_GUID_SIZE], agent[LF_GUID_SIZE];
	json_t *request;
	lf_commit_done_fn *done
		LF_GUARDED_BY(lf_committer_lock); /* of who waits; NULL: nobody does */
	void *context LF_GUARDED_BY(lf_committer_lock);
	bool running LF_GUARDED_BY(lf_committer_lock);
	struct lf_commit_job *next LF_GUARDED_BY(lf_committer_lock);
};

static void job_free(struct lf_commit_job *job)
{
	json_decref(job->request);
	free(job);
}

LF_REQUIRES(lf_committer_lock)
static struct lf_commit_job *find_job(struct lf_committer *committer, const char *session)
{
	struct lf_commit_job *job = committer->jobs;

	while (job && strcmp(job->session, session) != 0)
		job = job->next;
	return job;
}

bool lf_session_is_committing(struct lf_replication *replication, const char *session)
{
	LF_GUARD(&replication->committer.mutex, lf_committer_lock);

	return find_job(&replication->committer, session) != NULL;
}

int lf_session_check_open(struct lf_replication *replication, const char *session,
			  struct lf_error *err)
{
	if (!lf_session_is_committing(replication, session))
		return 0;
	return lf_fail_arm(err, LF_ECONFLICT, "CommitUnderWay", session,
			   "ask for the commit again: it answers when it has ended",
			   "the session is being made a recovery point");
}

/* The oldest that waits; one of an agent at a time, so that none keeps others waiting. */
LF_REQUIRES(lf_committer_lock)
static struct lf_commit_job *next_job(struct lf_committer *committer)
{
	for (struct lf_commit_job *job = committer->jobs; job; job = job->next) {
		const struct lf_commit_job *other = committer->jobs;
		if (job->running)
			continue;
		while (other && !(other->running && strcmp(other->agent, job->agent) == 0))
			other = other->next;
		if (!other)
			return job;
	}
	return NULL;
}

LF_REQUIRES(lf_committer_lock)
static void remove_job(struct lf_committer *committer, struct lf_commit_job *job)
{
	struct lf_commit_job **link = &committer->jobs;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
}

static int set_commit(struct lf_replication *replication, const char *session, json_t *request,
		      struct lf_error *err)
{
	return lf_session_change(replication, session, "commit",
				 request ? json_incref(request) : json_null(), err);
}

static int run_job(struct lf_replication *replication, const struct lf_commit_job *job,
		   json_t **ret_answer, struct lf_error *err)
{
	struct lf_error ignored;
	/* the session may be gone already, its point made */
	int rc = set_commit(replication, job->session, job->request, err);

	if (!rc || rc == LF_ENOTFOUND)
		rc = lf_replication_session_commit(replication, job->agent, job->session,
						   job->request, ret_answer, err);
	if (rc == LF_ECANCELED)
		return lf_fail(err, LF_EUNREACHABLE, job->session,
			       "the site is stopping; it goes on when it is started again");
	if (rc && set_commit(replication, job->session, NULL, &ignored) &&
	    ignored.code != LF_ENOTFOUND)
		lf_log_error("a commit that failed", &ignored);
	return rc;
}

static void *work(void *argument)
{
	struct lf_replication *replication = argument;
	struct lf_committer *committer = &replication->committer;

	lf_lock(&committer->mutex, lf_committer_lock);
	while (!replication->stopping) {
		struct lf_commit_job *job = next_job(committer);
		LF_AUTO_JSON *answer = NULL;
		struct lf_error err = LF_ERROR_NONE;
		if (!job) {
			pthread_cond_wait(&committer->changed, &committer->mutex);
			continue;
		}
		job->running = true;
		lf_unlock(&committer->mutex, lf_committer_lock);
		if (run_job(replication, job, &answer, &err))
			lf_log_error("a commit", &err);
		lf_lock(&committer->mutex, lf_committer_lock);
		remove_job(committer, job);
		pthread_cond_broadcast(&committer->changed); /* another one of this agent's */
		lf_commit_done_fn *done = job->done;
		void *context = job->context;
		lf_unlock(&committer->mutex, lf_committer_lock);
		if (done)
			done(context, answer, &err);
		job_free(job);
		lf_lock(&committer->mutex, lf_committer_lock);
	}
	lf_unlock(&committer->mutex, lf_committer_lock);
	return NULL;
}

/* The job of a session, a new one if there is none; NULL: no memory. */
LF_REQUIRES(lf_committer_lock)
static struct lf_commit_job *take_job(struct lf_committer *committer, const char *agent,
				      const char *session, json_t *request)
{
	struct lf_commit_job *job = find_job(committer, session), **end = &committer->jobs;

	if (job)
		return job;
	job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	snprintf(job->session, sizeof(job->session), "%s", session);
	snprintf(job->agent, sizeof(job->agent), "%s", agent);
	job->request = json_incref(request);
	while (*end)
		end = &(*end)->next;
	*end = job;
	pthread_cond_broadcast(&committer->changed);
	return job;
}

/* Who waited before is told that another waits in his place: one waits for one commit. */
static int join(struct lf_replication *replication, const char *agent, const char *session,
		json_t *request, lf_commit_done_fn *done, void *context, struct lf_error *err)
{
	struct lf_committer *committer = &replication->committer;
	lf_commit_done_fn *before;
	void *before_context;
	struct lf_error again = LF_ERROR_NONE;

	lf_lock(&committer->mutex, lf_committer_lock);
	struct lf_commit_job *job =
		replication->stopping ? NULL : take_job(committer, agent, session, request);
	if (!job) {
		bool stopping = replication->stopping;
		lf_unlock(&committer->mutex, lf_committer_lock);
		return stopping ? lf_fail(err, LF_EUNREACHABLE, session, "the site is stopping")
				: lf_fail_nomem(err);
	}
	before = job->done;
	before_context = job->context;
	job->done = done;
	job->context = context;
	lf_unlock(&committer->mutex, lf_committer_lock);
	if (!before)
		return 0;
	lf_fail_arm(&again, LF_ECONFLICT, "CommitAskedAgain", session,
		    "the newest request is answered", "the commit was asked for again");
	before(before_context, NULL, &again);
	return 0;
}

int lf_replication_commit_later(struct lf_replication *replication, const char *agent,
				const char *session, const json_t *request, lf_commit_done_fn *done,
				void *context, struct lf_error *err)
{
	LF_AUTO_JSON *checked = NULL;
	int rc = lf_commit_check(request, &checked, err);

	if (!rc)
		rc = lf_session_check_owner(replication, agent, session, err);
	return rc ? rc : join(replication, agent, session, checked, done, context, err);
}

/* Commits that a stop or a kill cut short. */
static int resume(struct lf_replication *replication, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SESSION_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_TRANSFER_SESSION session = {0};
		rc = lf_session_read(&list.items[i], &session, err);
		rc = lf_row_pass_over(session.row.id, rc, err);
		if (!rc && session.commit && !session.over)
			rc = join(replication, session.agent, session.id,
				  (json_t *)(uintptr_t)session.commit, NULL, NULL, err);
	}
	return rc;
}

int lf_replication_run(struct lf_replication *replication, struct lf_error *err)
{
	struct lf_committer *committer = &replication->committer;
	int rc = resume(replication, err);

	for (; !rc && committer->n_threads < LF_COMMIT_THREADS; committer->n_threads++) {
		int sys = pthread_create(&committer->threads[committer->n_threads], NULL, work,
					 replication);
		if (sys)
			return lf_fail_sys(err, sys, NULL, "cannot start a thread");
	}
	return rc;
}

void lf_replication_stop(struct lf_replication *replication)
{
	struct lf_committer *committer = &replication->committer;
	struct lf_error err = LF_ERROR_NONE;

	lf_lock(&committer->mutex, lf_committer_lock);
	replication->stopping = true;
	pthread_cond_broadcast(&committer->changed);
	lf_unlock(&committer->mutex, lf_committer_lock);
	while (committer->n_threads)
		pthread_join(committer->threads[--committer->n_threads], NULL);
	LF_ALONE(lf_committer_lock);
	lf_fail(&err, LF_EUNREACHABLE, NULL, "the site is stopping");
	while (committer->jobs) {
		struct lf_commit_job *job = committer->jobs;
		committer->jobs = job->next;
		if (job->done)
			job->done(job->context, NULL, &err);
		job_free(job);
	}
}
