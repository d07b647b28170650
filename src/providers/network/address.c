/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has which address.  The map is in the subnet's state, so that taking an
 * address and writing its network interface are one transaction.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "providers/network/internal.h"

const char *const lf_endpoint_policies[] = {"Disabled", "Enabled", "NetworkSecurityGroupEnabled",
					    "RouteTableEnabled", NULL};
const char *const lf_on_off[] = {"Enabled", "Disabled", NULL};

int lf_subnet_split(const char *subnet_id, char **ret_network, char **ret_name,
		    struct lf_error *err)
{
	int rc = lf_arm_id_check(subnet_id, LF_SUBNET_TYPE, subnet_id, err);

	if (rc)
		return rc;
	const char *name = lf_arm_id_last(subnet_id);
	size_t len = (size_t)(name - subnet_id) - strlen("/subnets/");
	LF_AUTO_FREE char *network = strndup(subnet_id, len);
	LF_AUTO_FREE char *copy = strdup(name);
	if (!network || !copy)
		return lf_fail_nomem(err);
	*ret_network = lf_steal(&network);
	*ret_name = lf_steal(&copy);
	return 0;
}

static int first_subnet(struct lf_catalog *catalog, const char *network_id,
			struct lf_resource *ret_subnet, struct lf_error *err)
{
	const struct lf_list_query query = {
		.type = LF_SUBNET_TYPE, .below = network_id, .limit = 1};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	if (rc)
		return rc;
	if (!list.n)
		return lf_fail_arm(err, LF_ENOTFOUND, "SubnetNotFound", network_id,
				   "add a subnet to the network", "the network has no subnet");
	*ret_subnet = list.items[0];
	list.items[0] = LF_RESOURCE_INIT;
	return 0;
}

int lf_network_subnet(struct lf_catalog *catalog, const char *network_id, const char *name,
		      struct lf_resource *ret_subnet, struct lf_error *err)
{
	LF_AUTO_RESOURCE network = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(catalog, network_id, &network, err);

	if (rc)
		return rc;
	if (!name || !name[0])
		return first_subnet(catalog, network.id, ret_subnet, err);
	LF_AUTO_FREE char *id = lf_printf_dup("%s/subnets/%s", network.id, name);
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_catalog_get(catalog, id, ret_subnet, err);
	return rc != LF_ENOTFOUND ? rc
				  : lf_fail_arm(err, LF_ENOTFOUND, "SubnetNotFound", id,
						"add the subnet, or name one that the network has",
						"the network has no subnet '%s'", name);
}

int lf_network_subnet_prefix(const struct lf_resource *subnet, struct lf_prefix *ret_prefix,
			     struct lf_error *err)
{
	const char *text = lf_json_text(subnet->doc, "properties.addressPrefix");

	if (!text)
		text = lf_json_text_or(subnet->doc, "properties.addressPrefixes.0", "");
	return lf_prefix_parse(text, "properties.addressPrefix", ret_prefix, err);
}

/* The network interface of an IP configuration's id; NULL when out of memory. */
static char *nic_of(const char *owner)
{
	const char *end = strstr(owner, "/ipConfigurations/");

	return end ? strndup(owner, (size_t)(end - owner)) : strdup(owner);
}

/* The interface that asks, or one that is planned with it: both are written in this transaction,
 * after their addresses. */
static bool is_coming(const struct lf_address_request *asking, const char *nic)
{
	LF_AUTO_FREE char *own = asking ? nic_of(asking->owner) : NULL;

	return asking && ((own && lf_arm_id_equal(nic, own)) ||
			  lf_json_find_nocase(asking->planned, "id", nic));
}

int lf_subnet_addresses(struct lf_catalog *catalog, const struct lf_resource *subnet,
			const struct lf_address_request *asking, json_t **ret_addresses,
			struct lf_error *err)
{
	json_t *stored = lf_json_at(subnet->state, "addresses"), *owner;
	LF_AUTO_JSON *addresses = json_object();
	const char *address;

