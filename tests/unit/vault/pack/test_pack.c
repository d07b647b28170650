/* SPDX-License-Identifier: Apache-2.0 */
/* Packs: written, adopted, refused; chunk ids and borders. */
#include <fcntl.h>
#include <sys/stat.h>

#include "unit/vault/vault_fixture.h"

#include "vault/pack/pack.h"

static char *pack_path(const struct fixture *fixture, const char *name)
{
	return lf_printf_dup("%s/%s", fixture->dir, name);
}

static void chunk_of(struct fixture *fixture, const void *data, size_t len, struct lf_chunk_id *id)
{
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_error err;

	assert_lf_ok(lf_chunk_hasher_new(lf_vault_key(fixture->vault), &hasher, &err));
	assert_lf_ok(lf_chunk_id_of(hasher, data, len, id, &err));
	lf_chunk_hasher_free(hasher);
}

/* As an agent does: a pack with chunks of all sorts. */
static void write_pack(struct fixture *fixture, const char *path, unsigned chunks)
{
	struct lf_pack_writer *writer = NULL;
	char name[LF_PACK_NAME_SIZE];
	struct lf_error err;

	assert_lf_ok(lf_pack_writer_new(lf_vault_key(fixture->vault), path, &writer, &err));
	for (unsigned i = 0; i < chunks; i++) {
		size_t len = (size_t)(1 + i % LF_CHUNK_PAGES_MAX) * LF_PAGE_SIZE;
		uint8_t *data = malloc(len);
		struct lf_chunk_id id;
		if (i % 2)
			fill_noise(data, len, i + 1);
		else
			memset(data, (int)i + 1, len);
		chunk_of(fixture, data, len, &id);
		assert_lf_ok(lf_pack_writer_add(writer, &id, data, len, &err));
		free(data);
	}
	assert_lf_ok(lf_pack_writer_finish(writer, name, &err));
	assert_int_equal(lf_pack_writer_add(writer, &(struct lf_chunk_id){{1}}, name, 1, &err),
			 LF_EINVAL);
	lf_pack_writer_free(writer);
}

static void test_pack__is_adopted_and_read_back(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_FREE char *path = pack_path(fixture, "one");
	struct lf_error err;

	write_pack(fixture, path, 70);
	assert_lf_ok(lf_vault_adopt_pack(fixture->vault, path, &err));
	assert_int_not_equal(access(path, F_OK), 0);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < 70; i++) {
			size_t len = (size_t)(1 + i % LF_CHUNK_PAGES_MAX) * LF_PAGE_SIZE;
			uint8_t *data = malloc(len);
			LF_AUTO_BUF got = LF_BUF_INIT;
			struct lf_chunk_id id;
			if (i % 2)
				fill_noise(data, len, i + 1);
			else
				memset(data, (int)i + 1, len);
			chunk_of(fixture, data, len, &id);
			assert_lf_ok(lf_vault_read_chunk(fixture->vault, &id, &got, &err));
			assert_int_equal(got.len, len);
			assert_memory_equal(got.data, data, len);
			free(data);
		}
		fixture_reopen(fixture);
	}
	assert_whole(fixture->vault);
}

static void test_pack__adopted_twice_is_kept_once(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_FREE char *one = pack_path(fixture, "one");
	LF_AUTO_FREE char *two = pack_path(fixture, "two");
	LF_AUTO_BUF bytes = LF_BUF_INIT;
	LF_AUTO_JSON *stats = NULL;
	struct lf_error err;

	write_pack(fixture, one, 3);
	assert_lf_ok(lf_file_read(one, 1 << 20, &bytes, &err));
	assert_lf_ok(lf_file_write_durable(two, bytes.data, bytes.len, 0600, &err));
	assert_lf_ok(lf_vault_adopt_pack(fixture->vault, one, &err));
	assert_lf_ok(lf_vault_adopt_pack(fixture->vault, two, &err));
	assert_lf_ok(lf_vault_stats(fixture->vault, &stats, &err));
	assert_int_equal(lf_json_int_or(stats, "packs", 0), 1);
}

