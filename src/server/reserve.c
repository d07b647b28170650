/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/health.h"
#include "os/file.h"

#define RESERVE_MAX    (UINT64_C(16) << 20)
#define RESERVE_PART   64 /* of a small file system */
#define ROOM_FOR_IT    8  /* it is made when so many would fit */
#define GIVEN_UP_BELOW 2  /* it is given up when less than this part of it is free */
#define CONDITION      "disk-full"

/* A file that was copied may be a hole: it keeps nothing back. */
static bool is_there(const char *path, uint64_t size)
{
	struct stat st;

	return stat(path, &st) == 0 && (uint64_t)st.st_blocks * 512 >= size;
}

static void make(const char *path, uint64_t size)
{
	LF_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0 && posix_fallocate(fd, 0, (off_t)size))
		unlink(path);
}

void lf_reserve_tend(const char *dir)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/reserve", dir);
	struct statvfs room;

	if (!path || statvfs(dir, &room))
		return;
	uint64_t unit = room.f_frsize, size = room.f_blocks * unit / RESERVE_PART;
	size = size < RESERVE_MAX ? size : RESERVE_MAX;
	uint64_t left = room.f_bavail * unit;
	if (left < size / GIVEN_UP_BELOW) {
		unlink(path);
		lf_health_raise(CONDITION, NULL,
				"the disk of %s is full: what is there can be read and deleted, "
				"nothing more is taken",
				dir);
	} else if (left >= size * ROOM_FOR_IT) {
		if (!is_there(path, size))
			make(path, size);
		lf_health_clear(CONDITION, NULL);
	}
}
