/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the steps of items' jobs share: the item is read in the transaction in
 * which the step ends, and a job's end frees the item and leaves an event.
 */
#include <string.h>

#include "providers/siterecovery/internal.h"

const char *lf_sr_job_item(const struct lf_job_run *run)
{
	return lf_json_text_or(lf_job_run_job(run)->doc, "itemId", "");
}

int lf_sr_step_item(struct lf_job_run *run, struct lf_resource *ret_item, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);

	return lf_catalog_get(context->catalog, lf_sr_job_item(run), ret_item, err);
}

int lf_sr_step_begin(struct lf_job_run *run, struct lf_transaction *tx,
		     struct lf_resource *ret_item, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	int rc = lf_transaction_begin(tx, context->catalog, err);

	return rc ? rc : lf_sr_step_item(run, ret_item, err);
}

int lf_sr_step_end(struct lf_job_run *run, struct lf_transaction *tx,
		   const struct lf_resource *item, struct lf_error *err)
{
	const struct lf_context *context = lf_job_run_context(run);
	int rc = lf_sr_item_store(context->catalog, item, err);

	if (!rc)
		rc = lf_job_step_commit(run, err);
	return rc ? rc : lf_transaction_commit(tx, err);
}

int lf_sr_job_inform(struct lf_job_run *run, const char *code, const char *message,
		     const char *advice)
{
	json_t *data = lf_job_run_data(run), *before;
	size_t i;

	json_array_foreach (lf_json_at(data, "remarks"), i, before)
		if (strcmp(lf_json_text_or(before, "message", ""), message) == 0)
			return 0; /* the step has been run before */
	if (!lf_json_at(data, "remarks") && lf_json_set(data, "remarks", json_array()))
		return -1;
	return json_array_append_new(
		lf_json_at(data, "remarks"),
		json_pack("{s:s,s:s,s:s}", "code", code, "message", message, "advice", advice));
}

int lf_sr_job_ended(struct lf_job_run *run, enum lf_job_state state, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const struct lf_job *job = lf_job_run_job(run);
	const struct lf_error told = lf_error_for_tenant(&job->error);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	char text[512];

	int rc = lf_sr_step_item(run, &item, err);
	if (rc == LF_ENOTFOUND) /* its job was to remove the item */
		return 0;
	if (rc)
		return rc;
	if (strcmp(lf_json_text_or(item.state, "current.job", ""), job->id) == 0) {
		json_object_del(item.state, "current");
		rc = lf_sr_item_store(context->catalog, &item, err);
		if (rc)
			return rc;
	}
	snprintf(text, sizeof(text), "%s of %s: %s%s%s",
		 lf_json_text_or(job->doc, "friendlyName", job->type),
		 lf_json_text_or(item.doc, "friendlyName", ""), lf_job_state_name(state),
		 state == LF_JOB_FAILED ? ": " : "", state == LF_JOB_FAILED ? told.message : "");
	return lf_sr_event_put(context, &item, "JobStatus",
			       state == LF_JOB_FAILED ? "Critical" : "OK", job->id, text, err);
}
