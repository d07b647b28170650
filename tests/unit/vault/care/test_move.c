/* SPDX-License-Identifier: Apache-2.0 */
/* Records of packs that leave the store, to new packs: which, how fast, and until when. */
#include "unit/vault/vault_fixture.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "vault/care/move.h"

#define PACKS  4u
#define CHUNKS 30u /* in each */

struct packs {
	struct lf_vault *vault;
	struct lf_chunk_id ids[PACKS * CHUNKS];
	struct lf_leaving leaving[PACKS];
	uint64_t bytes; /* of all but the last: what is waited for */
};

static void make_packs(struct packs *packs, struct fixture *fixture)
{
	LF_AUTO_FREE struct lf_pack **list = NULL;
	uint8_t page[LF_PAGE_SIZE];
	size_t n = 0;
	struct lf_error err;

	*packs = (struct packs){.vault = fixture->vault};
	for (unsigned i = 0; i < PACKS * CHUNKS; i++) {
		fill_noise(page, sizeof(page), i + 1);
		assert_lf_ok(
			lf_vault_put(fixture->vault, page, sizeof(page), &packs->ids[i], &err));
		if (i % CHUNKS == CHUNKS - 1)
			assert_lf_ok(lf_vault_flush(fixture->vault, &err));
	}
	assert_lf_ok(lf_index_packs(fixture->vault->index, &list, &n, &err));
	assert_int_equal(n, PACKS);
	for (unsigned i = 0; i < PACKS; i++) {
		packs->leaving[i] =
			(struct lf_leaving){list[i], calloc(1, (list[i]->count + 7) / 8), 0};
		packs->bytes += i + 1 < PACKS ? list[i]->size : 0;
	}
}

static void free_packs(struct packs *packs)
{
	for (unsigned i = 0; i < PACKS; i++)
		free(packs->leaving[i].bits);
}

static unsigned count_copies(const struct packs *packs, unsigned chunk)
{
	struct lf_place place;
	unsigned n = 0;

	while (lf_index_find(packs->vault->index, &packs->ids[chunk], n, &place))
		n++;
	return n;
}

static unsigned count_moved(const struct packs *packs)
{
	unsigned moved = 0;

	for (unsigned i = 0; i < PACKS * CHUNKS; i++) {
		unsigned copies = count_copies(packs, i);
		assert_in_range(copies, 1, 2);
		moved += copies == 2;
	}
	return moved;
}

static void test_move__takes_what_is_not_condemned(void **state)
{
	struct fixture *fixture = *state;
	struct lf_move_opts opts = {.threads = 2};
	struct packs packs;
	struct lf_error err;

	make_packs(&packs, fixture);
	for (unsigned i = 0; i < PACKS; i++) {
		packs.leaving[i].bits[0] = 0x15; /* three of them */
		packs.leaving[i].dead = 3;
	}
	assert_lf_ok(lf_move_kept(fixture->vault, packs.leaving, PACKS, &opts, &err));
	assert_int_equal(count_moved(&packs), PACKS * (CHUNKS - 3));
	assert_whole(fixture->vault);
	free_packs(&packs);
}

static void test_move__leaves_packs_that_are_all_garbage(void **state)
{
	struct fixture *fixture = *state;
	struct lf_move_opts opts = {.threads = 1};
	struct packs packs;
	struct lf_error err;

	make_packs(&packs, fixture);
	for (unsigned i = 0; i < PACKS; i++) {
		memset(packs.leaving[i].bits, 0xff, (CHUNKS + 7) / 8);
		packs.leaving[i].dead = CHUNKS;
	}
	assert_lf_ok(lf_move_kept(fixture->vault, packs.leaving, PACKS, &opts, &err));
	assert_int_equal(count_moved(&packs), 0);
	free_packs(&packs);
}

static void test_move__keeps_to_its_rate(void **state)
{
	struct fixture *fixture = *state;
	struct packs packs;
	struct lf_error err;

	make_packs(&packs, fixture);
	struct lf_move_opts opts = {.threads = 2, .bytes_per_second = packs.bytes * 4};
	int64_t begun = lf_clock_monotonic_ns();
	assert_lf_ok(lf_move_kept(fixture->vault, packs.leaving, PACKS, &opts, &err));
	assert_true(lf_clock_monotonic_ns() - begun >= LF_NS_PER_S / 4 - LF_NS_PER_MS);
	assert_int_equal(count_moved(&packs), PACKS * CHUNKS);
	free_packs(&packs);
}

static void *stop_soon(void *argument)
{
	nanosleep(&(struct timespec){.tv_nsec = 100 * LF_NS_PER_MS}, NULL);
	atomic_store((atomic_bool *)argument, true);
	return NULL;
}

/* At this rate the second pack would be due in a day. */
static void test_move__stops_while_it_waits(void **state)
{
	struct fixture *fixture = *state;
	atomic_bool stop = false;
	struct lf_move_opts opts = {.threads = 2, .bytes_per_second = 1, .stop = &stop};
	struct packs packs;
	pthread_t stopper;
	struct lf_error err;

	make_packs(&packs, fixture);
	assert_int_equal(pthread_create(&stopper, NULL, stop_soon, &stop), 0);
	int rc = lf_move_kept(fixture->vault, packs.leaving, PACKS, &opts, &err);
	pthread_join(stopper, NULL);
	assert_int_equal(rc, LF_ECANCELED);
	assert_true(count_moved(&packs) < PACKS * CHUNKS);
	assert_whole(fixture->vault);
	/* and goes on another time */
	opts = (struct lf_move_opts){.threads = 1};
	assert_lf_ok(lf_move_kept(fixture->vault, packs.leaving, PACKS, &opts, &err));
	for (unsigned i = 0; i < PACKS * CHUNKS; i++)
		assert_true(count_copies(&packs, i) >= 2);
	free_packs(&packs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_move__takes_what_is_not_condemned),
		TEST(test_move__leaves_packs_that_are_all_garbage),
		TEST(test_move__keeps_to_its_rate),
		TEST(test_move__stops_while_it_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
