/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones by the names of Windows: offsets, and the days on which clocks are changed, as the tz
 * database of 2026 has them for the place that CLDR gives for each name.  A table of our own, since
 * hosts may lack the database, or have one of another year than their neighbour.
 */
#include "providers/backup/policy/zone.h"

#include <time.h>

#define MINUTE_NS (60 * LF_NS_PER_S)

/* The day of a month on which clocks change, and when, in minutes of the wall clock before. */
struct change {
	int month, week, weekday; /* 1 to 12; 5: the last; 0: Sunday */
	int minutes;
};
struct lf_zone {
	const char *name;
	int standard, summer; /* minutes before UTC */
	struct change to_summer, to_standard;
};

/* clang-format off */
static const struct lf_zone zones[] = {
	{"AUS Central Standard Time", 570, 570},
	{"AUS Eastern Standard Time", 600, 660, {10, 1, 0, 120}, {4, 1, 0, 180}},
	{"Afghanistan Standard Time", 270, 270},
	{"Alaskan Standard Time", -540, -480, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Alberta Standard Time", -420, -360, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Aleutian Standard Time", -600, -540, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Altai Standard Time", 420, 420},
	{"Arab Standard Time", 180, 180},
	{"Arabian Standard Time", 240, 240},
	{"Arabic Standard Time", 180, 180},
	{"Argentina Standard Time", -180, -180},
	{"Astrakhan Standard Time", 240, 240},
	{"Atlantic Standard Time", -240, -180, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Aus Central W. Standard Time", 525, 525},
	{"Azerbaijan Standard Time", 240, 240},
	{"Azores Standard Time", -60, 0, {3, 5, 0, 0}, {10, 5, 0, 60}},
	{"Bahia Standard Time", -180, -180},
	{"Bangladesh Standard Time", 360, 360},
	{"Belarus Standard Time", 180, 180},
	{"Bougainville Standard Time", 660, 660},
	{"British Columbia Standard Time", -480, -420, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Canada Central Standard Time", -360, -360},
	{"Cape Verde Standard Time", -60, -60},
	{"Caucasus Standard Time", 240, 240},
	{"Cen. Australia Standard Time", 570, 630, {10, 1, 0, 120}, {4, 1, 0, 180}},
	{"Central America Standard Time", -360, -360},
	{"Central Asia Standard Time", 360, 360},
	{"Central Brazilian Standard Time", -240, -240},
	{"Central Europe Standard Time", 60, 120, {3, 5, 0, 120}, {10, 5, 0, 180}},
	{"Central European Standard Time", 60, 120, {3, 5, 0, 120}, {10, 5, 0, 180}},
	{"Central Pacific Standard Time", 660, 660},
	{"Central Standard Time", -360, -300, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Central Standard Time (Mexico)", -360, -360},
	{"Chatham Islands Standard Time", 765, 825, {9, 5, 0, 165}, {4, 1, 0, 225}},
	{"China Standard Time", 480, 480},
	{"Cuba Standard Time", -300, -240, {3, 2, 0, 0}, {11, 1, 0, 60}},
	{"Dateline Standard Time", -720, -720},
	{"E. Africa Standard Time", 180, 180},
	{"E. Australia Standard Time", 600, 600},
	{"E. Europe Standard Time", 120, 180, {3, 5, 0, 120}, {10, 5, 0, 180}},
	{"E. South America Standard Time", -180, -180},
	{"Easter Island Standard Time", -360, -300, {9, 1, 6, 1320}, {4, 1, 6, 1320}},
	{"Eastern Standard Time", -300, -240, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Eastern Standard Time (Mexico)", -300, -300},
	{"Egypt Standard Time", 120, 180, {4, 5, 5, 0}, {10, 5, 4, 1440}},
	{"Ekaterinburg Standard Time", 300, 300},
	{"FLE Standard Time", 120, 180, {3, 5, 0, 180}, {10, 5, 0, 240}},
	{"Fiji Standard Time", 720, 720},
	{"GMT Standard Time", 0, 60, {3, 5, 0, 60}, {10, 5, 0, 120}},
	{"GTB Standard Time", 120, 180, {3, 5, 0, 180}, {10, 5, 0, 240}},
	{"Georgian Standard Time", 240, 240},
	{"Greenland Standard Time", -120, -60, {3, 5, 0, -60}, {10, 5, 0, 0}},
	{"Greenwich Standard Time", 0, 0},
	{"Haiti Standard Time", -300, -240, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Hawaiian Standard Time", -600, -600},
	{"India Standard Time", 330, 330},
	{"Iran Standard Time", 210, 210},
	{"Israel Standard Time", 120, 180, {3, 4, 4, 1560}, {10, 5, 0, 120}},
	{"Jordan Standard Time", 180, 180},
	{"Kaliningrad Standard Time", 120, 120},
	{"Korea Standard Time", 540, 540},
	{"Libya Standard Time", 120, 120},
	{"Line Islands Standard Time", 840, 840},
	{"Lord Howe Standard Time", 630, 660, {10, 1, 0, 120}, {4, 1, 0, 120}},
	{"Magadan Standard Time", 660, 660},
	{"Magallanes Standard Time", -180, -180},
	{"Manitoba Standard Time", -360, -300, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Marquesas Standard Time", -570, -570},
	{"Mauritius Standard Time", 240, 240},
	{"Middle East Standard Time", 120, 180, {3, 5, 0, 0}, {10, 5, 0, 0}},
	{"Montevideo Standard Time", -180, -180},
	{"Morocco Standard Time", 60, 60},
	{"Mountain Standard Time", -420, -360, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Mountain Standard Time (Mexico)", -420, -420},
	{"Myanmar Standard Time", 390, 390},
	{"N. Central Asia Standard Time", 420, 420},
	{"Namibia Standard Time", 120, 120},
	{"Nepal Standard Time", 345, 345},
	{"New Zealand Standard Time", 720, 780, {9, 5, 0, 120}, {4, 1, 0, 180}},
	{"Newfoundland Standard Time", -210, -150, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Norfolk Standard Time", 660, 720, {10, 1, 0, 120}, {4, 1, 0, 180}},
	{"North Asia East Standard Time", 480, 480},
	{"North Asia Standard Time", 420, 420},
	{"North Korea Standard Time", 540, 540},
	{"Omsk Standard Time", 360, 360},
	{"Pacific SA Standard Time", -240, -180, {9, 1, 6, 1440}, {4, 1, 6, 1440}},
	{"Pacific Standard Time", -480, -420, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Pacific Standard Time (Mexico)", -480, -420, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Pakistan Standard Time", 300, 300},
	{"Paraguay Standard Time", -180, -180},
	{"Qyzylorda Standard Time", 300, 300},
	{"Romance Standard Time", 60, 120, {3, 5, 0, 120}, {10, 5, 0, 180}},
	{"Russia Time Zone 10", 660, 660},
	{"Russia Time Zone 11", 720, 720},
	{"Russia Time Zone 3", 240, 240},
	{"Russian Standard Time", 180, 180},
	{"SA Eastern Standard Time", -180, -180},
	{"SA Pacific Standard Time", -300, -300},
	{"SA Western Standard Time", -240, -240},
	{"SE Asia Standard Time", 420, 420},
	{"Saint Pierre Standard Time", -180, -120, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"Sakhalin Standard Time", 660, 660},
	{"Samoa Standard Time", 780, 780},
	{"Sao Tome Standard Time", 0, 0},
	{"Saratov Standard Time", 240, 240},
	{"Singapore Standard Time", 480, 480},
	{"South Africa Standard Time", 120, 120},
	{"South Sudan Standard Time", 120, 120},
	{"Sri Lanka Standard Time", 330, 330},
	{"Sudan Standard Time", 120, 120},
	{"Syria Standard Time", 180, 180},
	{"Taipei Standard Time", 480, 480},
	{"Tasmania Standard Time", 600, 660, {10, 1, 0, 120}, {4, 1, 0, 180}},
	{"Tocantins Standard Time", -180, -180},
	{"Tokyo Standard Time", 540, 540},
	{"Tomsk Standard Time", 420, 420},
	{"Tonga Standard Time", 780, 780},
	{"Transbaikal Standard Time", 540, 540},
	{"Turkey Standard Time", 180, 180},
	{"Turks And Caicos Standard Time", -300, -240, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"US Eastern Standard Time", -300, -240, {3, 2, 0, 120}, {11, 1, 0, 120}},
	{"US Mountain Standard Time", -420, -420},
	{"UTC", 0, 0},
	{"UTC+12", 720, 720},
	{"UTC+13", 780, 780},
	{"UTC-02", -120, -120},
	{"UTC-08", -480, -480},
	{"UTC-09", -540, -540},
	{"UTC-11", -660, -660},
	{"Ulaanbaatar Standard Time", 480, 480},
	{"Venezuela Standard Time", -240, -240},
	{"Vladivostok Standard Time", 600, 600},
	{"Volgograd Standard Time", 180, 180},
	{"W. Australia Standard Time", 480, 480},
	{"W. Central Africa Standard Time", 60, 60},
	{"W. Europe Standard Time", 60, 120, {3, 5, 0, 120}, {10, 5, 0, 180}},
	{"W. Mongolia Standard Time", 420, 420},
	{"West Asia Standard Time", 300, 300},
	{"West Bank Standard Time", 120, 180, {3, 4, 4, 3000}, {10, 4, 4, 3000}},
	{"West Pacific Standard Time", 600, 600},
	{"Yakutsk Standard Time", 540, 540},
	{"Yukon Standard Time", -420, -420},
};
/* clang-format on */

const struct lf_zone *lf_zone_find(const char *name)
{
	for (size_t i = 0; i < LF_N(zones); i++)
		if (lf_text_equal_nocase(zones[i].name, name))
			return &zones[i];
	return NULL;
}

/* The wall clock's time of a change in a year (since 1900). */
static int64_t change_in(const struct change *change, int year)
{
	struct tm first = {.tm_year = year, .tm_mon = change->month - 1, .tm_mday = 1};
	struct tm next = {.tm_year = year, .tm_mon = change->month, .tm_mday = 1};
	int64_t begin = timegm(&first), end = timegm(&next);
	int64_t day = (change->weekday - first.tm_wday + 7) % 7 + 7 * (change->week - 1);

	while (begin + day * 86400 >= end)
		day -= 7;
	return (begin + day * 86400) * LF_NS_PER_S + change->minutes * MINUTE_NS;
}

static bool is_summer(const struct lf_zone *zone, int64_t utc_ns)
{
	int64_t local = utc_ns + zone->standard * MINUTE_NS;
	time_t seconds = (time_t)(local / LF_NS_PER_S);
	struct tm date;

	if (zone->standard == zone->summer)
		return false;
	gmtime_r(&seconds, &date);
	int64_t begin = change_in(&zone->to_summer, date.tm_year) - zone->standard * MINUTE_NS;
	int64_t end = change_in(&zone->to_standard, date.tm_year) - zone->summer * MINUTE_NS;
	return begin < end ? utc_ns >= begin && utc_ns < end : utc_ns >= begin || utc_ns < end;
}

int64_t lf_zone_local(const struct lf_zone *zone, int64_t utc_ns)
{
	if (!zone)
		return utc_ns;
	return utc_ns + (is_summer(zone, utc_ns) ? zone->summer : zone->standard) * MINUTE_NS;
}

int64_t lf_zone_utc(const struct lf_zone *zone, int64_t local_ns)
{
	if (!zone)
		return local_ns;
	int64_t summer = local_ns - zone->summer * MINUTE_NS;
	return is_summer(zone, summer) ? summer : local_ns - zone->standard * MINUTE_NS;
}
