/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that tells what may have changed (source/disk.h): the rest is not read, and nothing
 * that is told is missed. */
#include "unit/vault/vault_fixture.h"

#include "vault/flow/ingest.h"

#define PAGES 20000u /* some segments */
#define RUN   16u    /* what a bitmap's bit stands for */
#define PAGE  LF_PAGE_SIZE

struct disk {
	uint8_t *bytes;
	bool dirty[PAGES / RUN + 1];
	uint64_t read;
};

static int read_disk(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err)
{
	struct disk *disk = context;

	(void)err;
	memcpy(data, disk->bytes + offset, len);
	__atomic_add_fetch(&disk->read, len, __ATOMIC_RELAXED);
	return 0;
}

/* Runs of RUN pages that are wanted. */
static void next_run(uint64_t offset, bool (*wanted)(const struct disk *, uint64_t),
		     const struct disk *disk, uint64_t *ret_from, uint64_t *ret_to)
{
	uint64_t at = offset / PAGE / RUN, n = (PAGES + RUN - 1) / RUN;

	while (at < n && !wanted(disk, at))
		at++;
	*ret_from = at * RUN * PAGE < offset ? offset : at * RUN * PAGE;
	while (at < n && wanted(disk, at))
		at++;
	*ret_to = at * RUN * PAGE;
	if (*ret_from > (uint64_t)PAGES * PAGE)
		*ret_from = (uint64_t)PAGES * PAGE;
	if (*ret_to > (uint64_t)PAGES * PAGE)
		*ret_to = (uint64_t)PAGES * PAGE;
}

static bool has_data(const struct disk *disk, uint64_t run)
{
	for (uint64_t i = run * RUN * PAGE;
	     i < (run + 1) * RUN * PAGE && i < (uint64_t)PAGES * PAGE; i++)
		if (disk->bytes[i])
			return true;
	return false;
}

static bool is_dirty(const struct disk *disk, uint64_t run)
{
	return disk->dirty[run];
}

static int next_data(void *context, uint64_t offset, uint64_t *ret_from, uint64_t *ret_to,
		     struct lf_error *err)
{
	(void)err;
	next_run(offset, has_data, context, ret_from, ret_to);
	return 0;
}

static int next_dirty(void *context, uint64_t offset, uint64_t *ret_from, uint64_t *ret_to,
		      struct lf_error *err)
{
	(void)err;
	next_run(offset, is_dirty, context, ret_from, ret_to);
	return 0;
}

/* The vault's root of the disk as it is; base NULL: everything. */
static struct lf_root ingest(struct fixture *fixture, struct disk *disk, const struct lf_root *base,
			     bool knows, uint64_t *ret_read)
{
	LF_AUTO_FREE char *prints = lf_printf_dup("%s/prints", fixture->dir);
	const struct lf_disk source = {.size_bytes = (uint64_t)PAGES * PAGE,
				       .read = read_disk,
				       .next_data = next_data,
				       .next_dirty = knows ? next_dirty : NULL,
				       .context = disk};
	const struct lf_ingest_opts opts = {.path = "disk",
					    .disk = &source,
					    .base = base,
					    .prints = base || knows ? prints : NULL,
					    .threads = 3};
	struct lf_ingest_result result;
	struct lf_error err;

	disk->read = 0;
	assert_lf_ok(lf_ingest(fixture->vault, &opts, &result, &err));
	*ret_read = disk->read;
	memset(disk->dirty, 0, sizeof(disk->dirty));
	return result.root;
}

static void write_page(struct disk *disk, uint64_t page, uint64_t seed)
{
	if (seed)
		fill_noise(disk->bytes + page * PAGE, PAGE, seed);
	else
		memset(disk->bytes + page * PAGE, 0, PAGE);
	disk->dirty[page / RUN] = true;
}

static void assert_is(struct fixture *fixture, const struct disk *disk, const struct lf_root *root)
{
	LF_AUTO_FREE uint8_t *bytes = malloc((size_t)PAGES * PAGE);
	struct lf_error err;

	assert_lf_ok(lf_map_read(fixture->vault, root, bytes, (size_t)PAGES * PAGE, 0, &err));
	assert_memory_equal(bytes, disk->bytes, (size_t)PAGES * PAGE);
}

static void test_dirty__only_what_is_told_is_read_and_all_of_it(void **state)
{
	struct fixture *fixture = *state;
	struct disk *disk = calloc(1, sizeof(*disk));
	uint64_t read = 0, seed = 7;
	char point[LF_GUID_SIZE];

	assert_non_null(disk);
	disk->bytes = calloc(PAGES, PAGE);
	assert_non_null(disk->bytes);
	for (uint64_t page = 100; page < PAGES; page += 1 + page % 7)
		write_page(disk, page, page);
	struct lf_root root = ingest(fixture, disk, NULL, true, &read);
	assert_is(fixture, disk, &root);
	for (unsigned round = 0; round < 30; round++) {
		lf_guid_random(point);
		put_point(fixture->vault, point, &root, (uint64_t)PAGES * PAGE);
		unsigned writes = (unsigned)(next_random(&seed) % 40);
		for (unsigned i = 0; i < writes; i++) /* noise, or a hole where something was */
			write_page(disk, next_random(&seed) % PAGES,
				   i % 3 ? next_random(&seed) | 1 : 0);
		if (round % 5 == 0) /* told, and as it was */
			disk->dirty[next_random(&seed) % (PAGES / RUN)] = true;
		if (round == 7) /* the last page, and the first */
			write_page(disk, PAGES - 1, 99), write_page(disk, 0, 98);
		root = ingest(fixture, disk, &root, true, &read);
		assert_in_range(read, 0, (uint64_t)(writes + 3) * 2 * RUN * PAGE);
		assert_is(fixture, disk, &root);
	}
	assert_whole(fixture->vault);
	free(disk->bytes);
	free(disk);
}

static void test_dirty__is_not_believed_without_prints_of_the_base(void **state)
{
	struct fixture *fixture = *state;
	struct disk *disk = calloc(1, sizeof(*disk));
	uint64_t read = 0;

	assert_non_null(disk);
	disk->bytes = calloc(PAGES, PAGE);
	assert_non_null(disk->bytes);
	write_page(disk, 5, 1);
	struct lf_root other = ingest(fixture, disk, NULL, false, &read);
	write_page(disk, 9000, 2);
	memset(disk->dirty, 0, sizeof(disk->dirty)); /* it tells of nothing */
	struct lf_root root = ingest(fixture, disk, &other, true, &read);
	assert_is(fixture, disk, &root);
	free(disk->bytes);
	free(disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dirty__only_what_is_told_is_read_and_all_of_it),
		TEST(test_dirty__is_not_believed_without_prints_of_the_base),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
