/* SPDX-License-Identifier: Apache-2.0 */
/* Disks that come in, into a real vault. */
#include "unit/vault/vault_fixture.h"

#include <sys/stat.h>

#include "inflow/inflow.h"
#include "os/file.h"
#include "vault/lease.h"

#define PAGES 100
#define LEASE "11111111-1111-4111-8111-111111111111"

static struct lf_error err;

struct inflows {
	struct fixture *fixture;
	char *dir;
	struct lf_inflow inflow;
};

static int setup(void **state)
{
	struct inflows *f = calloc(1, sizeof(*f));
	void *fixture = NULL;

	assert_int_equal(fixture_setup(&fixture), 0);
	f->fixture = fixture;
	f->dir = lf_printf_dup("%s/transfer", f->fixture->dir);
	assert_lf_ok(lf_dir_make(f->dir, 0700, &err));
	f->inflow = (struct lf_inflow){.vault = f->fixture->vault, .dir = f->dir};
	assert_lf_ok(lf_journal_ends_new(&f->inflow.ends, &err));
	assert_lf_ok(lf_lease_begin(f->inflow.vault, LEASE, &err));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct inflows *f = *state;
	void *fixture = f->fixture;

	lf_journal_ends_free(f->inflow.ends);
	free(f->dir);
	free(f);
	return fixture_teardown(&fixture);
}

/* One page of this letter, or, without one, a hole, comes for disk 0 of so many pages. */
static int take(struct inflows *f, uint64_t page, char letter, uint64_t pages, uint64_t upto)
{
	struct lf_extent extent = {.page = page, .pages = 1, .hole = !letter};
	uint8_t data[LF_PAGE_SIZE], wire[LF_EXTENT_WIRE_SIZE];

	memset(data, letter, sizeof(data));
	if (letter)
		assert_lf_ok(
			lf_vault_put(f->inflow.vault, data, sizeof(data), &extent.chunk, &err));
	lf_extent_encode(&extent, wire);
	return lf_inflow_extents(&f->inflow, 0, pages, upto, wire, 1, &err);
}

static void build(struct inflows *f, const struct lf_root *base, uint64_t pages,
		  struct lf_root *ret_root)
{
	assert_lf_ok(lf_inflow_build(&f->inflow, 0, pages, base, ret_root, &err));
}

static char letter_of(struct inflows *f, const struct lf_root *root, uint64_t page)
{
	uint8_t data[LF_PAGE_SIZE];

	assert_lf_ok(
		lf_map_read(f->inflow.vault, root, data, sizeof(data), page * LF_PAGE_SIZE, &err));
	return (char)data[0];
}

static off_t journal_size(struct inflows *f)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/0.journal", f->dir);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void set_journal_size(struct inflows *f, off_t size)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/0.journal", f->dir);

	assert_int_equal(truncate(path, size), 0);
}

static void test_build__puts_what_came_over_the_base_and_the_later_wins(void **state)
{
	struct inflows *f = *state;
	struct lf_root none = {0}, base, root;

	assert_lf_ok(take(f, 3, 'a', PAGES, 0));
	assert_lf_ok(take(f, 5, 'x', PAGES, 0));
	assert_lf_ok(take(f, 4, 'b', PAGES, 0));
	assert_lf_ok(take(f, 5, 'c', PAGES, 0));
	build(f, &none, PAGES, &base);
	assert_int_equal(letter_of(f, &base, 3), 'a');
	assert_int_equal(letter_of(f, &base, 5), 'c');
	/* the journal is still there: building again makes the same */
	build(f, &none, PAGES, &root);
	assert_true(lf_root_equal(&base, &root));
	assert_lf_ok(lf_dir_remove(f->dir, &err));
	assert_lf_ok(lf_dir_make(f->dir, 0700, &err));
	assert_lf_ok(take(f, 3, 0, PAGES, 0));
	build(f, &base, PAGES, &root);
	assert_int_equal(letter_of(f, &root, 3), 0);
	assert_int_equal(letter_of(f, &root, 4), 'b');
	build(f, &base, 4, &root); /* a disk that shrank */
	assert_int_equal(letter_of(f, &root, 4), 0);
}

static void test_extents__are_on_the_disk_when_they_come_and_when_it_is_built(void **state)
{
	struct inflows *f = *state;
	struct lf_root none = {0}, root;

	assert_int_equal(take(f, PAGES, 0, PAGES, 0), LF_EINVAL);
	assert_int_equal(take(f, UINT64_MAX, 0, PAGES, 0), LF_EINVAL);
	assert_lf_ok(take(f, PAGES, 'a', PAGES + 1, 0));
	assert_int_equal(lf_inflow_build(&f->inflow, 0, PAGES, &none, &root, &err), LF_EINVAL);
	assert_lf_ok(lf_inflow_build(&f->inflow, 0, PAGES + 1, &none, &root, &err));
	assert_int_equal(lf_inflow_extents(&f->inflow, LF_INFLOW_DISKS_MAX, 1, 0, NULL, 0, &err),
			 LF_EINVAL);
}

