/* SPDX-License-Identifier: Apache-2.0 */
#include "siterecovery_fixture.h"
#include "providers/network/network.h"
#include "test.h"

#define DETAILS	  "properties.providerSpecificDetails"
#define OTHER_NIC TRG "/providers/Microsoft.Network/networkInterfaces/other"

static size_t count_vms(struct world *w)
{
	const struct lf_list_query query = {.type = "Microsoft.Compute/virtualMachines",
					    .below = TRG};
	LF_AUTO_RESOURCE_LIST list = {0};
	struct lf_error err;

	assert_lf_ok(lf_catalog_list(w->context.catalog, &query, &list, &err));
	return list.n;
}

static void test_drill__makes_one_isolated_machine_and_the_clean_up_leaves_none(void **state)
{
	struct world *w = *state;

	protect(w);
	assert_refused(w, "POST", ITEM "/testFailoverCleanup", NULL, 409,
		       "OperationNotAllowedInCurrentState");
	act(w, "testFailover", test_body(""));
	LF_AUTO_JSON *tested = get(w, ITEM);
	assert_string_equal(lf_json_text(tested, "properties.testFailoverState"),
			    "WaitingForCompletion");
	assert_true(allows(tested, "TestFailoverCleanup") && !allows(tested, "TestFailover"));
	assert_string_equal(lf_json_text(tested, "properties.currentScenario.scenarioName"),
			    "TestFailover");
	assert_int_equal(count_vms(w), 1);
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	struct lf_error err;
	assert_lf_ok(lf_catalog_get(w->context.catalog, VMS "/web01-new-test", &vm, &err));
	assert_true(lf_json_bool_or(vm.state, "machine.isolated", false));
	assert_refused(w, "DELETE", ITEM, NULL, 409, "OperationNotAllowedInCurrentState");
	act(w, "testFailoverCleanup",
	    json_pack("{s:{s:s}}", "properties", "comments", "all is well"));
	assert_int_equal(count_vms(w), 0);
	LF_AUTO_JSON *cleaned = get(w, ITEM);
	assert_string_equal(state_of(cleaned), "Protected");
	assert_string_equal(lf_json_text(cleaned, "properties.testFailoverState"),
			    "MarkedForDeletion");
	assert_non_null(lf_json_text(cleaned, "properties.lastSuccessfulTestFailoverTime"));
}

static void test_drill__an_unknown_point_or_network_starts_no_job(void **state)
{
	struct world *w = *state;

	protect(w);
	assert_refused(w, "POST", ITEM "/testFailover",
		       test_body(ITEM "/recoveryPoints/00000000-0000-0000-0000-000000000000"), 404,
		       "RecoveryPointNotFound");
	assert_refused(w, "POST", ITEM "/testFailover",
		       test_body(ITEM "9/recoveryPoints/00000000-0000-0000-0000-000000000000"), 404,
		       "RecoveryPointNotFound");
	json_t *body = test_body("");
	lf_json_set_text(body, "properties.networkId", NET "x");
	assert_refused(w, "POST", ITEM "/testFailover", body, 400, "NetworkNotFound");
	assert_int_equal(count_vms(w), 0);
}

static void test_drill__a_busy_item_names_the_job_it_waits_for(void **state)
{
	struct world *w = *state;

	protect(w);
	AUTO_REPLY first = request(w, "POST", ITEM "/testFailover", test_body(""));
	assert_int_equal(first.status, 202);
	assert_string_equal(lf_json_text(first.body, "properties.scenarioName"), "TestFailover");
	AUTO_REPLY second = request(w, "POST", ITEM "/testFailover", test_body(""));
	assert_int_equal(second.status, 409);
	assert_string_equal(second.error.arm_code, "AnotherOperationInProgress");
	assert_non_null(strstr(second.error.message, first.job));
	drive(w);
	assert_int_equal(count_vms(w), 1);
}

static void test_drill__cancelled_takes_its_machine_back(void **state)
{
	struct world *w = *state;

	protect(w);
	AUTO_REPLY reply = request(w, "POST", ITEM "/testFailover", test_body(""));
	LF_AUTO_FREE char *cancel = lf_printf_dup(VAULT "/replicationJobs/%s/cancel", reply.job);
	AUTO_REPLY cancelled = request(w, "POST", cancel, NULL);
	assert_int_equal(cancelled.status, 200);
	drive(w);
	assert_int_equal(count_vms(w), 0);
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_true(allows(item, "TestFailover"));
}

