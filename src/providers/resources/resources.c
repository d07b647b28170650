/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants, subscriptions, locations and groups.  Deleting a group is a job:
 * what may be removed is asked first for all that is in it, then it goes one
 * after another, each as if it had been deleted alone; cut short it goes on
 * with what is left.
 */
#include "providers/resources/resources.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/authorization/authorization.h"
#include "providers/common/document.h"
#include "providers/resources/contents.h"
#include "providers/resources/listing.h"
#include "providers/resources/locations.h"
#include "providers/resources/tags.h"

#define GROUPS	  LF_SUBSCRIPTION_PATH "/resourceGroups"
#define GROUP	  LF_GROUP_PATH
#define PROVIDERS LF_SUBSCRIPTION_PATH "/providers"

int lf_subscription_make(struct lf_catalog *catalog, const char *subscription, struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_printf_dup("/subscriptions/%s", subscription);
	LF_AUTO_JSON *doc = json_pack("{s:s,s:s}", "displayName", "Landfall", "state", "Enabled");

	if (!id || !doc)
		return lf_fail_nomem(err);
	int rc =
		lf_catalog_put(catalog, id, LF_SUBSCRIPTION_TYPE, LF_PUT_NEW, NULL, doc, NULL, err);
	return rc == LF_EEXISTS ? 0 : rc;
}

static int list_tenants(struct lf_arm_call *call, struct lf_error *err)
{
	const char *tenant = lf_arm_context(call)->tenant_id;
	LF_AUTO_FREE char *id = lf_printf_dup("/tenants/%s", tenant);
	LF_AUTO_JSON *values =
		json_pack("[{s:s,s:s,s:s,s:s}]", "id", id ? id : "", "tenantId", tenant,
			  "displayName", "Landfall", "tenantCategory", "Home");

	return id && values ? lf_arm_reply_list(call, values, NULL, err) : lf_fail_nomem(err);
}

static json_t *view_subscription(const struct lf_context *context, const struct lf_resource *s)
{
	struct lf_doc made = LF_DOC_INIT;

	lf_doc_text(&made, "id", s->id);
	lf_doc_text(&made, "subscriptionId", lf_arm_id_last(s->id));
	lf_doc_text(&made, "tenantId", context->tenant_id);
	lf_doc_text(&made, "displayName", lf_json_text_or(s->doc, "displayName", ""));
	lf_doc_text(&made, "state", "Enabled");
	lf_doc_text(&made, "authorizationSource", "RoleBased");
	lf_doc_put(&made, "managedByTenants", json_array());
	lf_doc_text(&made, "subscriptionPolicies.locationPlacementId", "Public_2014-09-01");
	lf_doc_text(&made, "subscriptionPolicies.quotaId", "PayAsYouGo_2014-09-01");
	lf_doc_text(&made, "subscriptionPolicies.spendingLimit", "Off");
	return lf_doc_take(&made);
}

/* Those in which the caller has a role. */
static int list_subscriptions(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_context *context = lf_arm_context(call);
	const struct lf_list_query query = {.type = LF_SUBSCRIPTION_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		bool touches = false;
		rc = lf_rights_touches(context->rights, lf_arm_principal(call), list.items[i].id,
				       &touches, err);
		if (touches &&
		    json_array_append_new(values, view_subscription(context, &list.items[i])))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}

static int get_subscription(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE s = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 0), &s, err);

	if (rc)
		return rc;
	LF_AUTO_JSON *body = view_subscription(lf_arm_context(call), &s);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

static int list_locations(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = lf_locations_view(lf_arm_param(call, "subscription"));
	bool extended; /* there are none */
	int rc = lf_arm_query_bool(call, "includeExtendedLocations", &extended, err);

	if (rc)
		return rc;
	return values ? lf_arm_reply_list(call, values, NULL, err) : lf_fail_nomem(err);
}

/* Resource groups. */

static const struct lf_filter_row group_filter[] = {
	{"name", "name"},
	{"location", "location", LF_FILTER_LOCATION},
	{"tagName", .kind = LF_FILTER_TAG_NAME},
	{"tagValue", .kind = LF_FILTER_TAG_VALUE},
};
static const struct lf_field group_fields[] = {
	{"properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded"},
};
static const struct lf_document group = {
	.type = LF_GROUP_TYPE,
	.filter = group_filter,
	.n_filter = LF_N(group_filter),
	.fields = group_fields,
	.n_fields = LF_N(group_fields),
	.strict = true,
	.needs_location = true,
	.provisioned = true,
};

