/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/daemon.h - one of everything, opened in the order of the layers and
 * closed in the reverse one.
 */
#ifndef LF_SERVER_DAEMON_H
#define LF_SERVER_DAEMON_H

#include "http/doors.h"
#include "base/log.h"
#include "base/text.h"

#define LF_DAEMON_PEERS_MAX 16u
#define LF_DAEMON_NAMES_MAX 16u
struct lf_daemon_opts {
	const char *data_dir;
	char address[64];
	uint16_t port;
	const char *compute;
	double clock_rate;
	enum lf_log_level log_level;
	const char *peers[LF_DAEMON_PEERS_MAX]; /* "REGION=FILE" (peer/peer.h) */
	size_t n_peers;
	const char *names[LF_DAEMON_NAMES_MAX]; /* more that the site is called by */
	size_t n_names;
	struct lf_http_door doors[LF_HTTP_DOORS_MAX]; /* private ones (http/doors.h) */
	size_t n_doors;
	const char *dedup;		  /* replication/replication.h */
	unsigned allow;			  /* providers/common/site.h */
	unsigned accept_loss;		  /* bits of enum lf_piece (server/record.h) */
	unsigned connections_per_address; /* 0: http/server.h's */
	const char *plan_scripts;	  /* directory; NULL: recovery plans run nothing */
};
struct lf_daemon;
LF_MUST_CHECK int lf_daemon_open(const struct lf_daemon_opts *opts, struct lf_daemon **ret_daemon,
				 struct lf_error *err);
const char *lf_daemon_url(const struct lf_daemon *daemon);
/* Stops taking requests, lets what runs end, closes everything. */
void lf_daemon_free(struct lf_daemon *daemon);
/* METHOD, path and action of every route, a line each, on standard output. */
void lf_daemon_print_routes(void);

#endif
