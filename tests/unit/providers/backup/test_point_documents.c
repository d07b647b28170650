/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "providers/backup/point/documents.h"

static struct lf_error err;

static json_t *parsed(const char *text)
{
	json_t *doc = NULL;

	assert_lf_ok(lf_json_parse(text, strlen(text), &doc, &err));
	return doc;
}

static void test_point__says_which_disks_it_holds_and_which_were_left_out(void **state)
{
	LF_AUTO_JSON *capture = parsed("{\"disks\": [{\"lun\": -1, \"name\": \"os\"}, {\"lun\": 2,"
				       " \"name\": \"two\"}]}");
	struct lf_resource vm = {
		.doc = parsed("{\"properties\": {\"hardwareProfile\": {\"vmSize\": \"S\"},"
			      " \"storageProfile\": {\"dataDisks\": [{\"lun\": 2}, {\"lun\": 5,"
			      " \"name\": \"five\"}]}}}"),
		.state = json_object()};
	const struct lf_backup_taken taken = {
		.guid = "g", .time = "t", .expires = "e", .vm = &vm, .capture = capture};
	LF_AUTO_JSON *doc = NULL;

	(void)state;
	assert_lf_ok(lf_backup_taken_doc(&taken, &doc, &err));
	const json_t *properties = lf_json_at(doc, "properties");
	const json_t *disks = lf_json_at(properties, "recoveryPointDiskConfiguration");
	assert_string_equal(lf_json_text(properties, "recoveryPointType"), "CrashConsistent");
	assert_string_equal(lf_json_text(properties, "virtualMachineSize"), "S");
	assert_string_equal(lf_json_text(properties, "recoveryPointTime"), "t");
	assert_string_equal(lf_json_text(properties, "recoveryPointProperties.expiryTime"), "e");
	assert_int_equal(lf_json_int_or(disks, "numberOfDisksIncludedInBackup", 0), 2);
	assert_int_equal(lf_json_int_or(disks, "numberOfDisksAttachedToVm", 0), 3);
	assert_string_equal(lf_json_text(disks, "includedDiskList.1.name"), "two");
	assert_int_equal(json_array_size(lf_json_at(disks, "excludedDiskList")), 1);
	assert_string_equal(lf_json_text(disks, "excludedDiskList.0.name"), "five");
	lf_resource_done(&vm);
}

static void test_disk__is_found_by_its_lun(void **state)
{
	LF_AUTO_JSON *disks = parsed("[{\"name\": \"none\"}, {\"lun\": -1, \"name\": \"os\"}]");

	(void)state;
	assert_string_equal(lf_json_text(lf_backup_disk_at(disks, -1), "name"), "os");
	assert_null(lf_backup_disk_at(disks, 0));
	assert_null(lf_backup_disk_at(NULL, -1));
}

static void test_manifest__has_the_members_of_its_format(void **state)
{
	LF_AUTO_JSON *disks = json_array();
	LF_AUTO_JSON *manifest = lf_backup_manifest("g", "t", "CrashConsistent", "v", disks);
	LF_AUTO_JSON *expected = parsed("{\"id\": \"g\", \"time\": \"t\", \"consistency\":"
					" \"CrashConsistent\", \"machine\": {\"id\": \"v\"},"
					" \"disks\": []}");

	(void)state;
	assert_true(json_equal(manifest, expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_point__says_which_disks_it_holds_and_which_were_left_out),
		cmocka_unit_test(test_disk__is_found_by_its_lun),
		cmocka_unit_test(test_manifest__has_the_members_of_its_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
