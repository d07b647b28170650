/* SPDX-License-Identifier: Apache-2.0 */
/* The same reads by io_uring, without it, and with a ring that takes nothing. */
#include "test.h"

#include <fcntl.h>

#include "base/fault.h"
#include "os/reads.h"

#define SLOTS	   5u
#define BLOCK	   10000u
#define FILE_BYTES (64u * BLOCK + 77)

struct fixture {
	char *dir;
	int fd;
	uint8_t bytes[FILE_BYTES];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char path[256];
	void *dir = NULL;
	struct lf_error err;

	assert_int_equal(test_dir_setup(&dir), 0);
	fixture->dir = dir;
	for (size_t i = 0; i < FILE_BYTES; i++)
		fixture->bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	snprintf(path, sizeof(path), "%s/file", fixture->dir);
	fixture->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_lf_ok(lf_file_pwrite_all(fixture->fd, fixture->bytes, FILE_BYTES, 0, path, &err));
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	void *dir = fixture->dir;

	lf_fault_set(NULL);
	close(fixture->fd);
	free(fixture);
	return test_dir_teardown(&dir);
}

/* Slots in turn, each begun well before it is awaited, over the whole file, backwards. */
static void read_all(struct fixture *fixture, const char *faults)
{
	static uint8_t blocks[SLOTS][BLOCK];
	struct lf_reads *reads = NULL;
	struct lf_error err;
	unsigned count = FILE_BYTES / BLOCK;

	lf_fault_set(faults);
	assert_lf_ok(lf_reads_new(fixture->fd, "file", SLOTS, &reads, &err));
	for (unsigned i = 0; i < count + SLOTS - 1; i++) {
		if (i < count)
			assert_lf_ok(lf_reads_begin(reads, i % SLOTS, blocks[i % SLOTS], BLOCK,
						    (uint64_t)(count - 1 - i) * BLOCK, &err));
		if (i < SLOTS - 1)
			continue;
		unsigned done = i - (SLOTS - 1);
		assert_lf_ok(lf_reads_await(reads, done % SLOTS, &err));
		assert_memory_equal(blocks[done % SLOTS],
				    fixture->bytes + (size_t)(count - 1 - done) * BLOCK, BLOCK);
	}
	lf_reads_free(reads);
	lf_fault_set(NULL);
}

static void test_reads__bring_all_bytes_with_and_without_a_ring(void **state)
{
	char some[64];

	read_all(*state, NULL);
	read_all(*state, "uring-make=eio");
	read_all(*state, "file-short=eio");
	read_all(*state, "uring-make=eio,file-short=eio");
	for (unsigned at = 1; at < 70; at += 3) {
		snprintf(some, sizeof(some), "uring-submit=eio@%u", at);
		read_all(*state, some);
	}
}

static void test_reads__may_be_awaited_in_any_order(void **state)
{
	static const unsigned order[SLOTS] = {3, 0, 4, 1, 2};
	struct fixture *fixture = *state;
	static uint8_t blocks[SLOTS][BLOCK];
	struct lf_error err;

	for (int ring = 0; ring < 2; ring++) {
		struct lf_reads *reads = NULL;
		lf_fault_set(ring ? NULL : "uring-make=eio");
		assert_lf_ok(lf_reads_new(fixture->fd, "file", SLOTS, &reads, &err));
		for (unsigned i = 0; i < SLOTS; i++)
			assert_lf_ok(lf_reads_begin(reads, i, blocks[i], BLOCK,
						    (uint64_t)i * 3 * BLOCK, &err));
		for (unsigned i = 0; i < SLOTS; i++) {
			assert_lf_ok(lf_reads_await(reads, order[i], &err));
			assert_memory_equal(blocks[order[i]],
					    fixture->bytes + (size_t)order[i] * 3 * BLOCK, BLOCK);
		}
		lf_reads_free(reads);
	}
}

static void check_failures(struct fixture *fixture, const char *make)
{
	uint8_t block[BLOCK];
	struct lf_reads *reads = NULL;
	char faults[64];
	struct lf_error err;

	lf_fault_set(make);
	assert_lf_ok(lf_reads_new(fixture->fd, "file", 2, &reads, &err));
	assert_lf_ok(lf_reads_begin(reads, 0, block, BLOCK, FILE_BYTES - BLOCK / 2, &err));
	assert_int_equal(lf_reads_await(reads, 0, &err), LF_ECORRUPT); /* it ends early */
	assert_lf_ok(lf_reads_begin(reads, 1, block, BLOCK, 0, &err));
	snprintf(faults, sizeof(faults), "%s,file-read=eio", make ? make : "none=eio");
	lf_fault_set(faults);
	assert_int_equal(lf_reads_await(reads, 1, &err), LF_EIO);
	lf_fault_set(make);
	/* what failed may be begun again */
	assert_lf_ok(lf_reads_begin(reads, 1, block, BLOCK, 0, &err));
	assert_lf_ok(lf_reads_await(reads, 1, &err));
	assert_memory_equal(block, fixture->bytes, BLOCK);
	lf_reads_free(reads);
}

static void test_reads__say_what_failed(void **state)
{
	check_failures(*state, NULL);
	check_failures(*state, "uring-make=eio");
}

static void test_reads__that_nobody_awaits_end_with_the_rest(void **state)
{
	struct fixture *fixture = *state;
	struct lf_reads *reads = NULL;
	struct lf_error err;

	for (unsigned round = 0; round < 20; round++) {
		uint8_t *blocks = malloc((size_t)SLOTS * BLOCK);
		assert_lf_ok(lf_reads_new(fixture->fd, "file", SLOTS, &reads, &err));
		for (unsigned i = 0; i < SLOTS; i++)
			assert_lf_ok(lf_reads_begin(reads, i, blocks + (size_t)i * BLOCK, BLOCK,
						    (uint64_t)i * BLOCK, &err));
		lf_reads_free(reads);
		free(blocks); /* nothing is written there any more */
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads__bring_all_bytes_with_and_without_a_ring),
		TEST(test_reads__may_be_awaited_in_any_order),
		TEST(test_reads__say_what_failed),
		TEST(test_reads__that_nobody_awaits_end_with_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
