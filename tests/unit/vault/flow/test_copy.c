/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/vault/vault_fixture.h"

#include "os/file.h"
#include "vault/flow/copy.h"

/* A second vault of the same domain beside the fixture's. */
static struct lf_vault *open_other(struct fixture *fixture, bool same_domain)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/other", fixture->dir);
	LF_AUTO_FREE char *from = lf_printf_dup("%s/vault.json", fixture->store);
	LF_AUTO_FREE char *to = lf_printf_dup("%s/vault.json", dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_vault *other = NULL;
	struct lf_error err;

	assert_lf_ok(lf_vault_init(dir, fixture->key, &err));
	if (same_domain) {
		assert_lf_ok(lf_file_read(from, 65536, &text, &err));
		assert_lf_ok(lf_file_write_durable(to, text.data, text.len, 0600, &err));
	}
	assert_lf_ok(lf_vault_open(dir, fixture->key, NULL, &other, &err));
	return other;
}

static void test_copy__moves_a_disk_and_then_only_what_changed(void **state)
{
	struct fixture *fixture = *state;
	struct lf_vault *other = open_other(fixture, true);
	struct lf_copy_opts opts = {.size_bytes = 4000 * LF_PAGE_SIZE};
	struct lf_copy_result result;
	struct lf_root one, two;
	char point[LF_GUID_SIZE];
	struct lf_error err;

	edit_disk(fixture->vault, NULL, 0, 1000, 1, &one);
	edit_disk(fixture->vault, &one, 300, 10, 2, &two);
	assert_lf_ok(lf_vault_copy_disk(fixture->vault, other, &one, &opts, &result, &err));
	assert_true(lf_root_equal(&result.root, &one));
	assert_true(result.moved_bytes >= 1000 * LF_PAGE_SIZE);
	assert_same_disk(fixture->vault, other, &one, 3000);
	lf_guid_random(point);
	put_point(other, point, &one, opts.size_bytes);
	/* with a base */
	opts.base = &one;
	assert_lf_ok(lf_vault_copy_disk(fixture->vault, other, &two, &opts, &result, &err));
	assert_int_equal(result.named_chunks, 10);
	assert_in_range(result.moved_bytes, 10 * LF_PAGE_SIZE, 12 * LF_PAGE_SIZE);
	assert_same_disk(fixture->vault, other, &two, 3000);
	/* without one only the names are many */
	opts.base = NULL;
	assert_lf_ok(lf_vault_copy_disk(fixture->vault, other, &two, &opts, &result, &err));
	assert_int_equal(result.moved_bytes, 0);
	assert_whole(other);
	lf_vault_free(other);
}

static void test_copy__of_holes_over_what_was_there(void **state)
{
	struct fixture *fixture = *state;
	struct lf_vault *other = open_other(fixture, true);
	struct lf_copy_opts opts = {.size_bytes = 4000 * LF_PAGE_SIZE};
	struct lf_copy_result result;
	struct lf_map_edit *edit = NULL;
	const struct lf_extent hole = {.page = 30, .pages = 600, .hole = true};
	struct lf_root one, two;
	char point[LF_GUID_SIZE];
	struct lf_error err;

	edit_disk(fixture->vault, NULL, 0, 1000, 1, &one);
	assert_lf_ok(lf_map_edit_begin(fixture->vault, &one, &edit, &err));
	assert_lf_ok(lf_map_edit_put(edit, &hole, &err));
	assert_lf_ok(lf_map_edit_commit(edit, &two, &err));
	lf_map_edit_free(edit);
	assert_lf_ok(lf_vault_copy_disk(fixture->vault, other, &one, &opts, &result, &err));
	lf_guid_random(point);
	put_point(other, point, &one, opts.size_bytes);
	opts.base = &one;
	assert_lf_ok(lf_vault_copy_disk(fixture->vault, other, &two, &opts, &result, &err));
	assert_int_equal(result.moved_bytes, 0);
	assert_same_disk(fixture->vault, other, &two, 3000);
	lf_vault_free(other);
}

static void test_copy__stops_when_told_and_leaves_garbage_alone(void **state)
{
	struct fixture *fixture = *state;
	struct lf_vault *other = open_other(fixture, true);
	atomic_bool stop = true;
	struct lf_copy_opts opts = {.size_bytes = 4000 * LF_PAGE_SIZE, .stop = &stop};
	struct lf_copy_result result;
	struct lf_root one;
	struct lf_error err;

	edit_disk(fixture->vault, NULL, 0, 1000, 1, &one);
	assert_int_equal(lf_vault_copy_disk(fixture->vault, other, &one, &opts, &result, &err),
			 LF_ECANCELED);
	assert_whole(other);
	collect(other, "bytes");
	lf_vault_free(other);
}

static void test_copy__refuses_another_domain(void **state)
{
	struct fixture *fixture = *state;
	struct lf_vault *other = open_other(fixture, false);
	struct lf_copy_opts opts = {.size_bytes = 40 * LF_PAGE_SIZE};
	struct lf_copy_result result;
	struct lf_root one;
	struct lf_error err;

	edit_disk(fixture->vault, NULL, 0, 10, 1, &one);
	assert_int_equal(lf_vault_copy_disk(fixture->vault, other, &one, &opts, &result, &err),
			 LF_EINVAL);
	lf_vault_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_copy__moves_a_disk_and_then_only_what_changed),
		TEST(test_copy__of_holes_over_what_was_there),
		TEST(test_copy__stops_when_told_and_leaves_garbage_alone),
		TEST(test_copy__refuses_another_domain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
