/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is asked of an enable request before anything is done, in
 * the order in which a user would mend it.
 */
#include <string.h>

#include "providers/offazure/offazure.h"
#include "providers/resources/locations.h"
#include "providers/siterecovery/internal.h"

#define DETAILS	  "properties.providerSpecificDetails."
#define ITEMS_MAX 1000 /* of a vault */
#define GROUP_MAX 16   /* machines with common points */

void lf_sr_enable_done(struct lf_sr_enable *enable)
{
	json_decref(enable->agent);
	json_decref(enable->disks);
}

int lf_sr_check_subnet(struct lf_catalog *catalog, const char *network_id, const char *subnet,
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
	int rc = lf_sr_subnets(catalog, network_id, target, &subnets, err);
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

/* The machine by another name, or nothing. */
static int check_protectable(struct lf_context *context, struct lf_sr_enable *enable,
			     struct lf_error *err)
{
	const char *id = lf_json_text_or(enable->properties, "protectableItemId", "");
	const char *name = lf_json_text_or(enable->agent, "agentId", "");

	(void)context;
	return !*id || lf_text_equal_nocase(lf_arm_id_last(id), name)
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "ProtectableItemNotFound",
				     "properties.protectableItemId",
				     "leave it empty: fabricDiscoveryMachineId says which machine",
				     "%s is not the machine of fabricDiscoveryMachineId", id);
}

static int check_policy(struct lf_context *context, struct lf_sr_enable *enable,
			struct lf_error *err)
{
	return lf_sr_check_policy(context->catalog, enable->fabric->id,
				  lf_json_text(enable->properties, "policyId"), err);
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

/* In the machine's region, of the target's subscription, and not premium: what is written there is
 * read and removed again within minutes. */
static int check_cache(struct lf_catalog *catalog, const struct lf_sr_enable *enable,
		       const char *id, const char *at, struct lf_error *err)
{
	const char *group = lf_json_text_or(enable->properties,
					    "providerSpecificDetails.targetResourceGroupId", "");
	LF_AUTO_RESOURCE account = LF_RESOURCE_INIT;
	char target[160], mine[64] = "", its[64] = "";

	snprintf(target, sizeof(target), "%s.logStorageAccountId", at);
	if (!*id)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", target,
				   "give the full resource id", "%s is missing", target);
	int rc = lf_sr_find(catalog, id, LF_SR_TYPE_ACCOUNT, "StorageAccountNotFound", NULL, target,
			    &account, err);
	if (!rc)
		rc = lf_sr_check_region(&account, enable->region, target, err);
	if (rc)
		return rc;
	lf_arm_id_segment(id, "subscriptions", its, sizeof(its));
	lf_arm_id_segment(group, "subscriptions", mine, sizeof(mine));
	if (!lf_text_equal_nocase(its, mine))
		return lf_fail_arm(
			err, LF_EINVAL, "SubscriptionMismatch", target,
			"take an account of the subscription that the machine is made in",
			"the account is of another subscription than the target group");
	if (lf_text_starts_nocase(lf_json_text_or(account.doc, "sku.name", ""), "Premium"))
		return lf_fail_arm(err, LF_EINVAL, "PremiumCacheAccountNotSupported", target,
				   "take a standard account, also for premium disks",
				   "a premium account cannot be the cache storage account");
	return 0;
}

/* Disks are made as the source's are: another size, sector or rate is not done here. */
static int check_shape(const json_t *disk, const json_t *input, const char *at,
		       struct lf_error *err)
{
	int64_t gib = (lf_json_int_or(disk, "sizeBytes", 0) + (1 << 30) - 1) >> 30;
	const struct {
		const char *name;
		int64_t same;
	} shapes[] = {{"diskSizeInGB", gib},
		      {"sectorSizeInBytes", lf_json_int_or(disk, "sectorBytes", 512)},
		      {"iops", 0},
		      {"throughputInMbps", 0}};
	char target[160];

	for (size_t i = 0; i < LF_N(shapes); i++) {
		int64_t wanted = lf_json_int_or(input, shapes[i].name, 0);
		snprintf(target, sizeof(target), "%s.%s", at, shapes[i].name);
		if (wanted && wanted != shapes[i].same)
			return lf_fail_arm(
				err, LF_EINVAL, "DiskShapeNotSupported", target, "leave it out",
				"the disk is made as the source's is, and %lld is not its "
				"%s",
				(long long)wanted, shapes[i].name);
	}
	return 0;
}

