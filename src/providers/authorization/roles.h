/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/authorization/roles.h - the built-in roles, and what a role lets somebody do.
 *
 * A right is asked for as "Microsoft.Compute/disks/read".  A role has patterns of rights, in which
 * "*" stands for any characters; what its notActions take away its actions do not give.  Rights
 * to blobs are data rights, which have patterns of their own: "*" of the others is none of them.
 * Constants and pure functions; threads: any.
 */
#ifndef LF_PROVIDERS_AUTHORIZATION_ROLES_H
#define LF_PROVIDERS_AUTHORIZATION_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define LF_ROLE_OWNER		"8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
#define LF_ROLE_BLOB_DATA_OWNER "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"

/* Lists are NULL-ended; NULL: empty. */
struct lf_role {
	const char *id; /* published GUID */
	const char *name, *description;
	const char *const *actions, *const *not_actions, *const *data_actions;
};

const struct lf_role *lf_roles(size_t *ret_n);
/* By its GUID, or by an id that ends in it ("/subscriptions/S/providers/Microsoft.Authorization/
 * roleDefinitions/GUID", also at the root); NULL: none. */
const struct lf_role *lf_role_find(const char *id);
/* Does the role give the right?  data: it is a data right. */
bool lf_role_gives(const struct lf_role *role, const char *right, bool data);
/* Its patterns as documents have them; NULL: out of memory. */
json_t *lf_role_permissions(const struct lf_role *role);

#endif
