/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/watch.h - what was written to each protected disk since its newest
 * recovery point, from one session to the next.
 *
 * A watch begins when its disk is first asked for.  It covers a point once a
 * session that it saw whole has made that point; before, and after a restart of
 * the agent, the disk has to be read.
 *
 * Memory: as source/track.h, and a bit for each page of the areas written.
 * Threads: one at a time.
 */
#ifndef LF_AGENT_WATCH_H
#define LF_AGENT_WATCH_H

#include "base/error.h"

struct lf_watches;
LF_MUST_CHECK int lf_watches_new(struct lf_watches **ret_watches, struct lf_error *err);
void lf_watches_free(struct lf_watches *watches);

struct lf_watch;
/*
 * The watch of the disk id, now the device at path with so many pages.  NULL: it cannot be
 * watched; the log says once why.  Another device or size than before begins anew, and so does
 * what was detached and attached again (BLKGETDISKSEQ): nobody saw what was written meanwhile.
 */
struct lf_watch *lf_watches_get(struct lf_watches *watches, const char *id, const char *path,
				uint64_t pages);

/* Is everything known that was written since this point? */
bool lf_watch_covers(const struct lf_watch *watch, const char *point);
/* u64 words for a bit of each page. */
size_t lf_watch_words(const struct lf_watch *watch);
/* Set the bits of all pages that were written since the newest point. */
void lf_watch_all(struct lf_watch *watch, uint64_t *bits);
/* Set the bits of the pages that were written since this or lf_watch_all() was last called. */
void lf_watch_more(struct lf_watch *watch, uint64_t *bits);
/* What was handed out so far is in the point. */
void lf_watch_committed(struct lf_watch *watch, const char *point);

/* Memory for such bits, all zero; it takes room where bits are set. */
LF_MUST_CHECK int lf_watch_bits_new(size_t words, uint64_t **ret_bits, struct lf_error *err);
void lf_watch_bits_clear(uint64_t *bits, size_t words);
void lf_watch_bits_free(uint64_t *bits, size_t words);
/* The first set bit at or after from; UINT64_MAX: none. */
uint64_t lf_watch_bits_next(const uint64_t *bits, size_t words, uint64_t from);

#endif
