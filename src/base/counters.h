/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/counters.h - how often something happened since the process started:
 * refusals, limits that were hit, requests.  GET /metrics shows all of them.
 *
 * A counter is made by its first lf_count().  There are at most
 * LF_COUNTERS_MAX of them; what would be one more is counted as "other", so a
 * label never comes from a client.
 *
 * Threads: any.  Counting what exists takes no lock.
 */
#ifndef LF_BASE_COUNTERS_H
#define LF_BASE_COUNTERS_H

#include "base/buf.h"

#define LF_COUNTERS_MAX 512u

/*
 * Add n.  name: letters, digits and '_', at most 47, without "landfall_" and "_total"
 * ("requests_refused"); kind: which of them ("TooManyRequests"), at most 63 characters, or NULL.
 */
void lf_count(const char *name, const char *kind, uint64_t n);
/* What has been counted; 0: nothing yet. */
uint64_t lf_counted(const char *name, const char *kind);

/* Visit all, in the order of name and kind ("": none). */
typedef void lf_counter_visit_fn(void *context, const char *name, const char *kind, uint64_t value);
void lf_counters_each(lf_counter_visit_fn *visit, void *context);
/* As Prometheus reads them, appended: 'landfall_NAME_total{kind="KIND"} VALUE'. */
void lf_counters_render(struct lf_buf *buf);

#endif
