/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/clock.h - the one source of time.
 *
 * Every schedule, expiry and timestamp comes from a clock, so that a fast or
 * stepped clock moves the whole product.  Two clocks exist: one that follows
 * the machine's (at a rate), one that stands still until stepped.
 *
 * At rate 1 the clock shows the machine's wall time: after a suspend, and when
 * it is set, it shows what the machine shows, and it may so go back.  When it is
 * set forward by more than a day, what expires waits for a day
 * (lf_clock_expiry_ns), so that a wrong clock removes nothing before somebody
 * can see it: the health condition "clock-leap".  Durations are measured with a
 * clock that nobody sets and that runs on while the machine is suspended.
 *
 * Threads: all functions may be called from any thread.
 */
#ifndef LF_BASE_CLOCK_H
#define LF_BASE_CLOCK_H

#include "base/compiler.h"
#include "base/machinetime.h"

struct lf_clock;

/* Follows real time, rate times as fast (1 = real); starts at the machine's present time. */
struct lf_clock *lf_clock_new_real(double rate);
/* The same at rate 1 over other sources of the wall time and of the time since boot, for tests. */
typedef int64_t lf_clock_source_fn(void);
struct lf_clock *lf_clock_new_from(lf_clock_source_fn *wall_ns, lf_clock_source_fn *boot_ns);
/* Stands at start_ns (since 1970) until lf_clock_step(). */
struct lf_clock *lf_clock_new_manual(int64_t start_ns);
void lf_clock_free(struct lf_clock *clock);

/* Nanoseconds since 1970-01-01T00:00:00Z on this clock. */
int64_t lf_clock_now_ns(const struct lf_clock *clock);
/*
 * The time to compare with before something is removed because its time is over: now, but for a
 * day after a leap forward of more than a day what the clock would show without the leap.
 */
int64_t lf_clock_expiry_ns(struct lf_clock *clock);
/* When the clock was last seen by an earlier process: a leap since then counts, too. */
void lf_clock_seen(struct lf_clock *clock, int64_t last_ns);
/* Move forward by delta_ns >= 0, on either kind; wakes all waiters. */
void lf_clock_step(struct lf_clock *clock, int64_t delta_ns);
/* Change the rate of a real clock from now on. */
void lf_clock_set_rate(struct lf_clock *clock, double rate);

/*
 * Wait until the clock shows until_ns, lf_clock_wake() is called, or
 * real_limit_ns of real time have passed.  Returns the clock's time.
 */
int64_t lf_clock_wait(struct lf_clock *clock, int64_t until_ns, int64_t real_limit_ns);
void lf_clock_wake(struct lf_clock *clock);

#endif
