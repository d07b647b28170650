/* SPDX-License-Identifier: Apache-2.0 */
#include "source/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define MOUNTS_MAX 64

struct lf_freeze {
	pid_t keeper;
	int channel;
	int64_t begun_ns;
	bool empty;
};

/* What the keeper says: after freezing, and after thawing. */
struct word {
	int sys;   /* 0 or errno */
	int which; /* mount that failed */
	int timed_out;
};

static void thaw(const int *fds, int n)
{
	while (n-- > 0)
		ioctl(fds[n], FITHAW, 0);
}

/*
 * The keeper: only async-signal-safe calls, since it is forked from a process
 * with threads.  It freezes, says so, and waits for one byte, the end of the
 * pipe (we died) or the time limit; then it thaws, whatever happened.
 */
static void keep_frozen(int channel, const int *fds, int n, int limit_ms)
{
	struct word word = {0};
	struct pollfd wait = {.fd = channel, .events = POLLIN};
	char byte;
	int frozen = 0;

	while (frozen < n && ioctl(fds[frozen], FIFREEZE, 0) == 0)
		frozen++;
	if (frozen < n) {
		word.sys = errno;
		word.which = frozen;
		thaw(fds, frozen);
		_exit(write(channel, &word, sizeof(word)) < 0);
	}
	bool told = write(channel, &word, sizeof(word)) == sizeof(word) &&
		    poll(&wait, 1, limit_ms) == 1;
	thaw(fds, n);
	/* end of file: nobody is left to tell */
	if (told && read(channel, &byte, 1) != 1)
		_exit(0);
	word.timed_out = !told;
	_exit(write(channel, &word, sizeof(word)) < 0);
}

static int open_mounts(const json_t *mounts, int *fds, int *ret_n, struct lf_error *err)
{
	size_t n = json_array_size(mounts);

	if (n > MOUNTS_MAX)
		return lf_fail(err, LF_EUNSUPPORTED, NULL, "more than %d file systems", MOUNTS_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *path = json_string_value(json_array_get(mounts, i));
		fds[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fds[i] < 0)
			return lf_fail_sys(err, errno, path, "cannot open the mount point %s",
					   path);
		++*ret_n;
	}
	return 0;
}

static int start_keeper(const int *fds, int n, int64_t limit_ns, struct lf_freeze *freeze,
			struct lf_error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return lf_fail_sys(err, errno, NULL, "cannot make a socket pair");
	freeze->keeper = fork();
	if (freeze->keeper == 0) {
		setsid(); /* a signal to our group must not leave file systems frozen */
		signal(SIGPIPE, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		close(ends[0]);
		keep_frozen(ends[1], fds, n, (int)(limit_ns / LF_NS_PER_MS));
	}
	close(ends[1]);
	freeze->channel = ends[0];
	return freeze->keeper < 0 ? lf_fail_sys(err, errno, NULL, "cannot fork") : 0;
}

static void reap(struct lf_freeze *freeze)
{
	if (freeze->channel >= 0)
		close(freeze->channel);
	while (freeze->keeper > 0 && waitpid(freeze->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	free(freeze);
}

/* What the keeper says next; false: it died. */
static bool hear(const struct lf_freeze *freeze, struct word *ret_word)
{
	ssize_t got;

	do
		got = read(freeze->channel, ret_word, sizeof(*ret_word));
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(*ret_word);
}

int lf_freeze_begin(const json_t *mounts, int64_t limit_ns, struct lf_freeze **ret_freeze,
		    struct lf_error *err)
{
	struct lf_freeze *freeze = calloc(1, sizeof(*freeze));
	int fds[MOUNTS_MAX], n = 0;
	struct word word;

	if (!freeze)
		return lf_fail_nomem(err);
	freeze->channel = -1;
	freeze->empty = json_array_size(mounts) == 0;
	int rc = open_mounts(mounts, fds, &n, err);
	if (!rc && !freeze->empty)
		rc = start_keeper(fds, n, limit_ns, freeze, err);
	freeze->begun_ns = lf_clock_monotonic_ns();
	if (!rc && !freeze->empty) {
		if (!hear(freeze, &word))
			rc = lf_fail(err, LF_EINTERNAL, NULL, "the freezing process died");
		else if (word.sys)
			rc = lf_fail_sys(
				err, word.sys,
				json_string_value(json_array_get(mounts, (size_t)word.which)),
				"cannot freeze the file system at %s",
				json_string_value(json_array_get(mounts, (size_t)word.which)));
		if (rc == LF_EIO)
			err->code = rc = LF_EUNSUPPORTED;
	}
	for (int i = 0; i < n; i++)
		close(fds[i]);
	if (rc) {
		reap(freeze);
		return rc;
	}
	*ret_freeze = freeze;
	return 0;
}

int lf_freeze_end(struct lf_freeze *freeze, int64_t *ret_frozen_ns, struct lf_error *err)
{
	struct word word = {0};
	int rc = 0;

	if (!freeze->empty) {
		/* the keeper may be gone since its time was up: no signal for that */
		bool told = send(freeze->channel, "t", 1, MSG_NOSIGNAL) == 1 && hear(freeze, &word);
		if (!told || word.timed_out)
			rc = lf_fail(err, LF_ETIMEOUT, NULL,
				     "the file systems were thawed before all was read");
		*ret_frozen_ns = lf_clock_monotonic_ns() - freeze->begun_ns;
	} else {
		*ret_frozen_ns = 0;
	}
	reap(freeze);
	return rc;
}
