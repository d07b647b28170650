/* SPDX-License-Identifier: Apache-2.0 */
/* Machines with keys of their own in one vault: each seals and names for itself, the vault opens
 * all. */
#include "unit/vault/vault_fixture.h"

#include "vault/flow/copy.h"
#include "vault/pack/pack_internal.h"

#define PAGES 40u

static struct lf_error err;

static struct lf_domain_key key_of(struct lf_vault *vault, const char *agent)
{
	uint8_t owner[LF_OWNER_SIZE];
	struct lf_domain_key key;

	lf_owner_of(agent, owner);
	lf_domain_key_for_owner(lf_vault_key(vault), owner, &key);
	return key;
}

/* As an agent does with its key: a disk of noise; the same seed, the same bytes. */
static void send_disk(struct fixture *fixture, const struct lf_domain_key *key, uint64_t seed,
		      const struct lf_root *base, struct lf_root *ret_root)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/sent", fixture->dir);
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_pack_writer *writer = NULL;
	struct lf_map_edit *edit = NULL;
	uint8_t page[LF_PAGE_SIZE];
	char name[LF_PACK_NAME_SIZE];

	assert_lf_ok(lf_chunk_hasher_new(key, &hasher, &err));
	assert_lf_ok(lf_pack_writer_new(key, path, &writer, &err));
	assert_lf_ok(lf_map_edit_begin(fixture->vault, base, &edit, &err));
	for (uint64_t i = 0; i < PAGES; i++) {
		struct lf_extent extent = {.page = i * 2, .pages = 1};
		fill_noise(page, sizeof(page), seed * 1000 + i);
		assert_lf_ok(lf_chunk_id_of(hasher, page, sizeof(page), &extent.chunk, &err));
		assert_lf_ok(lf_pack_writer_add(writer, &extent.chunk, page, sizeof(page), &err));
		assert_lf_ok(lf_map_edit_put(edit, &extent, &err));
	}
	assert_lf_ok(lf_pack_writer_finish(writer, name, &err));
	lf_pack_writer_free(writer);
	lf_chunk_hasher_free(hasher);
	assert_lf_ok(lf_vault_adopt_pack(fixture->vault, path, &err));
	assert_lf_ok(lf_map_edit_commit(edit, ret_root, &err));
	lf_map_edit_free(edit);
}

static void assert_disk(struct lf_vault *vault, const struct lf_root *root, uint64_t seed)
{
	uint8_t want[LF_PAGE_SIZE], got[LF_PAGE_SIZE];

	for (uint64_t i = 0; i < PAGES; i++) {
		fill_noise(want, sizeof(want), seed * 1000 + i);
		assert_lf_ok(
			lf_map_read(vault, root, got, sizeof(got), i * 2 * LF_PAGE_SIZE, &err));
		assert_memory_equal(got, want, sizeof(want));
	}
}

static void put(struct lf_vault *vault, const struct lf_root *root, char id[static LF_GUID_SIZE])
{
	lf_guid_random(id);
	put_point(vault, id, root, 2 * PAGES * LF_PAGE_SIZE);
}

static void test_owner__names_and_seals_for_itself(void **state)
{
	struct fixture *fixture = *state;
	const struct lf_domain_key *domain = lf_vault_key(fixture->vault);
	struct lf_domain_key a = key_of(fixture->vault, "a"), b = key_of(fixture->vault, "b");
	uint8_t salt[LF_PACK_SALT_SIZE] = {1}, of_a[32], of_domain[32], none[32];
	struct lf_root one, two;

	assert_memory_not_equal(a.id_key, b.id_key, 32);
	assert_memory_not_equal(a.id_key, domain->id_key, 32);
	assert_memory_not_equal(a.data_key, b.data_key, 32);
	memcpy(salt + LF_PACK_SALT_SIZE - LF_OWNER_SIZE, a.owner, LF_OWNER_SIZE);
	assert_lf_ok(lf_pack_key(&a, 1, LF_PACK_OWNED, salt, of_a, &err));
	assert_lf_ok(lf_pack_key(domain, 1, LF_PACK_OWNED, salt, of_domain, &err));
	assert_memory_equal(of_a, of_domain, 32);
	/* b's keys open neither a's packs nor the domain's */
	assert_int_equal(lf_pack_key(&b, 1, LF_PACK_OWNED, salt, none, &err), LF_EDENIED);
	assert_int_equal(lf_pack_key(&b, 1, 0, salt, none, &err), LF_EDENIED);
	/* the same bytes have other names */
	send_disk(fixture, &a, 1, NULL, &one);
	send_disk(fixture, &b, 1, NULL, &two);
	assert_false(lf_root_equal(&one, &two));
	assert_disk(fixture->vault, &one, 1);
	assert_disk(fixture->vault, &two, 1);
	assert_whole(fixture->vault);
	fixture_reopen(fixture);
	assert_disk(fixture->vault, &one, 1);
	assert_whole(fixture->vault);
}

