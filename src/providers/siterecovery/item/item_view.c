/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protected item as clients see it: what was asked for (doc), where it
 * stands (state), and how the replica is doing now.
 */
#include <string.h>

#include "providers/siterecovery/internal.h"

#define MIB	1048576.0
#define DETAILS "properties.providerSpecificDetails."

/* Settings that are given and read back under the same name. */
static const struct {
	const char *name;
	const char *fallback; /* NULL: JSON null */
} settings[] = {
	{"multiVmGroupName", NULL},
	{"runAsAccountId", NULL},
	{"licenseType", "NotSpecified"},
	{"sqlServerLicenseType", "NotSpecified"},
	{"linuxLicenseType", "NotSpecified"},
	{"targetVmName", ""},
	{"targetVmSize", ""},
	{"targetResourceGroupId", ""},
	{"targetAvailabilitySetId", ""},
	{"targetAvailabilityZone", ""},
	{"targetProximityPlacementGroupId", ""},
	{"targetBootDiagnosticsStorageAccountId", ""},
	{"targetCapacityReservationGroupId", ""},
	{"targetNetworkId", ""},
	{"testNetworkId", ""},
};
static const char *const lists[] = {"targetVmTags", "seedManagedDiskTags", "targetManagedDiskTags",
				    "targetNicTags"};

static int add_settings(const struct lf_resource *item, json_t *view)
{
	const json_t *details = lf_json_at(item->doc, "details");
	int failed = 0;

	for (size_t i = 0; i < LF_N(settings); i++)
		failed |= lf_json_set_text(
			view, settings[i].name,
			lf_json_text_or(details, settings[i].name, settings[i].fallback));
	for (size_t i = 0; i < LF_N(lists); i++) {
		json_t *list = lf_json_at(details, lists[i]);
		failed |= lf_json_set(view, lists[i], list ? json_incref(list) : json_array());
	}
	LF_AUTO_FREE char *vm = lf_sr_vm_id(item, false);
	if (vm) /* the name that it would have, when none was given */
		failed |= lf_json_set_text(view, "targetVmName", lf_arm_id_last(vm));
	json_t *security = lf_json_at(details, "targetVmSecurityProfile");
	return failed | lf_json_set(view, "targetVmSecurityProfile",
				    security ? json_incref(security) : json_null());
}

static bool is_windows(const json_t *machine)
{
	return strcasestr(lf_json_text_or(machine, "os", ""), "windows") != NULL;
}

static int add_machine(const struct lf_resource *item, json_t *view)
{
	const json_t *machine = lf_json_at(item->state, "machine");
	bool uefi = strcasestr(lf_json_text_or(machine, "firmware", "bios"), "efi") != NULL;
	char internal[LF_GUID_SIZE];

	lf_guid_derive("siterecovery-item", item->id, internal);
	return lf_json_set_text(view, "internalIdentifier", internal) |
	       lf_json_set_text(view, "fabricDiscoveryMachineId",
				lf_json_text(item->doc, "details.fabricDiscoveryMachineId")) |
	       lf_json_set_text(view, "discoveryType",
				strcasestr(lf_json_text_or(item->doc,
							   "details.fabricDiscoveryMachineId", ""),
					   "/VMwareSites/")
					? "VCenter"
					: "Physical") |
	       lf_json_set_text(view, "processServerId",
				lf_json_text(item->doc, "details.processServerId")) |
	       lf_json_set_int(view, "processorCoreCount", lf_json_int_or(machine, "cores", 0)) |
	       lf_json_set(view, "allocatedMemoryInMB",
			   json_real((double)lf_json_int_or(machine, "memoryMiB", 0))) |
	       lf_json_set_text(view, "osType", is_windows(machine) ? "Windows" : "Linux") |
	       lf_json_set_text(view, "osName", lf_json_text_or(machine, "os", "")) |
	       lf_json_set_text(view, "firmwareType", uefi ? "UEFI" : "BIOS") |
	       lf_json_set_text(view, "targetGeneration", uefi ? "V2" : "V1") |
	       lf_json_set_text(view, "primaryNicIpAddress",
				lf_json_text_or(machine, "nics.0.ips.0", "")) |
	       lf_json_set_text(view, "targetLocation", lf_json_text(item->state, "region")) |
	       lf_json_set_text(view, "storageAccountId", NULL) |
	       lf_json_set(view, "supportedOSVersions", json_array());
}

static json_t *text_or_null(const json_t *doc, const char *path)
{
	const char *text = lf_json_text(doc, path);

	return text && *text ? json_string(text) : json_null();
}

