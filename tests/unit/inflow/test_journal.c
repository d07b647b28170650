/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"
#include "inflow/journal.h"

#define HEADER	      32
#define BATCH_SIZE(n) (HEADER + (n) * (off_t)LF_EXTENT_WIRE_SIZE)

static struct lf_error err;

static char *journal_of(void **state)
{
	char *path = lf_printf_dup("%s/0.journal", (char *)*state);

	assert_non_null(path);
	return path;
}

static void append(const char *path, uint64_t page, size_t n, uint64_t upto)
{
	uint8_t wire[40 * LF_EXTENT_WIRE_SIZE];

	assert_true(n <= 40);
	for (size_t i = 0; i < n; i++) {
		struct lf_extent extent = {.page = page + i, .pages = 1};
		memset(extent.chunk.bytes, (int)(page + i + 1), sizeof(extent.chunk.bytes));
		lf_extent_encode(&extent, wire + i * LF_EXTENT_WIRE_SIZE);
	}
	assert_lf_ok(lf_journal_append(path, wire, n, upto, NULL, &err));
}

static int sum_page(void *context, const struct lf_extent *extent, struct lf_error *e)
{
	(void)e;
	*(uint64_t *)context = *(uint64_t *)context * 100 + extent->page;
	return 0;
}

/* The pages of all records, two digits each. */
static uint64_t pages_of(const char *path)
{
	uint64_t pages = 0;

	assert_lf_ok(lf_journal_walk(path, sum_page, &pages, &err));
	return pages;
}

static uint64_t upto_of(const char *path)
{
	uint64_t upto = UINT64_MAX;

	assert_lf_ok(lf_journal_upto(path, &upto, &err));
	return upto;
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void test_journal__refuses_a_record_without_sense(void **state)
{
	const uint8_t wire[LF_EXTENT_WIRE_SIZE] = {0};
	LF_AUTO_FREE char *path = journal_of(state);

	assert_int_equal(lf_journal_append(path, wire, 1, 0, NULL, &err), LF_EINVAL);
	assert_int_equal(pages_of(path), 0);
}

static void test_journal__keeps_batches_in_order(void **state)
{
	LF_AUTO_FREE char *path = journal_of(state);

	assert_int_equal(pages_of(path), 0);
	assert_int_equal(upto_of(path), 0);
	append(path, 10, 2, 12);
	append(path, 0, 0, 20);
	append(path, 20, 1, 21);
	assert_int_equal(pages_of(path), 101120);
	assert_int_equal(upto_of(path), 21);
}

static void test_journal__forgets_a_torn_tail_and_goes_on(void **state)
{
	LF_AUTO_FREE char *path = journal_of(state);

	/* cut at every byte of the second batch */
	for (off_t cut = 0; cut < BATCH_SIZE(2); cut++) {
		assert_lf_ok(lf_file_remove(path, &err));
		append(path, 10, 1, 11);
		append(path, 20, 2, 22);
		assert_int_equal(truncate(path, BATCH_SIZE(1) + cut), 0);
		assert_int_equal(pages_of(path), 10);
		assert_int_equal(upto_of(path), 11);
		append(path, 30, 1, 31);
		assert_int_equal(pages_of(path), 1030);
		assert_int_equal(upto_of(path), 31);
	}
}

static void test_journal__takes_unwritten_last_blocks_for_torn(void **state)
{
	LF_AUTO_FREE char *path = journal_of(state);

	/* the size got to the disk, the data did not */
	append(path, 10, 1, 11);
	assert_int_equal(truncate(path, BATCH_SIZE(1) + BATCH_SIZE(4)), 0);
	assert_int_equal(pages_of(path), 10);
	append(path, 20, 1, 21);
	assert_int_equal(pages_of(path), 1020);
	assert_int_equal(size_of(path), 2 * BATCH_SIZE(1));
}

/* A power cut keeps any of the sectors that an append wrote. */
static void test_journal__forgets_a_last_batch_that_lacks_sectors(void **state)
{
	static const uint8_t zero[512];
	LF_AUTO_FREE char *path = journal_of(state);

	for (size_t first = 1; first < 32; first += 3) { /* records before: any place in a sector */
		for (unsigned lost = 1; lost < 16; lost++) {
			assert_lf_ok(lf_file_remove(path, &err));
			append(path, 10, first, 7);
			append(path, 20, 30, 22);
			off_t from = BATCH_SIZE((off_t)first), end = size_of(path);
			int fd = open(path, O_RDWR | O_CLOEXEC);
			bool all = true;
			for (off_t at = from, next, i = 0; at < end; at = next, i++) {
				next = at - at % 512 + 512 < end ? at - at % 512 + 512 : end;
				if (lost >> i & 1)
					assert_int_equal(pwrite(fd, zero, (size_t)(next - at), at),
							 next - at);
				all = all && !(lost >> i & 1);
			}
			close(fd);
			assert_int_equal(upto_of(path), all ? 22 : 7);
			append(path, 30, 1, 31);
			assert_int_equal(upto_of(path), 31);
		}
	}
}

/* "LFJ1": a header of 24 bytes, without a check. */
static void test_journal__reads_batches_of_the_version_before(void **state)
{
	LF_AUTO_FREE char *path = journal_of(state);
	uint8_t batch[BATCH_SIZE(2)];

	append(path, 10, 2, 12);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, batch, sizeof(batch), 0), sizeof(batch));
	batch[3] = '1';
	memmove(batch + 24, batch + HEADER, sizeof(batch) - HEADER);
	assert_int_equal(pwrite(fd, batch, sizeof(batch), 0), sizeof(batch));
	assert_int_equal(ftruncate(fd, sizeof(batch) - HEADER + 24), 0);
	close(fd);
	assert_int_equal(pages_of(path), 1011);
	append(path, 20, 1, 21);
	assert_int_equal(pages_of(path), 101120);
	assert_int_equal(upto_of(path), 21);
}

