/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery plans: what they may say, the order in which they start machines, and what leaves them
 * whole when something stops them. */
#include "siterecovery_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/jobrows.h"
#include "os/file.h"
#include "providers/compute/machine.h"
#include "test.h"
#include "vault/point/claim.h"

#define PLAN VAULT "/replicationRecoveryPlans/rp"

/* The database starts first, then, after after, the web server. */
static json_t *plan_body(json_t *after)
{
	json_t *body =
		json_pack("{s:{s:s,s:s,s:s,s:[{s:s,s:[{s:s}],s:o},{s:s,s:[{s:s}]}]}}", "properties",
			  "primaryFabricId", FABRIC, "recoveryFabricId", "Microsoft Azure",
			  "failoverDeploymentModel", "ResourceManager", "groups", "groupType",
			  "Boot", "replicationProtectedItems", "id", ITEM2, "endGroupActions",
			  after ? json_pack("[o]", after) : json_array(), "groupType", "Boot",
			  "replicationProtectedItems", "id", ITEM);

	assert_non_null(body);
	return body;
}

static json_t *action(const char *instance, const char *path)
{
	return json_pack("{s:s,s:[s,s],s:[s],s:{s:s,s:s,s:s*,s:s}}", "actionName", "look",
			 "failoverTypes", "TestFailover", "UnplannedFailover", "failoverDirections",
			 "PrimaryToRecovery", "customDetails", "instanceType", instance,
			 "description", "is the database well?", "path", path, "fabricLocation",
			 "Recovery");
}

static json_t *script_details(const char *path)
{
	LF_AUTO_JSON *whole = action("ScriptActionDetails", path);

	return json_incref(lf_json_at(whole, "customDetails"));
}

static json_t *manual(void)
{
	return action("ManualActionDetails", NULL);
}

static void put_plan_of_body(struct world *w, json_t *body)
{
	protect(w);
	protect_second(w);
	AUTO_REPLY reply = request(w, "PUT", PLAN, body);
	if (reply.status != 200)
		fail_msg("%d %s", reply.status, reply.error.message);
}

static void put_plan(struct world *w, json_t *after)
{
	put_plan_of_body(w, plan_body(after));
}

/* A plan that asks a person before anything is shut down or made. */
static void put_plan_that_asks_first(struct world *w)
{
	json_t *body = plan_body(NULL);

	json_array_insert_new(
		lf_json_at(body, "properties.groups"), 0,
		json_pack("{s:s,s:[o]}", "groupType", "Shutdown", "startGroupActions", manual()));
	put_plan_of_body(w, body);
}

static json_t *plan_test_body(void)
{
	return json_pack("{s:{s:s,s:s,s:s,s:[{s:s,s:s}]}}", "properties", "failoverDirection",
			 "PrimaryToRecovery", "networkType", "VmNetworkAsInput", "networkId", TEST,
			 "providerSpecificDetails", "instanceType", "InMageRcm",
			 "recoveryPointType", "LatestProcessed");
}

static json_t *plan_unplanned_body(void)
{
	return json_pack("{s:{s:s,s:s,s:[{s:s,s:s,s:s}]}}", "properties", "failoverDirection",
			 "PrimaryToRecovery", "sourceSiteOperations", "NotRequired",
			 "providerSpecificDetails", "instanceType", "InMageRcm",
			 "recoveryPointType", "LatestProcessed", "useMultiVmSyncPoint", "false");
}

/* Ask and let it run; the job's id into id. */
static void ask(struct world *w, const char *what, json_t *body, char id[static LF_GUID_SIZE])
{
	LF_AUTO_FREE char *path = lf_printf_dup(PLAN "/%s", what);
	AUTO_REPLY reply = request(w, "POST", path, body);

	if (reply.status != 202)
		fail_msg("%s: %d %s", what, reply.status, reply.error.message);
	assert_true(strstr(reply.result_path, PLAN "/operationresults/") != NULL);
	memcpy(id, reply.job, LF_GUID_SIZE);
	drive(w);
}

static json_t *job_of(struct world *w, const char *id)
{
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s", id);

	return get(w, path);
}

static void job_act(struct world *w, const char *id, const char *what, json_t *body)
{
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s/%s", id, what);
	AUTO_REPLY reply = request(w, "POST", path, body);

	if (reply.status != 200)
		fail_msg("%s: %d %s", what, reply.status, reply.error.message);
	drive(w);
}

