/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/compute/plan.h"

#include "providers/compute/attach.h"

#include <string.h>

#define GIB ((int64_t)1 << 30)

#define LF_MACHINE_IP_CONFIGURATION "ipconfig1"

void lf_machine_guid(const struct lf_context *context, const char *id, const char *kind,
		     char out[static LF_GUID_SIZE])
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(id);
	LF_AUTO_FREE char *space = lf_printf_dup("%s/%s", context->tenant_id, kind);

	LF_ASSERT(lower && space);
	lf_guid_derive(space, lower, out);
}

void lf_machine_host_guid(struct lf_context *context, const char *vm_id,
			  char out[static LF_GUID_SIZE])
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	struct lf_error ignored;

	lf_machine_guid(context, vm_id, "vm", out);
	if (lf_catalog_get(context->catalog, vm_id, &vm, &ignored) == 0)
		snprintf(out, LF_GUID_SIZE, "%s", lf_json_text_or(vm.state, "plan.vm.guid", out));
}

char *lf_machine_sibling(const char *vm_id, const char *type, const char *name)
{
	char subscription[128], group[128];

	if (!lf_arm_id_segment(vm_id, "subscriptions", subscription, sizeof(subscription)) ||
	    !lf_arm_id_segment(vm_id, "resourceGroups", group, sizeof(group)))
		return NULL;
	return lf_printf_dup("/subscriptions/%s/resourceGroups/%s/providers/%s/%s", subscription,
			     group, type, name);
}

/* The host's network for an ARM network: all its subnets; isolated ones are another network. */
static int host_network(struct lf_context *context, const char *network_id, bool isolated,
			char guid[static LF_GUID_SIZE], json_t **ret_network, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SUBNET_TYPE, .below = network_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *subnets = json_array();
	struct lf_prefix prefix;
	char text[LF_PREFIX_SIZE];

	lf_machine_guid(context, network_id, isolated ? "test-network" : "network", guid);
	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		rc = lf_network_subnet_prefix(&list.items[i], &prefix, err);
		if (rc)
			return rc;
		lf_prefix_format(&prefix, text);
		if (json_array_append_new(subnets, json_pack("{s:s, s:s}", "name",
							     lf_arm_id_last(list.items[i].id),
							     "prefix", text)))
			return lf_fail_nomem(err);
	}
	if (rc)
		return rc;
	json_t *network =
		json_pack("{s:s, s:s, s:b, s:O}", "guid", guid, "name", lf_arm_id_last(network_id),
			  "isolated", (int)isolated, "subnets", subnets);
	if (!network)
		return lf_fail_nomem(err);
	*ret_network = network;
	return 0;
}

/* Azure's way to write one: 00-0D-3A is Microsoft's, the rest is derived from the NIC's id. */
static void choose_mac(const char *guid, char out[static 18])
{
	snprintf(out, 18, "00-0D-3A-%.2s-%.2s-%.2s", guid, guid + 2, guid + 4);
	for (char *p = out; *p; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 32);
}

/* The plan's rows of one interface. */
static int add_nic(json_t *plan, json_t *network, const char *guid, const char *subnet,
		   const char *address, json_t *row, struct lf_error *err)
{
	LF_AUTO_JSON *own = row;
	int failed = json_array_append(lf_json_at(plan, "networks"), network);

	failed |= json_array_append_new(
		lf_json_at(plan, "vm.nics"),
		json_pack("{s:s, s:s?, s:s, s:s, s:s}", "guid", guid, "network",
			  lf_json_text(network, "guid"), "subnet", subnet, "mac",
			  lf_json_text_or(row, "mac", ""), "address", address));
	failed |= json_array_append(lf_json_at(plan, "nics"), own);
	return failed ? lf_fail_nomem(err) : 0;
}

