/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failover: take the final changes if the latest state is wanted, make the
 * machine from the point, start it.  The copy of its disks goes on behind it.
 */
#include "providers/siterecovery/failover/failover.h"

#include <string.h>

#include "json/field.h"

#define DETAILS		   "properties.providerSpecificDetails"
#define RECHECK_NS	   LF_NS_PER_S
#define DISCONNECTED_LIMIT (30 * LF_NS_PER_S)
#define FINAL_LIMIT	   (3600 * LF_NS_PER_S)

/* The job's input. */
struct input {
	const char *point; /* "": the latest */
	bool stop;	   /* the source, after its final changes */
	bool planned;	   /* never without the source's final changes */
};
static const struct lf_field input_rows[] = {
	LF_TEXT_AT(struct input, point, "recoveryPoint", 0),
	LF_BOOL_AT(struct input, stop, "stop", 0),
	LF_BOOL_AT(struct input, planned, "planned", 0),
};

static int read_input(struct lf_job_run *run, struct input *ret_input, struct lf_error *err)
{
	*ret_input = (struct input){.point = ""};
	return lf_fields_read(input_rows, LF_N(input_rows), lf_job_run_job(run)->doc, "", ret_input,
			      err);
}

static int put_input(struct lf_arm_call *call, const struct lf_resource *item,
		     const struct input *input, struct lf_doc *doc, struct lf_error *err)
{
	const char *network = lf_json_text_or(item->doc, "details.targetNetworkId", "");
	enum lf_sr_action action =
		input->planned ? LF_SR_PLANNED_FAILOVER : LF_SR_UNPLANNED_FAILOVER;

	lf_fields_write(input_rows, LF_N(input_rows), input, doc);
	int rc = lf_sr_check_point_request(call, item, action, input->point, err);
	if (rc)
		return rc;
	if (!*network)
		return lf_fail_arm(err, LF_EINVAL, "TargetNetworkNotSet", item->id,
				   "set targetNetworkId by a PATCH of the item",
				   "the item has no target network");
	return lf_sr_check_exists(lf_arm_context(call), network,
				  "Microsoft.Network/virtualNetworks", "NetworkNotFound",
				  "targetNetworkId", err);
}

static int put_unplanned(struct lf_arm_call *call, const struct lf_resource *item,
			 struct lf_doc *doc, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	const char *source = lf_json_text_or(body, "properties.sourceSiteOperations", "");
	const struct input input = {
		.point = lf_json_text_or(body, DETAILS ".recoveryPointId", ""),
		.stop = lf_json_bool_or(body, DETAILS ".performShutdown", false) ||
			lf_text_equal_nocase(source, "Required")};

	return put_input(call, item, &input, doc, err);
}

/* Always the latest state, the source stopped, and never without its agent. */
static int put_planned(struct lf_arm_call *call, const struct lf_resource *item, struct lf_doc *doc,
		       struct lf_error *err)
{
	static const struct input input = {.point = "", .stop = true, .planned = true};

	return put_input(call, item, &input, doc, err);
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
	if (!rc && *input.point)
		rc = lf_sr_making_choose(run, &item, point, err);
	if (rc)
		return rc;
	/* a restarted job asks for final changes anew */
	snprintf(start, sizeof(start), "%lld", (long long)lf_job_run_job(run)->started_ns);
	lf_guid_derive(lf_job_run_job(run)->id, start, token);
	return lf_json_set_text(lf_job_run_data(run), "token", token) ? lf_fail_nomem(err) : 0;
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
	struct lf_sr_making making;
	struct input input;

	int rc = read_input(run, &input, err);
	if (!rc)
		rc = lf_sr_making(run, &making, err);
	if (!rc)
		rc = skip(run, "ShutDownVirtualMachine",
			  input.stop ? "The machine is not switched off from here; its replication "
				       "stops after the final changes."
				     : "Shutting down the machine was not asked for.",
			  err);
	return rc || *input.point
		       ? rc
		       : lf_replica_request_final(context->replication, lf_sr_job_item(run),
						  making.token, input.stop, err);
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
	if (rc || *input.point)
		return rc;
	lf_guid_derive("undo", making.token, token);
	rc = lf_replica_request_final(context->replication, item, token, false, err);
	if (!rc)
		rc = lf_replica_resume(context->replication, item, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
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
	lf_job_again_at(run, lf_clock_now_ns(context->clock) + RECHECK_NS);
	return LF_STEP_AGAIN;
}

static int run_synchronize(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	struct lf_sr_making making;
	struct input input;

	int rc = read_input(run, &input, err);
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
	int rc = read_input(run, &input, err);

	return rc ? rc
		  : lf_sr_failover_start(
			    run, input.planned ? LF_SR_PLANNED_OVER : LF_SR_FAILED_OVER, err);
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

const struct lf_sr_start lf_sr_unplanned_failover = {.action = LF_SR_UNPLANNED_FAILOVER,
						     .job = &lf_sr_failover_job,
						     .scenario = "UnplannedFailover",
						     .friendly = "Failover",
						     .with_job = true,
						     .input = put_unplanned};
const struct lf_sr_start lf_sr_planned_failover = {.action = LF_SR_PLANNED_FAILOVER,
						   .job = &lf_sr_failover_job,
						   .scenario = "PlannedFailover",
						   .friendly = "Planned failover",
						   .with_job = true,
						   .input = put_planned};
