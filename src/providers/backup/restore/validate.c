/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would a restore be accepted?  The checks of the restore itself, and nothing else done.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/restore/restore.h"

#define REQUEST "properties.restoreRequest"

/* Not one of the jobs that clients list. */
const struct lf_job_type lf_backup_validate_job = {.name = "backupvalidate.operation",
						   LF_BACKUP_DONE_STEPS};

static int find_point(struct lf_arm_call *call, const json_t *request, struct lf_resource *ret_item,
		      struct lf_resource *ret_point, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *machine = lf_json_text_or(request, "sourceResourceId", "");
	const char *point = lf_arm_id_last(lf_json_text_or(request, "recoveryPointId", ""));
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST items = {0};

	int rc = lf_backup_vault(call, &vault, err);
	const struct lf_list_query query = {.type = LF_BACKUP_ITEM_TYPE,
					    .below = rc ? NULL : vault.id};
	if (!rc)
		rc = lf_catalog_list(context->catalog, &query, &items, err);
	for (size_t i = 0; !rc && i < items.n; i++) {
		if (!lf_arm_id_equal(lf_json_text_or(items.items[i].state, "vm", ""), machine))
			continue;
		LF_AUTO_FREE char *id =
			lf_printf_dup("%s/recoveryPoints/%s", items.items[i].id, point);
		rc = id ? lf_catalog_get(context->catalog, id, ret_point, err) : lf_fail_nomem(err);
		return rc ? rc : lf_catalog_get(context->catalog, items.items[i].id, ret_item, err);
	}
	return rc ? rc
		  : lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorContainerObjectNotFound",
				REQUEST ".sourceResourceId",
				"GET backupProtectedItems lists what the vault protects",
				"the vault does not protect '%.200s'", machine);
}

static int check(struct lf_arm_call *call, struct lf_error *err)
{
	json_t *request = lf_json_at(lf_arm_body(call), REQUEST);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, point = LF_RESOURCE_INIT;

	if (!json_is_object(request))
		return lf_fail_arm(err, LF_EINVAL, "UserErrorInvalidRequest", REQUEST,
				   "send objectType ValidateIaasVMRestoreOperationRequest and the "
				   "restoreRequest",
				   "the request does not say what to validate");
	int rc = find_point(call, request, &item, &point, err);
	const struct lf_restore_ask ask = {.call = call,
					   .request = request,
					   .item = &item,
					   .point = &point,
					   .region = lf_json_text_or(point.state, "region", "")};
	return rc ? rc : lf_restore_check(&ask, err);
}

/* {"validationResults": [what is wrong]} */
static int validate(struct lf_arm_call *call, json_t **ret_response, struct lf_error *err)
{
	struct lf_error wrong = LF_ERROR_NONE;
	LF_AUTO_JSON *results = json_array();
	int failed = check(call, &wrong);
	const struct lf_error told = lf_error_for_tenant(&wrong);

	if (failed &&
	    json_array_append_new(results,
				  json_pack("{s:s, s:s, s:[s]}", "code", lf_error_arm(&told),
					    "message", told.message, "recommendations", told.hint)))
		return lf_fail_nomem(err);
	*ret_response =
		json_pack("{s:{s:O}}", "validateOperationResponse", "validationResults", results);
	return *ret_response ? 0 : lf_fail_nomem(err);
}

int lf_backup_validate_operation(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *response = NULL;
	int rc = validate(call, &response, err);

	return rc ? rc : lf_arm_reply(call, 200, response, err);
}

/* The same as an operation: what was found is in its job, which is done already. */
int lf_backup_validate_trigger(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = strdup(lf_arm_id(call, 1));
	LF_AUTO_JSON *response = NULL;
	char guid[LF_GUID_SIZE], job[LF_GUID_SIZE];

	int rc = vault ? validate(call, &response, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	lf_guid_random(guid);
	LF_AUTO_FREE char *resource = lf_printf_dup("%s/validation/%s", vault, guid);
	LF_AUTO_FREE char *status = lf_printf_dup("%s/backupValidateOperationsStatuses", vault);
	LF_AUTO_FREE char *result = lf_printf_dup("%s/backupValidateOperationResults", vault);
	if (!resource || !status || !result)
		return lf_fail_nomem(err);
	const struct lf_job_request request = {.id = guid,
					       .type = lf_backup_validate_job.name,
					       .scope = vault,
					       .resource = resource,
					       .doc = response};
	rc = lf_jobs_submit(lf_arm_context(call)->jobs, &request, job, err);
	return rc ? rc : lf_backup_reply_operation(call, status, result, job, err);
}

static int find_job(struct lf_arm_call *call, struct lf_job *ret_job, struct lf_error *err)
{
	return lf_backup_operation_job(call, lf_backup_validate_job.name, "validation", ret_job,
				       err);
}

int lf_backup_validate_status(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	LF_AUTO_DOC info = LF_DOC_INIT;

	int rc = find_job(call, &job, err);
	if (rc)
		return rc;
	lf_doc_text(&info, "objectType", "OperationStatusValidateOperationExtendedInfo");
	lf_doc_share_if(&info, "validateOperationResponse",
			lf_json_at(job.doc, "validateOperationResponse"));
	return lf_backup_reply_status(call, &job, lf_doc_take(&info), err);
}

int lf_backup_validate_result(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = find_job(call, &job, err);

	return rc ? rc : lf_arm_reply(call, 200, job.doc, err);
}
