/* SPDX-License-Identifier: Apache-2.0 */
/* Freezes a real ext4 on a loop device; skipped without the rights to make one. */
#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "os/process.h"
#include "source/freeze.h"
#include "source/mounts.h"

#define LONG_NS (60 * LF_NS_PER_S)

static struct lf_error err;

struct fixture {
	char dir[64], disk[96], mount[96];
	bool mounted;
};

static int command(const char *const *argv)
{
	return lf_process_run(argv, 30 * LF_NS_PER_S, NULL, &err);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *make[] = {"mkfs.ext4", "-q", "-F", NULL, NULL};
	const char *mount[] = {"mount", "-o", "loop", NULL, NULL, NULL};

	strcpy(f->dir, "/tmp/landfall-test-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->disk, sizeof(f->disk), "%s/disk", f->dir);
	snprintf(f->mount, sizeof(f->mount), "%s/with space", f->dir);
	int fd = open(f->disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 32 << 20) || lf_dir_make(f->mount, 0700, &err))
		return -1;
	close(fd);
	make[3] = mount[3] = f->disk;
	mount[4] = f->mount;
	f->mounted = !command(make) && !command(mount);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"umount", f->mount, NULL};
	int rc;

	while (waitpid(-1, NULL, 0) > 0) /* writers that were held up keep it busy */
		;
	rc = f->mounted ? command(argv) : 0;

	if (!rc)
		rc = lf_dir_remove(f->dir, &err);
	free(f);
	return rc;
}

static int mounts_on(const struct fixture *f, json_t **ret_mounts)
{
	const char *disk = f->disk;

	return lf_mounts_of(&disk, 1, NULL, ret_mounts, &err);
}

static json_t *mounts_of(struct fixture *f)
{
	json_t *mounts = NULL;

	if (!f->mounted)
		skip();
	assert_lf_ok(mounts_on(f, &mounts));
	return mounts;
}

/* A process of its own writes there; false: it was still held up after so many ms. */
static bool write_ends(const struct fixture *f, int wait_ms)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/file", f->mount);
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		_exit(fd < 0 || write(fd, "x", 1) != 1 || fsync(fd));
	}
	for (int i = 0; i < wait_ms / 10; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status == 0;
		const struct timespec pause = {.tv_nsec = 10000000};
		nanosleep(&pause, NULL);
	}
	/* held up: it ends once thawed, and is waited for when we end */
	kill(pid, SIGKILL);
	return false;
}

static void test_mounts__finds_the_file_system_on_a_loop_device(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *mounts = mounts_of(f);

	assert_int_equal(json_array_size(mounts), 1);
	assert_string_equal(json_string_value(json_array_get(mounts, 0)), f->mount);
}

static void test_mounts__leaves_a_hidden_mount_point_alone(void **state)
{
	struct fixture *f = *state;
	const char *const hide[] = {"mount", "-t", "tmpfs", "none", f->mount, NULL};
	const char *const show[] = {"umount", f->mount, NULL};
	LF_UNUSED LF_AUTO_JSON *before = mounts_of(f);
	LF_AUTO_JSON *mounts = NULL;

	assert_lf_ok(command(hide));
	int rc = mounts_on(f, &mounts);
	assert_lf_ok(command(show));
	assert_lf_ok(rc);
	assert_int_equal(json_array_size(mounts), 0);
}

static void test_freeze__holds_writes_until_its_end(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *mounts = mounts_of(f);
	struct lf_freeze *freeze = NULL;
	int64_t frozen_ns = 0;

	assert_true(write_ends(f, 10000));
	assert_lf_ok(lf_freeze_begin(mounts, LONG_NS, NULL, &freeze, &err));
	assert_false(write_ends(f, 100));
	assert_lf_ok(lf_freeze_end(freeze, &frozen_ns, &err));
	assert_true(frozen_ns >= 100 * LF_NS_PER_MS);
	assert_true(write_ends(f, 10000));
}

static void test_freeze__ends_by_itself_when_its_time_is_up(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *mounts = mounts_of(f);
	struct lf_freeze *freeze = NULL;
	int64_t frozen_ns;

	assert_lf_ok(lf_freeze_begin(mounts, 50 * LF_NS_PER_MS, NULL, &freeze, &err));
	assert_true(write_ends(f, 10000));
	assert_int_equal(lf_freeze_end(freeze, &frozen_ns, &err), LF_ETIMEOUT);
}

