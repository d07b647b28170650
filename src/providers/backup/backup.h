/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/backup.h - Azure Backup of the virtual machines that run here.
 *
 * A protected item is a row below its vault; each of its recovery points is a
 * row below it, and a claim on a point of the vault of its region.  Their
 * documents are what clients see; their states:
 *   item   {"vm": id, "region": where its points are, "policy": id}
 *   point  {"region", "point": GUID there, "disks": those of the capture, "machine": the VM's
 *           document then, "firmware", "expires": time, "byPolicy": bool,
 *           "secondary": {"region", "complete": bool}}
 * A container has no row: it is there while its item is.
 */
#ifndef LF_PROVIDERS_BACKUP_H
#define LF_PROVIDERS_BACKUP_H

#include "arm/arm.h"
#include "peer/receive.h"
#include "providers/common/site.h"

extern const struct lf_arm_provider lf_backup_provider;

/*
 * What time brings: scheduled backups, the end of points' retention, copies to the paired region,
 * the end of soft-deleted items.  Called every few seconds; each call does what is due.
 */
LF_MUST_CHECK int lf_backup_tend(struct lf_context *context, struct lf_error *err);

/*
 * What a peer sends of a vault of its own (peer/receive.h): body {"manifest", "resources": [{"id",
 * "type", "doc", "state"}], the vault's first}; the blocks are here.  The point is durable, and can
 * be restored by Cross Region Restore, on 0.  LF_ECONFLICT "ResourceIsNotAReplica": a resource of
 * that name did not come by this pairing; "PointIsNotAReplica": nor did the point of that id, or it
 * is another.  Nothing has changed then.
 */
LF_MUST_CHECK int lf_backup_replica_keep(struct lf_context *context, const struct lf_received *what,
					 const json_t *body, struct lf_error *err);
LF_MUST_CHECK int lf_backup_replica_forget(struct lf_context *context,
					   const struct lf_received *what, struct lf_error *err);
/* Did it come by this pairing?  LF_ENOTFOUND, LF_ECONFLICT. */
LF_MUST_CHECK int lf_backup_replica_sent(struct lf_context *context, const struct lf_received *what,
					 struct lf_error *err);

#endif
