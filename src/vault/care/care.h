/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/care/care.h - keeping a vault well: collecting what nothing needs, checking, mending.
 *
 * Threads: any.
 */
#ifndef LF_VAULT_CARE_CARE_H
#define LF_VAULT_CARE_CARE_H

#include <stdatomic.h>

#include "vault/vault.h"

struct lf_collect_opts {
	int64_t now_ns;
	bool compact;		   /* also rewrite packs that were compressed in a hurry */
	unsigned threads;	   /* that rewrite packs; 0: as many as processors */
	uint64_t bytes_per_second; /* of packs rewritten; 0: as fast as it goes */
	lf_progress_fn *progress;  /* packs done of all; may be NULL */
	const atomic_bool *stop;   /* set: end soon with LF_ECANCELED; may be NULL */
	void *context;
};
/*
 * Remove points whose claims are gone or past now_ns, and what only they held;
 * beside readers and leases.  Cut short anywhere, the next one goes on.
 * report: {"points":n,"chunks":n,"bytes":n that the store shrank by,
 * "bytesLeft": of packs with garbage that there was no room to rewrite,
 * "deferred": transfers under way may need what else there is,
 * "damaged": ids of points whose needs are not known, for which all data stays}.
 */
LF_MUST_CHECK int lf_vault_collect(struct lf_vault *vault, const struct lf_collect_opts *opts,
				   json_t **ret_report, struct lf_error *err);
struct lf_verify_opts {
	int64_t now_ns;
	bool incremental;	  /* pass over packs that were found whole since... */
	int64_t older_than_ns;	  /* ...now less this; 0: ever */
	lf_progress_fn *progress; /* packs of all; may be NULL */
	void *context;
};
/*
 * Check every pack, run, manifest, claim and tree; of a vault opened without
 * keys what can be checked without them: all checksums.  What was found whole
 * is noted (vault/care/verified.h).  opts NULL: everything.  faults: array of
 * {"object","fault","points":[...]}; 0 and an empty array: all is well.
 */
LF_MUST_CHECK int lf_vault_verify(struct lf_vault *vault, const struct lf_verify_opts *opts,
				  json_t **ret_faults, struct lf_error *err);
/*
 * Mend what verify finds: records that can still be read move to new packs,
 * chunks and manifests that cannot come from peer (NULL: there is none), a
 * vault of the same deduplication domain.  Damaged packs go to
 * DIR/quarantine, so that nothing counts on them any more: what is stored again
 * later heals what is missing.  Cut short anywhere, the next one goes on.
 * report: {"packs": quarantined, "movedChunks", "peerChunks", "peerPoints",
 * "lostChunks", "faults": those that remain}.
 */
LF_MUST_CHECK int lf_vault_repair(struct lf_vault *vault, struct lf_vault *peer, int64_t now_ns,
				  json_t **ret_report, struct lf_error *err);

#endif
