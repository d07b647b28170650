/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/keepers.h - housekeeping: what time brings, whoever asks for nothing.
 *
 * Threads: start and stop from one; it makes its own.
 */
#ifndef LF_SERVER_KEEPERS_H
#define LF_SERVER_KEEPERS_H

#include "http/server.h"
#include "peer/receive.h"
#include "providers/common/site.h"
#include "server/site.h"

/* All borrowed, until lf_keepers_stop(). */
struct lf_keepers_opts {
	struct lf_context *context;
	struct lf_receive *receive;
	struct lf_site *site;	     /* its certificate is renewed, and */
	struct lf_http_server *http; /* shown from then on */
	const char *const *names;    /* of the site, NULL-ended */
};
struct lf_keepers;
LF_MUST_CHECK int lf_keepers_start(const struct lf_keepers_opts *opts,
				   struct lf_keepers **ret_keepers, struct lf_error *err);
/* What is under way is cut short where it can be, and joined.  NULL is fine. */
void lf_keepers_stop(struct lf_keepers *keepers);

#endif
