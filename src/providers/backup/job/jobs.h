/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/job/jobs.h - jobs as clients of Backup see them, and operations.
 *
 * An operation is the acceptance of a job: it has the job's id and is done once the job is
 * accepted, as the service's are.  Threads: a call's, or a job's.
 */
#ifndef LF_PROVIDERS_BACKUP_JOBS_H
#define LF_PROVIDERS_BACKUP_JOBS_H

#include "arm/arm.h"

#define LF_BACKUP_JOBS "backup." /* with which the names of all types begin that clients list */

/* What clients see of such a type: the subject of its struct lf_job_type. */
struct lf_backup_job_row {
	const char *operation; /* "Restore"; NULL: the job's input says, "operation" */
	bool done_at_once;     /* it has no tasks */
	bool takes_snapshot;   /* its step is two tasks: the instant, and what follows */
	/* What the status of its operation says beyond the job's id; NULL: nothing.  The answer is
	 * the caller's reference, NULL: out of memory. */
	json_t *(*extended_info)(struct lf_context *context, const struct lf_job *job);
};
/* NULL: a type that this build does not know. */
const struct lf_backup_job_row *lf_backup_job_row(struct lf_context *context,
						  const struct lf_job *job);

/* The one step of what is done before its job is submitted. */
#define LF_BACKUP_DONE_STEPS .steps = &lf_backup_done_step, .n_steps = 1
extern const struct lf_job_step lf_backup_done_step;

/* A job as backupJobs shows it; below: "{vault}" or "/subscriptions/…/locations/…". */
LF_MUST_CHECK int lf_backup_job_view(struct lf_context *context, const struct lf_job *job,
				     const char *below, json_t **ret_doc, struct lf_error *err);

/* Answer 202 for a job that works on an item: both headers below the item, Retry-After. */
LF_MUST_CHECK int lf_backup_reply_accepted(struct lf_arm_call *call, const char *item_id,
					   const char *job, struct lf_error *err);
/* The same with the ids below which status and result are found. */
LF_MUST_CHECK int lf_backup_reply_operation(struct lf_arm_call *call, const char *status_below,
					    const char *result_below, const char *job,
					    struct lf_error *err);

/* What a request changed at once. */
struct lf_backup_done {
	const struct lf_job_type *type; /* NULL: "backup.configure" */
	const char *operation;		/* "ConfigureBackup" */
	const struct lf_resource *item; /* what was changed; the vault's row: the vault */
	const char *point_id;		/* or a point of it; NULL: none */
};
/* Its job, which is done already: the row, in the caller's transaction. */
LF_MUST_CHECK int lf_backup_note_done(struct lf_arm_call *call, const struct lf_backup_done *done,
				      char ret_job[static LF_GUID_SIZE], struct lf_error *err);

extern const struct lf_job_type lf_backup_done_job, lf_backup_export_job;

#endif
