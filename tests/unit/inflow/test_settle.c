/* SPDX-License-Identifier: Apache-2.0 */
/* Extents in any order come out in the order of pages, each page of the latest. */
#include "test.h"

#include "inflow/settle.h"

#define PAGES 512u

static struct lf_error err;

/* What a disk's pages hold: which extent, and which page of its chunk; by both ways. */
struct disk {
	uint32_t wanted[PAGES], seen[PAGES];
	uint64_t at; /* pages before were given already */
	size_t pieces;
	bool ordered;
};

static uint32_t mark(const struct lf_extent *extent, uint32_t page)
{
	uint32_t number;

	memcpy(&number, extent->chunk.bytes, sizeof(number));
	return number << 10 | (extent->hole ? 0 : (extent->chunk_page + page) + 1);
}

static int take(void *context, const struct lf_extent *extent, struct lf_error *unused)
{
	struct disk *disk = context;

	(void)unused;
	disk->ordered = disk->ordered && extent->page >= disk->at;
	disk->at = extent->page + extent->pages;
	disk->pieces++;
	for (uint32_t i = 0; i < extent->pages; i++)
		disk->seen[extent->page + i] = mark(extent, i);
	return 0;
}

static struct lf_extent extent_of(uint32_t number, uint64_t page, uint32_t pages)
{
	struct lf_extent extent = {.page = page, .pages = pages, .hole = number % 5 == 0};

	memcpy(extent.chunk.bytes, &number, sizeof(number));
	extent.chunk_page = extent.hole ? 0 : number % 7;
	return extent;
}

static void test_settle__gives_each_page_of_the_latest_extent_in_order(void **state)
{
	(void)state;
	unsigned seed = 42;

	for (int round = 0; round < 300; round++) {
		struct disk disk = {.ordered = true};
		struct lf_settle *settle = NULL;
		uint32_t n = 1 + (uint32_t)rand_r(&seed) % 60;
		assert_lf_ok(lf_settle_new(take, &disk, &settle, &err));
		for (uint32_t number = 1; number <= n; number++) {
			uint32_t pages = 1 + (uint32_t)rand_r(&seed) % 64;
			uint64_t page = (uint64_t)rand_r(&seed) % (PAGES - pages);
			struct lf_extent extent = extent_of(number, page, pages);
			for (uint32_t i = 0; i < pages; i++)
				disk.wanted[page + i] = mark(&extent, i);
			assert_lf_ok(lf_settle_add(settle, &extent, &err));
		}
		assert_lf_ok(lf_settle_flush(settle, &err));
		assert_memory_equal(disk.wanted, disk.seen, sizeof(disk.seen));
		assert_true(disk.ordered);
		assert_true(disk.pieces < 2 * n);
		lf_settle_free(settle);
	}
}

static void test_settle__gives_what_came_in_order_as_it_came(void **state)
{
	(void)state;
	struct disk disk = {.ordered = true};
	struct lf_settle *settle = NULL;

	assert_lf_ok(lf_settle_new(take, &disk, &settle, &err));
	for (uint32_t number = 1; number <= 100; number++) {
		struct lf_extent extent = extent_of(number, number * 4, 4);
		assert_lf_ok(lf_settle_add(settle, &extent, &err));
	}
	assert_lf_ok(lf_settle_flush(settle, &err));
	assert_int_equal(disk.pieces, 100);
	lf_settle_free(settle);
}

static int refuse(void *context, const struct lf_extent *extent, struct lf_error *refusal)
{
	(void)context, (void)extent;
	return lf_fail(refusal, LF_ECANCELED, NULL, "no more");
}

static void test_settle__ends_with_the_first_error(void **state)
{
	(void)state;
	struct lf_settle *settle = NULL;
	struct lf_extent one = extent_of(1, 9, 2), two = extent_of(2, 3, 2);

	assert_lf_ok(lf_settle_new(refuse, NULL, &settle, &err));
	assert_lf_ok(lf_settle_add(settle, &one, &err));
	assert_lf_ok(lf_settle_add(settle, &two, &err));
	assert_int_equal(lf_settle_flush(settle, &err), LF_ECANCELED);
	lf_settle_free(settle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settle__gives_each_page_of_the_latest_extent_in_order),
		cmocka_unit_test(test_settle__gives_what_came_in_order_as_it_came),
		cmocka_unit_test(test_settle__ends_with_the_first_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
