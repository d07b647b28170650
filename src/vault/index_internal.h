/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/index_internal.h - the index's struct, shared by index.c and indexload.c.
 */
#ifndef LF_VAULT_INDEX_INTERNAL_H
#define LF_VAULT_INDEX_INTERNAL_H

#include <pthread.h>

#include "vault/index.h"

#define LF_INDEX_BAD_MAX 64u

struct lf_index {
	struct lf_store *store;
	char *dir; /* of the runs */
	bool read_only;
	pthread_mutex_t changing; /* refresh and merge, which read files; taken before lock */
	pthread_rwlock_t lock;	  /* what follows; never held across reading or writing files */
	struct lf_run **runs;
	size_t run_count;
	struct lf_pack **table; /* by name */
	size_t table_size;	/* power of two */
	size_t pack_count;
	uint64_t last_number;		/* of the newest run file */
	uint64_t bad[LF_INDEX_BAD_MAX]; /* damaged run files that a reader cannot remove */
	size_t bad_count;
};

/* Under the lock. */
struct lf_pack *lf_index_pack(struct lf_index *index, const uint8_t *name);
struct lf_pack *lf_index_pack_or_new(struct lf_index *index, const uint8_t *name);
LF_MUST_CHECK int lf_index_push_run(struct lf_index *index, struct lf_run *run,
				    struct lf_error *err);

#endif
