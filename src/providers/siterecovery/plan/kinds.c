/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done to a recovery plan: one row an action, read by its request, its job and its
 * views. */
#include <string.h>

#include "providers/siterecovery/plan/plan.h"

/* The numbers are steps of the items' jobs: of drill.c, and of failover.c. */
static const struct lf_sr_plan_start starts[] = {
	{&lf_sr_test_failover, true, "lastTestFailoverTime", 0, 3},
	{&lf_sr_unplanned_failover, true, "lastUnplannedFailoverTime", 2, 4},
	{&lf_sr_planned_failover, true, "lastPlannedFailoverTime", 2, 4},
	{&lf_sr_test_cleanup, false, NULL, 0, 0},
	{&lf_sr_commit, false, NULL, 0, 0},
	{&lf_sr_cancel_failover, false, NULL, 0, 0},
};

const struct lf_sr_plan_start *lf_sr_plan_start(const char *action)
{
	for (size_t i = 0; i < LF_N(starts); i++)
		if (strcmp(lf_sr_action_name(starts[i].item->action), action) == 0)
			return &starts[i];
	return NULL;
}
