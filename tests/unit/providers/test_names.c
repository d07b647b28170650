/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "providers/storage/storage.h"
#include "base/names.h"

static void test_storage_name__is_short_and_plain(void **state)
{
	(void)state;
	assert_true(lf_storage_name_valid("abc"));
	assert_true(lf_storage_name_valid("0123456789abcdefghijklmn"));
	assert_false(lf_storage_name_valid("ab"));
	assert_false(lf_storage_name_valid("0123456789abcdefghijklmno"));
	assert_false(lf_storage_name_valid("Abc"));
	assert_false(lf_storage_name_valid("a-c"));
	assert_false(lf_storage_name_valid("a.c"));
	assert_false(lf_storage_name_valid(""));
}

static void test_storage_name__hides_no_url_of_the_site(void **state)
{
	static const char *const reserved[] = {"subscriptions", "providers", "tenants", "metadata",
					       "common",	"adfs",	     "agent"};

	(void)state;
	for (size_t i = 0; i < LF_N(reserved); i++)
		assert_false(lf_storage_name_valid(reserved[i]));
	assert_true(lf_storage_name_valid("agents"));
}

static void test_vault_name__begins_with_a_letter(void **state)
{
	char longest[52];

	(void)state;
	memset(longest, 'v', sizeof(longest));
	longest[50] = '\0';
	assert_true(lf_name_good(LF_NAME_VAULT, "v1"));
	assert_true(lf_name_good(LF_NAME_VAULT, "my-Vault"));
	assert_true(lf_name_good(LF_NAME_VAULT, longest));
	longest[50] = 'v';
	longest[51] = '\0';
	assert_false(lf_name_good(LF_NAME_VAULT, longest));
	assert_false(lf_name_good(LF_NAME_VAULT, "v"));
	assert_false(lf_name_good(LF_NAME_VAULT, "1v"));
	assert_false(lf_name_good(LF_NAME_VAULT, "-v"));
	assert_false(lf_name_good(LF_NAME_VAULT, "v_1"));
	assert_false(lf_name_good(LF_NAME_VAULT, "v/1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_storage_name__is_short_and_plain),
		cmocka_unit_test(test_storage_name__hides_no_url_of_the_site),
		cmocka_unit_test(test_vault_name__begins_with_a_letter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
