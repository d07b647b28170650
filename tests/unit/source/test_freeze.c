/* SPDX-License-Identifier: Apache-2.0 */
/* Freezes a real ext4 on a loop device; skipped without the rights to make one. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
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

static json_t *mounts_of(struct fixture *f)
{
	json_t *mounts = NULL;

	if (!f->mounted)
		skip();
	assert_lf_ok(lf_mounts_of_disk(f->disk, &mounts, &err));
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
	int rc = lf_mounts_of_disk(f->disk, &mounts, &err);
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
	assert_lf_ok(lf_freeze_begin(mounts, LONG_NS, &freeze, &err));
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

	assert_lf_ok(lf_freeze_begin(mounts, 50 * LF_NS_PER_MS, &freeze, &err));
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
		if (lf_freeze_begin(mounts, LONG_NS, &freeze, &err) || write(ready[1], "r", 1) != 1)
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

	json_array_append_new(mounts, json_string("/proc"));
	assert_int_equal(lf_freeze_begin(mounts, LONG_NS, &freeze, &err), LF_EUNSUPPORTED);
	assert_string_equal(err.target, "/proc");
	assert_true(write_ends(f, 10000));
	json_array_append_new(mounts, json_string("/does/not/exist"));
	assert_int_equal(lf_freeze_begin(mounts, LONG_NS, &freeze, &err), LF_ENOTFOUND);
	assert_true(write_ends(f, 10000));
}

static void test_freeze__of_nothing_takes_no_time(void **state)
{
	LF_AUTO_JSON *mounts = json_array();
	struct lf_freeze *freeze = NULL;
	int64_t frozen_ns = -1;

	(void)state;
	assert_lf_ok(lf_freeze_begin(mounts, 0, &freeze, &err));
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
		cmocka_unit_test(test_freeze__of_nothing_takes_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
