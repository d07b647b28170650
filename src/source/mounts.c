/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each mounted file system is followed down to the devices that it stands on,
 * by /proc/self/mountinfo and /sys; a depth that no real stack has ends a
 * ring.  What lies innermost comes first, so that freezing it does not hang on
 * one that is frozen already.
 */
#include "source/mounts.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/term.h"
#include "base/text.h"
#include "os/file.h"

#define SPACES_MAX	1024 /* name spaces of mounts that are looked into */
#define WRITERS_MAX	64
#define STACK_DEPTH_MAX 8
#define MOUNTINFO_MAX	(4 << 20)

/* A field of mountinfo, up to a blank, without its escapes.  false: longer than out. */
static bool unescape(const char *field, char *out, size_t out_size)
{
	size_t used = 0;

	for (const char *p = field; *p && *p != ' ' && *p != '\n'; p++) {
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
	return used > 0;
}

bool lf_mountinfo_parse(const char *line, struct lf_mount *ret_mount)
{
	int at = 0;

	/* id parent major:minor root mount-point options [tag...] - type source ... */
	if (sscanf(line, "%u %*u %u:%u %*s %n", &ret_mount->id, &ret_mount->major,
		   &ret_mount->minor, &at) != 3 ||
	    !at || !unescape(line + at, ret_mount->point, sizeof(ret_mount->point)))
		return false;
	const char *type = strstr(line + at, " - ");
	const char *source = type ? strchr(type + 3, ' ') : NULL;
	if (!source || !unescape(source + 1, ret_mount->source, sizeof(ret_mount->source)))
		ret_mount->source[0] = '\0';
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

/* Does any of the devices that a directory of sysfs lists lie on the disk? */
static bool devices_stand_on(const char *dir_path, const struct stat *disk, unsigned depth)
{
	char path[512], numbers[64];
	unsigned major, minor;
	bool found = false;

	DIR *dir = opendir(dir_path);
	for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.200s/%.200s/dev", dir_path, entry->d_name);
		found = read_line(path, numbers, sizeof(numbers)) &&
			sscanf(numbers, "%u:%u", &major, &minor) == 2 &&
			stands_on(makedev(major, minor), disk, depth + 1);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Any device below it (device mapper, md). */
static bool slave_stands_on(const char *sys, const struct stat *disk, unsigned depth)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/slaves", sys);
	return devices_stand_on(path, disk, depth);
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

/* Does one of the devices of a btrfs, of which member is one, lie on the disk? */
static bool btrfs_stands_on(dev_t member, const struct stat *disk)
{
	LF_AUTO_FREE char *own =
		lf_printf_dup("/sys/dev/block/%u:%u", major(member), minor(member));
	LF_AUTO_FREE char *real = own ? realpath(own, NULL) : NULL;
	glob_t found = {0};
	bool stands = false;

	if (real && glob("/sys/fs/btrfs/*/devices", 0, NULL, &found) == 0)
		for (size_t i = 0; !stands && i < found.gl_pathc; i++) {
			LF_AUTO_FREE char *entry =
				lf_printf_dup("%s/%s", found.gl_pathv[i], strrchr(real, '/') + 1);
			stands = entry && access(entry, F_OK) == 0 &&
				 devices_stand_on(found.gl_pathv[i], disk, 0);
		}
	globfree(&found);
	return stands;
}

/* A file system without a device number of its own (btrfs, bcachefs) names its devices. */
static bool source_stands_on(const char *source, const struct stat *disk)
{
	char path[4096];
	struct stat st;

	for (const char *p = source; *p == '/'; p += strcspn(p, ":"), p += *p == ':') {
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(p, ":"), p);
		if (stat(path, &st) == 0 && S_ISBLK(st.st_mode) &&
		    (stands_on(st.st_rdev, disk, 0) || btrfs_stands_on(st.st_rdev, disk)))
			return true;
	}
	return false;
}

static bool mount_stands_on(const struct lf_mount *mount, const struct stat *disk)
{
	return mount->major ? stands_on(makedev(mount->major, mount->minor), disk, 0)
			    : source_stands_on(mount->source, disk);
}

/* Which mount a path lies in; 0: it is not there, or the kernel does not say.  No server is asked:
 * one that is away would keep us waiting for ever. */
static unsigned mount_of_path(const char *path)
{
	struct statx stx;

	return statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) ==
				       0 &&
			       stx.stx_mask & STATX_MNT_ID && S_ISDIR(stx.stx_mode)
		       ? (unsigned)stx.stx_mnt_id
		       : 0;
}

/* Add the mount point, unless its file system is there already. */
static int add_mount(json_t *mounts, json_t *seen, const struct lf_mount *mount, const char *path,
		     struct lf_error *err)
{
	json_int_t device = (json_int_t)makedev(mount->major, mount->minor);

	for (size_t i = 0; i < json_array_size(seen); i++)
		if (json_integer_value(json_array_get(seen, i)) == device)
			return 0;
	/* later mounts lie inside earlier ones: freeze those first */
	return json_array_append_new(seen, json_integer(device)) ||
			       json_array_insert_new(mounts, 0, json_string(path))
		       ? lf_fail_nomem(err)
		       : 0;
}

/* The extra path whose file system this mount is; NULL: none. */
static const char *extra_of(const json_t *extra, unsigned id)
{
	for (size_t i = 0; i < json_array_size(extra); i++) {
		const char *path = json_string_value(json_array_get(extra, i));
		if (path && mount_of_path(path) == id)
			return path;
	}
	return NULL;
}

static bool is_wanted(const struct lf_mount *mount, const struct stat *disks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (mount_stands_on(mount, &disks[i]))
			return true;
	return false;
}

/* What mounts are looked for, and what was found. */
struct search {
	const struct stat *disks;
	size_t n;
	const json_t *extra;
	json_t *mounts, *seen;
};

/* The mounts that a mountinfo names; root: how its name space is seen from ours, "" for our own. */
static int scan(struct search *search, char *text, const char *root, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_mount *mount = malloc(sizeof(*mount));
	int rc = mount ? 0 : lf_fail_nomem(err);

	for (char *line = text, *next; !rc && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!lf_mountinfo_parse(line, mount))
			continue;
		LF_AUTO_FREE char *path = lf_printf_dup("%s%s", root, mount->point);
		if (!path)
			return lf_fail_nomem(err);
		const char *named = extra_of(search->extra, mount->id);
		if (named)
			rc = add_mount(search->mounts, search->seen, mount, named, err);
		/* hidden by a later mount: to freeze there would freeze that one */
		else if (mount_of_path(path) == mount->id &&
			 is_wanted(mount, search->disks, search->n))
			rc = add_mount(search->mounts, search->seen, mount, path, err);
	}
	return rc;
}

