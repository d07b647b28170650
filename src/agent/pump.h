/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/pump.h - what carries chunks to the site: asks which are missing,
 * packs those, uploads full packs, and reports extents once their packs are in.
 *
 * Extents are acknowledged in the order they were given; after
 * lf_pump_flush() all are.  While one pack is on its way the next is filled.
 * Memory: two pack files on disk, at most LF_PUMP_CHUNKS_MAX chunks of the
 * caller's window, 48 bytes an extent.
 * Threads: one at a time.
 */
#ifndef LF_AGENT_PUMP_H
#define LF_AGENT_PUMP_H

#include "agent/link.h"
#include "vault/map/map.h"
#include "vault/pack/pack.h"

#define LF_PUMP_CHUNKS_MAX 1024

struct lf_pump_opts {
	struct lf_link *link; /* borrowed */
	const struct lf_domain_key *key;
	const char *state_dir; /* packs under way, unless there is room in memory */
	const char *session;
	const char *pack_path; /* "/ACCOUNT/landfall-packs/" */
	/* The bearer token of the moment; free(). */
	char *(*token)(void *context);
	void *context;
	uint64_t bytes_per_second; /* 0: no limit */
};
struct lf_pump;
LF_MUST_CHECK int lf_pump_new(const struct lf_pump_opts *opts, struct lf_pump **ret_pump,
			      struct lf_error *err);
void lf_pump_free(struct lf_pump *pump);

/* From now on extents are of this disk, and it is acknowledged up to page upto; flushes what is of
 * another. */
LF_MUST_CHECK int lf_pump_disk(struct lf_pump *pump, const char *disk, uint64_t upto,
			       struct lf_error *err);
/* One run of pages; data (NULL: a hole) stays the caller's and must live until
 * lf_pump_window_end(). */
LF_MUST_CHECK int lf_pump_run(struct lf_pump *pump, uint64_t page, uint32_t pages, const void *data,
			      struct lf_error *err);
/* The data given so far may go; upto: a full pass has covered the pages before this. */
LF_MUST_CHECK int lf_pump_window_end(struct lf_pump *pump, uint64_t upto, struct lf_error *err);
/* upto of what the site has of the present disk; 0: nothing yet. */
uint64_t lf_pump_acknowledged(const struct lf_pump *pump);
/* Everything given is acknowledged on return. */
LF_MUST_CHECK int lf_pump_flush(struct lf_pump *pump, struct lf_error *err);
uint64_t lf_pump_sent(const struct lf_pump *pump); /* bytes of packs */

#endif
