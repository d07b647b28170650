/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "job/engine.h"
#include "providers/backup/backup.h"
#include "providers/backup/internal.h"
#include "providers/backup/item/backup.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/point/point.h"
#include "providers/backup/restore/restore.h"
#include "providers/compute/ids.h"
#include "siterecovery_fixture.h"

#define POLICIES VAULT "/backupPolicies"
#define ITEMS	 VAULT "/backupFabrics/Azure/protectionContainers/c/protectedItems"

static int setup(void **state)
{
	int rc;

	asked = NULL; /* what the world is made with */
	rc = world_setup(state);
	asked = &lf_backup_provider;
	return rc;
}

static json_t *a_policy(void)
{
	return json_pack("{s:{s:s,s:{s:s,s:[s]},s:{s:s,s:{s:{s:i,s:s}}}},s:{s:s},s:s}",
			 "properties", "backupManagementType", "AzureIaasVM", "schedulePolicy",
			 "scheduleRunFrequency", "Daily", "scheduleRunTimes",
			 "2024-01-01T02:00:00Z", "retentionPolicy", "retentionPolicyType",
			 "LongTermRetentionPolicy", "dailySchedule", "retentionDuration", "count",
			 7, "durationType", "Days", "tags", "a", "b", "location", "eastus");
}

static void put_item(struct world *w, const char *name, const char *policy)
{
	LF_AUTO_FREE char *id = lf_printf_dup(ITEMS "/%s", name);

	put_doc(w, id, LF_BACKUP_ITEM_TYPE,
		json_pack("{s:{s:s,s:s,s:s}}", "properties", "friendlyName", name, "policyId",
			  policy, "workloadType", "VM"));
}

static void put_point(struct world *w, const char *id, bool copied)
{
	LF_AUTO_JSON *doc = json_pack("{s:{s:s}}", "properties", "recoveryPointTime",
				      "2024-01-01T00:00:00.0000000Z");
	LF_AUTO_JSON *state = json_pack("{s:{s:b}}", "secondary", "complete", copied);
	struct lf_error err;

	assert_lf_ok(lf_catalog_put(w->context.catalog, id, LF_BACKUP_POINT_TYPE, LF_PUT_NEW, NULL,
				    doc, state, &err));
}

/* A point of 1 January 2024 that a policy keeps until expires. */
static void put_kept(struct world *w, const char *id, const char *expires)
{
	LF_AUTO_JSON *doc = json_pack("{s:{s:s}}", "properties", "recoveryPointTime",
				      "2024-01-01T00:00:00.0000000Z");
	LF_AUTO_JSON *state = json_pack("{s:s, s:b}", "expires", expires, "byPolicy", 1);
	struct lf_error err;

	assert_lf_ok(lf_catalog_put(w->context.catalog, id, LF_BACKUP_POINT_TYPE, LF_PUT_NEW, NULL,
				    doc, state, &err));
}

static void assert_expires(struct world *w, const char *point, const char *day)
{
	AUTO_REPLY got = request(w, "GET", point, NULL);
	const char *time =
		lf_json_text_or(got.body, "properties.recoveryPointProperties.expiryTime", "");

	assert_int_equal(got.status, 200);
	assert_memory_equal(time, day, strlen(day));
}

static void put_policy_of_days(struct world *w, int days)
{
	json_t *body = a_policy();

	lf_json_set_int(body, "properties.retentionPolicy.dailySchedule.retentionDuration.count",
			days);
	AUTO_REPLY put = request(w, "PUT", POLICIES "/mine", body);
	assert_int_equal(put.status, 200);
}

static void test_points__are_kept_as_their_policy_has_it_now(void **state)
{
	static const char point[] = ITEMS "/vm1/recoveryPoints/1";
	struct world *w = *state;

	put_item(w, "vm1", POLICIES "/mine");
	put_policy_of_days(w, 30);
	put_kept(w, point, "2024-01-31T00:00:00.0000000Z");
	put_point(w, ITEMS "/vm1/recoveryPoints/2", false);
	assert_expires(w, point, "2024-01-31");
	put_policy_of_days(w, 60);
	assert_expires(w, point, "2024-03-01");
	put_policy_of_days(w, 10);
	assert_expires(w, point, "2024-01-11");
	/* one that was asked for until a time, or is an older version's */
	assert_expires(w, ITEMS "/vm1/recoveryPoints/2", "");
}

