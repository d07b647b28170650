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
	assert_int_equal(days_kept(policy, "2024-01-07T02:00:00Z"), 366);  /* the first */
	assert_int_equal(days_kept(policy, "2024-01-28T02:00:00Z"), 366);  /* the last */
	assert_int_equal(days_kept(policy, "2024-02-01T02:00:00Z"), 3653); /* a year's day */
	assert_int_equal(days_kept(policy, "2024-02-29T02:00:00Z"), 3652); /* a leap year's */
	assert_int_equal(days_kept(policy, "2023-02-28T02:00:00Z"), 3653);
	assert_int_equal(days_kept(policy, "2024-02-28T02:00:00Z"), 3);
	assert_int_equal(lf_policy_longest(policy) / DAY_NS, 3652);
}

static int64_t kept_until(int count, const char *unit, const char *zone, const char *time)
{
	LF_AUTO_JSON *policy = json_pack("{s:s, s:{s:{s:{s:i, s:s}}}}", "timeZone", zone,
					 "retentionPolicy", "dailySchedule", "retentionDuration",
					 "count", count, "durationType", unit);

	return lf_policy_keep_until(policy, at(time));
}

static void test_retention__months_and_years_are_the_calendars(void **state)
{
	(void)state;
	assert_int_equal(kept_until(1, "Months", "UTC", "2023-01-31T10:00:00Z"),
			 at("2023-02-28T10:00:00Z"));
	assert_int_equal(kept_until(13, "Months", "UTC", "2023-01-31T10:00:00Z"),
			 at("2024-02-29T10:00:00Z"));
	assert_int_equal(kept_until(12, "Months", "UTC", "2024-12-24T23:59:59Z"),
			 at("2025-12-24T23:59:59Z"));
	assert_int_equal(kept_until(99, "Years", "UTC", "2024-02-29T00:00:00Z"),
			 at("2123-02-28T00:00:00Z"));
	assert_int_equal(kept_until(1188, "Months", "UTC", "2026-01-01T00:00:00Z"),
			 at("2125-01-01T00:00:00Z"));
	/* ten in the evening here, another day there */
	assert_int_equal(kept_until(1, "Months", "Tokyo Standard Time", "2023-01-30T22:00:00Z"),
			 at("2023-02-27T22:00:00Z"));
	/* beyond what the service takes: longest */
	assert_int_equal(kept_until(250, "Years", "UTC", "2026-01-01T00:00:00Z"),
			 at("2125-01-01T00:00:00Z"));
}

static int64_t due(const char *time_of_day, const char *zone, const char *now)
{
	LF_AUTO_JSON *policy =
		json_pack("{s:s, s:{s:s, s:[s]}}", "timeZone", zone, "schedulePolicy",
			  "scheduleRunFrequency", "Daily", "scheduleRunTimes", time_of_day);

	return lf_policy_last_due(policy, at(now));
}

