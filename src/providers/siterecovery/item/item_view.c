/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protected item as clients see it: what was asked for (doc), where it
 * stands (state), and how the replica is doing now.  Most members are copies and
 * constants: the tables; what has to be computed is put after them.
 */
#include <string.h>

#include "json/view.h"
#include "providers/offazure/offazure.h"
#include "providers/siterecovery/internal.h"

#define MIB	 1048576.0
#define DETAILS	 "properties.providerSpecificDetails."
#define NONE	 "\"None\""
#define AZURE	 "\"Microsoft Azure\""
#define EMPTY	 "\"\""
#define DISABLED "\"Disabled\""

/* What an item is made of. */
enum { DOC, STATE, REPLICA, GIVEN, MACHINE, SOURCES };
struct parts {
	const struct lf_resource *item;
	const json_t *of[SOURCES]; /* GIVEN: as a client wrote it; MACHINE: as its agent says */
};

static const struct lf_view_row detail_rows[] = {
	{"instanceType", .fallback = "\"" LF_SR_INSTANCE "\""},
	/* the machine */
	{"fabricDiscoveryMachineId", LF_VIEW_ANY, GIVEN, "fabricDiscoveryMachineId"},
	{"processServerId", LF_VIEW_ANY, GIVEN, "processServerId"},
	{"processorCoreCount", LF_VIEW_INT, MACHINE, "cores", "0"},
	{"primaryNicIpAddress", LF_VIEW_ANY, MACHINE, "nics.0.ips.0", EMPTY},
	{"targetLocation", LF_VIEW_ANY, STATE, "region"},
	{"storageAccountId"},
	{"supportedOSVersions", .fallback = "[]"},
	/* settings that are given and read back under the same name */
	{"multiVmGroupName", LF_VIEW_ANY, GIVEN, "multiVmGroupName"},
	{"runAsAccountId", LF_VIEW_ANY, GIVEN, "runAsAccountId"},
	{"licenseType", LF_VIEW_ANY, GIVEN, "licenseType", "\"NotSpecified\""},
	{"sqlServerLicenseType", LF_VIEW_ANY, GIVEN, "sqlServerLicenseType", "\"NotSpecified\""},
	{"linuxLicenseType", LF_VIEW_ANY, GIVEN, "linuxLicenseType", "\"NotSpecified\""},
	{"targetResourceGroupId", LF_VIEW_ANY, GIVEN, "targetResourceGroupId", EMPTY},
	{"targetAvailabilitySetId", LF_VIEW_ANY, GIVEN, "targetAvailabilitySetId", EMPTY},
	{"targetAvailabilityZone", LF_VIEW_ANY, GIVEN, "targetAvailabilityZone", EMPTY},
	{"targetProximityPlacementGroupId", LF_VIEW_ANY, GIVEN, "targetProximityPlacementGroupId",
	 EMPTY},
	{"targetBootDiagnosticsStorageAccountId", LF_VIEW_ANY, GIVEN,
	 "targetBootDiagnosticsStorageAccountId", EMPTY},
	{"targetCapacityReservationGroupId", LF_VIEW_ANY, GIVEN, "targetCapacityReservationGroupId",
	 EMPTY},
	{"targetNetworkId", LF_VIEW_ANY, GIVEN, "targetNetworkId", EMPTY},
	{"testNetworkId", LF_VIEW_ANY, GIVEN, "testNetworkId", EMPTY},
	{"targetVmTags", LF_VIEW_ANY, GIVEN, "targetVmTags", "[]"},
	{"seedManagedDiskTags", LF_VIEW_ANY, GIVEN, "seedManagedDiskTags", "[]"},
	{"targetManagedDiskTags", LF_VIEW_ANY, GIVEN, "targetManagedDiskTags", "[]"},
	{"targetNicTags", LF_VIEW_ANY, GIVEN, "targetNicTags", "[]"},
	{"targetVmSecurityProfile.targetVmSecurityType", LF_VIEW_ANY, GIVEN,
	 "targetVmSecurityProfile.targetVmSecurityType", NONE},
	{"targetVmSecurityProfile.targetVmSecureBoot", LF_VIEW_ANY, GIVEN,
	 "targetVmSecurityProfile.targetVmSecureBoot", DISABLED},
	{"targetVmSecurityProfile.targetVmTpm", LF_VIEW_ANY, GIVEN,
	 "targetVmSecurityProfile.targetVmTpm", DISABLED},
	{"targetVmSecurityProfile.targetVmMonitoring", LF_VIEW_ANY, GIVEN,
	 "targetVmSecurityProfile.targetVmMonitoring", DISABLED},
	{"targetVmSecurityProfile.targetVmConfidentialEncryption", LF_VIEW_ANY, GIVEN,
	 "targetVmSecurityProfile.targetVmConfidentialEncryption", DISABLED},
	/* points */
	{"lastRecoveryPointReceived", LF_VIEW_TEXT, REPLICA, "lastPointTime"},
	{"lastRpoInSeconds", LF_VIEW_ANY, REPLICA, "rpoSeconds"},
	{"lastRpoCalculatedTime", LF_VIEW_TEXT, REPLICA, "rpoCalculatedAt"},
	{"resyncProgressPercentage"},
	{"resyncProcessedBytes"},
	{"resyncTransferredBytes"},
	{"resyncProgressHealth", .fallback = NONE},
	{"resyncRequired", .fallback = "\"false\""},
	{"resyncState", .fallback = NONE},
	/* the agent */
	{"mobilityAgentDetails.latestVersion", .fallback = "\"" LF_VERSION "\""},
	{"mobilityAgentDetails.latestAgentReleaseDate"},
	{"mobilityAgentDetails.latestUpgradableVersionWithoutReboot"},
	{"mobilityAgentDetails.agentVersionExpiryDate"},
	{"mobilityAgentDetails.driverVersionExpiryDate"},
	{"mobilityAgentDetails.lastHeartbeatUtc", LF_VIEW_TEXT, REPLICA, "lastHeartbeat"},
	{"mobilityAgentDetails.isUpgradeable", .fallback = "\"false\""},
	{"discoveredVmDetails.vCenterId"},
	{"discoveredVmDetails.vCenterFqdn", .fallback = EMPTY},
	{"discoveredVmDetails.datastores", .fallback = "[]"},
	{"discoveredVmDetails.ipAddresses", LF_VIEW_ANY, MACHINE, "ips", "[]"},
	{"discoveredVmDetails.vmwareToolsStatus", .fallback = "\"NotRunning\""},
	{"discoveredVmDetails.vmFqdn", LF_VIEW_ANY, MACHINE, "machineName", EMPTY},
	{"discoveredVmDetails.osName", LF_VIEW_ANY, MACHINE, "os", EMPTY},
	{"discoveredVmDetails.createdTimestamp", LF_VIEW_TEXT, MACHINE, "registered"},
	{"discoveredVmDetails.updatedTimestamp", LF_VIEW_TEXT, REPLICA, "lastHeartbeat"},
	{"discoveredVmDetails.isDeleted", .fallback = "false"},
	{"discoveredVmDetails.lastDiscoveryTimeInUtc", LF_VIEW_TEXT, REPLICA, "lastHeartbeat"},
	{"agentUpgradeState", .fallback = NONE},
	{"lastAgentUpgradeType"},
	{"agentUpgradeJobId"},
	{"agentUpgradeAttemptToVersion"},
	{"isLastUpgradeSuccessful", .fallback = "\"false\""},
	{"isAgentRegistrationSuccessfulAfterFailover", .fallback = "false"},
	{"lastAgentUpgradeErrorDetails", .fallback = "[]"},
	{"agentUpgradeBlockingErrorDetails", .fallback = "[]"},
};

