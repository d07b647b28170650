/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer/receive.h - what peers talk to: HTTPS under /peer/v1/.
 *
 * The protocol is docs/peer-protocol.md.  Every call needs the secret of this
 * site's pairing key.  Threads: those of the HTTPS server.
 */
#ifndef LF_PEER_RECEIVE_H
#define LF_PEER_RECEIVE_H

#include "base/clock.h"
#include "audit/audit.h"
#include "http/server.h"
#include "json/json.h"
#include "vault/regions.h"

struct lf_receive_opts {
	struct lf_regions *regions;
	struct lf_clock *clock;
	struct lf_audit *audit;
	const char *data_dir; /* journals and packs under way: DIR/inbox */
	const char *secret;
	/* The blocks of body's disks are durable in the region's vault: make the point of them,
	 * durable (vault/point.h), and what else body says.  Again with the same body: fine. */
	int (*keep)(void *context, const char *region, const char *point, const json_t *body,
		    struct lf_error *err);
	/* Let go of it; gone already is fine. */
	int (*forget)(void *context, const char *region, const char *point, struct lf_error *err);
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
