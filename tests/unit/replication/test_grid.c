/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/clock.h"
#include "replication/state.h"

#define MINUTE (60 * LF_NS_PER_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define MAX    8192

static int64_t times[MAX];
static bool keep[MAX];
static size_t n;

/* Points each five minutes for so long, pruned every half hour as they come. */
static int64_t run(int64_t length, int64_t history_minutes)
{
	int64_t now = 20000 * DAY;

	n = 0;
	for (int64_t passed = 0; passed < length; passed += 5 * MINUTE, now += 5 * MINUTE) {
		assert_true(n < MAX);
		memmove(times + 1, times, n++ * sizeof(times[0]));
		times[0] = now;
		if (passed % (30 * MINUTE) && passed + 5 * MINUTE < length)
			continue;
		lf_retention_grid(times, NULL, n, now, history_minutes, keep);
		size_t kept = 0;
		for (size_t i = 0; i < n; i++)
			if (keep[i])
				times[kept++] = times[i];
		n = kept;
	}
	return times[0];
}

/* How many points are older than from and no older than to; at which distance they are at most. */
static size_t count(int64_t now, int64_t from, int64_t to)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += now - times[i] > from && now - times[i] <= to;
	return found;
}

static void test_grid__without_history_keeps_only_the_latest(void **state)
{
	(void)state;
	run(DAY, 0);
	assert_int_equal(n, 1);
}

static void test_grid__one_day_keeps_one_an_hour(void **state)
{
	(void)state;
	int64_t now = run(3 * DAY, 24 * 60);
	assert_int_equal(count(now, -1, 2 * HOUR), 25);
	assert_in_range(count(now, 2 * HOUR, DAY), 22, 23);
	assert_int_equal(count(now, DAY, 100 * DAY), 0);
}

static void test_grid__three_days_keep_one_in_two_hours(void **state)
{
	(void)state;
	int64_t now = run(5 * DAY, 3 * 24 * 60);
	assert_int_equal(count(now, -1, 2 * HOUR), 25);
	assert_in_range(count(now, 2 * HOUR, 3 * DAY), 35, 36);
	assert_int_equal(count(now, 3 * DAY, 100 * DAY), 0);
}

static void test_grid__fifteen_days_widen_after_seven(void **state)
{
	(void)state;
	int64_t now = run(18 * DAY, 15 * 24 * 60);
	assert_int_equal(count(now, -1, 2 * HOUR), 25);
	assert_in_range(count(now, 2 * HOUR, 7 * DAY), 82, 84);
	assert_in_range(count(now, 7 * DAY, 15 * DAY), 47, 49);
	assert_int_equal(count(now, 15 * DAY, 100 * DAY), 0);
}

static void test_grid__silent_source_loses_nothing(void **state)
{
	(void)state;
	int64_t now = run(2 * DAY, 24 * 60);
	for (int64_t later = 0; later < 400 * DAY; later += 40 * DAY) {
		lf_retention_grid(times, NULL, n, now + later, 24 * 60, keep);
		for (size_t i = 0; i < n; i++)
			assert_true(keep[i]);
	}
}

static void test_grid__future_points_do_not_drop_the_rest(void **state)
{
	/* the clock was put back: the newest point is ahead of now, and ages count from now */
	const int64_t now = 20000 * DAY;
	const int64_t ahead[] = {now + 30 * DAY, now - MINUTE, now - 10 * MINUTE};
	bool kept[3] = {0};

	(void)state;
	lf_retention_grid(ahead, NULL, 3, now, 24 * 60, kept);
	assert_true(kept[0] && kept[1] && kept[2]);
	lf_retention_grid(ahead, NULL, 0, now, 24 * 60, kept);
}

/* One each four hours, among crash-consistent points each five minutes. */
static void test_grid__application_consistent_points_outlast_the_others_of_their_slot(void **state)
{
	static bool app[MAX];
	const int64_t now = 20000 * DAY;
	size_t crash = 0, kept = 0;

	(void)state;
	for (n = 0; n < 24 * 12; n++) {
		times[n] = now - (int64_t)n * 5 * MINUTE;
		app[n] = n % 48 == 5;
	}
	lf_retention_grid(times, app, n, now, 24 * 60, keep);
	for (size_t i = 0; i < n; i++) {
		assert_true(keep[i] || !app[i]);
		crash += keep[i] && !app[i] && now - times[i] > 2 * HOUR;
		kept += keep[i] && now - times[i] > 2 * HOUR;
	}
	/* no more than one of a slot */
	assert_in_range(kept, 21, 22);
	assert_int_equal(kept - crash, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grid__without_history_keeps_only_the_latest),
		cmocka_unit_test(test_grid__one_day_keeps_one_an_hour),
		cmocka_unit_test(test_grid__three_days_keep_one_in_two_hours),
		cmocka_unit_test(test_grid__fifteen_days_widen_after_seven),
		cmocka_unit_test(test_grid__silent_source_loses_nothing),
		cmocka_unit_test(test_grid__future_points_do_not_drop_the_rest),
		cmocka_unit_test(
			test_grid__application_consistent_points_outlast_the_others_of_their_slot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
