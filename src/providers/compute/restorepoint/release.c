/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/compute/restorepoint/restorepoint.h"
#include "vault/point/point.h"

int lf_restore_point_release(struct lf_context *context, const struct lf_resource *point,
			     struct lf_error *err)
{
	const char *region = lf_json_text(point->state, "region");
	const char *id = lf_json_text(point->state, "point");
	struct lf_vault *vault = NULL;

	if (!region || !id)
		return 0;
	int rc = lf_regions_vault(context->regions, region, &vault, err);
	return rc ? rc : lf_claim_drop(vault, id, "restorePoint", err);
}
