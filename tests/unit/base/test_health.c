/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/health.h"

static struct lf_health_condition seen[LF_HEALTH_MAX];

static void test_condition__is_there_until_it_is_cleared(void **state)
{
	(void)state;
	lf_health_raise("disk-full", NULL, "%u bytes are left", 7u);
	lf_health_raise("catalog-row", "/a/b", "is not JSON");
	assert_int_equal(lf_health_read(seen, LF_HEALTH_MAX, NULL), 2);
	assert_string_equal(seen[0].name, "disk-full");
	assert_string_equal(seen[0].subject, "");
	assert_string_equal(seen[0].text, "7 bytes are left");
	assert_string_equal(seen[1].subject, "/a/b");
	lf_health_clear("disk-full", "/a/b"); /* another one */
	assert_int_equal(lf_health_count(), 2);
	lf_health_clear("disk-full", NULL);
	assert_int_equal(lf_health_read(seen, LF_HEALTH_MAX, NULL), 1);
	assert_string_equal(seen[0].name, "catalog-row");
	lf_health_clear("catalog-row", "/a/b");
	assert_int_equal(lf_health_count(), 0);
}

static void test_condition__that_is_raised_again_is_one(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		lf_health_raise("catalog-row", "/a/b", "is not JSON, again %u", i);
	assert_int_equal(lf_health_read(seen, LF_HEALTH_MAX, NULL), 1);
	assert_int_equal(seen[0].times, 1000);
	assert_string_equal(seen[0].text, "is not JSON, again 999");
	assert_true(seen[0].since_ns <= seen[0].last_ns);
	lf_health_clear("catalog-row", "/a/b");
}

static void test_registry__that_is_full_counts_what_it_drops(void **state)
{
	char subject[32];
	uint64_t dropped = 0;

	(void)state;
	for (unsigned i = 0; i < LF_HEALTH_MAX + 3; i++) {
		snprintf(subject, sizeof(subject), "/row/%u", i);
		lf_health_raise("catalog-row", subject, "is not JSON");
	}
	assert_int_equal(lf_health_read(seen, LF_HEALTH_MAX, &dropped), LF_HEALTH_MAX);
	assert_int_equal(dropped, 3);
	for (unsigned i = 0; i < LF_HEALTH_MAX + 3; i++) {
		snprintf(subject, sizeof(subject), "/row/%u", i);
		lf_health_clear("catalog-row", subject);
	}
	assert_int_equal(lf_health_count(), 0);
}

/* What comes in from outside stays one line of UTF-8, cut between characters. */
static void test_texts__are_one_line_of_whole_characters(void **state)
{
	char subject[600];

	(void)state;
	subject[0] = 'x'; /* so that the end of the room is inside a character */
	for (size_t i = 1; i + 1 < sizeof(subject); i += 2)
		memcpy(subject + i, "\xc3\xbc", 2);
	subject[sizeof(subject) - 1] = '\0';
	lf_health_raise("a", subject, "line\nand \xff\xed\xa0\x80 and \xe2\x82");
	assert_int_equal(lf_health_read(seen, 1, NULL), 1);
	assert_int_equal(strlen(seen[0].subject), 255);
	assert_memory_equal(seen[0].subject + 253, "\xc3\xbc", 3);
	assert_string_equal(seen[0].text, "line?and ???? and ");
	lf_health_clear("a", subject); /* the key is what fits of it */
	assert_int_equal(lf_health_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_condition__is_there_until_it_is_cleared),
		cmocka_unit_test(test_condition__that_is_raised_again_is_one),
		cmocka_unit_test(test_registry__that_is_full_counts_what_it_drops),
		cmocka_unit_test(test_texts__are_one_line_of_whole_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
