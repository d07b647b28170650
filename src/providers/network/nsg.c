/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network security groups: rules are kept and checked; they are documents,
 * and a machine's isolation comes from its network.
 */
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "json/doc.h"
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

static int check_users(struct lf_context *context, const struct lf_resource *nsg, const char *type,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

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
	int rc = check_users(context, nsg, LF_NIC_TYPE, err);

	return rc ? rc : check_users(context, nsg, LF_SUBNET_TYPE, err);
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
