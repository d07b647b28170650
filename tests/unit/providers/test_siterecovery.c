/* SPDX-License-Identifier: Apache-2.0 */
#include "siterecovery_fixture.h"
#include "test.h"

static const char *state_of(const json_t *item)
{
	return lf_json_text_or(item, "properties.protectionState", "");
}

static bool allows(const json_t *item, const char *name)
{
	size_t i;
	json_t *value;

	json_array_foreach (lf_json_at(item, "properties.allowedOperations"), i, value)
		if (strcmp(json_string_value(value), name) == 0)
			return true;
	return false;
}

static size_t count_vms(struct world *w)
{
	const struct lf_list_query query = {.type = "Microsoft.Compute/virtualMachines",
					    .below = TRG};
	LF_AUTO_RESOURCE_LIST list = {0};
	struct lf_error err;

	assert_lf_ok(lf_catalog_list(w->context.catalog, &query, &list, &err));
	return list.n;
}

/* POST an action that must be accepted, and let it run. */
static void act(struct world *w, const char *action, json_t *body)
{
	LF_AUTO_FREE char *path = lf_printf_dup(ITEM "/%s", action);
	AUTO_REPLY reply = request(w, "POST", path, body);

	if (reply.status != 202)
		fail_msg("%s: %d %s", action, reply.status, reply.error.message);
	assert_true(strstr(reply.status_path, "/replicationOperationStatus/") != NULL);
	assert_true(strstr(reply.result_path, "/operationresults/") != NULL);
	AUTO_REPLY running = request(w, "GET", reply.result_path, NULL);
	assert_int_equal(running.status, 202);
	drive(w);
	LF_AUTO_FREE char *job_path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	LF_AUTO_JSON *job = get(w, job_path);
	assert_string_equal(lf_json_text(job, "properties.state"), "Succeeded");
	AUTO_REPLY done = request(w, "GET", reply.result_path, NULL);
	assert_true(done.status == 200 || done.status == 204);
}

static json_t *test_body(const char *point)
{
	return json_pack("{s:{s:s,s:s,s:{s:s,s:s}}}", "properties", "networkType",
			 "VmNetworkAsInput", "networkId", TEST, "providerSpecificDetails",
			 "instanceType", "InMageRcm", "recoveryPointId", point);
}

static json_t *failover_body(const char *point, const char *shutdown)
{
	return json_pack("{s:{s:s,s:s,s:{s:s,s:s,s:s}}}", "properties", "failoverDirection",
			 "PrimaryToRecovery", "sourceSiteOperations", "NotRequired",
			 "providerSpecificDetails", "instanceType", "InMageRcm", "recoveryPointId",
			 point, "performShutdown", shutdown);
}

static void assert_refused(struct world *w, const char *method, const char *path, json_t *body,
			   int status, const char *code)
{
	AUTO_REPLY reply = request(w, method, path, body);

	assert_int_equal(reply.status, status);
	assert_string_equal(lf_error_arm(&reply.error), code);
	assert_true(reply.error.target[0] && reply.error.hint[0]);
}

/* Enable. */

static void test_enable__ends_when_the_replica_runs_and_becomes_protected_with_a_point(void **state)
{
	struct world *w = *state;
	char point[LF_GUID_SIZE];
	AUTO_REPLY reply = request(w, "PUT", ITEM, enable_body());

	assert_int_equal(reply.status, 202);
	LF_AUTO_JSON *before = get(w, ITEM);
	assert_string_equal(state_of(before), "EnablingProtection");
	assert_int_equal(json_array_size(lf_json_at(before, "properties.allowedOperations")), 0);
	assert_string_equal(lf_json_text(before, "properties.currentScenario.scenarioName"),
			    "EnableProtection");
	drive(w);
	AUTO_REPLY done = request(w, "GET", reply.status_path, NULL);
	assert_string_equal(lf_json_text(done.body, "status"), "Succeeded");
	LF_AUTO_JSON *during = get(w, ITEM);
	assert_string_equal(state_of(during), "InitialReplicationInProgress");
	assert_int_equal(lf_json_int_or(during,
					"properties.providerSpecificDetails."
					"initialReplicationProgressPercentage",
					0),
			 40);
	assert_refused(w, "POST", ITEM "/testFailover", test_body(""), 409,
		       "OperationNotAllowedInCurrentState");
	make_point(w, point);
	drive(w);
	LF_AUTO_JSON *after = get(w, ITEM);
	assert_string_equal(state_of(after), "Protected");
	assert_true(allows(after, "TestFailover") && allows(after, "UnplannedFailover"));
	LF_AUTO_FREE char *id = lf_printf_dup(ITEM "/recoveryPoints/%s", point);
	assert_string_equal(
		lf_json_text(after, "properties.providerSpecificDetails.lastRecoveryPointId"), id);
}