static void test_freeze__ends_when_its_owner_is_killed(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *mounts = mounts_of(f);
	int ready[2], status;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct lf_freeze *freeze;
		if (lf_freeze_begin(mounts, LONG_NS, NULL, &freeze, &err) ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(write_ends(f, 10000));
	close(ready[0]);
	close(ready[1]);
}

static void test_freeze__thaws_all_when_one_cannot_be_frozen(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *mounts = mounts_of(f);
	struct lf_freeze *freeze = NULL;

	/* the second time: it is frozen already */
	json_array_append(mounts, json_array_get(mounts, 0));
	assert_int_equal(lf_freeze_begin(mounts, LONG_NS, NULL, &freeze, &err), LF_ECONFLICT);
	assert_string_equal(err.target, f->mount);
	assert_true(write_ends(f, 10000));
	json_array_append_new(mounts, json_string("/does/not/exist"));
	assert_int_equal(lf_freeze_begin(mounts, LONG_NS, NULL, &freeze, &err), LF_ENOTFOUND);
	assert_true(write_ends(f, 10000));
}

/* As every EFI system partition is: vfat has no freezing. */
static void test_freeze__goes_on_without_those_that_have_no_freezing(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *mounts = mounts_of(f);
	LF_AUTO_JSON *none = json_pack("[s]", "/proc");
	struct lf_freeze *freeze = NULL;
	int64_t frozen_ns;

	json_array_insert_new(mounts, 0, json_string("/proc"));
	assert_lf_ok(lf_freeze_begin(mounts, LONG_NS, NULL, &freeze, &err));
	assert_int_equal(json_array_size(lf_freeze_unheld(freeze)), 1);
	assert_string_equal(json_string_value(json_array_get(lf_freeze_unheld(freeze), 0)),
			    "/proc");
	assert_false(write_ends(f, 100));
	assert_lf_ok(lf_freeze_end(freeze, &frozen_ns, &err));
	assert_true(write_ends(f, 10000));
	assert_int_equal(lf_freeze_begin(none, LONG_NS, NULL, &freeze, &err), LF_EUNSUPPORTED);
}

/* The pid of the only child of pid. */
static pid_t child_of(pid_t pid)
{
	char path[64], text[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return (pid_t)atoi(text);
}

static void test_freeze__of_a_run_that_was_killed_whole_is_ended_by_the_next(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *mounts = mounts_of(f);
	LF_AUTO_FREE char *note = lf_printf_dup("%s/note", f->dir);
	int ready[2], status;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct lf_freeze *freeze;
		if (lf_freeze_begin(mounts, LONG_NS, note, &freeze, &err) ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	pid_t keeper = child_of(pid);
	kill(keeper, SIGKILL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(write_ends(f, 100));
	assert_lf_ok(lf_freeze_recover(note, &err));
	assert_true(write_ends(f, 10000));
	assert_int_equal(access(note, F_OK), -1);
	assert_lf_ok(lf_freeze_recover(note, &err));
	close(ready[0]);
	close(ready[1]);
}

static void test_freeze__whose_keeper_is_killed_is_ended_by_its_owner(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *mounts = mounts_of(f);
	LF_AUTO_FREE char *note = lf_printf_dup("%s/note", f->dir);
	struct lf_freeze *freeze = NULL;
	int64_t frozen_ns;

	assert_lf_ok(lf_freeze_begin(mounts, LONG_NS, note, &freeze, &err));
	assert_int_equal(access(note, F_OK), 0);
	kill(child_of(getpid()), SIGKILL);
	assert_int_equal(lf_freeze_end(freeze, &frozen_ns, &err), LF_ETIMEOUT);
	assert_true(write_ends(f, 10000));
	assert_int_equal(access(note, F_OK), -1);
}

/* Two disks with one file system, and the same again by the configuration. */
static void test_mounts__lists_each_file_system_once(void **state)
{
	struct fixture *f = *state;
	const char *const disks[] = {f->disk, f->disk};
	LF_AUTO_JSON *extra = json_pack("[s,s]", f->mount, f->mount);
	LF_AUTO_JSON *missing = json_pack("[s]", "/does/not/exist");
	LF_AUTO_JSON *mounts = NULL;
	LF_UNUSED LF_AUTO_JSON *before = mounts_of(f);

	assert_lf_ok(lf_mounts_of(disks, 2, extra, &mounts, &err));
	assert_int_equal(json_array_size(mounts), 1);
	json_decref(lf_steal(&mounts));
	assert_lf_ok(lf_mounts_of(NULL, 0, extra, &mounts, &err));
	assert_int_equal(json_array_size(mounts), 1);
	assert_int_equal(lf_mounts_of(disks, 1, missing, &mounts, &err), LF_ENOTFOUND);
}

/* btrfs has no device number of its own, on one device or on two. */
static void test_mounts__finds_a_btrfs_by_any_of_its_devices(void **state)
{
	struct fixture *f = *state;
	LF_UNUSED LF_AUTO_JSON *before = mounts_of(f);
	LF_AUTO_FREE char *script = lf_printf_dup(
		"set -e; cd %s; truncate -s 128M a b; mkdir m; A=$(losetup -f --show a); "
		"B=$(losetup -f --show b); echo $A >A; echo $B >B; mkfs.btrfs -q -f $A $B; "
		"btrfs device scan $A $B >/dev/null; mount $A m",
		f->dir);
	LF_AUTO_FREE char *undo =
		lf_printf_dup("cd %s; umount m; losetup -d $(cat A) $(cat B)", f->dir);
	const char *const make[] = {"sh", "-c", script, NULL};
	const char *const end[] = {"sh", "-c", undo, NULL};
	struct lf_freeze *freeze = NULL;
	int64_t frozen_ns;

	assert_lf_ok(command(make));
	for (const char *which = "ab"; *which; which++) {
		LF_AUTO_FREE char *file = lf_printf_dup("%s/%c", f->dir, *which);
		LF_AUTO_JSON *mounts = NULL;
		const char *disk = file;
		assert_lf_ok(lf_mounts_of(&disk, 1, NULL, &mounts, &err));
		assert_int_equal(json_array_size(mounts), 1);
		assert_lf_ok(lf_freeze_begin(mounts, LONG_NS, NULL, &freeze, &err));
		assert_int_equal(json_array_size(lf_freeze_unheld(freeze)), 0);
		assert_lf_ok(lf_freeze_end(freeze, &frozen_ns, &err));
	}
	assert_lf_ok(command(end));
}

/* A process that does something and stays until it is killed. */
static pid_t stay(void (*first)(const struct fixture *f), const struct fixture *f)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		first(f);
		_exit(write(ready[1], "r", 1) != 1 || pause());
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void leave_name_space(const struct fixture *f)
{
	const char *const argv[] = {"mount", "--make-rprivate", "/", NULL};

	(void)f;
	if (unshare(CLONE_NEWNS) || command(argv))
		_exit(1);
}

static void test_mounts__finds_what_only_a_container_has_mounted(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *mounts = NULL, *gone = NULL;
	const char *const argv[] = {"umount", f->mount, NULL};

	if (!f->mounted)
		skip();
	pid_t pid = stay(leave_name_space, f);
	assert_lf_ok(command(argv));
	f->mounted = false;
	assert_lf_ok(mounts_on(f, &mounts));
	assert_int_equal(json_array_size(mounts), 1);
	LF_AUTO_FREE char *path = lf_printf_dup("/proc/%ld/root%s", (long)pid, f->mount);
	assert_string_equal(lf_json_text_or(mounts, "0", ""), path);
	struct lf_freeze *freeze;
	int64_t frozen_ns;
	assert_lf_ok(lf_freeze_begin(mounts, LONG_NS, NULL, &freeze, &err));
	assert_lf_ok(lf_freeze_end(freeze, &frozen_ns, &err));
	end(pid);
	assert_lf_ok(mounts_on(f, &gone));
	assert_int_equal(json_array_size(gone), 0);
}

static void open_device(const struct fixture *f)
{
	struct stat st;

	LF_AUTO_FREE char *path =
		stat(f->mount, &st) ? NULL : lf_printf_dup("/dev/loop%u", minor(st.st_dev));
	if (!path || open(path, O_RDWR | O_CLOEXEC) < 0)
		_exit(1);
}

static void test_mounts__names_who_writes_to_a_device_itself(void **state)
{
	struct fixture *f = *state;
	const char *disk = f->disk;
	LF_AUTO_JSON *before = NULL, *writers = NULL;

	if (!f->mounted)
		skip();
	assert_lf_ok(lf_raw_writers(&disk, 1, &before, &err));
	assert_int_equal(json_array_size(before), 0);
	pid_t pid = stay(open_device, f);
	assert_lf_ok(lf_raw_writers(&disk, 1, &writers, &err));
	end(pid);
	assert_int_equal(json_array_size(writers), 1);
	assert_non_null(strstr(lf_json_text_or(writers, "0", ""), " by test_freeze"));
}

static void test_freeze__of_nothing_takes_no_time(void **state)
{
	LF_AUTO_JSON *mounts = json_array();
	struct lf_freeze *freeze = NULL;
	int64_t frozen_ns = -1;

	(void)state;
	assert_lf_ok(lf_freeze_begin(mounts, 0, NULL, &freeze, &err));
	assert_lf_ok(lf_freeze_end(freeze, &frozen_ns, &err));
	assert_int_equal(frozen_ns, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mounts__finds_the_file_system_on_a_loop_device),
		TEST(test_mounts__leaves_a_hidden_mount_point_alone),
		TEST(test_freeze__holds_writes_until_its_end),
		TEST(test_freeze__ends_by_itself_when_its_time_is_up),
		TEST(test_freeze__ends_when_its_owner_is_killed),
		TEST(test_freeze__thaws_all_when_one_cannot_be_frozen),
		TEST(test_freeze__goes_on_without_those_that_have_no_freezing),
		TEST(test_freeze__of_a_run_that_was_killed_whole_is_ended_by_the_next),
		TEST(test_freeze__whose_keeper_is_killed_is_ended_by_its_owner),
		TEST(test_mounts__lists_each_file_system_once),
		TEST(test_mounts__finds_a_btrfs_by_any_of_its_devices),
		TEST(test_mounts__finds_what_only_a_container_has_mounted),
		TEST(test_mounts__names_who_writes_to_a_device_itself),
		cmocka_unit_test(test_freeze__of_nothing_takes_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
