/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/network/internal.h - shared by the files of this provider.
 */
#ifndef LF_PROVIDERS_NETWORK_INTERNAL_H
#define LF_PROVIDERS_NETWORK_INTERNAL_H

#include "providers/common/document.h"
#include "providers/network/network.h"

/* The members of a subnet's properties, below a path: for subnets and for the array in a network.
 */
#define LF_SUBNET_ROWS(at)                                                                         \
	{at "addressPrefix", LF_TEXT, 0, 0, 64, NULL, "the prefix, as \"10.0.0.0/24\""},           \
		{at "addressPrefixes", LF_ARRAY, 0, 0, 64, NULL, "one prefix, instead of that"},   \
		{at "addressPrefixes.*", LF_TEXT, 0, 0, 64, NULL, "the prefix"},                   \
		{at "networkSecurityGroup.id", LF_ID, 0, 0, 0, NULL, "a group that is there"},     \
		{at "privateEndpointNetworkPolicies",                                              \
		 LF_ENUM,                                                                          \
		 0,                                                                                \
		 0,                                                                                \
		 0,                                                                                \
		 lf_endpoint_policies,                                                             \
		 "kept: security groups do not filter endpoints"},                                 \
		{at "privateLinkServiceNetworkPolicies", LF_ENUM, 0, 0, 0, lf_on_off,              \
		 "kept: there are no private links"},                                              \
		{at "defaultOutboundAccess",	 LF_BOOL, 0, 0, 0, NULL,                           \
		 "kept: networks have no uplink"},                                                 \
		{at "provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded"},          \
	{                                                                                          \
		at "ipConfigurations", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL, "who is in it"          \
	}
extern const char *const lf_endpoint_policies[], *const lf_on_off[]; /* address.c */

extern const struct lf_document lf_vnet_document, lf_subnet_document, lf_nic_document,
	lf_nsg_document;

/*
 * Private endpoints and their DNS zone groups.  An endpoint's state: {"connection": id of the row
 * below its target, "nic": id, "members": [{"member", "fqdn", "zone", "record", "address"}]}.
 */
#define LF_ENDPOINT_TYPE   "Microsoft.Network/privateEndpoints"
#define LF_ZONE_GROUP_TYPE LF_ENDPOINT_TYPE "/privateDnsZoneGroups"
extern const struct lf_document lf_endpoint_document, lf_zone_group_document;
/* The types that a private endpoint can lead to. */
lf_arm_handler lf_endpoint_types_list;
/* Take the records of all zone groups of an endpoint out of their zones, in the caller's
 * transaction. */
LF_MUST_CHECK int lf_zone_groups_release(struct lf_context *context, const char *endpoint_id,
					 struct lf_error *err);

/* Delete the links of zones to a network that goes, in the caller's transaction. */
LF_MUST_CHECK int lf_zone_links_release(struct lf_context *context, const char *network_id,
					struct lf_error *err);

/* nsg.c: one rule of a group. */
lf_arm_handler lf_nsg_rule_get, lf_nsg_rule_list, lf_nsg_rule_put, lf_nsg_rule_delete;

/* Network id and name of a subnet's id: copies, free() both. */
LF_MUST_CHECK int lf_subnet_split(const char *subnet_id, char **ret_network, char **ret_name,
				  struct lf_error *err);
/* {"10.0.0.4": owner} of a subnet's state without those whose network interface is gone (the one
 * that asks, and those that it plans, count as there; asking: NULL, nobody does); the caller's
 * reference. */
LF_MUST_CHECK int lf_subnet_addresses(struct lf_catalog *catalog, const struct lf_resource *subnet,
				      const struct lf_address_request *asking,
				      json_t **ret_addresses, struct lf_error *err);
/* LF_EINVAL "InUseSubnetCannotBeDeleted" with who uses it. */
LF_MUST_CHECK int lf_subnet_check_unused(struct lf_catalog *catalog,
					 const struct lf_resource *subnet, struct lf_error *err);

/* Addresses that are free, in order, at most n of them. */
LF_MUST_CHECK int lf_subnet_free_addresses(struct lf_catalog *catalog,
					   const struct lf_resource *subnet, size_t n,
					   json_t **ret_addresses, struct lf_error *err);

/* LF_EINVAL "InvalidResourceReference" unless {"id"} at path of doc is absent or an existing
 * resource of type. */
LF_MUST_CHECK int lf_network_check_reference(struct lf_catalog *catalog, const json_t *doc,
					     const char *path, const char *type,
					     struct lf_error *err);

#endif