static void assert_job(struct world *w, const char *id, const char *state)
{
	LF_AUTO_JSON *job = job_of(w, id);

	if (strcmp(lf_json_text(job, "properties.state"), state) != 0)
		fail_msg("%s", json_dumps(lf_json_at(job, "properties"), JSON_INDENT(1)));
}

static bool runs(struct world *w, const char *name)
{
	LF_AUTO_FREE char *id = lf_printf_dup(VMS "/%s", name);
	LF_AUTO_VM_STATE state = {0};
	struct lf_error err;

	return lf_machine_state(&w->context, id, &state, &err) == 0 && state.power == LF_VM_RUNNING;
}

static bool is_there(struct world *w, const char *name)
{
	LF_AUTO_FREE char *id = lf_printf_dup(VMS "/%s", name);
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	struct lf_error err;
	bool there = false;

	assert_lf_ok(lf_catalog_find(w->context.catalog, id, &vm, &there, &err));
	return there;
}

static void assert_both(struct world *w, const char *state)
{
	LF_AUTO_JSON *one = get(w, ITEM);
	LF_AUTO_JSON *two = get(w, ITEM2);

	assert_string_equal(state_of(one), state);
	assert_string_equal(state_of(two), state);
}

static void test_plan__shows_what_was_accepted_with_the_groups_that_all_have(void **state)
{
	struct world *w = *state;

	put_plan(w, manual());
	LF_AUTO_JSON *plan = get(w, PLAN);
	const json_t *groups = lf_json_at(plan, "properties.groups");
	assert_int_equal(json_array_size(groups), 4);
	assert_string_equal(lf_json_text(groups, "0.groupType"), "Shutdown");
	assert_string_equal(lf_json_text(groups, "1.groupType"), "Failover");
	assert_string_equal(lf_json_text(groups, "2.replicationProtectedItems.0.id"), ITEM2);
	assert_string_equal(lf_json_text(groups, "2.endGroupActions.0.customDetails.description"),
			    "is the database well?");
	assert_true(allows(plan, "TestFailover") && allows(plan, "UnplannedFailover") &&
		    !allows(plan, "Commit") && !allows(plan, "TestFailoverCleanup"));
	AUTO_REPLY patched = request(w, "PATCH", PLAN,
				     json_pack("{s:{s:[{s:s},{s:s,s:[{s:s}]}]}}", "properties",
					       "groups", "groupType", "shutdown", "groupType",
					       "Boot", "replicationProtectedItems", "id", ITEM));
	assert_int_equal(patched.status, 200);
	assert_int_equal(json_array_size(lf_json_at(patched.body, "properties.groups")), 3);
}

/* Of a path that leads through arrays; value is taken. */
static void set(json_t *body, const char *path, json_t *value)
{
	LF_AUTO_FREE char *above = strndup(path, (size_t)(strrchr(path, '.') - path));

	assert_int_equal(
		json_object_set_new(lf_json_at(body, above), strrchr(path, '.') + 1, value), 0);
}

static void refused(struct world *w, const char *path, json_t *value, int status, const char *code)
{
	json_t *body = plan_body(manual());

	set(body, path, value);
	assert_refused(w, "PUT", PLAN, body, status, code);
}

#define GROUPS	"properties.groups."
#define DETAILS GROUPS "0.endGroupActions.0.customDetails"
#define ELSEWHERE                                                                                  \
	RG "/providers/Microsoft.RecoveryServices/vaults/v2/replicationFabrics/f"                  \
	   "/replicationProtectionContainers/c/replicationProtectedItems/i"
