/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recovery plan as a document: what is stored of a body, and what clients see.
 * What may be done to it now is what its items allow; items that are no longer
 * protected are left out of what is shown and done.
 */
#include <string.h>

#include "json/view.h"
#include "providers/siterecovery/plan/plan.h"

#define AZURE "Microsoft Azure"

/* What stands in a group, at path. */
static const char *const kinds[] = {"Shutdown", "Failover", "Boot", NULL};
static const char *const instances[] = {"ManualActionDetails", "ScriptActionDetails",
					"AutomationRunbookActionDetails", NULL};
static const char *const places[] = {"Primary", "Recovery", NULL};
static const char *const models[] = {"NotApplicable", "Classic", "ResourceManager", NULL};
#define GROUP "properties.groups.*"
#define ACTION_FIELDS(path)                                                                        \
	{path, LF_ARRAY, 0, 0, LF_SR_PLAN_ACTIONS, NULL, "what is done"},                          \
		{path ".*.actionName", LF_TEXT, LF_REQUIRED, 0, 128, NULL, "its name"},            \
		{path ".*.failoverTypes", LF_ARRAY, LF_REQUIRED, 0, 16, NULL, "when it is done"},  \
		{path ".*.failoverTypes.*", LF_TEXT, 0, 0, 64, NULL, "a kind of failover"},        \
		{path ".*.failoverDirections", LF_ARRAY, LF_REQUIRED, 0, 2, NULL, "which way"},    \
		{path ".*.failoverDirections.*", LF_TEXT, 0, 0, 64, NULL, "a direction"},          \
		{path ".*.customDetails", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "what it is"},       \
		{path ".*.customDetails.instanceType",                                             \
		 LF_ENUM,                                                                          \
		 LF_REQUIRED,                                                                      \
		 0,                                                                                \
		 0,                                                                                \
		 instances,                                                                        \
		 "its kind"},                                                                      \
		{path ".*.customDetails.description",                                              \
		 LF_TEXT,                                                                          \
		 0,                                                                                \
		 0,                                                                                \
		 4096,                                                                             \
		 NULL,                                                                             \
		 "what a person is to do"},                                                        \
		{path ".*.customDetails.path", LF_TEXT, 0, 0, 255, NULL, "a script's file"},       \
		{path ".*.customDetails.timeout", LF_TEXT, 0, 0, 32, NULL, "hh:mm:ss"},            \
		{path ".*.customDetails.fabricLocation", LF_ENUM, 0, 0, 0, places, "where"},       \
	{                                                                                          \
		path ".*.customDetails.runbookId", LF_TEXT, 0, 0, 2048, NULL, "a runbook"          \
	}
#define GROUP_FIELDS(flags)                                                                        \
	{"properties", LF_OBJECT, flags, 0, 0, NULL, "the plan"},                                  \
		{"properties.groups",                                                              \
		 LF_ARRAY,                                                                         \
		 flags,                                                                            \
		 0,                                                                                \
		 LF_SR_PLAN_BOOT_GROUPS + 2,                                                       \
		 NULL,                                                                             \
		 "in which order machines start"},                                                 \
		{GROUP ".groupType", LF_ENUM, LF_REQUIRED, 0, 0, kinds, "its kind"},               \
		{GROUP ".replicationProtectedItems",                                               \
		 LF_ARRAY,                                                                         \
		 0,                                                                                \
		 0,                                                                                \
		 LF_SR_PLAN_ITEMS,                                                                 \
		 NULL,                                                                             \
		 "its machines"},                                                                  \
		{GROUP ".replicationProtectedItems.*.id",                                          \
		 LF_ID,                                                                            \
		 LF_REQUIRED,                                                                      \
		 0,                                                                                \
		 0,                                                                                \
		 NULL,                                                                             \
		 "an item"},                                                                       \
		{GROUP ".replicationProtectedItems.*.virtualMachineId",                            \
		 LF_TEXT,                                                                          \
		 0,                                                                                \
		 0,                                                                                \
		 2048,                                                                             \
		 NULL,                                                                             \
		 "its machine"},                                                                   \
		ACTION_FIELDS(GROUP ".startGroupActions"), ACTION_FIELDS(GROUP ".endGroupActions")

