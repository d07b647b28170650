/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/care/mark.h - going through disk maps once, whatever they share.
 *
 * A bit for each record in use is kept with its pack, so that memory is an
 * eighth of a byte a chunk.  Threads: one marking at a time (the collector's
 * lock, or a vault of one's own).
 */
#ifndef LF_VAULT_CARE_MARK_H
#define LF_VAULT_CARE_MARK_H

#include "vault/vault_internal.h"

struct lf_mark {
	struct lf_vault *vault;
	json_t *points; /* {id: true}: done already */
	/* Array to which points go (ids) of which not all could be marked; borrowed, NULL: that is
	 * an error. */
	json_t *damaged;
	/* Called for what a map names and the index does not have; NULL: that is an error. */
	int (*missing)(void *context, const struct lf_chunk_id *id, struct lf_error *err);
	void *context;
	/* Called for each record that is marked; may be NULL. */
	void (*marked)(void *context, const struct lf_place *place);
	void *marked_context;
};
LF_MUST_CHECK int lf_mark_begin(struct lf_mark *mark, struct lf_vault *vault, struct lf_error *err)
	LF_REQUIRES(lf_collecting_lock);
void lf_mark_end(struct lf_mark *mark); /* drops the bits */
LF_MUST_CHECK int lf_mark_root(struct lf_mark *mark, const struct lf_root *root,
			       struct lf_error *err);
/* All points that there are and that were not marked before. */
LF_MUST_CHECK int lf_mark_points(struct lf_mark *mark, struct lf_error *err);
/* Roots of a manifest's disks, in turn. */
typedef int lf_root_visit_fn(void *context, const struct lf_root *root, uint64_t size_bytes,
			     struct lf_error *err);
LF_MUST_CHECK int lf_manifest_roots(const json_t *manifest, lf_root_visit_fn *visit, void *context,
				    struct lf_error *err);

#endif