static void test_plan__what_it_cannot_keep_to_is_refused(void **state)
{
	struct world *w = *state;

	protect(w);
	protect_second(w);
	refused(w, "properties.primaryFabricId", json_string(VAULT "/replicationFabrics/none"), 400,
		"FabricNotFound");
	refused(w, "properties.recoveryFabricId", json_string("elsewhere"), 400,
		"InvalidParameter");
	refused(w, "properties.failoverDeploymentModel", json_string("Classic"), 400,
		"InvalidParameter");
	refused(w, "properties.providerSpecificInput", json_pack("[{s:s}]", "instanceType", "A2A"),
		400, "InstanceTypeNotSupported");
	refused(w, "properties.groups", json_array(), 400, "InvalidParameter");
	refused(w, GROUPS "0.groupType", json_string("Failover"), 400, "InvalidParameter");
	refused(w, GROUPS "1.groupType", json_string("Shutdown"), 400, "InvalidParameter");
	refused(w, GROUPS "0.groupType", json_string("Later"), 400, "InvalidParameter");
	refused(w, GROUPS "0.replicationProtectedItems.0.id", json_string(ITEM), 400,
		"InvalidParameter");
	refused(w, GROUPS "0.replicationProtectedItems.0.id", json_string(ITEM "none"), 400,
		"ReplicationProtectedItemNotFound");
	put_doc(w, ELSEWHERE, LF_SR_TYPE_ITEM, json_object());
	refused(w, GROUPS "0.replicationProtectedItems.0.id", json_string(ELSEWHERE), 400,
		"ReplicationProtectedItemNotFound");
	refused(w, GROUPS "0.replicationProtectedItems.0.virtualMachineId", json_string("other"),
		400, "InvalidParameter");
	refused(w, GROUPS "0.pace", json_string("slow"), 400, "InvalidParameter");
	refused(w, GROUPS "0.endGroupActions.0.failoverTypes", json_pack("[s]", "Commit"), 400,
		"InvalidParameter");
	refused(w, GROUPS "0.endGroupActions.0.failoverTypes", json_array(), 400,
		"InvalidParameter");
	refused(w, GROUPS "0.endGroupActions.0.failoverDirections",
		json_pack("[s]", "RecoveryToPrimary"), 400, "InvalidParameter");
	refused(w, DETAILS ".instanceType", json_string("AutomationRunbookActionDetails"), 400,
		"AutomationRunbookNotSupported");
	refused(w, DETAILS,
		json_pack("{s:s,s:s,s:s}", "instanceType", "ScriptActionDetails", "path", "ls",
			  "fabricLocation", "Recovery"),
		400, "RecoveryPlanScriptsNotAllowed");
	AUTO_REPLY none = request(w, "GET", PLAN, NULL);
	assert_int_equal(none.status, 404);
}

static void refuse_long_comments(struct world *w, const char *id)
{
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s/resume", id);
	char long_text[4096 + 2];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_refused(w, "POST", path, json_pack("{s:{s:s}}", "properties", "comments", long_text),
		       400, "InvalidParameter");
	assert_job(w, id, "Suspended");
}

static void test_plan__starts_a_group_after_the_one_before_and_waits_for_a_person(void **state)
{
	struct world *w = *state;
	char id[LF_GUID_SIZE];

	put_plan(w, manual());
	ask(w, "testFailover", plan_test_body(), id);
	assert_job(w, id, "Suspended");
	assert_true(runs(w, "db01-new-test"));
	assert_true(is_there(w, "web01-new-test") && !runs(w, "web01-new-test"));
	LF_AUTO_JSON *waiting = get(w, PLAN);
	assert_string_equal(lf_json_text(waiting, "properties.currentScenarioStatus"), "Suspended");
	assert_refused(w, "PUT", PLAN, plan_body(NULL), 409, "AnotherOperationInProgress");
	assert_refused(w, "DELETE", PLAN, NULL, 409, "AnotherOperationInProgress");
	refuse_long_comments(w, id);
	job_act(w, id, "resume",
		json_pack("{s:{s:s}}", "properties", "comments", "it answers queries"));
	assert_job(w, id, "Succeeded");
	assert_true(runs(w, "web01-new-test"));

	LF_AUTO_JSON *job = job_of(w, id);
	assert_string_equal(lf_json_text(job, "properties.targetInstanceType"), "RecoveryPlan");
	const json_t *tasks = lf_json_at(job, "properties.tasks");
	assert_int_equal(json_array_size(tasks), 5); /* the check, and the plan's four groups */
	const json_t *group = lf_json_at(tasks, "3.groupTaskCustomDetails");
	assert_string_equal(lf_json_text(group, "instanceType"), "RecoveryPlanGroupTaskDetails");
	assert_string_equal(lf_json_text(group, "childTasks.0.friendlyName"), "Start: db01");
	assert_string_equal(lf_json_text(group, "childTasks.1.customDetails.observation"),
			    "it answers queries");
	assert_int_equal(
		json_array_size(lf_json_at(job, "properties.customDetails.protectedItemDetails")),
		2);

	LF_AUTO_JSON *tested = get(w, PLAN);
	assert_true(allows(tested, "TestFailoverCleanup") && !allows(tested, "TestFailover"));
	assert_non_null(lf_json_text(tested, "properties.lastTestFailoverTime"));
	ask(w, "testFailoverCleanup", NULL, id);
	assert_job(w, id, "Succeeded");
	assert_true(!is_there(w, "db01-new-test") && !is_there(w, "web01-new-test"));
	assert_both(w, "Protected");
}

