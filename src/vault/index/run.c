/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run is looked up by the first eight bytes of an id: they choose a block,
 * the block's filter says mostly that it is not here, and a few records are
 * read where it may be.  Opening a file checks its header and its length and
 * reads the table of packs; records are read when asked for, and
 * lf_run_check() reads all.  A file is written whole under its number and
 * never changed, so that a kill leaves it there or not.
 */
#include "vault/index/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/file.h"
#include "vault/index/run_internal.h"

#define RANK_BYTES    5u  /* how many records lie before the block's */
#define FILTER_SLICES 8u  /* of the rest of the block; an id has a bit in each */
#define SLICE_BITS    59u /* 8 times 59 bits are 59 bytes */
#define READ_AT_ONCE  96u /* records: nearly always a whole block's */
#define TABLE_AT_ONCE 512u

struct lf_run *lf_run_new(uint64_t count, uint32_t pack_count)
{
	struct lf_run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->refs = 1;
	run->count = count;
	run->blocks = (count + LF_RUN_BLOCK_RECORDS - 1) / LF_RUN_BLOCK_RECORDS;
	run->pack_count = pack_count;
	run->fd = -1;
	run->packs = calloc((size_t)pack_count + 1, sizeof(struct lf_pack *));
	if (run->packs)
		return run;
	free(run);
	return NULL;
}

struct lf_run *lf_run_ref(struct lf_run *run)
{
	atomic_fetch_add(&run->refs, 1);
	return run;
}

void lf_run_unref(struct lf_run *run)
{
	if (!run || atomic_fetch_sub(&run->refs, 1) != 1)
		return;
	if (run->head && run->fd >= 0)
		munmap(run->head, run->head_len);
	else
		free(run->head);
	lf_fd_done(&run->fd);
	free(run->packs);
	free(run);
}

/* Ids are hashes: the first eight bytes are a place between the first and the last. */
uint64_t lf_run_block(const struct lf_run *run, const uint8_t *id)
{
	uint64_t prefix;

	memcpy(&prefix, id, sizeof(prefix));
	return (uint64_t)(((unsigned __int128)be64toh(prefix) * run->blocks) >> 64);
}

/* Which bit of a slice: by a byte of the id that chooses nothing else. */
static unsigned filter_bit(const uint8_t *id, unsigned slice)
{
	return slice * SLICE_BITS + (id[16 + slice] * SLICE_BITS >> 8);
}

bool lf_run_maybe(const struct lf_run *run, const struct lf_chunk_id *id)
{
	unsigned found = 1;

	if (!run->blocks)
		return false;
	const uint8_t *filter =
		run->filter + lf_run_block(run, id->bytes) * LF_RUN_BLOCK_SIZE + RANK_BYTES;
	for (unsigned i = 0; i < FILTER_SLICES; i++) {
		unsigned bit = filter_bit(id->bytes, i);
		found &= (unsigned)filter[bit / 8] >> bit % 8;
	}
	return found;
}

void lf_run_prefetch(const struct lf_run *run, const struct lf_chunk_id *id)
{
	__builtin_prefetch(run->filter + lf_run_block(run, id->bytes) * LF_RUN_BLOCK_SIZE);
}

