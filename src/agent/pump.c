/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pump.h"

#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <unistd.h>

#include "agent/upload.h"
#include "base/log.h"
#include "base/text.h"
#include "extent/wire.h"
#include "os/file.h"

#define EXTENTS_FLUSH 32768u
#define PACK_ROOM     (4 * (uint64_t)LF_PACK_TARGET_BYTES)
#define SEEN_SLOTS    8192u /* ids in the open pack; a pack of 4 KiB chunks has 4096 and more */

struct waiting {
	struct lf_chunk_id id;
	const void *data;
	size_t len;
};

struct lf_pump {
	struct lf_pump_opts opts;
	struct lf_chunk_hasher *hasher;
	struct lf_upload *upload;
	struct lf_pack_writer *pack;
	char *pack_files[2]; /* the open pack's, and that of the one under way; in turns */
	struct waiting waiting[LF_PUMP_CHUNKS_MAX];
	size_t n_waiting;
	struct lf_parcel parcel;     /* the next: what goes with the open pack */
	struct lf_chunk_id *seen[2]; /* ids in those packs: open addressing; all zero: free */
	size_t n_seen;
};

/*
 * Where the open pack lies: in memory if there is room, since the state directory
 * may lie on the very disk whose file systems are frozen while we fill the pack.
 */