static void test_failover__to_the_latest_takes_final_changes_and_the_machine_outlives_the_item(
	void **state)
{
	struct world *w = *state;

	protect(w);
	played.can_shut_down = true;
	act(w, "unplannedFailover", failover_body("", "true"));
	assert_true(played.shut_down_at);
	assert_int_equal(played.final_after, LF_REPLICA_SHUTS_DOWN);
	assert_non_null(played.final_point[0] ? played.final_point : NULL);
	LF_AUTO_JSON *over = get(w, ITEM);
	assert_string_equal(state_of(over), "UnplannedFailoverCommitPendingStatesBegin");
	assert_string_equal(lf_json_text(over, "properties.activeLocation"), "Recovery");
	assert_non_null(strstr(lf_json_text_or(over, "properties.failoverRecoveryPointId", ""),
			       played.final_point));
	assert_int_equal(count_vms(w), 1);
	AUTO_REPLY removed = request(w, "DELETE", ITEM, NULL);
	assert_int_equal(removed.status, 202);
	drive(w);
	AUTO_REPLY result = request(w, "GET", removed.result_path, NULL);
	assert_int_equal(result.status, 204);
	AUTO_REPLY gone = request(w, "GET", ITEM, NULL);
	assert_int_equal(gone.status, 404);
	AUTO_REPLY again = request(w, "DELETE", ITEM, NULL);
	assert_int_equal(again.status, 204);
	assert_true(played.removed);
	assert_int_equal(count_vms(w), 1);
}

static void test_failover__never_touches_a_machine_that_an_earlier_migration_left(void **state)
{
	struct world *w = *state;
	char point[LF_GUID_SIZE];

	protect(w);
	act(w, "unplannedFailover", failover_body("", "false"));
	LF_UNUSED AUTO_REPLY removed = request(w, "DELETE", ITEM, NULL);
	drive(w);
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	struct lf_error err;
	assert_lf_ok(lf_catalog_get(w->context.catalog, VMS "/web01-new", &before, &err));
	assert_null(lf_json_at(before.doc, "managedBy"));
	make_point(w, point);
	protect(w);
	assert_refused(w, "POST", ITEM "/unplannedFailover", failover_body(point, "false"), 409,
		       "VirtualMachineExists");
	LF_AUTO_RESOURCE after = LF_RESOURCE_INIT;
	assert_lf_ok(lf_catalog_get(w->context.catalog, VMS "/web01-new", &after, &err));
	assert_string_equal(after.etag, before.etag);
}

static void test_failover__without_its_agent_uses_the_latest_point_and_says_so(void **state)
{
	struct world *w = *state;

	protect(w);
	played.connected = false;
	AUTO_REPLY reply =
		request(w, "POST", ITEM "/unplannedFailover", failover_body("", "false"));
	assert_int_equal(reply.status, 202);
	drive(w);
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	LF_AUTO_JSON *job = get(w, path);
	assert_string_equal(lf_json_text(job, "properties.state"), "Succeeded");
	assert_string_equal(lf_json_text(job, "properties.stateDescription"),
			    "CompletedWithInformation");
	assert_string_equal(lf_json_text(job, "properties.errors.0.serviceErrorDetails.code"),
			    "FailedOverToLatestProcessed");
}

static void test_drill__of_a_machine_whose_replication_is_not_healthy_says_so(void **state)
{
	struct world *w = *state;

	protect(w);
	played.fault = "the agent has not been heard of";
	AUTO_REPLY reply = request(w, "POST", ITEM "/testFailover", test_body(""));
	assert_int_equal(reply.status, 202);
	drive(w);
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	LF_AUTO_JSON *job = get(w, path);
	assert_string_equal(lf_json_text(job, "properties.state"), "Succeeded");
	assert_string_equal(lf_json_text(job, "properties.errors.0.serviceErrorDetails.code"),
			    "ReplicationNotHealthy");
}

