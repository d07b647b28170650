/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/compute/machine.h"

#include "providers/compute/ids.h"
#include "providers/network/network.h"
#include "test.h"

#define RG   "/subscriptions/s/resourceGroups/rg"
#define NET  RG "/providers/Microsoft.Network/virtualNetworks/net"
#define VM   RG "/providers/Microsoft.Compute/virtualMachines/"
#define DISK RG "/providers/Microsoft.Compute/disks/"
#define NIC  RG "/providers/Microsoft.Network/networkInterfaces/"

struct fixture {
	char *dir;
	struct lf_context context;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir = NULL;
	struct lf_error err;

	if (!f || test_dir_setup(&dir))
		return -1;
	f->dir = dir;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/catalog.db", f->dir);
	LF_AUTO_FREE char *compute_dir = lf_printf_dup("%s/compute", f->dir);
	struct lf_compute_opts opts = {.data_dir = compute_dir, .driver = "fake"};
	LF_AUTO_JSON *net = json_pack("{s:s}", "location", "eastus");
	LF_AUTO_JSON *subnet = json_pack("{s:{s:s}}", "properties", "addressPrefix", "10.9.0.0/29");
	f->context.clock = lf_clock_new_manual(1000 * LF_NS_PER_S);
	f->context.tenant_id = "tenant";
	*state = f;
	return lf_catalog_open(path, f->context.clock, &f->context.catalog, &err) ||
	       lf_compute_open(&opts, &f->context.compute, &err) ||
	       lf_catalog_put(f->context.catalog, NET, "Microsoft.Network/virtualNetworks",
			      LF_PUT_NEW, NULL, net, NULL, &err) ||
	       lf_catalog_put(f->context.catalog, NET "/subnets/default", LF_SUBNET_TYPE,
			      LF_PUT_NEW, NULL, subnet, NULL, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	lf_compute_free(f->context.compute);
	lf_catalog_free(f->context.catalog);
	lf_clock_free(f->context.clock);
	free(f);
	return test_dir_teardown(&dir);
}

static json_t *machine(const char *name, const char *address)
{
	LF_AUTO_FREE char *id = lf_printf_dup(VM "%s", name);
	LF_AUTO_FREE char *disk = lf_printf_dup("%s-os", name);
	LF_AUTO_FREE char *nic = lf_printf_dup("%s-nic", name);

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:b,"
		" s:[{s:i, s:s, s:I, s:{s:s, s:s, s:s, s:s}}], s:[{s:s, s:s, s:s, s:s*, s:b}]}",
		"id", id, "location", "eastus", "vmSize", "Standard_D2s_v3", "osType", "Linux",
		"firmware", "uefi", "managedBy", "/item", "isolated", 1, "disks", "lun", -1, "name",
		disk, "sizeBytes", (json_int_t)3 << 29, "source", "kind", "point", "region", "r",
		"point", "p", "root", "00-aa", "nics", "name", nic, "networkId", NET, "subnet",
		"default", "address", address, "primary", 1);
}

static json_t *doc_of(struct fixture *f, const char *id)
{
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	struct lf_error err;

	assert_lf_ok(lf_catalog_get(f->context.catalog, id, &resource, &err));
	return json_incref(resource.doc);
}

static void assert_gone(struct fixture *f, const char *id)
{
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	struct lf_error err;

	assert_int_equal(lf_catalog_get(f->context.catalog, id, &resource, &err), LF_ENOTFOUND);
}

static void assert_address(struct fixture *f, const char *nic, const char *address)
{
	LF_AUTO_JSON *doc = doc_of(f, nic);

	assert_string_equal(
		lf_json_text(doc, "properties.ipConfigurations.0.properties.privateIPAddress"),
		address);
}

