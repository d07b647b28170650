/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list is read as the kernel keeps it, or made from the mode where there
 * is none; one entry for the user is added or widened, and the mask with it,
 * and the list is written back whole.  Nothing is written when the user can
 * pass already, so that doing it again changes nothing.
 */
#include "os/acl.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/buf.h"

/*
 * The kernel's form of an access control list, as the extended attribute
 * system.posix_acl_access holds it: a version and entries in the order owner,
 * named users (by id), group, named groups, mask, other.
 */
#define ACL_NAME    "system.posix_acl_access"
#define ACL_VERSION 2
#define ENTRIES_MAX 64

enum {
	TAG_OWNER = 1,
	TAG_USER = 2,
	TAG_GROUP_OWNER = 4,
	TAG_GROUP = 8,
	TAG_MASK = 16,
	TAG_OTHER = 32
};
#define RIGHT_X 1
#define NO_ID	UINT32_MAX

struct entry {
	uint16_t tag, rights;
	uint32_t id;
};
struct list {
	uint32_t version;
	struct entry entries[ENTRIES_MAX];
};

static bool mode_lets_pass(const struct stat *st, uid_t uid, gid_t gid)
{
	if (st->st_uid == uid)
		return st->st_mode & S_IXUSR;
	if (st->st_gid == gid)
		return st->st_mode & S_IXGRP;
	return st->st_mode & S_IXOTH;
}

/* The list that the mode bits stand for. */
static size_t list_of_mode(mode_t mode, struct list *list)
{
	list->version = htole32(ACL_VERSION);
	list->entries[0] = (struct entry){TAG_OWNER, (uint16_t)(mode >> 6 & 7), NO_ID};
	list->entries[1] = (struct entry){TAG_GROUP_OWNER, (uint16_t)(mode >> 3 & 7), NO_ID};
	list->entries[2] = (struct entry){TAG_OTHER, (uint16_t)(mode & 7), NO_ID};
	return 3;
}

static size_t find_entry(const struct list *list, size_t n, uint16_t tag, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (list->entries[i].tag == tag && (id == NO_ID || list->entries[i].id == id))
			return i;
	return n;
}

static void insert_entry(struct list *list, size_t *n, size_t at, struct entry entry)
{
	memmove(&list->entries[at + 1], &list->entries[at], (*n - at) * sizeof(entry));
	list->entries[at] = entry;
	(*n)++;
}

/* Without a mask the group entry's rights bound nothing, so the new mask starts from them. */
static bool add_user_x(struct list *list, size_t *n, uid_t uid)
{
	bool changed = false;
	size_t user = find_entry(list, *n, TAG_USER, uid);

	if (user == *n) {
		size_t at = 1;
		while (at < *n && list->entries[at].tag == TAG_USER && list->entries[at].id < uid)
			at++;
		insert_entry(list, n, at, (struct entry){TAG_USER, RIGHT_X, uid});
		changed = true;
	} else if (!(list->entries[user].rights & RIGHT_X)) {
		list->entries[user].rights |= RIGHT_X;
		changed = true;
	}
	size_t mask = find_entry(list, *n, TAG_MASK, NO_ID);
	if (mask == *n) {
		uint16_t group = list->entries[find_entry(list, *n, TAG_GROUP_OWNER, NO_ID)].rights;
		insert_entry(list, n, *n - 1,
			     (struct entry){TAG_MASK, (uint16_t)(group | RIGHT_X), NO_ID});
		changed = true;
	} else if (!(list->entries[mask].rights & RIGHT_X)) {
		list->entries[mask].rights |= RIGHT_X;
		changed = true;
	}
	return changed;
}