static void put_machine(struct lf_doc *view, const struct parts *parts)
{
	const json_t *machine = parts->of[MACHINE];
	const char *discovered = lf_json_text_or(parts->of[GIVEN], "fabricDiscoveryMachineId", "");
	bool uefi = strcasestr(lf_json_text_or(machine, "firmware", "bios"), "efi") != NULL;
	const char *os = lf_json_text_or(machine, "os", "");
	const char *selected = lf_json_text_or(parts->of[GIVEN], "userSelectedOSName", "");
	LF_AUTO_FREE char *vm = lf_sr_vm_id(parts->item, false);
	char internal[LF_GUID_SIZE], host[256];

	lf_guid_derive("siterecovery-item", parts->item->id, internal);
	lf_offazure_appliance(host, sizeof(host));
	lf_doc_text(view, "internalIdentifier", internal);
	lf_doc_text(view, "processServerName", host);
	lf_doc_text(view, "discoveryType",
		    strcasestr(discovered, "/VMwareSites/") ? "VCenter" : "Physical");
	lf_doc_put(view, "allocatedMemoryInMB",
		   json_real((double)lf_json_int_or(machine, "memoryMiB", 0)));
	lf_doc_text(view, "osType", strcasestr(os, "windows") ? "Windows" : "Linux");
	lf_doc_text(view, "osName", *selected ? selected : os);
	lf_doc_text(view, "firmwareType", uefi ? "UEFI" : "BIOS");
	lf_doc_text(view, "targetGeneration", uefi ? "V2" : "V1");
	/* the name that it would have, when none was given */
	lf_doc_text(view, "targetVmName", vm ? lf_arm_id_last(vm) : "");
}

