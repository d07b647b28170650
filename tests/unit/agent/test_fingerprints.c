/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>

#include "agent/fingerprints.h"
#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/flow/prints.h"
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

static int set_print(struct lf_fingerprints *prints, uint64_t page, uint64_t value)
{
	return lf_fingerprints_set(prints, page, 1, &value, &err);
}

static uint64_t get_print(const struct lf_fingerprints *prints, uint64_t page)
{
	uint64_t value = 77;

	assert_lf_ok(lf_fingerprints_get(prints, page, 1, &value, &err));
	return value;
}

/* Prints that describe the point OLD: page 1 holds 11, page 2 holds 22. */
static struct lf_fingerprints *open_old(void **state)
{
	struct lf_fingerprints *prints = open_prints(state, PAGES);

	assert_lf_ok(lf_fingerprints_restart(prints, OLD, &err));
	assert_lf_ok(set_print(prints, 1, 11));
	assert_lf_ok(set_print(prints, 2, 22));
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
	assert_int_equal(get_print(prints, 1), 11);
	assert_int_equal(get_print(prints, 0), 0);
	assert_int_equal(get_print(prints, PAGES), 0);
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
	assert_lf_ok(set_print(prints, 7, 77));
	assert_lf_ok(lf_fingerprints_progress(prints, 10, &err));
	assert_lf_ok(set_print(prints, 12, 99)); /* never acknowledged */
	reopen(state, &prints, PAGES);
	assert_string_equal(lf_fingerprints_point(prints), "");
	assert_string_equal(lf_fingerprints_session(prints), NEW);
	assert_int_equal(lf_fingerprints_upto(prints), 10);
	assert_lf_ok(lf_fingerprints_restart(prints, NEW, &err));
	assert_int_equal(get_print(prints, 7), 77);
	assert_int_equal(lf_fingerprints_upto(prints), 10);
	/* page 12 became zero meanwhile: the pass will not touch its print */
	assert_int_equal(get_print(prints, 12), 0);
	lf_fingerprints_close(prints);
}

static void test_full_pass__of_another_session_forgets_everything(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	assert_lf_ok(lf_fingerprints_restart(prints, NEW, &err));
	assert_string_equal(lf_fingerprints_point(prints), "");
	assert_int_equal(lf_fingerprints_upto(prints), 0);
	assert_int_equal(get_print(prints, 1), 0);
	lf_fingerprints_close(prints);
}

static void test_delta__changes_nothing_until_committed(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	for (uint64_t page = 0; page < PAGES; page++)
		assert_lf_ok(set_print(prints, page, page + 100));
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(get_print(prints, page), page + 100);
	reopen(state, &prints, PAGES);
	assert_int_equal(get_print(prints, 1), 11);
	assert_lf_ok(set_print(prints, 1, 12));
	lf_fingerprints_forget(prints);
	assert_int_equal(get_print(prints, 1), 11);
	assert_lf_ok(set_print(prints, 1, 13));
	assert_lf_ok(lf_fingerprints_prepare(prints, NEW, &err));
	assert_lf_ok(lf_fingerprints_commit(prints, NEW, &err));
	reopen(state, &prints, PAGES);
	assert_string_equal(lf_fingerprints_point(prints), NEW);
	assert_int_equal(get_print(prints, 1), 13);
	assert_int_equal(get_print(prints, 2), 22);
	lf_fingerprints_close(prints);
}

/* What was prepared, with a kill before its commit. */
static struct lf_fingerprints *kill_after_prepare(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	assert_lf_ok(set_print(prints, 1, 13));
	assert_lf_ok(set_print(prints, 2, 0));
	assert_lf_ok(lf_fingerprints_prepare(prints, NEW, &err));
	reopen(state, &prints, PAGES);
	return prints;
}

static void test_recover__finishes_what_the_site_committed(void **state)
{
	struct lf_fingerprints *prints = kill_after_prepare(state);

	assert_lf_ok(lf_fingerprints_recover(prints, NEW, &err));
	assert_string_equal(lf_fingerprints_point(prints), NEW);
	assert_int_equal(get_print(prints, 1), 13);
	assert_int_equal(get_print(prints, 2), 0);
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
		assert_int_equal(get_print(prints, 1), 11);
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
	struct lf_fingerprints *prints = kill_after_prepare(state);
	LF_AUTO_BUF file = LF_BUF_INIT;

	assert_lf_ok(lf_file_read(path, 4096, &file, &err));
	assert_int_equal(file.len, 144 + 2 * 16);
	for (size_t at = 0; at <= file.len; at++) { /* a byte each, and the last one cut off */
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		size_t len = at < file.len ? file.len : at - 1;
		file.data[at] ^= 4;
		assert_int_equal(pwrite(fd, file.data, len, 0), len);
		file.data[at] ^= 4;
		close(fd);
		assert_lf_ok(lf_fingerprints_recover(prints, NEW, &err));
		assert_string_equal(lf_fingerprints_point(prints), OLD);
		assert_int_equal(get_print(prints, 1), 11);
	}
	lf_fingerprints_close(prints);
}

