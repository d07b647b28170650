/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as files.  Open files are kept, since a disk read touches few packs
 * many times: a name has one slot by its hash, and a name that finds its slot
 * in use by another opens a file of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"
#include "os/file.h"
#include "store/driver.h"
#include "store/store.h"

#define SLOTS	   128
#define COPY_BYTES (1u << 20)
#define TMP_MARK   ".tmp-"
#define SLOT_NAME  160

LF_LOCK_KIND(slots_lock);
struct slot {
	char name[SLOT_NAME]; /* "": empty */
	int fd;
	unsigned users LF_GUARDED_BY(slots_lock);
	bool stale
		LF_GUARDED_BY(slots_lock); /* deleted meanwhile: close when the last user is done */
};

struct directory {
	struct lf_store store;
	char *path;
	pthread_mutex_t mutex; /* the slots; never held across I/O */
	struct slot slots[SLOTS];
};

static struct directory *directory_of(struct lf_store *store)
{
	return (struct directory *)(void *)store;
}

static char *path_of(struct directory *dir, const char *name)
{
	return lf_printf_dup("%s/%s", dir->path, name);
}

static struct slot *slot_of(struct directory *dir, const char *name)
{
	uint64_t hash = UINT64_C(1469598103934665603);

	for (const char *p = name; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	return &dir->slots[(hash >> 20) % SLOTS];
}

LF_REQUIRES(slots_lock)
static void clear_slot(struct slot *slot)
{
	close(slot->fd);
	*slot = (struct slot){.fd = -1};
}

/* The slot's file if it is open, with one more user. */
static struct slot *take_slot(struct directory *dir, const char *name)
{
	LF_GUARD(&dir->mutex, slots_lock);
	struct slot *slot = slot_of(dir, name);

