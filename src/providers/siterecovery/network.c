/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "providers/siterecovery/internal.h"

#define RESERVED_FIRST 4 /* as Azure keeps them: network, gateway, two for DNS */

static const char *prefix_of(const json_t *subnet)
{
	const char *prefix = lf_json_text(subnet, "properties.addressPrefix");

	return prefix ? prefix : lf_json_text_or(subnet, "properties.addressPrefixes.0", "");
}

/* Where name belongs in the sorted list. */
static size_t place_of(const json_t *subnets, const char *name)
{
	size_t at = 0;

	while (at < json_array_size(subnets) &&
	       strcasecmp(lf_json_text_or(json_array_get(subnets, at), "name", ""), name) < 0)
		at++;
	return at;
}

int lf_sr_subnets(struct lf_context *context, const char *network_id, const char *target,
		  json_t **ret_subnets, struct lf_error *err)
{
	LF_AUTO_RESOURCE network = LF_RESOURCE_INIT;
	LF_AUTO_JSON *subnets = json_array();
	size_t i;
	json_t *subnet;

	int rc = lf_catalog_get(context->catalog, network_id, &network, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_EINVAL, "NetworkNotFound", target,
				   "create the virtual network, or name one that exists",
				   "there is no virtual network %s", network_id);
	if (rc)
		return rc;
	json_array_foreach (lf_json_at(network.doc, "properties.subnets"), i, subnet) {
		const char *name = lf_json_text_or(subnet, "name", "");
		json_t *row = json_pack("{s:s,s:s}", "name", name, "prefix", prefix_of(subnet));
		if (json_array_insert_new(subnets, place_of(subnets, name), row))
			return lf_fail_nomem(err);
	}
	*ret_subnets = lf_steal(&subnets);
	return 0;
}

bool lf_sr_prefix_has(const char *prefix, const char *address)
{
	const char *slash = strchr(prefix, '/');
	LF_AUTO_FREE char *base = slash ? strndup(prefix, (size_t)(slash - prefix)) : NULL;
	struct in_addr net, in;
	struct lf_error ignored;
	uint64_t bits;

	if (!base || inet_pton(AF_INET, base, &net) != 1 || inet_pton(AF_INET, address, &in) != 1 ||
	    lf_parse_u64(slash + 1, 1, 30, &bits, &ignored))
		return false;
	uint32_t mask = UINT32_MAX << (32 - bits);
	uint32_t first = ntohl(net.s_addr) & mask, last = first | ~mask;
	return ntohl(in.s_addr) >= first + RESERVED_FIRST && ntohl(in.s_addr) < last;
}
