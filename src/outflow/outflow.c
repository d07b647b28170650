/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows stand in a ring, and threads bring each from stage to stage: hashed
 * and coded (compressed) any of them at any time, asked for and packed one after
 * the other in the order of their numbers.  A thread takes the job that is
 * furthest on.  The pack is closed when it is full, and goes with the extents so
 * far to the carriage.  A kill leaves open packs, whose files the next outflow of
 * the same state directory removes; nothing that was not acknowledged counts.
 */
#include "outflow/outflow.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "extent/wire.h"
#include "os/file.h"
#include "outflow/carriage.h"
#include "outflow/window.h"
#include "vault/pack/footer.h"

#define PACK_FILES    (LF_SINK_CARRIERS + 1) /* the open one, and those under way */
#define PACK_ROOM     ((PACK_FILES + 1) * (uint64_t)LF_PACK_TARGET_BYTES)
#define PACK_CHUNKS   4096u /* a pack is closed then, however small they are */
#define EXTENTS_FLUSH 32768u
#define WINDOWS_AHEAD 4u /* more than threads */
#define WINDOWS_MAX   (LF_OUTFLOW_THREADS_MAX + WINDOWS_AHEAD)

/* chunks that are asked for but not yet the sink's: of the packs and of the ring */
_Static_assert(PACK_FILES *(PACK_CHUNKS + LF_WINDOW_PAGES) + WINDOWS_MAX * LF_WINDOW_PAGES <=
		       LF_SEEN_MAX,
	       "lf_seen holds what is under way");

struct worker {
	struct lf_outflow *outflow;
	pthread_t thread;
	struct lf_chunk_hasher *hasher;
	struct lf_codec *codec;
	uint8_t *scratch;
};

struct lf_outflow {
	struct lf_outflow_opts opts;
	struct lf_carriage *carriage;
	char *pack_files[PACK_FILES]; /* in turns */
	uint8_t *data;		      /* of all windows */
	struct lf_window *windows;
	unsigned n_windows, n_workers, started;
	struct worker workers[LF_OUTFLOW_THREADS_MAX];
	bool filling;  /* the caller has a window, number given + 1 */
	uint64_t upto; /* of what it gives */

	struct lf_seen *seen; /* whoever asks */
	/* whoever packs; the caller when all is packed */
	struct lf_pack_writer *pack;
	uint64_t n_packs;
	size_t packed_chunks;	 /* in the open pack */
	struct lf_parcel parcel; /* the next: what goes with the open pack */

	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool ending LF_GUARDED_BY(outflow_lock);
	/* windows, ever; given changes by the caller alone, who may read it without the lock */
	uint64_t given;
	uint64_t asked LF_GUARDED_BY(outflow_lock);
	uint64_t packed LF_GUARDED_BY(outflow_lock);
	int rc LF_GUARDED_BY(outflow_lock);
	struct lf_error err LF_GUARDED_BY(outflow_lock);
};

static struct lf_window *window_of(const struct lf_outflow *outflow, uint64_t number)
{
	return &outflow->windows[number % outflow->n_windows];
}

/* --- packs --- */

/*
 * Where open packs lie: in memory if there is room, since the state directory
 * may lie on the very disk whose file systems are frozen while we fill the pack.
 */
