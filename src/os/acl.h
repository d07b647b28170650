/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/acl.h - let one other user pass through a directory, and nobody else.
 */
#ifndef LF_OS_ACL_H
#define LF_OS_ACL_H

#include <sys/types.h>

#include "base/error.h"

/*
 * Add the right to traverse (x, not list) directory path for user uid, by a
 * POSIX access control entry.  Nothing is changed when uid can traverse it
 * already.  On a file system without access control lists everybody gets x.
 * *ret_changed says whether anything was changed.
 */
LF_MUST_CHECK int lf_acl_allow_traverse(const char *path, uid_t uid, gid_t gid, bool *ret_changed,
					struct lf_error *err);
/*
 * The same for path and every directory above it, down from the root.  Only top
 * and what is below it is changed; a directory above top that uid cannot pass
 * is LF_EDENIED with advice, since changing it is for its owner to decide.
 */
LF_MUST_CHECK int lf_acl_allow_reach(const char *path, const char *top, uid_t uid, gid_t gid,
				     struct lf_error *err);
/* Ids of a user by name; LF_ENOTFOUND. */
LF_MUST_CHECK int lf_user_find(const char *name, uid_t *ret_uid, gid_t *ret_gid,
			       struct lf_error *err);

#endif
