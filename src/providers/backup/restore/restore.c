/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client asks to restore, checked, and with names for all that will be made.
 */
#include "providers/backup/restore/restore.h"

#include <string.h>

#include "base/names.h"
#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/point/documents.h"
#include "providers/common/unsupported.h"
#include "providers/compute/ids.h"
#include "providers/network/network.h"
#include "providers/resources/locations.h"
#include "providers/storage/storage.h"

#define TEXTS_MAX (LF_RESTORE_DISKS_MAX + 8)

/* A request while it is looked at: the input that the job will be given, and what that borrows. */
struct restore {
	const struct lf_restore_ask *ask;
	struct lf_restore input;
	struct lf_resource account, group, network, machine;
	char vm_name[65], job[LF_GUID_SIZE];
	char *texts[TEXTS_MAX];
	size_t n_texts;
	bool failed; /* out of memory */
};

static void restore_done(struct restore *restore)
{
	lf_resource_done(&restore->account);
	lf_resource_done(&restore->group);
	lf_resource_done(&restore->network);
	lf_resource_done(&restore->machine);
	for (size_t i = 0; i < restore->n_texts; i++)
		free(restore->texts[i]);
}

/* Takes the text, which the input may then borrow. */
static const char *keep(struct restore *restore, char *text)
{
	LF_ASSERT(restore->n_texts < TEXTS_MAX);
	restore->failed |= !text;
	restore->texts[restore->n_texts++] = text;
	return text ? text : "";
}

json_t *lf_restore_request(json_t *body)
{
	static const char *const places[] = {"properties", "parameters.parameters.properties",
					     "parameters.parameters", "parameters.properties",
					     "parameters"};

	for (size_t i = 0; i < LF_N(places); i++) {
		json_t *found = lf_json_at(body, places[i]);
		if (lf_json_text(found, "recoveryType"))
			return found;
	}
	return lf_json_text(body, "recoveryType") ? body : NULL;
}

static int fail_request(const char *code, const char *target, const char *hint, const char *what,
			struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, code, target, hint, "%s", what);
}

/* What id names, of that type and of the restore's region (locations are compared when there). */
static int find_named(struct restore *restore, const char *field, const char *type,
		      const char *code, struct lf_resource *ret_found, struct lf_error *err)
{
	const char *id = lf_json_text_or(restore->ask->request, field, "");

	if (!id[0])
		return lf_fail_arm(err, LF_EINVAL, "UserErrorInvalidRequest", field,
				   "name it by its full id", "this restore needs %s", field);
	bool there;
	int rc = lf_arm_id_check(id, type, field, err);
	if (!rc)
		rc = lf_catalog_find(lf_arm_context(restore->ask->call)->catalog, id, ret_found,
				     &there, err);
	if (!rc && !there)
		return lf_fail_arm(err, LF_EINVAL, code, field, "create it first",
				   "'%.200s' was not found", id);
	if (rc || lf_text_equal_nocase(type, LF_GROUP_TYPE))
		return rc;
	const char *location = lf_json_text_or(ret_found->doc, "location", "");
	if (lf_location_equal(location, restore->ask->region))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "UserErrorRegionMismatch", field,
			   "choose one in the region that is restored to",
			   "'%.200s' is in %s, not in %s", id, location, restore->ask->region);
}

static const json_t *find_disk(const struct restore *restore, int64_t lun)
{
	return lf_backup_disk_at(lf_json_at(restore->ask->point->state, "disks"), lun);
}

/* Absent: all.  An empty list is the OS disk alone, but in the paired region, whose documented
 * request has one and restores all. */
static bool is_wanted(const struct restore *restore, const json_t *luns, const json_t *disk)
{
	int64_t own = lf_json_int_or(disk, "lun", -2);
	const json_t *lun;
	size_t i;

	if (!json_is_array(luns) || (json_array_size(luns) == 0 && restore->ask->secondary))
		return true;
	json_array_foreach (luns, i, lun)
		if (json_integer_value(lun) == own)
			return true;
	return json_array_size(luns) == 0 && own == -1;
}

