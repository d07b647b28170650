/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/store.h - where a vault keeps its objects.
 *
 * An object is immutable bytes under a name like "packs/NAME" or
 * "claims/POINT/NAME": folders are made as needed, and nothing is ever changed
 * in place.  Names are made of LF_STORE_LETTERS and "/"; a name never holds
 * ".tmp-", which marks what a crash left behind.
 *
 * Threads: any.
 */
#ifndef LF_STORE_STORE_H
#define LF_STORE_STORE_H

#include "base/buf.h"

/* What a component of a name is made of: what may be put, and so what a list passes on.  A
 * component does not begin with a dot. */
#define LF_STORE_LETTERS                                                                           \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                                     \
	"0123456789-._:"

struct lf_store;

/* Objects are files under dir, which must exist. */
LF_MUST_CHECK int lf_store_open_directory(const char *dir, struct lf_store **ret_store,
					  struct lf_error *err);
void lf_store_free(struct lf_store *store);

/* Make or replace; durable on return, all or nothing. */
LF_MUST_CHECK int lf_store_put(struct lf_store *store, const char *name, const void *data,
			       size_t len, struct lf_error *err);
/* Take the file at path as the object: by rename where possible.  Durable; path is gone after. */
LF_MUST_CHECK int lf_store_adopt(struct lf_store *store, const char *name, const char *path,
				 struct lf_error *err);
/* len bytes at offset.  LF_ENOTFOUND; LF_ECORRUPT when the object ends early. */
LF_MUST_CHECK int lf_store_read(struct lf_store *store, const char *name, void *data, size_t len,
				uint64_t offset, struct lf_error *err);
/* All of it, appended to buf; over max bytes is LF_ETOOLARGE. */
LF_MUST_CHECK int lf_store_get(struct lf_store *store, const char *name, size_t max,
			       struct lf_buf *buf, struct lf_error *err);
LF_MUST_CHECK int lf_store_size(struct lf_store *store, const char *name, uint64_t *ret_size,
				struct lf_error *err);
/* Last components of the names in folder, in no order; an absent folder is empty.  What cannot be a
 * name of ours (a dot in front, other characters) is passed over. */
typedef int lf_store_visit_fn(void *context, const char *name, struct lf_error *err);
LF_MUST_CHECK int lf_store_list(struct lf_store *store, const char *folder,
				lf_store_visit_fn *visit, void *context, struct lf_error *err);
/* Missing is fine.  Removal is not synced: a crash may bring the object back. */
LF_MUST_CHECK int lf_store_delete(struct lf_store *store, const char *name, struct lf_error *err);
/* Remove what an interrupted put left in folder ("." is the top).  Only for the one writer. */
LF_MUST_CHECK int lf_store_sweep(struct lf_store *store, const char *folder, struct lf_error *err);

/* Make what is, and what no more is, in folder last through a power cut. */
LF_MUST_CHECK int lf_store_sync(struct lf_store *store, const char *folder, struct lf_error *err);
/* Bytes that can still be stored, about. */
LF_MUST_CHECK int lf_store_room(struct lf_store *store, uint64_t *ret_bytes, struct lf_error *err);

#endif
