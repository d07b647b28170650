/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/restore/restore.h - how a recovery point becomes disks, blobs or a machine.
 *
 * A restore is a job whose input says everything, names included, so that every step may be
 * repeated:
 *   {"kind": "RestoreDisks" | "AlternateLocation" | "OriginalLocation", "item", "recoveryPoint":
 *    ids, "region", "point": the vault's GUID, "location", "vmName", "disks": [{"lun", "name",
 *    "sizeBytes", "root", "id", "os", "diskName": the new disk's}], "machine": the VM's document at
 *    the time of the point, "account": name, "container", "configBlob", "templateBlob",
 *    "group": id, "vm": id, "network": id, "subnet": name, "secondary": bool}
 * From its first step until its last it holds a claim on the point, "restore:JOB".
 */
#ifndef LF_PROVIDERS_BACKUP_RESTORE_H
#define LF_PROVIDERS_BACKUP_RESTORE_H

#include "arm/arm.h"
#include "providers/common/site.h"

extern const struct lf_job_type lf_backup_restore_disks_job, lf_backup_restore_machine_job,
	lf_backup_replace_disks_job;
/* A validation: what it found is in its input. */
extern const struct lf_job_type lf_backup_validate_job;

/* The member of a request that says what to restore: {"properties": {...}}, the older
 * {"parameters": {"parameters": {...}}}, or bare; NULL: none does. */
json_t *lf_restore_request(json_t *body);
/*
 * Check a request against its recovery point and submit the job.  region: of the vault to read
 * from, normal; secondary: that of the pair, where fewer kinds are to be had.
 */
LF_MUST_CHECK int lf_restore_submit(struct lf_arm_call *call, json_t *request,
				    const struct lf_resource *item, const struct lf_resource *point,
				    const char *region, bool secondary,
				    char ret_job[static LF_GUID_SIZE], struct lf_error *err);

/* The same checks, and nothing submitted. */
LF_MUST_CHECK int lf_restore_check(struct lf_arm_call *call, json_t *request,
				   const struct lf_resource *item, const struct lf_resource *point,
				   const char *region, bool secondary, struct lf_error *err);

/* restore_config.c: what is written beside the disks; NULL: out of memory.  The VM as it was, with
 * keys as the service flattens them; and a template that makes it again. */
char *lf_restore_config(const json_t *input, const json_t *disks);
char *lf_restore_template(const json_t *input, const json_t *disks);

#endif
