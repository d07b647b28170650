/* SPDX-License-Identifier: Apache-2.0 */
/* Garbage collection and those who hold on to chunks. */
#include "unit/vault/vault_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "os/file.h"
#include "vault/flow/ingest.h"
#include "vault/pack/pack.h"
#include "vault/lease.h"

#define PAGE LF_PAGE_SIZE

/* A disk of pages of noise, in a point. */
static void make_disk(struct lf_vault *vault, const char *point, uint64_t seed, unsigned pages,
		      struct lf_root *ret_root)
{
	struct lf_map_edit *edit = NULL;
	uint8_t page[PAGE];
	struct lf_error err;

	assert_lf_ok(lf_map_edit_begin(vault, NULL, &edit, &err));
	for (unsigned i = 0; i < pages; i++) {
		struct lf_extent extent = {.page = i, .pages = 1};
		fill_noise(page, PAGE, seed * 100000 + i);
		assert_lf_ok(lf_vault_put(vault, page, PAGE, &extent.chunk, &err));
		assert_lf_ok(lf_map_edit_put(edit, &extent, &err));
	}
	assert_lf_ok(lf_map_edit_commit(edit, ret_root, &err));
	put_point(vault, point, ret_root, (uint64_t)pages * PAGE);
	lf_map_edit_free(edit);
}

static void new_id(char id[static LF_GUID_SIZE])
{
	lf_guid_random(id);
}

static bool has_page(struct lf_vault *vault, uint64_t seed, unsigned page)
{
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_chunk_id id;
	uint8_t data[PAGE], bit = 0;
	struct lf_error err;

	fill_noise(data, PAGE, seed * 100000 + page);
	assert_lf_ok(lf_chunk_hasher_new(lf_vault_key(vault), &hasher, &err));
	assert_lf_ok(lf_chunk_id_of(hasher, data, PAGE, &id, &err));
	lf_chunk_hasher_free(hasher);
	assert_lf_ok(lf_vault_have(vault, &id, 1, &bit, &err));
	return bit;
}

static void test_collect__gives_back_the_space_of_a_dropped_point(void **state)
{
	struct fixture *fixture = *state;
	char one[LF_GUID_SIZE], two[LF_GUID_SIZE];
	struct lf_root root;
	struct lf_error err;

	new_id(one);
	new_id(two);
	make_disk(fixture->vault, one, 1, 300, &root);
	make_disk(fixture->vault, two, 2, 300, &root);
	assert_int_equal(collect(fixture->vault, "bytes"), 0);
	assert_lf_ok(lf_claim_drop(fixture->vault, one, "retention", &err));
	assert_true(collect(fixture->vault, "bytes") > 300 * PAGE);
	assert_false(has_page(fixture->vault, 1, 7));
	assert_true(has_page(fixture->vault, 2, 7));
	assert_whole(fixture->vault);
}

static void test_collect__keeps_a_point_until_its_last_claim_ends(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_JSON *report = NULL;
	char id[LF_GUID_SIZE];
	struct lf_root root;
	struct lf_error err;

	new_id(id);
	make_disk(fixture->vault, id, 1, 20, &root);
	assert_lf_ok(lf_claim_put(fixture->vault, id, "export:x", 1000, &err));
	assert_lf_ok(lf_claim_drop(fixture->vault, id, "retention", &err));
	assert_lf_ok(lf_vault_collect(fixture->vault, &(struct lf_collect_opts){.now_ns = 999},
				      &report, &err));
	assert_int_equal(lf_json_int_or(report, "points", -1), 0);
	json_decref(lf_steal(&report));
	assert_lf_ok(lf_vault_collect(fixture->vault, &(struct lf_collect_opts){.now_ns = 1000},
				      &report, &err));
	assert_int_equal(lf_json_int_or(report, "points", -1), 1);
	assert_int_equal(lf_claim_put(fixture->vault, id, "late", 5000, &err), LF_ENOTFOUND);
}

static void test_collect__keeps_what_a_running_session_was_told_is_present(void **state)
{
	struct fixture *fixture = *state;
	char point[LF_GUID_SIZE], session[LF_GUID_SIZE];
	struct lf_root root;
	struct lf_error err;

	new_id(point);
	new_id(session);
	make_disk(fixture->vault, point, 1, 300, &root);
	assert_lf_ok(lf_lease_begin(fixture->vault, session, &err));
	assert_true(has_page(fixture->vault, 1, 7));
	assert_lf_ok(lf_claim_drop(fixture->vault, point, "retention", &err));
	collect(fixture->vault, "bytes");
	fixture_reopen(fixture); /* a session outlives the process */
	collect(fixture->vault, "bytes");
	collect(fixture->vault, "bytes");
	assert_true(has_page(fixture->vault, 1, 8));
	assert_lf_ok(lf_lease_end(fixture->vault, session, &err));
	/* asked for since: those are kept once more, the others go */
	collect(fixture->vault, "bytes");
	assert_int_equal(collect(fixture->vault, "points"), 0);
	assert_false(has_page(fixture->vault, 1, 200));
}

