/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/outflow/memory_sink.h - a sink in memory: it opens each pack, keeps the chunks,
 * and puts the disks together from the extents.  It can answer late, lose calls or answers, and
 * die at any of its calls.
 */
#ifndef LF_TEST_MEMORY_SINK_H
#define LF_TEST_MEMORY_SINK_H

#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "extent/wire.h"
#include "outflow/sink.h"
#include "vault/pack/pack_internal.h"

#define MEMORY_DISKS 4

struct memory_chunk {
	struct lf_chunk_id id;
	char pack[LF_PACK_NAME_SIZE]; /* that brought it */
	bool taken;
	size_t len;
	uint8_t *bytes;
};

struct memory_batch { /* of extents, as a journal has it */
	char disk[LF_GUID_SIZE];
	uint64_t upto;
	size_t n;
	uint8_t *records;
};

enum memory_fault {
	MEMORY_LOSES_CALLS,   /* from the call on, none arrives */
	MEMORY_LOSES_ANSWERS, /* the call arrives, its answer and the calls after it do not */
	MEMORY_CUTS_SHORT,    /* take() does half, then as above */
};

struct memory_sink {
	struct lf_sink sink;
	const struct lf_domain_key *key;
	size_t fault_at; /* number of the call, from 1; 0: none */
	enum memory_fault fault;
	bool reorder; /* every other pack is brought only after the one behind it */

	pthread_mutex_t mutex; /* what follows */
	pthread_cond_t changed;
	size_t calls, packs, brought, asked;
	uint64_t window; /* the newest that came of the session */
	size_t runs_max; /* of a window: the mean of a parcel's */
	struct memory_chunk *chunks;
	size_t n_chunks;
	struct memory_batch *batches;
	size_t n_batches;
};

static inline void memory_lock(struct memory_sink *m)
{
	pthread_mutex_lock(&m->mutex);
}

static inline void memory_unlock(struct memory_sink *m)
{
	pthread_mutex_unlock(&m->mutex);
}

/* *ret_done: does this call arrive; returns whether its answer does. */
static inline bool memory_call(struct memory_sink *m, bool *ret_arrives)
{
	size_t number = ++m->calls;

	*ret_arrives = !m->fault_at || number < m->fault_at ||
		       (number == m->fault_at && m->fault != MEMORY_LOSES_CALLS);
	return !m->fault_at || number < m->fault_at;
}

static inline int memory_lost(struct lf_error *err)
{
	return lf_fail(err, LF_EUNREACHABLE, NULL, "the memory is gone");
}

static inline struct memory_chunk *memory_find(const struct memory_sink *m,
					       const struct lf_chunk_id *id)
{
	for (size_t i = 0; i < m->n_chunks; i++)
		if (m->chunks[i].taken && memcmp(&m->chunks[i].id, id, sizeof(*id)) == 0)
			return &m->chunks[i];
	return NULL;
}

static inline int memory_have(void *context, const struct lf_chunk_id *ids, size_t n,
			      uint8_t *ret_have, struct lf_error *err)
{
	struct memory_sink *m = context;
	bool arrives;

	memory_lock(m);
	bool answered = memory_call(m, &arrives);
	m->asked += arrives ? n : 0;
	for (size_t i = 0; answered && i < n; i++)
		if (memory_find(m, &ids[i]))
			lf_have_set(ret_have, i);
	memory_unlock(m);
	return answered ? 0 : memory_lost(err);
}

static inline int memory_read_at(void *context, void *data, size_t len, uint64_t offset,
				 struct lf_error *err)
{
	return lf_file_pread_all(*(int *)context, data, len, offset, "pack", err);
}