static void test_points__of_an_immutable_vault_are_kept_no_less(void **state)
{
	static const char point[] = ITEMS "/vm1/recoveryPoints/1";
	struct world *w = *state;
	LF_AUTO_JSON *vault =
		json_pack("{s:s, s:{s:{s:{s:s}}}}", "location", "eastus", "properties",
			  "securitySettings", "immutabilitySettings", "state", "Unlocked");
	struct lf_error err;

	put_item(w, "vm1", POLICIES "/mine");
	put_policy_of_days(w, 10);
	assert_lf_ok(lf_catalog_put(w->context.catalog, VAULT, LF_VAULT_TYPE, LF_PUT_EXISTING, NULL,
				    vault, NULL, &err));
	put_kept(w, point, "2024-01-31T00:00:00.0000000Z");
	assert_expires(w, point, "2024-01-31");
	put_policy_of_days(w, 60);
	assert_expires(w, point, "2024-03-01");
}

static const char *name_at(const struct reply *reply, size_t i)
{
	return lf_json_text_or(json_array_get(lf_json_at(reply->body, "value"), i), "name", "");
}

static void test_policies__that_nobody_made_are_listed_after_those_that_were(void **state)
{
	struct world *w = *state;
	AUTO_REPLY put = request(w, "PUT", POLICIES "/mine", a_policy());
	AUTO_REPLY other = request(w, "PUT", POLICIES "/enhancedpolicy", a_policy());
	AUTO_REPLY list = request(w, "GET", POLICIES, NULL);

	assert_int_equal(put.status, 200);
	assert_int_equal(other.status, 200);
	assert_int_equal(json_array_size(lf_json_at(list.body, "value")), 3);
	assert_string_equal(name_at(&list, 2), "DefaultPolicy");
}

static void test_lists__go_on_behind_the_row_of_their_token_or_at_its_place(void **state)
{
	static const struct {
		const char *token;
		int status;
		size_t first; /* of the whole list */
	} cases[] = {
		{"1~" POLICIES "/DefaultPolicy", 200, 1},
		{"2~" POLICIES "/gone", 200, 2},
		{"99~" POLICIES "/gone", 200, 99},
		{POLICIES "/DefaultPolicy", 400, 0},
		{"0~", 400, 0},
		{"all", 400, 0},
	};
	AUTO_REPLY all = request(*state, "GET", POLICIES, NULL);
	size_t n = json_array_size(lf_json_at(all.body, "value"));
	for (size_t i = 0; i < LF_N(cases); i++) {
		LF_AUTO_FREE char *path = lf_printf_dup(POLICIES "?skiptoken=%s", cases[i].token);
		AUTO_REPLY page = request(*state, "GET", path, NULL);
		assert_int_equal(page.status, cases[i].status);
		size_t left = cases[i].first < n ? n - cases[i].first : 0;
		if (cases[i].status == 200)
			assert_int_equal(json_array_size(lf_json_at(page.body, "value")), left);
	}
}

static void test_policy__that_nobody_made_is_there_with_its_vault(void **state)
{
	struct world *w = *state;
	AUTO_REPLY there = request(w, "GET", POLICIES "/defaultpolicy", NULL);
	AUTO_REPLY other = request(w, "GET", POLICIES "/nobodys", NULL);
	AUTO_REPLY vault =
		request(w, "GET",
			RG "/providers/Microsoft.RecoveryServices/vaults/v2/backupPolicies/"
			   "DefaultPolicy",
			NULL);

	assert_string_equal(lf_json_text(there.body, "id"), POLICIES "/DefaultPolicy");
	assert_int_equal(lf_json_int_or(there.body, "properties.protectedItemsCount", -1), 0);
	assert_int_equal(other.status, 404);
	assert_int_equal(vault.status, 404);
}

