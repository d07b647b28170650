/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/network/prefix.h - IPv4 addresses and prefixes.
 *
 * Pure functions; addresses are in host order.  Threads: any.
 */
#ifndef LF_PROVIDERS_NETWORK_PREFIX_H
#define LF_PROVIDERS_NETWORK_PREFIX_H

#include "base/error.h"

#define LF_ADDRESS_SIZE 16 /* "255.255.255.255" and NUL */
#define LF_PREFIX_SIZE	19

struct lf_prefix {
	uint32_t base;
	unsigned bits; /* 1..32 */
};

/* LF_EINVAL "InvalidIPAddressFormat" with target. */
LF_MUST_CHECK int lf_address_parse(const char *text, const char *target, uint32_t *ret_address,
				   struct lf_error *err);
void lf_address_format(uint32_t address, char out[static LF_ADDRESS_SIZE]);
/*
 * "10.0.0.0/24".  LF_EINVAL "InvalidAddressPrefixFormat", or "InvalidCIDRNotation" when bits
 * behind the prefix are set; LF_EUNSUPPORTED for IPv6.
 */
LF_MUST_CHECK int lf_prefix_parse(const char *text, const char *target,
				  struct lf_prefix *ret_prefix, struct lf_error *err);
void lf_prefix_format(const struct lf_prefix *prefix, char out[static LF_PREFIX_SIZE]);
uint32_t lf_prefix_last(const struct lf_prefix *prefix);
bool lf_prefix_holds(const struct lf_prefix *prefix, uint32_t address);
bool lf_prefix_inside(const struct lf_prefix *inner, const struct lf_prefix *outer);
bool lf_prefix_overlaps(const struct lf_prefix *a, const struct lf_prefix *b);

/* A subnet keeps its first four addresses (network, gateway, two for DNS) and its last one. */
#define LF_SUBNET_FIRST 4
bool lf_prefix_reserves(const struct lf_prefix *subnet, uint32_t address);
/* Addresses that machines can have. */
uint64_t lf_prefix_usable(const struct lf_prefix *subnet);

#endif