struct bad_enable {
	const char *path, *json; /* what to put there; "null" removes */
	const char *code, *target;
	int status;
};

static void test_enable__each_mistake_has_its_code_and_target_and_leaves_nothing(void **state)
{
#define D "properties.providerSpecificDetails."
	static const struct bad_enable cases[] = {
		{D "instanceType", "\"A2A\"", "InstanceTypeNotSupported", D "instanceType", 400},
		{D "instanceType", "null", "MissingRequiredProperty", D "instanceType", 400},
		{"properties.policyId", "null", "MissingRequiredProperty", "properties.policyId",
		 400},
		{"properties.policyId", "\"" VAULT "/replicationPolicies/other\"", "PolicyNotFound",
		 "properties.policyId", 400},
		{"properties.policyId", "\"p\"", "LinkedInvalidPropertyId", "properties.policyId",
		 400},
		{D "fabricDiscoveryMachineId", "\"" SITE "/machines/nobody\"", "MachineNotFound",
		 D "fabricDiscoveryMachineId", 400},
		{D "processServerId", "\"x\"", "ProcessServerNotFound", D "processServerId", 400},
		{D "disksToInclude",
		 "[{\"diskId\":\"disk-0\",\"diskType\":\"Standard_LRS\",\"logStorageAccountId\":"
		 "\"" CACHE "\"}]",
		 "InvalidDiskSelection", D "disksToInclude", 400},
		{D "disksDefault", "null", "InvalidDiskSelection", D "disksToInclude", 400},
		{D "disksDefault.logStorageAccountId", "\"" CACHE "x\"", "StorageAccountNotFound",
		 D "disksDefault.logStorageAccountId", 400},
		{D "disksDefault.diskType", "\"Floppy\"", "InvalidParameter",
		 D "disksDefault.diskType", 400},
		{D "targetResourceGroupId", "\"" SUB "/resourceGroups/none\"",
		 "ResourceGroupNotFound", D "targetResourceGroupId", 400},
		{D "targetNetworkId", "\"" NET "x\"", "NetworkNotFound", D "targetNetworkId", 400},
		{D "targetSubnetName", "\"none\"", "SubnetNotFound", D "targetSubnetName", 400},
		{D "targetVmSize", "\"Standard_Huge\"", "InvalidVmSize", D "targetVmSize", 400},
		{D "targetVmName", "\"\"", "InvalidVirtualMachineName", D "targetVmName", 400},
	};
#undef D
	struct world *w = *state;

	for (size_t i = 0; i < LF_N(cases); i++) {
		json_t *body = enable_body();
		lf_json_set(body, cases[i].path, json_loads(cases[i].json, JSON_DECODE_ANY, NULL));
		AUTO_REPLY reply = request(w, "PUT", ITEM, body);
		assert_int_equal(reply.status, cases[i].status);
		assert_string_equal(lf_error_arm(&reply.error), cases[i].code);
		assert_string_equal(reply.error.target, cases[i].target);
		assert_true(reply.error.hint[0]);
		AUTO_REPLY none = request(w, "GET", ITEM, NULL);
		assert_int_equal(none.status, 404);
		LF_AUTO_JSON *jobs = get(w, VAULT "/replicationJobs");
		assert_int_equal(json_array_size(lf_json_at(jobs, "value")), 0);
	}
}

static void test_enable__a_protected_machine_is_refused_under_any_name(void **state)
{
	struct world *w = *state;

	protect(w);
	assert_refused(w, "PUT", ITEM, enable_body(), 409, "MachineAlreadyProtected");
	assert_refused(w, "PUT", ITEM "2", enable_body(), 409, "MachineAlreadyProtected");
}

/* Update. */

