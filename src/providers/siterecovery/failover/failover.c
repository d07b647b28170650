/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failover: take the final changes if the latest state is wanted, make the
 * machine from the point, start it.  The copy of its disks goes on behind it.
 */
#include "providers/siterecovery/failover/failover.h"

#include <string.h>

#include "json/field.h"

#define DETAILS		   "properties.providerSpecificDetails"
#define DISCONNECTED_LIMIT (30 * LF_NS_PER_S)
#define FINAL_LIMIT	   (3600 * LF_NS_PER_S)
#define SHUT_DOWN_LIMIT	   (600 * LF_NS_PER_S) /* from the order that was taken to silence */
#define SILENT_NS	   (15 * LF_NS_PER_S)  /* an agent polls every second */

/* The job's input. */
struct input {
	const char *point; /* "": the latest */
	bool stop;	   /* the source, after its final changes */
	bool shut_down;	   /* and its machine */
	bool planned;	   /* never without the source's final changes */
};
static const struct lf_field input_rows[] = {
	LF_TEXT_AT(struct input, point, "recoveryPoint", 0),
	LF_BOOL_AT(struct input, stop, "stop", 0),
	LF_BOOL_AT(struct input, shut_down, "shutDown", 0),
	LF_BOOL_AT(struct input, planned, "planned", 0),
};

static int read_input(struct lf_job_run *run, struct input *ret_input, struct lf_error *err)
{
	*ret_input = (struct input){.point = ""};
	return lf_fields_read(input_rows, LF_N(input_rows), lf_job_run_job(run)->doc, "", ret_input,
			      err);
}

int lf_sr_check_target_network(struct lf_catalog *catalog, const struct lf_resource *item,
			       struct lf_error *err)
{
	const char *network = lf_json_text_or(item->doc, "details.targetNetworkId", "");

	if (!*network)
		return lf_fail_arm(err, LF_EINVAL, "TargetNetworkNotSet", item->id,
				   "set targetNetworkId by a PATCH of the item",
				   "the item has no target network");
	return lf_sr_check_exists(catalog, network, "Microsoft.Network/virtualNetworks",
				  "NetworkNotFound", "targetNetworkId", err);
}

static int put_input(struct lf_arm_call *call, const struct lf_resource *item,
		     const struct input *input, struct lf_doc *doc, struct lf_error *err)
{
	enum lf_sr_action action =
		input->planned ? LF_SR_PLANNED_FAILOVER : LF_SR_UNPLANNED_FAILOVER;

	lf_fields_write(input_rows, LF_N(input_rows), input, doc);
	int rc = lf_sr_check_point_request(call, item, action, input->point, err);
	return rc ? rc : lf_sr_check_target_network(lf_arm_context(call)->catalog, item, err);
}

/* What is asked for. */
struct asked {
	const char *point, *upgrade, *reservation;
	int direction;
	enum { NOT_REQUIRED, REQUIRED } source;
	bool shut_down;
};
static const char *const operations[] = {
	[NOT_REQUIRED] = "NotRequired", [REQUIRED] = "Required", NULL};
static const struct lf_field unplanned_rows[] = {
	LF_ENUM_AT(struct asked, direction, "properties.failoverDirection", 0, lf_sr_directions),
	LF_ENUM_AT(struct asked, source, "properties.sourceSiteOperations", 0, operations),
	LF_TEXT_AT(struct asked, point, DETAILS ".recoveryPointId", 0),
	LF_BOOL_AT(struct asked, shut_down, DETAILS ".performShutdown", LF_REQUIRED),
	LF_TEXT_AT(struct asked, upgrade, DETAILS ".osUpgradeVersion", 0),
	LF_TEXT_AT(struct asked, reservation, DETAILS ".targetCapacityReservationGroupId", 0),
};
static const struct lf_field planned_rows[] = {
	LF_ENUM_AT(struct asked, direction, "properties.failoverDirection", 0, lf_sr_directions),
	LF_BOOL_AT(struct asked, shut_down, DETAILS ".performShutdown", 0),
};

