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

#include "base/clock.h"
#include "audit/audit.h"
#include "http/later.h"
#include "http/server.h"
#include "json/json.h"
#include "vault/open/regions.h"

/* A point, and who sends it. */
struct lf_received {
	const char *pairing, *region, *point; /* point: a GUID */
};

struct lf_receive_opts {
	struct lf_regions *regions;
	struct lf_clock *clock;
	struct lf_audit *audit;
	struct lf_later *later; /* where packs and maps are looked into; NULL (tests): at once */
	const char *data_dir;	/* journals and packs under way: DIR/inbox; pairing keys */
	/* Did this pairing send the point that the region's vault has?  LF_ENOTFOUND: there is
	 * none; LF_ECONFLICT: no, it is this site's own or another's. */
	int (*sent)(void *context, const struct lf_received *what, struct lf_error *err);
	/* The blocks of body's disks are durable in the region's vault: make the point of them,
	 * durable (vault/point/point.h), and what else body says.  Again with the same body: fine.
	 * LF_ECONFLICT: there is another of that id, or of a name in body. */
	int (*keep)(void *context, const struct lf_received *what, const json_t *body,
		    struct lf_error *err);
	/* Let go of it; gone already is fine.  LF_ECONFLICT: the pairing did not send it. */
	int (*forget)(void *context, const struct lf_received *what, struct lf_error *err);
	void *context;
};
struct lf_receive;
LF_MUST_CHECK int lf_receive_open(const struct lf_receive_opts *opts,
				  struct lf_receive **ret_receive, struct lf_error *err);
void lf_receive_free(struct lf_receive *receive);
bool lf_receive_matches(void *receive, const struct lf_http_exchange *x);
const struct lf_http_handler *lf_receive_http_handler(struct lf_receive *receive);
/* Drop what no peer went on with for a week. */
LF_MUST_CHECK int lf_receive_sweep(struct lf_receive *receive, struct lf_error *err);

#endif
