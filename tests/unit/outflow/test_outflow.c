/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_sink.h"

#include <fcntl.h>

#include "base/text.h"
#include "outflow/outflow.h"

#define DISK  "11111111-1111-1111-1111-111111111111"
#define OTHER "22222222-2222-2222-2222-222222222222"
#define RUN   16u /* pages of each chunk */

static struct lf_error err;

struct fixture {
	char *dir;
	struct lf_domain_key key;
	struct memory_sink sink;
	struct lf_outflow *outflow;
};

static void open_outflow(struct fixture *f, unsigned threads)
{
	const struct lf_outflow_opts opts = {
		.sink = &f->sink.sink, .key = &f->key, .state_dir = f->dir, .threads = threads};

	assert_lf_ok(lf_outflow_new(&opts, &f->outflow, &err));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir = NULL;

	if (!f || test_memory_dir_setup(&dir))
		return -1;
	f->dir = dir;
	memset(f->key.id_key, 7, sizeof(f->key.id_key));
	memset(f->key.data_key, 9, sizeof(f->key.data_key));
	f->key.epoch = 1;
	memory_sink_init(&f->sink, &f->key);
	open_outflow(f, 4);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	lf_outflow_free(f->outflow);
	memory_sink_done(&f->sink);
	free(f);
	return test_dir_teardown(&dir);
}

/* Noise that a seed gives: does not compress, so that packs fill. */
static void make_noise(uint8_t *data, size_t len, uint64_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < len; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(data + i, &x, 8);
	}
}

/* One window of chunks that seed, seed + 1 ... make; the last run is a hole. */
static int give_window(struct fixture *f, uint64_t page, uint64_t seed)
{
	uint8_t *data;
	int rc = lf_outflow_window(f->outflow, &data, &err);

	for (uint32_t at = 0; !rc && at < LF_WINDOW_PAGES; at += RUN) {
		uint8_t *run = data + (size_t)at * LF_PAGE_SIZE;
		bool hole = at + RUN == LF_WINDOW_PAGES;
		make_noise(run, (size_t)RUN * LF_PAGE_SIZE, seed + at / RUN);
		rc = lf_outflow_run(f->outflow, page + at, RUN, hole ? NULL : run, &err);
	}
	return rc ? rc : lf_outflow_window_end(f->outflow, page + LF_WINDOW_PAGES, &err);
}

static void check_disk(const struct fixture *f, const char *disk, const uint64_t *seeds,
		       size_t windows)
{
	size_t window = (size_t)LF_WINDOW_PAGES * LF_PAGE_SIZE, run = (size_t)RUN * LF_PAGE_SIZE;
	uint8_t *image = malloc(windows * window), *wanted = calloc(1, run);

	memset(image, 0xee, windows * window);
	memory_sink_apply(&f->sink, disk, image, windows * LF_WINDOW_PAGES);
	for (size_t i = 0; i < windows * window; i += run) {
		bool hole = (i + run) % window == 0;
		memset(wanted, 0, run);
		if (!hole)
			make_noise(wanted, run, seeds[i / window] + i % window / run);
		assert_memory_equal(image + i, wanted, run);
	}
	free(image);
	free(wanted);
}

static void test_outflow__delivers_a_disk_as_it_was_given(void **state)
{
	const uint64_t seeds[] = {1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000};
	struct fixture *f = *state;

	assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 0, &err));
	for (size_t i = 0; i < LF_N(seeds); i++)
		assert_lf_ok(give_window(f, i * LF_WINDOW_PAGES, seeds[i]));
	assert_lf_ok(lf_outflow_flush(f->outflow, &err));
	assert_int_equal(lf_outflow_acknowledged(f->outflow), LF_N(seeds) * LF_WINDOW_PAGES);
	assert_true(f->sink.n_batches >= 3); /* 40 MiB of noise are more than two packs */
	assert_true(lf_outflow_sent(f->outflow) > 36u << 20);
	check_disk(f, DISK, seeds, LF_N(seeds));
}

static void test_outflow__acknowledges_in_order_when_packs_overtake(void **state)
{
	const uint64_t seeds[] = {1000, 2000,  3000,  4000,  5000,  6000,  7000,  8000,
				  9000, 11000, 12000, 13000, 14000, 15000, 16000, 17000};
	struct fixture *f = *state;
	uint64_t last = 0;

	f->sink.reorder = true;
	assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 0, &err));
	for (size_t i = 0; i < LF_N(seeds); i++)
		assert_lf_ok(give_window(f, i * LF_WINDOW_PAGES, seeds[i]));
	assert_lf_ok(lf_outflow_flush(f->outflow, &err));
	for (size_t i = 0; i < f->sink.n_batches; i++) {
		assert_true(f->sink.batches[i].upto > last);
		last = f->sink.batches[i].upto;
	}
	check_disk(f, DISK, seeds, LF_N(seeds));
}