static void test_pack__is_found_again_after_it_was_collected(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_FREE char *one = pack_path(fixture, "one");
	LF_AUTO_FREE char *two = pack_path(fixture, "two");
	LF_AUTO_BUF bytes = LF_BUF_INIT;
	LF_AUTO_BUF got = LF_BUF_INIT;
	uint8_t data[LF_PAGE_SIZE];
	struct lf_chunk_id id;
	struct lf_error err;

	write_pack(fixture, one, 3);
	assert_lf_ok(lf_file_read(one, 1 << 20, &bytes, &err));
	assert_lf_ok(lf_file_write_durable(two, bytes.data, bytes.len, 0600, &err));
	assert_lf_ok(lf_vault_adopt_pack(fixture->vault, one, &err));
	assert_true(collect(fixture->vault, "bytes") > 0);
	memset(data, 1, sizeof(data));
	chunk_of(fixture, data, sizeof(data), &id);
	assert_int_equal(lf_vault_read_chunk(fixture->vault, &id, &got, &err), LF_ENOTFOUND);
	assert_lf_ok(lf_vault_adopt_pack(fixture->vault, two, &err));
	assert_lf_ok(lf_vault_read_chunk(fixture->vault, &id, &got, &err));
	assert_memory_equal(got.data, data, sizeof(data));
	assert_whole(fixture->vault);
	fixture_reopen(fixture);
	assert_whole(fixture->vault);
}

static void test_pack__with_a_damaged_byte_is_refused(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_FREE char *path = pack_path(fixture, "one");
	LF_AUTO_BUF bytes = LF_BUF_INIT;
	struct lf_error err;

	write_pack(fixture, path, 5);
	assert_lf_ok(lf_file_read(path, 1 << 20, &bytes, &err));
	for (size_t at = 0; at < bytes.len; at += bytes.len / 40 + 1) {
		bytes.data[at] ^= 0x10;
		assert_lf_ok(lf_file_write_durable(path, bytes.data, bytes.len, 0600, &err));
		assert_int_equal(lf_vault_adopt_pack(fixture->vault, path, &err), LF_EINVAL);
		assert_string_equal(err.arm_code, "PackRefused");
		assert_int_not_equal(access(path, F_OK), 0);
		bytes.data[at] ^= 0x10;
	}
	assert_lf_ok(lf_file_write_durable(path, bytes.data, bytes.len, 0600, &err));
	assert_lf_ok(lf_vault_adopt_pack(fixture->vault, path, &err));
}

