/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy as a client writes it: completed, and refused where it says what nobody could follow.
 * What is let through here is obeyed by retention.c.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "providers/backup/policy/retention.h"
#include "providers/backup/policy/words.h"
#include "providers/backup/policy/zone.h"

#define RUN_TIMES_MAX 24u
#define INSTANT	      "instantRpRetentionRangeInDays"
#define A_DATE	      "2026-01-01T" /* of a time that came without */

static int fail_policy(const char *target, const char *hint, const char *what, struct lf_error *err)
{
	char path[192];

	snprintf(path, sizeof(path), "properties.%s", target);
	return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidPolicyInput", path, hint, "%s",
			   what);
}

/* --- completing --- */

static int complete_time(json_t *value, struct lf_error *err)
{
	char whole[sizeof(A_DATE) + 16];
	int64_t ns;

	if (!lf_policy_time_of_day(value, &ns) || strchr(json_string_value(value), 'T'))
		return 0;
	int seconds = (int)(ns / LF_NS_PER_S);
	snprintf(whole, sizeof(whole), A_DATE "%02d:%02d:%02dZ", seconds / 3600, seconds / 60 % 60,
		 seconds % 60);
	return json_string_set(value, whole) ? lf_fail_nomem(err) : 0;
}

static const char *const schedule_times[] = {"schedulePolicy.scheduleRunTimes",
					     "schedulePolicy.dailySchedule.scheduleRunTimes",
					     "schedulePolicy.weeklySchedule.scheduleRunTimes"};
static const char *const retention_times[] = {"retentionPolicy.dailySchedule.retentionTimes",
					      "retentionPolicy.weeklySchedule.retentionTimes",
					      "retentionPolicy.monthlySchedule.retentionTimes",
					      "retentionPolicy.yearlySchedule.retentionTimes"};
#define WINDOW_START "schedulePolicy.hourlySchedule.scheduleWindowStartTime"

static int complete_times(json_t *policy, const char *const *paths, size_t n, struct lf_error *err)
{
	json_t *row;
	size_t i;
	int rc = 0;

	for (size_t k = 0; k < n; k++)
		json_array_foreach (lf_json_at(policy, paths[k]), i, row)
			rc = rc ? rc : complete_time(row, err);
	return rc;
}

static bool is_v2(const json_t *policy)
{
	return lf_text_equal_nocase(lf_json_text_or(policy, "policyType", "V1"), "V2");
}

static bool is_weekly(const json_t *policy)
{
	return lf_text_equal_nocase(
		lf_json_text_or(policy, "schedulePolicy.scheduleRunFrequency", ""), "Weekly");
}

/* The service's own: 7 days of an enhanced policy, 2 of a standard one, of a weekly one 5. */
static int64_t instant_default(const json_t *policy)
{
	return is_v2(policy) ? 7 : is_weekly(policy) ? 5 : 2;
}

int lf_policy_complete(json_t *policy, const json_t *before, struct lf_error *err)
{
	json_t *given = lf_json_at(policy, INSTANT);
	int64_t instant = instant_default(policy);
	int rc = complete_times(policy, schedule_times, LF_N(schedule_times), err);

	if (!rc)
		rc = complete_times(policy, retention_times, LF_N(retention_times), err);
	if (!rc)
		rc = complete_time(lf_json_at(policy, WINDOW_START), err);
	if (before && is_v2(before) == is_v2(policy) && is_weekly(before) == is_weekly(policy))
		instant = lf_json_int_or(before, INSTANT, instant);
	if (!rc && (!given || json_is_null(given)) && lf_json_set_int(policy, INSTANT, instant))
		rc = lf_fail_nomem(err);
	return rc;
}

/* --- refusing --- */

/* Words of a list, each one of those: at least one. */
static int check_words(const json_t *policy, const char *path, const char *const *known,
		       struct lf_error *err)
{
	const json_t *list = lf_json_at(policy, path), *row;
	char hint[160] = "", *end = hint;
	bool good = json_array_size(list) > 0;
	size_t i, k;

	json_array_foreach (list, i, row) {
		const char *word = json_string_value(row);
		for (k = 0; known[k] && !(word && lf_text_equal_nocase(known[k], word)); k++)
			;
		good = good && known[k];
	}
	if (good)
		return 0;
	for (k = 0; known[k]; k++)
		end += snprintf(end, sizeof(hint) - (size_t)(end - hint), "%s%s", k ? ", " : "",
				known[k]);
	return fail_policy(path, hint, "this list names none of the days it may, or another word",
			   err);
}

