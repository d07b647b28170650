/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/text.h"

static void test_manual_clock__stands_still_until_stepped(void **state)
{
	struct lf_clock *clock = lf_clock_new_manual(1000);

	(void)state;
	assert_int_equal(lf_clock_now_ns(clock), 1000);
	assert_int_equal(lf_clock_now_ns(clock), 1000);
	lf_clock_step(clock, 500);
	assert_int_equal(lf_clock_now_ns(clock), 1500);
	/* nothing moves it, so only the real limit ends this wait */
	assert_int_equal(lf_clock_wait(clock, 2000, LF_NS_PER_MS), 1500);
	lf_clock_free(clock);
}

static void *step_clock(void *clock)
{
	lf_clock_step(clock, 1000);
	return NULL;
}

static void test_wait__ends_when_another_thread_steps(void **state)
{
	struct lf_clock *clock = lf_clock_new_manual(0);
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, step_clock, clock), 0);
	while (lf_clock_wait(clock, 1000, 5 * LF_NS_PER_S) < 1000)
		;
	pthread_join(thread, NULL);
	assert_int_equal(lf_clock_now_ns(clock), 1000);
	lf_clock_free(clock);
}

static void test_real_clock__runs_at_its_rate(void **state)
{
	struct lf_clock *fast = lf_clock_new_real(1e6);
	int64_t before = lf_clock_now_ns(fast), real = lf_clock_monotonic_ns();

	(void)state;
	/* an hour of its time passes in 3.6 ms of ours */
	while (lf_clock_now_ns(fast) < before + 3600 * LF_NS_PER_S)
		;
	assert_true(lf_clock_monotonic_ns() - real < LF_NS_PER_S);
	lf_clock_set_rate(fast, 1);
	int64_t slow = lf_clock_now_ns(fast);
	assert_true(slow >= before + 3600 * LF_NS_PER_S);
	assert_true(lf_clock_now_ns(fast) - slow < 60 * LF_NS_PER_S);
	lf_clock_free(fast);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manual_clock__stands_still_until_stepped),
		cmocka_unit_test(test_wait__ends_when_another_thread_steps),
		cmocka_unit_test(test_real_clock__runs_at_its_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
