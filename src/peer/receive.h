/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer/receive.h - what peers talk to: HTTPS under /peer/v1/.
 *
 * The protocol is docs/peer-protocol.md.  Every call needs the secret of a
 * pairing key of this site that is for the region (peer/pairing.h).  Threads: those of the HTTPS
 * server, and of http/later.h.
 */
#ifndef LF_PEER_RECEIVE_H
#define LF_PEER_RECEIVE_H

#include "peer/inbox.h"

struct lf_receive;
LF_MUST_CHECK int lf_receive_open(const struct lf_receive_opts *opts,
				  struct lf_receive **ret_receive, struct lf_error *err);
void lf_receive_free(struct lf_receive *receive);
bool lf_receive_matches(void *receive, const struct lf_http_exchange *x);
const struct lf_http_handler *lf_receive_http_handler(struct lf_receive *receive);
/* Drop what no peer went on with for a week. */
LF_MUST_CHECK int lf_receive_sweep(struct lf_receive *receive, struct lf_error *err);

#endif
