/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of addresses and prefixes are taken in their one form only, so that
 * two texts are the same when they are equal.
 */
#include "providers/network/prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int lf_address_parse(const char *text, const char *target, uint32_t *ret_address,
		     struct lf_error *err)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return lf_fail_arm(err, LF_EINVAL, "InvalidIPAddressFormat", target,
				   "give an IPv4 address, as \"10.0.0.4\"",
				   "'%.64s' is not an IPv4 address", text);
	*ret_address = ntohl(address.s_addr);
	return 0;
}

void lf_address_format(uint32_t address, char out[static LF_ADDRESS_SIZE])
{
	snprintf(out, LF_ADDRESS_SIZE, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
		 address >> 8 & 255, address & 255);
}

/* bits is 1..32, so the shift stays below the width. */
static uint32_t mask(unsigned bits)
{
	return ~(uint32_t)0 << (32 - bits);
}

static int fail_format(const char *text, const char *target, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidAddressPrefixFormat", target,
			   "give an IPv4 prefix, as \"10.0.0.0/24\"",
			   "'%.64s' is not an address prefix", text);
}

int lf_prefix_parse(const char *text, const char *target, struct lf_prefix *ret_prefix,
		    struct lf_error *err)
{
	const char *slash = strchr(text, '/');
	char address[LF_ADDRESS_SIZE], right[LF_PREFIX_SIZE];
	struct lf_prefix prefix;
	struct lf_error ignored;
	uint64_t bits;

	if (strchr(text, ':'))
		return lf_fail_arm(err, LF_EUNSUPPORTED, "IPv6NotSupported", target,
				   "give an IPv4 prefix, as \"10.0.0.0/24\"",
				   "'%.64s' is an IPv6 prefix, and networks here are IPv4 only",
				   text);
	if (!slash || (size_t)(slash - text) >= sizeof(address) || strlen(slash) > 3 ||
	    lf_parse_u64(slash + 1, 1, 32, &bits, &ignored))
		return fail_format(text, target, err);
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (lf_address_parse(address, target, &prefix.base, &ignored))
		return fail_format(text, target, err);
	prefix.bits = (unsigned)bits;
	if (prefix.base & ~mask(prefix.bits)) {
		prefix.base &= mask(prefix.bits);
		lf_prefix_format(&prefix, right);
		lf_fail_arm(err, LF_EINVAL, "InvalidCIDRNotation", target, NULL,
			    "the address prefix %s has bits set behind its length", text);
		return lf_error_hint(err, "did you mean %s?", right);
	}
	*ret_prefix = prefix;
	return 0;
}

void lf_prefix_format(const struct lf_prefix *prefix, char out[static LF_PREFIX_SIZE])
{
	char address[LF_ADDRESS_SIZE];

	lf_address_format(prefix->base, address);
	snprintf(out, LF_PREFIX_SIZE, "%s/%u", address, prefix->bits);
}

uint32_t lf_prefix_last(const struct lf_prefix *prefix)
{
	return prefix->base | ~mask(prefix->bits);
}

bool lf_prefix_holds(const struct lf_prefix *prefix, uint32_t address)
{
	return (address & mask(prefix->bits)) == prefix->base;
}

bool lf_prefix_inside(const struct lf_prefix *inner, const struct lf_prefix *outer)
{
	return inner->bits >= outer->bits && lf_prefix_holds(outer, inner->base);
}

bool lf_prefix_overlaps(const struct lf_prefix *a, const struct lf_prefix *b)
{
	return lf_prefix_inside(a, b) || lf_prefix_inside(b, a);
}

bool lf_prefix_reserves(const struct lf_prefix *subnet, uint32_t address)
{
	return address - subnet->base < LF_SUBNET_FIRST || address == lf_prefix_last(subnet);
}

uint64_t lf_prefix_usable(const struct lf_prefix *subnet)
{
	uint64_t size = (uint64_t)1 << (32 - subnet->bits);

	return size > LF_SUBNET_FIRST + 1 ? size - LF_SUBNET_FIRST - 1 : 0;
}
