/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs by posix_spawn, without a shell.  One that is run to its end has a
 * time limit and is killed past it.  One that outlives us gets a session of
 * its own and a log, and is found again by its pid file and a marker in its
 * command line: a pid alone may be somebody else's by then.
 */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "os/file.h"

#define OUTPUT_MAX (1 << 20) /* more than any tool we run prints; the rest is read and dropped */

#define COMMAND_LINE_LIMIT_NS LF_NS_PER_S
#define PID_FILE_MAX	      64
#define STAT_MAX	      4096
#define GROUP_LOOK_MS	      5
#define GROUP_GRACE_NS	      LF_NS_PER_S

extern char **environ;

/* env NULL: our environment, directory and descriptors, and the signals that we ignore are ignored.
 */
static int spawn(const char *const *argv, const char *const *env, int output, bool new_session,
		 pid_t *ret_pid, struct lf_error *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, 1);
	posix_spawn_file_actions_adddup2(&actions, output, 2);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	short flags = POSIX_SPAWN_SETSIGMASK;
	if (new_session)
		flags |= POSIX_SPAWN_SETSID;
	if (env) {
		posix_spawn_file_actions_addchdir_np(&actions, "/");
		posix_spawn_file_actions_addclosefrom_np(&actions, 3);
		sigfillset(&all);
		posix_spawnattr_setsigdefault(&attr, &all);
		flags |= POSIX_SPAWN_SETSIGDEF;
	}
	posix_spawnattr_setflags(&attr, flags);
	int rc = posix_spawnp(ret_pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv,
			      env ? (char *const *)(uintptr_t)env : environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (rc == ENOENT) {
		lf_fail(err, LF_ENOTFOUND, argv[0], "program %s is not installed", argv[0]);
		return lf_error_hint(err, "install the package that has %s", argv[0]);
	}
	return rc ? lf_fail_sys(err, rc, argv[0], "cannot start %s", argv[0]) : 0;
}

/* Read until the other side closes or time is up; false: time is up. */
static bool collect_output(int fd, int64_t end_ns, struct lf_buf *output)
{
	char block[4096];

	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int64_t left_ns = end_ns - lf_clock_monotonic_ns();
		int n = left_ns > 0 ? poll(&wait, 1, (int)(left_ns / LF_NS_PER_MS) + 1) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		ssize_t got = read(fd, block, sizeof(block));
		if (got <= 0)
			return true;
		if (output->len < OUTPUT_MAX)
			lf_buf_append(output, block, (size_t)got);
	}
}

static const char *last_line(struct lf_buf *output)
{
	while (output->len && output->data[output->len - 1] == '\n')
		output->data[--output->len] = '\0';
	const char *newline = output->len ? strrchr(output->data, '\n') : NULL;
	return newline ? newline + 1 : lf_buf_text(output);
}

int lf_process_run(const char *const *argv, int64_t timeout_ns, struct lf_buf *output,
		   struct lf_error *err)
{
	LF_AUTO_BUF own = LF_BUF_INIT;
	struct lf_buf *out = output ? output : &own;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return lf_fail_sys(err, errno, argv[0], "cannot make a pipe");
	LF_AUTO_FD reader = ends[0];
	int rc = spawn(argv, NULL, ends[1], false, &pid, err);
	close(ends[1]);
	if (rc)
		return rc;
	bool in_time = collect_output(reader, lf_clock_monotonic_ns() + timeout_ns, out);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!in_time)
		return lf_fail(err, LF_ETIMEOUT, argv[0], "%s took longer than %lld s", argv[0],
			       (long long)(timeout_ns / LF_NS_PER_S));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return lf_fail(err, LF_EIO, argv[0], "%s failed: %.400s", argv[0], last_line(out));
	return 0;
}

