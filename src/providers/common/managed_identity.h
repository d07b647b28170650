/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/managed_identity.h - the "identity" of a resource.
 *
 * The service makes the principal of a system-assigned identity once, and
 * keeps it in the resource's state ("principalId") as long as the identity is
 * there.  Threads: any.
 */
#ifndef LF_PROVIDERS_MANAGED_IDENTITY_H
#define LF_PROVIDERS_MANAGED_IDENTITY_H

#include "arm/arm.h"
#include "providers/common/site.h"

/*
 * Check and complete doc's "identity" {"type", "userAssignedIdentities"}: the type in its published
 * form, principalId and tenantId.  Absent: nothing.
 *   LF_EINVAL "InvalidIdentityType", "FailedIdentityOperation" (an identity that is not there)
 */
LF_MUST_CHECK int lf_managed_identity_check(struct lf_context *context, json_t *doc, json_t *state,
					    struct lf_error *err);

#endif
