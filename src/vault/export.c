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

#define PIECE_BYTES (UINT64_C(4) << 20)
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

/* One thread's: a piece of the disk, put together in memory. */
struct piece {
	struct export *export;
	uint8_t *bytes;	   /* PIECE_BYTES and room for a chunk behind them */
	uint64_t offset;   /* on the disk */
	uint64_t from, to; /* bytes of the piece that are there and not written yet */
};

static int write_run(struct piece *piece, struct lf_error *err)
{
	const struct export *export = piece->export;
	uint64_t offset = piece->offset + piece->from, len = piece->to - piece->from;

	return len ? lf_file_pwrite_all(export->fd, piece->bytes + piece->from, len, offset,
					export->path, err)
		   : 0;
}

/* A chunk that is here as a whole is decompressed into its place; of others a part is copied. */
static int load_extent(struct piece *piece, const struct lf_extent *extent, struct lf_error *err)
{
	struct lf_vault *vault = piece->export->vault;
	uint8_t *out = piece->bytes + piece->to;
	size_t len = (size_t)extent->pages * LF_PAGE_SIZE;
	size_t inside = (size_t)extent->chunk_page * LF_PAGE_SIZE;
	struct lf_cached *chunk = NULL;
	struct lf_place place;
	uint32_t plain = 0;
	int rc;

	if (!extent->chunk_page && lf_index_find(vault->index, &extent->chunk, 0, &place) &&
	    place.entry.plain == len) {
		rc = lf_vault_load_chunk(vault, &extent->chunk, out, &plain, err);
		if (rc || plain == len)
			return rc;
	}
	rc = lf_vault_get_chunk(vault, &extent->chunk, &chunk, err);
	if (rc)
		return rc;
	if (inside + len > chunk->len)
		rc = lf_fail(err, LF_ECORRUPT, NULL, "an extent reaches past its chunk");
	else
		memcpy(out, chunk->bytes + inside, len);
	lf_cache_release(vault->cache, chunk);
	return rc;
}

static int put_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct piece *piece = context;
	uint64_t at = extent->page * LF_PAGE_SIZE - piece->offset;
	int rc = 0;

	if (extent->hole || piece->offset + at >= piece->export->size)
		return 0;
	if (at != piece->to) {
		rc = write_run(piece, err);
		piece->from = piece->to = at;
	}
	if (!rc)
		rc = load_extent(piece, extent, err);
	piece->to += (uint64_t)extent->pages * LF_PAGE_SIZE;
	return rc;
}

static int write_piece(struct piece *piece, uint64_t offset, struct lf_error *err)
{
	const struct export *export = piece->export;

	piece->offset = offset;
	piece->from = piece->to = 0;
	int rc = lf_map_walk(export->vault, export->root, offset / LF_PAGE_SIZE,
			     PIECE_BYTES / LF_PAGE_SIZE, put_extent, piece, err);
	return rc ? rc : write_run(piece, err);
}

static void *write_pieces(void *argument)
{
	struct export *export = argument;
	struct piece piece = {
		.export = export,
		.bytes = aligned_alloc(LF_PAGE_SIZE, PIECE_BYTES + LF_CHUNK_BYTES_MAX)};
	struct lf_error err;

	for (bool more = true; more;) {
		pthread_mutex_lock(&export->mutex);
		uint64_t offset = export->next;
		more = !export->rc && offset < export->size;
		export->next += PIECE_BYTES;
		pthread_mutex_unlock(&export->mutex);
		if (!more)
			break;
		int rc = piece.bytes ? write_piece(&piece, offset, &err) : lf_fail_nomem(&err);
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
	free(piece.bytes);
	return NULL;
}

static int write_file(struct export *export, unsigned threads, struct lf_error *err)
{
	pthread_t others[THREADS_MAX];
	unsigned started = 0;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (!threads)
		threads = processors > 0 ? 2 * (unsigned)processors : 2; /* half of them write */
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
	/* the last page may have been written beyond the end */
	if (ftruncate(export->fd, (off_t) export->size))
		return lf_fail_sys(err, errno, export->path, "cannot size %s", export->path);
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

	/* past the page cache, where the file system can: a disk is more than it holds */
	export.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_DIRECT, 0600);
	if (export.fd < 0 && errno == EINVAL)
		export.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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