static char *choose_pack_file(const char *state_dir, unsigned number)
{
	static const char memory[] = "/dev/shm";
	LF_AUTO_FREE char *real = realpath(state_dir, NULL);
	struct statfs fs;
	char name[LF_GUID_SIZE];

	if (!real || statfs(memory, &fs) || fs.f_type != TMPFS_MAGIC ||
	    (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize < PACK_ROOM || access(memory, W_OK))
		return lf_printf_dup("%s/open-%u.pack", state_dir, number);
	lf_guid_derive("open pack", real, name);
	return lf_printf_dup("%s/landfall-agent-%s-%u.pack", memory, name, number);
}

static int open_pack(struct lf_outflow *outflow, struct lf_error *err)
{
	const char *file = outflow->pack_files[outflow->n_packs % PACK_FILES];
	/* it may be of an earlier life; not of a parcel under way, whose files are others */
	int rc = lf_file_remove(file, err);

	if (!rc)
		rc = lf_pack_writer_new(outflow->opts.key, file, &outflow->pack, err);
	outflow->n_packs += !rc;
	return rc;
}

/* The open pack and the extents so far go on their way. */
static int give_parcel(struct lf_outflow *outflow, struct lf_error *err)
{
	struct lf_parcel *parcel = &outflow->parcel;
	int rc = lf_buf_check(&parcel->extents, err);

	parcel->pack_file = "";
	parcel->bytes = 0;
	if (!rc && outflow->pack) {
		rc = lf_pack_writer_finish(outflow->pack, parcel->name, err);
		parcel->pack_file = outflow->pack_files[(outflow->n_packs - 1) % PACK_FILES];
		parcel->bytes = lf_pack_writer_size(outflow->pack);
	}
	if (!rc)
		rc = lf_carriage_give(outflow->carriage, parcel, err);
	if (rc)
		return rc;
	lf_pack_writer_free(lf_steal(&outflow->pack));
	outflow->packed_chunks = 0;
	return 0;
}

static int pack_window(struct lf_outflow *outflow, struct lf_window *window, struct lf_error *err)
{
	struct lf_parcel *parcel = &outflow->parcel;
	size_t wanted = lf_window_wanted(window);
	int rc = wanted && !outflow->pack ? open_pack(outflow, err) : 0;

	if (!rc && wanted)
		rc = lf_window_pack(window, outflow->pack, err);
	if (rc)
		return rc;
	outflow->packed_chunks += wanted;
	lf_buf_append(&parcel->extents, window->extents.data, window->extents.len);
	parcel->upto = window->upto;
	parcel->window = window->number;
	bool full = (outflow->pack && lf_pack_writer_is_full(outflow->pack)) ||
		    outflow->packed_chunks > PACK_CHUNKS ||
		    parcel->extents.len / LF_EXTENT_WIRE_SIZE > EXTENTS_FLUSH;
	return full ? give_parcel(outflow, err) : 0;
}

/* --- threads --- */

/* The window whose next stage is furthest on and may begin; NULL: none. */
static struct lf_window *find_job(const struct lf_outflow *outflow) LF_REQUIRES(outflow_lock);
static struct lf_window *find_job(const struct lf_outflow *outflow)
{
	struct lf_window *packing = window_of(outflow, outflow->packed + 1);
	struct lf_window *asking = window_of(outflow, outflow->asked + 1);

	if (outflow->rc)
		return NULL;
	if (packing->stage == LF_WINDOW_CODED && !packing->busy)
		return packing;
	if (asking->stage == LF_WINDOW_HASHED && !asking->busy &&
	    asking->number == outflow->asked + 1)
		return asking;
	for (uint64_t number = outflow->packed + 1; number <= outflow->given; number++) {
		struct lf_window *window = window_of(outflow, number);
		if (!window->busy &&
		    (window->stage == LF_WINDOW_ASKED || window->stage == LF_WINDOW_GIVEN))
			return window;
	}
	return NULL;
}

static int do_job(struct worker *worker, struct lf_window *window, enum lf_window_stage stage,
		  struct lf_error *err)
{
	struct lf_outflow *outflow = worker->outflow;

	switch (stage) {
	case LF_WINDOW_GIVEN:
		return lf_window_hash(window, worker->hasher, err);
	case LF_WINDOW_HASHED:
		return lf_window_ask(window, outflow->opts.sink, outflow->seen,
				     lf_carriage_window(outflow->carriage), err);
	case LF_WINDOW_ASKED:
		lf_window_code(window, worker->codec, worker->scratch);
		return 0;
	case LF_WINDOW_CODED:
		return pack_window(outflow, window, err);
	case LF_WINDOW_FREE:
		break;
	}
	LF_ASSERT(stage != LF_WINDOW_FREE);
	return 0;
}

static void next_stage(struct lf_outflow *outflow, struct lf_window *window)
	LF_REQUIRES(outflow_lock);
static void next_stage(struct lf_outflow *outflow, struct lf_window *window)
{
	outflow->asked += window->stage == LF_WINDOW_HASHED;
	if (window->stage == LF_WINDOW_CODED) {
		outflow->packed++;
		window->stage = LF_WINDOW_FREE;
	} else {
		window->stage++;
	}
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct lf_outflow *outflow = worker->outflow;

	LF_GUARD(&outflow->mutex, outflow_lock);
	while (!outflow->ending) {
		struct lf_window *window = find_job(outflow);
		struct lf_error err = LF_ERROR_NONE;
		if (!window) {
			pthread_cond_wait(&outflow->changed, &outflow->mutex);
			continue;
		}
		enum lf_window_stage stage = window->stage;
		window->busy = true;
		lf_unlock(&outflow->mutex, outflow_lock);
		int rc = do_job(worker, window, stage, &err);
		lf_lock(&outflow->mutex, outflow_lock);
		window->busy = false;
		if (!rc) {
			next_stage(outflow, window);
		} else if (!outflow->rc) {
			outflow->rc = rc;
			outflow->err = err;
		}
		pthread_cond_broadcast(&outflow->changed);
	}
	return NULL;
}

/* --- its life --- */

static int new_worker(struct lf_outflow *outflow, struct worker *worker, struct lf_error *err)
{
	worker->outflow = outflow;
	worker->scratch = malloc(LF_CHUNK_BYTES_MAX);
	int rc = worker->scratch ? lf_chunk_hasher_new(outflow->opts.key, &worker->hasher, err)
				 : lf_fail_nomem(err);
	if (!rc)
		rc = lf_codec_new(&worker->codec, err);
	int sys = rc ? 0 : pthread_create(&worker->thread, NULL, work, worker);
	if (sys)
		rc = lf_fail_sys(err, sys, NULL, "cannot start a thread");
	outflow->started += !rc;
	return rc;
}

static unsigned thread_count(unsigned asked)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned count = asked ? asked : (processors > 0 ? (unsigned)processors : 1) + 2;

	return count < LF_OUTFLOW_THREADS_MAX ? count : LF_OUTFLOW_THREADS_MAX;
}

