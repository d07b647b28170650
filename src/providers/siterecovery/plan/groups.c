/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The groups of a recovery plan: what a body may say of them, and what is stored.
 * Their order is fixed (Shutdown, Failover, Boot groups in the order in which
 * their machines start); only Boot groups have items, each item is in one.
 */
#include <string.h>

#include "providers/siterecovery/plan/plan.h"

#define GROUPS	"properties.groups"
#define ITEM_ID GROUPS ".replicationProtectedItems.id"

enum kind { SHUTDOWN, FAILOVER, BOOT, KINDS };
static const char *const kinds[] = {
	[SHUTDOWN] = "Shutdown", [FAILOVER] = "Failover", [BOOT] = "Boot", NULL};
/* Those in which an action can be run here. */
static const char *const failovers[] = {"PlannedFailover", "UnplannedFailover", "TestFailover",
					NULL};
static const char *const directions[] = {"PrimaryToRecovery", "RecoveryToPrimary", NULL};

static int fail(const char *target, const char *hint, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", target, hint, "%s", what);
}

/* Every element is one of words (in any case); the words as published into a new array. */
static int check_words(const json_t *given, const char *const *words, const char *target,
		       json_t **ret_words, struct lf_error *err)
{
	LF_AUTO_JSON *made = json_array();
	const json_t *value;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)given, i, value) {
		const char *text = json_string_value(value);
		const char *const *word = words;
		while (*word && (!text || !lf_text_equal_nocase(*word, text)))
			word++;
		if (!*word)
			return fail(target, "see the values of the description that are served",
				    "a value is none that an action can be run for", err);
		json_array_append_new(made, json_string(*word));
	}
	if (!json_array_size(made))
		return fail(target, "name one at least", "the action would never be run", err);
	*ret_words = lf_steal(&made);
	return 0;
}

static int put_details(struct lf_context *context, const json_t *details, struct lf_doc *made,
		       struct lf_error *err)
{
	static const char target[] = GROUPS ".customDetails";
	static const char *const script[] = {"path", "timeout", "fabricLocation"};
	const char *instance = lf_json_text_or(details, "instanceType", "");
	LF_AUTO_FREE char *path = NULL;

	lf_doc_text(made, "customDetails.instanceType", instance);
	if (strcmp(instance, "ManualActionDetails") == 0) {
		lf_doc_text(made, "customDetails.description",
			    lf_json_text_or(details, "description", ""));
		return 0;
	}
	if (strcmp(instance, "ScriptActionDetails") != 0)
		return lf_fail_arm(err, LF_EUNSUPPORTED, "AutomationRunbookNotSupported", target,
				   "use a manual action, or a script that the operator allows",
				   "there are no automation accounts here");
	for (size_t i = 0; i < LF_N(script); i++) {
		char name[64];
		snprintf(name, sizeof(name), "customDetails.%s", script[i]);
		lf_doc_share_if(made, name, lf_json_at(details, script[i]));
	}
	return lf_sr_plan_script_check(context, details, &path, err);
}

static bool has_word(const json_t *words, const char *wanted)
{
	const json_t *word;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)words, i, word)
		if (strcmp(json_string_value(word), wanted) == 0)
			return true;
	return false;
}

static int put_action(struct lf_context *context, const json_t *action, json_t *actions,
		      struct lf_error *err)
{
	const char *name = lf_json_text_or(action, "actionName", "");
	LF_AUTO_JSON *types = NULL;
	LF_AUTO_JSON *ways = NULL;
	LF_AUTO_DOC made = LF_DOC_INIT;

	if (lf_json_find_nocase(actions, "actionName", name))
		return fail(GROUPS ".actionName", "give each action of a group its own name",
			    "two actions have one name", err);
	int rc = check_words(lf_json_at(action, "failoverTypes"), failovers,
			     GROUPS ".failoverTypes", &types, err);
	if (!rc)
		rc = check_words(lf_json_at(action, "failoverDirections"), directions,
				 GROUPS ".failoverDirections", &ways, err);
	if (!rc && !has_word(ways, directions[0]))
		rc = fail(GROUPS ".failoverDirections", "give PrimaryToRecovery, alone or with it",
			  "nothing fails back from here: the action would never be run", err);
	if (rc)
		return rc;
	lf_doc_text(&made, "actionName", name);
	lf_doc_put(&made, "failoverTypes", lf_steal(&types));
	lf_doc_put(&made, "failoverDirections", lf_steal(&ways));
	rc = put_details(context, lf_json_at(action, "customDetails"), &made, err);
	if (rc)
		return rc;
	return json_array_append_new(actions, lf_doc_take(&made)) ? lf_fail_nomem(err) : 0;
}