static int check_times(const json_t *policy, const char *path, bool needed, struct lf_error *err)
{
	const json_t *list = lf_json_at(policy, path), *row;
	int64_t ns;
	size_t i;

	if (needed && json_array_size(list) == 0)
		return fail_policy(path, "give at least one, as 2026-01-01T02:00:00Z",
				   "the policy's schedule never asks for a backup", err);
	if (list && !json_is_null(list) && !json_is_array(list))
		return fail_policy(path, "give a list of times", "this is no list", err);
	if (json_array_size(list) > RUN_TIMES_MAX)
		return fail_policy(path, "give an hourly schedule instead",
				   "a day has at most 24 backups", err);
	json_array_foreach (list, i, row)
		if (!lf_policy_time_of_day(row, &ns))
			return fail_policy(path,
					   "write 2026-01-01T02:00:00Z or 02:00:00Z: the clock of "
					   "the policy's timeZone",
					   "a time cannot be read", err);
	return 0;
}

static int check_hourly(const json_t *policy, struct lf_error *err)
{
	const json_t *hourly = lf_json_at(policy, "schedulePolicy.hourlySchedule");
	int64_t interval = lf_json_int_or(hourly, "interval", 0), start;
	int64_t window = lf_json_int_or(hourly, "scheduleWindowDuration", 0);

	if (interval < 1 || interval > 24 || window < 1 || window > 24)
		return fail_policy("schedulePolicy.hourlySchedule",
				   "interval and scheduleWindowDuration are 1 to 24 hours",
				   "the hourly schedule is no part of a day", err);
	return lf_policy_time_of_day(lf_json_at(policy, WINDOW_START), &start)
		       ? 0
		       : fail_policy(WINDOW_START, "write 2026-01-01T08:00:00Z or 08:00:00Z",
				     "the time cannot be read", err);
}

static int check_schedule(const json_t *policy, struct lf_error *err)
{
	const json_t *schedule = lf_json_at(policy, "schedulePolicy");
	bool v2 = lf_text_equal_nocase(lf_json_text_or(schedule, "schedulePolicyType", ""),
				       "SimpleSchedulePolicyV2"),
	     weekly = is_weekly(policy);
	const char *often = lf_json_text_or(schedule, "scheduleRunFrequency", "Daily");

	if (!schedule)
		return fail_policy(
			"schedulePolicy",
			"give scheduleRunFrequency and scheduleRunTimes (weekly ones also "
			"scheduleRunDays, hourly ones an hourlySchedule)",
			"the policy's schedule never asks for a backup", err);
	if (lf_text_equal_nocase(often, "Hourly"))
		return check_hourly(policy, err);
	v2 = v2 || lf_json_at(schedule, weekly ? "weeklySchedule" : "dailySchedule");
	int rc = check_times(policy, schedule_times[v2 ? (weekly ? 2 : 1) : 0], true, err);
	if (!rc && weekly)
		rc = check_words(policy,
				 v2 ? "schedulePolicy.weeklySchedule.scheduleRunDays"
				    : "schedulePolicy.scheduleRunDays",
				 lf_policy_days, err);
	return rc;
}

static int check_duration(const json_t *policy, const char *schedule, struct lf_error *err)
{
	char path[96], hint[96];

	snprintf(path, sizeof(path), "%s.retentionDuration", schedule);
	const json_t *duration = lf_json_at(policy, path), *count = lf_json_at(duration, "count");
	const struct lf_policy_unit *unit = lf_policy_unit(duration);
	if (unit && json_is_integer(count) && json_integer_value(count) >= 1 &&
	    json_integer_value(count) <= unit->max)
		return 0;
	snprintf(hint, sizeof(hint),
		 unit ? "a count of 1 to %lld %s" : "Days, Weeks, Months, Years",
		 unit ? (long long)unit->max : 0, unit ? unit->name : "");
	return fail_policy(path, hint, "backups cannot be kept for such a time", err);
}

static int check_days_of_month(const json_t *policy, const char *path, struct lf_error *err)
{
	const json_t *list = lf_json_at(policy, path), *row;
	bool good = json_array_size(list) > 0;
	size_t i;

	json_array_foreach (list, i, row) {
		int64_t date = lf_json_int_or(row, "date", 0);
		good = good && date >= 0 && date <= 31 &&
		       (date || lf_json_bool_or(row, "isLast", false));
	}
	return good ? 0
		    : fail_policy(path,
				  "give rows of {\"date\": 1 to 31, \"isLast\": true or false}",
				  "the list names no day of a month", err);
}

