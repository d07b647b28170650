/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client says of the machine to protect and of the one to be made: the bodies of enabling
 * and of PATCH as tables, and the checks that both share.  The tables say what kind of value a
 * member has; after them ids are followed, names and sizes looked at, and what excludes each other
 * is compared as it will be once the request is done.
 */
#include <string.h>

#include "base/names.h"
#include "providers/compute/vm/placement.h"
#include "providers/resources/locations.h"
#include "providers/siterecovery/internal.h"

#define P	      "properties."
#define D	      P "providerSpecificDetails."
#define TAGS_MAX      50
#define TAG_NAME_MAX  512
#define TAG_VALUE_MAX 256
#define OS_NAME_MAX   256
#define VM_NAME_MAX   63
#define DISKS_MAX     64
#define NICS_MAX      128

static const char *const licenses[] = {"NotSpecified", "NoLicenseType", "WindowsServer", NULL};
static const char *const sql_licenses[] = {"NotSpecified", "NoLicenseType", "PAYG", "AHUB", NULL};
static const char *const linux_licenses[] = {"NotSpecified", "NoLicenseType", "LinuxServer",
					     "RHEL_BYOS",    "SLES_BYOS",     NULL};
static const char *const disk_types[] = {
	"Standard_LRS", "Premium_LRS",	   "StandardSSD_LRS", "PremiumV2_LRS",
	"UltraSSD_LRS", "StandardSSD_ZRS", "Premium_ZRS",     NULL};
static const char *const security_types[] = {"None", "TrustedLaunch", "ConfidentialVM", NULL};
static const char *const switches[] = {"Disabled", "Enabled", NULL};

#define TEXT(path, max, doc)                                                                       \
	{                                                                                          \
		path, LF_TEXT, 0, 0, max, NULL, doc                                                \
	}
#define ID(path, doc)                                                                              \
	{                                                                                          \
		path, LF_ID, 0, 0, 0, NULL, doc                                                    \
	}
#define WORD(path, words, doc)                                                                     \
	{                                                                                          \
		path, LF_ENUM, 0, 0, 0, words, doc                                                 \
	}
#define BOOL(path, doc)                                                                            \
	{                                                                                          \
		path, LF_BOOL, 0, 0, 0, NULL, doc                                                  \
	}
#define NUMBER(path, doc)                                                                          \
	{                                                                                          \
		path, LF_INT, 0, 0, INT32_MAX, NULL, doc                                           \
	}
#define NEEDED(path, type, doc)                                                                    \
	{                                                                                          \
		path, type, LF_REQUIRED, 0, 0, NULL, doc                                           \
	}
#define TAGS(path, doc)                                                                            \
	{path, LF_ARRAY, 0, 0, TAGS_MAX, NULL, doc},                                               \
		{path ".*.tagName", LF_TEXT, LF_REQUIRED, 0, TAG_NAME_MAX, NULL, "name the tag"},  \
		TEXT(path ".*.tagValue", TAG_VALUE_MAX, "what the tag says")

/* What both may say. */
#define SETTINGS                                                                                   \
	NEEDED(D "instanceType", LF_TEXT, "give \"instanceType\": \"" LF_SR_INSTANCE "\""),        \
		TEXT(D "targetVmName", 0, "of the machine to be made; the source's"),              \
		TEXT(D "targetVmSize", 0, "of targetComputeSizes; the closest"),                   \
		ID(D "targetNetworkId", "of a failover"),                                          \
		ID(D "testNetworkId", "of a test failover"),                                       \
		WORD(D "licenseType", licenses, "of Windows"),                                     \
		WORD(D "sqlServerLicenseType", sql_licenses, "of SQL Server"),                     \
		WORD(D "linuxLicenseType", linux_licenses, "of Linux"),                            \
		ID(D "targetAvailabilitySetId", "of the target group; \"\": none"),                \
		TEXT(D "targetAvailabilityZone", 8, "1, 2 or 3; \"\": none"),                      \
		ID(D "targetProximityPlacementGroupId", "\"\": none"),                             \
		ID(D "targetBootDiagnosticsStorageAccountId", "\"\": the service's own"),          \
		ID(D "targetCapacityReservationGroupId", "there are none"),                        \
		TEXT(D "userSelectedOSName", OS_NAME_MAX, "instead of what the agent says"),       \
		TAGS(D "targetVmTags", "of the machine"),                                          \
		TAGS(D "targetManagedDiskTags", "of its disks"),                                   \
		TAGS(D "targetNicTags", "of its network interfaces")
