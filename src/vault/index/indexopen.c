/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the index: what a killed merge left half-written is removed, the store is looked at, and
 * what is due is merged.  Closing waits for the merge under way; a kill in the middle of one leaves
 * its inputs as they were.
 */
#include <stdlib.h>

#include "base/lock.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/index/index_internal.h"

void lf_index_free(struct lf_index *index)
{
	if (!index)
		return;
	lf_index_wait(index);
	LF_ALONE(lf_index_lock);
	for (size_t i = 0; i < index->run_count; i++)
		lf_run_unref(index->runs[i]);
	for (size_t i = 0; i < index->table_size; i++) {
		for (struct lf_pack *pack = index->table[i], *next; pack; pack = next) {
			next = pack->next;
			free(pack->marked);
			free(pack->condemned);
			free(pack);
		}
	}
	free(index->runs);
	free(index->table);
	free(index->dir);
	pthread_rwlock_destroy(&index->lock);
	pthread_mutex_destroy(&index->changing);
	free(index);
}

int lf_index_open(struct lf_store *store, const char *dir, bool read_only,
		  struct lf_index **ret_index, struct lf_error *err)
{
	struct lf_index *index = calloc(1, sizeof(*index));

	if (!index)
		return lf_fail_nomem(err);
	pthread_rwlock_init(&index->lock, NULL);
	pthread_mutex_init(&index->changing, NULL);
	index->store = store;
	index->read_only = read_only;
	index->dir = lf_printf_dup("%s/index", dir);
	int rc = index->dir ? 0 : lf_fail_nomem(err);
	if (!rc && !read_only)
		rc = lf_dir_make(index->dir, 0700, err);
	if (!rc && !read_only)
		rc = lf_store_sweep(store, "index", err);
	if (!rc)
		rc = lf_index_refresh(index, err);
	if (!rc && !read_only) {
		rc = lf_index_tidy(index, false, err);
		/* without room runs stay in memory: what makes room again needs the index */
		rc = rc == LF_ENOSPACE ? 0 : rc;
	}
	if (rc) {
		lf_index_free(index);
		return rc;
	}
	*ret_index = index;
	return 0;
}