/* The size that was asked for, or the one that a failover will take. */
static void put_size(struct lf_doc *view, const struct parts *parts)
{
	char size[64];

	snprintf(size, sizeof(size), "%s", lf_json_text_or(parts->of[GIVEN], "targetVmSize", ""));
	if (!*size)
		lf_compute_size_for(lf_json_int_or(parts->of[MACHINE], "cores", 1),
				    lf_json_int_or(parts->of[MACHINE], "memoryMiB", 1024), size,
				    sizeof(size));
	lf_doc_text(view, "targetVmSize", size);
}

/* Of the initial replication: null once it is over. */
static void put_progress(struct lf_doc *view, const json_t *replica)
{
	static const struct lf_view_row rows[] = {
		{"initialReplicationProgressPercentage", LF_VIEW_INT, 0, "percentage", "0"},
		{"initialReplicationProcessedBytes", LF_VIEW_INT, 0, "processedBytes", "0"},
		{"initialReplicationTransferredBytes", LF_VIEW_INT, 0, "transferredBytes", "0"},
	};
	bool initial = strcmp(lf_json_text_or(replica, "phase", ""), "Initial") == 0;
	bool moving = lf_json_int_or(replica, "bytesPerSecond", 0) > 0;

	if (initial || !replica)
		lf_view_put(view, rows, LF_N(rows), &replica);
	for (size_t i = 0; !initial && replica && i < LF_N(rows); i++)
		lf_doc_null(view, rows[i].name);
	lf_doc_text(view, "initialReplicationProgressHealth",
		    !initial ? "None"
		    : moving ? "InProgress"
			     : "NoProgress");
}

static void put_agent(struct lf_doc *view, const struct parts *parts)
{
	const char *version = lf_json_text_or(parts->of[REPLICA], "agentVersion",
					      lf_json_text_or(parts->of[MACHINE], "version", ""));
	bool latest = strcmp(version, LF_VERSION) == 0;
	bool connected = lf_json_bool_or(parts->of[REPLICA], "agentConnected", false);

	lf_doc_text(view, "mobilityAgentDetails.version", version);
	lf_doc_text(view, "mobilityAgentDetails.driverVersion", version);
	lf_doc_append(
		view, "mobilityAgentDetails.reasonsBlockingUpgrade",
		json_string(latest ? "AlreadyOnLatestVersion" : "UnsupportedProtectionScenario"));
	lf_doc_text(view, "discoveredVmDetails.powerStatus", connected ? "ON" : "Unknown");
}

/* Disks. */

