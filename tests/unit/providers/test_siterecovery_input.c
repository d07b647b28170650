/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bodies of enabling and of PATCH, member by member, by their own tables: a member that is
 * described is tried with each kind of wrong value, and what is accepted is what GET shows.
 */
#include "siterecovery_fixture.h"
#include "test.h"

#define P     "properties."
#define D     P "providerSpecificDetails."
#define SET   TRG "/providers/Microsoft.Compute/availabilitySets/set"
#define PPG   TRG "/providers/Microsoft.Compute/proximityPlacementGroups/group"
#define DIAG  TRG "/providers/Microsoft.Storage/storageAccounts/diag"
#define OTHER RG "/providers/Microsoft.Compute/availabilitySets/set"

static void put_place(struct world *w, const char *id, const char *type, const char *location)
{
	put_doc(w, id, type, json_pack("{s:s}", "location", location));
}

static int setup(void **state)
{
	int rc = world_setup(state);

	if (rc)
		return rc;
	put_place(*state, SET, "Microsoft.Compute/availabilitySets", "eastus");
	put_place(*state, OTHER, "Microsoft.Compute/availabilitySets", "eastus");
	put_place(*state, PPG, "Microsoft.Compute/proximityPlacementGroups", "eastus");
	put_place(*state, DIAG, "Microsoft.Storage/storageAccounts", "East US");
	return 0;
}

static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(value);
	return value;
}

/* What both bodies can say, each with a value that is good. */
static const struct {
	const char *name, *json;
	const char *shown; /* where an item's details have it; NULL: under its name */
} given[] = {
	{"targetVmName", "\"web02\""},
	{"targetVmSize", "\"Standard_D4s_v3\""},
	{"targetNetworkId", "\"" TEST "\""},
	{"testNetworkId", "\"" NET "\""},
	{"licenseType", "\"WindowsServer\""},
	{"sqlServerLicenseType", "\"AHUB\""},
	{"linuxLicenseType", "\"RHEL_BYOS\""},
	{"targetAvailabilitySetId", "\"" SET "\""},
	{"targetProximityPlacementGroupId", "\"" PPG "\""},
	{"targetBootDiagnosticsStorageAccountId", "\"" DIAG "\""},
	{"userSelectedOSName", "\"Debian 12 of mine\"", "osName"},
	{"targetVmTags", "[{\"tagName\":\"a\",\"tagValue\":\"1\"}]"},
	{"targetManagedDiskTags", "[{\"tagName\":\"b\",\"tagValue\":\"2\"}]"},
	{"targetNicTags", "[{\"tagName\":\"c\",\"tagValue\":\"\"}]"},
};

static void put_given(json_t *body)
{
	char path[96];

	for (size_t i = 0; i < LF_N(given); i++) {
		snprintf(path, sizeof(path), D "%s", given[i].name);
		assert_int_equal(lf_json_set(body, path, parse(given[i].json)), 0);
	}
}

static void assert_shown(const json_t *item)
{
	char path[96];

	for (size_t i = 0; i < LF_N(given); i++) {
		LF_AUTO_JSON *value = parse(given[i].json);
		snprintf(path, sizeof(path), D "%s",
			 given[i].shown ? given[i].shown : given[i].name);
		if (!json_equal(lf_json_at(item, path), value))
			fail_msg("%s is not shown as it was given", path);
	}
}

/* Enabling, with each member that is described; with disksDefault, or with disksToInclude. */
static json_t *full_enable(bool all_disks)
{
	static const char *const more[][2] = {
		{P "protectableItemId", "\"" SITE "/machines/" AGENT "\""},
		{D "testSubnetName", "\"default\""},
		{D "multiVmGroupName", "\"web\""},
		{D "seedManagedDiskTags", "[{\"tagName\":\"d\"}]"},
		{D "targetVmSecurityProfile",
		 "{\"targetVmSecurityType\":\"TrustedLaunch\",\"targetVmSecureBoot\":\"Enabled\","
		 "\"targetVmTpm\":\"enabled\",\"targetVmMonitoring\":\"Disabled\","
		 "\"targetVmConfidentialEncryption\":\"Disabled\"}"},
	};
	static const char disk[] =
		"{\"diskId\":\"disk-0\",\"diskType\":\"premium_lrs\",\"logStorageAccountId\":"
		"\"" CACHE "\",\"sectorSizeInBytes\":512,\"diskSizeInGB\":\"1\",\"iops\":0,"
		"\"throughputInMbps\":0,\"isFabricDiscoveryDiskId\":\"true\","
		"\"diskEncryptionSetId\":\"\"}";
	json_t *body = enable_body();

	put_given(body);
	for (size_t i = 0; i < LF_N(more); i++)
		assert_int_equal(lf_json_set(body, more[i][0], parse(more[i][1])), 0);
	if (all_disks) {
		assert_int_equal(lf_json_set(body, D "disksDefault", parse(disk)), 0);
		json_object_del(lf_json_at(body, D "disksDefault"), "diskId");
	} else {
		json_object_del(lf_json_at(body, P "providerSpecificDetails"), "disksDefault");
		assert_int_equal(
			lf_json_set(body, D "disksToInclude", json_pack("[o]", parse(disk))), 0);
	}
	return body;
}

