/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/care/verified.h - which packs were found whole, and when: DIR/verified.
 *
 * A cache: without it everything is verified again.  Format:
 * docs/formats/vault.md.  Threads: one at a time.
 */
#ifndef LF_VAULT_CARE_VERIFIED_H
#define LF_VAULT_CARE_VERIFIED_H

#include "base/buf.h"
#include "store/store.h"

struct lf_verified {
	struct lf_buf entries; /* sorted by name */
};
void lf_verified_done(struct lf_verified *verified);
/* A file that is missing or damaged says nothing. */
LF_MUST_CHECK int lf_verified_load(struct lf_store *store, struct lf_verified *ret_verified,
				   struct lf_error *err);
/* 0: not that we know. */
int64_t lf_verified_when(const struct lf_verified *verified, const uint8_t name[static 32]);
/* In any order, each name once. */
void lf_verified_add(struct lf_verified *verified, const uint8_t name[static 32], int64_t time_ns);
LF_MUST_CHECK int lf_verified_save(struct lf_store *store, struct lf_verified *verified,
				   struct lf_error *err);

#endif