static int put_unplanned(struct lf_arm_call *call, const struct lf_resource *item,
			 struct lf_doc *doc, struct lf_error *err)
{
	struct asked asked = {.point = "", .upgrade = "", .reservation = ""};
	int rc = lf_sr_check_details(lf_arm_body(call), err);

	if (!rc)
		rc = lf_fields_read(unplanned_rows, LF_N(unplanned_rows), lf_arm_body(call), "",
				    &asked, err);
	if (!rc)
		rc = lf_sr_check_upgrade(asked.upgrade, err);
	if (!rc && *asked.reservation)
		rc = lf_fail_arm(err, LF_EINVAL, "CapacityReservationGroupNotFound",
				 DETAILS ".targetCapacityReservationGroupId",
				 "leave it out: the machine takes what its host has",
				 "there is no capacity reservation group %s", asked.reservation);
	const struct input input = {.point = asked.point,
				    .stop = asked.shut_down || asked.source == REQUIRED,
				    .shut_down = asked.shut_down};
	return rc ? rc : put_input(call, item, &input, doc, err);
}

/* Always the latest state, the source stopped, and never without its agent. */
static int put_planned(struct lf_arm_call *call, const struct lf_resource *item, struct lf_doc *doc,
		       struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	struct asked asked = {0};
	int rc = body ? lf_fields_read(planned_rows, LF_N(planned_rows), body, "", &asked, err) : 0;
	const struct input input = {
		.point = "", .stop = true, .shut_down = asked.shut_down, .planned = true};

	return rc ? rc : put_input(call, item, &input, doc, err);
}

/* Its retention may end while the source is shut down, or a plan waits for a person.  Stored before
 * the claim is made, so that undo finds what to drop. */
static int choose_and_hold(struct lf_job_run *run, const struct lf_resource *item,
			   const json_t *point, struct lf_error *err)
{
	int rc = lf_sr_making_choose(run, item, point, err);

	if (!rc)
		rc = lf_job_save(run, err);
	return rc ? rc : lf_sr_making_hold(run, err);
}

static int run_prerequisites(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_JSON *point = NULL;
	char token[LF_GUID_SIZE], start[32];
	struct input input;

	int rc = read_input(run, &input, err);
	if (!rc)
		rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_sr_check_allowed(item.state,
					 input.planned ? LF_SR_PLANNED_FAILOVER
						       : LF_SR_UNPLANNED_FAILOVER,
					 item.id, err);
	if (!rc)
		rc = lf_sr_point_find(lf_job_run_context(run), &item, input.point, &point, err);
	/* a restarted job asks for final changes anew */
	snprintf(start, sizeof(start), "%lld", (long long)lf_job_run_job(run)->started_ns);
	lf_guid_derive(lf_job_run_job(run)->id, start, token);
	if (!rc && lf_json_set_text(lf_job_run_data(run), "token", token))
		rc = lf_fail_nomem(err);
	return !rc && *input.point ? choose_and_hold(run, &item, point, err) : rc;
}

static int skip(struct lf_job_run *run, const char *step, const char *why, struct lf_error *err)
{
	char path[96];

	snprintf(path, sizeof(path), "skipped.%s", step);
	return lf_json_set_text(lf_job_run_data(run), path, why) ? lf_fail_nomem(err) : 0;
}

/* Since it was asked for the first time? */
static bool waited_long(struct lf_job_run *run, const char *since, int64_t limit_ns)
{
	struct lf_context *context = lf_job_run_context(run);
	json_t *data = lf_job_run_data(run);
	int64_t now = lf_clock_now_ns(context->clock);
	int64_t begun = lf_json_int_or(data, since, now);

	return now - begun >= limit_ns || lf_json_set_int(data, since, begun);
}

/* Wait no longer?  In data: since when, and since when without the agent. */
static int waited_enough(struct lf_job_run *run, const json_t *replica, bool *ret_enough,
			 struct lf_error *err)
{
	LF_AUTO_DOC data = lf_doc_from(json_incref(lf_job_run_data(run)));
	struct lf_context *context = lf_job_run_context(run);
	int64_t now = lf_clock_now_ns(context->clock);
	int64_t since = lf_json_int_or(data.root, "waitingSince", now);
	int64_t alone = lf_json_int_or(data.root, "aloneSince", now);

