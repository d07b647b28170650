/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drill: the machine is started from a point on an isolated network while
 * replication goes on, and cleaned up later.
 */
#include <string.h>

#include "providers/compute/machine.h"
#include "providers/siterecovery/internal.h"

#define DETAILS "properties.providerSpecificDetails"

/* The network to test on: of the request, else the item's; "" with NoNetworkAttachAsInput. */
static const char *network_of(const json_t *body, const struct lf_resource *item)
{
	const char *given = lf_json_text_or(body, DETAILS ".networkId", "");

	if (lf_text_starts_nocase(lf_json_text_or(body, "properties.networkType", ""), "NoNetwork"))
		return "";
	if (!*given)
		given = lf_json_text_or(body, "properties.networkId", "");
	return *given ? given : lf_json_text_or(item->doc, "details.testNetworkId", "");
}

static int check_network(struct lf_context *context, const json_t *body,
			 const struct lf_resource *item, struct lf_error *err)
{
	const char *network = network_of(body, item);

	if (*network)
		return lf_sr_check_exists(context, network, "Microsoft.Network/virtualNetworks",
					  "NetworkNotFound", "properties.networkId", err);
	if (lf_text_starts_nocase(lf_json_text_or(body, "properties.networkType", ""), "NoNetwork"))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", "properties.networkId",
			   "name a virtual network, or set the item's testNetworkId",
			   "no network is given for the test");
}

int lf_sr_test_failover(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_sr_start start = {.action = LF_SR_TEST_FAILOVER,
						 .type = "siterecovery.testFailover",
						 .scenario = "TestFailover",
						 .friendly = "Test failover",
						 .with_job = true};
	struct lf_context *context = lf_arm_context(call);
	const json_t *body = lf_arm_body(call);
	const char *wanted = lf_json_text_or(body, DETAILS ".recoveryPointId", "");
	LF_AUTO_JSON *point = NULL;
	LF_AUTO_SR_SCOPE scope = {0};

	int rc = lf_sr_scope_open(call, LF_SR_ITEM, &scope, err);
	if (!rc && lf_json_at(body, DETAILS))
		rc = lf_sr_check_instance(lf_json_text(body, DETAILS ".instanceType"), NULL,
					  DETAILS ".instanceType", err);
	/* a job that is under way refuses another one before all else, when it is started */
	bool busy = lf_json_at(scope.item.state, "current");
	if (!rc && !busy)
		rc = lf_sr_check_allowed(scope.item.state, start.action, scope.item.id, err);
	if (!rc)
		rc = check_network(context, body, &scope.item, err);
	if (!rc && !busy)
		rc = lf_sr_point_find(context, &scope.item, wanted, &point, err);
	if (rc)
		return rc;
	const char *network = network_of(body, &scope.item);
	return lf_sr_item_start(call, &start,
				json_pack("{s:s,s:s,s:s}", "networkId", network, "networkName",
					  lf_arm_id_last(network), "recoveryPoint", wanted),
				err);
}

/* Find the point and hold it for the machine to come. */
static int run_prerequisites(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *job = lf_job_run_job(run)->id;
	json_t *data = lf_job_run_data(run);
	/* killed after the claim was made: the same point again, or its claim would stay behind */
	const char *wanted =
		lf_json_text_or(data, "pointName", lf_sr_job_text(run, "recoveryPoint"));
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_JSON *point = NULL;

	if (lf_json_at(data, "point"))
		return 0;
	int rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_sr_check_allowed(item.state, LF_SR_TEST_FAILOVER, item.id, err);
	if (!rc)
		rc = lf_sr_point_find(context, &item, wanted, &point, err);
	if (rc)
		return rc;
	const char *name = lf_json_text_or(point, "id", "");
	const char *region = lf_json_text_or(item.state, "region", "");
	LF_AUTO_FREE char *id = lf_sr_child_id(item.id, "recoveryPoints", name);
	if (!id || lf_json_set_text(data, "region", region) |
			   lf_json_set_text(data, "pointName", name) |
			   lf_json_set_text(data, "pointId", id) |
			   lf_json_set_text(data, "pointTime", lf_json_text(point, "time")))
		return lf_fail_nomem(err);
	/* stored before the claim is made, so that undo finds what to drop */
	rc = lf_job_save(run, err);
	if (!rc)
		rc = lf_sr_point_hold(context, region, name, job, err);
	if (!rc && lf_json_set(data, "point", json_incref(point)))
		rc = lf_fail_nomem(err);
	return rc;
}

static int undo_prerequisites(struct lf_job_run *run, struct lf_error *err)
{
	const json_t *data = lf_job_run_data(run);
	const char *name = lf_json_text(data, "pointName");

	if (!name)
		return 0;
	return lf_sr_point_release(lf_job_run_context(run), lf_json_text_or(data, "region", ""),
				   name, lf_job_run_job(run)->id, err);
}

