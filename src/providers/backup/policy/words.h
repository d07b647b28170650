/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/policy/words.h - the words and numbers of a policy's document, which are checked
 * when it is written (check.c) and reckoned with when it is followed (retention.c).
 */
#ifndef LF_PROVIDERS_BACKUP_WORDS_H
#define LF_PROVIDERS_BACKUP_WORDS_H

#include "json/json.h"

/* NULL-ended; the first is Sunday, January. */
extern const char *const lf_policy_days[], *const lf_policy_months[];
extern const char *const lf_policy_weeks[]; /* of a month; "Last" is the fifth */

/* What a retentionDuration {"count", "durationType"} counts, and how many at most: 99 years. */
struct lf_policy_unit {
	const char *name;
	int64_t days, months;
	int64_t max;
};
#define LF_POLICY_UNITS 4
extern const struct lf_policy_unit lf_policy_units[LF_POLICY_UNITS];
/* NULL: no unit is called so; one that does not say counts days. */
const struct lf_policy_unit *lf_policy_unit(const json_t *duration);

/* The time of day of "2026-01-01T02:00:00Z", "02:00:00Z" or "02:00", in ns; false: it is none. */
bool lf_policy_time_of_day(const json_t *value, int64_t *ret_ns);

#endif