static void test_policy__keeps_what_a_body_says(void **state)
{
	AUTO_REPLY put = request(*state, "PUT", POLICIES "/mine", a_policy());

	assert_string_equal(lf_json_text(put.body, "properties.backupManagementType"),
			    "AzureIaasVM");
	assert_string_equal(lf_json_text(put.body, "tags.a"), "b");
	assert_string_equal(lf_json_text(put.body, "location"), "eastus");
	assert_null(lf_json_at(put.body, "etag"));
}

static void test_policy__without_properties_is_refused(void **state)
{
	assert_refused(*state, "PUT", POLICIES "/mine", json_pack("{s:s}", "location", "eastus"),
		       400, "MissingRequiredProperty");
}

static void test_policy__goes_once_no_item_uses_it(void **state)
{
	struct world *w = *state;
	struct lf_error err;

	put_item(w, "vm1", POLICIES "/MINE");
	AUTO_REPLY put = request(w, "PUT", POLICIES "/mine", a_policy());
	AUTO_REPLY used = request(w, "DELETE", POLICIES "/mine", NULL);
	assert_lf_ok(lf_catalog_delete(w->context.catalog, ITEMS "/vm1", &err));
	AUTO_REPLY gone = request(w, "DELETE", POLICIES "/mine", NULL);
	AUTO_REPLY again = request(w, "DELETE", POLICIES "/mine", NULL);

	assert_int_equal(lf_json_int_or(put.body, "properties.protectedItemsCount", 0), 1);
	assert_int_equal(used.status, 409);
	assert_string_equal(lf_error_arm(&used.error), "BMSUserErrorPolicyInUse");
	assert_int_equal(gone.status, 200);
	assert_int_equal(again.status, 204);
}

static void test_items__are_filtered_by_what_clients_see(void **state)
{
	struct world *w = *state;

	put_item(w, "vm1", POLICIES "/a");
	put_item(w, "vm2", POLICIES "/a");
	AUTO_REPLY list =
		request(w, "GET", VAULT "/backupProtectedItems?filter=friendlyName eq 'VM2'", NULL);

	assert_int_equal(json_array_size(lf_json_at(list.body, "value")), 1);
	assert_string_equal(name_at(&list, 0), "vm2");
	assert_int_equal(
		lf_json_int_or(list.body, "value.0.properties.extendedInfo.recoveryPointCount", -1),
		0);
}

static void test_items__are_in_the_paired_region_once_a_point_is(void **state)
{
	static const char secondary[] = VAULT "/backupProtectedItems?api-version=2018-12-20";
	struct world *w = *state;

	put_item(w, "vm1", POLICIES "/a");
	put_item(w, "vm2", POLICIES "/a");
	put_point(w, ITEMS "/vm1/recoveryPoints/1", false);
	put_point(w, ITEMS "/vm2/recoveryPoints/1", true);
	AUTO_REPLY primary = request(w, "GET", VAULT "/backupProtectedItems", NULL);
	AUTO_REPLY list = request(w, "GET", secondary, NULL);

	assert_int_equal(json_array_size(lf_json_at(primary.body, "value")), 2);
	assert_int_equal(json_array_size(lf_json_at(list.body, "value")), 1);
	assert_string_equal(name_at(&list, 0), "vm2");
}

static void test_item__that_is_not_there_is_answered_in_backups_words(void **state)
{
	AUTO_REPLY reply = request(*state, "GET", ITEMS "/none", NULL);

	assert_int_equal(reply.status, 404);
	assert_string_equal(lf_error_arm(&reply.error), "BMSUserErrorContainerObjectNotFound");
}

