/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual networks and their subnets.  A subnet is a row of its own; a network
 * takes the array of a PUT apart and puts it together again when it is read.
 * A PUT without the array leaves the subnets as they are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "providers/authorization/authorization.h"
#include "providers/network/internal.h"

#define SUBNET_BITS_MAX 29 /* smaller ones have no address for a machine */
#define SUBNETS_MAX	3000

/* Prefixes of the network; at most n of them. */
static int read_space(const json_t *network, struct lf_prefix *prefixes, size_t n, size_t *ret_n,
		      struct lf_error *err)
{
	json_t *array = lf_json_at(network, "properties.addressSpace.addressPrefixes"), *value;
	size_t i;

	if (!json_array_size(array) || json_array_size(array) > n)
		return lf_fail_arm(err, LF_EINVAL, "InvalidAddressSpace",
				   "properties.addressSpace.addressPrefixes",
				   "give 1 to 64 prefixes, as [\"10.0.0.0/16\"]",
				   "the network needs an address space");
	json_array_foreach (array, i, value) {
		char target[80];
		snprintf(target, sizeof(target), "properties.addressSpace.addressPrefixes[%zu]", i);
		int rc = lf_prefix_parse(json_is_string(value) ? json_string_value(value) : "",
					 target, &prefixes[i], err);
		for (size_t j = 0; !rc && j < i; j++)
			if (lf_prefix_overlaps(&prefixes[i], &prefixes[j]))
				rc = lf_fail_arm(err, LF_EINVAL, "AddressPrefixesOverlap", target,
						 "give prefixes that have nothing in common",
						 "the prefixes %s and %s overlap",
						 json_string_value(value),
						 json_string_value(json_array_get(array, j)));
		if (rc)
			return rc;
	}
	*ret_n = json_array_size(array);
	return 0;
}

struct placed {
	const char *name;
	struct lf_prefix prefix;
};

static int check_inside(const struct placed *subnet, const struct lf_prefix *space, size_t n_space,
			struct lf_error *err)
{
	char text[LF_PREFIX_SIZE];

	lf_prefix_format(&subnet->prefix, text);
	for (size_t i = 0; i < n_space; i++)
		if (lf_prefix_inside(&subnet->prefix, &space[i]))
			return 0;
	return lf_fail_arm(err, LF_EINVAL, "NetcfgInvalidSubnet", subnet->name,
			   "give a prefix inside the network's address space that no other subnet "
			   "uses",
			   "subnet '%s' (%s) is not inside the address space of its network",
			   subnet->name, text);
}

/*
 * All subnets of a network: inside its address space, and nothing in common.
 * extra: one that is about to be written, instead of its row; NULL: none.
 */
static int check_layout(struct lf_catalog *catalog, const char *network_id, const json_t *network,
			const struct lf_resource *extra, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SUBNET_TYPE, .below = network_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	struct lf_prefix space[64];
	size_t n_space = 0;

	int rc = read_space(network, space, LF_N(space), &n_space, err);
	if (!rc)
		rc = lf_catalog_list(catalog, &query, &list, err);
	if (rc)
		return rc;
	LF_AUTO_FREE struct placed *all = calloc(list.n + 1, sizeof(*all));
	if (!all)
		return lf_fail_nomem(err);
	size_t n = 0;
	for (size_t k = 0; !rc && k < list.n + (extra ? 1 : 0); k++) {
		const struct lf_resource *subnet = k < list.n ? &list.items[k] : extra;
		if (extra && subnet != extra && lf_arm_id_equal(subnet->id, extra->id))
			continue;
		size_t i = n++;
		all[i].name = lf_arm_id_last(subnet->id);
		rc = lf_network_subnet_prefix(subnet, &all[i].prefix, err);
		if (!rc)
			rc = check_inside(&all[i], space, n_space, err);
		for (size_t j = 0; !rc && j < i; j++)
			if (lf_prefix_overlaps(&all[i].prefix, &all[j].prefix))
				rc = lf_fail_arm(
					err, LF_EINVAL, "NetcfgSubnetRangesOverlap", all[i].name,
					"give each subnet a prefix of its own",
					"subnet '%s' is not valid because its range overlaps with "
					"that of subnet '%s'",
					all[i].name, all[j].name);
	}
	return rc;
}

