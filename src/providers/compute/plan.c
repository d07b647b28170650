/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine becomes, in this order: its GUID and size, its disks, and for each interface an
 * address (taken in the caller's transaction), the host's network and the host's NIC.  Nothing
 * else is written; the documents of the resources are made of the machine and the plan alone.
 */
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

/* A plan being made.  The machine's texts are borrowed from the machine and from rows of nics. */
struct planning {
	struct lf_context *context;
	const json_t *machine;
	struct lf_vm_spec vm;
	json_t *networks, *nics;
};

/* The host's network for an ARM network: all its subnets; isolated ones are another network. */
static int add_network(struct planning *plan, const char *network_id,
		       char guid[static LF_GUID_SIZE], struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SUBNET_TYPE, .below = network_id};
	bool isolated = lf_json_bool_or(plan->machine, "isolated", false);
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_DOC network = LF_DOC_INIT;
	struct lf_prefix prefix;
	char text[LF_PREFIX_SIZE];

	lf_machine_guid(plan->context, network_id, isolated ? "test-network" : "network", guid);
	lf_doc_text(&network, "guid", guid);
	lf_doc_text(&network, "name", lf_arm_id_last(network_id));
	lf_doc_bool(&network, "isolated", isolated);
	lf_doc_put(&network, "subnets", json_array());
	int rc = lf_catalog_list(plan->context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		rc = lf_network_subnet_prefix(&list.items[i], &prefix, err);
		if (rc)
			return rc;
		lf_prefix_format(&prefix, text);
		lf_doc_append(&network, "subnets",
			      json_pack("{s:s, s:s}", "name", lf_arm_id_last(list.items[i].id),
					"prefix", text));
	}
	if (rc)
		return rc;
	return json_array_append_new(plan->networks, lf_doc_take(&network)) ? lf_fail_nomem(err)
									    : 0;
}

/* Azure's way to write one: 00-0D-3A is Microsoft's, the rest is derived from the NIC's id. */
static void choose_mac(const char *guid, char out[static 18])
{
	snprintf(out, 18, "00-0D-3A-%.2s-%.2s-%.2s", guid, guid + 2, guid + 4);
	for (char *p = out; *p; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 32);
}

/* One interface: what its resource says of it, and what the host makes of that. */
struct nic_plan {
	const char *id, *network_id, *subnet_id, *address, *mac; /* mac NULL: derived from the id */
	bool fixed, primary, own;
};

static int add_nic(struct planning *plan, const struct nic_plan *of, struct lf_error *err)
{
	struct lf_vm_nic *nic = &plan->vm.nics[plan->vm.n_nics];
	LF_AUTO_DOC row = LF_DOC_INIT;
	char mac[18];

	if (plan->vm.n_nics == LF_VM_NICS_MAX)
		return lf_fail(err, LF_EINVAL, "nics", "at most %d network interfaces",
			       LF_VM_NICS_MAX);
	int rc = add_network(plan, of->network_id, nic->network, err);
	if (rc)
		return rc;
	lf_machine_guid(plan->context, of->id, "nic", nic->guid);
	choose_mac(nic->guid, mac);
	lf_doc_text(&row, "id", of->id);
	lf_doc_text(&row, "subnetId", of->subnet_id);
	lf_doc_text(&row, "address", of->address);
	lf_doc_bool(&row, "static", of->fixed);
	lf_doc_text(&row, "mac", of->mac ? of->mac : mac);
	lf_doc_bool(&row, "primary", of->primary);
	if (of->own)
		lf_doc_bool(&row, "own", true);
	json_t *made = lf_doc_take(&row);
	if (json_array_append_new(plan->nics, made))
		return lf_fail_nomem(err);
	nic->subnet = lf_arm_id_last(lf_json_text(made, "subnetId"));
	nic->mac = lf_json_text(made, "mac");
	nic->address = lf_json_text(made, "address");
	plan->vm.n_nics++;
	return 0;
}

/* The id of a subnet's network; free(). */
static char *network_of(const char *subnet_id)
{
	const char *name = lf_arm_id_last(subnet_id);
	size_t before = (size_t)(name - subnet_id);

	return strndup(subnet_id, before > strlen("/subnets/") ? before - strlen("/subnets/") : 0);
}