static void test_failover__planned_fails_without_its_agent_and_changes_nothing(void **state)
{
	struct world *w = *state;

	protect(w);
	played.connected = false;
	AUTO_REPLY reply = request(w, "POST", ITEM "/plannedFailover", NULL);
	assert_int_equal(reply.status, 202);
	drive(w);
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	LF_AUTO_JSON *job = get(w, path);
	assert_string_equal(lf_json_text(job, "properties.state"), "Failed");
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_string_equal(state_of(item), "Protected");
	assert_true(allows(item, "UnplannedFailover") && played.resumed);
	/* the request that would have stopped it is replaced */
	assert_int_equal(played.final_after, LF_REPLICA_GOES_ON);
	assert_int_equal(count_vms(w), 0);
}

/* Run a failover with performShutdown to its end: its job. */
static json_t *shut_down_and_fail_over(struct world *w, const char *point)
{
	AUTO_REPLY reply =
		request(w, "POST", ITEM "/unplannedFailover", failover_body(point, "true"));

	assert_int_equal(reply.status, 202);
	assert_string_equal(lf_json_text(reply.body, "properties.state"), "InProgress");
	assert_string_equal(lf_json_text(reply.body, "properties.friendlyName"),
			    "Unplanned failover");
	for (int i = 0; i < 10; i++)
		drive(w);
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	return get(w, path);
}

static void check_not_shut_down(const json_t *job, const char *why)
{
	assert_string_equal(lf_json_text(job, "properties.state"), "Succeeded");
	assert_string_equal(lf_json_text(job, "properties.stateDescription"),
			    "CompletedWithInformation");
	assert_string_equal(lf_json_text(job, "properties.errors.0.serviceErrorDetails.code"),
			    "SourceNotShutDown");
	assert_string_equal(lf_json_text(job, "properties.tasks.1.name"), "ShutDownVirtualMachine");
	assert_string_equal(lf_json_text(job, "properties.tasks.1.state"), "Skipped");
	assert_string_equal(
		lf_json_text(job, "properties.tasks.1.customDetails.skippedReasonString"), why);
}

static void test_shutdown__is_a_task_that_succeeds_once_the_agent_is_silent(void **state)
{
	struct world *w = *state;
	char point[LF_GUID_SIZE];

	protect(w);
	make_point(w, point);
	played.can_shut_down = true;
	LF_AUTO_JSON *job = shut_down_and_fail_over(w, point);
	assert_true(played.shut_down_at);
	assert_string_equal(lf_json_text(job, "properties.tasks.1.state"), "Succeeded");
	assert_int_equal(json_array_size(lf_json_at(job, "properties.errors")), 0);
	/* the machine is off after its last changes, and the point is the one that was asked for */
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_non_null(
		strstr(lf_json_text_or(item, "properties.failoverRecoveryPointId", ""), point));
}

static void test_shutdown__that_the_agent_cannot_do_is_told(void **state)
{
	struct world *w = *state;

	protect(w);
	LF_AUTO_JSON *job = shut_down_and_fail_over(w, "");
	check_not_shut_down(job, "its agent cannot shut it down");
	assert_int_equal(played.final_after, LF_REPLICA_STOPS);
}

static void test_shutdown__that_failed_is_told_as_the_agent_says_it(void **state)
{
	struct world *w = *state;

	protect(w);
	played.can_shut_down = true;
	played.shut_down_error = "nobody may do this";
	LF_AUTO_JSON *job = shut_down_and_fail_over(w, "");
	check_not_shut_down(job, "nobody may do this");
}

static void test_shutdown__of_a_machine_that_runs_on_is_told(void **state)
{
	struct world *w = *state;

	protect(w);
	played.can_shut_down = played.stays_on = true;
	LF_AUTO_JSON *job = shut_down_and_fail_over(w, "");
	check_not_shut_down(job, "its agent goes on after it took the order");
}

static void test_shutdown__that_a_planned_failover_asks_for_is_a_condition(void **state)
{
	struct world *w = *state;

	protect(w);
	AUTO_REPLY reply =
		request(w, "POST", ITEM "/plannedFailover",
			json_pack("{s:{s:{s:s,s:b}}}", "properties", "providerSpecificDetails",
				  "instanceType", "InMageRcm", "performShutdown", 1));
	assert_int_equal(reply.status, 202);
	drive(w);
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	LF_AUTO_JSON *job = get(w, path);
	assert_string_equal(lf_json_text(job, "properties.state"), "Failed");
	assert_string_equal(lf_json_text(job, "properties.errors.0.serviceErrorDetails.code"),
			    "SourceNotShutDown");
	assert_int_equal(count_vms(w), 0);
	assert_true(played.resumed);
}