/* An interface that its user made: address and subnet are its own already. */
static int plan_own_nic(struct lf_context *context, const json_t *machine, const json_t *nic,
			json_t *plan, struct lf_error *err)
{
	const char *id = lf_json_text_or(nic, "id", "");
	char nic_guid[LF_GUID_SIZE], network_guid[LF_GUID_SIZE], mac[18];
	LF_AUTO_RESOURCE own = LF_RESOURCE_INIT;
	LF_AUTO_JSON *host = NULL;

	int rc = lf_catalog_get(context->catalog, id, &own, err);
	if (rc)
		return rc;
	const json_t *config = lf_json_at(own.doc, "properties.ipConfigurations.0.properties");
	const char *subnet_id = lf_json_text_or(config, "subnet.id", "");
	const char *subnet = lf_arm_id_last(subnet_id);
	LF_AUTO_FREE char *network_id =
		strndup(subnet_id, strlen(subnet_id) > strlen(subnet) + strlen("/subnets/")
					   ? (size_t)(subnet - subnet_id) - strlen("/subnets/")
					   : 0);
	if (!network_id)
		return lf_fail_nomem(err);
	rc = host_network(context, network_id, lf_json_bool_or(machine, "isolated", false),
			  network_guid, &host, err);
	if (rc)
		return rc;
	lf_machine_guid(context, id, "nic", nic_guid);
	choose_mac(nic_guid, mac);
	const char *address = lf_json_text_or(config, "privateIPAddress", "");
	json_t *row = json_pack("{s:s, s:s, s:s, s:b, s:s, s:b, s:b}", "id", own.id, "subnetId",
				subnet_id, "address", address, "static", 1, "mac",
				lf_json_text_or(own.doc, "properties.macAddress", mac), "primary",
				(int)lf_json_bool_or(nic, "primary", false), "own", 1);
	return row ? add_nic(plan, host, nic_guid, subnet, address, row, err) : lf_fail_nomem(err);
}

/*
 * An address asked for that is taken, or is of another subnet (a test network's prefix may
 * differ), gives way to the next free one, as the failover documents say.
 */
static int plan_nic(struct lf_context *context, const json_t *machine, const json_t *nic,
		    json_t *plan, struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_machine_sibling(lf_json_text_or(machine, "id", ""), LF_NIC_TYPE,
						   lf_json_text_or(nic, "name", "nic"));
	LF_AUTO_FREE char *owner =
		lf_printf_dup("%s/ipConfigurations/" LF_MACHINE_IP_CONFIGURATION, id ? id : "");
	const char *wanted = lf_json_text(nic, "address");
	char nic_guid[LF_GUID_SIZE], network_guid[LF_GUID_SIZE], address[LF_ADDRESS_SIZE], mac[18];
	LF_AUTO_RESOURCE subnet = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *network_id = NULL;
	LF_AUTO_JSON *host = NULL;

	if (!id || !owner)
		return lf_fail(err, LF_EINVAL, "id", "the machine's id is not a resource id");
	if (lf_json_text(nic, "id"))
		return plan_own_nic(context, machine, nic, plan, err);
	int rc = lf_network_subnet(context, lf_json_text_or(nic, "networkId", ""),
				   lf_json_text(nic, "subnet"), &subnet, err);
	if (rc)
		return lf_error_wrap(err, "network of NIC %s", lf_arm_id_last(id));
	const char *name = lf_arm_id_last(subnet.id);
	network_id = strndup(subnet.id, (size_t)(name - subnet.id) - strlen("/subnets/"));
	if (!network_id)
		return lf_fail_nomem(err);
	const struct lf_address_request request = {.network_id = network_id,
						   .subnet = name,
						   .owner = owner,
						   .wanted = wanted,
						   .or_next = true};
	rc = lf_network_address_take(context, &request, address, err);
	if (!rc)
		rc = host_network(context, network_id, lf_json_bool_or(machine, "isolated", false),
				  network_guid, &host, err);
	if (rc)
		return rc;
	lf_machine_guid(context, id, "nic", nic_guid);
	choose_mac(nic_guid, mac);
	const char *own_mac = lf_json_text_or(nic, "mac", mac);
	json_t *row = json_pack("{s:s, s:s, s:s, s:b, s:s, s:b}", "id", id, "subnetId", subnet.id,
				"address", address, "static", wanted != NULL, "mac", own_mac,
				"primary", (int)lf_json_bool_or(nic, "primary", false));
	return row ? add_nic(plan, host, nic_guid, name, address, row, err) : lf_fail_nomem(err);
}

