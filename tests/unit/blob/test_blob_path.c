/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/text.h"
#include "blob/internal.h"

static struct lf_error err;

static void check(const char *path, const char *account, const char *container, const char *blob)
{
	LF_AUTO_BLOB_TARGET target = {0};

	assert_lf_ok(lf_blob_target_parse(path, &target, &err));
	assert_string_equal(target.account, account);
	assert_string_equal(target.container, container);
	assert_string_equal(target.blob, blob);
}

static void refused(const char *path)
{
	LF_AUTO_BLOB_TARGET target = {0};

	assert_int_equal(lf_blob_target_parse(path, &target, &err), LF_EINVAL);
}

static void test_target__is_taken_apart(void **state)
{
	(void)state;
	check("/acct", "acct", "", "");
	check("/acct/", "acct", "", "");
	check("/acct/box", "acct", "box", "");
	check("/acct/box/", "acct", "box", "");
	check("/acct/box/a/b%20c", "acct", "box", "a/b c");
	check("/acct/box/a%2Fb", "acct", "box", "a/b");
	check("/acct/$root/x", "acct", "$root", "x");
}

static void test_target__refuses_names_that_cannot_be(void **state)
{
	LF_AUTO_FREE char *long_account = lf_printf_dup("/%0100d/box/x", 0);
	LF_AUTO_FREE char *long_container = lf_printf_dup("/acct/%0100d/x", 0);
	LF_AUTO_FREE char *long_blob = lf_printf_dup("/acct/box/%01025d", 0);

	(void)state;
	refused("/acct/../x");
	refused("/acct/.");
	refused("/acct/Box/x");
	refused("/acct/%62ox/x");
	refused("/acct/box/a%");
	refused("/acct/box/a%0");
	refused("/acct/box/a%00b");
	refused("/acct/bo/x");
	/* never cut to what may be another's */
	refused(long_account);
	refused(long_container);
	refused(long_blob);
}

static void check_file(const char *blob, const char *file)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *expected = lf_printf_dup("/data/accounts/acct/box/%s", file);

	assert_lf_ok(lf_blob_path("/data", "acct", "box", blob, &path, &err));
	assert_string_equal(path, expected);
}

static void test_file__never_leaves_its_container(void **state)
{
	(void)state;
	check_file("plain-name_1.vhd", "plain-name_1.vhd");
	check_file("..", "%2E.");
	check_file(".", "%2E");
	check_file("../../../etc/passwd", "%2E.%2F..%2F..%2Fetc%2Fpasswd");
	check_file("/etc/passwd", "%2Fetc%2Fpasswd");
	check_file("a/../b", "a%2F..%2Fb");
	check_file("%2e%2e%2f", "%252e%252e%252f");
	check_file("a\n\\b\303\251", "a%0A%5Cb%C3%A9");
}

static void test_file__of_two_names_is_never_one(void **state)
{
	(void)state;
	/* what describes a blob has a name that no blob can have */
	check_file("a.point", "a%2Epoint");
	check_file("a%2Epoint", "a%252Epoint");
	check_file("a.pointdata", "a.pointdata");
	check_file("A", "A");
	check_file("a", "a");
}

static void test_file__of_a_client_is_none_of_the_services(void **state)
{
	static const char *const names[] = {".",
					    "..",
					    ".uploads",
					    ".x.gone",
					    "x.point",
					    ".point",
					    "x.page",
					    ".page",
					    "x.point.page",
					    "x.page.point",
					    "..gone",
					    ".page.page",
					    "a/.gone",
					    "%2Ex.gone",
					    "\n.point",
					    "x.point.gone",
					    ".uploads/x",
					    ".point.point"};

	(void)state;
	for (size_t i = 0; i < LF_N(names); i++) {
		LF_AUTO_FREE char *path = NULL;
		assert_lf_ok(lf_blob_path("/d", "acct", "box", names[i], &path, &err));
		const char *file = strrchr(path, '/') + 1;
		const char *dot = strrchr(file, '.');
		char back[LF_BLOB_QUERY_SIZE];
		assert_int_not_equal(file[0], '.');
		assert_true(!dot || (strcmp(dot, ".point") != 0 && strcmp(dot, ".page") != 0));
		/* and says whose it is */
		lf_blob_name_of(file, strlen(file), back, sizeof(back));
		assert_string_equal(back, names[i]);
	}
}

static void test_file__refuses_other_accounts_and_containers(void **state)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *long_name = lf_printf_dup("%0231d", 0);

	(void)state;
	assert_int_equal(lf_blob_path("/d", "..", "box", "x", &path, &err), LF_EINVAL);
	assert_int_equal(lf_blob_path("/d", "", "box", "x", &path, &err), LF_EINVAL);
	assert_int_equal(lf_blob_path("/d", "acct", "../acct2/box", "x", &path, &err), LF_EINVAL);
	assert_int_equal(lf_blob_path("/d", "acct", "", "x", &path, &err), LF_EINVAL);
	assert_int_equal(lf_blob_path("/d", "acct", "box", "", &path, &err), LF_EINVAL);
	assert_int_equal(lf_blob_path("/d", "acct", "box", long_name, &path, &err), LF_EINVAL);
	assert_int_equal(lf_blob_account_remove("/d", NULL, "..", &err), LF_EINVAL);
	assert_int_equal(lf_blob_account_remove("/d", NULL, "", &err), LF_EINVAL);
	assert_int_equal(lf_blob_account_make("/d", "a/b", &err), LF_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target__is_taken_apart),
		cmocka_unit_test(test_target__refuses_names_that_cannot_be),
		cmocka_unit_test(test_file__never_leaves_its_container),
		cmocka_unit_test(test_file__of_two_names_is_never_one),
		cmocka_unit_test(test_file__of_a_client_is_none_of_the_services),
		cmocka_unit_test(test_file__refuses_other_accounts_and_containers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
