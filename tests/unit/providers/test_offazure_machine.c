/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/text.h"
#include "json/json.h"
#include "providers/offazure/offazure.h"

#define SITES "/subscriptions/s/resourceGroups/g/providers/Microsoft.OffAzure/"

static const char agent_text[] =
	"{\"agentId\":\"a-1\",\"machineName\":\"web1\",\"lastHeartbeat\":\"2026-01-02T03:04:05Z\","
	"\"connected\":true,\"os\":\"Debian GNU/Linux "
	"12\",\"firmware\":\"uefi\",\"biosId\":\"b-1\","
	"\"cores\":4,\"memoryMiB\":8192,"
	"\"disks\":[{\"id\":\"d-1\",\"name\":\"sda\",\"path\":\"/dev/sda\",\"sizeBytes\":"
	"5497558138880,\"os\":true,\"lun\":-1},{\"id\":\"d-2\",\"name\":\"sdb\",\"path\":"
	"\"/dev/sdb\",\"sizeBytes\":1048576,\"os\":false,\"lun\":0}],"
	"\"nics\":[{\"id\":\"n-1\",\"mac\":\"52:54:00:00:00:01\",\"ips\":[\"192.0.2.7\"],"
	"\"network\":\"lan\"}],"
	"\"preflight\":[{\"check\":\"room\",\"ok\":true},{\"check\":\"boot\",\"ok\":false,"
	"\"reason\":\"no initramfs\",\"advice\":\"make one\"}]}";

static json_t *view(const char *site)
{
	LF_AUTO_JSON *agent = NULL;
	struct lf_error err;

	assert_lf_ok(lf_json_parse(agent_text, strlen(agent_text), &agent, &err));
	json_t *machine = lf_offazure_machine(site, agent);
	assert_non_null(machine);
	return machine;
}

static void test_machine__is_what_the_agent_says(void **state)
{
	LF_AUTO_JSON *m = view(SITES "VMwareSites/v");

	(void)state;
	assert_string_equal(lf_json_text(m, "id"), SITES "VMwareSites/v/machines/a-1");
	assert_string_equal(lf_json_text(m, "name"), "a-1");
	assert_string_equal(lf_json_text(m, "type"), "Microsoft.OffAzure/VMwareSites/machines");
	assert_string_equal(lf_json_text(m, "properties.displayName"), "web1");
	assert_string_equal(lf_json_text(m, "properties.firmware"), "UEFI");
	assert_string_equal(lf_json_text(m, "properties.operatingSystemDetails.osType"),
			    "linuxguest");
	assert_int_equal(lf_json_int_or(m, "properties.numberOfProcessorCore", 0), 4);
	assert_int_equal((int)json_real_value(lf_json_at(m, "properties.allocatedMemoryInMB")),
			 8192);
	assert_false(lf_json_bool_or(m, "properties.isDeleted", true));
	assert_string_equal(lf_json_text(m, "properties.networkAdapters.0.nicId"), "n-1");
	assert_string_equal(lf_json_text(m, "properties.networkAdapters.0.ipAddressList.0"),
			    "192.0.2.7");
}

static void test_machine__disks_keep_their_ids_and_sizes(void **state)
{
	LF_AUTO_JSON *m = view(SITES "VMwareSites/v");

	(void)state;
	assert_int_equal(json_array_size(lf_json_at(m, "properties.disks")), 2);
	assert_string_equal(lf_json_text(m, "properties.disks.0.uuid"), "d-1");
	assert_true(lf_json_int_or(m, "properties.disks.0.maxSizeInBytes", 0) == 5497558138880);
	assert_int_equal(lf_json_int_or(m, "properties.disks.0.lun", -1), 0);
	assert_true(json_is_integer(lf_json_at(m, "properties.disks.1.maxSizeInBytes")));
}

