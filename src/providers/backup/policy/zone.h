/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/policy/zone.h - the wall clock of a policy's time zone, by the names that
 * Windows gives them ("Pacific Standard Time").
 *
 * A local time is in ns since 1970 as the wall clock shows it, as if it were UTC's.  The rules are
 * those of today, for every year.  Pure; any thread; times within LF_ZONE_TIME_MAX_NS of 1970.
 */
#ifndef LF_PROVIDERS_BACKUP_ZONE_H
#define LF_PROVIDERS_BACKUP_ZONE_H

#include <stdint.h>

#include "base/text.h"

#define LF_ZONE_TIME_MAX_NS ((int64_t)150 * 365 * 86400 * LF_NS_PER_S)

struct lf_zone;
/* In any case; NULL: there is no zone of that name.  Static. */
const struct lf_zone *lf_zone_find(const char *name);
/* NULL counts as UTC in both. */
int64_t lf_zone_local(const struct lf_zone *zone, int64_t utc_ns);
/* A wall clock's time that a day lacks is as much later; of one that it has twice, the first. */
int64_t lf_zone_utc(const struct lf_zone *zone, int64_t local_ns);

#endif