char *lf_machine_disk_id(const json_t *machine, const json_t *disk)
{
	const char *id = lf_json_text(disk, "id");

	return id ? strdup(id)
		  : lf_machine_sibling(lf_json_text_or(machine, "id", ""), LF_DISK_TYPE,
				       lf_json_text_or(disk, "name", ""));
}

json_t *lf_machine_host_disks(const json_t *of)
{
	json_t *disks = json_array();
	const json_t *disk;
	size_t i;

	json_array_foreach (of, i, disk)
		json_array_append_new(disks,
				      json_pack("{s:I, s:s, s:I, s:O}", "lun",
						(json_int_t)lf_json_int_or(disk, "lun", -1), "name",
						lf_json_text_or(disk, "name", ""), "sizeBytes",
						(json_int_t)lf_json_int_or(disk, "sizeBytes", 0),
						"source", lf_json_at(disk, "source")));
	return disks;
}

/* Derived from the id, unless disks of an earlier machine of that name lie there still. */
static int choose_guid(struct lf_context *context, const char *vm_id, char out[static LF_GUID_SIZE],
		       struct lf_error *err)
{
	unsigned left = 0;

	lf_machine_guid(context, vm_id, "vm", out);
	int rc = lf_disks_of_host(context, out, NULL, &left, err);
	if (!rc && left)
		lf_guid_random(out);
	return rc;
}

int lf_machine_plan(struct lf_context *context, const json_t *machine, json_t **ret_plan,
		    struct lf_error *err)
{
	const char *id = lf_json_text_or(machine, "id", "");
	unsigned vcpus, memory_mib;
	char guid[LF_GUID_SIZE];
	json_t *nic;
	size_t i;

	int rc = lf_arm_id_check(id, LF_VM_TYPE, "id", err);
	if (!rc)
		rc = lf_compute_size(lf_json_text_or(machine, "vmSize", ""), &vcpus, &memory_mib,
				     err);
	if (rc)
		return rc;
	rc = choose_guid(context, id, guid, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *plan = json_pack(
		"{s:{s:s, s:s, s:s, s:i, s:i, s:s, s:b, s:o, s:[]}, s:[], s:[]}", "vm", "guid",
		guid, "id", id, "name", lf_arm_id_last(id), "vcpus", (int)vcpus, "memoryMiB",
		(int)memory_mib, "firmware", lf_json_text_or(machine, "firmware", "bios"),
		"secureBoot", (int)lf_json_bool_or(machine, "secureBoot", false), "disks",
		lf_machine_host_disks(lf_json_at(machine, "disks")), "nics", "networks", "nics");
	if (!plan)
		return lf_fail_nomem(err);
	json_array_foreach (lf_json_at(machine, "nics"), i, nic) {
		rc = plan_nic(context, machine, nic, plan, err);
		if (rc)
			return rc;
	}
	*ret_plan = lf_steal(&plan);
	return 0;
}

static json_t *attached_disk(const json_t *machine, const json_t *disk)
{
	LF_AUTO_FREE char *id = lf_machine_disk_id(machine, disk);
	int64_t bytes = lf_json_int_or(disk, "sizeBytes", 0);

	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:{s:s, s:s*}}", "name",
			 lf_json_text_or(disk, "name", ""), "createOption", "Attach", "caching",
			 "ReadWrite", "deleteOption", "Detach", "diskSizeGB",
			 (json_int_t)((bytes + GIB - 1) / GIB), "managedDisk", "storageAccountType",
			 "Standard_LRS", "id", id);
}

json_t *lf_machine_storage_profile(const json_t *machine)
{
	json_t *profile = json_pack("{s:[]}", "dataDisks"), *disk;
	size_t i;

	json_array_foreach (lf_json_at(machine, "disks"), i, disk) {
		int64_t lun = lf_json_int_or(disk, "lun", -1);
		json_t *doc = attached_disk(machine, disk);
		if (lun < 0) {
			lf_json_set_text(doc, "osType",
					 lf_json_text_or(machine, "osType", "Linux"));
			lf_json_set(profile, "osDisk", doc);
		} else {
			lf_json_set_int(doc, "lun", lun);
			json_array_append_new(lf_json_at(profile, "dataDisks"), doc);
		}
	}
	return profile;
}

