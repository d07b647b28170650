/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/transfer.h - one session: from the disks to a recovery point.
 *
 * Threads: a transfer runs on one thread; lf_progress may be read from others.
 */
#ifndef LF_AGENT_TRANSFER_H
#define LF_AGENT_TRANSFER_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/link.h"
#include "agent/watch.h"

/* What is told to the site while a transfer runs. */
struct lf_progress {
	pthread_mutex_t mutex;
	json_t *status;	  /* array of one object a replica; replaced, never changed */
	char *blob_token; /* of the latest poll */
};
/* Copy of the latest token; free(). */
char *lf_progress_token(struct lf_progress *progress);
/* Take status as the latest of its item; a failure that was told ("error") stays with it. */
void lf_progress_set(struct lf_progress *progress, json_t *status);
/* A session of the item has made its point: earlier failures are over. */
void lf_progress_succeeded(struct lf_progress *progress, const char *item);

struct lf_transfer_opts {
	struct lf_link *link;
	const json_t *machine;	  /* agent/machine.h */
	const json_t *assignment; /* of the site's answer to a poll */
	const char *state_dir;
	struct lf_watches *watches; /* outlive the transfer */
	struct lf_progress *progress;
	const atomic_bool *stopping;
};
/* Where the agent of this state directory notes what it holds frozen (see source/freeze.h); free().
 */
char *lf_transfer_freeze_note(const char *state_dir);
/*
 * Make one recovery point.  Resumes a full pass that was cut short; anything
 * else starts over.  LF_ECANCELED: *stopping became true.
 */
LF_MUST_CHECK int lf_transfer_run(const struct lf_transfer_opts *opts, struct lf_error *err);

#endif