/* Of the child task at at of a group's task; borrowed. */
static json_t *child_task(const json_t *job, unsigned stage, unsigned at)
{
	LF_AUTO_FREE char *path = lf_printf_dup(
		"properties.tasks.%u.groupTaskCustomDetails.childTasks.%u", stage, at);

	return lf_json_at(job, path);
}

static void assert_task(const json_t *job, unsigned stage, unsigned at, const char *state)
{
	assert_string_equal(lf_json_text_or(child_task(job, stage, at), "state", ""), state);
}

/* The code, the level and the first words of an error of the job. */
static void assert_told(const json_t *job, size_t at, const char *code, const char *level,
			const char *words)
{
	const json_t *error = json_array_get(lf_json_at(job, "properties.errors"), at);
	const char *message = lf_json_text_or(error, "serviceErrorDetails.message", "");

	assert_string_equal(lf_json_text_or(error, "serviceErrorDetails.code", ""), code);
	assert_string_equal(lf_json_text_or(error, "errorLevel", ""), level);
	if (strncmp(message, words, strlen(words)) != 0)
		fail_msg("%s", message);
}

static void test_plan__tells_what_its_items_did_not_do(void **state)
{
	struct world *w = *state;
	json_t *body = plan_unplanned_body();
	char id[LF_GUID_SIZE];

	put_plan(w, NULL);
	assert_int_equal(lf_json_set_text(body, "properties.sourceSiteOperations", "Required"), 0);
	ask(w, "unplannedFailover", body, id);
	assert_job(w, id, "Succeeded");
	LF_AUTO_JSON *job = job_of(w, id);
	assert_string_equal(lf_json_text(job, "properties.stateDescription"),
			    "CompletedWithInformation");
	assert_told(job, 0, "SourceNotShutDown", "Information", "The item ");
	assert_told(job, 1, "SourceNotShutDown", "Information", "The item ");
	assert_int_equal(json_array_size(lf_json_at(job, "properties.errors")), 2);
	assert_task(job, 1, 1, "Skipped");
}

static void take_name(struct world *w, const char *id)
{
	put_doc(w, id, "Microsoft.Compute/virtualMachines",
		json_pack("{s:s}", "location", "eastus"));
}

static void test_plan__ends_where_the_last_of_its_items_has_failed(void **state)
{
	struct world *w = *state;
	LF_AUTO_JOB_LIST list = {0};
	struct lf_error err;
	char id[LF_GUID_SIZE];

	put_plan(w, manual());
	take_name(w, VMS "/web01-new");
	take_name(w, VMS "/db01-new");
	ask(w, "unplannedFailover", plan_unplanned_body(), id);
	assert_job(w, id, "Failed");
	LF_AUTO_JSON *job = job_of(w, id);
	assert_string_equal(lf_json_text(job, "properties.tasks.2.state"), "Failed");
	assert_string_equal(lf_json_text(job, "properties.tasks.3.state"), "NotStarted");
	assert_task(job, 2, 0, "Failed");
	assert_told(job, 0, "RecoveryPlanItemFailed", "Error",
		    "The item web01 did not get through");
	assert_both(w, "Protected");
	assert_lf_ok(
		lf_jobs_list(w->context.jobs, VAULT, "siterecovery.failover", NULL, &list, &err));
	assert_int_equal(list.n, 2);
	LF_AUTO_JSON *child = job_of(w, list.items[0].id);
	assert_int_equal(json_array_size(lf_json_at(child, "properties.allowedActions")), 0);
}

static void test_plan__fails_over_and_commits_all_of_its_items(void **state)
{
	struct world *w = *state;
	char id[LF_GUID_SIZE];

	put_plan(w, NULL);
	assert_refused(w, "POST", PLAN "/failoverCommit", NULL, 409,
		       "OperationNotAllowedInCurrentState");
	assert_refused(w, "POST", PLAN "/reProtect", NULL, 400, "ReprotectNotSupported");
	ask(w, "unplannedFailover", plan_unplanned_body(), id);
	assert_job(w, id, "Succeeded");
	assert_true(runs(w, "db01-new") && runs(w, "web01-new"));
	assert_both(w, "UnplannedFailoverCommitPendingStatesBegin");
	LF_AUTO_JSON *job = job_of(w, id);
	assert_task(job, 1, 0, "Skipped");
	assert_string_equal(lf_json_text(child_task(job, 1, 0), "customDetails.skippedReason"),
			    "NotApplicable");
	assert_task(job, 2, 0, "Succeeded");
	assert_string_equal(lf_json_text(job, "properties.stateDescription"), "Completed");
	ask(w, "failoverCommit", NULL, id);
	assert_job(w, id, "Succeeded");
	assert_both(w, "PlannedFailoverStatesBegin");
}