static void test_outflow__sends_equal_chunks_once(void **state)
{
	const uint64_t seeds[] = {1000, 1000, 1000, 1000, 1000, 1000};
	struct fixture *f = *state;

	assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 0, &err));
	for (size_t i = 0; i < LF_N(seeds); i++)
		assert_lf_ok(give_window(f, i * LF_WINDOW_PAGES, seeds[i]));
	assert_lf_ok(lf_outflow_flush(f->outflow, &err));
	assert_int_equal(f->sink.n_chunks, LF_WINDOW_PAGES / RUN - 1);
	/* and what the sink has, not at all */
	assert_lf_ok(give_window(f, 0, 1000));
	assert_lf_ok(lf_outflow_flush(f->outflow, &err));
	assert_int_equal(f->sink.n_chunks, LF_WINDOW_PAGES / RUN - 1);
	check_disk(f, DISK, seeds, LF_N(seeds));
}

static void test_outflow__makes_the_same_packs_whatever_the_threads(void **state)
{
	struct fixture *f = *state;
	size_t chunks[2];

	for (size_t turn = 0; turn < 2; turn++) {
		lf_outflow_free(f->outflow);
		memory_sink_done(&f->sink);
		memory_sink_init(&f->sink, &f->key);
		open_outflow(f, turn ? LF_OUTFLOW_THREADS_MAX : 1);
		assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 0, &err));
		for (uint64_t i = 0; i < 6; i++)
			assert_lf_ok(give_window(f, i * LF_WINDOW_PAGES, 1000 * i));
		assert_lf_ok(lf_outflow_flush(f->outflow, &err));
		chunks[turn] = f->sink.batches[0].n;
	}
	assert_int_equal(chunks[0], chunks[1]);
}

static void test_outflow__keeps_disks_apart(void **state)
{
	const uint64_t first[] = {1000, 2000}, second[] = {2000, 3000};
	struct fixture *f = *state;

	assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 0, &err));
	for (size_t i = 0; i < 2; i++)
		assert_lf_ok(give_window(f, i * LF_WINDOW_PAGES, first[i]));
	assert_lf_ok(lf_outflow_disk(f->outflow, OTHER, 0, &err));
	assert_int_equal(lf_outflow_acknowledged(f->outflow), 0);
	for (size_t i = 0; i < 2; i++)
		assert_lf_ok(give_window(f, i * LF_WINDOW_PAGES, second[i]));
	assert_lf_ok(lf_outflow_flush(f->outflow, &err));
	check_disk(f, DISK, first, 2);
	check_disk(f, OTHER, second, 2);
}

static void test_outflow__flush_sends_a_window_that_was_not_ended(void **state)
{
	struct fixture *f = *state;
	uint8_t *data, image[LF_PAGE_SIZE];

	assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 99, &err));
	assert_lf_ok(lf_outflow_window(f->outflow, &data, &err));
	memset(data, 'x', LF_PAGE_SIZE);
	assert_lf_ok(lf_outflow_run(f->outflow, 0, 1, data, &err));
	assert_lf_ok(lf_outflow_flush(f->outflow, &err));
	assert_int_equal(lf_outflow_acknowledged(f->outflow), 99);
	memory_sink_apply(&f->sink, DISK, image, 1);
	assert_int_equal(image[4095], 'x');
}

static void test_outflow__says_what_it_acknowledged_of_an_empty_disk(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 5, &err));
	assert_lf_ok(lf_outflow_window_end(f->outflow, 1000, &err));
	assert_lf_ok(lf_outflow_flush(f->outflow, &err));
	assert_int_equal(lf_outflow_acknowledged(f->outflow), 1000);
	assert_int_equal(f->sink.n_chunks, 0);
}

