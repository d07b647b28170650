/* SPDX-License-Identifier: Apache-2.0 */
#include "os/workers.h"

#include <unistd.h>

#include "base/lock.h"

LF_LOCK_KIND(workers_lock);

struct workers {
	lf_work_fn *work;
	void *context;
	atomic_bool *failed;
	pthread_mutex_t mutex;
	int rc LF_GUARDED_BY(workers_lock); /* the first that is not 0, and what it says */
	struct lf_error err LF_GUARDED_BY(workers_lock);
};

unsigned lf_processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 1 ? (unsigned)n : 1;
}

static void *work_along(void *argument)
{
	struct workers *workers = argument;
	struct lf_error err = LF_ERROR_NONE;
	int rc = workers->work(workers->context, &err);

	if (!rc)
		return NULL;
	if (workers->failed)
		atomic_store(workers->failed, true);
	LF_GUARD(&workers->mutex, workers_lock);
	if (!workers->rc) {
		workers->rc = rc;
		workers->err = err;
	}
	return NULL;
}

int lf_workers_run(unsigned threads, lf_work_fn *work, void *context, atomic_bool *failed,
		   struct lf_error *err)
{
	struct workers workers = {.work = work,
				  .context = context,
				  .failed = failed,
				  .mutex = PTHREAD_MUTEX_INITIALIZER};
	pthread_t others[LF_WORKERS_MAX];
	unsigned started = 0;

	while (started + 1 < threads && started + 1 < LF_WORKERS_MAX &&
	       pthread_create(&others[started], NULL, work_along, &workers) == 0)
		started++;
	work_along(&workers);
	while (started > 0)
		pthread_join(others[--started], NULL);
	pthread_mutex_destroy(&workers.mutex);
	LF_ALONE(workers_lock);
	if (workers.rc)
		*err = workers.err;
	return workers.rc;
}
