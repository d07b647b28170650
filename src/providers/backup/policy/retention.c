/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy's arithmetic: which schedules a point's day belongs to, of which the longest retention
 * holds; and when the schedule last asked for a backup.  Policies may be a peer's, or old: whatever
 * they say, a time comes of it.
 */
#include "providers/backup/policy/retention.h"

#include <string.h>
#include <time.h>

#include "base/checked.h"
#include "base/text.h"
#include "json/json.h"

#define DAY_NS	      ((int64_t)24 * 3600 * LF_NS_PER_S)
#define DEFAULT_DAYS  30
#define LONGEST_NS    (99 * 365 * DAY_NS)
#define RUN_TIMES_MAX 24u
#define HOUR_NS	      (3600 * LF_NS_PER_S)

static const char *const week_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
					"Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January",	  "February", "March",	  "April",
				     "May",	  "June",     "July",	  "August",
				     "September", "October",  "November", "December"};
static const char *const weeks[] = {"First", "Second", "Third", "Fourth"};

static void day_of(int64_t time_ns, struct tm *ret_day)
{
	time_t seconds = (time_t)(time_ns / LF_NS_PER_S);

	gmtime_r(&seconds, ret_day);
}

static int days_in_month(const struct tm *day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = day->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[day->tm_mon] + (day->tm_mon == 1 && leap);
}

static bool has_word(const json_t *words, const char *word)
{
	const json_t *row;
	size_t i;

	json_array_foreach (words, i, row)
		if (json_is_string(row) && lf_text_equal_nocase(json_string_value(row), word))
			return true;
	return false;
}

/* "weeksOfTheMonth" and "daysOfTheWeek" of a monthly or yearly retention. */
static bool is_weekly_day(const json_t *format, const struct tm *day)
{
	const json_t *of_month = lf_json_at(format, "weeksOfTheMonth");
	int week = (day->tm_mday - 1) / 7;
	bool last = day->tm_mday + 7 > days_in_month(day);

	return has_word(lf_json_at(format, "daysOfTheWeek"), week_days[day->tm_wday]) &&
	       ((week < 4 && has_word(of_month, weeks[week])) ||
		(last && has_word(of_month, "Last")));
}

static bool is_daily_day(const json_t *format, const struct tm *day)
{
	const json_t *row;
	size_t i;

	json_array_foreach (lf_json_at(format, "daysOfTheMonth"), i, row)
		if (lf_json_int_or(row, "date", 0) == day->tm_mday ||
		    (lf_json_bool_or(row, "isLast", false) && day->tm_mday == days_in_month(day)))
			return true;
	return false;
}

static bool is_formatted_day(const json_t *schedule, const struct tm *day)
{
	bool daily = lf_text_equal_nocase(
		lf_json_text_or(schedule, "retentionScheduleFormatType", ""), "Daily");

	return daily ? is_daily_day(lf_json_at(schedule, "retentionScheduleDaily"), day)
		     : is_weekly_day(lf_json_at(schedule, "retentionScheduleWeekly"), day);
}

/* A retentionDuration is {"count", "durationType"}; what the service takes of each, 99 years at
 * most. */
static const struct unit {
	const char *name;
	int64_t days, max;
} units[] = {
	{"Days", 1, 9999},
	{"Weeks", 7, 5163},
	{"Months", 30, 1188},
	{"Years", 365, 99},
};

static const struct unit *unit_of(const json_t *duration)
{
	const char *name = lf_json_text_or(duration, "durationType", "Days");

	for (size_t i = 0; i < LF_N(units); i++)
		if (lf_text_equal_nocase(units[i].name, name))
			return &units[i];
	return NULL;
}

/* Of any document, a peer's and an old one too: what is out of bounds keeps longest. */
static int64_t duration_ns(const json_t *duration)
{
	const struct unit *unit = unit_of(duration);
	int64_t count = lf_json_int_or(duration, "count", 0);

	return unit && count >= 0 && count <= unit->max ? count * unit->days * DAY_NS : LONGEST_NS;
}

static void take_longer(const json_t *schedule, bool belongs, int64_t time_ns, int64_t *until_ns)
{
	const json_t *duration = lf_json_at(schedule, "retentionDuration");
	int64_t until = INT64_MAX;

	if (!duration || !belongs)
		return;
	if (!lf_checked_add(time_ns, duration_ns(duration), &until) || until > *until_ns)
		*until_ns = until;
}

static int check_duration(const json_t *retention, const char *schedule, struct lf_error *err)
{
	char path[64], target[96], hint[96];

	snprintf(path, sizeof(path), "%s%sretentionDuration", schedule, schedule[0] ? "." : "");
	snprintf(target, sizeof(target), "properties.retentionPolicy.%s", path);
	const json_t *duration = lf_json_at(retention, path);
	const struct unit *unit = unit_of(duration);
	int64_t count = lf_json_int_or(duration, "count", 0);
	if (!duration || (unit && count >= 1 && count <= unit->max))
		return 0;
	snprintf(hint, sizeof(hint), unit ? "1 to %lld %s" : "Days, Weeks, Months or Years",
		 unit ? (long long)unit->max : 0, unit ? unit->name : "");
	return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidPolicyInput", target, hint,
			   "backups cannot be kept for such a time");
}

