/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>

#include "agent/fingerprints.h"
#include "base/text.h"
#include "vault/vault.h"

#define PAGES 3000
#define OLD   "10000000-0000-4000-8000-000000000001"
#define NEW   "20000000-0000-4000-8000-000000000002"
#define OTHER "30000000-0000-4000-8000-000000000003"

static struct lf_error err;

static struct lf_fingerprints *open_prints(void **state, uint64_t pages)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/disk.prints", (char *)*state);
	struct lf_fingerprints *prints = NULL;

	assert_lf_ok(lf_fingerprints_open(path, pages, &prints, &err));
	return prints;
}

/* Prints that describe the point OLD: page 1 holds 11, page 2 holds 22. */
static struct lf_fingerprints *open_old(void **state)
{
	struct lf_fingerprints *prints = open_prints(state, PAGES);

	assert_lf_ok(lf_fingerprints_restart(prints, OLD, &err));
	assert_lf_ok(lf_fingerprints_set(prints, 1, 11, &err));
	assert_lf_ok(lf_fingerprints_set(prints, 2, 22, &err));
	assert_lf_ok(lf_fingerprints_progress(prints, PAGES, &err));
	lf_fingerprints_full_done(prints);
	assert_lf_ok(lf_fingerprints_prepare(prints, OLD, &err));
	assert_lf_ok(lf_fingerprints_commit(prints, OLD, &err));
	return prints;
}

static void reopen(void **state, struct lf_fingerprints **prints, uint64_t pages)
{
	lf_fingerprints_close(*prints);
	*prints = open_prints(state, pages);
}

static void test_prints__describe_a_point_after_a_full_pass(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	reopen(state, &prints, PAGES);
	assert_string_equal(lf_fingerprints_point(prints), OLD);
	assert_string_equal(lf_fingerprints_session(prints), "");
	assert_int_equal(lf_fingerprints_get(prints, 1), 11);
	assert_int_equal(lf_fingerprints_get(prints, 0), 0);
	assert_int_equal(lf_fingerprints_get(prints, PAGES), 0);
	lf_fingerprints_close(prints);
}

static void test_prints__describe_nothing_on_a_disk_of_another_size(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	reopen(state, &prints, PAGES + 1);
	assert_string_equal(lf_fingerprints_point(prints), "");
	assert_string_equal(lf_fingerprints_session(prints), "");
	lf_fingerprints_close(prints);
}

static void test_full_pass__goes_on_where_it_was_acknowledged(void **state)
{
	struct lf_fingerprints *prints = open_prints(state, PAGES);

	assert_lf_ok(lf_fingerprints_restart(prints, NEW, &err));
	assert_lf_ok(lf_fingerprints_set(prints, 7, 77, &err));
	assert_lf_ok(lf_fingerprints_progress(prints, 10, &err));
	assert_lf_ok(lf_fingerprints_set(prints, 12, 99, &err)); /* never acknowledged */
	reopen(state, &prints, PAGES);
	assert_string_equal(lf_fingerprints_point(prints), "");
	assert_string_equal(lf_fingerprints_session(prints), NEW);
	assert_int_equal(lf_fingerprints_upto(prints), 10);
	assert_lf_ok(lf_fingerprints_restart(prints, NEW, &err));
	assert_int_equal(lf_fingerprints_get(prints, 7), 77);
	assert_int_equal(lf_fingerprints_upto(prints), 10);
	/* page 12 became zero meanwhile: the pass will not touch its print */
	assert_int_equal(lf_fingerprints_get(prints, 12), 0);
	lf_fingerprints_close(prints);
}

static void test_full_pass__of_another_session_forgets_everything(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	assert_lf_ok(lf_fingerprints_restart(prints, NEW, &err));
	assert_string_equal(lf_fingerprints_point(prints), "");
	assert_int_equal(lf_fingerprints_upto(prints), 0);
	assert_int_equal(lf_fingerprints_get(prints, 1), 0);
	lf_fingerprints_close(prints);
}

static void test_delta__changes_nothing_until_committed(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	for (uint64_t page = 0; page < PAGES; page++)
		assert_lf_ok(lf_fingerprints_set(prints, page, page + 100, &err));
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(lf_fingerprints_get(prints, page), page + 100);
	reopen(state, &prints, PAGES);
	assert_int_equal(lf_fingerprints_get(prints, 1), 11);
	assert_lf_ok(lf_fingerprints_set(prints, 1, 12, &err));
	lf_fingerprints_forget(prints);
	assert_int_equal(lf_fingerprints_get(prints, 1), 11);
	assert_lf_ok(lf_fingerprints_set(prints, 1, 13, &err));
	assert_lf_ok(lf_fingerprints_prepare(prints, NEW, &err));
	assert_lf_ok(lf_fingerprints_commit(prints, NEW, &err));
	reopen(state, &prints, PAGES);
	assert_string_equal(lf_fingerprints_point(prints), NEW);
	assert_int_equal(lf_fingerprints_get(prints, 1), 13);
	assert_int_equal(lf_fingerprints_get(prints, 2), 22);
	lf_fingerprints_close(prints);
}

