/* SPDX-License-Identifier: Apache-2.0 */
#include "siterecovery_fixture.h"
#include "test.h"

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
		{"properties.policyId", "\"p\"", "InvalidParameter", "properties.policyId", 400},
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
		{D "targetVmName", "\"-\"", "InvalidVirtualMachineName", D "targetVmName", 400},
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

/* Neighbours. */

static void test_policy__missing_is_404_and_in_use_is_kept(void **state)
{
	struct world *w = *state;

	assert_refused(w, "GET", VAULT "/replicationPolicies/none", NULL, 404, "PolicyNotFound");
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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_enable__ends_when_the_replica_runs_and_becomes_protected_with_a_point),
		T(test_enable__each_mistake_has_its_code_and_target_and_leaves_nothing),
		T(test_enable__a_protected_machine_is_refused_under_any_name),
		T(test_update__takes_what_is_named_and_keeps_the_rest),
		T(test_update__a_foreign_address_or_interface_is_refused),
		T(test_policy__missing_is_404_and_in_use_is_kept),
		T(test_fabric__a_list_hides_what_a_get_shows),
		T(test_reads__answer_in_every_neighbouring_collection),
		T(test_actions__that_are_not_done_here_say_so),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