/* Open every record: what a vault would believe. */
static inline void memory_open_pack(struct memory_sink *m, const struct lf_parcel *parcel)
{
	struct lf_error err = LF_ERROR_NONE;
	struct lf_pack_footer footer = {0};
	struct lf_sealer *sealer;
	struct lf_codec *codec;
	struct lf_chunk_hasher *hasher;
	uint8_t key[32], *record = malloc(2 * LF_CHUNK_BYTES_MAX);
	uint8_t *scratch = malloc(LF_CHUNK_BYTES_MAX);
	int fd = open(parcel->pack_file, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_lf_ok(lf_pack_footer_read(memory_read_at, &fd, parcel->bytes, &footer, &err));
	assert_lf_ok(lf_pack_key(m->key, footer.epoch, footer.flags, footer.salt, key, &err));
	assert_lf_ok(lf_sealer_new(&sealer, &err));
	assert_lf_ok(lf_sealer_set_key(sealer, key, &err));
	assert_lf_ok(lf_codec_new(&codec, &err));
	assert_lf_ok(lf_chunk_hasher_new(m->key, &hasher, &err));
	m->chunks = realloc(m->chunks, (m->n_chunks + footer.count) * sizeof(*m->chunks));
	for (uint32_t i = 0; i < footer.count; i++) {
		const struct lf_pack_entry *entry = &footer.entries[i];
		struct memory_chunk *chunk = &m->chunks[m->n_chunks++];
		struct lf_chunk_id id;
		*chunk = (struct memory_chunk){
			.id = entry->id, .len = entry->plain, .bytes = malloc(entry->plain)};
		memcpy(chunk->pack, parcel->name, sizeof(chunk->pack));
		assert_lf_ok(memory_read_at(&fd, record, entry->stored, entry->offset, &err));
		assert_lf_ok(
			lf_record_open(sealer, codec, entry, record, scratch, chunk->bytes, &err));
		assert_lf_ok(lf_chunk_id_of(hasher, chunk->bytes, chunk->len, &id, &err));
		assert_memory_equal(&id, &entry->id, sizeof(id));
	}
	lf_chunk_hasher_free(hasher);
	lf_codec_free(codec);
	lf_sealer_free(sealer);
	lf_pack_footer_done(&footer);
	free(record);
	free(scratch);
	close(fd);
}

/* Until another pack was brought; not for ever, since there may be no other. */
static inline void memory_let_others_pass(struct memory_sink *m)
{
	size_t before = m->brought;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 20 * LF_NS_PER_MS;
	until.tv_sec += until.tv_nsec / LF_NS_PER_S;
	until.tv_nsec %= LF_NS_PER_S;
	while (m->brought == before && !pthread_cond_timedwait(&m->changed, &m->mutex, &until))
		;
}

static inline int memory_bring(void *context, unsigned carrier, const struct lf_parcel *parcel,
			       struct lf_error *err)
{
	struct memory_sink *m = context;
	bool arrives;

	assert_true(carrier < LF_SINK_CARRIERS);
	memory_lock(m);
	if (m->reorder && m->packs++ % 2 == 0)
		memory_let_others_pass(m);
	bool answered = memory_call(m, &arrives);
	if (arrives)
		memory_open_pack(m, parcel);
	m->brought++;
	pthread_cond_broadcast(&m->changed);
	memory_unlock(m);
	return answered ? 0 : memory_lost(err);
}

static inline void memory_adopt(struct memory_sink *m, const struct lf_parcel *parcel)
{
	size_t taken = 0;

	for (size_t i = 0; i < m->n_chunks; i++)
		if (strcmp(m->chunks[i].pack, parcel->name) == 0) {
			m->chunks[i].taken = true;
			taken++;
		}
	assert_true(taken > 0);
}

/* Every chunk that is named is there. */
static inline void memory_check_extents(const struct memory_sink *m, const struct lf_parcel *parcel)
{
	const uint8_t *records = (const uint8_t *)parcel->extents.data;
	struct lf_error err = LF_ERROR_NONE;
	struct lf_extent extent;

	assert_int_equal(parcel->extents.len % LF_EXTENT_WIRE_SIZE, 0);
	for (size_t at = 0; at < parcel->extents.len; at += LF_EXTENT_WIRE_SIZE) {
		assert_lf_ok(lf_extent_decode(records + at, &extent, &err));
		if (extent.hole)
			continue;
		const struct memory_chunk *chunk = memory_find(m, &extent.chunk);
		assert_non_null(chunk);
		assert_true((extent.chunk_page + extent.pages) * (size_t)LF_PAGE_SIZE <=
			    chunk->len);
	}
}

static inline void memory_count_runs(struct memory_sink *m, const struct lf_parcel *parcel)
{
	size_t runs = parcel->extents.len / LF_EXTENT_WIRE_SIZE;
	uint64_t windows = parcel->window - m->window;

	if (runs && windows && runs / windows > m->runs_max)
		m->runs_max = runs / windows;
	m->window = parcel->window;
}

static inline int memory_take(void *context, unsigned carrier, const struct lf_parcel *parcel,
			      struct lf_error *err)
{
	struct memory_sink *m = context;
	bool arrives;

	assert_true(carrier < LF_SINK_CARRIERS);
	memory_lock(m);
	bool answered = memory_call(m, &arrives);
	if (arrives && parcel->pack_file[0])
		memory_adopt(m, parcel);
	if (arrives && (answered || m->fault != MEMORY_CUTS_SHORT) && parcel->disk[0]) {
		memory_check_extents(m, parcel);
		memory_count_runs(m, parcel);
		m->batches = realloc(m->batches, (m->n_batches + 1) * sizeof(*m->batches));
		struct memory_batch *batch = &m->batches[m->n_batches++];
		*batch = (struct memory_batch){.upto = parcel->upto,
					       .n = parcel->extents.len / LF_EXTENT_WIRE_SIZE,
					       .records = malloc(parcel->extents.len + 1)};
		memcpy(batch->disk, parcel->disk, sizeof(batch->disk));
		if (batch->n)
			memcpy(batch->records, parcel->extents.data, parcel->extents.len);
	}
	memory_unlock(m);
	return answered ? 0 : memory_lost(err);
}

static inline void memory_sink_init(struct memory_sink *m, const struct lf_domain_key *key)
{
	*m = (struct memory_sink){.key = key};
	m->sink = (struct lf_sink){memory_have, memory_bring, memory_take, m};
	pthread_mutex_init(&m->mutex, NULL);
	pthread_cond_init(&m->changed, NULL);
}

static inline void memory_sink_done(struct memory_sink *m)
{
	for (size_t i = 0; i < m->n_chunks; i++)
		free(m->chunks[i].bytes);
	for (size_t i = 0; i < m->n_batches; i++)
		free(m->batches[i].records);
	free(m->chunks);
	free(m->batches);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->mutex);
}

