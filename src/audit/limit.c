/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody can push the log's history out: of one address BURST lines are
 * written at once and then one a minute, of all together ALL_BURST and then one
 * in ten seconds (3.5 MB a day: the log then reaches back two months at least).
 * Whoever has a right that was given away in part (a shared access signature or
 * an account's key, an agent, a peer) has GUEST_BURST and then one in ten
 * seconds, all of them together GUEST_ALL_BURST and then one in five: a month.
 * What is over is counted, and the count is a line once a minute.
 */
#include "audit/internal.h"

#define BURST		   20 /* lines */
#define EVERY_NS	   (60 * LF_NS_PER_S)
#define ALL_BURST	   400 /* lines */
#define ALL_EVERY_NS	   (10 * LF_NS_PER_S)
#define GUEST_BURST	   1000 /* lines */
#define GUEST_EVERY_NS	   (10 * LF_NS_PER_S)
#define GUEST_ALL_BURST	   4000 /* lines */
#define GUEST_ALL_EVERY_NS (5 * LF_NS_PER_S)
#define SAY_EVERY_NS	   (60 * LF_NS_PER_S)

struct rate {
	int64_t burst, every_ns; /* lines */
};
static const struct rate of_one[] = {{BURST, EVERY_NS}, {GUEST_BURST, GUEST_EVERY_NS}};
static const struct rate of_all[] = {{ALL_BURST, ALL_EVERY_NS},
				     {GUEST_ALL_BURST, GUEST_ALL_EVERY_NS}};

/* A token bucket as the time at which it is full again. */
static bool take(int64_t *full_ns, int64_t now_ns, const struct rate *rate)
{
	int64_t full = *full_ns > now_ns ? *full_ns : now_ns;

	if (full + rate->every_ns > now_ns + rate->burst * rate->every_ns)
		return false;
	*full_ns = full + rate->every_ns;
	return true;
}

static int64_t last_full(const struct audit_bucket *bucket)
{
	return bucket->full_ns[0] > bucket->full_ns[1] ? bucket->full_ns[0] : bucket->full_ns[1];
}

/* The bucket of an address: its own, or else the one that has been full for longest. */
static struct audit_bucket *find(struct audit_limit *limit, const struct lf_sender *sender)
{
	struct audit_bucket *oldest = &limit->addresses[0];

	for (size_t i = 0; i < ADDRESSES; i++) {
		struct audit_bucket *bucket = &limit->addresses[i];
		if (lf_sender_same(&bucket->sender, sender))
			return bucket;
		if (last_full(bucket) < last_full(oldest))
			oldest = bucket;
	}
	*oldest = (struct audit_bucket){.sender = *sender};
	return oldest;
}

bool lf_audit_limit_take(struct audit_limit *limit, const char *address, bool guest, int64_t now_ns)
{
	struct lf_sender sender = lf_sender_parse(address);
	struct audit_bucket *bucket = find(limit, &sender);

	if (take(&bucket->full_ns[guest], now_ns, &of_one[guest]) &&
	    take(&limit->all.full_ns[guest], now_ns, &of_all[guest]))
		return true;
	bucket->counted++;
	limit->counted++;
	return false;
}

bool lf_audit_limit_say(struct audit_limit *limit, int64_t now_ns, char *text, size_t size)
{
	static const struct lf_sender unknown;
	const struct audit_bucket *most = NULL;
	char address[LF_SENDER_SIZE] = "unknown addresses";

	if (!limit->counted || now_ns < limit->said_ns + SAY_EVERY_NS)
		return false;
	for (size_t i = 0; i < ADDRESSES; i++)
		if (limit->addresses[i].counted &&
		    (!most || limit->addresses[i].counted > most->counted))
			most = &limit->addresses[i];
	if (most && !lf_sender_same(&most->sender, &unknown))
		lf_sender_text(&most->sender, address);
	snprintf(text, size, "%llu lines were counted only, most of them (%llu) of %s",
		 (unsigned long long)limit->counted, (unsigned long long)(most ? most->counted : 0),
		 address);
	for (size_t i = 0; i < ADDRESSES; i++)
		limit->addresses[i].counted = 0;
	limit->counted = 0;
	limit->said_ns = now_ns;
	return true;
}
