/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft.Compute: its routes, with sizes and SKUs, which are constants.
 */
#include "providers/common/document.h"
#include "providers/compute/compute.h"
#include "providers/compute/disk_import.h"
#include "providers/compute/ids.h"
#include "providers/compute/restorepoint/restorepoint.h"
#include "providers/compute/vm/sets.h"

#define COMPUTE_ALL	 LF_SUBSCRIPTION_PATH "/providers/Microsoft.Compute"
#define COMPUTE		 LF_GROUP_PATH "/providers/Microsoft.Compute"
#define VM		 COMPUTE "/virtualMachines/{vm}"
#define DISK		 COMPUTE "/disks/{disk}"
#define POINTS		 COMPUTE "/restorePointCollections/{name}/restorePoints"
#define DISK_POINTS	 POINTS "/{child}/diskRestorePoints"
#define SETS		 "/providers/Microsoft.Compute/availabilitySets"
#define PLACEMENT_GROUPS "/providers/Microsoft.Compute/proximityPlacementGroups"

static int list_sizes(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *sizes = lf_compute_sizes();

	return sizes ? lf_arm_reply_list(call, sizes, NULL, err) : lf_fail_nomem(err);
}

static json_t *capability(const char *name, const char *value)
{
	return json_pack("{s:s, s:s}", "name", name, "value", value);
}

static json_t *sku_of(const json_t *size, const char *location)
{
	const char *name = lf_json_text_or(size, "name", "");
	LF_AUTO_DOC doc = LF_DOC_INIT;
	char cores[24], memory[24], disks[24];

	snprintf(cores, sizeof(cores), "%lld", (long long)lf_json_int_or(size, "numberOfCores", 0));
	snprintf(memory, sizeof(memory), "%g",
		 (double)lf_json_int_or(size, "memoryInMB", 0) / 1024);
	snprintf(disks, sizeof(disks), "%lld",
		 (long long)lf_json_int_or(size, "maxDataDiskCount", 0));
	lf_doc_text(&doc, "resourceType", "virtualMachines");
	lf_doc_text(&doc, "name", name);
	lf_doc_text(&doc, "tier", "Standard");
	lf_doc_text(&doc, "size", name + strlen("Standard_"));
	lf_doc_append(&doc, "locations", json_string(location));
	lf_doc_append(&doc, "locationInfo",
		      json_pack("{s:s, s:[]}", "location", location, "zones"));
	lf_doc_append(&doc, "capabilities", capability("vCPUs", cores));
	lf_doc_append(&doc, "capabilities", capability("MemoryGB", memory));
	lf_doc_append(&doc, "capabilities", capability("MaxDataDiskCount", disks));
	lf_doc_append(&doc, "capabilities", capability("HyperVGenerations", "V1,V2"));
	lf_doc_put(&doc, "restrictions", json_array());
	return lf_doc_take(&doc);
}

/* $filter is "location eq 'NAME'": the only form that is described. */
static int list_skus(struct lf_arm_call *call, struct lf_error *err)
{
	const char *filter = lf_arm_query(call, "filter");
	const char *quote = filter ? strchr(filter, '\'') : NULL;
	LF_AUTO_FREE char *location =
		quote ? strndup(quote + 1, strcspn(quote + 1, "'")) : strdup("global");
	LF_AUTO_JSON *sizes = lf_compute_sizes();
	LF_AUTO_JSON *skus = json_array();
	json_t *size;
	size_t i;

	if (!location || !sizes || !skus)
		return lf_fail_nomem(err);
	json_array_foreach (sizes, i, size)
		if (json_array_append_new(skus, sku_of(size, location)))
			return lf_fail_nomem(err);
	return lf_arm_reply_list(call, skus, NULL, err);
}

#define OS_DISK	   "properties.storageProfile.osDisk."
#define DATA_DISKS "properties.storageProfile.dataDisks"
#define DATA_DISK  DATA_DISKS ".*."
#define NIC	   "properties.networkProfile.networkInterfaces.*."
#define OURS(name, type_)                                                                          \
	{                                                                                          \
		name, type_, LF_READ_ONLY, 0, 0, NULL, "Read only."                                \
	}
