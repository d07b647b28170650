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

/* The item's documents, from what the checks found. */
static int build_item(const struct lf_sr_enable *enable, json_t **ret_doc, json_t **ret_state,
		      struct lf_error *err)
{
	const json_t *given = enable->properties;
	LF_AUTO_DOC doc = LF_DOC_INIT, state = LF_DOC_INIT;

	lf_doc_text(&doc, "friendlyName", lf_json_text_or(enable->agent, "machineName", "machine"));
	lf_doc_share(&doc, "policyId", lf_json_at(given, "policyId"));
	lf_doc_text(&doc, "protectableItemId", lf_json_text(given, "protectableItemId"));
	lf_doc_share(&doc, "details", lf_json_at(given, "providerSpecificDetails"));
	lf_doc_share(&doc, "disks", enable->disks);
	lf_doc_put(&doc, "nics", json_array());
	lf_doc_text(&state, "phase", lf_sr_phase_row(LF_SR_ENABLING)->name);
	lf_doc_text(&state, "region", enable->region);
	lf_doc_text(&state, "agentId", lf_json_text_or(enable->agent, "agentId", ""));
	lf_doc_share(&state, "machine", enable->agent);
	lf_doc_text(&state, "testFailoverState", "None");
	int rc = lf_doc_end(&doc, ret_doc, err);
	return rc ? rc : lf_doc_end(&state, ret_state, err);
}

static int submit_enable(struct lf_context *context, const struct lf_resource *item,
			 char job[static LF_GUID_SIZE], struct lf_error *err)
{
	LF_AUTO_FREE char *vault_id = lf_id_above(item->id, LF_SR_TYPE_VAULT);
	LF_AUTO_DOC input = LF_DOC_INIT;
	LF_AUTO_JSON *doc = NULL;

	lf_sr_job_put(&input, item, "EnableProtection", "Enable replication");
	int rc = vault_id ? lf_doc_end(&input, &doc, err) : lf_fail_nomem(err);
	const struct lf_job_request request = {
		.type = lf_sr_enable_job.name, .scope = vault_id, .resource = item->id, .doc = doc};
	return rc ? rc : lf_jobs_submit(context->jobs, &request, job, err);
}

/* Inside the transaction: check, write the item, submit the job. */
static int enable_locked(struct lf_arm_call *call, const struct lf_scope *scope,
			 struct lf_resource *item, char job[static LF_GUID_SIZE],
			 struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_CLEANUP(lf_sr_enable_done)
	struct lf_sr_enable enable = {.vault = &scope->at[LF_SR_VAULT],
				      .fabric = &scope->at[LF_SR_FABRIC],
				      .properties = lf_json_at(lf_arm_body(call), "properties")};
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	bool there = false;

	int rc = lf_sr_provider_check(&lf_sr_enable_fields, lf_arm_body(call),
				      "properties.providerSpecificDetails", err);
	if (!rc)
		rc = lf_catalog_find(context->catalog, item->id, &before, &there, err);
	if (!rc)
		rc = lf_sr_enable_check(context, &enable, err);
	if (!rc && there)
		rc = lf_fail_arm(err, LF_EEXISTS, "ProtectedItemExists", item->id,
				 "choose another name, or disable its protection first",
				 "there is a protected item of this name");
	if (!rc)
		rc = build_item(&enable, &item->doc, &item->state, err);
	if (!rc)
		rc = submit_enable(context, item, job, err);
	if (!rc)
		rc = lf_sr_item_mark(context, item, "EnableProtection", job, err);
	return rc ? rc
		  : lf_catalog_put(context->catalog, item->id, LF_SR_TYPE_ITEM, LF_PUT_NEW, NULL,
				   item->doc, item->state, err);
}

