/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of accounts and of containers: made, emptied and removed.
 *
 * One that is made is there for good before who asked is told.  Points of what
 * is removed are released before its files go, so that a kill leaves a
 * container with fewer blobs and no claim without a file; removing it again
 * does what is left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "blob/internal.h"
#include "blob/point.h"
#include "os/file.h"

int lf_blob_account_make(const char *data_dir, const char *account, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_account_dir(data_dir, account, &dir, err);

	if (!rc)
		rc = lf_dir_make(dir, 0700, err);
	return rc ? rc : lf_file_sync_parent(dir, err);
}

struct removing {
	const char *data_dir;
	struct lf_regions *regions;
	const char *account;
};

static int release_container(void *context, const char *name, struct lf_error *err)
{
	const struct removing *removing = context;

	if (name[0] == '.') /* no container: ours */
		return 0;
	return lf_blob_release_points(removing->data_dir, removing->regions, removing->account,
				      name, err);
}

int lf_blob_account_remove(const char *data_dir, struct lf_regions *regions, const char *account,
			   struct lf_error *err)
{
	struct removing removing = {data_dir, regions, account};
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_account_dir(data_dir, account, &dir, err);

	if (rc)
		return rc;
	rc = lf_dir_list(dir, release_container, &removing, err);
	return rc && rc != LF_ENOTFOUND ? rc : lf_dir_remove(dir, err);
}

int lf_blob_container_make(const char *data_dir, const char *account, const char *container,
			   struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_container_dir(data_dir, account, container, &dir, err);

	if (!rc)
		rc = lf_dir_make(dir, 0700, err);
	return rc ? rc : lf_file_sync_parent(dir, err);
}

static int count_entry(void *context, const char *name, struct lf_error *err)
{
	size_t *n = context;

	(void)name, (void)err;
	++*n;
	return 0;
}

int lf_blob_container_count(const char *data_dir, const char *account, const char *container,
			    size_t *ret_n, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	size_t n = 0;
	int rc = lf_blob_container_dir(data_dir, account, container, &dir, err);

	if (!rc)
		rc = lf_dir_list(dir, count_entry, &n, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	*ret_n = n;
	return 0;
}

/* A blob; what the container says of itself stays. */
static int remove_entry(void *context, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", (const char *)context, name);

	if (strcmp(name, LF_BLOB_CONTAINER_RECORD) == 0)
		return 0;
	return path ? lf_dir_remove(path, err) : lf_fail_nomem(err);
}

int lf_blob_container_clear(const char *data_dir, const char *account, const char *container,
			    struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_container_make(data_dir, account, container, err);

	if (!rc)
		rc = lf_blob_container_dir(data_dir, account, container, &dir, err);
	return rc ? rc : lf_dir_list(dir, remove_entry, dir, err);
}

int lf_blob_container_remove(const char *data_dir, struct lf_regions *regions, const char *account,
			     const char *container, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_container_dir(data_dir, account, container, &dir, err);

	if (!rc)
		rc = lf_blob_release_points(data_dir, regions, account, container, err);
	return rc ? rc : lf_dir_remove(dir, err);
}

static char *record_path(const char *data_dir, const char *account, const char *container)
{
	return lf_printf_dup("%s/accounts/%s/%s/" LF_BLOB_CONTAINER_RECORD, data_dir, account,
			     container);
}

/* Of a container that says nothing of itself: when it was made is not known, so its directory's
 * last change stands for it. */
static int make_record(const char *dir, json_t **ret_record, struct lf_error *err)
{
	LF_AUTO_DOC record = LF_DOC_INIT;
	struct stat st;

	if (stat(dir, &st))
		return lf_fail_sys(err, errno, dir, "cannot look at the container");
	if (!S_ISDIR(st.st_mode))
		return lf_fail(err, LF_ENOTFOUND, dir, "no container");
	lf_doc_int(&record, "modified", st.st_mtim.tv_sec * LF_NS_PER_S + st.st_mtim.tv_nsec);
	return lf_doc_end(&record, ret_record, err);
}

int lf_blob_container_record(const char *data_dir, const char *account, const char *container,
			     json_t **ret_record, struct lf_error *err)
{
	LF_AUTO_FREE char *path = record_path(data_dir, account, container);
	LF_AUTO_FREE char *dir = NULL;
	int rc = path ? lf_blob_container_dir(data_dir, account, container, &dir, err)
		      : lf_fail_nomem(err);

	if (!rc)
		rc = lf_json_read_file(path, ret_record, err);
	if (rc == LF_ENOTFOUND)
		rc = make_record(dir, ret_record, err);
	return rc == LF_ENOTFOUND ? lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
						"the specified container does not exist")
				  : rc;
}

int lf_blob_container_save(const char *data_dir, const char *account, const char *container,
			   const json_t *record, struct lf_error *err)
{
	LF_AUTO_FREE char *path = record_path(data_dir, account, container);
	LF_AUTO_FREE char *text = NULL;
	int rc = path ? lf_json_dump(record, &text, err) : lf_fail_nomem(err);

	return rc ? rc : lf_blob_write(data_dir, account, path, text, strlen(text), err);
}