/* What both kinds of a machine's disks have. */
#define DISK_MEMBERS(disk)                                                                         \
	{disk "name", LF_TEXT, 0, 0, 80, NULL, "Its disk's, or what a new one is called."},        \
		{disk "createOption",                                                              \
		 LF_ENUM,                                                                          \
		 0,                                                                                \
		 0,                                                                                \
		 0,                                                                                \
		 create_options,                                                                   \
		 "Attach: a disk that is there; Empty: a new one."},                               \
		{disk "caching",                                                                   \
		 LF_ENUM,                                                                          \
		 0,                                                                                \
		 0,                                                                                \
		 0,                                                                                \
		 cachings,                                                                         \
		 "Kept; writes are what the guest "                                                \
		 "flushes."},                                                                      \
		{disk "deleteOption",		LF_ENUM, 0, 0, 0, delete_options,                  \
		 "Does it go with the machine?"},                                                  \
		{disk "diskSizeGB", LF_INT, 0, 1, 65536, NULL, "Of a new one; else its disk's."},  \
	{                                                                                          \
		disk "managedDisk.storageAccountType", LF_TEXT, 0, 0, 32, NULL,                    \
			"Of a new one; else its disk's."                                           \
	}
static const char *const os_types[] = {"Linux", "Windows", NULL};
static const char *const create_options[] = {"Attach", "Empty", "FromImage", NULL};
static const char *const cachings[] = {"None", "ReadOnly", "ReadWrite", NULL};
static const char *const delete_options[] = {"Detach", "Delete", NULL};
static const char *const detach_only[] = {"Detach", NULL};
static const char *const priorities[] = {"Regular", NULL};
static const struct lf_field vm_fields[] = {
	{"properties.hardwareProfile.vmSize", LF_TEXT, 0, 0, 64, NULL,
	 "Size of the machine; another one counts from its next start."},
	{OS_DISK "managedDisk.id", LF_ID, 0, 0, 0, NULL, "The disk that it boots from."},
	DISK_MEMBERS(OS_DISK),
	{OS_DISK "osType", LF_ENUM, 0, 0, 0, os_types, "What the disk says, if at all."},
	{DATA_DISKS, LF_ARRAY, 0, 0, 64, NULL, "Its data disks."},
	{DATA_DISK "lun", LF_INT, LF_REQUIRED, 0, 63, NULL, "Where it is; each has its own."},
	{DATA_DISK "managedDisk.id", LF_ID, 0, 0, 0, NULL, "A disk that is there."},
	DISK_MEMBERS(DATA_DISK),
	{"properties.networkProfile.networkInterfaces", LF_ARRAY, 0, 0, 8, NULL,
	 "Network interfaces that are there."},
	{NIC "id", LF_ID, LF_REQUIRED, 0, 0, NULL, "A network interface that is there."},
	{NIC "properties.primary", LF_BOOL, 0, 0, 0, NULL, "The first, unless said otherwise."},
	{NIC "properties.deleteOption", LF_ENUM, 0, 0, 0, detach_only,
	 "It stays when the machine goes."},
	{"properties.securityProfile.securityType", LF_TEXT, 0, 0, 32, NULL,
	 "TrustedLaunch, of a machine that boots by UEFI."},
	{"properties.securityProfile.uefiSettings.secureBootEnabled", LF_BOOL, 0, 0, 0, NULL,
	 "Secure Boot, with Microsoft's keys."},
	{"properties.securityProfile.uefiSettings.vTpmEnabled", LF_BOOL, 0, 0, 0, NULL,
	 "A TPM 2.0."},
	{"properties.diagnosticsProfile.bootDiagnostics.enabled", LF_BOOL, 0, 0, 0, NULL,
	 "Kept; the console is there in any case."},
	{"properties.diagnosticsProfile.bootDiagnostics.storageUri", LF_TEXT, 0, 0, 2048, NULL,
	 "The blob endpoint of a storage account of this site."},
	{"properties.availabilitySet.id", LF_ID, 0, 0, 0, NULL,
	 "A set of its group and location; it lists the machine."},
	{"properties.proximityPlacementGroup.id", LF_ID, 0, 0, 0, NULL,
	 "A group of its location; it lists the machine."},
	{"properties.licenseType", LF_TEXT, 0, 0, 32, NULL,
	 "A licence for its kind of system, or None."},
	{"properties.priority", LF_ENUM, 0, 0, 0, priorities, "No machine is evicted."},
	{"properties.extensionsTimeBudget", LF_TEXT, 0, 0, 16, NULL, "There are no extensions."},
	{"zones", LF_ARRAY, 0, 0, 1, NULL, "1, 2 or 3."},
	{"identity.type", LF_TEXT, 0, 0, 64, NULL, "None."},
	{"location", LF_TEXT, 0, 0, 64, NULL, "Its region, which cannot be changed."},
	OURS("id", LF_TEXT),
	OURS("name", LF_TEXT),
	OURS("type", LF_TEXT),
	OURS("etag", LF_TEXT),
	OURS("managedBy", LF_TEXT),
	OURS("resources", LF_ARRAY),
	OURS("systemData", LF_OBJECT),
	OURS("properties.vmId", LF_TEXT),
	OURS("properties.provisioningState", LF_TEXT),
	OURS("properties.instanceView", LF_OBJECT),
	OURS("properties.timeCreated", LF_TEXT),
	{"tags", LF_OBJECT, 0, 0, 0, NULL, "Tags, replaced as a whole."},
};
static const char *const access_policies[] = {"AllowAll", "AllowPrivate", "DenyAll", NULL};
static const char *const switches[] = {"Enabled", "Disabled", NULL};
static const struct lf_field disk_fields[] = {
	{"properties.networkAccessPolicy", LF_ENUM, 0, 0, 0, access_policies,
	 "May it be handed out to be read: AllowAll unless said otherwise, or DenyAll."},
	{"properties.publicNetworkAccess", LF_ENUM, 0, 0, 0, switches,
	 "Disabled: it is not handed out to be read."},
	{"properties.creationData.createOption", LF_TEXT, 0, 0, 32, NULL,
	 "How the disk is made: Empty, Restore (from a disk restore point), Copy, "
	 "Import (from a page blob)."},
	{"properties.creationData.sourceResourceId", LF_ID, 0, 0, 0, NULL,
	 "The disk restore point, or the disk, that it is made from."},
	{"properties.creationData.sourceUri", LF_TEXT, 0, 0, 2048, NULL,
	 "The page blob that it is imported from."},
	{"properties.diskSizeGB", LF_INT, 0, 1, 65536, NULL,
	 "Size in GiB; never less than it was."},
	{"tags", LF_OBJECT, 0, 0, 0, NULL, "Tags, replaced as a whole."},
};