static void test_schedule__follows_the_wall_clock_over_daylight_saving(void **state)
{
	static const char pacific[] = "pacific standard time", eastern[] = "Eastern Standard Time";

	(void)state;
	assert_int_equal(due("02:00", pacific, "2026-01-15T12:00:00Z"), at("2026-01-15T10:00:00Z"));
	assert_int_equal(due("02:00:00Z", pacific, "2026-07-15T12:00:00Z"),
			 at("2026-07-15T09:00:00Z"));
	assert_int_equal(due("23:30", pacific, "2026-07-15T06:00:00Z"), at("2026-07-14T06:30:00Z"));
	/* 8 March 2026 lacks 02:30, 1 November has 01:30 twice: once a day */
	assert_int_equal(due("02:30", eastern, "2026-03-08T07:00:00Z"), at("2026-03-07T07:30:00Z"));
	assert_int_equal(due("02:30", eastern, "2026-03-08T20:00:00Z"), at("2026-03-08T07:30:00Z"));
	assert_int_equal(due("02:30", eastern, "2026-03-09T06:30:00Z"), at("2026-03-09T06:30:00Z"));
	assert_int_equal(due("01:30", eastern, "2026-11-01T12:00:00Z"), at("2026-11-01T05:30:00Z"));
	/* summer is over new year in the south */
	assert_int_equal(due("02:00", "AUS Eastern Standard Time", "2026-01-15T12:00:00Z"),
			 at("2026-01-14T15:00:00Z"));
	assert_int_equal(due("02:00", "AUS Eastern Standard Time", "2026-07-15T18:00:00Z"),
			 at("2026-07-15T16:00:00Z"));
	assert_int_equal(due("02:00", "India Standard Time", "2026-07-15T00:00:00Z"),
			 at("2026-07-14T20:30:00Z"));
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

static const char good[] =
	"{\"schedulePolicy\": {\"schedulePolicyType\": \"SimpleSchedulePolicy\", "
	"\"scheduleRunFrequency\": \"Daily\", \"scheduleRunTimes\": [\"2024-01-01T02:00:00Z\"]}, "
	"\"instantRpRetentionRangeInDays\": 2, \"retentionPolicy\": {\"retentionPolicyType\": "
	"\"LongTermRetentionPolicy\", \"dailySchedule\": {\"retentionDuration\": {\"count\": 7, "
	"\"durationType\": \"Days\"}}}}";

/* A good policy with that changed: is it taken, or refused for what? */
static void check(const char *text, const char *target)
{
	LF_AUTO_JSON *policy = policy_of(good);
	LF_AUTO_JSON *change = policy_of(text);
	LF_AUTO_FREE char *path = target ? lf_printf_dup("properties.%s", target) : NULL;

	assert_int_equal(json_object_update_recursive(policy, change), 0);
	int rc = lf_policy_check(policy, &err);
	if (rc != (target ? LF_EINVAL : 0))
		fail_msg("%s: %d", text, rc);
	if (target)
		assert_string_equal(err.target, path);
	/* whatever it says, the times that follow of it are times */
	assert_true(lf_policy_keep_until(policy, at("2024-01-10T02:00:00Z")) >=
		    at("2024-01-10T02:00:00Z"));
	assert_true(lf_policy_keep_until(policy, INT64_MAX) > 0);
	assert_true(lf_policy_longest(policy) >= 0);
	(void)lf_policy_last_due(policy, at("2024-01-10T02:00:00Z"));
	(void)lf_policy_last_due(policy, INT64_MIN);
}

static void test_policy__has_counts_and_hours_within_the_services_bounds(void **state)
{
	static const char daily[] = "retentionPolicy.dailySchedule.retentionDuration";
	static const char hourly[] = "schedulePolicy.hourlySchedule";
	static const char *const bad[] = {
		"0",	 "-1",	 "10000", "36500", "9223372036854775807", "-9223372036854775808",
		"\"x\"", "null", "\"7\"", "7.5"};
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
		check(text, "retentionPolicy.yearlySchedule.retentionDuration");
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

static void test_policy__that_nobody_could_follow_is_refused_by_its_member(void **state)
{
	static const struct {
		const char *change, *target;
	} rows[] = {
		{"{}", NULL},
		{"{\"timeZone\": \"Nowhere\"}", "timeZone"},
		{"{\"timeZone\": \"W. Europe Standard Time\"}", NULL},
		{"{\"schedulePolicy\": null}", "schedulePolicy"},
		{"{\"schedulePolicy\": {\"scheduleRunTimes\": []}}",
		 "schedulePolicy.scheduleRunTimes"},
		{"{\"schedulePolicy\": {\"scheduleRunTimes\": [\"soon\"]}}",
		 "schedulePolicy.scheduleRunTimes"},
		{"{\"schedulePolicy\": {\"scheduleRunTimes\": [\"2024-01-01T02:00:00+02:00\"]}}",
		 "schedulePolicy.scheduleRunTimes"},
		{"{\"schedulePolicy\": {\"scheduleRunTimes\": [\"02:00\"]}}", NULL},
		{"{\"schedulePolicy\": {\"scheduleRunTimes\": [\"2024-01-01T02:00Z\"]}}", NULL},
		{"{\"schedulePolicy\": {\"scheduleRunFrequency\": \"Weekly\", \"scheduleRunDays\": "
		 "[\"Monday\"]}, \"instantRpRetentionRangeInDays\": 5}",
		 "retentionPolicy.dailySchedule"},
		{"{\"schedulePolicy\": {\"scheduleRunFrequency\": \"Weekly\", \"scheduleRunDays\": "
		 "[\"Mon\"]}}",
		 "schedulePolicy.scheduleRunDays"},
		{"{\"retentionPolicy\": {\"dailySchedule\": null}}", "retentionPolicy"},
		{"{\"retentionPolicy\": {\"dailySchedule\": {\"retentionDuration\": null}}}",
		 "retentionPolicy.dailySchedule.retentionDuration"},
		{"{\"retentionPolicy\": {\"weeklySchedule\": {\"retentionDuration\": {\"count\": "
		 "4, \"durationType\": \"Weeks\"}}}}",
		 "retentionPolicy.weeklySchedule.daysOfTheWeek"},
		{"{\"retentionPolicy\": {\"monthlySchedule\": {\"retentionDuration\": {\"count\": "
		 "4, \"durationType\": \"Months\"}}}}",
		 "retentionPolicy.monthlySchedule.retentionScheduleFormatType"},
		{"{\"instantRpRetentionRangeInDays\": 6}", "instantRpRetentionRangeInDays"},
		{"{\"policyType\": \"V2\", \"instantRpRetentionRangeInDays\": 30}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < LF_N(rows); i++)
		check(rows[i].change, rows[i].target);
	LF_AUTO_JSON *weekly = policy_of(
		"{\"schedulePolicy\": {\"scheduleRunFrequency\": \"Weekly\", \"scheduleRunDays\": "
		"[\"Monday\"], \"scheduleRunTimes\": [\"02:00\"]}, \"retentionPolicy\": "
		"{\"weeklySchedule\": {\"daysOfTheWeek\": [\"Monday\"], \"retentionDuration\": "
		"{\"count\": 4, \"durationType\": \"Weeks\"}}}, "
		"\"instantRpRetentionRangeInDays\": 2}");
	assert_int_equal(lf_policy_check(weekly, &err), LF_EINVAL);
	assert_string_equal(err.target, "properties.instantRpRetentionRangeInDays");
}

static void test_policy__is_completed_as_the_service_does(void **state)
{
	LF_AUTO_JSON *policy =
		policy_of("{\"policyType\": \"V2\", \"schedulePolicy\": {\"hourlySchedule\": "
			  "{\"scheduleWindowStartTime\": \"08:30:00Z\"}}, \"retentionPolicy\": "
			  "{\"dailySchedule\": {\"retentionTimes\": [\"23:00\", "
			  "\"2024-01-01T02:00:00Z\"]}}}");
	LF_AUTO_JSON *again = policy_of("{\"policyType\": \"V2\"}");
	LF_AUTO_JSON *other = policy_of("{\"policyType\": \"V1\"}");

	(void)state;
	assert_lf_ok(lf_policy_complete(policy, NULL, &err));
	assert_int_equal(lf_json_int_or(policy, "instantRpRetentionRangeInDays", 0), 7);
	assert_string_equal(
		lf_json_text(policy, "schedulePolicy.hourlySchedule.scheduleWindowStartTime"),
		"2026-01-01T08:30:00Z");
	const json_t *times = lf_json_at(policy, "retentionPolicy.dailySchedule.retentionTimes");
	assert_string_equal(json_string_value(json_array_get(times, 0)), "2026-01-01T23:00:00Z");
	assert_string_equal(json_string_value(json_array_get(times, 1)), "2024-01-01T02:00:00Z");
	assert_int_equal(lf_json_set_int(policy, "instantRpRetentionRangeInDays", 12), 0);
	assert_lf_ok(lf_policy_complete(again, policy, &err));
	assert_int_equal(lf_json_int_or(again, "instantRpRetentionRangeInDays", 0), 12);
	assert_lf_ok(lf_policy_complete(other, policy, &err));
	assert_int_equal(lf_json_int_or(other, "instantRpRetentionRangeInDays", 0), 2);
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
		cmocka_unit_test(test_retention__months_and_years_are_the_calendars),
		cmocka_unit_test(test_schedule__daily),
		cmocka_unit_test(test_schedule__follows_the_wall_clock_over_daylight_saving),
		cmocka_unit_test(test_schedule__weekly_old_and_new_form),
		cmocka_unit_test(test_schedule__hourly_in_its_window),
		cmocka_unit_test(test_schedule__that_never_comes),
		cmocka_unit_test(test_policy__has_counts_and_hours_within_the_services_bounds),
		cmocka_unit_test(test_policy__that_nobody_could_follow_is_refused_by_its_member),
		cmocka_unit_test(test_policy__is_completed_as_the_service_does),
		cmocka_unit_test(test_names__are_made_of_group_and_machine),
		cmocka_unit_test(test_restore_request__in_every_documented_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
