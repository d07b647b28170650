/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/workers.h - threads that share one call's work: they start with it, work
 * along with the caller, and are joined before the call returns.
 *
 * The first error is the call's.  Who has more to do looks at *failed before
 * each piece and returns when another has failed.
 */
#ifndef LF_OS_WORKERS_H
#define LF_OS_WORKERS_H

#include <stdatomic.h>

#include "base/error.h"

#define LF_WORKERS_MAX 16u

unsigned lf_processors(void); /* at least 1 */

/* One thread's share: pieces of the work, in turn, until none is left. */
typedef int lf_work_fn(void *context, struct lf_error *err);
/*
 * Call work on up to `threads` threads (at most LF_WORKERS_MAX), of which the caller's is one;
 * where the system has no more threads to give, fewer do it all.  *failed is set once a call of
 * work has failed; NULL: nobody looks.
 */
LF_MUST_CHECK int lf_workers_run(unsigned threads, lf_work_fn *work, void *context,
				 atomic_bool *failed, struct lf_error *err);

#endif
