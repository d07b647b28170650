/* SPDX-License-Identifier: Apache-2.0 */
/* What Site Recovery's documents have in common, by the provider's own table. */
#include <errno.h>

#include "providers/offazure/internal.h"
#include "siterecovery_fixture.h"
#include "test.h"

#define MAPPING	 BOX "/replicationProtectionContainerMappings/m"
#define ALERT	 VAULT "/replicationAlertSettings/a"
#define SETTINGS VAULT "/replicationVaultSettings"

static void assert_status(struct world *w, const char *method, const char *path, json_t *body,
			  int status)
{
	AUTO_REPLY reply = request(w, method, path, body);

	if (reply.status != status)
		fail_msg("%s %s: %d %s", method, path, reply.status, reply.error.message);
}

static void test_scope__the_first_that_is_missing_from_the_top_is_named(void **state)
{
	static const char *const gone[][2] = {
		{RG "/providers/Microsoft.RecoveryServices/vaults/none/replicationFabrics/f/"
		    "replicationProtectionContainers/c",
		 RG "/providers/Microsoft.RecoveryServices/vaults/none"},
		{VAULT "/replicationFabrics/none/replicationProtectionContainers",
		 VAULT "/replicationFabrics/none"},
		{FABRIC "/replicationProtectionContainers/none/replicationProtectedItems/i",
		 FABRIC "/replicationProtectionContainers/none"},
		{BOX "/replicationProtectedItems/none", BOX "/replicationProtectedItems/none"},
	};

	for (size_t i = 0; i < LF_N(gone); i++) {
		AUTO_REPLY reply = request(*state, "GET", gone[i][0], NULL);
		assert_int_equal(reply.status, 404);
		assert_string_equal(reply.error.target, gone[i][1]);
	}
}

static void test_scope__a_child_is_written_below_its_parents_as_first_written(void **state)
{
	struct world *w = *state;

	assert_status(w, "PUT",
		      RG "/providers/Microsoft.RecoveryServices/vaults/V1/replicationFabrics/F/"
			 "replicationProtectionContainers/Second",
		      json_object(), 200);
	LF_AUTO_JSON *box = get(w, FABRIC "/replicationProtectionContainers/SECOND");
	assert_string_equal(lf_json_text(box, "id"),
			    FABRIC "/replicationProtectionContainers/Second");
}

static void test_document__deleting_what_is_not_there_is_done_if_its_parents_are(void **state)
{
	struct world *w = *state;

	assert_status(w, "DELETE", VAULT "/replicationFabrics/none", NULL, 204);
	assert_status(w, "POST", VAULT "/replicationFabrics/none/remove", NULL, 204);
	assert_status(w, "DELETE", MAPPING, NULL, 204);
	assert_status(w, "DELETE",
		      VAULT "/replicationFabrics/none/replicationRecoveryServicesProviders/p", NULL,
		      404);
	assert_status(w, "DELETE", FABRIC, NULL, 204);
	assert_status(w, "GET", FABRIC, NULL, 404);
	assert_status(w, "GET", BOX, NULL, 404);
}

static void test_document__a_new_fabric_has_its_container_and_its_provider(void **state)
{
	struct world *w = *state;
	LF_AUTO_JSON *fabric = get(w, FABRIC);
	LF_AUTO_JSON *list = get(w, VAULT "/replicationFabrics");
	LF_AUTO_JSON *boxes = get(w, FABRIC "/replicationProtectionContainers");
	LF_AUTO_JSON *dras = get(w, VAULT "/replicationRecoveryServicesProviders");

	/* a list hides the components */
	assert_int_equal(
		json_array_size(lf_json_at(fabric, "properties.customDetails.processServers")), 1);
	assert_int_equal(json_array_size(lf_json_at(list, "value.0.properties.customDetails.dras")),
			 0);
	assert_int_equal(json_array_size(lf_json_at(boxes, "value")), 2);
	assert_string_equal(lf_json_text(dras, "value.0.properties.connectionStatus"), "Connected");
	assert_null(lf_json_at(fabric, "etag"));
}

