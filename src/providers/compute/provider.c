/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/document.h"
#include "providers/compute/compute.h"
#include "providers/compute/disk_import.h"
#include "providers/compute/plan.h"
#include "providers/compute/restorepoint/restorepoint.h"

#define SUBSCRIPTION "/subscriptions/{subscription}"
#define COMPUTE_ALL  SUBSCRIPTION "/providers/Microsoft.Compute"
#define COMPUTE	     SUBSCRIPTION "/resourceGroups/{group}/providers/Microsoft.Compute"
#define VM	     COMPUTE "/virtualMachines/{vm}"
#define DISK	     COMPUTE "/disks/{disk}"
#define POINTS	     COMPUTE "/restorePointCollections/{name}/restorePoints"
#define DISK_POINTS  POINTS "/{child}/diskRestorePoints"
#define SET	     COMPUTE "/availabilitySets/{set}"
#define GROUP	     COMPUTE "/proximityPlacementGroups/{placementGroup}"

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
	char cores[24], memory[24], disks[24];

	snprintf(cores, sizeof(cores), "%lld", (long long)lf_json_int_or(size, "numberOfCores", 0));
	snprintf(memory, sizeof(memory), "%g",
		 (double)lf_json_int_or(size, "memoryInMB", 0) / 1024);
	snprintf(disks, sizeof(disks), "%lld",
		 (long long)lf_json_int_or(size, "maxDataDiskCount", 0));
	return json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[{s:s, s:[]}], s:[o, o, o, o], s:[]}",
			 "resourceType", "virtualMachines", "name", name, "tier", "Standard",
			 "size", name + strlen("Standard_"), "locations", location, "locationInfo",
			 "location", location, "zones", "capabilities", capability("vCPUs", cores),
			 capability("MemoryGB", memory), capability("MaxDataDiskCount", disks),
			 capability("HyperVGenerations", "V1,V2"), "restrictions");
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

static const struct lf_document set_document = {.type = "Microsoft.Compute/availabilitySets",
						.needs_location = true,
						.created_is_200 = true};
static const struct lf_document group_document = {
	.type = "Microsoft.Compute/proximityPlacementGroups", .needs_location = true};