static void test_machine__is_a_vm_with_disks_and_nics_of_its_own(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *m = machine("web", "10.9.0.5");
	LF_AUTO_VM_STATE host = {0};
	struct lf_error err;

	assert_lf_ok(lf_machine_make(&f->context, m, &err));
	assert_lf_ok(lf_machine_make(&f->context, m, &err));
	LF_AUTO_JSON *vm = doc_of(f, VM "web");
	assert_string_equal(lf_json_text(vm, "properties.provisioningState"), "Succeeded");
	assert_string_equal(lf_json_text(vm, "properties.hardwareProfile.vmSize"),
			    "Standard_D2s_v3");
	assert_string_equal(lf_json_text(vm, "properties.storageProfile.osDisk.managedDisk.id"),
			    DISK "web-os");
	assert_string_equal(lf_json_text(vm, "managedBy"), "/item");
	LF_AUTO_JSON *disk = doc_of(f, DISK "web-os");
	assert_int_equal(lf_json_int_or(disk, "properties.diskSizeGB", 0), 2);
	assert_string_equal(lf_json_text(disk, "managedBy"), VM "web");
	assert_address(f, NIC "web-nic", "10.9.0.5");
	assert_lf_ok(lf_machine_start(&f->context, VM "web", &err));
	assert_lf_ok(lf_machine_state(&f->context, VM "web", &host, &err));
	assert_int_equal(host.power, LF_VM_RUNNING);
	assert_string_equal(host.addresses[0], "10.9.0.5");
}

static void test_machine__removal_leaves_nothing_and_may_be_repeated(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *m = machine("web", NULL);
	LF_AUTO_VM_STATE host = {0};
	struct lf_error err;

	assert_lf_ok(lf_machine_make(&f->context, m, &err));
	assert_lf_ok(lf_machine_remove(&f->context, VM "web", &err));
	assert_lf_ok(lf_machine_remove(&f->context, VM "web", &err));
	assert_gone(f, VM "web");
	assert_gone(f, DISK "web-os");
	assert_gone(f, NIC "web-nic");
	assert_int_equal(lf_machine_state(&f->context, VM "web", &host, &err), LF_ENOTFOUND);
}

static void test_machine__addresses_are_given_once_until_there_are_none(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {"a", "b", "c", "d"};
	struct lf_error err;

	/* a /29 has .4, .5 and .6 for machines; a taken or foreign wish gives way */
	for (size_t i = 0; i < 3; i++) {
		LF_AUTO_JSON *m = machine(names[i], i == 2 ? "192.168.1.1" : "10.9.0.4");
		assert_lf_ok(lf_machine_make(&f->context, m, &err));
	}
	assert_address(f, NIC "a-nic", "10.9.0.4");
	assert_address(f, NIC "b-nic", "10.9.0.5");
	assert_address(f, NIC "c-nic", "10.9.0.6");
	LF_AUTO_JSON *m = machine(names[3], NULL);
	assert_int_equal(lf_machine_make(&f->context, m, &err), LF_EINVAL);
	assert_string_equal(err.arm_code, "SubnetIsFull");
	assert_gone(f, VM "d");
	assert_gone(f, DISK "d-os");
}

static void test_machine__two_nics_have_two_addresses(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *m = machine("web", NULL);
	LF_AUTO_JSON *other = machine("other", NULL);
	json_t *nics = lf_json_at(m, "nics");
	struct lf_error err;

	json_array_append_new(nics, json_deep_copy(json_array_get(nics, 0)));
	assert_int_equal(lf_json_set_text(json_array_get(nics, 1), "name", "web-back"), 0);
	assert_lf_ok(lf_machine_make(&f->context, m, &err));
	assert_address(f, NIC "web-nic", "10.9.0.4");
	assert_address(f, NIC "web-back", "10.9.0.5");
	/* and they are free again when both are gone */
	assert_lf_ok(lf_machine_remove(&f->context, VM "web", &err));
	assert_lf_ok(lf_machine_make(&f->context, other, &err));
	assert_address(f, NIC "other-nic", "10.9.0.4");
}

static void test_machine__another_one_of_the_same_name_is_refused(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *m = machine("web", NULL);
	struct lf_error err;

	assert_lf_ok(lf_machine_make(&f->context, m, &err));
	assert_int_equal(lf_json_set_text(m, "vmSize", "Standard_D4s_v3"), 0);
	assert_int_equal(lf_machine_make(&f->context, m, &err), LF_EEXISTS);
}

static void test_machine__unknown_size_network_or_subnet_change_nothing(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *m = machine("web", NULL);
	json_t *nic = json_array_get(lf_json_at(m, "nics"), 0);
	struct lf_error err;

	lf_json_set_text(nic, "subnet", "none");
	assert_int_equal(lf_machine_make(&f->context, m, &err), LF_ENOTFOUND);
	lf_json_set_text(nic, "networkId", RG "/providers/Microsoft.Network/virtualNetworks/no");
	assert_int_equal(lf_machine_make(&f->context, m, &err), LF_ENOTFOUND);
	lf_json_set_text(m, "vmSize", "Standard_None");
	assert_int_equal(lf_machine_make(&f->context, m, &err), LF_EINVAL);
	assert_gone(f, VM "web");
	assert_gone(f, DISK "web-os");
}

