/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/identity/identity.h - signing in: the token endpoint, its
 * discovery documents and service principals.
 *
 * A service principal is a catalog resource of type LF_PRINCIPAL_TYPE, id
 * LF_PRINCIPAL_ID_PREFIX + client id; its state holds the hashed secret and
 * the object id.  Threads: any.
 */
#ifndef LF_PROVIDERS_IDENTITY_H
#define LF_PROVIDERS_IDENTITY_H

#include "arm/arm.h"
#include "providers/common/site.h"

#define LF_PRINCIPAL_TYPE      "Landfall/servicePrincipals"
#define LF_PRINCIPAL_ID_PREFIX "/landfall/servicePrincipals/"

extern const struct lf_arm_provider lf_identity_provider;
/*
 * The site's directory, which is none of Azure's contracts:
 *
 * GET    /landfall/servicePrincipals           {"value": [{appId, objectId, displayName,
 * createdOn}]} POST   /landfall/servicePrincipals           {"displayName"}; the answer has the
 * secret, once DELETE /landfall/servicePrincipals/{appId}   with its role assignments
 */
extern const struct lf_arm_provider lf_principals_provider;

/* Make or replace a principal with this secret. */
LF_MUST_CHECK int lf_principal_put(struct lf_catalog *catalog, const char *client_id,
				   const char *object_id, const char *name, const char *secret,
				   struct lf_error *err);
/* Is there a service principal or a managed identity of this object id? */
LF_MUST_CHECK int lf_principal_known(struct lf_catalog *catalog, const char *object_id,
				     bool *ret_known, struct lf_error *err);
/* An access token for a principal, one hour of the clock; free(). */
LF_MUST_CHECK int lf_identity_token(const struct lf_context *context, const char *object_id,
				    const char *client_id, const char *audience, char **ret_token,
				    struct lf_error *err);

#endif
