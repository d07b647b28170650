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
#include "providers/common/filter.h"
#include "providers/common/site.h"

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

struct lf_backup_job_query {
	const char *vault; /* id */
	const char *below; /* as in lf_backup_job_view() */
	bool secondary;	   /* restores from the paired region, or all else */
	const struct lf_filter *filter;
};
/* The vault's jobs that the query asks for, the newest first, at the end of values. */
LF_MUST_CHECK int lf_backup_job_views(struct lf_context *context,
				      const struct lf_backup_job_query *query, json_t *values,
				      struct lf_error *err);
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

/* What the status of an operation says that has nothing of its own to say; NULL: out of memory. */
json_t *lf_backup_job_info(const struct lf_job *job);
/* 200 with the status of a job's operation; properties: takes the reference, NULL: out of memory.
 */
LF_MUST_CHECK int lf_backup_reply_status(struct lf_arm_call *call, const struct lf_job *job,
					 json_t *properties, struct lf_error *err);
/* What {operation} of the path names, if its type begins with types; what: "operation", for people.
 * LF_ENOTFOUND "BMSUserErrorOperationNotFound". */
LF_MUST_CHECK int lf_backup_operation_job(struct lf_arm_call *call, const char *types,
					  const char *what, struct lf_job *ret_job,
					  struct lf_error *err);

/* What the jobs of items are given; NULL: it does not say. */
struct lf_backup_input {
	const char *item; /* id; what is done to a vault: the vault's */
	const char *friendly_name, *vm_name;
	const char *point_id;  /* "recoveryPoint" */
	const char *operation; /* of what was done at once: "ConfigureBackup" */
	const char *expires;   /* of a backup: time; NULL: by the item's policy */
	const char *region;    /* of a copy: where it goes to; of a restore: where the point is */
	bool secondary;	       /* of a restore: from the pair of the vault's region */
};
/* Texts are borrowed from the job; point_id and region that it does not say are "". */
LF_MUST_CHECK int lf_backup_input_read(const struct lf_job *job, struct lf_backup_input *ret_input,
				       struct lf_error *err);
/* As lf_jobs_submit(), below the item's vault; id NULL: a random GUID. */
LF_MUST_CHECK int lf_backup_submit_input(struct lf_context *context, const struct lf_job_type *type,
					 const char *id, const char *resource,
					 const struct lf_backup_input *input,
					 char ret_job[static LF_GUID_SIZE], struct lf_error *err);
/* What a request changed at once of an item or a point: its job of that type, which is done
 * already.  The row is in the caller's transaction. */
LF_MUST_CHECK int lf_backup_note_done(struct lf_arm_call *call, const struct lf_job_type *type,
				      const struct lf_resource *item, const char *point_id,
				      const char *operation, char ret_job[static LF_GUID_SIZE],
				      struct lf_error *err);

extern const struct lf_job_type lf_backup_done_job, lf_backup_export_job;

#endif
