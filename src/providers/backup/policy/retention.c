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
#include "providers/backup/policy/words.h"
#include "providers/backup/policy/zone.h"

#define DAY_NS	     ((int64_t)24 * 3600 * LF_NS_PER_S)
#define DEFAULT_DAYS 30
#define HOUR_NS	     (3600 * LF_NS_PER_S)

/* Local time. */
static void day_of(int64_t time_ns, struct tm *ret_day)
{
	time_t seconds = (time_t)(time_ns / LF_NS_PER_S);

	gmtime_r(&seconds, ret_day);
}

static const struct lf_zone *zone_of(const json_t *policy)
{
	return lf_zone_find(lf_json_text_or(policy, "timeZone", "UTC"));
}

/* Whatever a clock or a peer says, a time that can be reckoned with. */
static int64_t bounded(int64_t time_ns)
{
	return time_ns < -LF_ZONE_TIME_MAX_NS  ? -LF_ZONE_TIME_MAX_NS
	       : time_ns > LF_ZONE_TIME_MAX_NS ? LF_ZONE_TIME_MAX_NS
					       : time_ns;
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

	return has_word(lf_json_at(format, "daysOfTheWeek"), lf_policy_days[day->tm_wday]) &&
	       ((week < 4 && has_word(of_month, lf_policy_weeks[week])) ||
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

/* The same day and time so many months later; the month's last where it has no such day. */
static int64_t add_months(int64_t local_ns, int64_t count)
{
	struct tm day, first;

	day_of(local_ns, &day);
	first = (struct tm){
		.tm_year = day.tm_year, .tm_mon = day.tm_mon + (int)count, .tm_mday = 1};
	int64_t begin = timegm(&first);
	int last = days_in_month(&first), mday = day.tm_mday < last ? day.tm_mday : last;
	return (begin + (mday - 1) * 86400) * LF_NS_PER_S + (local_ns % DAY_NS + DAY_NS) % DAY_NS;
}

/* Of any document, a peer's and an old one too: what is out of bounds keeps longest, 99 years. */
static int64_t add_duration(int64_t local_ns, const json_t *duration)
{
	const struct lf_policy_unit *unit = lf_policy_unit(duration);
	int64_t count = lf_json_int_or(duration, "count", 0);

	if (!unit || count < 0 || count > unit->max)
		return add_months(local_ns, 99 * 12);
	return unit->months ? add_months(local_ns, count * unit->months)
			    : local_ns + count * unit->days * DAY_NS;
}

static void take_longer(const json_t *schedule, bool belongs, int64_t local_ns, int64_t *until_ns)
{
	const json_t *duration = lf_json_at(schedule, "retentionDuration");

	if (!duration || !belongs)
		return;
	int64_t until = add_duration(local_ns, duration);
	if (until > *until_ns)
		*until_ns = until;
}

int64_t lf_policy_keep_until(const json_t *policy, int64_t time_ns)
{
	const json_t *retention = lf_json_at(policy, "retentionPolicy");
	const json_t *weekly = lf_json_at(retention, "weeklySchedule");
	const json_t *monthly = lf_json_at(retention, "monthlySchedule");
	const json_t *yearly = lf_json_at(retention, "yearlySchedule");
	const struct lf_zone *zone = zone_of(policy);
	int64_t local = lf_zone_local(zone, bounded(time_ns)), until = INT64_MIN;
	struct tm day;

	day_of(local, &day);
	take_longer(retention, true, local, &until); /* a simple policy */
	take_longer(lf_json_at(retention, "dailySchedule"), true, local, &until);
	take_longer(weekly,
		    has_word(lf_json_at(weekly, "daysOfTheWeek"), lf_policy_days[day.tm_wday]),
		    local, &until);
	take_longer(monthly, is_formatted_day(monthly, &day), local, &until);
	take_longer(yearly,
		    has_word(lf_json_at(yearly, "monthsOfYear"), lf_policy_months[day.tm_mon]) &&
			    is_formatted_day(yearly, &day),
		    local, &until);
	/* a point of a day that no retention is for: as long as an instant one */
	if (until == INT64_MIN)
		until = local + DAY_NS * (lf_json_at(retention, "retentionPolicyType")
						  ? lf_policy_instant_days(policy)
						  : DEFAULT_DAYS);
	return lf_zone_utc(zone, until);
}

int64_t lf_policy_instant_days(const json_t *policy)
{
	int64_t days = lf_json_int_or(policy, "instantRpRetentionRangeInDays", 2);

	return days >= 0 && days <= 9999 ? days : 9999;
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

/* The latest of the times that is not after now, of one day's. */
static void take_due(const struct lf_zone *zone, int64_t local_ns, int64_t now_ns, int64_t *due_ns)
{
	int64_t when = lf_zone_utc(zone, local_ns);

	if (when <= now_ns && when > *due_ns)
		*due_ns = when;
}

static int64_t last_hourly(const json_t *hourly, const struct lf_zone *zone, int64_t now_ns)
{
	int64_t interval, window, start;
	int64_t due = INT64_MIN, today = lf_zone_local(zone, now_ns) / DAY_NS;

	if (!lf_checked_mul(lf_json_int_or(hourly, "interval", 4), HOUR_NS, &interval) ||
	    !lf_checked_mul(lf_json_int_or(hourly, "scheduleWindowDuration", 24), HOUR_NS,
			    &window) ||
	    interval <= 0 || interval > DAY_NS ||
	    !lf_policy_time_of_day(lf_json_at(hourly, "scheduleWindowStartTime"), &start))
		return due;
	for (int back = 1; back >= 0; back--)
		for (int64_t at = 0; at <= window && at < DAY_NS; at += interval)
			take_due(zone, (today - back) * DAY_NS + start + at, now_ns, &due);
	return due;
}

int64_t lf_policy_last_due(const json_t *policy, int64_t now_ns)
{
	const json_t *schedule = lf_json_at(policy, "schedulePolicy");
	const struct lf_zone *zone = zone_of(policy);
	const char *often = lf_json_text_or(schedule, "scheduleRunFrequency", "Daily");
	bool weekly = lf_text_equal_nocase(often, "Weekly");
	const json_t *v2 = lf_json_at(schedule, weekly ? "weeklySchedule" : "dailySchedule");
	const json_t *part = v2 ? v2 : schedule, *row;
	const json_t *days = lf_json_at(part, "scheduleRunDays");
	int64_t due = INT64_MIN, now = bounded(now_ns), at;
	int64_t today = lf_zone_local(zone, now) / DAY_NS;
	size_t i;

	if (lf_text_equal_nocase(often, "Hourly"))
		return last_hourly(lf_json_at(schedule, "hourlySchedule"), zone, now);
	json_array_foreach (lf_json_at(part, "scheduleRunTimes"), i, row)
		for (int back = 0; lf_policy_time_of_day(row, &at) && back <= 8; back++) {
			struct tm day;
			day_of((today - back) * DAY_NS, &day);
			if (!weekly || has_word(days, lf_policy_days[day.tm_wday]))
				take_due(zone, (today - back) * DAY_NS + at, now, &due);
		}
	return due;
}
