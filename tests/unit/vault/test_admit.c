/* SPDX-License-Identifier: Apache-2.0 */
/* Packs of those who have the keys and lie: what a record is decides, not what it is called. */
#include "vault_fixture.h"

#include "vault/care/care.h"
#include "vault/pack/pack_internal.h"
#include "vault/map/node.h"

static struct lf_error err;

static struct lf_chunk_id id_of(struct fixture *fixture, const void *data, size_t len)
{
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_chunk_id id;

	assert_lf_ok(lf_chunk_hasher_new(lf_vault_key(fixture->vault), &hasher, &err));
	assert_lf_ok(lf_chunk_id_of(hasher, data, len, &id, &err));
	lf_chunk_hasher_free(hasher);
	return id;
}

/* A pack being written, with good records before and after the bad one. */
struct pack {
	struct fixture *fixture;
	struct lf_pack_writer *writer;
	char *path;
};

static void add_good(struct pack *pack, unsigned first, unsigned last)
{
	uint8_t data[4 * LF_PAGE_SIZE];

	for (unsigned i = first; i < last; i++) {
		fill_noise(data, sizeof(data), i);
		struct lf_chunk_id id = id_of(pack->fixture, data, sizeof(data));
		assert_lf_ok(lf_pack_writer_add(pack->writer, &id, data, sizeof(data), &err));
	}
}

static void begin_pack(struct fixture *fixture, struct pack *pack)
{
	*pack = (struct pack){.fixture = fixture, .path = lf_printf_dup("%s/forged", fixture->dir)};
	assert_lf_ok(
		lf_pack_writer_new(lf_vault_key(fixture->vault), pack->path, &pack->writer, &err));
	add_good(pack, 100, 110);
}

static int adopt(struct pack *pack)
{
	char name[LF_PACK_NAME_SIZE];

	add_good(pack, 200, 210);
	assert_lf_ok(lf_pack_writer_finish(pack->writer, name, &err));
	lf_pack_writer_free(pack->writer);
	int rc = lf_vault_adopt_pack(pack->fixture->vault, pack->path, &err);
	free(pack->path);
	return rc;
}

static bool is_there(struct fixture *fixture, const struct lf_chunk_id *id)
{
	uint8_t bit = 0;

	assert_lf_ok(lf_vault_have(fixture->vault, id, 1, &bit, &err));
	return bit;
}

/* Refused whole: not even the good records are there, now or after a look at the store. */
static void assert_refused(struct pack *pack)
{
	struct fixture *fixture = pack->fixture;
	uint8_t data[4 * LF_PAGE_SIZE];

	assert_int_equal(adopt(pack), LF_EINVAL);
	assert_string_equal(err.arm_code, "PackRefused");
	fill_noise(data, sizeof(data), 100);
	struct lf_chunk_id good = id_of(fixture, data, sizeof(data));
	assert_false(is_there(fixture, &good));
	fixture_reopen(fixture);
	assert_false(is_there(fixture, &good));
	assert_whole(fixture->vault);
}

static void test_admit__content_under_another_chunks_id_is_refused(void **state)
{
	struct fixture *fixture = *state;
	uint8_t genuine[LF_PAGE_SIZE], evil[LF_PAGE_SIZE];
	struct pack pack;

	fill_noise(genuine, sizeof(genuine), 1);
	memset(evil, 'E', sizeof(evil));
	struct lf_chunk_id id = id_of(fixture, genuine, sizeof(genuine));
	begin_pack(fixture, &pack);
	assert_lf_ok(lf_pack_writer_add(pack.writer, &id, evil, sizeof(evil), &err));
	assert_refused(&pack);
	assert_false(is_there(fixture, &id));
}