/* Whatever call fails: an error, and what was acknowledged is a beginning of what was given. */
static void test_outflow__fails_whole_at_every_call(void **state)
{
	const uint64_t seeds[] = {1000, 2000, 3000, 4000, 5000, 6000};
	struct fixture *f = *state;

	for (size_t at = 1;; at++) {
		int rc = 0;
		lf_outflow_free(f->outflow);
		memory_sink_done(&f->sink);
		memory_sink_init(&f->sink, &f->key);
		f->sink.fault_at = at;
		f->sink.fault = at % 3;
		open_outflow(f, 4);
		assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 0, &err));
		for (size_t i = 0; !rc && i < LF_N(seeds); i++)
			rc = give_window(f, i * LF_WINDOW_PAGES, seeds[i]);
		if (!rc)
			rc = lf_outflow_flush(f->outflow, &err);
		uint64_t upto = lf_outflow_acknowledged(f->outflow);
		memory_sink_cut(&f->sink, DISK, upto);
		check_disk(f, DISK, seeds, upto / LF_WINDOW_PAGES);
		if (!rc)
			break;
		assert_int_equal(rc, LF_EUNREACHABLE);
		assert_int_equal(lf_outflow_flush(f->outflow, &err), LF_EUNREACHABLE);
		assert_true(at < 100);
	}
	assert_int_equal(lf_outflow_acknowledged(f->outflow), LF_N(seeds) * LF_WINDOW_PAGES);
}

static void test_outflow__leaves_no_pack_behind(void **state)
{
	struct fixture *f = *state;
	char real[512], name[LF_GUID_SIZE];

	assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 0, &err));
	assert_lf_ok(give_window(f, 0, 1));
	assert_lf_ok(lf_outflow_disk(f->outflow, OTHER, 0, &err)); /* all is there */
	lf_outflow_free(lf_steal(&f->outflow));
	assert_non_null(realpath(f->dir, real));
	lf_guid_derive("open pack", real, name);
	for (unsigned i = 0; i <= LF_SINK_CARRIERS; i++) {
		LF_AUTO_FREE char *memory =
			lf_printf_dup("/dev/shm/landfall-agent-%s-%u.pack", name, i);
		LF_AUTO_FREE char *file = lf_printf_dup("%s/open-%u.pack", f->dir, i);
		assert_int_not_equal(access(memory, F_OK), 0);
		assert_int_not_equal(access(file, F_OK), 0);
	}
}

static void test_outflow__keeps_to_its_rate(void **state)
{
	struct fixture *f = *state;
	const struct lf_outflow_opts opts = {.sink = &f->sink.sink,
					     .key = &f->key,
					     .state_dir = f->dir,
					     .bytes_per_second = 40u << 20,
					     .threads = 2};

	lf_outflow_free(f->outflow);
	assert_lf_ok(lf_outflow_new(&opts, &f->outflow, &err));
	int64_t begun_ns = lf_clock_monotonic_ns();
	assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 0, &err));
	assert_lf_ok(give_window(f, 0, 1));
	assert_lf_ok(lf_outflow_flush(f->outflow, &err));
	/* 4 MiB at 40 a second */
	assert_true(lf_clock_monotonic_ns() - begun_ns > 90 * LF_NS_PER_MS);
}

/* At 1 KiB a second 4 MiB take more than an hour: neither a stop nor an end waits for that. */
static void test_outflow__a_stop_does_not_wait_for_the_rate(void **state)
{
	struct fixture *f = *state;
	atomic_bool stop = false;
	const struct lf_outflow_opts opts = {.sink = &f->sink.sink,
					     .key = &f->key,
					     .state_dir = f->dir,
					     .bytes_per_second = 1024,
					     .stop = &stop,
					     .threads = 2};
	int64_t begun_ns = lf_clock_monotonic_ns();

	for (int stopped = 0; stopped < 2; stopped++) {
		lf_outflow_free(f->outflow);
		assert_lf_ok(lf_outflow_new(&opts, &f->outflow, &err));
		atomic_store(&stop, stopped);
		assert_lf_ok(lf_outflow_disk(f->outflow, DISK, 0, &err));
		assert_lf_ok(give_window(f, 0, 1));
		if (stopped)
			assert_lf_ok(lf_outflow_flush(f->outflow, &err));
	}
	lf_outflow_free(lf_steal(&f->outflow));
	assert_true(lf_clock_monotonic_ns() - begun_ns < 60 * LF_NS_PER_S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_outflow__delivers_a_disk_as_it_was_given),
		TEST(test_outflow__acknowledges_in_order_when_packs_overtake),
		TEST(test_outflow__sends_equal_chunks_once),
		TEST(test_outflow__makes_the_same_packs_whatever_the_threads),
		TEST(test_outflow__keeps_disks_apart),
		TEST(test_outflow__flush_sends_a_window_that_was_not_ended),
		TEST(test_outflow__says_what_it_acknowledged_of_an_empty_disk),
		TEST(test_outflow__fails_whole_at_every_call),
		TEST(test_outflow__leaves_no_pack_behind),
		TEST(test_outflow__keeps_to_its_rate),
		TEST(test_outflow__a_stop_does_not_wait_for_the_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