/* The machine that a failover or a drill makes of an item that was enabled with these details. */
static json_t *machine_of(struct world *w, json_t *details, const char *action, json_t *body,
			  const char *vm_id)
{
	char point[LF_GUID_SIZE];
	json_t *enable = enable_body();
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	struct lf_error err;

	assert_int_equal(json_object_update(lf_json_at(enable, DETAILS), details), 0);
	json_decref(details);
	AUTO_REPLY reply = request(w, "PUT", ITEM, enable);
	if (reply.status != 202)
		fail_msg("enable: %s (%s)", reply.error.message, reply.error.target);
	make_point(w, point);
	drive(w);
	act(w, action, body);
	assert_lf_ok(lf_catalog_get(w->context.catalog, vm_id, &vm, &err));
	return json_incref(lf_json_at(vm.state, "machine"));
}

static void test_machine__has_what_the_item_asks_for(void **state)
{
	struct world *w = *state;
	static const char set[] = TRG "/providers/Microsoft.Compute/availabilitySets/set";
	static const char near[] = TRG "/providers/Microsoft.Compute/proximityPlacementGroups/ppg";

	put_doc(w, set, "Microsoft.Compute/availabilitySets",
		json_pack("{s:s}", "location", "eastus"));
	put_doc(w, near, "Microsoft.Compute/proximityPlacementGroups",
		json_pack("{s:s}", "location", "eastus"));
	LF_AUTO_JSON *machine = machine_of(
		w,
		json_pack("{s:s, s:s, s:s, s:[{s:s, s:s}], s:{s:s, s:s, s:s}, s:{s:s, s:s}}",
			  "targetAvailabilitySetId", set, "targetProximityPlacementGroupId", near,
			  "targetBootDiagnosticsStorageAccountId", CACHE, "targetNicTags",
			  "tagName", "a", "tagValue", "b", "targetVmSecurityProfile",
			  "targetVmSecurityType", "TrustedLaunch", "targetVmSecureBoot", "Enabled",
			  "targetVmTpm", "Enabled", "disksDefault", "diskType", "Premium_LRS",
			  "logStorageAccountId", CACHE),
		"unplannedFailover", failover_body("", "false"), VMS "/web01-new");
	static const struct {
		const char *path, *value;
	} wanted[] = {
		{"availabilitySetId", set},
		{"proximityPlacementGroupId", near},
		{"securityType", "TrustedLaunch"},
		{"bootDiagnostics.storageUri", "https://cache/"},
		{"disks.0.sku", "Premium_LRS"},
		{"disks.1.sku", "Premium_LRS"},
		{"nics.0.tags.a", "b"},
	};
	for (size_t i = 0; i < LF_N(wanted); i++)
		assert_string_equal(lf_json_text_or(machine, wanted[i].path, ""), wanted[i].value);
	assert_true(lf_json_bool_or(machine, "secureBoot", false));
	assert_true(lf_json_bool_or(machine, "tpm", false));
	assert_null(lf_json_at(machine, "licenseType"));
	/* the interface itself has the tags */
	LF_AUTO_FREE char *nic =
		lf_printf_dup(TRG "/providers/Microsoft.Network/networkInterfaces/%s",
			      lf_json_text(machine, "nics.0.name"));
	LF_AUTO_RESOURCE made = LF_RESOURCE_INIT;
	struct lf_error err;
	assert_lf_ok(lf_catalog_get(w->context.catalog, nic, &made, &err));
	assert_string_equal(lf_json_text_or(made.doc, "tags.a", ""), "b");
}

static void test_machine__of_windows_takes_its_owners_licence(void **state)
{
	played.os = "Microsoft Windows Server 2022";
	LF_AUTO_JSON *machine =
		machine_of(*state, json_pack("{s:s}", "licenseType", "WindowsServer"),
			   "unplannedFailover", failover_body("", "false"), VMS "/web01-new");
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	struct lf_error err;

	assert_string_equal(lf_json_text_or(machine, "osType", ""), "Windows");
	assert_string_equal(lf_json_text_or(machine, "licenseType", ""), "Windows_Server");
	assert_lf_ok(lf_catalog_get(((struct world *)*state)->context.catalog, VMS "/web01-new",
				    &vm, &err));
	assert_string_equal(lf_json_text_or(vm.doc, "properties.licenseType", ""),
			    "Windows_Server");
}

