/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/index/index.h - which chunk is where: the packs of a store and the runs over
 * them.
 *
 * New packs are runs in memory; the writer merges them into files when there
 * are many, and files into larger ones, so that their number grows with the
 * logarithm of the index.  Large merges are a thread's of the index, so that
 * nobody waits for them.  Whatever is missing or damaged is read again from
 * the packs.
 *
 * Owns: runs and packs (which live until lf_index_free()), the merging thread.
 * Memory: 1.65 bytes a chunk, about 150 a pack, and the runs of packs not yet in a file.
 * Threads: any; look-ups share a lock that writers hold for moments only.
 */
#ifndef LF_VAULT_INDEX_INDEX_H
#define LF_VAULT_INDEX_INDEX_H

#include "store/store.h"
#include "vault/index/run.h"

struct lf_index;
/* store is borrowed; dir is the vault's directory (runs are in DIR/index). */
LF_MUST_CHECK int lf_index_open(struct lf_store *store, const char *dir, bool read_only,
				struct lf_index **ret_index, struct lf_error *err);
/* Waits for a merge under way. */
void lf_index_free(struct lf_index *index);

/* Look at the store again: packs and runs that came and went. */
LF_MUST_CHECK int lf_index_refresh(struct lf_index *index, struct lf_error *err);
/* Check the files of the index, and drop those that are damaged, then refresh. */
LF_MUST_CHECK int lf_index_heal(struct lf_index *index, size_t *ret_dropped, struct lf_error *err);
/* How often files were dropped: what was known of a pack before may be another since. */
unsigned lf_index_heals(const struct lf_index *index);
/* A pack that is durable in the store: found from now on.  seq 0: it was found there; else it was
 * written by us or admitted (vault/admit.h), and its ids are known to be true. */
LF_MUST_CHECK int lf_index_add(struct lf_index *index, const struct lf_pack_footer *footer,
			       uint64_t seq, struct lf_error *err);
/*
 * Merge what is due: what is small here, the rest behind; another thread doing
 * so already is fine.  all: runs in memory also when they are few, and files of much waste.
 */
LF_MUST_CHECK int lf_index_tidy(struct lf_index *index, bool all, struct lf_error *err);
/* Wait until nothing is merged behind (tests, benchmarks). */
void lf_index_wait(struct lf_index *index);
bool lf_index_has_pack(struct lf_index *index, const uint8_t name[static 32]);

/* The nth copy of a chunk (0 the first); false: no more. */
bool lf_index_find(struct lf_index *index, const struct lf_chunk_id *id, unsigned nth,
		   struct lf_place *ret_place);
/* Present for good: a copy that is condemned to be collected is saved by asking. */
bool lf_index_hold(struct lf_index *index, const struct lf_chunk_id *id, uint32_t *ret_plain);

/* As lf_index_hold() for many: sets bit i (LSB first) when ids[i] is present, clears none. */
void lf_index_hold_many(struct lf_index *index, const struct lf_chunk_id *ids, size_t n,
			uint8_t *bits);

/* The packs that live, a snapshot; free() the array. */
LF_MUST_CHECK int lf_index_packs(struct lf_index *index, struct lf_pack ***ret_packs,
				 size_t *ret_count, struct lf_error *err);
/* Every pack that was ever seen, with the index's lock held. */
void lf_index_each_pack(struct lf_index *index, void (*visit)(struct lf_pack *pack));
/* Runs, a snapshot with references. */
LF_MUST_CHECK int lf_index_runs(struct lf_index *index, struct lf_run ***ret_runs,
				size_t *ret_count, struct lf_error *err);

size_t lf_index_run_count(struct lf_index *index);
/* A record of the index, which is borrowed; the first non-zero ends the walk. */
typedef int lf_record_fn(void *context, const struct lf_place *place, struct lf_error *err);
/*
 * Each record of the pack of this name (32 bytes), or (NULL) of all packs that live.  A damaged run
 * does not keep the others from being walked: its LF_ECORRUPT comes at the end.
 */
LF_MUST_CHECK int lf_index_each_record(struct lf_index *index, const uint8_t *pack,
				       lf_record_fn *visit, void *context, struct lf_error *err);

/*
 * A chunk that has to be there was not found: LF_EIO when that may be because a
 * part of the index or a pack cannot be read, LF_ECORRUPT when a pack is
 * damaged, else code.
 */
LF_MUST_CHECK int lf_index_fail_absent(struct lf_index *index, const struct lf_chunk_id *id,
				       int code, struct lf_error *err);

/* Collection: take the bits over as those to be removed (NULL: none). */
void lf_index_condemn(struct lf_index *index, struct lf_pack *pack, uint8_t *bits);
/* Clear condemned bits that are set in keep. */
void lf_index_spare(struct lf_index *index, struct lf_pack *pack, const uint8_t *keep);
/* A copy of the bits as they stand; NULL: none (or no memory). */
uint8_t *lf_index_condemned(struct lf_index *index, struct lf_pack *pack);
/* Stop finding the pack, if its condemned bits are still as given. */
bool lf_index_kill(struct lf_index *index, struct lf_pack *pack, const uint8_t *bits);

/* Footer of a pack in the store, checked against its name. */
LF_MUST_CHECK int lf_pack_footer_load(struct lf_store *store, const uint8_t name[static 32],
				      struct lf_pack_footer *ret_footer, struct lf_error *err);

#endif