/* The handlers of a type that is a document and nothing else. */
#define DOCUMENT_HANDLERS(name)                                                                    \
	static int name##_get(struct lf_arm_call *call, struct lf_error *err)                      \
	{                                                                                          \
		return lf_document_get(call, &name##_document, err);                               \
	}                                                                                          \
	static int name##_list(struct lf_arm_call *call, struct lf_error *err)                     \
	{                                                                                          \
		return lf_document_list(call, &name##_document, 3, err);                           \
	}                                                                                          \
	static int name##_put(struct lf_arm_call *call, struct lf_error *err)                      \
	{                                                                                          \
		return lf_document_put(call, &name##_document, err);                               \
	}                                                                                          \
	static int name##_patch(struct lf_arm_call *call, struct lf_error *err)                    \
	{                                                                                          \
		return lf_document_patch(call, &name##_document, err);                             \
	}                                                                                          \
	static int name##_delete(struct lf_arm_call *call, struct lf_error *err)                   \
	{                                                                                          \
		return lf_document_delete(call, &name##_document, 200, err);                       \
	}
DOCUMENT_HANDLERS(set)
DOCUMENT_HANDLERS(group)

static const struct lf_field vm_fields[] = {
	{"properties.hardwareProfile.vmSize", LF_TEXT, 0, 0, 64, NULL,
	 "Size of the machine; another one counts from its next start."},
	{"properties.storageProfile.osDisk.managedDisk.id", LF_ID, 0, 0, 0, NULL,
	 "The disk that it boots from."},
	{"properties.storageProfile.dataDisks", LF_ARRAY, 0, 0, 64, NULL,
	 "Disks that are there: lun and managedDisk.id."},
	{"properties.networkProfile.networkInterfaces", LF_ARRAY, 0, 0, 8, NULL,
	 "Network interfaces that are there."},
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

#define ACTION(text) "Microsoft.Compute/" text
#define FIELDS(name) name, LF_N(name)
#define NONE	     NULL, 0

static const struct lf_arm_route routes[] = {
	{"GET", COMPUTE_ALL "/virtualMachines", ACTION("virtualMachines/read"), lf_vm_list_all, 0,
	 NONE},
	{"GET", COMPUTE "/virtualMachines", ACTION("virtualMachines/read"), lf_vm_list_group, 0,
	 NONE},
	{"GET", VM, ACTION("virtualMachines/read"), lf_vm_get, 0, NONE},
	{"PUT", VM, ACTION("virtualMachines/write"), lf_vm_put, LF_ARM_BODY, FIELDS(vm_fields),
	 &lf_vm_document},
	{"PATCH", VM, ACTION("virtualMachines/write"), lf_vm_patch, LF_ARM_BODY, FIELDS(vm_fields)},
	{"DELETE", VM, ACTION("virtualMachines/delete"), lf_vm_delete, 0, NONE},
	{"POST", VM "/start", ACTION("virtualMachines/start/action"), lf_vm_start, 0, NONE},
	{"POST", VM "/powerOff", ACTION("virtualMachines/powerOff/action"), lf_vm_power_off, 0,
	 NONE},
	{"POST", VM "/deallocate", ACTION("virtualMachines/deallocate/action"), lf_vm_deallocate, 0,
	 NONE},
	{"POST", VM "/restart", ACTION("virtualMachines/restart/action"), lf_vm_restart, 0, NONE},
	{"GET", VM "/instanceView", ACTION("virtualMachines/instanceView/read"),
	 lf_vm_instance_view, 0, NONE},
	{"POST", VM "/retrieveBootDiagnosticsData",
	 ACTION("virtualMachines/retrieveBootDiagnosticsData/action"), lf_vm_boot_diagnostics, 0,
	 NONE},
	{"GET", VM "/serialConsoleLog",
	 ACTION("virtualMachines/retrieveBootDiagnosticsData/action"), lf_vm_console,
	 LF_ARM_NO_VERSION, NONE},
	{"GET", VM "/vmSizes", ACTION("virtualMachines/vmSizes/read"), list_sizes, 0, NONE},
	{"GET", COMPUTE_ALL "/locations/{location}/vmSizes", ACTION("locations/vmSizes/read"),
	 list_sizes, 0, NONE},
	{"GET", COMPUTE_ALL "/skus", ACTION("skus/read"), list_skus, 0, NONE},

	{"GET", COMPUTE_ALL "/disks", ACTION("disks/read"), lf_disk_list_all, 0, NONE},
	{"GET", COMPUTE "/disks", ACTION("disks/read"), lf_disk_list_group, 0, NONE},
	{"GET", DISK, ACTION("disks/read"), lf_disk_get, 0, NONE},
	{"PUT", DISK, ACTION("disks/write"), lf_disk_put, LF_ARM_BODY, FIELDS(disk_fields),
	 &lf_disk_document},
	{"PATCH", DISK, ACTION("disks/write"), lf_disk_patch, LF_ARM_BODY, FIELDS(disk_fields)},
	{"DELETE", DISK, ACTION("disks/delete"), lf_disk_delete, 0, NONE},
	{"POST", DISK "/beginGetAccess", ACTION("disks/beginGetAccess/action"), lf_disk_grant,
	 LF_ARM_BODY, NONE},
	{"POST", DISK "/endGetAccess", ACTION("disks/endGetAccess/action"), lf_disk_revoke, 0,
	 NONE},

	{"GET", COMPUTE_ALL "/availabilitySets", ACTION("availabilitySets/read"), set_list, 0,
	 NONE},
	{"GET", COMPUTE "/availabilitySets", ACTION("availabilitySets/read"), set_list, 0, NONE},
	{"GET", SET, ACTION("availabilitySets/read"), set_get, 0, NONE},
	{"PUT", SET, ACTION("availabilitySets/write"), set_put, LF_ARM_BODY, NONE},
	{"PATCH", SET, ACTION("availabilitySets/write"), set_patch, LF_ARM_BODY, NONE},
	{"DELETE", SET, ACTION("availabilitySets/delete"), set_delete, 0, NONE},
	{"GET", SET "/vmSizes", ACTION("availabilitySets/vmSizes/read"), list_sizes, 0, NONE},

	{"GET", COMPUTE_ALL "/proximityPlacementGroups", ACTION("proximityPlacementGroups/read"),
	 group_list, 0, NONE},
	{"GET", COMPUTE "/proximityPlacementGroups", ACTION("proximityPlacementGroups/read"),
	 group_list, 0, NONE},
	{"GET", GROUP, ACTION("proximityPlacementGroups/read"), group_get, 0, NONE},
	{"PUT", GROUP, ACTION("proximityPlacementGroups/write"), group_put, LF_ARM_BODY, NONE},
	{"PATCH", GROUP, ACTION("proximityPlacementGroups/write"), group_patch, LF_ARM_BODY, NONE},
	{"DELETE", GROUP, ACTION("proximityPlacementGroups/delete"), group_delete, 0, NONE},

	LF_DOCUMENT_ROUTES(&lf_collection_document,
			   "/providers/Microsoft.Compute/restorePointCollections",
			   "Microsoft.Compute/restorePointCollections"),
	LF_DOCUMENT_READ(&lf_restore_point_document, POINTS,
			 ACTION("restorePointCollections/restorePoints"), on_list),
	LF_DOCUMENT_READ(&lf_restore_point_document, POINTS "/{child}",
			 ACTION("restorePointCollections/restorePoints"), on_get),
	{"PUT", POINTS "/{child}", ACTION("restorePointCollections/restorePoints/write"),
	 lf_restore_point_put, LF_ARM_BODY, FIELDS(point_fields)},
	LF_DOCUMENT_DELETE(&lf_restore_point_document, POINTS "/{child}",
			   ACTION("restorePointCollections/restorePoints")),
	{"GET", DISK_POINTS, ACTION("restorePointCollections/restorePoints/diskRestorePoints/read"),
	 lf_disk_restore_point_list, 0, NONE},
	{"GET", DISK_POINTS "/{disk}",
	 ACTION("restorePointCollections/restorePoints/diskRestorePoints/read"),
	 lf_disk_restore_point_get, 0, NONE},
	{"POST", DISK_POINTS "/{disk}/beginGetAccess",
	 ACTION("restorePointCollections/restorePoints/diskRestorePoints/beginGetAccess/action"),
	 lf_disk_restore_point_grant, LF_ARM_BODY, NONE},
	{"POST", DISK_POINTS "/{disk}/endGetAccess",
	 ACTION("restorePointCollections/restorePoints/diskRestorePoints/endGetAccess/action"),
	 lf_disk_restore_point_revoke, 0, NONE},
};

static const char *const api_versions[] = {
	"2015-06-15", "2016-03-30", "2016-04-30-preview", "2017-03-30", "2017-09-01",
	"2017-12-01", "2018-04-01", "2018-06-01",	  "2018-09-30", "2018-10-01",
	"2019-03-01", "2019-04-01", "2019-07-01",	  "2019-11-01", "2019-12-01",
	"2020-05-01", "2020-06-01", "2020-06-30",	  "2020-09-30", "2020-12-01",
	"2021-03-01", "2021-04-01", "2021-07-01",	  "2021-08-01", "2021-11-01",
	"2021-12-01", "2022-03-01", "2022-03-02",	  "2022-07-02", "2022-08-01",
	"2022-11-01", "2023-01-02", "2023-03-01",	  "2023-04-02", "2023-07-01",
	"2023-09-01", "2023-10-02", "2024-03-01",	  "2024-03-02", "2024-07-01",
	"2024-11-01", "2025-01-02", "2025-04-01",	  "2026-03-01", NULL};
static const char *const types[] = {"virtualMachines",
				    "disks",
				    "availabilitySets",
				    "proximityPlacementGroups",
				    "locations/vmSizes",
				    "restorePointCollections",
				    "skus",
				    NULL};

const struct lf_arm_provider lf_compute_provider = {
	.name = "Microsoft.Compute",
	.api_versions = api_versions,
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
};

const struct lf_job_type *const lf_compute_jobs[] = {&lf_vm_make_job,
						     &lf_disk_import_job,
						     &lf_vm_start_job,
						     &lf_vm_stop_job,
						     &lf_vm_restart_job,
						     &lf_vm_delete_job,
						     &lf_restore_point_create_job,
						     &lf_restore_point_start_copy_job,
						     &lf_restore_point_copy_job};
const size_t lf_compute_n_jobs = LF_N(lf_compute_jobs);
