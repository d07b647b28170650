/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/open/regionrecord.h - DIR/regions.json: the regions whose stores a site has
 * made, so that a store that is away is not taken for one that never was.
 *
 * A region is recorded once its store is there; only an operator's word takes
 * it out (lf_region_record_forget).  The file lies outside regions/, which may
 * be a mount of its own.  Threads: one at a time.
 */
#ifndef LF_VAULT_OPEN_REGIONRECORD_H
#define LF_VAULT_OPEN_REGIONRECORD_H

#include "json/json.h"

struct lf_region_record {
	char *path;    /* DIR/regions.json */
	char *regions; /* DIR/regions */
	json_t *names; /* array of texts */
	bool changed;  /* there is more in names than in the file */
};

/*
 * Read it, with the stores that lie in DIR/regions without being in it; nothing is written.
 * LF_ECORRUPT: damaged.  LF_EUNSUPPORTED: a newer version's.
 */
LF_MUST_CHECK int lf_region_record_open(const char *data_dir, struct lf_region_record *ret_record,
					struct lf_error *err);
void lf_region_record_done(struct lf_region_record *record);
bool lf_region_record_has(const struct lf_region_record *record, const char *name);
/* Durable; recorded already is fine. */
LF_MUST_CHECK int lf_region_record_add(struct lf_region_record *record, const char *name,
				       struct lf_error *err);
/* Write what has changed. */
LF_MUST_CHECK int lf_region_record_save(struct lf_region_record *record, struct lf_error *err);
/* Is the store of a region there (DIR/regions/NAME/store/vault.json)? */
bool lf_region_record_there(const struct lf_region_record *record, const char *name);
/* Forget the regions whose stores are not there: landfalld --accept-loss regions. */
LF_MUST_CHECK int lf_region_record_forget(const char *data_dir, struct lf_error *err);

#endif
