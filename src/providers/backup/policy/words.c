/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/backup/policy/words.h"

#include <string.h>
#include <time.h>

#include "base/text.h"

const char *const lf_policy_days[] = {"Sunday",	  "Monday", "Tuesday",	"Wednesday",
				      "Thursday", "Friday", "Saturday", NULL};
const char *const lf_policy_months[] = {"January",  "February", "March",  "April",     "May",
					"June",	    "July",	"August", "September", "October",
					"November", "December", NULL};
const char *const lf_policy_weeks[] = {"First", "Second", "Third", "Fourth", "Last", NULL};

const struct lf_policy_unit lf_policy_units[LF_POLICY_UNITS] = {
	{"Days", 1, 0, 9999},
	{"Weeks", 7, 0, 5163},
	{"Months", 0, 1, 1188},
	{"Years", 0, 12, 99},
};

const struct lf_policy_unit *lf_policy_unit(const json_t *duration)
{
	const char *name = lf_json_text_or(duration, "durationType", "Days");

	for (size_t i = 0; i < LF_POLICY_UNITS; i++)
		if (lf_text_equal_nocase(lf_policy_units[i].name, name))
			return &lf_policy_units[i];
	return NULL;
}

/* The clock of the policy's zone, so no other offset. */
bool lf_policy_time_of_day(const json_t *value, int64_t *ret_ns)
{
	struct tm tm = {0};
	const char *text = json_string_value(value), *clock = text ? strchr(text, 'T') : NULL, *end;

	if (!text)
		return false;
	end = strptime(text, clock ? "%Y-%m-%dT%H:%M" : "%H:%M", &tm);
	if (end && *end == ':')
		end = strptime(end, ":%S", &tm);
	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (!end || tm.tm_sec > 59 ||
	    (*end && strcasecmp(end, "Z") != 0 && strcmp(end, "+00:00") != 0))
		return false;
	*ret_ns = ((tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec) * LF_NS_PER_S;
	return true;
}
