/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the index of any bytes.  The first byte says what is put right, so
 * that more than checksums is tried: 1 those, 2 ids of chunks that there are, 4
 * the length.  Whatever it says, a chunk that is read is the chunk.
 */
#include "fuzz.h"

#include "vault/index/run_internal.h"

#define CHUNKS 8u
#define PACKS  64u

static struct lf_vault *vault;
static struct lf_pack *real;
static struct lf_chunk_id ids[CHUNKS];
static struct lf_pack packs[PACKS];
static uint32_t used;

static void fill_chunk(uint8_t *chunk, unsigned number)
{
	memset(chunk, (int)('a' + number), LF_PAGE_SIZE);
	chunk[number] = 0;
}

static void make_vault(void)
{
	char *dir = fuzz_path("vault");
	struct lf_pack **list = NULL;
	uint8_t chunk[LF_PAGE_SIZE];
	struct lf_error err;
	size_t n = 0;

	vault = fuzz_vault(dir);
	for (unsigned i = 0; i < CHUNKS; i++) {
		fill_chunk(chunk, i);
		LF_ASSERT(lf_vault_put(vault, chunk, sizeof(chunk), &ids[i], &err) == 0);
	}
	LF_ASSERT(lf_vault_flush(vault, &err) == 0);
	LF_ASSERT(lf_index_packs(vault->index, &list, &n, &err) == 0 && n == 1);
	real = list[0];
	free(list);
	free(dir);
}

/* As the index takes an entry over, but that every other pack is the one that there is. */
static struct lf_pack *find_pack(void *context, const uint8_t *entry)
{
	(void)context;
	if (used == PACKS)
		return NULL;
	struct lf_pack *pack = &packs[used++];
	*pack = (struct lf_pack){.count = lf_get_u32(entry + 68), .dead = entry[76] & 2};
	memcpy(pack->name, entry[0] & 1 ? entry : real->name, 32);
	memcpy(pack->salt, entry[0] & 1 ? entry + 32 : real->salt, 32);
	return pack;
}

static void put_digest(uint8_t *out, const void *data, size_t len)
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, len));
	memcpy(out, canonical.digest, 16);
}

/* Where the records begin, if the counts in the header fit the file. */
static size_t records_at(const uint8_t *file, size_t size)
{
	uint64_t count = lf_get_u64(file + 32), n = lf_get_u64(file + 24);
	uint64_t blocks = (count + LF_RUN_BLOCK_RECORDS - 1) / LF_RUN_BLOCK_RECORDS;

	if (count > size || n > size)
		return 0;
	size_t at = LF_RUN_HEADER_SIZE + (blocks + 1) * LF_RUN_BLOCK_SIZE + n * LF_RUN_PACK_SIZE;
	return at + count * LF_RUN_RECORD_SIZE == size ? at : 0;
}

static void put_right(uint8_t *file, size_t size, uint8_t what)
{
	if (what & 4) {
		memcpy(file, "LFRUN001", 8);
		lf_put_u32(file + 8, LF_RUN_VERSION);
		lf_put_u32(file + 12, LF_RUN_RECORD_SIZE);
		for (uint64_t count = 0; count < size / LF_RUN_RECORD_SIZE; count++) {
			lf_put_u64(file + 32, count);
			lf_put_u64(file + 16,
				   (count + LF_RUN_BLOCK_RECORDS - 1) / LF_RUN_BLOCK_RECORDS);
			if (records_at(file, size))
				break;
		}
	}
	size_t at = records_at(file, size);
	for (size_t i = at; at && what & 2 && i < size; i += LF_RUN_RECORD_SIZE)
		memcpy(file + i, ids[file[i] % CHUNKS].bytes, 32);
	if (at && what & 1) {
		put_digest(file + 40, file + LF_RUN_HEADER_SIZE, at - LF_RUN_HEADER_SIZE);
		put_digest(file + 56, file + at, size - at);
	}
	if (what & 1)
		put_digest(file + 112, file, 112);
}

/* Every copy that the run knows. */
static void look_up(struct lf_run *run, unsigned number)
{
	static uint8_t chunk[LF_CHUNK_BYTES_MAX], expected[LF_PAGE_SIZE];
	struct lf_opener *opener = NULL;
	struct lf_place place;
	struct lf_error err;

	LF_ASSERT(lf_opener_get(vault, &opener, &err) == 0);
	fill_chunk(expected, number);
	for (unsigned nth = 0, left = 0; nth < 50; nth++) {
		left = nth;
		if (!lf_run_find(run, &ids[number], &left, &place))
			break;
		opener->pack = NULL; /* packs[] is used again */
		if (lf_vault_read_place(vault, opener, &place, chunk, &err))
			continue;
		LF_ASSERT(place.entry.plain == sizeof(expected));
		LF_ASSERT(memcmp(chunk, expected, sizeof(expected)) == 0);
	}
	lf_opener_put(vault, opener);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	struct lf_run *run = NULL, *merged = NULL;
	struct lf_error err;

	if (!vault)
		make_vault();
	if (!path)
		path = fuzz_path("run");
	if (size < 1 + LF_RUN_HEADER_SIZE)
		return 0;
	uint8_t *file = malloc(size - 1);
	LF_ASSERT(file);
	memcpy(file, data + 1, size - 1);
	put_right(file, size - 1, data[0]);
	fuzz_write(path, file, size - 1);
	free(file);
	used = 0;
	int rc = lf_run_open(path, find_pack, NULL, &run, &err);
	LF_ASSERT(rc == 0 || rc == LF_ECORRUPT || rc == LF_EUNSUPPORTED || used == PACKS);
	if (rc)
		return 0;
	rc = lf_run_check(run, &err);
	LF_ASSERT(rc == 0 || rc == LF_ECORRUPT);
	for (unsigned i = 0; i < CHUNKS; i++)
		look_up(run, i);
	rc = lf_run_merge(&run, 1, NULL, &merged, &err);
	LF_ASSERT(rc == 0 || rc == LF_ECORRUPT);
	for (unsigned i = 0; !rc && i < CHUNKS; i++)
		look_up(merged, i);
	lf_run_unref(merged);
	lf_run_unref(run);
	return 0;
}
