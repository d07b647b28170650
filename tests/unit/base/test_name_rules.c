/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/names.h"

static const char *repeat(const char *text, size_t n)
{
	static char out[4096];

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		strcat(out, text);
	return out;
}

/* What must never come through, whatever the kind. */
static const char *const hostile[] = {
	"web1\nid",
	"a\rb",
	"a\x1b[2J",
	"a\x7f",
	"..",
	".",
	"../../x",
	"a/b",
	"a\\b",
	"\xff",
	"\xc3",
	"\xc0\xaf",
	"\xed\xa0\x80",
	"a\"b",
	"a'b",
	"a`id`",
	"$(id)",
	"a|b",
	"a<b>",
	"a&b",
	"a:b",
	"%2e",
	"a#b",
	"a?b",
	"a*b",
	" a",
	"a ",
	"",
	"\xc2\x85",
	"a\xe2\x80\xaez",
	"a\xe2\x80\xa8"
	"b",
	"a{b}",
	"\xf4\x90\x80\x80",
	"a\xf0\x9f\x98",
};

static void test_names__of_no_kind_hold_another_languages_signs(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < LF_NAME_TEXT; kind++)
		for (size_t i = 0; i < LF_N(hostile); i++)
			if (lf_name_good((enum lf_name_kind)kind, hostile[i]))
				fail_msg("kind %zu takes '%s'", kind, hostile[i]);
	assert_false(lf_name_good(LF_NAME_VM, NULL));
}

static void test_names__follow_azures_rules(void **state)
{
	static const struct {
		enum lf_name_kind kind;
		const char *good, *bad;
	} pairs[] = {
		{LF_NAME_GROUP, "rg_(1).a-b", "ends."},
		{LF_NAME_GROUP, "gr\xc3\xbc\xc3\x9f", "a b"},
		{LF_NAME_VM, "web-1.a_b", "_web"},
		{LF_NAME_VM, "a", "web-"},
		{LF_NAME_VM, "A9", "web."},
		{LF_NAME_VM, "web", "w\xc3\xbc"},
		{LF_NAME_COMPUTER, "web1.example.org", "web_1"},
		{LF_NAME_COMPUTER_WINDOWS, "WIN-0123456789A", "WIN-0123456789AB"},
		{LF_NAME_COMPUTER_WINDOWS, "1A", "12345"},
		{LF_NAME_RESOURCE, "disk_1_", "-disk"},
		{LF_NAME_RESOURCE, "disk.1", "disk="},
		{LF_NAME_VAULT, "my-vault", "1vault"},
		{LF_NAME_VAULT, "v1", "v"},
		{LF_NAME_ACCOUNT, "abc", "aBc"},
		{LF_NAME_ACCOUNT, "012", "ab"},
		{LF_NAME_BACKUP_POLICY, "DefaultPolicy", "1policy"},
		{LF_NAME_BACKUP_POLICY, "Daily_30!", "Daily-"},
		{LF_NAME_BACKUP_ITEM, "VM;iaasvmcontainerv2;rg;vm-1", "VM;a b;c"},
		{LF_NAME_RECOVERY, "asr-a2a-default-westus", "a;b"},
		{LF_NAME_RECORD, "@", "a@b"},
		{LF_NAME_RECORD, "_ldap.a-b", "*"},
		{LF_NAME_LOCATION, "East US 2", "east/us"},
		{LF_NAME_MACHINE, "web1.example.org", "web 1"},
		{LF_NAME_DISK, "nvme0n1", "cciss!c0d0"},
		{LF_NAME_ANY, "CN=CB_1-vaultcredentials", "-x"},
	};

	(void)state;
	for (size_t i = 0; i < LF_N(pairs); i++) {
		if (!lf_name_good(pairs[i].kind, pairs[i].good))
			fail_msg("'%s' is refused", pairs[i].good);
		if (lf_name_good(pairs[i].kind, pairs[i].bad))
			fail_msg("'%s' is taken", pairs[i].bad);
	}
}

static void test_names__are_counted_in_characters(void **state)
{
	(void)state;
	assert_true(lf_name_good(LF_NAME_GROUP, repeat("\xc3\xbc", 90)));
	assert_false(lf_name_good(LF_NAME_GROUP, repeat("\xc3\xbc", 91)));
	assert_true(lf_name_good(LF_NAME_VM, repeat("a", 64)));
	assert_false(lf_name_good(LF_NAME_VM, repeat("a", 65)));
	assert_false(lf_name_good(LF_NAME_LOCATION, repeat("a", 1200)));
}

static void test_text__may_be_prose_but_moves_no_cursor(void **state)
{
	(void)state;
	assert_true(lf_name_good(LF_NAME_TEXT, ""));
	assert_true(lf_name_good(LF_NAME_TEXT, "Debian GNU/Linux 12 \"bookworm\" \xe2\x80\x94 x"));
	assert_true(lf_name_good(LF_NAME_TEXT, repeat("\xc3\xbc", 512)));
	assert_false(lf_name_good(LF_NAME_TEXT, repeat("\xc3\xbc", 513)));
	assert_false(lf_name_good(LF_NAME_TEXT, "a\tb"));
	assert_false(lf_name_good(LF_NAME_TEXT, "a\x1b[31m"));
	assert_false(lf_name_good(LF_NAME_TEXT, "\xc2\x9b"
						"31m"));
	assert_false(lf_name_good(LF_NAME_TEXT, "a\xe2\x80\xaez"));
	assert_false(lf_name_good(LF_NAME_TEXT, "\x80"));
}