int lf_policy_check(const json_t *policy, struct lf_error *err)
{
	static const char *const schedules[] = {"", "dailySchedule", "weeklySchedule",
						"monthlySchedule", "yearlySchedule"};
	const json_t *schedule = lf_json_at(policy, "schedulePolicy");
	const json_t *hourly = lf_json_at(schedule, "hourlySchedule");
	static const char *const times[] = {"scheduleRunTimes", "dailySchedule.scheduleRunTimes",
					    "weeklySchedule.scheduleRunTimes"};
	int64_t interval = lf_json_int_or(hourly, "interval", 4);
	int64_t window = lf_json_int_or(hourly, "scheduleWindowDuration", 24);
	int rc = 0;

	for (size_t i = 0; !rc && i < LF_N(schedules); i++)
		rc = check_duration(lf_json_at(policy, "retentionPolicy"), schedules[i], err);
	if (!rc && (interval < 1 || interval > 24 || window < 1 || window > 24))
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidPolicyInput",
				   "properties.schedulePolicy.hourlySchedule",
				   "interval and scheduleWindowDuration are 1 to 24 hours",
				   "the hourly schedule is no part of a day");
	for (size_t i = 0; !rc && i < LF_N(times); i++)
		if (json_array_size(lf_json_at(schedule, times[i])) > RUN_TIMES_MAX)
			rc = lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidPolicyInput",
					 "properties.schedulePolicy",
					 "give an hourly schedule instead",
					 "a day has at most %u backups", RUN_TIMES_MAX);
	return rc;
}

int64_t lf_policy_keep_until(const json_t *policy, int64_t time_ns)
{
	const json_t *retention = lf_json_at(policy, "retentionPolicy");
	const json_t *weekly = lf_json_at(retention, "weeklySchedule");
	const json_t *monthly = lf_json_at(retention, "monthlySchedule");
	const json_t *yearly = lf_json_at(retention, "yearlySchedule");
	int64_t until = INT64_MIN;
	struct tm day;

	day_of(time_ns, &day);
	take_longer(retention, true, time_ns, &until); /* a simple policy */
	take_longer(lf_json_at(retention, "dailySchedule"), true, time_ns, &until);
	take_longer(weekly, has_word(lf_json_at(weekly, "daysOfTheWeek"), week_days[day.tm_wday]),
		    time_ns, &until);
	take_longer(monthly, is_formatted_day(monthly, &day), time_ns, &until);
	take_longer(yearly,
		    has_word(lf_json_at(yearly, "monthsOfYear"), months[day.tm_mon]) &&
			    is_formatted_day(yearly, &day),
		    time_ns, &until);
	/* a point of a day that no retention is for: as long as an instant one */
	int64_t instant = lf_json_int_or(policy, "instantRpRetentionRangeInDays", 2);
	if (until == INT64_MIN && lf_json_at(retention, "retentionPolicyType"))
		return time_ns + instant * DAY_NS;
	return until == INT64_MIN ? time_ns + DEFAULT_DAYS * DAY_NS : until;
}

int64_t lf_policy_longest(const json_t *policy)
{
	/* a day that every schedule may be for cannot be had: so the longest of each kind */
	static const char *const kinds[] = {"dailySchedule", "weeklySchedule", "monthlySchedule",
					    "yearlySchedule"};
	const json_t *retention = lf_json_at(policy, "retentionPolicy");
	int64_t longest = 0;

	take_longer(retention, true, 0, &longest);
	for (size_t i = 0; i < LF_N(kinds); i++)
		take_longer(lf_json_at(retention, kinds[i]), true, 0, &longest);
	return longest;
}

/* The time of day of a scheduleRunTimes entry, as ns. */
static int64_t time_of_day(const json_t *row)
{
	struct lf_error ignored;
	int64_t time;

	if (!json_is_string(row) || lf_time_parse(json_string_value(row), &time, &ignored))
		return -1;
	return (time % DAY_NS + DAY_NS) % DAY_NS;
}

static int64_t last_hourly(const json_t *hourly, int64_t now_ns)
{
	int64_t interval, window;
	int64_t start = time_of_day(lf_json_at(hourly, "scheduleWindowStartTime"));
	int64_t due = INT64_MIN;

	if (!lf_checked_mul(lf_json_int_or(hourly, "interval", 4), HOUR_NS, &interval) ||
	    !lf_checked_mul(lf_json_int_or(hourly, "scheduleWindowDuration", 24), HOUR_NS,
			    &window) ||
	    interval <= 0 || interval > DAY_NS || start < 0)
		return due;
	for (int back = 1; back >= 0; back--)
		for (int64_t at = 0; at <= window && at < DAY_NS; at += interval) {
			int64_t when = (now_ns / DAY_NS - back) * DAY_NS + start + at;
			due = when <= now_ns && when > due ? when : due;
		}
	return due;
}

int64_t lf_policy_last_due(const json_t *policy, int64_t now_ns)
{
	const json_t *schedule = lf_json_at(policy, "schedulePolicy");
	const char *often = lf_json_text_or(schedule, "scheduleRunFrequency", "Daily");
	bool weekly = lf_text_equal_nocase(often, "Weekly");
	const json_t *v2 = lf_json_at(schedule, weekly ? "weeklySchedule" : "dailySchedule");
	const json_t *part = v2 ? v2 : schedule;
	const json_t *days = lf_json_at(part, "scheduleRunDays");
	int64_t due = INT64_MIN;
	const json_t *row;
	size_t i;

	if (lf_text_equal_nocase(often, "Hourly"))
		return last_hourly(lf_json_at(schedule, "hourlySchedule"), now_ns);
	json_array_foreach (lf_json_at(part, "scheduleRunTimes"), i, row) {
		int64_t at = time_of_day(row);
		for (int back = 0; at >= 0 && back <= 7; back++) {
			int64_t when = (now_ns / DAY_NS - back) * DAY_NS + at;
			struct tm day;
			day_of(when, &day);
			if (when <= now_ns && when > due &&
			    (!weekly || has_word(days, week_days[day.tm_wday])))
				due = when;
		}
	}
	return due;
}
