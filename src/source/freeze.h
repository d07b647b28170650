/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source/freeze.h - stop a machine's file systems for a moment.
 *
 * A process of its own holds the file systems open and thaws them when told,
 * when the time is up, or when we die: a killed agent never leaves a frozen
 * file system behind.  Threads: one at a time.
 */
#ifndef LF_SOURCE_FREEZE_H
#define LF_SOURCE_FREEZE_H

#include "json/json.h"

struct lf_freeze;
/*
 * Freeze all mount points (array of texts; may be empty).  On failure none is frozen.
 * LF_EUNSUPPORTED: a file system cannot be frozen.
 */
LF_MUST_CHECK int lf_freeze_begin(const json_t *mounts, int64_t limit_ns,
				  struct lf_freeze **ret_freeze, struct lf_error *err);
/*
 * Thaw and free.  LF_ETIMEOUT: the time was up before, so what was read is not of one instant.
 * *ret_frozen_ns: how long it was (0 without mounts).
 */
LF_MUST_CHECK int lf_freeze_end(struct lf_freeze *freeze, int64_t *ret_frozen_ns,
				struct lf_error *err);

#endif