/* The name space of mounts that the process is in; 0: it is gone. */
static json_int_t space_of(const char *pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.16s/ns/mnt", pid);
	return stat(path, &st) ? 0 : (json_int_t)st.st_ino;
}

/* File systems that are mounted in a container alone are reached through one of its processes. */
static int scan_space(struct search *search, const char *pid, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error gone;
	char path[64], root[64];

	snprintf(path, sizeof(path), "/proc/%.16s/mountinfo", pid);
	snprintf(root, sizeof(root), "/proc/%.16s/root", pid);
	if (lf_file_read(path, MOUNTINFO_MAX, &text, &gone))
		return gone.code == LF_ENOMEM ? lf_fail_nomem(err) : 0;
	return scan(search, text.data, root, err);
}

static int scan_spaces(struct search *search, struct lf_error *err)
{
	LF_AUTO_JSON *known = json_object();
	DIR *dir = opendir("/proc");
	char key[32];
	int rc = known ? 0 : lf_fail_nomem(err);

	snprintf(key, sizeof(key), "%lld", (long long)space_of("self"));
	if (!rc && json_object_set_new(known, key, json_true()))
		rc = lf_fail_nomem(err);
	for (struct dirent *entry; !rc && dir && (entry = readdir(dir));) {
		if (entry->d_name[strspn(entry->d_name, "0123456789")])
			continue;
		snprintf(key, sizeof(key), "%lld", (long long)space_of(entry->d_name));
		if (strcmp(key, "0") == 0 || json_object_get(known, key) ||
		    json_object_size(known) >= SPACES_MAX)
			continue;
		if (json_object_set_new(known, key, json_true()))
			rc = lf_fail_nomem(err);
		else
			rc = scan_space(search, entry->d_name, err);
	}
	if (dir)
		closedir(dir);
	return rc;
}