static const struct lf_field create_rows[] = {
	GROUP_FIELDS(LF_REQUIRED),
	{"properties.primaryFabricId", LF_ID, LF_REQUIRED, 0, 0, NULL, "where its items are"},
	{"properties.recoveryFabricId", LF_TEXT, LF_REQUIRED, 0, 2048, NULL, AZURE},
	{"properties.failoverDeploymentModel", LF_ENUM, 0, 0, 0, models, "ResourceManager"},
	{"properties.providerSpecificInput", LF_ARRAY, 0, 0, 8, NULL, "of other providers"},
	{"properties.providerSpecificInput.*.instanceType", LF_TEXT, LF_REQUIRED, 0, 64, NULL,
	 "which"},
};
static const struct lf_field update_rows[] = {GROUP_FIELDS(0)};
static const struct lf_sr_fields create_fields = {create_rows, LF_N(create_rows)};
static const struct lf_sr_fields update_fields = {update_rows, LF_N(update_rows)};

/* A job that has not ended works with the plan as it was: it is left alone until then. */
static int check_idle(struct lf_context *context, const struct lf_resource *plan,
		      struct lf_error *err)
{
	const char *id = lf_json_text(plan->state, "job");
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = id ? lf_jobs_get(context->jobs, id, &job, err) : LF_ENOTFOUND;

	if (rc == LF_ENOTFOUND || (!rc && lf_job_state_is_final(job.state)))
		return 0;
	return rc ? rc
		  : lf_fail_arm(err, LF_ECONFLICT, "AnotherOperationInProgress", plan->id,
				"wait until it has ended, or cancel it",
				"the job %s is working on the plan", id);
}

static int check_fabrics(struct lf_arm_call *call, const char *id, const json_t *body,
			 struct lf_resource *ret_fabric, struct lf_error *err)
{
	const char *recovery = lf_json_text_or(body, "properties.recoveryFabricId", "");
	const char *primary = lf_json_text_or(body, "properties.primaryFabricId", "");
	LF_AUTO_FREE char *vault_id = lf_id_above(id, LF_SR_TYPE_VAULT);
	LF_AUTO_FREE char *below = lf_printf_dup("%s/", vault_id ? vault_id : "");

	if (!vault_id || !below)
		return lf_fail_nomem(err);
	int rc = lf_sr_find(lf_arm_context(call)->catalog, primary, LF_SR_TYPE_FABRIC,
			    "FabricNotFound", "list replicationFabrics of the vault",
			    "properties.primaryFabricId", ret_fabric, err);
	if (!rc && !lf_text_starts_nocase(primary, below))
		rc = lf_fail_arm(err, LF_EINVAL, "FabricNotFound", "properties.primaryFabricId",
				 "take a fabric of the same vault",
				 "the fabric belongs to another vault");
	if (!rc && !lf_text_equal_nocase(recovery, AZURE) && !lf_arm_id_equal(recovery, primary))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "properties.recoveryFabricId",
				 "give \"" AZURE "\", as the items have it",
				 "machines are recovered at this site alone");
	return rc;
}

static int check_kind(const json_t *body, struct lf_error *err)
{
	static const char target[] = "properties.failoverDeploymentModel";
	const char *instance =
		lf_json_text(body, "properties.providerSpecificInput.0.instanceType");

	if (strcmp(lf_json_text_or(body, target, "ResourceManager"), "ResourceManager") != 0)
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", target,
				   "give ResourceManager", "machines are made by Resource Manager");
	return instance ? lf_fail_arm(err, LF_EINVAL, "InstanceTypeNotSupported",
				      "properties.providerSpecificInput.instanceType",
				      "leave it out: " LF_SR_INSTANCE " has none",
				      "instanceType '%.64s' is not supported here", instance)
			: 0;
}

static int read_new(struct lf_arm_call *call, const char *id, const json_t *body, json_t *doc,
		    struct lf_error *err)
{
	const char *recovery = lf_json_text_or(body, "properties.recoveryFabricId", "");
	LF_AUTO_RESOURCE fabric = LF_RESOURCE_INIT;

