/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /providers/{namespace}/operations: the actions that roles can name, read
 * off the routes themselves.
 */
#include <string.h>

#include "base/text.h"
#include "providers/registry.h"
#include "providers/resources/resources.h"

/* "Microsoft.X/things/parts/write" is of namespace "Microsoft.X". */
static bool is_of(const char *action, const char *space)
{
	size_t len = strlen(space);

	return action && lf_text_starts_nocase(action, space) && action[len] == '/';
}

/* The resource and the verb of an action: "things/parts" and "write". */
static json_t *view_action(const char *action, const char *space)
{
	const char *resource = action + strlen(space) + 1;
	const char *verb = strrchr(action, '/');
	const char *end = verb;

	/* "things/restart/action": the verb is the two last words */
	if (strcmp(verb, "/action") == 0)
		while (verb > resource && *--verb != '/')
			;
	if (verb < resource)
		verb = end = resource;
	else
		end = verb++;
	LF_AUTO_FREE char *type = strndup(resource, (size_t)(end - resource));
	return json_pack("{s:s,s:b,s:{s:s,s:s?,s:s,s:s},s:s}", "name", action, "isDataAction", 0,
			 "display", "provider", space, "resource", type, "operation", verb,
			 "description", action, "origin", "user,system");
}

static int list_operations(struct lf_arm_call *call, struct lf_error *err)
{
	const char *wanted = lf_arm_param(call, "namespace"), *space = NULL, *name;
	LF_AUTO_JSON *found = json_object();
	size_t n;
	const struct lf_arm_provider *const *all = lf_registry_providers(&n);
	json_t *value;

	for (size_t i = 0; i < n; i++) {
		if (!all[i]->name || !lf_text_equal_nocase(all[i]->name, wanted))
			continue;
		space = all[i]->name;
		for (size_t j = 0; j < all[i]->n_routes; j++) {
			const char *action = all[i]->routes[j].action;
			if (is_of(action, space) && !json_object_get(found, action) &&
			    json_object_set_new(found, action, view_action(action, space)))
				return lf_fail_nomem(err);
		}
	}
	if (!space)
		return lf_fail_arm(err, LF_ENOTFOUND, "InvalidResourceNamespace", wanted,
				   "list /subscriptions/{id}/providers",
				   "the resource namespace '%s' is invalid", wanted);
	LF_AUTO_JSON *values = json_array();
	json_object_foreach (found, name, value)
		if (json_array_append(values, value))
			return lf_fail_nomem(err);
	return lf_arm_reply_list(call, values, NULL, err);
}

static const struct lf_arm_route routes[] = {
	{"GET", "/providers/{namespace}/operations",
	 "Microsoft.Resources/providers/operations/read", list_operations, LF_ARM_NO_VERSION, NULL,
	 0},
};

const struct lf_arm_provider lf_operations_provider = {
	.routes = routes,
	.n_routes = LF_N(routes),
};
