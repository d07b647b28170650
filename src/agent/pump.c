/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pump.h"

#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"
#include "replication/journal.h"

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
	struct lf_pack_writer *pack;
	char *pack_file;
	char disk[LF_GUID_SIZE];
	struct waiting waiting[LF_PUMP_CHUNKS_MAX];
	size_t n_waiting;
	struct lf_buf extents;
	uint64_t upto, sent;
	struct lf_chunk_id *seen; /* open addressing; all zero: free */
	size_t n_seen;
	int64_t begun_ns;
};

/*
 * Where the open pack lies: in memory if there is room, since the state directory
 * may lie on the very disk whose file systems are frozen while we fill the pack.
 */
static char *choose_pack_file(const char *state_dir)
{
	static const char memory[] = "/dev/shm";
	LF_AUTO_FREE char *real = realpath(state_dir, NULL);
	struct statfs fs;
	char name[LF_GUID_SIZE];

	if (!real || statfs(memory, &fs) || fs.f_type != TMPFS_MAGIC ||
	    (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize < PACK_ROOM || access(memory, W_OK))
		return lf_printf_dup("%s/open.pack", state_dir);
	lf_guid_derive("open pack", real, name);
	return lf_printf_dup("%s/landfall-agent-%s.pack", memory, name);
}

int lf_pump_new(const struct lf_pump_opts *opts, struct lf_pump **ret_pump, struct lf_error *err)
{
	struct lf_pump *pump = calloc(1, sizeof(*pump));
	int rc;

	if (!pump)
		return lf_fail_nomem(err);
	pump->opts = *opts;
	pump->begun_ns = lf_clock_monotonic_ns();
	pump->seen = calloc(SEEN_SLOTS, sizeof(*pump->seen));
	pump->pack_file = choose_pack_file(opts->state_dir);
	rc = pump->seen && pump->pack_file ? lf_chunk_hasher_new(opts->key, &pump->hasher, err)
					   : lf_fail_nomem(err);
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
	if (pump->pack && lf_file_remove(pump->pack_file, &ignored))
		lf_log_error("the open pack", &ignored);
	lf_pack_writer_free(pump->pack);
	lf_chunk_hasher_free(pump->hasher);
	lf_buf_done(&pump->extents);
	free(pump->seen);
	free(pump->pack_file);
	free(pump);
}

/* Is the chunk in the open pack?  Remembers it if not. */
static bool seen_before(struct lf_pump *pump, const struct lf_chunk_id *id)
{
	static const struct lf_chunk_id none;
	uint64_t hash;

	memcpy(&hash, id->bytes, sizeof(hash));
	for (size_t at = hash % SEEN_SLOTS;; at = (at + 1) % SEEN_SLOTS) {
		if (memcmp(&pump->seen[at], id, sizeof(*id)) == 0)
			return true;
		if (memcmp(&pump->seen[at], &none, sizeof(none)) == 0) {
			pump->seen[at] = *id;
			pump->n_seen++;
			return false;
		}
	}
}

static int open_pack(struct lf_pump *pump, struct lf_error *err)
{
	int rc = lf_file_remove(pump->pack_file, err); /* of an earlier life */

	return rc ? rc : lf_pack_writer_new(pump->opts.key, pump->pack_file, &pump->pack, err);
}

/* Hold back so that the mean rate of the session stays under the limit. */
static void keep_rate(const struct lf_pump *pump)
{
	if (!pump->opts.bytes_per_second)
		return;
	int64_t passed = lf_clock_monotonic_ns() - pump->begun_ns;
	int64_t wanted = (int64_t)((double)pump->sent * 1e9 / (double)pump->opts.bytes_per_second);
	if (wanted <= passed)
		return;
	const struct timespec pause = {.tv_sec = (wanted - passed) / LF_NS_PER_S,
				       .tv_nsec = (wanted - passed) % LF_NS_PER_S};
	nanosleep(&pause, NULL);
}

static int upload_pack(struct lf_pump *pump, struct lf_error *err)
{
	char name[LF_PACK_NAME_SIZE];
	LF_AUTO_FREE char *token = NULL;

	if (!pump->pack)
		return 0;
	int rc = lf_pack_writer_finish(pump->pack, name, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *blob = lf_printf_dup("%s%s", pump->opts.pack_path, name);
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/packs", pump->opts.session);
	token = pump->opts.token(pump->opts.context);
	if (!blob || !path || !token)
		return lf_fail_nomem(err);
	rc = lf_link_put_blob(pump->opts.link, blob, token, pump->pack_file, err);
	explicit_bzero(token, strlen(token));
	if (!rc)
		rc = lf_link_post_bytes(pump->opts.link, path, name, strlen(name), NULL, err);
	if (rc)
		return rc;
	pump->sent += lf_pack_writer_size(pump->pack);
	lf_pack_writer_free(lf_steal(&pump->pack));
	memset(pump->seen, 0, SEEN_SLOTS * sizeof(*pump->seen));
	pump->n_seen = 0;
	keep_rate(pump);
	return lf_file_remove(pump->pack_file, err);
}

static int send_extents(struct lf_pump *pump, struct lf_error *err)
{
	LF_AUTO_FREE char *path =
		lf_printf_dup("sessions/%s/extents?disk=%s&upto=%llu", pump->opts.session,
			      pump->disk, (unsigned long long)pump->upto);

	int rc = path ? lf_buf_check(&pump->extents, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_link_post_bytes(pump->opts.link, path, lf_buf_text(&pump->extents),
					pump->extents.len, NULL, err);
	if (!rc)
		lf_buf_clear(&pump->extents);
	return rc;
}

int lf_pump_disk(struct lf_pump *pump, const char *disk, uint64_t upto, struct lf_error *err)
{
	int rc = pump->disk[0] && strcmp(pump->disk, disk) != 0 ? lf_pump_flush(pump, err) : 0;

	snprintf(pump->disk, sizeof(pump->disk), "%s", disk);
	pump->upto = upto;
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
	if (!rc && bits.len != (pump->n_waiting + 7) / 8)
		rc = lf_fail(err, LF_ECORRUPT, path, "the site's answer has the wrong length");
	for (size_t i = 0; !rc && i < pump->n_waiting; i++) {
		const struct waiting *w = &pump->waiting[i];
		if ((uint8_t)bits.data[i / 8] >> (i % 8) & 1 || seen_before(pump, &w->id))
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
	lf_buf_append(&pump->extents, wire, sizeof(wire));
	if (pump->n_waiting == LF_PUMP_CHUNKS_MAX)
		rc = pack_waiting(pump, err);
	return rc;
}

int lf_pump_window_end(struct lf_pump *pump, uint64_t upto, bool *ret_acknowledged,
		       struct lf_error *err)
{
	int rc = pack_waiting(pump, err);

	if (rc)
		return rc;
	pump->upto = upto;
	*ret_acknowledged =
		(pump->pack && lf_pack_writer_size(pump->pack) >= LF_PACK_TARGET_BYTES) ||
		pump->n_seen > SEEN_SLOTS / 2 ||
		pump->extents.len / LF_EXTENT_WIRE_SIZE > EXTENTS_FLUSH;
	return *ret_acknowledged ? lf_pump_flush(pump, err) : 0;
}

int lf_pump_flush(struct lf_pump *pump, struct lf_error *err)
{
	int rc = pack_waiting(pump, err);

	if (!rc)
		rc = upload_pack(pump, err);
	return rc || !pump->disk[0] ? rc : send_extents(pump, err);
}

uint64_t lf_pump_sent(const struct lf_pump *pump)
{
	return pump->sent + (pump->pack ? lf_pack_writer_size(pump->pack) : 0);
}
