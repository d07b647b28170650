/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflow/settle.h - extents in any order, into a disk map at the cost of
 * what they change.
 *
 * A map is edited cheaply in the order of pages; an agent may send in any
 * order, and later extents win.  They are collected, some at a time, and given
 * on in the order of pages, without overlaps: each page once, of the latest
 * extent that has it.
 *
 * Memory: LF_SETTLE_MAX extents, 20 MiB.  Threads: one at a time for one.
 */
#ifndef LF_INFLOW_SETTLE_H
#define LF_INFLOW_SETTLE_H

#include "vault/map/map.h"

#define LF_SETTLE_MAX 262144u

struct lf_settle;
LF_MUST_CHECK int lf_settle_new(lf_extent_visit_fn *visit, void *context,
				struct lf_settle **ret_settle, struct lf_error *err);
void lf_settle_free(struct lf_settle *settle);
/* Collect one; when there is no room the others go on first.  Errors are visit's. */
LF_MUST_CHECK int lf_settle_add(struct lf_settle *settle, const struct lf_extent *extent,
				struct lf_error *err);
/* What is left goes on. */
LF_MUST_CHECK int lf_settle_flush(struct lf_settle *settle, struct lf_error *err);

#endif
