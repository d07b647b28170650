/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft.Compute: its routes, with sizes and SKUs, which are constants.
 */
#include "providers/common/document.h"
#include "providers/compute/compute.h"
#include "providers/compute/disk_import.h"
#include "providers/compute/ids.h"
#include "providers/compute/restorepoint/restorepoint.h"
#include "providers/compute/vm/disks.h"
#include "providers/compute/vm/sets.h"
#include "providers/resources/locations.h"

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

static int list_sizes_at(struct lf_arm_call *call, struct lf_error *err)
{
	int rc = lf_location_check(lf_arm_param(call, "location"), err);

	return rc ? rc : list_sizes(call, err);
}

/* The sizes that something which is there may have: all. */
static int list_sizes_of(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 1), &found, err);

	return rc ? rc : list_sizes(call, err);
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
	lf_doc_append(
		&doc, "locationInfo",
		json_pack("{s:s, s:[s, s, s]}", "location", location, "zones", "1", "2", "3"));
	lf_doc_append(&doc, "capabilities", capability("vCPUs", cores));
	lf_doc_append(&doc, "capabilities", capability("MemoryGB", memory));
	lf_doc_append(&doc, "capabilities", capability("MaxDataDiskCount", disks));
	lf_doc_append(&doc, "capabilities", capability("HyperVGenerations", "V1,V2"));
	lf_doc_put(&doc, "restrictions", json_array());
	return lf_doc_take(&doc);
}

/* $filter is "location eq 'NAME'": the only form that is described.  Each region has all sizes. */
static int list_skus(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_filter_row rows[] = {
		{"location", "locations.0", LF_FILTER_LOCATION}};
	LF_AUTO_JSON *places = lf_locations_view(lf_arm_param(call, "subscription"));
	LF_AUTO_JSON *sizes = lf_compute_sizes();
	LF_AUTO_JSON *skus = json_array();
	LF_AUTO_FILTER *filter = NULL;
	const json_t *size, *place;
	size_t i, k;

	if (!places || !sizes || !skus)
		return lf_fail_nomem(err);
	int rc = lf_filter_new(lf_arm_query(call, "filter"), rows, LF_N(rows), &filter, err);
	if (rc)
		return rc;
	json_array_foreach (places, k, place)
		json_array_foreach (sizes, i, size) {
			LF_AUTO_JSON *sku = sku_of(size, lf_json_text_or(place, "name", ""));
			if (!sku || (lf_filter_passes(filter, sku) && json_array_append(skus, sku)))
				return lf_fail_nomem(err);
		}
	return lf_arm_reply_list(call, skus, NULL, err);
}

static const char *const consistency_modes[] = {"ApplicationConsistent", "FileSystemConsistent",
						"CrashConsistent", NULL};
static const struct lf_field point_fields[] = {
	{"properties.consistencyMode", LF_ENUM, 0, 0, 0, consistency_modes,
	 "What is asked of the machine's file systems; the point says what was had."},
	{"properties.excludeDisks", LF_ARRAY, 0, 0, 64, NULL, "Data disks that are left out."},
	{"properties.excludeDisks.*.id", LF_ID, 0, 0, 0, NULL, "A data disk of the machine."},
	{"properties.sourceRestorePoint.id", LF_ID, 0, 0, 0, NULL,
	 "The other region's restore point that is copied."},
	{"name", LF_TEXT, 0, 0, 80, NULL, "The name of the URL, if at all."},
	{"id", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Made of its name."},
	{"type", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Its type."},
};

static const struct lf_arm_route routes[] = {
	LF_DOCUMENT_LIST(&lf_vm_document, COMPUTE_ALL "/virtualMachines"),
	LF_DOCUMENT_LIST(&lf_vm_document, COMPUTE "/virtualMachines"),
	LF_DOCUMENT_GET(&lf_vm_document, VM),
	LF_PUT(VM, lf_vm_put, LF_SUBJECT(&lf_vm_document)),
	LF_DOCUMENT_PATCH(&lf_vm_document, VM),
	LF_DELETE(VM, lf_vm_delete),
	LF_POST(VM "/start", lf_vm_start),
	LF_POST(VM "/powerOff", lf_vm_power_off),
	LF_POST(VM "/deallocate", lf_vm_deallocate),
	LF_POST(VM "/restart", lf_vm_restart),
	LF_GET(VM "/instanceView", lf_vm_instance_view),
	LF_POST(VM "/retrieveBootDiagnosticsData", lf_vm_boot_diagnostics),
	LF_GET(VM "/serialConsoleLog", lf_vm_console, .flags = LF_ARM_OPEN | LF_ARM_NO_VERSION),
	LF_GET(VM "/vmSizes", list_sizes_of),
	LF_GET(COMPUTE_ALL "/locations/{location}/vmSizes", list_sizes_at),
	LF_GET(COMPUTE_ALL "/skus", list_skus),

	LF_DOCUMENT_LIST(&lf_disk_document, COMPUTE_ALL "/disks"),
	LF_DOCUMENT_LIST(&lf_disk_document, COMPUTE "/disks"),
	LF_DOCUMENT_GET(&lf_disk_document, DISK),
	LF_PUT(DISK, lf_disk_put, LF_SUBJECT(&lf_disk_document)),
	LF_DOCUMENT_PATCH(&lf_disk_document, DISK),
	LF_DOCUMENT_DELETE(&lf_disk_document, DISK),
	LF_POST_BODY(DISK "/beginGetAccess", lf_disk_grant),
	LF_POST(DISK "/endGetAccess", lf_disk_revoke),

	LF_DOCUMENT_ROUTES(&lf_availability_set_document, SETS),
	LF_GET(LF_GROUP_PATH SETS "/{name}/vmSizes", list_sizes_of),
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
						 &lf_vm_disks_job,
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