/* Drop the batches of a disk from the first one on whose upto is over this, as a site does. */
static inline void memory_sink_cut(struct memory_sink *m, const char *disk, uint64_t upto)
{
	size_t kept = 0;
	bool over = false;

	for (size_t i = 0; i < m->n_batches; i++) {
		bool own = strcmp(m->batches[i].disk, disk) == 0;
		over = over || (own && m->batches[i].upto > upto);
		if (own && over)
			free(m->batches[i].records);
		else
			m->batches[kept++] = m->batches[i];
	}
	m->n_batches = kept;
}

/* The disk's bytes from what was taken, over what image holds already. */
static inline void memory_sink_apply(const struct memory_sink *m, const char *disk, uint8_t *image,
				     uint64_t pages)
{
	struct lf_error err = LF_ERROR_NONE;
	struct lf_extent extent;

	for (size_t b = 0; b < m->n_batches; b++) {
		const struct memory_batch *batch = &m->batches[b];
		for (size_t i = 0; i < batch->n && strcmp(batch->disk, disk) == 0; i++) {
			assert_lf_ok(lf_extent_decode(batch->records + i * LF_EXTENT_WIRE_SIZE,
						      &extent, &err));
			assert_true(extent.page + extent.pages <= pages);
			uint8_t *out = image + extent.page * LF_PAGE_SIZE;
			size_t len = (size_t)extent.pages * LF_PAGE_SIZE;
			if (extent.hole)
				memset(out, 0, len);
			else
				memcpy(out,
				       memory_find(m, &extent.chunk)->bytes +
					       extent.chunk_page * (size_t)LF_PAGE_SIZE,
				       len);
		}
	}
}

#endif
