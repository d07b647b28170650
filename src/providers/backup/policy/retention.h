/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/policy/retention.h - how long a policy keeps a point, and when it asks for the
 * next.
 *
 * Pure.  Days and times of day are those of the policy's time zone (zone.h), months and years the
 * calendar's: a point of 31 January that is kept for a month is kept until 28 or 29 February.
 */
#ifndef LF_PROVIDERS_BACKUP_RETENTION_H
#define LF_PROVIDERS_BACKUP_RETENTION_H

#include "json/json.h"

/*
 * Until when a policy ("properties" of its document) keeps a point of that time: the longest of
 * its daily, weekly, monthly and yearly retentions that the point's day belongs to.
 */
int64_t lf_policy_keep_until(const json_t *policy, int64_t time_ns);
/* The days for which a point can be restored at once; also of one that no retention is for. */
int64_t lf_policy_instant_days(const json_t *policy);
/* Is it one that asks for backups, and keeps them, as the service takes them?  LF_EINVAL
 * "BMSUserErrorInvalidPolicyInput" with the target; LF_EUNSUPPORTED. */
LF_MUST_CHECK int lf_policy_check(const json_t *policy, struct lf_error *err);
/* What a client left out or wrote shorter, in place, as it will be shown: times of day alone become
 * times with a date; the days of instant restore are those of before (may be NULL), or the
 * service's. */
LF_MUST_CHECK int lf_policy_complete(json_t *policy, const json_t *before, struct lf_error *err);
/* The last time at or before now_ns at which the policy's schedule asks for a backup; INT64_MIN:
 * it never does. */
int64_t lf_policy_last_due(const json_t *policy, int64_t now_ns);
/* The longest that it keeps any point, in ns, as of 1970: for comparisons. */
int64_t lf_policy_longest(const json_t *policy);

#endif