/* Who has an address in the subnet keeps it only if the new prefix has it too. */
static int check_taken(struct lf_catalog *catalog, const struct lf_resource *before,
		       const struct lf_prefix *prefix, struct lf_error *err)
{
	LF_AUTO_JSON *addresses = NULL;
	const char *text;
	json_t *owner;
	uint32_t address;

	int rc = lf_subnet_addresses(catalog, before, NULL, &addresses, err);
	json_object_foreach (addresses, text, owner) {
		if (rc || (rc = lf_address_parse(text, NULL, &address, err)))
			break;
		if (!lf_prefix_holds(prefix, address) || lf_prefix_reserves(prefix, address))
			return lf_fail_arm(err, LF_EINVAL, "InUsePrefixCannotBeDeleted", before->id,
					   "delete what uses the subnet first",
					   "the address %s of the subnet is in use by %s", text,
					   json_string_value(owner));
	}
	return rc;
}

/* Check and complete the document of one subnet. */
static int complete_subnet(struct lf_catalog *catalog, const char *id, json_t *doc,
			   const struct lf_resource *before, struct lf_error *err)
{
	const struct lf_resource look = {.doc = doc};
	struct lf_prefix prefix;
	int rc = lf_name_check(LF_NAME_RESOURCE, lf_arm_id_last(id), "name", err);

	if (!rc && json_array_size(lf_json_at(doc, "properties.addressPrefixes")) > 1)
		rc = lf_fail_arm(err, LF_EUNSUPPORTED, "SubnetWithMultipleAddressPrefixes",
				 "properties.addressPrefixes", "make a subnet for each prefix",
				 "a subnet has one prefix here");
	if (!rc)
		rc = lf_network_subnet_prefix(&look, &prefix, err);
	if (!rc && prefix.bits > SUBNET_BITS_MAX)
		rc = lf_fail_arm(err, LF_EINVAL, "NetcfgInvalidSubnet", "properties.addressPrefix",
				 "give a prefix of at most 29 bits",
				 "the subnet '%s' has no address for a machine",
				 lf_arm_id_last(id));
	if (!rc && before)
		rc = check_taken(catalog, before, &prefix, err);
	if (!rc)
		rc = lf_network_check_reference(catalog, doc, "properties.networkSecurityGroup",
						LF_NSG_TYPE, err);
	if (rc)
		return rc;
	json_t *properties = lf_json_at(doc, "properties");
	json_object_del(properties, "ipConfigurations");
	json_object_del(properties, "privateEndpoints");
	if (!lf_json_at(doc, "properties.delegations"))
		json_object_set_new(properties, "delegations", json_array());
	if (!lf_json_text(doc, "properties.privateEndpointNetworkPolicies"))
		lf_json_set_text(doc, "properties.privateEndpointNetworkPolicies", "Disabled");
	if (!lf_json_text(doc, "properties.privateLinkServiceNetworkPolicies"))
		lf_json_set_text(doc, "properties.privateLinkServiceNetworkPolicies", "Enabled");
	return lf_json_set_text(doc, "properties.provisioningState", "Succeeded")
		       ? lf_fail_nomem(err)
		       : 0;
}

/* One that the array leaves as it is is not written, so that a lock of it forbids nothing. */
static int put_subnet_of_array(struct lf_context *context, const char *network_id,
			       const json_t *subnet, char **ret_id, struct lf_error *err)
{
	struct lf_catalog *catalog = context->catalog;
	const char *name = lf_json_text_or(subnet, "name", "");
	LF_AUTO_FREE char *id = lf_printf_dup("%s/subnets/%s", network_id, name);
	LF_AUTO_JSON *doc = json_object();
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	const json_t *given = lf_json_at(subnet, "properties");

	if (!id || !doc ||
	    lf_json_set(doc, "properties", given ? json_deep_copy(given) : json_object()))
		return lf_fail_nomem(err);
	int rc = lf_name_check(LF_NAME_RESOURCE, name, "properties.subnets", err);
	if (!rc)
		rc = lf_catalog_get(catalog, id, &before, err);
	bool exists = !rc;
	if (rc == LF_ENOTFOUND)
		rc = 0;
	if (!rc)
		rc = complete_subnet(catalog, id, doc, exists ? &before : NULL, err);
	bool same = !rc && exists &&
		    json_equal(lf_json_at(before.doc, "properties"), lf_json_at(doc, "properties"));
	if (!rc && !same)
		rc = lf_rights_unlocked(context->rights, LF_SUBNET_TYPE "/write", id, err);
	if (!rc && !same)
		rc = lf_catalog_put(catalog, id, LF_SUBNET_TYPE, LF_PUT_ANY, NULL, doc, NULL, err);
	if (!rc)
		*ret_id = lf_steal(&id);
	return rc;
}

