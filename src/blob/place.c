/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How blobs lose their names, and which files of one name go when another takes it.
 *
 * A blob that is removed goes in the order of what could be seen again: files that a directory of
 * the name hides, then the directory, by one rename.  A kill in between leaves the blob as it was,
 * or a file of an earlier version, until the name is put or removed again; uploads, blocks that
 * nobody will commit, and points that are half gone, the sweep of the next start ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "blob/blocks.h"
#include "blob/internal.h"
#include "blob/point.h"
#include "os/file.h"

struct sweeping {
	const char *data_dir;
	struct lf_regions *regions;
	const char *account, *container;
	int64_t now_ns;
};

static int sweep_entry(void *context, const char *name, struct lf_error *err)
{
	const struct sweeping *sweeping = context;
	size_t len = strlen(name), suffix = strlen(LF_BLOB_STAGE_SUFFIX);

	if (name[0] != '.' || len <= suffix ||
	    strcmp(name + len - suffix, LF_BLOB_STAGE_SUFFIX) != 0)
		return 0;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/accounts/%s/%s/%s", sweeping->data_dir,
						sweeping->account, sweeping->container, name);
	return path ? lf_blob_blocks_sweep(path, sweeping->now_ns, err) : lf_fail_nomem(err);
}

/* What keeps a claim or a block from going keeps the site from nothing. */
static int sweep_container(void *context, const char *name, struct lf_error *err)
{
	struct sweeping *sweeping = context;
	LF_AUTO_FREE char *dir =
		lf_printf_dup("%s/accounts/%s/%s", sweeping->data_dir, sweeping->account, name);

	if (name[0] == '.')
		return 0;
	sweeping->container = name;
	if (lf_blob_settle_points(sweeping->data_dir, sweeping->regions, sweeping->account, name,
				  err))
		lf_log_error("a claim of a blob that is gone stays", err);
	if (!dir || lf_dir_list(dir, sweep_entry, sweeping, err))
		lf_log_error("blocks that nobody will commit stay", err);
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

int lf_blob_sweep(const char *data_dir, struct lf_regions *regions, int64_t now_ns,
		  struct lf_error *err)
{
	struct sweeping sweeping = {data_dir, regions, NULL, NULL, now_ns};
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/accounts", data_dir);

	return dir ? lf_dir_list_if(dir, sweep_account, &sweeping, err) : lf_fail_nomem(err);
}

static int blob_exists(const char *data_dir, const struct lf_blob_target *target, bool *ret_exists,
		       struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	int rc = lf_blob_names(data_dir, target, &names, err);

	if (!rc)
		*ret_exists = access(names.dir, F_OK) == 0 || access(names.raw, F_OK) == 0 ||
			      access(names.pages, F_OK) == 0 || access(names.point, F_OK) == 0;
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

/* One writer of a name at a time. */
pthread_mutex_t *lf_blob_lock_of(struct lf_blob_service *service,
				 const struct lf_blob_target *target)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (const char *p = target->container; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	for (const char *p = target->blob; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	return &service->locks[hash % LF_BLOB_LOCKS];
}

int lf_blob_place_raw(const struct lf_blob_service *service, const struct lf_blob_target *target,
		      const char *temporary, struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	int rc = lf_blob_names(service->data_dir, target, &names, err);

	if (!rc)
		rc = lf_file_rename_durable(temporary, names.raw, err);
	return rc == LF_ENOTFOUND ? lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
						"the specified container does not exist")
				  : rc;
}

static int remove_files(const struct lf_blob_names *names, struct lf_error *err)
{
	const char *const files[] = {names->raw, names->pages};
	bool gone = false;

	for (size_t i = 0; i < LF_N(files); i++) {
		bool there = unlink(files[i]) == 0;
		if (!there && errno != ENOENT)
			return lf_fail_sys(err, errno, files[i], "cannot remove the blob");
		gone |= there;
	}
	return gone ? lf_file_sync_parent(names->raw, err) : 0;
}

int lf_blob_remove_others(const struct lf_blob_service *service,
			  const struct lf_blob_target *target, struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	int rc = lf_blob_names(service->data_dir, target, &names, err);

	if (!rc)
		rc = lf_blob_remove_point(service->data_dir, service->opts.regions, target->account,
					  target->container, target->blob, err);
	return rc && rc != LF_ENOTFOUND ? rc : remove_files(&names, err);
}

static int remove_dir(const struct lf_blob_service *service, const struct lf_blob_target *target,
		      const char *dir, struct lf_error *err)
{
	LF_AUTO_FREE char *away = NULL;
	struct lf_error ignored;
	int rc = access(dir, F_OK)
			 ? LF_ENOTFOUND
			 : lf_blob_temporary(service->data_dir, target->account, &away, err);

	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	if (rename(dir, away))
		return lf_fail_sys(err, errno, dir, "cannot remove the blob");
	rc = lf_file_sync_parent(dir, err);
	if (!rc && lf_dir_remove(away, &ignored))
		lf_log_error("bytes of a removed blob stay until the next start", &ignored);
	return rc;
}

int lf_blob_remove_but_point(const struct lf_blob_service *service,
			     const struct lf_blob_target *target, struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	int rc = lf_blob_names(service->data_dir, target, &names, err);

	if (!rc)
		rc = remove_files(&names, err);
	return rc ? rc : remove_dir(service, target, names.dir, err);
}

int lf_blob_remove(const struct lf_blob_service *service, const struct lf_blob_target *target,
		   struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	int rc = lf_blob_names(service->data_dir, target, &names, err);

	if (!rc)
		rc = lf_blob_remove_others(service, target, err);
	return rc ? rc : remove_dir(service, target, names.dir, err);
}