static json_t *sync_details(const json_t *replica, const json_t *disk)
{
	static const struct lf_view_row rows[] = {
		{"transferredBytes", LF_VIEW_INT, 0, "transferredBytes", "0"},
		{"processedBytes", LF_VIEW_INT, 0, "processedBytes", "0"},
		{"last15MinutesTransferredBytes", LF_VIEW_INT, 1, "last15MinutesTransferredBytes",
		 "0"},
		{"lastDataTransferTimeUtc", LF_VIEW_TEXT, 1, "lastHeartbeat"},
		{"lastRefreshTime", LF_VIEW_TEXT, 1, "lastHeartbeat"},
		{"startTime"},
	};
	const json_t *const sources[] = {disk, replica};
	int64_t size = lf_json_int_or(disk, "sizeBytes", 0);
	int64_t processed = lf_json_int_or(disk, "processedBytes", 0);
	int64_t percentage = size > 0 ? processed / (size / 100 + 1) : 0;
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_view_put(&view, rows, LF_N(rows), sources);
	lf_doc_text(&view, "progressHealth", processed > 0 ? "InProgress" : "Queued");
	lf_doc_int(&view, "progressPercentage", percentage > 100 ? 100 : percentage);
	return lf_doc_take(&view);
}

static json_t *disk_view(const struct parts *parts, const json_t *row)
{
	enum { ROW, SOURCE };
	static const struct lf_view_row rows[] = {
		{"diskId", LF_VIEW_ANY, ROW, "diskId", EMPTY},
		{"diskName", LF_VIEW_TEXT, SOURCE, "name"},
		{"isOSDisk", LF_VIEW_WORD, SOURCE, "os", "\"false\""},
		{"capacityInBytes", LF_VIEW_INT, SOURCE, "sizeBytes", "0"},
		{"logStorageAccountId", LF_VIEW_TEXT, ROW, "logStorageAccountId"},
		{"diskEncryptionSetId", LF_VIEW_TEXT, ROW, "diskEncryptionSetId"},
		/* disks are made at a failover, of the point: none is seeded before */
		{"seedManagedDiskId"},
		{"seedBlobUri"},
		{"diskType", LF_VIEW_ANY, ROW, "diskType", "\"Standard_LRS\""},
		{"dataPendingInLogDataStoreInMB", .fallback = "0.0"},
		{"resyncDetails"},
		{"customTargetDiskName", LF_VIEW_TEXT, ROW, "targetDiskName"},
	};
	static const char *const numbers[] = {"sectorSizeInBytes", "iops", "throughputInMbps",
					      "diskSizeInGB"};
	const char *id = lf_json_text_or(row, "diskId", "");
	const json_t *disk = lf_json_find_nocase(lf_json_at(parts->of[REPLICA], "disks"), "id", id);
	const json_t *const sources[] = {
		[ROW] = row,
		[SOURCE] = lf_json_find_nocase(lf_json_at(parts->of[MACHINE], "disks"), "id", id)};
	json_t *managed = json_object_get(lf_json_at(parts->of[STATE], "failover.disks"), id);
	bool complete = lf_json_bool_or(disk, "initialComplete", false);
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_view_put(&view, rows, LF_N(rows), sources);
	lf_doc_text(&view, "diskState", complete ? "Protected" : "InitialReplicationPending");
	lf_doc_share(&view, "targetManagedDiskId", managed);
	lf_doc_put(&view, "dataPendingAtSourceAgentInMB",
		   json_real((double)lf_json_int_or(disk, "pendingBytes", 0) / MIB));
	lf_doc_text(&view, "isInitialReplicationComplete", complete ? "true" : "false");
	lf_doc_put(&view, "irDetails",
		   disk && !complete ? sync_details(parts->of[REPLICA], disk) : json_null());
	for (size_t i = 0; i < LF_N(numbers); i++)
		lf_doc_share_if(&view, numbers[i], lf_json_at(row, numbers[i]));
	return lf_doc_take(&view);
}

static json_t *unprotected_disk(const json_t *disk)
{
	static const struct lf_view_row rows[] = {
		{"diskId", LF_VIEW_ANY, 0, "id", EMPTY},
		{"diskName", LF_VIEW_TEXT, 0, "name"},
		{"capacityInBytes", LF_VIEW_INT, 0, "sizeBytes", "0"},
	};
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_view_put(&view, rows, LF_N(rows), &disk);
	return lf_doc_take(&view);
}

static void put_disks(struct lf_doc *view, const struct parts *parts)
{
	const json_t *chosen = lf_json_at(parts->of[DOC], "disks");
	json_t *row;
	size_t i;

	lf_doc_put(view, "protectedDisks", json_array());
	lf_doc_put(view, "unprotectedDisks", json_array());
	json_array_foreach ((json_t *)(uintptr_t)chosen, i, row)
		lf_doc_append(view, "protectedDisks", disk_view(parts, row));
	json_array_foreach (lf_json_at(parts->of[MACHINE], "disks"), i, row)
		if (!lf_json_find_nocase(chosen, "diskId", lf_json_text_or(row, "id", "")))
			lf_doc_append(view, "unprotectedDisks", unprotected_disk(row));
}