static json_t *find_by(const json_t *list, const char *key, const char *value)
{
	size_t i;
	json_t *row;

	json_array_foreach ((json_t *)(uintptr_t)list, i, row)
		if (value && lf_text_equal_nocase(lf_json_text_or(row, key, ""), value))
			return row;
	return NULL;
}

/* Percentage and bytes of the initial replication; they stay as they were when it ended. */
static int add_progress(const json_t *replica, json_t *view)
{
	bool initial = strcmp(lf_json_text_or(replica, "phase", ""), "Initial") == 0;
	bool moving = lf_json_int_or(replica, "bytesPerSecond", 0) > 0;

	return lf_json_set_int(view, "initialReplicationProgressPercentage",
			       lf_json_int_or(replica, "percentage", 0)) |
	       lf_json_set_int(view, "initialReplicationProcessedBytes",
			       lf_json_int_or(replica, "processedBytes", 0)) |
	       lf_json_set_int(view, "initialReplicationTransferredBytes",
			       lf_json_int_or(replica, "transferredBytes", 0)) |
	       lf_json_set_text(view, "initialReplicationProgressHealth",
				!initial ? "None"
				: moving ? "InProgress"
					 : "NoProgress") |
	       lf_json_set(view, "resyncProgressPercentage", json_null()) |
	       lf_json_set(view, "resyncProcessedBytes", json_null()) |
	       lf_json_set(view, "resyncTransferredBytes", json_null()) |
	       lf_json_set_text(view, "resyncProgressHealth", "None") |
	       lf_json_set_text(view, "resyncRequired", "false") |
	       lf_json_set_text(view, "resyncState", "None");
}

static json_t *sync_details(const json_t *replica, const json_t *disk)
{
	int64_t size = lf_json_int_or(disk, "sizeBytes", 0);
	int64_t processed = lf_json_int_or(disk, "processedBytes", 0);
	bool started = processed > 0;
	int64_t percentage = size > 0 ? processed / (size / 100 + 1) : 0;

	return json_pack("{s:s,s:I,s:I,s:o,s:I,s:n,s:o,s:I}", "progressHealth",
			 started ? "InProgress" : "Queued", "transferredBytes",
			 (json_int_t)lf_json_int_or(disk, "transferredBytes", 0),
			 "last15MinutesTransferredBytes",
			 (json_int_t)lf_json_int_or(replica, "last15MinutesTransferredBytes", 0),
			 "lastDataTransferTimeUtc", text_or_null(replica, "lastHeartbeat"),
			 "processedBytes", (json_int_t)processed, "startTime", "lastRefreshTime",
			 text_or_null(replica, "lastHeartbeat"), "progressPercentage",
			 (json_int_t)(percentage > 100 ? 100 : percentage));
}

static json_t *disk_view(const struct lf_resource *item, const json_t *replica, const json_t *row)
{
	const char *id = lf_json_text_or(row, "diskId", "");
	const json_t *source = find_by(lf_json_at(item->state, "machine.disks"), "id", id);
	const json_t *disk = find_by(lf_json_at(replica, "disks"), "id", id);
	json_t *managed = json_object_get(lf_json_at(item->state, "failover.disks"), id);
	bool complete = lf_json_bool_or(disk, "initialComplete", false);
	char seed[LF_GUID_SIZE];

	lf_guid_derive(item->id, id, seed);
	LF_AUTO_FREE char *group =
		strdup(lf_json_text_or(item->doc, "details.targetResourceGroupId", ""));
	LF_AUTO_FREE char *seed_id = lf_printf_dup(
		"%s/providers/Microsoft.Compute/disks/asrseeddisk-%s", group ? group : "", seed);
	json_t *view = json_pack(
		"{s:s,s:o,s:s,s:I,s:s,s:o,s:o,s:s?,s:n,s:o,s:s,s:f,s:f,s:s,s:o,s:n,s:o}", "diskId",
		id, "diskName", source ? text_or_null(source, "name") : json_null(), "isOSDisk",
		lf_json_bool_or(source, "os", false) ? "true" : "false", "capacityInBytes",
		(json_int_t)lf_json_int_or(source, "sizeBytes", 0), "diskState",
		complete ? "Protected" : "InitialReplicationPending", "logStorageAccountId",
		text_or_null(row, "logStorageAccountId"), "diskEncryptionSetId",
		text_or_null(row, "diskEncryptionSetId"), "seedManagedDiskId", seed_id,
		"seedBlobUri", "targetManagedDiskId", managed ? json_incref(managed) : json_null(),
		"diskType", lf_json_text_or(row, "diskType", "Standard_LRS"),
		"dataPendingInLogDataStoreInMB", 0.0, "dataPendingAtSourceAgentInMB",
		(double)lf_json_int_or(disk, "pendingBytes", 0) / MIB,
		"isInitialReplicationComplete", complete ? "true" : "false", "irDetails",
		disk && !complete ? sync_details(replica, disk) : json_null(), "resyncDetails",
		"customTargetDiskName", text_or_null(row, "targetDiskName"));
	static const char *const numbers[] = {"sectorSizeInBytes", "iops", "throughputInMbps",
					      "diskSizeInGB"};
	for (size_t i = 0; view && i < LF_N(numbers); i++)
		if (lf_json_at(row, numbers[i]))
			json_object_set(view, numbers[i], lf_json_at(row, numbers[i]));
	return view;
}

