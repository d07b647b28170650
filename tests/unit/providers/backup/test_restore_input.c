/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "providers/backup/restore/restore.h"

static struct lf_error err;

static json_t *parsed(const char *text)
{
	json_t *doc = NULL;

	assert_lf_ok(lf_json_parse(text, strlen(text), &doc, &err));
	return doc;
}

static const char machine[] =
	"{\"tags\": {\"a\": \"b\"}, \"zones\": [\"2\"],"
	" \"properties\": {\"vmId\": \"v-1\", \"other\": 1, \"licenseType\": \"Windows_Server\","
	" \"securityProfile\": {\"securityType\": \"TrustedLaunch\"},"
	" \"hardwareProfile\": {\"vmSize\": \"Standard_B1s\"},"
	" \"storageProfile\": {\"osDisk\": {\"osType\": \"Windows\"}}}}";

static struct lf_restore a_restore(const json_t *vm)
{
	struct lf_restore restore = LF_RESTORE_INIT;

	restore.kind = "AlternateLocation";
	restore.item = "/item";
	restore.point_id = "/item/recoveryPoints/1";
	restore.region = restore.location = "eastus";
	restore.point = "point";
	restore.vm_name = "vm";
	restore.machine = vm;
	restore.firmware = "uefi";
	restore.vm = "/vms/new";
	restore.secondary = true;
	restore.disks[0] = (struct lf_restore_disk){.lun = -1,
						    .id = "os",
						    .root = "r0",
						    .size_bytes = 1 << 30,
						    .disk_name = "vm-osdisk"};
	restore.disks[1] = (struct lf_restore_disk){
		.lun = 3, .root = "r3", .size_bytes = 1 << 20, .disk_name = "vm-datadisk-003"};
	restore.n_disks = 2;
	return restore;
}

static void test_input__is_read_as_it_was_written(void **state)
{
	LF_AUTO_JSON *vm = parsed(machine);
	const struct lf_restore before = a_restore(vm);
	LF_AUTO_JSON *doc = NULL;
	struct lf_restore after;

	(void)state;
	assert_lf_ok(lf_restore_write(&before, &doc, &err));
	const struct lf_job job = {.doc = doc};
	assert_lf_ok(lf_restore_read(&job, &after, &err));
	assert_string_equal(after.kind, before.kind);
	assert_string_equal(after.firmware, "uefi");
	assert_string_equal(after.vm, "/vms/new");
	assert_string_equal(after.group, "");
	assert_true(after.secondary);
	assert_true(json_equal(after.machine, vm));
	assert_int_equal(after.n_disks, 2);
	assert_int_equal(after.disks[0].lun, -1);
	assert_string_equal(after.disks[0].id, "os");
	assert_int_equal(after.disks[1].size_bytes, 1 << 20);
	assert_string_equal(after.disks[1].disk_name, "vm-datadisk-003");
}

/* As a version without the struct stored it: disks with more members, no firmware. */
static void test_input__of_an_earlier_version_is_read(void **state)
{
	LF_AUTO_JSON *doc = parsed(
		"{\"kind\": \"RestoreDisks\", \"item\": \"/i\", \"recoveryPoint\": \"/p\","
		" \"region\": \"eastus\", \"point\": \"g\", \"location\": \"eastus\","
		" \"vmName\": \"vm\", \"secondary\": false, \"machine\": {}, \"account\": \"acc\","
		" \"disks\": [{\"lun\": -1, \"os\": true, \"name\": \"sda\", \"root\": \"r\","
		" \"sizeBytes\": 512, \"id\": \"d\", \"diskName\": \"vm-osdisk\", \"used\": 7}]}");
	const struct lf_job job = {.doc = doc};
	struct lf_restore restore;

	(void)state;
	assert_lf_ok(lf_restore_read(&job, &restore, &err));
	assert_string_equal(restore.firmware, "bios");
	assert_string_equal(restore.account, "acc");
	assert_string_equal(restore.vm, "");
	assert_int_equal(restore.n_disks, 1);
	assert_string_equal(restore.disks[0].root, "r");
}

static void test_input__without_a_disks_root_is_refused(void **state)
{
	LF_AUTO_JSON *vm = parsed(machine);
	const struct lf_restore before = a_restore(vm);
	LF_AUTO_JSON *doc = NULL;
	struct lf_restore after;

	(void)state;
	assert_lf_ok(lf_restore_write(&before, &doc, &err));
	json_object_del(json_array_get(lf_json_at(doc, "disks"), 1), "root");
	const struct lf_job job = {.doc = doc};
	assert_int_equal(lf_restore_read(&job, &after, &err), LF_EINVAL);
	assert_string_equal(err.target, "disks[1].root");
}

static void test_config__has_properties_flat_and_only_those_of_the_service(void **state)
{
	LF_AUTO_JSON *vm = parsed(machine);
	const struct lf_restore restore = a_restore(vm);
	LF_AUTO_JSON *disks = parsed("[{\"name\": \"o\", \"lun\": -1, \"uri\": \"u\"},"
				     " {\"name\": \"d\", \"lun\": 3, \"id\": \"i\"}]");
	LF_AUTO_FREE char *text = lf_restore_config(&restore, disks);
	LF_AUTO_JSON *config = parsed(text);
	const json_t *storage = json_object_get(config, "properties.storageProfile");

	(void)state;
	assert_string_equal(lf_json_text(config, "name"), "vm");
	assert_string_equal(lf_json_text(config, "tags.a"), "b");
	assert_string_equal(json_string_value(json_object_get(config, "properties.vmId")), "v-1");
	assert_null(json_object_get(config, "properties.other"));
	assert_string_equal(lf_json_text(storage, "osDisk.vhd.uri"), "u");
	assert_string_equal(lf_json_text(storage, "osDisk.osType"), "Windows");
	assert_string_equal(lf_json_text(storage, "dataDisks.0.managedDisk.id"), "i");
	assert_int_equal(lf_json_int_or(storage, "dataDisks.0.lun", 0), 3);
}

static void test_template__makes_the_machine_again(void **state)
{
	LF_AUTO_JSON *vm = parsed(machine);
	const struct lf_restore restore = a_restore(vm);
	LF_AUTO_JSON *disks = parsed("[{\"name\": \"o\", \"lun\": -1, \"uri\": \"u\"}]");
	LF_AUTO_FREE char *text = lf_restore_template(&restore, disks);
	LF_AUTO_JSON *template = parsed(text);
	const json_t *made = lf_json_at(template, "resources.0");

	(void)state;
	assert_string_equal(lf_json_text(template, "parameters.virtualMachineName.defaultValue"),
			    "vm");
	assert_string_equal(lf_json_text(made, "properties.hardwareProfile.vmSize"),
			    "Standard_B1s");
	assert_string_equal(lf_json_text(made, "properties.securityProfile.securityType"),
			    "TrustedLaunch");
	assert_string_equal(lf_json_text(made, "properties.licenseType"), "Windows_Server");
	assert_string_equal(lf_json_text(made, "zones.0"), "2");
	assert_string_equal(lf_json_text(made, "properties.storageProfile.osDisk.vhd.uri"), "u");
	assert_int_equal(json_array_size(lf_json_at(made, "properties.storageProfile.dataDisks")),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input__is_read_as_it_was_written),
		cmocka_unit_test(test_input__of_an_earlier_version_is_read),
		cmocka_unit_test(test_input__without_a_disks_root_is_refused),
		cmocka_unit_test(test_config__has_properties_flat_and_only_those_of_the_service),
		cmocka_unit_test(test_template__makes_the_machine_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