/* Network interfaces. */

static json_t *nic_view(const struct parts *parts, const json_t *nic, size_t at)
{
	enum { NIC, SETTING };
	static const struct lf_view_row rows[] = {
		{"isSelectedForFailover", LF_VIEW_WORD, SETTING, "isSelectedForFailover",
		 "\"true\""},
		{"sourceIPAddress", LF_VIEW_TEXT, NIC, "ips.0"},
		{"sourceIPAddressType", .fallback = "\"Dynamic\""},
		{"sourceNetworkId", LF_VIEW_TEXT, NIC, "network"},
		{"sourceSubnetName"},
		{"targetIPAddress", LF_VIEW_ANY, SETTING, "targetStaticIPAddress", EMPTY},
		{"testIPAddress", LF_VIEW_ANY, SETTING, "testStaticIPAddress", EMPTY},
		{"targetNicName", LF_VIEW_TEXT, SETTING, "targetNicName"},
	};
	static const struct {
		const char *name, *address, *subnet;
	} sides[] = {
		{"targetIPAddressType", "targetStaticIPAddress", "targetSubnetName"},
		{"testIPAddressType", "testStaticIPAddress", "testSubnetName"},
	};
	const char *mac = lf_json_text_or(nic, "mac", "");
	const char *id = lf_json_text_or(nic, "id", mac);
	const json_t *setting =
		lf_json_find_nocase(lf_json_at(parts->of[DOC], "nics"), "nicId", id);
	const json_t *const sources[] = {[NIC] = nic, [SETTING] = setting};
	LF_AUTO_DOC view = LF_DOC_INIT;

	/* as clients know it, who have seen the machine and not its agent's ids */
	lf_doc_text(&view, "nicId", *mac ? mac : id);
	lf_doc_text(&view, "isPrimaryNic",
		    lf_json_bool_or(setting, "isPrimaryNic", at == 0) ? "true" : "false");
	lf_view_put(&view, rows, LF_N(rows), sources);
	for (size_t i = 0; i < LF_N(sides); i++) {
		const char *address = lf_json_text_or(setting, sides[i].address, "");
		lf_doc_text(&view, sides[i].name, *address ? "Static" : "Dynamic");
		lf_doc_text(&view, sides[i].subnet,
			    lf_json_text_or(setting, sides[i].subnet,
					    lf_json_text(parts->of[GIVEN], sides[i].subnet)));
	}
	return lf_doc_take(&view);
}

static void put_nics(struct lf_doc *view, const struct parts *parts)
{
	json_t *nic;
	size_t i;

	lf_doc_put(view, "vmNics", json_array());
	json_array_foreach (lf_json_at(parts->of[MACHINE], "nics"), i, nic)
		lf_doc_append(view, "vmNics", nic_view(parts, nic, i));
}

/* Points. */

static void put_point(struct lf_doc *view, const char *member, const struct parts *parts,
		      const char *name)
{
	if (name && *name)
		lf_doc_printf(view, member, "%s/recoveryPoints/%s", parts->item->id, name);
	else
		lf_doc_null(view, member);
}

static json_t *provider_details(const struct parts *parts)
{
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_view_put(&view, detail_rows, LF_N(detail_rows), parts->of);
	put_machine(&view, parts);
	put_point(&view, "failoverRecoveryPointId", parts,
		  lf_json_text(parts->of[STATE], "failover.point"));
	put_point(&view, "lastRecoveryPointId", parts,
		  lf_json_text(parts->of[REPLICA], "lastPointId"));
	put_size(&view, parts);
	put_progress(&view, parts->of[REPLICA]);
	put_disks(&view, parts);
	put_nics(&view, parts);
	put_agent(&view, parts);
	return lf_doc_take(&view);
}

