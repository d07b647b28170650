/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of what is done at once: a request has changed something, and clients look for its job.
 */
#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"

static int run_done(struct lf_job_run *run, struct lf_error *err)
{
	(void)run;
	(void)err;
	return LF_STEP_DONE;
}

const struct lf_job_step lf_backup_done_step = {"Done", "Done", run_done, NULL};

int lf_backup_note_done(struct lf_arm_call *call, const struct lf_backup_done *done,
			char ret_job[static LF_GUID_SIZE], struct lf_error *err)
{
	const struct lf_resource *item = done->item;
	LF_AUTO_FREE char *vault = lf_backup_vault_id(item->id);
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	/* done already: it waits for nothing, and nothing for it */
	LF_AUTO_FREE char *resource = lf_printf_dup("%s/configuration/%s", item->id, guid);
	LF_AUTO_JSON *doc =
		json_pack("{s:s, s:s*, s:s*, s:s}", "item", item->id, "friendlyName",
			  lf_json_text(item->doc, "properties.friendlyName"), "recoveryPoint",
			  done->point_id, "operation", done->operation);
	const struct lf_job_request request = {
		.id = guid,
		.type = (done->type ? done->type : &lf_backup_done_job)->name,
		.scope = vault,
		.resource = resource,
		.doc = doc};

	return vault && resource && doc
		       ? lf_jobs_submit(lf_arm_context(call)->jobs, &request, ret_job, err)
		       : lf_fail_nomem(err);
}

static const struct lf_backup_job_row done_row = {.done_at_once = true};

const struct lf_job_type lf_backup_done_job = {
	.name = LF_BACKUP_JOBS "configure", LF_BACKUP_DONE_STEPS, .subject = &done_row};