static void test_mapping__patch_changes_only_whether_agents_are_upgraded(void **state)
{
	struct world *w = *state;

	assert_status(w, "PATCH", MAPPING, json_object(), 404);
	assert_status(
		w, "PUT", MAPPING,
		json_pack("{s:{s:s}}", "properties", "policyId", VAULT "/replicationPolicies/x"),
		400);
	assert_status(w, "PUT", MAPPING, json_pack("{s:{s:s}}", "properties", "policyId", POLICY),
		      200);
	assert_status(w, "PATCH", MAPPING,
		      json_pack("{s:{s:{s:b}}}", "properties", "providerSpecificInput",
				"enableAgentAutoUpgrade", 1),
		      200);
	assert_status(w, "PATCH", MAPPING, json_object(), 200);
	LF_AUTO_JSON *mapping = get(w, MAPPING);
	assert_string_equal(lf_json_text(mapping, "properties.policyId"), POLICY);
	assert_string_equal(lf_json_text(mapping, "properties.targetProtectionContainerId"),
			    "Microsoft Azure");
	assert_string_equal(
		lf_json_text(mapping, "properties.providerSpecificDetails.enableAgentAutoUpgrade"),
		"true");
}

static void test_policy__one_that_is_not_there_is_404_or_400_as_the_site_is_set(void **state)
{
	struct world *w = *state;
	struct lf_error err;

	assert_refused(w, "GET", VAULT "/replicationPolicies/none", NULL, 404, "PolicyNotFound");
	assert_refused(w, "PATCH", VAULT "/replicationPolicies/none", json_object(), 404,
		       "PolicyNotFound");
	assert_lf_ok(lf_catalog_setting_put(w->context.catalog, "siterecovery.missing-policy",
					    "400", &err));
	assert_refused(w, "GET", VAULT "/replicationPolicies/none", NULL, 400, "PolicyNotFound");
	assert_status(w, "DELETE", VAULT "/replicationPolicies/none", NULL, 204);
}

static void test_policy__patch_keeps_what_it_does_not_name(void **state)
{
	struct world *w = *state;

	assert_status(w, "PATCH", POLICY,
		      json_pack("{s:{s:{s:s,s:i}}}", "properties", "replicationProviderSettings",
				"instanceType", "InMageRcm", "recoveryPointHistoryInMinutes", 60),
		      200);
	assert_status(w, "PATCH", POLICY,
		      json_pack("{s:{s:{s:s,s:i}}}", "properties", "replicationProviderSettings",
				"instanceType", "InMageRcm", "crashConsistentFrequencyInMinutes",
				7),
		      200);
	LF_AUTO_JSON *policy = get(w, POLICY);
	const json_t *details = lf_json_at(policy, "properties.providerSpecificDetails");
	assert_int_equal(lf_json_int_or(details, "recoveryPointHistoryInMinutes", 0), 60);
	assert_int_equal(lf_json_int_or(details, "crashConsistentFrequencyInMinutes", 0), 7);
}

static void test_settings__known_members_are_kept_and_the_rest_has_defaults(void **state)
{
	struct world *w = *state;

	assert_status(w, "PUT", ALERT,
		      json_pack("{s:{s:s,s:s}}", "properties", "locale", "de-DE", "more", ""), 200);
	LF_AUTO_JSON *alert = get(w, ALERT);
	LF_AUTO_FREE char *text = json_dumps(lf_json_at(alert, "properties"), JSON_COMPACT);
	assert_string_equal(text, "{\"sendToOwners\":\"DoNotSend\",\"customEmailAddresses\":[],"
				  "\"locale\":\"de-DE\"}");
	/* every vault has the setting "default", set or not, and no other; the list has it, too */
	LF_AUTO_JSON *listed = get(w, SETTINGS);
	assert_int_equal(json_array_size(lf_json_at(listed, "value")), 1);
	assert_string_equal(lf_json_text(listed, "value.0.id"), SETTINGS "/default");
	LF_AUTO_JSON *unset = get(w, SETTINGS "/default");
	assert_string_equal(lf_json_text(unset, "id"), SETTINGS "/default");
	assert_status(w, "GET", SETTINGS "/other", NULL, 404);
	assert_status(w, "PUT", SETTINGS "/default",
		      json_pack("{s:{s:s}}", "properties", "migrationSolutionId", "/x"), 200);
	LF_AUTO_JSON *set = get(w, SETTINGS "/default");
	assert_string_equal(lf_json_text(set, "properties.migrationSolutionId"), "/x");
	LF_AUTO_JSON *again = get(w, SETTINGS);
	assert_int_equal(json_array_size(lf_json_at(again, "value")), 1);
	assert_true(json_equal(lf_json_at(again, "value.0"), set));
}

