/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PATCH of a protected item: checked at once, applied by a job, which takes
 * only what the request named.
 */
#include <string.h>

#include "base/names.h"
#include "providers/siterecovery/internal.h"

#define DETAILS "properties.providerSpecificDetails."

/* What an update may change; an empty text clears it. */
static const char *const changeable[] = {
	"targetVmName",
	"targetVmSize",
	"targetResourceGroupId",
	"targetAvailabilitySetId",
	"targetAvailabilityZone",
	"targetProximityPlacementGroupId",
	"targetBootDiagnosticsStorageAccountId",
	"targetCapacityReservationGroupId",
	"targetNetworkId",
	"testNetworkId",
	"licenseType",
	"sqlServerLicenseType",
	"linuxLicenseType",
	"userSelectedOSName",
	"targetVmTags",
	"targetManagedDiskTags",
	"targetNicTags",
};

static int check_ids(struct lf_context *context, const json_t *input, struct lf_error *err)
{
	static const struct {
		const char *name, *type, *code;
	} ids[] = {
		{"targetResourceGroupId", "Microsoft.Resources/resourceGroups",
		 "ResourceGroupNotFound"},
		{"targetNetworkId", "Microsoft.Network/virtualNetworks", "NetworkNotFound"},
		{"testNetworkId", "Microsoft.Network/virtualNetworks", "NetworkNotFound"},
	};
	char target[128];

	for (size_t i = 0; i < LF_N(ids); i++) {
		const char *id = lf_json_text_or(input, ids[i].name, "");
		snprintf(target, sizeof(target), DETAILS "%s", ids[i].name);
		int rc =
			*id ? lf_sr_check_exists(context, id, ids[i].type, ids[i].code, target, err)
			    : 0;
		if (rc)
			return rc;
	}
	return 0;
}

static const char *network_of(const struct lf_resource *item, const json_t *input, const char *name)
{
	const char *given = lf_json_text_or(input, name, "");
	char path[64];

	snprintf(path, sizeof(path), "details.%s", name);
	return *given ? given : lf_json_text_or(item->doc, path, "");
}

static bool knows_nic(const struct lf_resource *item, const char *id)
{
	size_t i;
	json_t *nic;

	json_array_foreach (lf_json_at(item->state, "machine.nics"), i, nic)
		if (lf_text_equal_nocase(
			    lf_json_text_or(nic, "id", lf_json_text_or(nic, "mac", "")), id))
			return true;
	return false;
}

static int check_address(struct lf_context *context, const char *network, const char *subnet,
			 const char *address, const char *target, struct lf_error *err)
{
	LF_AUTO_JSON *subnets = NULL;
	size_t i;
	json_t *row;

	if (!*address || !*network)
		return 0;
	int rc = lf_sr_subnets(context, network, target, &subnets, err);
	json_array_foreach (subnets, i, row) {
		if ((!subnet || !*subnet ||
		     lf_text_equal_nocase(subnet, lf_json_text_or(row, "name", ""))) &&
		    lf_sr_prefix_has(lf_json_text_or(row, "prefix", ""), address))
			return 0;
	}
	return rc ? rc
		  : lf_fail_arm(err, LF_EINVAL, "InvalidIPAddress", target,
				"take a free address of the subnet; its first four and its last "
				"are reserved",
				"'%.40s' is not an address for machines of the subnet", address);
}

static int check_nics(struct lf_context *context, const struct lf_resource *item,
		      const json_t *input, struct lf_error *err)
{
	static const char target[] = DETAILS "vmNics";
	const char *real = network_of(item, input, "targetNetworkId");
	const char *test = network_of(item, input, "testNetworkId");
	size_t i;
	json_t *nic;
	int rc = 0;

	json_array_foreach (lf_json_at(input, "vmNics"), i, nic) {
		const char *id = lf_json_text_or(nic, "nicId", "");
		const char *subnet = lf_json_text(nic, "targetSubnetName");
		const char *test_subnet = lf_json_text(nic, "testSubnetName");
		if (!knows_nic(item, id))
			return lf_fail_arm(err, LF_EINVAL, "NicNotFound", target,
					   "take the ids from the item's vmNics",
					   "the machine has no network interface '%.100s'", id);
		rc = lf_sr_check_subnet(context, real, subnet, target, err);
		if (!rc)
			rc = lf_sr_check_subnet(context, test, test_subnet, target, err);
		if (!rc && *lf_json_text_or(nic, "targetNicName", ""))
			rc = lf_name_check(LF_NAME_RESOURCE, lf_json_text(nic, "targetNicName"),
					   target, err);
		if (!rc)
			rc = check_address(context, real, subnet,
					   lf_json_text_or(nic, "targetStaticIPAddress", ""),
					   target, err);
		if (!rc)
			rc = check_address(context, test, test_subnet,
					   lf_json_text_or(nic, "testStaticIPAddress", ""), target,
					   err);
		if (rc)
			return rc;
	}
	return 0;
}

static json_t *disk_row(const struct lf_resource *item, const char *id)
{
	size_t i;
	json_t *row;

	json_array_foreach (lf_json_at(item->doc, "disks"), i, row)
		if (lf_text_equal_nocase(lf_json_text_or(row, "diskId", ""), id))
			return row;
	return NULL;
}

