/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/index/index_internal.h - the index's struct, shared by index.c, indexload.c and
 * indexmerge.c.
 */
#ifndef LF_VAULT_INDEX_INDEX_INTERNAL_H
#define LF_VAULT_INDEX_INDEX_INTERNAL_H

#include <stdatomic.h>

#include <pthread.h>

#include "vault/index/index.h"

#define LF_INDEX_BAD_MAX 64u

struct lf_index {
	struct lf_store *store;
	char *dir; /* of the runs */
	bool read_only;
	pthread_mutex_t changing; /* refresh and small merges, which read files; before lock */
	pthread_t merger;	  /* under changing, with the five that follow */
	bool merger_begun, merger_runs;
	uint64_t making;	 /* number of the file it writes */
	struct lf_run **leaving; /* whose files it removes; the merger's */
	size_t leaving_count;
	pthread_rwlock_t lock; /* what follows; a look-up reads a few records under it */
	struct lf_run **runs;
	size_t run_count;
	struct lf_pack **table; /* by name */
	size_t table_size;	/* power of two */
	size_t pack_count;
	uint64_t last_number;		/* of the newest run file */
	uint64_t bad[LF_INDEX_BAD_MAX]; /* damaged run files that a reader cannot remove */
	size_t bad_count;
	atomic_uint heals; /* times that what a file said of its packs was taken back */
};

/* Under the lock. */
struct lf_pack *lf_index_pack(struct lf_index *index, const uint8_t *name);
struct lf_pack *lf_index_pack_or_new(struct lf_index *index, const uint8_t *name);
LF_MUST_CHECK int lf_index_push_run(struct lf_index *index, struct lf_run *run,
				    struct lf_error *err);
/* Forget run, so that its packs are read again. */
void lf_index_uncover(struct lf_index *index, struct lf_run *run);

/* Under changing. */
char *lf_index_run_path(const struct lf_index *index, uint64_t number);
LF_MUST_CHECK int lf_index_tidy_locked(struct lf_index *index, bool all, struct lf_error *err);
LF_MUST_CHECK int lf_index_heal_locked(struct lf_index *index, size_t *ret_dropped,
				       struct lf_error *err);

#endif