	lf_doc_int(&data, "waitingSince", since);
	if (lf_json_bool_or(replica, "agentConnected", false)) {
		json_object_del(data.root, "aloneSince");
		alone = now;
	} else {
		lf_doc_int(&data, "aloneSince", alone);
	}
	*ret_enough = now - alone >= DISCONNECTED_LIMIT || now - since >= FINAL_LIMIT;
	return lf_doc_check(&data, err);
}

/* Not what was asked for: the task says why it was not done, and the job that there is to look at.
 */
static int run_on(struct lf_job_run *run, const struct input *input, const char *why,
		  const char *advice, struct lf_error *err)
{
	if (input->planned)
		return lf_fail_arm(err, LF_ECONFLICT, "SourceNotShutDown", lf_sr_job_item(run),
				   advice, "the machine was not shut down: %s", why);
	int rc = skip(run, "ShutDownVirtualMachine", why, err);
	return !rc && lf_sr_job_inform(run, "SourceNotShutDown", why, advice) ? lf_fail_nomem(err)
									      : rc;
}

/*
 * The agent takes its last point, then the order, then it shuts the machine down: it is taken for
 * off when its agent has been silent for a while after that.
 */
static int wait_for_shutdown(struct lf_job_run *run, const struct input *input, const char *token,
			     struct lf_error *err)
{
	static const char advice[] = "shut it down by hand before two of it are used";
	struct lf_context *context = lf_job_run_context(run);
	int64_t now = lf_clock_now_ns(context->clock), heard = 0;
	LF_AUTO_JSON *replica = NULL;
	bool enough = false;

	int rc = lf_replica_get(context->replication, lf_sr_job_item(run), &replica, err);
	if (!rc && lf_json_text(replica, "lastHeartbeat"))
		rc = lf_time_parse(lf_json_text(replica, "lastHeartbeat"), &heard, err);
	if (rc)
		return rc;
	const char *error = lf_json_text(replica, "shutDown.error");
	if (strcmp(lf_json_text_or(replica, "shutDown.token", ""), token) == 0) {
		if (error)
			return run_on(run, input, error,
				      lf_json_text_or(replica, "shutDown.advice", advice), err);
		if (now - heard >= SILENT_NS)
			return 0;
		return waited_long(run, "shutDownSince", SHUT_DOWN_LIMIT)
			       ? run_on(run, input, "its agent goes on after it took the order",
					advice, err)
			       : LF_STEP_AGAIN;
	}
	rc = waited_enough(run, replica, &enough, err);
	if (rc || !enough)
		return rc ? rc : LF_STEP_AGAIN;
	return run_on(run, input, "its agent does not answer", advice, err);
}

static int run_shutdown(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *item = lf_sr_job_item(run);
	LF_AUTO_JSON *replica = NULL;
	struct lf_sr_making making;
	struct input input;

	int rc = lf_sr_plan_gate(run, LF_SR_GATE_SHUTDOWN, err);
	if (!rc)
		rc = read_input(run, &input, err);
	if (!rc)
		rc = lf_sr_making(run, &making, err);
	if (!rc && input.shut_down)
		rc = lf_replica_get(context->replication, item, &replica, err);
	if (rc)
		return rc;
	bool can = lf_json_bool_or(replica, "canShutDown", false);
	if (can || !*input.point)
		rc = lf_replica_request_final(context->replication, item, making.token,
					      can	   ? LF_REPLICA_SHUTS_DOWN
					      : input.stop ? LF_REPLICA_STOPS
							   : LF_REPLICA_GOES_ON,
					      err);
	if (rc)
		return rc;
	if (can)
		return wait_for_shutdown(run, &input, making.token, err);
	return input.shut_down
		       ? run_on(run, &input, "its agent cannot shut it down",
				"upgrade the agent, name a shutdownCommand in its configuration, "
				"or shut the machine down by hand",
				err)
		       : skip(run, "ShutDownVirtualMachine",
			      "Shutting down the machine was not asked for.", err);
}

