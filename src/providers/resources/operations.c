/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /providers/{namespace}/operations: the actions that roles can name, read
 * off the routes themselves.  Site Recovery's description has it below a group, too.
 */
#include <string.h>

#include "base/text.h"
#include "json/doc.h"
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
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "name", action);
	lf_doc_bool(&doc, "isDataAction", false);
	lf_doc_text(&doc, "display.provider", space);
	lf_doc_text(&doc, "display.resource", type);
	lf_doc_text(&doc, "display.operation", verb);
	lf_doc_text(&doc, "display.description", action);
	lf_doc_text(&doc, "origin", "user,system");
	return lf_doc_take(&doc);
}

/* The rights of one provider's rows that are of its namespace, each once. */
static int add_actions(json_t *found, const struct lf_arm_provider *provider, struct lf_error *err)
{
	for (size_t i = 0; i < provider->n_routes; i++) {
		LF_AUTO_FREE char *action = NULL;
		int rc = lf_route_right(&provider->routes[i], &action, err);
		if (rc)
			return rc;
		if (is_of(action, provider->name) && !json_object_get(found, action) &&
		    json_object_set_new(found, action, view_action(action, provider->name)))
			return lf_fail_nomem(err);
	}
	return 0;
}

static int list_operations(struct lf_arm_call *call, struct lf_error *err)
{
	const char *wanted = lf_arm_param(call, "namespace"), *space = NULL, *name;
	LF_AUTO_JSON *found = json_object();
	const struct lf_context *context = lf_arm_context(call);
	const struct lf_arm_provider *const *all = context->providers;
	json_t *value;

	for (size_t i = 0; i < context->n_providers; i++) {
		if (!all[i]->name || !lf_text_equal_nocase(all[i]->name, wanted))
			continue;
		space = all[i]->name;
		int rc = add_actions(found, all[i], err);
		if (rc)
			return rc;
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
	LF_GET("/providers/{namespace}/operations", list_operations,
	       LF_RIGHT("Microsoft.Resources/providers/operations/read"),
	       .flags = LF_ARM_NO_VERSION),
	LF_GET(LF_GROUP_PATH "/providers/{namespace}/operations", list_operations,
	       LF_RIGHT("Microsoft.Resources/providers/operations/read")),
};

const struct lf_arm_provider lf_operations_provider = {
	.routes = routes,
	.n_routes = LF_N(routes),
};