/* A body of each kind, with one thing in it that would have no effect, or is of the wrong kind. */
static void test_documents__refuse_what_they_do_not_do(void **state)
{
	static const struct {
		const char *path, *body, *target;
	} cases[] = {
		{ALERT, "{\"properties\":{\"more\":\"x\"}}", "properties.more"},
		{ALERT, "{\"properties\":{\"sendToOwners\":\"Send\"}}", "properties.sendToOwners"},
		{ALERT, "{\"properties\":{\"sendToOwners\":\"perhaps\"}}",
		 "properties.sendToOwners"},
		{ALERT, "{\"properties\":{\"customEmailAddresses\":[\"a@example.org\"]}}",
		 "properties.customEmailAddresses"},
		{ALERT, "{\"properties\":{\"sendToOwners\":5}}", "properties.sendToOwners"},
		{SETTINGS "/default", "{\"properties\":{\"migrationSolutionId\":5}}",
		 "properties.migrationSolutionId"},
		{BOX, "{\"properties\":{\"providerSpecificInput\":\"x\"}}",
		 "properties.providerSpecificInput"},
		{MAPPING,
		 "{\"properties\":{\"policyId\":\"" POLICY
		 "\",\"targetProtectionContainerId\":\"" BOX "\"}}",
		 "properties.targetProtectionContainerId"},
		{MAPPING,
		 "{\"properties\":{\"policyId\":\"" POLICY
		 "\",\"providerSpecificInput\":{\"agentAutoUpdateStatus\":\"Enabled\"}}}",
		 "properties.providerSpecificInput.agentAutoUpdateStatus"},
		{POLICY,
		 "{\"properties\":{\"providerSpecificInput\":{\"instanceType\":\"InMageRcm\","
		 "\"multiVmSyncStatus\":\"Enable\"}}}",
		 "properties.providerSpecificInput.multiVmSyncStatus"},
		{POLICY,
		 "{\"properties\":{\"replicationProviderSettings\":{\"instanceType\":\"InMageRcm\"}"
		 "}}",
		 "properties.replicationProviderSettings"},
		{FABRIC,
		 "{\"properties\":{\"customDetails\":{\"instanceType\":\"InMageRcm\","
		 "\"physicalSiteId\":\"" SITE "\",\"processServers\":[{\"id\":\"x\"}]}}}",
		 "properties.customDetails.processServers"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < LF_N(cases); i++) {
		AUTO_REPLY reply =
			request(w, "PUT", cases[i].path, json_loads(cases[i].body, 0, NULL));
		if (reply.status != 400 || strcmp(reply.error.target, cases[i].target) != 0)
			fail_msg("%s: %d %s", cases[i].body, reply.status, reply.error.target);
	}
	/* other providers are named as such, whatever else they say */
	assert_refused(w, "PUT", VAULT "/replicationFabrics/azure",
		       json_pack("{s:{s:{s:s,s:s}}}", "properties", "customDetails", "instanceType",
				 "Azure", "location", "eastus"),
		       400, "InstanceTypeNotSupported");
	assert_refused(w, "PUT", VAULT "/replicationPolicies/a2a",
		       json_pack("{s:{s:{s:s,s:s}}}", "properties", "providerSpecificInput",
				 "instanceType", "A2A", "multiVmSyncStatus", "Enable"),
		       400, "InstanceTypeNotSupported");
}

static void test_policy__that_a_mapping_names_is_kept(void **state)
{
	struct world *w = *state;

	/* as Terraform sends it, which has no type for the input */
	assert_status(w, "PUT", MAPPING,
		      json_pack("{s:{s:s,s:s,s:{s:s}}}", "properties", "policyId", POLICY,
				"targetProtectionContainerId", "Microsoft Azure",
				"providerSpecificInput", "instanceType", ""),
		      200);
	assert_refused(w, "DELETE", POLICY, NULL, 409, "PolicyInUse");
	assert_status(w, "DELETE", MAPPING, NULL, 204);
	assert_status(w, "DELETE", POLICY, NULL, 204);
}

static void test_jobs__a_page_after_what_is_gone_is_refused(void **state)
{
	struct world *w = *state;

	protect(w);
	assert_refused(w, "GET", VAULT "/replicationJobs?skiptoken=gone", NULL, 400,
		       "InvalidSkipToken");
}

/* Run-as accounts, by the routes of the sites. */

#define ACCOUNTS SITE "/runAsAccounts"
#define ROUTE	 LF_GROUP_PATH "/providers/" LF_SERVER_SITE_TYPE "/{name}/runAsAccounts"

static const struct lf_arm_route account_routes[] = {
	LF_GET(ROUTE, lf_offazure_list_accounts, LF_SUBJECT(&lf_offazure_server_accounts)),
	LF_DOCUMENT_GET(&lf_offazure_server_accounts, ROUTE "/{account}"),
	LF_DOCUMENT_PUT(&lf_offazure_server_accounts, ROUTE "/{account}"),
	LF_DELETE(ROUTE "/{account}", lf_offazure_delete_account,
		  LF_SUBJECT(&lf_offazure_server_accounts)),
};
static const struct lf_arm_provider accounts = {.routes = account_routes,
						.n_routes = LF_N(account_routes)};

static void test_accounts__each_site_has_one_and_more_can_be_made(void **state)
{
	struct world *w = *state;

	asked = &accounts;
	LF_AUTO_JSON *list = get(w, ACCOUNTS);
	assert_int_equal(json_array_size(lf_json_at(list, "value")), 1);
	const char *own = lf_json_text(list, "value.0.id");
	assert_string_equal(lf_json_text(list, "value.0.properties.displayName"), "landfall-agent");
	char host[256];
	lf_offazure_appliance(host, sizeof(host));
	assert_string_equal(lf_json_text(list, "value.0.properties.applianceName"), host);
	LF_AUTO_JSON *one = get(w, own);
	assert_true(json_equal(one, lf_json_at(list, "value.0")));
	assert_refused(w, "DELETE", own, NULL, 409, "RunAsAccountInUse");
	assert_status(w, "GET", ACCOUNTS "/none", NULL, 404);
	assert_status(w, "PUT", ACCOUNTS "/mine",
		      json_pack("{s:{s:s,s:s}}", "properties", "displayName", "root",
				"credentialType", "linuxserver"),
		      200);
	assert_status(
		w, "PUT", ACCOUNTS "/bad",
		json_pack("{s:{s:s,s:s}}", "properties", "displayName", "root", "password", "x"),
		400);
	assert_status(w, "PUT", ACCOUNTS "/bad", json_pack("{s:{}}", "properties"), 400);
	LF_AUTO_JSON *both = get(w, ACCOUNTS);
	assert_int_equal(json_array_size(lf_json_at(both, "value")), 2);
	asked = NULL;
	json_t *body = enable_body();
	lf_json_set_text(body, "properties.providerSpecificDetails.runAsAccountId",
			 ACCOUNTS "/mine");
	assert_status(w, "PUT", ITEM, body, 202);
	asked = &accounts;
	assert_refused(w, "DELETE", ACCOUNTS "/mine", NULL, 409, "RunAsAccountInUse");
	asked = NULL;
}

static size_t count(struct world *w, const char *path)
{
	LF_AUTO_JSON *list = get(w, path);

	return json_array_size(lf_json_at(list, "value"));
}

static void test_lists__filter_by_what_clients_see(void **state)
{
	struct world *w = *state;

	protect(w);
	assert_int_equal(
		count(w, VAULT "/replicationProtectedItems?filter=SourceFabricName eq 'f'"), 1);
	assert_int_equal(
		count(w, VAULT "/replicationProtectedItems?filter=SourceFabricName eq 'g'"), 0);
	assert_int_equal(count(w, VAULT "/replicationEvents?filter=Severity eq 'OK'"), 2);
	assert_int_equal(count(w, VAULT "/replicationEvents?filter=Severity eq 'Critical'"), 0);
	assert_int_equal(count(w, VAULT "/replicationJobs?filter=JobStatus eq 'Succeeded'"), 2);
	assert_int_equal(count(w, BOX "/replicationProtectableItems?filter=State eq 'Unprotected'"),
			 0);
}

static void test_lists__a_page_is_full_however_many_rows_the_filter_passes_over(void **state)
{
	struct world *w = *state;
	char path[512];

	for (int i = 0; i < 250; i++) { /* every other one is Critical */
		snprintf(path, sizeof(path), VAULT "/replicationEvents/e%03d", i);
		put_doc(w, path, LF_SR_TYPE_EVENT,
			json_pack("{s:s}", "severity", i % 2 ? "Critical" : "OK"));
	}
	LF_AUTO_JSON *page = get(w, VAULT "/replicationEvents?filter=Severity eq 'Critical'");
	assert_int_equal(json_array_size(lf_json_at(page, "value")), 100);
	assert_string_equal(lf_json_text(page, "value.99.name"), "e199");
	assert_string_equal(lf_json_text(page, "nextLink"), VAULT "/replicationEvents/e199");
}

static void test_job__shows_nothing_of_the_sites_insides(void **state)
{
	struct world *w = *state;
	LF_AUTO_JSON *doc = json_object();
	LF_AUTO_JSON *data = json_object();
	LF_AUTO_JSON *view = NULL;
	LF_AUTO_FREE char *text = NULL;
	struct lf_job job = {.type = "siterecovery.repair",
			     .scope = VAULT,
			     .resource = ITEM,
			     .doc = doc,
			     .data = data,
			     .state = LF_JOB_FAILED};
	struct lf_error err;

	job.steps[0].state = LF_JOB_FAILED;
	lf_fail_sys(&job.error, EIO, "/site/x", "cannot read /site/x");
	lf_error_hint(&job.error, "look at /site");
	assert_lf_ok(lf_sr_job_view(&w->context, &job, &view, &err));
	assert_lf_ok(lf_json_dump(view, &text, &err));
	assert_null(strstr(text, "/site"));
	assert_non_null(lf_json_at(view, "properties.errors.0.serviceErrorDetails.message"));
	assert_non_null(lf_json_at(view, "properties.tasks.0.errors.0"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_scope__the_first_that_is_missing_from_the_top_is_named),
		T(test_scope__a_child_is_written_below_its_parents_as_first_written),
		T(test_document__deleting_what_is_not_there_is_done_if_its_parents_are),
		T(test_document__a_new_fabric_has_its_container_and_its_provider),
		T(test_mapping__patch_changes_only_whether_agents_are_upgraded),
		T(test_policy__one_that_is_not_there_is_404_or_400_as_the_site_is_set),
		T(test_policy__patch_keeps_what_it_does_not_name),
		T(test_settings__known_members_are_kept_and_the_rest_has_defaults),
		T(test_documents__refuse_what_they_do_not_do),
		T(test_policy__that_a_mapping_names_is_kept),
		T(test_jobs__a_page_after_what_is_gone_is_refused),
		T(test_accounts__each_site_has_one_and_more_can_be_made),
		T(test_lists__filter_by_what_clients_see),
		T(test_lists__a_page_is_full_however_many_rows_the_filter_passes_over),
		T(test_job__shows_nothing_of_the_sites_insides),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