/* Delete those that the array does not name. */
static int drop_others(struct lf_context *context, const char *network_id, const json_t *ids,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SUBNET_TYPE, .below = network_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_FREE char *key = lf_text_lower_dup(list.items[i].id);
		if (!key)
			return lf_fail_nomem(err);
		if (json_object_get(ids, key))
			continue;
		rc = lf_subnet_check_unused(context->catalog, &list.items[i], err);
		if (!rc)
			rc = lf_rights_unlocked(context->rights, LF_SUBNET_TYPE "/delete",
						list.items[i].id, err);
		if (!rc)
			rc = lf_catalog_delete_tree(context->catalog, list.items[i].id, err);
	}
	return rc;
}

/* Write, check and delete the subnets of a network so that they are those of the array (NULL:
 * they stay as they are); inside the transaction that writes the network. */
static int replace_subnets(struct lf_context *context, const char *network_id,
			   const json_t *network, json_t *subnets, struct lf_error *err)
{
	LF_AUTO_JSON *ids = json_object();
	json_t *subnet;
	size_t i;
	int rc = ids ? 0 : lf_fail_nomem(err);

	if (!rc && json_array_size(subnets) > SUBNETS_MAX)
		rc = lf_fail_arm(err, LF_EINVAL, "SubnetCountLimitReached", "properties.subnets",
				 NULL, "a network has at most %d subnets", SUBNETS_MAX);
	json_array_foreach (subnets, i, subnet) {
		LF_AUTO_FREE char *id = NULL;
		if (!rc)
			rc = put_subnet_of_array(context, network_id, subnet, &id, err);
		LF_AUTO_FREE char *key = rc ? NULL : lf_text_lower_dup(id);
		if (!rc && (!key || json_object_set_new(ids, key, json_true())))
			rc = lf_fail_nomem(err);
		if (!rc && json_object_size(ids) != i + 1)
			rc = lf_fail_arm(err, LF_EINVAL, "InvalidRequestFormat",
					 "properties.subnets", "give each subnet a name of its own",
					 "two subnets are called '%s'", lf_arm_id_last(id));
	}
	if (!rc && subnets)
		rc = drop_others(context, network_id, ids, err);
	return rc ? rc : check_layout(context->catalog, network_id, network, NULL, err);
}

static int check_vnet(struct lf_arm_call *call, const char *id, json_t *doc,
		      const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	json_t *properties = lf_json_at(doc, "properties");
	char guid[LF_GUID_SIZE];

	int rc = 0;

	if (json_array_size(lf_json_at(doc, "properties.virtualNetworkPeerings")))
		rc = lf_fail_arm(err, LF_EUNSUPPORTED, "PeeringNotSupported",
				 "properties.virtualNetworkPeerings",
				 "put machines that talk to each other into one network",
				 "networks cannot be peered here");
	if (rc)
		return rc;
	LF_AUTO_JSON *subnets = json_incref(json_object_get(properties, "subnets"));
	json_object_del(properties, "subnets");
	rc = replace_subnets(context, before ? before->id : id, doc,
			     json_is_array(subnets) ? subnets : NULL, err);
	if (rc)
		return rc;
	if (!lf_json_text(state, "resourceGuid")) {
		lf_guid_random(guid);
		if (lf_json_set_text(state, "resourceGuid", guid))
			return lf_fail_nomem(err);
	}
	if (!json_is_boolean(lf_json_at(doc, "properties.enableDdosProtection")))
		lf_json_set_bool(doc, "properties.enableDdosProtection", false);
	return lf_json_set_text(doc, "properties.resourceGuid",
				lf_json_text(state, "resourceGuid")) |
			       lf_json_set(doc, "properties.virtualNetworkPeerings", json_array())
		       ? lf_fail_nomem(err)
		       : 0;
}

static int view_vnet(struct lf_arm_call *call, const struct lf_resource *vnet, json_t *doc,
		     struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SUBNET_TYPE, .below = vnet->id};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *subnets = json_array();

	if (!subnets)
		return lf_fail_nomem(err);
	int rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		json_t *subnet = NULL;
		rc = lf_document_view(call, &lf_subnet_document, &list.items[i], &subnet, err);
		if (!rc && json_array_append_new(subnets, subnet))
			rc = lf_fail_nomem(err);
	}
	if (!rc && lf_json_set(doc, "properties.subnets", json_incref(subnets)))
		rc = lf_fail_nomem(err);
	return rc;
}

