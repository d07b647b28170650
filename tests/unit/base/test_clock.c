/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/health.h"
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

/* A machine whose wall time somebody sets. */
static int64_t wall, boot;
static int64_t read_wall(void)
{
	return wall;
}
static int64_t read_boot(void)
{
	return boot;
}
static void pass(int64_t ns)
{
	wall += ns;
	boot += ns;
}
#define HOUR (3600 * LF_NS_PER_S)
#define DAY  (24 * HOUR)

static bool is_held(void)
{
	return lf_health_count() == 1;
}

static struct lf_clock *new_machine(void)
{
	wall = 20000 * DAY;
	boot = 5 * HOUR;
	return lf_clock_new_from(read_wall, read_boot);
}

static void test_real_clock__shows_what_the_machine_is_set_to(void **state)
{
	struct lf_clock *clock = new_machine();

	(void)state;
	pass(HOUR);
	assert_int_equal(lf_clock_now_ns(clock), wall);
	wall += 600 * LF_NS_PER_S; /* set forward: a step of NTP */
	assert_int_equal(lf_clock_now_ns(clock), wall);
	assert_int_equal(lf_clock_expiry_ns(clock), wall);
	wall -= 2 * HOUR; /* and back */
	assert_int_equal(lf_clock_now_ns(clock), wall);
	assert_int_equal(lf_clock_expiry_ns(clock), wall);
	pass(30 * DAY); /* suspended: both go on */
	assert_int_equal(lf_clock_expiry_ns(clock), wall);
	assert_false(is_held());
	lf_clock_step(clock, DAY);
	assert_int_equal(lf_clock_now_ns(clock), wall + DAY);
	lf_clock_free(clock);
}

static void test_expiry__waits_a_day_after_a_leap(void **state)
{
	struct lf_clock *clock = new_machine();
	int64_t before = wall;

	(void)state;
	wall += 400 * DAY;
	assert_int_equal(lf_clock_now_ns(clock), before + 400 * DAY);
	assert_int_equal(lf_clock_expiry_ns(clock), before);
	assert_true(is_held());
	pass(23 * HOUR);
	assert_int_equal(lf_clock_expiry_ns(clock), before + 23 * HOUR);
	pass(HOUR);
	assert_int_equal(lf_clock_expiry_ns(clock), wall); /* nobody minded */
	assert_false(is_held());
	lf_clock_free(clock);
}

static void test_expiry__of_a_clock_that_is_set_right_again_goes_on(void **state)
{
	struct lf_clock *clock = new_machine();

	(void)state;
	wall += 20 * DAY;
	lf_clock_expiry_ns(clock);
	assert_true(is_held());
	pass(HOUR);
	wall -= 20 * DAY;
	assert_int_equal(lf_clock_expiry_ns(clock), wall);
	assert_false(is_held());
	lf_clock_free(clock);
}

static void test_expiry__waits_after_a_leap_from_one_process_to_the_next(void **state)
{
	struct lf_clock *clock = new_machine();

	(void)state;
	lf_clock_seen(clock, wall - 20 * HOUR); /* a night */
	assert_int_equal(lf_clock_expiry_ns(clock), wall);
	lf_clock_seen(clock, wall + DAY); /* it was ahead then */
	assert_int_equal(lf_clock_expiry_ns(clock), wall);
	lf_clock_seen(clock, wall - 100 * DAY);
	assert_int_equal(lf_clock_expiry_ns(clock), wall - 100 * DAY);
	assert_true(is_held());
	pass(DAY);
	assert_int_equal(lf_clock_expiry_ns(clock), wall);
	assert_false(is_held());
	lf_clock_free(clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_clock__shows_what_the_machine_is_set_to),
		cmocka_unit_test(test_expiry__waits_a_day_after_a_leap),
		cmocka_unit_test(test_expiry__of_a_clock_that_is_set_right_again_goes_on),
		cmocka_unit_test(test_expiry__waits_after_a_leap_from_one_process_to_the_next),
		cmocka_unit_test(test_manual_clock__stands_still_until_stepped),
		cmocka_unit_test(test_wait__ends_when_another_thread_steps),
		cmocka_unit_test(test_real_clock__runs_at_its_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