static json_t *full_update(bool unused)
{
	json_t *body = json_pack(
		"{s:{s:{s:s,s:s,s:[{s:s,s:s,s:b,s:b,s:s,s:s,s:s,s:s,s:s}],s:[{s:s,s:s}]}}}",
		"properties", "providerSpecificDetails", "instanceType", "InMageRcm",
		"targetResourceGroupId", TRG, "vmNics", "nicId", "52:54:00:00:00:01",
		"isPrimaryNic", "true", "isSelectedForFailover", 1, "isSelectedForMigration", 1,
		"targetSubnetName", "default", "targetStaticIPAddress", "10.1.0.10",
		"testSubnetName", "default", "testStaticIPAddress", "10.0.0.10", "targetNicName",
		"first", "vmDisks", "diskId", "disk-0", "targetDiskName", "boot");

	(void)unused;
	put_given(body);
	return body;
}

/* The parent of a row's member in a body, "*" being the first element, and the member's name. */
static json_t *place(json_t *body, const char *path, const char **ret_name)
{
	char text[192];
	size_t used = 0;

	for (const char *p = path; *p; p++)
		text[used++] = *p == '*' ? '0' : *p;
	text[used] = '\0';
	*strrchr(text, '.') = '\0';
	*ret_name = strrchr(path, '.') + 1;
	return lf_json_at(body, text);
}

/* Values that no member of the type takes, ended by NULL. */
static const char *const *wrong_values(const struct lf_field *field)
{
	static const char *const texts[] = {"5", "[]", "{}", "true", NULL};
	static const char *const words[] = {"\"Bogus\"", "5", "[]", NULL};
	static const char *const ids[] = {"5",
					  "[]",
					  "{}",
					  "\"abc\"",
					  "\"/\"",
					  "\"" TRG "/providers/Microsoft.Nothing/things/x\"",
					  "\"" TRG "/providers/Microsoft.Compute/disks/nowhere\"",
					  NULL};
	static const char *const truths[] = {"\"maybe\"", "5", "[]", NULL};
	static const char *const numbers[] = {"\"x\"", "-1", "[]", "77", "99999999999", NULL};
	static const char *const arrays[] = {"\"x\"", "5", "{}", "[5]", "[null]", "[\"x\"]", NULL};
	static const char *const objects[] = {"\"x\"", "5", "[]", NULL};
	static const char *const *const of_type[] = {
		[LF_TEXT] = texts,  [LF_ENUM] = words,	 [LF_ID] = ids,	       [LF_BOOL] = truths,
		[LF_INT] = numbers, [LF_ARRAY] = arrays, [LF_OBJECT] = objects};

	return of_type[field->type];
}

static void refuse(struct world *w, const char *method, json_t *body, const char *path,
		   const char *value)
{
	AUTO_REPLY reply = request(w, method, ITEM, body);

	if (reply.status != 400 || !reply.error.target[0] || !reply.error.hint[0])
		fail_msg("%s = %s: %d %s", path, value, reply.status, reply.error.message);
}