static void test_update__takes_what_is_named_and_keeps_the_rest(void **state)
{
	struct world *w = *state;

	protect(w);
	json_t *body = json_pack("{s:{s:{s:s,s:s,s:[{s:s,s:b,s:s,s:s,s:b}],s:[{s:s,s:s}]}}}",
				 "properties", "providerSpecificDetails", "instanceType",
				 "InMageRcm", "targetVmName", "renamed", "vmNics", "nicId", "nic-0",
				 "isPrimaryNic", 1, "targetStaticIPAddress", "10.0.0.10",
				 "testStaticIPAddress", "10.1.0.10", "isSelectedForMigration", 1,
				 "vmDisks", "diskId", "disk-0", "targetDiskName", "boot");
	AUTO_REPLY reply = request(w, "PATCH", ITEM, body);
	assert_int_equal(reply.status, 202);
	drive(w);
	AUTO_REPLY done = request(w, "GET", reply.result_path, NULL);
	assert_int_equal(done.status, 200);
	const json_t *details = lf_json_at(done.body, "properties.providerSpecificDetails");
	assert_string_equal(lf_json_text(details, "targetVmName"), "renamed");
	assert_string_equal(lf_json_text(details, "targetNetworkId"), NET);
	assert_string_equal(lf_json_text(details, "vmNics.0.targetIPAddress"), "10.0.0.10");
	assert_string_equal(lf_json_text(details, "vmNics.0.testIPAddress"), "10.1.0.10");
	assert_string_equal(lf_json_text(details, "vmNics.0.isPrimaryNic"), "true");
	assert_string_equal(lf_json_text(details, "protectedDisks.0.customTargetDiskName"), "boot");
}

static void test_update__a_foreign_address_or_interface_is_refused(void **state)
{
	struct world *w = *state;
	static const char text[] = "{\"properties\":{\"providerSpecificDetails\":{\"instanceType\":"
				   "\"InMageRcm\",\"vmNics\":[{\"nicId\":\"%s\","
				   "\"targetStaticIPAddress\":\"%s\"}]}}}";

	protect(w);
	LF_AUTO_FREE char *far = lf_printf_dup(text, "nic-0", "10.9.0.10");
	LF_AUTO_FREE char *unknown = lf_printf_dup(text, "nic-9", "10.0.0.10");
	assert_refused(w, "PATCH", ITEM, json_loads(far, 0, NULL), 400, "InvalidIPAddress");
	assert_refused(w, "PATCH", ITEM, json_loads(unknown, 0, NULL), 400, "NicNotFound");
}

/* Test failover. */

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

/* Failover. */