/* "VM-osdisk-20261123-101500", "VM-datadisk-000-…": the new disk's name, with the job's time. */
static char *disk_name(const struct restore *restore, int lun)
{
	const char *vm = restore->vm_name;
	char time[LF_TIME_SIZE], digits[16];
	size_t n = 0;

	lf_time_format(lf_clock_now_ns(lf_arm_context(restore->ask->call)->clock), time);
	for (const char *p = time; *p && n < 14; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	digits[n] = '\0';
	return lun < 0 ? lf_printf_dup("%.40s-osdisk-%s-%.4s", vm, digits, restore->job)
		       : lf_printf_dup("%.40s-datadisk-%03d-%s-%.4s", vm, lun, digits,
				       restore->job);
}

static int add_disk(struct restore *restore, const json_t *disk, struct lf_error *err)
{
	struct lf_restore *input = &restore->input;
	int lun = (int)lf_json_int_or(disk, "lun", -1);

	if (input->n_disks == LF_RESTORE_DISKS_MAX)
		return lf_fail_arm(err, LF_EINVAL, "UserErrorInvalidDiskLun", "restoreDiskLunList",
				   "restore some of them at a time",
				   "a restore takes at most %u disks", LF_RESTORE_DISKS_MAX);
	input->disks[input->n_disks++] = (struct lf_restore_disk){
		.lun = lun,
		.id = lf_json_text(disk, "id"),
		.root = lf_json_text_or(disk, "root", ""),
		.size_bytes = lf_json_int_or(disk, "sizeBytes", 0),
		.disk_name = keep(restore, disk_name(restore, lun)),
	};
	return 0;
}

static int choose_disks(struct restore *restore, struct lf_error *err)
{
	json_t *luns = lf_json_at(restore->ask->request, "restoreDiskLunList"), *row;
	const json_t *disk;
	size_t i;
	int rc = 0;

	json_array_foreach (luns, i, row)
		if (!json_is_integer(row) || !find_disk(restore, json_integer_value(row)))
			return lf_fail_arm(err, LF_EINVAL, "UserErrorInvalidDiskLun",
					   "restoreDiskLunList",
					   "the recovery point's recoveryPointDiskConfiguration "
					   "lists its disks; the OS disk is -1",
					   "the recovery point has no disk with LUN %lld",
					   (long long)json_integer_value(row));
	json_array_foreach (lf_json_at(restore->ask->point->state, "disks"), i, disk)
		if (!rc && is_wanted(restore, luns, disk))
			rc = add_disk(restore, disk, err);
	if (!rc && !restore->input.n_disks)
		rc = fail_request("UserErrorInvalidDiskLun", "restoreDiskLunList",
				  "list the LUNs of recoveryPointDiskConfiguration",
				  "the recovery point holds none of the disks asked for", err);
	return rc;
}

/* Names of containers have no other letters. */
static char *container_name(const struct restore *restore)
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(restore->vm_name);

	for (char *p = lower; p && *p; p++)
		if (!strchr("0123456789abcdefghijklmnopqrstuvwxyz", *p))
			*p = '-';
	char *container = lower ? lf_printf_dup("r%.20s-%s", lower, restore->job) : NULL;
	for (char *p = container; p && *p; p++)
		if (p[0] == '-' && p[1] == '-')
			*p = '0';
	return container;
}

/* The staging account, and names in it. */
static int choose_account(struct restore *restore, bool needed, struct lf_error *err)
{
	struct lf_restore *input = &restore->input;

	if (!needed && !lf_json_text(restore->ask->request, "storageAccountId"))
		return 0;
	int rc = find_named(restore, "storageAccountId", LF_STORAGE_TYPE,
			    "UserErrorStorageAccountNotFound", &restore->account, err);
	if (rc)
		return rc;
	if (strstr(lf_json_text_or(restore->account.doc, "sku.name", ""), "ZRS"))
		return fail_request("UserErrorZoneRedundantStorageAccountNotSupported",
				    "storageAccountId",
				    "use a locally or geo-redundant account for staging",
				    "zone-redundant accounts cannot hold restored disks", err);
	input->account = lf_arm_id_last(restore->account.id);
	input->container = keep(restore, container_name(restore));
	input->config_blob =
		keep(restore, lf_printf_dup("config-%s-%s.json", restore->vm_name, restore->job));
	input->template_blob = keep(restore, lf_printf_dup("azuredeploy%s.json", restore->job));
	return 0;
}

