/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/open/regions.h - the vaults of the regions that this site serves.
 *
 * DIR/regions/REGION/store each, opened (and made) at first use, all under the
 * platform key DIR/keys/platform.key, and in one deduplication domain.  What
 * was made is recorded (vault/open/regionrecord.h): where a store has been, neither
 * an empty one nor another platform key is made in its place.  Threads: any.
 */
#ifndef LF_VAULT_OPEN_REGIONS_H
#define LF_VAULT_OPEN_REGIONS_H

#include "vault/vault.h"

struct lf_regions;
/* LF_EDENIED: the platform key of the stores that are recorded is missing ("PlatformKeyMissing"),
 * or is another one. */
LF_MUST_CHECK int lf_regions_open(const char *data_dir, struct lf_regions **ret_regions,
				  struct lf_error *err);
void lf_regions_free(struct lf_regions *regions);
/* Borrowed until lf_regions_free().  LF_EUNREACHABLE "RegionStoreMissing": it was made and is
 * away. */
LF_MUST_CHECK int lf_regions_vault(struct lf_regions *regions, const char *region,
				   struct lf_vault **ret_vault, struct lf_error *err);
/* The same of a region whose store is there: what only reads or lets go never makes one.
 * LF_ENOTFOUND: none was made. */
LF_MUST_CHECK int lf_regions_find(struct lf_regions *regions, const char *region,
				  struct lf_vault **ret_vault, struct lf_error *err);
/* The same of a region whose vault has to be in a domain (32 bytes): one that is not there is made
 * in it.  LF_ECONFLICT: it is in another. */
LF_MUST_CHECK int lf_regions_join(struct lf_regions *regions, const char *region,
				  const uint8_t *id_key, struct lf_vault **ret_vault,
				  struct lf_error *err);
/* Directory and key file of a region's vault, for programs that open it read-only; free() both. */
LF_MUST_CHECK int lf_regions_paths(struct lf_regions *regions, const char *region, char **ret_dir,
				   char **ret_key_file, struct lf_error *err);

#endif
