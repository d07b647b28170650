/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network security groups: rules are kept and checked; they are documents,
 * and a machine's isolation comes from its network.
 */
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "json/doc.h"
#include "providers/common/page.h"
#include "providers/network/internal.h"

#define RULES_MAX 1000
#define RULES	  "properties.securityRules"

static const struct default_rule {
	const char *name, *description, *from, *to, *access, *direction;
	int priority;
} default_rules[] = {
	{"AllowVnetInBound", "Allow inbound traffic from all VMs in VNET", "VirtualNetwork",
	 "VirtualNetwork", "Allow", "Inbound", 65000},
	{"AllowAzureLoadBalancerInBound", "Allow inbound traffic from azure load balancer",
	 "AzureLoadBalancer", "*", "Allow", "Inbound", 65001},
	{"DenyAllInBound", "Deny all inbound traffic", "*", "*", "Deny", "Inbound", 65500},
	{"AllowVnetOutBound", "Allow outbound traffic from all VMs to all VMs in VNET",
	 "VirtualNetwork", "VirtualNetwork", "Allow", "Outbound", 65000},
	{"AllowInternetOutBound", "Allow outbound traffic from all VMs to Internet", "*",
	 "Internet", "Allow", "Outbound", 65001},
	{"DenyAllOutBound", "Deny all outbound traffic", "*", "*", "Deny", "Outbound", 65500},
};

static int add_default_rules(json_t *doc, const char *id, struct lf_error *err)
{
	LF_AUTO_JSON *rules = json_array();

	for (size_t i = 0; i < LF_N(default_rules); i++) {
		const struct default_rule *r = &default_rules[i];
		LF_AUTO_FREE char *rule_id =
			lf_printf_dup("%s/defaultSecurityRules/%s", id, r->name);
		struct lf_doc made = LF_DOC_INIT;

		lf_doc_text(&made, "id", rule_id);
		lf_doc_text(&made, "name", r->name);
		lf_doc_text(&made, "type", LF_NSG_TYPE "/defaultSecurityRules");
		lf_doc_text(&made, "properties.provisioningState", "Succeeded");
		lf_doc_text(&made, "properties.description", r->description);
		lf_doc_text(&made, "properties.protocol", "*");
		lf_doc_text(&made, "properties.sourcePortRange", "*");
		lf_doc_text(&made, "properties.destinationPortRange", "*");
		lf_doc_text(&made, "properties.sourceAddressPrefix", r->from);
		lf_doc_text(&made, "properties.destinationAddressPrefix", r->to);
		lf_doc_text(&made, "properties.access", r->access);
		lf_doc_int(&made, "properties.priority", r->priority);
		lf_doc_text(&made, "properties.direction", r->direction);
		if (json_array_append_new(rules, lf_doc_take(&made)) || !rule_id)
			return lf_fail_nomem(err);
	}
	return lf_json_set(doc, "properties.defaultSecurityRules", json_incref(rules))
		       ? lf_fail_nomem(err)
		       : 0;
}

/* No two rules of one direction have one priority or one name. */
static int check_pair(const json_t *a, const json_t *b, struct lf_error *err)
{
	const char *direction = lf_json_text_or(a, "properties.direction", "");
	int64_t priority = lf_json_int_or(a, "properties.priority", 0);

	if (lf_text_equal_nocase(lf_json_text_or(a, "name", ""), lf_json_text_or(b, "name", "")))
		return lf_fail_arm(err, LF_EINVAL, "SecurityRuleDuplicateName", RULES,
				   "give each rule a name of its own", "two rules are called '%s'",
				   lf_json_text_or(a, "name", ""));
	if (strcmp(direction, lf_json_text_or(b, "properties.direction", "")) == 0 &&
	    priority == lf_json_int_or(b, "properties.priority", 0))
		return lf_fail_arm(err, LF_EINVAL, "SecurityRuleConflict", RULES,
				   "give each rule of a direction a priority of its own",
				   "the rules '%s' and '%s' have the same priority and direction",
				   lf_json_text_or(a, "name", ""), lf_json_text_or(b, "name", ""));
	return 0;
}

