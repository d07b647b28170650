/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of Microsoft.Network, and what a network tells about its addresses.
 */
#include "providers/network/network.h"

#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/network/dns.h"
#include "providers/network/internal.h"

#define AVAILABLE_SHOWN 5

/* The subnet of a network that holds an address; LF_ENOTFOUND: none. */
static int find_subnet(struct lf_catalog *catalog, const char *network_id, uint32_t address,
		       struct lf_resource *ret_subnet, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SUBNET_TYPE, .below = network_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	struct lf_prefix prefix;
	int rc = lf_catalog_list(catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		rc = lf_network_subnet_prefix(&list.items[i], &prefix, err);
		if (rc || !lf_prefix_holds(&prefix, address))
			continue;
		*ret_subnet = list.items[i];
		list.items[i] = LF_RESOURCE_INIT;
		return 0;
	}
	return rc ? rc
		  : lf_fail_arm(err, LF_EINVAL, "PrivateIPAddressNotInAnySubnet", "ipAddress",
				"ask for an address of one of the network's subnets",
				"no subnet of the network holds the address");
}

static int check_address(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *wanted = lf_arm_query(call, "ipAddress");
	LF_AUTO_RESOURCE network = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE subnet = LF_RESOURCE_INIT;
	LF_AUTO_JSON *taken = NULL;
	LF_AUTO_JSON *others = NULL;
	struct lf_prefix prefix;
	uint32_t address;

	int rc = lf_catalog_get(context->catalog, lf_arm_id(call, 1), &network, err);
	if (!rc)
		rc = lf_address_parse(wanted ? wanted : "", "ipAddress", &address, err);
	if (!rc)
		rc = find_subnet(context->catalog, network.id, address, &subnet, err);
	if (!rc)
		rc = lf_network_subnet_prefix(&subnet, &prefix, err);
	if (!rc)
		rc = lf_subnet_addresses(context->catalog, &subnet, NULL, &taken, err);
	if (rc)
		return rc;
	bool available = !lf_prefix_reserves(&prefix, address) && !json_object_get(taken, wanted);
	if (!available)
		rc = lf_subnet_free_addresses(context->catalog, &subnet, AVAILABLE_SHOWN, &others,
					      err);
	if (rc)
		return rc;
	LF_AUTO_JSON *body =
		json_pack("{s:b,s:O?,s:b}", "available", available, "availableIPAddresses", others,
			  "isPlatformReserved", lf_prefix_reserves(&prefix, address));
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

static int list_usages(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const struct lf_list_query query = {.type = LF_SUBNET_TYPE, .below = lf_arm_id(call, 1)};
	LF_AUTO_RESOURCE network = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();
	struct lf_prefix prefix;

	int rc = lf_catalog_get(context->catalog, query.below, &network, err);
	if (!rc)
		rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_JSON *taken = NULL;
		rc = lf_network_subnet_prefix(&list.items[i], &prefix, err);
		if (!rc)
			rc = lf_subnet_addresses(context->catalog, &list.items[i], NULL, &taken,
						 err);
		if (rc)
			return rc;
		struct lf_doc doc = LF_DOC_INIT;

		lf_doc_text(&doc, "id", list.items[i].id);
		lf_doc_int(&doc, "currentValue", json_object_size(taken));
		lf_doc_int(&doc, "limit", lf_prefix_usable(&prefix));
		lf_doc_text(&doc, "unit", "Count");
		lf_doc_text(&doc, "name.value", "SubnetSpace");
		lf_doc_text(&doc, "name.localizedValue", "Subnet size and usage");
		if (json_array_append_new(values, lf_doc_take(&doc)))
			return lf_fail_nomem(err);
	}
	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}

/* Networks have no uplink: an address that nothing can reach is not given out. */
static int list_no_addresses(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();

	return values ? lf_arm_reply_list(call, values, NULL, err) : lf_fail_nomem(err);
}

static int refuse_address(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", lf_arm_id(call, 0),
			   "reach machines by their private addresses, from this host",
			   "there are no public IP addresses: networks have no uplink here");
}

/* Clients look whether it is there before they make one. */
static int find_no_address(struct lf_arm_call *call, struct lf_error *err)
{
	const char *id = lf_arm_id(call, 0);

	return lf_fail_arm(err, LF_ENOTFOUND, "ResourceNotFound", id, NULL,
			   "the resource '%s' was not found", id);
}

#define ADDRESSES "/providers/Microsoft.Network/publicIPAddresses"
#define NETWORKS  "/providers/Microsoft.Network/virtualNetworks"
#define NICS	  "/providers/Microsoft.Network/networkInterfaces"
#define NSGS	  "/providers/Microsoft.Network/networkSecurityGroups"
#define RULES	  LF_GROUP_PATH NSGS "/{name}/securityRules"
#define NETWORK	  LF_GROUP_PATH NETWORKS "/{name}"
#define ZONES	  "/providers/Microsoft.Network/privateDnsZones"
#define ZONE	  LF_GROUP_PATH ZONES "/{name}"
#define LINKS	  ZONE "/virtualNetworkLinks"
#define ENDPOINTS "/providers/Microsoft.Network/privateEndpoints"
#define GROUPS	  LF_GROUP_PATH ENDPOINTS "/{name}/privateDnsZoneGroups"
#define LOCATION  "/providers/Microsoft.Network/locations/{location}"