#define DISK(path)                                                                                 \
	ID(path ".logStorageAccountId", "the cache storage account"),                              \
		WORD(path ".diskType", disk_types, "of the disk to be made"),                      \
		ID(path ".diskEncryptionSetId", "there are none"),                                 \
		NUMBER(path ".sectorSizeInBytes", "0 or the source's"),                            \
		NUMBER(path ".iops", "0: disks have no set rate"),                                 \
		NUMBER(path ".throughputInMbps", "0: disks have no set rate"),                     \
		NUMBER(path ".diskSizeInGB", "0 or the source's"),                                 \
		BOOL(path ".isFabricDiscoveryDiskId", "both kinds of id are the same here")

static const struct lf_field enable_fields[] = {
	NEEDED(P "policyId", LF_ID, "give the id of a replication policy of the vault"),
	TEXT(P "protectableItemId", 0, "the machine's, or \"\""),
	SETTINGS,
	NEEDED(D "fabricDiscoveryMachineId", LF_TEXT,
	       "give the id of a discovered machine of the fabric's site"),
	NEEDED(D "processServerId", LF_TEXT, "take it from the fabric's processServers"),
	NEEDED(D "targetResourceGroupId", LF_ID, "give the group that the machine is made in"),
	TEXT(D "targetSubnetName", 0, "of the target network"),
	TEXT(D "testSubnetName", 0, "of the test network"),
	ID(D "runAsAccountId", "of the machine's site"),
	TEXT(D "multiVmGroupName", 64, "machines of one group have common points"),
	TAGS(D "seedManagedDiskTags", "of seed disks"),
	{D "targetVmSecurityProfile", LF_OBJECT, 0, 0, 0, NULL, "of the machine"},
	WORD(D "targetVmSecurityProfile.targetVmSecurityType", security_types, "None"),
	WORD(D "targetVmSecurityProfile.targetVmSecureBoot", switches, "Disabled"),
	WORD(D "targetVmSecurityProfile.targetVmTpm", switches, "Disabled"),
	WORD(D "targetVmSecurityProfile.targetVmMonitoring", switches, "Disabled"),
	WORD(D "targetVmSecurityProfile.targetVmConfidentialEncryption", switches, "Disabled"),
	{D "disksToInclude", LF_ARRAY, 0, 0, DISKS_MAX, NULL, "which disks"},
	NEEDED(D "disksToInclude.*.diskId", LF_TEXT, "take it from the machine's disks"),
	DISK(D "disksToInclude.*"),
	{D "disksDefault", LF_OBJECT, 0, 0, 0, NULL, "all disks"},
	DISK(D "disksDefault"),
};