static int add_disks(const struct lf_resource *item, const json_t *replica, json_t *view)
{
	const json_t *chosen = lf_json_at(item->doc, "disks");
	json_t *in = json_array(), *out = json_array(), *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)chosen, i, row)
		json_array_append_new(in, disk_view(item, replica, row));
	json_array_foreach (lf_json_at(item->state, "machine.disks"), i, row)
		if (!find_by(chosen, "diskId", lf_json_text_or(row, "id", "")))
			json_array_append_new(
				out,
				json_pack("{s:s,s:o,s:I}", "diskId", lf_json_text_or(row, "id", ""),
					  "diskName", text_or_null(row, "name"), "capacityInBytes",
					  (json_int_t)lf_json_int_or(row, "sizeBytes", 0)));
	return lf_json_set(view, "protectedDisks", in) | lf_json_set(view, "unprotectedDisks", out);
}

static const char *flag(const json_t *setting, const char *name, bool fallback)
{
	return lf_json_bool_or(setting, name, fallback) ? "true" : "false";
}

static json_t *nic_view(const struct lf_resource *item, const json_t *nic, size_t at)
{
	const char *id = lf_json_text_or(nic, "id", lf_json_text_or(nic, "mac", ""));
	const json_t *setting = find_by(lf_json_at(item->doc, "nics"), "nicId", id);
	const char *target_address = lf_json_text_or(setting, "targetStaticIPAddress", "");
	const char *test_address = lf_json_text_or(setting, "testStaticIPAddress", "");
	const json_t *details = lf_json_at(item->doc, "details");

	return json_pack(
		"{s:s,s:s,s:s,s:o,s:s,s:o,s:n,s:s,s:s,s:s?,s:s?,s:s,s:s,s:o}", "nicId", id,
		"isPrimaryNic", flag(setting, "isPrimaryNic", at == 0), "isSelectedForFailover",
		flag(setting, "isSelectedForFailover", true), "sourceIPAddress",
		text_or_null(nic, "ips.0"), "sourceIPAddressType", "Dynamic", "sourceNetworkId",
		text_or_null(nic, "network"), "sourceSubnetName", "targetIPAddress", target_address,
		"targetIPAddressType", *target_address ? "Static" : "Dynamic", "targetSubnetName",
		lf_json_text_or(setting, "targetSubnetName",
				lf_json_text(details, "targetSubnetName")),
		"testSubnetName",
		lf_json_text_or(setting, "testSubnetName", lf_json_text(details, "testSubnetName")),
		"testIPAddress", test_address, "testIPAddressType",
		*test_address ? "Static" : "Dynamic", "targetNicName",
		text_or_null(setting, "targetNicName"));
}

static int add_nics(const struct lf_resource *item, json_t *view)
{
	json_t *nics = json_array(), *nic;
	size_t i;

	json_array_foreach (lf_json_at(item->state, "machine.nics"), i, nic)
		json_array_append_new(nics, nic_view(item, nic, i));
	return lf_json_set(view, "vmNics", nics);
}

