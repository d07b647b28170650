/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One watch a disk, from the first session on.  Bits of pages written are
 * taken over by each session; one that fails leaves them pending for the next,
 * one that makes its point clears them.  A restart of the agent loses all of
 * it, and the next session reads the disk.
 */
#include "agent/watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#include "base/log.h"
#include "base/text.h"
#include "source/track.h"

struct lf_watch {
	struct lf_watch *next;
	char id[LF_GUID_SIZE];
	dev_t device;
	uint64_t medium;
	struct lf_track *track; /* NULL: it cannot be tracked */
	uint64_t *pending;	/* handed out, and in no point yet */
	char point[LF_GUID_SIZE];
};

struct lf_watches {
	struct lf_watch *first;
};

int lf_watches_new(struct lf_watches **ret_watches, struct lf_error *err)
{
	*ret_watches = calloc(1, sizeof(**ret_watches));
	return *ret_watches ? 0 : lf_fail_nomem(err);
}

static void stop(struct lf_watch *watch)
{
	if (watch->track)
		lf_watch_bits_free(watch->pending, lf_track_words(watch->track));
	lf_track_close(watch->track);
	watch->track = NULL;
	watch->pending = NULL;
	watch->point[0] = '\0';
}

void lf_watches_free(struct lf_watches *watches)
{
	struct lf_watch *next;

	for (struct lf_watch *watch = watches ? watches->first : NULL; watch; watch = next) {
		next = watch->next;
		stop(watch);
		free(watch);
	}
	free(watches);
}

static struct lf_watch *find(struct lf_watches *watches, const char *id)
{
	struct lf_watch *watch = watches->first;

	while (watch && strcmp(watch->id, id) != 0)
		watch = watch->next;
	if (watch || !(watch = calloc(1, sizeof(*watch))))
		return watch;
	snprintf(watch->id, sizeof(watch->id), "%s", id);
	watch->next = watches->first;
	watches->first = watch;
	return watch;
}

/* What the device's number stands for: a disk that was away, and written elsewhere, comes back
 * with another sequence, a file that was put in its place is another inode.  0 where the kernel
 * (before 5.15) does not count. */
static uint64_t medium_of(const char *path, const struct stat *st)
{
	uint64_t sequence = 0;

	if (!S_ISBLK(st->st_mode))
		return st->st_ino;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		if (ioctl(fd, BLKGETDISKSEQ, &sequence))
			sequence = 0;
		close(fd);
	}
	return sequence;
}

static void start(struct lf_watch *watch, const char *path, dev_t device, uint64_t medium)
{
	struct lf_error err = LF_ERROR_NONE;

	stop(watch);
	watch->device = device;
	watch->medium = medium;
	int rc = lf_track_open(path, &watch->track, &err);
	if (!rc)
		rc = lf_watch_bits_new(lf_track_words(watch->track), &watch->pending, &err);
	if (!rc) {
		lf_info("writes to %s are tracked", path);
		return;
	}
	stop(watch);
	lf_warn("writes to %s are not tracked, each pass reads it whole: %s", path, err.message);
}

struct lf_watch *lf_watches_get(struct lf_watches *watches, const char *id, const char *path,
				uint64_t pages)
{
	struct lf_watch *watch = find(watches, id);
	struct stat st;

	if (!watch || stat(path, &st))
		return NULL;
	dev_t device = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	uint64_t medium = medium_of(path, &st);
	bool resized = watch->track && lf_track_pages(watch->track) != pages;
	if (watch->device != device || watch->medium != medium || resized)
		start(watch, path, device, medium);
	return watch->track && lf_track_pages(watch->track) == pages ? watch : NULL;
}

bool lf_watch_covers(const struct lf_watch *watch, const char *point)
{
	return point[0] && strcmp(watch->point, point) == 0;
}

size_t lf_watch_words(const struct lf_watch *watch)
{
	return lf_track_words(watch->track);
}

void lf_watch_all(struct lf_watch *watch, uint64_t *bits)
{
	size_t words = lf_watch_words(watch);

	lf_track_take(watch->track, watch->pending);
	for (size_t i = 0; i < words; i++)
		if (watch->pending[i])
			bits[i] |= watch->pending[i];
}

/* A session that fails leaves what it took in pending, for the next one. */
void lf_watch_more(struct lf_watch *watch, uint64_t *bits)
{
	uint64_t *fresh = NULL;
	size_t words = lf_watch_words(watch);
	struct lf_error ignored;

	if (lf_watch_bits_new(words, &fresh, &ignored)) { /* more than was asked for will do */
		lf_watch_all(watch, bits);
		return;
	}
	lf_track_take(watch->track, fresh);
	for (size_t i = 0; i < words; i++) {
		if (!fresh[i])
			continue;
		bits[i] |= fresh[i];
		watch->pending[i] |= fresh[i];
	}
	lf_watch_bits_free(fresh, words);
}

void lf_watch_committed(struct lf_watch *watch, const char *point)
{
	lf_watch_bits_clear(watch->pending, lf_watch_words(watch));
	snprintf(watch->point, sizeof(watch->point), "%s", point);
}

int lf_watch_bits_new(size_t words, uint64_t **ret_bits, struct lf_error *err)
{
	void *at = mmap(NULL, words * sizeof(uint64_t), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return lf_fail_nomem(err);
	*ret_bits = at;
	return 0;
}

void lf_watch_bits_clear(uint64_t *bits, size_t words)
{
	if (madvise(bits, words * sizeof(uint64_t), MADV_DONTNEED))
		memset(bits, 0, words * sizeof(uint64_t));
}

void lf_watch_bits_free(uint64_t *bits, size_t words)
{
	if (bits)
		munmap(bits, words * sizeof(uint64_t));
}

uint64_t lf_watch_bits_next(const uint64_t *bits, size_t words, uint64_t from)
{
	size_t i = (size_t)(from / 64);

	if (i >= words)
		return UINT64_MAX;
	uint64_t word = bits[i] & ~UINT64_C(0) << from % 64;
	while (!word && ++i < words)
		word = bits[i];
	return word ? i * 64 + (uint64_t)__builtin_ctzll(word) : UINT64_MAX;
}