static const struct lf_field update_fields[] = {
	SETTINGS,
	/* older clients say these here; see lf_sr_update_input() */
	TEXT(P "recoveryAzureVMName", 0, "targetVmName"),
	TEXT(P "recoveryAzureVMSize", 0, "targetVmSize"),
	ID(P "selectedRecoveryAzureNetworkId", "targetNetworkId"),
	ID(P "selectedTfoAzureNetworkId", "testNetworkId"),
	ID(P "recoveryAvailabilitySetId", "targetAvailabilitySetId"),
	WORD(P "licenseType", licenses, "licenseType"),
	TEXT(P "selectedSourceNicId", 0, "give isPrimaryNic in vmNics"),
	TEXT(P "enableRdpOnTargetOption", 0, "Never"),
	{P "vmNics", LF_ARRAY, 0, 0, NICS_MAX, NULL, "give providerSpecificDetails.vmNics"},
	ID(D "targetResourceGroupId", "the group that the machine is made in"),
	{D "vmNics", LF_ARRAY, 0, 0, NICS_MAX, NULL, "what is to change"},
	NEEDED(D "vmNics.*.nicId", LF_TEXT, "take it from the item's vmNics"),
	BOOL(D "vmNics.*.isPrimaryNic", "the first is, when nothing is said"),
	BOOL(D "vmNics.*.isSelectedForFailover", "true"),
	BOOL(D "vmNics.*.isSelectedForMigration", "the same by another name"),
	TEXT(D "vmNics.*.targetSubnetName", 0, "of the target network"),
	TEXT(D "vmNics.*.targetStaticIPAddress", 0, "\"\": the source's, or a free one"),
	TEXT(D "vmNics.*.testSubnetName", 0, "of the test network"),
	TEXT(D "vmNics.*.testStaticIPAddress", 0, "\"\": the source's, or a free one"),
	TEXT(D "vmNics.*.targetNicName", 0, "\"\": made of the machine's"),
	{D "vmDisks", LF_ARRAY, 0, 0, DISKS_MAX, NULL, "what is to change"},
	NEEDED(D "vmDisks.*.diskId", LF_TEXT, "take it from the item's protectedDisks"),
	DISK(D "vmDisks.*"), /* as they are: see lf_sr_update_input() */
	TEXT(D "vmDisks.*.targetDiskName", 0, "\"\": made of the machine's"),
};

const struct lf_sr_fields lf_sr_enable_fields = {enable_fields, LF_N(enable_fields)};
const struct lf_sr_fields lf_sr_update_fields = {update_fields, LF_N(update_fields)};

int lf_sr_fields_check(const struct lf_sr_fields *fields, json_t *body, struct lf_error *err)
{
	LF_AUTO_JSON *told = json_pack("{s:O?}", "properties", lf_json_at(body, "properties"));
	char path[LF_FIELD_PATH_SIZE];

	if (!told)
		return lf_fail_nomem(err);
	int rc = lf_fields_check(fields->rows, fields->n, body, NULL, err);
	return rc || !lf_fields_stray(fields->rows, fields->n, told, NULL, path)
		       ? rc
		       : lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path, "leave it out",
				     "%s would have no effect here", path);
}

/* A member that names a resource, which has to be there. */
struct reference {
	const char *name, *type, *code;
	const char *hint; /* NULL: make it */
	bool regional;	  /* it has to be where the machine will be */
};

static const struct reference references[] = {
	{"targetResourceGroupId", "Microsoft.Resources/resourceGroups", "ResourceGroupNotFound"},
	{"targetNetworkId", LF_SR_TYPE_NETWORK, "NetworkNotFound", .regional = true},
	{"testNetworkId", LF_SR_TYPE_NETWORK, "NetworkNotFound", .regional = true},
	{"targetAvailabilitySetId", LF_SET_TYPE, "AvailabilitySetNotFound", .regional = true},
	{"targetProximityPlacementGroupId", LF_PLACEMENT_GROUP_TYPE,
	 "ProximityPlacementGroupNotFound", .regional = true},
	{"targetBootDiagnosticsStorageAccountId", LF_SR_TYPE_ACCOUNT, "StorageAccountNotFound",
	 .regional = true},
	{"targetCapacityReservationGroupId", "Microsoft.Compute/capacityReservationGroups",
	 "CapacityReservationGroupNotFound",
	 "leave it out: there are no capacity reservations here, machines take what is free"},
};

int lf_sr_find(struct lf_catalog *catalog, const char *id, const char *type, const char *code,
	       const char *hint, const char *target, struct lf_resource *ret_resource,
	       struct lf_error *err)
{
	bool exists = false;
	int rc = lf_arm_id_check(id, type, target, err);