/* A kill while the changes are being written: the name says whose they are. */
static void test_recover__goes_on_with_a_commit_that_was_begun(void **state)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/disk.prints", (char *)*state);
	struct lf_fingerprints *prints = kill_after_prepare(state);
	struct lf_prints *file = NULL;

	lf_fingerprints_close(prints);
	assert_lf_ok(lf_prints_open(path, &file, &err));
	assert_lf_ok(lf_prints_set_name(file, "commit " NEW, &err));
	lf_prints_close(file);
	prints = open_prints(state, PAGES);
	assert_string_equal(lf_fingerprints_point(prints), "");
	assert_string_equal(lf_fingerprints_session(prints), "");
	assert_lf_ok(lf_fingerprints_recover(prints, NEW, &err));
	assert_string_equal(lf_fingerprints_point(prints), NEW);
	assert_int_equal(get_print(prints, 1), 13);
	assert_int_equal(get_print(prints, 2), 0);
	lf_fingerprints_close(prints);
}

/* As versions before had it: a point in a header without a seal. */
static void test_open__puts_aside_the_format_before(void **state)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/disk.prints", (char *)*state);
	uint8_t header[LF_PAGE_SIZE] = "LFPRINT2";
	struct lf_fingerprints *prints;
	const uint64_t pages = PAGES, stale = 7;

	memcpy(header + 8, &pages, 8);
	memcpy(header + 24, OLD, sizeof(OLD));
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, header, sizeof(header), 0), sizeof(header));
	assert_int_equal(pwrite(fd, &stale, 8, LF_PAGE_SIZE + 8 * (PAGES - 1)), 8);
	close(fd);
	prints = open_prints(state, PAGES);
	assert_string_equal(lf_fingerprints_point(prints), "");
	assert_string_equal(lf_fingerprints_session(prints), "");
	assert_lf_ok(lf_fingerprints_restart(prints, NEW, &err));
	assert_int_equal(get_print(prints, PAGES - 1), 0);
	lf_fingerprints_close(prints);
}

/* Names that say something else, or it wrongly, describe nothing. */
static void test_open__believes_no_other_name(void **state)
{
	static const char *const names[] = {"point",	      "point " OLD " ",	   "full " OLD,
					    "full " OLD " x", "full " OLD " 3001", OLD,
					    "01-abc"};
	LF_AUTO_FREE char *path = lf_printf_dup("%s/disk.prints", (char *)*state);

	for (size_t i = 0; i < LF_N(names); i++) {
		struct lf_fingerprints *prints = open_old(state);
		struct lf_prints *file = NULL;
		lf_fingerprints_close(prints);
		assert_lf_ok(lf_prints_open(path, &file, &err));
		assert_lf_ok(lf_prints_set_name(file, names[i], &err));
		lf_prints_close(file);
		prints = open_prints(state, PAGES);
		assert_string_equal(lf_fingerprints_point(prints), "");
		assert_string_equal(lf_fingerprints_session(prints), "");
		lf_fingerprints_close(prints);
	}
}

/* A disk without room says so at the begin of the pass; without fallocate, at a write. */
static void test_restart__wants_room_for_all_prints(void **state)
{
	struct lf_fingerprints *prints = open_prints(state, PAGES);

	lf_fault_set("file-reserve=enospc");
	assert_int_equal(lf_fingerprints_restart(prints, NEW, &err), LF_ENOSPACE);
	lf_fault_set(NULL);
	assert_lf_ok(lf_fingerprints_restart(prints, NEW, &err));
	lf_fault_set("file-write=enospc");
	assert_int_equal(set_print(prints, 5, 5), LF_ENOSPACE);
	lf_fault_set(NULL);
	lf_fingerprints_close(prints);
}

static void test_void__asks_for_a_full_pass(void **state)
{
	struct lf_fingerprints *prints = open_old(state);

	assert_lf_ok(set_print(prints, 1, 13));
	assert_lf_ok(lf_fingerprints_void(prints, &err));
	reopen(state, &prints, PAGES);
	assert_string_equal(lf_fingerprints_point(prints), "");
	assert_string_equal(lf_fingerprints_session(prints), "");
	assert_lf_ok(lf_fingerprints_restart(prints, NEW, &err));
	assert_int_equal(get_print(prints, 2), 0);
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
		TEST(test_recover__goes_on_with_a_commit_that_was_begun),
		TEST(test_open__puts_aside_the_format_before),
		TEST(test_open__believes_no_other_name),
		TEST(test_restart__wants_room_for_all_prints),
		TEST(test_void__asks_for_a_full_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
