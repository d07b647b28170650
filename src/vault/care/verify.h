/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/care/verify.h - what verify.c, verifypacks.c and verifyfaults.c share.
 */
#ifndef LF_VAULT_CARE_VERIFY_H
#define LF_VAULT_CARE_VERIFY_H

#include "vault/care/care.h"
#include "vault/care/mark.h"
#include "vault/point/point.h"
#include "vault/care/verified.h"

/* Chunks that cannot be had. */
struct lf_badset {
	struct lf_chunk_id *ids; /* sorted; looked for by halves */
	size_t count;
};
void lf_badset_done(struct lf_badset *set);
LF_MUST_CHECK int lf_badset_add(struct lf_badset *set, const struct lf_chunk_id *id,
				struct lf_error *err);
bool lf_badset_has(const struct lf_badset *set, const struct lf_chunk_id *id);

struct lf_verify {
	struct lf_vault *vault;
	json_t *faults;
	struct lf_badset bad;
	struct lf_mark mark;
	const char *point; /* whose claims are checked */
	const struct lf_verify_opts *opts;
	struct lf_verified known, found; /* packs that were whole; that are */
};
LF_MUST_CHECK int lf_verify_begin(struct lf_verify *verify, struct lf_vault *vault,
				  const struct lf_verify_opts *opts, struct lf_error *err);
/* Frees; the faults are the caller's. */
void lf_verify_done(struct lf_verify *verify);
/* Everything. */
LF_MUST_CHECK int lf_verify_all(struct lf_verify *verify, struct lf_error *err)
	LF_REQUIRES(lf_collecting_lock);
/* point may be NULL. */
LF_MUST_CHECK int lf_verify_fault(struct lf_verify *verify, const char *object, const char *fault,
				  const char *point, struct lf_error *err);
LF_MUST_CHECK int lf_verify_packs(struct lf_verify *verify, struct lf_error *err);
/* A run's file by itself; LF_ENOTFOUND, LF_ECORRUPT. */
LF_MUST_CHECK int lf_run_check_file(const char *dir, const char *name, struct lf_error *err);

#endif
