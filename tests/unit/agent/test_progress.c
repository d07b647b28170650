/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "agent/progress.h"
#include "base/text.h"
#include "json/json.h"

static struct lf_progress progress = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* There is one thread. */
static json_t *status(void)
{
	LF_ALONE(lf_progress_lock);
	return progress.status;
}

static int setup(void **state)
{
	(void)state;
	LF_ALONE(lf_progress_lock);
	progress.status = json_array();
	return progress.status ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(status());
	return 0;
}

static const json_t *status_of(const char *item)
{
	size_t i;
	json_t *entry;

	json_array_foreach (status(), i, entry) {
		if (strcmp(lf_json_text_or(entry, "itemId", ""), item) == 0)
			return entry;
	}
	return NULL;
}

static void tell_failure(const char *item, const char *error)
{
	lf_progress_set(&progress, json_pack("{s:s,s:s,s:s}", "itemId", item, "error", error,
					     "advice", "look there"));
}

static void test_progress__of_the_next_try_leaves_the_failure_told(void **state)
{
	(void)state;
	tell_failure("a", "the disk is on fire");
	lf_progress_set(&progress, json_pack("{s:s,s:i}", "itemId", "a", "bytesPerSecond", 7));
	assert_string_equal(lf_json_text_or(status_of("a"), "error", ""), "the disk is on fire");
	assert_string_equal(lf_json_text_or(status_of("a"), "advice", ""), "look there");
	assert_int_equal(lf_json_int_or(status_of("a"), "bytesPerSecond", 0), 7);
	tell_failure("a", "the disk is wet");
	assert_string_equal(lf_json_text_or(status_of("a"), "error", ""), "the disk is wet");
	assert_int_equal(json_array_size(status()), 1);
}

static void test_progress__of_a_success_ends_it_for_that_item(void **state)
{
	(void)state;
	tell_failure("a", "the disk is on fire");
	tell_failure("b", "so is this");
	lf_progress_succeeded(&progress, "a");
	assert_null(lf_json_at(status_of("a"), "error"));
	assert_string_equal(lf_json_text_or(status_of("b"), "error", ""), "so is this");
	lf_progress_set(&progress, json_pack("{s:s}", "itemId", "a"));
	assert_null(lf_json_at(status_of("a"), "error"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_progress__of_the_next_try_leaves_the_failure_told),
		TEST(test_progress__of_a_success_ends_it_for_that_item),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
