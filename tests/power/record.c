/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: writes down what a process does to the files under
 * LF_POWER_ROOT (an absolute path), in order and with the data, to LF_POWER_LOG.
 * disk.py reads it.
 *
 *   record := u32 kind · u32 path · u32 target · u32 data   (lengths)
 *             u64 inode · u64 number · path · target · data
 *
 * A shared writable mapping is compared with what it was before each record, so
 * that what was written through it stands in the log before the next sync.
 * What is not here (O_TMPFILE, linkat, io_uring, ...) the vault does not use:
 * the driver compares the files with the log after each command, and would tell.
 */
#undef _FILE_OFFSET_BITS /* both names of each function are defined here */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAPS_MAX 64
#define PAGE	 4096u

enum kind {
	CREATE = 1, /* path, inode */
	WRITE,	    /* inode, number: offset, data */
	SIZE,	    /* inode, number: the file's length */
	SYNC,	    /* inode: of a file or a directory */
	SYNC_ALL,
	RENAME, /* path, target */
	LINK,	/* path, target */
	UNLINK, /* path */
	MKDIR,	/* path, inode */
	RMDIR,	/* path */
};

struct record {
	uint32_t kind, path, target, data;
	uint64_t inode, number;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *root;
static int log_fd = -1;
static struct map {
	uint8_t *at, *before;
	size_t len;
	uint64_t inode;
} maps[MAPS_MAX];

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("LF_POWER_LOG");

