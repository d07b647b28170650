/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/compute/plan.h"

#include <arpa/inet.h>

#define GIB	 ((int64_t)1 << 30)
#define RESERVED 4 /* addresses that Azure keeps at the start of a subnet */

void lf_machine_guid(const struct lf_context *context, const char *id, const char *kind,
		     char out[static LF_GUID_SIZE])
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(id);
	LF_AUTO_FREE char *space = lf_printf_dup("%s/%s", context->tenant_id, kind);

	LF_ASSERT(lower && space);
	lf_guid_derive(space, lower, out);
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

static json_t *find_subnet(const json_t *network, const char *name)
{
	json_t *subnet;
	size_t i;

	json_array_foreach (lf_json_at(network, "properties.subnets"), i, subnet)
		if (!name[0] || lf_text_equal_nocase(lf_json_text_or(subnet, "name", ""), name))
			return subnet;
	return NULL;
}

static const char *prefix_of(const json_t *subnet)
{
	const char *prefix = lf_json_text(subnet, "properties.addressPrefix");

	return prefix ? prefix : lf_json_text_or(subnet, "properties.addressPrefixes.0", "");
}

/* Has another NIC than own the address in the subnet? */
static bool is_taken(const struct lf_resource_list *nics, const char *own, const char *subnet_id,
		     const char *address)
{
	for (size_t i = 0; i < nics->n; i++) {
		json_t *config;
		size_t at;
		if (lf_arm_id_equal(nics->items[i].id, own))
			continue;
		json_array_foreach (lf_json_at(nics->items[i].doc, "properties.ipConfigurations"),
				    at, config)
			if (lf_arm_id_equal(lf_json_text_or(config, "properties.subnet.id", ""),
					    subnet_id) &&
			    strcmp(lf_json_text_or(config, "properties.privateIPAddress", ""),
				   address) == 0)
				return true;
	}
	return false;
}

/* The subnet's addresses for machines, host order. */
static int subnet_range(const char *prefix, uint32_t *ret_first, uint32_t *ret_last,
			struct lf_error *err)
{
	const char *slash = strchr(prefix, '/');
	LF_AUTO_FREE char *base = slash ? strndup(prefix, (size_t)(slash - prefix)) : NULL;
	struct in_addr in;
	uint64_t bits;

	if (!base || inet_pton(AF_INET, base, &in) != 1 ||
	    lf_parse_u64(slash + 1, 8, 29, &bits, err))
		return lf_fail(err, LF_EUNSUPPORTED, "addressPrefix",
			       "machines need an IPv4 subnet of 8 to 29 bits, not %.64s", prefix);
	uint32_t mask = UINT32_MAX << (32 - bits);
	*ret_first = (ntohl(in.s_addr) & mask) + RESERVED;
	*ret_last = (ntohl(in.s_addr) | ~mask) - 1;
	return 0;
}

/*
 * The NICs' documents are the record of who has which address.  One asked for
 * that is taken, or is of another subnet (a test network's prefix may differ),
 * gives way to the next free one, as the failover documents say.
 */
static int choose_address(const struct lf_context *context, const char *nic_id,
			  const char *subnet_id, const char *prefix, const char *wanted,
			  char out[static INET_ADDRSTRLEN], struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_NIC_TYPE};
	LF_AUTO_RESOURCE_LIST nics = {0};
	uint32_t first = 0, last = 0;
	struct in_addr in;

	int rc = subnet_range(prefix, &first, &last, err);
	if (!rc)
		rc = lf_catalog_list(context->catalog, &query, &nics, err);
	if (rc)
		return rc;
	if (wanted && inet_pton(AF_INET, wanted, &in) == 1 && ntohl(in.s_addr) >= first &&
	    ntohl(in.s_addr) <= last && !is_taken(&nics, nic_id, subnet_id, wanted)) {
		snprintf(out, INET_ADDRSTRLEN, "%s", wanted);
		return 0;
	}
	for (uint32_t address = first; address <= last; address++) {
		in.s_addr = htonl(address);
		inet_ntop(AF_INET, &in, out, INET_ADDRSTRLEN);
		if (!is_taken(&nics, nic_id, subnet_id, out))
			return 0;
	}
	return lf_fail_arm(err, LF_ECONFLICT, "SubnetIsFull", subnet_id,
			   "remove machines that are not needed, or choose another subnet",
			   "the subnet has no free address");
}

