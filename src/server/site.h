/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/site.h - the data directory of a daemon: who it is, and its secrets.
 *
 * DIR/lock            held while a daemon runs
 * DIR/catalog.db      everything that clients see
 * DIR/ca.pem          the site's CA certificate, for clients
 * DIR/keys/           CA key, server key and certificate, token key, platform key: 0600
 * DIR/keys/peer.json  pairing key for sites that send to this one (peer/peer.h): 0600
 * DIR/client.env      how the first principal signs in: 0600
 * DIR/site.json       what of this there has to be (server/record.h): 0600
 * DIR/reserve         room that is kept back for a full disk (server/reserve.h)
 * DIR/regions.json    which regions have stores (vault/open/regionrecord.h): 0600
 * DIR/regions, sessions, inbox, outgoing, peers, accounts, compute: of the parts
 *
 * Each file is written whole and durable, and what is found is kept, so a kill
 * at any instant of the first start leaves a directory that starts.  After it
 * nothing is made anew in the place of what is missing.
 */
#ifndef LF_SERVER_SITE_H
#define LF_SERVER_SITE_H

#include "base/clock.h"
#include "catalog/catalog.h"
#include "crypto/tls.h"
#include "crypto/token.h"
#include "server/record.h"

struct lf_site {
	const char *dir;
	int lock;
	char *ca_cert, *ca_key;
	char *server_cert, *server_key;
	char *tenant_id, *subscription_id, *client_id, *owner_id;
	char *peer_secret;
	struct lf_token_keys *token_keys;
	struct lf_site_record record;
};

/* Lock the directory (made when missing): LF_ECONFLICT when another daemon has it. */
LF_MUST_CHECK int lf_site_lock(struct lf_site *site, const char *dir, struct lf_error *err);
/* Is all there that the directory's site has?  Before the catalog is opened; accepted: bits of
 * enum lf_piece that may be made anew.  Errors of lf_site_record_open(). */
LF_MUST_CHECK int lf_site_look(struct lf_site *site, unsigned accepted, struct lf_error *err);
/* Load identity and keys, making what is not there yet; names: what the site is called, NULL-ended.
 * LF_EPRECONDITION: what is there is another site's. */
LF_MUST_CHECK int lf_site_load(struct lf_site *site, struct lf_catalog *catalog,
			       const struct lf_clock *clock, const char *const *names,
			       struct lf_error *err);
/* While the daemon runs: make the server's certificate anew when 60 days are left of it, and warn
 * in the health of what ends within 30 days.  Callers: one thread. */
LF_MUST_CHECK int lf_site_renew(struct lf_site *site, const struct lf_clock *clock,
				const char *const *names, bool *ret_renewed, struct lf_error *err);
/* Write client.env for this URL, and the first principal's secret if it has none yet. */
LF_MUST_CHECK int lf_site_write_client(struct lf_site *site, struct lf_catalog *catalog,
				       const char *url, struct lf_error *err);
/* Write keys/peer.json for this URL. */
LF_MUST_CHECK int lf_site_write_peer(struct lf_site *site, const char *url, struct lf_error *err);
/* Everything is there: the record says so from now on. */
LF_MUST_CHECK int lf_site_settle(struct lf_site *site, struct lf_error *err);
void lf_site_done(struct lf_site *site);

#endif