static int add_agent(const struct lf_resource *item, const json_t *replica, json_t *view)
{
	const char *version = lf_json_text_or(replica, "agentVersion",
					      lf_json_text_or(item->state, "machine.version", ""));
	bool latest = strcmp(version, LF_VERSION) == 0;
	json_t *agent =
		json_pack("{s:s,s:s,s:n,s:s,s:n,s:n,s:n,s:o,s:[s],s:s}", "version", version,
			  "latestVersion", LF_VERSION, "latestAgentReleaseDate", "driverVersion",
			  version, "latestUpgradableVersionWithoutReboot", "agentVersionExpiryDate",
			  "driverVersionExpiryDate", "lastHeartbeatUtc",
			  text_or_null(replica, "lastHeartbeat"), "reasonsBlockingUpgrade",
			  latest ? "AlreadyOnLatestVersion" : "UnsupportedProtectionScenario",
			  "isUpgradeable", "false");
	json_t *discovered =
		json_pack("{s:n,s:s,s:[],s:o,s:s,s:s,s:s,s:s,s:b,s:o}", "vCenterId", "vCenterFqdn",
			  "", "datastores", "ipAddresses",
			  lf_json_at(item->state, "machine.ips")
				  ? json_incref(lf_json_at(item->state, "machine.ips"))
				  : json_array(),
			  "vmwareToolsStatus", "NotRunning", "powerStatus",
			  lf_json_bool_or(replica, "agentConnected", false) ? "ON" : "Unknown",
			  "vmFqdn", lf_json_text_or(item->state, "machine.machineName", ""),
			  "osName", lf_json_text_or(item->state, "machine.os", ""), "isDeleted", 0,
			  "lastDiscoveryTimeInUtc", text_or_null(replica, "lastHeartbeat"));

	return lf_json_set(view, "mobilityAgentDetails", agent) |
	       lf_json_set(view, "discoveredVmDetails", discovered) |
	       lf_json_set_text(view, "agentUpgradeState", "None") |
	       lf_json_set(view, "lastAgentUpgradeType", json_null()) |
	       lf_json_set(view, "agentUpgradeJobId", json_null()) |
	       lf_json_set(view, "agentUpgradeAttemptToVersion", json_null()) |
	       lf_json_set_text(view, "isLastUpgradeSuccessful", "false") |
	       lf_json_set_bool(view, "isAgentRegistrationSuccessfulAfterFailover", false) |
	       lf_json_set(view, "lastAgentUpgradeErrorDetails", json_array()) |
	       lf_json_set(view, "agentUpgradeBlockingErrorDetails", json_array());
}

static json_t *point_id(const struct lf_resource *item, const char *name)
{
	if (!name || !*name)
		return json_null();
	LF_AUTO_FREE char *id = lf_id_child(item->id, "recoveryPoints", name);
	return id ? json_string(id) : NULL;
}

static int add_points(const struct lf_resource *item, const json_t *replica, json_t *view)
{
	json_t *rpo = lf_json_at(replica, "rpoSeconds");

	return lf_json_set(view, "failoverRecoveryPointId",
			   point_id(item, lf_json_text(item->state, "failover.point"))) |
	       lf_json_set(view, "lastRecoveryPointReceived",
			   text_or_null(replica, "lastPointTime")) |
	       lf_json_set(view, "lastRecoveryPointId",
			   point_id(item, lf_json_text(replica, "lastPointId"))) |
	       lf_json_set(view, "lastRpoInSeconds", rpo ? json_incref(rpo) : json_null()) |
	       lf_json_set(view, "lastRpoCalculatedTime", text_or_null(replica, "rpoCalculatedAt"));
}

static json_t *provider_details(const struct lf_resource *item, const json_t *replica)
{
	LF_AUTO_JSON *view = json_pack("{s:s}", "instanceType", LF_SR_INSTANCE);
	char host[256];

	lf_sr_host_name(host, sizeof(host));
	if (!view || add_machine(item, view) | add_settings(item, view) |
			     lf_json_set_text(view, "processServerName", host) |
			     add_points(item, replica, view) | add_progress(replica, view) |
			     add_disks(item, replica, view) | add_nics(item, view) |
			     add_agent(item, replica, view))
		return NULL;
	return lf_steal(&view);
}

/* The job that works on the item, or the test failover that waits for its clean-up. */
static json_t *current_scenario(const struct lf_resource *item, const char *vault_id)
{
	const char *scenario = lf_json_text(item->state, "current.scenario");
	const char *job = lf_json_text_or(item->state, "current.job", "None");
	const char *start =
		lf_json_text_or(item->state, "current.startTime", "1753-01-01T01:01:01Z");

	if (!scenario && lf_sr_phase_of(item->state) == LF_SR_TESTED) {
		scenario = "TestFailover";
		job = lf_json_text_or(item->state, "test.job", job);
		start = lf_json_text_or(item->state, "test.startTime", start);
	}
	LF_AUTO_FREE char *id = lf_id_child(vault_id, "replicationJobs", job);
	return json_pack("{s:s,s:s?,s:s}", "scenarioName", scenario ? scenario : "None", "jobId",
			 id, "startTime", start);
}

static const char *test_description(const char *state)
{
	if (strcmp(state, "WaitingForCompletion") == 0)
		return "Waiting for user input";
	return strcmp(state, "MarkedForDeletion") == 0 ? "Cleaning up test environment" : "None";
}

