/* SPDX-License-Identifier: Apache-2.0 */
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
#include "os/reads.h"

struct lf_disk {
	int fd;
	bool device;
	char *path;
	struct lf_reads *reads; /* NULL until runs are read */
};

int lf_disk_open(const char *path, struct lf_disk **ret_disk, struct lf_error *err)
{
	struct lf_disk *disk = calloc(1, sizeof(*disk));
	struct stat st;

	if (!disk)
		return lf_fail_nomem(err);
	disk->fd = -1;
	disk->path = strdup(path);
	if (stat(path, &st)) {
		int sys = errno;
		lf_disk_close(disk);
		return lf_fail_sys(err, sys, path, "cannot find the disk %s", path);
	}
	disk->device = S_ISBLK(st.st_mode);
	if (!disk->path || (!disk->device && !S_ISREG(st.st_mode))) {
		bool no_memory = !disk->path;
		lf_disk_close(disk);
		return no_memory ? lf_fail_nomem(err)
				 : lf_fail(err, LF_EINVAL, path,
					   "%s is neither a file nor a block device", path);
	}
	disk->fd = open(path, O_RDONLY | O_CLOEXEC | (disk->device ? O_DIRECT : 0));
	if (disk->fd < 0) {
		int sys = errno;
		lf_disk_close(disk);
		lf_fail_sys(err, sys, path, "cannot open the disk %s", path);
		return lf_error_hint(err,
				     "run the agent as root, or give it read access to the disk");
	}
	*ret_disk = disk;
	return 0;
}

void lf_disk_close(struct lf_disk *disk)
{
	if (!disk)
		return;
	lf_reads_free(disk->reads);
	if (disk->fd >= 0)
		close(disk->fd);
	free(disk->path);
	free(disk);
}

int lf_disk_size(struct lf_disk *disk, uint64_t *ret_bytes, struct lf_error *err)
{
	struct stat st;
	uint64_t bytes = 0;

	if (disk->device ? ioctl(disk->fd, BLKGETSIZE64, &bytes) : fstat(disk->fd, &st))
		return lf_fail_sys(err, errno, disk->path, "cannot read the size of %s",
				   disk->path);
	*ret_bytes = disk->device ? bytes : (uint64_t)st.st_size;
	return 0;
}

int lf_disk_read(struct lf_disk *disk, void *data, size_t len, uint64_t offset,
		 struct lf_error *err)
{
	size_t done = 0;

	while (done < len) {
		int fault = LF_FAULT("disk-read");
		ssize_t n = fault ? -1
				  : pread(disk->fd, (char *)data + done, len - done,
					  (off_t)(offset + done));
		if (n < 0 && !fault && errno == EINTR)
			continue;
		if (n < 0)
			return lf_fail_sys(err, fault ? fault : errno, disk->path,
					   "cannot read %s at %llu", disk->path,
					   (unsigned long long)(offset + done));
		if (n == 0) {
			memset((char *)data + done, 0, len - done);
			return 0;
		}
		done += (size_t)n;
		/* a direct read that ends off the grid has met the end of the device */
		if (disk->device && done % LF_DISK_ALIGN && done < len) {
			memset((char *)data + done, 0, len - done);
			return 0;
		}
	}
	return 0;
}

int lf_disk_read_runs(struct lf_disk *disk, const struct lf_disk_run *runs, size_t n,
		      struct lf_error *err)
{
	bool begun[LF_READS_MAX] = {false};
	uint64_t size;

	LF_ASSERT(n <= LF_READS_MAX);
	int rc = lf_disk_size(disk, &size, err);
	if (!rc && !disk->reads)
		rc = lf_reads_new(disk->fd, disk->path, LF_READS_MAX, &disk->reads, err);
	for (size_t i = 0; !rc && i < n; i++) {
		/* at its end a disk may be shorter than a page */
		if (runs[i].offset + runs[i].len > size)
			rc = lf_disk_read(disk, runs[i].data, runs[i].len, runs[i].offset, err);
		else
			rc = lf_reads_begin(disk->reads, (unsigned)i, runs[i].data, runs[i].len,
					    runs[i].offset, err);
		begun[i] = !rc && runs[i].offset + runs[i].len <= size;
	}
	for (size_t i = 0; i < n; i++) {
		struct lf_error own = LF_ERROR_NONE;
		int awaited = begun[i] ? lf_reads_await(disk->reads, (unsigned)i, &own) : 0;
		if (awaited && !rc) {
			*err = own;
			rc = awaited;
		}
	}
	return rc;
}

int lf_disk_next_data(struct lf_disk *disk, uint64_t offset, uint64_t *ret_offset,
		      struct lf_error *err)
{
	off_t at = disk->device ? (off_t)offset : lseek(disk->fd, (off_t)offset, SEEK_DATA);

	if (at < 0 && errno == ENXIO) /* a hole up to the end */
		return lf_disk_size(disk, ret_offset, err);
	if (at < 0) /* a file system without holes: everything is data */
		at = (off_t)offset;
	*ret_offset = (uint64_t)at / LF_DISK_ALIGN * LF_DISK_ALIGN;
	return 0;
}
