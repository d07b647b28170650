/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/libvirt/network_plan.h"
#include "test.h"

static void test_network_plan__keeps_the_addresses_that_azure_keeps(void **state)
{
	struct lf_subnet_plan plan;
	struct lf_error err;

	(void)state;
	assert_lf_ok(lf_subnet_plan("10.1.2.0/24", &plan, &err));
	assert_string_equal(plan.gateway, "10.1.2.1");
	assert_string_equal(plan.mask, "255.255.255.0");
	assert_string_equal(plan.first, "10.1.2.4");
	assert_string_equal(plan.last, "10.1.2.254");
	assert_lf_ok(lf_subnet_plan("192.168.0.8/29", &plan, &err));
	assert_string_equal(plan.first, "192.168.0.12");
	assert_string_equal(plan.last, "192.168.0.14");
}

static void test_network_plan__refuses_what_is_no_prefix(void **state)
{
	static const char *const bad[] = {
		"",	     "10.0.0.0",  "10.0.0.0/30",  "10.0.0.0/7",	 "10.0.0.1/24",
		"10.0.0/24", "fd00::/64", "10.0.0.0/24 ", "10.0.0.0/-8", "/24"};
	struct lf_subnet_plan plan;
	struct lf_error err;

	(void)state;
	for (size_t i = 0; i < LF_N(bad); i++)
		assert_int_equal(lf_subnet_plan(bad[i], &plan, &err), LF_EINVAL);
}

static void test_network_plan__gives_the_host_no_address(void **state)
{
	struct lf_net_names names;

	(void)state;
	lf_net_names("11111111-2222-8333-8444-555555555555", "default", &names);
	LF_AUTO_FREE char *xml = lf_network_xml(&names);
	assert_non_null(strstr(xml, names.bridge));
	assert_null(strstr(xml, "<ip"));
	assert_null(strstr(xml, "<forward"));
}

static void test_network_plan__dhcp_gives_fixed_addresses_and_no_way_out(void **state)
{
	LF_AUTO_JSON *hosts = json_pack("{s:{s:s, s:s}, s:{s:s, s:s}}", "a", "mac",
					"52:54:00:00:00:01", "address", "10.1.0.9", "b", "mac",
					"52:54:00:00:00:02\nuser=root", "address", "10.1.0.10");
	struct lf_subnet_plan plan;
	struct lf_error err;

	(void)state;
	assert_lf_ok(lf_subnet_plan("10.1.0.0/24", &plan, &err));
	LF_AUTO_FREE char *alone = lf_dhcp_config(&plan, "/d", hosts, true);
	assert_non_null(strstr(alone, "dhcp-host=52:54:00:00:00:01,10.1.0.9,infinite\n"));
	assert_non_null(strstr(alone, "dhcp-option=option:router\n"));
	assert_null(strstr(alone, "user=root"));
	LF_AUTO_FREE char *open = lf_dhcp_config(&plan, "/d", hosts, false);
	assert_null(strstr(open, "option:router"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network_plan__keeps_the_addresses_that_azure_keeps),
		cmocka_unit_test(test_network_plan__refuses_what_is_no_prefix),
		cmocka_unit_test(test_network_plan__gives_the_host_no_address),
		cmocka_unit_test(test_network_plan__dhcp_gives_fixed_addresses_and_no_way_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
