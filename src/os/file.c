/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is written under another name, synced, renamed and its directory
 * synced: a kill leaves the old file or the new one, and perhaps one called
 * ".tmp-", which whoever owns the directory sweeps.  Reading and writing goes
 * on after short transfers and signals; fault points stand where a disk can
 * fail.
 */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"

void lf_fd_done(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* pread() and pwrite() as a bad disk has them: failing, short, past the end. */
static ssize_t read_some(int fd, void *data, size_t len, uint64_t offset)
{
	if ((errno = LF_FAULT("file-read")))
		return -1;
	if (LF_FAULT("file-eof"))
		return 0;
	if (LF_FAULT("file-short"))
		len = (len + 1) / 2;
	return pread(fd, data, len, (off_t)offset);
}

static ssize_t write_some(int fd, const void *data, size_t len, uint64_t offset)
{
	if ((errno = LF_FAULT("file-write")))
		return -1;
	if (LF_FAULT("file-short"))
		len = (len + 1) / 2;
	return pwrite(fd, data, len, (off_t)offset);
}

int lf_file_pread_all(int fd, void *data, size_t len, uint64_t offset, const char *name,
		      struct lf_error *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read_some(fd, (char *)data + done, len - done, offset + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lf_fail_sys(err, errno, name, "cannot read %s", name);
		if (n == 0)
			return lf_fail(err, LF_ECORRUPT, name, "%s ends early", name);
		done += (size_t)n;
	}
	return 0;
}

int lf_file_pwrite_all(int fd, const void *data, size_t len, uint64_t offset, const char *name,
		       struct lf_error *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write_some(fd, (const char *)data + done, len - done, offset + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lf_fail_sys(err, errno, name, "cannot write %s", name);
		done += (size_t)n;
	}
	return 0;
}

int lf_file_read(const char *path, size_t max, struct lf_buf *buf, struct lf_error *err)
{
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t total = 0;

	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	for (;;) {
		char *room = lf_buf_reserve(buf, 65536);
		if (!room)
			return lf_fail_nomem(err);
		ssize_t n = (errno = LF_FAULT("file-read")) ? -1 : read(fd, room, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lf_fail_sys(err, errno, path, "cannot read %s", path);
		buf->len += (size_t)n;
		buf->data[buf->len] = '\0';
		total += (size_t)n;
		if (total > max)
			return lf_fail(err, LF_ETOOLARGE, path, "%s is over %zu bytes", path, max);
		if (n == 0)
			return 0;
	}
}

int lf_file_reserve(int fd, uint64_t offset, uint64_t len, const char *name, struct lf_error *err)
{
	int sys;

	do
		sys = (errno = LF_FAULT("file-reserve")) ||
				      fallocate(fd, 0, (off_t)offset, (off_t)len)
			      ? errno
			      : 0;
	while (sys == EINTR);
	if (!sys || sys == EOPNOTSUPP || sys == ENOSYS)
		return 0;
	return lf_fail_sys(err, sys, name, "no room for %llu bytes of %s", (unsigned long long)len,
			   name);
}

int lf_file_sync(int fd, const char *name, struct lf_error *err)
{
	int fault = LF_FAULT("file-sync");

	if (fault || fsync(fd))
		return lf_fail_sys(err, fault ? fault : errno, name, "cannot sync %s", name);
	return 0;
}

int lf_file_sync_system(int fd, const char *name, struct lf_error *err)
{
	int fault = LF_FAULT("file-sync");

	if (fault || syncfs(fd))
		return lf_fail_sys(err, fault ? fault : errno, name, "cannot sync %s", name);
	return 0;
}

int lf_file_sync_parent(const char *path, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = strdup(path);

	if (!dir)
		return lf_fail_nomem(err);
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	const char *name = slash ? dir : ".";
	LF_AUTO_FD fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return lf_fail_sys(err, errno, name, "cannot open directory %s", name);
	return lf_file_sync(fd, name, err);
}

int lf_file_rename_durable(const char *from, const char *to, struct lf_error *err)
{
	int fault = LF_FAULT("file-rename");

	if (fault || rename(from, to))
		return lf_fail_sys(err, fault ? fault : errno, to, "cannot rename %s to %s", from,
				   to);
	return lf_file_sync_parent(to, err);
}

int lf_file_rename_new(const char *from, const char *to, struct lf_error *err)
{
	int fault = LF_FAULT("file-rename");

	if (!fault && renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return lf_file_sync_parent(to, err);
	if (fault || errno != EINVAL)
		return lf_fail_sys(err, fault ? fault : errno, to, "cannot rename %s to %s", from,
				   to);
	/* a file system that cannot promise it */
	if (access(to, F_OK) == 0)
		return lf_fail_sys(err, EEXIST, to, "there is a file %s", to);
	return lf_file_rename_durable(from, to, err);
}

int lf_file_write_durable(const char *path, const void *data, size_t len, mode_t mode,
			  struct lf_error *err)
{
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	LF_AUTO_FREE char *temporary = lf_printf_dup("%s.tmp-%s", path, guid);
	if (!temporary)
		return lf_fail_nomem(err);
	LF_AUTO_FD fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot make %s", temporary);
	int rc = lf_file_pwrite_all(fd, data, len, 0, path, err);
	if (!rc)
		rc = lf_file_sync(fd, path, err);
	if (!rc)
		rc = lf_file_rename_durable(temporary, path, err);
	if (rc)
		unlink(temporary);
	return rc;
}

int lf_dir_make(const char *path, mode_t mode, struct lf_error *err)
{
	LF_AUTO_FREE char *copy = strdup(path);

	if (!copy)
		return lf_fail_nomem(err);
	for (char *p = copy + 1;; p++) {
		if (*p && *p != '/')
			continue;
		char kept = *p;
		*p = '\0';
		bool made = mkdir(copy, mode) == 0;
		if (!made && errno != EEXIST)
			return lf_fail_sys(err, errno, path, "cannot make directory %s", copy);
		int rc = made ? lf_file_sync_parent(copy, err) : 0;
		if (rc)
			return rc;
		*p = kept;
		if (!kept)
			return 0;
	}
}

static int sync_inside(void *context, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", (const char *)context, name);

	return path ? lf_dir_sync(path, err) : lf_fail_nomem(err);
}

int lf_dir_sync(const char *path, struct lf_error *err)
{
	LF_AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	int rc = S_ISDIR(st.st_mode) ? lf_dir_list(path, sync_inside, (void *)(uintptr_t)path, err)
				     : 0;
	return rc ? rc : lf_file_sync(fd, path, err);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path) && errno != ENOENT ? errno : 0;
}

int lf_dir_remove(const char *path, struct lf_error *err)
{
	int rc = nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

	if (rc < 0 && errno == ENOENT)
		return 0;
	if (rc)
		return lf_fail_sys(err, rc < 0 ? errno : rc, path, "cannot remove %s", path);
	return 0;
}

int lf_file_remove(const char *path, struct lf_error *err)
{
	if (unlink(path) && errno != ENOENT)
		return lf_fail_sys(err, errno, path, "cannot remove %s", path);
	return 0;
}

static int list_open(DIR *dir, const char *path, lf_dir_visit_fn *visit, void *context,
		     struct lf_error *err)
{
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return lf_fail_sys(err, errno, path, "cannot list %s", path);
	while (!rc && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = visit(context, entry->d_name, err);
	if (!rc && errno)
		rc = lf_fail_sys(err, errno, path, "cannot list %s", path);
	closedir(dir);
	return rc;
}

int lf_dir_list(const char *path, lf_dir_visit_fn *visit, void *context, struct lf_error *err)
{
	return list_open(opendir(path), path, visit, context, err);
}

int lf_dir_list_if(const char *path, lf_dir_visit_fn *visit, void *context, struct lf_error *err)
{
	DIR *dir = opendir(path);

	return !dir && errno == ENOENT ? 0 : list_open(dir, path, visit, context, err);
}