static void test_collect__keeps_what_a_point_made_during_the_session_uses(void **state)
{
	struct fixture *fixture = *state;
	char old[LF_GUID_SIZE], session[LF_GUID_SIZE], fresh[LF_GUID_SIZE];
	struct lf_root root, again;
	struct lf_error err;

	new_id(old);
	new_id(session);
	new_id(fresh);
	make_disk(fixture->vault, old, 1, 300, &root);
	assert_lf_ok(lf_lease_begin(fixture->vault, session, &err));
	assert_lf_ok(lf_claim_drop(fixture->vault, old, "retention", &err));
	collect(fixture->vault, "bytes"); /* condemned, not removed */
	make_disk(fixture->vault, fresh, 1, 300, &again);
	assert_true(lf_root_equal(&root, &again));
	assert_lf_ok(lf_lease_end(fixture->vault, session, &err));
	collect(fixture->vault, "bytes");
	collect(fixture->vault, "bytes");
	assert_whole(fixture->vault);
	assert_true(has_page(fixture->vault, 1, 299));
}

static void test_collect__folds_small_packs_together(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_JSON *before = NULL;
	LF_AUTO_JSON *after = NULL;
	char id[LF_GUID_SIZE];
	struct lf_root root;
	struct lf_error err;

	for (unsigned i = 0; i < 20; i++) {
		new_id(id);
		make_disk(fixture->vault, id, i + 1, 3, &root);
	}
	assert_lf_ok(lf_vault_stats(fixture->vault, &before, &err));
	collect(fixture->vault, "bytes");
	assert_lf_ok(lf_vault_stats(fixture->vault, &after, &err));
	assert_int_equal(lf_json_int_or(before, "packs", 0), 20);
	assert_int_equal(lf_json_int_or(after, "packs", 0), 1);
	assert_int_equal(lf_json_int_or(before, "chunks", 0), lf_json_int_or(after, "chunks", 1));
	assert_whole(fixture->vault);
}

static void test_collect__keeps_the_base_of_an_edit_under_way(void **state)
{
	struct fixture *fixture = *state;
	struct lf_map_edit *edit = NULL;
	struct lf_root root, changed;
	struct lf_extent hole = {.page = 5, .pages = 1, .hole = true};
	char id[LF_GUID_SIZE];
	struct lf_error err;

	new_id(id);
	make_disk(fixture->vault, id, 1, 700, &root);
	assert_lf_ok(lf_map_edit_begin(fixture->vault, &root, &edit, &err));
	assert_lf_ok(lf_claim_drop(fixture->vault, id, "retention", &err));
	collect(fixture->vault, "bytes");
	assert_lf_ok(lf_map_edit_put(edit, &hole, &err));
	assert_lf_ok(lf_map_edit_commit(edit, &changed, &err));
	new_id(id);
	put_point(fixture->vault, id, &changed, 700 * PAGE);
	lf_map_edit_free(edit);
	collect(fixture->vault, "bytes");
	assert_whole(fixture->vault);
}

static void test_collect__removes_no_data_while_a_point_is_damaged(void **state)
{
	struct fixture *fixture = *state;
	char one[LF_GUID_SIZE], two[LF_GUID_SIZE];
	struct lf_root root, nowhere = {.height = 1};
	LF_AUTO_JSON *report = NULL;
	struct lf_error err;

	new_id(one);
	new_id(two);
	make_disk(fixture->vault, one, 1, 300, &root);
	memset(nowhere.node.bytes, 7, sizeof(nowhere.node.bytes));
	put_point(fixture->vault, two, &nowhere, PAGE);
	assert_lf_ok(lf_claim_drop(fixture->vault, one, "retention", &err));
	assert_lf_ok(lf_vault_collect(fixture->vault, &(struct lf_collect_opts){.now_ns = 1},
				      &report, &err));
	/* what nothing claims goes as a point, and all that it had stays: the other may need it */
	assert_int_equal(lf_json_int_or(report, "points", 0), 1);
	assert_string_equal(lf_json_text_or(report, "damaged.0", ""), two);
	assert_true(has_page(fixture->vault, 1, 7));
	/* as the advice says: drop it, and it no longer stands in the way */
	assert_lf_ok(lf_claim_drop(fixture->vault, two, "retention", &err));
	json_decref(report);
	assert_lf_ok(lf_vault_collect(fixture->vault, &(struct lf_collect_opts){.now_ns = 1},
				      &report, &err));
	assert_int_equal(json_array_size(lf_json_at(report, "damaged")), 0);
	assert_false(has_page(fixture->vault, 1, 7));
}

