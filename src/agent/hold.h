/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/hold.h - what changed, as it was found under a freeze, in memory until
 * the file systems are thawed: nothing waits for the network while they stand
 * still.
 *
 * Memory: LF_HOLD_BYTES_MAX and what one window adds.  Threads: one at a time.
 */
#ifndef LF_AGENT_HOLD_H
#define LF_AGENT_HOLD_H

#include "base/error.h"

#define LF_HOLD_BYTES_MAX ((size_t)128 << 20)

/* A run of pages of one disk (the caller's number of it); data NULL: a hole. */
struct lf_held {
	size_t disk;
	uint64_t page;
	uint32_t pages;
	const uint8_t *data;
};

struct lf_hold;
LF_MUST_CHECK int lf_hold_new(struct lf_hold **ret_hold, struct lf_error *err);
void lf_hold_free(struct lf_hold *hold);
/* Copies the data. */
LF_MUST_CHECK int lf_hold_add(struct lf_hold *hold, const struct lf_held *run,
			      struct lf_error *err);
/* No more should be added. */
bool lf_hold_is_full(const struct lf_hold *hold);
/* Each run in the order they were added; its data stays until the hold is freed. */
typedef int lf_held_fn(void *context, const struct lf_held *run, struct lf_error *err);
LF_MUST_CHECK int lf_hold_each(const struct lf_hold *hold, lf_held_fn *each, void *context,
			       struct lf_error *err);

#endif