/* An interface that its user made: address and subnet are its own already. */
static int plan_own_nic(struct planning *plan, const json_t *nic, struct lf_error *err)
{
	LF_AUTO_RESOURCE own = LF_RESOURCE_INIT;

	int rc = lf_catalog_get(plan->context->catalog, lf_json_text(nic, "id"), &own, err);
	if (rc)
		return rc;
	const json_t *config = lf_json_at(own.doc, "properties.ipConfigurations.0.properties");
	const char *subnet_id = lf_json_text_or(config, "subnet.id", "");
	LF_AUTO_FREE char *network_id = network_of(subnet_id);
	const struct nic_plan of = {.id = own.id,
				    .network_id = network_id,
				    .subnet_id = subnet_id,
				    .address = lf_json_text_or(config, "privateIPAddress", ""),
				    .mac = lf_json_text(own.doc, "properties.macAddress"),
				    .fixed = true,
				    .primary = lf_json_bool_or(nic, "primary", false),
				    .own = true};
	return network_id ? add_nic(plan, &of, err) : lf_fail_nomem(err);
}

/*
 * An address asked for that is taken, or is of another subnet (a test network's prefix may
 * differ), gives way to the next free one, as the failover documents say.
 */
static int plan_new_nic(struct planning *plan, const json_t *nic, struct lf_error *err)
{
	LF_AUTO_FREE char *id =
		lf_machine_sibling(lf_json_text_or(plan->machine, "id", ""), LF_NIC_TYPE,
				   lf_json_text_or(nic, "name", "nic"));
	LF_AUTO_FREE char *owner =
		lf_printf_dup("%s/ipConfigurations/" LF_MACHINE_IP_CONFIGURATION, id ? id : "");
	const char *wanted = lf_json_text(nic, "address");
	LF_AUTO_RESOURCE subnet = LF_RESOURCE_INIT;
	char address[LF_ADDRESS_SIZE];

	if (!id || !owner)
		return lf_fail(err, LF_EINVAL, "id", "the machine's id is not a resource id");
	int rc = lf_network_subnet(plan->context, lf_json_text_or(nic, "networkId", ""),
				   lf_json_text(nic, "subnet"), &subnet, err);
	if (rc)
		return lf_error_wrap(err, "network of NIC %s", lf_arm_id_last(id));
	LF_AUTO_FREE char *network_id = network_of(subnet.id);
	if (!network_id)
		return lf_fail_nomem(err);
	const struct lf_address_request request = {.network_id = network_id,
						   .subnet = lf_arm_id_last(subnet.id),
						   .owner = owner,
						   .wanted = wanted,
						   .or_next = true};
	rc = lf_network_address_take(plan->context, &request, address, err);
	const struct nic_plan of = {.id = id,
				    .network_id = network_id,
				    .subnet_id = subnet.id,
				    .address = address,
				    .mac = lf_json_text(nic, "mac"),
				    .fixed = wanted != NULL,
				    .primary = lf_json_bool_or(nic, "primary", false)};
	return rc ? rc : add_nic(plan, &of, err);
}