static void test_machine__has_the_second_of_two_interfaces_as_its_primary(void **state)
{
	struct world *w = *state;
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	struct lf_error err;

	played.two_nics = true;
	protect(w);
	AUTO_REPLY patched =
		request(w, "PATCH", ITEM,
			json_pack("{s:{s:{s:s, s:[{s:s, s:s}]}}}", "properties",
				  "providerSpecificDetails", "instanceType", "InMageRcm", "vmNics",
				  "nicId", "nic-1", "isPrimaryNic", "true"));
	assert_int_equal(patched.status, 202);
	drive(w);
	act(w, "unplannedFailover", failover_body("", "false"));
	assert_lf_ok(lf_catalog_get(w->context.catalog, VMS "/web01-new", &vm, &err));
	const json_t *nics = lf_json_at(vm.doc, "properties.networkProfile.networkInterfaces");
	assert_int_equal(json_array_size(nics), 2);
	assert_false(lf_json_bool_or(nics, "0.properties.primary", true));
	assert_true(lf_json_bool_or(nics, "1.properties.primary", false));
	LF_AUTO_RESOURCE nic = LF_RESOURCE_INIT;
	assert_lf_ok(
		lf_catalog_get(w->context.catalog, lf_json_text_or(nics, "1.id", ""), &nic, &err));
	assert_string_equal(lf_json_text_or(nic.doc, "properties.macAddress", ""),
			    "52:54:00:00:00:02");
	assert_true(lf_json_bool_or(nic.doc, "properties.primary", false));
}

static void test_machine__of_a_drill_stands_in_the_zone(void **state)
{
	struct world *w = *state;
	LF_AUTO_JSON *machine = machine_of(w, json_pack("{s:s}", "targetAvailabilityZone", "2"),
					   "testFailover", test_body(""), VMS "/web01-new-test");

	assert_string_equal(lf_json_text_or(machine, "zones.0", ""), "2");
	assert_null(lf_json_at(machine, "securityType"));
}

static void test_machine__of_linux_takes_no_licence_of_windows_and_its_job_says_so(void **state)
{
	struct world *w = *state;

	protect(w);
	AUTO_REPLY patched =
		request(w, "PATCH", ITEM,
			json_pack("{s:{s:{s:s, s:s, s:s}}}", "properties",
				  "providerSpecificDetails", "instanceType", "InMageRcm",
				  "licenseType", "WindowsServer", "sqlServerLicenseType", "AHUB"));
	assert_int_equal(patched.status, 202);
	drive(w);
	AUTO_REPLY reply = request(w, "POST", ITEM "/testFailover", test_body(""));
	assert_int_equal(reply.status, 202);
	drive(w);
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	LF_AUTO_JSON *job = get(w, path);
	assert_string_equal(lf_json_text(job, "properties.state"), "Succeeded");
	assert_string_equal(lf_json_text(job, "properties.errors.0.serviceErrorDetails.code"),
			    "LicenseNotApplied");
	assert_string_equal(lf_json_text(job, "properties.errors.1.serviceErrorDetails.code"),
			    "SqlServerLicenseNotApplied");
}

static void test_machine__gets_names_that_nothing_has(void **state)
{
	struct world *w = *state;

	put_doc(w, TRG "/providers/Microsoft.Compute/disks/web01-new-OSdisk",
		"Microsoft.Compute/disks", json_object());
	put_doc(w, TRG "/providers/Microsoft.Network/networkInterfaces/web01-new-nic-0",
		"Microsoft.Network/networkInterfaces", json_object());
	LF_AUTO_JSON *machine = machine_of(w, json_object(), "unplannedFailover",
					   failover_body("", "false"), VMS "/web01-new");
	assert_string_equal(lf_json_text(machine, "disks.0.name"), "web01-new-OSdisk-2");
	assert_string_equal(lf_json_text(machine, "disks.1.name"), "web01-new-datadisk-0");
	assert_string_equal(lf_json_text(machine, "nics.0.name"), "web01-new-nic-0-2");
}

