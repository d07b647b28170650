/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replication policies: how often points are made, and how long they are kept.
 * A row is the policy's details; the replicas of the items that follow it take
 * it over in the transaction that writes it.
 */
#include <string.h>

#include "json/doc.h"
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
	LF_AUTO_DOC policy = LF_DOC_INIT;

	for (size_t i = 0; i < LF_N(minutes); i++)
		lf_doc_int(&policy, minutes[i].name,
			   lf_json_int_or(policy_doc, minutes[i].name, minutes[i].fallback));
	return lf_doc_take(&policy);
}

/* Does an item, or a mapping, follow the policy? */
static bool follows(const struct lf_resource *item, const char *policy_id)
{
	return lf_arm_id_equal(lf_json_text_or(item->doc, "policyId", ""), policy_id);
}

/* The vault's items, of which some may follow the policy. */
static int list_items(struct lf_catalog *catalog, const char *policy_id,
		      struct lf_resource_list *list, struct lf_error *err)
{
	LF_AUTO_FREE char *vault_id = lf_id_above(policy_id, LF_SR_TYPE_VAULT);
	const struct lf_list_query query = {.type = LF_SR_TYPE_ITEM, .below = vault_id};

	return vault_id ? lf_catalog_list(catalog, &query, list, err) : lf_fail_nomem(err);
}

static int show_policy(struct lf_arm_call *call, const struct lf_resource *policy,
		       json_t **ret_properties, struct lf_error *err)
{
	LF_AUTO_DOC view = LF_DOC_INIT;
	LF_AUTO_RESOURCE_LIST items = {0};
	int64_t n = 0;

	int rc = list_items(lf_arm_context(call)->catalog, policy->id, &items, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < items.n; i++)
		n += follows(&items.items[i], policy->id);
	lf_doc_text(&view, "friendlyName", lf_arm_id_last(policy->id));
	lf_doc_put(&view, "providerSpecificDetails", json_copy(policy->doc));
	lf_doc_bool(&view, "providerSpecificDetails.status", false);
	lf_doc_int(&view, "providerSpecificDetails.associatedItemsCount", n);
	lf_doc_text(&view, "providerSpecificDetails.dataSourceType", "VM");
	return lf_doc_end(&view, ret_properties, err);
}

/*
 * 404, which clients take for "not there".  Older answers of the live service were
 * 400; the setting siterecovery.missing-policy = 400 gives them.
 */
static int fail_absent(struct lf_arm_call *call, const char *id, struct lf_resource *ret_policy,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *status = NULL;
	struct lf_error ignored;
	bool older =
		lf_catalog_setting_get(lf_arm_context(call)->catalog, "siterecovery.missing-policy",
				       &status, &ignored) == 0 &&
		strcmp(status, "400") == 0;

	(void)ret_policy;
	return lf_fail_arm(err, older ? LF_EINVAL : LF_ENOTFOUND, "PolicyNotFound", id,
			   "list replicationPolicies for those of the vault",
			   "the vault has no such replication policy");
}

/* The replicas of items that follow the policy take it over. */
static int apply_to_items(struct lf_context *context, const char *id, const json_t *details,
			  struct lf_error *err)
{
	LF_AUTO_JSON *policy = lf_sr_policy_for_replica(details);
	LF_AUTO_RESOURCE_LIST items = {0};

	if (!policy)
		return lf_fail_nomem(err);
	int rc = list_items(context->catalog, id, &items, err);
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

/* PUT replaces, PATCH keeps what it does not name. */
static int read_policy(struct lf_arm_call *call, const char *id, const json_t *body,
		       const struct lf_resource *before, json_t *doc, struct lf_error *err)
{
	bool patch = json_object_size(doc) > 0;
	LF_AUTO_JSON *details = NULL;

	int rc = lf_sr_input_check(call, &lf_sr_policy_document, patch ? UPDATE : CREATE, err);
	if (!rc && lf_json_at(body, patch ? CREATE : UPDATE))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter", patch ? CREATE : UPDATE,
				 patch ? "give " UPDATE : "give " CREATE,
				 "a PUT has providerSpecificInput, and a PATCH "
				 "replicationProviderSettings");
	if (!rc)
		rc = lf_sr_policy_check(lf_json_at(body, patch ? UPDATE : CREATE),
					patch ? before->doc : NULL, &details, err);
	if (!rc && json_object_update(doc, details))
		rc = lf_fail_nomem(err);
	return rc || !before ? rc : apply_to_items(lf_arm_context(call), id, doc, err);
}

