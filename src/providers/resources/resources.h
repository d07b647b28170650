/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/resources/resources.h - Microsoft.Resources: tenants,
 * subscriptions, locations, resource groups, providers.
 */
#ifndef LF_PROVIDERS_RESOURCES_H
#define LF_PROVIDERS_RESOURCES_H

#include "arm/arm.h"
#include "providers/common/site.h"

extern const struct lf_arm_provider lf_resources_provider;
/* /providers/{namespace}/operations of every namespace. */
extern const struct lf_arm_provider lf_operations_provider;

/* Make the subscription if it is not there. */
LF_MUST_CHECK int lf_subscription_make(struct lf_catalog *catalog, const char *id,
				       struct lf_error *err);

#endif
