/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "arm/arm.h"

#define VAULT                                                                                      \
	"/subscriptions/S/resourceGroups/vaults/providers/Microsoft.RecoveryServices/vaults/v1"

static struct lf_error err;

static void check(const char *id, const char *name, const char *expected)
{
	char out[16];
	bool found = lf_arm_id_segment(id, name, out, sizeof(out));

	assert_true(found == (expected != NULL));
	if (found)
		assert_string_equal(out, expected);
}

static void test_id__segment_is_found_by_its_name(void **state)
{
	(void)state;
	check(VAULT, "subscriptions", "S");
	check(VAULT, "RESOURCEGROUPS", "vaults");
	check(VAULT, "vaults", "v1");
	check(VAULT, "disks", NULL);
	check(VAULT, "v1", NULL);
	check(VAULT "/replicationFabrics/f/replicationProtectionContainers/c",
	      "replicationProtectionContainers", "c");
	check("/providers/Microsoft.X/things/t", "things", "t");
	check("//subscriptions//S//resourceGroups/g/", "resourceGroups", "g");
	check("/subscriptions/resourceGroups", "resourceGroups", NULL);
	check("/subscriptions", "subscriptions", NULL);
	check("", "subscriptions", NULL);
	/* longer than the room for it: not there, never cut */
	check("/things/0123456789abcde", "things", "0123456789abcde");
	check("/things/0123456789abcdef", "things", NULL);
}

static void test_id__has_a_type(void **state)
{
	static const struct {
		const char *id, *type;
		int rc;
	} cases[] = {
		{VAULT, "Microsoft.RecoveryServices/vaults", 0},
		{VAULT, "microsoft.recoveryservices/VAULTS", 0},
		{VAULT, "Microsoft.RecoveryServices/things", LF_EINVAL},
		{VAULT "/a/b", "Microsoft.RecoveryServices/vaults/a", 0},
		{VAULT "/a", "Microsoft.RecoveryServices/vaults", LF_EINVAL},
		{VAULT "/a", "Microsoft.RecoveryServices/vaults/a", LF_EINVAL},
		{"/subscriptions/S", "Microsoft.Resources/subscriptions", 0},
		{"/subscriptions/S/resourceGroups/G", "Microsoft.Resources/resourceGroups", 0},
		{"/subscriptions/S/resourceGroups/G", "Microsoft.Resources/subscriptions",
		 LF_EINVAL},
		{"/subscriptions/S/resourceGroups", "Microsoft.Resources/subscriptions", LF_EINVAL},
		{"/a/S/b/G", "Microsoft.Resources/resourceGroups", LF_EINVAL},
		{"/providers", "x/y", LF_EINVAL},
		{"", "x/y", LF_EINVAL},
		{"name", "x/y", LF_EINVAL},
		{"/a/../providers/x/y/z", "x/y", LF_EINVAL},
		{"/providers/x/y/..", "x/y", LF_EINVAL},
		{"/providers/x/y/%7a", "x/y", LF_EINVAL},
		{"//providers/x/y/z", "x/y", LF_EINVAL},
		{"/providers/x//y/z", "x/y", LF_EINVAL},
		{"/providers/x/y/z/", "x/y", LF_EINVAL},
		{"/providers/x/y/z\n", "x/y", LF_EINVAL},
		{"/providers/x/y/z?a", "x/y", LF_EINVAL},
		{"/providers/x/y/\xff", "x/y", LF_EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(lf_arm_id_check(cases[i].id, cases[i].type, "properties.x", &err),
				 cases[i].rc);
	assert_string_equal(lf_error_arm(&err), "LinkedInvalidPropertyId");
	assert_string_equal(err.target, "properties.x");
}

static void test_id__last_and_equal(void **state)
{
	(void)state;
	assert_string_equal(lf_arm_id_last(VAULT), "v1");
	assert_string_equal(lf_arm_id_last("v1"), "v1");
	assert_true(lf_arm_id_equal("/A/b", "/a/B"));
	assert_false(lf_arm_id_equal("/a/b", "/a/bc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id__segment_is_found_by_its_name),
		cmocka_unit_test(test_id__has_a_type),
		cmocka_unit_test(test_id__last_and_equal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