	int rc = check_kind(body, err);
	if (!rc)
		rc = check_fabrics(call, id, body, &fabric, err);
	if (rc)
		return rc;
	return lf_json_set_text(doc, "primaryFabricId", fabric.id) |
			       lf_json_set_text(doc, "recoveryFabricId", recovery) |
			       lf_json_set_text(doc, "failoverDeploymentModel", "ResourceManager")
		       ? lf_fail_nomem(err)
		       : 0;
}

/* A plan that is there stays where it is: a PUT over it, and a PATCH, change its groups. */
static int check_stays(const struct lf_resource *before, const json_t *doc, struct lf_error *err)
{
	static const char *const fixed[] = {"primaryFabricId", "recoveryFabricId"};

	for (size_t i = 0; before && i < LF_N(fixed); i++)
		if (!lf_text_equal_nocase(lf_json_text_or(before->doc, fixed[i], ""),
					  lf_json_text_or(doc, fixed[i], "")))
			return lf_fail_arm(err, LF_ECONFLICT, "PropertyChangeNotAllowed", fixed[i],
					   "leave it as it is, or make it anew",
					   "%s cannot be changed", fixed[i]);
	return 0;
}

static int read_plan(struct lf_arm_call *call, const char *id, const json_t *body,
		     const struct lf_resource *before, json_t *doc, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	bool patch = json_object_size(doc) > 0;
	LF_AUTO_JSON *groups = NULL;

	int rc = before ? check_idle(context, before, err) : 0;
	if (!rc)
		rc = lf_sr_fields_check(patch ? &update_fields : &create_fields, lf_arm_body(call),
					err);
	if (!rc && !patch)
		rc = read_new(call, id, body, doc, err);
	if (!rc)
		rc = check_stays(before, doc, err);
	if (rc || !lf_json_at(body, "properties.groups"))
		return rc;
	rc = lf_sr_plan_groups(context, lf_json_text_or(doc, "primaryFabricId", ""),
			       lf_json_at(body, "properties.groups"), &groups, err);
	return !rc && lf_json_set(doc, "groups", lf_steal(&groups)) ? lf_fail_nomem(err) : rc;
}

static int remove_plan(struct lf_context *context, const struct lf_resource *plan,
		       struct lf_error *err)
{
	return check_idle(context, plan, err);
}

/* View. */

/* Which of the plan's items allow an action now, and how many items there are. */
struct tally {
	size_t n, allowed[LF_SR_ACTIONS];
};

static int count_allowed(struct lf_context *context, const json_t *items, struct tally *tally,
			 struct lf_error *err)
{
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)items, i, row) {
		LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
		int rc = lf_catalog_get(context->catalog, lf_json_text_or(row, "item", ""), &item,
					err);
		if (rc)
			return rc;
		tally->n++;
		for (unsigned a = 0; a < LF_SR_ACTIONS && !lf_sr_item_busy(&item); a++)
			tally->allowed[a] +=
				lf_sr_allows(lf_sr_phase_of(item.state), (enum lf_sr_action)a);
	}
	return 0;
}

static int put_allowed(struct lf_context *context, const json_t *groups, struct lf_doc *view,
		       struct lf_error *err)
{
	static const char *const names[] = {"PlannedFailover", "UnplannedFailover",
					    "TestFailover",    "TestFailoverCleanup",
					    "Commit",	       "CancelFailover"};
	LF_AUTO_JSON *items = NULL;
	struct tally tally = {0};

	int rc = lf_sr_plan_items(context, groups, &items, err);
	if (!rc)
		rc = count_allowed(context, items, &tally, err);
	if (rc)
		return rc;
	lf_doc_put(view, "allowedOperations", json_array());
	for (size_t i = 0; i < LF_N(names); i++) {
		const struct lf_sr_plan_start *start = lf_sr_plan_start(names[i]);
		size_t allowed = tally.allowed[start->item->action];
		if (allowed && (!start->every || allowed == tally.n))
			lf_doc_append(view, "allowedOperations", json_string(names[i]));
	}
	return 0;
}

/* The last job: the plan's present scenario, and how it goes. */
static int put_scenario(struct lf_context *context, const struct lf_resource *plan,
			struct lf_doc *view, struct lf_error *err)
{
	const char *id = lf_json_text(plan->state, "job");
	LF_AUTO_FREE char *vault_id = lf_id_above(plan->id, LF_SR_TYPE_VAULT);
	LF_AUTO_JSON *shown = NULL;
	LF_AUTO_JOB job = LF_JOB_INIT;

