/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/auth/sign.h - what a client that has an account's key signs: requests (Shared Key), and URLs
 * (shared access signatures of an account, a container or a blob).
 *
 * Source of the strings: "Authorize with Shared Key", "Create a service SAS" and "Create an account
 * SAS" of the storage service's documents, service versions 2015-04-05 and later.
 *
 * Threads: any.
 */
#ifndef LF_BLOB_SIGN_H
#define LF_BLOB_SIGN_H

#include "blob/blob.h"

/* HMAC-SHA256 of text under a base64 key, as base64 of 44 characters.  false: not a key. */
bool lf_blob_hmac(const char *key, const char *text, char out[static 48]);

/* What a request with "Authorization: SharedKey ACCOUNT:SIGNATURE" signs; free(), NULL: no memory.
 */
char *lf_blob_shared_key_text(const struct lf_http_exchange *x, const char *account);

/* The fields of a shared access signature, decoded; "" when absent. */
struct lf_blob_sas {
	char version[16], permissions[32], start[32], expiry[32], resource[8], services[8],
		types[8], policy[80], address[80], protocol[16], snapshot[40], scope[80],
		delegation[48], signature[64],
		disposition[5][256]; /* rscc, rscd, rsce, rscl, rsct */
};
/* From a query; without one, signature is "".  LF_EINVAL: a field cannot be read. */
LF_MUST_CHECK int lf_blob_sas_parse(const char *query, struct lf_blob_sas *ret_sas,
				    struct lf_error *err);
/* What was signed; resource: "/blob/ACCOUNT/CONTAINER[/BLOB]" (of an account SAS: unused). */
char *lf_blob_sas_text(const struct lf_blob_sas *sas, const char *account, const char *resource);
/*
 * May who has the signature do this at now_ns?  keys: the account's, base64.
 * Sets create_only, where the right is to make alone.
 *   LF_EDENIED "AuthenticationFailed" (signature, times), "AuthorizationPermissionMismatch",
 *              "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch"
 */
LF_MUST_CHECK int lf_blob_sas_check(const struct lf_blob_sas *sas, struct lf_blob_access *access,
				    const json_t *keys, int64_t now_ns, struct lf_error *err);
/* Is the request signed by one of the keys, within 15 minutes of now_ns?  LF_EDENIED. */
LF_MUST_CHECK int lf_blob_shared_key_check(const struct lf_http_exchange *x, const char *header,
					   const char *account, const json_t *keys, int64_t now_ns,
					   struct lf_error *err);

#endif