static void test_failover__to_the_latest_takes_final_changes_and_the_machine_outlives_the_item(
	void **state)
{
	struct world *w = *state;

	protect(w);
	act(w, "unplannedFailover", failover_body("", "true"));
	assert_true(played.final_stop);
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
	AUTO_REPLY removed = request(w, "DELETE", ITEM, NULL);
	drive(w);
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	struct lf_error err;
	assert_lf_ok(lf_catalog_get(w->context.catalog, VMS "/web01-new", &before, &err));
	assert_null(lf_json_at(before.doc, "managedBy"));
	make_point(w, point);
	protect(w);
	AUTO_REPLY reply =
		request(w, "POST", ITEM "/unplannedFailover", failover_body(point, "false"));
	assert_int_equal(reply.status, 202);
	drive(w);
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	LF_AUTO_JSON *job = get(w, path);
	assert_string_equal(lf_json_text(job, "properties.state"), "Failed");
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
	assert_false(played.final_stop); /* the request that would have stopped it is replaced */
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

/* Neighbours. */

static void test_policy__missing_is_400_as_in_the_live_service_and_in_use_is_kept(void **state)
{
	struct world *w = *state;

	assert_refused(w, "GET", VAULT "/replicationPolicies/none", NULL, 400, "PolicyNotFound");
	protect(w);
	assert_refused(w, "DELETE", POLICY, NULL, 409, "PolicyInUse");
	assert_refused(w, "DELETE", FABRIC, NULL, 409, "FabricInUse");
	LF_AUTO_JSON *policy = get(w, POLICY);
	assert_int_equal(lf_json_int_or(policy,
					"properties.providerSpecificDetails.associatedItemsCount",
					0),
			 1);
}

static void test_fabric__a_list_hides_what_a_get_shows(void **state)
{
	struct world *w = *state;
	LF_AUTO_JSON *list = get(w, VAULT "/replicationFabrics");
	LF_AUTO_JSON *one = get(w, FABRIC);
	const char *custom = "properties.customDetails.processServers";

	assert_int_equal(json_array_size(lf_json_at(lf_json_at(list, "value.0"), custom)), 0);
	assert_int_equal(json_array_size(lf_json_at(one, custom)), 1);
	assert_string_equal(lf_json_text(one, "properties.customDetails.physicalSiteId"), SITE);
}

static void test_reads__answer_in_every_neighbouring_collection(void **state)
{
	static const char *const paths[] = {
		FABRIC "/replicationProtectionContainers",
		VAULT "/replicationProtectionContainers",
		BOX "/replicationProtectableItems",
		BOX "/replicationProtectedItems",
		VAULT "/replicationProtectedItems",
		BOX "/replicationProtectionContainerMappings",
		FABRIC "/replicationRecoveryServicesProviders",
		VAULT "/replicationRecoveryServicesProviders",
		VAULT "/replicationPolicies",
		VAULT "/replicationJobs?filter=JobStatus eq 'Succeeded'",
		VAULT "/replicationEvents",
		VAULT "/replicationAppliances",
		VAULT "/replicationAlertSettings",
		VAULT "/replicationVaultSettings",
		VAULT "/replicationRecoveryPlans",
		FABRIC "/replicationNetworks",
		BOX "/replicationMigrationItems",
		ITEM "/recoveryPoints",
		ITEM "/targetComputeSizes",
	};
	struct world *w = *state;

	protect(w);
	for (size_t i = 0; i < LF_N(paths); i++) {
		LF_AUTO_JSON *list = get(w, paths[i]);
		assert_true(json_is_array(lf_json_at(list, "value")));
	}
	LF_AUTO_JSON *health = get(w, VAULT "/replicationVaultHealth");
	assert_int_equal(lf_json_int_or(health, "properties.protectedItemsHealth.resourceCount", 0),
			 1);
	LF_AUTO_JSON *systems = get(w, VAULT "/replicationSupportedOperatingSystems");
	assert_non_null(lf_json_at(systems, "properties.supportedOsList.0.supportedOs.0"));
	LF_AUTO_JSON *events = get(w, VAULT "/replicationEvents");
	assert_true(json_array_size(lf_json_at(events, "value")) >= 2);
	LF_AUTO_JSON *machine = get(w, BOX "/replicationProtectableItems/" AGENT);
	assert_string_equal(lf_json_text(machine, "properties.protectionStatus"), "Protected");
}

static void test_actions__that_are_not_done_here_say_so(void **state)
{
	static const char *const actions[] = {"addDisks", "removeDisks", "reProtect",
					      "updateMobilityService", "switchProvider"};
	struct world *w = *state;

	protect(w);
	for (size_t i = 0; i < LF_N(actions); i++) {
		LF_AUTO_FREE char *path = lf_printf_dup(ITEM "/%s", actions[i]);
		AUTO_REPLY reply = request(w, "POST", path, NULL);
		assert_int_equal(reply.status, 400);
		assert_true(reply.error.arm_code[0] && reply.error.hint[0]);
	}
	act(w, "repairReplication", NULL);
	act(w, "resolveHealthErrors", NULL);
}

/* Shapes: all that the descriptions name is there, and nothing else but what traffic shows. */

static void assert_shape(const json_t *doc, const char *path, const char *names)
{
	const json_t *object = lf_json_at(doc, path);
	const char *key;
	json_t *value;
	char name[96];

	assert_true(json_is_object(object));
	for (const char *p = names; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		if (!json_object_get(object, name))
			fail_msg("%s lacks %s", path, name);
		p += len;
	}
	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		snprintf(name, sizeof(name), " %s ", key);
		LF_AUTO_FREE char *padded = lf_printf_dup(" %s ", names);
		if (!strstr(padded, name))
			fail_msg("%s has %s, which is described nowhere", path, key);
	}
}

