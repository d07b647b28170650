/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/clock.h - the one source of time.
 *
 * Every schedule, expiry and timestamp comes from a clock, so that a fast or
 * stepped clock moves the whole product.  Two clocks exist: one that follows
 * the machine's (at a rate), one that stands still until stepped.
 *
 * Threads: all functions may be called from any thread.
 */
#ifndef LF_BASE_CLOCK_H
#define LF_BASE_CLOCK_H

#include "base/compiler.h"

struct lf_clock;

/* Follows real time, rate times as fast (1 = real); starts at the machine's present time. */
struct lf_clock *lf_clock_new_real(double rate);
/* Stands at start_ns (since 1970) until lf_clock_step(). */
struct lf_clock *lf_clock_new_manual(int64_t start_ns);
void lf_clock_free(struct lf_clock *clock);

/* Nanoseconds since 1970-01-01T00:00:00Z on this clock; never goes back. */
int64_t lf_clock_now_ns(const struct lf_clock *clock);
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

/* The machine's monotonic time, for measuring only. */
int64_t lf_clock_monotonic_ns(void);
/* The machine's wall time as it stands, for the log and what is said beside it only. */
int64_t lf_clock_machine_ns(void);

#endif
