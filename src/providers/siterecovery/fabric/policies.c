/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/siterecovery/internal.h"

#define CREATE		"properties.providerSpecificInput"
#define UPDATE		"properties.replicationProviderSettings"
#define HISTORY_MAX_MIN (15 * 24 * 60)
#define APP_MAX_MIN	(12 * 60)
#define CRASH_MAX_MIN	(24 * 60)
#define HISTORY_DEFAULT (3 * 24 * 60)
#define CRASH_DEFAULT	5

static const struct {
	const char *name;
	int64_t min, max, fallback;
	const char *hint;
} minutes[] = {
	{"recoveryPointHistoryInMinutes", 0, HISTORY_MAX_MIN, HISTORY_DEFAULT,
	 "0 keeps only the latest point, 21600 (15 days) is the most"},
	{"crashConsistentFrequencyInMinutes", 1, CRASH_MAX_MIN, CRASH_DEFAULT,
	 "1 to 1440 minutes; 5 is usual"},
	{"appConsistentFrequencyInMinutes", 0, APP_MAX_MIN, 0, "0 (off) to 720 minutes"},
};

static int read_minutes(const json_t *input, const json_t *before, json_t *details,
			struct lf_error *err)
{
	for (size_t i = 0; i < LF_N(minutes); i++) {
		const json_t *given = lf_json_at(input, minutes[i].name);
		int64_t value = lf_json_int_or(input, minutes[i].name, -1);
		if (!given)
			value = lf_json_int_or(before, minutes[i].name, minutes[i].fallback);
		if (value < minutes[i].min || value > minutes[i].max)
			return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", minutes[i].name,
					   minutes[i].hint, "%s is outside %lld to %lld",
					   minutes[i].name, (long long)minutes[i].min,
					   (long long)minutes[i].max);
		if (lf_json_set_int(details, minutes[i].name, value))
			return lf_fail_nomem(err);
	}
	return 0;
}

static int check_together(const json_t *details, struct lf_error *err)
{
	int64_t history = lf_json_int_or(details, minutes[0].name, 0);
	int64_t app = lf_json_int_or(details, minutes[2].name, 0);

	if (app && !history)
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", minutes[2].name,
				   "set it to 0, or keep some history",
				   "application-consistent points need a history to be kept in");
	if (app > history)
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", minutes[2].name,
				   "make it at most recoveryPointHistoryInMinutes",
				   "application-consistent points would be made less often than "
				   "the history is long");
	return 0;
}

int lf_sr_policy_check(const json_t *input, const json_t *before, json_t **ret_details,
		       struct lf_error *err)
{
	LF_AUTO_JSON *details = json_pack("{s:s}", "instanceType", LF_SR_INSTANCE);
	const json_t *sync = lf_json_at(input, "enableMultiVmSync");

	int rc = lf_sr_check_instance(lf_json_text(input, "instanceType"), NULL,
				      CREATE ".instanceType", err);
	if (!rc)
		rc = read_minutes(input, before, details, err);
	if (!rc)
		rc = check_together(details, err);
	if (rc)
		return rc;
	if (sync && !json_is_boolean(sync) &&
	    !lf_text_equal_nocase(lf_json_text_or(input, "enableMultiVmSync", ""), "true") &&
	    !lf_text_equal_nocase(lf_json_text_or(input, "enableMultiVmSync", ""), "false"))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "enableMultiVmSync",
				   "write \"true\" or \"false\"",
				   "enableMultiVmSync is neither true nor false");
	bool together = lf_json_bool_or(sync ? input : before, "enableMultiVmSync", false);
	if (lf_json_set_text(details, "enableMultiVmSync", together ? "true" : "false"))
		return lf_fail_nomem(err);
	*ret_details = lf_steal(&details);
	return 0;
}

json_t *lf_sr_policy_for_replica(const json_t *policy_doc)
{
	json_t *policy = json_object();

	for (size_t i = 0; policy && i < LF_N(minutes); i++)
		lf_json_set_int(policy, minutes[i].name,
				lf_json_int_or(policy_doc, minutes[i].name, minutes[i].fallback));
	return policy;
}

/* Does item follow the policy? */
static bool follows(const struct lf_resource *item, const char *policy_id)
{
	return lf_arm_id_equal(lf_json_text_or(item->doc, "policyId", ""), policy_id);
}

static int list_items(struct lf_context *context, const char *vault_id,
		      struct lf_resource_list *list, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SR_TYPE_ITEM, .below = vault_id};

	return lf_catalog_list(context->catalog, &query, list, err);
}