static int put_group(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_put(call, &group, err);
}

static int patch_group(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_patch(call, &group, err);
}

static int get_group(struct lf_arm_call *call, struct lf_error *err)
{
	if (strcmp(lf_http_method(lf_arm_http(call)), "HEAD") != 0)
		return lf_document_get(call, &group, err);
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 0), &found, err);
	return rc ? rc : lf_arm_reply(call, 204, NULL, err);
}

static int list_groups(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_list(call, &group, 1, err);
}

/* What is to go without being asked: machines, which are not asked in any case. */
static int check_force(struct lf_arm_call *call, struct lf_error *err)
{
	static const char machines[] = "Microsoft.Compute/virtualMachines";
	static const char sets[] = "Microsoft.Compute/virtualMachineScaleSets";
	const char *p = lf_arm_query(call, "forceDeletionTypes");

	for (; p && *p; p += *p == ',') {
		size_t len = strcspn(p, ",");
		LF_AUTO_FREE char *one = strndup(p, len);
		if (!one)
			return lf_fail_nomem(err);
		if (!lf_text_equal_nocase(one, machines) && !lf_text_equal_nocase(one, sets))
			return lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameter",
					   "forceDeletionTypes", "name types of machines",
					   "resources of type '%.80s' are not forced to go", one);
		p += len;
	}
	return 0;
}

static int delete_group(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_catalog *catalog = lf_arm_context(call)->catalog;
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;

	int rc = check_force(call, err);
	if (!rc)
		rc = lf_catalog_get(catalog, lf_arm_id(call, 0), &found, err);
	if (!rc)
		rc = lf_group_check_removal(lf_arm_context(call), found.id, err);
	if (rc)
		return rc;
	const struct lf_job_request request = {
		.type = "resources.deleteGroup", .scope = found.id, .resource = found.id};
	char job[LF_GUID_SIZE];
	rc = lf_jobs_submit(lf_arm_context(call)->jobs, &request, job, err);
	const struct lf_arm_async async = {.job = job};
	return rc ? rc : lf_arm_reply_async(call, 202, &async, NULL, err);
}

static int remove_group(struct lf_job_run *run, struct lf_error *err)
{
	return lf_group_remove(lf_job_run_context(run), lf_job_run_job(run)->resource, err);
}

static const struct lf_job_step delete_steps[] = {
	{"DeleteResources", "Delete the resources", remove_group, NULL},
};
static const struct lf_job_type delete_job = {
	.name = "resources.deleteGroup", .steps = delete_steps, .n_steps = LF_N(delete_steps)};
static const struct lf_job_type *const jobs[] = {&delete_job, NULL};

/* Providers. */

static json_t *view_provider(struct lf_arm_call *call, const char *name)
{
	const struct lf_context *context = lf_arm_context(call);
	const struct lf_arm_provider *const *all = context->providers;
	json_t *types = json_array();

	for (size_t i = 0; i < context->n_providers; i++) {
		if (!all[i]->name || !lf_text_equal_nocase(all[i]->name, name))
			continue;
		for (const char *const *t = all[i]->types; t && *t; t++) {
			json_array_append_new(types,
					      json_pack("{s:s,s:[s,s],s:[]}", "resourceType", *t,
							"apiVersions", all[i]->newest_version,
							all[i]->oldest_version, "locations"));
		}
	}
	LF_AUTO_FREE char *full = lf_printf_dup("/subscriptions/%s/providers/%s",
						lf_arm_param(call, "subscription"), name);
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "id", full ? full : "");
	lf_doc_text(&doc, "namespace", name);
	lf_doc_text(&doc, "registrationPolicy", "RegistrationRequired");
	lf_doc_text(&doc, "registrationState", "Registered");
	lf_doc_put(&doc, "resourceTypes", types);
	return lf_doc_take(&doc);
}

static const char *known_namespace(const struct lf_context *context, const char *name)
{
	const struct lf_arm_provider *const *all = context->providers;

	for (size_t i = 0; i < context->n_providers; i++)
		if (all[i]->name && lf_text_equal_nocase(all[i]->name, name))
			return all[i]->name;
	return NULL;
}

