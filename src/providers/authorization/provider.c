/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of Microsoft.Authorization, which are below every scope: the site, a subscription, a
 * group, and resources up to four levels below their provider.
 */
#include "providers/authorization/internal.h"

#define ROUTES(scope)                                                                              \
	LF_GET(scope LF_AUTHORIZATION "/roleAssignments", lf_assignment_list),                     \
		LF_GET(scope LF_AUTHORIZATION "/roleAssignments/{assignment}", lf_assignment_get), \
		LF_PUT(scope LF_AUTHORIZATION "/roleAssignments/{assignment}", lf_assignment_put), \
		LF_DELETE(scope LF_AUTHORIZATION "/roleAssignments/{assignment}",                  \
			  lf_assignment_delete),                                                   \
		LF_GET(scope LF_AUTHORIZATION "/roleDefinitions", lf_definition_list),             \
		LF_GET(scope LF_AUTHORIZATION "/roleDefinitions/{definition}", lf_definition_get)
#define SCOPE_ROUTES(scope)                                                                        \
	ROUTES(scope), LF_GET(scope LF_AUTHORIZATION "/permissions", lf_permissions_list),         \
		LF_GET(scope LF_AUTHORIZATION "/locks", lf_lock_list),                             \
		LF_GET(scope LF_AUTHORIZATION "/locks/{lock}", lf_lock_get),                       \
		LF_PUT(scope LF_AUTHORIZATION "/locks/{lock}", lf_lock_put),                       \
		LF_DELETE(scope LF_AUTHORIZATION "/locks/{lock}", lf_lock_delete)
#define RESOURCE_1 LF_GROUP_PATH "/providers/{namespace}/{type}/{resource}"
#define RESOURCE_2 RESOURCE_1 "/{type2}/{resource2}"
#define RESOURCE_3 RESOURCE_2 "/{type3}/{resource3}"
#define RESOURCE_4 RESOURCE_3 "/{type4}/{resource4}"

static const struct lf_arm_route routes[] = {
	ROUTES(""),
	SCOPE_ROUTES(LF_SUBSCRIPTION_PATH),
	SCOPE_ROUTES(LF_GROUP_PATH),
	SCOPE_ROUTES(RESOURCE_1),
	SCOPE_ROUTES(RESOURCE_2),
	SCOPE_ROUTES(RESOURCE_3),
	SCOPE_ROUTES(RESOURCE_4),
};
static const char *const types[] = {"roleAssignments", "roleDefinitions", "locks", "permissions",
				    NULL};

const struct lf_arm_provider lf_authorization_provider = {
	.name = "Microsoft.Authorization",
	.oldest_version = "2014-04-01",
	.newest_version = "2024-07-01",
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
};
