/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/point/documents.h - what is written down of a point.  Pure; any thread.
 */
#ifndef LF_PROVIDERS_BACKUP_POINT_DOCUMENTS_H
#define LF_PROVIDERS_BACKUP_POINT_DOCUMENTS_H

#include "catalog/catalog.h"

/* What was captured of a machine. */
struct lf_backup_taken {
	const char *guid;	      /* of the point in its vault */
	const char *time, *expires;   /* of the instant; until when it is kept */
	bool by_policy;		      /* nobody asked for that end: it is the policy's */
	const struct lf_resource *vm; /* the machine's, as it is */
	const json_t *capture;	      /* {"disks", "consistency", "bytesStored"} */
};
/* The row's document and state. */
LF_MUST_CHECK int lf_backup_taken_doc(const struct lf_backup_taken *taken, json_t **ret_doc,
				      struct lf_error *err);
LF_MUST_CHECK int lf_backup_taken_state(const struct lf_backup_taken *taken,
					const struct lf_resource *item, json_t **ret_state,
					struct lf_error *err);
/* A point's manifest; NULL: out of memory. */
json_t *lf_backup_manifest(const char *guid, const char *time, const char *consistency,
			   const char *vm_id, const json_t *disks);
/* The disk with that LUN of a point; the OS disk's is -1.  NULL: there is none.  Borrowed. */
const json_t *lf_backup_disk_at(const json_t *disks, int64_t lun);

#endif
