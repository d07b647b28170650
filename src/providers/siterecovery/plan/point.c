/* SPDX-License-Identifier: Apache-2.0 */
/* Which recovery point of an item a plan takes: recoveryPointType and useMultiVmSyncPoint. */
#include <string.h>

#include "providers/siterecovery/plan/plan.h"

static bool fits(const json_t *point, const char *type, bool together)
{
	const char *consistency = lf_json_text_or(point, "consistency", "CrashConsistent");

	if (together && !lf_json_bool_or(point, "together", false))
		return false;
	if (strcmp(type, "LatestApplicationConsistent") == 0)
		return strcmp(consistency, "ApplicationConsistent") == 0;
	return strcmp(type, "LatestCrashConsistent") != 0 ||
	       strcmp(consistency, "CrashConsistent") == 0;
}

int lf_sr_plan_point(struct lf_context *context, const struct lf_resource *item,
		     const json_t *job_doc, char ret_point[static LF_GUID_SIZE],
		     struct lf_error *err)
{
	const char *type = lf_json_text_or(job_doc, "pointType", "Latest");
	const char *group = lf_json_text_or(item->doc, "details.multiVmGroupName", "");
	/* machines outside of a group have no points that are of one instant with others */
	bool together = *group && lf_json_bool_or(job_doc, "together", false);
	LF_AUTO_JSON *points = NULL;
	json_t *point;
	size_t i;

	int rc = lf_replica_points(context->replication, item->id, &points, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	json_array_foreach (points, i, point) {
		if (!fits(point, type, together))
			continue;
		bool latest = strcmp(type, "Latest") == 0;
		snprintf(ret_point, LF_GUID_SIZE, "%s",
			 latest ? "" : lf_json_text_or(point, "id", ""));
		return 0;
	}
	return lf_fail_arm(err, LF_ENOTFOUND, "RecoveryPointNotFound", item->id,
			   "take another recoveryPointType, or wait until there is one",
			   "the item has no recovery point that is %s%s", type,
			   together ? " and of one instant with its group's" : "");
}