/* As another site sends it, with the larger disk for a base. */
static void test_build__of_a_disk_that_shrank_passes_over_holes_beyond_its_end(void **state)
{
	struct inflows *f = *state;
	struct lf_root none = {0}, base, root;
	struct lf_extent hole = {.page = 4, .pages = PAGES - 4, .hole = true};
	uint8_t wire[LF_EXTENT_WIRE_SIZE];

	assert_lf_ok(take(f, 3, 'a', PAGES, 0));
	assert_lf_ok(take(f, 5, 'b', PAGES, 0));
	assert_lf_ok(take(f, PAGES - 1, 'c', PAGES, 0));
	build(f, &none, PAGES, &base);
	assert_lf_ok(lf_dir_remove(f->dir, &err));
	assert_lf_ok(lf_dir_make(f->dir, 0700, &err));
	lf_extent_encode(&hole, wire);
	assert_lf_ok(lf_inflow_extents(&f->inflow, 0, PAGES, 0, wire, 1, &err));
	assert_lf_ok(take(f, PAGES - 1, 0, PAGES, 0));
	build(f, &base, 6, &root);
	assert_int_equal(letter_of(f, &root, 3), 'a');
	assert_int_equal(letter_of(f, &root, 5), 0);
	assert_int_equal(letter_of(f, &root, PAGES - 1), 0);
}

static void test_journal__of_any_disk_has_an_end(void **state)
{
	struct inflows *f = *state;
	const uint64_t largest = (uint64_t)LF_DISK_BYTES_MAX / LF_PAGE_SIZE;

	assert_lf_ok(take(f, 3, 'a', largest, 0));
	off_t whole = journal_size(f);
	set_journal_size(f, (off_t)16 << 30);
	assert_int_equal(take(f, 3, 'a', largest, 0), LF_ETOOLARGE);
	assert_string_equal(err.arm_code, "SessionTooLarge");
	set_journal_size(f, whole);
	assert_lf_ok(take(f, 4, 'a', largest, 0));
	/* of a small one, sooner */
	set_journal_size(f, (off_t)64 << 20);
	assert_int_equal(take(f, 3, 'a', PAGES, 0), LF_ETOOLARGE);
}

/* What is remembered of a journal's end is a hint. */
static void test_extents__go_to_the_end_of_a_journal_that_others_changed(void **state)
{
	struct inflows *f = *state;
	struct lf_root none = {0}, root;
	uint64_t upto = 0;

	assert_lf_ok(take(f, 1, 'a', PAGES, 10));
	off_t one = journal_size(f);
	assert_lf_ok(take(f, 2, 'b', PAGES, 20));
	assert_lf_ok(lf_inflow_cut(&f->inflow, 0, 10, &err));
	assert_int_equal(journal_size(f), one);
	assert_lf_ok(take(f, 3, 'c', PAGES, 30));
	set_journal_size(f, 3 * one); /* a torn batch: zeroes */
	assert_lf_ok(take(f, 4, 'd', PAGES, 40));
	assert_int_equal(journal_size(f), 3 * one);
	assert_lf_ok(lf_inflow_upto(&f->inflow, 0, &upto, &err));
	assert_int_equal(upto, 40);
	build(f, &none, PAGES, &root);
	assert_int_equal(letter_of(f, &root, 1), 'a');
	assert_int_equal(letter_of(f, &root, 2), 0);
	assert_int_equal(letter_of(f, &root, 3), 'c');
	assert_int_equal(letter_of(f, &root, 4), 'd');
}

static void test_build__is_cut_short_by_a_stop(void **state)
{
	struct inflows *f = *state;
	struct lf_root none = {0}, root;
	atomic_bool stopping = true;

	assert_lf_ok(take(f, 3, 'a', PAGES, 0));
	f->inflow.stopping = &stopping;
	assert_int_equal(lf_inflow_build(&f->inflow, 0, PAGES, &none, &root, &err), LF_ECANCELED);
	stopping = false;
	build(f, &none, PAGES, &root);
	assert_int_equal(letter_of(f, &root, 3), 'a');
}

static void test_end__lets_go_of_journals_and_chunks_and_may_be_repeated(void **state)
{
	struct inflows *f = *state;

	assert_lf_ok(take(f, 3, 'a', PAGES, 0));
	assert_lf_ok(lf_vault_flush(f->inflow.vault, &err));
	assert_int_equal(collect(f->inflow.vault, "chunks"), 0);
	assert_lf_ok(lf_inflow_end(&f->inflow, LEASE, &err));
	assert_lf_ok(lf_inflow_end(&f->inflow, LEASE, &err));
	assert_int_equal(access(f->dir, F_OK), -1);
	collect(f->inflow.vault, "chunks");
	assert_whole(f->inflow.vault);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_build__puts_what_came_over_the_base_and_the_later_wins),
		TEST(test_extents__are_on_the_disk_when_they_come_and_when_it_is_built),
		TEST(test_build__of_a_disk_that_shrank_passes_over_holes_beyond_its_end),
		TEST(test_journal__of_any_disk_has_an_end),
		TEST(test_extents__go_to_the_end_of_a_journal_that_others_changed),
		TEST(test_build__is_cut_short_by_a_stop),
		TEST(test_end__lets_go_of_journals_and_chunks_and_may_be_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
