/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names are checked, then the driver does it; what a kill leaves is the driver's
 * (directory/directory.c).
 */
#include "store/store.h"

#include <string.h>

#include "store/driver.h"

#define NAME_MAX_BYTES 400

/* Our own names only ever fail this by a programming mistake, ids from outside may.  "." is the
 * folder of all others. */
static int check_name(const char *name, struct lf_error *err)
{
	if (strcmp(name, ".") == 0)
		return 0;
	if (!name[0] || name[0] == '/' || name[0] == '.' || strlen(name) > NAME_MAX_BYTES ||
	    name[strspn(name, LF_STORE_LETTERS "/")] || strstr(name, "..") || strstr(name, "//") ||
	    strstr(name, "/.") || strstr(name, ".tmp-"))
		return lf_fail(err, LF_EINVAL, name, "not the name of an object: %.100s", name);
	return 0;
}

void lf_store_free(struct lf_store *store)
{
	if (store)
		store->driver->free(store);
}

int lf_store_put(struct lf_store *store, const char *name, const void *data, size_t len,
		 struct lf_error *err)
{
	int rc = check_name(name, err);

	return rc ? rc : store->driver->put(store, name, data, len, err);
}

int lf_store_adopt(struct lf_store *store, const char *name, const char *path, struct lf_error *err)
{
	int rc = check_name(name, err);

	return rc ? rc : store->driver->adopt(store, name, path, err);
}

int lf_store_read(struct lf_store *store, const char *name, void *data, size_t len, uint64_t offset,
		  struct lf_error *err)
{
	int rc = check_name(name, err);

	return rc ? rc : store->driver->read(store, name, data, len, offset, err);
}

int lf_store_get(struct lf_store *store, const char *name, size_t max, struct lf_buf *buf,
		 struct lf_error *err)
{
	int rc = check_name(name, err);

	return rc ? rc : store->driver->get(store, name, max, buf, err);
}

int lf_store_size(struct lf_store *store, const char *name, uint64_t *ret_size,
		  struct lf_error *err)
{
	int rc = check_name(name, err);

	return rc ? rc : store->driver->size(store, name, ret_size, err);
}

int lf_store_list(struct lf_store *store, const char *folder, lf_store_visit_fn *visit,
		  void *context, struct lf_error *err)
{
	int rc = check_name(folder, err);

	return rc ? rc : store->driver->list(store, folder, visit, context, err);
}

int lf_store_delete(struct lf_store *store, const char *name, struct lf_error *err)
{
	int rc = check_name(name, err);

	return rc ? rc : store->driver->delete (store, name, err);
}

int lf_store_sweep(struct lf_store *store, const char *folder, struct lf_error *err)
{
	int rc = check_name(folder, err);

	return rc ? rc : store->driver->sweep(store, folder, err);
}

int lf_store_sync(struct lf_store *store, const char *folder, struct lf_error *err)
{
	int rc = check_name(folder, err);

	return rc ? rc : store->driver->sync(store, folder, err);
}

int lf_store_room(struct lf_store *store, uint64_t *ret_bytes, struct lf_error *err)
{
	return store->driver->room(store, ret_bytes, err);
}
