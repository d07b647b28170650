/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is asked of a PATCH of a protected item before anything is
 * done.  What older clients say beside providerSpecificDetails is put into it
 * first; then the machine's settings are checked as at enabling, its interfaces
 * against the item's networks as they will be, and its disks, of which only the
 * name can change.
 */
#include <string.h>

#include "base/names.h"
#include "providers/siterecovery/internal.h"

#define DETAILS "properties.providerSpecificDetails."

static int put_outer(const json_t *properties, json_t *details, struct lf_error *err)
{
	static const char *const same[][2] = {
		{"recoveryAzureVMName", "targetVmName"},
		{"recoveryAzureVMSize", "targetVmSize"},
		{"selectedRecoveryAzureNetworkId", "targetNetworkId"},
		{"selectedTfoAzureNetworkId", "testNetworkId"},
		{"recoveryAvailabilitySetId", "targetAvailabilitySetId"},
		{"licenseType", "licenseType"},
	};
	char target[64];

	for (size_t i = 0; i < LF_N(same); i++) {
		const char *outer = lf_json_text(properties, same[i][0]);
		const char *inner = lf_json_text(details, same[i][1]);
		snprintf(target, sizeof(target), "properties.%s", same[i][0]);
		if (outer && inner && !lf_text_equal_nocase(outer, inner))
			return lf_fail_arm(err, LF_EINVAL, "ContradictorySettings", target,
					   "leave it out, or give both the same value",
					   "%s and %s of providerSpecificDetails differ",
					   same[i][0], same[i][1]);
		if (outer && !inner && lf_json_set_text(details, same[i][1], outer))
			return lf_fail_nomem(err);
	}
	return 0;
}

/* Of other replication providers. */
static int refuse_outer(const json_t *properties, struct lf_error *err)
{
	const char *remote = lf_json_text_or(properties, "enableRdpOnTargetOption", "");

	if (*remote && !lf_text_equal_nocase(remote, "Never"))
		return lf_fail_arm(err, LF_EINVAL, "SettingNotSupported",
				   "properties.enableRdpOnTargetOption",
				   "leave it out, and allow remote access in the machine itself",
				   "machines are made as they are: nothing is opened in them");
	if (*lf_json_text_or(properties, "selectedSourceNicId", ""))
		return lf_fail_arm(err, LF_EINVAL, "SettingNotSupported",
				   "properties.selectedSourceNicId",
				   "give isPrimaryNic in " DETAILS "vmNics",
				   "selectedSourceNicId is not of " LF_SR_INSTANCE " items");
	if (json_array_size(lf_json_at(properties, "vmNics")))
		return lf_fail_arm(err, LF_EINVAL, "SettingNotSupported", "properties.vmNics",
				   "give them in " DETAILS "vmNics",
				   "vmNics outside providerSpecificDetails are not of "
				   "" LF_SR_INSTANCE " items");
	return 0;
}

/* As it will be: given, also as "", or stored before. */
static const char *network_of(const struct lf_resource *item, const json_t *input, const char *name)
{
	const char *given = lf_json_text(input, name);

	return given ? given : lf_json_text_or(lf_json_at(item->doc, "details"), name, "");
}

const char *lf_sr_nic_id(const struct lf_resource *item, const char *id)
{
	size_t i;
	json_t *nic;

	json_array_foreach (lf_json_at(item->state, "machine.nics"), i, nic) {
		const char *mac = lf_json_text_or(nic, "mac", "");
		const char *own = lf_json_text_or(nic, "id", mac);
		if (*id && (lf_text_equal_nocase(own, id) || lf_text_equal_nocase(mac, id)))
			return own;
	}
	return NULL;
}