static int get_provider(struct lf_arm_call *call, struct lf_error *err)
{
	const char *name = known_namespace(lf_arm_context(call), lf_arm_param(call, "namespace"));

	if (!name)
		return lf_fail_arm(err, LF_ENOTFOUND, "InvalidResourceNamespace",
				   lf_arm_param(call, "namespace"), "list /providers",
				   "the resource namespace '%s' is invalid",
				   lf_arm_param(call, "namespace"));
	LF_AUTO_JSON *body = view_provider(call, name);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

static int list_providers(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_context *context = lf_arm_context(call);
	const struct lf_arm_provider *const *all = context->providers;
	LF_AUTO_JSON *values = json_array();

	for (size_t i = 0; i < context->n_providers; i++) {
		/* several tables may share a namespace: the first one stands for all */
		bool first = all[i]->name;
		for (size_t j = 0; j < i && first; j++)
			first = !all[j]->name || strcmp(all[j]->name, all[i]->name) != 0;
		if (first && json_array_append_new(values, view_provider(call, all[i]->name)))
			return lf_fail_nomem(err);
	}
	return lf_arm_reply_list(call, values, NULL, err);
}

/* Azure-AsyncOperation of what had already ended when it was answered. */
static int get_completed(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *body = json_pack("{s:s,s:s}", "name", lf_arm_param(call, "operation"),
				       "status", "Succeeded");

	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

static int refuse_deployment(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ENOTFOUND, "InvalidResourceType", lf_arm_id(call, 0),
			   "make each resource of the template by its own PUT (landfall rest, the "
			   "SDKs, or Terraform's resources)",
			   "templates are not deployed here");
}

#define TAGS	 "/providers/Microsoft.Resources/tags/default"
#define RESOURCE GROUP "/providers/{namespace}/{type}/{name}"
#define TAG_ROUTES(scope)                                                                          \
	LF_GET(scope TAGS, lf_tags_get, LF_RIGHT("Microsoft.Resources/tags/read")),                \
		LF_PUT(scope TAGS, lf_tags_put, LF_RIGHT("Microsoft.Resources/tags/write")),       \
		LF_PATCH(scope TAGS, lf_tags_patch, LF_RIGHT("Microsoft.Resources/tags/write")),   \
		LF_DELETE(scope TAGS, lf_tags_delete, LF_RIGHT("Microsoft.Resources/tags/delete"))
#define DEPLOYMENT "/providers/Microsoft.Resources/deployments/{deployment}"
static const char *const types[] = {"resourceGroups", "subscriptions", "tags", "tenants", NULL};

static const struct lf_arm_route routes[] = {
	LF_GET("/tenants", list_tenants),
	LF_GET("/subscriptions", list_subscriptions),
	LF_GET(LF_SUBSCRIPTION_PATH, get_subscription),
	LF_GET(LF_SUBSCRIPTION_PATH "/locations", list_locations),
	LF_GET(LF_SUBSCRIPTION_PATH "/resources", lf_resources_list),
	LF_GET(PROVIDERS, list_providers, LF_RIGHT("Microsoft.Resources/providers/read")),
	LF_GET(PROVIDERS "/{namespace}", get_provider,
	       LF_RIGHT("Microsoft.Resources/providers/read")),
	LF_POST(PROVIDERS "/{namespace}/register", get_provider,
		LF_RIGHT("Microsoft.Resources/providers/register/action")),
	LF_GET(GROUPS, list_groups),
	LF_GET(GROUP, get_group),
	LF_PUT(GROUP, put_group, LF_SUBJECT(&group)),
	LF_PATCH(GROUP, patch_group),
	LF_DELETE(GROUP, delete_group),
	LF_GET(GROUP "/resources", lf_resources_list),
	TAG_ROUTES(GROUP),
	TAG_ROUTES(RESOURCE),
	LF_PUT(LF_SUBSCRIPTION_PATH DEPLOYMENT, refuse_deployment),
	LF_PUT(GROUP DEPLOYMENT, refuse_deployment),
	LF_POST_BODY(GROUP DEPLOYMENT "/validate", refuse_deployment),
	LF_GET(PROVIDERS "/Microsoft.Resources/locations/{location}/completedOperations/"
			 "{operation}",
	       get_completed, LF_RIGHT("Microsoft.Resources/locations/operations/read"),
	       .flags = LF_ARM_NO_VERSION),
};

const struct lf_arm_provider lf_resources_provider = {
	.name = "Microsoft.Resources",
	.oldest_version = "2014-04-01",
	.newest_version = "2025-04-01",
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
	.jobs = jobs,
};