/* Its status stays to be waited for, which keeps the number of the process and its group. */
static bool has_ended(pid_t pid, siginfo_t *ret_info)
{
	*ret_info = (siginfo_t){0};
	return waitid(P_PID, (id_t)pid, ret_info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       ret_info->si_pid == pid;
}

/* How a program ended is in what it said last. */
static void keep_last(struct lf_buf *output, size_t max)
{
	if (output->len <= max)
		return;
	memmove(output->data, output->data + output->len - max, max);
	output->len = max;
	output->data[max] = '\0';
}

/* What is there to read, but no more than a pipe holds: who writes all the time holds nobody up.
 * false: the other side is closed. */
static bool drain(int fd, struct lf_buf *output, size_t output_max)
{
	char block[4096];

	for (int i = 0; i < 16; i++) {
		ssize_t got = read(fd, block, sizeof(block));
		if (got < 0)
			return errno == EAGAIN || errno == EINTR;
		if (got == 0)
			return false;
		lf_buf_append(output, block, (size_t)got);
		keep_last(output, output_max);
	}
	return true;
}

/* Until the process ends or time is up; false: time is up. */
static bool follow(pid_t pid, int fd, int64_t end_ns, struct lf_buf *output, size_t output_max,
		   siginfo_t *ret_info)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	for (;;) {
		bool ended = has_ended(pid, ret_info);
		if (wait.fd >= 0 && !drain(fd, output, output_max))
			wait.fd = -1;
		if (ended || lf_clock_monotonic_ns() >= end_ns)
			return ended;
		poll(&wait, 1, GROUP_LOOK_MS);
	}
}

/* Is it a process of the group that has not ended?  /proc/PID/stat: PID (COMMAND) STATE PPID PGRP,
 * where the command may be anything. */
static int look_at_process(void *context, const char *name, struct lf_error *err)
{
	char path[300], state;
	LF_AUTO_BUF text = LF_BUF_INIT;
	int group;

	snprintf(path, sizeof(path), "/proc/%s/stat", name);
	if (name[0] < '0' || name[0] > '9' || lf_file_read(path, STAT_MAX, &text, err))
		return 0;
	const char *after = strrchr(lf_buf_text(&text), ')');
	if (!after || sscanf(after, ") %c %*d %d", &state, &group) != 2)
		return 0;
	return group == *(const pid_t *)context && state != 'Z' && state != 'X';
}

/* SIGTERM, and until all of it has ended, but a second at most. */
static void ask_to_end(pid_t group)
{
	const struct timespec pause = {.tv_nsec = 2 * GROUP_LOOK_MS * LF_NS_PER_MS};
	int64_t end_ns = lf_clock_monotonic_ns() + GROUP_GRACE_NS;
	struct lf_error ignored;

	kill(-group, SIGTERM);
	while (lf_dir_list("/proc", look_at_process, &group, &ignored) > 0 &&
	       lf_clock_monotonic_ns() < end_ns)
		nanosleep(&pause, NULL);
}

static void *reap(void *argument)
{
	pid_t pid = (pid_t)(intptr_t)argument;

	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return NULL;
}

void lf_group_end(pid_t group)
{
	const struct timespec pause = {.tv_nsec = GROUP_LOOK_MS * LF_NS_PER_MS};
	int64_t end_ns = lf_clock_monotonic_ns() + GROUP_GRACE_NS;
	pthread_t thread;
	pid_t ended;

	kill(-group, SIGKILL);
	while ((ended = waitpid(group, NULL, WNOHANG)) == 0 && lf_clock_monotonic_ns() < end_ns)
		nanosleep(&pause, NULL);
	/* one that waits for a disk that does not answer ends when it does */
	if (!ended && pthread_create(&thread, NULL, reap, (void *)(intptr_t)group) == 0)
		pthread_detach(thread);
}

