/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/driver.h - what a kind of store provides.  Contracts as in
 * store/store.h; a driver may be called from any thread.  New slots only at
 * the end.
 */
#ifndef LF_STORE_DRIVER_H
#define LF_STORE_DRIVER_H

#include "base/buf.h"

struct lf_store;

struct lf_store_driver {
	void (*free)(struct lf_store *store);
	int (*put)(struct lf_store *store, const char *name, const void *data, size_t len,
		   struct lf_error *err);
	int (*adopt)(struct lf_store *store, const char *name, const char *path,
		     struct lf_error *err);
	int (*read)(struct lf_store *store, const char *name, void *data, size_t len,
		    uint64_t offset, struct lf_error *err);
	int (*get)(struct lf_store *store, const char *name, size_t max, struct lf_buf *buf,
		   struct lf_error *err);
	int (*size)(struct lf_store *store, const char *name, uint64_t *ret_size,
		    struct lf_error *err);
	int (*list)(struct lf_store *store, const char *folder,
		    int (*visit)(void *context, const char *name, struct lf_error *err),
		    void *context, struct lf_error *err);
	int (*delete)(struct lf_store *store, const char *name, struct lf_error *err);
	int (*sweep)(struct lf_store *store, const char *folder, struct lf_error *err);
	int (*sync)(struct lf_store *store, const char *folder, struct lf_error *err);
	int (*room)(struct lf_store *store, uint64_t *ret_bytes, struct lf_error *err);
};

/* The first member of every driver's own struct. */
struct lf_store {
	const struct lf_store_driver *driver;
};

#endif
