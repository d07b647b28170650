/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk to a sparse file: threads take pieces of it in turn; holes are not
 * written at all.  Data goes past the page cache, where the file system can: a
 * disk is more than it holds; what a format adds goes through it.
 *
 * The file gets its name when it is whole and synced.  Until then it is
 * PATH.part, locked by who writes it: an export that fails or is stopped
 * removes it, a kill leaves it, and the next export of that name begins it anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "image/qcow2.h"
#include "image/vhd.h"
#include "os/file.h"
#include "os/workers.h"
#include "base/lock.h"
#include "vault/flow/ingest.h"
#include "vault/vault_internal.h"

#define PIECE_BYTES (UINT64_C(4) << 20)
#define THREADS_MAX 8u

LF_LOCK_KIND(export_lock);

struct export
{
	struct lf_vault *vault;
	const struct lf_root *root;
	const char *path; /* what it is called when it is whole */
	char *part;	  /* until then */
	bool owned;	  /* we write the part */
	const struct lf_export_opts *opts;
	int data_fd, fd;	/* the same file; data_fd may be O_DIRECT */
	struct lf_qcow2 *qcow2; /* NULL: data lies in the file as on the disk */
	uint64_t size, grain;	/* what is written is whole grains */
	atomic_bool failed;	/* in one of the threads */
	pthread_mutex_t mutex;
	uint64_t next LF_GUARDED_BY(export_lock); /* where nobody has begun yet */
	uint64_t done LF_GUARDED_BY(export_lock);
};

/* One thread's: a piece of the disk, put together in memory. */
struct piece {
	struct export *export;
	uint8_t *bytes;	   /* PIECE_BYTES and room for a chunk behind them */
	uint64_t offset;   /* on the disk */
	uint64_t from, to; /* bytes of the piece that are there and not written yet */
};

static uint64_t grain_begin(const struct piece *piece, uint64_t at)
{
	return at / piece->export->grain * piece->export->grain;
}

static uint64_t grain_end(const struct piece *piece, uint64_t at)
{
	return grain_begin(piece, at + piece->export->grain - 1);
}

static void put_zeroes(struct piece *piece, uint64_t end)
{
	memset(piece->bytes + piece->to, 0, end - piece->to);
	piece->to = end;
}

static int write_run(struct piece *piece, struct lf_error *err)
{
	const struct export *export = piece->export;
	uint64_t offset = piece->offset + piece->from;
	int rc = 0;

	if (piece->from == piece->to)
		return 0;
	put_zeroes(piece, grain_end(piece, piece->to));
	size_t len = piece->to - piece->from;
	if (export->qcow2)
		rc = lf_qcow2_place(export->qcow2, offset, len, &offset, err);
	return rc ? rc
		  : lf_file_pwrite_all(export->data_fd, piece->bytes + piece->from, len, offset,
				       export->path, err);
}

/* To at, over a hole that is written only as far as grains of data reach into it. */
static int skip_hole(struct piece *piece, uint64_t at, struct lf_error *err)
{
	int rc = 0;

	if (piece->from == piece->to || grain_end(piece, piece->to) < grain_begin(piece, at)) {
		rc = write_run(piece, err);
		piece->from = piece->to = grain_begin(piece, at);
	}
	put_zeroes(piece, at);
	return rc;
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
	if (at != piece->to)
		rc = skip_hole(piece, at, err);
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

static int check_stop(const struct export *export, struct lf_error *err)
{
	const atomic_bool *stop = export->opts->stop;

	return stop && atomic_load(stop) ? lf_fail(err, LF_ECANCELED, export->path, "interrupted")
					 : 0;
}

/* False: all are taken, or one has failed. */
static bool take_piece(struct export *export, uint64_t *ret_offset)
{
	LF_GUARD(&export->mutex, export_lock);

	if (atomic_load(&export->failed) || export->next >= export->size)
		return false;
	*ret_offset = export->next;
	export->next += PIECE_BYTES;
	return true;
}

static void note_done(struct export *export)
{
	const struct lf_export_opts *opts = export->opts;
	LF_GUARD(&export->mutex, export_lock);

	export->done += PIECE_BYTES;
	if (opts->progress)
		opts->progress(opts->context,
			       export->done < export->size ? export->done : export->size,
			       export->size);
}

static int write_pieces(void *context, struct lf_error *err)
{
	struct export *export = context;
	LF_AUTO_FREE uint8_t *bytes = aligned_alloc(LF_PAGE_SIZE, PIECE_BYTES + LF_CHUNK_BYTES_MAX);
	struct piece piece = {.export = export, .bytes = bytes};
	uint64_t offset;
	int rc = bytes ? 0 : lf_fail_nomem(err);

	while (!rc && take_piece(export, &offset)) {
		rc = check_stop(export, err);
		if (!rc)
			rc = write_piece(&piece, offset, err);
		if (!rc)
			note_done(export);
	}
	return rc;
}

static int write_all_pieces(struct export *export, struct lf_error *err)
{
	unsigned threads = export->opts->threads;

	if (!threads)
		threads = 2 * lf_processors(); /* half of them write */
	return lf_workers_run(threads < THREADS_MAX ? threads : THREADS_MAX, write_pieces, export,
			      &export->failed, err);
}

/* Data to come, found so far: bytes that follow one another. */
struct reserve {
	const struct export *export;
	uint64_t from, to;
};

static int reserve_run(struct reserve *reserve, struct lf_error *err)
{
	uint64_t len = reserve->to - reserve->from;

	return len ? lf_file_reserve(reserve->export->fd, reserve->from, len, reserve->export->path,
				     err)
		   : 0;
}

static int reserve_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct reserve *reserve = context;
	uint64_t from = extent->page * LF_PAGE_SIZE;
	int rc = 0;

	if (extent->hole || from >= reserve->export->size)
		return 0;
	if (from != reserve->to) {
		rc = reserve_run(reserve, err);
		reserve->from = from;
	}
	reserve->to = from + (uint64_t)extent->pages * LF_PAGE_SIZE;
	return rc;
}

