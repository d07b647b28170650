/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer/inbox.h - points on their way here: DIR/inbox/REGION/POINT/ with a
 * journal for each disk (inflow/inflow.h), the name of the lease of the region's vault that keeps
 * what arrived, who began it, and a claim on the base.  A pairing has
 * LF_INBOX_POINTS_MAX in a region at most.  Everything that was answered is durable.
 *
 * Threads: any; the calls for one point come one after the other, but for packs.
 */
#ifndef LF_PEER_INBOX_H
#define LF_PEER_INBOX_H

#include <stdatomic.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "base/text.h"
#include "http/later.h"
#include "http/server.h"
#include "inflow/inflow.h"
#include "json/json.h"
#include "peer/pairing.h"
#include "vault/open/regions.h"
#include "vault/pack/pack.h"

#define LF_INBOX_POINTS_MAX 64u

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

struct lf_inbox_point {
	const struct lf_receive_opts *opts;
	char pairing[LF_PAIRING_NAME_SIZE], region[65], point[LF_GUID_SIZE];
	const atomic_bool *stopping;  /* what takes long ends; NULL: never */
	struct lf_journal_ends *ends; /* may be NULL */
};

/* Forget what was begun, if anything.  *ret_base: base_point (may be NULL) came by the same
 * pairing, is here and stays.  LF_ECONFLICT: the point is not the pairing's.  LF_ETHROTTLED: too
 * many are on their way. */
LF_MUST_CHECK int lf_inbox_begin(const struct lf_inbox_point *at, const uint8_t id_key[static 32],
				 const char *base_point, struct lf_domain_key *ret_key,
				 bool *ret_base, struct lf_error *err);
/* The calls below: LF_ENOTFOUND: not begun. */
/* n records (inflow/journal.h); bit i of ret_have: the i-th one's chunk is here.  LF_ETOOLARGE
 * "SessionTooLarge". */
LF_MUST_CHECK int lf_inbox_extents(const struct lf_inbox_point *at, unsigned disk,
				   const uint8_t *records, size_t n, uint8_t *ret_have,
				   struct lf_error *err);
/* Where a pack can be written; free(). */
LF_MUST_CHECK int lf_inbox_pack_path(const struct lf_inbox_point *at, char **ret_path,
				     struct lf_error *err);
LF_MUST_CHECK int lf_inbox_adopt(const struct lf_inbox_point *at, const char *path,
				 struct lf_error *err);
/* Put the maps together and compare their roots with those of body; then opts->keep.
 * LF_EUNREACHABLE: the site stops. */
LF_MUST_CHECK int lf_inbox_commit(const struct lf_inbox_point *at, const json_t *body,
				  struct lf_error *err);
LF_MUST_CHECK int lf_inbox_forget(const struct lf_inbox_point *at, struct lf_error *err);
/* Drop what nobody went on with since before_s (seconds since 1970, of the file system's clock). */
LF_MUST_CHECK int lf_inbox_sweep(const struct lf_receive_opts *opts, int64_t before_s,
				 struct lf_error *err);

#endif
