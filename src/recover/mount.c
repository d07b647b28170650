/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk of a point as a file: nbdfuse, which needs neither root nor a kernel
 * with nbd.  How to mount what is on the disk is printed: that needs root.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/names.h"
#include "image/partition.h"
#include "recover/recover.h"

#define NBDFUSE	   "nbdfuse"
#define SAFE	   "ro,nosuid,nodev,noexec"
#define XFS_AT	   0u
#define EXT_AT	   1080u
#define MAGICS_END 1088u

struct mounting {
	const struct lf_served *served;
	char *file;	/* the disk */
	char *pid_file; /* which nbdfuse writes when the disk is there */
};

/* A disk as it was at some moment: its journal is not written back, for there is nowhere to. */
static const char *mount_options(const struct lf_served *served, uint64_t offset)
{
	uint8_t head[MAGICS_END];
	struct lf_error ignored;

	if (lf_map_read(served->disks.vault, &served->items[0].root, head, sizeof(head), offset,
			&ignored))
		return "";
	if (memcmp(head + XFS_AT, "XFSB", 4) == 0)
		return ",norecovery,nouuid";
	return memcmp(head + EXT_AT, "\x53\xef", 2) == 0 ? ",noload" : "";
}

static void print_advice(const struct mounting *mounting)
{
	static struct lf_partition partitions[LF_PARTITIONS_MAX];
	static uint8_t head[LF_PARTITION_HEAD];
	const struct lf_nbd_disk *disk = &mounting->served->items[0];
	size_t len = disk->size < sizeof(head) ? (size_t)disk->size : sizeof(head);
	struct lf_error ignored;

	printf("%s\n", mounting->file);
	if (lf_map_read(mounting->served->disks.vault, &disk->root, head, len, 0, &ignored))
		return;
	size_t n = lf_partitions_read(head, len, disk->size, mounting->served->sector_bytes,
				      partitions);
	if (!n)
		printf("  mount -o " SAFE ",loop%s '%s' /mnt\n", mount_options(mounting->served, 0),
		       mounting->file);
	for (size_t i = 0; i < n; i++)
		printf("  mount -o " SAFE ",loop,offset=%" PRIu64 ",sizelimit=%" PRIu64
		       "%s '%s' /mnt  "
		       "# partition %u\n",
		       partitions[i].offset, partitions[i].size,
		       mount_options(mounting->served, partitions[i].offset), mounting->file,
		       partitions[i].number);
	printf("It is there until this is interrupted, or: fusermount3 -u '%.*s'\n",
	       (int)(strrchr(mounting->file, '/') - mounting->file), mounting->file);
}

static bool is_ready(void *context)
{
	const struct mounting *mounting = context;

	if (access(mounting->pid_file, F_OK))
		return false;
	print_advice(mounting);
	fflush(stdout);
	return true;
}

/* The disk's name, which its machine gave it, as one of a file that stands in a command. */
static char *file_name(const char *mount_point, const char *disk)
{
	char name[81];

	lf_name_make(LF_NAME_DISK, disk, name, sizeof(name));
	return lf_printf_dup("%s/%s", mount_point, name);
}

static int mount_in(struct lf_served *served, const char *mount_point, const char *dir,
		    struct lf_error *err)
{
	LF_AUTO_FREE char *file = file_name(mount_point, served->items[0].name);
	LF_AUTO_FREE char *pid_file = lf_printf_dup("%s/pid", dir);
	struct mounting mounting = {served, file, pid_file};
	struct lf_argv argv = {0};
	pid_t pid;
	char *socket = lf_printf_dup("%s/disks", dir);
	int rc = socket ? lf_served_start(served, socket, 0, err) : lf_fail_nomem(err);
	LF_AUTO_FREE char *uri = rc ? NULL : lf_served_uri(served, 0);

	if (!rc && (!file || !pid_file || !uri))
		rc = lf_fail_nomem(err);
	if (!rc) {
		lf_argv_add(&argv, NBDFUSE);
		lf_argv_add(&argv, "-r");
		lf_argv_add(&argv, "-P");
		lf_argv_add(&argv, "%s", pid_file);
		lf_argv_add(&argv, "%s", file);
		lf_argv_add(&argv, "%s", uri);
		rc = lf_argv_check(&argv, err);
	}
	if (!rc)
		rc = lf_child_start(&argv, &pid, err);
	if (!rc)
		rc = lf_child_wait(pid, NBDFUSE, is_ready, &mounting, err);
	lf_argv_done(&argv);
	return rc;
}

/* nbdfuse shows one disk. */
static int check_one(const struct lf_served *served, struct lf_error *err)
{
	return served->disks.count == 1
		       ? 0
		       : lf_fail(err, LF_EINVAL, "--disk", "the point has %zu disks: name one",
				 served->disks.count);
}

int lf_recover_mount(const struct lf_recover_args *args, struct lf_error *err)
{
	struct lf_served served = LF_SERVED_INIT;
	char *dir = NULL;
	int rc = lf_served_open(&served, args, err);

	if (!rc)
		rc = check_one(&served, err);
	if (!rc)
		rc = lf_signals_catch(err);
	if (!rc)
		rc = lf_scratch_make(&dir, err);
	if (!rc)
		rc = mount_in(&served, args->vault.words[2], dir, err);
	lf_served_done(&served);
	lf_scratch_remove(dir);
	return rc;
}
