/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "providers/siterecovery/internal.h"

#define PAGE_SIZE 100

void lf_sr_scope_done(struct lf_sr_scope *scope)
{
	lf_resource_done(&scope->vault);
	lf_resource_done(&scope->fabric);
	lf_resource_done(&scope->container);
	lf_resource_done(&scope->item);
}

char *lf_sr_child_id(const char *parent_id, const char *type, const char *name)
{
	return lf_printf_dup("%s/%s/%s", parent_id, type, name);
}

char *lf_sr_vault_id_of(const char *id)
{
	char subscription[64], group[128], vault[128];

	if (!lf_arm_id_segment(id, "subscriptions", subscription, sizeof(subscription)) ||
	    !lf_arm_id_segment(id, "resourceGroups", group, sizeof(group)) ||
	    !lf_arm_id_segment(id, "vaults", vault, sizeof(vault)))
		return strdup("");
	return lf_printf_dup("/subscriptions/%s/resourceGroups/%s/providers/"
			     "Microsoft.RecoveryServices/vaults/%s",
			     subscription, group, vault);
}

static int open_child(struct lf_arm_call *call, const struct lf_resource *parent, const char *type,
		      const char *param, struct lf_resource *ret_child, struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_sr_child_id(parent->id, type, lf_arm_param(call, param));

	if (!id)
		return lf_fail_nomem(err);
	return lf_catalog_get(lf_arm_context(call)->catalog, id, ret_child, err);
}

int lf_sr_scope_open(struct lf_arm_call *call, enum lf_sr_level level, struct lf_sr_scope *scope,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *vault_id = lf_printf_dup(
		"/subscriptions/%s/resourceGroups/%s/providers/Microsoft.RecoveryServices/"
		"vaults/%s",
		lf_arm_param(call, "subscription"), lf_arm_param(call, "group"),
		lf_arm_param(call, "vault"));

	if (!vault_id)
		return lf_fail_nomem(err);
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, vault_id, &scope->vault, err);
	if (!rc && level >= LF_SR_FABRIC)
		rc = open_child(call, &scope->vault, "replicationFabrics", "fabric", &scope->fabric,
				err);
	if (!rc && level >= LF_SR_CONTAINER)
		rc = open_child(call, &scope->fabric, "replicationProtectionContainers",
				"container", &scope->container, err);
	if (!rc && level >= LF_SR_ITEM)
		rc = open_child(call, &scope->container, "replicationProtectedItems", "item",
				&scope->item, err);
	return rc;
}

int lf_sr_view_new(const char *id, const char *type, json_t *properties, json_t **ret_doc,
		   struct lf_error *err)
{
	LF_AUTO_JSON *doc = json_object();

	if (!properties)
		return lf_fail_nomem(err);
	int rc = lf_arm_envelope(doc, id, type, err);
	if (json_object_set_new(doc, "properties", properties) && !rc)
		rc = lf_fail_nomem(err);
	if (!rc)
		*ret_doc = lf_steal(&doc);
	return rc;
}

int lf_sr_reply_one(struct lf_arm_call *call, const char *id, lf_sr_view *view,
		    struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	LF_AUTO_JSON *doc = NULL;

	int rc = lf_catalog_get(context->catalog, id, &resource, err);
	if (!rc)
		rc = view(context, &resource, true, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

int lf_sr_reply_list(struct lf_arm_call *call, const char *type, const char *below,
		     lf_sr_view *view, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const struct lf_list_query query = {.type = type,
					    .below = below,
					    .after = lf_arm_query(call, "skiptoken"),
					    .limit = PAGE_SIZE};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		json_t *doc = NULL;
		rc = view(context, &list.items[i], false, &doc, err);
		rc = lf_row_pass_over(list.items[i].id, rc, err);
		if (doc && json_array_append_new(values, doc))
			rc = lf_fail_nomem(err);
	}
	if (rc)
		return rc;
	return lf_arm_reply_list(call, values, list.more ? list.items[list.n - 1].id : NULL, err);
}

int lf_sr_exists(struct lf_context *context, const char *id, bool *ret_exists, struct lf_error *err)
{
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(context->catalog, id, &resource, err);

	if (rc && rc != LF_ENOTFOUND)
		return rc;
	*ret_exists = !rc;
	*err = LF_ERROR_NONE;
	return 0;
}

int lf_sr_count(struct lf_context *context, const char *type, const char *below, size_t *ret_n,
		struct lf_error *err)
{
	const struct lf_list_query query = {.type = type, .below = below};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	if (!rc)
		*ret_n = list.n;
	return rc;
}

int lf_sr_check_instance(const char *text, const char *base, const char *target,
			 struct lf_error *err)
{
	if (!text)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", target,
				   "give \"instanceType\": \"" LF_SR_INSTANCE "\"",
				   "instanceType is missing");
	if (lf_text_equal_nocase(text, LF_SR_INSTANCE) ||
	    (base && lf_text_equal_nocase(text, base)))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "InstanceTypeNotSupported", target,
			   "this service protects machines by the replication provider "
			   "" LF_SR_INSTANCE,
			   "instanceType '%.100s' is not supported here", text);
}

int lf_sr_unsupported(struct lf_arm_call *call, const char *code, const char *hint,
		      struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, code, lf_arm_id(call, 0), hint,
			   "this operation is not available for " LF_SR_INSTANCE " items here");
}

/* Types that exist in the contract and never have members here (vCenters, networks...). */
static int empty_list(struct lf_arm_call *call, enum lf_sr_level level, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	LF_AUTO_JSON *values = json_array();
	int rc = lf_sr_scope_open(call, level, &scope, err);

	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}

int lf_sr_empty_list(struct lf_arm_call *call, struct lf_error *err)
{
	return empty_list(call, LF_SR_VAULT, err);
}

int lf_sr_empty_fabric_list(struct lf_arm_call *call, struct lf_error *err)
{
	return empty_list(call, LF_SR_FABRIC, err);
}

int lf_sr_empty_container_list(struct lf_arm_call *call, struct lf_error *err)
{
	return empty_list(call, LF_SR_CONTAINER, err);
}