static int put_actions(struct lf_context *context, const json_t *group, const char *when,
		       struct lf_doc *made, struct lf_error *err)
{
	LF_AUTO_JSON *actions = json_array();
	json_t *action;
	size_t i;
	int rc = 0;

	json_array_foreach (lf_json_at(group, when), i, action)
		rc = rc ? rc : put_action(context, action, actions, err);
	lf_doc_put(made, when, lf_steal(&actions));
	return rc;
}

/* virtualMachineId, where a client gives one, is of the machine that the item protects. */
static int check_machine(const struct lf_resource *item, const char *given, struct lf_error *err)
{
	const char *discovered = lf_json_text_or(item->doc, "details.fabricDiscoveryMachineId", "");

	if (!*given || lf_text_equal_nocase(given, lf_arm_id_last(item->id)) ||
	    lf_text_equal_nocase(given, lf_json_text_or(item->state, "agentId", "")) ||
	    lf_arm_id_equal(given, discovered))
		return 0;
	return fail(GROUPS ".virtualMachineId", "leave it out, or give the item's name",
		    "it is not the machine that the item protects", err);
}

/* What is not below the fabric is not looked for: its vault may not be the caller's. */
static int find_item(struct lf_catalog *catalog, const char *below, const char *id,
		     struct lf_resource *ret_item, struct lf_error *err)
{
	static const char code[] = "ReplicationProtectedItemNotFound";
	static const char hint[] = "list replicationProtectedItems of primaryFabricId";
	int rc = lf_arm_id_check(id, LF_SR_TYPE_ITEM, ITEM_ID, err);

	if (rc)
		return rc;
	return lf_text_starts_nocase(id, below) ? lf_sr_find(catalog, id, LF_SR_TYPE_ITEM, code,
							     hint, ITEM_ID, ret_item, err)
						: lf_fail_arm(err, LF_EINVAL, code, ITEM_ID, hint,
							      "there is no resource %s", id);
}

static int put_item(struct lf_context *context, const char *fabric_id, const json_t *given,
		    json_t *seen, struct lf_doc *made, struct lf_error *err)
{
	static const char target[] = ITEM_ID;
	const char *machine = lf_json_text_or(given, "virtualMachineId", "");
	LF_AUTO_FREE char *below = lf_printf_dup("%s/", fabric_id);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_DOC row = LF_DOC_INIT;

	int rc = below ? find_item(context->catalog, below, lf_json_text_or(given, "id", ""), &item,
				   err)
		       : lf_fail_nomem(err);
	if (!rc)
		rc = check_machine(&item, machine, err);
	if (rc)
		return rc;
	if (json_object_get(seen, item.id))
		return fail(target, "name each item once", "the plan names an item twice", err);
	if (json_object_size(seen) == LF_SR_PLAN_ITEMS)
		return fail(target, "make two plans of it", "a plan has at most 100 items", err);
	lf_doc_text(&row, "id", item.id);
	lf_doc_text(&row, "virtualMachineId", *machine ? machine : lf_arm_id_last(item.id));
	lf_doc_append(made, "replicationProtectedItems", lf_doc_take(&row));
	return json_object_set_new(seen, item.id, json_true()) ? lf_fail_nomem(err) : 0;
}

static int put_items(struct lf_context *context, const char *fabric_id, enum kind kind,
		     const json_t *group, json_t *seen, struct lf_doc *made, struct lf_error *err)
{
	const json_t *items = lf_json_at(group, "replicationProtectedItems");
	json_t *item;
	size_t i;
	int rc = 0;

	lf_doc_put(made, "replicationProtectedItems", json_array());
	if (kind != BOOT && json_array_size(items))
		return fail(GROUPS ".replicationProtectedItems",
			    "name items in Boot groups: all of them are shut down and failed over",
			    "a Shutdown or Failover group has no items", err);
	json_array_foreach ((json_t *)(uintptr_t)items, i, item)
		rc = rc ? rc : put_item(context, fabric_id, item, seen, made, err);
	return rc;
}

