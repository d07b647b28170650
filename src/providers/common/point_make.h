/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/point_make.h - a recovery point made here, as a step of a job.
 *
 * Threads: any; calls for one point are serialised by its job.
 */
#ifndef LF_PROVIDERS_POINT_MAKE_H
#define LF_PROVIDERS_POINT_MAKE_H

#include "providers/common/site.h"
#include "vault/point/point.h"

/* Write the disks of a point into the vault, which a lease keeps, and make the manifest.  What it
 * returns but 0 (LF_STEP_AGAIN, too) is the call's answer. */
typedef int lf_point_fill_fn(void *context, struct lf_vault *vault, json_t **ret_manifest,
			     struct lf_error *err);

/* Borrowed, all of it; the GUIDs are written down before the call. */
struct lf_point_making {
	const char *region;
	const char *lease; /* a GUID */
	const char *point; /* a GUID */
	const char *claim; /* of the new point, which it keeps until somebody drops it */
	lf_point_fill_fn *fill;
	void *context;
};
/*
 * A lease, what fills it, the point with its claim, the lease's end.  What a failure or a kill
 * leaves is the lease and perhaps the point: the same call goes on with both, and whoever undoes
 * the step ends the one and drops the claim of the other.
 *   LF_ENOTFOUND  no such region is served here
 */
LF_MUST_CHECK int lf_point_make(struct lf_stores stores, const struct lf_point_making *making,
				struct lf_error *err);

#endif
