/* SPDX-License-Identifier: Apache-2.0 */
#include "replication/state.h"

#define HOUR_NS (3600 * LF_NS_PER_S)
#define DAY_NS	(24 * HOUR_NS)

/* How far apart the points of this age are kept, by the window's length. */
static int64_t spacing(int64_t age_ns, int64_t history_ns)
{
	if (age_ns <= 2 * HOUR_NS)
		return 0;
	if (history_ns <= DAY_NS)
		return HOUR_NS;
	return age_ns <= 7 * DAY_NS ? 2 * HOUR_NS : 4 * HOUR_NS;
}

/*
 * All points of the last two hours; beyond, the newest of each slot of an
 * absolute grid (so that a point once kept stays kept until its slot widens),
 * or the newest of those that are application-consistent, which are rarer;
 * nothing past the window.  The newest point is always kept: without new ones
 * the old ones do not go.
 */
void lf_retention_grid(const int64_t *times_ns, const bool *app, size_t n, int64_t now_ns,
		       int64_t history_minutes, bool *ret_keep)
{
	int64_t history_ns = history_minutes * 60 * LF_NS_PER_S;
	int64_t newest = n ? times_ns[0] : 0, last_slot = -1, last_spacing = -1;
	size_t kept = 0; /* of the last slot */

	/* age counts from the newest point: a silent source loses nothing */
	if (newest < now_ns)
		now_ns = newest;
	for (size_t i = 0; i < n; i++) {
		int64_t age = now_ns - times_ns[i];
		int64_t space = spacing(age, history_ns);
		ret_keep[i] = i == 0 || (history_ns > 0 && age <= history_ns);
		if (!ret_keep[i] || !space)
			continue;
		int64_t slot = times_ns[i] / space;
		bool same = space == last_spacing && slot == last_slot;
		bool better = same && app && app[i] && !app[kept];
		if (better)
			ret_keep[kept] = false;
		else if (same)
			ret_keep[i] = false;
		if (!same || better)
			kept = i;
		last_slot = slot;
		last_spacing = space;
	}
}