static int choose_group(struct restore *restore, bool needed, struct lf_error *err)
{
	if (!needed && !lf_json_text(restore->ask->request, "targetResourceGroupId"))
		return 0;
	int rc = find_named(restore, "targetResourceGroupId", LF_GROUP_TYPE,
			    "UserErrorTargetResourceGroupNotFound", &restore->group, err);
	if (!rc)
		restore->input.group = restore->group.id;
	return rc;
}

static int check_disks(struct restore *restore, struct lf_error *err)
{
	const json_t *request = restore->ask->request;
	bool managed = lf_json_bool_or(request, "restoreWithManagedDisks", false);
	bool unmanaged = !lf_json_bool_or(request, "restoreWithManagedDisks", true);
	int rc = choose_account(restore, true, err);

	if (!rc)
		rc = choose_group(restore, managed, err);
	if (!rc && unmanaged && restore->input.group[0])
		rc = fail_request("UserErrorInvalidRequest", "restoreWithManagedDisks",
				  "leave targetResourceGroupId out for blobs in the account",
				  "disks in a resource group are managed disks", err);
	return rc;
}

static int refuse_lun_list(struct restore *restore, struct lf_error *err)
{
	const json_t *luns = lf_json_at(restore->ask->request, "restoreDiskLunList");

	if (!json_is_array(luns) || (json_array_size(luns) == 0 && restore->ask->secondary))
		return 0;
	return fail_request("UserErrorDiskSelectionNotSupported", "restoreDiskLunList",
			    "restore disks, and attach them to a machine",
			    "a machine is restored with all of its disks", err);
}

static int choose_subnet(struct restore *restore, struct lf_error *err)
{
	const char *subnet = lf_json_text_or(restore->ask->request, "subnetId", "");
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
	bool there;

	int rc = find_named(restore, "virtualNetworkId", LF_NETWORK_TYPE,
			    "UserErrorVirtualNetworkNotFound", &restore->network, err);
	if (rc)
		return rc;
	const char *id = keep(
		restore, strchr(subnet, '/') ? strdup(subnet)
					     : lf_id_child(restore->network.id, "subnets", subnet));
	rc = lf_catalog_find(lf_arm_context(restore->ask->call)->catalog, id, &found, &there, err);
	if (!rc && !there)
		return fail_request("UserErrorSubnetNotFound", "subnetId",
				    "name a subnet of the virtual network",
				    "the subnet was not found", err);
	restore->input.network = restore->network.id;
	restore->input.subnet = lf_arm_id_last(id);
	return rc;
}

static int is_there(const struct restore *restore, const char *id, bool *ret_there,
		    struct lf_error *err)
{
	LF_AUTO_RESOURCE taken = LF_RESOURCE_INIT;

	return lf_catalog_find(lf_arm_context(restore->ask->call)->catalog, id, &taken, ret_there,
			       err);
}

/* "VM-nic"; when an earlier machine of that name left its interface: one with the job's id. */
static int choose_nic(struct restore *restore, const char *vm_name, struct lf_error *err)
{
	LF_AUTO_FREE char *id =
		lf_printf_dup("%s/providers/" LF_NIC_TYPE "/%s-nic", restore->input.group, vm_name);
	bool there;
	int rc = id ? is_there(restore, id, &there, err) : lf_fail_nomem(err);

	if (rc)
		return rc;
	restore->input.nic =
		keep(restore, there ? lf_printf_dup("%s-nic-%.8s", vm_name, restore->job)
				    : lf_printf_dup("%s-nic", vm_name));
	return 0;
}