static void test_admit__a_chunk_that_is_here_is_not_given_other_content(void **state)
{
	struct fixture *fixture = *state;
	uint8_t genuine[LF_PAGE_SIZE], evil[LF_PAGE_SIZE];
	LF_AUTO_BUF got = LF_BUF_INIT;
	struct lf_chunk_id id;
	struct pack pack;

	fill_noise(genuine, sizeof(genuine), 1);
	memset(evil, 'E', sizeof(evil));
	assert_lf_ok(lf_vault_put(fixture->vault, genuine, sizeof(genuine), &id, &err));
	assert_lf_ok(lf_vault_flush(fixture->vault, &err));
	begin_pack(fixture, &pack);
	assert_lf_ok(lf_pack_writer_add(pack.writer, &id, evil, sizeof(evil), &err));
	assert_refused(&pack);
	assert_lf_ok(lf_vault_read_chunk(fixture->vault, &id, &got, &err));
	assert_int_equal(got.len, sizeof(genuine));
	assert_memory_equal(got.data, genuine, sizeof(genuine));
}

static void test_admit__a_node_is_refused_though_it_is_a_true_one(void **state)
{
	struct fixture *fixture = *state;
	struct lf_leaf_extent extent = {.pages = 1};
	uint8_t node[LF_NODE_BYTES_MAX];
	struct pack pack;

	size_t len = lf_leaf_encode(&extent, 1, node);
	struct lf_chunk_id id = id_of(fixture, node, len);
	begin_pack(fixture, &pack);
	assert_lf_ok(lf_pack_writer_add_kind(pack.writer, &id, LF_CHUNK_NODE, node, len, &err));
	assert_refused(&pack);
}

static void test_admit__a_chunk_that_is_not_of_whole_pages_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct pack pack;

	struct lf_chunk_id id = id_of(fixture, "half a page", 11);
	begin_pack(fixture, &pack);
	assert_lf_ok(lf_pack_writer_add(pack.writer, &id, "half a page", 11, &err));
	assert_refused(&pack);
}

static void test_admit__a_record_that_does_not_decompress_to_its_size_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct lf_pack_entry like = {.plain = LF_PAGE_SIZE, .coding = LF_CODING_ZSTD};
	uint8_t page[LF_PAGE_SIZE] = {1};
	struct pack pack;

	like.id = id_of(fixture, page, sizeof(page));
	begin_pack(fixture, &pack);
	assert_lf_ok(lf_pack_writer_add_coded(pack.writer, &like, "no frame", 8, &err));
	assert_refused(&pack);
}

static void test_admit__a_pack_of_another_domain_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct lf_domain_key other = {.epoch = 1, .id_key = {1}, .data_key = {2}};
	LF_AUTO_FREE char *path = lf_printf_dup("%s/other", fixture->dir);
	struct lf_pack_writer *writer = NULL;
	uint8_t page[LF_PAGE_SIZE] = {1};
	char name[LF_PACK_NAME_SIZE];

	struct lf_chunk_id id = id_of(fixture, page, sizeof(page));
	assert_lf_ok(lf_pack_writer_new(&other, path, &writer, &err));
	assert_lf_ok(lf_pack_writer_add(writer, &id, page, sizeof(page), &err));
	assert_lf_ok(lf_pack_writer_finish(writer, name, &err));
	lf_pack_writer_free(writer);
	assert_int_equal(lf_vault_adopt_pack(fixture->vault, path, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "PackRefused");
	assert_false(is_there(fixture, &id));
}

static void test_admit__a_good_pack_of_many_blocks_is_taken(void **state)
{
	struct fixture *fixture = *state;
	uint8_t data[4 * LF_PAGE_SIZE];
	struct pack pack;

	begin_pack(fixture, &pack);
	add_good(&pack, 1000, 2000); /* 16 MB: several threads */
	assert_lf_ok(adopt(&pack));
	for (unsigned i = 1000; i < 2000; i++) {
		fill_noise(data, sizeof(data), i);
		struct lf_chunk_id id = id_of(fixture, data, sizeof(data));
		assert_true(is_there(fixture, &id));
	}
	assert_whole(fixture->vault);
}