int lf_sr_items_put(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_SCOPE scope = {0};
	LF_AUTO_JSON *body = NULL;
	char job[LF_GUID_SIZE];

	int rc = lf_scope_open(call, LF_SR_TYPE_CONTAINER, &scope, err);
	if (rc)
		return rc;
	item.id = lf_id_child(scope.at[LF_SR_CONTAINER].id, "replicationProtectedItems",
			      lf_arm_param(call, "item"));
	rc = item.id ? lf_transaction_begin(&tx, lf_arm_context(call)->catalog, err)
		     : lf_fail_nomem(err);
	if (!rc)
		rc = enable_locked(call, &scope, &item, job, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (!rc)
		rc = lf_document_view(call, &lf_sr_item_document, &item, &body, err);
	return rc ? rc : lf_sr_reply_accepted(call, item.id, job, body, err);
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
	const char *group = lf_json_text_or(item->doc, "details.multiVmGroupName", "");
	LF_AUTO_FREE char *vault_id = lf_id_above(item->id, LF_SR_TYPE_VAULT);
	LF_AUTO_DOC spec = LF_DOC_INIT;
	json_t *disk;
	size_t i;

	lf_doc_text(&spec, "itemId", item->id);
	lf_doc_text(&spec, "agentId", lf_json_text_or(item->state, "agentId", ""));
	lf_doc_text(&spec, "machineId",
		    lf_json_text_or(item->doc, "details.fabricDiscoveryMachineId", ""));
	lf_doc_text(&spec, "region", lf_json_text_or(item->state, "region", ""));
	lf_doc_text(&spec, "cacheAccountId",
		    lf_json_text_or(item->doc, "disks.0.logStorageAccountId", ""));
	lf_doc_put(&spec, "disks", json_array());
	json_array_foreach (lf_json_at(item->doc, "disks"), i, disk)
		lf_doc_append(&spec, "disks",
			      json_pack("{s:s,s:b}", "id", lf_json_text_or(disk, "diskId", ""),
					"included", 1));
	if (*group) /* machines of one vault that name the same */
		lf_doc_printf(&spec, "group", "%s/%s", vault_id ? vault_id : "", group);
	lf_doc_put(&spec, "policy", lf_sr_policy_for_replica(policy_doc));
	return lf_doc_take(&spec);
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

	return lf_replica_remove(context->replication, lf_sr_job_item(run), err);
}

/* The item goes on to initial replication, and the job that will see it end is submitted. */
static int run_started(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	char id[LF_GUID_SIZE];

	int rc = lf_sr_step_begin(run, &tx, &item, err);
	if (rc)
		return rc;
	lf_guid_derive("finalize-protection", lf_job_run_job(run)->id, id);
	LF_AUTO_FREE char *resource = lf_printf_dup("%s/finalizeProtection", item.id);
	LF_AUTO_DOC input = LF_DOC_INIT;
	lf_sr_job_put(&input, &item, "FinalizeProtection",
		      "Finalize protection on the virtual machine");
	LF_AUTO_JSON *doc = lf_doc_take(&input);
	const struct lf_job_request request = {.id = id,
					       .type = lf_sr_finalize_job.name,
					       .scope = lf_job_run_job(run)->scope,
					       .resource = resource,
					       .doc = doc};
	if (!resource || !doc || lf_sr_item_set_phase(&item, LF_SR_INITIAL))
		return lf_fail_nomem(err);
	rc = lf_jobs_submit(context->jobs, &request, id, err);
	return rc ? rc : lf_sr_step_end(run, &tx, &item, err);
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
		const struct lf_context *context = lf_job_run_context(run);
		rc = lf_sr_item_store(context->catalog, &item, err);
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
	const char *item_id = lf_sr_job_item(run);
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
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_begin(run, &tx, &item, err);
	if (rc == LF_ENOTFOUND)
		return LF_STEP_DONE;
	if (rc || lf_sr_phase_of(item.state) != LF_SR_INITIAL)
		return rc ? rc : LF_STEP_DONE;
	if (lf_sr_item_set_phase(&item, LF_SR_PROTECTED))
		return lf_fail_nomem(err);
	return lf_sr_step_end(run, &tx, &item, err);
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

	return lf_replica_remove(context->replication, lf_sr_job_item(run), err);
}

static int run_remove_item(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	char text[512];

	int rc = lf_sr_step_begin(run, &tx, &item, err);
	if (rc == LF_ENOTFOUND)
		return LF_STEP_DONE;
	if (rc)
		return rc;
	snprintf(text, sizeof(text), "protection of %s has been disabled",
		 lf_json_text_or(item.doc, "friendlyName", ""));
	const char *vm = lf_json_text(item.state, "failover.vm");
	rc = lf_sr_event_put(context, &item, "JobStatus", "OK", lf_job_run_job(run)->id, text, err);
	if (!rc && vm)
		rc = lf_sr_machine_give_away(context->catalog, vm, err);
	if (!rc)
		rc = lf_catalog_delete_tree(context->catalog, item.id, err);
	if (!rc)
		rc = lf_job_step_commit(run, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
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
		.job = &lf_sr_disable_job,
		.scenario = "DisableProtection",
		.friendly = complete ? "Complete migration" : "Disable replication"};
	LF_AUTO_SCOPE scope = {0};
	LF_AUTO_DOC input = LF_DOC_INIT;

	int rc = lf_scope_open(call, LF_SR_TYPE_ITEM, &scope, err);
	if (rc == LF_ENOTFOUND && scope.n == LF_SR_ITEM) /* all above it are there */
		return lf_arm_reply(call, 204, NULL, err);
	lf_doc_text(&input, "reason", reason);
	return rc ? rc : lf_sr_item_start(call, &scope.at[LF_SR_ITEM], &start, &input, err);
}