static int make_rooms(struct lf_outflow *outflow, struct lf_error *err)
{
	size_t bytes = (size_t)LF_WINDOW_PAGES * LF_PAGE_SIZE;
	bool whole = true;

	outflow->windows = calloc(outflow->n_windows, sizeof(*outflow->windows));
	outflow->data = aligned_alloc(LF_PAGE_SIZE, outflow->n_windows * bytes);
	whole = outflow->windows && outflow->data;
	for (unsigned i = 0; whole && i < outflow->n_windows; i++)
		outflow->windows[i].data = outflow->data + i * bytes;
	for (unsigned i = 0; whole && i < PACK_FILES; i++) {
		outflow->pack_files[i] = choose_pack_file(outflow->opts.state_dir, i);
		whole = outflow->pack_files[i] != NULL;
	}
	return whole ? lf_seen_new(&outflow->seen, err) : lf_fail_nomem(err);
}

int lf_outflow_new(const struct lf_outflow_opts *opts, struct lf_outflow **ret_outflow,
		   struct lf_error *err)
{
	struct lf_outflow *outflow = calloc(1, sizeof(*outflow));

	if (!outflow)
		return lf_fail_nomem(err);
	outflow->opts = *opts;
	outflow->n_workers = thread_count(opts->threads);
	outflow->n_windows = outflow->n_workers + WINDOWS_AHEAD;
	pthread_mutex_init(&outflow->mutex, NULL);
	pthread_cond_init(&outflow->changed, NULL);
	int rc = make_rooms(outflow, err);
	if (!rc)
		rc = lf_carriage_new(opts->sink, opts->bytes_per_second, opts->stop,
				     &outflow->carriage, err);
	for (unsigned i = 0; !rc && i < outflow->n_workers; i++)
		rc = new_worker(outflow, &outflow->workers[i], err);
	if (rc) {
		lf_outflow_free(outflow);
		return rc;
	}
	*ret_outflow = outflow;
	return 0;
}

static void end_workers(struct lf_outflow *outflow)
{
	lf_lock(&outflow->mutex, outflow_lock);
	outflow->ending = true;
	pthread_cond_broadcast(&outflow->changed);
	lf_unlock(&outflow->mutex, outflow_lock);
	for (unsigned i = 0; i < outflow->started; i++)
		pthread_join(outflow->workers[i].thread, NULL);
	for (unsigned i = 0; i < outflow->n_workers; i++) {
		lf_chunk_hasher_free(outflow->workers[i].hasher);
		lf_codec_free(outflow->workers[i].codec);
		free(outflow->workers[i].scratch);
	}
}

void lf_outflow_free(struct lf_outflow *outflow)
{
	struct lf_error ignored;

	if (!outflow)
		return;
	end_workers(outflow);
	lf_carriage_free(outflow->carriage);
	lf_pack_writer_free(outflow->pack);
	lf_seen_free(outflow->seen);
	lf_buf_done(&outflow->parcel.extents);
	for (unsigned i = 0; outflow->windows && i < outflow->n_windows; i++)
		lf_buf_done(&outflow->windows[i].extents);
	for (unsigned i = 0; i < PACK_FILES; i++) {
		if (outflow->pack_files[i] && lf_file_remove(outflow->pack_files[i], &ignored))
			lf_log_error("an open pack", &ignored);
		free(outflow->pack_files[i]);
	}
	free(outflow->windows);
	free(outflow->data);
	pthread_cond_destroy(&outflow->changed);
	pthread_mutex_destroy(&outflow->mutex);
	free(outflow);
}

