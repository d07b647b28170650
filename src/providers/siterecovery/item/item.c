/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/siterecovery/internal.h"

int lf_sr_item_store(struct lf_context *context, const struct lf_resource *item,
		     struct lf_error *err)
{
	return lf_catalog_put(context->catalog, item->id, NULL, LF_PUT_EXISTING, NULL, item->doc,
			      item->state, err);
}

int lf_sr_item_set_phase(struct lf_resource *item, enum lf_sr_phase phase)
{
	return lf_json_set_text(item->state, "phase", lf_sr_phase_row(phase)->name);
}

json_t *lf_sr_job_doc(const struct lf_resource *item, const char *scenario, const char *friendly)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "itemId", item->id, "scenario", scenario,
			 "friendlyName", friendly, "targetObjectId", lf_arm_id_last(item->id),
			 "targetObjectName", lf_json_text_or(item->doc, "friendlyName", ""),
			 "targetInstanceType", "ProtectionEntity");
}

static json_t *job_body(struct lf_arm_call *call, const char *id)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	struct lf_error ignored;
	json_t *body = NULL;

	if (lf_jobs_get(lf_arm_context(call)->jobs, id, &job, &ignored) ||
	    lf_sr_job_view(lf_arm_context(call), &job, &body, &ignored))
		return NULL;
	return body;
}

int lf_sr_reply_job(struct lf_arm_call *call, const char *resource_id, const char *job,
		    bool with_job, struct lf_error *err)
{
	LF_AUTO_FREE char *vault_id = lf_sr_vault_id_of(resource_id);
	LF_AUTO_FREE char *status =
		lf_printf_dup("%s/replicationOperationStatus/%s", vault_id ? vault_id : "", job);
	LF_AUTO_FREE char *result = lf_printf_dup("%s/operationresults/%s", resource_id, job);
	LF_AUTO_JSON *body = with_job ? job_body(call, job) : NULL;
	const struct lf_arm_async async = {
		.job = job, .status_path = status, .result_path = result, .retry_after = 1};

	if (!vault_id || !status || !result)
		return lf_fail_nomem(err);
	return lf_arm_reply_async(call, 202, &async, body, err);
}

/* Inside the transaction. */
static int start_locked(struct lf_context *context, const struct lf_sr_start *start,
			const char *item_id, json_t *doc, char job[static LF_GUID_SIZE],
			struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(context->catalog, item_id, &item, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *vault_id = lf_sr_vault_id_of(item.id);
	LF_AUTO_JSON *whole = lf_sr_job_doc(&item, start->scenario, start->friendly);
	if (!vault_id || !whole || json_object_update(whole, doc))
		return lf_fail_nomem(err);
	/* of a busy item the engine says which job to wait for: better advice than the state */
	const struct lf_job_request request = {
		.type = start->type, .scope = vault_id, .resource = item.id, .doc = whole};
	if (!lf_json_at(item.state, "current"))
		rc = lf_sr_check_allowed(item.state, start->action, item.id, err);
	if (!rc)
		rc = lf_jobs_submit(context->jobs, &request, job, err);
	if (rc)
		return rc;
	if (lf_json_set_text(item.state, "current.scenario", start->scenario) |
	    lf_json_set_text(item.state, "current.job", job) |
	    lf_json_set_time(item.state, "current.startTime", lf_clock_now_ns(context->clock)))
		return lf_fail_nomem(err);
	return lf_sr_item_store(context, &item, err);
}

int lf_sr_item_start(struct lf_arm_call *call, const struct lf_sr_start *start, json_t *doc,
		     struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *input = doc;
	LF_AUTO_SR_SCOPE scope = {0};
	char job[LF_GUID_SIZE];

	if (!input)
		return lf_fail_nomem(err);
	int rc = lf_sr_scope_open(call, LF_SR_ITEM, &scope, err);
	if (!rc)
		rc = lf_catalog_begin(context->catalog, err);
	if (rc)
		return rc;
	rc = start_locked(context, start, scope.item.id, input, job, err);
	if (!rc)
		rc = lf_catalog_commit(context->catalog, err);
	if (rc) {
		lf_catalog_rollback(context->catalog);
		return rc;
	}
	return lf_sr_reply_job(call, scope.item.id, job, start->with_job, err);
}