static int add_names(const struct lf_resource *item, json_t *view)
{
	char fabric[256] = "", container[256] = "", server[LF_GUID_SIZE];
	LF_AUTO_FREE char *fabric_id = strdup(item->id);

	if (!fabric_id)
		return -1;
	char *end = strcasestr(fabric_id, "/replicationProtectionContainers/");
	if (end)
		*end = '\0';
	lf_sr_process_server_id(fabric_id, server);
	LF_AUTO_FREE char *dra =
		lf_id_child(fabric_id, "replicationRecoveryServicesProviders", server);
	lf_arm_id_segment(item->id, "replicationFabrics", fabric, sizeof(fabric));
	lf_arm_id_segment(item->id, "replicationProtectionContainers", container,
			  sizeof(container));
	return lf_json_set_text(view, "friendlyName", lf_json_text(item->doc, "friendlyName")) |
	       lf_json_set_text(view, "protectedItemType", "") |
	       lf_json_set(view, "protectableItemId",
			   text_or_null(item->doc, "protectableItemId")) |
	       lf_json_set_text(view, "recoveryServicesProviderId", dra) |
	       lf_json_set_text(view, "primaryFabricFriendlyName", fabric) |
	       lf_json_set_text(view, "primaryFabricProvider", "InMageRcmFabric") |
	       lf_json_set_text(view, "recoveryFabricFriendlyName", "Microsoft Azure") |
	       lf_json_set_text(view, "recoveryFabricId", "Microsoft Azure") |
	       lf_json_set_text(view, "primaryProtectionContainerFriendlyName", container) |
	       lf_json_set_text(view, "recoveryProtectionContainerFriendlyName", "Microsoft Azure");
}

static int add_state(const struct lf_resource *item, const char *vault_id, const json_t *replica,
		     json_t *view)
{
	enum lf_sr_phase phase = lf_sr_phase_of(item->state);
	const struct lf_sr_phase_row *row = lf_sr_phase_row(phase);
	const char *test = lf_json_text_or(item->state, "testFailoverState", "None");
	const json_t *health = lf_json_at(replica, "health");
	bool busy = lf_json_at(item->state, "current") != NULL;

	return lf_json_set_text(view, "protectionState", row->protection_state) |
	       lf_json_set_text(view, "protectionStateDescription", row->description) |
	       lf_json_set_text(view, "activeLocation", row->active_location) |
	       lf_json_set_text(view, "testFailoverState", test) |
	       lf_json_set_text(view, "testFailoverStateDescription", test_description(test)) |
	       lf_json_set_text(view, "switchProviderState", "None") |
	       lf_json_set_text(view, "switchProviderStateDescription", NULL) |
	       lf_json_set(view, "allowedOperations",
			   busy ? json_array() : lf_sr_allowed_operations(phase)) |
	       lf_json_set_text(view, "replicationHealth", lf_sr_health_word(health)) |
	       lf_json_set_text(view, "failoverHealth", "Normal") |
	       lf_json_set(view, "healthErrors", lf_sr_health_errors(health, item->id)) |
	       lf_json_set(view, "lastSuccessfulFailoverTime",
			   text_or_null(item->state, "lastFailoverTime")) |
	       lf_json_set(view, "lastSuccessfulTestFailoverTime",
			   text_or_null(item->state, "lastTestFailoverTime")) |
	       lf_json_set(view, "currentScenario", current_scenario(item, vault_id)) |
	       lf_json_set(view, "failoverRecoveryPointId",
			   point_id(item, lf_json_text(item->state, "failover.point")));
}

static int show_item(struct lf_arm_call *call, const struct lf_resource *item,
		     json_t **ret_properties, struct lf_error *err)
{
	const char *policy = lf_json_text_or(item->doc, "policyId", "");
	LF_AUTO_FREE char *vault_id = lf_id_above(item->id, LF_SR_TYPE_VAULT);
	LF_AUTO_JSON *replica = NULL;
	LF_AUTO_JSON *view = json_object();

	int rc = lf_replica_get(lf_arm_context(call)->replication, item->id, &replica, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	if (!vault_id || !view ||
	    add_names(item, view) | add_state(item, vault_id, replica, view) |
		    lf_json_set_text(view, "policyId", policy) |
		    lf_json_set_text(view, "policyFriendlyName", lf_arm_id_last(policy)) |
		    lf_json_set_text(view, "recoveryContainerId", "Microsoft Azure") |
		    lf_json_set_text(view, "eventCorrelationId",
				     lf_json_text_or(item->state, "agentId", "")) |
		    lf_json_set(view, "providerSpecificDetails", provider_details(item, replica)))
		return lf_fail_nomem(err);
	*ret_properties = lf_steal(&view);
	return 0;
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