/* The host's network for an ARM network: all its subnets; isolated ones are another network. */
static json_t *host_network(const struct lf_context *context, const struct lf_resource *network,
			    bool isolated, char guid[static LF_GUID_SIZE])
{
	json_t *subnets = json_array(), *subnet;
	size_t i;

	lf_machine_guid(context, network->id, isolated ? "test-network" : "network", guid);
	json_array_foreach (lf_json_at(network->doc, "properties.subnets"), i, subnet)
		json_array_append_new(subnets, json_pack("{s:s, s:s}", "name",
							 lf_json_text_or(subnet, "name", ""),
							 "prefix", prefix_of(subnet)));
	return json_pack("{s:s, s:s, s:b, s:o}", "guid", guid, "name", lf_arm_id_last(network->id),
			 "isolated", (int)isolated, "subnets", subnets);
}

/* Azure's way to write one: 00-0D-3A is Microsoft's, the rest is derived from the NIC's id. */
static void choose_mac(const char *guid, char out[static 18])
{
	snprintf(out, 18, "00-0D-3A-%.2s-%.2s-%.2s", guid, guid + 2, guid + 4);
	for (char *p = out; *p; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 32);
}

static int plan_nic(const struct lf_context *context, const json_t *machine, const json_t *nic,
		    json_t *plan, struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_machine_sibling(lf_json_text_or(machine, "id", ""), LF_NIC_TYPE,
						   lf_json_text_or(nic, "name", "nic"));
	const char *network_id = lf_json_text_or(nic, "networkId", "");
	const char *wanted = lf_json_text(nic, "address");
	char nic_guid[LF_GUID_SIZE], network_guid[LF_GUID_SIZE], address[INET_ADDRSTRLEN], mac[18];
	LF_AUTO_RESOURCE network = LF_RESOURCE_INIT;

	if (!id)
		return lf_fail(err, LF_EINVAL, "id", "the machine's id is not a resource id");
	int rc = lf_catalog_get(context->catalog, network_id, &network, err);
	if (rc)
		return lf_error_wrap(err, "network of NIC %s", lf_arm_id_last(id));
	const json_t *subnet = find_subnet(network.doc, lf_json_text_or(nic, "subnet", ""));
	if (!subnet)
		return lf_fail(err, LF_ENOTFOUND, network_id, "network %s has no subnet %s",
			       lf_arm_id_last(network_id), lf_json_text_or(nic, "subnet", ""));
	const char *name = lf_json_text_or(subnet, "name", "");
	LF_AUTO_FREE char *subnet_id = lf_printf_dup("%s/subnets/%s", network.id, name);
	if (!subnet_id)
		return lf_fail_nomem(err);
	rc = choose_address(context, id, subnet_id, prefix_of(subnet), wanted, address, err);
	if (rc)
		return rc;
	lf_machine_guid(context, id, "nic", nic_guid);
	choose_mac(nic_guid, mac);
	const char *own_mac = lf_json_text_or(nic, "mac", mac);
	json_t *host = host_network(context, &network, lf_json_bool_or(machine, "isolated", false),
				    network_guid);
	int failed = json_array_append_new(lf_json_at(plan, "networks"), host);
	failed |= json_array_append_new(lf_json_at(plan, "vm.nics"),
					json_pack("{s:s, s:s, s:s, s:s, s:s}", "guid", nic_guid,
						  "network", network_guid, "subnet", name, "mac",
						  own_mac, "address", address));
	failed |= json_array_append_new(
		lf_json_at(plan, "nics"),
		json_pack("{s:s, s:s, s:s, s:b, s:s, s:b}", "id", id, "subnetId", subnet_id,
			  "address", address, "static", wanted != NULL, "mac", own_mac, "primary",
			  (int)lf_json_bool_or(nic, "primary", false)));
	return failed ? lf_fail_nomem(err) : 0;
}

