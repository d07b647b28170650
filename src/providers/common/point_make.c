/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/point_make.h"

#include "vault/lease.h"

int lf_point_make(struct lf_stores stores, const struct lf_point_making *making,
		  struct lf_error *err)
{
	LF_AUTO_JSON *manifest = NULL;
	struct lf_vault *vault = NULL;

	int rc = lf_regions_vault(stores.regions, making->region, &vault, err);
	if (!rc)
		rc = lf_lease_begin(vault, making->lease, err);
	if (!rc)
		rc = making->fill(making->context, vault, &manifest, err);
	if (!rc)
		rc = lf_point_put(vault, making->point, manifest, making->claim, LF_CLAIM_FOREVER,
				  err);
	return rc ? rc : lf_lease_end(vault, making->lease, err);
}
