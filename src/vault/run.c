/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "os/file.h"
#include "vault/bytes.h"
#include "vault/run_internal.h"

#define INTERPOLATIONS 3 /* then halve: ids are uniform, so that this is nearly there */

struct lf_run *lf_run_ref(struct lf_run *run)
{
	atomic_fetch_add(&run->refs, 1);
	return run;
}

void lf_run_unref(struct lf_run *run)
{
	if (!run || atomic_fetch_sub(&run->refs, 1) != 1)
		return;
	if (run->map && run->number)
		munmap(run->map, run->map_len);
	else
		free(run->map);
	free(run->packs);
	free(run);
}

const uint8_t *lf_run_id(const struct lf_run *run, uint64_t at)
{
	return run->records + at * LF_RUN_RECORD_SIZE;
}

static uint64_t id_prefix(const uint8_t *id)
{
	uint64_t prefix;

	memcpy(&prefix, id, sizeof(prefix));
	return be64toh(prefix);
}

/* Narrow [*low, *high) around where a uniform id would be. */
static void interpolate(const struct lf_run *run, uint64_t prefix, uint64_t *low, uint64_t *high)
{
	uint64_t from = 0, to = UINT64_MAX;

	for (unsigned i = 0; i<INTERPOLATIONS && * high - *low> 64 && to > from; i++) {
		uint64_t n = *high - *low;
		uint64_t at = *low + (uint64_t)((unsigned __int128)(prefix - from) * (n - 1) /
						(to - from));
		uint64_t here = id_prefix(lf_run_id(run, at));
		if (here < prefix) {
			*low = at + 1;
			from = here;
		} else if (here > prefix) {
			*high = at;
			to = here;
		} else {
			return;
		}
		if (prefix < from || prefix > to)
			return;
	}
}

uint64_t lf_run_seek(const struct lf_run *run, const struct lf_chunk_id *id, bool *ret_hit)
{
	uint64_t low = 0, high = run->count;

	interpolate(run, id_prefix(id->bytes), &low, &high);
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (memcmp(lf_run_id(run, middle), id->bytes, 32) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_hit = low < run->count && memcmp(lf_run_id(run, low), id->bytes, 32) == 0;
	return low;
}

/* Ids are hashes: their bytes are the filter's hash functions. */
static void filter_mask(const uint8_t *id, uint64_t blocks, uint64_t *ret_block, uint64_t mask[8])
{
	uint64_t spread = lf_get_u64(id + 16);

	*ret_block = (uint64_t)(((unsigned __int128)lf_get_u64(id + 8) * blocks) >> 64);
	memset(mask, 0, 8 * sizeof(*mask));
	for (unsigned i = 0; i < 8; i++) /* a bit in each of the block's words */
		mask[i] = UINT64_C(1) << (spread >> (8 * i) & 63);
}

bool lf_run_maybe(const struct lf_run *run, const struct lf_chunk_id *id)
{
	uint64_t block, mask[8], missing = 0;

	if (!run->blocks)
		return false;
	filter_mask(id->bytes, run->blocks, &block, mask);
	const uint8_t *at = run->filter + block * 64;
	for (unsigned i = 0; i < 8; i++)
		missing |= mask[i] & ~lf_get_u64(at + (size_t)i * 8);
	return !missing;
}

void lf_run_filter_add(uint8_t *filter, uint64_t blocks, const uint8_t *id)
{
	uint64_t block, mask[8];

	filter_mask(id, blocks, &block, mask);
	for (unsigned i = 0; i < 8; i++) {
		uint8_t *word = filter + block * 64 + (size_t)i * 8;
		lf_put_u64(word, lf_get_u64(word) | mask[i]);
	}
}

void lf_run_place(const struct lf_run *run, uint64_t at, struct lf_place *ret_place)
{
	const uint8_t *in = lf_run_id(run, at);
	uint32_t plain = lf_get_u32(in + 40);
	uint32_t pack = lf_get_u32(in + 48);

	memcpy(ret_place->entry.id.bytes, in, 32);
	ret_place->entry.offset = lf_get_u32(in + 32);
	ret_place->entry.stored = lf_get_u32(in + 36);
	ret_place->entry.plain = plain & 0xffffff;
	ret_place->entry.coding = plain >> 24 & 15;
	ret_place->entry.kind = plain >> 28;
	ret_place->entry.record = lf_get_u32(in + 44);
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

static void digest(const void *data, size_t len, uint8_t out[static 16])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, len));
	memcpy(out, canonical.digest, 16);
}