static void try_wrong(struct world *w, const char *method, const struct lf_sr_fields *fields,
		      json_t *(*make)(bool all_disks))
{
	for (size_t i = 0; i < fields->n; i++) {
		const struct lf_field *field = &fields->rows[i];
		bool all_disks = strstr(field->path, "disksDefault") != NULL;
		for (const char *const *value = wrong_values(field); *value; value++) {
			LF_AUTO_JSON *body = make(all_disks);
			const char *name;
			json_t *at = place(body, field->path, &name);
			assert_int_equal(json_object_set_new(at, name, parse(*value)), 0);
			refuse(w, method, json_incref(body), field->path, *value);
		}
		if (!(field->flags & LF_REQUIRED))
			continue;
		LF_AUTO_JSON *body = make(all_disks);
		const char *name;
		json_t *at = place(body, field->path, &name);
		json_object_set_new(at, name, json_null());
		refuse(w, method, json_incref(body), field->path, "null");
		json_object_del(at, name);
		refuse(w, method, json_incref(body), field->path, "nothing");
	}
}

static void test_enable__refuses_each_wrong_value_of_each_member(void **state)
{
	struct world *w = *state;

	try_wrong(w, "PUT", &lf_sr_enable_fields, full_enable);
	AUTO_REPLY none = request(w, "GET", ITEM, NULL);
	assert_int_equal(none.status, 404);
	LF_AUTO_JSON *jobs = get(w, VAULT "/replicationJobs");
	assert_int_equal(json_array_size(lf_json_at(jobs, "value")), 0);
}

static void test_update__refuses_each_wrong_value_of_each_member(void **state)
{
	struct world *w = *state;

	protect(w);
	LF_AUTO_JSON *before = get(w, ITEM);
	try_wrong(w, "PATCH", &lf_sr_update_fields, full_update);
	drive(w);
	LF_AUTO_JSON *after = get(w, ITEM);
	assert_true(json_equal(before, after));
}

static void test_enable__shows_what_was_asked_for(void **state)
{
	struct world *w = *state;
	AUTO_REPLY reply = request(w, "PUT", ITEM, full_enable(false));

	if (reply.status != 202)
		fail_msg("%d %s %s", reply.status, reply.error.target, reply.error.message);
	assert_string_equal(lf_json_text(reply.body, "id"), ITEM);
	assert_shown(reply.body);
	drive(w);
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_shown(item);
	assert_string_equal(lf_json_text(item, D "multiVmGroupName"), "web");
	assert_string_equal(lf_json_text(item, D "targetVmSecurityProfile.targetVmTpm"), "Enabled");
	assert_string_equal(lf_json_text(item, D "protectedDisks.0.diskType"), "Premium_LRS");
	assert_true(json_is_null(
		json_object_get(lf_json_at(item, D "protectedDisks.0"), "seedManagedDiskId")));
	assert_int_equal(json_array_size(lf_json_at(item, D "unprotectedDisks")), 1);
}

/* null and "" are as if nothing was said, of what need not be. */
static void test_enable__takes_empty_members_as_absent(void **state)
{
	struct world *w = *state;
	LF_AUTO_JSON *empty = enable_body();

	for (size_t i = 0; i < lf_sr_enable_fields.n; i++) {
		const struct lf_field *field = &lf_sr_enable_fields.rows[i];
		const char *name;
		json_t *at = place(empty, field->path, &name);
		if (!at || json_object_get(at, name) || strchr(field->path, '*'))
			continue;
		bool text = field->type == LF_TEXT || field->type == LF_ID;
		json_object_set_new(at, name, text ? json_string("") : json_null());
	}
	lf_json_set(empty, D "targetVmName", json_string(""));
	lf_json_set(empty, D "targetVmSize", json_string(""));
	AUTO_REPLY reply = request(w, "PUT", ITEM, json_incref(empty));
	if (reply.status != 202)
		fail_msg("%d %s %s", reply.status, reply.error.target, reply.error.message);
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_string_equal(lf_json_text(item, D "targetVmName"), "web01");
	assert_true(lf_text_starts_nocase(lf_json_text(item, D "targetVmSize"), "Standard_"));
	assert_string_equal(lf_json_text(item, D "licenseType"), "NotSpecified");
	assert_string_equal(lf_json_text(item, D "targetVmSecurityProfile.targetVmSecurityType"),
			    "None");
	assert_string_equal(lf_json_text(item, D "targetVmSecurityProfile.targetVmMonitoring"),
			    "Disabled");
}

