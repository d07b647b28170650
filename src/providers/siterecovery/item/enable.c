/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enabling protection.  The operation that the client waits for ends when the
 * replica has been started, as the live service's does: the item then shows
 * InitialReplicationInProgress with its figures, and a second job, which no
 * client waits for, makes it Protected once there is a recovery point.
 */
#include <string.h>

#include "providers/siterecovery/internal.h"

#define RECHECK_NS LF_NS_PER_S

/* The vault's region as a name: "East US" is eastus. */
static void region_of(const struct lf_resource *vault, char *out, size_t size)
{
	size_t n = 0;

	for (const char *p = lf_json_text_or(vault->doc, "location", "default"); *p && n + 1 < size;
	     p++)
		if (*p != ' ')
			out[n++] = (char)(*p >= 'A' && *p <= 'Z' ? *p | 32 : *p);
	out[n] = '\0';
}

/* The item's documents, from what the checks found. */
static int build_item(const struct lf_sr_enable *enable, json_t **ret_doc, json_t **ret_state,
		      struct lf_error *err)
{
	json_t *details = lf_json_at(enable->properties, "providerSpecificDetails");
	const char *name = lf_json_text_or(enable->agent, "machineName", "machine");
	char region[64];

	region_of(enable->vault, region, sizeof(region));
	LF_AUTO_JSON *doc =
		json_pack("{s:s,s:O,s:s?,s:O,s:O,s:[]}", "friendlyName", name, "policyId",
			  lf_json_at(enable->properties, "policyId"), "protectableItemId",
			  lf_json_text(enable->properties, "protectableItemId"), "details", details,
			  "disks", enable->disks, "nics");
	LF_AUTO_JSON *state = json_pack("{s:s,s:s,s:s,s:O,s:s}", "phase",
					lf_sr_phase_row(LF_SR_ENABLING)->name, "region", region,
					"agentId", lf_json_text_or(enable->agent, "agentId", ""),
					"machine", enable->agent, "testFailoverState", "None");
	if (!doc || !state)
		return lf_fail_nomem(err);
	*ret_doc = json_deep_copy(doc);
	*ret_state = json_deep_copy(state);
	return *ret_doc && *ret_state ? 0 : lf_fail_nomem(err);
}

/* Inside the transaction: check, write the item, submit the job. */
static int enable_locked(struct lf_arm_call *call, const struct lf_sr_scope *scope, const char *id,
			 char job[static LF_GUID_SIZE], struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_CLEANUP(lf_sr_enable_done)
	struct lf_sr_enable enable = {.vault = &scope->vault,
				      .fabric = &scope->fabric,
				      .properties = lf_json_at(lf_arm_body(call), "properties")};
	struct lf_resource item = {.id = (char *)(uintptr_t)id};
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_JSON *state = NULL;
	bool there = false;

	int rc = lf_sr_exists(context, id, &there, err);
	if (!rc)
		rc = lf_sr_enable_check(context, &enable, err);
	if (!rc && there)
		rc = lf_fail_arm(err, LF_EEXISTS, "ProtectedItemExists", id,
				 "choose another name, or disable its protection first",
				 "there is a protected item of this name");
	if (!rc)
		rc = build_item(&enable, &doc, &state, err);
	if (rc)
		return rc;
	item.doc = doc;
	LF_AUTO_JSON *input = lf_sr_job_doc(&item, "EnableProtection", "Enable replication");
	const struct lf_job_request request = {.type = lf_sr_enable_job.name,
					       .scope = scope->vault.id,
					       .resource = id,
					       .doc = input};
	rc = input ? lf_jobs_submit(context->jobs, &request, job, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	if (lf_json_set_text(state, "current.scenario", "EnableProtection") |
	    lf_json_set_text(state, "current.job", job) |
	    lf_json_set_time(state, "current.startTime", lf_clock_now_ns(context->clock)))
		return lf_fail_nomem(err);
	return lf_catalog_put(context->catalog, id, LF_SR_TYPE_ITEM, LF_PUT_NEW, NULL, doc, state,
			      err);
}

int lf_sr_items_put(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_SR_SCOPE scope = {0};
	char job[LF_GUID_SIZE];

	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *id = lf_sr_child_id(scope.container.id, "replicationProtectedItems",
					       lf_arm_param(call, "item"));
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_catalog_begin(context->catalog, err);
	if (rc)
		return rc;
	rc = enable_locked(call, &scope, id, job, err);
	if (!rc)
		rc = lf_catalog_commit(context->catalog, err);
	if (rc) {
		lf_catalog_rollback(context->catalog);
		return rc;
	}
	return lf_sr_reply_job(call, id, job, false, err);
}

/* The job. */

static int run_prerequisites(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, lf_json_text_or(item.doc, "policyId", ""),
				    &policy, err);
	return rc;
}

