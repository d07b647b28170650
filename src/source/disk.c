/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and block devices as disks, and what every disk has of its kind's
 * functions: reading past the end gives zeroes, and where nothing is known
 * everything is data.
 */
#include "source/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "os/file.h"
#include "os/reads.h"
#include "source/bad.h"

#define SECTOR_BYTES 512u

/* A file or a block device. */
struct file {
	struct lf_disk disk; /* first */
	bool device;
	char *path;
};

static int read_file(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err)
{
	const struct file *file = context;
	size_t done = 0;

	while (done < len) {
		int fault = LF_FAULT("disk-read");
		ssize_t n = fault ? -1
				  : pread(file->disk.fd, (char *)data + done, len - done,
					  (off_t)(offset + done));
		if (n < 0 && !fault && errno == EINTR)
			continue;
		if (n < 0)
			return lf_fail_sys(err, fault ? fault : errno, file->path,
					   "cannot read %s at %llu", file->path,
					   (unsigned long long)(offset + done));
		done += (size_t)n;
		/* its end; a direct read that ends off the grid has met that of the device */
		if (n == 0 || (file->device && done % LF_DISK_ALIGN && done < len)) {
			memset((char *)data + done, 0, len - done);
			return 0;
		}
	}
	return 0;
}

static int next_data_of_file(void *context, uint64_t offset, uint64_t *ret_from, uint64_t *ret_to,
			     struct lf_error *err)
{
	const struct file *file = context;
	uint64_t size = file->disk.size_bytes;

	(void)err;
	*ret_from = offset;
	*ret_to = size;
	off_t data = file->device ? -1 : lseek(file->disk.fd, (off_t)offset, SEEK_DATA);
	if (data < 0) { /* ENXIO: only a hole; else there is no such thing on this file */
		*ret_from = !file->device && errno == ENXIO ? size : offset;
		return 0;
	}
	*ret_from = (uint64_t)data < size ? (uint64_t)data : size;
	off_t hole = lseek(file->disk.fd, data, SEEK_HOLE);
	if (hole > data && (uint64_t)hole < size)
		*ret_to = (uint64_t)hole;
	return 0;
}

static int measure(struct file *file, struct lf_error *err)
{
	struct stat st;
	uint64_t bytes = 0;
	int sector = 0;

	if (file->device ? ioctl(file->disk.fd, BLKGETSIZE64, &bytes) : fstat(file->disk.fd, &st))
		return lf_fail_sys(err, errno, file->path, "cannot read the size of %s",
				   file->path);
	file->disk.size_bytes = file->device ? bytes : (uint64_t)st.st_size;
	if (file->device && ioctl(file->disk.fd, BLKSSZGET, &sector) == 0 && sector > 0)
		file->disk.sector_bytes = (uint32_t)sector;
	return 0;
}

static int open_file(struct file *file, const char *path, struct lf_error *err)
{
	struct stat st;

	file->path = strdup(path);
	if (!file->path)
		return lf_fail_nomem(err);
	if (stat(path, &st))
		return lf_fail_sys(err, errno, path, "cannot find the disk %s", path);
	file->device = S_ISBLK(st.st_mode);
	if (!file->device && !S_ISREG(st.st_mode))
		return lf_fail(err, LF_EINVAL, path, "%s is neither a file nor a block device",
			       path);
	file->disk.fd = open(path, O_RDONLY | O_CLOEXEC | (file->device ? O_DIRECT : 0));
	if (file->disk.fd >= 0)
		return measure(file, err);
	lf_fail_sys(err, errno, path, "cannot open the disk %s", path);
	return lf_error_hint(err, "run the agent as root, or give it read access to the disk");
}

int lf_disk_open(const char *path, struct lf_disk **ret_disk, struct lf_error *err)
{
	struct file *file = calloc(1, sizeof(*file));

	if (!file)
		return lf_fail_nomem(err);
	file->disk = (struct lf_disk){.read = read_file,
				      .next_data = next_data_of_file,
				      .context = file,
				      .is_file = true,
				      .fd = -1};
	int rc = open_file(file, path, err);
	file->disk.name = file->path;
	if (rc) {
		lf_disk_close(&file->disk);
		return rc;
	}
	*ret_disk = &file->disk;
	return 0;
}

void lf_disk_close(struct lf_disk *disk)
{
	struct file *file = disk ? disk->context : NULL;

	if (!file)
		return;
	lf_reads_free(disk->reads);
	lf_fd_done(&disk->fd);
	free(file->path);
	free(file);
}