	if (!rc)
		rc = lf_catalog_find(catalog, id, ret_resource, &exists, err);
	return rc || exists
		       ? rc
		       : lf_fail_arm(err, LF_EINVAL, code, target,
				     hint ? hint
					  : "create it first, or give the id of one that exists",
				     "there is no resource %s", id);
}

int lf_sr_check_exists(struct lf_catalog *catalog, const char *id, const char *type,
		       const char *code, const char *target, struct lf_error *err)
{
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;

	if (!id || !*id)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", target,
				   "give the full resource id", "%s is missing", target);
	return lf_sr_find(catalog, id, type, code, NULL, target, &found, err);
}

int lf_sr_check_region(const struct lf_resource *resource, const char *region, const char *target,
		       struct lf_error *err)
{
	const char *location = lf_json_text_or(resource->doc, "location", region);

	return lf_location_equal(location, region)
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "RegionMismatch", target,
				     "take one of the vault's region",
				     "%s is in %s, and the machine will be in %s", resource->id,
				     location, region);
}

static int check_reference(struct lf_catalog *catalog, const struct lf_sr_settings *settings,
			   const struct reference *reference, struct lf_error *err)
{
	const char *id = lf_json_text_or(settings->given, reference->name, "");
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
	char target[128];

	if (!*id)
		return 0;
	snprintf(target, sizeof(target), D "%s", reference->name);
	int rc = lf_sr_find(catalog, id, reference->type, reference->code, reference->hint, target,
			    &found, err);
	return rc || !reference->regional
		       ? rc
		       : lf_sr_check_region(&found, settings->region, target, err);
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

static int check_machine(const struct lf_sr_settings *settings, struct lf_error *err)
{
	const char *name = lf_json_text_or(settings->given, "targetVmName", "");
	const char *size = lf_json_text_or(settings->given, "targetVmSize", "");
	unsigned cpus, memory;

	if (*name && lf_sr_check_vm_name(name, D "targetVmName", err))
		return err->code;
	if (*size && lf_compute_size(size, &cpus, &memory, err))
		return lf_fail_arm(err, LF_EINVAL, "InvalidVmSize", D "targetVmSize",
				   "list targetComputeSizes of an item, or leave it out",
				   "'%.100s' is not a known size", size);
	return 0;
}

/* As it will be: given, or stored before. */
static const char *will_be(const struct lf_sr_settings *settings, const char *name)
{
	const char *given = lf_json_text(settings->given, name);

	return given ? given : lf_json_text_or(settings->stored, name, "");
}

/* Where the machine is put: a set of its group, or a zone. */
static int check_place(const struct lf_sr_settings *settings, struct lf_error *err)
{
	const char *set = will_be(settings, "targetAvailabilitySetId");
	const char *zone = will_be(settings, "targetAvailabilityZone");
	LF_AUTO_FREE char *below = lf_printf_dup("%s/", will_be(settings, "targetResourceGroupId"));

	if (!below)
		return lf_fail_nomem(err);
	if (*zone && lf_vm_zone_check(zone, D "targetAvailabilityZone", err))
		return err->code;
	if (*zone && *set)
		return lf_fail_arm(err, LF_EINVAL, "AvailabilitySetAndZoneConflict",
				   D "targetAvailabilityZone", "clear one of them with \"\"",
				   "a machine is in an availability set or in a zone, not in both");
	if (*set && !lf_text_starts_nocase(set, below))
		return lf_fail_arm(err, LF_EINVAL, "AvailabilitySetOfAnotherGroup",
				   D "targetAvailabilitySetId",
				   "take a set of the target resource group",
				   "the availability set is not in the target resource group");
	return 0;
}

static int check_tags(const json_t *tags, const char *name, struct lf_error *err)
{
	char target[96];
	size_t i, j;
	json_t *tag, *other;

	snprintf(target, sizeof(target), D "%s", name);
	json_array_foreach ((json_t *)(uintptr_t)tags, i, tag) {
		const char *key = lf_json_text_or(tag, "tagName", "");
		if (!*key || strpbrk(key, "<>%&\\?/"))
			return lf_fail_arm(err, LF_EINVAL, "InvalidTagName", target,
					   "1 to 512 characters without < > % & \\ ? and /",
					   "'%.80s' cannot be the name of a tag", key);
		json_array_foreach ((json_t *)(uintptr_t)tags, j, other)
			if (j < i &&
			    lf_text_equal_nocase(key, lf_json_text_or(other, "tagName", "")))
				return lf_fail_arm(err, LF_EINVAL, "DuplicateTag", target,
						   "name each tag once",
						   "the tag '%.80s' is given twice", key);
	}
	return 0;
}

static int check_all_tags(const json_t *given, struct lf_error *err)
{
	static const char *const lists[] = {"targetVmTags", "targetManagedDiskTags",
					    "targetNicTags", "seedManagedDiskTags"};
	int rc = 0;

	for (size_t i = 0; !rc && i < LF_N(lists); i++)
		rc = check_tags(lf_json_at(given, lists[i]), lists[i], err);
	return rc;
}

/* A licence of Linux is of a Linux machine.  Licences of Windows and of SQL Server are kept
 * whatever the machine is, as the service keeps them: the guide gives both with every machine. */
static int check_linux_license(const struct lf_sr_settings *settings, struct lf_error *err)
{
	const char *license = lf_json_text_or(settings->given, "linuxLicenseType", "NotSpecified");
	const char *os = lf_json_text_or(settings->machine, "os", "");
	bool none = strcmp(license, "NotSpecified") == 0 || strcmp(license, "NoLicenseType") == 0;
	bool sold = strcasestr(os, "red hat") || strcasestr(os, "suse");

	if (none || (strcmp(license, "LinuxServer") == 0 ? sold : !strcasestr(os, "windows")))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "LicenseOfAnotherSystem", D "linuxLicenseType",
			   "give NoLicenseType, or leave it out",
			   "a machine with '%.100s' cannot have the licence %s", os, license);
}

