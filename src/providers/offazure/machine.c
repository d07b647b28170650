/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what an agent says of itself to the document of a discovered machine.
 * The members of both published versions are given: they differ in a few
 * spellings (allocatedMemoryInMB, allocatedMemoryInMb).  What an agent does not
 * look for (applications, databases, dependencies) says that it is not looked for.
 */
#include <string.h>

#include "base/text.h"
#include "json/view.h"
#include "providers/offazure/internal.h"

#define GIB	 1073741824.0
#define DISABLED "\"Disabled\""

/* What nothing is looked for in, in the shapes of the description. */
#define NO_ERRORS                                                                                  \
	"{\"discoveryScopeStatus\": \"Disabled\", \"errors\": [], "                                \
	"\"hydratedRunAsAccountId\": null}"
#define NO_SQL                                                                                     \
	"{\"discoveryScopeStatus\": \"Disabled\", \"successfullyDiscoveredServerCount\": 0, "      \
	"\"totalServerCount\": 0, \"sqlMetadataHydratedRunAsAccountId\": null, "                   \
	"\"sqlMetadataDiscoveryPipe\": \"Unknown\"}"
#define NO_WEB                                                                                     \
	"{\"discoveryScopeStatus\": \"Disabled\", \"totalWebServerCount\": 0, "                    \
	"\"totalWebApplicationCount\": 0}"
#define NO_COUNTS(other)                                                                           \
	"{\"discoveryScopeStatus\": \"Disabled\", \"shallowDiscoveryStatus\": \"Disabled\", "      \
	"\"totalInstanceCount\": 0, \"" other "\": 0}"
#define NO_APPS                                                                                    \
	"{\"applications\": [], \"webApplications\": [], \"features\": [], \"sqlServers\": [], "   \
	"\"sharePointServers\": [], \"systemCenters\": [], \"bizTalkServers\": [], "               \
	"\"exchangeServers\": [], \"otherDatabases\": []}"
#define NO_SUPPORT                                                                                 \
	"{\"currentVersion\": null, \"esuStatus\": \"Unknown\", \"supportStatus\": \"Unknown\", "  \
	"\"supportEndDate\": null, \"esuYear\": \"Unknown\"}"

static const struct lf_view_row machine_rows[] = {
	{"displayName", LF_VIEW_ANY, 0, "machineName", "\"\""},
	{"numberOfProcessorCore", LF_VIEW_INT, 0, "cores", "0"},
	{"processorInfo.name", LF_VIEW_TEXT, 0, "processor"},
	{"processorInfo.numberOfSockets"},
	{"processorInfo.numberOfCoresPerSocket"},
	{"biosSerialNumber", LF_VIEW_ANY, 0, "biosId", "\"\""},
	{"biosGuid", LF_VIEW_ANY, 0, "biosId", "\"\""},
	{"ipAddresses", LF_VIEW_ANY, 0, "ips", "[]"},
	{"isDeleted", .fallback = "false"},
	{"updatedTimestamp", LF_VIEW_ANY, 0, "lastHeartbeat", "\"\""},
	{"guestDetailsDiscoveryTimestamp", LF_VIEW_TEXT, 0, "lastHeartbeat"},
	{"isGuestDetailsDiscoveryInProgress", .fallback = "false"},
	{"provisioningState", .fallback = "\"Succeeded\""},
	{"tags", .fallback = "{}"},
	/* not said by agents */
	{"hypervisor"},
	{"discoverySource", .fallback = "\"Appliance\""},
	{"appliancePropertiesCollection", .fallback = "[]"},
	{"arcDiscovery"},
	{"totalFreeSpaceOfAllDisksInGB"},
	{"productSupportStatus", .fallback = NO_SUPPORT},
	/* not looked for */
	{"numberOfApplications", .fallback = "0"},
	{"numberOfSoftware", .fallback = "0"},
	{"numberOfSecurityRisks", .fallback = "0"},
	{"totalApplicationCount", .fallback = "0"},
	{"totalInstanceCount", .fallback = "0"},
	{"isFileServerSupported", .fallback = "false"},
	{"discoveredWorkloads", .fallback = "[]"},
	{"dependencyMapping", .fallback = DISABLED},
	{"autoEnableDependencyMapping", .fallback = DISABLED},
	{"dependencyMappingStartTime"},
	{"dependencyMappingEndTime"},
	{"appsAndRoles", .fallback = NO_APPS},
	{"applicationDiscovery", .fallback = NO_ERRORS},
	{"dependencyMapDiscovery", .fallback = NO_ERRORS},
	{"staticDiscovery", .fallback = NO_ERRORS},
	{"fileShareDiscovery", .fallback = NO_ERRORS},
	{"sqlDiscovery", .fallback = NO_SQL},
	{"webAppDiscovery", .fallback = NO_WEB},
	{"iisDiscovery", .fallback = NO_WEB},
	{"tomcatDiscovery", .fallback = NO_WEB},
	{"oracleDiscovery", .fallback = NO_COUNTS("totalDatabaseCount")},
	{"mySQLDiscovery", .fallback = NO_COUNTS("totalDatabaseCount")},
	{"pgSQLDiscovery", .fallback = NO_COUNTS("totalDatabaseCount")},
	{"springBootDiscovery", .fallback = NO_COUNTS("totalApplicationCount")},
};
static const struct lf_view_row server_rows[] = {
	{"fqdn", LF_VIEW_ANY, 0, "machineName", "\"\""},
	{"hydratedFqdn", LF_VIEW_ANY, 0, "machineName", "\"\""},
	{"validationRequired", .fallback = "\"false\""},
};
static const struct lf_view_row vmware_rows[] = {
	{"vmFqdn", LF_VIEW_ANY, 0, "machineName", "\"\""},
	{"instanceUuid", LF_VIEW_ANY, 0, "biosId", "\"\""},
	{"changeTrackingSupported", .fallback = "true"},
	{"changeTrackingEnabled", .fallback = "true"},
	{"vMwareToolsStatus", .fallback = "\"OK\""},
};