/* Of a type that is not kept: lists are empty, nothing is found, nothing is made. */
#define NO_RECORDS(path)                                                                           \
	LF_GET(path, lf_record_list_none), LF_GET(path "/{child}", lf_record_get_none),            \
		LF_PUT(path "/{child}", lf_record_refuse, LF_REFUSED("RecordTypeNotSupported")),   \
		LF_PATCH(path "/{child}", lf_record_refuse, LF_REFUSED("RecordTypeNotSupported")), \
		LF_DELETE(path "/{child}", lf_record_get_none)

static const struct lf_arm_route routes[] = {
	LF_DOCUMENT_ROUTES(&lf_vnet_document, NETWORKS),
	LF_DOCUMENT_CHILD_ROUTES(&lf_subnet_document, NETWORK "/subnets"),
	LF_DOCUMENT_ROUTES(&lf_nic_document, NICS),
	LF_DOCUMENT_ROUTES(&lf_nsg_document, NSGS),
	LF_GET(RULES, lf_nsg_rule_list),
	LF_GET(RULES "/{rule}", lf_nsg_rule_get),
	LF_PUT(RULES "/{rule}", lf_nsg_rule_put),
	LF_DELETE(RULES "/{rule}", lf_nsg_rule_delete),
	LF_GET(NETWORK "/CheckIPAddressAvailability", check_address,
	       LF_RIGHT(LF_NETWORK_TYPE "/read")),
	LF_GET(NETWORK "/usages", list_usages),
	LF_DOCUMENT_LIST(&lf_endpoint_document, LF_SUBSCRIPTION_PATH ENDPOINTS),
	LF_DOCUMENT_LIST(&lf_endpoint_document, LF_GROUP_PATH ENDPOINTS),
	LF_DOCUMENT_ITEM(&lf_endpoint_document, LF_GROUP_PATH ENDPOINTS "/{name}"),
	LF_DOCUMENT_CHILD_ROUTES(&lf_zone_group_document, GROUPS),
	LF_GET(LF_SUBSCRIPTION_PATH LOCATION "/availablePrivateEndpointTypes",
	       lf_endpoint_types_list),
	LF_GET(LF_GROUP_PATH LOCATION "/availablePrivateEndpointTypes", lf_endpoint_types_list),
	LF_DOCUMENT_ROUTES(&lf_zone_document, ZONES),
	LF_DOCUMENT_CHILD_ROUTES(&lf_zone_link_document, LINKS),
	LF_DOCUMENT_PATCH(&lf_zone_link_document, LINKS "/{child}"),
	LF_DOCUMENT_CHILD_ROUTES(&lf_zone_a_document, ZONE "/A"),
	LF_DOCUMENT_PATCH(&lf_zone_a_document, ZONE "/A/{child}"),
	LF_GET(ZONE "/ALL", lf_record_list_all),
	LF_GET(ZONE "/SOA", lf_record_list_soa),
	LF_GET(ZONE "/SOA/{child}", lf_record_get_soa),
	LF_PUT(ZONE "/SOA/{child}", lf_record_refuse_soa, LF_REFUSED("SoaRecordNotSupported")),
	LF_PATCH(ZONE "/SOA/{child}", lf_record_refuse_soa, LF_REFUSED("SoaRecordNotSupported")),
	LF_DELETE(ZONE "/SOA/{child}", lf_record_refuse_soa, LF_REFUSED("SoaRecordNotSupported")),
	NO_RECORDS(ZONE "/AAAA"),
	NO_RECORDS(ZONE "/CNAME"),
	NO_RECORDS(ZONE "/MX"),
	NO_RECORDS(ZONE "/PTR"),
	NO_RECORDS(ZONE "/SRV"),
	NO_RECORDS(ZONE "/TXT"),
	LF_GET(LF_SUBSCRIPTION_PATH ADDRESSES, list_no_addresses),
	LF_GET(LF_GROUP_PATH ADDRESSES, list_no_addresses),
	LF_GET(LF_GROUP_PATH ADDRESSES "/{name}", find_no_address),
	LF_PUT(LF_GROUP_PATH ADDRESSES "/{name}", refuse_address),
};

static const char *const types[] = {"virtualNetworks",
				    "virtualNetworks/subnets",
				    "networkInterfaces",
				    "networkSecurityGroups",
				    "privateDnsZones",
				    "privateDnsZones/virtualNetworkLinks",
				    "privateDnsZones/A",
				    "privateDnsZones/SOA",
				    "privateEndpoints",
				    "privateEndpoints/privateDnsZoneGroups",
				    NULL};

const struct lf_arm_provider lf_network_provider = {
	.name = "Microsoft.Network",
	.oldest_version = "2015-05-01-preview",
	.newest_version = "2026-03-01",
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
};
