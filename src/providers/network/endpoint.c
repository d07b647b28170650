/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private endpoints.  Making one is one transaction: the interface with an
 * address for each member of the target's group, the connection below the
 * target, and the endpoint's own row.  What an endpoint leads to, and from which
 * subnet, does not change.
 */
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "json/doc.h"
#include "providers/authorization/authorization.h"
#include "providers/network/endpoint_names.h"
#include "providers/network/internal.h"
#include "providers/network/private_link.h"
#include "providers/resources/locations.h"
#include "providers/common/types.h"
#include "providers/vaults/vaults.h"

#define AUTOMATIC   "properties.privateLinkServiceConnections"
#define MANUAL	    "properties.manualPrivateLinkServiceConnections"
#define ADDRESSES   "properties.ipConfigurations"
#define CUSTOM_NAME "properties.customNetworkInterfaceName"

/* The one connection of a body. */
static int find_connection(const json_t *doc, json_t **ret_connection, bool *ret_manual,
			   struct lf_error *err)
{
	json_t *automatic = lf_json_at(doc, AUTOMATIC), *manual = lf_json_at(doc, MANUAL);

	if (json_array_size(automatic) + json_array_size(manual) != 1)
		return lf_fail_arm(err, LF_EINVAL, "PrivateEndpointMustHaveOneConnection",
				   AUTOMATIC,
				   "give one element in privateLinkServiceConnections, or in "
				   "manualPrivateLinkServiceConnections",
				   "a private endpoint has exactly one connection");
	*ret_manual = json_array_size(manual) == 1;
	*ret_connection = json_array_get(*ret_manual ? manual : automatic, 0);
	return 0;
}

static const char *group_of(const json_t *connection)
{
	return lf_json_text_or(connection, "properties.groupIds.0", "");
}

/* Endpoints lead to general-purpose v2 accounts only. */
static int check_account(const struct lf_resource *account, struct lf_error *err)
{
	const char *kind = lf_json_text_or(account->doc, "kind", "");

	return strcmp(kind, "StorageV2") == 0
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "StorageAccountKindNotSupported", account->id,
				     "use an account of kind StorageV2",
				     "private endpoints lead to general-purpose v2 storage "
				     "accounts, and this one is of kind '%s'",
				     kind);
}

static int check_vault(struct lf_context *context, const struct lf_resource *vault,
		       struct lf_error *err)
{
	static const char *const items[] = {
		LF_VAULT_TYPE "/replicationFabrics/replicationProtectionContainers/"
			      "replicationProtectedItems",
		LF_VAULT_TYPE "/backupFabrics/protectionContainers/protectedItems"};
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < LF_N(items); i++) {
		rc = lf_vault_count(context->catalog, vault->id, items[i], &n, err);
		if (!rc && n)
			rc = lf_fail_arm(err, LF_ECONFLICT, "PrivateEndpointVaultNotEmpty",
					 vault->id, "make the endpoint of a new vault",
					 "private endpoints are made of vaults that never "
					 "protected anything, and this one protects %zu items",
					 n);
	}
	return rc;
}

static int find_target(struct lf_context *context, const json_t *connection,
		       struct lf_resource *ret_target, struct lf_error *err)
{
	const char *id = lf_json_text_or(connection, "properties.privateLinkServiceId", "");
	bool there = false;
	int rc = lf_catalog_find(context->catalog, id, ret_target, &there, err);

	if (rc)
		return rc;
	if (!there)
		return lf_fail_arm(err, LF_EINVAL, "InvalidResourceReference", id,
				   "give the id of a vault or a storage account",
				   "the resource '%s' that the connection leads to was not found",
				   id);
	/* a row is written below it */
	rc = lf_rights_unlocked(context->rights, "*/write", ret_target->id, err);
	if (rc)
		return rc;
	if (lf_text_equal_nocase(ret_target->type, LF_STORAGE_TYPE))
		return check_account(ret_target, err);
	if (lf_text_equal_nocase(ret_target->type, LF_VAULT_TYPE))
		return check_vault(context, ret_target, err);
	return lf_fail_arm(err, LF_EINVAL, "PrivateLinkServiceIdTypeNotSupported", id,
			   "give the id of a vault or a storage account",
			   "no private endpoint leads to a resource of type %s", ret_target->type);
}