static void test_plan__taken_back_brings_all_items_back(void **state)
{
	struct world *w = *state;
	char id[LF_GUID_SIZE];

	put_plan(w, NULL);
	ask(w, "unplannedFailover", plan_unplanned_body(), id);
	ask(w, "failoverCancel", NULL, id);
	assert_job(w, id, "Succeeded");
	assert_both(w, "Protected");
	assert_true(!is_there(w, "db01-new") && !is_there(w, "web01-new"));
}

static void test_plan__cancelled_leaves_what_has_started_and_takes_back_the_rest(void **state)
{
	struct world *w = *state;
	char id[LF_GUID_SIZE];

	put_plan(w, manual());
	ask(w, "unplannedFailover", plan_unplanned_body(), id);
	assert_job(w, id, "Suspended");
	job_act(w, id, "cancel", NULL);
	assert_job(w, id, "Cancelled");
	LF_AUTO_JSON *job = job_of(w, id);
	assert_task(job, 3, 0, "Succeeded");
	assert_task(job, 3, 1, "Cancelled");
	assert_task(job, 4, 0, "Cancelled");
	assert_true(runs(w, "db01-new") && !is_there(w, "web01-new"));
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_string_equal(state_of(item), "Protected");
}

/* Does a job of an item hold the newest point? */
static bool is_held(struct world *w)
{
	struct lf_vault *vault = NULL;
	LF_AUTO_JOB_LIST list = {0};
	struct lf_error err;
	int64_t until;
	char claim[64];
	bool held = false;

	assert_lf_ok(lf_regions_vault(w->context.regions, "eastus", &vault, &err));
	assert_lf_ok(
		lf_jobs_list(w->context.jobs, VAULT, "siterecovery.failover", NULL, &list, &err));
	for (size_t i = 0; i < list.n; i++) {
		snprintf(claim, sizeof(claim), "export:%s", list.items[i].id);
		held = held || lf_claim_until(vault, lf_json_text(played.points, "0.id"), claim,
					      &until, &err) == 0;
	}
	return held;
}

static void test_plan__holds_the_points_that_it_chose_while_it_waits(void **state)
{
	struct world *w = *state;
	struct lf_vault *vault = NULL;
	struct lf_error err;
	char id[LF_GUID_SIZE];

	put_plan_that_asks_first(w);
	ask(w, "unplannedFailover", plan_unplanned_body(), id);
	assert_job(w, id, "Suspended");
	assert_true(is_held(w));
	job_act(w, id, "cancel", NULL);
	assert_job(w, id, "Cancelled");
	assert_false(is_held(w));
	ask(w, "unplannedFailover", plan_unplanned_body(), id);
	assert_lf_ok(lf_regions_vault(w->context.regions, "eastus", &vault, &err));
	assert_lf_ok(lf_claim_drop(vault, lf_json_text(played.points, "0.id"), "retention", &err));
	job_act(w, id, "resume", NULL);
	assert_job(w, id, "Succeeded");
	assert_both(w, "UnplannedFailoverCommitPendingStatesBegin");
}

/* Something else has the name of the first group's machine. */
static void test_plan__that_failed_passes_over_what_is_done_when_it_is_restarted(void **state)
{
	struct world *w = *state;
	struct lf_error err;
	char id[LF_GUID_SIZE];

	put_plan(w, NULL);
	take_name(w, VMS "/web01-new");
	ask(w, "unplannedFailover", plan_unplanned_body(), id);
	assert_job(w, id, "Failed");
	assert_true(runs(w, "db01-new"));
	LF_AUTO_JSON *failed = job_of(w, id);
	assert_told(failed, 0, "RecoveryPlanItemFailed", "Error",
		    "The item web01 did not get through");
	assert_told(failed, 1, "RecoveryPlanItemFailed", "Information",
		    "The item web01 did not get ");
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_string_equal(state_of(item), "Protected");
	assert_lf_ok(lf_catalog_delete(w->context.catalog, VMS "/web01-new", &err));
	job_act(w, id, "restart", NULL);
	assert_job(w, id, "Succeeded");
	assert_both(w, "UnplannedFailoverCommitPendingStatesBegin");
}

static void refuse_restart(struct world *w, const char *id, const char *code)
{
	LF_AUTO_FREE char *path = lf_printf_dup(VAULT "/replicationJobs/%s/restart", id);

	assert_refused(w, "POST", path, NULL, 409, code);
}