static int run_create(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	json_t *data = lf_job_run_data(run);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	if (!lf_json_at(data, "machine")) {
		json_t *machine = NULL;
		int rc = lf_sr_step_item(run, &item, err);
		if (rc)
			return rc;
		const struct lf_sr_plan plan = {.item = &item,
						.point = lf_json_at(data, "point"),
						.network_id = lf_sr_job_text(run, "networkId"),
						.job = lf_job_run_job(run)->id,
						.test = true};
		rc = lf_sr_machine_plan(context, &plan, &machine, err);
		if (!rc && lf_json_set(data, "machine", machine))
			rc = lf_fail_nomem(err);
		if (!rc)
			rc = lf_job_save(run, err);
		if (rc)
			return rc;
	}
	return lf_machine_make(context, lf_json_at(data, "machine"), err);
}

static int undo_create(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *data = lf_job_run_data(run);
	const char *vm = lf_json_text(data, "machine.id");

	return vm ? lf_sr_machine_remove_own(context, vm, lf_job_run_job(run)->id, err) : 0;
}

static int run_prepare(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_JSON *state = NULL;

	return lf_machine_state(lf_job_run_context(run),
				lf_json_text(lf_job_run_data(run), "machine.id"), &state, err);
}

static int run_start(struct lf_job_run *run, struct lf_error *err)
{
	const struct lf_job *job = lf_job_run_job(run);
	const json_t *data = lf_job_run_data(run);
	const char *vm = lf_json_text(data, "machine.id");
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_machine_start(lf_job_run_context(run), vm, err);
	if (!rc)
		rc = lf_sr_step_begin(run, &item, err);
	if (rc)
		return rc;
	if (lf_sr_item_set_phase(&item, LF_SR_TESTED) |
	    lf_json_set_text(item.state, "testFailoverState", "WaitingForCompletion") |
	    lf_json_set(item.state, "test", json_object()) |
	    lf_json_set_text(item.state, "test.job", job->id) |
	    lf_json_set_text(item.state, "test.vm", vm) |
	    lf_json_set_text(item.state, "test.point", lf_json_text(data, "pointName")) |
	    lf_json_set_time(item.state, "test.startTime", job->started_ns))
		return lf_fail_nomem(err);
	return lf_sr_step_end(run, &item, err);
}

static const struct lf_job_step test_steps[] = {
	{"TestFailoverPrerequisitesCheck", "Prerequisites check for test failover",
	 run_prerequisites, undo_prerequisites},
	{"CreateTestVirtualMachine", "Create test virtual machine", run_create, undo_create},
	{"PrepareVirtualMachine", "Preparing the virtual machine", run_prepare, NULL},
	{"StartVirtualMachine", "Start the virtual machine", run_start, NULL},
};
const struct lf_job_type lf_sr_test_failover_job = {.name = "siterecovery.testFailover",
						    .steps = test_steps,
						    .n_steps = LF_N(test_steps),
						    .cancellable = true,
						    .ended = lf_sr_job_ended};

/* Clean-up. */

int lf_sr_test_cleanup(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_sr_start start = {.action = LF_SR_TEST_CLEANUP,
						 .type = "siterecovery.testFailoverCleanup",
						 .scenario = "TestFailoverCleanup",
						 .friendly = "Test failover cleanup",
						 .with_job = true};
	const char *comments = lf_json_text_or(lf_arm_body(call), "properties.comments", "");

	return lf_sr_item_start(call, &start, json_pack("{s:s}", "comments", comments), err);
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
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_begin(run, &item, err);
	if (rc)
		return rc;
	if (lf_sr_item_set_phase(&item, LF_SR_PROTECTED) |
	    lf_json_set_text(item.state, "testFailoverState", "MarkedForDeletion") |
	    lf_json_set_text(item.state, "test.comments", lf_sr_job_text(run, "comments")) |
	    lf_json_set_time(item.state, "lastTestFailoverTime", lf_clock_now_ns(context->clock)))
		return lf_fail_nomem(err);
	return lf_sr_step_end(run, &item, err);
}

static const struct lf_job_step cleanup_steps[] = {
	{"CleanupTestVirtualMachine", "Clean up test virtual machine", run_remove, NULL},
	{"CleanupTestEnvironment", "Clean up test environment", run_cleaned, NULL},
};
const struct lf_job_type lf_sr_test_cleanup_job = {.name = "siterecovery.testFailoverCleanup",
						   .steps = cleanup_steps,
						   .n_steps = LF_N(cleanup_steps),
						   .ended = lf_sr_job_ended};