/* A machine that is not there yet, in the group that is restored to. */
static int choose_machine(struct restore *restore, const char *asked, struct lf_error *err)
{
	static const char target[] = "targetVirtualMachineId";
	const char *name = lf_arm_id_last(asked);
	bool there;

	restore->input.vm = keep(restore, lf_printf_dup("%s/providers/" LF_VM_TYPE "/%s",
							restore->input.group, name));
	if (!lf_arm_id_equal(restore->input.vm, asked))
		return fail_request("UserErrorTargetResourceGroupMismatch", target,
				    "name a machine in targetResourceGroupId",
				    "the machine would be in another resource group than "
				    "targetResourceGroupId",
				    err);
	int rc = is_there(restore, restore->input.vm, &there, err);
	if (!rc && there)
		return lf_fail_arm(err, LF_ECONFLICT, "UserErrorTargetVmNameAlreadyExists", target,
				   "choose another name", "a virtual machine '%s' is there already",
				   name);
	return rc ? rc : choose_nic(restore, name, err);
}

/* A machine in another place: named, and not there yet. */
static int check_alternate(struct restore *restore, struct lf_error *err)
{
	static const char target[] = "targetVirtualMachineId";
	const char *vm = lf_json_text_or(restore->ask->request, target, "");

	int rc = refuse_lun_list(restore, err);
	if (!rc)
		rc = choose_account(restore, false, err);
	if (!rc)
		rc = choose_group(restore, true, err);
	if (!rc)
		rc = lf_arm_id_check(vm, LF_VM_TYPE, target, err);
	if (!rc)
		rc = lf_name_check(LF_NAME_VM, lf_arm_id_last(vm), target, err);
	if (!rc)
		rc = choose_subnet(restore, err);
	return rc ? rc : choose_machine(restore, vm, err);
}

/* Were all of the machine's disks backed up? */
static int check_whole(const struct restore *restore, struct lf_error *err)
{
	static const char code[] = "UserErrorReplaceDisksNotSupportedForExcludedDisks";
	static const char hint[] = "restore disks instead";
	const json_t *disk;
	size_t i;

	json_array_foreach (lf_json_at(restore->ask->point->state,
				       "machine.properties.storageProfile.dataDisks"),
			    i, disk)
		if (!find_disk(restore, lf_json_int_or(disk, "lun", -2)))
			return fail_request(code, "recoveryType", hint,
					    "the recovery point does not hold all of the "
					    "machine's disks",
					    err);
	return find_disk(restore, -1)
		       ? 0
		       : fail_request(code, "recoveryType", hint,
				      "the recovery point does not hold the machine's OS disk",
				      err);
}

/* The machine as it was, in its own place: it is there. */
static int check_original(struct restore *restore, struct lf_error *err)
{
	const char *id = lf_json_text_or(restore->ask->item->state, "vm", "");
	bool there;

	int rc = refuse_lun_list(restore, err);
	if (!rc)
		rc = choose_account(restore, false, err);
	if (!rc)
		rc = lf_catalog_find(lf_arm_context(restore->ask->call)->catalog, id,
				     &restore->machine, &there, err);
	if (!rc && !there)
		return fail_request("UserErrorOriginalVmNotFound", "sourceResourceId",
				    "restore it as a new machine (AlternateLocation)",
				    "the machine whose disks would be replaced is not there", err);
	restore->input.vm = rc ? "" : restore->machine.id;
	return rc ? rc : check_whole(restore, err);
}

static const struct kind {
	const char *name;
	int (*check)(struct restore *restore, struct lf_error *err);
	const struct lf_job_type *job;
	bool primary_only;
} kinds[] = {
	{"RestoreDisks", check_disks, &lf_backup_restore_disks_job, false},
	{"AlternateLocation", check_alternate, &lf_backup_restore_machine_job, false},
	{"OriginalLocation", check_original, &lf_backup_replace_disks_job, true},
};

static int find_kind(const struct restore *restore, const struct kind **ret_kind,
		     struct lf_error *err)
{
	const char *name = lf_json_text_or(restore->ask->request, "recoveryType", "");

