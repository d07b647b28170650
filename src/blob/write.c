/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files on their way, in DIR/accounts/ACCOUNT/.uploads/: no container and no
 * blob has a name with a dot in front (lf_blob_path), so nothing a client names
 * is there, and what a kill leaves there is nobody's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob/internal.h"
#include "os/file.h"

int lf_blob_temporary(const char *data_dir, const char *account, char **ret_path,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *dir =
		lf_printf_dup("%s/accounts/%s/" LF_BLOB_UPLOADS, data_dir, account);
	char guid[LF_GUID_SIZE];

	if (!dir)
		return lf_fail_nomem(err);
	/* the account's own directory is never made here: it may have gone */
	if (mkdir(dir, 0700) && errno != EEXIST)
		return lf_fail_sys(err, errno, dir, "cannot make a directory for uploads");
	lf_guid_random(guid);
	*ret_path = lf_printf_dup("%s/%s", dir, guid);
	return *ret_path ? 0 : lf_fail_nomem(err);
}

int lf_blob_write(const char *data_dir, const char *account, const char *path, const void *data,
		  size_t len, struct lf_error *err)
{
	LF_AUTO_FREE char *temporary = NULL;
	int rc = lf_blob_temporary(data_dir, account, &temporary, err);

	if (rc)
		return rc;
	rc = lf_file_write_durable(temporary, data, len, 0600, err);
	if (!rc)
		rc = lf_file_rename_durable(temporary, path, err);
	if (rc)
		unlink(temporary);
	return rc;
}

int lf_blob_put_bytes(const char *data_dir, const char *account, const char *container,
		      const char *blob, const void *data, size_t len, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_path(data_dir, account, container, blob, &path, err);

	if (rc)
		return rc;
	const char *file = strrchr(path, '/') + 1;
	dir = lf_printf_dup("%.*s.%s" LF_BLOB_DIR_SUFFIX, (int)(file - path), path, file);
	rc = dir ? lf_blob_write(data_dir, account, path, data, len, err) : lf_fail_nomem(err);
	return rc ? rc : lf_dir_remove(dir, err); /* a client's blob of that name */
}