/* What was prepared, with a kill before its commit. */
static struct lf_fingerprints *kill_after_prepare(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	assert_lf_ok(lf_fingerprints_set(prints, 1, 13, &err));
	assert_lf_ok(lf_fingerprints_set(prints, 2, 0, &err));
	assert_lf_ok(lf_fingerprints_prepare(prints, NEW, &err));
	reopen(state, &prints, PAGES);
	return prints;
}

static void test_recover__finishes_what_the_site_committed(void **state)
{
	struct lf_fingerprints *prints = kill_after_prepare(state);

	assert_lf_ok(lf_fingerprints_recover(prints, NEW, &err));
	assert_string_equal(lf_fingerprints_point(prints), NEW);
	assert_int_equal(lf_fingerprints_get(prints, 1), 13);
	assert_int_equal(lf_fingerprints_get(prints, 2), 0);
	assert_lf_ok(lf_fingerprints_recover(prints, NEW, &err)); /* again: nothing left */
	assert_string_equal(lf_fingerprints_point(prints), NEW);
	lf_fingerprints_close(prints);
}

static void test_recover__drops_what_the_site_did_not_commit(void **state)
{
	const char *const newest[] = {OLD, OTHER, ""};

	for (size_t i = 0; i < 3; i++) {
		struct lf_fingerprints *prints = kill_after_prepare(state);
		assert_lf_ok(lf_fingerprints_recover(prints, newest[i], &err));
		assert_string_equal(lf_fingerprints_point(prints), OLD);
		assert_int_equal(lf_fingerprints_get(prints, 1), 11);
		/* it is gone for good */
		assert_lf_ok(lf_fingerprints_recover(prints, NEW, &err));
		assert_string_equal(lf_fingerprints_point(prints), OLD);
		lf_fingerprints_close(prints);
	}
}

static void test_recover__never_onto_other_prints(void **state)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/disk.prints", (char *)*state);
	struct lf_fingerprints *prints = kill_after_prepare(state);

	/* the prints were lost, their changes were not */
	assert_lf_ok(lf_file_remove(path, &err));
	reopen(state, &prints, PAGES);
	assert_lf_ok(lf_fingerprints_recover(prints, NEW, &err));
	assert_string_equal(lf_fingerprints_point(prints), "");
	lf_fingerprints_close(prints);
	/* the disk grew in between */
	prints = kill_after_prepare(state);
	reopen(state, &prints, PAGES + 5);
	assert_lf_ok(lf_fingerprints_recover(prints, NEW, &err));
	assert_string_equal(lf_fingerprints_point(prints), "");
	lf_fingerprints_close(prints);
}

static void test_recover__refuses_damaged_changes(void **state)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/disk.prints.pending", (char *)*state);

	for (off_t at = 0; at < 88; at++) {
		struct lf_fingerprints *prints = kill_after_prepare(state);
		int fd = open(path, O_RDWR | O_CLOEXEC);
		uint8_t byte;
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 4;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		assert_lf_ok(lf_fingerprints_recover(prints, NEW, &err));
		if (at < 44 || at >= 48) { /* not the padding after the name */
			assert_string_equal(lf_fingerprints_point(prints), OLD);
			assert_int_equal(lf_fingerprints_get(prints, 1), 11);
		}
		lf_fingerprints_close(prints);
	}
}

static void test_void__asks_for_a_full_pass(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	assert_lf_ok(lf_fingerprints_set(prints, 1, 13, &err));
	assert_lf_ok(lf_fingerprints_void(prints, &err));
	reopen(state, &prints, PAGES);
	assert_string_equal(lf_fingerprints_point(prints), "");
	assert_string_equal(lf_fingerprints_session(prints), "");
	assert_lf_ok(lf_fingerprints_restart(prints, NEW, &err));
	assert_int_equal(lf_fingerprints_get(prints, 2), 0);
	lf_fingerprints_close(prints);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_prints__describe_a_point_after_a_full_pass),
		TEST(test_prints__describe_nothing_on_a_disk_of_another_size),
		TEST(test_full_pass__goes_on_where_it_was_acknowledged),
		TEST(test_full_pass__of_another_session_forgets_everything),
		TEST(test_delta__changes_nothing_until_committed),
		TEST(test_recover__finishes_what_the_site_committed),
		TEST(test_recover__drops_what_the_site_did_not_commit),
		TEST(test_recover__never_onto_other_prints),
		TEST(test_recover__refuses_damaged_changes),
		TEST(test_void__asks_for_a_full_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
