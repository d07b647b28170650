/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/storage/storage.h - Microsoft.Storage: storage accounts (management).  Their data plane
 * is blob/.
 *
 * An account's access keys are in its state: {"keys": [base64 of 64 bytes, the same of the second],
 * "keyTimes": [time, time]}.  Threads: any.
 */
#ifndef LF_PROVIDERS_STORAGE_H
#define LF_PROVIDERS_STORAGE_H

#include "arm/arm.h"
#include "blob/blob.h"
#include "providers/common/site.h"
#include "providers/common/types.h"

extern const struct lf_arm_provider lf_storage_provider;

/* Have the principal's roles the right to a request for blobs?  To containers it is a right of the
 * management plane, to blobs a data right, as in Azure. */
LF_MUST_CHECK int lf_storage_may(struct lf_context *context, const struct lf_blob_access *access,
				 bool *ret_may, struct lf_error *err);

/* Is there an account of that name, in any group and subscription?  *ret_id: free(), NULL: no. */
LF_MUST_CHECK int lf_storage_find(struct lf_catalog *catalog, const char *name, char **ret_id,
				  struct lf_error *err);
/* 3 to 24 lower-case letters and digits, and no first segment of the site's own URLs. */
bool lf_storage_name_valid(const char *name);
/* The access keys of an account by name, base64.  LF_EDENIED "KeyBasedAuthenticationNotPermitted":
 * its allowSharedKeyAccess is false. */
LF_MUST_CHECK int lf_storage_keys(struct lf_catalog *catalog, const char *name, json_t **ret_keys,
				  struct lf_error *err);
/*
 * Does an account let a connection in: its publicNetworkAccess, networkAcls and minimumTlsVersion.
 * The site's own agents count as trusted services (networkAcls.bypass AzureServices).  Says what
 * the account is in access.
 *   LF_EDENIED "AuthorizationFailure"; LF_EINVAL "TlsVersionNotPermitted"
 */
LF_MUST_CHECK int lf_storage_admit(struct lf_catalog *catalog, struct lf_blob_access *access,
				   const struct lf_http_exchange *x, struct lf_error *err);

#endif
