/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "os/workers.h"

#define PIECES 1000u

struct work {
	atomic_uint next, done;
	unsigned fails_at; /* this piece fails; PIECES: none does */
	atomic_bool failed;
};

static int do_pieces(void *context, struct lf_error *err)
{
	struct work *work = context;

	for (unsigned at;
	     !atomic_load(&work->failed) && (at = atomic_fetch_add(&work->next, 1)) < PIECES;) {
		if (at == work->fails_at)
			return lf_fail(err, LF_ECORRUPT, "piece", "piece %u is damaged", at);
		atomic_fetch_add(&work->done, 1);
	}
	return 0;
}

static void test_workers__do_all_the_work_between_them(void **state)
{
	static const unsigned threads[] = {0, 1, 2, LF_WORKERS_MAX, LF_WORKERS_MAX + 1};
	struct lf_error err;

	(void)state;
	for (size_t i = 0; i < LF_N(threads); i++) {
		struct work work = {.fails_at = PIECES};
		assert_lf_ok(lf_workers_run(threads[i], do_pieces, &work, &work.failed, &err));
		assert_int_equal(work.done, PIECES);
		assert_false(work.failed);
	}
}

static void test_workers__one_failure_is_the_calls_and_ends_the_others(void **state)
{
	struct work work = {.fails_at = 3};
	struct lf_error err;

	(void)state;
	assert_int_equal(lf_workers_run(4, do_pieces, &work, &work.failed, &err), LF_ECORRUPT);
	assert_string_equal(err.message, "piece 3 is damaged");
	assert_true(work.failed);
	assert_true(work.done < PIECES);
}

static void test_workers__need_nobody_who_looks_at_failures(void **state)
{
	struct work work = {.fails_at = 0};
	struct lf_error err;

	(void)state;
	assert_int_equal(lf_workers_run(1, do_pieces, &work, NULL, &err), LF_ECORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers__do_all_the_work_between_them),
		cmocka_unit_test(test_workers__one_failure_is_the_calls_and_ends_the_others),
		cmocka_unit_test(test_workers__need_nobody_who_looks_at_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