static void test_plan__has_one_job_at_a_time_also_by_a_restart(void **state)
{
	struct world *w = *state;
	struct lf_error err;
	char failed[LF_GUID_SIZE], id[LF_GUID_SIZE];

	put_plan(w, manual());
	take_name(w, VMS "/web01-new");
	ask(w, "unplannedFailover", plan_unplanned_body(), failed);
	job_act(w, failed, "resume", NULL);
	assert_job(w, failed, "Failed");
	ask(w, "failoverCancel", NULL, id);
	assert_job(w, id, "Succeeded");
	ask(w, "testFailover", plan_test_body(), id);
	refuse_restart(w, failed, "AnotherOperationInProgress");
	job_act(w, id, "cancel", NULL);
	ask(w, "testFailoverCleanup", NULL, id);
	assert_lf_ok(lf_catalog_delete(w->context.catalog, VMS "/web01-new", &err));
	job_act(w, failed, "restart", NULL);
	assert_job(w, failed, "Suspended");
	assert_refused(w, "PUT", PLAN, plan_body(NULL), 409, "AnotherOperationInProgress");
	assert_refused(w, "DELETE", PLAN, NULL, 409, "AnotherOperationInProgress");
}

static void test_plan__that_is_gone_is_not_restarted(void **state)
{
	struct world *w = *state;
	struct lf_error err;
	char id[LF_GUID_SIZE];

	put_plan(w, NULL);
	take_name(w, VMS "/web01-new");
	ask(w, "unplannedFailover", plan_unplanned_body(), id);
	assert_job(w, id, "Failed");
	assert_lf_ok(lf_catalog_delete(w->context.catalog, ITEM, &err));
	assert_lf_ok(lf_catalog_delete(w->context.catalog, ITEM2, &err));
	job_act(w, id, "restart", NULL);
	LF_AUTO_JSON *job = job_of(w, id);
	assert_string_equal(lf_json_text(job, "properties.errors.0.serviceErrorDetails.code"),
			    "RecoveryPlanHasNoItems");
	assert_lf_ok(lf_catalog_delete(w->context.catalog, PLAN, &err));
	refuse_restart(w, id, "RecoveryPlanNotFound");
	assert_job(w, id, "Failed");
}

/* Its action is none that there is. */
static void damage(struct world *w, const char *id)
{
	LF_AUTO_JSON *body = NULL;
	struct lf_error err;

	assert_lf_ok(lf_jobrow_get(w->context.catalog, id, &body, &err));
	assert_int_equal(lf_json_set_text(body, "doc.action", "Wander"), 0);
	const struct lf_jobrow row = {.id = id,
				      .type = lf_json_text(body, "type"),
				      .scope = lf_json_text(body, "scope"),
				      .resource = lf_json_text(body, "resource"),
				      .created_ns = lf_json_int_or(body, "created", 0),
				      .body = body};
	assert_lf_ok(lf_jobrow_put(w->context.catalog, &row, &err));
}

static void test_plan__whose_job_is_damaged_fails_and_takes_back(void **state)
{
	struct world *w = *state;
	char id[LF_GUID_SIZE];

	put_plan(w, manual());
	ask(w, "unplannedFailover", plan_unplanned_body(), id);
	damage(w, id);
	assert_job(w, id, "Suspended");
	job_act(w, id, "resume", NULL);
	assert_job(w, id, "Failed");
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_string_equal(state_of(item), "Protected");
	job_act(w, id, "restart", NULL);
	assert_job(w, id, "Failed");
}

static void write_script(struct world *w, const char *text)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/check", w->dir);
	struct lf_error err;

	assert_lf_ok(lf_file_write_durable(path, text, strlen(text), 0755, &err));
}