/* The subnet is there, and its network in the endpoint's region. */
static int check_subnet(struct lf_context *context, json_t *doc, struct lf_error *err)
{
	const char *id = lf_json_text_or(doc, "properties.subnet.id", "");
	LF_AUTO_RESOURCE subnet = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE network = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *network_id = NULL;
	LF_AUTO_FREE char *name = NULL;
	int rc = lf_network_check_reference(context->catalog, doc, "properties.subnet",
					    LF_SUBNET_TYPE, err);

	if (!rc)
		rc = lf_catalog_get(context->catalog, id, &subnet, err);
	if (!rc)
		rc = lf_subnet_split(subnet.id, &network_id, &name, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, network_id, &network, err);
	if (!rc && !lf_location_equal(lf_json_text(network.doc, "location"),
				      lf_json_text(doc, "location")))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidResourceReference", id,
				 "make the endpoint where its network is",
				 "the network of the subnet is in %s, and the private endpoint in "
				 "%s",
				 lf_json_text_or(network.doc, "location", ""),
				 lf_json_text_or(doc, "location", ""));
	if (!rc && lf_json_set(doc, "properties.subnet", json_pack("{s:s}", "id", subnet.id)))
		rc = lf_fail_nomem(err);
	return rc;
}

/* The address that the body wants for a member; NULL: any. */
static const char *wanted_address(const json_t *doc, const char *member)
{
	const json_t *array = lf_json_at(doc, ADDRESSES), *config;
	size_t i;

	json_array_foreach (array, i, config)
		if (lf_text_equal_nocase(lf_json_text_or(config, "properties.memberName", ""),
					 member))
			return lf_json_text(config, "properties.privateIPAddress");
	return NULL;
}

/* Each address that the body asks for is of a member that there is. */
static int check_addresses(const json_t *doc, const char *group, const json_t *members,
			   struct lf_error *err)
{
	const json_t *array = lf_json_at(doc, ADDRESSES), *config;
	size_t i;

	json_array_foreach (array, i, config) {
		const char *member = lf_json_text_or(config, "properties.memberName", "");
		if (lf_json_find_nocase(members, "member", member) &&
		    lf_text_equal_nocase(lf_json_text_or(config, "properties.groupId", group),
					 group))
			continue;
		return lf_fail_arm(err, LF_EINVAL, "InvalidPrivateEndpointIpConfiguration",
				   ADDRESSES,
				   "GET {resource}/privateLinkResources names the members",
				   "the group %s has no member '%.64s'", group, member);
	}
	return 0;
}

static json_t *view_configuration(const json_t *doc, const char *group, const json_t *member)
{
	const char *name = lf_json_text(member, "member");
	LF_AUTO_DOC config = LF_DOC_INIT;

	lf_doc_text(&config, "name", name);
	lf_doc_text(&config, "properties.subnet.id", lf_json_text(doc, "properties.subnet.id"));
	lf_doc_text_if(&config, "properties.privateIPAddress", wanted_address(doc, name));
	lf_doc_text(&config, "properties.privateLinkConnectionProperties.groupId", group);
	lf_doc_text(&config, "properties.privateLinkConnectionProperties.requiredMemberName", name);
	lf_doc_append(&config, "properties.privateLinkConnectionProperties.fqdns",
		      json_string(lf_json_text(member, "fqdn")));
	return lf_doc_take(&config);
}

/* "{group}/providers/Microsoft.Network/networkInterfaces/{name}". */
static char *name_nic(const char *endpoint_id, const json_t *doc)
{
	const char *name = lf_arm_id_last(endpoint_id);
	const char *custom = lf_json_text_or(doc, CUSTOM_NAME, "");
	int above = (int)(name - endpoint_id - strlen("privateEndpoints/"));
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	return custom[0] ? lf_printf_dup("%.*snetworkInterfaces/%s", above, endpoint_id, custom)
			 : lf_printf_dup("%.*snetworkInterfaces/%.38s.nic.%s", above, endpoint_id,
					 name, guid);
}

