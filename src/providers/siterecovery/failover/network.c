/* SPDX-License-Identifier: Apache-2.0 */
/* Subnets of a network as a failover needs them: names and prefixes, by name. */
#include "providers/network/network.h"
#include "providers/siterecovery/internal.h"

int lf_sr_subnets(struct lf_catalog *catalog, const char *network_id, const char *target,
		  json_t **ret_subnets, struct lf_error *err)
{
	LF_AUTO_RESOURCE network = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *subnets = json_array();
	struct lf_prefix prefix;
	char text[LF_PREFIX_SIZE];

	int rc = lf_catalog_get(catalog, network_id, &network, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_EINVAL, "NetworkNotFound", target,
				   "create the virtual network, or name one that exists",
				   "there is no virtual network %s", network_id);
	const struct lf_list_query query = {.type = LF_SUBNET_TYPE, .below = network_id};
	if (!rc) /* in the order of their names */
		rc = lf_catalog_list(catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		rc = lf_network_subnet_prefix(&list.items[i], &prefix, err);
		if (rc)
			return rc;
		lf_prefix_format(&prefix, text);
		if (json_array_append_new(subnets, json_pack("{s:s,s:s}", "name",
							     lf_arm_id_last(list.items[i].id),
							     "prefix", text)))
			return lf_fail_nomem(err);
	}
	if (rc)
		return rc;
	*ret_subnets = lf_steal(&subnets);
	return 0;
}

bool lf_sr_prefix_has(const char *prefix, const char *address)
{
	struct lf_error ignored;
	struct lf_prefix in;
	uint32_t value;

	return !lf_prefix_parse(prefix, NULL, &in, &ignored) &&
	       !lf_address_parse(address, NULL, &value, &ignored) && lf_prefix_holds(&in, value) &&
	       !lf_prefix_reserves(&in, value);
}