/* Refused while an item follows the policy, or a container's mapping names it. */
static int remove_policy(struct lf_context *context, const struct lf_resource *policy,
			 struct lf_error *err)
{
	static const char *const users[] = {LF_SR_TYPE_ITEM, LF_SR_TYPE_MAPPING};
	LF_AUTO_FREE char *vault_id = lf_id_above(policy->id, LF_SR_TYPE_VAULT);
	int rc = vault_id ? 0 : lf_fail_nomem(err);

	for (size_t t = 0; !rc && t < LF_N(users); t++) {
		const struct lf_list_query query = {.type = users[t], .below = vault_id};
		LF_AUTO_RESOURCE_LIST list = {0};
		rc = lf_catalog_list(context->catalog, &query, &list, err);
		for (size_t i = 0; !rc && i < list.n; i++)
			if (follows(&list.items[i], policy->id))
				rc = lf_fail_arm(err, LF_ECONFLICT, "PolicyInUse", policy->id,
						 "disable the protection of the items that follow "
						 "it, and remove the mappings that name it",
						 "the policy is in use by %s", list.items[i].id);
	}
	return rc;
}

int lf_sr_check_policy(struct lf_catalog *catalog, const char *below_vault, const char *id,
		       struct lf_error *err)
{
	static const char target[] = "properties.policyId";
	LF_AUTO_FREE char *vault_id = lf_id_above(below_vault, LF_SR_TYPE_VAULT);
	LF_AUTO_FREE char *below = lf_printf_dup("%s/", vault_id ? vault_id : "");

	if (!vault_id || !below)
		return lf_fail_nomem(err);
	int rc = lf_sr_check_exists(catalog, id, LF_SR_TYPE_POLICY, "PolicyNotFound", target, err);
	return rc || lf_text_starts_nocase(id, below)
		       ? rc
		       : lf_fail_arm(err, LF_EINVAL, "PolicyNotFound", target,
				     "take a policy of the same vault",
				     "the policy belongs to another vault");
}

static const char *const truths[] = {"false", "true", NULL};
#define POLICY_FIELDS(path)                                                                        \
	{path, LF_OBJECT, 0, 0, 0, NULL, "how often points are made and how long they stay"},      \
		{path ".instanceType", LF_TEXT, 0, 0, 255, NULL, LF_SR_INSTANCE},                  \
		{path ".recoveryPointHistoryInMinutes", LF_INT, 0, 0, 0, NULL, "0 to 21600"},      \
		{path ".crashConsistentFrequencyInMinutes", LF_INT, 0, 0, 0, NULL, "1 to 1440"},   \
		{path ".appConsistentFrequencyInMinutes", LF_INT, 0, 0, 0, NULL, "0 to 720"},      \
	{                                                                                          \
		path ".enableMultiVmSync", LF_ENUM, 0, 0, 0, truths, "false"                       \
	}
static const struct lf_field policy_fields[] = {POLICY_FIELDS(CREATE), POLICY_FIELDS(UPDATE)};
const struct lf_document lf_sr_policy_document = {
	.type = LF_SR_TYPE_POLICY,
	.scope = LF_SR_TYPE_VAULT,
	.fields = policy_fields,
	.n_fields = LF_N(policy_fields),
	.read = read_policy,
	.show = show_policy,
	.absent = fail_absent,
	.removing = remove_policy,
	.created_is_200 = true,
	.deleted_status = 204,
};
