/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/record.h - DIR/site.json: what the site of a data directory has, so
 * that loss is not taken for newness.
 *
 * The first start writes the record before it makes anything, as incomplete,
 * and completes it when everything is there.  Each later start asks for every
 * piece that the record names and for nothing else in its place: a piece that
 * is missing, or is another site's, is refused, until an operator says that it
 * is lost (landfalld --accept-loss).  A directory of a time before the record
 * gets one when everything is there.
 *
 *   {"format":"landfall-site","version":1,"complete":true,
 *    "tenantId":GUID,"subscriptionId":GUID,"ownerClientId":GUID,"ownerObjectId":GUID,
 *    "ca":SHA-256 of the certificate,"tokenKey":its id,"peerKey":SHA-256 of the secret,
 *    "auditKey":a hash of it}
 *
 * Nothing in it is secret.  The stores of regions have a record of their own
 * (vault/open/regionrecord.h).  Threads: one, at start.
 */
#ifndef LF_SERVER_RECORD_H
#define LF_SERVER_RECORD_H

#include "json/json.h"

/* What can be lost: landfalld --accept-loss takes their names. */
enum lf_piece {
	LF_PIECE_CATALOG,   /* catalog.db */
	LF_PIECE_CA,	    /* keys/ca.pem */
	LF_PIECE_TOKEN_KEY, /* keys/token.jwk */
	LF_PIECE_PEER_KEY,  /* keys/peer.json */
	LF_PIECE_AUDIT,	    /* keys/audit.key */
	LF_PIECE_CLIENT,    /* client.env */
	LF_PIECE_REGIONS,   /* stores in regions/ */
	LF_PIECES,
};
const char *lf_piece_file(enum lf_piece piece); /* below DIR */
/* What goes with it for good, for people. */
const char *lf_piece_loss(enum lf_piece piece);
/* An option's value (base/args.h), "ca,token-key": the bits (1 << piece) or-ed to an unsigned. */
int lf_pieces_take(void *accepted, const char *words, struct lf_error *err);

/* What a start knows of itself once everything is loaded; borrowed texts. */
struct lf_identity {
	const char *tenant_id, *subscription_id, *client_id, *owner_id;
	const char *ca_fingerprint, *token_key, *peer_key, *audit_key;
};

struct lf_site_record {
	char *path;
	json_t *doc;	   /* as read or written last; NULL: none yet */
	bool known;	   /* there was a site before this start */
	unsigned accepted; /* pieces that may be made anew */
};
void lf_site_record_done(struct lf_site_record *record);

/* Which pieces of the directory's site are missing: bits; known only with a site there. */
LF_MUST_CHECK int lf_site_record_look(const char *dir, struct lf_site_record *ret_record,
				      unsigned *ret_missing, struct lf_error *err);
/*
 * The same for a start: LF_EPRECONDITION "SitePieceMissing" names what is missing and not accepted,
 * LF_ECORRUPT a damaged record, LF_EUNSUPPORTED one of a newer version.  In a directory that is no
 * site yet the incomplete record is written.
 */
LF_MUST_CHECK int lf_site_record_open(const char *dir, unsigned accepted,
				      struct lf_site_record *ret_record, struct lf_error *err);
/* An id of the site ("tenantId") that the record has; NULL: none. */
const char *lf_site_record_id(const struct lf_site_record *record, const char *name);
/* Is what was loaded what the record names?  LF_EPRECONDITION "SitePieceOther", with its file. */
LF_MUST_CHECK int lf_site_record_check(const struct lf_site_record *record,
				       const struct lf_identity *identity, struct lf_error *err);
/* Complete: everything is there and durable.  Written only when it changes. */
LF_MUST_CHECK int lf_site_record_complete(struct lf_site_record *record,
					  const struct lf_identity *identity, struct lf_error *err);

#endif