static void test_job__shows_nothing_of_the_sites_insides(void **state)
{
	struct world *w = *state;
	LF_AUTO_JSON *doc = json_pack("{s:s}", "item", ITEMS "/vm1");
	LF_AUTO_JSON *data = json_object();
	LF_AUTO_JSON *view = NULL;
	LF_AUTO_FREE char *text = NULL;
	struct lf_job job = {.type = "backup.backup",
			     .scope = VAULT,
			     .resource = ITEMS "/vm1",
			     .doc = doc,
			     .data = data,
			     .state = LF_JOB_FAILED};
	struct lf_error err;

	lf_fail_sys(&job.error, EIO, "/site/x", "cannot read /site/x");
	lf_error_hint(&job.error, "look at /site");
	assert_lf_ok(lf_backup_job_view(&w->context, &job, VAULT, &view, &err));
	assert_lf_ok(lf_json_dump(view, &text, &err));
	assert_null(strstr(text, "/site"));
	assert_non_null(lf_json_at(view, "properties.errorDetails.0.errorString"));
}

/* A filter never widens a list, whatever it is asked of. */
static void test_containers__are_of_machines_alone(void **state)
{
	struct world *w = *state;

	put_item(w, "vm1", POLICIES "/a");
	AUTO_REPLY vms = request(w, "GET",
				 VAULT "/backupProtectionContainers?filter=itemType eq 'VM'", NULL);
	AUTO_REPLY shares = request(
		w, "GET", VAULT "/backupProtectionContainers?filter=itemType eq 'AzureFileShare'",
		NULL);

	assert_int_equal(json_array_size(lf_json_at(vms.body, "value")), 1);
	assert_int_equal(json_array_size(lf_json_at(shares.body, "value")), 0);
}

/* A machine with an agent is not the virtual machine that a client of AzureIaasVM reads its id as.
 */
static void test_protectable_items__of_virtual_machines_leave_agents_out(void **state)
{
	static const char of_vms[] =
		VAULT "/backupProtectableItems?filter=backupManagementType eq 'AzureIaasVM'";
	static const char of_agents[] =
		VAULT "/backupProtectableItems?filter=backupManagementType eq 'MAB'";
	struct world *w = *state;

	put_doc(w, VMS "/vm1", LF_VM_TYPE, json_pack("{s:s}", "location", "eastus"));
	AUTO_REPLY all = request(w, "GET", VAULT "/backupProtectableItems", NULL);
	AUTO_REPLY vms = request(w, "GET", of_vms, NULL);
	AUTO_REPLY agents = request(w, "GET", of_agents, NULL);

	assert_int_equal(json_array_size(lf_json_at(all.body, "value")), 2);
	assert_int_equal(json_array_size(lf_json_at(vms.body, "value")), 1);
	assert_string_equal(lf_json_text(vms.body, "value.0.properties.virtualMachineId"),
			    VMS "/vm1");
	assert_int_equal(json_array_size(lf_json_at(agents.body, "value")), 1);
	assert_string_equal(lf_json_text(agents.body, "value.0.properties.virtualMachineId"),
			    SITE "/machines/" AGENT);
}

/* The first is of a clock that was some hundred years ahead. */
static void test_points__are_listed_as_they_were_made_whatever_the_clock_said(void **state)
{
	struct world *w = *state;
	char name[24];

	put_item(w, "vm1", POLICIES "/mine");
	put_policy_of_days(w, 30);
	put_kept(w, ITEMS "/vm1/recoveryPoints/4999999999999999", "2124-01-31T00:00:00.0000000Z");
	for (int i = 0; i < 2; i++) {
		struct lf_error err;
		assert_lf_ok(lf_backup_point_name(&w->context, ITEMS "/vm1", name, &err));
		LF_AUTO_FREE char *id = lf_printf_dup(ITEMS "/vm1/recoveryPoints/%s", name);
		put_kept(w, id, "2024-01-31T00:00:00.0000000Z");
	}
	AUTO_REPLY list = request(w, "GET", ITEMS "/vm1/recoveryPoints", NULL);
	assert_string_equal(name, "5000000000000001");
	assert_string_equal(name_at(&list, 0), "5000000000000001");
	assert_string_equal(name_at(&list, 1), "5000000000000000");
	assert_string_equal(name_at(&list, 2), "4999999999999999");
}

