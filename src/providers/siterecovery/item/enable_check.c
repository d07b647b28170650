/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is asked of an enable request before anything is done, in
 * the order in which a user would mend it.
 */
#include <string.h>

#include "base/names.h"
#include "providers/siterecovery/internal.h"

#define DETAILS	     "properties.providerSpecificDetails."
#define VM_NAME_MAX  63
#define ITEMS_MAX    1000 /* of a vault */
#define DISKS_MAX    64
#define TYPE_ACCOUNT "Microsoft.Storage/storageAccounts"
#define TYPE_NETWORK "Microsoft.Network/virtualNetworks"
#define TYPE_GROUP   "Microsoft.Resources/resourceGroups"

void lf_sr_enable_done(struct lf_sr_enable *enable)
{
	json_decref(enable->agent);
	json_decref(enable->disks);
	json_decref(enable->policy_doc);
}

int lf_sr_check_exists(struct lf_context *context, const char *id, const char *type,
		       const char *code, const char *target, struct lf_error *err)
{
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
	bool exists = false;

	if (!id || !*id)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", target,
				   "give the full resource id", "%s is missing", target);
	int rc = lf_arm_id_check(id, type, target, err);
	if (!rc)
		rc = lf_catalog_find(context->catalog, id, &found, &exists, err);
	if (!rc && !exists)
		rc = lf_fail_arm(err, LF_EINVAL, code, target,
				 "create it first, or give the id of one that exists",
				 "there is no resource %s", id);
	return rc;
}

int lf_sr_check_vm_name(const char *name, const char *target, struct lf_error *err)
{
	if (lf_name_good(LF_NAME_VM, name) && strlen(name) <= VM_NAME_MAX)
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "InvalidVirtualMachineName", target,
			   "1 to 63 letters, digits, hyphens, dots and underscores, beginning "
			   "and ending with a letter or digit",
			   "'%.80s' cannot be the name of a virtual machine", name ? name : "");
}

int lf_sr_check_subnet(struct lf_context *context, const char *network_id, const char *subnet,
		       const char *target, struct lf_error *err)
{
	LF_AUTO_JSON *subnets = NULL;
	size_t i;
	json_t *row;

	if (!subnet || !*subnet)
		return 0;
	if (!network_id || !*network_id)
		return lf_fail_arm(err, LF_EINVAL, "NetworkNotFound", target,
				   "give the network that has the subnet",
				   "a subnet is named without a network");
	int rc = lf_sr_subnets(context, network_id, target, &subnets, err);
	if (rc)
		return rc;
	json_array_foreach (subnets, i, row) {
		if (lf_text_equal_nocase(lf_json_text_or(row, "name", ""), subnet))
			return 0;
	}
	return lf_fail_arm(err, LF_EINVAL, "SubnetNotFound", target,
			   "name one of the network's subnets", "the network %s has no subnet '%s'",
			   network_id, subnet);
}

static int check_instance(struct lf_context *context, struct lf_sr_enable *enable,
			  struct lf_error *err)
{
	(void)context;
	return lf_sr_check_instance(
		lf_json_text(enable->properties, "providerSpecificDetails.instanceType"), NULL,
		DETAILS "instanceType", err);
}

static int check_policy(struct lf_context *context, struct lf_sr_enable *enable,
			struct lf_error *err)
{
	const char *id = lf_json_text(enable->properties, "policyId");
	LF_AUTO_FREE char *below = lf_printf_dup("%s/", enable->vault->id);
	LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT;

	int rc = lf_sr_check_exists(context, id, LF_SR_TYPE_POLICY, "PolicyNotFound",
				    "properties.policyId", err);
	if (rc)
		return rc;
	if (!below || !lf_text_starts_nocase(id, below))
		return lf_fail_arm(err, LF_EINVAL, "PolicyNotFound", "properties.policyId",
				   "take a policy of the same vault",
				   "the policy belongs to another vault");
	rc = lf_catalog_get(context->catalog, id, &policy, err);
	if (!rc)
		enable->policy_doc = json_incref(policy.doc);
	return rc;
}

/* "{siteId}/machines/{agentId}", the site one of the fabric's. */
static int check_machine(struct lf_context *context, struct lf_sr_enable *enable,
			 struct lf_error *err)
{
	static const char target[] = DETAILS "fabricDiscoveryMachineId";
	const char *id = lf_json_text_or(enable->properties,
					 "providerSpecificDetails.fabricDiscoveryMachineId", "");
	LF_AUTO_JSON *agents = NULL;
	size_t i;
	json_t *agent;