char *lf_machine_disk_id(const json_t *machine, const json_t *disk)
{
	const char *id = lf_json_text(disk, "id");

	return id ? strdup(id)
		  : lf_machine_sibling(lf_json_text_or(machine, "id", ""), LF_DISK_TYPE,
				       lf_json_text_or(disk, "name", ""));
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

static int plan_vm(struct planning *plan, struct lf_error *err)
{
	const char *id = lf_json_text_or(plan->machine, "id", "");
	struct lf_vm_spec *vm = &plan->vm;

	int rc = lf_arm_id_check(id, LF_VM_TYPE, "id", err);
	if (!rc)
		rc = lf_compute_size(lf_json_text_or(plan->machine, "vmSize", ""), &vm->vcpus,
				     &vm->memory_mib, err);
	if (!rc)
		rc = choose_guid(plan->context, id, vm->guid, err);
	if (!rc)
		rc = lf_vm_disks_read(lf_json_at(plan->machine, "disks"), vm, err);
	vm->id = id;
	vm->name = lf_arm_id_last(id);
	vm->firmware = strcmp(lf_json_text_or(plan->machine, "firmware", "bios"), "uefi") == 0
			       ? LF_VM_UEFI
			       : LF_VM_BIOS;
	vm->secure_boot = lf_json_bool_or(plan->machine, "secureBoot", false);
	return rc;
}

int lf_machine_plan(struct lf_context *context, const json_t *machine, json_t **ret_plan,
		    struct lf_error *err)
{
	LF_AUTO_JSON *networks = json_array();
	LF_AUTO_JSON *nics = json_array();
	struct planning plan = {
		.context = context, .machine = machine, .networks = networks, .nics = nics};
	LF_AUTO_DOC doc = LF_DOC_INIT;
	const json_t *nic;
	size_t i;

	int rc = networks && nics ? plan_vm(&plan, err) : lf_fail_nomem(err);
	json_array_foreach (lf_json_at(machine, "nics"), i, nic)
		if (!rc)
			rc = lf_json_text(nic, "id") ? plan_own_nic(&plan, nic, err)
						     : plan_new_nic(&plan, nic, err);
	if (rc)
		return rc;
	lf_doc_put(&doc, "vm", lf_vm_spec_doc(&plan.vm));
	lf_doc_share(&doc, "networks", networks);
	lf_doc_share(&doc, "nics", nics);
	return lf_doc_end(&doc, ret_plan, err);
}

static json_t *attached_disk(const json_t *machine, const json_t *disk)
{
	LF_AUTO_FREE char *id = lf_machine_disk_id(machine, disk);
	LF_AUTO_DOC doc = LF_DOC_INIT;
	int64_t lun = lf_json_int_or(disk, "lun", -1);
	int64_t bytes = lf_json_int_or(disk, "sizeBytes", 0);

	lf_doc_text(&doc, "name", lf_json_text_or(disk, "name", ""));
	lf_doc_text(&doc, "createOption", "Attach");
	lf_doc_text(&doc, "caching", "ReadWrite");
	lf_doc_text(&doc, "deleteOption", "Detach");
	lf_doc_int(&doc, "diskSizeGB", (bytes + GIB - 1) / GIB);
	lf_doc_text(&doc, "managedDisk.storageAccountType", "Standard_LRS");
	lf_doc_text_if(&doc, "managedDisk.id", id);
	if (lun < 0)
		lf_doc_text(&doc, "osType", lf_json_text_or(machine, "osType", "Linux"));
	else
		lf_doc_int(&doc, "lun", lun);
	return lf_doc_take(&doc);
}

json_t *lf_machine_storage_profile(const json_t *machine)
{
	LF_AUTO_DOC profile = LF_DOC_INIT;
	const json_t *disk;
	size_t i;

	lf_doc_put(&profile, "dataDisks", json_array());
	json_array_foreach (lf_json_at(machine, "disks"), i, disk) {
		if (lf_json_int_or(disk, "lun", -1) < 0)
			lf_doc_put(&profile, "osDisk", attached_disk(machine, disk));
		else
			lf_doc_append(&profile, "dataDisks", attached_disk(machine, disk));
	}
	return lf_doc_take(&profile);
}

json_t *lf_machine_vm_doc(const json_t *machine, const json_t *plan, int64_t now_ns)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_DOC properties = LF_DOC_INIT;
	const json_t *nic;
	size_t i;

	lf_doc_text(&properties, "vmId", lf_json_text_or(plan, "vm.guid", ""));
	lf_doc_text(&properties, "hardwareProfile.vmSize", lf_json_text_or(machine, "vmSize", ""));
	lf_doc_put(&properties, "storageProfile", lf_machine_storage_profile(machine));
	lf_doc_put(&properties, "networkProfile.networkInterfaces", json_array());
	json_array_foreach (lf_json_at(plan, "nics"), i, nic)
		lf_doc_append(&properties, "networkProfile.networkInterfaces",
			      json_pack("{s:s, s:{s:b}}", "id", lf_json_text(nic, "id"),
					"properties", "primary",
					(int)lf_json_bool_or(nic, "primary", false)));
	lf_doc_bool(&properties, "diagnosticsProfile.bootDiagnostics.enabled", true);
	lf_doc_text(&properties, "provisioningState", "Creating");
	if (lf_json_bool_or(machine, "secureBoot", false))
		lf_doc_bool(&properties, "securityProfile.uefiSettings.secureBootEnabled", true);
	lf_doc_time(&properties, "timeCreated", now_ns);
	lf_doc_text(&doc, "location", lf_json_text_or(machine, "location", ""));
	lf_doc_share_if(&doc, "tags", lf_json_at(machine, "tags"));
	lf_doc_text_if(&doc, "managedBy", lf_json_text(machine, "managedBy"));
	lf_doc_put(&doc, "properties", lf_doc_take(&properties));
	return lf_doc_take(&doc);
}

