/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drill: the machine is started from a point on an isolated network while
 * replication goes on, and cleaned up later.
 */
#include "json/field.h"
#include "providers/siterecovery/failover/failover.h"

#define DETAILS "properties.providerSpecificDetails"

/* What is asked for. */
struct asked {
	const json_t *properties;
	const char *network, *details_network, *point, *upgrade;
	int direction;
	enum { NO_NETWORK, VM_NETWORK } network_type;
};
static const char *const network_types[] = {
	[NO_NETWORK] = "NoNetworkAttachAsInput", [VM_NETWORK] = "VmNetworkAsInput", NULL};
static const struct lf_field asked_rows[] = {
	LF_JSON_AT(struct asked, properties, "properties", LF_REQUIRED, LF_OBJECT),
	LF_ENUM_AT(struct asked, direction, "properties.failoverDirection", 0, lf_sr_directions),
	LF_ENUM_AT(struct asked, network_type, "properties.networkType", 0, network_types),
	LF_TEXT_AT(struct asked, network, "properties.networkId", 0),
	LF_TEXT_AT(struct asked, details_network, DETAILS ".networkId", 0),
	LF_TEXT_AT(struct asked, point, DETAILS ".recoveryPointId", 0),
	LF_TEXT_AT(struct asked, upgrade, DETAILS ".osUpgradeVersion", 0),
};

/* The network to test on: of the request, else the item's; "" without one. */
static const char *network_of(const struct asked *asked, const struct lf_resource *item)
{
	if (asked->network_type == NO_NETWORK)
		return "";
	if (*asked->details_network)
		return asked->details_network;
	return *asked->network ? asked->network
			       : lf_json_text_or(item->doc, "details.testNetworkId", "");
}

/* It may be named in two places, which say the same; and not at all where none is to be attached.
 */
static int check_named(const struct asked *asked, struct lf_error *err)
{
	bool both = *asked->network && *asked->details_network;

	if (both && !lf_arm_id_equal(asked->network, asked->details_network))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "properties.networkId",
				   "name one network, or the same one twice",
				   "networkId and that of the details are two networks");
	if (asked->network_type == NO_NETWORK && (*asked->network || *asked->details_network))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "properties.networkType",
				   "give VmNetworkAsInput, or no network",
				   "a network is named, and none is to be attached");
	return 0;
}

static int check_network(struct lf_catalog *catalog, const struct asked *asked, const char *network,
			 struct lf_error *err)
{
	int rc = check_named(asked, err);

	if (rc || asked->network_type == NO_NETWORK)
		return rc;
	if (*network)
		return lf_sr_check_exists(catalog, network, "Microsoft.Network/virtualNetworks",
					  "NetworkNotFound", "properties.networkId", err);
	return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", "properties.networkId",
			   "name a virtual network, or set the item's testNetworkId",
			   "no network is given for the test");
}

/* The job's input. */
struct input {
	const char *network_id; /* "": no network */
	const char *network;	/* its name, for answers */
	const char *point;	/* "": the latest */
};
static const struct lf_field input_rows[] = {
	LF_TEXT_AT(struct input, network_id, "networkId", 0),
	LF_TEXT_AT(struct input, network, "networkName", 0),
	LF_TEXT_AT(struct input, point, "recoveryPoint", 0),
};

static int read_input(struct lf_job_run *run, struct input *ret_input, struct lf_error *err)
{
	*ret_input = (struct input){.network_id = "", .point = ""};
	return lf_fields_read(input_rows, LF_N(input_rows), lf_job_run_job(run)->doc, "", ret_input,
			      err);
}

static int put_input(struct lf_arm_call *call, const struct lf_resource *item, struct lf_doc *doc,
		     struct lf_error *err)
{
	struct asked asked = {.network = "",
			      .details_network = "",
			      .point = "",
			      .upgrade = "",
			      .network_type = VM_NETWORK};
	int rc = lf_fields_read(asked_rows, LF_N(asked_rows), lf_arm_body(call), "", &asked, err);
	const char *network = network_of(&asked, item);
	const struct input input = {
		.network_id = network, .network = lf_arm_id_last(network), .point = asked.point};

	lf_fields_write(input_rows, LF_N(input_rows), &input, doc);
	if (!rc)
		rc = lf_sr_check_upgrade(asked.upgrade, err);
	if (!rc)
		rc = lf_sr_check_point_request(call, item, LF_SR_TEST_FAILOVER, input.point, err);
	return rc ? rc : check_network(lf_arm_context(call)->catalog, &asked, network, err);
}

/* Drills are allowed then, too: the points are there.  But their machine is not of today. */
static int remark_health(struct lf_job_run *run, const json_t *point, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_JSON *replica = NULL;
	char message[512];

	int rc = lf_replica_get(context->replication, lf_sr_job_item(run), &replica, err);
	const json_t *health = lf_json_at(replica, "health");
	if (rc || !json_array_size(health))
		return rc;
	snprintf(message, sizeof(message), "replication is not healthy (%s); the test is of %s",
		 lf_json_text_or(health, "0.message", ""), lf_json_text_or(point, "time", ""));
	return lf_sr_job_inform(run, "ReplicationNotHealthy", message,
				"see the item's healthErrors")
		       ? lf_fail_nomem(err)
		       : 0;
}

/* Find the point and hold it for the machine to come. */
static int run_prerequisites(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_JSON *point = NULL;
	struct lf_sr_making making;
	struct input input;

	int rc = read_input(run, &input, err);
	if (!rc)
		rc = lf_sr_making(run, &making, err);
	if (rc || making.chosen)
		return rc ? rc : lf_sr_making_hold(run, err);
	rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_sr_check_allowed(item.state, LF_SR_TEST_FAILOVER, item.id, err);
	if (!rc)
		rc = lf_sr_point_find(lf_job_run_context(run), &item, input.point, &point, err);
	if (!rc)
		rc = lf_sr_making_choose(run, &item, point, err);
	if (!rc)
		rc = remark_health(run, point, err);
	if (!rc) /* stored before the claim is made, so that undo finds what to drop */
		rc = lf_job_save(run, err);
	return rc ? rc : lf_sr_making_hold(run, err);
}

