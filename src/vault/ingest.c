/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of an ingest and the order between them.  What one thread does
 * with a segment is in segment.c.
 */
#include "vault/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "os/file.h"
#include "os/thread.h"
#include "vault/segment.h"

#define THREADS_MAX 16u

static int disk_size(int fd, const char *path, uint64_t *ret_size, struct lf_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot look at %s", path);
	*ret_size = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, ret_size))
		return lf_fail_sys(err, errno, path, "cannot ask the size of %s", path);
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return lf_fail(err, LF_EINVAL, path, "%s is neither a file nor a block device",
			       path);
	return 0;
}

static void ingest_done(struct lf_ingest *ingest)
{
	for (size_t i = 0; i < LF_SEGMENT_WINDOW; i++)
		free(ingest->window[i].extents);
	lf_map_edit_free(ingest->edit);
	lf_fd_done(&ingest->fd);
	pthread_mutex_destroy(&ingest->reserving);
	pthread_mutex_destroy(&ingest->ordering);
	pthread_cond_destroy(&ingest->moved);
}

/* The next segment with work, when the window has room for it; false: no more. */
static bool next_segment(struct lf_ingest *ingest, uint64_t *ret_segment)
{
	LF_GUARD(&ingest->ordering);

	while (!ingest->rc && ingest->next < ingest->segments &&
	       ingest->next >= ingest->merged + LF_SEGMENT_WINDOW)
		pthread_cond_wait(&ingest->moved, &ingest->ordering);
	if (ingest->rc || ingest->next >= ingest->segments)
		return false;
	*ret_segment = ingest->next++;
	return true;
}

static int put_extents(struct lf_ingest *ingest, struct lf_segment *segment, struct lf_error *err)
{
	for (size_t i = 0; i < segment->count; i++) {
		int rc = lf_map_edit_put(ingest->edit, &segment->extents[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Hand a segment's extents over, and put in all that are next in order. */
static int deliver_segment(struct lf_ingest *ingest, uint64_t number, struct lf_segment *done,
			   struct lf_error *err)
{
	LF_GUARD(&ingest->ordering);
	int rc = 0;

	ingest->window[number % LF_SEGMENT_WINDOW] = *done;
	*done = (struct lf_segment){0};
	for (;;) {
		struct lf_segment *segment = &ingest->window[ingest->merged % LF_SEGMENT_WINDOW];
		if (rc || ingest->merged >= ingest->segments || !segment->ready)
			break;
		rc = put_extents(ingest, segment, err);
		free(segment->extents);
		*segment = (struct lf_segment){0};
		ingest->merged++;
	}
	if (ingest->opts->progress)
		ingest->opts->progress(ingest->opts->context,
				       ingest->merged * LF_SEGMENT_BYTES < ingest->size
					       ? ingest->merged * LF_SEGMENT_BYTES
					       : ingest->size,
				       ingest->size);
	pthread_cond_broadcast(&ingest->moved);
	return rc;
}

static void *ingest_segments(void *argument)
{
	struct lf_segment_worker *worker = argument;
	struct lf_ingest *ingest = worker->ingest;
	struct lf_error err = LF_ERROR_NONE;
	uint64_t number = 0;
	int rc = 0;

	while (!rc && next_segment(ingest, &number)) {
		struct lf_segment segment = {.ready = true};
		rc = lf_segment_read(worker, number, &segment, &err);
		if (!rc)
			rc = deliver_segment(ingest, number, &segment, &err);
		free(segment.extents);
	}
	if (!rc)
		rc = lf_segment_close_pack(worker, &err);
	LF_GUARD(&ingest->ordering);
	ingest->read_bytes += worker->read_bytes;
	ingest->new_bytes += worker->new_bytes;
	ingest->chunks += worker->chunks;
	if (rc && !ingest->rc) {
		ingest->rc = rc;
		ingest->err = err;
	}
	pthread_cond_broadcast(&ingest->moved);
	return NULL;
}

static int run_workers(struct lf_ingest *ingest, unsigned count, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_segment_worker *workers = calloc(count, sizeof(*workers));
	pthread_t threads[THREADS_MAX];
	unsigned begun = 0, started = 0;
	int rc = workers ? 0 : lf_fail_nomem(err);

	ingest->workers = workers;
	while (!rc && begun < count) {
		rc = lf_segment_worker_begin(&workers[begun], ingest, err);
		ingest->worker_count = ++begun;
	}
	while (!rc && started + 1 < count &&
	       pthread_create(&threads[started], NULL, ingest_segments, &workers[started + 1]) == 0)
		started++;
	if (!rc)
		ingest_segments(&workers[0]);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	while (begun > 0)
		lf_segment_worker_done(&workers[--begun]);
	if (!rc && ingest->rc) {
		rc = ingest->rc;
		*err = ingest->err;
	}
	return rc;
}

static unsigned thread_count(unsigned asked)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned count = asked ? asked : processors > 0 ? (unsigned)processors : 1;

	return count < THREADS_MAX ? count : THREADS_MAX;
}

static int ingest_disk(struct lf_ingest *ingest, struct lf_root *ret_root, struct lf_error *err)
{
	const struct lf_ingest_opts *opts = ingest->opts;
	struct lf_vault *vault = ingest->vault;
	int rc = disk_size(ingest->fd, opts->path, &ingest->size, err);

	if (rc)
		return rc;
	(void)posix_fadvise(ingest->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	ingest->segments = (ingest->size + LF_SEGMENT_BYTES - 1) / LF_SEGMENT_BYTES;
	rc = lf_map_edit_begin(vault, opts->changed ? opts->base : NULL, &ingest->edit, err);
	if (!rc && opts->changed)
		rc = lf_map_edit_truncate(ingest->edit,
					  (ingest->size + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE, err);
	if (!rc)
		rc = run_workers(ingest, thread_count(opts->threads), err);
	LF_CRASH_POINT("vault-ingest-read");
	return rc ? rc : lf_map_edit_commit(ingest->edit, ret_root, err);
}

int lf_ingest(struct lf_vault *vault, const struct lf_ingest_opts *opts,
	      struct lf_ingest_result *ret_result, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_ingest *ingest = calloc(1, sizeof(*ingest));
	struct lf_root root;
	int rc = lf_vault_writable(vault, err);

	if (rc)
		return rc;
	if (!ingest)
		return lf_fail_nomem(err);
	pthread_mutex_init(&ingest->reserving, NULL);
	pthread_mutex_init(&ingest->ordering, NULL);
	pthread_cond_init(&ingest->moved, NULL);
	ingest->vault = vault;
	ingest->opts = opts;
	uint64_t stored = atomic_load(&vault->adopted_bytes);
	ingest->fd = open(opts->path, O_RDONLY | O_CLOEXEC);
	rc = ingest->fd < 0 ? lf_fail_sys(err, errno, opts->path, "cannot open %s", opts->path)
			    : ingest_disk(ingest, &root, err);
	if (!rc)
		*ret_result = (struct lf_ingest_result){
			.root = root,
			.size_bytes = ingest->size,
			.read_bytes = ingest->read_bytes,
			.new_bytes = ingest->new_bytes,
			.stored_bytes = atomic_load(&vault->adopted_bytes) - stored,
			.chunks = ingest->chunks};
	ingest_done(ingest);
	return rc;
}