	if (!*id)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", target,
				   "give the id of a discovered machine of the fabric's site",
				   "fabricDiscoveryMachineId is missing");
	int rc = lf_sr_fabric_agents(context, enable->fabric, &agents, err);
	if (rc)
		return rc;
	json_array_foreach (agents, i, agent) {
		LF_AUTO_FREE char *mine =
			lf_printf_dup("%s/machines/%s", lf_json_text_or(agent, "siteId", ""),
				      lf_json_text_or(agent, "agentId", ""));
		if (mine && lf_arm_id_equal(mine, id)) {
			enable->agent = json_incref(agent);
			return 0;
		}
	}
	return lf_fail_arm(err, LF_EINVAL, "MachineNotFound", target,
			   "list the machines of the fabric's site; a machine appears there when "
			   "its agent has registered",
			   "no machine %s is known to the fabric's sites", id);
}

static int check_process_server(struct lf_context *context, struct lf_sr_enable *enable,
				struct lf_error *err)
{
	static const char target[] = DETAILS "processServerId";
	const char *id =
		lf_json_text(enable->properties, "providerSpecificDetails.processServerId");
	char mine[LF_GUID_SIZE];

	(void)context;
	lf_sr_process_server_id(enable->fabric->id, mine);
	if (!id || !*id)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", target,
				   "take it from the fabric's processServers",
				   "processServerId is missing");
	if (lf_text_equal_nocase(id, mine))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "ProcessServerNotFound", target,
			   "take it from the fabric's processServers",
			   "the fabric has no process server %s", id);
}

static json_t *find_disk(const json_t *agent, const char *id)
{
	size_t i;
	json_t *disk;

	json_array_foreach (lf_json_at(agent, "disks"), i, disk)
		if (lf_text_equal_nocase(lf_json_text_or(disk, "id", ""), id))
			return disk;
	return NULL;
}

static int add_disk(struct lf_context *context, const json_t *disk, const json_t *input,
		    const char *target, json_t *disks, struct lf_error *err)
{
	static const char *const types[] = {
		"Standard_LRS", "Premium_LRS",	   "StandardSSD_LRS", "PremiumV2_LRS",
		"UltraSSD_LRS", "StandardSSD_ZRS", "Premium_ZRS",     NULL};
	const char *type = lf_json_text_or(input, "diskType", "Standard_LRS");
	char at[160];
	size_t known = 0;

	snprintf(at, sizeof(at), "%s.logStorageAccountId", target);
	int rc = lf_sr_check_exists(context, lf_json_text(input, "logStorageAccountId"),
				    TYPE_ACCOUNT, "StorageAccountNotFound", at, err);
	if (rc)
		return rc;
	while (types[known] && !lf_text_equal_nocase(types[known], type))
		known++;
	snprintf(at, sizeof(at), "%s.diskType", target);
	if (!types[known])
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", at,
				   "for instance Standard_LRS or Premium_LRS",
				   "'%.60s' is not a disk type", type);
	LF_AUTO_JSON *row = json_deep_copy(input);
	if (!row || lf_json_set_text(row, "diskId", lf_json_text_or(disk, "id", "")) ||
	    lf_json_set_text(row, "diskType", types[known]) || json_array_append(disks, row))
		return lf_fail_nomem(err);
	return 0;
}

static int add_listed(struct lf_context *context, struct lf_sr_enable *enable, const json_t *list,
		      struct lf_error *err)
{
	char target[96];
	size_t i, j;
	json_t *input, *other;

