/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/care/move.h - what is kept of packs that go, copied to new packs.
 *
 * Memory: one open pack and two chunks a thread.  Threads: it makes its own and
 * has joined them on return.
 */
#ifndef LF_VAULT_CARE_MOVE_H
#define LF_VAULT_CARE_MOVE_H

#include "vault/vault_internal.h"

/* A pack on its way out, with the bits that were condemned when it was looked at. */
struct lf_leaving {
	struct lf_pack *pack;
	uint8_t *bits;
	uint32_t dead; /* how many are set */
};

struct lf_move_opts {
	bool dense;		   /* compress anew, as well as it gets */
	unsigned threads;	   /* at least 1 */
	uint64_t bytes_per_second; /* of packs read; 0: as fast as it goes */
	const atomic_bool *stop;   /* set: LF_ECANCELED; may be NULL */
};
/* Every record that is not condemned is in a new pack, durable and found, on return. */
LF_MUST_CHECK int lf_move_kept(struct lf_vault *vault, const struct lf_leaving *packs, size_t n,
			       const struct lf_move_opts *opts, struct lf_error *err);

#endif