static void test_admit__the_last_of_many_blocks_is_looked_at(void **state)
{
	struct fixture *fixture = *state;
	uint8_t genuine[LF_PAGE_SIZE] = {1}, evil[LF_PAGE_SIZE] = {2};
	struct pack pack;

	struct lf_chunk_id id = id_of(fixture, genuine, sizeof(genuine));
	begin_pack(fixture, &pack);
	add_good(&pack, 1000, 2000);
	assert_lf_ok(lf_pack_writer_add(pack.writer, &id, evil, sizeof(evil), &err));
	assert_refused(&pack);
}

/* What a version that did not look took in lies in the store. */
static void plant_forged(struct fixture *fixture, const struct lf_chunk_id *id, const void *data,
			 size_t len)
{
	LF_AUTO_FREE char *from = lf_printf_dup("%s/forged", fixture->dir);
	struct lf_pack_writer *writer = NULL;
	char name[LF_PACK_NAME_SIZE];

	assert_lf_ok(lf_pack_writer_new(lf_vault_key(fixture->vault), from, &writer, &err));
	assert_lf_ok(lf_pack_writer_add(writer, id, data, len, &err));
	assert_lf_ok(lf_pack_writer_finish(writer, name, &err));
	lf_pack_writer_free(writer);
	LF_AUTO_FREE char *to = lf_printf_dup("%s/packs/%s", fixture->store, name);
	assert_int_equal(rename(from, to), 0);
}

static void test_read__a_forged_chunk_of_an_earlier_version_is_an_error_never_data(void **state)
{
	struct fixture *fixture = *state;
	uint8_t genuine[LF_PAGE_SIZE], evil[LF_PAGE_SIZE];
	LF_AUTO_BUF got = LF_BUF_INIT;

	fill_noise(genuine, sizeof(genuine), 1);
	memset(evil, 'E', sizeof(evil));
	struct lf_chunk_id id = id_of(fixture, genuine, sizeof(genuine));
	plant_forged(fixture, &id, evil, sizeof(evil));
	for (unsigned turn = 0; turn < 2; turn++) { /* found by its footer, then in the index */
		fixture_reopen(fixture);
		assert_int_equal(lf_vault_read_chunk(fixture->vault, &id, &got, &err), LF_ECORRUPT);
		assert_int_equal(got.len, 0);
	}
	LF_AUTO_JSON *faults = NULL;
	assert_lf_ok(lf_vault_verify(fixture->vault, NULL, &faults, &err));
	assert_int_equal(json_array_size(faults), 1);
}

static void test_read__a_true_copy_is_read_past_a_forged_one(void **state)
{
	struct fixture *fixture = *state;
	uint8_t genuine[LF_PAGE_SIZE], evil[LF_PAGE_SIZE];
	LF_AUTO_BUF got = LF_BUF_INIT;
	struct lf_chunk_id id;

	fill_noise(genuine, sizeof(genuine), 1);
	memset(evil, 'E', sizeof(evil));
	assert_lf_ok(lf_vault_put(fixture->vault, genuine, sizeof(genuine), &id, &err));
	assert_lf_ok(lf_vault_flush(fixture->vault, &err));
	plant_forged(fixture, &id, evil, sizeof(evil));
	fixture_reopen(fixture);
	assert_lf_ok(lf_vault_read_chunk(fixture->vault, &id, &got, &err));
	assert_memory_equal(got.data, genuine, sizeof(genuine));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(test_admit__content_under_another_chunks_id_is_refused),
		TEST(test_admit__a_chunk_that_is_here_is_not_given_other_content),
		TEST(test_admit__a_node_is_refused_though_it_is_a_true_one),
		TEST(test_admit__a_chunk_that_is_not_of_whole_pages_is_refused),
		TEST(test_admit__a_record_that_does_not_decompress_to_its_size_is_refused),
		TEST(test_admit__a_pack_of_another_domain_is_refused),
		TEST(test_admit__a_good_pack_of_many_blocks_is_taken),
		TEST(test_admit__the_last_of_many_blocks_is_looked_at),
		TEST(test_read__a_forged_chunk_of_an_earlier_version_is_an_error_never_data),
		TEST(test_read__a_true_copy_is_read_past_a_forged_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