/* --- the caller --- */

/* Until at most so many windows are under way. */
static int wait_for(struct lf_outflow *outflow, uint64_t under_way, struct lf_error *err)
	LF_REQUIRES(outflow_lock);
static int wait_for(struct lf_outflow *outflow, uint64_t under_way, struct lf_error *err)
{
	while (!outflow->rc && outflow->given - outflow->packed > under_way)
		pthread_cond_wait(&outflow->changed, &outflow->mutex);
	if (outflow->rc)
		*err = outflow->err;
	return outflow->rc;
}

int lf_outflow_window(struct lf_outflow *outflow, uint8_t **ret_data, struct lf_error *err)
{
	struct lf_window *window = window_of(outflow, outflow->given + 1);

	LF_GUARD(&outflow->mutex, outflow_lock);
	int rc = wait_for(outflow, outflow->n_windows - 1, err);
	if (rc)
		return rc;
	if (!outflow->filling) {
		window->number = outflow->given + 1;
		window->n = 0;
		lf_buf_clear(&window->extents);
		outflow->filling = true;
	}
	*ret_data = window->data;
	return 0;
}

int lf_outflow_run(struct lf_outflow *outflow, uint64_t page, uint32_t pages, uint8_t *data,
		   struct lf_error *err)
{
	uint8_t *room;
	int rc = outflow->filling ? 0 : lf_outflow_window(outflow, &room, err);

	if (!rc)
		lf_window_add(window_of(outflow, outflow->given + 1), page, pages, data);
	return rc;
}

int lf_outflow_window_end(struct lf_outflow *outflow, uint64_t upto, struct lf_error *err)
{
	uint8_t *room;
	int rc = lf_outflow_window(outflow, &room, err);

	if (rc)
		return rc;
	LF_GUARD(&outflow->mutex, outflow_lock);
	struct lf_window *window = window_of(outflow, ++outflow->given);
	window->upto = outflow->upto = upto;
	window->stage = LF_WINDOW_GIVEN;
	outflow->filling = false;
	pthread_cond_broadcast(&outflow->changed);
	return 0;
}

static int wait_packed(struct lf_outflow *outflow, struct lf_error *err)
{
	LF_GUARD(&outflow->mutex, outflow_lock);

	return wait_for(outflow, 0, err);
}

/* Every later call says it, too: the pack that was not given is closed. */
static int keep_failure(struct lf_outflow *outflow, const struct lf_error *err)
{
	LF_GUARD(&outflow->mutex, outflow_lock);
	if (!outflow->rc) {
		outflow->rc = err->code;
		outflow->err = *err;
	}
	return err->code;
}

int lf_outflow_flush(struct lf_outflow *outflow, struct lf_error *err)
{
	bool rest = outflow->filling && window_of(outflow, outflow->given + 1)->extents.len;
	int rc = rest ? lf_outflow_window_end(outflow, outflow->upto, err) : 0;

	if (!rc)
		rc = wait_packed(outflow, err);
	if (rc)
		return rc;
	outflow->parcel.upto = outflow->upto;
	rc = give_parcel(outflow, err);
	if (!rc)
		rc = lf_carriage_wait(outflow->carriage, err);
	return rc ? keep_failure(outflow, err) : 0;
}

int lf_outflow_disk(struct lf_outflow *outflow, const char *disk, uint64_t upto,
		    struct lf_error *err)
{
	struct lf_parcel *parcel = &outflow->parcel;
	bool other = strcmp(parcel->disk, disk) != 0;
	int rc = 0;

	if (other && parcel->disk[0])
		rc = lf_outflow_flush(outflow, err);
	if (!rc && other)
		snprintf(parcel->disk, sizeof(parcel->disk), "%s", disk);
	outflow->upto = upto;
	return rc;
}

uint64_t lf_outflow_acknowledged(const struct lf_outflow *outflow)
{
	return lf_carriage_upto(outflow->carriage, outflow->parcel.disk);
}

uint64_t lf_outflow_sent(const struct lf_outflow *outflow)
{
	return lf_carriage_sent(outflow->carriage);
}

unsigned lf_outflow_windows(const struct lf_outflow *outflow)
{
	return outflow->n_windows;
}
