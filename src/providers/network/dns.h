/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/network/dns.h - private DNS zones, their links to networks and
 * their record sets.
 *
 * A zone is a resource, its links and its A records are rows below it:
 * "{zone}/virtualNetworkLinks/{name}", "{zone}/A/{name}".  The SOA record is
 * made of the zone's own row; sets of other types there are none.  Threads: any.
 */
#ifndef LF_PROVIDERS_NETWORK_DNS_H
#define LF_PROVIDERS_NETWORK_DNS_H

#include "providers/common/document.h"

#define LF_ZONE_TYPE	  "Microsoft.Network/privateDnsZones"
#define LF_ZONE_LINK_TYPE LF_ZONE_TYPE "/virtualNetworkLinks"
#define LF_ZONE_A_TYPE	  LF_ZONE_TYPE "/A"

#define LF_ZONE_NAME_MAX 253 /* bytes of a name, dots included */
#define LF_ZONE_SETS_MAX 25000
#define LF_ZONE_SET_MAX	 20 /* records of one set */

extern const struct lf_document lf_zone_document, lf_zone_link_document, lf_zone_a_document;

/* Labels of 1 to 63 letters, digits, '-' and '_' with dots between them, 253 bytes in all. */
bool lf_zone_name_good(const char *name);

/* Record sets by the type in the path: all of a zone, of one type, one; and what is refused. */
lf_arm_handler lf_record_list_all, lf_record_get_soa, lf_record_list_soa, lf_record_list_none,
	lf_record_get_none, lf_record_refuse, lf_record_refuse_soa;

/*
 * Put an address into, or take it out of, the A record set of a zone, in the caller's transaction.
 * creator (NULL: none) is told in the set's metadata.  A set without an address goes.  *ret_added:
 * the address was not in it before; who finds it there leaves it there.  Taking from what is not
 * there is fine; putting into a zone that is not there is LF_ENOTFOUND.  Locks hold: LF_ECONFLICT
 * "ScopeLocked".
 */
LF_MUST_CHECK int lf_zone_address_put(struct lf_context *context, const char *zone_id,
				      const char *name, const char *address, const char *creator,
				      bool *ret_added, struct lf_error *err);
LF_MUST_CHECK int lf_zone_address_take_out(struct lf_context *context, const char *zone_id,
					   const char *name, const char *address,
					   struct lf_error *err);

#endif