	json_array_foreach ((json_t *)(uintptr_t)list, i, input) {
		const char *id = lf_json_text_or(input, "diskId", "");
		json_t *disk = find_disk(enable->agent, id);
		snprintf(target, sizeof(target), DETAILS "disksToInclude[%zu]", i);
		if (!disk)
			return lf_fail_arm(err, LF_EINVAL, "DiskNotFound", target,
					   "take the ids from the disks of the machine",
					   "the machine has no disk '%.100s'", id);
		json_array_foreach (enable->disks, j, other)
			if (lf_text_equal_nocase(lf_json_text_or(other, "diskId", ""),
						 lf_json_text_or(disk, "id", "")))
				return lf_fail_arm(err, LF_EINVAL, "DuplicateDisk", target,
						   "name each disk once",
						   "disk '%.100s' is named twice", id);
		int rc = add_disk(context, disk, input, target, enable->disks, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Without the OS disk there is nothing to boot. */
static int check_os_disk(const struct lf_sr_enable *enable, struct lf_error *err)
{
	size_t i;
	json_t *row;

	json_array_foreach (enable->disks, i, row) {
		const json_t *disk = find_disk(enable->agent, lf_json_text_or(row, "diskId", ""));
		if (lf_json_bool_or(disk, "os", false))
			return 0;
	}
	return lf_fail_arm(err, LF_EINVAL, "OSDiskNotIncluded", DETAILS "disksToInclude",
			   "include the disk that the machine boots from",
			   "the machine's operating system disk is not among its protected disks");
}

static int check_disks(struct lf_context *context, struct lf_sr_enable *enable,
		       struct lf_error *err)
{
	const json_t *details = lf_json_at(enable->properties, "providerSpecificDetails");
	const json_t *list = lf_json_at(details, "disksToInclude");
	const json_t *all = lf_json_at(details, "disksDefault");
	size_t i;
	json_t *disk;
	int rc = 0;

	bool listed = json_array_size(list) > 0;
	if (listed == json_is_object(all))
		return lf_fail_arm(err, LF_EINVAL, "InvalidDiskSelection", DETAILS "disksToInclude",
				   "give disksToInclude, or disksDefault for all disks",
				   listed ? "disksToInclude and disksDefault exclude each other"
					  : "neither disksToInclude nor disksDefault is given");
	enable->disks = json_array();
	if (listed)
		rc = add_listed(context, enable, list, err);
	json_array_foreach (lf_json_at(enable->agent, "disks"), i, disk)
		if (!listed && !rc)
			rc = add_disk(context, disk, all, DETAILS "disksDefault", enable->disks,
				      err);
	if (!rc && json_array_size(enable->disks) > DISKS_MAX)
		rc = lf_fail_arm(err, LF_EINVAL, "TooManyDisks", DETAILS "disksToInclude",
				 "leave some out", "a machine can have at most %d protected disks",
				 DISKS_MAX);
	return rc ? rc : check_os_disk(enable, err);
}

static int check_group(struct lf_context *context, struct lf_sr_enable *enable,
		       struct lf_error *err)
{
	return lf_sr_check_exists(
		context,
		lf_json_text(enable->properties, "providerSpecificDetails.targetResourceGroupId"),
		TYPE_GROUP, "ResourceGroupNotFound", DETAILS "targetResourceGroupId", err);
}

static int check_networks(struct lf_context *context, struct lf_sr_enable *enable,
			  struct lf_error *err)
{
	static const char *const pairs[][2] = {{"targetNetworkId", "targetSubnetName"},
					       {"testNetworkId", "testSubnetName"}};
	const json_t *details = lf_json_at(enable->properties, "providerSpecificDetails");
	char target[128];

	for (size_t i = 0; i < LF_N(pairs); i++) {
		const char *id = lf_json_text_or(details, pairs[i][0], "");
		snprintf(target, sizeof(target), DETAILS "%s", pairs[i][0]);
		int rc = *id ? lf_sr_check_exists(context, id, TYPE_NETWORK, "NetworkNotFound",
						  target, err)
			     : 0;
		snprintf(target, sizeof(target), DETAILS "%s", pairs[i][1]);
		if (!rc)
			rc = lf_sr_check_subnet(context, id, lf_json_text(details, pairs[i][1]),
						target, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_vm(struct lf_context *context, struct lf_sr_enable *enable, struct lf_error *err)
{
	const json_t *details = lf_json_at(enable->properties, "providerSpecificDetails");
	const char *size = lf_json_text_or(details, "targetVmSize", "");
	unsigned cpus, memory;

	(void)context;
	if (*size && lf_compute_size(size, &cpus, &memory, err))
		return lf_fail_arm(err, LF_EINVAL, "InvalidVmSize", DETAILS "targetVmSize",
				   "list targetComputeSizes of an item, or leave it out",
				   "'%.100s' is not a known size", size);
	if (!lf_json_at(details, "targetVmName"))
		return 0;
	return lf_sr_check_vm_name(lf_json_text(details, "targetVmName"), DETAILS "targetVmName",
				   err);
}

static int check_not_protected(struct lf_context *context, struct lf_sr_enable *enable,
			       struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SR_TYPE_ITEM};
	const char *machine = lf_json_text_or(
		enable->properties, "providerSpecificDetails.fabricDiscoveryMachineId", "");
	LF_AUTO_FREE char *below = lf_printf_dup("%s/", enable->vault->id);
	LF_AUTO_RESOURCE_LIST items = {0};
	size_t of_vault = 0;

	if (!below)
		return lf_fail_nomem(err);
	int rc = lf_catalog_list(context->catalog, &query, &items, err);
	for (size_t i = 0; !rc && i < items.n; i++) {
		of_vault += lf_text_starts_nocase(items.items[i].id, below);
		if (lf_arm_id_equal(lf_json_text_or(items.items[i].doc,
						    "details.fabricDiscoveryMachineId", ""),
				    machine))
			rc = lf_fail_arm(
				err, LF_ECONFLICT, "MachineAlreadyProtected", items.items[i].id,
				"use that item, or disable its protection first",
				"the machine is already protected by %s", items.items[i].id);
	}
	if (!rc && of_vault >= ITEMS_MAX)
		rc = lf_fail_arm(err, LF_ECONFLICT, "VaultLimitReached", enable->vault->id,
				 "use another vault", "a vault can protect %d machines", ITEMS_MAX);
	return rc;
}

int lf_sr_enable_check(struct lf_context *context, struct lf_sr_enable *enable,
		       struct lf_error *err)
{
	static int (*const checks[])(struct lf_context * context, struct lf_sr_enable * enable,
				     struct lf_error * err) = {
		check_instance, check_policy,	check_machine, check_process_server, check_disks,
		check_group,	check_networks, check_vm,      check_not_protected,
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < LF_N(checks); i++)
		rc = checks[i](context, enable, err);
	return rc;
}
