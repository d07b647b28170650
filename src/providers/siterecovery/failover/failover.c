/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failover: take the final changes if the latest state is wanted, make the
 * machine from the point, start it.  The copy of its disks goes on behind it.
 */
#include "providers/siterecovery/failover/failover.h"

#include <string.h>

#define DETAILS		   "properties.providerSpecificDetails"
#define RECHECK_NS	   LF_NS_PER_S
#define DISCONNECTED_LIMIT (30 * LF_NS_PER_S)
#define FINAL_LIMIT	   (3600 * LF_NS_PER_S)

static int check_request(struct lf_arm_call *call, const struct lf_sr_scope *scope,
			 enum lf_sr_action action, const char *wanted, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *network = lf_json_text_or(scope->item.doc, "details.targetNetworkId", "");
	LF_AUTO_JSON *point = NULL;
	int rc = 0;

	if (lf_json_at(lf_arm_body(call), DETAILS))
		rc = lf_sr_check_instance(lf_json_text(lf_arm_body(call), DETAILS ".instanceType"),
					  NULL, DETAILS ".instanceType", err);
	/* a job that is under way refuses another one before all else, when it is started */
	bool busy = lf_json_at(scope->item.state, "current");
	if (!rc && !busy)
		rc = lf_sr_check_allowed(scope->item.state, action, scope->item.id, err);
	if (!rc && !busy)
		rc = lf_sr_point_find(context, &scope->item, wanted, &point, err);
	if (rc)
		return rc;
	if (!*network)
		return lf_fail_arm(err, LF_EINVAL, "TargetNetworkNotSet", scope->item.id,
				   "set targetNetworkId by a PATCH of the item",
				   "the item has no target network");
	return lf_sr_check_exists(context, network, "Microsoft.Network/virtualNetworks",
				  "NetworkNotFound", "targetNetworkId", err);
}

int lf_sr_unplanned_failover(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_sr_start start = {.action = LF_SR_UNPLANNED_FAILOVER,
						 .type = "siterecovery.failover",
						 .scenario = "UnplannedFailover",
						 .friendly = "Failover",
						 .with_job = true};
	const json_t *body = lf_arm_body(call);
	const char *wanted = lf_json_text_or(body, DETAILS ".recoveryPointId", "");
	const char *source = lf_json_text_or(body, "properties.sourceSiteOperations", "");
	bool stop = lf_json_bool_or(body, DETAILS ".performShutdown", false) ||
		    lf_text_equal_nocase(source, "Required");
	LF_AUTO_SR_SCOPE scope = {0};

	int rc = lf_sr_scope_open(call, LF_SR_ITEM, &scope, err);
	if (!rc)
		rc = check_request(call, &scope, start.action, wanted, err);
	if (rc)
		return rc;
	return lf_sr_item_start(call, &start,
				json_pack("{s:s,s:b,s:b}", "recoveryPoint", wanted, "stop",
					  (int)stop, "planned", 0),
				err);
}

/* Planned: always the latest state, the source stopped, and never without its agent. */
int lf_sr_planned_failover(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_sr_start start = {.action = LF_SR_PLANNED_FAILOVER,
						 .type = "siterecovery.failover",
						 .scenario = "PlannedFailover",
						 .friendly = "Planned failover",
						 .with_job = true};
	LF_AUTO_SR_SCOPE scope = {0};

	int rc = lf_sr_scope_open(call, LF_SR_ITEM, &scope, err);
	if (!rc)
		rc = check_request(call, &scope, start.action, "", err);
	if (rc)
		return rc;
	return lf_sr_item_start(
		call, &start,
		json_pack("{s:s,s:b,s:b}", "recoveryPoint", "", "stop", 1, "planned", 1), err);
}

static bool is_planned(const struct lf_job_run *run)
{
	return lf_json_bool_or(lf_job_run_job(run)->doc, "planned", false);
}

static bool wants_latest(const struct lf_job_run *run)
{
	const char *wanted = lf_sr_job_text(run, "recoveryPoint");

	return !wanted || !*wanted;
}

static int run_prerequisites(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	json_t *data = lf_job_run_data(run);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_JSON *point = NULL;
	char token[LF_GUID_SIZE], start[32];

	int rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_sr_check_allowed(item.state,
					 is_planned(run) ? LF_SR_PLANNED_FAILOVER
							 : LF_SR_UNPLANNED_FAILOVER,
					 item.id, err);
	if (!rc)
		rc = lf_sr_point_find(context, &item, lf_sr_job_text(run, "recoveryPoint"), &point,
				      err);
	if (!rc && !wants_latest(run))
		rc = lf_sr_failover_choose(run, &item, point, err);
	if (rc)
		return rc;
	/* a restarted job asks for final changes anew */
	snprintf(start, sizeof(start), "%lld", (long long)lf_job_run_job(run)->started_ns);
	lf_guid_derive(lf_job_run_job(run)->id, start, token);
	return lf_json_set_text(data, "token", token) ? lf_fail_nomem(err) : 0;
}

static int skip(struct lf_job_run *run, const char *step, const char *why, struct lf_error *err)
{
	char path[96];

	snprintf(path, sizeof(path), "skipped.%s", step);
	return lf_json_set_text(lf_job_run_data(run), path, why) ? lf_fail_nomem(err) : 0;
}

