/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/care/usage.h - who takes the space: what a point holds and shares, and what
 * letting go of points would free.
 *
 * Cost: each disk map is walked once, whatever the points share; a bit a chunk
 * of memory.  Threads: one such question, or a collection, at a time.
 */
#ifndef LF_VAULT_CARE_USAGE_H
#define LF_VAULT_CARE_USAGE_H

#include "vault/point/point.h"

/*
 * {"point", "time", "disks": [{"name", "sizeBytes", "mappedBytes"}], "logicalBytes": of the disks,
 * "mappedBytes": not holes, "plainBytes", "storedBytes": of all it needs, once each,
 * "uniquePlainBytes", "uniqueStoredBytes": that no other point needs, "sharedStoredBytes",
 * "transfer": how it came to be, as its manifest says, or null}.  LF_ENOTFOUND: no such point.
 */
LF_MUST_CHECK int lf_vault_explain(struct lf_vault *vault, const char *point, json_t **ret_report,
				   struct lf_error *err);

/*
 * What a collection would free if these points were not there.  drop: {id: true}.
 * {"freedBytes", "keptBytes": of records, "garbageBytes": of records that no point needs today}.
 */
LF_MUST_CHECK int lf_vault_simulate(struct lf_vault *vault, const json_t *drop, json_t **ret_report,
				    struct lf_error *err);

#endif
