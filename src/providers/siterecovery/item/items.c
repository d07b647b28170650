/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of items, what machines an item could become, and the two jobs that only
 * ask the replication to go on.
 */
#include <string.h>

#include "json/view.h"
#include "providers/siterecovery/internal.h"

static json_t *size_of(const json_t *size)
{
	static const struct lf_view_row rows[] = {
		{"name", LF_VIEW_ANY, 0, "name", "\"\""},
		{"friendlyName", LF_VIEW_ANY, 0, "name", "\"\""},
		{"cpuCoresCount", LF_VIEW_INT, 0, "numberOfCores", "0"},
		{"vCPUsAvailable", LF_VIEW_INT, 0, "numberOfCores", "0"},
		{"maxDataDiskCount", LF_VIEW_INT, 0, "maxDataDiskCount", "0"},
		{"maxNicsCount", .fallback = "8"},
		{"errors", .fallback = "[]"},
		{"highIopsSupported", .fallback = "\"NotSupported\""},
		{"hyperVGenerations", .fallback = "[\"V1\", \"V2\"]"},
	};
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_view_put(&view, rows, LF_N(rows), &size);
	lf_doc_put(&view, "memoryInGB",
		   json_real((double)lf_json_int_or(size, "memoryInMB", 0) / 1024.0));
	return lf_doc_take(&view);
}

int lf_sr_items_sizes(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *sizes = lf_compute_sizes();
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_SCOPE scope = {0};
	size_t i;
	json_t *size;

	int rc = lf_scope_open(call, LF_SR_TYPE_ITEM, &scope, err);
	if (rc)
		return rc;
	json_array_foreach (sizes, i, size) {
		LF_AUTO_FREE char *id = lf_id_child(scope.at[LF_SR_ITEM].id, "targetComputeSizes",
						    lf_json_text_or(size, "name", ""));
		LF_AUTO_JSON *doc = NULL;
		rc = id ? lf_document_wrap(id, LF_SR_TYPE_ITEM "/targetComputeSizes", size_of(size),
					   &doc, err)
			: lf_fail_nomem(err);
		if (!rc && json_array_append(values, doc))
			rc = lf_fail_nomem(err);
		if (rc)
			return rc;
	}
	return lf_arm_reply_list(call, values, NULL, err);
}

/* Replication stopped by a final session, or stuck, goes on. */
static int run_repair(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);

	return lf_replica_resume(context->replication, lf_sr_job_item(run), err);
}
static const struct lf_job_step repair_steps[] = {
	{"RepairReplication", "Repair replication", run_repair, NULL},
};
const struct lf_job_type lf_sr_repair_job = {.name = "siterecovery.repair",
					     .steps = repair_steps,
					     .n_steps = LF_N(repair_steps),
					     .ended = lf_sr_job_ended};
const struct lf_sr_start lf_sr_repair = {.action = LF_SR_REPAIR,
					 .job = &lf_sr_repair_job,
					 .scenario = "RepairReplication",
					 .friendly = "Resynchronize"};

/* Health errors last as long as their cause; looking again drops those that have ended. */
static int run_resolve(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);

	return lf_replication_tend(context->replication, err);
}
static const struct lf_job_step resolve_steps[] = {
	{"ResolveHealthErrors", "Resolve health errors", run_resolve, NULL},
};
const struct lf_job_type lf_sr_resolve_job = {.name = "siterecovery.resolveHealthErrors",
					      .steps = resolve_steps,
					      .n_steps = LF_N(resolve_steps),
					      .ended = lf_sr_job_ended};
const struct lf_sr_start lf_sr_resolve = {.action = LF_SR_UPDATE,
					  .job = &lf_sr_resolve_job,
					  .scenario = "ResolveHealthErrors",
					  .friendly = "Resolve health errors"};