void lf_run_filter_add(uint8_t block[static LF_RUN_BLOCK_SIZE], const uint8_t *id)
{
	for (unsigned i = 0; i < FILTER_SLICES; i++) {
		unsigned bit = filter_bit(id, i);
		block[RANK_BYTES + bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

void lf_run_rank_put(uint8_t block[static LF_RUN_BLOCK_SIZE], uint64_t rank)
{
	lf_put_u32(block, (uint32_t)rank);
	block[4] = (uint8_t)(rank >> 32);
}

static uint64_t get_rank(const uint8_t *block)
{
	return lf_get_u32(block) | (uint64_t)block[4] << 32;
}

/* Of a few records, the nth copy of id. */
static bool find_among(const struct lf_run *run, const uint8_t *records, size_t n,
		       const struct lf_chunk_id *id, unsigned *nth, struct lf_place *ret_place)
{
	struct lf_place place;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *record = records + i * LF_RUN_RECORD_SIZE;
		if (memcmp(record, id->bytes, 32) != 0)
			continue;
		lf_run_record_decode(run, record, &place);
		if (!place.pack || atomic_load(&place.pack->dead) || (*nth)-- > 0)
			continue;
		*ret_place = place;
		return true;
	}
	return false;
}

bool lf_run_find(struct lf_run *run, const struct lf_chunk_id *id, unsigned *nth,
		 struct lf_place *ret_place)
{
	uint8_t some[READ_AT_ONCE * LF_RUN_RECORD_SIZE];
	struct lf_error err;

	if (!lf_run_maybe(run, id))
		return false;
	const uint8_t *block = run->filter + lf_run_block(run, id->bytes) * LF_RUN_BLOCK_SIZE;
	uint64_t from = get_rank(block), to = get_rank(block + LF_RUN_BLOCK_SIZE);
	if (from > to || to > run->count)
		return false; /* damaged */
	if (run->records)
		return find_among(run, run->records + from * LF_RUN_RECORD_SIZE, to - from, id, nth,
				  ret_place);
	for (uint64_t n; from < to; from += n) {
		n = to - from < READ_AT_ONCE ? to - from : READ_AT_ONCE;
		if (lf_file_pread_all(run->fd, some, n * LF_RUN_RECORD_SIZE,
				      run->head_len + from * LF_RUN_RECORD_SIZE, "index", &err)) {
			atomic_store(&run->unread, true);
			return false;
		}
		if (find_among(run, some, n, id, nth, ret_place))
			return true;
	}
	return false;
}

void lf_run_record_decode(const struct lf_run *run, const uint8_t *record,
			  struct lf_place *ret_place)
{
	uint32_t plain = lf_get_u32(record + 40);
	uint32_t pack = lf_get_u32(record + 48);

	memcpy(ret_place->entry.id.bytes, record, 32);
	ret_place->entry.offset = lf_get_u32(record + 32);
	ret_place->entry.stored = lf_get_u32(record + 36);
	ret_place->entry.plain = plain & 0xffffff;
	ret_place->entry.coding = plain >> 24 & 15;
	ret_place->entry.kind = plain >> 28;
	ret_place->entry.record = lf_get_u32(record + 44);
	ret_place->pack = pack < run->pack_count ? run->packs[pack] : NULL;
}

void lf_run_record_encode(const struct lf_pack_entry *entry, uint32_t pack, uint8_t *out)
{
	memcpy(out, entry->id.bytes, 32);
	lf_put_u32(out + 32, (uint32_t)entry->offset);
	lf_put_u32(out + 36, entry->stored);
	lf_put_u32(out + 40,
		   entry->plain | (uint32_t)entry->coding << 24 | (uint32_t)entry->kind << 28);
	lf_put_u32(out + 44, entry->record);
	lf_put_u32(out + 48, pack);
}

static int fail_run(const char *path, const char *what, struct lf_error *err)
{
	return lf_fail(err, LF_ECORRUPT, path, "not a run of the index: %s", what);
}

static void put_digest(XXH128_hash_t hash, uint8_t *out)
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(out, canonical.digest, 16);
}

bool lf_run_digest_is(XXH128_hash_t hash, const uint8_t *stored)
{
	uint8_t digest[16];

	put_digest(hash, digest);
	return memcmp(digest, stored, 16) == 0;
}

void lf_run_header_encode(const struct lf_run *run, XXH128_hash_t head, XXH128_hash_t records,
			  uint8_t out[static LF_RUN_HEADER_SIZE])
{
	memset(out, 0, LF_RUN_HEADER_SIZE);
	memcpy(out, "LFRUN001", 8);
	lf_put_u32(out + 8, LF_RUN_VERSION);
	lf_put_u32(out + 12, LF_RUN_RECORD_SIZE);
	lf_put_u64(out + 16, run->blocks);
	lf_put_u64(out + 24, run->pack_count);
	lf_put_u64(out + 32, run->count);
	put_digest(head, out + 40);
	put_digest(records, out + 56);
	put_digest(XXH3_128bits(out, 112), out + 112);
}

int lf_run_head_size(const struct lf_run *run, size_t *ret_len, struct lf_error *err)
{
	if (run->count >= UINT64_C(1) << 40 || run->blocks > UINT64_C(1) << 40 ||
	    run->pack_count > UINT32_C(1) << 30)
		return lf_fail(err, LF_ECORRUPT, NULL, "a run of the index is too large");
	*ret_len = LF_RUN_HEADER_SIZE + (run->blocks + 1) * LF_RUN_BLOCK_SIZE +
		   (size_t)run->pack_count * LF_RUN_PACK_SIZE;
	return 0;
}

int lf_run_map(struct lf_run *run, const char *path, struct lf_error *err)
{
	size_t len = 0;
	int rc = lf_run_head_size(run, &len, err);

	if (rc)
		return rc;
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, run->fd, 0);
	if (map == MAP_FAILED)
		return lf_fail_sys(err, errno, path, "cannot map %s", path);
	(void)madvise(map, len, MADV_RANDOM);
	(void)posix_fadvise(run->fd, 0, 0, POSIX_FADV_RANDOM);
	run->head = map;
	run->head_len = len;
	run->filter = run->head + LF_RUN_HEADER_SIZE;
	return 0;
}