/* A name and nothing more: the interface's id is made of it.  Absent or "": any will do. */
static int check_custom_name(const json_t *doc, struct lf_error *err)
{
	const char *custom = lf_json_text_or(doc, CUSTOM_NAME, "");

	return custom[0] ? lf_name_check(LF_NAME_RESOURCE, custom, CUSTOM_NAME, err) : 0;
}

/* The interface with an address for each member, which they are told. */
static int make_nic(struct lf_context *context, const char *id, const json_t *doc,
		    const char *group, json_t *members, json_t *state, struct lf_error *err)
{
	LF_AUTO_FREE char *nic_id = name_nic(id, doc);
	LF_AUTO_RESOURCE other = LF_RESOURCE_INIT;
	LF_AUTO_DOC build = LF_DOC_INIT;
	json_t *member;
	bool there = false;
	size_t i;

	lf_doc_text(&build, "location", lf_json_text(doc, "location"));
	lf_doc_text(&build, "properties.privateEndpoint.id", id);
	json_array_foreach (members, i, member)
		lf_doc_append(&build, "properties.ipConfigurations",
			      view_configuration(doc, group, member));
	LF_AUTO_JSON *nic = lf_doc_take(&build);
	if (!nic_id || !nic)
		return lf_fail_nomem(err);
	int rc = lf_catalog_find(context->catalog, nic_id, &other, &there, err);
	if (!rc && there)
		rc = lf_fail_arm(err, LF_ECONFLICT, "NetworkInterfaceNameInUse", CUSTOM_NAME,
				 "give a name that no interface has",
				 "the network interface '%s' is there already", nic_id);
	if (!rc)
		rc = lf_network_nic_put(context->catalog, nic_id, nic, err);
	if (rc)
		return rc;
	json_array_foreach (members, i, member) {
		const json_t *config =
			json_array_get(lf_json_at(nic, "properties.ipConfigurations"), i);
		if (lf_json_set_text(member, "address",
				     lf_json_text(config, "properties.privateIPAddress")))
			return lf_fail_nomem(err);
	}
	return lf_json_set_text(state, "nic", nic_id) | json_object_set(state, "members", members)
		       ? lf_fail_nomem(err)
		       : 0;
}

/* A private door knows its own address and no network: an endpoint's address is the site's. */
static int check_alone(struct lf_context *context, const json_t *members, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_ENDPOINT_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	const json_t *member;
	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	size_t i;

	for (size_t n = 0; !rc && n < list.n; n++)
		json_array_foreach (members, i, member) {
			const char *address = lf_json_text_or(member, "address", "");
			if (!lf_json_find(lf_json_at(list.items[n].state, "members"), "address",
					  address))
				continue;
			return lf_fail_arm(
				err, LF_ECONFLICT, "PrivateEndpointAddressInUse", ADDRESSES,
				"give ipConfigurations with addresses that no endpoint has, or "
				"give each network a prefix of its own",
				"a private endpoint in another network has the address %s already, "
				"and what comes to an address is served for one",
				address);
		}
	return rc;
}

static int make_connection(struct lf_arm_call *call, const char *id, const json_t *connection,
			   bool manual, const struct lf_resource *target, json_t *state,
			   struct lf_error *err)
{
	const json_t *members = lf_json_at(state, "members"), *member;
	LF_AUTO_JSON *addresses = json_array();
	LF_AUTO_FREE char *right =
		lf_printf_dup("%s/privateEndpointConnectionsApproval/action", target->type);
	LF_AUTO_FREE char *link = NULL;
	size_t i;

	json_array_foreach (members, i, member)
		if (json_array_append_new(addresses, json_string(lf_json_text(member, "address"))))
			return lf_fail_nomem(err);
	if (!right || !addresses)
		return lf_fail_nomem(err);
	const struct lf_private_link_request request = {
		.target = target,
		.endpoint_id = id,
		.group = group_of(connection),
		.message = lf_json_text(connection, "properties.requestMessage"),
		.approved = !manual && lf_arm_may(call, right, target->id),
		.addresses = addresses};
	int rc = lf_private_link_open(lf_arm_context(call)->catalog, &request, &link, err);
	return rc ? rc : lf_json_set_text(state, "connection", link) ? lf_fail_nomem(err) : 0;
}