static int check_disk(const struct lf_resource *item, const json_t *disk, struct lf_error *err)
{
	static const char target[] = DETAILS "vmDisks";
	const char *id = lf_json_text_or(disk, "diskId", "");
	const char *name = lf_json_text_or(disk, "targetDiskName", "");

	if (!disk_row(item, id))
		return lf_fail_arm(err, LF_EINVAL, "DiskNotFound", target,
				   "take the ids from the item's protectedDisks",
				   "the item has no disk '%.100s'", id);
	return *name ? lf_name_check(LF_NAME_RESOURCE, name, target, err) : 0;
}

static int check_update(struct lf_context *context, const struct lf_resource *item,
			const json_t *input, struct lf_error *err)
{
	unsigned cpus, memory;
	size_t i;
	json_t *disk;

	int rc = lf_sr_check_instance(lf_json_text(input, "instanceType"), NULL,
				      DETAILS "instanceType", err);
	if (!rc && *lf_json_text_or(input, "targetVmName", ""))
		rc = lf_sr_check_vm_name(lf_json_text(input, "targetVmName"),
					 DETAILS "targetVmName", err);
	if (!rc && *lf_json_text_or(input, "targetVmSize", "") &&
	    lf_compute_size(lf_json_text(input, "targetVmSize"), &cpus, &memory, err))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidVmSize", DETAILS "targetVmSize",
				 "list targetComputeSizes of the item",
				 "'%.100s' is not a known size",
				 lf_json_text(input, "targetVmSize"));
	if (!rc)
		rc = check_ids(context, input, err);
	if (!rc)
		rc = check_nics(context, item, input, err);
	json_array_foreach (lf_json_at(input, "vmDisks"), i, disk)
		if (!rc)
			rc = check_disk(item, disk, err);
	return rc;
}

static int put_input(struct lf_arm_call *call, const struct lf_resource *item, struct lf_doc *input,
		     struct lf_error *err)
{
	const json_t *given = lf_json_at(lf_arm_body(call), "properties.providerSpecificDetails");

	if (!given)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty",
				   "properties.providerSpecificDetails",
				   "give instanceType and what is to change",
				   "providerSpecificDetails is missing");
	lf_doc_share(input, "update", given);
	return check_update(lf_arm_context(call), item, given, err);
}

/* The job. */

/* The guide says isSelectedForMigration, the description isSelectedForFailover. */
static int normalise_nic(json_t *nic)
{
	json_t *migration = lf_json_at(nic, "isSelectedForMigration");

	if (migration && !lf_json_at(nic, "isSelectedForFailover"))
		return json_object_set(nic, "isSelectedForFailover", migration);
	return 0;
}

static int apply_nics(struct lf_resource *item, const json_t *input, struct lf_error *err)
{
	json_t *stored = lf_json_at(item->doc, "nics"), *nic, *other;
	size_t i, j;

	json_array_foreach (lf_json_at(input, "vmNics"), i, nic) {
		json_t *row = NULL;
		json_array_foreach (stored, j, other)
			if (lf_text_equal_nocase(lf_json_text_or(other, "nicId", ""),
						 lf_json_text_or(nic, "nicId", "")))
				row = other;
		if (!row) {
			row = json_object();
			if (json_array_append_new(stored, row))
				return lf_fail_nomem(err);
		}
		int rc = lf_json_merge(row, nic, err);
		if (!rc && normalise_nic(row))
			rc = lf_fail_nomem(err);
		if (rc)
			return rc;
	}
	return 0;
}

static int apply_disks(struct lf_resource *item, const json_t *input, struct lf_error *err)
{
	size_t i;
	json_t *disk;

	json_array_foreach (lf_json_at(input, "vmDisks"), i, disk) {
		json_t *row = disk_row(item, lf_json_text_or(disk, "diskId", ""));
		LF_AUTO_JSON *change = json_deep_copy(disk);
		if (!change)
			return lf_fail_nomem(err);
		json_object_del(change, "diskId");
		int rc = row ? lf_json_merge(row, change, err) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

static int run_update(struct lf_job_run *run, struct lf_error *err)
{
	const json_t *input = lf_json_at(lf_job_run_job(run)->doc, "update");
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_begin(run, &tx, &item, err);
	if (rc)
		return rc;
	json_t *details = lf_json_at(item.doc, "details");
	for (size_t i = 0; i < LF_N(changeable); i++) {
		json_t *value = lf_json_at(input, changeable[i]);
		if (value && json_object_set(details, changeable[i], value))
			return lf_fail_nomem(err);
	}
	rc = apply_nics(&item, input, err);
	if (!rc)
		rc = apply_disks(&item, input, err);
	return rc ? rc : lf_sr_step_end(run, &tx, &item, err);
}

static const struct lf_job_step update_steps[] = {
	{"UpdateVmProperties", "Updating the virtual machine's properties", run_update, NULL},
};
const struct lf_job_type lf_sr_update_job = {.name = "siterecovery.update",
					     .steps = update_steps,
					     .n_steps = LF_N(update_steps),
					     .ended = lf_sr_job_ended};
const struct lf_sr_start lf_sr_update = {.action = LF_SR_UPDATE,
					 .job = &lf_sr_update_job,
					 .scenario = "UpdateVmProperties",
					 .friendly = "Update the virtual machine",
					 .input = put_input};
