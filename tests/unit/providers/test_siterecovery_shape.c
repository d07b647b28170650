/* SPDX-License-Identifier: Apache-2.0 */
#include "siterecovery_fixture.h"
#include "test.h"

/* All that the descriptions name is there, and nothing else but what traffic shows. */

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
		T(test_shape__of_item_job_and_policy_is_the_descriptions),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
