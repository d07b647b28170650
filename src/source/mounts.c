/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mounts.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/text.h"
#include "os/file.h"

#define STACK_DEPTH_MAX 8
#define MOUNTINFO_MAX	(4 << 20)

bool lf_mountinfo_parse(const char *line, unsigned *ret_major, unsigned *ret_minor, char *out,
			size_t out_size)
{
	char escaped[4096];
	size_t used = 0;

	/* id parent major:minor root mount-point ... */
	if (sscanf(line, "%*u %*u %u:%u %*s %4095s", ret_major, ret_minor, escaped) != 3)
		return false;
	for (const char *p = escaped; *p; p++) {
		if (used + 1 >= out_size)
			return false;
		if (*p == '\\' && strspn(p + 1, "01234567") >= 3) {
			out[used++] = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		} else {
			out[used++] = *p;
		}
	}
	out[used] = '\0';
	return true;
}

/* One line of a sysfs file; false: not there. */
static bool read_line(const char *path, char *out, size_t size)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error ignored;

	if (lf_file_read(path, 65536, &text, &ignored))
		return false;
	snprintf(out, size, "%.*s", (int)strcspn(lf_buf_text(&text), "\n"), lf_buf_text(&text));
	return true;
}

static bool stands_on(dev_t device, const struct stat *disk, unsigned depth);

/* The loop device's file is the disk, or lies on it when it is a device itself. */
static bool loop_stands_on(const char *sys, const struct stat *disk, unsigned depth)
{
	char path[512], backing[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/loop/backing_file", sys);
	if (!read_line(path, backing, sizeof(backing)) || stat(backing, &st))
		return false;
	if (st.st_ino == disk->st_ino && st.st_dev == disk->st_dev)
		return true;
	return S_ISBLK(st.st_mode) && stands_on(st.st_rdev, disk, depth + 1);
}

/* Any device below it (device mapper, md). */
static bool slave_stands_on(const char *sys, const struct stat *disk, unsigned depth)
{
	char path[512], numbers[64];
	unsigned major, minor;
	bool found = false;

	snprintf(path, sizeof(path), "%s/slaves", sys);
	DIR *dir = opendir(path);
	for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/slaves/%.200s/dev", sys, entry->d_name);
		found = read_line(path, numbers, sizeof(numbers)) &&
			sscanf(numbers, "%u:%u", &major, &minor) == 2 &&
			stands_on(makedev(major, minor), disk, depth + 1);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool stands_on(dev_t device, const struct stat *disk, unsigned depth)
{
	char sys[64], path[128], numbers[64];
	unsigned major, minor;

	if (S_ISBLK(disk->st_mode) && device == disk->st_rdev)
		return true;
	if (depth > STACK_DEPTH_MAX)
		return false;
	snprintf(sys, sizeof(sys), "/sys/dev/block/%u:%u", major(device), minor(device));
	snprintf(path, sizeof(path), "%s/partition", sys);
	if (read_line(path, numbers, sizeof(numbers))) {
		/* a partition's directory lies inside its disk's */
		snprintf(path, sizeof(path), "%s/../dev", sys);
		return read_line(path, numbers, sizeof(numbers)) &&
		       sscanf(numbers, "%u:%u", &major, &minor) == 2 &&
		       stands_on(makedev(major, minor), disk, depth + 1);
	}
	return loop_stands_on(sys, disk, depth) || slave_stands_on(sys, disk, depth);
}

/* A file system that is mounted twice freezes once. */
static bool is_listed(const json_t *seen, dev_t device)
{
	for (size_t i = 0; i < json_array_size(seen); i++)
		if (json_integer_value(json_array_get(seen, i)) == (json_int_t)device)
			return true;
	return false;
}

/* Not a file, and not hidden by a later mount: to freeze there is to freeze this file system. */
static bool leads_to(const char *point, dev_t device)
{
	struct stat st;

	return stat(point, &st) == 0 && S_ISDIR(st.st_mode) && st.st_dev == device;
}

int lf_mounts_of_disk(const char *path, json_t **ret_mounts, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *mounts = json_array();
	LF_AUTO_JSON *seen = json_array();
	struct stat disk;

	if (stat(path, &disk))
		return lf_fail(err, LF_ENOTFOUND, path, "cannot find the disk %s", path);
	int rc = lf_file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, err);
	if (rc)
		return rc;
	for (char *line = text.data, *next; line && *line; line = next) {
		unsigned major, minor;
		char point[4096];
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!lf_mountinfo_parse(line, &major, &minor, point, sizeof(point)) || major == 0)
			continue;
		dev_t device = makedev(major, minor);
		if (is_listed(seen, device) || !stands_on(device, &disk, 0) ||
		    !leads_to(point, device))
			continue;
		/* later mounts lie inside earlier ones: freeze those first */
		if (json_array_append_new(seen, json_integer((json_int_t)device)) ||
		    json_array_insert_new(mounts, 0, json_string(point)))
			return lf_fail_nomem(err);
	}
	*ret_mounts = lf_steal(&mounts);
	return 0;
}
