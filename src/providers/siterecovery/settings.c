/* SPDX-License-Identifier: Apache-2.0 */
/* Alert settings and vault settings: kept and given back. */
#include <string.h>

#include "providers/siterecovery/internal.h"

static int stored_view(const struct lf_resource *resource, const char *type, json_t **ret_doc,
		       struct lf_error *err)
{
	return lf_sr_view_new(resource->id, type, json_incref(resource->doc), ret_doc, err);
}

static int alert_view(struct lf_context *context, const struct lf_resource *alert, bool whole,
		      json_t **ret_doc, struct lf_error *err)
{
	(void)context, (void)whole;
	return stored_view(alert, LF_SR_TYPE_ALERT, ret_doc, err);
}

static int setting_view(struct lf_context *context, const struct lf_resource *setting, bool whole,
			json_t **ret_doc, struct lf_error *err)
{
	(void)context, (void)whole;
	return stored_view(setting, LF_SR_TYPE_SETTING, ret_doc, err);
}

static int list_below(struct lf_arm_call *call, const char *type, lf_sr_view *view,
		      struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	return rc ? rc : lf_sr_reply_list(call, type, scope.vault.id, view, err);
}

static int get_named(struct lf_arm_call *call, const char *collection, lf_sr_view *view,
		     struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *id =
		lf_sr_child_id(scope.vault.id, collection, lf_arm_param(call, "name"));
	return id ? lf_sr_reply_one(call, id, view, err) : lf_fail_nomem(err);
}

/* doc is taken. */
static int put_named(struct lf_arm_call *call, const char *collection, const char *type,
		     json_t *doc, lf_sr_view *view, struct lf_error *err)
{
	LF_AUTO_JSON *own = doc;
	LF_AUTO_SR_SCOPE scope = {0};

	if (!own)
		return lf_fail_nomem(err);
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *id =
		lf_sr_child_id(scope.vault.id, collection, lf_arm_param(call, "name"));
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_catalog_put(lf_arm_context(call)->catalog, id, type, LF_PUT_ANY, NULL, own, NULL,
			    err);
	return rc ? rc : lf_sr_reply_one(call, id, view, err);
}

int lf_sr_alerts_list(struct lf_arm_call *call, struct lf_error *err)
{
	return list_below(call, LF_SR_TYPE_ALERT, alert_view, err);
}

int lf_sr_alerts_get(struct lf_arm_call *call, struct lf_error *err)
{
	return get_named(call, "replicationAlertSettings", alert_view, err);
}

int lf_sr_alerts_put(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *given = lf_json_at(lf_arm_body(call), "properties");
	const char *locale = lf_json_text_or(given, "locale", "");
	json_t *addresses = lf_json_at(given, "customEmailAddresses");

	return put_named(call, "replicationAlertSettings", LF_SR_TYPE_ALERT,
			 json_pack("{s:s,s:o,s:s}", "sendToOwners",
				   lf_json_text_or(given, "sendToOwners", "DoNotSend"),
				   "customEmailAddresses",
				   addresses ? json_incref(addresses) : json_array(), "locale",
				   *locale ? locale : "en-US"),
			 alert_view, err);
}

int lf_sr_settings_list(struct lf_arm_call *call, struct lf_error *err)
{
	return list_below(call, LF_SR_TYPE_SETTING, setting_view, err);
}

/* Every vault has the setting "default", also before somebody sets it; clients read it with the
 * vault. */
static int reply_unset(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	LF_AUTO_JSON *doc = NULL;
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *id =
		lf_sr_child_id(scope.vault.id, "replicationVaultSettings", "default");
	json_t *unset = json_pack("{s:n,s:n}", "migrationSolutionId", "vmwareToAzureProviderType");
	if (!id || !unset) {
		json_decref(unset);
		return lf_fail_nomem(err);
	}
	rc = lf_sr_view_new(id, LF_SR_TYPE_SETTING, unset, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

int lf_sr_settings_get(struct lf_arm_call *call, struct lf_error *err)
{
	int rc = get_named(call, "replicationVaultSettings", setting_view, err);

	return rc == LF_ENOTFOUND && lf_text_equal_nocase(lf_arm_param(call, "name"), "default")
		       ? reply_unset(call, err)
		       : rc;
}

int lf_sr_settings_put(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *given = lf_json_at(lf_arm_body(call), "properties");

	return put_named(call, "replicationVaultSettings", LF_SR_TYPE_SETTING,
			 json_pack("{s:s?,s:s?}", "migrationSolutionId",
				   lf_json_text(given, "migrationSolutionId"),
				   "vmwareToAzureProviderType",
				   lf_json_text(given, "vmwareToAzureProviderType")),
			 setting_view, err);
}
