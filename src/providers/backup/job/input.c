/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the jobs of items are given, and those that are done at once: a request has changed
 * something, and clients look for its job.
 */
#include "json/field.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/scope.h"

static const struct lf_field input_fields[] = {
	LF_TEXT_AT(struct lf_backup_input, item, "item", LF_REQUIRED),
	LF_TEXT_AT(struct lf_backup_input, friendly_name, "friendlyName", 0),
	LF_TEXT_AT(struct lf_backup_input, vm_name, "vmName", 0),
	LF_TEXT_AT(struct lf_backup_input, point_id, "recoveryPoint", 0),
	LF_TEXT_AT(struct lf_backup_input, operation, "operation", 0),
	LF_TEXT_AT(struct lf_backup_input, expires, "expires", 0),
	LF_TEXT_AT(struct lf_backup_input, region, "region", 0),
	LF_BOOL_AT(struct lf_backup_input, secondary, "secondary", 0),
};

int lf_backup_input_read(const struct lf_job *job, struct lf_backup_input *ret_input,
			 struct lf_error *err)
{
	*ret_input = (struct lf_backup_input){.point_id = "", .region = ""};
	return lf_fields_read(input_fields, LF_N(input_fields), job->doc, "", ret_input, err);
}

int lf_backup_submit_input(struct lf_context *context, const struct lf_job_type *type,
			   const char *id, const char *resource,
			   const struct lf_backup_input *input, char ret_job[static LF_GUID_SIZE],
			   struct lf_error *err)
{
	LF_AUTO_FREE char *vault = lf_backup_vault_id(input->item);
	LF_AUTO_DOC built = LF_DOC_INIT;
	LF_AUTO_JSON *doc = NULL;

	lf_fields_write(input_fields, LF_N(input_fields), input, &built);
	int rc = vault ? lf_doc_end(&built, &doc, err) : lf_fail_nomem(err);
	const struct lf_job_request request = {
		.id = id, .type = type->name, .scope = vault, .resource = resource, .doc = doc};
	return rc ? rc : lf_jobs_submit(context->jobs, &request, ret_job, err);
}

int lf_backup_note_done(struct lf_arm_call *call, const struct lf_job_type *type,
			const struct lf_resource *item, const char *point_id, const char *operation,
			char ret_job[static LF_GUID_SIZE], struct lf_error *err)
{
	const struct lf_backup_input input = {
		.item = item->id,
		.friendly_name = lf_json_text(item->doc, "properties.friendlyName"),
		.point_id = point_id,
		.operation = operation};
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	/* done already: it waits for nothing, and nothing for it */
	LF_AUTO_FREE char *resource = lf_printf_dup("%s/configuration/%s", item->id, guid);
	return resource ? lf_backup_submit_input(lf_arm_context(call), type, guid, resource, &input,
						 ret_job, err)
			: lf_fail_nomem(err);
}

static int run_done(struct lf_job_run *run, struct lf_error *err)
{
	(void)run;
	(void)err;
	return LF_STEP_DONE;
}

const struct lf_job_step lf_backup_done_step = {"Done", "Done", run_done, NULL};

static const struct lf_backup_job_row done_row = {.done_at_once = true};

const struct lf_job_type lf_backup_done_job = {
	.name = LF_BACKUP_JOBS "configure", LF_BACKUP_DONE_STEPS, .subject = &done_row};