static void test_check__names_the_target_the_code_and_the_rule(void **state)
{
	struct lf_error err = LF_ERROR_NONE;

	(void)state;
	assert_lf_ok(lf_name_check(LF_NAME_VM, "web1", "name", &err));
	assert_int_equal(lf_name_check(LF_NAME_VM, "a b", "name", &err), LF_EINVAL);
	assert_string_equal(lf_error_arm(&err), "InvalidResourceName");
	assert_string_equal(err.target, "name");
	assert_non_null(strstr(err.message, "'a b'"));
	assert_non_null(strstr(err.hint, "1 to 64"));
	assert_int_equal(lf_name_check(LF_NAME_ACCOUNT, "A", "name", &err), LF_EINVAL);
	assert_string_equal(lf_error_arm(&err), "AccountNameInvalid");
}

static void test_check__does_not_repeat_bytes_that_are_not_printable(void **state)
{
	struct lf_error err = LF_ERROR_NONE;

	(void)state;
	for (size_t i = 0; i < LF_N(hostile); i++) {
		err = LF_ERROR_NONE;
		assert_int_equal(lf_name_check(LF_NAME_VM, hostile[i], "name", &err), LF_EINVAL);
		for (const char *p = err.message; *p; p++)
			assert_true(*p >= ' ' && *p <= '~');
	}
}

static void test_plain__is_a_word_and_no_option(void **state)
{
	(void)state;
	assert_true(lf_name_plain("a"));
	assert_true(lf_name_plain("_web1.2-3"));
	assert_false(lf_name_plain(NULL));
	assert_false(lf_name_plain(""));
	assert_false(lf_name_plain("-rf"));
	assert_false(lf_name_plain(".."));
	assert_false(lf_name_plain("a b"));
	assert_false(lf_name_plain("a\nb"));
	assert_false(lf_name_plain("a(b"));
	assert_true(lf_name_plain(repeat("a", 255)));
	assert_false(lf_name_plain(repeat("a", 256)));
}

static void test_id__has_whole_and_harmless_segments(void **state)
{
	static const char *const bad[] = {
		"",	  "/",
		"x",	  "x/y",
		"/x/",	  "//x",
		"/x//y",  "/x/../y",
		"/x/./y", "/..",
		"/x/y ",  "/x/ y",
		"/x\ny",  "/x/%2e%2e/y",
		"/x?y",	  "/x#y",
		"/x\\y",  "/x\"y",
		"/x'y",	  "/x<y",
		"/\xff",  "/x/\xe2\x80\xaez",
		"/x\x7f", "/$x",
		NULL,
	};

	(void)state;
	for (size_t i = 0; i < LF_N(bad); i++)
		if (lf_id_good(bad[i]))
			fail_msg("'%s' is taken for an id", bad[i]);
	assert_true(lf_id_good("/subscriptions/S/resourceGroups/a b(\xc3\xbc)/providers/"
			       "Microsoft.RecoveryServices/vaults/v/backupFabrics/Azure/"
			       "protectionContainers/iaasvmcontainer;iaasvmcontainerv2;g;vm"));
	assert_true(lf_id_good(repeat("/a", 1024)));
	assert_false(lf_id_good(repeat("/a", 1025)));
}

static void test_id__of_a_new_resource_ends_in_a_name_of_its_type(void **state)
{
	struct lf_error err = LF_ERROR_NONE;

	(void)state;
	assert_lf_ok(lf_id_check_new("/x/virtualMachines/web-1", "name", &err));
	assert_lf_ok(lf_id_check_new("/x/things/a b", "name", &err));
	assert_lf_ok(lf_id_check_new("/x", "name", &err));
	assert_int_equal(lf_id_check_new("/x/VIRTUALMACHINES/a b", "name", &err), LF_EINVAL);
	assert_string_equal(err.target, "name");
	assert_int_equal(lf_id_check_new("/x/disks/../../y/disks/d", NULL, &err), LF_EINVAL);
	assert_int_equal(lf_id_check_new("/x/storageAccounts/ABC", NULL, &err), LF_EINVAL);
	assert_string_equal(lf_error_arm(&err), "AccountNameInvalid");
}

static void test_make__gives_a_good_name_for_anything(void **state)
{
	char out[65];

	(void)state;
	for (size_t i = 0; i < LF_N(hostile); i++) {
		lf_name_make(LF_NAME_VM, hostile[i], out, sizeof(out));
		assert_true(lf_name_good(LF_NAME_VM, out));
		lf_name_make(LF_NAME_RESOURCE, hostile[i], out, 9);
		assert_true(lf_name_good(LF_NAME_RESOURCE, out) && strlen(out) <= 8);
	}
	lf_name_make(LF_NAME_VM, "web1.example.org", out, sizeof(out));
	assert_string_equal(out, "web1.example.org");
	lf_name_make(LF_NAME_VM, "../../x/disks/finance", out, sizeof(out));
	assert_string_equal(out, "x-disks-finance");
	lf_name_make(LF_NAME_VM, "--", out, sizeof(out));
	assert_string_equal(out, "unnamed");
	lf_name_make(LF_NAME_VM, repeat("a", 100), out, sizeof(out));
	assert_string_equal(out, repeat("a", 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names__of_no_kind_hold_another_languages_signs),
		cmocka_unit_test(test_names__follow_azures_rules),
		cmocka_unit_test(test_names__are_counted_in_characters),
		cmocka_unit_test(test_text__may_be_prose_but_moves_no_cursor),
		cmocka_unit_test(test_check__names_the_target_the_code_and_the_rule),
		cmocka_unit_test(test_check__does_not_repeat_bytes_that_are_not_printable),
		cmocka_unit_test(test_id__has_whole_and_harmless_segments),
		cmocka_unit_test(test_id__of_a_new_resource_ends_in_a_name_of_its_type),
		cmocka_unit_test(test_make__gives_a_good_name_for_anything),
		cmocka_unit_test(test_plain__is_a_word_and_no_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
