/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work of requests that takes long, in a list in the order of arrival: a
 * thread takes the oldest whose asker has a turn, does it without the lock,
 * and resumes the request.  A stop lets what is under way end early, and
 * threads leave when nothing is left that they may take.  The list is memory
 * only: a client whose request was cut short by a kill asks again.
 */
#include "http/later.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/text.h"

#define WHO_SIZE 64

LF_LOCK_KIND(lf_later_lock);
struct work {
	struct lf_http_exchange *x;
	lf_later_fn *fn;
	void *context;
	char who[WHO_SIZE];
	bool running LF_GUARDED_BY(lf_later_lock);
	struct work *next LF_GUARDED_BY(lf_later_lock);
};

struct lf_later {
	pthread_mutex_t mutex; /* the list */
	pthread_cond_t changed;
	struct work *works LF_GUARDED_BY(lf_later_lock); /* in the order of arrival */
	pthread_t threads[LF_LATER_THREADS];
	unsigned n_threads;
	atomic_bool stopping;
};

/* The oldest whose asker has a turn. */
LF_REQUIRES(lf_later_lock)
static struct work *next_work(const struct lf_later *later)
{
	for (struct work *work = later->works; work; work = work->next) {
		unsigned running = 0;
		for (const struct work *other = later->works; other; other = other->next)
			running += other->running && strcmp(other->who, work->who) == 0;
		if (!work->running && running < LF_LATER_EACH)
			return work;
	}
	return NULL;
}

LF_REQUIRES(lf_later_lock)
static void remove_work(struct lf_later *later, struct work *work)
{
	struct work **link = &later->works;

	while (*link != work)
		link = &(*link)->next;
	*link = work->next;
}

LF_REQUIRES(lf_later_lock)
static void append_work(struct lf_later *later, struct work *work)
{
	struct work **end = &later->works;

	while (*end)
		end = &(*end)->next;
	*end = work;
}

static void *serve(void *argument)
{
	struct lf_later *later = argument;
	struct work *work;

	LF_GUARD(&later->mutex, lf_later_lock);
	for (;;) {
		while (!(work = next_work(later)) && !later->stopping)
			pthread_cond_wait(&later->changed, &later->mutex);
		if (!work) /* what is left waits for others of its asker: their threads go on */
			break;
		work->running = true;
		lf_unlock(&later->mutex, lf_later_lock);
		work->fn(work->context, &later->stopping);
		struct lf_http_exchange *x = work->x;
		lf_lock(&later->mutex, lf_later_lock);
		remove_work(later, work);
		free(work);
		pthread_cond_broadcast(&later->changed);
		lf_http_resume(x);
	}
	return NULL;
}

int lf_later_open(struct lf_later **ret_later, struct lf_error *err)
{
	struct lf_later *later = calloc(1, sizeof(*later));

	if (!later)
		return lf_fail_nomem(err);
	pthread_mutex_init(&later->mutex, NULL);
	pthread_cond_init(&later->changed, NULL);
	for (; later->n_threads < LF_LATER_THREADS; later->n_threads++) {
		int sys = pthread_create(&later->threads[later->n_threads], NULL, serve, later);
		if (sys) {
			lf_later_free(later);
			return lf_fail_sys(err, sys, NULL, "cannot start a thread");
		}
	}
	*ret_later = later;
	return 0;
}

int lf_later_give(struct lf_later *later, struct lf_http_exchange *x, const char *who,
		  lf_later_fn *fn, void *context, struct lf_error *err)
{
	struct work *work = calloc(1, sizeof(*work));

	if (!work)
		return lf_fail_nomem(err);
	*work = (struct work){.x = x, .fn = fn, .context = context};
	snprintf(work->who, sizeof(work->who), "%s", who);
	LF_GUARD(&later->mutex, lf_later_lock);
	if (later->stopping) {
		free(work);
		return lf_fail(err, LF_EUNREACHABLE, NULL, "the site is stopping");
	}
	lf_http_suspend(x);
	append_work(later, work);
	pthread_cond_broadcast(&later->changed);
	return 0;
}

void lf_later_stop(struct lf_later *later)
{
	if (!later)
		return;
	lf_lock(&later->mutex, lf_later_lock);
	later->stopping = true;
	pthread_cond_broadcast(&later->changed);
	lf_unlock(&later->mutex, lf_later_lock);
	while (later->n_threads)
		pthread_join(later->threads[--later->n_threads], NULL);
}

void lf_later_free(struct lf_later *later)
{
	if (!later)
		return;
	lf_later_stop(later);
	pthread_cond_destroy(&later->changed);
	pthread_mutex_destroy(&later->mutex);
	free(later);
}