void lf_run_header_encode(struct lf_run *run, uint8_t *base)
{
	memset(base, 0, LF_RUN_HEADER_SIZE);
	memcpy(base, "LFRUN001", 8);
	lf_put_u32(base + 8, LF_RUN_VERSION);
	lf_put_u32(base + 12, LF_RUN_RECORD_SIZE);
	lf_put_u64(base + 16, run->blocks);
	lf_put_u64(base + 24, run->pack_count);
	lf_put_u64(base + 32, run->count);
	digest(base + LF_RUN_HEADER_SIZE, run->map_len - LF_RUN_HEADER_SIZE, base + 40);
	digest(base, 112, base + 112);
}

int lf_run_layout(struct lf_run *run, size_t *ret_len, struct lf_error *err)
{
	if (run->count > UINT64_C(1) << 40 || run->blocks > UINT64_C(1) << 40 ||
	    run->pack_count > UINT32_C(1) << 30)
		return lf_fail(err, LF_ECORRUPT, NULL, "a run of the index is too large");
	*ret_len = LF_RUN_HEADER_SIZE + run->blocks * 64 +
		   (size_t)run->pack_count * LF_RUN_PACK_SIZE + run->count * LF_RUN_RECORD_SIZE;
	return 0;
}

void lf_run_attach(struct lf_run *run, uint8_t *base)
{
	run->filter = base + LF_RUN_HEADER_SIZE;
	run->records = run->filter + run->blocks * 64 + (size_t)run->pack_count * LF_RUN_PACK_SIZE;
}

static int read_header(struct lf_run *run, const char *path, struct lf_error *err)
{
	const uint8_t *base = run->map;
	uint8_t check[16];
	size_t len = 0;

	digest(base, 112, check);
	if (memcmp(base, "LFRUN001", 8) != 0 || memcmp(check, base + 112, 16) != 0)
		return fail_run(path, "its header is damaged", err);
	if (lf_get_u32(base + 8) != LF_RUN_VERSION || lf_get_u32(base + 12) != LF_RUN_RECORD_SIZE ||
	    lf_get_u64(base + 24) > UINT32_C(1) << 30)
		return fail_run(path, "its version is unknown", err);
	run->blocks = lf_get_u64(base + 16);
	run->pack_count = (uint32_t)lf_get_u64(base + 24);
	run->count = lf_get_u64(base + 32);
	int rc = lf_run_layout(run, &len, err);
	if (rc || len != run->map_len || (run->count && !run->blocks))
		return fail_run(path, "its length does not fit", err);
	return 0;
}

static int find_packs(struct lf_run *run, lf_run_pack_fn *find, void *context, struct lf_error *err)
{
	const uint8_t *table = run->filter + run->blocks * 64;

	run->packs = lf_alloc_array(run->pack_count + 1, sizeof(*run->packs));
	if (!run->packs)
		return lf_fail_nomem(err);
	for (uint32_t i = 0; i < run->pack_count; i++) {
		run->packs[i] = find(context, table + (size_t)i * LF_RUN_PACK_SIZE);
		if (!run->packs[i])
			return lf_fail_nomem(err);
	}
	return 0;
}

int lf_run_map(struct lf_run *run, int fd, bool writable, const char *path, struct lf_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot look at %s", path);
	if (st.st_size < (off_t)LF_RUN_HEADER_SIZE)
		return fail_run(path, "it is too short", err);
	void *map = mmap(NULL, (size_t)st.st_size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
			 MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return lf_fail_sys(err, errno, path, "cannot map %s", path);
	run->map = map;
	run->map_len = (size_t)st.st_size;
	return 0;
}

int lf_run_open(const char *path, lf_run_pack_fn *find, void *context, struct lf_run **ret_run,
		struct lf_error *err)
{
	struct lf_run *run = calloc(1, sizeof(*run));
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (!run)
		return lf_fail_nomem(err);
	run->refs = 1;
	run->number = UINT64_MAX; /* a file: its map is to be unmapped */
	int rc = fd < 0 ? lf_fail_sys(err, errno, path, "cannot open %s", path)
			: lf_run_map(run, fd, false, path, err);
	if (!rc)
		rc = read_header(run, path, err);
	if (!rc) {
		lf_run_attach(run, run->map);
		(void)madvise(run->map, run->map_len, MADV_RANDOM);
		rc = find_packs(run, find, context, err);
	}
	if (rc) {
		lf_run_unref(run);
		return rc;
	}
	*ret_run = run;
	return 0;
}

int lf_run_check(const struct lf_run *run, struct lf_error *err)
{
	const uint8_t *base = run->map;
	uint8_t check[16];

	if (!run->number)
		return 0;
	digest(base + LF_RUN_HEADER_SIZE, run->map_len - LF_RUN_HEADER_SIZE, check);
	return memcmp(check, base + 40, 16) == 0
		       ? 0
		       : lf_fail(err, LF_ECORRUPT, NULL, "a run of the index is damaged");
}
