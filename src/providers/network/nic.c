/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network interfaces.  Clients and failovers write them by the same function,
 * so that addresses are always taken and given back in one place.
 */
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "providers/common/unsupported.h"
#include "providers/network/internal.h"

#define CONFIGURATIONS_MAX 256
#define CONFIGURATIONS	   "properties.ipConfigurations"

int lf_network_check_reference(struct lf_catalog *catalog, const json_t *doc, const char *path,
			       const char *type, struct lf_error *err)
{
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
	const json_t *reference = lf_json_at(doc, path);
	const char *id = lf_json_text_or(reference, "id", "");

	if (!reference)
		return 0;
	int rc = lf_arm_id_check(id, type, path, err);
	if (!rc)
		rc = lf_catalog_get(catalog, id, &found, err);
	return rc != LF_ENOTFOUND ? rc
				  : lf_fail_arm(err, LF_EINVAL, "InvalidResourceReference", id,
						"create it first, or leave the reference out",
						"the resource '%s' that is referred to by %s was "
						"not found",
						id, path);
}

/* Clients send back subnets as they read them; only the id is kept, and nothing is changed by them.
 */
static int check_subnet(struct lf_catalog *catalog, json_t *config, struct lf_error *err)
{
	const json_t *given = lf_json_at(config, "properties.subnet");
	LF_AUTO_RESOURCE subnet = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(catalog, lf_json_text_or(given, "id", ""), &subnet, err);
	const char *name = rc ? "" : lf_arm_id_last(subnet.id);

	if (!rc &&
	    (!lf_text_equal_nocase(lf_json_text_or(given, "name", name), name) ||
	     !lf_text_equal_nocase(lf_json_text_or(given, "type", LF_SUBNET_TYPE), LF_SUBNET_TYPE)))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter",
				 CONFIGURATIONS ".properties.subnet", "its id is enough",
				 "the subnet is called '%.80s'", name);
	if (!rc)
		rc = lf_changes_check(lf_json_at(given, "properties"),
				      lf_json_at(subnet.doc, "properties"), NULL, 0, err);
	return rc || !lf_json_set(config, "properties.subnet", json_pack("{s:s}", "id", subnet.id))
		       ? rc
		       : lf_fail_nomem(err);
}

/* Give the address of one configuration and fill in what the service sets. */
static int complete_configuration(struct lf_catalog *catalog, const char *nic_id, json_t *config,
				  bool first, struct lf_error *err)
{
	const char *name = lf_json_text_or(config, "name", "");
	const char *subnet_id = lf_json_text_or(config, "properties.subnet.id", "");
	LF_AUTO_FREE char *owner = lf_printf_dup("%s/ipConfigurations/%s", nic_id, name);
	LF_AUTO_FREE char *network = NULL;
	LF_AUTO_FREE char *subnet = NULL;
	char address[LF_ADDRESS_SIZE];

	if (!owner)
		return lf_fail_nomem(err);
	int rc = lf_name_check(LF_NAME_RESOURCE, name, CONFIGURATIONS, err);
	if (!rc)
		rc = lf_subnet_split(subnet_id, &network, &subnet, err);
	if (!rc)
		rc = lf_network_check_reference(catalog, config, "properties.subnet",
						LF_SUBNET_TYPE, err);
	if (!rc)
		rc = check_subnet(catalog, config, err);
	if (rc)
		return rc;
	const struct lf_address_request request = {
		.network_id = network,
		.subnet = subnet,
		.owner = owner,
		.wanted = lf_json_text(config, "properties.privateIPAddress")};
	rc = lf_network_address_take(catalog, &request, address, err);
	if (rc)
		return rc;
	const char *method = lf_json_text_or(config, "properties.privateIPAllocationMethod",
					     request.wanted ? "Static" : "Dynamic");
	bool is_static = lf_text_equal_nocase(method, "Static");
	return lf_json_set_text(config, "id", owner) |
			       lf_json_set_text(config, "type", LF_NIC_TYPE "/ipConfigurations") |
			       lf_json_set_text(config, "properties.privateIPAllocationMethod",
						is_static ? "Static" : "Dynamic") |
			       lf_json_set_text(config, "properties.privateIPAddress", address) |
			       lf_json_set_text(config, "properties.privateIPAddressVersion",
						"IPv4") |
			       lf_json_set_bool(
				       config, "properties.primary",
				       lf_json_bool_or(config, "properties.primary", first)) |
			       lf_json_set_text(config, "properties.provisioningState", "Succeeded")
		       ? lf_fail_nomem(err)
		       : 0;
}