	for (size_t i = 0; i < LF_N(kinds); i++) {
		if (!lf_text_equal_nocase(kinds[i].name, name))
			continue;
		if (restore->ask->secondary && kinds[i].primary_only)
			return fail_request(
				"UserErrorRestoreTypeNotSupportedInSecondaryRegion", "recoveryType",
				"restore disks, or a new machine, in this region",
				"disks can be replaced in the primary region only", err);
		*ret_kind = &kinds[i];
		return 0;
	}
	return lf_fail_arm(err, LF_EINVAL, "UserErrorInvalidRecoveryType", "recoveryType",
			   "use RestoreDisks, AlternateLocation or OriginalLocation",
			   "'%.64s' is no kind of restore that is served", name);
}

static const char *const object_types[] = {"IaasVMRestoreRequest", NULL};
static const char *const network_accesses[] = {"SameAsOnSourceDisks",
					       "EnablePrivateAccessForAllDisks",
					       "EnablePublicAccessForAllDisks", NULL};
/* What a request may hold, by type. */
static const struct lf_field request_fields[] = {
	{"objectType", LF_ENUM, LF_REQUIRED, 0, 0, object_types, "IaasVMRestoreRequest."},
	{"recoveryType", LF_TEXT, LF_REQUIRED, 0, 64, NULL, "The kind of restore."},
	{"recoveryPointId", LF_TEXT, 0, 0, 1024, NULL, "The point of the URL."},
	{"sourceResourceId", LF_ID, 0, 0, 0, NULL, "The protected machine."},
	{"targetVirtualMachineId", LF_ID, 0, 0, 0, NULL, "The machine to make."},
	{"targetResourceGroupId", LF_ID, 0, 0, 0, NULL, "Where disks or the machine are made."},
	{"storageAccountId", LF_ID, 0, 0, 0, NULL, "The staging account."},
	{"virtualNetworkId", LF_ID, 0, 0, 0, NULL, "The network of the machine to make."},
	{"subnetId", LF_TEXT, 0, 0, 1024, NULL, "Its subnet, by name or id."},
	{"region", LF_TEXT, 0, 0, 64, NULL, "Where it is restored."},
	{"restoreDiskLunList", LF_ARRAY, 0, 0, LF_RESTORE_DISKS_MAX, NULL, "LUNs; OS: -1."},
	{"createNewCloudService", LF_BOOL, 0, 0, 0, NULL, "Of classic machines alone."},
	{"originalStorageAccountOption", LF_BOOL, 0, 0, 0, NULL, "false."},
	{"restoreWithManagedDisks", LF_BOOL, 0, 0, 0, NULL, "Managed disks, or blobs."},
	{"encryptionDetails", LF_OBJECT, 0, 0, 0, NULL, "Of machines with keys of their own."},
	{"encryptionDetails.encryptionEnabled", LF_BOOL, 0, 0, 0, NULL, "false."},
	{"identityInfo", LF_OBJECT, 0, 0, 0, NULL, "Who writes to the account."},
	{"identityInfo.isSystemAssignedIdentity", LF_BOOL, 0, 0, 0, NULL, "false."},
	{"identityBasedRestoreDetails", LF_OBJECT, 0, 0, 0, NULL, "Who writes to the account."},
	{"zones", LF_ARRAY, 0, 0, 8, NULL, "Zones of the machine to make."},
	{"diskEncryptionSetId", LF_TEXT, 0, 0, 1024, NULL, "Whose key encrypts the disks."},
	{"extendedLocation", LF_OBJECT, 0, 0, 0, NULL, "An edge zone."},
	{"targetDiskNetworkAccessSettings.targetDiskNetworkAccessOption", LF_ENUM, 0, 0, 0,
	 network_accesses, "Who reaches the disks."},
};

