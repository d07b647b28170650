/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/siterecovery/internal.h"
#include "test.h"

/* The table once more, as a person reads it: phase, then every action that is allowed. */
static const char *const expected[LF_SR_PHASES] = {
	[LF_SR_ENABLING] = "Update",
	[LF_SR_ENABLE_FAILED] = "DisableProtection",
	[LF_SR_INITIAL] = "DisableProtection Update RepairReplication",
	[LF_SR_PROTECTED] = "PlannedFailover UnplannedFailover DisableProtection TestFailover "
			    "Update RepairReplication",
	[LF_SR_TESTED] = "TestFailoverCleanup Update",
	[LF_SR_FAILED_OVER] = "CompleteMigration Commit DisableProtection ChangePit CancelFailover",
	[LF_SR_PLANNED_OVER] =
		"CompleteMigration Commit DisableProtection ChangePit CancelFailover",
	[LF_SR_COMMITTED] = "CompleteMigration DisableProtection",
};

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; (p = strstr(p, word)); p += len)
		if ((p == words || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
	return false;
}

static void test_states__every_state_allows_just_its_actions(void **state)
{
	(void)state;
	for (unsigned phase = 0; phase < LF_SR_PHASES; phase++) {
		LF_AUTO_JSON *doc =
			json_pack("{s:s}", "phase", lf_sr_phase_row((enum lf_sr_phase)phase)->name);
		assert_int_equal(lf_sr_phase_of(doc), phase);
		for (unsigned action = 0; action < LF_SR_ACTIONS; action++) {
			const char *name = lf_sr_action_name((enum lf_sr_action)action);
			struct lf_error err = LF_ERROR_NONE;
			int rc = lf_sr_check_allowed(doc, (enum lf_sr_action)action, "item", &err);
			if (has_word(expected[phase], name)) {
				assert_int_equal(rc, 0);
				continue;
			}
			assert_int_equal(rc, LF_ECONFLICT);
			assert_string_equal(err.arm_code, "OperationNotAllowedInCurrentState");
			assert_string_equal(err.target, "item");
			assert_true(err.hint[0]);
		}
	}
}

static void test_states__what_is_listed_is_allowed_and_says_so_in_the_advice(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_JSON *doc = json_pack("{s:s}", "phase", "Tested");
	size_t i;
	json_t *name;

	(void)state;
	for (unsigned phase = 0; phase < LF_SR_PHASES; phase++) {
		LF_AUTO_JSON *names = lf_sr_allowed_operations((enum lf_sr_phase)phase);
		json_array_foreach (names, i, name)
			assert_true(has_word(expected[phase], json_string_value(name)));
	}
	assert_int_equal(lf_sr_check_allowed(doc, LF_SR_TEST_FAILOVER, "item", &err), LF_ECONFLICT);
	assert_string_equal(err.hint, "allowed in this state: TestFailoverCleanup");
}

/* Policies. */

struct policy_case {
	const char *input, *target; /* target NULL: good */
};

static void test_policy__values_outside_the_documents_are_refused_by_name(void **state)
{
	static const struct policy_case cases[] = {
		{"{\"instanceType\":\"InMageRcm\"}", NULL},
		{"{\"instanceType\":\"inmagercm\",\"recoveryPointHistoryInMinutes\":21600}", NULL},
		{"{\"instanceType\":\"InMageRcm\",\"recoveryPointHistoryInMinutes\":21601}",
		 "recoveryPointHistoryInMinutes"},
		{"{\"instanceType\":\"InMageRcm\",\"recoveryPointHistoryInMinutes\":\"many\"}",
		 "recoveryPointHistoryInMinutes"},
		{"{\"instanceType\":\"InMageRcm\",\"crashConsistentFrequencyInMinutes\":0}",
		 "crashConsistentFrequencyInMinutes"},
		{"{\"instanceType\":\"InMageRcm\",\"appConsistentFrequencyInMinutes\":721}",
		 "appConsistentFrequencyInMinutes"},
		{"{\"instanceType\":\"InMageRcm\",\"recoveryPointHistoryInMinutes\":0,"
		 "\"appConsistentFrequencyInMinutes\":60}",
		 "appConsistentFrequencyInMinutes"},
		{"{\"instanceType\":\"InMageRcm\",\"recoveryPointHistoryInMinutes\":60,"
		 "\"appConsistentFrequencyInMinutes\":61}",
		 "appConsistentFrequencyInMinutes"},
		{"{\"instanceType\":\"InMageRcm\",\"recoveryPointHistoryInMinutes\":60,"
		 "\"appConsistentFrequencyInMinutes\":60}",
		 NULL},
		{"{\"instanceType\":\"InMageRcm\",\"enableMultiVmSync\":\"True\"}", NULL},
		{"{\"instanceType\":\"InMageRcm\",\"enableMultiVmSync\":\"Enable\"}",
		 "enableMultiVmSync"},
		{"{\"instanceType\":\"A2A\"}", "properties.providerSpecificInput.instanceType"},
		{"{}", "properties.providerSpecificInput.instanceType"},
	};

	(void)state;
	for (size_t i = 0; i < LF_N(cases); i++) {
		struct lf_error err = LF_ERROR_NONE;
		LF_AUTO_JSON *input = NULL;
		LF_AUTO_JSON *details = NULL;
		assert_lf_ok(lf_json_parse(cases[i].input, strlen(cases[i].input), &input, &err));
		int rc = lf_sr_policy_check(input, NULL, &details, &err);
		if (!cases[i].target) {
			assert_int_equal(rc, 0);
			continue;
		}
		assert_int_equal(rc, LF_EINVAL);
		assert_string_equal(err.target, cases[i].target);
		assert_true(err.hint[0]);
		assert_null(details);
	}
}

static void test_policy__defaults_are_three_days_five_minutes_and_no_application_points(
	void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_JSON *input = json_pack("{s:s}", "instanceType", "InMageRcm");
	LF_AUTO_JSON *details = NULL;

	(void)state;
	assert_lf_ok(lf_sr_policy_check(input, NULL, &details, &err));
	assert_int_equal(lf_json_int_or(details, "recoveryPointHistoryInMinutes", 0), 4320);
	assert_int_equal(lf_json_int_or(details, "crashConsistentFrequencyInMinutes", 0), 5);
	assert_int_equal(lf_json_int_or(details, "appConsistentFrequencyInMinutes", -1), 0);
	assert_string_equal(lf_json_text(details, "enableMultiVmSync"), "false");
}

static void test_network__an_address_is_of_the_prefix_and_not_reserved(void **state)
{
	(void)state;
	assert_true(lf_sr_prefix_has("10.0.0.0/24", "10.0.0.4"));
	assert_true(lf_sr_prefix_has("10.0.0.0/24", "10.0.0.254"));
	assert_false(lf_sr_prefix_has("10.0.0.0/24", "10.0.0.3"));
	assert_false(lf_sr_prefix_has("10.0.0.0/24", "10.0.0.255"));
	assert_false(lf_sr_prefix_has("10.0.0.0/24", "10.0.1.4"));
	assert_false(lf_sr_prefix_has("10.0.0.0/24", "ten"));
	assert_false(lf_sr_prefix_has("fd00::/64", "10.0.0.4"));
}

static void test_name__of_a_machine_has_1_to_63_characters_and_no_odd_ones(void **state)
{
	char longest[65];
	struct lf_error err;

	(void)state;
	memset(longest, 'a', 64);
	longest[64] = '\0';
	assert_int_equal(lf_sr_check_vm_name(longest, "t", &err), LF_EINVAL);
	longest[63] = '\0';
	assert_lf_ok(lf_sr_check_vm_name(longest, "t", &err));
	assert_lf_ok(lf_sr_check_vm_name("a", "t", &err));
	assert_int_equal(lf_sr_check_vm_name("", "t", &err), LF_EINVAL);
	assert_int_equal(lf_sr_check_vm_name("-a", "t", &err), LF_EINVAL);
	assert_int_equal(lf_sr_check_vm_name("a/b", "t", &err), LF_EINVAL);
	assert_int_equal(lf_sr_check_vm_name("a b", "t", &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "InvalidVirtualMachineName");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states__every_state_allows_just_its_actions),
		cmocka_unit_test(test_states__what_is_listed_is_allowed_and_says_so_in_the_advice),
		cmocka_unit_test(test_policy__values_outside_the_documents_are_refused_by_name),
		cmocka_unit_test(
			test_policy__defaults_are_three_days_five_minutes_and_no_application_points),
		cmocka_unit_test(test_network__an_address_is_of_the_prefix_and_not_reserved),
		cmocka_unit_test(test_name__of_a_machine_has_1_to_63_characters_and_no_odd_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
