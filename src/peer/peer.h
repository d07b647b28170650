/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer/peer.h - other sites that serve other regions: sending them points.
 *
 * A site that receives writes its pairing key, {"url", "ca" (PEM), "secret"}, to
 * DIR/keys/peer.json.  A site that is started with "REGION=FILE of that key"
 * sends what belongs to REGION there.  The protocol is docs/peer-protocol.md;
 * what receives is peer/receive.h.
 *
 * Nothing in memory or on disk here grows with a point: packs on their way are
 * LF_PEER_COURIERS * 2 files of at most 16 MiB in DIR/outgoing.
 *
 * Threads: the table is constant; a session belongs to one thread.
 */
#ifndef LF_PEER_PEER_H
#define LF_PEER_PEER_H

#include "vault/flow/copy.h"

#define LF_PEER_COURIERS 4 /* connections that packs go over at once */

struct lf_peers;
/* specs: n texts "REGION=FILE".  LF_EINVAL: not a pairing key. */
LF_MUST_CHECK int lf_peers_open(const char *data_dir, const char *const *specs, size_t n,
				struct lf_peers **ret_peers, struct lf_error *err);
void lf_peers_free(struct lf_peers *peers);
/* Where a region is served by a peer; NULL: here.  Borrowed. */
const char *lf_peers_url(const struct lf_peers *peers, const char *region);

struct lf_peer_session;
/*
 * Begin to send point (a GUID), or begin anew what was cut short.  base_point: an earlier one that
 * the peer has, NULL: none; lf_peer_has_base() tells whether it (still) has.
 *   LF_EUNREACHABLE, LF_ETIMEOUT  of every call here: try later, from the beginning
 *   LF_ECONFLICT "DomainsDiffer"
 */
LF_MUST_CHECK int lf_peer_begin(struct lf_peers *peers, const char *region, struct lf_vault *from,
				const char *point, const char *base_point,
				struct lf_peer_session **ret_session, struct lf_error *err);
bool lf_peer_has_base(const struct lf_peer_session *session);
/* Disk number index of the point; opts->base only when the peer has it. */
LF_MUST_CHECK int lf_peer_send_disk(struct lf_peer_session *session, unsigned index,
				    const struct lf_root *root, const struct lf_copy_opts *opts,
				    struct lf_copy_result *ret_result, struct lf_error *err);
/*
 * The peer has the point, durable, on 0.  body: {"manifest": {"disks": [{"sizeBytes", "root"}]},
 * "basePoint" and for each disk in "bases" the root that it began from, or "", and what the peer's
 * lf_receive_opts.keep wants}.
 */
LF_MUST_CHECK int lf_peer_commit(struct lf_peer_session *session, const json_t *body,
				 struct lf_error *err);
void lf_peer_end(struct lf_peer_session *session);
/*
 * The peer lets go of a point.  0 as well when it let go before, even if the blocks are still there
 * for a restore of the peer's own.
 */
LF_MUST_CHECK int lf_peer_forget(struct lf_peers *peers, const char *region, const char *point,
				 struct lf_error *err);

#endif
