/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compute/libvirt/network_plan.h - what a subnet needs on this host, as text: pure.
 */
#ifndef LF_COMPUTE_LIBVIRT_NETWORK_PLAN_H
#define LF_COMPUTE_LIBVIRT_NETWORK_PLAN_H

#include "compute/libvirt/domain_xml.h"

#define LF_ADDRESS_SIZE 16 /* "255.255.255.255" and NUL */

/* An IPv4 prefix, as Azure uses one: the first address is the gateway, .4 on are for machines. */
struct lf_subnet_plan {
	char gateway[LF_ADDRESS_SIZE], mask[LF_ADDRESS_SIZE];
	char first[LF_ADDRESS_SIZE], last[LF_ADDRESS_SIZE];
	unsigned length; /* of the prefix: 8 to 29 */
};
/* LF_EINVAL (target "subnets.prefix") unless prefix is "a.b.c.d/8..29" with no bit set after it. */
LF_MUST_CHECK int lf_subnet_plan(const char *prefix, struct lf_subnet_plan *ret_plan,
				 struct lf_error *err);
/* libvirt's part: a bridge with nobody on it, no address of the host's; free(), NULL: no memory. */
char *lf_network_xml(const struct lf_net_names *names);
/*
 * dnsmasq's configuration.  hosts: object of nic GUID to {"mac", "address"}.
 * isolated: no default route is offered.  free(), NULL: no memory.
 */
char *lf_dhcp_config(const struct lf_subnet_plan *plan, const char *dir, const json_t *hosts,
		     bool isolated);

#endif
