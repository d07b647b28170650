/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/progress.h - what the site is told of transfers while they run: one
 * status an item.
 *
 * Threads: any.
 */
#ifndef LF_AGENT_PROGRESS_H
#define LF_AGENT_PROGRESS_H

#include <jansson.h>

#include "base/lock.h"
#include "base/error.h"

LF_LOCK_KIND(lf_progress_lock);

/* What is told to the site while a transfer runs. */
struct lf_progress {
	pthread_mutex_t mutex;
	/* array of one object a replica; replaced, never changed */
	json_t *status LF_GUARDED_BY(lf_progress_lock);
	char *blob_token LF_GUARDED_BY(lf_progress_lock); /* of the latest poll */
};
/* Copy of the latest token; free(). */
char *lf_progress_token(struct lf_progress *progress);
/* Take status as the latest of its item; a failure that was told ("error") stays with it. */
void lf_progress_set(struct lf_progress *progress, json_t *status);
/* A session of the item has made its point: earlier failures are over. */
void lf_progress_succeeded(struct lf_progress *progress, const char *item);

#endif
