/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "providers/network/network.h"

#define NETWORK "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n"
#define NICS	"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/"

struct fixture {
	void *dir;
	struct lf_context context;
};

static void put(struct fixture *f, const char *id, const char *type, const char *text)
{
	LF_AUTO_JSON *doc = NULL;
	struct lf_error err;

	assert_lf_ok(lf_json_parse(text, strlen(text), &doc, &err));
	assert_lf_ok(
		lf_catalog_put(f->context.catalog, id, type, LF_PUT_ANY, NULL, doc, NULL, &err));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct lf_error err;
	char path[128];

	if (test_dir_setup(&f->dir))
		return -1;
	snprintf(path, sizeof(path), "%s/catalog.db", (char *)f->dir);
	f->context.clock = lf_clock_new_manual(0);
	if (lf_catalog_open(path, f->context.clock, &f->context.catalog, &err))
		return -1;
	put(f, NETWORK, LF_NETWORK_TYPE, "{}");
	put(f, NETWORK "/subnets/b", LF_SUBNET_TYPE,
	    "{\"properties\":{\"addressPrefix\":\"10.0.0.0/29\"}}");
	put(f, NETWORK "/subnets/a", LF_SUBNET_TYPE,
	    "{\"properties\":{\"addressPrefixes\":[\"10.0.1.0/24\"]}}");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	lf_catalog_free(f->context.catalog);
	lf_clock_free(f->context.clock);
	int rc = test_dir_teardown(&f->dir);
	free(f);
	return rc;
}

/* A network interface with an address in subnet b; returns the code of the answer. */
static int nic_put(struct fixture *f, const char *name, const char *address, char *ret_address,
		   struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_printf_dup(NICS "%s", name);
	LF_AUTO_JSON *doc = json_pack("{s:{s:[{s:s,s:{s:{s:s},s:s?}}]}}", "properties",
				      "ipConfigurations", "name", "ip", "properties", "subnet",
				      "id", NETWORK "/subnets/b", "privateIPAddress", address);

	int rc = lf_network_nic_put(f->context.catalog, id, doc, err);
	if (!rc)
		snprintf(ret_address, LF_ADDRESS_SIZE, "%s",
			 lf_json_text(doc, "properties.ipConfigurations.0.properties."
					   "privateIPAddress"));
	return rc;
}

static void test_address__next_free_one_begins_behind_the_reserved(void **state)
{
	struct fixture *f = *state;
	struct lf_error err;
	char address[LF_ADDRESS_SIZE];

	assert_lf_ok(nic_put(f, "n1", NULL, address, &err));
	assert_string_equal(address, "10.0.0.4");
	assert_lf_ok(nic_put(f, "n2", NULL, address, &err));
	assert_string_equal(address, "10.0.0.5");
	/* asking again changes nothing */
	assert_lf_ok(nic_put(f, "N1", NULL, address, &err));
	assert_string_equal(address, "10.0.0.4");
}

static void test_address__is_given_once(void **state)
{
	struct fixture *f = *state;
	struct lf_error err;
	char address[LF_ADDRESS_SIZE];

	assert_lf_ok(nic_put(f, "n1", "10.0.0.6", address, &err));
	assert_int_equal(nic_put(f, "n2", "10.0.0.6", address, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "PrivateIPAddressInUse");
	assert_int_equal(nic_put(f, "n2", "10.0.0.7", address, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "PrivateIPAddressInReservedRange");
	assert_int_equal(nic_put(f, "n2", "10.0.0.9", address, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "PrivateIPAddressNotInSubnet");
	assert_int_equal(nic_put(f, "n2", "ten", address, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "InvalidIPAddressFormat");
}

static void test_address__subnet_can_be_full_and_gets_room_again(void **state)
{
	struct fixture *f = *state;
	struct lf_error err;
	char address[LF_ADDRESS_SIZE];

	assert_lf_ok(nic_put(f, "n1", NULL, address, &err));
	assert_lf_ok(nic_put(f, "n2", NULL, address, &err));
	assert_lf_ok(nic_put(f, "n3", NULL, address, &err));
	assert_int_equal(nic_put(f, "n4", NULL, address, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "SubnetIsFull");
	assert_lf_ok(lf_network_nic_delete(f->context.catalog, NICS "n2", &err));
	assert_lf_ok(lf_network_nic_delete(f->context.catalog, NICS "n2", &err));
	assert_lf_ok(nic_put(f, "n4", NULL, address, &err));
	assert_string_equal(address, "10.0.0.5");
}

static void test_address__of_a_vanished_interface_is_free(void **state)
{
	struct fixture *f = *state;
	struct lf_error err;
	char address[LF_ADDRESS_SIZE];

	assert_lf_ok(nic_put(f, "n1", "10.0.0.5", address, &err));
	/* as the deletion of its resource group does */
	assert_lf_ok(lf_catalog_delete(f->context.catalog, NICS "n1", &err));
	assert_lf_ok(nic_put(f, "n2", "10.0.0.5", address, &err));
}

static void test_address__is_exchanged_for_the_one_wanted(void **state)
{
	struct fixture *f = *state;
	struct lf_error err;
	char address[LF_ADDRESS_SIZE];

	assert_lf_ok(nic_put(f, "n1", NULL, address, &err));
	assert_lf_ok(nic_put(f, "n1", "10.0.0.6", address, &err));
	assert_string_equal(address, "10.0.0.6");
	assert_lf_ok(nic_put(f, "n2", "10.0.0.4", address, &err));
}

static void test_address__a_wish_that_cannot_be_had_gives_the_next(void **state)
{
	struct fixture *f = *state;
	struct lf_error err;
	char address[LF_ADDRESS_SIZE];
	struct lf_address_request request = {.network_id = NETWORK,
					     .subnet = "b",
					     .owner = NICS "n1/ipConfigurations/ip",
					     .wanted = "192.168.0.9",
					     .or_next = true};

	assert_lf_ok(lf_network_address_take(f->context.catalog, &request, address, &err));
	assert_string_equal(address, "10.0.0.4");
	request.subnet = "none";
	assert_int_equal(lf_network_address_take(f->context.catalog, &request, address, &err),
			 LF_ENOTFOUND);
}

static void test_subnet__without_a_name_is_the_first_of_the_alphabet(void **state)
{
	struct fixture *f = *state;
	struct lf_error err;
	LF_AUTO_RESOURCE subnet = LF_RESOURCE_INIT;
	struct lf_prefix prefix;
	char text[LF_PREFIX_SIZE];

	assert_lf_ok(lf_network_subnet(f->context.catalog, NETWORK, NULL, &subnet, &err));
	assert_string_equal(subnet.id, NETWORK "/subnets/a");
	assert_lf_ok(lf_network_subnet_prefix(&subnet, &prefix, &err));
	lf_prefix_format(&prefix, text);
	assert_string_equal(text, "10.0.1.0/24");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_address__next_free_one_begins_behind_the_reserved),
		TEST(test_address__is_given_once),
		TEST(test_address__subnet_can_be_full_and_gets_room_again),
		TEST(test_address__of_a_vanished_interface_is_free),
		TEST(test_address__is_exchanged_for_the_one_wanted),
		TEST(test_address__a_wish_that_cannot_be_had_gives_the_next),
		TEST(test_subnet__without_a_name_is_the_first_of_the_alphabet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