/* The machine's disks without what only the resources need. */
static json_t *host_disks(const json_t *machine)
{
	json_t *disks = json_array(), *disk;
	size_t i;

	json_array_foreach (lf_json_at(machine, "disks"), i, disk)
		json_array_append_new(disks,
				      json_pack("{s:I, s:s, s:I, s:O}", "lun",
						(json_int_t)lf_json_int_or(disk, "lun", -1), "name",
						lf_json_text_or(disk, "name", ""), "sizeBytes",
						(json_int_t)lf_json_int_or(disk, "sizeBytes", 0),
						"source", lf_json_at(disk, "source")));
	return disks;
}

int lf_machine_plan(const struct lf_context *context, const json_t *machine, json_t **ret_plan,
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
	lf_machine_guid(context, id, "vm", guid);
	LF_AUTO_JSON *plan = json_pack(
		"{s:{s:s, s:s, s:s, s:i, s:i, s:s, s:b, s:o, s:[]}, s:[], s:[]}", "vm", "guid",
		guid, "id", id, "name", lf_arm_id_last(id), "vcpus", (int)vcpus, "memoryMiB",
		(int)memory_mib, "firmware", lf_json_text_or(machine, "firmware", "bios"),
		"secureBoot", (int)lf_json_bool_or(machine, "secureBoot", false), "disks",
		host_disks(machine), "nics", "networks", "nics");
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
	LF_AUTO_FREE char *id = lf_machine_sibling(lf_json_text_or(machine, "id", ""), LF_DISK_TYPE,
						   lf_json_text_or(disk, "name", ""));
	int64_t bytes = lf_json_int_or(disk, "sizeBytes", 0);

	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:{s:s, s:s*}}", "name",
			 lf_json_text_or(disk, "name", ""), "createOption", "Attach", "caching",
			 "ReadWrite", "deleteOption", "Detach", "diskSizeGB",
			 (json_int_t)((bytes + GIB - 1) / GIB), "managedDisk", "storageAccountType",
			 "Standard_LRS", "id", id);
}

static json_t *storage_profile(const json_t *machine)
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
	json_t *doc = json_pack(
		"{s:s, s:o*, s:s*, s:{s:s, s:{s:s}, s:o, s:{s:o}, s:{s:{s:b}}, s:s}}", "location",
		lf_json_text_or(machine, "location", ""), "tags", json_incref(tags), "managedBy",
		lf_json_text(machine, "managedBy"), "properties", "vmId",
		lf_json_text_or(plan, "vm.guid", ""), "hardwareProfile", "vmSize",
		lf_json_text_or(machine, "vmSize", ""), "storageProfile", storage_profile(machine),
		"networkProfile", "networkInterfaces", nics, "diagnosticsProfile",
		"bootDiagnostics", "enabled", 1, "provisioningState", "Creating");
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
	LF_AUTO_FREE char *config_id = lf_printf_dup("%s/ipConfigurations/ipconfig1", id);
	bool fixed = lf_json_bool_or(nic, "static", false);

	return json_pack(
		"{s:s, s:{s:s, s:s, s:b, s:b, s:{s:s}, s:[{s:s, s:s*, s:{s:s, s:s, s:s, s:b, s:s,"
		" s:{s:s}}}]}}",
		"location", lf_json_text_or(machine, "location", ""), "properties",
		"provisioningState", "Succeeded", "macAddress", lf_json_text_or(nic, "mac", ""),
		"primary", (int)lf_json_bool_or(nic, "primary", false), "enableIPForwarding", 0,
		"virtualMachine", "id", lf_json_text_or(machine, "id", ""), "ipConfigurations",
		"name", "ipconfig1", "id", config_id, "properties", "provisioningState",
		"Succeeded", "privateIPAddress", lf_json_text_or(nic, "address", ""),
		"privateIPAllocationMethod", fixed ? "Static" : "Dynamic", "primary", 1,
		"privateIPAddressVersion", "IPv4", "subnet", "id",
		lf_json_text_or(nic, "subnetId", ""));
}
