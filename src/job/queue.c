/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: which unfinished jobs there are and when each is due.
 *
 * A submit adds its job here, a worker takes the first that is due, runs one
 * step of it without the lock and gives it back with the time of its next
 * look.  The queue is memory only: after a kill, and every few seconds, it is
 * filled again from the rows, which also finds what an add without memory, or
 * a submit in a transaction that was committed late, has left out.
 */
#include <string.h>

#include "base/health.h"
#include "catalog/jobrows.h"
#include "job/engine.h"
#include "job/row.h"

#define MISSES_MAX 500 /* of UNCOMMITTED_RETRY_NS each: ten seconds */

LF_REQUIRES(lf_jobs_lock)
static struct lf_job_entry *find_entry(struct lf_jobs *jobs, const char *id)
{
	for (size_t i = 0; i < jobs->n_queue; i++)
		if (strcmp(jobs->queue[i].id, id) == 0)
			return &jobs->queue[i];
	return NULL;
}

/* Out of memory: the next reload adds it. */
LF_REQUIRES(lf_jobs_lock)
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

LF_REQUIRES(lf_jobs_lock)
static void remove_entry(struct lf_jobs *jobs, struct lf_job_entry *entry)
{
	free(entry->resource);
	*entry = jobs->queue[--jobs->n_queue];
}

void lf_job_queue_add(struct lf_jobs *jobs, const char *id, const char *resource)
{
	LF_GUARD(&jobs->mutex, lf_jobs_lock);
	add_entry(jobs, id, resource);
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

int lf_job_queue_reload(struct lf_jobs *jobs, struct lf_error *err)
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
	LF_GUARD(&jobs->mutex, lf_jobs_lock);
	json_array_foreach (bodies, i, body)
		add_entry(jobs, lf_json_text_or(body, "id", ""),
			  lf_json_text_or(body, "resource", ""));
	return 0;
}

bool lf_job_queue_take(struct lf_jobs *jobs, char id[static LF_GUID_SIZE], int64_t *ret_next_ns)
{
	int64_t now = lf_clock_now_ns(jobs->clock), next = INT64_MAX;
	LF_GUARD(&jobs->mutex, lf_jobs_lock);

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

void lf_job_queue_give_back(struct lf_jobs *jobs, const char *id, bool finished, int64_t wake_ns)
{
	LF_GUARD(&jobs->mutex, lf_jobs_lock);
	struct lf_job_entry *entry = find_entry(jobs, id);

	LF_ASSERT(entry && entry->running);
	entry->running = false;
	entry->wake_ns = wake_ns;
	if (finished)
		remove_entry(jobs, entry);
}

bool lf_job_queue_missed(struct lf_jobs *jobs, const char *id)
{
	LF_GUARD(&jobs->mutex, lf_jobs_lock);

	return ++find_entry(jobs, id)->misses > MISSES_MAX;
}

void lf_job_queue_cancel(struct lf_jobs *jobs, const char *id)
{
	LF_GUARD(&jobs->mutex, lf_jobs_lock);
	struct lf_job_entry *entry = find_entry(jobs, id);

	if (entry)
		entry->cancelled = true;
}

bool lf_job_queue_cancelled(struct lf_jobs *jobs, const char *id)
{
	LF_GUARD(&jobs->mutex, lf_jobs_lock);
	const struct lf_job_entry *entry = find_entry(jobs, id);

	return entry && entry->cancelled;
}

void lf_job_queue_clear(struct lf_jobs *jobs)
{
	LF_GUARD(&jobs->mutex, lf_jobs_lock);

	while (jobs->n_queue)
		remove_entry(jobs, &jobs->queue[0]);
	free(jobs->queue);
	jobs->queue = NULL;
	jobs->queue_capacity = 0;
}

static void mark_poked(struct lf_jobs *jobs, const char *resource)
{
	LF_GUARD(&jobs->mutex, lf_jobs_lock);

	for (size_t i = 0; i < jobs->n_queue; i++)
		if (lf_text_equal_nocase(jobs->queue[i].resource, resource))
			jobs->queue[i].poked = true;
}

void lf_jobs_poke(struct lf_jobs *jobs, const char *resource)
{
	mark_poked(jobs, resource);
	lf_clock_wake(jobs->clock);
}

size_t lf_jobs_unfinished(struct lf_jobs *jobs)
{
	LF_GUARD(&jobs->mutex, lf_jobs_lock);
	return jobs->n_queue;
}
