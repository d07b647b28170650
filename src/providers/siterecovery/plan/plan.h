/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/siterecovery/plan/plan.h - what the files of recovery plans share.
 *
 * A plan in the catalog:
 *   doc    {"primaryFabricId", "recoveryFabricId", "failoverDeploymentModel", "groups": as clients
 *           see them; the first is the Shutdown group, the second the Failover group, then come 1
 *           to 7 Boot groups, which have the items}
 *   state  {"job", "scenario", "startTime": of its last job, "lastTestFailoverTime", ...}
 *
 * A job of a plan:
 *   doc    {"planId", "action": "TestFailover", ..., "groups": of the plan when it was asked,
 *           "pointType", "together", "input": what each item's job is told}
 *   data   {"children": [{"item", "name", "group": which Boot group, from 1, "job": "" when there
 *           was nothing to do}], "gate": the stage that items' jobs may enter, "cursor": {"s1": how
 *           much of stage 1 is done}, "actions": {"s1a0": {"state", "startTime", "endTime",
 *           "output" or "observation"}}, "waiting": the action that waits for a person}
 *
 * A stage is a group: 1 is the Shutdown group, 2 the Failover group, 3 the first Boot group; it is
 * also the job's step.  Threads: any.
 */
#ifndef LF_PROVIDERS_SITERECOVERY_PLAN_H
#define LF_PROVIDERS_SITERECOVERY_PLAN_H

#include "providers/siterecovery/failover/failover.h"

#define LF_SR_TYPE_PLAN LF_SR_TYPE_VAULT "/replicationRecoveryPlans"

/* As the documents have it. */
#define LF_SR_PLAN_BOOT_GROUPS 7
#define LF_SR_PLAN_ITEMS       100
#define LF_SR_PLAN_ACTIONS     16 /* before, and after, a group */

/* kinds.c: what may be asked of a plan. */
struct lf_sr_plan_start {
	const struct lf_sr_start *item; /* what each item is asked */
	bool every;			/* all items have to allow it; else those that do */
	const char *last;		/* the plan's time that its success sets; NULL: none */
	unsigned after_shutdown;	/* step of an item's job that is past shutting down */
	unsigned after_failover;	/* that is past making the machine: it waits to start it */
};
/* By the action of a job's doc; NULL: there is none such. */
const struct lf_sr_plan_start *lf_sr_plan_start(const char *action);

/* groups.c */
/*
 * The groups of a body, whose form the fields have checked, as they are stored: with the two that
 * every plan has.  LF_EINVAL names what is wrong; LF_EUNSUPPORTED: runbooks, and scripts where the
 * operator allows none.
 */
LF_MUST_CHECK int lf_sr_plan_groups(struct lf_context *context, const char *fabric_id,
				    const json_t *groups, json_t **ret_groups,
				    struct lf_error *err);
/* The items of the plan's groups that there still are, each with the number of its Boot group from
 * 1: array of {"item", "group"}. */
LF_MUST_CHECK int lf_sr_plan_items(struct lf_context *context, const json_t *groups,
				   json_t **ret_items, struct lf_error *err);

/* action.c: what is done before and after a group. */
/* LF_EUNSUPPORTED "RecoveryPlanScriptsNotAllowed", or LF_EINVAL: there is no such program. */
LF_MUST_CHECK int lf_sr_plan_script_check(struct lf_context *context, const json_t *details,
					  char **ret_path, struct lf_error *err);
/* Do one action of a stage; also LF_STEP_SUSPEND, and LF_STEP_AGAIN: it has to wait its turn. */
LF_MUST_CHECK int lf_sr_plan_action(struct lf_job_run *run, const char *key, const json_t *action,
				    struct lf_error *err);
/* Those of a group at "startGroupActions" or "endGroupActions" that this job has: a new array. */
json_t *lf_sr_plan_actions(const struct lf_job *job, const json_t *group, const char *when);
/* "s1a0": the place of a stage's action in the job's data. */
#define LF_SR_PLAN_KEY_SIZE 16
void lf_sr_plan_action_key(unsigned stage, size_t at, char key[static LF_SR_PLAN_KEY_SIZE]);

/* point.c: the name of the point that an item is to be failed over to; "": the latest, with what
 * its agent still has.  LF_ENOTFOUND "RecoveryPointNotFound". */
LF_MUST_CHECK int lf_sr_plan_point(struct lf_context *context, const struct lf_resource *item,
				   const json_t *job_doc, char ret_point[static LF_GUID_SIZE],
				   struct lf_error *err);

/* mark.c */
/* The plan's last job, in its state; stored. */
LF_MUST_CHECK int lf_sr_plan_mark(struct lf_context *context, struct lf_resource *plan,
				  const char *scenario, const char *job, struct lf_error *err);
/* lf_job_type.restarting: the plan has to be there, and names the job as its last one. */
int lf_sr_plan_restarting(void *context, const struct lf_job *job, struct lf_error *err);

/* view.c */
struct lf_sr_job_shape;
extern const struct lf_sr_job_shape lf_sr_plan_shape;

#endif