static int run_create(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	struct input input;

	int rc = lf_sr_plan_gate(run, LF_SR_GATE_FAILOVER, err);
	if (!rc)
		rc = read_input(run, &input, err);
	if (!rc)
		rc = lf_sr_step_item(run, &item, err);
	return rc ? rc : lf_sr_making_make(run, &item, input.network_id, true, err);
}

static int run_prepare(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_VM_STATE state = {0};
	struct lf_sr_making making;
	int rc = lf_sr_making(run, &making, err);

	return rc ? rc : lf_machine_state(lf_job_run_context(run), making.vm, &state, err);
}

static int set_tested(struct lf_resource *item, const struct lf_job *job,
		      const struct lf_sr_making *making, struct lf_error *err)
{
	LF_AUTO_DOC state = lf_doc_from(json_incref(item->state));

	lf_doc_text(&state, "phase", lf_sr_phase_row(LF_SR_TESTED)->name);
	lf_doc_text(&state, "testFailoverState", "WaitingForCompletion");
	lf_doc_put(&state, "test", json_object());
	lf_doc_text(&state, "test.job", job->id);
	lf_doc_text(&state, "test.vm", making->vm);
	lf_doc_text(&state, "test.point", making->point);
	lf_doc_time(&state, "test.startTime", job->started_ns);
	return lf_doc_check(&state, err);
}

static int run_start(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	struct lf_sr_making making;

	int rc = lf_sr_plan_gate(run, LF_SR_GATE_START, err);
	if (!rc)
		rc = lf_sr_making(run, &making, err);
	if (!rc)
		rc = lf_machine_start(lf_job_run_context(run), making.vm, err);
	if (!rc)
		rc = lf_sr_step_begin(run, &tx, &item, err);
	if (!rc)
		rc = set_tested(&item, lf_job_run_job(run), &making, err);
	return rc ? rc : lf_sr_step_end(run, &tx, &item, err);
}

static const struct lf_job_step test_steps[] = {
	{"TestFailoverPrerequisitesCheck", "Prerequisites check for test failover",
	 run_prerequisites, lf_sr_making_release},
	{"CreateTestVirtualMachine", "Create test virtual machine", run_create,
	 lf_sr_making_unmake},
	{"PrepareVirtualMachine", "Preparing the virtual machine", run_prepare, NULL},
	{"StartVirtualMachine", "Start the virtual machine", run_start, NULL},
};
const struct lf_job_type lf_sr_test_failover_job = {.name = "siterecovery.testFailover",
						    .steps = test_steps,
						    .n_steps = LF_N(test_steps),
						    .cancellable = true,
						    .ended = lf_sr_job_ended};

const struct lf_sr_start lf_sr_test_failover = {.action = LF_SR_TEST_FAILOVER,
						.job = &lf_sr_test_failover_job,
						.scenario = "TestFailover",
						.friendly = "Test failover",
						.with_job = true,
						.input = put_input};

/* Clean-up. */

static int put_comments(struct lf_arm_call *call, const struct lf_resource *item,
			struct lf_doc *doc, struct lf_error *err)
{
	(void)item, (void)err;
	lf_doc_text(doc, "comments", lf_json_text_or(lf_arm_body(call), "properties.comments", ""));
	return 0;
}

static int run_remove(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_sr_check_allowed(item.state, LF_SR_TEST_CLEANUP, item.id, err);
	if (!rc)
		rc = lf_sr_machine_remove_own(context, lf_json_text_or(item.state, "test.vm", ""),
					      lf_json_text_or(item.state, "test.job", ""), err);
	if (!rc)
		rc = lf_sr_point_release(context, lf_json_text_or(item.state, "region", ""),
					 lf_json_text_or(item.state, "test.point", ""),
					 lf_json_text_or(item.state, "test.job", ""), err);
	return rc;
}

/* A drill has succeeded only now that it has also been cleaned up. */
static int run_cleaned(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_begin(run, &tx, &item, err);
	if (rc)
		return rc;
	if (lf_sr_item_set_phase(&item, LF_SR_PROTECTED) |
	    lf_json_set_text(item.state, "testFailoverState", "MarkedForDeletion") |
	    lf_json_set_text(item.state, "test.comments",
			     lf_json_text(lf_job_run_job(run)->doc, "comments")) |
	    lf_json_set_time(item.state, "lastTestFailoverTime", lf_clock_now_ns(context->clock)))
		return lf_fail_nomem(err);
	return lf_sr_step_end(run, &tx, &item, err);
}

static const struct lf_job_step cleanup_steps[] = {
	{"CleanupTestVirtualMachine", "Clean up test virtual machine", run_remove, NULL},
	{"CleanupTestEnvironment", "Clean up test environment", run_cleaned, NULL},
};
const struct lf_job_type lf_sr_test_cleanup_job = {.name = "siterecovery.testFailoverCleanup",
						   .steps = cleanup_steps,
						   .n_steps = LF_N(cleanup_steps),
						   .ended = lf_sr_job_ended};
const struct lf_sr_start lf_sr_test_cleanup = {.action = LF_SR_TEST_CLEANUP,
					       .job = &lf_sr_test_cleanup_job,
					       .scenario = "TestFailoverCleanup",
					       .friendly = "Test failover cleanup",
					       .with_job = true,
					       .input = put_comments};