static json_t *replica_spec(const struct lf_resource *item, const json_t *policy_doc)
{
	json_t *disks = json_array(), *disk;
	size_t i;

	json_array_foreach (lf_json_at(item->doc, "disks"), i, disk)
		json_array_append_new(disks, json_pack("{s:s,s:b}", "id",
						       lf_json_text_or(disk, "diskId", ""),
						       "included", 1));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "itemId", item->id, "agentId",
			 lf_json_text_or(item->state, "agentId", ""), "machineId",
			 lf_json_text_or(item->doc, "details.fabricDiscoveryMachineId", ""),
			 "region", lf_json_text_or(item->state, "region", ""), "cacheAccountId",
			 lf_json_text_or(item->doc, "disks.0.logStorageAccountId", ""), "disks",
			 disks, "policy", lf_sr_policy_for_replica(policy_doc));
}

static int run_start_replica(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_item(run, &item, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, lf_json_text_or(item.doc, "policyId", ""),
				    &policy, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *spec = replica_spec(&item, policy.doc);
	return spec ? lf_replica_start(context->replication, spec, err) : lf_fail_nomem(err);
}

static int undo_start_replica(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);

	return lf_replica_remove(context->replication, lf_sr_job_text(run, "itemId"), err);
}

/* The item goes on to initial replication, and the job that will see it end is submitted. */
static int run_started(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	char id[LF_GUID_SIZE];

	int rc = lf_sr_step_begin(run, &item, err);
	if (rc)
		return rc;
	lf_guid_derive("finalize-protection", lf_job_run_job(run)->id, id);
	LF_AUTO_FREE char *resource = lf_printf_dup("%s/finalizeProtection", item.id);
	LF_AUTO_JSON *doc = lf_sr_job_doc(&item, "FinalizeProtection",
					  "Finalize protection on the virtual machine");
	const struct lf_job_request request = {.id = id,
					       .type = lf_sr_finalize_job.name,
					       .scope = lf_job_run_job(run)->scope,
					       .resource = resource,
					       .doc = doc};
	if (!resource || !doc || lf_sr_item_set_phase(&item, LF_SR_INITIAL))
		return lf_fail_nomem(err);
	rc = lf_jobs_submit(context->jobs, &request, id, err);
	return rc ? rc : lf_sr_step_end(run, &item, err);
}

static int enable_ended(struct lf_job_run *run, enum lf_job_state state, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	if (state != LF_JOB_SUCCEEDED) {
		int rc = lf_sr_step_item(run, &item, err);
		if (rc)
			return rc == LF_ENOTFOUND ? 0 : rc;
		if (lf_sr_item_set_phase(&item, LF_SR_ENABLE_FAILED))
			return lf_fail_nomem(err);
		rc = lf_sr_item_store(lf_job_run_context(run), &item, err);
		if (rc)
			return rc;
	}
	return lf_sr_job_ended(run, state, err);
}

static const struct lf_job_step enable_steps[] = {
	{"PrerequisitesCheck", "Prerequisites check for enabling protection", run_prerequisites,
	 NULL},
	{"EnableReplication", "Enable replication", run_start_replica, undo_start_replica},
	{"StartInitialReplication", "Start initial replication", run_started, NULL},
};
const struct lf_job_type lf_sr_enable_job = {.name = "siterecovery.enable",
					     .steps = enable_steps,
					     .n_steps = LF_N(enable_steps),
					     .cancellable = true,
					     .ended = enable_ended};

/* Initial replication. */