static void test_machine__failed_checks_are_errors_with_advice(void **state)
{
	LF_AUTO_JSON *m = view(SITES "ServerSites/p");

	(void)state;
	assert_string_equal(lf_json_text(m, "type"), "Microsoft.OffAzure/ServerSites/machines");
	assert_int_equal(json_array_size(lf_json_at(m, "properties.errors")), 1);
	assert_string_equal(lf_json_text(m, "properties.errors.0.code"), "boot");
	assert_string_equal(lf_json_text(m, "properties.errors.0.recommendedAction"), "make one");
}

/* Clients read the members of the service's own answers: each is there, null where there is none.
 */
static void test_machine__has_each_member_of_the_documents_sample(void **state)
{
	static const char *const members[] = {
		"totalDiskSizeInGB",
		"appliancePropertiesCollection",
		"arcDiscovery",
		"numberOfSecurityRisks",
		"numberOfSoftware",
		"hypervisor",
		"discoverySource",
		"processorInfo",
		"autoEnableDependencyMapping",
		"totalFreeSpaceOfAllDisksInGB",
		"numberOfApplications",
		"guestDetailsDiscoveryTimestamp",
		"isFileServerSupported",
		"isGuestDetailsDiscoveryInProgress",
		"dependencyMapping",
		"dependencyMappingStartTime",
		"dependencyMappingEndTime",
		"runAsAccountId",
		"distinctErrorCount",
		"applicationDiscovery",
		"dependencyMapDiscovery",
		"staticDiscovery",
		"sqlDiscovery",
		"webAppDiscovery",
		"oracleDiscovery",
		"springBootDiscovery",
		"mySQLDiscovery",
		"pgSQLDiscovery",
		"fileShareDiscovery",
		"iisDiscovery",
		"tomcatDiscovery",
		"appsAndRoles",
		"totalApplicationCount",
		"totalInstanceCount",
		"ipAddresses",
		"productSupportStatus",
		"discoveredWorkloads",
		"tags",
	};
	static const char *const of_disks[] = {"diskId", "usedSpaceInBytes", "usedSpaceInBytesV2",
					       "logicalSectorSizeInBytes"};
	LF_AUTO_JSON *server = view(SITES "ServerSites/p");
	LF_AUTO_JSON *vmware = view(SITES "VMwareSites/v");
	const json_t *const machines[] = {server, vmware};

	(void)state;
	for (size_t m = 0; m < LF_N(machines); m++) {
		const json_t *properties = lf_json_at(machines[m], "properties");
		for (size_t i = 0; i < LF_N(members); i++)
			if (!json_object_get(properties, members[i]))
				fail_msg("there is no %s", members[i]);
		for (size_t i = 0; i < LF_N(of_disks); i++)
			assert_non_null(
				json_object_get(lf_json_at(properties, "disks.0"), of_disks[i]));
		assert_non_null(json_object_get(machines[m], "eTag"));
		assert_non_null(json_object_get(machines[m], "tags"));
	}
	assert_string_equal(lf_json_text(server, "properties.disks.1.diskId"), "d-2");
	assert_true(lf_text_starts_nocase(lf_json_text(server, "properties.runAsAccountId"),
					  SITES "ServerSites/p/runAsAccounts/"));
}

static void test_machine__of_a_silent_agent_is_still_one(void **state)
{
	LF_AUTO_JSON *agent = json_pack("{s:s}", "agentId", "x");
	LF_AUTO_JSON *m = lf_offazure_machine(SITES "serversites/p", agent);

	(void)state;
	assert_non_null(m);
	assert_int_equal(json_array_size(lf_json_at(m, "properties.disks")), 0);
	assert_string_equal(lf_json_text(m, "properties.firmware"), "BIOS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine__is_what_the_agent_says),
		cmocka_unit_test(test_machine__disks_keep_their_ids_and_sizes),
		cmocka_unit_test(test_machine__failed_checks_are_errors_with_advice),
		cmocka_unit_test(test_machine__has_each_member_of_the_documents_sample),
		cmocka_unit_test(test_machine__of_a_silent_agent_is_still_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