int lf_mounts_of(const char *const *disks, size_t n, const json_t *extra, json_t **ret_mounts,
		 struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *mounts = json_array(), *seen = json_array();
	LF_AUTO_FREE struct stat *stats = calloc(n + 1, sizeof(*stats));
	struct search search = {stats, n, extra, mounts, seen};

	if (!mounts || !seen || !stats)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < n; i++)
		if (stat(disks[i], &stats[i]))
			return lf_fail(err, LF_ENOTFOUND, disks[i], "cannot find the disk %s",
				       disks[i]);
	for (size_t i = 0; i < json_array_size(extra); i++) {
		const char *path = json_string_value(json_array_get(extra, i));
		if (!path || !mount_of_path(path))
			return lf_fail(err, LF_ENOTFOUND, path,
				       "cannot find the mount point %s, which the configuration "
				       "names to be frozen",
				       path ? path : "(not a text)");
	}
	int rc = lf_file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, err);
	if (!rc)
		rc = scan(&search, text.data, "", err);
	if (!rc)
		rc = scan_spaces(&search, err);
	if (!rc)
		*ret_mounts = lf_steal(&mounts);
	return rc;
}

/* Is the file open for writing, and not by us?  Its number in *ret_device when it is a device. */
static bool is_written(const char *pid, const char *fd, dev_t *ret_device)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error gone;
	unsigned flags = 0;
	struct statx stx;
	char path[96];

	snprintf(path, sizeof(path), "/proc/%.16s/fd/%.16s", pid, fd);
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &stx) || !S_ISBLK(stx.stx_mode))
		return false;
	snprintf(path, sizeof(path), "/proc/%.16s/fdinfo/%.16s", pid, fd);
	if (lf_file_read(path, 65536, &text, &gone))
		return false;
	const char *said = strstr(lf_buf_text(&text), "flags:");
	*ret_device = makedev(stx.stx_rdev_major, stx.stx_rdev_minor);
	return said && sscanf(said, "flags: %o", &flags) == 1 && (flags & O_ACCMODE) != O_RDONLY;
}

/* "/dev/dm-3 by postgres": what people look for. */
static int add_writer(json_t *writers, const char *pid, dev_t device, struct lf_error *err)
{
	char path[64], command[64] = "?", name[512] = "?";

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	read_line(path, command, sizeof(command));
	lf_term_clean(command); /* it is called as it likes */
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(device), minor(device));
	LF_AUTO_FREE char *real = realpath(path, NULL);
	if (real)
		snprintf(name, sizeof(name), "%.500s", strrchr(real, '/') + 1);
	json_t *text = json_sprintf("/dev/%s by %s", name, command);
	return json_array_append_new(writers, text) ? lf_fail_nomem(err) : 0;
}

static int look_at_process(const char *pid, const struct stat *disks, size_t n, json_t *writers,
			   struct lf_error *err)
{
	char path[64];
	dev_t device;
	int rc = 0;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	DIR *dir = opendir(path);
	for (struct dirent *entry; !rc && dir && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' || !is_written(pid, entry->d_name, &device))
			continue;
		for (size_t i = 0; i < n; i++)
			if (stands_on(device, &disks[i], 0)) {
				rc = add_writer(writers, pid, device, err);
				break;
			}
	}
	if (dir)
		closedir(dir);
	return rc;
}

int lf_raw_writers(const char *const *disks, size_t n, json_t **ret_writers, struct lf_error *err)
{
	LF_AUTO_JSON *writers = json_array();
	LF_AUTO_FREE struct stat *stats = calloc(n + 1, sizeof(*stats));
	DIR *dir = opendir("/proc");
	char own[24];
	int rc = writers && stats ? 0 : lf_fail_nomem(err);

	snprintf(own, sizeof(own), "%ld", (long)getpid());
	for (size_t i = 0; !rc && i < n; i++)
		if (stat(disks[i], &stats[i]))
			rc = lf_fail(err, LF_ENOTFOUND, disks[i], "cannot find the disk %s",
				     disks[i]);
	for (struct dirent *entry; !rc && dir && (entry = readdir(dir));)
		if (!entry->d_name[strspn(entry->d_name, "0123456789")] &&
		    strcmp(entry->d_name, own) != 0 && json_array_size(writers) < WRITERS_MAX)
			rc = look_at_process(entry->d_name, stats, n, writers, err);
	if (dir)
		closedir(dir);
	if (!rc)
		*ret_writers = lf_steal(&writers);
	return rc;
}
