/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/scope.h - ids of what lies below a resource group, and the resources that a
 * request's path names above its subject.
 *
 * "/subscriptions/S/resourceGroups/G/providers/NAMESPACE/types/A/parts/B" has two levels: types/A
 * and parts/B below it.  Threads: a call's; the ids are anybody's.
 */
#ifndef LF_PROVIDERS_SCOPE_H
#define LF_PROVIDERS_SCOPE_H

#include "arm/arm.h"
#include "providers/common/site.h"

#define LF_SCOPE_MAX 5

/* From the top: at[0] is the vault.  n: that were found, also when the next one was not. */
struct lf_scope {
	struct lf_resource at[LF_SCOPE_MAX];
	unsigned n;
};
void lf_scope_done(struct lf_scope *scope);
#define LF_AUTO_SCOPE LF_CLEANUP(lf_scope_done) struct lf_scope

/*
 * Read the resources that the request's path names, from the top down to the level of type
 * ("Microsoft.X/vaults/fabrics"), or as many as the path has.  LF_ENOTFOUND with the id of the
 * first that is missing.  Their ids are as first written, however the request writes them.
 */
LF_MUST_CHECK int lf_scope_open(struct lf_arm_call *call, const char *type,
				struct lf_scope *ret_scope, struct lf_error *err);
/* The innermost; NULL: none was found. */
const struct lf_resource *lf_scope_last(const struct lf_scope *scope);

/* "PARENT/types/NAME"; NULL: out of memory.  free(). */
char *lf_id_child(const char *parent_id, const char *types, const char *name);
/* The front of id that names the resource of type; all of it when id is not below one.  NULL: out
 * of memory.  free(). */
char *lf_id_above(const char *id, const char *type);

#endif
