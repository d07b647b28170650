/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/siterecovery/failover/failover.h - the steps that drills, failovers and the change of
 * a recovery point share.  Only this provider includes it.
 *
 * Such a job chooses a point, holds it, plans a machine once and makes it.  What it has chosen and
 * planned is in its data before it is claimed or made, so that a kill leaves nothing that undo
 * does not know of.
 */
#ifndef LF_PROVIDERS_SITERECOVERY_FAILOVER_H
#define LF_PROVIDERS_SITERECOVERY_FAILOVER_H

#include "providers/compute/machine.h"
#include "providers/siterecovery/internal.h"

/* What the job remembers, as far as it got; borrowed from its data. */
struct lf_sr_making {
	const char *region, *point; /* name of the chosen point; "": none yet */
	const char *token;	    /* of the final session that is asked for; "" */
	const char *vm;		    /* id of the planned machine; "": none yet */
	const json_t *chosen;	    /* the point as its replica has it; NULL: none yet */
	const json_t *machine;	    /* the plan, for lf_machine_make(); NULL: none yet */
};
LF_MUST_CHECK int lf_sr_making(struct lf_job_run *run, struct lf_sr_making *ret_making,
			       struct lf_error *err);

/* Remember point in the job's data; held by a later step. */
LF_MUST_CHECK int lf_sr_making_choose(struct lf_job_run *run, const struct lf_resource *item,
				      const json_t *point, struct lf_error *err);
LF_MUST_CHECK int lf_sr_making_hold(struct lf_job_run *run, struct lf_error *err);
/* Let the point go, if one was chosen. */
LF_MUST_CHECK int lf_sr_making_release(struct lf_job_run *run, struct lf_error *err);
/* Plan the machine once, and make it. */
LF_MUST_CHECK int lf_sr_making_make(struct lf_job_run *run, const struct lf_resource *item,
				    const char *network_id, bool test, struct lf_error *err);
/* Remove the machine, if one was planned. */
LF_MUST_CHECK int lf_sr_making_unmake(struct lf_job_run *run, struct lf_error *err);

/* Steps of a failover: hold the point and make the machine on the item's network; and back. */
LF_MUST_CHECK int lf_sr_failover_make(struct lf_job_run *run, struct lf_error *err);
LF_MUST_CHECK int lf_sr_failover_unmake(struct lf_job_run *run, struct lf_error *err);
/* Start the machine; in one commit: the item's phase, the hydration, the step's end. */
LF_MUST_CHECK int lf_sr_failover_start(struct lf_job_run *run, enum lf_sr_phase phase,
				       struct lf_error *err);

/*
 * A job that is part of a recovery plan's ("plan.job", "plan.stage" of its input) waits where the
 * plan has not come to yet: 0, or LF_STEP_AGAIN.  LF_ECONFLICT "RecoveryPlanEnded".
 */
enum lf_sr_gate { LF_SR_GATE_SHUTDOWN = 1, LF_SR_GATE_FAILOVER, LF_SR_GATE_START };
LF_MUST_CHECK int lf_sr_plan_gate(struct lf_job_run *run, enum lf_sr_gate gate,
				  struct lf_error *err);

/* The item has a target network, and it is there. */
LF_MUST_CHECK int lf_sr_check_target_network(struct lf_catalog *catalog,
					     const struct lf_resource *item, struct lf_error *err);

/* What failoverDirection may say: nothing fails back from here. */
extern const char *const lf_sr_directions[];
/* The details of a request, when they are given at all, are of this provider. */
LF_MUST_CHECK int lf_sr_check_details(const json_t *body, struct lf_error *err);
/* osUpgradeVersion of a request.  LF_EINVAL: it asks for another version; the item's
 * supportedOSVersions are none. */
LF_MUST_CHECK int lf_sr_check_upgrade(const char *version, struct lf_error *err);
/* A request that names a point, when its details are given at all: of this provider, in a state
 * that allows action, and the point is there.  wanted "": the latest. */
LF_MUST_CHECK int lf_sr_check_point_request(struct lf_arm_call *call,
					    const struct lf_resource *item,
					    enum lf_sr_action action, const char *wanted,
					    struct lf_error *err);

#endif
