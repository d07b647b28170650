/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"

static void test_buf__is_text_from_the_first_byte_on(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_BUF buf = LF_BUF_INIT;

	(void)state;
	assert_string_equal(lf_buf_text(&buf), "");
	lf_buf_puts(&buf, "a");
	for (int i = 0; i < 1000; i++)
		lf_buf_printf(&buf, "%d,", i);
	assert_lf_ok(lf_buf_check(&buf, &err));
	assert_int_equal(strlen(buf.data), buf.len);
	assert_memory_equal(buf.data, "a0,1,2,", 7);
}

static void test_buf__error_sticks_until_cleared(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_BUF buf = LF_BUF_INIT;

	(void)state;
	lf_buf_puts(&buf, "kept");
	assert_null(lf_buf_reserve(&buf, SIZE_MAX));
	lf_buf_puts(&buf, "lost");
	assert_int_equal(lf_buf_check(&buf, &err), LF_ENOMEM);
	assert_string_equal(lf_buf_text(&buf), "kept");
	assert_null(lf_buf_take(&buf));
	lf_buf_puts(&buf, "again");
	assert_lf_ok(lf_buf_check(&buf, &err));
}

static void test_buf__take_of_an_empty_one_is_an_empty_text(void **state)
{
	struct lf_buf buf = LF_BUF_INIT;
	char *text = lf_buf_take(&buf);

	(void)state;
	assert_string_equal(text, "");
	free(text);
	assert_null(buf.data);
}

static void test_alloc_array__refuses_a_product_that_overflows(void **state)
{
	(void)state;
	assert_null(lf_alloc_array(SIZE_MAX / 2, 4));
	void *some = lf_alloc_array(0, 4);
	assert_non_null(some);
	free(some);
}

static void test_secret__is_zeroed(void **state)
{
	struct lf_secret secret = {.bytes = "key", .len = 3};

	(void)state;
	lf_secret_done(&secret);
	for (size_t i = 0; i < LF_SECRET_MAX; i++)
		assert_int_equal(secret.bytes[i], 0);
	assert_int_equal(secret.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf__is_text_from_the_first_byte_on),
		cmocka_unit_test(test_buf__error_sticks_until_cleared),
		cmocka_unit_test(test_buf__take_of_an_empty_one_is_an_empty_text),
		cmocka_unit_test(test_alloc_array__refuses_a_product_that_overflows),
		cmocka_unit_test(test_secret__is_zeroed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