static void test_journal__never_loses_acknowledged_batches_silently(void **state)
{
	uint8_t wire[LF_EXTENT_WIRE_SIZE] = {0};
	LF_AUTO_FREE char *path = journal_of(state);
	uint64_t sum = 0;

	wire[8] = 1;
	append(path, 10, 1, 11);
	append(path, 20, 1, 21);
	append(path, 30, 1, 31);
	off_t whole = size_of(path);
	for (off_t at = 0; at < whole; at++) { /* the last batch is acknowledged, too */
		flip(path, at);
		assert_int_equal(lf_journal_walk(path, sum_page, &sum, &err), LF_ECORRUPT);
		assert_int_equal(lf_journal_upto(path, &sum, &err), LF_ECORRUPT);
		assert_int_equal(lf_journal_cut(path, 50, &err), LF_ECORRUPT);
		if (at % BATCH_SIZE(1) < HEADER || at >= 2 * BATCH_SIZE(1))
			assert_int_equal(lf_journal_append(path, wire, 1, 0, NULL, &err),
					 LF_ECORRUPT);
		assert_int_equal(size_of(path), whole);
		flip(path, at);
	}
	assert_int_equal(pages_of(path), 102030);
}

static void test_journal__cut_drops_what_is_over(void **state)
{
	LF_AUTO_FREE char *path = journal_of(state);

	assert_lf_ok(lf_journal_cut(path, 0, &err));
	append(path, 10, 1, 11);
	append(path, 20, 1, 21);
	append(path, 30, 1, 99); /* a delta, past the end */
	append(path, 12, 1, 15); /* after it, even if its own number is low */
	assert_lf_ok(lf_journal_cut(path, 50, &err));
	assert_int_equal(pages_of(path), 1020);
	assert_int_equal(upto_of(path), 21);
	append(path, 21, 1, 22);
	assert_int_equal(pages_of(path), 102021);
	assert_lf_ok(lf_journal_cut(path, 0, &err));
	assert_int_equal(pages_of(path), 0);
	assert_int_equal(size_of(path), 0);
}

static void test_journal__refuses_a_batch_too_large(void **state)
{
	LF_AUTO_FREE char *path = journal_of(state);
	LF_AUTO_FREE uint8_t *wire = calloc(LF_BATCH_RECORDS_MAX + 1, LF_EXTENT_WIRE_SIZE);

	assert_non_null(wire);
	for (size_t i = 0; i <= LF_BATCH_RECORDS_MAX; i++)
		wire[i * LF_EXTENT_WIRE_SIZE + 8] = 1;
	assert_int_equal(lf_journal_append(path, wire, LF_BATCH_RECORDS_MAX + 1, 0, NULL, &err),
			 LF_ETOOLARGE);
	assert_lf_ok(lf_journal_append(path, wire, LF_BATCH_RECORDS_MAX, 5, NULL, &err));
	append(path, 10, 1, 6);
	assert_int_equal(upto_of(path), 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_journal__refuses_a_record_without_sense),
		TEST(test_journal__keeps_batches_in_order),
		TEST(test_journal__forgets_a_torn_tail_and_goes_on),
		TEST(test_journal__takes_unwritten_last_blocks_for_torn),
		TEST(test_journal__forgets_a_last_batch_that_lacks_sectors),
		TEST(test_journal__reads_batches_of_the_version_before),
		TEST(test_journal__never_loses_acknowledged_batches_silently),
		TEST(test_journal__cut_drops_what_is_over),
		TEST(test_journal__refuses_a_batch_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