json_t *lf_machine_vm_doc(const json_t *machine, const json_t *plan, int64_t now_ns)
{
	json_t *nics = json_array(), *nic, *tags = lf_json_at(machine, "tags");
	size_t i;

	json_array_foreach (lf_json_at(plan, "nics"), i, nic)
		json_array_append_new(nics,
				      json_pack("{s:s, s:{s:b}}", "id", lf_json_text(nic, "id"),
						"properties", "primary",
						(int)lf_json_bool_or(nic, "primary", false)));
	json_t *doc =
		json_pack("{s:s, s:o*, s:s*, s:{s:s, s:{s:s}, s:o, s:{s:o}, s:{s:{s:b}}, s:s}}",
			  "location", lf_json_text_or(machine, "location", ""), "tags",
			  json_incref(tags), "managedBy", lf_json_text(machine, "managedBy"),
			  "properties", "vmId", lf_json_text_or(plan, "vm.guid", ""),
			  "hardwareProfile", "vmSize", lf_json_text_or(machine, "vmSize", ""),
			  "storageProfile", lf_machine_storage_profile(machine), "networkProfile",
			  "networkInterfaces", nics, "diagnosticsProfile", "bootDiagnostics",
			  "enabled", 1, "provisioningState", "Creating");
	if (doc && lf_json_bool_or(machine, "secureBoot", false))
		lf_json_set_bool(doc, "properties.securityProfile.uefiSettings.secureBootEnabled",
				 true);
	if (doc)
		lf_json_set_time(doc, "properties.timeCreated", now_ns);
	return doc;
}

json_t *lf_machine_disk_doc(const json_t *machine, const json_t *disk, int64_t now_ns)
{
	bool os = lf_json_int_or(disk, "lun", -1) < 0;
	int64_t bytes = lf_json_int_or(disk, "sizeBytes", 0);
	json_t *doc = json_pack(
		"{s:s, s:s, s:o*, s:{s:s}, s:{s:s*, s:s*, s:{s:s}, s:I, s:I, s:s, s:s}}",
		"location", lf_json_text_or(machine, "location", ""), "managedBy",
		lf_json_text_or(machine, "id", ""), "tags", json_incref(lf_json_at(disk, "tags")),
		"sku", "name", "Standard_LRS", "properties", "osType",
		os ? lf_json_text_or(machine, "osType", "Linux") : NULL, "hyperVGeneration",
		os ? (strcmp(lf_json_text_or(machine, "firmware", ""), "uefi") == 0 ? "V2" : "V1")
		   : NULL,
		"creationData", "createOption", "Restore", "diskSizeGB",
		(json_int_t)((bytes + GIB - 1) / GIB), "diskSizeBytes", (json_int_t)bytes,
		"provisioningState", "Succeeded", "diskState", "Attached");

	if (doc)
		lf_json_set_time(doc, "properties.timeCreated", now_ns);
	return doc;
}

json_t *lf_machine_nic_doc(const json_t *machine, const json_t *nic)
{
	const char *id = lf_json_text_or(nic, "id", "");
	LF_AUTO_FREE char *config_id =
		lf_printf_dup("%s/ipConfigurations/" LF_MACHINE_IP_CONFIGURATION, id);
	bool fixed = lf_json_bool_or(nic, "static", false);

	return json_pack(
		"{s:s, s:{s:s, s:s, s:b, s:b, s:{s:s}, s:[{s:s, s:s*, s:{s:s, s:s, s:s, s:b, s:s,"
		" s:{s:s}}}]}}",
		"location", lf_json_text_or(machine, "location", ""), "properties",
		"provisioningState", "Succeeded", "macAddress", lf_json_text_or(nic, "mac", ""),
		"primary", (int)lf_json_bool_or(nic, "primary", false), "enableIPForwarding", 0,
		"virtualMachine", "id", lf_json_text_or(machine, "id", ""), "ipConfigurations",
		"name", LF_MACHINE_IP_CONFIGURATION, "id", config_id, "properties",
		"provisioningState", "Succeeded", "privateIPAddress",
		lf_json_text_or(nic, "address", ""), "privateIPAllocationMethod",
		fixed ? "Static" : "Dynamic", "primary", 1, "privateIPAddressVersion", "IPv4",
		"subnet", "id", lf_json_text_or(nic, "subnetId", ""));
}