static int add_disk(struct lf_catalog *catalog, struct lf_sr_enable *enable, const json_t *disk,
		    const json_t *input, const char *at, struct lf_error *err)
{
	const char *set = lf_json_text_or(input, "diskEncryptionSetId", "");
	char target[160];

	snprintf(target, sizeof(target), "%s.diskType", at);
	if (!lf_json_text(input, "diskType"))
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", target,
				   "for instance Standard_LRS or Premium_LRS", "%s is missing",
				   target);
	int rc = check_cache(catalog, enable, lf_json_text_or(input, "logStorageAccountId", ""), at,
			     err);
	snprintf(target, sizeof(target), "%s.diskEncryptionSetId", at);
	if (!rc && *set)
		rc = lf_sr_check_exists(catalog, set, "Microsoft.Compute/diskEncryptionSets",
					"DiskEncryptionSetNotFound", target, err);
	if (!rc)
		rc = check_shape(disk, input, at, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *row = json_deep_copy(input);
	if (!row || lf_json_set_text(row, "diskId", lf_json_text_or(disk, "id", "")) ||
	    json_array_append(enable->disks, row))
		return lf_fail_nomem(err);
	return 0;
}

static int add_listed(struct lf_catalog *catalog, struct lf_sr_enable *enable, const json_t *list,
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
		int rc = add_disk(catalog, enable, disk, input, target, err);
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
		rc = add_listed(context->catalog, enable, list, err);
	json_array_foreach (lf_json_at(enable->agent, "disks"), i, disk)
		if (!listed && !rc)
			rc = add_disk(context->catalog, enable, disk, all, DETAILS "disksDefault",
				      err);
	return rc ? rc : check_os_disk(enable, err);
}

static int check_settings(struct lf_context *context, struct lf_sr_enable *enable,
			  struct lf_error *err)
{
	const struct lf_sr_settings settings = {
		.given = lf_json_at(enable->properties, "providerSpecificDetails"),
		.machine = enable->agent,
		.region = enable->region};

	return lf_sr_settings_check(context->catalog, &settings, err);
}

/* A test's subnet is of the test network, or of the target's where there is none. */
static int check_subnets(struct lf_context *context, struct lf_sr_enable *enable,
			 struct lf_error *err)
{
	const json_t *details = lf_json_at(enable->properties, "providerSpecificDetails");
	const char *real = lf_json_text_or(details, "targetNetworkId", "");
	const char *test = lf_json_text_or(details, "testNetworkId", "");

	int rc = lf_sr_check_subnet(context->catalog, real,
				    lf_json_text(details, "targetSubnetName"),
				    DETAILS "targetSubnetName", err);
	return rc ? rc
		  : lf_sr_check_subnet(context->catalog, *test ? test : real,
				       lf_json_text(details, "testSubnetName"),
				       DETAILS "testSubnetName", err);
}

static int check_account(struct lf_context *context, struct lf_sr_enable *enable,
			 struct lf_error *err)
{
	const char *id =
		lf_json_text_or(enable->properties, "providerSpecificDetails.runAsAccountId", "");

	return *id ? lf_offazure_account_check(context->catalog,
					       lf_json_text_or(enable->agent, "siteId", ""), id,
					       DETAILS "runAsAccountId", err)
		   : 0;
}

static bool group_name_good(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-. ";

	return strspn(name, good) == strlen(name) && name[0] != ' ';
}

/* Machines of one group have common points, which the agents wait for each other to make. */
static int check_group(struct lf_context *context, struct lf_sr_enable *enable,
		       struct lf_error *err)
{
	static const char target[] = DETAILS "multiVmGroupName";
	const char *name =
		lf_json_text_or(enable->properties, "providerSpecificDetails.multiVmGroupName", "");
	const struct lf_list_query query = {.type = LF_SR_TYPE_ITEM, .below = enable->vault->id};
	LF_AUTO_RESOURCE_LIST items = {0};
	size_t members = 0;

	if (!*name)
		return 0;
	if (!group_name_good(name))
		return lf_fail_arm(err, LF_EINVAL, "InvalidMultiVmGroupName", target,
				   "1 to 64 letters, digits, blanks, hyphens, dots and underscores",
				   "'%.64s' cannot be the name of a group", name);
	int rc = lf_catalog_list(context->catalog, &query, &items, err);
	for (size_t i = 0; !rc && i < items.n; i++)
		members += lf_text_equal_nocase(
			lf_json_text_or(items.items[i].doc, "details.multiVmGroupName", ""), name);
	return rc || members < GROUP_MAX
		       ? rc
		       : lf_fail_arm(err, LF_EINVAL, "MultiVmGroupFull", target,
				     "name another group", "the group '%s' has %d machines", name,
				     GROUP_MAX);
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
		check_instance,	      check_policy,   check_machine,	   check_protectable,
		check_process_server, check_settings, check_disks,	   check_subnets,
		check_account,	      check_group,    check_not_protected,
	};
	int rc = 0;

	lf_location_normal(lf_json_text_or(enable->vault->doc, "location", "default"),
			   enable->region, sizeof(enable->region));
	for (size_t i = 0; !rc && i < LF_N(checks); i++)
		rc = checks[i](context, enable, err);
	return rc;
}
