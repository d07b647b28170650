/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index over synthetic packs: their files are empty, so that whatever no run
 * covers is known to be lost.
 */
#include "base/bytes.h"
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <xxhash.h>

#include "base/text.h"
#include "store/store.h"
#include "vault/index/index.h"

#define PER_PACK 512u

struct fixture {
	char *dir;
	char runs[256];
	struct lf_store *store;
	struct lf_index *index;
};

static void open_index(struct fixture *fixture, bool read_only)
{
	struct lf_error err;

	assert_lf_ok(lf_index_open(fixture->store, fixture->dir, read_only, &fixture->index, &err));
}

static void close_index(struct fixture *fixture)
{
	lf_index_free(fixture->index);
	fixture->index = NULL;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char packs[256];
	void *dir = NULL;
	struct lf_error err;

	if (!fixture || test_dir_setup(&dir))
		return -1;
	fixture->dir = dir;
	snprintf(packs, sizeof(packs), "%s/packs", fixture->dir);
	snprintf(fixture->runs, sizeof(fixture->runs), "%s/index", fixture->dir);
	*state = fixture;
	return lf_dir_make(packs, 0700, &err) ||
	       lf_store_open_directory(fixture->dir, &fixture->store, &err);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	void *dir = fixture->dir;

	lf_index_free(fixture->index);
	lf_store_free(fixture->store);
	free(fixture);
	return test_dir_teardown(&dir);
}

static struct lf_chunk_id make_id(uint64_t number)
{
	XXH128_hash_t low = XXH3_128bits_withSeed(&number, sizeof(number), 1);
	XXH128_hash_t high = XXH3_128bits_withSeed(&number, sizeof(number), 2);
	struct lf_chunk_id id;

	memcpy(id.bytes, &low, 16);
	memcpy(id.bytes + 16, &high, 16);
	return id;
}

static int compare_entries(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lf_chunk_id));
}

/* Chunks first to first + PER_PACK - 1. */
static void add_pack(struct fixture *fixture, uint64_t number, uint64_t first)
{
	struct lf_pack_entry entries[PER_PACK];
	struct lf_pack_footer footer = {.count = PER_PACK, .size = 1 << 20, .entries = entries};
	struct lf_chunk_id name = make_id(UINT64_C(1) << 40 | number);
	char path[512], hex[65];
	struct lf_error err;

	memcpy(footer.name, name.bytes, 32);
	for (uint32_t i = 0; i < PER_PACK; i++)
		entries[i] = (struct lf_pack_entry){
			.id = make_id(first + i), .offset = 64 + i, .plain = 4096, .record = i};
	qsort(entries, PER_PACK, sizeof(*entries), compare_entries);
	lf_hex_encode(footer.name, 32, hex);
	snprintf(path, sizeof(path), "%s/packs/%s", fixture->dir, hex);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_lf_ok(lf_index_add(fixture->index, &footer, number + 1, &err));
	assert_lf_ok(lf_index_tidy(fixture->index, false, &err));
}

static void check_found(struct fixture *fixture, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		struct lf_chunk_id id = make_id(i);
		struct lf_place place;
		if (!lf_index_find(fixture->index, &id, 0, &place))
			fail_msg("chunk %llu is lost", (unsigned long long)i);
		assert_memory_equal(place.entry.id.bytes, id.bytes, 32);
		assert_int_equal(place.entry.offset, 64 + i % PER_PACK);
	}
}

