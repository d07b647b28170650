/* SPDX-License-Identifier: Apache-2.0 */
/* A plan names its last job, so that it is not changed or removed while that works. */
#include "providers/siterecovery/plan/plan.h"

int lf_sr_plan_mark(struct lf_context *context, struct lf_resource *plan, const char *scenario,
		    const char *job, struct lf_error *err)
{
	if (!plan->state)
		plan->state = json_object();
	if (lf_json_set_text(plan->state, "job", job) |
	    lf_json_set_text(plan->state, "scenario", scenario) |
	    lf_json_set_time(plan->state, "startTime", lf_clock_now_ns(context->clock)))
		return lf_fail_nomem(err);
	return lf_sr_item_store(context->catalog, plan, err);
}

int lf_sr_plan_restarting(void *argument, const struct lf_job *job, struct lf_error *err)
{
	struct lf_context *context = argument;
	LF_AUTO_RESOURCE plan = LF_RESOURCE_INIT;
	bool there = false;

	int rc = lf_catalog_find(context->catalog, job->resource, &plan, &there, err);
	if (!rc && !there)
		rc = lf_fail_arm(err, LF_ECONFLICT, "RecoveryPlanNotFound", job->resource,
				 "make the plan anew and ask it", "the plan of the job is gone");
	return rc ? rc
		  : lf_sr_plan_mark(context, &plan, lf_json_text_or(job->doc, "scenario", ""),
				    job->id, err);
}