	if (!addresses)
		return lf_fail_nomem(err);
	json_object_foreach (stored, address, owner) {
		LF_AUTO_FREE char *nic = nic_of(json_string_value(owner));
		LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
		if (!nic)
			return lf_fail_nomem(err);
		int rc = is_coming(asking, nic) ? 0 : lf_catalog_get(catalog, nic, &found, err);
		if (rc && rc != LF_ENOTFOUND)
			return rc;
		if (!rc && json_object_set(addresses, address, owner))
			return lf_fail_nomem(err);
	}
	*ret_addresses = lf_steal(&addresses);
	return 0;
}

static const char *address_of(const json_t *addresses, const char *owner)
{
	const char *address;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)addresses, address, value)
		if (lf_arm_id_equal(json_string_value(value), owner))
			return address;
	return NULL;
}

/* 0 when wanted can be had; addresses holds what others have. */
static int check_wanted(const struct lf_resource *subnet, const struct lf_prefix *prefix,
			const json_t *addresses, const char *wanted, struct lf_error *err)
{
	static const char target[] = "properties.privateIPAddress";
	char text[LF_ADDRESS_SIZE], hint[128], cidr[LF_PREFIX_SIZE];
	uint32_t address;
	int rc = lf_address_parse(wanted, target, &address, err);

	if (rc)
		return rc;
	lf_address_format(address, text);
	lf_prefix_format(prefix, cidr);
	snprintf(hint, sizeof(hint), "give a free address of %s, or none for the next free one",
		 cidr);
	if (!lf_prefix_holds(prefix, address))
		return lf_fail_arm(err, LF_EINVAL, "PrivateIPAddressNotInSubnet", target, hint,
				   "the address %s is not in the subnet %s (%s)", text,
				   lf_arm_id_last(subnet->id), cidr);
	if (lf_prefix_reserves(prefix, address))
		return lf_fail_arm(err, LF_EINVAL, "PrivateIPAddressInReservedRange", target, hint,
				   "the address %s is reserved: the first %d and the last address "
				   "of a subnet are not given to machines",
				   text, LF_SUBNET_FIRST);
	const char *owner = json_string_value(json_object_get(addresses, text));
	if (owner)
		return lf_fail_arm(err, LF_EINVAL, "PrivateIPAddressInUse", target, hint,
				   "the address %s is in use by %s", text, owner);
	return 0;
}

static bool next_free(const struct lf_prefix *prefix, const json_t *addresses, uint64_t from,
		      char ret_address[static LF_ADDRESS_SIZE], uint64_t *ret_next)
{
	char text[LF_ADDRESS_SIZE];

	for (uint64_t a = from; a < lf_prefix_last(prefix); a++) {
		lf_address_format((uint32_t)a, text);
		if (json_object_get(addresses, text))
			continue;
		memcpy(ret_address, text, sizeof(text));
		*ret_next = a + 1;
		return true;
	}
	return false;
}

/* had: what the owner has; NULL: nothing. */
static int choose(const struct lf_resource *subnet, const json_t *addresses,
		  const struct lf_address_request *request, const char *had,
		  char ret_address[static LF_ADDRESS_SIZE], struct lf_error *err)
{
	struct lf_error refusal;
	struct lf_prefix prefix;
	uint64_t next;

	int rc = lf_network_subnet_prefix(subnet, &prefix, err);
	if (rc)
		return rc;
	bool wants = request->wanted && request->wanted[0];
	if (wants) {
		rc = check_wanted(subnet, &prefix, addresses, request->wanted, &refusal);
		if (!rc) { /* what parses is in its one form already */
			snprintf(ret_address, LF_ADDRESS_SIZE, "%s", request->wanted);
			return 0;
		}
		if (!request->or_next) {
			*err = refusal;
			return rc;
		}
	}
	if (had) {
		snprintf(ret_address, LF_ADDRESS_SIZE, "%s", had);
		return 0;
	}
	if (next_free(&prefix, addresses, (uint64_t)prefix.base + LF_SUBNET_FIRST, ret_address,
		      &next))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "SubnetIsFull", subnet->id,
			   "take another subnet, or remove what is not needed",
			   "the subnet %s has no free address", lf_arm_id_last(subnet->id));
}

