/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/policy/retention.h - how long a policy keeps a point, and when it asks for the
 * next.
 *
 * Pure.  Times are read as UTC: the policy's time zone is
 * kept and shown, and not converted.
 */
#ifndef LF_PROVIDERS_BACKUP_RETENTION_H
#define LF_PROVIDERS_BACKUP_RETENTION_H

#include "json/json.h"

/*
 * Until when a policy ("properties" of its document) keeps a point of that time: the longest of
 * its daily, weekly, monthly and yearly retentions that the point's day belongs to.
 */
int64_t lf_policy_keep_until(const json_t *policy, int64_t time_ns);
/* Are its durations, counts and hours such as the service takes?  LF_EINVAL with the target. */
LF_MUST_CHECK int lf_policy_check(const json_t *policy, struct lf_error *err);
/* The last time at or before now_ns at which the policy's schedule asks for a backup; INT64_MIN:
 * it never does. */
int64_t lf_policy_last_due(const json_t *policy, int64_t now_ns);
/* The longest that it keeps any point, in ns. */
int64_t lf_policy_longest(const json_t *policy);

#endif
