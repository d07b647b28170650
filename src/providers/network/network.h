/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/network/network.h - Microsoft.Network: virtual networks, subnets,
 * network interfaces, security groups; and what the other providers need of them.
 *
 * A subnet is a resource of its own ("{network}/subnets/{name}"); a network
 * shows its subnets inline.  The addresses of a subnet are in its state:
 * {"addresses": {"10.0.0.4": id of the IP configuration that has it}}.  An
 * address whose network interface is no longer there is free again.
 *
 * All functions here work in the caller's catalog transaction, or in one of
 * their own when there is none.  Threads: any.
 */
#ifndef LF_PROVIDERS_NETWORK_H
#define LF_PROVIDERS_NETWORK_H

#include "arm/arm.h"
#include "providers/network/prefix.h"
#include "providers/common/site.h"

#define LF_NETWORK_TYPE "Microsoft.Network/virtualNetworks"
#define LF_SUBNET_TYPE	"Microsoft.Network/virtualNetworks/subnets"
#define LF_NIC_TYPE	"Microsoft.Network/networkInterfaces"
#define LF_NSG_TYPE	"Microsoft.Network/networkSecurityGroups"

extern const struct lf_arm_provider lf_network_provider;

/*
 * The subnet of a network by name.  name NULL or "": the first in the alphabet, as a failover
 * without a subnet takes it.  LF_ENOTFOUND with the id of what is missing as target.
 */
LF_MUST_CHECK int lf_network_subnet(struct lf_catalog *catalog, const char *network_id,
				    const char *name, struct lf_resource *ret_subnet,
				    struct lf_error *err);
/* Its address prefix. */
LF_MUST_CHECK int lf_network_subnet_prefix(const struct lf_resource *subnet,
					   struct lf_prefix *ret_prefix, struct lf_error *err);

struct lf_address_request {
	const char *network_id;
	const char *subnet; /* name */
	const char *owner;  /* "{id of the network interface}/ipConfigurations/{name}" */
	const char *wanted; /* NULL: the next free one */
	/* [{"id"}] of network interfaces that this transaction writes later, NULL: none; what they
	 * were given counts as taken */
	const json_t *planned;
	bool or_next; /* wanted is a wish: when it cannot be had, what owner has, or the next */
};
/*
 * Give an address of a subnet to an IP configuration, in the transaction that writes its network
 * interface.  Asking again for the same owner gives the same address, or exchanges it for wanted.
 *   LF_EINVAL    "InvalidIPAddressFormat", "PrivateIPAddressNotInSubnet",
 *                "PrivateIPAddressInReservedRange", "PrivateIPAddressInUse", "SubnetIsFull"
 *   LF_ENOTFOUND no such network or subnet
 */
LF_MUST_CHECK int lf_network_address_take(struct lf_catalog *catalog,
					  const struct lf_address_request *request,
					  char ret_address[static LF_ADDRESS_SIZE],
					  struct lf_error *err);
/* What owner had in the subnet is free again.  Nothing to release is fine. */
LF_MUST_CHECK int lf_network_address_release(struct lf_catalog *catalog, const char *network_id,
					     const char *subnet, const char *owner,
					     struct lf_error *err);

/*
 * Write a network interface as a client's PUT does, with what only the service may set:
 * doc {"location", "tags", "properties": {"ipConfigurations": [{"name", "properties": {"subnet":
 * {"id"}, "privateIPAddress" (absent: the next free one), "primary"}}], "macAddress"
 * ("00-0D-3A-…"), "primary", "virtualMachine": {"id"}, "networkSecurityGroup": {"id"}}}.
 * doc is completed in place (addresses, ids).  Idempotent by id.
 */
LF_MUST_CHECK int lf_network_nic_put(struct lf_catalog *catalog, const char *id, json_t *doc,
				     struct lf_error *err);
/* LF_ECONFLICT "NetworkInterfaceInUse" when another machine, or a private endpoint, has it. */
LF_MUST_CHECK int lf_network_nic_check_free(const struct lf_resource *nic, const char *vm_id,
					    struct lf_error *err);
/* Its addresses are free again; gone already is fine.  Does not ask whether a machine has it. */
LF_MUST_CHECK int lf_network_nic_delete(struct lf_catalog *catalog, const char *id,
					struct lf_error *err);

#endif
