/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/lock.h - scope guards over pthread mutexes, and which fields need them.
 *
 * No lock is held across I/O unless its header says so; docs/threading.md
 * lists every lock and the order in which they are taken.
 *
 * A field that may be touched only under a lock names the lock's kind, and
 * clang (-Wthread-safety) refuses every access without it.  C's attributes
 * cannot name the mutex beside the field, so that a kind stands for all the
 * mutexes of one struct: clang sees that a lock of this kind is held, not that
 * it is the one of the right object.  A kind takes no memory.
 *
 *	LF_LOCK_KIND(lf_gate_lock);
 *	struct lf_gate {
 *		pthread_mutex_t mutex;
 *		size_t n_open LF_GUARDED_BY(lf_gate_lock);
 *	};
 *	LF_GUARD(&gate->mutex, lf_gate_lock);
 *
 * gcc reads the mutexes alone.  tools/check-locks shows that clang refuses.
 */
#ifndef LF_BASE_LOCK_H
#define LF_BASE_LOCK_H

#include <pthread.h>

#include "base/compiler.h"

#ifdef __clang__
#define LF_LOCK_ATTRIBUTE(x) __attribute__((x))
#else
#define LF_LOCK_ATTRIBUTE(x)
#endif

struct LF_LOCK_ATTRIBUTE(capability("lock")) lf_lock_kind {
};
#define LF_LOCK_KIND(name) LF_UNUSED static struct lf_lock_kind name

/* On a field: itself, or what it points to. */
#define LF_GUARDED_BY(kind)    LF_LOCK_ATTRIBUTE(guarded_by(kind))
#define LF_PT_GUARDED_BY(kind) LF_LOCK_ATTRIBUTE(pt_guarded_by(kind))
/* On a function's declaration: called with the lock held; takes it; gives it back. */
#define LF_REQUIRES(kind) LF_LOCK_ATTRIBUTE(requires_capability(kind))
#define LF_ACQUIRE(kind)  LF_LOCK_ATTRIBUTE(acquire_capability(kind))
#define LF_RELEASE(kind)  LF_LOCK_ATTRIBUTE(release_capability(kind))
/* On a function that does what clang cannot follow; say why. */
#define LF_LOCKS_UNCHECKED LF_LOCK_ATTRIBUTE(no_thread_safety_analysis)

static inline void lf_lock_of_kind(pthread_mutex_t *mutex, struct lf_lock_kind *kind)
	LF_ACQUIRE(*kind) LF_LOCKS_UNCHECKED;
static inline void lf_lock_of_kind(pthread_mutex_t *mutex, struct lf_lock_kind *kind)
{
	(void)kind;
	pthread_mutex_lock(mutex);
}

static inline void lf_unlock_of_kind(pthread_mutex_t *mutex, struct lf_lock_kind *kind)
	LF_RELEASE(*kind) LF_LOCKS_UNCHECKED;
static inline void lf_unlock_of_kind(pthread_mutex_t *mutex, struct lf_lock_kind *kind)
{
	(void)kind;
	pthread_mutex_unlock(mutex);
}

/* Where a scope does not do: each path through the function has both. */
#define lf_lock(mutex, kind)   lf_lock_of_kind((mutex), &(kind))
#define lf_unlock(mutex, kind) lf_unlock_of_kind((mutex), &(kind))

/* From here on clang takes the lock for held: nobody else has the object yet, or any more, or the
 * lock was taken where clang does not look. */
static inline void lf_lock_held(struct lf_lock_kind *kind)
	LF_LOCK_ATTRIBUTE(assert_capability(*kind));
static inline void lf_lock_held(struct lf_lock_kind *kind)
{
	(void)kind;
}
#define LF_HELD(kind)  lf_lock_held(&(kind)) /* taken by pthread_mutex_trylock() */
#define LF_ALONE(kind) lf_lock_held(&(kind)) /* made just now, or about to be freed */

static inline void lf_guard_done(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

/* Hold the mutex until the end of the scope.  The second argument is its kind; none: it keeps an
 * order and guards no field. */
#define LF_GUARD(mutex, ...)	 LF_GUARD_AT(mutex, __LINE__) __VA_OPT__(; LF_HELD(__VA_ARGS__))
#define LF_GUARD_AT(mutex, line) LF_GUARD_NAMED(mutex, line)
#define LF_GUARD_NAMED(mutex, line)                                                                \
	LF_CLEANUP(lf_guard_done) LF_UNUSED pthread_mutex_t *lf_guard_##line = (mutex);            \
	pthread_mutex_lock(lf_guard_##line)

static inline void lf_rw_guard_done(pthread_rwlock_t **lock)
{
	pthread_rwlock_unlock(*lock);
}

/* The same for a lock of readers and writers; clang does not tell the two apart. */
#define LF_READ_GUARD(lock, kind)	       LF_RW_GUARD_AT(lock, kind, pthread_rwlock_rdlock, __LINE__)
#define LF_WRITE_GUARD(lock, kind)	       LF_RW_GUARD_AT(lock, kind, pthread_rwlock_wrlock, __LINE__)
#define LF_RW_GUARD_AT(lock, kind, take, line) LF_RW_GUARD_NAMED(lock, kind, take, line)
#define LF_RW_GUARD_NAMED(lock, kind, take, line)                                                  \
	LF_CLEANUP(lf_rw_guard_done) LF_UNUSED pthread_rwlock_t *lf_guard_##line = (lock);         \
	take(lf_guard_##line);                                                                     \
	LF_HELD(kind)

#endif