static enum kind kind_of(const json_t *group)
{
	const char *name = lf_json_text_or(group, "groupType", "");
	enum kind kind = SHUTDOWN;

	while (kind < BOOT && strcmp(kinds[kind], name) != 0)
		kind++;
	return kind;
}

/* group: NULL for one that every plan has and the body does not speak of. */
static int put_group(struct lf_context *context, const char *fabric_id, enum kind kind,
		     const json_t *group, json_t *seen, json_t *groups, struct lf_error *err)
{
	LF_AUTO_DOC made = LF_DOC_INIT;

	lf_doc_text(&made, "groupType", kinds[kind]);
	int rc = put_items(context, fabric_id, kind, group, seen, &made, err);
	if (!rc)
		rc = put_actions(context, group, "startGroupActions", &made, err);
	if (!rc)
		rc = put_actions(context, group, "endGroupActions", &made, err);
	if (rc)
		return rc;
	return json_array_append_new(groups, lf_doc_take(&made)) ? lf_fail_nomem(err) : 0;
}

static int check_whole(const json_t *groups, const json_t *seen, struct lf_error *err)
{
	size_t boot = json_array_size(groups) - BOOT;

	if (!boot || boot > LF_SR_PLAN_BOOT_GROUPS)
		return fail(GROUPS, "give 1 to 7 groups of groupType Boot",
			    "a plan has 1 to 7 Boot groups", err);
	if (!json_object_size(seen))
		return fail(GROUPS ".replicationProtectedItems", "name one in a Boot group",
			    "the plan has no items", err);
	return 0;
}

int lf_sr_plan_groups(struct lf_context *context, const char *fabric_id, const json_t *groups,
		      json_t **ret_groups, struct lf_error *err)
{
	LF_AUTO_JSON *made = json_array();
	LF_AUTO_JSON *seen = json_object();
	enum kind next = SHUTDOWN;
	size_t at = 0;
	int rc = 0;

	for (; !rc && next < BOOT; next++) {
		const json_t *group = json_array_get(groups, at);
		bool given = group && kind_of(group) == next;
		rc = put_group(context, fabric_id, next, given ? group : NULL, seen, made, err);
		at += given;
	}
	for (; !rc && at < json_array_size(groups); at++) {
		const json_t *group = json_array_get(groups, at);
		rc = kind_of(group) == BOOT
			     ? put_group(context, fabric_id, BOOT, group, seen, made, err)
			     : fail(GROUPS ".groupType",
				    "give Shutdown, then Failover, then the Boot groups",
				    "the groups are in another order, or one is given twice", err);
	}
	if (!rc)
		rc = check_whole(made, seen, err);
	if (!rc)
		*ret_groups = lf_steal(&made);
	return rc;
}

int lf_sr_plan_items(struct lf_context *context, const json_t *groups, json_t **ret_items,
		     struct lf_error *err)
{
	LF_AUTO_JSON *items = json_array();
	json_t *group, *row;
	size_t g, i;

	json_array_foreach ((json_t *)(uintptr_t)groups, g, group)
		json_array_foreach (lf_json_at(group, "replicationProtectedItems"), i, row) {
			LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
			LF_AUTO_DOC made = LF_DOC_INIT;
			bool there = false;
			int rc = lf_catalog_find(context->catalog, lf_json_text_or(row, "id", ""),
						 &item, &there, err);
			if (rc)
				return rc;
			if (!there)
				continue;
			lf_doc_text(&made, "item", item.id);
			lf_doc_text(&made, "name", lf_json_text_or(item.doc, "friendlyName", ""));
			lf_doc_int(&made, "group", (int64_t)g - BOOT + 1);
			if (json_array_append_new(items, lf_doc_take(&made)))
				return lf_fail_nomem(err);
		}
	*ret_items = lf_steal(&items);
	return 0;
}