/* A backup of vm1 by jobs of Backup's own, which goes on until DIR/compute/HOLD is gone. */
static void begin_backup(struct world *w, struct lf_job *ret_job)
{
	static const struct lf_job_type *const types[] = {&lf_backup_job};
	LF_AUTO_JSON *state = json_pack("{s:s,s:s}", "vm", VMS "/vm1", "region", "eastus");
	LF_AUTO_FREE char *hold = lf_printf_dup("%s/compute/HOLD", w->dir);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	char job[LF_GUID_SIZE];
	struct lf_error err;

	lf_jobs_free(w->context.jobs);
	w->context.jobs = NULL;
	assert_lf_ok(lf_jobs_open(w->context.catalog, w->context.clock, types, 1, &w->context,
				  &w->context.jobs, &err));
	put_item(w, "vm1", POLICIES "/mine");
	assert_lf_ok(lf_catalog_get(w->context.catalog, ITEMS "/vm1", &item, &err));
	assert_lf_ok(lf_catalog_put(w->context.catalog, item.id, NULL, LF_PUT_EXISTING, NULL,
				    item.doc, state, &err));
	put_doc(w, VMS "/vm1", LF_VM_TYPE, json_pack("{s:s}", "location", "eastus"));
	assert_lf_ok(lf_file_write_durable(hold, "", 0, 0600, &err));
	assert_lf_ok(lf_backup_submit(&w->context, &item, NULL, job, &err));
	assert_lf_ok(lf_jobs_get(w->context.jobs, job, ret_job, &err));
}

/* What happens to the item while its machine is read. */
struct meanwhile {
	struct world *w;
	lf_resource_change_fn *change; /* NULL: it goes */
};

static int count_name(void *context, const char *name, struct lf_error *err)
{
	(void)name, (void)err;
	++*(int *)context;
	return 0;
}

static int n_leases(struct world *w)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/regions/eastus/store/sessions", w->dir);
	struct lf_error err;
	int n = 0;

	assert_lf_ok(lf_dir_list_if(path, count_name, &n, &err));
	return n;
}

static void *happen(void *context)
{
	const struct meanwhile *meanwhile = context;
	struct world *w = meanwhile->w;
	const struct timespec pause = {.tv_nsec = 5 * LF_NS_PER_MS};
	LF_AUTO_FREE char *hold = lf_printf_dup("%s/compute/HOLD", w->dir);
	struct lf_error err;

	while (!n_leases(w))
		nanosleep(&pause, NULL);
	assert_lf_ok(meanwhile->change
			     ? lf_catalog_change(w->context.catalog, ITEMS "/vm1",
						 meanwhile->change, NULL, &err)
			     : lf_catalog_delete_tree(w->context.catalog, ITEMS "/vm1", &err));
	assert_lf_ok(lf_file_remove(hold, &err));
	return NULL;
}

static enum lf_job_state run_meanwhile(struct world *w, struct lf_job *job,
				       lf_resource_change_fn *change)
{
	struct meanwhile meanwhile = {.w = w, .change = change};
	struct lf_error err;
	int64_t wake;
	bool finished = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, happen, &meanwhile), 0);
	for (int i = 0; i < 20 && !finished; i++) {
		assert_lf_ok(lf_job_step_run(w->context.jobs, job, &wake, &finished, &err));
		lf_clock_step(w->context.clock, 60 * LF_NS_PER_S);
	}
	pthread_join(thread, NULL);
	return job->state;
}

static void define_vm(struct world *w)
{
	struct lf_vm_spec vm = {.name = "vm1", .vcpus = 1, .memory_mib = 64, .n_disks = 1};
	struct lf_error err;

	lf_machine_host_guid(&w->context, VMS "/vm1", vm.guid);
	vm.disks[0] = (struct lf_vm_disk){
		.lun = LF_VM_OS_LUN, .size_bytes = 1 << 20, .source.kind = LF_VM_SOURCE_EMPTY};
	assert_lf_ok(lf_compute_vm_define(w->context.compute, &vm, &err));
}

