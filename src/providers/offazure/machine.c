/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what an agent says of itself to the document of a discovered machine.
 * The members of both published versions are given: they differ in a few
 * spellings (allocatedMemoryInMB, allocatedMemoryInMb).
 */
#include <string.h>

#include "base/text.h"
#include "providers/offazure/offazure.h"

static bool is_server_site(const char *site_id)
{
	char name[260];

	return lf_arm_id_segment(site_id, "ServerSites", name, sizeof(name));
}

static json_t *view_disks(const json_t *agent)
{
	json_t *disks = json_array(), *disk;
	size_t i;

	json_array_foreach (lf_json_at(agent, "disks"), i, disk) {
		const char *id = lf_json_text_or(disk, "id", "");
		/* the OS disk has LUN -1 among ours; here a disk's place on its controller */
		int64_t lun = lf_json_int_or(disk, "lun", (int64_t)i);
		json_array_append_new(
			disks,
			json_pack("{s:s,s:s,s:s,s:s?,s:s?,s:s?,s:I,s:s,s:I,s:b}", "uuid", id, "id",
				  id, "generatedId", id, "name", lf_json_text(disk, "name"),
				  "label", lf_json_text(disk, "name"), "path",
				  lf_json_text(disk, "path"), "maxSizeInBytes",
				  (json_int_t)lf_json_int_or(disk, "sizeBytes", 0), "diskType",
				  "Basic", "lun", (json_int_t)(lun < 0 ? 0 : lun), "isOSDisk",
				  lf_json_bool_or(disk, "os", lun < 0)));
	}
	return disks;
}

static json_t *view_nics(const json_t *agent)
{
	json_t *nics = json_array(), *nic;
	size_t i;

	json_array_foreach (lf_json_at(agent, "nics"), i, nic) {
		const char *mac = lf_json_text_or(nic, "mac", "");
		const char *id = lf_json_text(nic, "id");
		json_t *ips = lf_json_at(nic, "ips");
		json_array_append_new(
			nics,
			json_pack("{s:s,s:s,s:s,s:o,s:s,s:s}", "nicId", id ? id : mac, "label",
				  id ? id : mac, "macAddress", mac, "ipAddressList",
				  ips ? json_deep_copy(ips) : json_array(), "networkName",
				  lf_json_text_or(nic, "network", ""), "ipAddressType", "Unknown"));
	}
	return nics;
}

/* A pre-flight check that failed is an error of the machine, with its advice. */
static json_t *view_errors(const json_t *agent)
{
	json_t *errors = json_array(), *check;
	size_t i;

	json_array_foreach (lf_json_at(agent, "preflight"), i, check) {
		const char *reason = lf_json_text_or(check, "reason", "");
		if (lf_json_bool_or(check, "ok", true))
			continue;
		json_array_append_new(
			errors,
			json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "id", (json_int_t)i + 1,
				  "code", lf_json_text_or(check, "check", ""), "message", reason,
				  "summaryMessage", reason, "possibleCauses", reason,
				  "recommendedAction", lf_json_text_or(check, "advice", ""),
				  "severity", "Error", "applianceName",
				  lf_json_text_or(agent, "machineName", "")));
	}
	return errors;
}

static json_t *view_system(const json_t *agent)
{
	const char *name = lf_json_text_or(agent, "os", "Linux");
	bool windows = lf_text_starts_nocase(name, "Windows") ||
		       lf_text_starts_nocase(name, "Microsoft Windows");

	return json_pack("{s:s,s:s,s:s,s:s}", "osType", windows ? "windowsguest" : "linuxguest",
			 "osName", name, "osVersion", lf_json_text_or(agent, "osVersion", ""),
			 "osArchitecture", lf_json_text_or(agent, "architecture", "x86_64"));
}

static bool is_uefi(const json_t *agent)
{
	const char *firmware = lf_json_text_or(agent, "firmware", "");

	return lf_text_equal_nocase(firmware, "uefi") || lf_text_equal_nocase(firmware, "efi");
}

static int add_common(json_t *properties, const json_t *agent)
{
	const char *name = lf_json_text_or(agent, "machineName", "");
	const char *bios = lf_json_text_or(agent, "biosId", "");
	const char *heard = lf_json_text_or(agent, "lastHeartbeat", "");
	const char *firmware = is_uefi(agent) ? "EFI" : "BIOS";
	int64_t memory = lf_json_int_or(agent, "memoryMiB", 0);

	return lf_json_set_text(properties, "displayName", name) |
	       lf_json_set(properties, "disks", view_disks(agent)) |
	       lf_json_set(properties, "networkAdapters", view_nics(agent)) |
	       lf_json_set_text(properties, "firmware", firmware) |
	       lf_json_set_text(properties, "bootType",
				lf_json_text_or(agent, "bootType", firmware)) |
	       lf_json_set(properties, "operatingSystemDetails", view_system(agent)) |
	       lf_json_set(properties, "guestOSDetails", view_system(agent)) |
	       lf_json_set(properties, "guestOsDetails", view_system(agent)) |
	       lf_json_set_int(properties, "numberOfProcessorCore",
			       lf_json_int_or(agent, "cores", 0)) |
	       lf_json_set_int(properties, "allocatedMemoryInMB", memory) |
	       lf_json_set_int(properties, "allocatedMemoryInMb", memory) |
	       lf_json_set_text(properties, "biosSerialNumber", bios) |
	       lf_json_set_text(properties, "biosGuid", bios) |
	       lf_json_set_bool(properties, "isDeleted", false) |
	       lf_json_set_text(properties, "createdTimestamp",
				lf_json_text_or(agent, "registered", heard)) |
	       lf_json_set_text(properties, "updatedTimestamp", heard) |
	       lf_json_set(properties, "applianceNames", json_pack("[s]", name)) |
	       lf_json_set(properties, "errors", view_errors(agent)) |
	       lf_json_set_text(properties, "provisioningState", "Succeeded");
}

json_t *lf_offazure_machine(const char *site_id, const json_t *agent)
{
	const char *agent_id = lf_json_text_or(agent, "agentId", "");
	const char *name = lf_json_text_or(agent, "machineName", "");
	LF_AUTO_FREE char *id = lf_printf_dup("%s/machines/%s", site_id, agent_id);
	LF_AUTO_JSON *machine = json_object();
	bool server = is_server_site(site_id),
	     connected = lf_json_bool_or(agent, "connected", false);

	if (!id || !machine)
		return NULL;
	LF_AUTO_JSON *properties =
		server ? json_pack("{s:s,s:s,s:s}", "fqdn", name, "hydratedFqdn", name,
				   "validationRequired", "false")
		       : json_pack("{s:s,s:s,s:s,s:b,s:b,s:s}", "vmFqdn", name, "instanceUuid",
				   lf_json_text_or(agent, "biosId", ""), "powerStatus",
				   connected ? "ON" : "UNKNOWN", "changeTrackingSupported", true,
				   "changeTrackingEnabled", true, "vMwareToolsStatus", "OK");
	if (!properties || add_common(properties, agent) || lf_json_set_text(machine, "id", id) ||
	    lf_json_set_text(machine, "name", agent_id) ||
	    lf_json_set_text(machine, "type",
			     server ? LF_SERVER_SITE_TYPE "/machines"
				    : LF_VMWARE_SITE_TYPE "/machines") ||
	    lf_json_set(machine, "properties", json_incref(properties)))
		return NULL;
	return lf_steal(&machine);
}