	root = getenv("LF_POWER_ROOT");
	if (root && path)
		log_fd = (int)syscall(SYS_openat, AT_FDCWD, path,
				      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static bool is_ours(const char *path)
{
	return log_fd >= 0 && strncmp(path, root, strlen(root)) == 0;
}

/* Is fd a file below the root?  Its inode. */
static bool fd_is_ours(int fd, uint64_t *ret_inode)
{
	char link[32], path[4096];
	int kept = errno;
	struct stat st;

	if (log_fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	bool ours = is_ours(path) && fstat(fd, &st) == 0;
	if (ours)
		*ret_inode = st.st_ino;
	errno = kept;
	return ours;
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_ino;
}

static uint64_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : (uint64_t)st.st_size;
}

/* A log that lacks something would prove nothing: end at once. */
static void put(enum kind kind, const char *path, const char *target, uint64_t inode,
		uint64_t number, const void *data, size_t len)
{
	struct record record = {(uint32_t)kind,
				path ? (uint32_t)strlen(path) : 0,
				target ? (uint32_t)strlen(target) : 0,
				(uint32_t)len,
				inode,
				number};
	struct iovec parts[] = {{&record, sizeof(record)},
				{(void *)(uintptr_t)path, record.path},
				{(void *)(uintptr_t)target, record.target},
				{(void *)(uintptr_t)data, len}};
	size_t want = sizeof(record) + record.path + record.target + len;

	if (syscall(SYS_writev, log_fd, parts, 4) != (long)want)
		abort();
}

static void put_maps(void)
{
	for (struct map *map = maps; map < maps + MAPS_MAX; map++) {
		for (size_t at = 0; map->at && at < map->len; at += PAGE) {
			size_t len = map->len - at < PAGE ? map->len - at : PAGE;
			if (memcmp(map->before + at, map->at + at, len) == 0)
				continue;
			memcpy(map->before + at, map->at + at, len);
			put(WRITE, NULL, NULL, map->inode, at, map->before + at, len);
		}
	}
}

__attribute__((destructor)) static void end(void)
{
	pthread_mutex_lock(&mutex);
	put_maps();
	pthread_mutex_unlock(&mutex);
}

/* Around each operation: what happens and what is written down have one order. */
static void enter(void)
{
	pthread_mutex_lock(&mutex);
	put_maps();
}

static long leave(long rc)
{
	pthread_mutex_unlock(&mutex);
	return rc;
}

static int open_file(const char *path, int flags, mode_t mode)
{
	if (!is_ours(path))
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	enter();
	bool fresh = (flags & O_CREAT) && !inode_of(path);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (fd >= 0 && fresh)
		put(CREATE, path, NULL, inode_of(path), 0, NULL, 0);
	else if (fd >= 0 && (flags & O_TRUNC))
		put(SIZE, NULL, NULL, inode_of(path), 0, NULL, 0);
	return (int)leave(fd);
}

static ssize_t write_at(int fd, const void *data, size_t len, off64_t offset)
{
	uint64_t inode;

	if (!fd_is_ours(fd, &inode))
		return offset < 0 ? syscall(SYS_write, fd, data, len)
				  : syscall(SYS_pwrite64, fd, data, len, offset);
	enter();
	off64_t at = offset >= 0			? offset
		     : fcntl(fd, F_GETFL, 0) & O_APPEND ? (off64_t)size_of(fd)
							: lseek64(fd, 0, SEEK_CUR);
	ssize_t n = offset < 0 ? syscall(SYS_write, fd, data, len)
			       : syscall(SYS_pwrite64, fd, data, len, offset);
	if (n > 0)
		put(WRITE, NULL, NULL, inode, (uint64_t)at, data, (size_t)n);
	return leave(n);
}

static int resize(int fd, off64_t len)
{
	uint64_t inode;
	bool ours = fd_is_ours(fd, &inode);

	enter();
	int rc = (int)syscall(SYS_ftruncate, fd, len);
	if (!rc && ours)
		put(SIZE, NULL, NULL, inode, (uint64_t)len, NULL, 0);
	return (int)leave(rc);
}

static int allocate(int fd, int mode, off64_t offset, off64_t len)
{
	uint64_t inode;
	bool ours = fd_is_ours(fd, &inode);

	enter();
	int rc = (int)syscall(SYS_fallocate, fd, mode, offset, len);
	if (!rc && ours)
		put(SIZE, NULL, NULL, inode, size_of(fd), NULL, 0);
	return (int)leave(rc);
}

static int sync_fd(long number, int fd)
{
	uint64_t inode;
	bool ours = fd_is_ours(fd, &inode);

	enter();
	int rc = (int)syscall(number, fd);
	if (!rc && ours)
		put(number == SYS_syncfs ? SYNC_ALL : SYNC, NULL, NULL, inode, 0, NULL, 0);
	return (int)leave(rc);
}

static void *map_file(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	uint64_t inode;
	void *at = (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);

	if (at == MAP_FAILED || fd < 0 || !(prot & PROT_WRITE) || !(flags & MAP_SHARED) ||
	    !fd_is_ours(fd, &inode))
		return at;
	enter();
	struct map *map = maps;
	while (map < maps + MAPS_MAX && map->at)
		map++;
	/* the vault maps a file from its beginning */
	if (map == maps + MAPS_MAX || offset || !(map->before = malloc(len)))
		abort();
	memcpy(map->before, at, len);
	map->at = at;
	map->len = len;
	map->inode = inode;
	leave(0);
	return at;
}

/* An operation on names. */
static int name_call(enum kind kind, long number, const char *path, const char *target, mode_t mode)
{
	if (!is_ours(path) && !(target && is_ours(target)))
		return (int)(target ? syscall(number, path, target) : syscall(number, path, mode));
	enter();
	int rc = (int)(target ? syscall(number, path, target) : syscall(number, path, mode));
	if (!rc)
		put(kind, path, target, kind == MKDIR ? inode_of(path) : 0, 0, NULL, 0);
	return (int)leave(rc);
}

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-declarations"

#define OPEN(name)                                                                                 \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;            \
		va_end(args);                                                                      \
		return open_file(path, flags, mode);                                               \
	}
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t len)
{
	return write_at(fd, data, len, -1);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return write_at(fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	return write_at(fd, data, len, offset);
}

int ftruncate(int fd, off_t len)
{
	return resize(fd, len);
}

int ftruncate64(int fd, off64_t len)
{
	return resize(fd, len);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return allocate(fd, mode, offset, len);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t len)
{
	return allocate(fd, mode, offset, len);
}

int posix_fallocate(int fd, off_t offset, off_t len)
{
	return allocate(fd, 0, offset, len) ? errno : 0;
}

int posix_fallocate64(int fd, off64_t offset, off64_t len)
{
	return allocate(fd, 0, offset, len) ? errno : 0;
}

int fsync(int fd)
{
	return sync_fd(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_fd(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
	return sync_fd(SYS_syncfs, fd);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return map_file(addr, len, prot, flags, fd, offset);
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return map_file(addr, len, prot, flags, fd, offset);
}

int munmap(void *addr, size_t len)
{
	enter();
	for (struct map *map = maps; map < maps + MAPS_MAX; map++) {
		if (map->at != addr)
			continue;
		free(map->before);
		*map = (struct map){0};
	}
	return (int)leave(syscall(SYS_munmap, addr, len));
}

int rename(const char *from, const char *to)
{
	return name_call(RENAME, SYS_rename, from, to, 0);
}

int link(const char *from, const char *to)
{
	return name_call(LINK, SYS_link, from, to, 0);
}

int unlink(const char *path)
{
	return name_call(UNLINK, SYS_unlink, path, NULL, 0);
}

int rmdir(const char *path)
{
	return name_call(RMDIR, SYS_rmdir, path, NULL, 0);
}

int remove(const char *path)
{
	int rc = unlink(path);

	return rc && (errno == EISDIR || errno == EPERM) ? rmdir(path) : rc;
}

int mkdir(const char *path, mode_t mode)
{
	return name_call(MKDIR, SYS_mkdir, path, NULL, mode);
}