/* Of a new endpoint: all that it stands for. */
static int make_endpoint(struct lf_arm_call *call, const char *id, json_t *doc, json_t *connection,
			 bool manual, json_t *state, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE target = LF_RESOURCE_INIT;
	LF_AUTO_JSON *members = NULL;
	const char *group = group_of(connection);
	int rc = check_subnet(context, doc, err);

	if (!rc)
		rc = check_custom_name(doc, err);
	if (!rc)
		rc = find_target(context, connection, &target, err);
	if (!rc)
		rc = lf_endpoint_members(&target, group, &members, err);
	if (!rc)
		rc = check_addresses(doc, group, members, err);
	if (!rc)
		rc = make_nic(context, id, doc, group, members, state, err);
	if (!rc)
		rc = check_alone(context, members, err);
	return rc ? rc : make_connection(call, id, connection, manual, &target, state, err);
}

/* What it leads to, from where, and by whose approval. */
static int check_unchanged(json_t *doc, const json_t *connection, bool manual,
			   const struct lf_resource *before, struct lf_error *err)
{
	static const char *const texts[] = {"properties.privateLinkServiceId",
					    "properties.groupIds.0", "properties.requestMessage",
					    "name"};
	json_t *was = NULL;
	bool was_manual = false;
	int rc = find_connection(before->doc, &was, &was_manual, err);
	const char *at = manual != was_manual ? AUTOMATIC : NULL;

	if (rc)
		return rc;
	if (!lf_arm_id_equal(lf_json_text_or(doc, "properties.subnet.id", ""),
			     lf_json_text_or(before->doc, "properties.subnet.id", "")))
		at = "properties.subnet.id";
	for (size_t i = 0; !at && i < LF_N(texts); i++) {
		const char *now = lf_json_text(connection, texts[i]);
		if (now && !lf_text_equal_nocase(now, lf_json_text_or(was, texts[i], "")))
			at = texts[i];
	}
	if (!at && lf_json_at(doc, ADDRESSES) &&
	    !json_equal(lf_json_at(doc, ADDRESSES), lf_json_at(before->doc, ADDRESSES)) &&
	    json_array_size(lf_json_at(doc, ADDRESSES)))
		at = ADDRESSES;
	const char *named = lf_json_text_or(doc, CUSTOM_NAME, "");
	if (!at && named[0] &&
	    !lf_text_equal_nocase(named, lf_json_text_or(before->doc, CUSTOM_NAME, "")))
		at = CUSTOM_NAME;
	if (at)
		return lf_fail_arm(err, LF_ECONFLICT, "PropertyChangeNotAllowed", at,
				   "delete the private endpoint and make it again",
				   "what a private endpoint leads to, from where, and by which "
				   "interface cannot be changed");
	return lf_json_set(doc, "properties", json_deep_copy(lf_json_at(before->doc, "properties")))
		       ? lf_fail_nomem(err)
		       : 0;
}