static void test_shape__of_item_job_and_policy_is_the_descriptions(void **state)
{
	struct world *w = *state;

	protect(w);
	act(w, "testFailover", test_body(""));
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_shape(item, "properties",
		     "friendlyName protectedItemType protectableItemId recoveryServicesProviderId "
		     "primaryFabricFriendlyName primaryFabricProvider recoveryFabricFriendlyName "
		     "recoveryFabricId primaryProtectionContainerFriendlyName "
		     "recoveryProtectionContainerFriendlyName protectionState "
		     "protectionStateDescription activeLocation testFailoverState "
		     "testFailoverStateDescription switchProviderState "
		     "switchProviderStateDescription allowedOperations replicationHealth "
		     "failoverHealth healthErrors policyId policyFriendlyName "
		     "lastSuccessfulFailoverTime lastSuccessfulTestFailoverTime currentScenario "
		     "failoverRecoveryPointId providerSpecificDetails recoveryContainerId "
		     "eventCorrelationId");
	assert_shape(
		item, "properties.providerSpecificDetails",
		"instanceType internalIdentifier fabricDiscoveryMachineId multiVmGroupName "
		"discoveryType processServerId processorCoreCount allocatedMemoryInMB "
		"processServerName runAsAccountId osType firmwareType primaryNicIpAddress "
		"targetGeneration licenseType storageAccountId targetVmName targetVmSize "
		"targetResourceGroupId targetLocation targetAvailabilitySetId "
		"targetAvailabilityZone targetProximityPlacementGroupId "
		"targetBootDiagnosticsStorageAccountId targetNetworkId testNetworkId "
		"failoverRecoveryPointId lastRecoveryPointReceived lastRpoInSeconds "
		"lastRpoCalculatedTime lastRecoveryPointId initialReplicationProgressPercentage "
		"initialReplicationProcessedBytes initialReplicationTransferredBytes "
		"initialReplicationProgressHealth resyncProgressPercentage resyncProcessedBytes "
		"resyncTransferredBytes resyncProgressHealth resyncRequired resyncState "
		"agentUpgradeState lastAgentUpgradeType agentUpgradeJobId "
		"agentUpgradeAttemptToVersion protectedDisks unprotectedDisks "
		"isLastUpgradeSuccessful isAgentRegistrationSuccessfulAfterFailover "
		"mobilityAgentDetails lastAgentUpgradeErrorDetails "
		"agentUpgradeBlockingErrorDetails vmNics discoveredVmDetails targetVmTags "
		"seedManagedDiskTags targetManagedDiskTags targetNicTags sqlServerLicenseType "
		"supportedOSVersions osName targetVmSecurityProfile linuxLicenseType "
		"targetCapacityReservationGroupId");
	assert_shape(item, "properties.providerSpecificDetails.vmNics.0",
		     "nicId isPrimaryNic isSelectedForFailover sourceIPAddress "
		     "sourceIPAddressType sourceNetworkId sourceSubnetName targetIPAddress "
		     "targetIPAddressType targetSubnetName testSubnetName testIPAddress "
		     "testIPAddressType targetNicName");
	assert_shape(item, "properties.providerSpecificDetails.protectedDisks.0",
		     "diskId diskName isOSDisk capacityInBytes diskState logStorageAccountId "
		     "diskEncryptionSetId seedManagedDiskId seedBlobUri targetManagedDiskId "
		     "diskType dataPendingInLogDataStoreInMB dataPendingAtSourceAgentInMB "
		     "isInitialReplicationComplete irDetails resyncDetails customTargetDiskName");
	LF_AUTO_JSON *policy = get(w, POLICY);
	assert_shape(policy, "properties.providerSpecificDetails",
		     "instanceType recoveryPointHistoryInMinutes appConsistentFrequencyInMinutes "
		     "crashConsistentFrequencyInMinutes enableMultiVmSync status "
		     "associatedItemsCount dataSourceType");
	LF_AUTO_JSON *jobs = get(w, VAULT "/replicationJobs");
	const json_t *job = lf_json_at(jobs, "value.0");
	assert_shape(job, "properties",
		     "activityId scenarioName friendlyName state stateDescription tasks errors "
		     "startTime endTime allowedActions targetObjectId targetObjectName "
		     "targetInstanceType customDetails");
	assert_shape(job, "properties.tasks.0",
		     "taskId name startTime endTime allowedActions friendlyName state "
		     "stateDescription taskType customDetails groupTaskCustomDetails errors");
	assert_string_equal(lf_json_text(job, "properties.tasks.1.friendlyName"),
			    "Create test virtual machine");
	assert_shape(job, "properties.customDetails",
		     "instanceType testFailoverStatus comments networkName networkFriendlyName "
		     "networkType protectedItemDetails affectedObjectDetails");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_enable__ends_when_the_replica_runs_and_becomes_protected_with_a_point),
		T(test_enable__each_mistake_has_its_code_and_target_and_leaves_nothing),
		T(test_enable__a_protected_machine_is_refused_under_any_name),
		T(test_update__takes_what_is_named_and_keeps_the_rest),
		T(test_update__a_foreign_address_or_interface_is_refused),
		T(test_drill__makes_one_isolated_machine_and_the_clean_up_leaves_none),
		T(test_drill__an_unknown_point_or_network_starts_no_job),
		T(test_drill__a_busy_item_names_the_job_it_waits_for),
		T(test_drill__cancelled_takes_its_machine_back),
		T(test_failover__to_the_latest_takes_final_changes_and_the_machine_outlives_the_item),
		T(test_failover__never_touches_a_machine_that_an_earlier_migration_left),
		T(test_failover__without_its_agent_uses_the_latest_point_and_says_so),
		T(test_failover__planned_fails_without_its_agent_and_changes_nothing),
		T(test_failover__is_committed_taken_back_or_moved_to_another_point),
		T(test_policy__missing_is_400_as_in_the_live_service_and_in_use_is_kept),
		T(test_fabric__a_list_hides_what_a_get_shows),
		T(test_reads__answer_in_every_neighbouring_collection),
		T(test_actions__that_are_not_done_here_say_so),
		T(test_shape__of_item_job_and_policy_is_the_descriptions),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
