/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "providers/backup/internal.h"
#include "providers/backup/restore/restore.h"
#include "providers/backup/policy/retention.h"

#define DAY_NS ((int64_t)24 * 3600 * LF_NS_PER_S)

static struct lf_error err;

static json_t *policy_of(const char *text)
{
	json_t *policy = NULL;

	assert_lf_ok(lf_json_parse(text, strlen(text), &policy, &err));
	return policy;
}

static int64_t at(const char *text)
{
	int64_t time = 0;

	assert_lf_ok(lf_time_parse(text, &time, &err));
	return time;
}

static const char gfs[] =
	"{\"instantRpRetentionRangeInDays\": 3, \"retentionPolicy\": {\"retentionPolicyType\": "
	"\"LongTermRetentionPolicy\", \"weeklySchedule\": {\"daysOfTheWeek\": [\"Sunday\"],"
	" \"retentionDuration\": {\"count\": 4, \"durationType\": \"Weeks\"}}, \"monthlySchedule\":"
	" {\"retentionScheduleFormatType\": \"Weekly\", \"retentionScheduleWeekly\":"
	" {\"daysOfTheWeek\": [\"Sunday\"], \"weeksOfTheMonth\": [\"First\", \"Last\"]},"
	" \"retentionDuration\": {\"count\": 12, \"durationType\": \"Months\"}}, "
	"\"yearlySchedule\":"
	" {\"retentionScheduleFormatType\": \"Daily\", \"monthsOfYear\": [\"February\"],"
	" \"retentionScheduleDaily\": {\"daysOfTheMonth\": [{\"date\": 1}, {\"isLast\": true}]},"
	" \"retentionDuration\": {\"count\": 10, \"durationType\": \"Years\"}}}}";

static int64_t days_kept(const json_t *policy, const char *time)
{
	return (lf_policy_keep_until(policy, at(time)) - at(time)) / DAY_NS;
}

static void test_retention__is_the_longest_that_a_day_is_for(void **state)
{
	LF_AUTO_JSON *policy = policy_of(gfs);

	(void)state;
	assert_int_equal(days_kept(policy, "2024-01-10T02:00:00Z"), 3);	   /* no schedule's day */
	assert_int_equal(days_kept(policy, "2024-01-14T02:00:00Z"), 28);   /* the second Sunday */
	assert_int_equal(days_kept(policy, "2024-01-07T02:00:00Z"), 360);  /* the first */
	assert_int_equal(days_kept(policy, "2024-01-28T02:00:00Z"), 360);  /* the last */
	assert_int_equal(days_kept(policy, "2024-02-01T02:00:00Z"), 3650); /* a year's day */
	assert_int_equal(days_kept(policy, "2024-02-29T02:00:00Z"), 3650); /* a leap year's */
	assert_int_equal(days_kept(policy, "2023-02-28T02:00:00Z"), 3650);
	assert_int_equal(days_kept(policy, "2024-02-28T02:00:00Z"), 3);
	assert_int_equal(lf_policy_longest(policy) / DAY_NS, 3650);
}

static void test_schedule__daily(void **state)
{
	LF_AUTO_JSON *policy = policy_of("{\"schedulePolicy\": {\"scheduleRunFrequency\": "
					 "\"Daily\", \"scheduleRunTimes\": "
					 "[\"2020-01-01T02:00:00Z\", \"2020-01-01T14:30:00Z\"]}}");

	(void)state;
	assert_int_equal(lf_policy_last_due(policy, at("2024-03-05T02:00:00Z")),
			 at("2024-03-05T02:00:00Z"));
	assert_int_equal(lf_policy_last_due(policy, at("2024-03-05T01:59:59Z")),
			 at("2024-03-04T14:30:00Z"));
	assert_int_equal(lf_policy_last_due(policy, at("2024-03-05T23:00:00Z")),
			 at("2024-03-05T14:30:00Z"));
}

static void test_schedule__weekly_old_and_new_form(void **state)
{
	LF_AUTO_JSON *old = policy_of("{\"schedulePolicy\": {\"scheduleRunFrequency\": \"Weekly\","
				      " \"scheduleRunDays\": [\"Monday\", \"thursday\"],"
				      " \"scheduleRunTimes\": [\"2020-01-01T10:00:00Z\"]}}");
	LF_AUTO_JSON *new = policy_of("{\"schedulePolicy\": {\"scheduleRunFrequency\": \"Weekly\","
				      " \"weeklySchedule\": {\"scheduleRunDays\": [\"Monday\"],"
				      " \"scheduleRunTimes\": [\"2020-01-01T10:00:00Z\"]}}}");

	(void)state;
	/* 2024-03-05 is a Tuesday */
	assert_int_equal(lf_policy_last_due(old, at("2024-03-05T00:00:00Z")),
			 at("2024-03-04T10:00:00Z"));
	assert_int_equal(lf_policy_last_due(old, at("2024-03-04T09:00:00Z")),
			 at("2024-02-29T10:00:00Z"));
	assert_int_equal(lf_policy_last_due(new, at("2024-03-04T09:00:00Z")),
			 at("2024-02-26T10:00:00Z"));
}

static void test_schedule__hourly_in_its_window(void **state)
{
	LF_AUTO_JSON *policy = policy_of(
		"{\"schedulePolicy\": {\"scheduleRunFrequency\": \"Hourly\", \"hourlySchedule\": "
		"{\"interval\": 4, \"scheduleWindowStartTime\": \"2020-01-01T08:00:00Z\", "
		"\"scheduleWindowDuration\": 12}}}");

	(void)state;
	assert_int_equal(lf_policy_last_due(policy, at("2024-03-05T13:00:00Z")),
			 at("2024-03-05T12:00:00Z"));
	assert_int_equal(lf_policy_last_due(policy, at("2024-03-05T07:00:00Z")),
			 at("2024-03-04T20:00:00Z"));
}