static int remove_vnet(struct lf_context *context, const struct lf_resource *vnet,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SUBNET_TYPE, .below = vnet->id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		rc = lf_subnet_check_unused(context->catalog, &list.items[i], err);
	return rc ? rc : lf_zone_links_release(context, vnet->id, err);
}

static const char *const off[] = {"Disabled", NULL};
static const struct lf_field vnet_fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "what the network is"},
	{"properties.addressSpace", LF_OBJECT, LF_REQUIRED, 0, 0, NULL,
	 "the prefixes of the network, as {\"addressPrefixes\": [\"10.0.0.0/16\"]}"},
	{"properties.addressSpace.addressPrefixes", LF_ARRAY, LF_REQUIRED, 0, 64, NULL,
	 "IPv4 prefixes, as [\"10.0.0.0/16\"]"},
	{"properties.addressSpace.addressPrefixes.*", LF_TEXT, 0, 0, 64, NULL, "a prefix"},
	{"properties.subnets", LF_ARRAY, 0, 0, SUBNETS_MAX, NULL,
	 "the subnets; an array replaces those that are there"},
	{"properties.subnets.*.name", LF_TEXT, 0, 0, 80, NULL, "what it is called"},
	{"properties.subnets.*.id", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "made of its name"},
	{"properties.subnets.*.type", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its type"},
	{"properties.subnets.*.etag", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its etag"},
	LF_SUBNET_ROWS("properties.subnets.*.properties."),
	{"properties.privateEndpointVNetPolicies", LF_ENUM, 0, 0, 0, off,
	 "kept: security groups do not filter endpoints"},
	{"properties.resourceGuid", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "made by the service"},
	{"properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded"},
};

const struct lf_document lf_vnet_document = {
	.type = LF_NETWORK_TYPE,
	.fields = vnet_fields,
	.n_fields = LF_N(vnet_fields),
	.strict = true,
	.check = check_vnet,
	.removing = remove_vnet,
	.view = view_vnet,
	.needs_location = true,
	.async = true,
	.deleted_status = 202,
	.tags_only = true,
	.provisioned = true,
};

/* A subnet written by itself: it must also fit beside its siblings. */
static int check_subnet(struct lf_arm_call *call, const char *id, json_t *doc,
			const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE network = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *network_id = NULL;
	LF_AUTO_FREE char *name = NULL;

	(void)state;
	int rc = lf_subnet_split(id, &network_id, &name, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, network_id, &network, err);
	if (!rc)
		rc = complete_subnet(context->catalog, id, doc, before, err);
	if (rc)
		return rc;
	const struct lf_resource extra = {.id = (char *)(uintptr_t)id, .doc = doc};
	return check_layout(context->catalog, network.id, network.doc, &extra, err);
}

static int view_subnet(struct lf_arm_call *call, const struct lf_resource *subnet, json_t *doc,
		       struct lf_error *err)
{
	LF_AUTO_JSON *addresses = NULL;
	LF_AUTO_JSON *users = json_array();
	const char *address;
	json_t *owner;

	int rc = lf_subnet_addresses(lf_arm_context(call)->catalog, subnet, NULL, &addresses, err);
	if (rc)
		return rc;
	json_object_foreach (addresses, address, owner)
		if (json_array_append_new(users, json_pack("{s:O}", "id", owner)))
			return lf_fail_nomem(err);
	if (json_array_size(users) &&
	    lf_json_set(doc, "properties.ipConfigurations", json_incref(users)))
		return lf_fail_nomem(err);
	return 0;
}

static int remove_subnet(struct lf_context *context, const struct lf_resource *subnet,
			 struct lf_error *err)
{
	return lf_subnet_check_unused(context->catalog, subnet, err);
}

static const struct lf_field subnet_fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "what the subnet is"},
	LF_SUBNET_ROWS("properties."),
};

const struct lf_document lf_subnet_document = {
	.type = LF_SUBNET_TYPE,
	.fields = subnet_fields,
	.n_fields = LF_N(subnet_fields),
	.strict = true,
	.check = check_subnet,
	.removing = remove_subnet,
	.view = view_subnet,
	.async = true,
	.deleted_status = 202,
};
