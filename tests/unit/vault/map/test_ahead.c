/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/vault/vault_fixture.h"

#include "vault/map/ahead.h"
#include "vault/vault_internal.h"

#define CHUNK  (64u << 10)
#define CHUNKS 200u

/* A disk of chunks of noise, whose cache is empty. */
static void make_disk(struct fixture *fixture, struct lf_root *ret_root)
{
	struct lf_map_edit *edit = NULL;
	uint8_t *data = malloc(CHUNK);
	struct lf_error err;

	assert_lf_ok(lf_map_edit_begin(fixture->vault, NULL, &edit, &err));
	for (uint64_t i = 0; i < CHUNKS; i++) {
		struct lf_extent extent = {.page = i * 16, .pages = 16};
		fill_noise(data, CHUNK, i + 1);
		assert_lf_ok(lf_vault_put(fixture->vault, data, CHUNK, &extent.chunk, &err));
		assert_lf_ok(lf_map_edit_put(edit, &extent, &err));
	}
	assert_lf_ok(lf_map_edit_commit(edit, ret_root, &err));
	lf_map_edit_free(edit);
	free(data);
	fixture_reopen(fixture);
}

static int note_cached(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct fixture *fixture = ((void **)context)[0];
	bool *cached = ((void **)context)[1];
	struct lf_cached *chunk = lf_cache_get(fixture->vault->cache, &extent->chunk);

	(void)err;
	*cached = chunk;
	lf_cache_release(fixture->vault->cache, chunk);
	return 0;
}

static bool is_cached(struct fixture *fixture, const struct lf_root *root, uint64_t chunk)
{
	bool cached = false;
	struct lf_error err;

	assert_lf_ok(lf_map_walk(fixture->vault, root, chunk * 16, 16, note_cached,
				 (void *[]){fixture, &cached}, &err));
	return cached;
}

static struct lf_ahead *start(struct fixture *fixture, const struct lf_root *root,
			      const char *trace)
{
	struct lf_ahead *ahead = NULL;
	struct lf_error err;

	assert_lf_ok(
		lf_ahead_new(fixture->vault, root, (uint64_t)CHUNKS * CHUNK, trace, &ahead, &err));
	return ahead;
}

static void test_ahead__loads_what_follows_a_sequential_reader(void **state)
{
	struct fixture *fixture = *state;
	struct lf_root root;

	make_disk(fixture, &root);
	struct lf_ahead *ahead = start(fixture, &root, NULL);
	lf_ahead_note(ahead, 10 * CHUNK, CHUNK);
	lf_ahead_settle(ahead);
	assert_false(is_cached(fixture, &root, 11)); /* one request is no sequence */
	lf_ahead_note(ahead, 11 * CHUNK, CHUNK);
	lf_ahead_settle(ahead);
	assert_true(is_cached(fixture, &root, 12));
	assert_true(is_cached(fixture, &root, 19));
	assert_false(is_cached(fixture, &root, 60));
	lf_ahead_free(ahead);
}

static void test_ahead__leaves_random_readers_alone(void **state)
{
	struct fixture *fixture = *state;
	struct lf_root root;

	make_disk(fixture, &root);
	struct lf_ahead *ahead = start(fixture, &root, NULL);
	for (uint64_t i = 0; i < 20; i++)
		lf_ahead_note(ahead, (i * 7919 % CHUNKS) * CHUNK * 40, 4096);
	lf_ahead_settle(ahead);
	for (uint64_t i = 0; i < CHUNKS; i++)
		assert_false(is_cached(fixture, &root, i));
	lf_ahead_free(ahead);
}

static void test_trace__of_one_boot_is_loaded_at_the_next(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_FREE char *trace = lf_printf_dup("%s/trace", fixture->dir);
	static const uint64_t read[] = {150, 3, 77, 78, 4};
	struct lf_root root;

	make_disk(fixture, &root);
	struct lf_ahead *ahead = start(fixture, &root, trace);
	for (size_t i = 0; i < LF_N(read); i++)
		lf_ahead_note(ahead, read[i] * CHUNK, 4096);
	lf_ahead_free(ahead);
	fixture_reopen(fixture);
	assert_false(is_cached(fixture, &root, 150));
	ahead = start(fixture, &root, trace);
	lf_ahead_settle(ahead);
	for (size_t i = 0; i < LF_N(read); i++)
		assert_true(is_cached(fixture, &root, read[i]));
	assert_false(is_cached(fixture, &root, 151));
	lf_ahead_free(ahead);
}

static void test_trace__that_is_damaged_does_no_harm(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_FREE char *trace = lf_printf_dup("%s/trace", fixture->dir);
	struct lf_root root;
	FILE *file = fopen(trace, "w");

	make_disk(fixture, &root);
	fputs("LFTRACE1\377\377\377\377\377\377\377\377\1\2\3", file);
	fclose(file);
	struct lf_ahead *ahead = start(fixture, &root, trace);
	lf_ahead_settle(ahead);
	lf_ahead_note(ahead, UINT64_MAX - 4096, 4096);
	lf_ahead_free(ahead);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ahead__loads_what_follows_a_sequential_reader),
		TEST(test_ahead__leaves_random_readers_alone),
		TEST(test_trace__of_one_boot_is_loaded_at_the_next),
		TEST(test_trace__that_is_damaged_does_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
