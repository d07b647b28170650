/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/transfer.h - one session: from the disks to a recovery point.
 *
 * Threads: a transfer is called on one thread, and has others (outflow/outflow.h).
 */
#ifndef LF_AGENT_TRANSFER_H
#define LF_AGENT_TRANSFER_H

#include <stdatomic.h>

#include "agent/progress.h"
#include "agent/site.h"
#include "agent/watch.h"

struct lf_transfer_opts {
	const struct lf_site *site;
	const json_t *machine;	  /* agent/machine.h */
	const json_t *assignment; /* of the site's answer to a poll */
	const char *state_dir;
	struct lf_watches *watches; /* outlive the transfer */
	struct lf_progress *progress;
	const atomic_bool *stopping;
};
/* Where the agent of this state directory notes what it holds "frozen" (source/freeze.h) or
 * "quiesced" (source/quiesce.h); free(). */
char *lf_transfer_note(const char *state_dir, const char *what);
/* Thaw what a run that was killed has left. */
LF_MUST_CHECK int lf_transfer_recover(const char *state_dir, struct lf_error *err);
/*
 * Make one recovery point.  Resumes a full pass that was cut short; anything
 * else starts over.  LF_ECANCELED: *stopping became true.
 */
LF_MUST_CHECK int lf_transfer_run(const struct lf_transfer_opts *opts, struct lf_error *err);

#endif
