/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disk restore points: the disks of a restore point as resources of their own,
 * which are read and never written.
 */
#include <string.h>

#include "base/text.h"
#include "providers/compute/access.h"
#include "providers/compute/ids.h"
#include "providers/compute/restorepoint/restorepoint.h"

/* The disk as the machine's storage profile has it. */
static const json_t *profile_of(const struct lf_resource *point, const json_t *disk)
{
	const json_t *profile = lf_json_at(point->doc, "properties.sourceMetadata.storageProfile");
	int64_t lun = lf_json_int_or(disk, "lun", -1);
	const json_t *row;
	size_t i;

	if (lun < 0)
		return lf_json_at(profile, "osDisk");
	json_array_foreach (lf_json_at(profile, "dataDisks"), i, row)
		if (lf_json_int_or(row, "lun", -2) == lun)
			return row;
	return NULL;
}

static json_t *view_disk(struct lf_arm_call *call, const struct lf_resource *point,
			 const json_t *disk)
{
	LF_AUTO_FREE char *id = lf_disk_restore_point_id(point->id, disk);
	const json_t *metadata = lf_json_at(point->doc, "properties.sourceMetadata");
	const json_t *row = profile_of(point, disk);
	LF_AUTO_DOC doc = LF_DOC_INIT;
	struct lf_error ignored;

	lf_doc_text(&doc, "properties.timeCreated",
		    lf_json_text_or(point->doc, "properties.timeCreated", ""));
	lf_doc_text(&doc, "properties.sourceResourceId",
		    lf_json_text_or(row, "managedDisk.id", ""));
	lf_doc_text(&doc, "properties.osType", lf_json_text(row, "osType"));
	lf_doc_text(&doc, "properties.hyperVGeneration",
		    strcmp(lf_json_text_or(metadata, "hyperVGeneration", ""), "V2") == 0 ? "V2"
											 : "V1");
	lf_doc_text(&doc, "properties.sourceUniqueId", lf_json_text_or(disk, "id", ""));
	lf_doc_text(&doc, "properties.sourceResourceLocation",
		    lf_json_text_or(metadata, "location", ""));
	int percent = lf_restore_point_percent(lf_arm_context(call), point, disk);
	lf_doc_put(&doc, "properties.completionPercent", json_real(percent));
	lf_doc_text(&doc, "properties.snapshotAccessState",
		    percent < 100 ? "Pending" : "AvailableWithInstantAccess");
	LF_AUTO_JSON *view = id ? lf_doc_take(&doc) : NULL;
	return view && !lf_arm_envelope(view, id, LF_RESTORE_POINT_TYPE "/diskRestorePoints",
					&ignored)
		       ? lf_steal(&view)
		       : NULL;
}

static int get_point(struct lf_arm_call *call, unsigned levels_up, struct lf_resource *ret_point,
		     struct lf_error *err)
{
	return lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, levels_up), ret_point,
			      err);
}

int lf_disk_restore_point_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
	LF_AUTO_JSON *values = json_array();
	const json_t *disk;
	size_t i;
	int rc = get_point(call, 1, &point, err);

	if (rc)
		return rc;
	json_array_foreach (lf_json_at(point.state, "disks"), i, disk)
		if (json_array_append_new(values, view_disk(call, &point, disk)))
			return lf_fail_nomem(err);
	return lf_arm_reply_list(call, values, NULL, err);
}

static int find_disk(struct lf_arm_call *call, const struct lf_resource *point, const char *name,
		     const json_t **ret_disk, struct lf_error *err)
{
	*ret_disk = lf_restore_point_find_disk(point, name);
	if (*ret_disk)
		return 0;
	return lf_fail_arm(err, LF_ENOTFOUND, "ResourceNotFound", lf_arm_id(call, 0), NULL,
			   "the restore point has no disk restore point '%.100s'", name);
}

int lf_disk_restore_point_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
	const json_t *disk = NULL;
	int rc = get_point(call, 2, &point, err);

	if (!rc)
		rc = find_disk(call, &point, lf_arm_param(call, "disk"), &disk, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *view = view_disk(call, &point, disk);
	return view ? lf_arm_reply(call, 200, view, err) : lf_fail_nomem(err);
}

static int find_complete(struct lf_arm_call *call, struct lf_resource *point,
			 const json_t **ret_disk, struct lf_error *err)
{
	int rc = get_point(call, 3, point, err);

	if (!rc)
		rc = find_disk(call, point, lf_arm_param(call, "disk"), ret_disk, err);
	if (!rc && (lf_restore_point_percent(lf_arm_context(call), point, *ret_disk) < 100 ||
		    !lf_json_text(*ret_disk, "root")))
		rc = lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", lf_arm_id(call, 1),
				 "wait until its completionPercent is 100",
				 "the disk restore point is not complete");
	return rc;
}

int lf_disk_restore_point_grant(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
	const json_t *disk = NULL;
	int rc = find_complete(call, &point, &disk, err);

	if (rc)
		return rc;
	rc = lf_disk_access_check(lf_arm_context(call)->catalog,
				  lf_json_text_or(profile_of(&point, disk), "managedDisk.id", ""),
				  err);
	if (rc)
		return rc;
	const struct lf_blob_point wanted = {
		.region = lf_json_text_or(point.state, "region", ""),
		.point = lf_json_text_or(point.state, "point", ""),
		.root = lf_json_text_or(disk, "root", ""),
		.size_bytes = (uint64_t)lf_json_int_or(disk, "sizeBytes", 0)};
	return lf_disk_access_grant(call, &wanted, err);
}

int lf_disk_restore_point_revoke(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
	const json_t *disk = NULL;
	int rc = get_point(call, 3, &point, err);

	if (!rc)
		rc = find_disk(call, &point, lf_arm_param(call, "disk"), &disk, err);
	if (!rc)
		rc = lf_disk_access_revoke(lf_arm_context(call), lf_arm_id(call, 1), err);
	return rc ? rc : lf_arm_reply(call, 200, NULL, err);
}