/* Entries of path's list, from the mode when it has none; *ret_free: uid may pass already. */
static int read_list(const char *path, uid_t uid, gid_t gid, struct list *list, size_t *ret_n,
		     bool *ret_free, struct lf_error *err)
{
	struct stat st;

	_Static_assert(sizeof(struct entry) == 8, "as the kernel lays it out");
	if (stat(path, &st))
		return lf_fail_sys(err, errno, path, "cannot look at %s", path);
	/* two entries of room are kept for add_user_x() */
	ssize_t len = getxattr(path, ACL_NAME, list, sizeof(*list) - 2 * sizeof(struct entry));
	if (len < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return lf_fail_sys(err, errno, path, "cannot read the rights of %s", path);
	if (len > 0) {
		/* with a list the group bits of the mode are its mask, and say nothing of uid */
		*ret_n = ((size_t)len - sizeof(list->version)) / sizeof(struct entry);
		*ret_free = uid == 0;
		return 0;
	}
	*ret_n = list_of_mode(st.st_mode, list);
	*ret_free = uid == 0 || mode_lets_pass(&st, uid, gid);
	return 0;
}

int lf_acl_allow_traverse(const char *path, uid_t uid, gid_t gid, bool *ret_changed,
			  struct lf_error *err)
{
	struct list list;
	size_t n = 0;
	bool is_free = false;

	int rc = read_list(path, uid, gid, &list, &n, &is_free, err);
	if (rc)
		return rc;
	*ret_changed = !is_free && add_user_x(&list, &n, uid);
	if (!*ret_changed)
		return 0;
	if (setxattr(path, ACL_NAME, &list, sizeof(list.version) + n * sizeof(struct entry), 0) ==
	    0)
		return 0;
	if (errno != EOPNOTSUPP)
		return lf_fail_sys(err, errno, path, "cannot change the rights of %s", path);
	struct stat st;
	if (stat(path, &st) || chmod(path, (st.st_mode & 07777) | S_IXOTH))
		return lf_fail_sys(err, errno, path, "cannot change the mode of %s", path);
	return 0;
}

static int check_traverse(const char *path, uid_t uid, gid_t gid, struct lf_error *err)
{
	struct list list;
	size_t n = 0;
	bool is_free = false;

	int rc = read_list(path, uid, gid, &list, &n, &is_free, err);
	if (rc || is_free || !add_user_x(&list, &n, uid))
		return rc;
	if (list.entries[find_entry(&list, n, TAG_OTHER, NO_ID)].rights & RIGHT_X)
		return 0; /* a list that does not name uid, and lets others pass */
	lf_fail(err, LF_EDENIED, path, "user id %u cannot pass through %s", (unsigned)uid, path);
	return lf_error_hint(err, "keep the data elsewhere, or let it pass: setfacl -m u:%u:x %s",
			     (unsigned)uid, path);
}

int lf_acl_allow_reach(const char *path, const char *top, uid_t uid, gid_t gid,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *full = realpath(path, NULL);
	LF_AUTO_FREE char *full_top = realpath(top, NULL);

	if (!full || !full_top)
		return lf_fail_sys(err, errno, path, "cannot resolve %s", full ? top : path);
	size_t top_len = strlen(full_top);
	for (char *slash = full; slash; slash = strchr(slash + 1, '/')) {
		char *end = slash == full ? slash + 1 : slash; /* "/" itself first */
		char kept = *end;
		bool changed;
		*end = '\0';
		bool ours = strncmp(full, full_top, top_len) == 0;
		int rc = ours ? lf_acl_allow_traverse(full, uid, gid, &changed, err)
			      : check_traverse(full, uid, gid, err);
		*end = kept;
		if (rc)
			return rc;
	}
	bool changed;
	return lf_acl_allow_traverse(full, uid, gid, &changed, err);
}

int lf_user_find(const char *name, uid_t *ret_uid, gid_t *ret_gid, struct lf_error *err)
{
	struct passwd entry, *found = NULL;
	char text[4096];
	int sys = getpwnam_r(name, &entry, text, sizeof(text), &found);

	if (!found) {
		if (sys)
			return lf_fail_sys(err, sys, name, "cannot look up user %s", name);
		return lf_fail(err, LF_ENOTFOUND, name, "there is no user %s", name);
	}
	*ret_uid = found->pw_uid;
	*ret_gid = found->pw_gid;
	return 0;
}