static bool is_server_site(const char *site_id)
{
	char name[260];

	return lf_arm_id_segment(site_id, "ServerSites", name, sizeof(name));
}

/* One id by all its names: an enable request wants it as diskId. */
static json_t *disk_of(const json_t *disk, size_t at)
{
	static const struct lf_view_row rows[] = {
		{"name", LF_VIEW_ANY, 0, "name"},
		{"label", LF_VIEW_ANY, 0, "name"},
		{"path", LF_VIEW_ANY, 0, "path"},
		{"maxSizeInBytes", LF_VIEW_INT, 0, "sizeBytes", "0"},
		{"usedSpaceInBytes"},
		{"usedSpaceInBytesV2"},
		{"logicalSectorSizeInBytes", LF_VIEW_INT, 0, "sectorBytes", "512"},
		{"diskType", .fallback = "\"Basic\""},
	};
	static const char *const names[] = {"diskId", "uuid", "id", "generatedId"};
	const char *id = lf_json_text_or(disk, "id", "");
	/* the OS disk has LUN -1 among ours; here a disk's place on its controller */
	int64_t lun = lf_json_int_or(disk, "lun", (int64_t)at);
	LF_AUTO_DOC view = LF_DOC_INIT;

	for (size_t i = 0; i < LF_N(names); i++)
		lf_doc_text(&view, names[i], id);
	lf_view_put(&view, rows, LF_N(rows), &disk);
	lf_doc_int(&view, "lun", lun < 0 ? 0 : lun);
	lf_doc_bool(&view, "isOSDisk", lf_json_bool_or(disk, "os", lun < 0));
	return lf_doc_take(&view);
}

static void put_disks(struct lf_doc *view, const json_t *agent)
{
	double bytes = 0;
	size_t i;
	json_t *disk;

	lf_doc_put(view, "disks", json_array());
	json_array_foreach (lf_json_at(agent, "disks"), i, disk) {
		bytes += (double)lf_json_int_or(disk, "sizeBytes", 0);
		lf_doc_append(view, "disks", disk_of(disk, i));
	}
	lf_doc_put(view, "totalDiskSizeInGB", json_real(bytes / GIB));
}

static json_t *nic_of(const json_t *nic)
{
	static const struct lf_view_row rows[] = {
		{"macAddress", LF_VIEW_ANY, 0, "mac", "\"\""},
		{"ipAddressList", LF_VIEW_ANY, 0, "ips", "[]"},
		{"networkName", LF_VIEW_ANY, 0, "network", "\"\""},
		{"ipAddressType", .fallback = "\"Unknown\""},
	};
	const char *id = lf_json_text_or(nic, "id", lf_json_text_or(nic, "mac", ""));
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_doc_text(&view, "nicId", id);
	lf_doc_text(&view, "label", id);
	lf_view_put(&view, rows, LF_N(rows), &nic);
	return lf_doc_take(&view);
}

static void put_nics(struct lf_doc *view, const json_t *agent)
{
	size_t i;
	json_t *nic;

	lf_doc_put(view, "networkAdapters", json_array());
	json_array_foreach (lf_json_at(agent, "nics"), i, nic)
		lf_doc_append(view, "networkAdapters", nic_of(nic));
}