static bool enabled(const json_t *profile, const char *name)
{
	return strcmp(lf_json_text_or(profile, name, "Disabled"), "Enabled") == 0;
}

static int check_security(const struct lf_sr_settings *settings, struct lf_error *err)
{
	static const char target[] = D "targetVmSecurityProfile";
	const json_t *profile = lf_json_at(settings->given, "targetVmSecurityProfile");
	const char *type = lf_json_text_or(profile, "targetVmSecurityType", "None");
	const char *firmware = lf_json_text_or(settings->machine, "firmware", "bios");
	bool trusted = strcmp(type, "TrustedLaunch") == 0;

	if (strcmp(type, "ConfidentialVM") == 0 ||
	    enabled(profile, "targetVmConfidentialEncryption") ||
	    enabled(profile, "targetVmMonitoring"))
		return lf_fail_arm(err, LF_EINVAL, "SecurityProfileNotSupported", target,
				   "take TrustedLaunch with targetVmSecureBoot and targetVmTpm",
				   "machines here are not confidential, and nobody attests them");
	if (!trusted && (enabled(profile, "targetVmSecureBoot") || enabled(profile, "targetVmTpm")))
		return lf_fail_arm(
			err, LF_EINVAL, "InvalidSecurityProfile", target,
			"give \"targetVmSecurityType\": \"TrustedLaunch\" as well",
			"secure boot and a TPM are of machines of the type TrustedLaunch");
	return lf_vm_security_check(trusted ? type : NULL, false, false,
				    strcasestr(firmware, "efi") != NULL, target, err);
}

int lf_sr_settings_check(struct lf_catalog *catalog, const struct lf_sr_settings *settings,
			 struct lf_error *err)
{
	int rc = check_machine(settings, err);

	for (size_t i = 0; !rc && i < LF_N(references); i++)
		rc = check_reference(catalog, settings, &references[i], err);
	if (!rc)
		rc = check_place(settings, err);
	if (!rc)
		rc = check_all_tags(settings->given, err);
	if (!rc)
		rc = check_linux_license(settings, err);
	return rc ? rc : check_security(settings, err);
}