static int check_address(struct lf_catalog *catalog, const char *network, const char *subnet,
			 const char *address, const char *target, struct lf_error *err)
{
	LF_AUTO_JSON *subnets = NULL;
	size_t i;
	json_t *row;

	if (!*address || !*network)
		return 0;
	int rc = lf_sr_subnets(catalog, network, target, &subnets, err);
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

/* An interface is named once, one at most is the first, and both names of a choice say the same. */
static int check_nic_once(const struct lf_resource *item, const json_t *nics, size_t at,
			  const char *target, struct lf_error *err)
{
	const json_t *nic = json_array_get(nics, at);
	const char *id = lf_sr_nic_id(item, lf_json_text_or(nic, "nicId", ""));
	const json_t *failover = lf_json_at(nic, "isSelectedForFailover");
	const json_t *migration = lf_json_at(nic, "isSelectedForMigration");

	if (!id)
		return lf_fail_arm(err, LF_EINVAL, "NicNotFound", target,
				   "take the ids from the item's vmNics",
				   "the machine has no network interface '%.100s'",
				   lf_json_text_or(nic, "nicId", ""));
	if (failover && migration &&
	    lf_json_bool_or(failover, "", false) != lf_json_bool_or(migration, "", false))
		return lf_fail_arm(err, LF_EINVAL, "ContradictorySettings", target,
				   "give one of them",
				   "isSelectedForFailover and isSelectedForMigration differ");
	for (size_t i = 0; i < at; i++) {
		const json_t *other = json_array_get(nics, i);
		const char *its = lf_sr_nic_id(item, lf_json_text_or(other, "nicId", ""));
		if (its && lf_text_equal_nocase(id, its))
			return lf_fail_arm(err, LF_EINVAL, "DuplicateNic", target,
					   "name each interface once",
					   "the network interface %s is named twice", id);
		if (lf_json_bool_or(nic, "isPrimaryNic", false) &&
		    lf_json_bool_or(other, "isPrimaryNic", false))
			return lf_fail_arm(err, LF_EINVAL, "ContradictorySettings", target,
					   "make one interface the primary one",
					   "two interfaces are said to be primary");
	}
	return 0;
}

/* Subnets, addresses and the name of one interface.  A test's are of the test network, or of the
 * target's where there is none. */
static int check_nic(struct lf_catalog *catalog, const struct lf_resource *item,
		     const json_t *input, const json_t *nic, const char *target,
		     struct lf_error *err)
{
	const char *real = network_of(item, input, "targetNetworkId");
	const char *test = network_of(item, input, "testNetworkId");
	const char *subnet = lf_json_text(nic, "targetSubnetName");
	const char *test_subnet = lf_json_text(nic, "testSubnetName");
	const char *name = lf_json_text_or(nic, "targetNicName", "");

	if (!*test)
		test = real;
	int rc = lf_sr_check_subnet(catalog, real, subnet, target, err);
	if (!rc)
		rc = lf_sr_check_subnet(catalog, test, test_subnet, target, err);
	if (!rc && *name)
		rc = lf_name_check(LF_NAME_RESOURCE, name, target, err);
	if (!rc)
		rc = check_address(catalog, real, subnet,
				   lf_json_text_or(nic, "targetStaticIPAddress", ""), target, err);
	return rc ? rc
		  : check_address(catalog, test, test_subnet,
				  lf_json_text_or(nic, "testStaticIPAddress", ""), target, err);
}

static int check_nics(struct lf_catalog *catalog, const struct lf_resource *item,
		      const json_t *input, struct lf_error *err)
{
	const json_t *nics = lf_json_at(input, "vmNics");
	char target[96];
	int rc = 0;

	for (size_t i = 0; !rc && i < json_array_size(nics); i++) {
		snprintf(target, sizeof(target), DETAILS "vmNics[%zu]", i);
		rc = check_nic_once(item, nics, i, target, err);
		if (!rc)
			rc = check_nic(catalog, item, input, json_array_get(nics, i), target, err);
	}
	return rc;
}

json_t *lf_sr_disk_row(const struct lf_resource *item, const char *id)
{
	size_t i;
	json_t *row;

	json_array_foreach (lf_json_at(item->doc, "disks"), i, row)
		if (lf_text_equal_nocase(lf_json_text_or(row, "diskId", ""), id))
			return row;
	return NULL;
}

/* What is said of a disk at enabling stays: its data lie where it was said. */
static int check_unchanged(const json_t *row, const json_t *disk, const char *at,
			   struct lf_error *err)
{
	static const char *const fixed[] = {
		"diskType", "logStorageAccountId", "diskEncryptionSetId", "sectorSizeInBytes",
		"iops",	    "throughputInMbps",	   "diskSizeInGB"};
	char target[160];

	for (size_t i = 0; i < LF_N(fixed); i++) {
		const json_t *given = lf_json_at(disk, fixed[i]);
		const json_t *stored = lf_json_at(row, fixed[i]);
		bool neutral =
			!given || json_equal(given, stored) ||
			(json_is_string(given) && !json_string_length(given)) ||
			(json_is_integer(given) && !json_integer_value(given)) ||
			(json_is_string(given) && json_is_string(stored) &&
			 lf_text_equal_nocase(json_string_value(given), json_string_value(stored)));
		snprintf(target, sizeof(target), "%s.%s", at, fixed[i]);
		if (!neutral)
			return lf_fail_arm(err, LF_EINVAL, "DiskSettingCannotChange", target,
					   "leave it out; to change it disable protection and "
					   "enable it again",
					   "%s cannot be changed after protection was enabled",
					   fixed[i]);
	}
	return 0;
}

/* The name that a disk will have; "": one made of the machine's. */
static const char *disk_name(const struct lf_resource *item, const json_t *disks, const char *id)
{
	const json_t *given = lf_json_find_nocase(disks, "diskId", id);
	const char *name = lf_json_text(given, "targetDiskName");

	return name ? name : lf_json_text_or(lf_sr_disk_row(item, id), "targetDiskName", "");
}

static int check_disk(const struct lf_resource *item, const json_t *disks, size_t at,
		      struct lf_error *err)
{
	const json_t *disk = json_array_get(disks, at);
	const char *id = lf_json_text_or(disk, "diskId", "");
	const char *name = lf_json_text_or(disk, "targetDiskName", "");
	const json_t *row = lf_sr_disk_row(item, id);
	char target[128];
	size_t i;
	json_t *other;

	snprintf(target, sizeof(target), DETAILS "vmDisks[%zu]", at);
	if (!row)
		return lf_fail_arm(err, LF_EINVAL, "DiskNotFound", target,
				   "take the ids from the item's protectedDisks",
				   "the item has no disk '%.100s'", id);
	if (lf_json_find_nocase(disks, "diskId", id) != disk)
		return lf_fail_arm(err, LF_EINVAL, "DuplicateDisk", target, "name each disk once",
				   "disk '%.100s' is named twice", id);
	int rc = check_unchanged(row, disk, target, err);
	strncat(target, ".targetDiskName", sizeof(target) - strlen(target) - 1);
	if (!rc && *name)
		rc = lf_name_check(LF_NAME_RESOURCE, name, target, err);
	json_array_foreach (lf_json_at(item->doc, "disks"), i, other) {
		const char *its = lf_json_text_or(other, "diskId", "");
		if (!rc && *name && other != row &&
		    lf_text_equal_nocase(name, disk_name(item, disks, its)))
			rc = lf_fail_arm(err, LF_EINVAL, "DuplicateDiskName", target,
					 "give each disk a name of its own",
					 "another disk of the machine is called '%s', too", name);
	}
	return rc;
}

static int check_disks(const struct lf_resource *item, const json_t *input, struct lf_error *err)
{
	const json_t *disks = lf_json_at(input, "vmDisks");
	int rc = 0;

	for (size_t i = 0; !rc && i < json_array_size(disks); i++)
		rc = check_disk(item, disks, i, err);
	return rc;
}

static int check_input(struct lf_catalog *catalog, const struct lf_resource *item,
		       const json_t *input, struct lf_error *err)
{
	const struct lf_sr_settings settings = {.given = input,
						.stored = lf_json_at(item->doc, "details"),
						.machine = lf_json_at(item->state, "machine"),
						.region =
							lf_json_text_or(item->state, "region", "")};

	int rc = lf_sr_check_instance(lf_json_text(input, "instanceType"), NULL,
				      DETAILS "instanceType", err);
	if (!rc)
		rc = lf_sr_settings_check(catalog, &settings, err);
	if (!rc)
		rc = check_nics(catalog, item, input, err);
	return rc ? rc : check_disks(item, input, err);
}

int lf_sr_update_input(struct lf_arm_call *call, const struct lf_resource *item,
		       struct lf_doc *input, struct lf_error *err)
{
	const json_t *properties = lf_json_at(lf_arm_body(call), "properties");
	LF_AUTO_JSON *update = json_deep_copy(lf_json_at(properties, "providerSpecificDetails"));

	if (!update)
		return lf_fail_nomem(err);
	int rc = put_outer(properties, update, err);
	if (!rc)
		rc = refuse_outer(properties, err);
	if (!rc)
		rc = check_input(lf_arm_context(call)->catalog, item, update, err);
	lf_doc_share(input, "update", update);
	return rc;
}
