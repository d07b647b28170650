/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/thread.h - scope guards over pthread mutexes.
 *
 * No lock is held across I/O unless its header says so; docs/threading.md
 * lists every lock and the order in which they are taken.
 */
#ifndef LF_OS_THREAD_H
#define LF_OS_THREAD_H

#include <pthread.h>

#include "base/compiler.h"

static inline void lf_guard_done(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

/* Hold the mutex until the end of the scope. */
#define LF_GUARD(mutex)		 LF_GUARD_AT(mutex, __LINE__)
#define LF_GUARD_AT(mutex, line) LF_GUARD_NAMED(mutex, line)
#define LF_GUARD_NAMED(mutex, line)                                                                \
	LF_CLEANUP(lf_guard_done) LF_UNUSED pthread_mutex_t *lf_guard_##line = (mutex);            \
	pthread_mutex_lock(lf_guard_##line)

#endif