static int check_nsg(struct lf_arm_call *call, const char *id, json_t *doc,
		     const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	json_t *rules = lf_json_at(doc, RULES), *rule;
	char guid[LF_GUID_SIZE];
	size_t i;

	(void)call;
	json_array_foreach (rules, i, rule) {
		const char *name = lf_json_text_or(rule, "name", "");
		LF_AUTO_FREE char *rule_id =
			lf_printf_dup("%s/securityRules/%s", before ? before->id : id, name);
		int rc = lf_name_check(LF_NAME_RESOURCE, name, RULES, err);
		for (size_t j = 0; !rc && j < i; j++)
			rc = check_pair(json_array_get(rules, j), rule, err);
		if (rc)
			return rc;
		if (!rule_id ||
		    lf_json_set_text(rule, "id", rule_id) |
			    lf_json_set_text(rule, "type", LF_NSG_TYPE "/securityRules") |
			    lf_json_set_text(rule, "properties.provisioningState", "Succeeded"))
			return lf_fail_nomem(err);
	}
	if (!lf_json_text(state, "resourceGuid")) {
		lf_guid_random(guid);
		if (lf_json_set_text(state, "resourceGuid", guid))
			return lf_fail_nomem(err);
	}
	return lf_json_set_text(doc, "properties.resourceGuid", lf_json_text(state, "resourceGuid"))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int view_nsg(struct lf_arm_call *call, const struct lf_resource *nsg, json_t *doc,
		    struct lf_error *err)
{
	(void)call;
	return add_default_rules(doc, nsg->id, err);
}

static int check_users(struct lf_catalog *catalog, const struct lf_resource *nsg, const char *type,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		if (lf_arm_id_equal(lf_json_text_or(list.items[i].doc,
						    "properties.networkSecurityGroup.id", ""),
				    nsg->id))
			rc = lf_fail_arm(err, LF_EINVAL, "InUseNetworkSecurityGroupCannotBeDeleted",
					 nsg->id, "take it off what uses it first",
					 "network security group %s is in use by %s",
					 lf_arm_id_last(nsg->id), list.items[i].id);
	return rc;
}

static int remove_nsg(struct lf_context *context, const struct lf_resource *nsg,
		      struct lf_error *err)
{
	int rc = check_users(context->catalog, nsg, LF_NIC_TYPE, err);

	return rc ? rc : check_users(context->catalog, nsg, LF_SUBNET_TYPE, err);
}

static const char *const protocols[] = {"*", "Tcp", "Udp", "Icmp", "Esp", "Ah", NULL};
static const char *const accesses[] = {"Allow", "Deny", NULL};
static const char *const directions[] = {"Inbound", "Outbound", NULL};

/* The members of a rule's properties, below a path. */
#define RULE_ROWS(at)                                                                              \
	{at "description", LF_TEXT, 0, 0, 140, NULL, "for people"},                                \
		{at "protocol", LF_ENUM, 0, 0, 0, protocols, "protocol, * for any"},               \
		{at "sourcePortRange", LF_TEXT, 0, 0, 16, NULL, "a port, two with -, or *"},       \
		{at "destinationPortRange", LF_TEXT, 0, 0, 16, NULL, "the same"},                  \
		{at "sourcePortRanges", LF_ARRAY, 0, 0, 4000, NULL, "several of them"},            \
		{at "sourcePortRanges.*", LF_TEXT, 0, 0, 16, NULL, "one of them"},                 \
		{at "destinationPortRanges", LF_ARRAY, 0, 0, 4000, NULL, "several of them"},       \
		{at "destinationPortRanges.*", LF_TEXT, 0, 0, 16, NULL, "one of them"},            \
		{at "sourceAddressPrefix", LF_TEXT, 0, 0, 256, NULL, "a prefix, a tag, or *"},     \
		{at "destinationAddressPrefix", LF_TEXT, 0, 0, 256, NULL, "the same"},             \
		{at "sourceAddressPrefixes", LF_ARRAY, 0, 0, 4000, NULL, "several of them"},       \
		{at "sourceAddressPrefixes.*", LF_TEXT, 0, 0, 256, NULL, "one of them"},           \
		{at "destinationAddressPrefixes", LF_ARRAY, 0, 0, 4000, NULL, "several of them"},  \
		{at "destinationAddressPrefixes.*", LF_TEXT, 0, 0, 256, NULL, "one of them"},      \
		{at "access", LF_ENUM, 0, 0, 0, accesses, "Allow or Deny"},                        \
		{at "direction", LF_ENUM, 0, 0, 0, directions, "Inbound or Outbound"},             \
		{at "priority", LF_INT, 0, 100, 4096, NULL, "100 to 4096, lower first"},           \
	{                                                                                          \
		at "provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded"             \
	}

static const struct lf_field nsg_fields[] = {
	{RULES, LF_ARRAY, 0, 0, RULES_MAX, NULL, "the rules", "[]"},
	{RULES ".*.name", LF_TEXT, 0, 0, 80, NULL, "what it is called"},
	{RULES ".*.id", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "made of its name"},
	{RULES ".*.type", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its type"},
	{RULES ".*.etag", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its etag"},
	RULE_ROWS(RULES ".*.properties."),
	{"properties.defaultSecurityRules", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL, "Azure's own"},
	{"properties.resourceGuid", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "made by the service"},
	{"properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded"},
};

static const struct lf_field rule_fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "what the rule is"},
	{"name", LF_TEXT, 0, 0, 80, NULL, "that of the URL"},
	{"id", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "made of its name"},
	{"type", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its type"},
	{"etag", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its etag"},
	RULE_ROWS("properties."),
};

/* The rule's place in the group; json_array_size(): none. */
static size_t find_rule(const json_t *rules, const char *name)
{
	size_t i = 0;

	while (i < json_array_size(rules) &&
	       !lf_text_equal_nocase(lf_json_text_or(json_array_get(rules, i), "name", ""), name))
		i++;
	return i;
}

/* Put the rule (NULL: take it away) into its group, as a PUT of the group would. */
static int change_rule(struct lf_arm_call *call, const char *name, json_t *rule, bool *ret_was,
		       struct lf_error *err)
{
	struct lf_catalog *catalog = lf_arm_context(call)->catalog;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE nsg = LF_RESOURCE_INIT;
	int rc = lf_transaction_begin(&tx, catalog, err);

	if (!rc)
		rc = lf_catalog_get(catalog, lf_arm_id(call, 2), &nsg, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *rules = json_deep_copy(lf_json_at(nsg.doc, RULES));
	if (!rules)
		rules = json_array();
	size_t at = find_rule(rules, name);
	*ret_was = at < json_array_size(rules);
	if (*ret_was)
		json_array_remove(rules, at);
	if (rule && json_array_size(rules) >= RULES_MAX)
		return lf_fail_arm(err, LF_EINVAL, "SecurityRuleCountLimitReached", RULES,
				   "take away rules that are not needed",
				   "a group has at most %d rules", RULES_MAX);
	if ((rule && json_array_append(rules, rule)) ||
	    lf_json_set(nsg.doc, RULES, json_incref(rules)))
		return lf_fail_nomem(err);
	rc = check_nsg(call, nsg.id, nsg.doc, &nsg, nsg.state, err);
	if (!rc)
		rc = lf_catalog_put(catalog, nsg.id, LF_NSG_TYPE, LF_PUT_EXISTING, NULL, nsg.doc,
				    nsg.state, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

static int reply_rule(struct lf_arm_call *call, int status, struct lf_error *err)
{
	LF_AUTO_RESOURCE nsg = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 2), &nsg, err);
	const json_t *rules = rc ? NULL : lf_json_at(nsg.doc, RULES);
	const json_t *rule = json_array_get(rules, find_rule(rules, lf_arm_param(call, "rule")));

	if (rc)
		return rc;
	return rule ? lf_arm_reply(call, status, rule, err)
		    : lf_fail(err, LF_ENOTFOUND, lf_arm_id(call, 0), "there is no rule '%.80s'",
			      lf_arm_param(call, "rule"));
}

int lf_nsg_rule_get(struct lf_arm_call *call, struct lf_error *err)
{
	return reply_rule(call, 200, err);
}

int lf_nsg_rule_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE nsg = LF_RESOURCE_INIT;
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *none = json_array();
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 1), &nsg, err);

	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), NULL, 0, &filter, err);
	json_t *rules = rc ? NULL : lf_json_at(nsg.doc, RULES);
	return rc ? rc : lf_page_reply(call, rules ? rules : none, err);
}

