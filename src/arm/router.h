/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm/router.h - from method and path to the row of a provider's table.
 *
 * A tree of segments built once: a node has literal children (hashed, without
 * case) and at most one parameter child; literals win.  Threads: immutable
 * after build.
 */
#ifndef LF_ARM_ROUTER_H
#define LF_ARM_ROUTER_H

#include "arm/arm.h"
#include "arm/path.h"

#define LF_ROUTE_PARAMS_MAX 12

struct lf_router;
/* LF_EEXISTS when two rows have one method and one path, LF_EINTERNAL for a row with more than
 * LF_ROUTE_PARAMS_MAX parameters and for one without a right (lf_route_right). */
LF_MUST_CHECK int lf_router_new(const struct lf_arm_provider *const *providers, size_t n,
				struct lf_router **ret_router, struct lf_error *err);
void lf_router_free(struct lf_router *router);

struct lf_route_match {
	const struct lf_arm_route *route;
	const struct lf_arm_provider *provider;
	const char *right; /* that the caller needs; NULL: the route is open */
	bool path_known;   /* when route is NULL: the path is served, with other methods */
	/* the segments in published case: literals from the table, parameters as sent */
	const char *segments[LF_PATH_SEGMENTS_MAX];
	size_t n_segments;
	const char *param_names[LF_ROUTE_PARAMS_MAX]; /* of len param_lens: not NUL-terminated */
	size_t param_lens[LF_ROUTE_PARAMS_MAX];
	const char *param_values[LF_ROUTE_PARAMS_MAX];
	size_t n_params;
};
/* Borrows from router, path and the tables. */
void lf_router_find(const struct lf_router *router, const char *method, const struct lf_path *path,
		    struct lf_route_match *ret_match);

#endif
