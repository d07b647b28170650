/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup of an item, asked for or scheduled, as a job of one step: the point is taken
 * (point/point.h).  The step chooses the point's names before anything is made, so after a kill it
 * goes on with the same; one that fails for good, or is cancelled, lets go of what it captured.
 */
#include <string.h>

#include "json/field.h"
#include "providers/backup/internal.h"
#include "providers/backup/item/backup.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/point/point.h"

#define EXPIRY_MAX_NS ((int64_t)99 * 365 * 24 * 3600 * LF_NS_PER_S)
#define ON_DEMAND_NS  ((int64_t)30 * 24 * 3600 * LF_NS_PER_S)

int lf_backup_submit(struct lf_context *context, const struct lf_resource *item,
		     const char *expires, char ret_job[static LF_GUID_SIZE], struct lf_error *err)
{
	const struct lf_backup_input input = {
		.item = item->id,
		.friendly_name = lf_json_text(item->doc, "properties.friendlyName"),
		.expires = expires};

	return lf_backup_submit_input(context, &lf_backup_job, NULL, item->id, &input, ret_job,
				      err);
}

/* A backup of the item that has not ended, and was asked for by a client or the schedule. */
static int find_running(struct lf_context *context, const struct lf_resource *item, bool *ret_found,
			struct lf_error *err)
{
	LF_AUTO_FREE char *vault = lf_backup_vault_id(item->id);
	LF_AUTO_JOB_LIST list = {0};

	*ret_found = false;
	int rc = vault ? lf_jobs_list(context->jobs, vault, lf_backup_job.name, NULL, &list, err)
		       : lf_fail_nomem(err);
	for (size_t i = 0; !rc && i < list.n; i++)
		*ret_found |= !lf_job_state_is_final(list.items[i].state) &&
			      lf_arm_id_equal(list.items[i].resource, item->id);
	return rc;
}

static int refuse_stopped(const struct lf_resource *item, struct lf_error *err)
{
	if (!lf_backup_is_stopped(item))
		return 0;
	return lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorProtectionStopped", item->id,
			   "give the item a policy again", "the protection of the item is stopped");
}

static const char *const object_types[] = {"IaasVMBackupRequest", NULL};
static const struct lf_field now_fields[] = {
	{"properties.objectType", LF_ENUM, LF_REQUIRED, 0, 0, object_types, "IaasVMBackupRequest."},
	{"properties.recoveryPointExpiryTimeInUTC", LF_TEXT, 0, 0, 64, NULL,
	 "How long it is kept."},
};

int lf_backup_now(struct lf_arm_call *call, struct lf_error *err)
{
	static const char path[] = "properties.recoveryPointExpiryTimeInUTC";
	struct lf_context *context = lf_arm_context(call);
	const char *asked = lf_json_text(lf_arm_body(call), path);
	int64_t now = lf_clock_now_ns(context->clock), until = now + ON_DEMAND_NS;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	char expires[LF_TIME_SIZE], job[LF_GUID_SIZE];
	bool running;

	int rc = lf_backup_item(call, 1, &item, err);
	if (!rc)
		rc = lf_document_check_request(lf_arm_body(call), now_fields, LF_N(now_fields),
					       NULL, err);
	if (!rc && !context->compute)
		rc = lf_fail(err, LF_EUNSUPPORTED, item.id, "this site runs no machines");
	if (!rc)
		rc = refuse_stopped(&item, err);
	if (!rc && asked &&
	    (lf_time_parse(asked, &until, err) || until <= now || until - now > EXPIRY_MAX_NS))
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidExpiryTime", path,
				   "give a time to come within 99 years, as 2026-12-31T00:00:00Z",
				   "the recovery point cannot expire then");
	if (!rc)
		rc = find_running(context, &item, &running, err);
	if (rc)
		return rc;
	if (running)
		return lf_fail_arm(err, LF_ECONFLICT, "UserErrorBackupOperationInProgress", item.id,
				   "wait until it has ended; GET backupJobs shows it",
				   "another backup of the item is in progress");
	lf_time_format(until, expires);
	rc = lf_backup_submit(context, &item, expires, job, err);
	return rc ? rc : lf_backup_reply_accepted(call, item.id, job, err);
}

static int run_backup(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_backup_input input;
	int rc = lf_backup_input_read(lf_job_run_job(run), &input, err);

	return rc ? rc : lf_backup_point_take(run, input.item, input.expires, err);
}

static int note_failure(struct lf_resource *item, void *argument, struct lf_error *err)
{
	(void)argument;
	return lf_json_set_text(item->doc, "properties.lastBackupStatus", "Failed") ||
			       lf_json_set_text(item->doc, "properties.healthStatus",
						"ActionRequired")
		       ? lf_fail_nomem(err)
		       : 0;
}

/* What was captured without a point to name it goes.  A cancelled backup says nothing of how its
 * item is. */
static int undo_backup(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	struct lf_backup_input input;

	int rc = lf_backup_input_read(lf_job_run_job(run), &input, err);
	if (!rc && lf_job_run_job(run)->ending == LF_JOB_FAILED)
		rc = lf_catalog_change(context->catalog, input.item, note_failure, NULL, err);
	/* the item may be gone, and what was captured not */
	return rc && rc != LF_ENOTFOUND ? rc : lf_backup_point_untake(run, input.item, err);
}

static const struct lf_job_step backup_steps[] = {
	{"TransferData", "Transfer data to vault", run_backup, undo_backup}};

static const struct lf_backup_job_row backup_row = {.operation = "Backup", .takes_snapshot = true};
const struct lf_job_type lf_backup_job = {.name = LF_BACKUP_JOBS "backup",
					  .steps = backup_steps,
					  .n_steps = LF_N(backup_steps),
					  .cancellable = true,
					  .subject = &backup_row};