static void test_pack__unfinished_leaves_no_file(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_FREE char *path = pack_path(fixture, "one");
	struct lf_pack_writer *writer = NULL;
	struct lf_error err;

	assert_lf_ok(lf_pack_writer_new(lf_vault_key(fixture->vault), path, &writer, &err));
	assert_int_equal(lf_pack_writer_new(lf_vault_key(fixture->vault), path,
					    &(struct lf_pack_writer *){NULL}, &err),
			 LF_EEXISTS);
	lf_pack_writer_free(writer);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void test_vault__is_open_for_one_writer_and_many_readers(void **state)
{
	struct fixture *fixture = *state;
	struct lf_vault_opts opts = {.read_only = true};
	LF_AUTO_FREE char *path = pack_path(fixture, "one");
	struct lf_vault *second = NULL, *reader = NULL;
	struct lf_chunk_id id;
	LF_AUTO_BUF got = LF_BUF_INIT;
	struct lf_error err;

	assert_int_equal(lf_vault_open(fixture->store, fixture->key, NULL, &second, &err),
			 LF_ECONFLICT);
	assert_lf_ok(lf_vault_open(fixture->store, fixture->key, &opts, &reader, &err));
	/* what comes after the reader opened is found all the same */
	assert_lf_ok(lf_vault_put(fixture->vault, "something", 9, &id, &err));
	assert_lf_ok(lf_vault_flush(fixture->vault, &err));
	assert_lf_ok(lf_vault_read_chunk(reader, &id, &got, &err));
	assert_string_equal(got.data, "something");
	assert_int_equal(lf_vault_adopt_pack(reader, path, &err), LF_EUNSUPPORTED);
	assert_whole(reader);
	lf_vault_free(reader);
}

static void test_vault__does_not_open_with_another_key(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_FREE char *other = pack_path(fixture, "other");
	LF_AUTO_FREE char *key = pack_path(fixture, "other.key");
	struct lf_vault *vault = NULL;
	struct lf_error err;

	assert_lf_ok(lf_vault_init(other, key, &err));
	assert_int_equal(lf_vault_init(other, key, &err), LF_EEXISTS);
	fixture_close(fixture);
	assert_int_equal(lf_vault_open(fixture->store, key, NULL, &vault, &err), LF_EDENIED);
	assert_int_equal(lf_vault_open(fixture->dir, key, NULL, &vault, &err), LF_ENOTFOUND);
	fixture_open(fixture);
}

static struct lf_chunk_hasher *make_hasher(uint8_t id)
{
	const struct lf_domain_key key = {.id_key = {id}};
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_error err;

	assert_lf_ok(lf_chunk_hasher_new(&key, &hasher, &err));
	return hasher;
}

static void test_chunk_border__depends_on_content_alone(void **state)
{
	struct lf_chunk_hasher *hasher = make_hasher(1);
	enum { PAGES = 256 };
	uint8_t *data = calloc(PAGES, LF_PAGE_SIZE);
	uint64_t prints[PAGES];

	(void)state;
	fill_noise(data, (size_t)PAGES * LF_PAGE_SIZE, 3);
	for (size_t i = 0; i < PAGES; i++)
		prints[i] = lf_page_print(hasher, data + i * LF_PAGE_SIZE);
	/* borders from a border on are the same wherever the data lies */
	size_t first = lf_chunk_border(prints, PAGES, true);
	size_t second = lf_chunk_border(prints + first, PAGES - first, true);
	assert_in_range(first, 4, 64);
	assert_int_equal(lf_chunk_border(prints + first, second, false), second);
	if (second > 1)
		assert_int_equal(lf_chunk_border(prints + first, second - 1, false), 0);
	/* a zero page ends a chunk and is in none */
	prints[2] = 0;
	assert_int_equal(lf_chunk_border(prints, PAGES, true), 2);
	lf_chunk_hasher_free(hasher);
	free(data);
}

static void test_page_print__is_zero_for_zeroes_alone_and_keyed(void **state)
{
	struct lf_chunk_hasher *hasher = make_hasher(1), *other = make_hasher(2);
	uint8_t page[LF_PAGE_SIZE] = {0};

	(void)state;
	assert_true(lf_page_is_zero(page));
	assert_int_equal(lf_page_print(hasher, page), 0);
	page[LF_PAGE_SIZE - 1] = 1;
	assert_false(lf_page_is_zero(page));
	assert_int_not_equal(lf_page_print(hasher, page), 0);
	assert_int_not_equal(lf_page_print(hasher, page), lf_page_print(other, page));
	lf_chunk_hasher_free(hasher);
	lf_chunk_hasher_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pack__is_adopted_and_read_back),
		TEST(test_pack__adopted_twice_is_kept_once),
		TEST(test_pack__is_found_again_after_it_was_collected),
		TEST(test_pack__with_a_damaged_byte_is_refused),
		TEST(test_pack__unfinished_leaves_no_file),
		TEST(test_vault__is_open_for_one_writer_and_many_readers),
		TEST(test_vault__does_not_open_with_another_key),
		cmocka_unit_test(test_chunk_border__depends_on_content_alone),
		cmocka_unit_test(test_page_print__is_zero_for_zeroes_alone_and_keyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