static void test_plan__runs_only_the_scripts_that_the_operator_put_there(void **state)
{
	struct world *w = *state;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/check", w->dir);
	LF_AUTO_FREE char *other = lf_printf_dup("%s/other", w->dir);
	char id[LF_GUID_SIZE];

	w->context.plan_scripts = w->dir;
	write_script(w, "#!/bin/sh\necho \"$1 of $2\"\n");
	put_plan(w, action("ScriptActionDetails", "check"));
	refused(w, DETAILS, script_details("none"), 400, "RecoveryPlanScriptNotUsable");
	refused(w, DETAILS, script_details("../../bin/sh"), 400, "RecoveryPlanScriptNotUsable");
	assert_int_equal(symlink("/bin/sh", other), 0);
	refused(w, DETAILS, script_details("other"), 400, "RecoveryPlanScriptNotUsable");
	assert_int_equal(chmod(path, 0777), 0);
	refused(w, DETAILS, script_details("check"), 400, "RecoveryPlanScriptNotUsable");
	assert_int_equal(chmod(path, 0755), 0);
	ask(w, "testFailover", plan_test_body(), id);
	assert_job(w, id, "Succeeded");
	LF_AUTO_JSON *job = job_of(w, id);
	assert_string_equal(lf_json_text(job,
					 "properties.tasks.3.groupTaskCustomDetails.childTasks.1."
					 "customDetails.output"),
			    "TestFailover of rp\n");
	ask(w, "testFailoverCleanup", NULL, id);
	write_script(w, "#!/bin/sh\necho no database; exit 1\n");
	ask(w, "testFailover", plan_test_body(), id);
	assert_job(w, id, "Failed");
	assert_true(runs(w, "db01-new-test") && !is_there(w, "web01-new-test"));
}

/* Once the script has begun, cancel its plan's job, and let it end. */
static void *cancel_meanwhile(void *argument)
{
	struct world *w = argument;
	LF_AUTO_FREE char *began = lf_printf_dup("%s/began", w->dir);
	LF_AUTO_FREE char *go = lf_printf_dup("%s/go", w->dir);
	LF_AUTO_JOB_LIST list = {0};
	struct lf_error err;

	LF_AUTO_FD told = open(began, O_RDONLY | O_CLOEXEC);
	if (told < 0 ||
	    lf_jobs_list(w->context.jobs, VAULT, "siterecovery.planFailover", NULL, &list, &err) ||
	    list.n != 1 || lf_jobs_cancel(w->context.jobs, list.items[0].id, &err))
		return "not cancelled";
	LF_AUTO_FD end = open(go, O_WRONLY | O_CLOEXEC);
	return end < 0 ? "not let go" : NULL;
}

static void test_plan__cancelled_while_a_script_runs_asks_nobody_after_it(void **state)
{
	struct world *w = *state;
	LF_AUTO_FREE char *began = lf_printf_dup("%s/began", w->dir);
	LF_AUTO_FREE char *go = lf_printf_dup("%s/go", w->dir);
	LF_AUTO_FREE char *text = lf_printf_dup("#!/bin/sh\n: >%s; : <%s\n", began, go);
	json_t *body;
	pthread_t other;
	void *failed;
	char id[LF_GUID_SIZE];

	w->context.plan_scripts = w->dir;
	write_script(w, text);
	assert_true(!mkfifo(began, 0600) && !mkfifo(go, 0600));
	body = plan_body(action("ScriptActionDetails", "check"));
	json_t *person = manual();
	assert_int_equal(lf_json_set_text(person, "actionName", "ask"), 0);
	json_array_append_new(lf_json_at(body, "properties.groups.0.endGroupActions"), person);
	put_plan_of_body(w, body);
	assert_int_equal(pthread_create(&other, NULL, cancel_meanwhile, w), 0);
	ask(w, "testFailover", plan_test_body(), id);
	assert_int_equal(pthread_join(other, &failed), 0);
	assert_null(failed);
	assert_job(w, id, "Cancelled");
	assert_true(runs(w, "db01-new-test") && !is_there(w, "web01-new-test"));
}

static void test_plan__keeps_what_a_script_said_last(void **state)
{
	struct world *w = *state;
	char id[LF_GUID_SIZE];

	w->context.plan_scripts = w->dir;
	write_script(w, "#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' x\necho the end\n");
	put_plan(w, action("ScriptActionDetails", "check"));
	ask(w, "testFailover", plan_test_body(), id);
	LF_AUTO_JSON *job = job_of(w, id);
	const char *output = lf_json_text_or(child_task(job, 3, 1), "customDetails.output", "");
	assert_int_equal(strlen(output), 4096);
	assert_string_equal(output + 4096 - strlen("the end\n"), "the end\n");
}

/* It was fit to run when the plan was made. */
static void test_plan__a_script_that_may_no_longer_be_run_has_failed(void **state)
{
	struct world *w = *state;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/check", w->dir);
	char id[LF_GUID_SIZE];

	w->context.plan_scripts = w->dir;
	write_script(w, "#!/bin/sh\n");
	put_plan(w, action("ScriptActionDetails", "check"));
	assert_int_equal(unlink(path), 0);
	ask(w, "testFailover", plan_test_body(), id);
	assert_job(w, id, "Failed");
	LF_AUTO_JSON *job = job_of(w, id);
	assert_string_equal(
		lf_json_text(job, "properties.tasks.3.groupTaskCustomDetails.childTasks.1.state"),
		"Failed");
}

