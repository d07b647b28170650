/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer/pairing.h - the pairing keys of a site that receives: who may send it
 * points, and of which region.
 *
 * DIR/keys/peers/NAME.json each, {"url", "ca" (PEM), "secret", "region"}, made
 * and revoked by "landfall peer" while the site runs; and DIR/keys/peer.json,
 * called "peer", which every site has.  That one names no region: it is good
 * for the first that it is used for, and no other.  A file that is gone is a
 * key that is good for nothing.
 *
 * Threads: any; nothing is kept in memory.
 */
#ifndef LF_PEER_PAIRING_H
#define LF_PEER_PAIRING_H

#include "json/json.h"

#define LF_PAIRING_NAME_SIZE 33 /* a-z, 0-9 and '-' */
#define LF_PAIRINGS_MAX	     64u

/*
 * Whose secret is it, and may it be used for region?
 *   LF_EUNAUTHENTICATED            nobody's
 *   LF_EDENIED "RegionNotPaired"   it is for another region; *ret_name is set
 */
LF_MUST_CHECK int lf_pairing_check(const char *data_dir, const char *secret, const char *region,
				   char ret_name[static LF_PAIRING_NAME_SIZE],
				   struct lf_error *err);

/* A key for a region; *ret_path: its file, free().  LF_EEXISTS: there is one of that name. */
LF_MUST_CHECK int lf_pairing_create(const char *data_dir, const char *name, const char *region,
				    const char *url, char **ret_path, struct lf_error *err);
/* Array of {"name", "region" (absent: not bound to one by name), "file"}. */
LF_MUST_CHECK int lf_pairing_list(const char *data_dir, json_t **ret_pairings,
				  struct lf_error *err);
/* Good for nothing from now on; "peer" gets another secret.  LF_ENOTFOUND. */
LF_MUST_CHECK int lf_pairing_revoke(const char *data_dir, const char *name, struct lf_error *err);

#endif
