/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/machinetime.h - the machine's own times, which belong to no clock.
 *
 * Threads: any.
 */
#ifndef LF_BASE_MACHINETIME_H
#define LF_BASE_MACHINETIME_H

#include <time.h>

#include "base/compiler.h"

/* Since the machine was booted, suspended or not. */
int64_t lf_clock_boot_ns(void);
/* Monotonic time, for measuring only. */
int64_t lf_clock_monotonic_ns(void);
/* The same a while from now, for pthread_cond_timedwait() on CLOCK_MONOTONIC. */
struct timespec lf_clock_monotonic_after(int64_t delay_ns);
/* Wall time as it stands, for the log and what is said beside it only. */
int64_t lf_clock_machine_ns(void);

#endif
