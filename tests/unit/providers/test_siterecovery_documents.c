/* SPDX-License-Identifier: Apache-2.0 */
/* What Site Recovery's documents have in common, by the provider's own table. */
#include <errno.h>

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
	assert_status(w, "POST", FABRIC "/remove", NULL, 204);
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

static void test_policy__one_that_is_not_there_is_400_or_404_as_the_site_is_set(void **state)
{
	struct world *w = *state;
	struct lf_error err;

	assert_refused(w, "GET", VAULT "/replicationPolicies/none", NULL, 400, "PolicyNotFound");
	assert_refused(w, "PATCH", VAULT "/replicationPolicies/none", json_object(), 400,
		       "PolicyNotFound");
	assert_lf_ok(lf_catalog_setting_put(w->context.catalog, "siterecovery.missing-policy",
					    "404", &err));
	assert_refused(w, "GET", VAULT "/replicationPolicies/none", NULL, 404, "PolicyNotFound");
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
		      json_pack("{s:{s:s,s:s}}", "properties", "locale", "", "more", "x"), 200);
	LF_AUTO_JSON *alert = get(w, ALERT);
	LF_AUTO_FREE char *text = json_dumps(lf_json_at(alert, "properties"), JSON_COMPACT);
	assert_string_equal(text, "{\"sendToOwners\":\"DoNotSend\",\"customEmailAddresses\":[],"
				  "\"locale\":\"en-US\"}");
	/* every vault has the setting "default", set or not, and no other */
	LF_AUTO_JSON *unset = get(w, SETTINGS "/default");
	assert_string_equal(lf_json_text(unset, "id"), SETTINGS "/default");
	assert_status(w, "GET", SETTINGS "/other", NULL, 404);
	assert_status(w, "PUT", SETTINGS "/default",
		      json_pack("{s:{s:s}}", "properties", "migrationSolutionId", "/x"), 200);
	LF_AUTO_JSON *set = get(w, SETTINGS "/default");
	assert_string_equal(lf_json_text(set, "properties.migrationSolutionId"), "/x");
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
		T(test_policy__one_that_is_not_there_is_400_or_404_as_the_site_is_set),
		T(test_policy__patch_keeps_what_it_does_not_name),
		T(test_settings__known_members_are_kept_and_the_rest_has_defaults),
		T(test_lists__filter_by_what_clients_see),
		T(test_lists__a_page_is_full_however_many_rows_the_filter_passes_over),
		T(test_job__shows_nothing_of_the_sites_insides),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