/* What is shown of the state beside the body. */
static int show_state(json_t *doc, const json_t *state, struct lf_error *err)
{
	const json_t *members = lf_json_at(state, "members"), *member;
	LF_AUTO_JSON *names = json_array();
	size_t i;

	json_array_foreach (members, i, member) {
		struct lf_doc name = LF_DOC_INIT;
		lf_doc_text(&name, "fqdn", lf_json_text(member, "fqdn"));
		lf_doc_append(&name, "ipAddresses", json_string(lf_json_text(member, "address")));
		if (json_array_append_new(names, lf_doc_take(&name)))
			return lf_fail_nomem(err);
	}
	return lf_json_set(doc, "properties.networkInterfaces",
			   json_pack("[{s:s}]", "id", lf_json_text(state, "nic"))) |
			       lf_json_set(doc, "properties.customDnsConfigs", lf_steal(&names))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int check_endpoint(struct lf_arm_call *call, const char *id, json_t *doc,
			  const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	json_t *connection = NULL;
	bool manual = false;
	int rc = find_connection(doc, &connection, &manual, err);

	if (!rc && json_array_size(lf_json_at(connection, "properties.groupIds")) != 1)
		rc = lf_fail_arm(err, LF_EINVAL, "PrivateEndpointMustHaveOneGroupId",
				 "properties.privateLinkServiceConnections.groupIds",
				 "GET {resource}/privateLinkResources names the groups",
				 "a private endpoint leads to exactly one group");
	if (!rc)
		rc = before ? check_unchanged(doc, connection, manual, before, err)
			    : make_endpoint(call, id, doc, connection, manual, state, err);
	if (!rc && !before && !lf_json_text(connection, "name") &&
	    lf_json_set_text(connection, "name", lf_arm_id_last(id)))
		rc = lf_fail_nomem(err);
	return rc ? rc : show_state(doc, state, err);
}

static int view_connection(struct lf_context *context, const struct lf_resource *endpoint,
			   json_t *doc, const char *path, struct lf_error *err)
{
	json_t *connection = json_array_get(lf_json_at(doc, path), 0), *state = NULL;

	if (!connection)
		return lf_json_set(doc, path, json_array()) ? lf_fail_nomem(err) : 0;
	int rc = lf_private_link_state(
		context->catalog, lf_json_text_or(endpoint->state, "connection", ""), &state, err);
	if (rc)
		return rc;
	const char *kind =
		strcmp(path, MANUAL) == 0 ? strchr(MANUAL, '.') + 1 : strchr(AUTOMATIC, '.') + 1;
	LF_AUTO_FREE char *id = lf_printf_dup("%s/%s/%s", endpoint->id, kind,
					      lf_json_text_or(connection, "name", ""));
	LF_AUTO_FREE char *type = lf_printf_dup(LF_ENDPOINT_TYPE "/%s", kind);
	LF_AUTO_DOC view = lf_doc_from(json_incref(connection));
	lf_doc_put(&view, "properties.privateLinkServiceConnectionState", state);
	lf_doc_text(&view, "properties.provisioningState", "Succeeded");
	lf_doc_text(&view, "id", id ? id : "");
	lf_doc_text(&view, "type", type ? type : "");
	lf_doc_text(&view, "etag", lf_json_text_or(doc, "etag", ""));
	return lf_doc_check(&view, err);
}

static int view_endpoint(struct lf_arm_call *call, const struct lf_resource *endpoint, json_t *doc,
			 struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	int rc = view_connection(context, endpoint, doc, AUTOMATIC, err);

	return rc ? rc : view_connection(context, endpoint, doc, MANUAL, err);
}

static int remove_endpoint(struct lf_context *context, const struct lf_resource *endpoint,
			   struct lf_error *err)
{
	const char *connection = lf_json_text_or(endpoint->state, "connection", "");
	const char *nic = lf_json_text_or(endpoint->state, "nic", "");
	LF_AUTO_RESOURCE link = LF_RESOURCE_INIT;
	bool there = false;
	int rc = lf_zone_groups_release(context, endpoint->id, err);

	if (!rc)
		rc = lf_catalog_find(context->catalog, connection, &link, &there, err);
	if (!rc && there)
		rc = lf_rights_unlocked(context->rights, "*/delete", connection, err);
	if (!rc && there)
		rc = lf_catalog_delete_tree(context->catalog, link.id, err);
	if (!rc)
		rc = lf_rights_unlocked(context->rights, "*/delete", nic, err);
	return rc ? rc : lf_network_nic_delete(context->catalog, nic, err);
}

int lf_endpoint_types_list(struct lf_arm_call *call, struct lf_error *err)
{
	static const char *const all[] = {LF_VAULT_TYPE, LF_STORAGE_TYPE};
	LF_AUTO_JSON *values = json_array();

	for (size_t i = 0; i < LF_N(all); i++) {
		LF_AUTO_FREE char *name = strdup(all[i]);
		struct lf_doc doc = LF_DOC_INIT;
		if (!name)
			return lf_fail_nomem(err);
		*strchr(name, '/') = '.';
		lf_doc_text(&doc, "name", name);
		lf_doc_printf(&doc, "id",
			      "/subscriptions/%s/providers/Microsoft.Network/"
			      "AvailablePrivateEndpointTypes/%s",
			      lf_arm_param(call, "subscription"), name);
		lf_doc_text(&doc, "type", "Microsoft.Network/AvailablePrivateEndpointTypes");
		lf_doc_text(&doc, "resourceName", all[i]);
		lf_doc_text(&doc, "displayName", all[i]);
		if (json_array_append_new(values, lf_doc_take(&doc)))
			return lf_fail_nomem(err);
	}
	return lf_arm_reply_list(call, values, NULL, err);
}

#define CONNECTION_ROWS(at)                                                                        \
	{at, LF_ARRAY, 0, 0, 1, NULL, "the one connection"},                                       \
		{at ".*.name", LF_TEXT, 0, 0, 80, NULL, "what it is called"},                      \
		{at ".*.id", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "made of its name"},               \
		{at ".*.type", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its type"},                     \
		{at ".*.etag", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its etag"},                     \
		{at ".*.properties.privateLinkServiceId",	 LF_ID, LF_REQUIRED, 0, 0, NULL,   \
		 "the vault or storage account that it leads to"},                                 \
		{at ".*.properties.groupIds",                                                      \
		 LF_ARRAY,                                                                         \
		 LF_REQUIRED,                                                                      \
		 0,                                                                                \
		 1,                                                                                \
		 NULL,                                                                             \
		 "[\"AzureSiteRecovery\"], [\"AzureBackup\"] or [\"blob\"]"},                      \
		{at ".*.properties.groupIds.*", LF_TEXT, 0, 0, 64, NULL, "the group"},             \
		{at ".*.properties.requestMessage", LF_TEXT, 0, 0, 140, NULL,                      \
		 "what the owner is told"},                                                        \
		{at ".*.properties.privateLinkServiceConnectionState",                             \
		 LF_OBJECT,                                                                        \
		 LF_READ_ONLY,                                                                     \
		 0,                                                                                \
		 0,                                                                                \
		 NULL,                                                                             \
		 "the owner decides"},                                                             \
	{                                                                                          \
		at ".*.properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL,           \
			"Succeeded"                                                                \
	}

static const struct lf_field endpoint_fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "what it leads to, and from where"},
	{"properties.subnet.id", LF_ID, LF_REQUIRED, 0, 0, NULL, "the subnet of its addresses"},
	CONNECTION_ROWS(AUTOMATIC),
	CONNECTION_ROWS(MANUAL),
	{ADDRESSES, LF_ARRAY, 0, 0, 9, NULL, "addresses that members are to have"},
	{ADDRESSES ".*.name", LF_TEXT, 0, 0, 80, NULL, "what it is called"},
	{ADDRESSES ".*.properties.groupId", LF_TEXT, 0, 0, 64, NULL, "the connection's group"},
	{ADDRESSES ".*.properties.memberName", LF_TEXT, LF_REQUIRED, 0, 64, NULL, "the member"},
	{ADDRESSES ".*.properties.privateIPAddress", LF_TEXT, LF_REQUIRED, 0, 15, NULL,
	 "an address of the subnet"},
	{CUSTOM_NAME, LF_TEXT, 0, 0, 80, NULL, "what its network interface is called"},
	{"properties.networkInterfaces", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL, "its interface"},
	{"properties.customDnsConfigs", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL, "its names"},
	{"properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded"},
};

const struct lf_document lf_endpoint_document = {
	.type = LF_ENDPOINT_TYPE,
	.fields = endpoint_fields,
	.n_fields = LF_N(endpoint_fields),
	.strict = true,
	.check = check_endpoint,
	.removing = remove_endpoint,
	.view = view_endpoint,
	.needs_location = true,
	.async = true,
	.deleted_status = 202,
	.tags_only = true,
	.provisioned = true,
};
