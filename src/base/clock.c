/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock: the machine's time at a rate, or a time that stands until it is
 * stepped.
 *
 * At rate 1 the clock is the machine's wall time and remembers how far that is
 * apart from the time since boot: when the two move against each other, the
 * machine's clock was set.  lf_clock_expiry_ns() looks, and holds a leap of
 * more than a day back for a day; what it has seen is memory only, and
 * lf_clock_seen() tells a new process where the last one stood.
 */
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#include "base/health.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"

LF_LOCK_KIND(clock_lock);
struct lf_clock {
	pthread_mutex_t mutex;
	pthread_cond_t changed;		       /* waits on CLOCK_MONOTONIC */
	double rate LF_GUARDED_BY(clock_lock); /* 0: manual */
	lf_clock_source_fn *wall_ns, *boot_ns;
	int64_t base_ns
		LF_GUARDED_BY(clock_lock); /* at other rates than 1: clock time at base_boot_ns */
	int64_t base_boot_ns LF_GUARDED_BY(clock_lock);
	int64_t ahead_ns
		LF_GUARDED_BY(clock_lock); /* at rate 1: of the wall time, by lf_clock_step() */
	int64_t apart_ns
		LF_GUARDED_BY(clock_lock); /* wall time less time since boot, as seen last */
	int64_t leap_ns LF_GUARDED_BY(clock_lock); /* forward, and not taken back */
	int64_t held_ns LF_GUARDED_BY(
		clock_lock); /* expiry is without the leap until then, since boot; 0: it is not */
	uint64_t wakes LF_GUARDED_BY(clock_lock);
};

#define DAY_NS	(24 * 3600 * LF_NS_PER_S)
#define STEP_NS LF_NS_PER_S /* less is a clock that is being steered */
#define LOOK_NS LF_NS_PER_S /* so often a wait looks at a wall time that may have been set */

static struct lf_clock *new_clock(double rate, int64_t start_ns, lf_clock_source_fn *wall_ns,
				  lf_clock_source_fn *boot_ns)
{
	struct lf_clock *clock = calloc(1, sizeof(*clock));
	pthread_condattr_t attr;

	if (!clock)
		return NULL;
	LF_ALONE(clock_lock);
	pthread_mutex_init(&clock->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&clock->changed, &attr);
	pthread_condattr_destroy(&attr);
	clock->rate = rate;
	clock->wall_ns = wall_ns;
	clock->boot_ns = boot_ns;
	clock->base_ns = start_ns;
	clock->base_boot_ns = boot_ns();
	clock->apart_ns = wall_ns() - clock->base_boot_ns;
	return clock;
}

struct lf_clock *lf_clock_new_real(double rate)
{
	return new_clock(rate, lf_clock_machine_ns(), lf_clock_machine_ns, lf_clock_boot_ns);
}

struct lf_clock *lf_clock_new_from(lf_clock_source_fn *wall_ns, lf_clock_source_fn *boot_ns)
{
	return new_clock(1, wall_ns(), wall_ns, boot_ns);
}

struct lf_clock *lf_clock_new_manual(int64_t start_ns)
{
	return new_clock(0, start_ns, lf_clock_machine_ns, lf_clock_boot_ns);
}

void lf_clock_free(struct lf_clock *clock)
{
	if (!clock)
		return;
	pthread_cond_destroy(&clock->changed);
	pthread_mutex_destroy(&clock->mutex);
	free(clock);
}

LF_REQUIRES(clock_lock)
static int64_t now_locked(const struct lf_clock *clock)
{
	if (clock->rate == 1.0)
		return clock->wall_ns() + clock->ahead_ns;
	return clock->base_ns +
	       (int64_t)((double)(clock->boot_ns() - clock->base_boot_ns) * clock->rate);
}

int64_t lf_clock_now_ns(const struct lf_clock *clock)
{
	/* reading is logically const; the lock is not part of the value */
	pthread_mutex_t *mutex = (pthread_mutex_t *)(uintptr_t)&clock->mutex;

	LF_GUARD(mutex, clock_lock);
	return now_locked(clock);
}

/* From now on it shows time_ns, at this rate. */
LF_REQUIRES(clock_lock)
static void rebase_locked(struct lf_clock *clock, int64_t time_ns, double rate)
{
	clock->base_ns = time_ns;
	clock->base_boot_ns = clock->boot_ns();
	clock->ahead_ns = time_ns - clock->wall_ns();
	clock->rate = rate;
	clock->wakes++;
	pthread_cond_broadcast(&clock->changed);
}

