/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protected item's row, and how a job of it begins: in one transaction the
 * state table is asked, the job is submitted and the item is marked as worked on
 * ("current"), so that a kill leaves all of it or nothing.
 */
#include <string.h>

#include "providers/siterecovery/internal.h"

int lf_sr_item_store(struct lf_catalog *catalog, const struct lf_resource *item,
		     struct lf_error *err)
{
	return lf_catalog_put(catalog, item->id, NULL, LF_PUT_EXISTING, NULL, item->doc,
			      item->state, err);
}

int lf_sr_item_set_phase(struct lf_resource *item, enum lf_sr_phase phase)
{
	return lf_json_set_text(item->state, "phase", lf_sr_phase_row(phase)->name);
}

void lf_sr_job_put(struct lf_doc *doc, const struct lf_resource *item, const char *scenario,
		   const char *friendly)
{
	lf_doc_text(doc, "itemId", item->id);
	lf_doc_text(doc, "scenario", scenario);
	lf_doc_text(doc, "friendlyName", friendly);
	lf_doc_text(doc, "targetObjectId", lf_arm_id_last(item->id));
	lf_doc_text(doc, "targetObjectName", lf_json_text_or(item->doc, "friendlyName", ""));
	lf_doc_text(doc, "targetInstanceType", "ProtectionEntity");
}

int lf_sr_item_mark(struct lf_context *context, struct lf_resource *item, const char *scenario,
		    const char *job, struct lf_error *err)
{
	return lf_json_set_text(item->state, "current.scenario", scenario) |
			       lf_json_set_text(item->state, "current.job", job) |
			       lf_json_set_time(item->state, "current.startTime",
						lf_clock_now_ns(context->clock))
		       ? lf_fail_nomem(err)
		       : 0;
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

int lf_sr_reply_accepted(struct lf_arm_call *call, const char *resource_id, const char *job,
			 const json_t *body, struct lf_error *err)
{
	LF_AUTO_FREE char *vault_id = lf_id_above(resource_id, LF_SR_TYPE_VAULT);
	LF_AUTO_FREE char *status =
		lf_id_child(vault_id ? vault_id : "", "replicationOperationStatus", job);
	LF_AUTO_FREE char *result = lf_id_child(resource_id, "operationresults", job);
	const struct lf_arm_async async = {
		.job = job, .status_path = status, .result_path = result, .retry_after = 1};

	if (!vault_id || !status || !result)
		return lf_fail_nomem(err);
	return lf_arm_reply_async(call, 202, &async, body, err);
}

int lf_sr_reply_job(struct lf_arm_call *call, const char *resource_id, const char *job,
		    bool with_job, struct lf_error *err)
{
	LF_AUTO_JSON *body = with_job ? job_body(call, job) : NULL;

	return lf_sr_reply_accepted(call, resource_id, job, body, err);
}

int lf_sr_item_check(const struct lf_resource *item, enum lf_sr_action action, struct lf_error *err)
{
	return lf_sr_item_busy(item) ? 0 : lf_sr_check_allowed(item->state, action, item->id, err);
}

int lf_sr_item_submit(struct lf_context *context, const char *item_id,
		      const struct lf_sr_start *start, const char *id, struct lf_doc *input,
		      char job[static LF_GUID_SIZE], struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *vault_id = lf_id_above(item_id, LF_SR_TYPE_VAULT);
	LF_AUTO_JSON *doc = NULL;

	int rc = vault_id ? lf_catalog_get(context->catalog, item_id, &item, err)
			  : lf_fail_nomem(err);
	if (rc)
		return rc;
	lf_sr_job_put(input, &item, start->scenario, start->friendly);
	rc = lf_doc_end(input, &doc, err);
	const struct lf_job_request request = {.id = id,
					       .type = start->job->name,
					       .scope = vault_id,
					       .resource = item.id,
					       .doc = doc};
	if (!rc)
		rc = lf_sr_item_check(&item, start->action, err);
	if (!rc)
		rc = lf_jobs_submit(context->jobs, &request, job, err);
	if (!rc)
		rc = lf_sr_item_mark(context, &item, start->scenario, job, err);
	return rc ? rc : lf_sr_item_store(context->catalog, &item, err);
}

int lf_sr_item_start(struct lf_arm_call *call, const struct lf_resource *item,
		     const struct lf_sr_start *start, struct lf_doc *input, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	char job[LF_GUID_SIZE];

	int rc = lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = lf_sr_item_submit(context, item->id, start, NULL, input, job, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	return rc ? rc : lf_sr_reply_job(call, item->id, job, start->with_job, err);
}

int lf_sr_act(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_sr_start *start = lf_arm_subject(call);
	LF_AUTO_SCOPE scope = {0};
	LF_AUTO_DOC input = LF_DOC_INIT;
	const struct lf_resource *item = &scope.at[LF_SR_ITEM];

	int rc = lf_scope_open(call, LF_SR_TYPE_ITEM, &scope, err);
	if (!rc && start->fields)
		rc = lf_sr_provider_check(start->fields, lf_arm_body(call),
					  "properties.providerSpecificDetails", err);
	if (!rc && start->input)
		rc = start->input(call, item, &input, err);
	return rc ? rc : lf_sr_item_start(call, item, start, &input, err);
}