/* The job that works on the item, or the test failover that waits for its clean-up. */
static void put_scenario(struct lf_doc *view, const struct parts *parts)
{
	const json_t *state = parts->of[STATE];
	const char *scenario = lf_json_text(state, "current.scenario");
	const char *job = lf_json_text_or(state, "current.job", "None");
	const char *start = lf_json_text_or(state, "current.startTime", "1753-01-01T01:01:01Z");
	LF_AUTO_FREE char *vault_id = lf_id_above(parts->item->id, LF_SR_TYPE_VAULT);

	if (!scenario && lf_sr_phase_of(state) == LF_SR_TESTED) {
		scenario = "TestFailover";
		job = lf_json_text_or(state, "test.job", job);
		start = lf_json_text_or(state, "test.startTime", start);
	}
	lf_doc_text(view, "currentScenario.scenarioName", scenario ? scenario : "None");
	lf_doc_printf(view, "currentScenario.jobId", "%s/replicationJobs/%s",
		      vault_id ? vault_id : "", job);
	lf_doc_text(view, "currentScenario.startTime", start);
}

static const char *test_description(const char *state)
{
	if (strcmp(state, "WaitingForCompletion") == 0)
		return "Waiting for user input";
	return strcmp(state, "MarkedForDeletion") == 0 ? "Cleaning up test environment" : "None";
}

static void put_names(struct lf_doc *view, const struct parts *parts)
{
	LF_AUTO_FREE char *fabric_id = lf_id_above(parts->item->id, LF_SR_TYPE_FABRIC);
	const char *fabric = fabric_id ? fabric_id : "";
	const char *policy = lf_json_text_or(parts->of[DOC], "policyId", "");
	LF_AUTO_FREE char *vault_id = lf_id_above(parts->item->id, LF_SR_TYPE_VAULT);
	const char *vault = vault_id ? vault_id : "";
	char container[256] = "", server[LF_GUID_SIZE], azure[LF_GUID_SIZE], cloud[LF_GUID_SIZE];

	lf_sr_process_server_id(fabric, server);
	lf_guid_derive("siterecovery-azure", vault, azure);
	lf_guid_derive("siterecovery-cloud", fabric, cloud);
	lf_arm_id_segment(parts->item->id, "replicationProtectionContainers", container,
			  sizeof(container));
	lf_doc_printf(view, "recoveryServicesProviderId",
		      "%s/replicationRecoveryServicesProviders/%s", fabric, server);
	/* what is on Azure's side has an id, too, and is in no list */
	lf_doc_printf(view, "recoveryContainerId",
		      "%s/replicationFabrics/%s/replicationProtectionContainers/%s", vault, azure,
		      cloud);
	lf_doc_text(view, "primaryFabricFriendlyName", lf_arm_id_last(fabric));
	lf_doc_text(view, "primaryProtectionContainerFriendlyName", container);
	lf_doc_text(view, "policyFriendlyName", lf_arm_id_last(policy));
}

/* Nobody knows yet whether the machine starts over there. */
static bool is_untested(const json_t *state)
{
	enum lf_sr_phase phase = lf_sr_phase_of(state);

	return (phase == LF_SR_INITIAL || phase == LF_SR_PROTECTED || phase == LF_SR_TESTED) &&
	       !lf_json_at(state, "lastTestFailoverTime");
}

/* What is wrong with the replica, and what a failover may find. */
static json_t *faults_of(const struct parts *parts)
{
	const json_t *health = lf_json_at(parts->of[REPLICA], "health");
	LF_AUTO_JSON *faults = health ? json_copy((json_t *)(uintptr_t)health) : json_array();
	LF_AUTO_DOC fault = LF_DOC_INIT;

	if (!is_untested(parts->of[STATE]))
		return lf_steal(&faults);
	lf_doc_text(&fault, "code", "161011");
	lf_doc_text(&fault, "message",
		    "No successful test failover has been done for the virtual machine.");
	lf_doc_text(&fault, "causes",
		    "A test failover has not been done since protection was enabled.");
	lf_doc_text(&fault, "action",
		    "Do a test failover and clean it up, to know that the machine starts.");
	lf_doc_text(&fault, "severity", "Warning");
	lf_doc_time(&fault, "since", parts->item->created_ns);
	return json_array_append_new(faults, lf_doc_take(&fault)) ? NULL : lf_steal(&faults);
}

