/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer/link.h - what the sending side's files share: one peer, and calls to it.
 */
#ifndef LF_PEER_LINK_H
#define LF_PEER_LINK_H

#include "http/client.h"
#include "json/json.h"
#include "peer/peer.h"

#define LF_PEER_ROOT "/peer/v1/"

struct lf_peer {
	char *region, *url, *ca_file, *bearer; /* "Authorization: Bearer ..." */
};
struct lf_peers {
	struct lf_peer *items;
	size_t n;
	char *outgoing; /* directory of packs on their way */
};
/* NULL: no peer serves the region. */
const struct lf_peer *lf_peers_find(const struct lf_peers *peers, const char *region);

LF_MUST_CHECK int lf_peer_client(const struct lf_peer *peer, struct lf_http_client **ret_client,
				 struct lf_error *err);
/* METHOD /peer/v1/REGION/POINT[/WHAT]; body or file; the answer's body appended to answer (may be
 * NULL). */
struct lf_peer_call {
	const char *method, *point, *what; /* what: "" or "/begin" ... */
	const void *body;
	size_t len;
	const char *file;
};
LF_MUST_CHECK int lf_peer_call(const struct lf_peer *peer, struct lf_http_client *client,
			       const struct lf_peer_call *call, struct lf_buf *answer,
			       struct lf_error *err);

#endif
