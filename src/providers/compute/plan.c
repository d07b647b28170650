/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine becomes, in this order: its GUID and size, its disks, and for each interface an
 * address (taken in the caller's transaction), the host's network and the host's NIC.  Nothing
 * else is written.
 */
#include "providers/compute/plan.h"

#include <string.h>

#include "arm/arm.h"
#include "base/text.h"
#include "providers/compute/attach.h"
#include "providers/compute/machine_doc.h"
#include "providers/network/network.h"

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
	const json_t *tags;					 /* of a new one; NULL: none */
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
	lf_doc_share_if(&row, "tags", of->tags);
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
	int rc = lf_network_subnet(plan->context->catalog, lf_json_text_or(nic, "networkId", ""),
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
						   .planned = plan->nics,
						   .or_next = true};
	rc = lf_network_address_take(plan->context->catalog, &request, address, err);
	const struct nic_plan of = {.id = id,
				    .network_id = network_id,
				    .subnet_id = subnet.id,
				    .address = address,
				    .mac = lf_json_text(nic, "mac"),
				    .tags = lf_json_at(nic, "tags"),
				    .fixed = wanted != NULL,
				    .primary = lf_json_bool_or(nic, "primary", false)};
	return rc ? rc : add_nic(plan, &of, err);
}

/* Derived from the id, unless disks of an earlier machine of that name lie there still. */
static int choose_guid(struct lf_context *context, const char *vm_id, char out[static LF_GUID_SIZE],
		       struct lf_error *err)
{
	unsigned left = 0;

	lf_machine_guid(context, vm_id, "vm", out);
	int rc = lf_disks_of_host(context, out, NULL, NULL, &left, err);
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
	if (!rc && plan->context->compute)
		rc = lf_compute_room(plan->context->compute,
				     lf_json_text_or(plan->machine, "vmSize", ""), vm->memory_mib,
				     err);
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
	vm->tpm = lf_json_bool_or(plan->machine, "tpm", false);
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
