/* SPDX-License-Identifier: Apache-2.0 */
/* What a bearer's roles give of an account's blobs. */
#include <stdlib.h>

#include "base/text.h"
#include "providers/authorization/authorization.h"
#include "providers/storage/internal.h"

#define SERVICE	   LF_STORAGE_TYPE "/blobServices/"
#define CONTAINERS SERVICE "containers/"
#define BLOBS	   CONTAINERS "blobs/"

/* The published right of each operation; data: it is one of data. */
static const struct {
	const char *right;
	bool data;
} rights[LF_BLOB_OPERATIONS] = {
	[LF_BLOB_LIST_CONTAINERS] = {CONTAINERS "read", false},
	[LF_BLOB_LIST_BLOBS] = {BLOBS "read", true},
	[LF_BLOB_GET_CONTAINER] = {CONTAINERS "read", false},
	[LF_BLOB_GET_ACL] = {CONTAINERS "getAcl/action", false},
	[LF_BLOB_GET_SERVICE] = {SERVICE "read", false},
	[LF_BLOB_GET_ACCOUNT] = {SERVICE "getInfo/action", false},
	[LF_BLOB_READ] = {BLOBS "read", true},
	[LF_BLOB_LIST_PAGES] = {BLOBS "read", true},
	[LF_BLOB_LIST_BLOCKS] = {BLOBS "read", true},
	[LF_BLOB_GET_TAGS] = {BLOBS "tags/read", true},
	[LF_BLOB_SET_SERVICE] = {SERVICE "write", false},
	[LF_BLOB_MAKE_CONTAINER] = {CONTAINERS "write", false},
	[LF_BLOB_SET_CONTAINER] = {CONTAINERS "write", false},
	[LF_BLOB_SET_ACL] = {CONTAINERS "setAcl/action", false},
	[LF_BLOB_LEASE_CONTAINER] = {CONTAINERS "write", false},
	[LF_BLOB_REMOVE_CONTAINER] = {CONTAINERS "delete", false},
	[LF_BLOB_PUT] = {BLOBS "write", true},
	[LF_BLOB_PUT_BLOCK] = {BLOBS "write", true},
	[LF_BLOB_COMMIT] = {BLOBS "write", true},
	[LF_BLOB_PUT_URL] = {BLOBS "write", true},
	[LF_BLOB_COPY] = {BLOBS "write", true},
	[LF_BLOB_COPY_ABORT] = {BLOBS "write", true},
	[LF_BLOB_MAKE_PAGES] = {BLOBS "write", true},
	[LF_BLOB_WRITE_PAGES] = {BLOBS "write", true},
	[LF_BLOB_MAKE_APPEND] = {BLOBS "write", true},
	[LF_BLOB_APPEND] = {BLOBS "write", true},
	[LF_BLOB_SET_PROPERTIES] = {BLOBS "write", true},
	[LF_BLOB_SET_METADATA] = {BLOBS "write", true},
	[LF_BLOB_SET_TIER] = {BLOBS "write", true},
	[LF_BLOB_SET_TAGS] = {BLOBS "tags/write", true},
	[LF_BLOB_LEASE] = {BLOBS "write", true},
	[LF_BLOB_REMOVE] = {BLOBS "delete", true},
};

int lf_storage_may(struct lf_context *context, const struct lf_blob_access *access, bool *ret_may,
		   struct lf_error *err)
{
	const char *right = rights[access->operation].right;
	LF_AUTO_FREE char *account = NULL;
	LF_AUTO_FREE char *scope = NULL;
	bool any = false;
	int rc = lf_rights_touches(context->rights, access->principal, "", &any, err);

	*ret_may = false;
	if (rc || !any) /* an agent, which puts pack after pack, has no role anywhere */
		return rc;
	rc = lf_storage_find(context->catalog, access->account, &account, err);
	/* what is no account of a client's has no scope but the site's */
	if (!rc && right)
		scope = lf_printf_dup("%s%s%s", account ? account : "",
				      access->container[0] ? "/blobServices/default/containers/"
							   : "",
				      access->container);
	if (!rc && right && !scope)
		rc = lf_fail_nomem(err);
	if (rc || !right)
		return rc;
	return lf_rights_has(context->rights, access->principal, right,
			     rights[access->operation].data, scope, ret_may, err);
}