static int put_addresses(struct lf_catalog *catalog, const struct lf_resource *subnet,
			 json_t *addresses, struct lf_error *err)
{
	if (json_object_set(subnet->state, "addresses", addresses))
		return lf_fail_nomem(err);
	return lf_catalog_put(catalog, subnet->id, LF_SUBNET_TYPE, LF_PUT_EXISTING, NULL, NULL,
			      subnet->state, err);
}

static int take(struct lf_catalog *catalog, const struct lf_address_request *request,
		char ret_address[static LF_ADDRESS_SIZE], struct lf_error *err)
{
	LF_AUTO_RESOURCE subnet = LF_RESOURCE_INIT;
	LF_AUTO_JSON *addresses = NULL;
	char address[LF_ADDRESS_SIZE];

	int rc = lf_network_subnet(catalog, request->network_id, request->subnet, &subnet, err);
	if (!rc)
		rc = lf_subnet_addresses(catalog, &subnet, request, &addresses, err);
	if (rc)
		return rc;
	const char *had = address_of(lf_json_at(subnet.state, "addresses"), request->owner);
	if (had)
		json_object_del(addresses, had);
	rc = choose(&subnet, addresses, request, had, address, err);
	if (!rc && json_object_set_new(addresses, address, json_string(request->owner)))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = put_addresses(catalog, &subnet, addresses, err);
	if (!rc)
		memcpy(ret_address, address, sizeof(address));
	return rc;
}

int lf_network_address_take(struct lf_catalog *catalog, const struct lf_address_request *request,
			    char ret_address[static LF_ADDRESS_SIZE], struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	int rc = lf_transaction_begin(&tx, catalog, err);

	if (!rc)
		rc = take(catalog, request, ret_address, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

static int release(struct lf_catalog *catalog, const char *network_id, const char *name,
		   const char *owner, struct lf_error *err)
{
	LF_AUTO_RESOURCE subnet = LF_RESOURCE_INIT;
	int rc = lf_network_subnet(catalog, network_id, name, &subnet, err);

	if (rc == LF_ENOTFOUND)
		return 0;
	json_t *addresses = rc ? NULL : lf_json_at(subnet.state, "addresses");
	const char *address = address_of(addresses, owner);
	if (!address)
		return rc;
	json_object_del(addresses, address);
	return lf_catalog_put(catalog, subnet.id, LF_SUBNET_TYPE, LF_PUT_EXISTING, NULL, NULL,
			      subnet.state, err);
}

int lf_network_address_release(struct lf_catalog *catalog, const char *network_id,
			       const char *subnet, const char *owner, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	int rc = lf_transaction_begin(&tx, catalog, err);

	if (!rc)
		rc = release(catalog, network_id, subnet, owner, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_subnet_free_addresses(struct lf_catalog *catalog, const struct lf_resource *subnet, size_t n,
			     json_t **ret_addresses, struct lf_error *err)
{
	LF_AUTO_JSON *free_ones = json_array();
	LF_AUTO_JSON *taken = NULL;
	char address[LF_ADDRESS_SIZE];
	struct lf_prefix prefix;

	int rc = lf_network_subnet_prefix(subnet, &prefix, err);
	if (!rc)
		rc = lf_subnet_addresses(catalog, subnet, NULL, &taken, err);
	if (rc)
		return rc;
	uint64_t next = (uint64_t)prefix.base + LF_SUBNET_FIRST;
	while (n-- && next_free(&prefix, taken, next, address, &next))
		if (json_array_append_new(free_ones, json_string(address)))
			return lf_fail_nomem(err);
	*ret_addresses = lf_steal(&free_ones);
	return 0;
}

int lf_subnet_check_unused(struct lf_catalog *catalog, const struct lf_resource *subnet,
			   struct lf_error *err)
{
	LF_AUTO_JSON *addresses = NULL;
	int rc = lf_subnet_addresses(catalog, subnet, NULL, &addresses, err);

	if (rc || !json_object_size(addresses))
		return rc;
	const char *owner = json_string_value(json_object_iter_value(json_object_iter(addresses)));
	return lf_fail_arm(err, LF_EINVAL, "InUseSubnetCannotBeDeleted", subnet->id,
			   "delete what uses the subnet first",
			   "subnet %s is in use by %s and cannot be deleted",
			   lf_arm_id_last(subnet->id), owner);
}