/* The request for final changes is replaced by one that stops nothing, and replication goes on. */
static int undo_shutdown(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *item = lf_sr_job_item(run);
	struct lf_sr_making making;
	struct input input;
	char token[LF_GUID_SIZE];

	int rc = read_input(run, &input, err);
	if (!rc)
		rc = lf_sr_making(run, &making, err);
	if (rc || (*input.point && !input.shut_down))
		return rc;
	lf_guid_derive("undo", making.token, token);
	rc = lf_replica_request_final(context->replication, item, token, LF_REPLICA_GOES_ON, err);
	if (!rc)
		rc = lf_replica_resume(context->replication, item, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

/* Final changes will not come: the latest processed point, and a remark; planned ones fail. */
static int fall_back(struct lf_job_run *run, const struct lf_resource *item, bool planned,
		     struct lf_error *err)
{
	LF_AUTO_JSON *point = NULL;

	if (planned)
		return lf_fail_arm(err, LF_ECONFLICT, "SourceNotReachable", item->id,
				   "bring the machine's agent back, or use an unplanned failover",
				   "the machine's agent does not answer, so its final changes "
				   "cannot be had");
	int rc = lf_sr_point_find(lf_job_run_context(run), item, "", &point, err);
	if (!rc)
		rc = lf_sr_making_choose(run, item, point, err);
	if (!rc && lf_sr_job_inform(run, "FailedOverToLatestProcessed",
				    "the machine's agent did not answer: the failover used the "
				    "latest recovery point that was already there",
				    "check what the machine wrote after that time"))
		rc = lf_fail_nomem(err);
	return rc;
}

/* Is the final session's point there, or has it been waited for long enough? */
static int wait_for_final(struct lf_job_run *run, const struct lf_resource *item,
			  const struct input *input, const char *token, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_JSON *replica = NULL;
	LF_AUTO_JSON *point = NULL;
	bool enough;

	int rc = lf_replica_get(context->replication, item->id, &replica, err);
	if (rc)
		return rc;
	const char *final = lf_json_text(replica, "finalPointId");
	if (final && strcmp(lf_json_text_or(replica, "finalToken", ""), token) == 0) {
		rc = lf_sr_point_find(context, item, final, &point, err);
		return rc ? rc : lf_sr_making_choose(run, item, point, err);
	}
	rc = waited_enough(run, replica, &enough, err);
	if (rc || enough)
		return rc ? rc : fall_back(run, item, input->planned, err);
	return LF_STEP_AGAIN;
}

static int run_synchronize(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	struct lf_sr_making making;
	struct input input;

	int rc = lf_sr_plan_gate(run, LF_SR_GATE_FAILOVER, err);
	if (!rc)
		rc = read_input(run, &input, err);
	if (!rc)
		rc = lf_sr_making(run, &making, err);
	if (rc)
		return rc;
	if (making.chosen)
		return *input.point ? skip(run, "SynchronizeLatestChanges",
					   "A recovery point was chosen.", err)
				    : 0;
	rc = lf_sr_step_item(run, &item, err);
	return rc ? rc : wait_for_final(run, &item, &input, making.token, err);
}

static int run_start_machine(struct lf_job_run *run, struct lf_error *err)
{
	struct input input;
	int rc = lf_sr_plan_gate(run, LF_SR_GATE_START, err);

	if (!rc)
		rc = read_input(run, &input, err);
	return rc ? rc
		  : lf_sr_failover_start(
			    run, input.planned ? LF_SR_PLANNED_OVER : LF_SR_FAILED_OVER, err);
}

static const struct lf_job_step failover_steps[] = {
	{"FailoverPrerequisitesCheck", "Prerequisites check for failover", run_prerequisites,
	 lf_sr_making_release},
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

const struct lf_sr_start lf_sr_unplanned_failover = {.action = LF_SR_UNPLANNED_FAILOVER,
						     .job = &lf_sr_failover_job,
						     .scenario = "UnplannedFailover",
						     .friendly = "Unplanned failover",
						     .with_job = true,
						     .input = put_unplanned};
const struct lf_sr_start lf_sr_planned_failover = {.action = LF_SR_PLANNED_FAILOVER,
						   .job = &lf_sr_failover_job,
						   .scenario = "PlannedFailover",
						   .friendly = "Planned failover",
						   .with_job = true,
						   .input = put_planned};