/* The days of a monthly or yearly retention. */
static int check_format(const json_t *policy, const char *schedule, struct lf_error *err)
{
	static const char *const parts[] = {"retentionScheduleDaily.daysOfTheMonth",
					    "retentionScheduleWeekly.daysOfTheWeek",
					    "retentionScheduleWeekly.weeksOfTheMonth"};
	char paths[LF_N(parts)][128], type[128];

	for (size_t i = 0; i < LF_N(parts); i++)
		snprintf(paths[i], sizeof(paths[i]), "%s.%s", schedule, parts[i]);
	snprintf(type, sizeof(type), "%s.retentionScheduleFormatType", schedule);
	const char *format = lf_json_text_or(policy, type, "");
	if (lf_text_equal_nocase(format, "Daily"))
		return check_days_of_month(policy, paths[0], err);
	if (!lf_text_equal_nocase(format, "Weekly"))
		return fail_policy(type, "Daily or Weekly", "the retention names no days", err);
	int rc = check_words(policy, paths[1], lf_policy_days, err);
	return rc ? rc : check_words(policy, paths[2], lf_policy_weeks, err);
}

static int check_retention(const json_t *policy, struct lf_error *err)
{
	static const char *const kinds[] = {
		"retentionPolicy.dailySchedule", "retentionPolicy.weeklySchedule",
		"retentionPolicy.monthlySchedule", "retentionPolicy.yearlySchedule"};
	bool there[LF_N(kinds)], any = false;
	int rc = 0;

	for (size_t i = 0; !rc && i < LF_N(kinds); i++) {
		there[i] = json_is_object(lf_json_at(policy, kinds[i]));
		any = any || there[i];
		rc = there[i] ? check_duration(policy, kinds[i], err) : 0;
		if (!rc)
			rc = check_times(policy, retention_times[i], false, err);
	}
	if (!rc && lf_json_at(policy, "retentionPolicy.retentionDuration"))
		return check_duration(policy, "retentionPolicy", err);
	if (!rc && !any)
		return fail_policy("retentionPolicy",
				   "give at least a dailySchedule with a retentionDuration",
				   "the policy does not say how long backups are kept", err);
	if (!rc && there[0] && is_weekly(policy))
		return fail_policy(kinds[0], "leave it out, or back up daily",
				   "a weekly schedule has no daily retention", err);
	if (!rc && there[1])
		rc = check_words(policy, "retentionPolicy.weeklySchedule.daysOfTheWeek",
				 lf_policy_days, err);
	if (!rc && there[2])
		rc = check_format(policy, kinds[2], err);
	if (!rc && there[3])
		rc = check_words(policy, "retentionPolicy.yearlySchedule.monthsOfYear",
				 lf_policy_months, err);
	return rc || !there[3] ? rc : check_format(policy, kinds[3], err);
}

static int check_instant(const json_t *policy, struct lf_error *err)
{
	int64_t days = lf_json_int_or(policy, INSTANT, 0);
	bool v2 = is_v2(policy), week = is_weekly(policy) && !v2;

	if (days >= (week ? 5 : 1) && days <= (v2 ? 30 : 5))
		return 0;
	return fail_policy(INSTANT,
			   v2	  ? "choose 1 to 30 days"
			   : week ? "a weekly schedule takes 5"
				  : "choose 1 to 5 days",
			   "instant recovery points cannot be kept so long", err);
}

/* Points are not moved to an archive here, so a policy that asks for it would be a promise. */
static int check_tiering(const json_t *policy, struct lf_error *err)
{
	const char *mode =
		lf_json_text_or(policy, "tieringPolicy.ArchivedRP.tieringMode", "DoNotTier");

	if (lf_text_equal_nocase(mode, "DoNotTier") || lf_text_equal_nocase(mode, "Invalid"))
		return 0;
	return lf_fail_arm(err, LF_EUNSUPPORTED, "BMSUserErrorTieringNotSupported",
			   "properties.tieringPolicy.ArchivedRP.tieringMode",
			   "leave it out, or write DoNotTier: all points stay in the vault",
			   "there is no archive that points could be moved to");
}

int lf_policy_check(const json_t *policy, struct lf_error *err)
{
	if (!lf_zone_find(lf_json_text_or(policy, "timeZone", "UTC")))
		return fail_policy("timeZone",
				   "write a zone as Windows names it, as Pacific "
				   "Standard Time, or UTC",
				   "there is no such time zone", err);
	int rc = check_schedule(policy, err);
	if (!rc)
		rc = check_retention(policy, err);
	if (!rc)
		rc = check_instant(policy, err);
	return rc ? rc : check_tiering(policy, err);
}
