/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>

#include "base/counters.h"

static void test_counters__each_name_and_kind_counts_by_itself(void **state)
{
	(void)state;
	lf_count("apples", NULL, 2);
	lf_count("apples", "red", 3);
	lf_count("apples", "red", 4);
	assert_int_equal(lf_counted("apples", NULL), 2);
	assert_int_equal(lf_counted("apples", "red"), 7);
	assert_int_equal(lf_counted("apples", "green"), 0);
}

static void *count_many(void *context)
{
	char kind[16];

	(void)context;
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(kind, sizeof(kind), "k%u", i % 10);
		lf_count("threads", kind, 1);
	}
	return NULL;
}

static void test_counters__threads_lose_nothing(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < LF_N(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
	for (size_t i = 0; i < LF_N(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(lf_counted("threads", "k0"), 4000);
	assert_int_equal(lf_counted("threads", "k9"), 4000);
}

static void test_counters__are_shown_as_prometheus_reads_them(void **state)
{
	LF_AUTO_BUF text = LF_BUF_INIT;

	(void)state;
	lf_count("shown", "b", 1);
	lf_count("shown", "a", 2);
	lf_counters_render(&text);
	assert_non_null(strstr(lf_buf_text(&text), "# TYPE landfall_shown_total counter\n"
						   "landfall_shown_total{kind=\"a\"} 2\n"
						   "landfall_shown_total{kind=\"b\"} 1\n"));
}

/* last: it fills the table */
static void test_counters__what_is_over_the_bound_is_counted_as_other(void **state)
{
	char kind[16];

	(void)state;
	for (unsigned i = 0; i < 2 * LF_COUNTERS_MAX; i++) {
		snprintf(kind, sizeof(kind), "%u", i);
		lf_count("many", kind, 1);
	}
	LF_AUTO_BUF text = LF_BUF_INIT;
	lf_counters_render(&text);
	assert_non_null(strstr(lf_buf_text(&text), "landfall_other_total "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters__each_name_and_kind_counts_by_itself),
		cmocka_unit_test(test_counters__threads_lose_nothing),
		cmocka_unit_test(test_counters__are_shown_as_prometheus_reads_them),
		cmocka_unit_test(test_counters__what_is_over_the_bound_is_counted_as_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
