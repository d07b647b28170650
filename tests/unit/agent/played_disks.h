/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/agent/played_disks.h - what a test of transfers plays between the agent and its
 * machine: a tracker, writers, bad sectors, and what is asked for while applications are held.
 * Included once, by who is linked with the wrapped functions.
 */
#ifndef LF_PLAYED_DISKS_H
#define LF_PLAYED_DISKS_H

#include <errno.h>

#include "outflow/outflow.h"
#include "source/disk.h"
#include "source/track.h"
#include "test.h"

#define PAGES 3000u /* of the first disk: three windows, nearly */

/* A tracker that the tests tell what was written; -Wl,--wrap. */
static struct {
	bool on;
	uint64_t pages;
	uint64_t bits[PAGES / 64 + 2];
} tracker;

int __wrap_lf_track_open(const char *path, struct lf_track **ret_track, struct lf_error *e);
void __wrap_lf_track_close(struct lf_track *track);
uint64_t __wrap_lf_track_pages(const struct lf_track *track);
size_t __wrap_lf_track_words(const struct lf_track *track);
void __wrap_lf_track_take(struct lf_track *track, uint64_t *bits);

int __wrap_lf_track_open(const char *path, struct lf_track **ret_track, struct lf_error *e)
{
	/* it watches the first disk alone */
	if (!tracker.on || !strstr(path, "first.raw"))
		return lf_fail(e, LF_EUNSUPPORTED, path, "no tracker");
	*ret_track = (struct lf_track *)(void *)&tracker;
	return 0;
}

void __wrap_lf_track_close(struct lf_track *track)
{
	(void)track;
}

uint64_t __wrap_lf_track_pages(const struct lf_track *track)
{
	(void)track;
	return tracker.pages;
}

size_t __wrap_lf_track_words(const struct lf_track *track)
{
	(void)track;
	return (tracker.pages + 63) / 64;
}

void __wrap_lf_track_take(struct lf_track *track, uint64_t *bits)
{
	(void)track;
	for (size_t i = 0; i < (tracker.pages + 63) / 64; i++)
		bits[i] |= tracker.bits[i];
	memset(tracker.bits, 0, sizeof(tracker.bits));
}

/* What takes long, while applications are held: then there is this file; -Wl,--wrap. */
static struct {
	const char *file;
	bool has_window;
	int taken; /* windows, for which the network may be waited for */
	int looks; /* at all that is open */
} held;

static bool is_held(void)
{
	return held.file && access(held.file, F_OK) == 0;
}

int __real_lf_outflow_window(struct lf_outflow *outflow, uint8_t **ret_data, struct lf_error *e);
int __wrap_lf_outflow_window(struct lf_outflow *outflow, uint8_t **ret_data, struct lf_error *e);
int __wrap_lf_outflow_window(struct lf_outflow *outflow, uint8_t **ret_data, struct lf_error *e)
{
	held.taken += !held.has_window && is_held();
	held.has_window = true;
	return __real_lf_outflow_window(outflow, ret_data, e);
}

int __real_lf_outflow_window_end(struct lf_outflow *outflow, uint64_t upto, struct lf_error *e);
int __wrap_lf_outflow_window_end(struct lf_outflow *outflow, uint64_t upto, struct lf_error *e);
int __wrap_lf_outflow_window_end(struct lf_outflow *outflow, uint64_t upto, struct lf_error *e)
{
	held.has_window = false;
	return __real_lf_outflow_window_end(outflow, upto, e);
}

/* Who writes to devices; -Wl,--wrap. */
static const char *writer;

int __wrap_lf_raw_writers(const char *const *disks, size_t n, json_t **ret_writers,
			  struct lf_error *e);
int __wrap_lf_raw_writers(const char *const *disks, size_t n, json_t **ret_writers,
			  struct lf_error *e)
{
	(void)disks, (void)n;
	held.looks += is_held();
	*ret_writers = json_array();
	for (int i = 0; writer && i < 300; i++)
		json_array_append_new(*ret_writers, json_string(writer));
	return *ret_writers ? 0 : lf_fail_nomem(e);
}

/* Pages of the first disk that cannot be read; -Wl,--wrap. */
static struct {
	_Atomic uint64_t page, pages;
} broken;

ssize_t __real_pread64(int fd, void *data, size_t len, off_t offset);
ssize_t __wrap_pread64(int fd, void *data, size_t len, off_t offset);

ssize_t __wrap_pread64(int fd, void *data, size_t len, off_t offset)
{
	uint64_t from = broken.page * 4096, to = from + broken.pages * 4096;
	char link[64], path[512];

	if (broken.pages && (uint64_t)offset < to && (uint64_t)offset + len > from) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(link, path, sizeof(path) - 1);
		path[n > 0 ? n : 0] = '\0';
		if (strstr(path, "first.raw")) {
			errno = EIO;
			return -1;
		}
	}
	return __real_pread64(fd, data, len, offset);
}

#endif