void lf_clock_step(struct lf_clock *clock, int64_t delta_ns)
{
	LF_ASSERT(delta_ns >= 0);
	LF_GUARD(&clock->mutex, clock_lock);
	rebase_locked(clock, now_locked(clock) + delta_ns, clock->rate);
}

void lf_clock_set_rate(struct lf_clock *clock, double rate)
{
	LF_GUARD(&clock->mutex, clock_lock);
	rebase_locked(clock, now_locked(clock), rate);
}

/* How far the wall time was set since the last look; it is held to that. */
LF_REQUIRES(clock_lock)
static int64_t look_locked(struct lf_clock *clock)
{
	int64_t boot = clock->boot_ns(), apart = clock->wall_ns() - boot;
	int64_t set = apart - clock->apart_ns;

	clock->apart_ns = apart;
	if (set < -STEP_NS || set > STEP_NS)
		clock->leap_ns = clock->leap_ns + set > 0 ? clock->leap_ns + set : 0;
	else
		set = 0;
	if (clock->leap_ns <= DAY_NS)
		clock->held_ns = 0; /* set right again */
	else if (set > 0)
		clock->held_ns = boot + DAY_NS;
	else if (boot >= clock->held_ns)
		clock->held_ns = clock->leap_ns = 0; /* nobody minded */
	return set;
}

static void tell_leap(int64_t leap_ns)
{
	char how_far[LF_TIME_SIZE];

	lf_duration_format(leap_ns, how_far);
	lf_health_raise("clock-leap", NULL,
			"the clock went forward by %s, or the site was away that long: what "
			"expires waits for a day, so that nothing is lost if the clock is wrong",
			how_far);
}

static void tell_set(int64_t set_ns, int64_t leap_ns)
{
	char how_far[LF_TIME_SIZE];

	if (set_ns) {
		lf_duration_format(set_ns < 0 ? -set_ns : set_ns, how_far);
		lf_warn("the machine's clock was set %s by %s", set_ns < 0 ? "back" : "forward",
			how_far);
	}
	if (leap_ns && set_ns)
		tell_leap(leap_ns);
	else if (!leap_ns)
		lf_health_clear("clock-leap", NULL);
}

int64_t lf_clock_expiry_ns(struct lf_clock *clock)
{
	int64_t set = 0;

	lf_lock(&clock->mutex, clock_lock);
	bool real = clock->rate == 1.0;
	if (real)
		set = look_locked(clock);
	int64_t leap = clock->held_ns ? clock->leap_ns : 0, time = now_locked(clock) - leap;
	lf_unlock(&clock->mutex, clock_lock);
	if (real)
		tell_set(set, leap);
	return time;
}

void lf_clock_seen(struct lf_clock *clock, int64_t last_ns)
{
	lf_lock(&clock->mutex, clock_lock);
	int64_t away = clock->rate == 1.0 ? now_locked(clock) - last_ns : 0;
	if (away > DAY_NS) {
		clock->leap_ns = away;
		clock->held_ns = clock->boot_ns() + DAY_NS;
	}
	lf_unlock(&clock->mutex, clock_lock);
	if (away > DAY_NS)
		tell_leap(away);
}

void lf_clock_wake(struct lf_clock *clock)
{
	LF_GUARD(&clock->mutex, clock_lock);
	clock->wakes++;
	pthread_cond_broadcast(&clock->changed);
}

int64_t lf_clock_wait(struct lf_clock *clock, int64_t until_ns, int64_t real_limit_ns)
{
	LF_GUARD(&clock->mutex, clock_lock);
	uint64_t wakes = clock->wakes;
	int64_t now = now_locked(clock), wait_ns = real_limit_ns;

	if (clock->rate > 0) {
		int64_t real = (int64_t)((double)(until_ns - now) / clock->rate);
		wait_ns = real < wait_ns ? real : wait_ns;
	}
	int64_t left = wait_ns > 0 ? wait_ns : 0, end = lf_clock_monotonic_ns() + left;
	while (now < until_ns && wakes == clock->wakes &&
	       (left = end - lf_clock_monotonic_ns()) > 0) {
		struct timespec ts = lf_clock_monotonic_after(left < LOOK_NS ? left : LOOK_NS);
		pthread_cond_timedwait(&clock->changed, &clock->mutex, &ts);
		now = now_locked(clock);
	}
	return now;
}