static json_t *error_of(const json_t *agent, const json_t *check, size_t at)
{
	static const struct lf_view_row rows[] = {
		{"code", LF_VIEW_ANY, 0, "check", "\"\""},
		{"message", LF_VIEW_ANY, 0, "reason", "\"\""},
		{"summaryMessage", LF_VIEW_ANY, 0, "reason", "\"\""},
		{"possibleCauses", LF_VIEW_ANY, 0, "reason", "\"\""},
		{"recommendedAction", LF_VIEW_ANY, 0, "advice", "\"\""},
		{"severity", .fallback = "\"Error\""},
	};
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_doc_int(&view, "id", (int64_t)at + 1);
	lf_view_put(&view, rows, LF_N(rows), &check);
	lf_doc_text(&view, "applianceName", lf_json_text_or(agent, "machineName", ""));
	return lf_doc_take(&view);
}

/* A pre-flight check that failed is an error of the machine, with its advice. */
static void put_errors(struct lf_doc *view, const json_t *agent)
{
	int64_t n = 0;
	size_t i;
	json_t *check;

	lf_doc_put(view, "errors", json_array());
	json_array_foreach (lf_json_at(agent, "preflight"), i, check) {
		if (lf_json_bool_or(check, "ok", true))
			continue;
		lf_doc_append(view, "errors", error_of(agent, check, i));
		n++;
	}
	lf_doc_int(view, "distinctErrorCount", n);
}

static void put_system(struct lf_doc *view, const char *member, const json_t *agent)
{
	static const struct lf_view_row rows[] = {
		{"osName", LF_VIEW_ANY, 0, "os", "\"Linux\""},
		{"osVersion", LF_VIEW_ANY, 0, "osVersion", "\"\""},
		{"osArchitecture", LF_VIEW_ANY, 0, "architecture", "\"x86_64\""},
	};
	const char *name = lf_json_text_or(agent, "os", "Linux");
	bool windows = lf_text_starts_nocase(name, "Windows") ||
		       lf_text_starts_nocase(name, "Microsoft Windows");
	LF_AUTO_DOC system = LF_DOC_INIT;

	lf_doc_text(&system, "osType", windows ? "windowsguest" : "linuxguest");
	lf_view_put(&system, rows, LF_N(rows), &agent);
	lf_doc_put(view, member, lf_doc_take(&system));
}

static void put_common(struct lf_doc *view, const char *site_id, const json_t *agent)
{
	static const char *const systems[] = {"operatingSystemDetails", "guestOSDetails",
					      "guestOsDetails"};
	static const char *const memories[] = {"allocatedMemoryInMB", "allocatedMemoryInMb"};
	LF_AUTO_FREE char *account = lf_offazure_own_account(site_id);
	bool uefi = strcasestr(lf_json_text_or(agent, "firmware", ""), "efi") != NULL;
	double memory = (double)lf_json_int_or(agent, "memoryMiB", 0);
	char appliance[256];

	lf_offazure_appliance(appliance, sizeof(appliance));
	lf_view_put(view, machine_rows, LF_N(machine_rows), &agent);
	put_disks(view, agent);
	put_nics(view, agent);
	put_errors(view, agent);
	for (size_t i = 0; i < LF_N(systems); i++)
		put_system(view, systems[i], agent);
	for (size_t i = 0; i < LF_N(memories); i++)
		lf_doc_put(view, memories[i], json_real(memory));
	lf_doc_text(view, "firmware", uefi ? "UEFI" : "BIOS");
	lf_doc_text(view, "bootType", lf_json_text_or(agent, "bootType", uefi ? "EFI" : "BIOS"));
	lf_doc_text(
		view, "createdTimestamp",
		lf_json_text_or(agent, "registered", lf_json_text_or(agent, "lastHeartbeat", "")));
	lf_doc_append(view, "applianceNames", json_string(appliance));
	lf_doc_text(view, "runAsAccountId", account);
}

json_t *lf_offazure_machine(const char *site_id, const json_t *agent)
{
	const char *agent_id = lf_json_text_or(agent, "agentId", "");
	LF_AUTO_DOC properties = LF_DOC_INIT, machine = LF_DOC_INIT;

	lf_doc_printf(&machine, "id", "%s/machines/%s", site_id, agent_id);
	lf_doc_text(&machine, "name", agent_id);
	if (is_server_site(site_id)) {
		lf_view_put(&properties, server_rows, LF_N(server_rows), &agent);
		lf_doc_text(&machine, "type", LF_SERVER_SITE_TYPE "/machines");
	} else {
		bool on = lf_json_bool_or(agent, "connected", false);
		lf_view_put(&properties, vmware_rows, LF_N(vmware_rows), &agent);
		lf_doc_text(&properties, "powerStatus", on ? "ON" : "UNKNOWN");
		lf_doc_text(&machine, "type", LF_VMWARE_SITE_TYPE "/machines");
	}
	put_common(&properties, site_id, agent);
	/* it changes when the agent is heard */
	lf_doc_printf(&machine, "eTag", "\"%s\"", lf_json_text_or(agent, "lastHeartbeat", ""));
	lf_doc_put(&machine, "tags", json_object());
	lf_doc_put(&machine, "properties", lf_doc_take(&properties));
	return lf_doc_take(&machine);
}