/* The configuration of that name in another document of the interface; NULL: none. */
static const json_t *find_configuration(const json_t *doc, const char *name)
{
	json_t *array = lf_json_at(doc, CONFIGURATIONS), *config;
	size_t i;

	json_array_foreach (array, i, config)
		if (lf_text_equal_nocase(lf_json_text_or(config, "name", ""), name))
			return config;
	return NULL;
}

static int release_configuration(struct lf_catalog *catalog, const char *nic_id,
				 const json_t *config, struct lf_error *err)
{
	LF_AUTO_FREE char *owner = lf_printf_dup("%s/ipConfigurations/%s", nic_id,
						 lf_json_text_or(config, "name", ""));
	LF_AUTO_FREE char *network = NULL;
	LF_AUTO_FREE char *subnet = NULL;

	if (!owner)
		return lf_fail_nomem(err);
	int rc = lf_subnet_split(lf_json_text_or(config, "properties.subnet.id", ""), &network,
				 &subnet, err);
	return rc ? rc : lf_network_address_release(catalog, network, subnet, owner, err);
}

/* Give back what the interface had and, after the change, has not: NULL doc gives back all. */
static int release_others(struct lf_catalog *catalog, const struct lf_resource *before,
			  const json_t *doc, struct lf_error *err)
{
	json_t *array = before ? lf_json_at(before->doc, CONFIGURATIONS) : NULL, *config;
	size_t i;
	int rc = 0;

	json_array_foreach (array, i, config) {
		const json_t *now = find_configuration(doc, lf_json_text_or(config, "name", ""));
		const char *subnet = lf_json_text_or(now, "properties.subnet.id", "");
		if (!now ||
		    !lf_arm_id_equal(subnet, lf_json_text_or(config, "properties.subnet.id", "")))
			rc = release_configuration(catalog, before->id, config, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* A dynamic address stays when the client sends back what it read, or nothing. */
static int keep_address(const struct lf_resource *before, json_t *config, struct lf_error *err)
{
	const json_t *was =
		before ? find_configuration(before->doc, lf_json_text_or(config, "name", ""))
		       : NULL;
	const char *method =
		lf_json_text_or(config, "properties.privateIPAllocationMethod", "Dynamic");
	bool moved = was && !lf_arm_id_equal(lf_json_text_or(was, "properties.subnet.id", ""),
					     lf_json_text_or(config, "properties.subnet.id", ""));

	/* in another subnet the old dynamic address means nothing */
	if (moved && lf_text_equal_nocase(method, "Dynamic"))
		json_object_del(lf_json_at(config, "properties"), "privateIPAddress");
	if (lf_text_equal_nocase(method, "Static") &&
	    !lf_json_text(config, "properties.privateIPAddress"))
		return lf_fail_arm(err, LF_EINVAL, "PrivateIPAddressMissing",
				   CONFIGURATIONS ".properties.privateIPAddress",
				   "give privateIPAddress, or take privateIPAllocationMethod "
				   "Dynamic",
				   "a static IP configuration needs an address");
	return 0;
}

static int complete_nic(struct lf_catalog *catalog, const char *id, json_t *doc,
			const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	json_t *array = lf_json_at(doc, CONFIGURATIONS), *config;
	char guid[LF_GUID_SIZE];
	size_t i;

	if (!json_array_size(array) || json_array_size(array) > CONFIGURATIONS_MAX)
		return lf_fail_arm(err, LF_EINVAL, "NetworkInterfaceMustHaveIpConfiguration",
				   CONFIGURATIONS, "give at least one, with a subnet",
				   "a network interface needs an IP configuration");
	int rc = lf_network_check_reference(catalog, doc, "properties.networkSecurityGroup",
					    LF_NSG_TYPE, err);
	if (!rc)
		rc = release_others(catalog, before, doc, err);
	json_array_foreach (array, i, config) {
		if (!rc && find_configuration(doc, lf_json_text_or(config, "name", "")) != config)
			rc = lf_fail_arm(err, LF_EINVAL, "InvalidRequestFormat", CONFIGURATIONS,
					 "give each IP configuration a name of its own",
					 "two IP configurations have one name");
		if (!rc)
			rc = keep_address(before, config, err);
		if (!rc)
			rc = complete_configuration(catalog, id, config, i == 0, err);
	}
	if (rc)
		return rc;
	if (!lf_json_text(state, "resourceGuid")) {
		lf_guid_random(guid);
		if (lf_json_set_text(state, "resourceGuid", guid))
			return lf_fail_nomem(err);
	}
	if (!lf_json_at(doc, "properties.dnsSettings"))
		lf_json_set(doc, "properties.dnsSettings",
			    json_pack("{s:[],s:[]}", "dnsServers", "appliedDnsServers"));
	return lf_json_set_bool(
		       doc, "properties.enableAcceleratedNetworking",
		       lf_json_bool_or(doc, "properties.enableAcceleratedNetworking", false)) |
			       lf_json_set_bool(doc, "properties.enableIPForwarding",
						lf_json_bool_or(doc,
								"properties.enableIPForwarding",
								false)) |
			       lf_json_set_text(doc, "properties.nicType", "Standard") |
			       lf_json_set_text(doc, "properties.resourceGuid",
						lf_json_text(state, "resourceGuid")) |
			       lf_json_set_text(doc, "properties.provisioningState", "Succeeded")
		       ? lf_fail_nomem(err)
		       : 0;
}

static int put_nic(struct lf_catalog *catalog, const char *id, json_t *doc, struct lf_error *err)
{
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(catalog, id, &before, err);
	bool exists = !rc;

	if (rc && rc != LF_ENOTFOUND)
		return rc;
	LF_AUTO_JSON *state = exists ? json_incref(before.state) : json_object();
	if (!state)
		return lf_fail_nomem(err);
	rc = complete_nic(catalog, exists ? before.id : id, doc, exists ? &before : NULL, state,
			  err);
	return rc ? rc
		  : lf_catalog_put(catalog, id, LF_NIC_TYPE, LF_PUT_ANY, NULL, doc, state, err);
}

int lf_network_nic_put(struct lf_catalog *catalog, const char *id, json_t *doc,
		       struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	int rc = lf_transaction_begin(&tx, catalog, err);

	if (!rc)
		rc = put_nic(catalog, id, doc, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

static int delete_nic(struct lf_catalog *catalog, const char *id, struct lf_error *err)
{
	LF_AUTO_RESOURCE nic = LF_RESOURCE_INIT;
	bool there = false;

	int rc = lf_catalog_find(catalog, id, &nic, &there, err);
	if (!rc && !there)
		return 0;
	if (!rc)
		rc = release_others(catalog, &nic, NULL, err);
	return rc ? rc : lf_catalog_delete_tree(catalog, nic.id, err);
}

int lf_network_nic_delete(struct lf_catalog *catalog, const char *id, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	int rc = lf_transaction_begin(&tx, catalog, err);

	if (!rc)
		rc = delete_nic(catalog, id, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

/* An endpoint's interface is written with the endpoint; of its own it has tags. */
static int check_of_endpoint(json_t *doc, const struct lf_resource *before, struct lf_error *err)
{
	json_t *was = lf_json_at(before->doc, "properties");
	int rc = lf_changes_check(lf_json_at(doc, "properties"), was, NULL, 0, err);

	return rc || !lf_json_set(doc, "properties", json_deep_copy(was)) ? rc : lf_fail_nomem(err);
}

/* The client's document: what only the service sets is taken from what is stored. */
static int check_nic(struct lf_arm_call *call, const char *id, json_t *doc,
		     const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	static const char *const ours[] = {"virtualMachine", "macAddress", "primary",
					   "privateEndpoint"};
	int rc = before && lf_json_at(before->doc, "properties.privateEndpoint")
			 ? check_of_endpoint(doc, before, err)
			 : 0;

	if (rc)
		return rc;

	for (size_t i = 0; before && i < LF_N(ours); i++) {
		json_t *value = json_object_get(lf_json_at(before->doc, "properties"), ours[i]);
		if (value && json_object_set(lf_json_at(doc, "properties"), ours[i], value))
			return lf_fail_nomem(err);
	}
	return complete_nic(lf_arm_context(call)->catalog, before ? before->id : id, doc, before,
			    state, err);
}

/* Who has an interface: a machine, or the endpoint that it was made with. */
static const struct user {
	const char *path, *kind, *hint;
} users[] = {{"properties.virtualMachine.id", "VM", "delete the virtual machine first"},
	     {"properties.privateEndpoint.id", "private endpoint",
	      "delete the private endpoint, and its interface goes with it"}};

int lf_network_nic_check_free(const struct lf_resource *nic, const char *vm_id,
			      struct lf_error *err)
{
	for (size_t i = 0; i < LF_N(users); i++) {
		const char *user = lf_json_text(nic->doc, users[i].path);
		if (user && !lf_arm_id_equal(user, vm_id))
			return lf_fail_arm(err, LF_ECONFLICT, "NetworkInterfaceInUse", nic->id,
					   "use another network interface",
					   "network interface %s is used by %s %s",
					   lf_arm_id_last(nic->id), users[i].kind, user);
	}
	return 0;
}

static int remove_nic(struct lf_context *context, const struct lf_resource *nic,
		      struct lf_error *err)
{
	for (size_t i = 0; i < LF_N(users); i++) {
		const char *user = lf_json_text(nic->doc, users[i].path);
		LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
		bool there = false;
		int rc = user ? lf_catalog_find(context->catalog, user, &found, &there, err) : 0;
		if (rc)
			return rc;
		if (there)
			return lf_fail_arm(err, LF_EINVAL, "NicInUse", nic->id, users[i].hint,
					   "network interface %s is used by existing resource %s",
					   lf_arm_id_last(nic->id), user);
	}
	return release_others(context->catalog, nic, NULL, err);
}

static int view_nic(struct lf_arm_call *call, const struct lf_resource *nic, json_t *doc,
		    struct lf_error *err)
{
	json_t *array = lf_json_at(doc, CONFIGURATIONS), *config;
	const char *etag = lf_json_text_or(doc, "etag", "");
	size_t i;

	(void)call, (void)nic;
	json_array_foreach (array, i, config)
		if (lf_json_set_text(config, "etag", etag))
			return lf_fail_nomem(err);
	return 0;
}

static const char *const methods[] = {"Dynamic", "Static", NULL};
static const char *const versions[] = {"IPv4", NULL};
static const char *const types[] = {"Standard", NULL};
static const struct lf_field nic_fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "what the interface is"},
	{CONFIGURATIONS, LF_ARRAY, LF_REQUIRED, 0, CONFIGURATIONS_MAX, NULL,
	 "its IP configurations, each with a name and a subnet"},
	{CONFIGURATIONS ".*.name", LF_TEXT, 0, 0, 80, NULL, "what it is called"},
	{CONFIGURATIONS ".*.id", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "made of its name"},
	{CONFIGURATIONS ".*.type", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its type"},
	{CONFIGURATIONS ".*.etag", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its etag"},
	{CONFIGURATIONS ".*.properties.primary", LF_BOOL, 0, 0, 0, NULL, "the first, by itself"},
	{CONFIGURATIONS ".*.properties.privateIPAllocationMethod", LF_ENUM, 0, 0, 0, methods,
	 "Static keeps the address that is given"},
	{CONFIGURATIONS ".*.properties.privateIPAddressVersion", LF_ENUM, 0, 0, 0, versions,
	 "IPv4"},
	{CONFIGURATIONS ".*.properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL,
	 "Succeeded"},
	{CONFIGURATIONS ".*.properties.subnet.id", LF_ID, 0, 0, 0, NULL, "id of a subnet"},
	{CONFIGURATIONS ".*.properties.subnet.name", LF_TEXT, 0, 0, 80, NULL, "its name"},
	{CONFIGURATIONS ".*.properties.subnet.type", LF_TEXT, 0, 0, 80, NULL, "its type"},
	{CONFIGURATIONS ".*.properties.subnet.etag", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "its etag"},
	LF_SUBNET_ROWS(CONFIGURATIONS ".*.properties.subnet.properties."),
	{CONFIGURATIONS ".*.properties.privateIPAddress", LF_TEXT, 0, 0, 15, NULL,
	 "an address of the subnet; absent: the next free one"},
	{"properties.networkSecurityGroup.id", LF_ID, 0, 0, 0, NULL, "a group that is there"},
	{"properties.enableIPForwarding", LF_BOOL, 0, 0, 0, NULL,
	 "kept: a machine may send what is not its own"},
	{"properties.enableAcceleratedNetworking", LF_BOOL, 0, 0, 0, NULL,
	 "kept: interfaces are virtio's in any case"},
	{"properties.nicType", LF_ENUM, 0, 0, 0, types, "Standard"},
	{"properties.virtualMachine", LF_OBJECT, LF_READ_ONLY, 0, 0, NULL, "who has it"},
	{"properties.privateEndpoint", LF_OBJECT, LF_READ_ONLY, 0, 0, NULL, "whose it is"},
	{CONFIGURATIONS ".*.properties.privateLinkConnectionProperties", LF_OBJECT, LF_READ_ONLY, 0,
	 0, NULL, "which of the endpoint's names it has"},
	{"properties.macAddress", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "once a machine has it"},
	{"properties.primary", LF_BOOL, LF_READ_ONLY, 0, 0, NULL, "once a machine has it"},
	{"properties.resourceGuid", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "made by the service"},
	{"properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded"},
};

const struct lf_document lf_nic_document = {
	.type = LF_NIC_TYPE,
	.fields = nic_fields,
	.n_fields = LF_N(nic_fields),
	.strict = true,
	.check = check_nic,
	.removing = remove_nic,
	.view = view_nic,
	.needs_location = true,
	.async = true,
	.deleted_status = 202,
	.tags_only = true,
};