int lf_group_run(const char *const *argv, const char *const *env, int64_t timeout_ns,
		 struct lf_buf *output, size_t output_max, pid_t *ret_group, struct lf_error *err)
{
	siginfo_t info;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return lf_fail_sys(err, errno, argv[0], "cannot make a pipe");
	LF_AUTO_FD reader = ends[0];
	int rc = fcntl(reader, F_SETFL, O_NONBLOCK) ? lf_fail_sys(err, errno, argv[0], "fcntl")
						    : spawn(argv, env, ends[1], true, &pid, err);
	close(ends[1]);
	if (rc)
		return rc;
	int64_t end_ns = lf_clock_monotonic_ns() + timeout_ns;
	bool in_time = follow(pid, reader, end_ns, output, output_max, &info);
	if (in_time && info.si_code == CLD_EXITED && info.si_status == 0) {
		*ret_group = pid;
		return 0;
	}
	ask_to_end(pid);
	drain(reader, output, output_max);
	lf_group_end(pid);
	return !in_time ? lf_fail(err, LF_ETIMEOUT, argv[0], "%s took longer than %lld ms", argv[0],
				  (long long)(timeout_ns / LF_NS_PER_MS))
			: lf_fail(err, LF_EIO, argv[0], "%s failed: %.400s", argv[0],
				  last_line(output));
}

/*
 * The spawn returns while exec is still under way, when the child's command
 * line is empty: until it shows, lf_process_is() and lf_process_stop() would
 * take the child for gone.
 */
static void wait_for_command_line(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = LF_NS_PER_MS / 10};
	int64_t end = lf_clock_monotonic_ns() + COMMAND_LINE_LIMIT_NS;
	siginfo_t info = {0};

	while (!lf_process_is(pid, "") && lf_clock_monotonic_ns() < end) {
		/* ended already: a zombie has no command line either */
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid)
			return;
		nanosleep(&pause, NULL);
	}
}

int lf_process_start_detached(const char *const *argv, const char *log_path, pid_t *ret_pid,
			      struct lf_error *err)
{
	LF_AUTO_FD log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pthread_t thread;
	pid_t pid;

	if (log < 0)
		return lf_fail_sys(err, errno, log_path, "cannot open %s", log_path);
	int rc = spawn(argv, NULL, log, true, &pid, err);
	if (rc)
		return rc;
	wait_for_command_line(pid);
	/* without a reaper the child stays a zombie, which harms nobody but the process table */
	if (pthread_create(&thread, NULL, reap, (void *)(intptr_t)pid) == 0)
		pthread_detach(thread);
	*ret_pid = pid;
	return 0;
}

int lf_pid_read(const char *path, pid_t *ret_pid, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	uint64_t pid;

	int rc = lf_file_read(path, PID_FILE_MAX, &text, err);
	if (rc)
		return rc;
	if (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	rc = lf_parse_u64(lf_buf_text(&text), 1, INT32_MAX, &pid, err);
	if (!rc)
		*ret_pid = (pid_t)pid;
	return rc;
}

bool lf_process_is(pid_t pid, const char *marker)
{
	char path[64];
	struct lf_error err;
	LF_AUTO_BUF line = LF_BUF_INIT;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (pid <= 0 || lf_file_read(path, OUTPUT_MAX, &line, &err))
		return false;
	for (size_t i = 0; i < line.len; i++)
		if (!line.data[i])
			line.data[i] = ' ';
	return line.len && strstr(line.data, marker);
}

int lf_process_stop(pid_t pid, const char *marker, int64_t grace_ns, struct lf_error *err)
{
	int64_t end = lf_clock_monotonic_ns() + grace_ns;
	const struct timespec pause = {.tv_nsec = 20 * LF_NS_PER_MS};

	for (bool killed = false; lf_process_is(pid, marker);) {
		bool late = lf_clock_monotonic_ns() > end;
		if (late && killed)
			return lf_fail(err, LF_ETIMEOUT, marker, "process %d does not end",
				       (int)pid);
		if (kill(pid, late ? SIGKILL : SIGTERM) && errno != ESRCH)
			return lf_fail_sys(err, errno, marker, "cannot stop process %d", (int)pid);
		if (late) {
			killed = true;
			end += 5 * LF_NS_PER_S;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

unsigned lf_descriptors_raise(unsigned max)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 256; /* as few as any system has */
	rlim_t wanted = limit.rlim_max < max ? limit.rlim_max : max;
	const struct rlimit more = {.rlim_cur = wanted, .rlim_max = limit.rlim_max};
	if (limit.rlim_cur < wanted && setrlimit(RLIMIT_NOFILE, &more) == 0)
		limit = more;
	return limit.rlim_cur < max ? (unsigned)limit.rlim_cur : max;
}