static void test_machine__that_gets_another_address_than_its_user_asked_for_says_so(void **state)
{
	struct world *w = *state;

	protect(w);
	json_t *update = json_pack("{s:{s:{s:s, s:[{s:s, s:s}]}}}", "properties",
				   "providerSpecificDetails", "instanceType", "InMageRcm", "vmNics",
				   "nicId", "nic-0", "testStaticIPAddress", "10.1.0.9");
	AUTO_REPLY patched = request(w, "PATCH", ITEM, update);
	assert_int_equal(patched.status, 202);
	drive(w);
	/* somebody takes it meanwhile */
	put_doc(w, OTHER_NIC, "Microsoft.Network/networkInterfaces", json_object());
	const struct lf_address_request taken = {.network_id = TEST,
						 .subnet = "default",
						 .owner = OTHER_NIC "/ipConfigurations/one",
						 .wanted = "10.1.0.9"};
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	char address[LF_ADDRESS_SIZE];
	struct lf_error err;
	assert_lf_ok(lf_transaction_begin(&tx, w->context.catalog, &err));
	assert_lf_ok(lf_network_address_take(w->context.catalog, &taken, address, &err));
	assert_lf_ok(lf_transaction_commit(&tx, &err));
	AUTO_REPLY reply = request(w, "POST", ITEM "/testFailover", test_body(""));
	assert_int_equal(reply.status, 202);
	drive(w);
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	LF_AUTO_JSON *job = get(w, path);
	assert_string_equal(lf_json_text(job, "properties.state"), "Succeeded");
	assert_string_equal(lf_json_text(job, "properties.errors.0.serviceErrorDetails.code"),
			    "StaticAddressNotAvailable");
}

static void test_item__warns_until_a_drill_has_been_cleaned_up(void **state)
{
	struct world *w = *state;

	protect(w);
	LF_AUTO_JSON *before = get(w, ITEM);
	assert_string_equal(lf_json_text(before, "properties.failoverHealth"), "Warning");
	assert_string_equal(lf_json_text(before, "properties.replicationHealth"), "Normal");
	assert_string_equal(lf_json_text(before, "properties.healthErrors.0.errorCode"), "161011");
	act(w, "testFailover", test_body(""));
	act(w, "testFailoverCleanup", json_object());
	LF_AUTO_JSON *after = get(w, ITEM);
	assert_string_equal(lf_json_text(after, "properties.failoverHealth"), "Normal");
	assert_int_equal(json_array_size(lf_json_at(after, "properties.healthErrors")), 0);
}

/* One member of a good body is this instead. */
static void check_member(struct world *w, const char *action, json_t *body, const char *path,
			 json_t *value, const char *code)
{
	LF_AUTO_FREE char *url = lf_printf_dup(ITEM "/%s", action);

	assert_int_equal(lf_json_set(body, path, value), 0);
	AUTO_REPLY reply = request(w, "POST", url, body);
	if (reply.status != 400 || strcmp(lf_error_arm(&reply.error), code) != 0)
		fail_msg("%s of %s: %d %s", path, action, reply.status, reply.error.message);
}

static void test_requests__that_mean_what_is_not_done_are_refused(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *member, *value, *code;
	} both[] =
		{
			{"properties.failoverDirection", "\"Sideways\"", "InvalidParameter"},
			{"properties.failoverDirection", "\"RecoveryToPrimary\"",
			 "InvalidParameter"},
			{DETAILS ".recoveryPointId", "5", "InvalidParameter"},
			{DETAILS ".osUpgradeVersion", "\"Plan 9\"", "OSUpgradeNotSupported"},
			{DETAILS ".instanceType", "\"A2A\"", "InstanceTypeNotSupported"},
		},
	  drill[] =
		  {
			  {"properties.networkType", "\"Bogus\"", "InvalidParameter"},
			  {"properties.networkId", "5", "InvalidParameter"},
			  {"properties.networkType", "\"NoNetworkAttachAsInput\"",
			   "InvalidParameter"},
			  {DETAILS ".networkId", "\"" NET "\"", "InvalidParameter"},
			  {DETAILS ".networkId", "\"abc\"", "InvalidParameter"},
			  {"properties", "null", "MissingRequiredProperty"},
		  },
	  failover[] = {
		  {"properties.sourceSiteOperations", "\"Bogus\"", "InvalidParameter"},
		  {DETAILS ".performShutdown", "\"yes\"", "InvalidParameter"},
		  {DETAILS ".performShutdown", "null", "MissingRequiredProperty"},
		  {DETAILS ".targetCapacityReservationGroupId", "\"" TRG "/x\"",
		   "CapacityReservationGroupNotFound"},
	  };