int lf_disk_size(struct lf_disk *disk, uint64_t *ret_bytes, struct lf_error *err)
{
	int rc = disk->is_file ? measure(disk->context, err) : 0;

	if (!rc)
		*ret_bytes = disk->size_bytes;
	return rc;
}

uint32_t lf_disk_sector(const struct lf_disk *disk)
{
	return disk->sector_bytes ? disk->sector_bytes : SECTOR_BYTES;
}

/* Units are read one by one, on the grid of devices. */
_Static_assert(LF_BAD_UNIT == LF_DISK_ALIGN, "what is bad is counted in what is read");

/* Reading failed: by units, so that what is lost is what cannot be read, and said by its place. */
static int read_around(const struct lf_disk *disk, uint8_t *data, size_t len, uint64_t offset,
		       struct lf_error *err)
{
	int rc = 0;

	for (size_t done = 0, n; !rc && done < len; done += n) {
		n = len - done < LF_BAD_UNIT ? len - done : LF_BAD_UNIT;
		struct lf_error why = LF_ERROR_NONE;
		rc = disk->read(disk->context, data + done, n, offset + done, &why);
		if (rc == LF_EIO) {
			memset(data + done, 0, n);
			rc = lf_bad_add(disk->bad, disk->name, offset + done, &why, err);
		} else if (rc) {
			*err = why;
		}
	}
	return rc;
}

int lf_disk_read(const struct lf_disk *disk, void *data, size_t len, uint64_t offset,
		 struct lf_error *err)
{
	uint64_t left = offset < disk->size_bytes ? disk->size_bytes - offset : 0;
	size_t have = left < len ? (size_t)left : len;

	memset((char *)data + have, 0, len - have);
	if (disk->bad)
		lf_bad_forget(disk->bad, offset, have);
	int rc = have ? disk->read(disk->context, data, have, offset, err) : 0;
	return rc == LF_EIO && disk->bad ? read_around(disk, data, have, offset, err) : rc;
}

int lf_disk_read_runs(struct lf_disk *disk, const struct lf_disk_run *runs, size_t n,
		      struct lf_error *err)
{
	bool begun[LF_READS_MAX] = {false};
	uint64_t size;

	LF_ASSERT(n <= LF_READS_MAX);
	int rc = lf_disk_size(disk, &size, err);
	if (!rc && disk->is_file && !disk->reads)
		rc = lf_reads_new(disk->fd, disk->name, LF_READS_MAX, &disk->reads, err);
	for (size_t i = 0; !rc && i < n; i++) {
		/* at its end a disk may be shorter than a page */
		if (!disk->is_file || runs[i].offset + runs[i].len > size)
			rc = lf_disk_read(disk, runs[i].data, runs[i].len, runs[i].offset, err);
		else
			rc = lf_reads_begin(disk->reads, (unsigned)i, runs[i].data, runs[i].len,
					    runs[i].offset, err);
		begun[i] = !rc && disk->is_file && runs[i].offset + runs[i].len <= size;
	}
	for (size_t i = 0; i < n; i++) {
		struct lf_error own = LF_ERROR_NONE;
		int awaited = begun[i] ? lf_reads_await(disk->reads, (unsigned)i, &own) : 0;
		if (begun[i] && disk->bad && (!awaited || awaited == LF_EIO))
			lf_bad_forget(disk->bad, runs[i].offset, runs[i].len);
		if (awaited == LF_EIO && disk->bad)
			awaited =
				read_around(disk, runs[i].data, runs[i].len, runs[i].offset, &own);
		if (awaited && !rc) {
			*err = own;
			rc = awaited;
		}
	}
	return rc;
}

int lf_disk_next_data(const struct lf_disk *disk, uint64_t offset, uint64_t *ret_from,
		      uint64_t *ret_to, struct lf_error *err)
{
	if (disk->next_data && offset < disk->size_bytes)
		return disk->next_data(disk->context, offset, ret_from, ret_to, err);
	*ret_from = offset < disk->size_bytes ? offset : disk->size_bytes;
	*ret_to = disk->size_bytes;
	return 0;
}

int lf_disk_next_dirty(const struct lf_disk *disk, uint64_t offset, uint64_t *ret_from,
		       uint64_t *ret_to, struct lf_error *err)
{
	if (disk->next_dirty && offset < disk->size_bytes)
		return disk->next_dirty(disk->context, offset, ret_from, ret_to, err);
	*ret_from = offset < disk->size_bytes ? offset : disk->size_bytes;
	*ret_to = disk->size_bytes;
	return 0;
}