#define OWN_KEYS "UserErrorCustomerManagedKeysNotSupported"
#define IDENTITY "UserErrorIdentityBasedRestoreNotSupported"
#define CLASSIC	 "UserErrorClassicDeploymentNotSupported"
/* What would change what is made, and is not done here. */
static const struct lf_unsupported unsupported[] = {
	{"encryptionDetails.encryptionEnabled", LF_IS_TRUE, NULL, OWN_KEYS},
	{"encryptionDetails.kekUrl", LF_IS_THERE, NULL, OWN_KEYS},
	{"encryptionDetails.secretKeyUrl", LF_IS_THERE, NULL, OWN_KEYS},
	{"encryptionDetails.kekVaultId", LF_IS_THERE, NULL, OWN_KEYS},
	{"encryptionDetails.secretKeyVaultId", LF_IS_THERE, NULL, OWN_KEYS},
	{"diskEncryptionSetId", LF_IS_THERE, NULL, OWN_KEYS},
	{"securedVMDetails.securedVMOsDiskEncryptionSetId", LF_IS_THERE, NULL, OWN_KEYS},
	{"securedVMDetails.dataDiskEncryptionSettings", LF_IS_THERE, NULL, OWN_KEYS},
	{"identityInfo.isSystemAssignedIdentity", LF_IS_TRUE, NULL, IDENTITY},
	{"identityInfo.managedIdentityResourceId", LF_IS_THERE, NULL, IDENTITY},
	{"identityBasedRestoreDetails", LF_IS_THERE, NULL, IDENTITY},
	{"originalStorageAccountOption", LF_IS_TRUE, NULL,
	 "UserErrorOriginalStorageAccountNotSupported"},
	{"zones", LF_IS_THERE, NULL, "UserErrorZonesNotSupported"},
	{"extendedLocation", LF_IS_THERE, NULL, "UserErrorEdgeZonesNotSupported"},
	{"affinityGroup", LF_IS_THERE, NULL, CLASSIC},
	{"targetDomainNameId", LF_IS_THERE, NULL, CLASSIC},
	{"targetDiskNetworkAccessSettings.targetDiskNetworkAccessOption", LF_IS_TEXT,
	 "EnablePrivateAccessForAllDisks", "UserErrorPrivateDiskAccessNotSupported"},
	{"targetDiskNetworkAccessSettings.targetDiskAccessId", LF_IS_THERE, NULL,
	 "UserErrorPrivateDiskAccessNotSupported"},
};

static int check_region(const struct restore *restore, struct lf_error *err)
{
	const char *region = lf_json_text_or(restore->ask->request, "region", "");

	if (!region[0] || lf_location_equal(region, restore->ask->region))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "UserErrorRegionMismatch", "region",
			   "name the region that is restored to, or leave it out",
			   "the restore is made in %s, not in '%.64s'", restore->ask->region,
			   region);
}

static int check_request(const struct restore *restore, struct lf_error *err)
{
	char path[LF_FIELD_PATH_SIZE];
	int rc = lf_fields_check(request_fields, LF_N(request_fields), restore->ask->request, NULL,
				 err);

	if (!rc)
		rc = lf_unsupported_check(unsupported, LF_N(unsupported), restore->ask->request,
					  err);
	if (!rc && lf_fields_stray(request_fields, LF_N(request_fields), restore->ask->request,
				   NULL, path))
		return fail_request("InvalidParameter", path,
				    "leave it out: it would have no effect",
				    "the request has a member that is not served", err);
	return rc ? rc : check_region(restore, err);
}

/* What the request says of the point and the machine must be so. */
static int check_names(const struct restore *restore, struct lf_error *err)
{
	const char *name = lf_json_text(restore->ask->request, "recoveryPointId");
	const char *source = lf_json_text(restore->ask->request, "sourceResourceId");

	if (name &&
	    !lf_text_equal_nocase(lf_arm_id_last(name), lf_arm_id_last(restore->ask->point->id)))
		return fail_request("UserErrorRecoveryPointMismatch", "recoveryPointId",
				    "name the recovery point of the URL",
				    "the request names another recovery point than its URL", err);
	if (source &&
	    !lf_arm_id_equal(source, lf_json_text_or(restore->ask->item->state, "vm", "")))
		return fail_request("UserErrorSourceResourceMismatch", "sourceResourceId",
				    "name the protected machine",
				    "the request names another machine than the protected item",
				    err);
	return 0;
}

