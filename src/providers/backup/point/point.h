/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/point/point.h - recovery points of protected machines.
 */
#ifndef LF_PROVIDERS_BACKUP_POINT_H
#define LF_PROVIDERS_BACKUP_POINT_H

#include "providers/common/site.h"

#define LF_BACKUP_CLAIM "backup" /* of a backup on its point */
/*
 * Capture an item's machine now as a recovery point of the item; a job's step.  What it is called
 * is in the job's data before anything is made, so that a repeated step finds it.  expires:
 * until when it is kept; NULL: as the item's policy says.  Job data: "percent",
 * "snapshotAt", "propertyBag".
 *   LF_STEP_AGAIN  the machine's disks are still being copied to this host
 *   LF_ECANCELED   the job was cancelled meanwhile
 */
LF_MUST_CHECK int lf_backup_point_take(struct lf_job_run *run, const char *item_id,
				       const char *expires, struct lf_error *err);
/* A new point's: 16 digits, microseconds since 1970, until 2286; but each more than the one before,
 * so that the points are in the order in which they were made, whatever the clock said. */
LF_MUST_CHECK int lf_backup_point_name(struct lf_context *context, const char *item_id,
				       char out[static 24], struct lf_error *err);
/* All points of an item, by name (oldest first). */
LF_MUST_CHECK int lf_backup_points(struct lf_catalog *catalog, const char *item_id,
				   struct lf_resource_list *ret_list, struct lf_error *err);
/*
 * Let go of what a point holds outside its row: here, its claim.  Before the row goes; idempotent,
 * since a removal that was cut short is repeated.
 */
typedef int lf_backup_point_releaser(struct lf_context *context, const struct lf_resource *point,
				     struct lf_error *err);
lf_backup_point_releaser lf_backup_point_release;
/* Drop the claim of a backup in one of this site's regions (NULL: nothing to do). */
LF_MUST_CHECK int lf_backup_claim_drop(struct lf_context *context, const char *region,
				       const char *guid, struct lf_error *err);
/*
 * Let go of what a step that failed, or was cancelled, made of it, and ask the agent no more; the
 * item may be gone.  A point that has its row already is whole, and stays.
 */
LF_MUST_CHECK int lf_backup_point_untake(struct lf_job_run *run, const char *item_id,
					 struct lf_error *err);

#endif