/* A lease that nobody ends stops the collection of what no point has, for good. */
static void test_backup__of_an_item_that_went_meanwhile_keeps_nothing(void **state)
{
	struct world *w = *state;

	for (int on_host = 0; on_host < 2; on_host++) {
		LF_AUTO_JOB job = LF_JOB_INIT;
		struct lf_error err;
		begin_backup(w, &job);
		if (on_host)
			define_vm(w);
		assert_int_equal(run_meanwhile(w, &job, NULL), LF_JOB_FAILED);
		assert_int_equal(n_leases(w), 0);
		assert_lf_ok(lf_catalog_delete(w->context.catalog, VMS "/vm1", &err));
	}
}

static int stop_item(struct lf_resource *item, void *argument, struct lf_error *err)
{
	(void)argument;
	return lf_json_set_text(item->doc, "properties.protectionState", "ProtectionStopped")
		       ? lf_fail_nomem(err)
		       : 0;
}

static void test_backup__leaves_an_item_that_was_stopped_meanwhile_stopped(void **state)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_JOB job = LF_JOB_INIT;
	struct world *w = *state;
	struct lf_error err;

	begin_backup(w, &job);
	define_vm(w);
	assert_int_equal(run_meanwhile(w, &job, stop_item), LF_JOB_SUCCEEDED);
	assert_lf_ok(lf_catalog_get(w->context.catalog, ITEMS "/vm1", &item, &err));
	assert_string_equal(lf_json_text(item.doc, "properties.protectionState"),
			    "ProtectionStopped");
	assert_string_equal(lf_json_text(item.doc, "properties.lastBackupStatus"), "Completed");
}

/* Taking back what the client has been using would be no cancel. */
static void test_restores__are_cancelled_before_what_they_made_is_used(void **state)
{
	static const struct lf_job_type *const types[] = {&lf_backup_restore_disks_job,
							  &lf_backup_restore_machine_job,
							  &lf_backup_replace_disks_job};
	struct world *w = *state;
	struct lf_jobs *jobs = NULL;
	struct lf_error err;

	assert_lf_ok(lf_jobs_open(w->context.catalog, w->context.clock, types, LF_N(types),
				  &w->context, &jobs, &err));
	for (size_t i = 0; i < LF_N(types); i++)
		for (unsigned step = 0; step < types[i]->n_steps; step++) {
			LF_AUTO_FREE char *name = strdup(types[i]->name);
			const struct lf_job job = {
				.type = name, .step = step, .state = LF_JOB_IN_PROGRESS};
			if (lf_jobs_can_cancel(jobs, &job) != (step < 2))
				fail_msg("%s at step %u", name, step);
		}
	lf_jobs_free(jobs);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_points__are_kept_as_their_policy_has_it_now,
						setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_points__of_an_immutable_vault_are_kept_no_less,
						setup, world_teardown),
		IN_WORLD(test_lists__go_on_behind_the_row_of_their_token_or_at_its_place),
		IN_WORLD(test_policies__that_nobody_made_are_listed_after_those_that_were),
		IN_WORLD(test_policy__that_nobody_made_is_there_with_its_vault),
		IN_WORLD(test_policy__keeps_what_a_body_says),
		IN_WORLD(test_policy__without_properties_is_refused),
		IN_WORLD(test_policy__goes_once_no_item_uses_it),
		IN_WORLD(test_items__are_filtered_by_what_clients_see),
		IN_WORLD(test_items__are_in_the_paired_region_once_a_point_is),
		IN_WORLD(test_item__that_is_not_there_is_answered_in_backups_words),
		IN_WORLD(test_job__shows_nothing_of_the_sites_insides),
		IN_WORLD(test_containers__are_of_machines_alone),
		IN_WORLD(test_protectable_items__of_virtual_machines_leave_agents_out),
		IN_WORLD(test_points__are_listed_as_they_were_made_whatever_the_clock_said),
		IN_WORLD(test_backup__of_an_item_that_went_meanwhile_keeps_nothing),
		IN_WORLD(test_restores__are_cancelled_before_what_they_made_is_used),
		IN_WORLD(test_backup__leaves_an_item_that_was_stopped_meanwhile_stopped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
