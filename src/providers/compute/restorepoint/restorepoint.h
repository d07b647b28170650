/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/restorepoint/restorepoint.h - restore point collections,
 * restore points of this site's machines, and their copies in other regions.
 *
 * A restore point is a claim on a point of its region's vault.  Its state:
 *   {"region", "point": GUID in the vault, "disks": [those of the manifest],
 *    "copyJob": GUID of the job that brings it here (of a copy)}
 * A collection's state: {"copy": bool: of another region's collection}.
 *
 * Threads: as documents and jobs are.
 */
#ifndef LF_PROVIDERS_RESTOREPOINT_H
#define LF_PROVIDERS_RESTOREPOINT_H

#include "providers/common/document.h"

#define LF_COLLECTION_TYPE    "Microsoft.Compute/restorePointCollections"
#define LF_RESTORE_POINT_TYPE "Microsoft.Compute/restorePointCollections/restorePoints"

extern const struct lf_document lf_collection_document, lf_restore_point_document;
extern const struct lf_job_type lf_restore_point_create_job, lf_restore_point_start_copy_job,
	lf_restore_point_copy_job;

lf_arm_handler lf_restore_point_put, lf_disk_restore_point_list, lf_disk_restore_point_get,
	lf_disk_restore_point_grant, lf_disk_restore_point_revoke;

/* "ID/diskRestorePoints/NAME" of a disk of the point's state; free(). */
char *lf_disk_restore_point_id(const char *point_id, const json_t *disk);
/* The disk of the point's state that the name of a disk restore point is of; NULL: none. */
const json_t *lf_restore_point_find_disk(const struct lf_resource *point, const char *name);
/* Percent of a copy's disk that is here; 100 of what was made here. */
int lf_restore_point_percent(struct lf_context *context, const struct lf_resource *point,
			     const json_t *disk);
/* sourceMetadata: the machine as its document says now, with the point's disks. */
json_t *lf_restore_point_metadata(const struct lf_resource *vm, const char *point_id,
				  const json_t *disks);
/* The same machine, and disks, under a copy's name. */
LF_MUST_CHECK int lf_restore_point_rename_disks(json_t *metadata, const char *point_id,
						const json_t *disks, struct lf_error *err);
/* Let go of the vault's point; gone already is fine. */
LF_MUST_CHECK int lf_restore_point_release(struct lf_context *context,
					   const struct lf_resource *point, struct lf_error *err);

#endif
