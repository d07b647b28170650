/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hold.h"

#include "test.h"
#include "vault/vault.h"

struct seen {
	size_t n;
	struct lf_held runs[4];
};

static int note(void *context, const struct lf_held *run, struct lf_error *err)
{
	struct seen *seen = context;

	(void)err;
	seen->runs[seen->n++] = *run;
	return 0;
}

static void test_hold__gives_back_copies_in_order(void **state)
{
	struct lf_hold *hold = NULL;
	uint8_t data[2 * LF_PAGE_SIZE];
	struct seen seen = {0};
	struct lf_error err;

	(void)state;
	assert_lf_ok(lf_hold_new(&hold, &err));
	memset(data, 7, sizeof(data));
	assert_lf_ok(lf_hold_add(hold, &(struct lf_held){1, 40, 2, data}, &err));
	memset(data, 8, sizeof(data)); /* the window is read into again */
	assert_lf_ok(lf_hold_add(hold, &(struct lf_held){1, 50, 9, NULL}, &err));
	assert_lf_ok(lf_hold_add(hold, &(struct lf_held){0, 3, 1, data}, &err));
	assert_lf_ok(lf_hold_each(hold, note, &seen, &err));
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.runs[0].page, 40);
	assert_int_equal(seen.runs[0].data[2 * LF_PAGE_SIZE - 1], 7);
	assert_null(seen.runs[1].data);
	assert_int_equal(seen.runs[1].pages, 9);
	assert_int_equal(seen.runs[2].disk, 0);
	assert_int_equal(seen.runs[2].data[0], 8);
	lf_hold_free(hold);
}

static void test_hold__is_full_when_it_says_so(void **state)
{
	struct lf_hold *hold = NULL;
	uint8_t *data = calloc(1024, LF_PAGE_SIZE);
	struct lf_error err;
	size_t held = 0;

	(void)state;
	assert_lf_ok(lf_hold_new(&hold, &err));
	for (; !lf_hold_is_full(hold); held += (size_t)1024 * LF_PAGE_SIZE)
		assert_lf_ok(lf_hold_add(hold, &(struct lf_held){0, 0, 1024, data}, &err));
	assert_in_range(held, LF_HOLD_BYTES_MAX - ((size_t)8 << 20), LF_HOLD_BYTES_MAX);
	lf_hold_free(hold);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold__gives_back_copies_in_order),
		cmocka_unit_test(test_hold__is_full_when_it_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