	if (!slot->name[0] || slot->stale || strcmp(slot->name, name) != 0)
		return NULL;
	slot->users++;
	return slot;
}

/* Give fd to the slot if nobody uses it; false: fd stays the caller's. */
static bool fill_slot(struct directory *dir, const char *name, int fd)
{
	LF_GUARD(&dir->mutex, slots_lock);
	struct slot *slot = slot_of(dir, name);

	if (slot->users || strlen(name) >= SLOT_NAME)
		return false;
	if (slot->name[0])
		clear_slot(slot);
	memcpy(slot->name, name, strlen(name) + 1);
	slot->fd = fd;
	return true;
}

static void release_slot(struct directory *dir, struct slot *slot)
{
	LF_GUARD(&dir->mutex, slots_lock);

	if (--slot->users == 0 && slot->stale)
		clear_slot(slot);
}

static void forget_slot(struct directory *dir, const char *name)
{
	LF_GUARD(&dir->mutex, slots_lock);
	struct slot *slot = slot_of(dir, name);

	if (strcmp(slot->name, name) != 0 || !slot->name[0])
		return;
	if (slot->users)
		slot->stale = true;
	else
		clear_slot(slot);
}

static void directory_free(struct lf_store *store)
{
	struct directory *dir = directory_of(store);

	LF_ALONE(slots_lock);
	for (size_t i = 0; i < SLOTS; i++)
		if (dir->slots[i].name[0])
			clear_slot(&dir->slots[i]);
	pthread_mutex_destroy(&dir->mutex);
	free(dir->path);
	free(dir);
}

static int directory_read(struct lf_store *store, const char *name, void *data, size_t len,
			  uint64_t offset, struct lf_error *err)
{
	struct directory *dir = directory_of(store);
	struct slot *slot = take_slot(dir, name);

	if (slot) {
		int rc = lf_file_pread_all(slot->fd, data, len, offset, name, err);
		release_slot(dir, slot);
		return rc;
	}
	LF_AUTO_FREE char *path = path_of(dir, name);
	if (!path)
		return lf_fail_nomem(err);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return lf_fail_sys(err, errno, name, "cannot open %s", name);
	int rc = lf_file_pread_all(fd, data, len, offset, name, err);
	if (rc || !fill_slot(dir, name, fd))
		close(fd);
	return rc;
}

static int directory_get(struct lf_store *store, const char *name, size_t max, struct lf_buf *buf,
			 struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(directory_of(store), name);

	return path ? lf_file_read(path, max, buf, err) : lf_fail_nomem(err);
}

static int directory_size(struct lf_store *store, const char *name, uint64_t *ret_size,
			  struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(directory_of(store), name);
	struct stat st;

	if (!path)
		return lf_fail_nomem(err);
	if (stat(path, &st))
		return lf_fail_sys(err, errno, name, "cannot look at %s", name);
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

/* Make the folder that path lies in, durably. */
static int make_folder(const char *path, struct lf_error *err)
{
	LF_AUTO_FREE char *folder = strdup(path);

	if (!folder)
		return lf_fail_nomem(err);
	char *slash = strrchr(folder, '/');
	if (!slash)
		return 0;
	*slash = '\0';
	return lf_dir_make(folder, 0700, err);
}

static int directory_put(struct lf_store *store, const char *name, const void *data, size_t len,
			 struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(directory_of(store), name);

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_file_write_durable(path, data, len, 0600, err);
	if (rc != LF_ENOTFOUND)
		return rc;
	rc = make_folder(path, err);
	if (!rc)
		rc = lf_file_write_durable(path, data, len, 0600, err);
	return rc;
}

/* Across file systems there is no rename: copy beside the target, then rename. */
static int copy_file(const char *from, const char *to, struct lf_error *err)
{
	LF_AUTO_FREE void *block = malloc(COPY_BYTES);
	LF_AUTO_FD in = open(from, O_RDONLY | O_CLOEXEC);
	LF_AUTO_FD out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	uint64_t done = 0;

	if (!block)
		return lf_fail_nomem(err);
	if (in < 0 || out < 0)
		return lf_fail_sys(err, errno, from, "cannot copy %s", from);
	for (;;) {
		ssize_t n = pread(in, block, COPY_BYTES, (off_t)done);
		if (n < 0)
			return lf_fail_sys(err, errno, from, "cannot read %s", from);
		if (n == 0)
			return lf_file_sync(out, to, err);
		int rc = lf_file_pwrite_all(out, block, (size_t)n, done, to, err);
		if (rc)
			return rc;
		done += (uint64_t)n;
	}
}

static int adopt_copy(const char *from, const char *to, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	LF_AUTO_FREE char *temporary = lf_printf_dup("%s" TMP_MARK "%s", to, guid);
	if (!temporary)
		return lf_fail_nomem(err);
	int rc = copy_file(from, temporary, err);
	if (!rc)
		rc = lf_file_rename_durable(temporary, to, err);
	if (rc)
		unlink(temporary);
	return rc ? rc : lf_file_remove(from, err);
}

static int directory_adopt(struct lf_store *store, const char *name, const char *path,
			   struct lf_error *err)
{
	LF_AUTO_FREE char *target = path_of(directory_of(store), name);

	if (!target)
		return lf_fail_nomem(err);
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	int rc = lf_file_sync(fd, path, err);
	if (rc)
		return rc;
	rc = lf_file_rename_durable(path, target, err);
	return rc && err->sys == EXDEV ? adopt_copy(path, target, err) : rc;
}

struct list {
	lf_store_visit_fn *visit;
	void *context;
};

/* What a NAS, a Mac or a file system put there (".DS_Store", "@eaDir", "lost+found") is not ours.
 */
static bool is_foreign(const char *name)
{
	return name[0] == '.' || name[strspn(name, LF_STORE_LETTERS)] != '\0';
}

static int list_entry(void *context, const char *name, struct lf_error *err)
{
	const struct list *list = context;

	return is_foreign(name) || strstr(name, TMP_MARK) ? 0
							  : list->visit(list->context, name, err);
}

static int directory_list(struct lf_store *store, const char *folder, lf_store_visit_fn *visit,
			  void *context, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(directory_of(store), folder);
	struct list list = {visit, context};

	return path ? lf_dir_list_if(path, list_entry, &list, err) : lf_fail_nomem(err);
}

/* claims/POINT: the last claim takes the folder with it, the others fail and are right to. */
static void remove_empty(const char *folder)
{
	(void)rmdir(folder);
}

static int directory_delete(struct lf_store *store, const char *name, struct lf_error *err)
{
	struct directory *dir = directory_of(store);
	LF_AUTO_FREE char *path = path_of(dir, name);

	if (!path)
		return lf_fail_nomem(err);
	forget_slot(dir, name);
	int rc = lf_file_remove(path, err);
	if (rc)
		return rc;
	*strrchr(path, '/') = '\0';
	if (strchr(name, '/') != strrchr(name, '/'))
		remove_empty(path);
	return 0;
}

static int sweep_entry(void *context, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", (const char *)context, name);

	if (!path)
		return lf_fail_nomem(err);
	if (!strstr(name, TMP_MARK))
		return 0;
	int rc = lf_file_remove(path, err);
	return rc && err->sys == EISDIR ? 0 : rc; /* we leave no folders: it is not ours */
}

static int directory_sweep(struct lf_store *store, const char *folder, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(directory_of(store), folder);

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_dir_list_if(path, sweep_entry, path, err);
	if (!rc && strchr(folder, '/'))
		remove_empty(path);
	return rc;
}

static int directory_sync(struct lf_store *store, const char *folder, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s/x", directory_of(store)->path, folder);

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_file_sync_parent(path, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

static int directory_room(struct lf_store *store, uint64_t *ret_bytes, struct lf_error *err)
{
	const char *path = directory_of(store)->path;
	struct statvfs fs;

	if (statvfs(path, &fs))
		return lf_fail_sys(err, errno, path, "cannot look at %s", path);
	*ret_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}

static const struct lf_store_driver directory_driver = {
	.free = directory_free,
	.put = directory_put,
	.adopt = directory_adopt,
	.read = directory_read,
	.get = directory_get,
	.size = directory_size,
	.list = directory_list,
	.delete = directory_delete,
	.sweep = directory_sweep,
	.sync = directory_sync,
	.room = directory_room,
};

int lf_store_open_directory(const char *path, struct lf_store **ret_store, struct lf_error *err)
{
	struct directory *dir = calloc(1, sizeof(*dir));

	if (!dir || !(dir->path = strdup(path))) {
		free(dir);
		return lf_fail_nomem(err);
	}
	dir->store.driver = &directory_driver;
	pthread_mutex_init(&dir->mutex, NULL);
	for (size_t i = 0; i < SLOTS; i++)
		dir->slots[i].fd = -1;
	*ret_store = &dir->store;
	return 0;
}