static json_t *other_disks(const char *name)
{
	return json_pack("[{s:i, s:s, s:I, s:{s:s, s:s, s:s, s:s}}]", "lun", -1, "name", name,
			 "sizeBytes", (json_int_t)3 << 29, "source", "kind", "point", "region", "r",
			 "point", "p2", "root", "00-bb");
}

static void assert_disk(struct fixture *f, const char *id, const char *state)
{
	LF_AUTO_JSON *disk = doc_of(f, id);
	LF_AUTO_JSON *vm = doc_of(f, VM "web");
	bool attached = strcmp(state, "Attached") == 0;

	assert_string_equal(lf_json_text(disk, "properties.diskState"), state);
	assert_true((lf_json_text(disk, "managedBy") != NULL) == attached);
	assert_true(
		(strcmp(lf_json_text_or(vm, "properties.storageProfile.osDisk.managedDisk.id", ""),
			id) == 0) == attached);
}

static void test_exchange__gives_other_disks_and_keeps_the_old(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *m = machine("web", "10.9.0.5");
	LF_AUTO_JSON *disks = other_disks("other-os");
	LF_AUTO_VM_STATE host = {0};
	char before[LF_GUID_SIZE], after[LF_GUID_SIZE];
	struct lf_error err;

	assert_lf_ok(lf_machine_make(&f->context, m, &err));
	lf_machine_host_guid(&f->context, VM "web", before);
	assert_lf_ok(lf_machine_exchange_disks(&f->context, VM "web", "k1", disks, &err));
	assert_lf_ok(lf_machine_exchange_disks(&f->context, VM "web", "k1", disks, &err));
	lf_machine_host_guid(&f->context, VM "web", after);
	assert_string_not_equal(before, after);
	assert_disk(f, DISK "web-os", "Unattached");
	assert_disk(f, DISK "other-os", "Attached");
	assert_lf_ok(lf_machine_start(&f->context, VM "web", &err));
	assert_lf_ok(lf_machine_state(&f->context, VM "web", &host, &err));
	assert_string_equal(host.addresses[0], "10.9.0.5");
}

static void test_exchange__is_taken_back_whole(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *m = machine("web", "10.9.0.5");
	LF_AUTO_JSON *disks = other_disks("other-os");
	LF_AUTO_VM_STATE host = {0};
	char before[LF_GUID_SIZE], after[LF_GUID_SIZE];
	struct lf_error err;

	assert_lf_ok(lf_machine_make(&f->context, m, &err));
	lf_machine_host_guid(&f->context, VM "web", before);
	assert_lf_ok(lf_machine_exchange_back(&f->context, VM "web", "k1", &err));
	assert_lf_ok(lf_machine_exchange_disks(&f->context, VM "web", "k1", disks, &err));
	assert_lf_ok(lf_machine_exchange_back(&f->context, VM "web", "k1", &err));
	assert_lf_ok(lf_machine_exchange_back(&f->context, VM "web", "k1", &err));
	lf_machine_host_guid(&f->context, VM "web", after);
	assert_string_equal(before, after);
	assert_disk(f, DISK "web-os", "Attached");
	assert_gone(f, DISK "other-os");
	assert_lf_ok(lf_machine_start(&f->context, VM "web", &err));
	assert_lf_ok(lf_machine_state(&f->context, VM "web", &host, &err));
	assert_int_equal(host.power, LF_VM_RUNNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_machine__is_a_vm_with_disks_and_nics_of_its_own),
		T(test_machine__removal_leaves_nothing_and_may_be_repeated),
		T(test_machine__addresses_are_given_once_until_there_are_none),
		T(test_machine__two_nics_have_two_addresses),
		T(test_machine__another_one_of_the_same_name_is_refused),
		T(test_machine__unknown_size_network_or_subnet_change_nothing),
		T(test_exchange__gives_other_disks_and_keeps_the_old),
		T(test_exchange__is_taken_back_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