/* A disk of chunks of text, as a first pass would store it. */
static void make_text_disk(struct fixture *fixture, struct lf_root *ret_root, char *id)
{
	LF_AUTO_FREE char *image = lf_printf_dup("%s/disk", fixture->dir);
	const struct lf_ingest_opts opts = {.path = image};
	struct lf_ingest_result result;
	FILE *file = fopen(image, "w");
	uint64_t seed = 7;
	struct lf_error err;

	for (unsigned i = 0; i < 600000; i++)
		fprintf(file, "%" PRIx64 " %u\n", next_random(&seed) % 50000, i % 77);
	fclose(file);
	assert_lf_ok(lf_ingest(fixture->vault, &opts, &result, &err));
	*ret_root = result.root;
	new_id(id);
	put_point(fixture->vault, id, &result.root, result.size_bytes);
}

static int64_t compact(struct lf_vault *vault)
{
	const struct lf_collect_opts opts = {.now_ns = 1, .compact = true, .threads = 2};
	LF_AUTO_JSON *report = NULL;
	struct lf_error err;

	assert_lf_ok(lf_vault_collect(vault, &opts, &report, &err));
	return lf_json_int_or(report, "bytes", -1);
}

static void test_compact__stores_the_same_in_less_and_only_once(void **state)
{
	struct fixture *fixture = *state;
	char id[LF_GUID_SIZE];
	struct lf_root root;
	uint8_t before[PAGE], after[PAGE];
	struct lf_error err;

	make_text_disk(fixture, &root, id);
	assert_lf_ok(lf_map_read(fixture->vault, &root, before, PAGE, 777 * PAGE, &err));
	assert_true(compact(fixture->vault) > 300000);
	assert_lf_ok(lf_map_read(fixture->vault, &root, after, PAGE, 777 * PAGE, &err));
	assert_memory_equal(before, after, PAGE);
	assert_int_equal(compact(fixture->vault), 0);
	fixture_reopen(fixture); /* the runs know, and so do the packs */
	assert_int_equal(compact(fixture->vault), 0);
	assert_whole(fixture->vault);
}

static void test_compact__stops_when_told(void **state)
{
	struct fixture *fixture = *state;
	atomic_bool stop = true;
	const struct lf_collect_opts opts = {.now_ns = 1, .compact = true, .stop = &stop};
	LF_AUTO_JSON *report = NULL;
	char id[LF_GUID_SIZE];
	struct lf_root root;
	struct lf_error err;

	make_text_disk(fixture, &root, id);
	assert_int_equal(lf_vault_collect(fixture->vault, &opts, &report, &err), LF_ECANCELED);
	assert_whole(fixture->vault);
	assert_true(compact(fixture->vault) > 300000);
}

static char *leave(const struct fixture *fixture, const char *name)
{
	char *path = lf_printf_dup("%s/%s", fixture->store, name);
	struct lf_error err;

	assert_non_null(path);
	assert_lf_ok(lf_file_write_durable(path, "half", 4, 0600, &err));
	return path;
}

static void test_collect__removes_what_a_crash_left_half_made(void **state)
{
	struct fixture *fixture = *state;
	char id[LF_GUID_SIZE], name[128];
	LF_AUTO_FREE char *key = leave(fixture, "vault.json.tmp-1");
	struct lf_error err;

	new_id(id);
	snprintf(name, sizeof(name), "%s/claims/%s", fixture->store, id);
	assert_lf_ok(lf_dir_make(name, 0700, &err));
	snprintf(name, sizeof(name), "claims/%s/retention.tmp-1", id);
	LF_AUTO_FREE char *claim = leave(fixture, name);
	fixture_reopen(fixture);
	assert_int_equal(collect(fixture->vault, "bytes"), 0);
	assert_int_not_equal(access(key, F_OK), 0);
	assert_int_not_equal(access(claim, F_OK), 0);
	*strrchr(claim, '/') = '\0';
	assert_int_not_equal(access(claim, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_compact__stores_the_same_in_less_and_only_once),
		TEST(test_compact__stops_when_told),
		TEST(test_collect__gives_back_the_space_of_a_dropped_point),
		TEST(test_collect__keeps_a_point_until_its_last_claim_ends),
		TEST(test_collect__keeps_what_a_running_session_was_told_is_present),
		TEST(test_collect__keeps_what_a_point_made_during_the_session_uses),
		TEST(test_collect__folds_small_packs_together),
		TEST(test_collect__keeps_the_base_of_an_edit_under_way),
		TEST(test_collect__removes_no_data_while_a_point_is_damaged),
		TEST(test_collect__removes_what_a_crash_left_half_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
