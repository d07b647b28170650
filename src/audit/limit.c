/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody can push the log's history out: of one address BURST lines are
 * written at once and then one a minute, of all together ALL_BURST and then one
 * in ten seconds (3.5 MB a day: the log then reaches back two months at least).
 * What is over is counted, and the count is a line once a minute.
 */
#include <arpa/inet.h>
#include <string.h>

#include "audit/internal.h"

#define BURST	     20
#define EVERY_NS     (60 * LF_NS_PER_S)
#define ALL_BURST    400
#define ALL_EVERY_NS (10 * LF_NS_PER_S)
#define SAY_EVERY_NS (60 * LF_NS_PER_S)

/* A token bucket as the time at which it is full again. */
static bool take(struct audit_bucket *bucket, int64_t now_ns, int64_t burst, int64_t every_ns)
{
	int64_t full_ns = bucket->full_ns > now_ns ? bucket->full_ns : now_ns;

	if (full_ns + every_ns > now_ns + burst * every_ns)
		return false;
	bucket->full_ns = full_ns + every_ns;
	return true;
}

/* What a sender cannot change at will: an IPv4 address, or the network of an IPv6 one. */
static void address_key(const char *text, uint8_t ret_key[static 16])
{
	memset(ret_key, 0, 16);
	if (!text)
		return;
	if (inet_pton(AF_INET, text, ret_key + 12) == 1)
		ret_key[0] = 1;
	else if (inet_pton(AF_INET6, text, ret_key) == 1)
		memset(ret_key + 8, 0, 8);
}

/* The bucket of an address: its own, or else the one that has been full for longest. */
static struct audit_bucket *find(struct audit_limit *limit, const uint8_t key[static 16])
{
	struct audit_bucket *oldest = &limit->addresses[0];

	for (size_t i = 0; i < ADDRESSES; i++) {
		struct audit_bucket *bucket = &limit->addresses[i];
		if (memcmp(bucket->address, key, 16) == 0)
			return bucket;
		if (bucket->full_ns < oldest->full_ns)
			oldest = bucket;
	}
	*oldest = (struct audit_bucket){0};
	memcpy(oldest->address, key, 16);
	return oldest;
}

bool lf_audit_limit_take(struct audit_limit *limit, const char *address, int64_t now_ns)
{
	uint8_t key[16];

	address_key(address, key);
	struct audit_bucket *bucket = find(limit, key);
	if (take(bucket, now_ns, BURST, EVERY_NS) &&
	    take(&limit->all, now_ns, ALL_BURST, ALL_EVERY_NS))
		return true;
	bucket->counted++;
	limit->counted++;
	return false;
}

bool lf_audit_limit_say(struct audit_limit *limit, int64_t now_ns, char *text, size_t size)
{
	const struct audit_bucket *most = NULL;
	char address[INET6_ADDRSTRLEN] = "unknown addresses";

	if (!limit->counted || now_ns < limit->said_ns + SAY_EVERY_NS)
		return false;
	for (size_t i = 0; i < ADDRESSES; i++)
		if (limit->addresses[i].counted &&
		    (!most || limit->addresses[i].counted > most->counted))
			most = &limit->addresses[i];
	if (most && most->address[0] == 1)
		inet_ntop(AF_INET, most->address + 12, address, sizeof(address));
	else if (most && most->address[0])
		inet_ntop(AF_INET6, most->address, address, sizeof(address));
	snprintf(text, size, "%llu lines were counted only, most of them (%llu) of %s",
		 (unsigned long long)limit->counted, (unsigned long long)(most ? most->counted : 0),
		 address);
	for (size_t i = 0; i < ADDRESSES; i++)
		limit->addresses[i].counted = 0;
	limit->counted = 0;
	limit->said_ns = now_ns;
	return true;
}
