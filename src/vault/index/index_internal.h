/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/index/index_internal.h - the index's struct, and what its files share.  Each needs
 * those before it only: index.c (the tables), indexmerge.c, indexload.c (the store), indexopen.c.
 */
#ifndef LF_VAULT_INDEX_INDEX_INTERNAL_H
#define LF_VAULT_INDEX_INDEX_INTERNAL_H

#include <stdatomic.h>

#include <pthread.h>

#include "base/lock.h"
#include "vault/index/index.h"

#define LF_INDEX_BAD_MAX    64u
#define LF_INDEX_RUN_SUFFIX ".run"

LF_LOCK_KIND(lf_index_changing);
struct lf_index {
	struct lf_store *store;
	char *dir; /* of the runs */
	bool read_only;
	pthread_mutex_t changing; /* refresh and small merges, which read files; before lock */
	pthread_t merger LF_GUARDED_BY(lf_index_changing);
	bool merger_begun LF_GUARDED_BY(lf_index_changing);
	bool merger_runs LF_GUARDED_BY(lf_index_changing);
	/* number of the file it writes */
	uint64_t making LF_GUARDED_BY(lf_index_changing);
	/* whose files it removes; the merger's */
	struct lf_run **leaving LF_GUARDED_BY(lf_index_changing);
	size_t leaving_count LF_GUARDED_BY(lf_index_changing);
	/* a merge found an input damaged: what is merged next waits for lf_index_heal() */
	bool ailing LF_GUARDED_BY(lf_index_changing);
	uint64_t last_number LF_GUARDED_BY(lf_index_changing); /* of the newest run file */
	/* damaged run files that a reader cannot remove */
	uint64_t bad[LF_INDEX_BAD_MAX] LF_GUARDED_BY(lf_index_changing);
	size_t bad_count LF_GUARDED_BY(lf_index_changing);
	pthread_rwlock_t lock; /* a look-up reads a few records under it */
	struct lf_run **runs LF_GUARDED_BY(lf_index_lock);
	size_t run_count LF_GUARDED_BY(lf_index_lock);
	struct lf_pack **table LF_GUARDED_BY(lf_index_lock); /* by name */
	size_t table_size LF_GUARDED_BY(lf_index_lock);	     /* power of two */
	size_t pack_count LF_GUARDED_BY(lf_index_lock);
	/* How many damaged run files were dropped; facts cached about packs may be stale after
	 * each. */
	atomic_uint heals;
};

struct lf_pack *lf_index_pack(struct lf_index *index, const uint8_t *name)
	LF_REQUIRES(lf_index_lock);
struct lf_pack *lf_index_pack_or_new(struct lf_index *index, const uint8_t *name)
	LF_REQUIRES(lf_index_lock);
LF_MUST_CHECK int lf_index_push_run(struct lf_index *index, struct lf_run *run,
				    struct lf_error *err) LF_REQUIRES(lf_index_lock);
/* Forget run, so that its packs are read again. */
void lf_index_uncover(struct lf_index *index, struct lf_run *run) LF_REQUIRES(lf_index_lock);
void lf_index_remove_runs(struct lf_index *index, struct lf_run *const *old, size_t n)
	LF_REQUIRES(lf_index_lock);

char *lf_index_run_path(const struct lf_index *index, uint64_t number);
/* What is due; nothing while the index is ailing. */
LF_MUST_CHECK int lf_index_tidy_locked(struct lf_index *index, bool all, struct lf_error *err)
	LF_REQUIRES(lf_index_changing);

#endif
