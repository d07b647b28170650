/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be asked of a recovery plan: the request is checked, for the plan and
 * for each of its items; then the plan's job is submitted and the plan names it,
 * in one transaction.  The job submits those of the items (run.c).
 */
#include <string.h>

#include "json/field.h"
#include "providers/siterecovery/plan/handlers.h"
#include "providers/siterecovery/plan/plan.h"

#define DETAILS "properties.providerSpecificDetails"

/* Everything that is asked, whichever failover it is. */
struct asked {
	const json_t *properties, *details;
	const char *network;
	int direction, source, network_type, type;
	bool together;
	const char *comments;
};
enum { LATEST, LATEST_APP, LATEST_CRASH, LATEST_PROCESSED };
static const char *const point_types[] = {[LATEST] = "Latest",
					  [LATEST_APP] = "LatestApplicationConsistent",
					  [LATEST_CRASH] = "LatestCrashConsistent",
					  [LATEST_PROCESSED] = "LatestProcessed",
					  NULL};
enum { NOT_REQUIRED, REQUIRED };
static const char *const operations[] = {
	[NOT_REQUIRED] = "NotRequired", [REQUIRED] = "Required", NULL};
enum { NO_NETWORK, VM_NETWORK };
static const char *const network_types[] = {
	[NO_NETWORK] = "NoNetworkAttachAsInput", [VM_NETWORK] = "VmNetworkAsInput", NULL};

#define FAILOVER_ROWS                                                                              \
	LF_JSON_AT(struct asked, properties, "properties", LF_REQUIRED, LF_OBJECT),                \
		LF_ENUM_AT(struct asked, direction, "properties.failoverDirection", LF_REQUIRED,   \
			   lf_sr_directions),                                                      \
		LF_JSON_AT(struct asked, details, DETAILS, 0, LF_ARRAY)
static const struct lf_field test_rows[] = {
	FAILOVER_ROWS,
	LF_ENUM_AT(struct asked, network_type, "properties.networkType", LF_REQUIRED,
		   network_types),
	LF_TEXT_AT(struct asked, network, "properties.networkId", 0),
};
static const struct lf_field unplanned_rows[] = {
	FAILOVER_ROWS,
	LF_ENUM_AT(struct asked, source, "properties.sourceSiteOperations", LF_REQUIRED,
		   operations),
};
static const struct lf_field planned_rows[] = {FAILOVER_ROWS};
static const struct lf_field details_rows[] = {
	LF_ENUM_AT(struct asked, type, "recoveryPointType", LF_REQUIRED, point_types),
	LF_BOOL_AT(struct asked, together, "useMultiVmSyncPoint", 0),
};
/* What the body of each may hold, details included: they are read above. */
#define DIRECTION_ROW                                                                              \
	{                                                                                          \
		"properties.failoverDirection", LF_TEXT, 0, 0, 0, NULL, ""                         \
	}
#define DETAILS_ROWS                                                                               \
	{DETAILS, LF_ARRAY, 0, 0, 1, NULL, ""},                                                    \
		{DETAILS ".*.instanceType", LF_TEXT, 0, 0, 64, NULL, ""},                          \
		{DETAILS ".*.recoveryPointType", LF_TEXT, 0, 0, 64, NULL, ""},                     \
	{                                                                                          \
		DETAILS ".*.useMultiVmSyncPoint", LF_BOOL, 0, 0, 0, NULL, ""                       \
	}
static const struct lf_field test_body[] = {
	DIRECTION_ROW,
	{"properties.networkType", LF_TEXT, 0, 0, 0, NULL, ""},
	{"properties.networkId", LF_TEXT, 0, 0, 0, NULL, ""},
	DETAILS_ROWS,
};
static const struct lf_field unplanned_body[] = {
	DIRECTION_ROW,
	{"properties.sourceSiteOperations", LF_TEXT, 0, 0, 0, NULL, ""},
	DETAILS_ROWS,
};
static const struct lf_field planned_body[] = {DIRECTION_ROW, DETAILS_ROWS};
static const struct lf_field cleanup_body[] = {
	{"properties.comments", LF_TEXT, 0, 0, 4096, NULL, ""},
};

/* One failover's rows: of what its body may hold, and of what is read of it. */
struct form {
	struct lf_sr_fields body;
	const struct lf_field *rows;
	size_t n;
};
static const struct form test_form = {{test_body, LF_N(test_body)}, test_rows, LF_N(test_rows)};
static const struct form unplanned_form = {
	{unplanned_body, LF_N(unplanned_body)}, unplanned_rows, LF_N(unplanned_rows)};