static char *choose_pack_file(const char *state_dir, int number)
{
	static const char memory[] = "/dev/shm";
	LF_AUTO_FREE char *real = realpath(state_dir, NULL);
	struct statfs fs;
	char name[LF_GUID_SIZE];

	if (!real || statfs(memory, &fs) || fs.f_type != TMPFS_MAGIC ||
	    (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize < PACK_ROOM || access(memory, W_OK))
		return lf_printf_dup("%s/open-%d.pack", state_dir, number);
	lf_guid_derive("open pack", real, name);
	return lf_printf_dup("%s/landfall-agent-%s-%d.pack", memory, name, number);
}

int lf_pump_new(const struct lf_pump_opts *opts, struct lf_pump **ret_pump, struct lf_error *err)
{
	struct lf_pump *pump = calloc(1, sizeof(*pump));
	int rc;

	if (!pump)
		return lf_fail_nomem(err);
	pump->opts = *opts;
	bool whole = true;
	for (int i = 0; i < 2; i++) {
		pump->seen[i] = calloc(SEEN_SLOTS, sizeof(*pump->seen[i]));
		pump->pack_files[i] = choose_pack_file(opts->state_dir, i);
		whole = whole && pump->seen[i] && pump->pack_files[i];
	}
	rc = whole ? lf_chunk_hasher_new(opts->key, &pump->hasher, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_upload_new(opts, &pump->upload, err);
	if (rc) {
		lf_pump_free(pump);
		return rc;
	}
	*ret_pump = pump;
	return 0;
}

void lf_pump_free(struct lf_pump *pump)
{
	struct lf_error ignored;

	if (!pump)
		return;
	lf_upload_free(pump->upload);
	lf_pack_writer_free(pump->pack);
	lf_chunk_hasher_free(pump->hasher);
	lf_buf_done(&pump->parcel.extents);
	for (int i = 0; i < 2; i++) {
		if (pump->pack_files[i] && lf_file_remove(pump->pack_files[i], &ignored))
			lf_log_error("an open pack", &ignored);
		free(pump->seen[i]);
		free(pump->pack_files[i]);
	}
	free(pump);
}

static struct lf_chunk_id *seen_slot(struct lf_chunk_id *table, const struct lf_chunk_id *id)
{
	static const struct lf_chunk_id none;
	uint64_t hash;

	memcpy(&hash, id->bytes, sizeof(hash));
	size_t at = hash % SEEN_SLOTS;
	while (memcmp(&table[at], id, sizeof(*id)) != 0 &&
	       memcmp(&table[at], &none, sizeof(none)) != 0)
		at = (at + 1) % SEEN_SLOTS;
	return &table[at];
}

/* Is the chunk in the open pack, or in that under way?  Remembers it if not. */
static bool seen_before(struct lf_pump *pump, const struct lf_chunk_id *id)
{
	struct lf_chunk_id *slot = seen_slot(pump->seen[0], id);

	if (memcmp(slot, id, sizeof(*id)) == 0 ||
	    memcmp(seen_slot(pump->seen[1], id), id, sizeof(*id)) == 0)
		return true;
	*slot = *id;
	pump->n_seen++;
	return false;
}

static int open_pack(struct lf_pump *pump, struct lf_error *err)
{
	/* it may be of an earlier life; not of the parcel under way, whose file is the other one */
	int rc = lf_file_remove(pump->pack_files[0], err);

	return rc ? rc : lf_pack_writer_new(pump->opts.key, pump->pack_files[0], &pump->pack, err);
}

/* The open pack and the extents so far go on their way; the other file takes what comes. */
static int give_parcel(struct lf_pump *pump, struct lf_error *err)
{
	struct lf_parcel *parcel = &pump->parcel;
	struct lf_chunk_id *seen = pump->seen[1];
	char *file = pump->pack_files[1];
	int rc = lf_buf_check(&parcel->extents, err);

	parcel->pack_file = "";
	parcel->bytes = 0;
	if (!rc && pump->pack) {
		rc = lf_pack_writer_finish(pump->pack, parcel->name, err);
		parcel->pack_file = pump->pack_files[0];
		parcel->bytes = lf_pack_writer_size(pump->pack);
	}
	if (!rc)
		rc = lf_upload_give(pump->upload, parcel, err);
	if (rc || !pump->pack)
		return rc;
	lf_pack_writer_free(lf_steal(&pump->pack));
	pump->pack_files[1] = pump->pack_files[0];
	pump->pack_files[0] = file;
	pump->seen[1] = pump->seen[0];
	pump->seen[0] = memset(seen, 0, SEEN_SLOTS * sizeof(*seen));
	pump->n_seen = 0;
	return 0;
}

int lf_pump_disk(struct lf_pump *pump, const char *disk, uint64_t upto, struct lf_error *err)
{
	struct lf_parcel *parcel = &pump->parcel;
	int rc = parcel->disk[0] && strcmp(parcel->disk, disk) != 0 ? lf_pump_flush(pump, err) : 0;

	snprintf(parcel->disk, sizeof(parcel->disk), "%s", disk);
	parcel->upto = upto;
	return rc;
}

/* Ask for the chunks that wait, and pack those that the site lacks. */
static int pack_waiting(struct lf_pump *pump, struct lf_error *err)
{
	struct lf_chunk_id ids[LF_PUMP_CHUNKS_MAX];
	LF_AUTO_BUF bits = LF_BUF_INIT;
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/have", pump->opts.session);

	if (!pump->n_waiting)
		return 0;
	if (!path)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < pump->n_waiting; i++)
		ids[i] = pump->waiting[i].id;
	int rc = lf_link_post_bytes(pump->opts.link, path, ids, pump->n_waiting * sizeof(ids[0]),
				    &bits, err);
	if (!rc && bits.len != lf_have_bytes(pump->n_waiting))
		rc = lf_fail(err, LF_ECORRUPT, path, "the site's answer has the wrong length");
	for (size_t i = 0; !rc && i < pump->n_waiting; i++) {
		const struct waiting *w = &pump->waiting[i];
		if (lf_have_bit((const uint8_t *)bits.data, i) || seen_before(pump, &w->id))
			continue;
		if (!pump->pack)
			rc = open_pack(pump, err);
		if (!rc)
			rc = lf_pack_writer_add(pump->pack, &w->id, w->data, w->len, err);
	}
	pump->n_waiting = 0;
	return rc;
}

int lf_pump_run(struct lf_pump *pump, uint64_t page, uint32_t pages, const void *data,
		struct lf_error *err)
{
	struct lf_extent extent = {.page = page, .pages = pages, .hole = !data};
	uint8_t wire[LF_EXTENT_WIRE_SIZE];
	int rc = 0;

	if (data) {
		struct waiting *w = &pump->waiting[pump->n_waiting];
		w->data = data;
		w->len = (size_t)pages * LF_PAGE_SIZE;
		rc = lf_chunk_id_of(pump->hasher, data, w->len, &w->id, err);
		if (rc)
			return rc;
		extent.chunk = w->id;
		pump->n_waiting++;
	}
	lf_extent_encode(&extent, wire);
	lf_buf_append(&pump->parcel.extents, wire, sizeof(wire));
	if (pump->n_waiting == LF_PUMP_CHUNKS_MAX)
		rc = pack_waiting(pump, err);
	return rc;
}

int lf_pump_window_end(struct lf_pump *pump, uint64_t upto, struct lf_error *err)
{
	struct lf_parcel *parcel = &pump->parcel;
	int rc = pack_waiting(pump, err);

	if (rc)
		return rc;
	parcel->upto = upto;
	bool full = (pump->pack && lf_pack_writer_is_full(pump->pack)) ||
		    pump->n_seen > SEEN_SLOTS / 2 ||
		    parcel->extents.len / LF_EXTENT_WIRE_SIZE > EXTENTS_FLUSH;
	return full ? give_parcel(pump, err) : 0;
}

int lf_pump_flush(struct lf_pump *pump, struct lf_error *err)
{
	int rc = pack_waiting(pump, err);

	if (!rc)
		rc = give_parcel(pump, err);
	return rc ? rc : lf_upload_wait(pump->upload, err);
}

uint64_t lf_pump_acknowledged(const struct lf_pump *pump)
{
	return lf_upload_upto(pump->upload, pump->parcel.disk);
}

uint64_t lf_pump_sent(const struct lf_pump *pump)
{
	return lf_upload_sent(pump->upload) + (pump->pack ? lf_pack_writer_size(pump->pack) : 0);
}