static void test_owner__pack_of_another_machines_name_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct lf_domain_key a = key_of(fixture->vault, "a"), b = key_of(fixture->vault, "b");
	LF_AUTO_FREE char *path = lf_printf_dup("%s/forged", fixture->dir);
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_pack_writer *writer = NULL;
	uint8_t page[LF_PAGE_SIZE] = {1};
	char name[LF_PACK_NAME_SIZE];
	struct lf_chunk_id id;

	memcpy(b.owner, a.owner, sizeof(b.owner)); /* b's keys, a's name */
	assert_lf_ok(lf_chunk_hasher_new(&b, &hasher, &err));
	assert_lf_ok(lf_chunk_id_of(hasher, page, sizeof(page), &id, &err));
	lf_chunk_hasher_free(hasher);
	assert_lf_ok(lf_pack_writer_new(&b, path, &writer, &err));
	assert_lf_ok(lf_pack_writer_add(writer, &id, page, sizeof(page), &err));
	assert_lf_ok(lf_pack_writer_finish(writer, name, &err));
	lf_pack_writer_free(writer);
	assert_int_equal(lf_vault_adopt_pack(fixture->vault, path, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "PackRefused");
}

static void test_owner__stays_through_rotation_and_compaction(void **state)
{
	struct fixture *fixture = *state;
	struct lf_domain_key a = key_of(fixture->vault, "a"), b = key_of(fixture->vault, "b");
	const struct lf_collect_opts compact = {.now_ns = 1, .compact = true};
	LF_AUTO_JSON *report = NULL;
	struct lf_root one, two, own;
	char id[LF_GUID_SIZE];

	send_disk(fixture, &a, 1, NULL, &one);
	put(fixture->vault, &one, id);
	send_disk(fixture, &b, 2, NULL, &two);
	put(fixture->vault, &two, id);
	edit_disk(fixture->vault, NULL, 0, 20, 3, &own);
	put(fixture->vault, &own, id);
	assert_lf_ok(lf_vault_rotate(fixture->vault, fixture->key, &err));
	assert_lf_ok(lf_vault_collect(fixture->vault, &compact, &report, &err));
	fixture_reopen(fixture);
	assert_disk(fixture->vault, &one, 1);
	assert_disk(fixture->vault, &two, 2);
	assert_whole(fixture->vault);
	a = key_of(fixture->vault, "a"); /* of the new epoch: the same names */
	send_disk(fixture, &a, 1, &one, &two);
	assert_true(lf_root_equal(&one, &two));
}

static void test_owner__is_copied_to_another_region_and_comes_back_by_repair(void **state)
{
	struct fixture *fixture = *state;
	struct lf_domain_key a = key_of(fixture->vault, "a");
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/other", fixture->dir);
	LF_AUTO_FREE char *packs = lf_printf_dup("rm '%s'/packs/*", fixture->store);
	LF_AUTO_JSON *report = NULL;
	struct lf_copy_opts opts = {.size_bytes = 2 * PAGES * LF_PAGE_SIZE};
	struct lf_copy_result result;
	struct lf_vault *other = NULL;
	struct lf_root one, mixed;
	char id[LF_GUID_SIZE];

	send_disk(fixture, &a, 1, NULL, &one);
	edit_disk(fixture->vault, &one, 1, 10, 3, &mixed); /* and chunks of the site's own */
	put(fixture->vault, &mixed, id);
	assert_lf_ok(
		lf_vault_init_like(dir, fixture->key, lf_vault_key(fixture->vault)->id_key, &err));
	assert_lf_ok(lf_vault_open(dir, fixture->key, NULL, &other, &err));
	assert_lf_ok(lf_vault_copy_disk(fixture->vault, other, &mixed, &opts, &result, &err));
	put_point(other, id, &mixed, opts.size_bytes);
	assert_same_disk(fixture->vault, other, &mixed, 2 * PAGES);
	assert_whole(other);
	assert_int_equal(system(packs), 0); /* NOLINT: the test's own text */
	fixture_reopen(fixture);
	assert_lf_ok(lf_vault_repair(fixture->vault, other, 1, &report, &err));
	assert_int_equal(lf_json_int_or(report, "lostChunks", -1), 0);
	assert_same_disk(fixture->vault, other, &mixed, 2 * PAGES);
	assert_whole(fixture->vault);
	lf_vault_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(test_owner__names_and_seals_for_itself),
		TEST(test_owner__pack_of_another_machines_name_is_refused),
		TEST(test_owner__stays_through_rotation_and_compaction),
		TEST(test_owner__is_copied_to_another_region_and_comes_back_by_repair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
