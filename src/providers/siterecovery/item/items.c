/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/siterecovery/internal.h"

#define PAGE_SIZE 100

/* What $filter may name, as the lists' query parameters in the description. */
static json_t *filter_fields(const struct lf_resource *item)
{
	char fabric[256] = "";

	lf_arm_id_segment(item->id, "replicationFabrics", fabric, sizeof(fabric));
	return json_pack("{s:s,s:s,s:s,s:s}", "sourceFabricName", fabric, "instanceType",
			 LF_SR_INSTANCE, "fabricObjectId",
			 lf_json_text_or(item->doc, "details.fabricDiscoveryMachineId", ""),
			 "processServerId",
			 lf_json_text_or(item->doc, "details.processServerId", ""));
}

static int list_below(struct lf_arm_call *call, const char *below, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const struct lf_list_query query = {.type = LF_SR_TYPE_ITEM,
					    .below = below,
					    .after = lf_arm_query(call, "skiptoken"),
					    .limit = PAGE_SIZE};
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_filter_new(lf_arm_query(call, "filter"), &filter, err);
	if (!rc)
		rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_JSON *fields = filter_fields(&list.items[i]);
		json_t *doc = NULL;
		if (!lf_filter_matches(filter, fields))
			continue;
		rc = lf_sr_item_view(context, &list.items[i], false, &doc, err);
		rc = lf_row_pass_over(list.items[i].id, rc, err);
		if (doc && json_array_append_new(values, doc))
			rc = lf_fail_nomem(err);
	}
	if (rc)
		return rc;
	return lf_arm_reply_list(call, values, list.more ? list.items[list.n - 1].id : NULL, err);
}

int lf_sr_items_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);

	return rc ? rc : list_below(call, scope.container.id, err);
}

int lf_sr_items_list_all(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	return rc ? rc : list_below(call, scope.vault.id, err);
}

int lf_sr_items_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_ITEM, &scope, err);

	return rc ? rc : lf_sr_reply_one(call, scope.item.id, lf_sr_item_view, err);
}

int lf_sr_items_sizes(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *sizes = lf_compute_sizes();
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_SR_SCOPE scope = {0};
	size_t i;
	json_t *size;

	int rc = lf_sr_scope_open(call, LF_SR_ITEM, &scope, err);
	if (rc)
		return rc;
	json_array_foreach (sizes, i, size) {
		const char *name = lf_json_text_or(size, "name", "");
		LF_AUTO_FREE char *id = lf_sr_child_id(scope.item.id, "targetComputeSizes", name);
		json_int_t cores = lf_json_int_or(size, "numberOfCores", 0);
		json_t *doc = NULL;
		if (!id)
			return lf_fail_nomem(err);
		rc = lf_sr_view_new(
			id, LF_SR_TYPE_ITEM "/targetComputeSizes",
			json_pack("{s:s,s:s,s:I,s:I,s:f,s:I,s:i,s:[],s:s,s:[s,s]}", "name", name,
				  "friendlyName", name, "cpuCoresCount", cores, "vCPUsAvailable",
				  cores, "memoryInGB",
				  (double)lf_json_int_or(size, "memoryInMB", 0) / 1024.0,
				  "maxDataDiskCount",
				  (json_int_t)lf_json_int_or(size, "maxDataDiskCount", 0),
				  "maxNicsCount", 8, "errors", "highIopsSupported", "NotSupported",
				  "hyperVGenerations", "V1", "V2"),
			&doc, err);
		if (rc)
			return rc;
		json_array_append_new(values, doc);
	}
	return lf_arm_reply_list(call, values, NULL, err);
}

/* Replication stopped by a final session, or stuck, goes on. */
static int run_repair(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);

	return lf_replica_resume(context->replication, lf_sr_job_text(run, "itemId"), err);
}
static const struct lf_job_step repair_steps[] = {
	{"RepairReplication", "Repair replication", run_repair, NULL},
};
const struct lf_job_type lf_sr_repair_job = {.name = "siterecovery.repair",
					     .steps = repair_steps,
					     .n_steps = LF_N(repair_steps),
					     .ended = lf_sr_job_ended};

int lf_sr_items_repair(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_sr_start start = {.action = LF_SR_REPAIR,
						 .type = "siterecovery.repair",
						 .scenario = "RepairReplication",
						 .friendly = "Resynchronize"};

	return lf_sr_item_start(call, &start, json_object(), err);
}

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

int lf_sr_items_resolve(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_sr_start start = {.action = LF_SR_UPDATE,
						 .type = "siterecovery.resolveHealthErrors",
						 .scenario = "ResolveHealthErrors",
						 .friendly = "Resolve health errors"};

	return lf_sr_item_start(call, &start, json_object(), err);
}

/* What this service does not do says so, and what to do instead. */

static int unsupported_for_item(struct lf_arm_call *call, const char *code, const char *hint,
				struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_ITEM, &scope, err);

	return rc ? rc : lf_sr_unsupported(call, code, hint, err);
}

int lf_sr_items_add_disks(struct lf_arm_call *call, struct lf_error *err)
{
	return unsupported_for_item(call, "AddDisksNotSupported",
				    "disable protection and enable it with all the disks", err);
}

int lf_sr_items_remove_disks(struct lf_arm_call *call, struct lf_error *err)
{
	return unsupported_for_item(call, "RemoveDisksNotSupported",
				    "disable protection and enable it without the disks", err);
}

int lf_sr_items_reprotect(struct lf_arm_call *call, struct lf_error *err)
{
	return unsupported_for_item(call, "ReprotectNotSupported",
				    "install landfall-agent in the machine that was made and "
				    "protect it as a machine of its own",
				    err);
}

int lf_sr_items_update_agent(struct lf_arm_call *call, struct lf_error *err)
{
	return unsupported_for_item(call, "MobilityServiceUpdateNotSupported",
				    "update the landfall-agent package on the machine", err);
}

int lf_sr_items_update_appliance(struct lf_arm_call *call, struct lf_error *err)
{
	return unsupported_for_item(call, "UpdateApplianceNotSupported",
				    "a fabric has one process server, the site's own", err);
}

int lf_sr_items_switch_provider(struct lf_arm_call *call, struct lf_error *err)
{
	return unsupported_for_item(call, "SwitchProviderNotSupported",
				    "there is one provider here, " LF_SR_INSTANCE, err);
}
