/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order: note, fork, freeze (the keeper), read (the caller), thaw (the keeper),
 * remove the note.  Whoever is killed in between, the file systems go on: the
 * keeper outlives the agent, and if both are killed the note tells the next
 * agent what to thaw.
 */
#include "source/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"

#define MOUNTS_MAX 1024
#define NOTE_MAX   (1u << 20)

enum { HELD = 1, UNHELD = 2 };

struct lf_freeze {
	pid_t keeper;
	int channel;
	int64_t begun_ns;
	char *note;
	uint8_t *states; /* MOUNTS_MAX, shared with the keeper: HELD, UNHELD or 0 */
	json_t *unheld;
	bool empty;
};

/* What the keeper says: after freezing, and after thawing. */
struct word {
	int sys;   /* 0 or errno */
	int which; /* mount that failed */
	int timed_out;
};

static void thaw(const int *fds, const uint8_t *states, int n)
{
	while (n-- > 0)
		if (states[n] == HELD)
			ioctl(fds[n], FITHAW, 0);
}

/* 0 or errno; a file system without freezing (vfat, a pseudo one) goes on, and is said to. */
static int freeze_one(int fd, uint8_t *ret_state)
{
	if (ioctl(fd, FIFREEZE, 0) == 0)
		*ret_state = HELD;
	else if (errno == EOPNOTSUPP || errno == ENOTTY)
		*ret_state = UNHELD;
	else
		return errno;
	return 0;
}

static void write_word(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0) {
		/* the keeper works without it */
	}
	if (fd >= 0)
		close(fd);
}

/* Who ends the agent's control group, or looks for memory, must not find the keeper there. */
static void step_aside(void)
{
	setsid(); /* a signal to our group must not leave file systems frozen */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	write_word("/proc/self/oom_score_adj", "-1000");
	write_word("/sys/fs/cgroup/cgroup.procs", "0");
	write_word("/sys/fs/cgroup/systemd/cgroup.procs", "0");
}

/*
 * The keeper: only async-signal-safe calls, since it is forked from a process
 * with threads.  It freezes, says so, and waits for one byte, the end of the
 * pipe (we died) or the time limit; then it thaws, whatever happened.
 */
static void keep_frozen(int channel, const int *fds, uint8_t *states, int n, int limit_ms)
{
	struct word word = {0};
	struct pollfd wait = {.fd = channel, .events = POLLIN};
	char byte;

	for (int i = 0; !word.sys && i < n; i++) {
		word.sys = freeze_one(fds[i], &states[i]);
		word.which = i;
	}
	if (word.sys) {
		thaw(fds, states, n);
		_exit(write(channel, &word, sizeof(word)) < 0);
	}
	bool told = write(channel, &word, sizeof(word)) == sizeof(word) &&
		    poll(&wait, 1, limit_ms) == 1;
	thaw(fds, states, n);
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
		fds[i] = open(path ? path : "", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fds[i] < 0)
			return lf_fail_sys(err, errno, path, "cannot open the mount point %s",
					   path ? path : "(not a text)");
		++*ret_n;
	}
	return 0;
}

static int write_note(const struct lf_freeze *freeze, const json_t *mounts, struct lf_error *err)
{
	LF_AUTO_FREE char *text = NULL;
	int rc = freeze->note ? lf_json_dump(mounts, &text, err) : 0;

	return rc || !text ? rc
			   : lf_file_write_durable(freeze->note, text, strlen(text), 0600, err);
}

static int start_keeper(const int *fds, int n, int64_t limit_ns, struct lf_freeze *freeze,
			struct lf_error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return lf_fail_sys(err, errno, NULL, "cannot make a socket pair");
	freeze->keeper = fork();
	if (freeze->keeper == 0) {
		step_aside();
		close(ends[0]);
		keep_frozen(ends[1], fds, freeze->states, n, (int)(limit_ns / LF_NS_PER_MS));
	}
	close(ends[1]);
	freeze->channel = ends[0];
	return freeze->keeper < 0 ? lf_fail_sys(err, errno, NULL, "cannot fork") : 0;
}

