/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/spec.h"
#include "test.h"

#define VM  "11111111-2222-8333-8444-555555555555"
#define NIC "11111111-2222-8333-8444-666666666666"
#define NET "11111111-2222-8333-8444-777777777777"

static struct lf_vm_spec machine(void)
{
	return (struct lf_vm_spec){
		.guid = VM,
		.name = "m",
		.vcpus = 2,
		.memory_mib = 512,
		.firmware = LF_VM_UEFI,
		.secure_boot = true,
		.disks = {{.lun = 3,
			   .size_bytes = 4096,
			   .source = {.kind = LF_VM_SOURCE_FILE, .path = "/f", .format = "raw"}},
			  {.lun = LF_VM_OS_LUN,
			   .name = "os",
			   .size_bytes = 8192,
			   .source = {.kind = LF_VM_SOURCE_POINT,
				      .point = {"region", "point", "root", "disk"}}}},
		.n_disks = 2,
		.nics = {{.guid = NIC, .network = NET, .subnet = "default", .address = "10.1.0.4"}},
		.n_nics = 1,
	};
}

static void test_spec__is_read_as_it_was_written_with_the_os_disk_first(void **state)
{
	const struct lf_vm_spec vm = machine();
	LF_AUTO_JSON *doc = lf_vm_spec_doc(&vm);
	struct lf_vm_spec read;
	struct lf_error err;

	(void)state;
	assert_lf_ok(lf_vm_spec_read(doc, &read, &err));
	assert_string_equal(read.guid, VM);
	assert_int_equal(read.firmware, LF_VM_UEFI);
	assert_true(read.secure_boot);
	assert_int_equal(read.n_disks, 2);
	assert_int_equal(read.disks[0].lun, LF_VM_OS_LUN);
	assert_true(lf_vm_source_equal(&read.disks[0].source, &vm.disks[1].source));
	assert_true(lf_vm_source_equal(&read.disks[1].source, &vm.disks[0].source));
	assert_string_equal(read.nics[0].network, NET);
	assert_null(read.nics[0].mac);
}

static void test_spec__without_a_guid_is_an_error_not_an_empty_name(void **state)
{
	static const char *const without[] = {"guid", "nics.0.guid", "nics.0.network"};
	static const char *const targets[] = {"guid", "nics[0].guid", "nics[0].network"};
	const struct lf_vm_spec vm = machine();

	(void)state;
	for (size_t i = 0; i < LF_N(without); i++) {
		LF_AUTO_JSON *doc = lf_vm_spec_doc(&vm);
		json_t *of = i ? lf_json_at(doc, "nics.0") : doc;
		const char *dot = strrchr(without[i], '.');
		struct lf_error err = LF_ERROR_NONE;
		struct lf_vm_spec read;
		assert_int_equal(json_object_del(of, dot ? dot + 1 : without[i]), 0);
		assert_int_equal(lf_vm_spec_read(doc, &read, &err), LF_EINVAL);
		assert_string_equal(err.target, targets[i]);
	}
}

static void test_source__holds_what_its_kind_has(void **state)
{
	const struct lf_point_ref point = {.region = "r", .point = "p", .root = "0-a"};
	const struct lf_vm_source empty = {.kind = LF_VM_SOURCE_EMPTY};
	LF_AUTO_JSON *a = lf_point_ref_doc(&point);
	LF_AUTO_JSON *b = lf_vm_source_doc(&empty);
	LF_AUTO_FREE char *text_a = json_dumps(a, JSON_COMPACT);
	LF_AUTO_FREE char *text_b = json_dumps(b, JSON_COMPACT);
	struct lf_vm_source read;
	struct lf_error err;

	(void)state;
	assert_string_equal(
		text_a, "{\"kind\":\"point\",\"region\":\"r\",\"point\":\"p\",\"root\":\"0-a\"}");
	assert_string_equal(text_b, "{\"kind\":\"empty\"}");
	assert_lf_ok(lf_vm_source_read(a, &read, &err));
	assert_int_equal(read.kind, LF_VM_SOURCE_POINT);
	assert_string_equal(read.point.root, "0-a");
	assert_false(lf_vm_source_equal(&read, &empty));
}

static void test_network__is_isolated_unless_it_says_otherwise(void **state)
{
	LF_AUTO_JSON *doc = json_pack("{s:s, s:[{s:s, s:s}]}", "guid", NET, "subnets", "name",
				      "default", "prefix", "10.1.0.0/24");
	struct lf_vm_network network;
	struct lf_error err;

	(void)state;
	assert_lf_ok(lf_vm_network_read(doc, &network, &err));
	assert_true(network.isolated);
	assert_int_equal(network.n_subnets, 1);
	assert_int_equal(lf_json_set_bool(doc, "isolated", false), 0);
	assert_lf_ok(lf_vm_network_read(doc, &network, &err));
	assert_false(network.isolated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec__is_read_as_it_was_written_with_the_os_disk_first),
		cmocka_unit_test(test_spec__without_a_guid_is_an_error_not_an_empty_name),
		cmocka_unit_test(test_source__holds_what_its_kind_has),
		cmocka_unit_test(test_network__is_isolated_unless_it_says_otherwise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
