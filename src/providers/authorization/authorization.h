/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/authorization/authorization.h - Microsoft.Authorization: roles, who has them where, and
 * locks; and the answers to "may this principal do that there?" that they give.
 *
 * An assignment is a row below the scope it is for, "SCOPE/providers/Microsoft.Authorization/
 * roleAssignments/GUID"; so is a lock.  They hold for the scope and all below it, and go with it
 * when it is deleted.  The scope "" ("/" in documents) is the whole site.
 *
 * Answers come from memory: the rows are read again after a commit that may have changed one
 * (lf_catalog_watched()), so that who is answered 200 to a change finds it obeyed at once.
 *
 * The first principal has Owner and Storage Blob Data Owner at "/"; neither goes.
 *
 * Threads: any.
 */
#ifndef LF_PROVIDERS_AUTHORIZATION_H
#define LF_PROVIDERS_AUTHORIZATION_H

#include "arm/arm.h"
#include "providers/common/site.h"

#define LF_ASSIGNMENT_TYPE "Microsoft.Authorization/roleAssignments"
#define LF_LOCK_TYPE	   "Microsoft.Authorization/locks"

extern const struct lf_arm_provider lf_authorization_provider;

struct lf_rights;
/* Makes the first principal's (owner_id) assignments where they are missing.  catalog outlives it.
 */
LF_MUST_CHECK int lf_rights_open(struct lf_catalog *catalog, const char *owner_id,
				 struct lf_rights **ret_rights, struct lf_error *err);
void lf_rights_free(struct lf_rights *rights);

/* Has the principal (an object id) a role that gives the right at the scope or above it?  data: a
 * data right (providers/authorization/roles.h). */
LF_MUST_CHECK int lf_rights_has(struct lf_rights *rights, const char *principal, const char *right,
				bool data, const char *scope, bool *ret_has, struct lf_error *err);
/*
 * May the principal ask for an operation?  As lf_rights_has(), and what everybody may who is known:
 * reading of the site which tenants and operations there are; and who has any role in a
 * subscription, reading it and the operations that run in it.
 */
LF_MUST_CHECK int lf_rights_may(struct lf_rights *rights, const char *principal, const char *right,
				const char *scope, bool *ret_may, struct lf_error *err);
/* Has the principal any role at the scope, above or below it? */
LF_MUST_CHECK int lf_rights_touches(struct lf_rights *rights, const char *principal,
				    const char *scope, bool *ret_touches, struct lf_error *err);
/*
 * Does no lock forbid an operation that needs the right?  What reads is never forbidden; ReadOnly
 * at the scope or above forbids the rest, and CanNotDelete there or below a deletion.  Locks
 * themselves come and go.  LF_ECONFLICT "ScopeLocked".
 */
LF_MUST_CHECK int lf_rights_unlocked(struct lf_rights *rights, const char *right, const char *scope,
				     struct lf_error *err);

/* The right that who sends a body needs at a resource of the type that it names, besides the
 * request's own; NULL: none. */
const char *lf_rights_linked(const char *type, const char *method);

#endif