static void reap(struct lf_freeze *freeze)
{
	struct lf_error ignored;
	int status = 0;

	if (freeze->channel >= 0)
		close(freeze->channel);
	while (freeze->keeper > 0 && waitpid(freeze->keeper, &status, 0) < 0 && errno == EINTR)
		;
	/* a keeper that was killed has thawed nothing */
	if (WIFSIGNALED(status) ? !lf_freeze_recover(freeze->note, &ignored)
				: freeze->note && !lf_file_remove(freeze->note, &ignored))
		free(lf_steal(&freeze->note));
	if (freeze->states)
		munmap(freeze->states, MOUNTS_MAX);
	json_decref(freeze->unheld);
	free(freeze->note);
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

/* What the keeper made of the mounts. */
static int hear_result(struct lf_freeze *freeze, const json_t *mounts, struct lf_error *err)
{
	struct word word;

	if (!hear(freeze, &word))
		return lf_fail(err, LF_EINTERNAL, NULL, "the freezing process died");
	const char *path = json_string_value(json_array_get(mounts, (size_t)word.which));
	if (word.sys == EBUSY) {
		lf_fail(err, LF_ECONFLICT, path, "somebody else holds the file system at %s frozen",
			path);
		return lf_error_hint(err, "end that freeze: fsfreeze --unfreeze %s", path);
	}
	if (word.sys)
		return lf_fail_sys(err, word.sys, path, "cannot freeze the file system at %s",
				   path);
	for (size_t i = 0; i < json_array_size(mounts); i++)
		if (freeze->states[i] == UNHELD &&
		    json_array_append(freeze->unheld, json_array_get(mounts, i)))
			return lf_fail_nomem(err);
	return json_array_size(freeze->unheld) < json_array_size(mounts)
		       ? 0
		       : lf_fail(err, LF_EUNSUPPORTED, path,
				 "none of the file systems can be frozen");
}

static int new_freeze(const char *note, struct lf_freeze **ret_freeze, struct lf_error *err)
{
	struct lf_freeze *freeze = calloc(1, sizeof(*freeze));

	if (!freeze)
		return lf_fail_nomem(err);
	freeze->channel = -1;
	freeze->unheld = json_array();
	freeze->note = note ? strdup(note) : NULL;
	void *shared =
		mmap(NULL, MOUNTS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	freeze->states = shared == MAP_FAILED ? NULL : shared;
	if (!freeze->unheld || !freeze->states || (note && !freeze->note)) {
		reap(freeze);
		return lf_fail_nomem(err);
	}
	*ret_freeze = freeze;
	return 0;
}

int lf_freeze_begin(const json_t *mounts, int64_t limit_ns, const char *note,
		    struct lf_freeze **ret_freeze, struct lf_error *err)
{
	struct lf_freeze *freeze = NULL;
	int fds[MOUNTS_MAX], n = 0;

	int rc = new_freeze(note, &freeze, err);
	if (rc)
		return rc;
	freeze->empty = json_array_size(mounts) == 0;
	rc = open_mounts(mounts, fds, &n, err);
	if (!rc && !freeze->empty)
		rc = write_note(freeze, mounts, err);
	if (!rc && !freeze->empty)
		rc = start_keeper(fds, n, limit_ns, freeze, err);
	freeze->begun_ns = lf_clock_monotonic_ns();
	if (!rc && !freeze->empty)
		rc = hear_result(freeze, mounts, err);
	for (int i = 0; i < n; i++)
		close(fds[i]);
	if (rc) {
		reap(freeze);
		return rc;
	}
	*ret_freeze = freeze;
	return 0;
}

const json_t *lf_freeze_unheld(const struct lf_freeze *freeze)
{
	return freeze->unheld;
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

int lf_freeze_recover(const char *note, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *mounts = NULL;
	size_t i;
	json_t *mount;

	if (!note)
		return 0;
	int rc = lf_file_read(note, NOTE_MAX, &text, err);
	if (rc == LF_ENOTFOUND)
		return 0;
	if (!rc)
		rc = lf_json_parse(lf_buf_text(&text), text.len, &mounts, err);
	if (rc == LF_ENOMEM)
		return rc;
	if (rc) /* it will not get better: whoever starts may not fail each time */
		lf_log_error("the note of what is frozen", err);
	json_array_foreach (mounts, i, mount) {
		const char *path = json_string_value(mount);
		LF_AUTO_FD fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (fd >= 0 && ioctl(fd, FITHAW, 0) == 0)
			lf_warn("thawed %s, which an earlier run left frozen", path);
	}
	return lf_file_remove(note, err);
}