#define VALUE(row) json_loads((row).value, JSON_DECODE_ANY, NULL)

	protect(w);
	for (size_t i = 0; i < LF_N(both); i++) {
		check_member(w, "testFailover", test_body(""), both[i].member, VALUE(both[i]),
			     both[i].code);
		check_member(w, "unplannedFailover", failover_body("", "false"), both[i].member,
			     VALUE(both[i]), both[i].code);
	}
	for (size_t i = 0; i < LF_N(drill); i++)
		check_member(w, "testFailover", test_body(""), drill[i].member, VALUE(drill[i]),
			     drill[i].code);
	for (size_t i = 0; i < LF_N(failover); i++)
		check_member(w, "unplannedFailover", failover_body("", "false"), failover[i].member,
			     VALUE(failover[i]), failover[i].code);
	assert_int_equal(count_vms(w), 0);
}

static void test_failover__is_committed_taken_back_or_moved_to_another_point(void **state)
{
	struct world *w = *state;
	char old[LF_GUID_SIZE];

	make_point(w, old);
	protect(w);
	act(w, "plannedFailover", NULL);
	LF_AUTO_JSON *planned = get(w, ITEM);
	assert_string_equal(state_of(planned), "PlannedFailoverCommitRequired");
	act(w, "failoverCancel", NULL);
	assert_int_equal(count_vms(w), 0);
	assert_true(played.resumed);
	LF_AUTO_FREE char *id = lf_printf_dup(ITEM "/recoveryPoints/%s", old);
	act(w, "unplannedFailover", failover_body(id, "false"));
	LF_AUTO_JSON *over = get(w, ITEM);
	assert_string_equal(lf_json_text(over, "properties.failoverRecoveryPointId"), id);
	act(w, "applyRecoveryPoint",
	    json_pack("{s:{s:{s:s,s:s}}}", "properties", "providerSpecificDetails", "instanceType",
		      "InMageRcm", "recoveryPointId",
		      lf_json_text(json_array_get(played.points, 0), "id")));
	LF_AUTO_JSON *moved = get(w, ITEM);
	assert_string_not_equal(lf_json_text(moved, "properties.failoverRecoveryPointId"), id);
	assert_int_equal(count_vms(w), 1);
	act(w, "failoverCommit", NULL);
	LF_AUTO_JSON *committed = get(w, ITEM);
	assert_string_equal(state_of(committed), "PlannedFailoverStatesBegin");
	assert_refused(w, "POST", ITEM "/applyRecoveryPoint", json_object(), 409,
		       "OperationNotAllowedInCurrentState");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_drill__makes_one_isolated_machine_and_the_clean_up_leaves_none),
		T(test_drill__an_unknown_point_or_network_starts_no_job),
		T(test_drill__a_busy_item_names_the_job_it_waits_for),
		T(test_drill__cancelled_takes_its_machine_back),
		T(test_failover__to_the_latest_takes_final_changes_and_the_machine_outlives_the_item),
		T(test_failover__never_touches_a_machine_that_an_earlier_migration_left),
		T(test_failover__without_its_agent_uses_the_latest_point_and_says_so),
		T(test_drill__of_a_machine_whose_replication_is_not_healthy_says_so),
		T(test_failover__planned_fails_without_its_agent_and_changes_nothing),
		T(test_shutdown__is_a_task_that_succeeds_once_the_agent_is_silent),
		T(test_shutdown__that_the_agent_cannot_do_is_told),
		T(test_shutdown__that_failed_is_told_as_the_agent_says_it),
		T(test_shutdown__of_a_machine_that_runs_on_is_told),
		T(test_shutdown__that_a_planned_failover_asks_for_is_a_condition),
		T(test_machine__has_what_the_item_asks_for),
		T(test_machine__of_windows_takes_its_owners_licence),
		T(test_machine__has_the_second_of_two_interfaces_as_its_primary),
		T(test_machine__of_a_drill_stands_in_the_zone),
		T(test_machine__of_linux_takes_no_licence_of_windows_and_its_job_says_so),
		T(test_machine__gets_names_that_nothing_has),
		T(test_machine__that_gets_another_address_than_its_user_asked_for_says_so),
		T(test_item__warns_until_a_drill_has_been_cleaned_up),
		T(test_requests__that_mean_what_is_not_done_are_refused),
		T(test_failover__is_committed_taken_back_or_moved_to_another_point),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
