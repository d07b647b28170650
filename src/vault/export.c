/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk to a sparse file: threads take pieces of it in turn; holes are not
 * written at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/file.h"
#include "os/thread.h"
#include "vault/ingest.h"
#include "vault/vault_internal.h"

#define PIECE_BYTES (UINT64_C(8) << 20)
#define THREADS_MAX 8u

struct export
{
	struct lf_vault *vault;
	const struct lf_root *root;
	const char *path;
	int fd;
	uint64_t size;
	lf_progress_fn *progress;
	void *context;
	pthread_mutex_t mutex;
	uint64_t next, done;
	int rc;
	struct lf_error err;
};

static int write_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	const struct export *export = context;
	uint64_t offset = extent->page * LF_PAGE_SIZE, inside = 0;
	uint64_t len = (uint64_t)extent->pages * LF_PAGE_SIZE;
	struct lf_cached *chunk = NULL;

	if (extent->hole || offset >= export->size)
		return 0;
	if (len > export->size - offset)
		len = export->size - offset;
	int rc = lf_vault_get_chunk(export->vault, &extent->chunk, &chunk, err);
	if (rc)
		return rc;
	inside = (uint64_t)extent->chunk_page * LF_PAGE_SIZE;
	if (inside + len > chunk->len)
		rc = lf_fail(err, LF_ECORRUPT, NULL, "an extent reaches past its chunk");
	else
		rc = lf_file_pwrite_all(export->fd, chunk->bytes + inside, len, offset,
					export->path, err);
	lf_cache_release(export->vault->cache, chunk);
	return rc;
}

static void *write_pieces(void *argument)
{
	struct export *export = argument;
	struct lf_error err;

	for (;;) {
		pthread_mutex_lock(&export->mutex);
		uint64_t offset = export->next;
		bool more = !export->rc && offset < export->size;
		export->next += PIECE_BYTES;
		pthread_mutex_unlock(&export->mutex);
		if (!more)
			return NULL;
		int rc = lf_map_walk(export->vault, export->root, offset / LF_PAGE_SIZE,
				     PIECE_BYTES / LF_PAGE_SIZE, write_extent, export, &err);
		LF_GUARD(&export->mutex);
		if (rc && !export->rc) {
			export->rc = rc;
			export->err = err;
		}
		export->done += PIECE_BYTES;
		if (export->progress)
			export->progress(export->context,
					 export->done < export->size ? export->done : export->size,
					 export->size);
	}
}

static int write_file(struct export *export, unsigned threads, struct lf_error *err)
{
	pthread_t others[THREADS_MAX];
	unsigned started = 0;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (!threads)
		threads = processors > 0 ? (unsigned)processors : 1;
	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	if (ftruncate(export->fd, (off_t) export->size))
		return lf_fail_sys(err, errno, export->path, "cannot size %s", export->path);
	while (started + 1 < threads &&
	       pthread_create(&others[started], NULL, write_pieces, export) == 0)
		started++;
	write_pieces(export);
	while (started > 0)
		pthread_join(others[--started], NULL);
	if (export->rc) {
		*err = export->err;
		return export->rc;
	}
	return lf_file_sync(export->fd, export->path, err);
}

int lf_export_file(struct lf_vault *vault, const struct lf_root *root, uint64_t size,
		   const char *path, unsigned threads, lf_progress_fn *progress, void *context,
		   struct lf_error *err)
{
	struct export export = {.vault = vault,
				.root = root,
				.path = path,
				.size = size,
				.progress = progress,
				.context = context};

	export.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (export.fd < 0)
		return lf_fail_sys(err, errno, path, "cannot make %s", path);
	pthread_mutex_init(&export.mutex, NULL);
	int rc = write_file(&export, threads, err);
	pthread_mutex_destroy(&export.mutex);
	close(export.fd);
	if (rc)
		unlink(path); /* half a disk is of no use to anybody */
	return rc ? rc : lf_file_sync_parent(path, err);
}