static const struct form planned_form = {
	{planned_body, LF_N(planned_body)}, planned_rows, LF_N(planned_rows)};
static const struct lf_sr_fields cleanup_fields = {cleanup_body, LF_N(cleanup_body)};

/* The one element that details may have. */
static int read_details(struct asked *asked, struct lf_error *err)
{
	const json_t *details = json_array_get(asked->details, 0);
	int rc = details ? lf_sr_check_instance(lf_json_text(details, "instanceType"), NULL,
						DETAILS ".instanceType", err)
			 : 0;

	if (!rc && details)
		rc = lf_fields_read(details_rows, LF_N(details_rows), details, DETAILS, asked, err);
	if (!rc && asked->together && asked->type == LATEST)
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter", DETAILS ".useMultiVmSyncPoint",
				 "give LatestProcessed, or another type with it",
				 "what agents still have to send is not of one instant");
	return rc;
}

static int read_body(struct lf_arm_call *call, const struct form *form, struct asked *asked,
		     struct lf_error *err)
{
	int rc = lf_sr_fields_check(&form->body, lf_arm_body(call), err);

	if (!rc)
		rc = lf_fields_read(form->rows, form->n, lf_arm_body(call), "", asked, err);
	return rc ? rc : read_details(asked, err);
}

static void put_point(struct lf_doc *doc, const struct asked *asked)
{
	lf_doc_text(doc, "pointType", point_types[asked->type]);
	lf_doc_bool(doc, "together", asked->together);
}

static int input_unplanned(struct lf_arm_call *call, struct lf_doc *doc, struct lf_error *err)
{
	struct asked asked = {.network = ""};
	int rc = read_body(call, &unplanned_form, &asked, err);
	bool required = asked.source == REQUIRED;

	put_point(doc, &asked);
	lf_doc_bool(doc, "input.stop", required);
	lf_doc_bool(doc, "input.shutDown", required);
	return rc;
}

static int input_planned(struct lf_arm_call *call, struct lf_doc *doc, struct lf_error *err)
{
	struct asked asked = {.network = ""};
	int rc = read_body(call, &planned_form, &asked, err);

	if (!rc && asked.type != LATEST)
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter", DETAILS ".recoveryPointType",
				 "give Latest, or use an unplanned failover",
				 "a planned failover loses nothing: it takes the latest state");
	put_point(doc, &asked);
	lf_doc_bool(doc, "input.stop", true);
	lf_doc_bool(doc, "input.shutDown", true);
	lf_doc_bool(doc, "input.planned", true);
	return rc;
}

static int check_network(struct lf_arm_call *call, const struct asked *asked, struct lf_error *err)
{
	static const char target[] = "properties.networkId";

	if (asked->network_type == NO_NETWORK)
		return *asked->network
			       ? lf_fail_arm(err, LF_EINVAL, "InvalidParameter",
					     "properties.networkType",
					     "give VmNetworkAsInput, or no network",
					     "a network is named, and none is to be attached")
			       : 0;
	return lf_sr_check_exists(lf_arm_context(call)->catalog, asked->network, LF_SR_TYPE_NETWORK,
				  "NetworkNotFound", target, err);
}

static int input_test(struct lf_arm_call *call, struct lf_doc *doc, struct lf_error *err)
{
	struct asked asked = {.network = ""};
	int rc = read_body(call, &test_form, &asked, err);

	if (!rc)
		rc = check_network(call, &asked, err);
	put_point(doc, &asked);
	lf_doc_text(doc, "networkName", lf_arm_id_last(asked.network));
	lf_doc_text(doc, "input.networkId", asked.network);
	lf_doc_text(doc, "input.networkName", lf_arm_id_last(asked.network));
	return rc;
}

static int input_cleanup(struct lf_arm_call *call, struct lf_doc *doc, struct lf_error *err)
{
	const char *comments = lf_json_text_or(lf_arm_body(call), "properties.comments", "");
	int rc = lf_sr_fields_check(&cleanup_fields, lf_arm_body(call), err);

	lf_doc_text(doc, "comments", comments);
	lf_doc_text(doc, "input.comments", comments);
	return rc;
}

/* Check the request and put what the job has to know into doc, by the action. */
static int read_input(struct lf_arm_call *call, enum lf_sr_action action, struct lf_doc *doc,
		      struct lf_error *err)
{
	switch (action) {
	case LF_SR_TEST_FAILOVER:
		return input_test(call, doc, err);
	case LF_SR_UNPLANNED_FAILOVER:
		return input_unplanned(call, doc, err);
	case LF_SR_PLANNED_FAILOVER:
		return input_planned(call, doc, err);
	case LF_SR_TEST_CLEANUP:
		return input_cleanup(call, doc, err);
	default:
		return 0;
	}
}