static void test_schedule__that_never_comes(void **state)
{
	LF_AUTO_JSON *none = json_object();
	LF_AUTO_JSON *bad = policy_of("{\"schedulePolicy\": {\"scheduleRunTimes\": [\"soon\"]}}");

	(void)state;
	assert_true(lf_policy_last_due(none, at("2024-03-05T13:00:00Z")) == INT64_MIN);
	assert_true(lf_policy_last_due(bad, at("2024-03-05T13:00:00Z")) == INT64_MIN);
}

static void check(const char *text, const char *target)
{
	LF_AUTO_JSON *policy = policy_of(text);
	int rc = lf_policy_check(policy, &err);

	if (rc != (target ? LF_EINVAL : 0))
		fail_msg("%s: %d", text, rc);
	if (target)
		assert_string_equal(err.target, target);
	/* whatever it says, the times that follow of it are times */
	assert_true(lf_policy_keep_until(policy, at("2024-01-10T02:00:00Z")) >=
		    at("2024-01-10T02:00:00Z"));
	assert_true(lf_policy_longest(policy) >= 0);
	(void)lf_policy_last_due(policy, at("2024-01-10T02:00:00Z"));
}

static void test_policy__has_counts_and_hours_within_the_services_bounds(void **state)
{
	static const char daily[] = "properties.retentionPolicy.dailySchedule.retentionDuration";
	static const char hourly[] = "properties.schedulePolicy.hourlySchedule";
	static const char *const bad[] = {
		"0",	 "-1",	"10000", "36500", "9223372036854775807", "-9223372036854775808",
		"\"x\"", "null"};
	char text[512];

	(void)state;
	check(gfs, NULL);
	check("{\"retentionPolicy\": {\"dailySchedule\": {\"retentionDuration\": {\"count\": "
	      "9999, \"durationType\": \"Days\"}}}}",
	      NULL);
	for (size_t i = 0; i < LF_N(bad); i++) {
		snprintf(text, sizeof(text),
			 "{\"retentionPolicy\": {\"dailySchedule\": {\"retentionDuration\": "
			 "{\"count\": %s, \"durationType\": \"Days\"}}}}",
			 bad[i]);
		check(text, daily);
		snprintf(text, sizeof(text),
			 "{\"retentionPolicy\": {\"yearlySchedule\": {\"retentionDuration\": "
			 "{\"count\": %s, \"durationType\": \"Years\"}}}}",
			 bad[i]);
		check(text, "properties.retentionPolicy.yearlySchedule.retentionDuration");
	}
	check("{\"retentionPolicy\": {\"dailySchedule\": {\"retentionDuration\": {\"count\": 7, "
	      "\"durationType\": \"Aeons\"}}}}",
	      daily);
	for (size_t i = 0; i < 6; i++) {
		snprintf(text, sizeof(text),
			 "{\"schedulePolicy\": {\"scheduleRunFrequency\": \"Hourly\", "
			 "\"hourlySchedule\": {\"interval\": %s, \"scheduleWindowDuration\": 24, "
			 "\"scheduleWindowStartTime\": \"2024-01-01T08:00:00Z\"}}}",
			 bad[i]);
		check(text, hourly);
		snprintf(text, sizeof(text),
			 "{\"schedulePolicy\": {\"scheduleRunFrequency\": \"Hourly\", "
			 "\"hourlySchedule\": {\"interval\": 4, \"scheduleWindowDuration\": %s, "
			 "\"scheduleWindowStartTime\": \"2024-01-01T08:00:00Z\"}}}",
			 bad[i]);
		check(text, hourly);
	}
}

static void test_names__are_made_of_group_and_machine(void **state)
{
	static const char vm[] = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/"
				 "virtualMachines/vm-1";
	LF_AUTO_FREE char *container = lf_backup_container_name(vm);
	LF_AUTO_FREE char *item = lf_backup_item_name(vm);
	LF_AUTO_FREE char *vault = lf_backup_vault_id("/subscriptions/s/v/backupfabrics/Azure/x");

	(void)state;
	assert_string_equal(container, "iaasvmcontainer;iaasvmcontainerv2;rg;vm-1");
	assert_string_equal(item, "VM;iaasvmcontainerv2;rg;vm-1");
	assert_string_equal(vault, "/subscriptions/s/v");
}

static void test_restore_request__in_every_documented_form(void **state)
{
	static const char *const forms[] = {
		"{\"properties\": {\"recoveryType\": \"x\"}}",
		"{\"parameters\": {\"parameters\": {\"properties\": {\"recoveryType\": \"x\"}}}}",
		"{\"parameters\": {\"properties\": {\"recoveryType\": \"x\"}}}",
		"{\"recoveryType\": \"x\"}"};
	LF_AUTO_JSON *none = policy_of("{\"properties\": {}}");

	(void)state;
	for (size_t i = 0; i < LF_N(forms); i++) {
		LF_AUTO_JSON *body = policy_of(forms[i]);
		assert_string_equal(lf_json_text(lf_restore_request(body), "recoveryType"), "x");
	}
	assert_null(lf_restore_request(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retention__is_the_longest_that_a_day_is_for),
		cmocka_unit_test(test_schedule__daily),
		cmocka_unit_test(test_schedule__weekly_old_and_new_form),
		cmocka_unit_test(test_schedule__hourly_in_its_window),
		cmocka_unit_test(test_schedule__that_never_comes),
		cmocka_unit_test(test_policy__has_counts_and_hours_within_the_services_bounds),
		cmocka_unit_test(test_names__are_made_of_group_and_machine),
		cmocka_unit_test(test_restore_request__in_every_documented_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