static int run_wait_initial(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *item_id = lf_sr_job_text(run, "itemId");
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_JSON *replica = NULL;

	int rc = lf_sr_step_item(run, &item, err);
	if (!rc && lf_sr_phase_of(item.state) == LF_SR_INITIAL)
		rc = lf_replica_get(context->replication, item_id, &replica, err);
	if (rc == LF_ENOTFOUND || (!rc && !replica))
		return lf_sr_job_inform(run, "ProtectionDisabled",
					"protection was disabled before initial replication ended",
					"enable it again if the machine is to be protected")
			       ? lf_fail_nomem(err)
			       : LF_STEP_DONE;
	if (rc)
		return rc;
	if (lf_json_text(replica, "lastPointId"))
		return LF_STEP_DONE;
	lf_job_again_at(run, lf_clock_now_ns(context->clock) + RECHECK_NS);
	return LF_STEP_AGAIN;
}

static int run_protected(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_begin(run, &item, err);
	if (rc == LF_ENOTFOUND)
		return LF_STEP_DONE;
	if (rc || lf_sr_phase_of(item.state) != LF_SR_INITIAL)
		return rc ? rc : LF_STEP_DONE;
	if (lf_sr_item_set_phase(&item, LF_SR_PROTECTED))
		return lf_fail_nomem(err);
	return lf_sr_step_end(run, &item, err);
}

static const struct lf_job_step finalize_steps[] = {
	{"InitialReplication", "Initial replication", run_wait_initial, NULL},
	{"UpdateProviderStates", "Updating the provider states", run_protected, NULL},
};
const struct lf_job_type lf_sr_finalize_job = {.name = "siterecovery.finalizeProtection",
					       .steps = finalize_steps,
					       .n_steps = LF_N(finalize_steps),
					       .ended = lf_sr_job_ended};

/* Disabling. */

static int run_remove_replica(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);

	return lf_replica_remove(context->replication, lf_sr_job_text(run, "itemId"), err);
}

static int run_remove_item(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	char text[512];

	int rc = lf_sr_step_begin(run, &item, err);
	if (rc == LF_ENOTFOUND)
		return LF_STEP_DONE;
	if (rc)
		return rc;
	snprintf(text, sizeof(text), "protection of %s has been disabled",
		 lf_json_text_or(item.doc, "friendlyName", ""));
	const char *vm = lf_json_text(item.state, "failover.vm");
	rc = lf_sr_event_put(context, &item, "JobStatus", "OK", lf_job_run_job(run)->id, text, err);
	if (!rc && vm)
		rc = lf_sr_machine_give_away(context, vm, err);
	if (!rc)
		rc = lf_catalog_delete_tree(context->catalog, item.id, err);
	if (!rc)
		rc = lf_job_step_commit(run, err);
	return rc ? rc : lf_catalog_commit(context->catalog, err);
}

static const struct lf_job_step disable_steps[] = {
	{"DisableReplication", "Disabling replication", run_remove_replica, NULL},
	{"RemoveProtectedItem", "Removing the protected item", run_remove_item, NULL},
};
const struct lf_job_type lf_sr_disable_job = {.name = "siterecovery.disable",
					      .steps = disable_steps,
					      .n_steps = LF_N(disable_steps),
					      .ended = lf_sr_job_ended};

/* DELETE (purge), and POST remove, with MigrationComplete as the end of a migration. */
int lf_sr_items_delete(struct lf_arm_call *call, struct lf_error *err)
{
	const char *reason = lf_json_text_or(lf_arm_body(call),
					     "properties.disableProtectionReason", "NotSpecified");
	bool complete = lf_text_equal_nocase(reason, "MigrationComplete");
	const struct lf_sr_start start = {
		.action = complete ? LF_SR_COMPLETE_MIGRATION : LF_SR_DISABLE,
		.type = lf_sr_disable_job.name,
		.scenario = "DisableProtection",
		.friendly = complete ? "Complete migration" : "Disable replication"};
	LF_AUTO_SR_SCOPE scope = {0};

	int rc = lf_sr_scope_open(call, LF_SR_ITEM, &scope, err);
	if (rc == LF_ENOTFOUND && scope.container.id)
		return lf_arm_reply(call, 204, NULL, err);
	return rc ? rc : lf_sr_item_start(call, &start, json_pack("{s:s}", "reason", reason), err);
}
