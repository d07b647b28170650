/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/health.h - what is wrong in this process at this moment: a small
 * registry of named conditions, for those who look after the site.
 *
 * A part raises a condition when it finds something damaged or degraded that
 * it can live with, and clears it when that is over.  A condition is a name
 * ("catalog-row"), what it is about (an id, a file; "" when there is only one
 * of it) and a line of text.  Raised anew it is counted; it is logged once, as
 * a warning, when it appears, and again only when its text changes.
 *
 * One registry a process, as the log: no handle to hand through the layers.
 * Bounded: LF_HEALTH_MAX conditions, each of fixed size; what does not fit is
 * counted and neither kept nor logged.  Never pass a secret.
 * Threads: any; its lock is innermost, nothing is called with it held.
 */
#ifndef LF_BASE_HEALTH_H
#define LF_BASE_HEALTH_H

#include "base/error.h"

#define LF_HEALTH_MAX 128u

struct lf_health_condition {
	char name[48];	   /* lower case with dashes, a constant of the part that raises it */
	char subject[256]; /* UTF-8, cut to fit */
	char text[512];	   /* UTF-8, one line, cut to fit */
	int64_t since_ns;  /* when it was raised first, and last: the machine's time */
	int64_t last_ns;
	uint64_t times;
};

/* subject: NULL is "".  Bytes that are not UTF-8 and control characters are shown as '?'. */
void lf_health_raise(const char *name, const char *subject, const char *fmt, ...) LF_PRINTF(3, 4);
/* Over; says so in the log.  Not raised: nothing happens, at the cost of one load while all is
 * well. */
void lf_health_clear(const char *name, const char *subject);
/* Raise it with what went wrong, or clear it: for work that is tried again and again.  err is read
 * when rc is not 0. */
void lf_health_set(const char *name, const char *subject, int rc, const struct lf_error *err);

/*
 * Copy up to max conditions, in the order in which they were raised; returns
 * how many.  *ret_dropped (may be NULL): raises that found the registry full.
 */
size_t lf_health_read(struct lf_health_condition *ret_conditions, size_t max,
		      uint64_t *ret_dropped);
/* How many there are: for a metric. */
size_t lf_health_count(void);

#endif
