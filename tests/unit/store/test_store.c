/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in a directory: whole or not there, read as they were put, under names that lead nowhere
 * else. */
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/file.h"
#include "store/store.h"

static struct lf_error err;

struct place {
	char *dir;
	struct lf_store *store;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	char template[] = "/tmp/lf-store-XXXXXX";

	assert_non_null(place);
	place->dir = strdup(mkdtemp(template));
	assert_lf_ok(lf_store_open_directory(place->dir, &place->store, &err));
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	lf_store_free(place->store);
	assert_lf_ok(lf_dir_remove(place->dir, &err));
	free(place->dir);
	free(place);
	return 0;
}

static void assert_object(struct lf_store *store, const char *name, const char *text)
{
	LF_AUTO_BUF buf = LF_BUF_INIT;
	uint64_t size;

	assert_lf_ok(lf_store_get(store, name, 4096, &buf, &err));
	assert_string_equal(lf_buf_text(&buf), text);
	assert_lf_ok(lf_store_size(store, name, &size, &err));
	assert_int_equal(size, strlen(text));
}

static void test_put__makes_folders_and_replaces_whole(void **state)
{
	struct lf_store *store = ((struct place *)*state)->store;

	assert_lf_ok(lf_store_put(store, "claims/point/one", "first, and longer", 17, &err));
	assert_object(store, "claims/point/one", "first, and longer");
	assert_lf_ok(lf_store_put(store, "claims/point/one", "second", 6, &err));
	assert_object(store, "claims/point/one", "second");
}

static void test_read__past_the_end_is_corrupt_and_of_nothing_is_not_found(void **state)
{
	struct lf_store *store = ((struct place *)*state)->store;
	char data[8];

	assert_lf_ok(lf_store_put(store, "a", "0123456789", 10, &err));
	assert_lf_ok(lf_store_read(store, "a", data, 4, 3, &err));
	assert_memory_equal(data, "3456", 4);
	assert_int_equal(lf_store_read(store, "a", data, 8, 3, &err), LF_ECORRUPT);
	assert_int_equal(lf_store_read(store, "a", data, 1, UINT64_MAX, &err) == 0, 0);
	assert_int_equal(lf_store_read(store, "b", data, 1, 0, &err), LF_ENOTFOUND);
}

static void test_get__of_more_than_asked_for_is_too_large(void **state)
{
	struct lf_store *store = ((struct place *)*state)->store;
	LF_AUTO_BUF buf = LF_BUF_INIT;

	assert_lf_ok(lf_store_put(store, "a", "0123456789", 10, &err));
	assert_int_equal(lf_store_get(store, "a", 9, &buf, &err), LF_ETOOLARGE);
	assert_lf_ok(lf_store_get(store, "a", 10, &buf, &err));
}

static void test_adopt__takes_the_file_away(void **state)
{
	struct place *place = *state;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/outside", place->dir);

	assert_lf_ok(lf_file_write_durable(path, "adopted", 7, 0600, &err));
	assert_lf_ok(
		lf_store_put(place->store, "packs/q", "there", 5, &err)); /* so is the folder */
	assert_lf_ok(lf_store_adopt(place->store, "packs/p", path, &err));
	assert_object(place->store, "packs/p", "adopted");
	assert_int_not_equal(access(path, F_OK), 0);
}

static int count(void *context, const char *name, struct lf_error *e)
{
	(void)name, (void)e;
	++*(unsigned *)context;
	return 0;
}

static void test_sweep__removes_what_a_crash_left_and_nothing_else(void **state)
{
	struct place *place = *state;
	LF_AUTO_FREE char *left = lf_printf_dup("%s/packs/p.tmp-1", place->dir);
	unsigned n = 0;

	assert_lf_ok(lf_store_put(place->store, "packs/p", "whole", 5, &err));
	assert_lf_ok(lf_file_write_durable(left, "half", 4, 0600, &err));
	assert_lf_ok(lf_store_sweep(place->store, "packs", &err));
	assert_int_not_equal(access(left, F_OK), 0);
	assert_lf_ok(lf_store_list(place->store, "packs", count, &n, &err));
	assert_int_equal(n, 1);
	assert_object(place->store, "packs/p", "whole");
}

static int expect_name(void *context, const char *name, struct lf_error *error)
{
	(void)error;
	*(bool *)context |= strcmp(name, "x" LF_STORE_LETTERS) == 0;
	return 0;
}

/* What a list passes over must not have been put: a claim that nobody sees holds no point. */
static void test_list__has_whatever_may_be_put(void **state)
{
	static const char *const refused[] = {"packs/.x", ".x", "packs/a b", "packs/a=b",
					      "packs/\xc3\xa4"};
	struct lf_store *store = ((struct place *)*state)->store;
	bool listed = false;

	assert_lf_ok(lf_store_put(store, "packs/x" LF_STORE_LETTERS, "1", 1, &err));
	assert_lf_ok(lf_store_list(store, "packs", expect_name, &listed, &err));
	assert_true(listed);
	assert_lf_ok(lf_store_list(store, ".", expect_name, &listed, &err));
	for (size_t i = 0; i < LF_N(refused); i++)
		assert_int_equal(lf_store_put(store, refused[i], "1", 1, &err), LF_EINVAL);
}

static void test_list_and_delete__of_what_is_not_there_are_fine(void **state)
{
	struct lf_store *store = ((struct place *)*state)->store;
	unsigned n = 0;

	assert_lf_ok(lf_store_list(store, "nowhere", count, &n, &err));
	assert_int_equal(n, 0);
	assert_lf_ok(lf_store_delete(store, "nowhere/a", &err));
	assert_lf_ok(lf_store_put(store, "a", "x", 1, &err));
	assert_lf_ok(lf_store_delete(store, "a", &err));
	assert_int_equal(lf_store_size(store, "a", &(uint64_t){0}, &err), LF_ENOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put__makes_folders_and_replaces_whole, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_read__past_the_end_is_corrupt_and_of_nothing_is_not_found, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_get__of_more_than_asked_for_is_too_large,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_adopt__takes_the_file_away, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_sweep__removes_what_a_crash_left_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list__has_whatever_may_be_put, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_list_and_delete__of_what_is_not_there_are_fine,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