json_t *lf_machine_disk_doc(const json_t *machine, const json_t *disk, int64_t now_ns)
{
	bool uefi = strcmp(lf_json_text_or(machine, "firmware", ""), "uefi") == 0;
	int64_t bytes = lf_json_int_or(disk, "sizeBytes", 0);
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "location", lf_json_text_or(machine, "location", ""));
	lf_doc_text(&doc, "managedBy", lf_json_text_or(machine, "id", ""));
	lf_doc_share_if(&doc, "tags", lf_json_at(disk, "tags"));
	lf_doc_text(&doc, "sku.name", "Standard_LRS");
	if (lf_json_int_or(disk, "lun", -1) < 0) {
		lf_doc_text(&doc, "properties.osType", lf_json_text_or(machine, "osType", "Linux"));
		lf_doc_text(&doc, "properties.hyperVGeneration", uefi ? "V2" : "V1");
	}
	lf_doc_text(&doc, "properties.creationData.createOption", "Restore");
	lf_doc_int(&doc, "properties.diskSizeGB", (bytes + GIB - 1) / GIB);
	lf_doc_int(&doc, "properties.diskSizeBytes", bytes);
	lf_doc_text(&doc, "properties.provisioningState", "Succeeded");
	lf_doc_text(&doc, "properties.diskState", "Attached");
	lf_doc_time(&doc, "properties.timeCreated", now_ns);
	return lf_doc_take(&doc);
}

static json_t *ip_configuration(const json_t *nic)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	bool fixed = lf_json_bool_or(nic, "static", false);

	lf_doc_text(&doc, "name", LF_MACHINE_IP_CONFIGURATION);
	lf_doc_printf(&doc, "id", "%s/ipConfigurations/" LF_MACHINE_IP_CONFIGURATION,
		      lf_json_text_or(nic, "id", ""));
	lf_doc_text(&doc, "properties.provisioningState", "Succeeded");
	lf_doc_text(&doc, "properties.privateIPAddress", lf_json_text_or(nic, "address", ""));
	lf_doc_text(&doc, "properties.privateIPAllocationMethod", fixed ? "Static" : "Dynamic");
	lf_doc_bool(&doc, "properties.primary", true);
	lf_doc_text(&doc, "properties.privateIPAddressVersion", "IPv4");
	lf_doc_text(&doc, "properties.subnet.id", lf_json_text_or(nic, "subnetId", ""));
	return lf_doc_take(&doc);
}

json_t *lf_machine_nic_doc(const json_t *machine, const json_t *nic)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "location", lf_json_text_or(machine, "location", ""));
	lf_doc_text(&doc, "properties.provisioningState", "Succeeded");
	lf_doc_text(&doc, "properties.macAddress", lf_json_text_or(nic, "mac", ""));
	lf_doc_bool(&doc, "properties.primary", lf_json_bool_or(nic, "primary", false));
	lf_doc_bool(&doc, "properties.enableIPForwarding", false);
	lf_doc_text(&doc, "properties.virtualMachine.id", lf_json_text_or(machine, "id", ""));
	lf_doc_append(&doc, "properties.ipConfigurations", ip_configuration(nic));
	return lf_doc_take(&doc);
}