static const char *const consistency_modes[] = {"ApplicationConsistent", "FileSystemConsistent",
						"CrashConsistent", NULL};
static const struct lf_field point_fields[] = {
	{"properties.consistencyMode", LF_ENUM, 0, 0, 0, consistency_modes,
	 "What is asked of the machine's file systems; the point says what was had."},
	{"properties.excludeDisks", LF_ARRAY, 0, 0, 64, NULL, "Data disks that are left out."},
	{"properties.sourceRestorePoint.id", LF_ID, 0, 0, 0, NULL,
	 "The other region's restore point that is copied."},
};

static const struct lf_arm_route routes[] = {
	LF_DOCUMENT_LIST(&lf_vm_document, COMPUTE_ALL "/virtualMachines"),
	LF_DOCUMENT_LIST(&lf_vm_document, COMPUTE "/virtualMachines"),
	LF_DOCUMENT_GET(&lf_vm_document, VM),
	LF_PUT(VM, lf_vm_put, LF_FIELDS(vm_fields), LF_SUBJECT(&lf_vm_document)),
	LF_DOCUMENT_PATCH(&lf_vm_document, VM, LF_FIELDS(vm_fields)),
	LF_DELETE(VM, lf_vm_delete),
	LF_POST(VM "/start", lf_vm_start),
	LF_POST(VM "/powerOff", lf_vm_power_off),
	LF_POST(VM "/deallocate", lf_vm_deallocate),
	LF_POST(VM "/restart", lf_vm_restart),
	LF_GET(VM "/instanceView", lf_vm_instance_view),
	LF_POST(VM "/retrieveBootDiagnosticsData", lf_vm_boot_diagnostics),
	LF_GET(VM "/serialConsoleLog", lf_vm_console, .flags = LF_ARM_OPEN | LF_ARM_NO_VERSION),
	LF_GET(VM "/vmSizes", list_sizes),
	LF_GET(COMPUTE_ALL "/locations/{location}/vmSizes", list_sizes),
	LF_GET(COMPUTE_ALL "/skus", list_skus),

	LF_DOCUMENT_LIST(&lf_disk_document, COMPUTE_ALL "/disks"),
	LF_DOCUMENT_LIST(&lf_disk_document, COMPUTE "/disks"),
	LF_DOCUMENT_GET(&lf_disk_document, DISK),
	LF_PUT(DISK, lf_disk_put, LF_FIELDS(disk_fields), LF_SUBJECT(&lf_disk_document)),
	LF_DOCUMENT_PATCH(&lf_disk_document, DISK, LF_FIELDS(disk_fields)),
	LF_DOCUMENT_DELETE(&lf_disk_document, DISK),
	LF_POST_BODY(DISK "/beginGetAccess", lf_disk_grant),
	LF_POST(DISK "/endGetAccess", lf_disk_revoke),

	LF_DOCUMENT_ROUTES(&lf_availability_set_document, SETS),
	LF_GET(LF_GROUP_PATH SETS "/{name}/vmSizes", list_sizes),
	LF_DOCUMENT_ROUTES(&lf_placement_group_document, PLACEMENT_GROUPS),

	LF_DOCUMENT_ROUTES(&lf_collection_document,
			   "/providers/Microsoft.Compute/restorePointCollections"),
	LF_DOCUMENT_LIST(&lf_restore_point_document, POINTS),
	LF_DOCUMENT_GET(&lf_restore_point_document, POINTS "/{child}"),
	LF_PUT(POINTS "/{child}", lf_restore_point_put, LF_FIELDS(point_fields)),
	LF_DOCUMENT_DELETE(&lf_restore_point_document, POINTS "/{child}"),
	LF_GET(DISK_POINTS, lf_disk_restore_point_list),
	LF_GET(DISK_POINTS "/{disk}", lf_disk_restore_point_get),
	LF_POST_BODY(DISK_POINTS "/{disk}/beginGetAccess", lf_disk_restore_point_grant),
	LF_POST(DISK_POINTS "/{disk}/endGetAccess", lf_disk_restore_point_revoke),
};

static const char *const types[] = {"virtualMachines",
				    "disks",
				    "availabilitySets",
				    "proximityPlacementGroups",
				    "locations/vmSizes",
				    "restorePointCollections",
				    "skus",
				    NULL};

static const struct lf_job_type *const jobs[] = {&lf_vm_make_job,
						 &lf_disk_import_job,
						 &lf_vm_start_job,
						 &lf_vm_stop_job,
						 &lf_vm_restart_job,
						 &lf_vm_delete_job,
						 &lf_restore_point_create_job,
						 &lf_restore_point_start_copy_job,
						 &lf_restore_point_copy_job,
						 NULL};

const struct lf_arm_provider lf_compute_provider = {
	.name = "Microsoft.Compute",
	.oldest_version = "2015-06-15",
	.newest_version = "2026-04-01",
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
	.jobs = jobs,
};
