/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a blob's name gets bytes, and loses them.
 *
 * A file that is whole (write.c) takes the name by one rename; then the blobs
 * of that name that are of another kind go.  A kill between the two leaves one
 * of each kind, until the name is put or removed again; uploads, and points that
 * are half gone, the sweep of the next start ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "blob/page.h"
#include "blob/internal.h"
#include "blob/point.h"
#include "os/file.h"

static const char *const kinds[] = {"", LF_BLOB_PAGE_SUFFIX, LF_BLOB_POINT_SUFFIX};

struct sweeping {
	const char *data_dir;
	struct lf_regions *regions;
	const char *account;
};

/* What keeps a claim from going keeps the site from nothing. */
static int sweep_container(void *context, const char *name, struct lf_error *err)
{
	const struct sweeping *sweeping = context;

	if (name[0] != '.' && lf_blob_settle_points(sweeping->data_dir, sweeping->regions,
						    sweeping->account, name, err))
		lf_log_error("a claim of a blob that is gone stays", err);
	return 0;
}

static int sweep_account(void *context, const char *account, struct lf_error *err)
{
	struct sweeping *sweeping = context;
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/accounts/%s", sweeping->data_dir, account);
	LF_AUTO_FREE char *uploads = lf_printf_dup("%s/" LF_BLOB_UPLOADS, dir ? dir : "");

	sweeping->account = account;
	int rc = dir && uploads ? lf_dir_remove(uploads, err) : lf_fail_nomem(err);
	return rc ? rc : lf_dir_list(dir, sweep_container, sweeping, err);
}

int lf_blob_sweep(const char *data_dir, struct lf_regions *regions, struct lf_error *err)
{
	struct sweeping sweeping = {data_dir, regions, NULL};
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/accounts", data_dir);
	int rc = dir ? lf_dir_list(dir, sweep_account, &sweeping, err) : lf_fail_nomem(err);

	return rc == LF_ENOTFOUND ? 0 : rc;
}

static int blob_exists(const char *data_dir, const struct lf_blob_target *target, bool *ret_exists,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	bool exists = false;

	int rc = lf_blob_path(data_dir, target->account, target->container, target->blob, &path,
			      err);
	for (size_t i = 0; !rc && i < LF_N(kinds); i++) {
		LF_AUTO_FREE char *full = lf_printf_dup("%s%s", path, kinds[i]);
		if (!full)
			return lf_fail_nomem(err);
		exists |= access(full, F_OK) == 0;
	}
	if (!rc)
		*ret_exists = exists;
	return rc;
}

int lf_blob_exists(const char *data_dir, const struct lf_blob_target *target, bool *ret_exists,
		   struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;

	if (target->blob[0])
		return blob_exists(data_dir, target, ret_exists, err);
	if (!target->container[0]) {
		*ret_exists = true; /* lf_blob_matches() */
		return 0;
	}
	int rc = lf_blob_container_dir(data_dir, target->account, target->container, &dir, err);
	if (!rc)
		*ret_exists = access(dir, F_OK) == 0;
	return rc;
}

static int fail_blob(struct lf_error *err)
{
	return lf_fail_arm(err, LF_ENOTFOUND, "BlobNotFound", NULL, NULL,
			   "the blob does not exist");
}

/* LF_ENOTFOUND: there was none. */
static int remove_kind(const struct lf_blob_request *request, const char *suffix,
		       struct lf_error *err)
{
	const struct lf_blob_service *service = request->service;
	const struct lf_blob_target *target = &request->target;
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *full = NULL;

	if (strcmp(suffix, LF_BLOB_POINT_SUFFIX) == 0)
		return lf_blob_remove_point(service->data_dir, service->opts.regions,
					    target->account, target->container, target->blob, err);
	int rc = lf_blob_path(service->data_dir, target->account, target->container, target->blob,
			      &path, err);
	if (!rc && !(full = lf_printf_dup("%s%s", path, suffix)))
		rc = lf_fail_nomem(err);
	if (!rc && unlink(full))
		rc = lf_fail_sys(err, errno, path, "cannot remove the blob");
	return rc ? rc : lf_file_sync_parent(full, err);
}

static int remove_kinds(const struct lf_blob_request *request, const char *keep, bool *ret_found,
			struct lf_error *err)
{
	for (size_t i = 0; i < LF_N(kinds); i++) {
		if (keep && strcmp(kinds[i], keep) == 0)
			continue;
		int rc = remove_kind(request, kinds[i], err);
		if (rc && rc != LF_ENOTFOUND)
			return rc;
		*ret_found |= !rc;
	}
	return 0;
}

/* One writer of a name at a time. */
static pthread_mutex_t *lock_of(const struct lf_blob_request *request)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (const char *p = request->target.container; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	for (const char *p = request->target.blob; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	return &request->service->locks[hash % LF_BLOB_LOCKS];
}

static int check_place(const struct lf_blob_request *request, const struct lf_http_exchange *x,
		       struct lf_error *err)
{
	const char *none = lf_http_header(x, "If-None-Match");
	bool exists = false;

	int rc = blob_exists(request->service->data_dir, &request->target, &exists, err);
	if (rc || !exists)
		return rc;
	if (none && strcmp(none, "*") == 0)
		return lf_fail_arm(err, LF_ECONFLICT, "BlobAlreadyExists", NULL, NULL,
				   "the blob exists already");
	if (request->create_only)
		return lf_fail_arm(err, LF_EDENIED, "AuthorizationPermissionMismatch", NULL, NULL,
				   "the right is to make a blob, not to replace one");
	return 0;
}

int lf_blob_place(const struct lf_blob_request *request, const struct lf_http_exchange *x,
		  const char *temporary, const char *path, const char *suffix, struct lf_error *err)
{
	bool found = false;

	LF_GUARD(lock_of(request));
	int rc = check_place(request, x, err);
	if (!rc)
		rc = lf_file_rename_durable(temporary, path, err);
	if (rc == LF_ENOTFOUND)
		rc = lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
				 "the container does not exist");
	/* a blob of another kind that was there is replaced */
	if (!rc)
		rc = remove_kinds(request, suffix, &found, err);
	return rc;
}

int lf_blob_remove(const struct lf_blob_request *request, struct lf_error *err)
{
	bool found = false;

	LF_GUARD(lock_of(request));
	int rc = remove_kinds(request, NULL, &found, err);
	return rc || found ? rc : fail_blob(err);
}