static int read_header(int fd, const char *path, struct lf_run **ret_run, struct lf_error *err)
{
	uint8_t header[LF_RUN_HEADER_SIZE];
	struct stat st;
	size_t len = 0;

	if (fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot look at %s", path);
	if (st.st_size < (off_t)sizeof(header))
		return fail_run(path, "it is too short", err);
	int rc = lf_file_pread_all(fd, header, sizeof(header), 0, path, err);
	if (rc)
		return rc;
	if (memcmp(header, "LFRUN001", 8) != 0 ||
	    !lf_run_digest_is(XXH3_128bits(header, 112), header + 112))
		return fail_run(path, "its header is damaged", err);
	if (lf_get_u32(header + 8) != LF_RUN_VERSION)
		return lf_fail(err, LF_EUNSUPPORTED, path, "a run of the index of version %u",
			       lf_get_u32(header + 8));
	uint64_t packs = lf_get_u64(header + 24), count = lf_get_u64(header + 32);
	/* before memory is taken for them */
	if (lf_get_u32(header + 12) != LF_RUN_RECORD_SIZE ||
	    packs > (uint64_t)st.st_size / LF_RUN_PACK_SIZE || packs > UINT32_C(1) << 30 ||
	    count > (uint64_t)st.st_size / LF_RUN_RECORD_SIZE)
		return fail_run(path, "its header makes no sense", err);
	struct lf_run *run = lf_run_new(count, (uint32_t)packs);
	if (!run)
		return lf_fail_nomem(err);
	if (run->blocks != lf_get_u64(header + 16) || lf_run_head_size(run, &len, err) ||
	    len + run->count * LF_RUN_RECORD_SIZE != (uint64_t)st.st_size) {
		lf_run_unref(run);
		return fail_run(path, "its length does not fit", err);
	}
	*ret_run = run;
	return 0;
}

typedef int entry_fn(void *context, uint32_t number, const uint8_t *entry, struct lf_error *err);

/* Read, not mapped: nobody looks at the table again. */
static int each_entry(const struct lf_run *run, const char *path, entry_fn *visit, void *context,
		      struct lf_error *err)
{
	LF_AUTO_FREE uint8_t *some = malloc((size_t)TABLE_AT_ONCE * LF_RUN_PACK_SIZE);
	uint64_t at = LF_RUN_HEADER_SIZE + (run->blocks + 1) * LF_RUN_BLOCK_SIZE;
	int rc = some ? 0 : lf_fail_nomem(err);

	for (uint32_t i = 0; !rc && i < run->pack_count; i++) {
		uint32_t in = i % TABLE_AT_ONCE, left = run->pack_count - i;
		size_t n = left < TABLE_AT_ONCE ? left : TABLE_AT_ONCE;
		if (in == 0)
			rc = lf_file_pread_all(run->fd, some, n * LF_RUN_PACK_SIZE,
					       at + (uint64_t)i * LF_RUN_PACK_SIZE, path, err);
		if (!rc)
			rc = visit(context, i, some + (size_t)in * LF_RUN_PACK_SIZE, err);
	}
	return rc;
}

static int add_count(void *context, uint32_t number, const uint8_t *entry, struct lf_error *err)
{
	(void)number, (void)err;
	*(uint64_t *)context += lf_get_u32(entry + 68);
	return 0;
}

struct finding {
	struct lf_run *run;
	lf_run_pack_fn *find;
	void *context;
};

static int find_pack(void *context, uint32_t number, const uint8_t *entry, struct lf_error *err)
{
	const struct finding *finding = context;

	finding->run->packs[number] = finding->find(finding->context, entry);
	return finding->run->packs[number] ? 0 : lf_fail_nomem(err);
}

/* All records of every pack in the table are in the run: else no count is to be believed. */
static int find_packs(struct lf_run *run, const char *path, lf_run_pack_fn *find, void *context,
		      struct lf_error *err)
{
	struct finding finding = {run, find, context};
	uint64_t sum = 0;
	int rc = each_entry(run, path, add_count, &sum, err);

	if (!rc && sum != run->count)
		rc = fail_run(path, "its packs have other counts", err);
	return rc ? rc : each_entry(run, path, find_pack, &finding, err);
}

int lf_run_open(const char *path, lf_run_pack_fn *find, void *context, struct lf_run **ret_run,
		struct lf_error *err)
{
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct lf_run *run = NULL;

	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	int rc = read_header(fd, path, &run, err);
	if (rc)
		return rc;
	run->number = UINT64_MAX; /* until its owner says which */
	run->fd = fd;
	fd = -1;
	rc = lf_run_map(run, path, err);
	if (!rc)
		rc = find_packs(run, path, find, context, err);
	if (rc) {
		lf_run_unref(run);
		return rc;
	}
	*ret_run = run;
	return 0;
}
