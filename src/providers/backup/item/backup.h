/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/item/backup.h - backups of protected items, as jobs.  Threads: any.
 */
#ifndef LF_PROVIDERS_BACKUP_ITEM_BACKUP_H
#define LF_PROVIDERS_BACKUP_ITEM_BACKUP_H

#include "providers/common/site.h"
#include "base/text.h"

extern const struct lf_job_type lf_backup_job;

/* Submit a backup of an item; expires: time or NULL (by its policy). */
LF_MUST_CHECK int lf_backup_submit(struct lf_context *context, const struct lf_resource *item,
				   const char *expires, char ret_job[static LF_GUID_SIZE],
				   struct lf_error *err);

#endif