int lf_nsg_rule_put(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *rule = json_deep_copy(lf_arm_body(call));
	const char *name = lf_arm_param(call, "rule");
	char path[LF_FIELD_PATH_SIZE];
	bool was = false;
	int rc = rule ? lf_fields_check(rule_fields, LF_N(rule_fields), rule, NULL, err)
		      : lf_fail_nomem(err);

	if (!rc && lf_fields_stray(rule_fields, LF_N(rule_fields), rule, NULL, path))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path,
				 "leave it out: it would have no effect",
				 "%s is not served for security rules", path);
	if (!rc && lf_json_set_text(rule, "name", name))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = change_rule(call, name, rule, &was, err);
	if (!rc)
		rc = lf_document_done_headers(call, err);
	return rc ? rc : reply_rule(call, was ? 200 : 201, err);
}

int lf_nsg_rule_delete(struct lf_arm_call *call, struct lf_error *err)
{
	bool was = false;
	int rc = change_rule(call, lf_arm_param(call, "rule"), NULL, &was, err);

	if (!rc && was)
		rc = lf_document_done_headers(call, err);
	return rc ? rc : lf_arm_reply(call, was ? 202 : 204, NULL, err);
}

const struct lf_document lf_nsg_document = {
	.type = LF_NSG_TYPE,
	.fields = nsg_fields,
	.n_fields = LF_N(nsg_fields),
	.strict = true,
	.check = check_nsg,
	.removing = remove_nsg,
	.view = view_nsg,
	.needs_location = true,
	.async = true,
	.deleted_status = 202,
	.tags_only = true,
	.provisioned = true,
};