	int rc = id ? lf_jobs_get(context->jobs, id, &job, err) : LF_ENOTFOUND;
	if (!rc)
		rc = lf_sr_job_view(context, &job, &shown, err);
	if (rc == LF_ENOTFOUND) { /* none yet, or it is too old to be kept */
		lf_doc_null(view, "currentScenario");
		return 0;
	}
	lf_doc_text(view, "currentScenario.scenarioName",
		    lf_json_text_or(plan->state, "scenario", ""));
	lf_doc_printf(view, "currentScenario.jobId", "%s/replicationJobs/%s",
		      vault_id ? vault_id : "", id ? id : "");
	lf_doc_text(view, "currentScenario.startTime", lf_json_text(plan->state, "startTime"));
	lf_doc_share(view, "currentScenarioStatus", lf_json_at(shown, "properties.state"));
	lf_doc_share(view, "currentScenarioStatusDescription",
		     lf_json_at(shown, "properties.stateDescription"));
	return rc;
}

/* The groups with the items that there still are. */
static int put_groups(struct lf_context *context, const json_t *groups, struct lf_doc *view,
		      struct lf_error *err)
{
	LF_AUTO_JSON *copy = json_deep_copy(groups);
	LF_AUTO_JSON *items = NULL;
	json_t *group;
	size_t g;

	int rc = copy ? lf_sr_plan_items(context, groups, &items, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	json_array_foreach (copy, g, group) {
		json_t *rows = lf_json_at(group, "replicationProtectedItems");
		for (size_t i = json_array_size(rows); i-- > 0;)
			if (!lf_json_find_nocase(
				    items, "item",
				    lf_json_text_or(json_array_get(rows, i), "id", "")))
				json_array_remove(rows, i);
	}
	lf_doc_put(view, "groups", lf_steal(&copy));
	return 0;
}

static int show_plan(struct lf_arm_call *call, const struct lf_resource *plan,
		     json_t **ret_properties, struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"replicationProviders", .fallback = "[\"" LF_SR_INSTANCE "\"]"},
		{"primaryFabricId", LF_VIEW_ANY, 0, "primaryFabricId"},
		{"recoveryFabricId", LF_VIEW_ANY, 0, "recoveryFabricId"},
		{"failoverDeploymentModel", LF_VIEW_ANY, 0, "failoverDeploymentModel"},
		{"lastPlannedFailoverTime", LF_VIEW_ANY, 1, "lastPlannedFailoverTime"},
		{"lastUnplannedFailoverTime", LF_VIEW_ANY, 1, "lastUnplannedFailoverTime"},
		{"lastTestFailoverTime", LF_VIEW_ANY, 1, "lastTestFailoverTime"},
		{"providerSpecificDetails", .fallback = "[]"},
	};
	const json_t *const sources[] = {plan->doc, plan->state};
	const json_t *groups = lf_json_at(plan->doc, "groups");
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_doc_text(&view, "friendlyName", lf_arm_id_last(plan->id));
	lf_view_put(&view, rows, LF_N(rows), sources);
	lf_doc_text(&view, "primaryFabricFriendlyName",
		    lf_arm_id_last(lf_json_text_or(plan->doc, "primaryFabricId", "")));
	lf_doc_text(&view, "recoveryFabricFriendlyName",
		    lf_arm_id_last(lf_json_text_or(plan->doc, "recoveryFabricId", "")));
	int rc = put_allowed(context, groups, &view, err);
	if (!rc)
		rc = put_scenario(context, plan, &view, err);
	if (!rc)
		rc = put_groups(context, groups, &view, err);
	return rc ? rc : lf_doc_end(&view, ret_properties, err);
}

const struct lf_document lf_sr_plan_document = {
	.type = LF_SR_TYPE_PLAN,
	.scope = LF_SR_TYPE_VAULT,
	.read = read_plan,
	.show = show_plan,
	.removing = remove_plan,
	.created_is_200 = true,
	.deleted_status = 202,
};