/* What another verb has, and this one has not. */
static void test_plan__is_not_asked_for_what_its_verb_has_not(void **state)
{
	static const struct {
		const char *verb, *member, *value;
	} strays[] = {
		{"testFailover", "comments", "go"},
		{"testFailover", "sourceSiteOperations", "Required"},
		{"unplannedFailover", "networkId", TEST},
		{"unplannedFailover", "networkType", "VmNetworkAsInput"},
		{"unplannedFailover", "comments", "go"},
		{"plannedFailover", "sourceSiteOperations", "NotRequired"},
		{"plannedFailover", "networkId", TEST},
		{"testFailoverCleanup", "failoverDirection", "PrimaryToRecovery"},
		{"testFailoverCleanup", "networkId", TEST},
	};
	struct world *w = *state;

	put_plan(w, NULL);
	for (size_t i = 0; i < LF_N(strays); i++) {
		LF_AUTO_FREE char *path = lf_printf_dup(PLAN "/%s", strays[i].verb);
		AUTO_REPLY reply = request(
			w, "POST", path,
			json_pack("{s:{s:s}}", "properties", strays[i].member, strays[i].value));
		assert_int_equal(reply.status, 400);
		assert_string_equal(reply.error.target + strlen("properties."), strays[i].member);
	}
	assert_refused(w, "POST", PLAN "/testFailoverCleanup",
		       json_pack("{s:{s:[{s:s}]}}", "properties", "providerSpecificDetails",
				 "instanceType", "InMageRcm"),
		       400, "InvalidParameter");
}

static void test_plan__what_is_asked_of_it_is_checked(void **state)
{
	struct world *w = *state;
	json_t *body;

	put_plan(w, NULL);
	body = plan_test_body();
	set(body, "properties.failoverDirection", json_string("RecoveryToPrimary"));
	assert_refused(w, "POST", PLAN "/testFailover", body, 400, "InvalidParameter");
	body = plan_test_body();
	set(body, "properties.networkId", json_string(TEST "none"));
	assert_refused(w, "POST", PLAN "/testFailover", body, 400, "NetworkNotFound");
	body = plan_test_body();
	set(body, "properties.providerSpecificDetails.0.instanceType", json_string("A2A"));
	assert_refused(w, "POST", PLAN "/testFailover", body, 400, "InstanceTypeNotSupported");
	body = plan_test_body();
	set(body, "properties.providerSpecificDetails.0.recoveryPointType",
	    json_string("LatestApplicationConsistent"));
	assert_refused(w, "POST", PLAN "/testFailover", body, 404, "RecoveryPointNotFound");
	body = plan_unplanned_body();
	set(body, "properties.pace", json_string("slow"));
	assert_refused(w, "POST", PLAN "/unplannedFailover", body, 400, "InvalidParameter");
	act(w, "testFailover", test_body(""));
	assert_refused(w, "POST", PLAN "/testFailover", plan_test_body(), 409,
		       "OperationNotAllowedInCurrentState");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_plan__shows_what_was_accepted_with_the_groups_that_all_have),
		T(test_plan__what_it_cannot_keep_to_is_refused),
		T(test_plan__starts_a_group_after_the_one_before_and_waits_for_a_person),
		T(test_plan__tells_what_its_items_did_not_do),
		T(test_plan__ends_where_the_last_of_its_items_has_failed),
		T(test_plan__fails_over_and_commits_all_of_its_items),
		T(test_plan__taken_back_brings_all_items_back),
		T(test_plan__cancelled_leaves_what_has_started_and_takes_back_the_rest),
		T(test_plan__holds_the_points_that_it_chose_while_it_waits),
		T(test_plan__that_failed_passes_over_what_is_done_when_it_is_restarted),
		T(test_plan__has_one_job_at_a_time_also_by_a_restart),
		T(test_plan__whose_job_is_damaged_fails_and_takes_back),
		T(test_plan__that_is_gone_is_not_restarted),
		T(test_plan__runs_only_the_scripts_that_the_operator_put_there),
		T(test_plan__cancelled_while_a_script_runs_asks_nobody_after_it),
		T(test_plan__keeps_what_a_script_said_last),
		T(test_plan__a_script_that_may_no_longer_be_run_has_failed),
		T(test_plan__is_not_asked_for_what_its_verb_has_not),
		T(test_plan__what_is_asked_of_it_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