/* The agent cannot switch the machine off; it stops sending once the last changes are in. */
static int run_shutdown(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	bool stop = lf_json_bool_or(lf_job_run_job(run)->doc, "stop", false);

	int rc = skip(run, "ShutDownVirtualMachine",
		      stop ? "The machine is not switched off from here; its replication stops "
			     "after the final changes."
			   : "Shutting down the machine was not asked for.",
		      err);
	if (rc || !wants_latest(run))
		return rc;
	return lf_replica_request_final(context->replication, lf_sr_job_text(run, "itemId"),
					lf_json_text_or(lf_job_run_data(run), "token", ""), stop,
					err);
}

/* The request for final changes is replaced by one that stops nothing, and replication goes on. */
static int undo_shutdown(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *item = lf_sr_job_text(run, "itemId");
	char token[LF_GUID_SIZE];

	if (!wants_latest(run))
		return 0;
	lf_guid_derive("undo", lf_json_text_or(lf_job_run_data(run), "token", ""), token);
	int rc = lf_replica_request_final(context->replication, item, token, false, err);
	if (!rc)
		rc = lf_replica_resume(context->replication, item, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

/* Wait no longer?  In data: since when, and since when without the agent. */
static bool waited_enough(struct lf_job_run *run, const json_t *replica)
{
	struct lf_context *context = lf_job_run_context(run);
	json_t *data = lf_job_run_data(run);
	int64_t now = lf_clock_now_ns(context->clock);

	if (!lf_json_at(data, "waitingSince"))
		lf_json_set_int(data, "waitingSince", now);
	if (lf_json_bool_or(replica, "agentConnected", false))
		json_object_del(data, "aloneSince");
	else if (!lf_json_at(data, "aloneSince"))
		lf_json_set_int(data, "aloneSince", now);
	int64_t alone = lf_json_int_or(data, "aloneSince", now);
	return now - alone >= DISCONNECTED_LIMIT ||
	       now - lf_json_int_or(data, "waitingSince", now) >= FINAL_LIMIT;
}

/* Final changes will not come: the latest processed point, and a remark; planned ones fail. */
static int fall_back(struct lf_job_run *run, const struct lf_resource *item, struct lf_error *err)
{
	LF_AUTO_JSON *point = NULL;

	if (is_planned(run))
		return lf_fail_arm(err, LF_ECONFLICT, "SourceNotReachable", item->id,
				   "bring the machine's agent back, or use an unplanned failover",
				   "the machine's agent does not answer, so its final changes "
				   "cannot be had");
	int rc = lf_sr_point_find(lf_job_run_context(run), item, "", &point, err);
	if (!rc)
		rc = lf_sr_failover_choose(run, item, point, err);
	if (!rc && lf_sr_job_inform(run, "FailedOverToLatestProcessed",
				    "the machine's agent did not answer: the failover used the "
				    "latest recovery point that was already there",
				    "check what the machine wrote after that time"))
		rc = lf_fail_nomem(err);
	return rc;
}

static int run_synchronize(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *token = lf_json_text_or(lf_job_run_data(run), "token", "");
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_JSON *replica = NULL;
	LF_AUTO_JSON *point = NULL;

	if (lf_json_at(lf_job_run_data(run), "point"))
		return wants_latest(run) ? 0
					 : skip(run, "SynchronizeLatestChanges",
						"A recovery point was chosen.", err);
	int rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_replica_get(context->replication, item.id, &replica, err);
	if (rc)
		return rc;
	const char *final = lf_json_text(replica, "finalPointId");
	if (final && strcmp(lf_json_text_or(replica, "finalToken", ""), token) == 0) {
		rc = lf_sr_point_find(context, &item, final, &point, err);
		return rc ? rc : lf_sr_failover_choose(run, &item, point, err);
	}
	if (waited_enough(run, replica))
		return fall_back(run, &item, err);
	lf_job_again_at(run, lf_clock_now_ns(context->clock) + RECHECK_NS);
	return LF_STEP_AGAIN;
}

static int run_start_machine(struct lf_job_run *run, struct lf_error *err)
{
	return lf_sr_failover_start(run, is_planned(run) ? LF_SR_PLANNED_OVER : LF_SR_FAILED_OVER,
				    err);
}

static const struct lf_job_step failover_steps[] = {
	{"FailoverPrerequisitesCheck", "Prerequisites check for failover", run_prerequisites, NULL},
	{"ShutDownVirtualMachine", "Shut down the virtual machine", run_shutdown, undo_shutdown},
	{"SynchronizeLatestChanges", "Synchronizing the latest changes", run_synchronize, NULL},
	{"StartFailover", "Start failover", lf_sr_failover_make, lf_sr_failover_unmake},
	{"StartReplicaVirtualMachine", "Start the replica virtual machine", run_start_machine,
	 NULL},
};
const struct lf_job_type lf_sr_failover_job = {.name = "siterecovery.failover",
					       .steps = failover_steps,
					       .n_steps = LF_N(failover_steps),
					       .cancellable = true,
					       .ended = lf_sr_job_ended};