/* Would the item's job begin now? */
static int check_item(struct lf_context *context, const struct lf_sr_plan_start *start,
		      const json_t *doc, const char *id, bool *ret_can, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	char point[LF_GUID_SIZE];
	int rc = lf_catalog_get(context->catalog, id, &item, err);

	if (rc)
		return rc;
	if (lf_sr_item_busy(&item))
		return lf_fail_arm(err, LF_ECONFLICT, "AnotherOperationInProgress", item.id,
				   "wait until it has ended, or cancel it",
				   "the job %s is working on the item",
				   lf_json_text_or(item.state, "current.job", ""));
	*ret_can = lf_sr_allows(lf_sr_phase_of(item.state), start->item->action);
	if (!start->every)
		return 0;
	rc = lf_sr_check_allowed(item.state, start->item->action, item.id, err);
	if (!rc)
		rc = lf_sr_plan_point(context, &item, doc, point, err);
	if (!rc && start->item->action != LF_SR_TEST_FAILOVER)
		rc = lf_sr_check_target_network(context->catalog, &item, err);
	return rc;
}

static int check_items(struct lf_context *context, const struct lf_sr_plan_start *start,
		       const struct lf_resource *plan, const json_t *doc, struct lf_error *err)
{
	LF_AUTO_JSON *items = NULL;
	bool any = false;
	json_t *row;
	size_t i;

	int rc = lf_sr_plan_items(context, lf_json_at(doc, "groups"), &items, err);
	json_array_foreach (items, i, row) {
		bool can = false;
		rc = rc ? rc
			: check_item(context, start, doc, lf_json_text_or(row, "item", ""), &can,
				     err);
		any = any || can;
	}
	return rc || any ? rc
			 : lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowedInCurrentState",
				       plan->id, "see the plan's allowedOperations",
				       "%s is possible for none of the plan's items now",
				       lf_sr_action_name(start->item->action));
}

static void put_job(struct lf_doc *doc, const struct lf_resource *plan,
		    const struct lf_sr_plan_start *start)
{
	const char *name = lf_arm_id_last(plan->id);

	lf_doc_text(doc, "planId", plan->id);
	lf_doc_text(doc, "action", lf_sr_action_name(start->item->action));
	lf_doc_text(doc, "scenario", start->item->scenario);
	lf_doc_text(doc, "friendlyName", start->item->friendly);
	lf_doc_text(doc, "targetObjectId", name);
	lf_doc_text(doc, "targetObjectName", name);
	lf_doc_text(doc, "targetInstanceType", "RecoveryPlan");
	lf_doc_put(doc, "groups", json_deep_copy(lf_json_at(plan->doc, "groups")));
}

static int submit(struct lf_arm_call *call, const struct lf_sr_plan_start *start, const char *id,
		  char job[static LF_GUID_SIZE], struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FREE char *vault_id = lf_id_above(id, LF_SR_TYPE_VAULT);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE plan = LF_RESOURCE_INIT;
	LF_AUTO_DOC input = LF_DOC_INIT;
	LF_AUTO_JSON *doc = NULL;

	int rc = lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, id, &plan, err);
	if (rc)
		return rc;
	put_job(&input, &plan, start);
	rc = read_input(call, start->item->action, &input, err);
	if (!rc)
		rc = lf_doc_end(&input, &doc, err);
	if (!rc)
		rc = check_items(context, start, &plan, doc, err);
	const struct lf_job_type *type =
		start->every ? &lf_sr_plan_failover_job : &lf_sr_plan_items_job;
	const struct lf_job_request request = {
		.type = type->name, .scope = vault_id, .resource = plan.id, .doc = doc};
	if (!rc)
		rc = vault_id ? lf_jobs_submit(context->jobs, &request, job, err)
			      : lf_fail_nomem(err);
	if (!rc)
		rc = lf_sr_plan_mark(context, &plan, start->item->scenario, job, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_sr_plan_act(struct lf_arm_call *call, struct lf_error *err)
{
	const char *const *action = lf_arm_subject(call);
	LF_AUTO_SCOPE scope = {0};
	char job[LF_GUID_SIZE];

	int rc = lf_scope_open(call, LF_SR_TYPE_PLAN, &scope, err);
	if (rc)
		return rc;
	const char *id = lf_scope_last(&scope)->id;
	rc = submit(call, lf_sr_plan_start(*action), id, job, err);
	return rc ? rc : lf_sr_reply_job(call, id, job, false, err);
}