static void test_update__shows_what_was_asked_for(void **state)
{
	struct world *w = *state;

	protect(w);
	AUTO_REPLY reply = request(w, "PATCH", ITEM, full_update(false));
	if (reply.status != 202)
		fail_msg("%d %s %s", reply.status, reply.error.target, reply.error.message);
	drive(w);
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_shown(item);
	assert_string_equal(lf_json_text(item, D "vmNics.0.nicId"), "52:54:00:00:00:01");
	assert_string_equal(lf_json_text(item, D "vmNics.0.targetIPAddress"), "10.1.0.10");
	assert_string_equal(lf_json_text(item, D "vmNics.0.targetNicName"), "first");
	assert_string_equal(lf_json_text(item, D "protectedDisks.0.customTargetDiskName"), "boot");
}

static void test_members__that_nobody_knows_are_refused_where_they_ask_for_something(void **state)
{
	static const char *const paths[] = {P "kmsKeyId", D "targetDiskController",
					    D "targetVmTags.*.color"};
	struct world *w = *state;

	for (size_t i = 0; i < LF_N(paths); i++) {
		json_t *body = full_enable(true);
		const char *name;
		json_t *at = place(body, paths[i], &name);
		assert_int_equal(json_object_set_new(at, name, json_string("x")), 0);
		assert_refused(w, "PUT", ITEM, body, 400, "InvalidParameter");
	}
	json_t *body = full_enable(true);
	lf_json_set(body, D "targetDiskController", json_string(""));
	AUTO_REPLY reply = request(w, "PUT", ITEM, body);
	if (reply.status != 202)
		fail_msg("%d %s %s", reply.status, reply.error.target, reply.error.message);
}

