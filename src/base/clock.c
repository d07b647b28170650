/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"

struct lf_clock {
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* waits on CLOCK_MONOTONIC */
	double rate;		/* 0: manual */
	int64_t base_ns;	/* clock time at base_monotonic_ns */
	int64_t base_monotonic_ns;
	uint64_t wakes;
};

int64_t lf_clock_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * LF_NS_PER_S + ts.tv_nsec;
}

int64_t lf_clock_machine_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * LF_NS_PER_S + ts.tv_nsec;
}

static struct lf_clock *new_clock(double rate, int64_t start_ns)
{
	struct lf_clock *clock = calloc(1, sizeof(*clock));
	pthread_condattr_t attr;

	if (!clock)
		return NULL;
	pthread_mutex_init(&clock->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&clock->changed, &attr);
	pthread_condattr_destroy(&attr);
	clock->rate = rate;
	clock->base_ns = start_ns;
	clock->base_monotonic_ns = lf_clock_monotonic_ns();
	return clock;
}

struct lf_clock *lf_clock_new_real(double rate)
{
	return new_clock(rate, lf_clock_machine_ns());
}

struct lf_clock *lf_clock_new_manual(int64_t start_ns)
{
	return new_clock(0, start_ns);
}

void lf_clock_free(struct lf_clock *clock)
{
	if (!clock)
		return;
	pthread_cond_destroy(&clock->changed);
	pthread_mutex_destroy(&clock->mutex);
	free(clock);
}

/* The mutex is held, or nobody else knows the clock yet. */
static int64_t now_locked(const struct lf_clock *clock)
{
	int64_t passed = lf_clock_monotonic_ns() - clock->base_monotonic_ns;

	if (clock->rate == 1.0)
		return clock->base_ns + passed;
	return clock->base_ns + (int64_t)((double)passed * clock->rate);
}

int64_t lf_clock_now_ns(const struct lf_clock *clock)
{
	/* reading is logically const; the lock is not part of the value */
	pthread_mutex_t *mutex = (pthread_mutex_t *)(uintptr_t)&clock->mutex;

	pthread_mutex_lock(mutex);
	int64_t now = now_locked(clock);
	pthread_mutex_unlock(mutex);
	return now;
}

static void rebase_locked(struct lf_clock *clock, int64_t delta_ns)
{
	clock->base_ns = now_locked(clock) + delta_ns;
	clock->base_monotonic_ns = lf_clock_monotonic_ns();
	clock->wakes++;
	pthread_cond_broadcast(&clock->changed);
}

void lf_clock_step(struct lf_clock *clock, int64_t delta_ns)
{
	LF_ASSERT(delta_ns >= 0);
	pthread_mutex_lock(&clock->mutex);
	rebase_locked(clock, delta_ns);
	pthread_mutex_unlock(&clock->mutex);
}

void lf_clock_set_rate(struct lf_clock *clock, double rate)
{
	pthread_mutex_lock(&clock->mutex);
	rebase_locked(clock, 0);
	clock->rate = rate;
	pthread_mutex_unlock(&clock->mutex);
}

void lf_clock_wake(struct lf_clock *clock)
{
	pthread_mutex_lock(&clock->mutex);
	clock->wakes++;
	pthread_cond_broadcast(&clock->changed);
	pthread_mutex_unlock(&clock->mutex);
}

int64_t lf_clock_wait(struct lf_clock *clock, int64_t until_ns, int64_t real_limit_ns)
{
	pthread_mutex_lock(&clock->mutex);
	uint64_t wakes = clock->wakes;
	int64_t now = now_locked(clock), wait_ns = real_limit_ns;

	if (clock->rate > 0) {
		int64_t real = (int64_t)((double)(until_ns - now) / clock->rate);
		wait_ns = real < wait_ns ? real : wait_ns;
	}
	int64_t end = lf_clock_monotonic_ns() + (wait_ns > 0 ? wait_ns : 0);
	struct timespec ts = {.tv_sec = end / LF_NS_PER_S, .tv_nsec = end % LF_NS_PER_S};
	while (now < until_ns && wakes == clock->wakes && lf_clock_monotonic_ns() < end) {
		pthread_cond_timedwait(&clock->changed, &clock->mutex, &ts);
		now = now_locked(clock);
	}
	pthread_mutex_unlock(&clock->mutex);
	return now;
}
