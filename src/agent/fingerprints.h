/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/fingerprints.h - what each page of a disk held in the newest recovery
 * point: a file of page prints (vault/flow/prints.h) that follows the sessions.
 * A pass sends only pages whose fingerprint differs.
 *
 * A cache: it may be lost or refused at any time, and then a full pass makes
 * it anew.  During a full pass pages are written in place and the file's name
 * says how far they hold; during a delta, changes wait in memory until the
 * point is acknowledged, so that a session that comes to nothing changes
 * nothing.
 *
 * Memory: 24 bytes for each page that changed in the open delta, at most
 * LF_DELTA_PAGES_MAX of them; as much again while they are written.
 * Threads: one at a time.
 */
#ifndef LF_AGENT_FINGERPRINTS_H
#define LF_AGENT_FINGERPRINTS_H

#include "base/error.h"

#define LF_DELTA_PAGES_MAX (4u << 20) /* 16 GiB of changes: beyond, a full pass is no worse */

struct lf_fingerprints;
/* Open or make; pages: of the disk now. */
LF_MUST_CHECK int lf_fingerprints_open(const char *path, uint64_t pages,
				       struct lf_fingerprints **ret_prints, struct lf_error *err);
void lf_fingerprints_close(struct lf_fingerprints *prints);

/* The point they describe; "" when none. */
const char *lf_fingerprints_point(const struct lf_fingerprints *prints);
/* The full pass they belong to, or the session that was prepared ("" when none), and the pages
 * before which they hold. */
const char *lf_fingerprints_session(const struct lf_fingerprints *prints);
uint64_t lf_fingerprints_upto(const struct lf_fingerprints *prints);

/* Forget everything: a full pass of this session begins, or goes on.  LF_ENOSPACE. */
LF_MUST_CHECK int lf_fingerprints_restart(struct lf_fingerprints *prints, const char *session,
					  struct lf_error *err);
/* The full pass is over: from now on changes wait in memory. */
void lf_fingerprints_full_done(struct lf_fingerprints *prints);
/* They describe nothing any more: the next session is a full pass.  Durable. */
LF_MUST_CHECK int lf_fingerprints_void(struct lf_fingerprints *prints, struct lf_error *err);
/* Forget what waited in memory. */
void lf_fingerprints_forget(struct lf_fingerprints *prints);

/* Of count pages; 0 behind the end. */
LF_MUST_CHECK int lf_fingerprints_get(const struct lf_fingerprints *prints, uint64_t page,
				      size_t count, uint64_t *ret_values, struct lf_error *err);
/* In place during a full pass; in memory else.  LF_ENOSPACE: LF_DELTA_PAGES_MAX reached, or the
 * file system is full. */
LF_MUST_CHECK int lf_fingerprints_set(struct lf_fingerprints *prints, uint64_t page, size_t count,
				      const uint64_t *values, struct lf_error *err);
/* The pages before upto were acknowledged: make them durable. */
LF_MUST_CHECK int lf_fingerprints_progress(struct lf_fingerprints *prints, uint64_t upto,
					   struct lf_error *err);
/*
 * Before the commit is asked for: what waits in memory becomes a durable file, named by session, so
 * that a kill between the server's commit and lf_fingerprints_commit() can be made good at the next
 * open (lf_fingerprints_recover()).
 */
LF_MUST_CHECK int lf_fingerprints_prepare(struct lf_fingerprints *prints, const char *session,
					  struct lf_error *err);
/* The point exists: from now on they describe it. */
LF_MUST_CHECK int lf_fingerprints_commit(struct lf_fingerprints *prints, const char *point,
					 struct lf_error *err);
/* newest: the server's newest point.  If it is the one that was prepared, commit it now. */
LF_MUST_CHECK int lf_fingerprints_recover(struct lf_fingerprints *prints, const char *newest,
					  struct lf_error *err);

#endif
