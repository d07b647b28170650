/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source/freeze.h - stop a machine's file systems for a moment.
 *
 * A process of its own (the keeper) holds the file systems and thaws them when
 * told, when the time is up, or when we die; it leaves the agent's control
 * group, so that what ends the agent does not end it.  If both are killed, a
 * note says what the next run has to thaw.  Threads: one at a time.
 */
#ifndef LF_SOURCE_FREEZE_H
#define LF_SOURCE_FREEZE_H

#include "json/json.h"

struct lf_freeze;
/*
 * Freeze the file systems at these mount points (array of texts, each file system once, at most
 * 1024; may be empty).  note: a file that names them while they are frozen (NULL: none), best on a
 * file system that is not among them.  On failure none is frozen.
 *
 * A file system that has no freezing (vfat: every EFI system partition) goes on, and is listed by
 * lf_freeze_unheld().  LF_EUNSUPPORTED: there is no other.  LF_ECONFLICT: somebody else holds one
 * frozen.
 */
LF_MUST_CHECK int lf_freeze_begin(const json_t *mounts, int64_t limit_ns, const char *note,
				  struct lf_freeze **ret_freeze, struct lf_error *err);
/* Those of the mount points that could not be frozen; borrowed, until the end. */
const json_t *lf_freeze_unheld(const struct lf_freeze *freeze);
/*
 * Thaw and free.  LF_ETIMEOUT: the time was up before, so what was read is not of one instant.
 * *ret_frozen_ns: how long it was (0 without mounts).
 */
LF_MUST_CHECK int lf_freeze_end(struct lf_freeze *freeze, int64_t *ret_frozen_ns,
				struct lf_error *err);
/* Thaw what note names, which a run that was killed has left, and remove it; no note: nothing. */
LF_MUST_CHECK int lf_freeze_recover(const char *note, struct lf_error *err);

#endif