/* Which of two things that each are good cannot be together, or not there. */
static void test_settings__that_exclude_each_other_are_refused(void **state)
{
	static const struct {
		const char *path, *json, *code;
	} cases[] = {
		{D "targetAvailabilityZone", "\"1\"", "AvailabilitySetAndZoneConflict"},
		{D "targetAvailabilityZone", "\"9\"", "InvalidParameter"},
		{D "targetAvailabilitySetId", "\"" OTHER "\"", "AvailabilitySetOfAnotherGroup"},
		{D "linuxLicenseType", "\"LinuxServer\"", "LicenseOfAnotherSystem"},
		{D "targetVmTags", "[{\"tagName\":\"a\"},{\"tagName\":\"A\"}]", "DuplicateTag"},
		{D "targetVmTags", "[{\"tagName\":\"a/b\"}]", "InvalidTagName"},
		{D "targetVmSecurityProfile.targetVmSecurityType", "\"ConfidentialVM\"",
		 "SecurityProfileNotSupported"},
		{D "targetVmSecurityProfile.targetVmSecurityType", "\"None\"",
		 "InvalidSecurityProfile"},
		{D "targetVmSecurityProfile.targetVmMonitoring", "\"Enabled\"",
		 "SecurityProfileNotSupported"},
		{D "multiVmGroupName", "\"a/b\"", "InvalidMultiVmGroupName"},
		{D "runAsAccountId", "\"" SITE "/runAsAccounts/nobody\"", "RunAsAccountNotFound"},
		{P "protectableItemId", "\"" SITE "/machines/other\"", "ProtectableItemNotFound"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < LF_N(cases); i++) {
		json_t *body = full_enable(true);
		lf_json_set(body, cases[i].path, parse(cases[i].json));
		assert_refused(w, "PUT", ITEM, body, 400, cases[i].code);
	}
}

static void test_tags__are_at_most_fifty(void **state)
{
	struct world *w = *state;
	json_t *body = enable_body();
	json_t *tags = json_array();
	char name[16];

	for (int i = 0; i < 51; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		json_array_append_new(tags, json_pack("{s:s}", "tagName", name));
	}
	lf_json_set(body, D "targetNicTags", tags);
	assert_refused(w, "PUT", ITEM, json_deep_copy(body), 400, "InvalidParameter");
	json_array_remove(tags, 50);
	AUTO_REPLY reply = request(w, "PUT", ITEM, body);
	assert_int_equal(reply.status, 202);
}

#define OTHER_ACCOUNT                                                                              \
	"/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg/providers/"         \
	"Microsoft.Storage/storageAccounts/other"

static void test_cache_account__is_a_standard_one_of_the_target_region(void **state)
{
	struct world *w = *state;
	json_t *body = enable_body();

	put_place(w, TRG "/providers/Microsoft.Storage/storageAccounts/far",
		  "Microsoft.Storage/storageAccounts", "westus");
	put_doc(w, TRG "/providers/Microsoft.Storage/storageAccounts/fast",
		"Microsoft.Storage/storageAccounts",
		json_pack("{s:s,s:{s:s}}", "location", "eastus", "sku", "name", "Premium_LRS"));
	lf_json_set_text(body, D "disksDefault.logStorageAccountId",
			 TRG "/providers/Microsoft.Storage/storageAccounts/far");
	assert_refused(w, "PUT", ITEM, json_deep_copy(body), 400, "RegionMismatch");
	lf_json_set_text(body, D "disksDefault.logStorageAccountId",
			 TRG "/providers/Microsoft.Storage/storageAccounts/fast");
	assert_refused(w, "PUT", ITEM, json_deep_copy(body), 400,
		       "PremiumCacheAccountNotSupported");
	put_place(w, OTHER_ACCOUNT, "Microsoft.Storage/storageAccounts", "eastus");
	lf_json_set_text(body, D "disksDefault.logStorageAccountId", OTHER_ACCOUNT);
	assert_refused(w, "PUT", ITEM, json_deep_copy(body), 400, "SubscriptionMismatch");
	json_object_del(lf_json_at(body, D "disksDefault"), "diskType");
	assert_refused(w, "PUT", ITEM, body, 400, "MissingRequiredProperty");
}

static json_t *update(const char *details)
{
	json_t *body =
		json_pack("{s:{s:o}}", "properties", "providerSpecificDetails", parse(details));

	assert_non_null(body);
	lf_json_set_text(body, D "instanceType", "InMageRcm");
	return body;
}

static void patch(struct world *w, json_t *body)
{
	AUTO_REPLY reply = request(w, "PATCH", ITEM, body);

	if (reply.status != 202)
		fail_msg("%d %s %s", reply.status, reply.error.target, reply.error.message);
	drive(w);
}

static void test_update__of_an_interface_counts_each_time_and_by_each_name(void **state)
{
	static const struct {
		const char *details, *selected;
	} steps[] = {
		{"{\"vmNics\":[{\"nicId\":\"nic-0\",\"isSelectedForMigration\":true}]}", "true"},
		{"{\"vmNics\":[{\"nicId\":\"nic-0\",\"isSelectedForMigration\":\"false\"}]}",
		 "false"},
		{"{\"vmNics\":[{\"nicId\":\"52:54:00:00:00:01\",\"isSelectedForFailover\":true}]}",
		 "true"},
		{"{\"vmNics\":[{\"nicId\":\"52:54:00:00:00:01\",\"isSelectedForMigration\":false}]"
		 "}",
		 "false"},
	};
	struct world *w = *state;

	protect(w);
	for (size_t i = 0; i < LF_N(steps); i++) {
		patch(w, update(steps[i].details));
		LF_AUTO_JSON *item = get(w, ITEM);
		assert_string_equal(lf_json_text(item, D "vmNics.0.isSelectedForFailover"),
				    steps[i].selected);
	}
	assert_refused(
		w, "PATCH", ITEM,
		update("{\"vmNics\":[{\"nicId\":\"nic-0\"},{\"nicId\":\"52:54:00:00:00:01\"}]}"),
		400, "DuplicateNic");
	assert_refused(w, "PATCH", ITEM,
		       update("{\"vmNics\":[{\"nicId\":\"nic-0\",\"isSelectedForMigration\":true,"
			      "\"isSelectedForFailover\":\"false\"}]}"),
		       400, "ContradictorySettings");
}

static void test_update__of_a_disk_is_of_its_name_alone(void **state)
{
	static const struct {
		const char *disks, *code;
	} cases[] = {
		{"{\"diskId\":\"disk-0\",\"diskType\":\"Premium_LRS\"}", "DiskSettingCannotChange"},
		{"{\"diskId\":\"disk-0\",\"logStorageAccountId\":\"" DIAG "\"}",
		 "DiskSettingCannotChange"},
		{"{\"diskId\":\"disk-0\",\"diskSizeInGB\":2}", "DiskSettingCannotChange"},
		{"{\"diskId\":\"disk-0\",\"targetDiskName\":\"bad/name\"}", "InvalidResourceName"},
		{"{\"diskId\":\"disk-0\",\"targetDiskName\":\"a\"},{\"diskId\":\"disk-1\","
		 "\"targetDiskName\":\"A\"}",
		 "DuplicateDiskName"},
		{"{\"diskId\":\"disk-0\"},{\"diskId\":\"disk-0\"}", "DuplicateDisk"},
	};
	struct world *w = *state;
	char text[512];

	protect(w);
	for (size_t i = 0; i < LF_N(cases); i++) {
		snprintf(text, sizeof(text), "{\"vmDisks\":[%s]}", cases[i].disks);
		assert_refused(w, "PATCH", ITEM, update(text), 400, cases[i].code);
	}
	/* what it has already may be said again */
	patch(w, update("{\"vmDisks\":[{\"diskId\":\"disk-0\",\"diskType\":\"Standard_LRS\","
			"\"logStorageAccountId\":\"" CACHE "\",\"targetDiskName\":\"one\"}]}"));
	assert_refused(w, "PATCH", ITEM,
		       update("{\"vmDisks\":[{\"diskId\":\"disk-1\",\"targetDiskName\":\"ONE\"}]}"),
		       400, "DuplicateDiskName");
}

static void test_update__of_older_clients_is_outside_the_details(void **state)
{
	struct world *w = *state;

	protect(w);
	json_t *body = update("{\"targetNetworkId\":\"" NET "\"}");
	lf_json_set_text(body, P "recoveryAzureVMSize", "Standard_D8s_v3");
	lf_json_set_text(body, P "recoveryAzureVMName", "older");
	lf_json_set_text(body, P "selectedRecoveryAzureNetworkId", NET);
	patch(w, body);
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_string_equal(lf_json_text(item, D "targetVmSize"), "Standard_D8s_v3");
	assert_string_equal(lf_json_text(item, D "targetVmName"), "older");
	body = update("{\"targetVmSize\":\"Standard_D2s_v3\"}");
	lf_json_set_text(body, P "recoveryAzureVMSize", "Standard_D8s_v3");
	assert_refused(w, "PATCH", ITEM, body, 400, "ContradictorySettings");
	body = update("{}");
	lf_json_set_text(body, P "recoveryAzureVMSize", "Standard_Huge");
	assert_refused(w, "PATCH", ITEM, body, 400, "InvalidVmSize");
	body = update("{}");
	lf_json_set_text(body, P "enableRdpOnTargetOption", "Always");
	assert_refused(w, "PATCH", ITEM, body, 400, "SettingNotSupported");
}

static void test_update__clears_with_an_empty_text(void **state)
{
	struct world *w = *state;

	protect(w);
	patch(w, update("{\"targetAvailabilitySetId\":\"" SET "\"}"));
	assert_refused(w, "PATCH", ITEM, update("{\"targetAvailabilityZone\":\"1\"}"), 400,
		       "AvailabilitySetAndZoneConflict");
	patch(w, update("{\"targetVmTags\":[]}"));
	LF_AUTO_JSON *kept = get(w, ITEM);
	assert_string_equal(lf_json_text(kept, D "targetAvailabilitySetId"), SET);
	patch(w, update("{\"targetAvailabilitySetId\":\"\",\"targetVmName\":\"\"}"));
	LF_AUTO_JSON *cleared = get(w, ITEM);
	assert_string_equal(lf_json_text(cleared, D "targetAvailabilitySetId"), "");
	assert_string_equal(lf_json_text(cleared, D "targetVmName"), "web01");
	/* a test's subnet is of the target's network where there is no test network */
	patch(w, update("{\"testNetworkId\":\"\",\"vmNics\":[{\"nicId\":\"nic-0\","
			"\"testSubnetName\":\"default\"}]}"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_enable__refuses_each_wrong_value_of_each_member),
		T(test_update__refuses_each_wrong_value_of_each_member),
		T(test_enable__shows_what_was_asked_for),
		T(test_enable__takes_empty_members_as_absent),
		T(test_update__shows_what_was_asked_for),
		T(test_members__that_nobody_knows_are_refused_where_they_ask_for_something),
		T(test_settings__that_exclude_each_other_are_refused),
		T(test_tags__are_at_most_fifty),
		T(test_cache_account__is_a_standard_one_of_the_target_region),
		T(test_update__of_an_interface_counts_each_time_and_by_each_name),
		T(test_update__of_a_disk_is_of_its_name_alone),
		T(test_update__of_older_clients_is_outside_the_details),
		T(test_update__clears_with_an_empty_text),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
