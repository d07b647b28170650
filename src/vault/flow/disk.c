/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/flow/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

static int open_file(struct lf_ingest_disk *disk, struct lf_error *err)
{
	const char *path = disk->path;
	struct stat st;
	/* past the page cache for a device: what a file system writes to it goes past its cache */
	int flags = stat(path, &st) == 0 && S_ISBLK(st.st_mode) ? O_DIRECT : 0;

	disk->fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	if (disk->fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	if (fstat(disk->fd, &st))
		return lf_fail_sys(err, errno, path, "cannot look at %s", path);
	disk->size = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(disk->fd, BLKGETSIZE64, &disk->size))
		return lf_fail_sys(err, errno, path, "cannot ask the size of %s", path);
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return lf_fail(err, LF_EINVAL, path, "%s is neither a file nor a block device",
			       path);
	return 0;
}

int lf_ingest_disk_open(struct lf_ingest_disk *disk, const char *path,
			const struct lf_disk_source *source, struct lf_error *err)
{
	*disk = (struct lf_ingest_disk){.path = path, .fd = -1, .source = source};
	if (!source)
		return open_file(disk, err);
	disk->size = source->size_bytes;
	return 0;
}

void lf_ingest_disk_close(struct lf_ingest_disk *disk)
{
	lf_fd_done(&disk->fd);
}

int lf_ingest_disk_next_data(const struct lf_ingest_disk *disk, uint64_t offset, uint64_t *ret_from,
			     uint64_t *ret_to, struct lf_error *err)
{
	if (disk->source)
		return disk->source->next_data(disk->source->context, offset, ret_from, ret_to,
					       err);
	*ret_from = offset;
	*ret_to = disk->size;
	off_t data = lseek(disk->fd, (off_t)offset, SEEK_DATA);
	if (data < 0) { /* ENXIO: only a hole; else there is no such thing on this file */
		*ret_from = errno == ENXIO ? disk->size : offset;
		return 0;
	}
	*ret_from = (uint64_t)data;
	off_t hole = lseek(disk->fd, data, SEEK_HOLE);
	if (hole > data)
		*ret_to = (uint64_t)hole;
	return 0;
}

int lf_ingest_disk_next_dirty(const struct lf_ingest_disk *disk, uint64_t offset,
			      uint64_t *ret_from, uint64_t *ret_to, struct lf_error *err)
{
	if (disk->source && disk->source->next_dirty)
		return disk->source->next_dirty(disk->source->context, offset, ret_from, ret_to,
						err);
	*ret_from = offset < disk->size ? offset : disk->size;
	*ret_to = disk->size;
	return 0;
}