/*
 * Room for all data, before any is written.  A direct write into a hole keeps all others of the
 * file out until it is done, so that a disk would never have more than one to work at; into room
 * that is there, they go side by side.  And a file system that is too small says so at once.
 */
static int reserve_room(const struct export *export, struct lf_error *err)
{
	struct reserve reserve = {.export = export};
	int rc = lf_map_walk(export->vault, export->root, 0,
			     (export->size + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE, reserve_extent,
			     &reserve, err);

	return rc ? rc : reserve_run(&reserve, err);
}

static int set_size(const struct export *export, uint64_t size, struct lf_error *err)
{
	return ftruncate(export->fd, (off_t)size)
		       ? lf_fail_sys(err, errno, export->path, "cannot size %s", export->path)
		       : 0;
}

/* The same disk at any time has the same id: its content's. */
static int put_vhd_footer(const struct export *export, struct lf_error *err)
{
	uint64_t size = lf_vhd_disk_size(export->size);
	uint8_t footer[LF_VHD_FOOTER_SIZE];

	lf_vhd_footer(size, export->root->node.bytes, footer);
	return lf_file_pwrite_all(export->fd, footer, sizeof(footer), size, export->path, err);
}

static int write_file(struct export *export, struct lf_error *err)
{
	enum lf_export_format format = export->opts->format;
	int rc = 0;

	if (format == LF_EXPORT_QCOW2) {
		export->grain = LF_QCOW2_CLUSTER;
		rc = lf_qcow2_new(export->fd, export->path, export->size, &export->qcow2, err);
	} else {
		rc = set_size(export, export->size, err);
		if (!rc)
			rc = reserve_room(export, err);
	}
	if (!rc)
		rc = write_all_pieces(export, err);
	if (rc)
		return rc;
	if (format == LF_EXPORT_QCOW2)
		rc = lf_qcow2_finish(export->qcow2, err);
	else /* the last page may have been written beyond the end */
		rc = set_size(export, export->size, err);
	if (!rc && format == LF_EXPORT_VHD)
		rc = put_vhd_footer(export, err);
	return rc ? rc : lf_file_sync(export->fd, export->path, err);
}

/* What a kill left is ours if nobody has it locked, and it is still what has the name. */
static int lock_part(const struct export *export, struct lf_error *err)
{
	struct stat locked, named;

	if ((flock(export->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) ||
	    fstat(export->fd, &locked) || stat(export->part, &named) ||
	    locked.st_ino != named.st_ino || locked.st_dev != named.st_dev)
		return lf_fail(err, LF_EEXISTS, export->path, "another export writes %s",
			       export->part);
	return 0;
}

/* The part, twice. */
static int open_part(struct export *export, struct lf_error *err)
{
	const char *part = export->part;

	if (access(export->path, F_OK) == 0)
		return lf_fail_sys(err, EEXIST, export->path, "cannot make %s", export->path);
	export->fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (export->fd < 0)
		return lf_fail_sys(err, errno, part, "cannot make %s", part);
	int rc = lock_part(export, err);
	if (rc)
		return rc;
	export->owned = true;
	rc = set_size(export, 0, err);
	export->data_fd = open(part, O_RDWR | O_CLOEXEC | O_DIRECT);
	if (export->data_fd < 0 && errno == EINVAL)
		export->data_fd = open(part, O_RDWR | O_CLOEXEC);
	if (!rc && export->data_fd < 0)
		rc = lf_fail_sys(err, errno, part, "cannot open %s", part);
	return rc;
}

int lf_export_file(struct lf_vault *vault, const struct lf_root *root, uint64_t size,
		   const char *path, const struct lf_export_opts *opts, struct lf_error *err)
{
	LF_AUTO_FREE char *part = lf_printf_dup("%s.part", path);
	struct export export = {.vault = vault,
				.root = root,
				.path = path,
				.part = part,
				.opts = opts,
				.data_fd = -1,
				.fd = -1,
				.size = size,
				.grain = LF_PAGE_SIZE};
	int rc = part ? open_part(&export, err) : lf_fail_nomem(err);

	if (!rc) {
		pthread_mutex_init(&export.mutex, NULL);
		rc = write_file(&export, err);
		pthread_mutex_destroy(&export.mutex);
		lf_qcow2_free(export.qcow2);
	}
	if (!rc)
		rc = check_stop(&export, err);
	if (!rc)
		rc = lf_file_rename_new(part, path, err);
	if (rc && export.owned)
		unlink(part); /* half a disk is of no use to anybody */
	lf_fd_done(&export.data_fd);
	lf_fd_done(&export.fd);
	return rc;
}
