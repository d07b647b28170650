/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that use what we serve, and the signals that end them and us.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "recover/recover.h"

#define READY_MS 50

static int signal_pipe[2] = {-1, -1};

void lf_argv_add(struct lf_argv *argv, const char *fmt, ...)
{
	va_list args;
	char **words = reallocarray(argv->words, argv->count + 2, sizeof(*words));

	if (words)
		argv->words = words;
	va_start(args, fmt);
	if (!words || vasprintf(&words[argv->count], fmt, args) < 0)
		argv->failed = true;
	else
		argv->count++;
	va_end(args);
	if (argv->words)
		argv->words[argv->count] = NULL;
}

int lf_argv_check(const struct lf_argv *argv, struct lf_error *err)
{
	return argv->failed ? lf_fail_nomem(err) : 0;
}

void lf_argv_done(struct lf_argv *argv)
{
	for (size_t i = 0; i < argv->count; i++)
		free(argv->words[i]);
	free(argv->words);
}

static void pass_on(int number)
{
	uint8_t byte = (uint8_t)number;
	int saved = errno;

	if (write(signal_pipe[1], &byte, 1) < 0) {
		/* it is full of signals already */
	}
	errno = saved;
}

int lf_signals_catch(struct lf_error *err)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
	const struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK))
		return lf_fail_sys(err, errno, NULL, "cannot make a pipe");
	for (size_t i = 0; i < LF_N(numbers); i++)
		sigaction(numbers[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

int lf_signal_wait(int ms)
{
	struct pollfd wait = {.fd = signal_pipe[0], .events = POLLIN};
	uint8_t number;

	for (;;) {
		int n = poll(&wait, 1, ms);
		if (n == 0)
			return 0;
		if (n > 0 && read(signal_pipe[0], &number, 1) == 1)
			return number;
	}
}

/* In the child: only what is safe after fork() in a program with threads. */
static void become(char *const *words, int failure_fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_DFL);
	if (getppid() == parent)
		execvp(words[0], words);
	int sys = errno;
	if (write(failure_fd, &sys, sizeof(sys)) < 0)
		_exit(126);
	_exit(127);
}

int lf_child_start(const struct lf_argv *argv, pid_t *ret_pid, struct lf_error *err)
{
	const char *name = argv->words[0];
	pid_t parent = getpid();
	int ends[2], sys = 0;

	if (pipe2(ends, O_CLOEXEC))
		return lf_fail_sys(err, errno, NULL, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0)
		become(argv->words, ends[1], parent);
	sys = pid < 0 ? errno : 0;
	close(ends[1]);
	bool failed = pid < 0 || read(ends[0], &sys, sizeof(sys)) == (ssize_t)sizeof(sys);
	close(ends[0]);
	if (!failed) {
		*ret_pid = pid;
		return 0;
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (sys != ENOENT)
		return lf_fail_sys(err, sys, name, "cannot start %s", name);
	lf_fail(err, LF_ENOTFOUND, name, "program %s is not installed", name);
	return lf_error_hint(err, "install the package that has %s", name);
}

int lf_child_wait(pid_t pid, const char *name, bool (*ready)(void *context), void *context,
		  struct lf_error *err)
{
	bool asked = false;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		int number = lf_signal_wait(ready ? READY_MS : -1);
		if (number && number != SIGCHLD) {
			asked = true;
			kill(pid, SIGTERM);
		}
		if (ready && ready(context))
			ready = NULL;
	}
	if (asked || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return 0;
	if (WIFEXITED(status))
		return lf_fail(err, LF_EIO, name, "%s ended with status %d", name,
			       WEXITSTATUS(status));
	return lf_fail(err, LF_EIO, name, "%s was ended by signal %d", name, WTERMSIG(status));
}

int lf_scratch_make(char **ret_dir, struct lf_error *err)
{
	const char *parent = getenv("TMPDIR");

	if (!parent || !parent[0])
		parent = "/var/tmp";
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/landfall-recover-XXXXXX", parent);
	if (!dir)
		return lf_fail_nomem(err);
	if (!mkdtemp(dir)) {
		lf_fail_sys(err, errno, parent, "cannot make a directory in %s", parent);
		return lf_error_hint(err, "name another place with TMPDIR");
	}
	*ret_dir = lf_steal(&dir);
	return 0;
}

void lf_scratch_remove(char *dir)
{
	struct lf_error ignored;

	if (dir && lf_dir_remove(dir, &ignored))
		fprintf(stderr, "landfall-recover: %s\n", ignored.message);
	free(dir);
}