/* What every kind of restore is given. */
static void begin_input(struct restore *restore, const struct kind *kind)
{
	const json_t *state = restore->ask->point->state;
	struct lf_restore *input = &restore->input;

	/* names of disks, blobs and containers begin with it; an agent may have chosen it */
	lf_name_make(LF_NAME_VM,
		     lf_json_text_or(restore->ask->item->doc, "properties.friendlyName", "vm"),
		     restore->vm_name, sizeof(restore->vm_name));
	lf_guid_random(restore->job);
	input->kind = kind->name;
	input->item = restore->ask->item->id;
	input->point_id = restore->ask->point->id;
	input->point = lf_json_text_or(state, "point", "");
	input->region = input->location = restore->ask->region;
	input->secondary = restore->ask->secondary;
	input->vm_name = restore->vm_name;
	input->machine = lf_json_at(state, "machine");
	input->firmware = lf_json_text_or(state, "firmware", "bios");
}

/* Check everything, and fill the input. */
static int prepare(struct restore *restore, const struct kind **ret_kind, struct lf_error *err)
{
	if (!restore->ask->request)
		return fail_request("UserErrorInvalidRequest", "properties.recoveryType",
				    "send {\"properties\": {\"objectType\": "
				    "\"IaasVMRestoreRequest\", \"recoveryType\": …}}",
				    "the request does not say what to restore", err);
	int rc = check_request(restore, err);
	if (!rc)
		rc = find_kind(restore, ret_kind, err);
	if (!rc)
		rc = check_names(restore, err);
	if (rc)
		return rc;
	begin_input(restore, *ret_kind);
	rc = choose_disks(restore, err);
	if (!rc)
		rc = (*ret_kind)->check(restore, err);
	return !rc && restore->failed ? lf_fail_nomem(err) : rc;
}

int lf_restore_check(const struct lf_restore_ask *ask, struct lf_error *err)
{
	LF_CLEANUP(restore_done)
	struct restore restore = {.ask = ask, .input = LF_RESTORE_INIT};
	const struct kind *kind = NULL;

	return prepare(&restore, &kind, err);
}

int lf_restore_submit(const struct lf_restore_ask *ask, char ret_job[static LF_GUID_SIZE],
		      struct lf_error *err)
{
	LF_CLEANUP(restore_done)
	struct restore restore = {.ask = ask, .input = LF_RESTORE_INIT};
	const struct kind *kind = NULL;
	LF_AUTO_FREE char *vault = lf_backup_vault_id(ask->item->id);
	LF_AUTO_JSON *doc = NULL;

	int rc = prepare(&restore, &kind, err);
	if (!rc)
		rc = vault ? lf_restore_write(&restore.input, &doc, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	/* what changes a machine in its place waits for what else works on it */
	const struct lf_job_request job = {.id = restore.job,
					   .type = kind->job->name,
					   .scope = vault,
					   .resource = restore.input.vm[0] ? restore.input.vm
									   : ask->point->id,
					   .doc = doc};
	return lf_jobs_submit(lf_arm_context(ask->call)->jobs, &job, ret_job, err);
}

/* The envelope, and beside the request nothing that asks for something. */
static int check_envelope(json_t *body, const json_t *request, struct lf_error *err)
{
	static const struct lf_field around[] = {
		{"properties", LF_OBJECT, 0, 0, 0, NULL, "The request."},
		{"parameters", LF_OBJECT, 0, 0, 0, NULL,
		 "The request, as older documents have it."},
	};

	return body == request ? 0
			       : lf_document_check_request(body, around, LF_N(around), NULL, err);
}

int lf_backup_restore(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, point = LF_RESOURCE_INIT;
	char job[LF_GUID_SIZE];

	int rc = lf_backup_point(call, 1, &item, &point, err);
	const struct lf_restore_ask ask = {.call = call,
					   .request = lf_restore_request(lf_arm_body(call)),
					   .item = &item,
					   .point = &point,
					   .region = lf_json_text_or(point.state, "region", "")};
	if (!rc)
		rc = check_envelope(lf_arm_body(call), ask.request, err);
	if (!rc)
		rc = lf_restore_submit(&ask, job, err);
	return rc ? rc : lf_backup_reply_accepted(call, item.id, job, err);
}