int lf_sr_policy_view(struct lf_context *context, const struct lf_resource *policy, bool whole,
		      json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_FREE char *vault_id = lf_sr_vault_id_of(policy->id);
	LF_AUTO_JSON *details = json_deep_copy(policy->doc);
	LF_AUTO_RESOURCE_LIST items = {0};
	json_int_t n = 0;

	(void)whole;
	if (!vault_id || !details)
		return lf_fail_nomem(err);
	int rc = list_items(context, vault_id, &items, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < items.n; i++)
		n += follows(&items.items[i], policy->id);
	if (lf_json_set_bool(details, "status", false) |
	    lf_json_set_int(details, "associatedItemsCount", n) |
	    lf_json_set_text(details, "dataSourceType", "VM"))
		return lf_fail_nomem(err);
	return lf_sr_view_new(policy->id, LF_SR_TYPE_POLICY,
			      json_pack("{s:s,s:O}", "friendlyName", lf_arm_id_last(policy->id),
					"providerSpecificDetails", details),
			      ret_doc, err);
}

static char *policy_id(struct lf_arm_call *call, const struct lf_sr_scope *scope)
{
	return lf_sr_child_id(scope->vault.id, "replicationPolicies", lf_arm_param(call, "policy"));
}

/*
 * The live service answers 400 for a policy that is not there.  The setting
 * siterecovery.missing-policy = 404 gives what the conventions ask for.
 */
static int missing_policy(struct lf_context *context, const char *id, struct lf_error *err)
{
	LF_AUTO_FREE char *status = NULL;
	struct lf_error ignored;
	bool conventional = lf_catalog_setting_get(context->catalog, "siterecovery.missing-policy",
						   &status, &ignored) == 0 &&
			    strcmp(status, "404") == 0;

	return lf_fail_arm(err, conventional ? LF_ENOTFOUND : LF_EINVAL, "PolicyNotFound", id,
			   "list replicationPolicies for those of the vault",
			   "the vault has no such replication policy");
}

int lf_sr_policies_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	return rc ? rc
		  : lf_sr_reply_list(call, LF_SR_TYPE_POLICY, scope.vault.id, lf_sr_policy_view,
				     err);
}

int lf_sr_policies_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);
	LF_AUTO_FREE char *id = rc ? NULL : policy_id(call, &scope);

	if (!rc && !id)
		return lf_fail_nomem(err);
	if (!rc)
		rc = lf_sr_reply_one(call, id, lf_sr_policy_view, err);
	return rc == LF_ENOTFOUND && id ? missing_policy(lf_arm_context(call), id, err) : rc;
}

/* The replicas of items that follow the policy take it over. */
static int apply_to_items(struct lf_context *context, const char *vault_id, const char *id,
			  const json_t *details, struct lf_error *err)
{
	LF_AUTO_JSON *policy = lf_sr_policy_for_replica(details);
	LF_AUTO_RESOURCE_LIST items = {0};

	if (!policy)
		return lf_fail_nomem(err);
	int rc = list_items(context, vault_id, &items, err);
	for (size_t i = 0; !rc && i < items.n; i++) {
		if (!follows(&items.items[i], id))
			continue;
		rc = lf_replica_set_policy(context->replication, items.items[i].id, policy, err);
		if (rc == LF_ENOTFOUND) /* not started yet: it reads the policy when it does */
			rc = 0;
		rc = lf_row_pass_over(items.items[i].id, rc, err);
	}
	return rc;
}

static int put_policy(struct lf_arm_call *call, const char *input_path, enum lf_put_mode mode,
		      struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	LF_AUTO_JSON *details = NULL;
	LF_AUTO_SR_SCOPE scope = {0};

	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *id = policy_id(call, &scope);
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_catalog_get(context->catalog, id, &before, err);
	if (rc == LF_ENOTFOUND && mode == LF_PUT_EXISTING)
		return missing_policy(context, id, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	*err = LF_ERROR_NONE;
	/* PUT replaces, PATCH keeps what it does not name */
	rc = lf_sr_policy_check(lf_json_at(lf_arm_body(call), input_path),
				mode == LF_PUT_EXISTING ? before.doc : NULL, &details, err);
	if (!rc)
		rc = lf_catalog_put(context->catalog, id, LF_SR_TYPE_POLICY, LF_PUT_ANY, NULL,
				    details, NULL, err);
	if (!rc)
		rc = apply_to_items(context, scope.vault.id, id, details, err);
	return rc ? rc : lf_sr_reply_one(call, id, lf_sr_policy_view, err);
}

int lf_sr_policies_put(struct lf_arm_call *call, struct lf_error *err)
{
	return put_policy(call, CREATE, LF_PUT_ANY, err);
}

int lf_sr_policies_patch(struct lf_arm_call *call, struct lf_error *err)
{
	return put_policy(call, UPDATE, LF_PUT_EXISTING, err);
}

int lf_sr_policies_delete(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE_LIST items = {0};
	LF_AUTO_SR_SCOPE scope = {0};

	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *id = policy_id(call, &scope);
	if (!id)
		return lf_fail_nomem(err);
	rc = list_items(context, scope.vault.id, &items, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < items.n; i++)
		if (follows(&items.items[i], id))
			return lf_fail_arm(err, LF_ECONFLICT, "PolicyInUse", id,
					   "disable the protection of the items that follow it",
					   "the policy is in use by %s", items.items[i].id);
	rc = lf_catalog_delete(context->catalog, id, err);
	return rc ? rc : lf_arm_reply(call, 204, NULL, err);
}