static unsigned count_files(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* More records than are merged at once, so that the thread has work as well. */
static void test_index__finds_everything_in_few_files_while_it_merges(void **state)
{
	struct fixture *fixture = *state;
	uint64_t packs = 1100;
	struct lf_error err;

	open_index(fixture, false);
	for (uint64_t i = 0; i < packs; i++) {
		add_pack(fixture, i, i * PER_PACK);
		if (i % 50 == 0)
			check_found(fixture, i / 2 * PER_PACK, i / 2 * PER_PACK + PER_PACK);
	}
	lf_index_wait(fixture->index);
	assert_lf_ok(lf_index_tidy(fixture->index, true, &err));
	check_found(fixture, 0, packs * PER_PACK);
	close_index(fixture);
	assert_in_range(count_files(fixture->runs), 1, 8);
	open_index(fixture, true);
	check_found(fixture, 0, packs * PER_PACK);
}

static void test_index__answers_for_many_as_for_one(void **state)
{
	struct fixture *fixture = *state;
	struct lf_chunk_id ids[3000];
	uint8_t bits[3000 / 8] = {0};

	open_index(fixture, false);
	for (uint64_t i = 0; i < 40; i++)
		add_pack(fixture, i, i * PER_PACK);
	for (unsigned i = 0; i < LF_N(ids); i++)
		ids[i] = make_id(i * UINT64_C(14)); /* half of them are there */
	lf_index_hold_many(fixture->index, ids, LF_N(ids), bits);
	for (unsigned i = 0; i < LF_N(ids); i++) {
		assert_int_equal(bits[i / 8] >> (i % 8) & 1, i * 14 < 40 * PER_PACK);
		assert_int_equal(lf_index_hold(fixture->index, &ids[i], NULL),
				 i * 14 < 40 * PER_PACK);
	}
}

static void test_index__counts_copies_over_packs_and_runs(void **state)
{
	struct fixture *fixture = *state;
	struct lf_chunk_id id = make_id(7);
	struct lf_place place;

	open_index(fixture, false);
	for (uint64_t i = 0; i < 20; i++) /* 17 of them become a file */
		add_pack(fixture, i, 0);
	for (unsigned nth = 0; nth < 20; nth++)
		assert_true(lf_index_find(fixture->index, &id, nth, &place));
	assert_false(lf_index_find(fixture->index, &id, 20, &place));
}

static void test_run__filters_all_but_one_of_200_that_are_absent(void **state)
{
	uint32_t count = 20000, passed = 0;
	struct lf_pack_entry *entries = calloc(count, sizeof(*entries));
	struct lf_pack_footer footer = {.count = count, .entries = entries};
	struct lf_pack pack = {.count = count};
	struct lf_run *run = NULL;
	struct lf_error err;

	(void)state;
	assert_non_null(entries);
	for (uint32_t i = 0; i < count; i++)
		entries[i].id = make_id(i);
	qsort(entries, count, sizeof(*entries), compare_entries);
	assert_lf_ok(lf_run_of_pack(&pack, &footer, &run, &err));
	for (uint32_t i = 0; i < count; i++)
		assert_true(lf_run_maybe(run, &entries[i].id));
	for (uint32_t i = 0; i < 100000; i++) {
		struct lf_chunk_id id = make_id(count + i);
		passed += lf_run_maybe(run, &id);
	}
	print_message("%u of 100000 passed\n", passed);
	assert_in_range(passed, 1, 500);
	lf_run_unref(run);
	free(entries);
}

/* What another version wrote is nobody's loss: packs say it all. */
static void test_index__drops_a_run_of_another_version(void **state)
{
	struct fixture *fixture = *state;
	uint8_t header[256] = "LFRUN001";
	XXH128_canonical_t digest;
	char path[512];
	struct lf_error err;

	lf_put_u32(header + 8, 1);
	lf_put_u32(header + 12, LF_RUN_RECORD_SIZE);
	XXH128_canonicalFromHash(&digest, XXH3_128bits(header, 112));
	memcpy(header + 112, digest.digest, 16);
	assert_lf_ok(lf_dir_make(fixture->runs, 0700, &err));
	snprintf(path, sizeof(path), "%s/0000000000000001.run", fixture->runs);
	assert_lf_ok(lf_file_write_durable(path, header, sizeof(header), 0600, &err));
	open_index(fixture, true);
	close_index(fixture);
	assert_int_equal(count_files(fixture->runs), 1); /* a reader removes nothing */
	open_index(fixture, false);
	assert_int_equal(count_files(fixture->runs), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_index__finds_everything_in_few_files_while_it_merges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_index__answers_for_many_as_for_one, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_index__counts_copies_over_packs_and_runs,
						setup, teardown),
		cmocka_unit_test(test_run__filters_all_but_one_of_200_that_are_absent),
		cmocka_unit_test_setup_teardown(test_index__drops_a_run_of_another_version, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