bool lf_sr_item_busy(const struct lf_resource *item)
{
	return lf_json_at(item->state, "current") != NULL;
}

static void put_state(struct lf_doc *view, const struct parts *parts)
{
	enum lf_sr_phase phase = lf_sr_phase_of(parts->of[STATE]);
	const struct lf_sr_phase_row *row = lf_sr_phase_row(phase);
	const char *test = lf_json_text_or(parts->of[STATE], "testFailoverState", "None");
	const json_t *health = lf_json_at(parts->of[REPLICA], "health");
	LF_AUTO_JSON *faults = faults_of(parts);

	lf_doc_text(view, "protectionState", row->protection_state);
	lf_doc_text(view, "protectionStateDescription", row->description);
	lf_doc_text(view, "activeLocation", row->active_location);
	lf_doc_text(view, "testFailoverState", test);
	lf_doc_text(view, "testFailoverStateDescription", test_description(test));
	lf_doc_put(view, "allowedOperations",
		   lf_sr_item_busy(parts->item) ? json_array() : lf_sr_allowed_operations(phase));
	lf_doc_text(view, "replicationHealth", lf_sr_health_word(health));
	lf_doc_text(view, "failoverHealth", is_untested(parts->of[STATE]) ? "Warning" : "Normal");
	lf_doc_put(view, "healthErrors",
		   faults ? lf_sr_health_errors(faults, parts->item->id) : NULL);
	put_point(view, "failoverRecoveryPointId", parts,
		  lf_json_text(parts->of[STATE], "failover.point"));
}

static int show_item(struct lf_arm_call *call, const struct lf_resource *item,
		     json_t **ret_properties, struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"friendlyName", LF_VIEW_ANY, DOC, "friendlyName"},
		{"protectedItemType", .fallback = EMPTY},
		{"protectableItemId", LF_VIEW_TEXT, DOC, "protectableItemId"},
		{"policyId", LF_VIEW_ANY, DOC, "policyId", EMPTY},
		{"primaryFabricProvider", .fallback = "\"InMageRcmFabric\""},
		{"recoveryFabricFriendlyName", .fallback = AZURE},
		{"recoveryFabricId", .fallback = AZURE},
		{"recoveryProtectionContainerFriendlyName", .fallback = AZURE},
		{"switchProviderState", .fallback = NONE},
		{"switchProviderStateDescription"},
		{"lastSuccessfulFailoverTime", LF_VIEW_TEXT, STATE, "lastFailoverTime"},
		{"lastSuccessfulTestFailoverTime", LF_VIEW_TEXT, STATE, "lastTestFailoverTime"},
		{"eventCorrelationId", LF_VIEW_ANY, STATE, "agentId", EMPTY},
	};
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *replica = NULL;
	LF_AUTO_DOC view = LF_DOC_INIT;

	int rc = lf_replica_get(context->replication, item->id, &replica, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	const struct parts parts = {.item = item,
				    .of = {[DOC] = item->doc,
					   [STATE] = item->state,
					   [REPLICA] = replica,
					   [GIVEN] = lf_json_at(item->doc, "details"),
					   [MACHINE] = lf_json_at(item->state, "machine")}};
	lf_view_put(&view, rows, LF_N(rows), parts.of);
	put_names(&view, &parts);
	put_state(&view, &parts);
	put_scenario(&view, &parts);
	lf_doc_put(&view, "providerSpecificDetails", provider_details(&parts));
	return lf_doc_end(&view, ret_properties, err);
}

/* As the lists' query parameters in the description. */
static const struct lf_filter_row filter[] = {
	{"sourceFabricName", "properties.primaryFabricFriendlyName"},
	{"instanceType", DETAILS "instanceType"},
	{"fabricObjectId", DETAILS "fabricDiscoveryMachineId"},
	{"processServerId", DETAILS "processServerId"},
};

/* An item is written by the jobs that its requests begin. */
const struct lf_document lf_sr_item_document = {
	.type = LF_SR_TYPE_ITEM,
	.scope = LF_SR_TYPE_CONTAINER,
	.show = show_item,
	.filter = filter,
	.n_filter = LF_N(filter),
};
