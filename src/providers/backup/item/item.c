/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protected items: what a client may make of one, and how it goes.  Deleting one is soft: its
 * points stay for the vault's days, and a PUT with isRehydrate brings it back.
 */
#include <string.h>

#include "json/field.h"
#include "json/view.h"
#include "providers/backup/internal.h"
#include "providers/backup/point/point.h"
#include "providers/backup/policy/policy.h"
#include "providers/backup/policy/retention.h"
#include "providers/backup/item/server.h"
#include "providers/backup/job/jobs.h"
#include "providers/compute/ids.h"
#include "providers/resources/locations.h"

#define DAY_NS	    ((int64_t)24 * 3600 * LF_NS_PER_S)
#define SOFT_DAYS   "properties.securitySettings.softDeleteSettings.softDeleteRetentionPeriodInDays"
#define SOFT_STATE  "properties.securitySettings.softDeleteSettings.softDeleteState"
#define IMMUTABLE   "properties.securitySettings.immutabilitySettings.state"
#define DEFERRED    "properties.isScheduledForDeferredDelete"
#define DEFERRED_AT "properties.deferredDeleteTimeInUTC"

struct request {
	struct lf_arm_call *call;
	struct lf_resource vault, before;
	char *id; /* of the item */
	bool exists;
	const char *policy; /* id asked for; NULL: none */
};

static void request_done(struct request *request)
{
	lf_resource_done(&request->vault);
	lf_resource_done(&request->before);
	free(request->id);
}

/* The vault, and the item by either name. */
static int begin_request(struct request *request, struct lf_error *err)
{
	struct lf_arm_call *call = request->call;

	request->id = lf_backup_item_id(lf_arm_id(call, 0));
	int rc = request->id ? lf_backup_vault(call, &request->vault, err) : lf_fail_nomem(err);
	return rc ? rc
		  : lf_catalog_find(lf_arm_context(call)->catalog, request->id, &request->before,
				    &request->exists, err);
}

static bool is_deferred(const struct lf_resource *item)
{
	return lf_json_bool_or(item->doc, DEFERRED, false);
}

/* The machine is there, where the vault is, and nobody else's. */
static int check_machine(const struct request *request, const char *vm_id,
			 struct lf_resource *ret_vm, struct lf_error *err)
{
	static const char target[] = "properties.sourceResourceId";
	struct lf_context *context = lf_arm_context(request->call);
	const struct lf_resource *vault = &request->vault;
	const struct lf_list_query query = {.type = LF_BACKUP_ITEM_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};

	bool server = lf_backup_is_server(vm_id);
	const char *location = lf_json_text_or(vault->doc, "location", "");
	int rc = server ? lf_backup_server_get(context, vm_id, location, ret_vm, err)
			: lf_arm_id_check(vm_id, LF_VM_TYPE, target, err);
	if (!rc && !server)
		rc = lf_catalog_get(context->catalog, vm_id, ret_vm, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_EINVAL, "UserErrorVmNotFound", target,
				   "name a virtual machine that is there, or a discovered one",
				   "the machine '%.200s' was not found", vm_id);
	if (rc)
		return rc;
	const char *there = lf_json_text_or(ret_vm->doc, "location", "");
	if (!lf_location_equal(there, location))
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorVmInDifferentRegion", target,
				   "use a vault of the machine's region",
				   "the machine is in %s, the vault in %s", there, location);
	rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		if (lf_arm_id_equal(lf_json_text_or(list.items[i].state, "vm", ""), vm_id) &&
		    !lf_arm_id_equal(list.items[i].id, request->id))
			return lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorVmAlreadyProtected",
					   target, "stop that protection first",
					   "the machine is protected already, as %s",
					   list.items[i].id);
	return rc;
}

/* The names in the URL are those of the machine. */
static int check_names(const struct request *request, const char *vm_id, struct lf_error *err)
{
	LF_AUTO_FREE char *item = lf_backup_item_name(vm_id);
	LF_AUTO_FREE char *container = lf_backup_container_name(vm_id);
	char asked[320];

	if (!item || !container)
		return lf_fail_nomem(err);
	if (lf_text_equal_nocase(item, lf_arm_id_last(request->id)) &&
	    lf_arm_id_segment(request->id, "protectionContainers", asked, sizeof(asked)) &&
	    lf_text_equal_nocase(container, asked))
		return 0;
	return lf_fail_arm(
		err, LF_EINVAL, "BMSUserErrorInvalidItemName", lf_arm_param(request->call, "item"),
		"the names are made of the machine's group and name",
		"a protected item of this machine is called %s, in container %s", item, container);
}

/* What every item begins with. */
static const struct lf_view_row new_rows[] = {
	{"protectedItemType", LF_VIEW_CONST, 0, NULL, "\"Microsoft.Compute/virtualMachines\""},
	{"backupManagementType", LF_VIEW_CONST, 0, NULL, "\"AzureIaasVM\""},
	{"workloadType", LF_VIEW_CONST, 0, NULL, "\"VM\""},
	{"protectionStatus", LF_VIEW_CONST, 0, NULL, "\"Healthy\""},
	{"protectionState", LF_VIEW_CONST, 0, NULL, "\"IRPending\""},
	{"healthStatus", LF_VIEW_CONST, 0, NULL, "\"Passed\""},
	{"lastBackupStatus", LF_VIEW_CONST, 0, NULL, "\"\""},
	{"lastRecoveryPoint"},
};

static json_t *new_doc(const struct lf_resource *vm)
{
	LF_AUTO_FREE char *container = lf_backup_container_name(vm->id);
	LF_AUTO_DOC properties = LF_DOC_INIT, doc = LF_DOC_INIT;

	lf_view_put(&properties, new_rows, LF_N(new_rows), NULL);
	lf_doc_text(&properties, "friendlyName",
		    lf_json_text_or(vm->doc, "name", lf_arm_id_last(vm->id)));
	lf_doc_text(&properties, "virtualMachineId", vm->id);
	lf_doc_text(&properties, "sourceResourceId", vm->id);
	if (!container)
		return NULL;
	lf_doc_text(&properties, "containerName", strchr(container, ';') + 1);
	lf_doc_put(&doc, "properties", lf_doc_take(&properties));
	return lf_doc_take(&doc);
}

static int write_item(struct request *request, json_t *doc, json_t *state, const char *operation,
		      struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(request->call);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_FREE char *id = NULL;
	char job[LF_GUID_SIZE];

	if (request->exists)
		id = strdup(request->before.id);
	else { /* in the documented case, whatever the client wrote */
		const char *vm = lf_json_text_or(state, "vm", "");
		LF_AUTO_FREE char *container = lf_backup_container_name(vm);
		LF_AUTO_FREE char *name = lf_backup_item_name(vm);
		id = lf_printf_dup(
			"%s/backupFabrics/Azure/protectionContainers/%s/protectedItems/%s",
			request->vault.id, container, name);
	}
	int rc = id ? lf_transaction_begin(&tx, context->catalog, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_catalog_put(context->catalog, id, LF_BACKUP_ITEM_TYPE, LF_PUT_ANY, NULL,
				    doc, state, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, id, &item, err);
	if (!rc)
		rc = lf_backup_note_done(request->call, &lf_backup_done_job, &item, NULL, operation,
					 job, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	return rc ? rc : lf_backup_reply_accepted(request->call, id, job, err);
}

/* The policy is of this vault; an immutable one lets an item have one that keeps longer only. */
static int check_policy(struct request *request, json_t *doc, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(request->call);
	LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT, had = LF_RESOURCE_INIT;
	const char *before = lf_json_text_or(request->before.doc, "properties.policyId", "");
	bool there;

	int rc = lf_backup_policy(context->catalog, request->policy, &policy, &there, err);
	if (!rc && (!there || !lf_text_starts_nocase(policy.id, request->vault.id)))
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorPolicyNotFound",
				   "properties.policyId", "GET backupPolicies lists the vault's",
				   "the vault has no backup policy '%.200s'", request->policy);
	if (!rc && before[0])
		rc = lf_backup_policy(context->catalog, before, &had, &there, err);
	if (!rc && before[0] && there &&
	    strcmp(lf_json_text_or(request->vault.doc, IMMUTABLE, "Disabled"), "Disabled") != 0 &&
	    lf_policy_longest(lf_json_at(policy.doc, "properties")) <
		    lf_policy_longest(lf_json_at(had.doc, "properties")))
		return lf_fail_arm(
			err, LF_ECONFLICT, "BMSUserErrorOperationNotAllowedOnImmutableVault",
			"properties.policyId", "choose one that keeps as long",
			"the vault is immutable: the item cannot have a policy that keeps "
			"points for less time");
	if (!rc && (lf_json_set_text(doc, "properties.policyId", policy.id) ||
		    lf_json_set_text(doc, "properties.policyName", lf_arm_id_last(policy.id))))
		rc = lf_fail_nomem(err);
	return rc;
}

static bool has_lun(const json_t *vm_doc, const json_t *lun)
{
	const json_t *disk;
	size_t i;

	json_array_foreach (lf_json_at(vm_doc, "properties.storageProfile.dataDisks"), i, disk)
		if (json_is_integer(lun) &&
		    lf_json_int_or(disk, "lun", -1) == json_integer_value(lun))
			return true;
	return false;
}

/* Which data disks are backed up: kept as it was where the request does not speak of it, so that a
 * client that only changes the policy does not bring a disk in that was left out for a reason. */
static int put_exclusion(const struct request *request, const struct lf_resource *vm, json_t *doc,
			 struct lf_error *err)
{
	const json_t *asked = lf_json_at(lf_arm_body(request->call), LF_BACKUP_EXCLUSION);
	const json_t *luns = lf_json_at(asked, "diskLunList"), *lun;
	size_t i;

	if (!json_is_object(asked))
		return 0;
	if (!json_is_array(luns) || !lf_json_at(asked, "isInclusionList"))
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidInput", LF_BACKUP_EXCLUSION,
				   "give diskLunList and isInclusionList; [] and false: all disks",
				   "it does not say which disks are backed up");
	if (lf_backup_is_server(vm->id) && json_array_size(luns))
		return lf_fail_arm(err, LF_EUNSUPPORTED, "UserErrorDiskExclusionNotSupported",
				   LF_BACKUP_EXCLUSION, "leave it out: all of its disks are sent",
				   "disks of a machine with an agent cannot be left out");
	json_array_foreach (luns, i, lun)
		if (!has_lun(vm->doc, lun))
			return lf_fail_arm(err, LF_EINVAL, "UserErrorInvalidDiskLun",
					   LF_BACKUP_EXCLUSION ".diskLunList",
					   "list LUNs of the machine's data disks; the OS disk is "
					   "always backed up",
					   "the machine has no data disk with such a LUN");
	LF_AUTO_DOC kept = LF_DOC_INIT;
	lf_doc_share(&kept, "diskLunList", luns);
	lf_doc_bool(&kept, "isInclusionList", lf_json_bool_or(asked, "isInclusionList", false));
	return lf_json_set(doc, LF_BACKUP_EXCLUSION, lf_doc_take(&kept)) ? lf_fail_nomem(err) : 0;
}

static int put_new(struct request *request, struct lf_error *err)
{
	struct lf_arm_call *call = request->call;
	const char *vm_id = lf_json_text_or(lf_arm_body(call), "properties.sourceResourceId", "");
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	char region[64];

	if (lf_json_bool_or(lf_arm_body(call), "properties.isRehydrate", false))
		return lf_backup_fail_no_item(request->id, err);
	if (!request->policy)
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidInput",
				   "properties.policyId", "name a backup policy of the vault",
				   "protection needs a policy");
	int rc = check_machine(request, vm_id, &vm, err);
	if (!rc)
		rc = check_names(request, vm.id, err);
	if (rc)
		return rc;
	lf_location_normal(lf_json_text_or(request->vault.doc, "location", ""), region,
			   sizeof(region));
	LF_AUTO_JSON *doc = new_doc(&vm);
	LF_AUTO_JSON *state = json_pack("{s:s, s:s}", "vm", vm.id, "region", region);
	if (!doc || !state ||
	    lf_json_set_time(state, "since", lf_clock_now_ns(lf_arm_context(call)->clock)))
		return lf_fail_nomem(err);
	rc = check_policy(request, doc, err);
	if (!rc)
		rc = put_exclusion(request, &vm, doc, err);
	return rc ? rc : write_item(request, doc, state, "ConfigureBackup", err);
}

/* What was deleted softly comes back, stopped: a policy starts it again. */
static int rehydrate(struct request *request, struct lf_error *err)
{
	json_t *doc = request->before.doc, *properties = lf_json_at(doc, "properties");

	json_object_del(properties, "deferredDeleteTimeInUTC");
	json_object_del(properties, "deferredDeleteTimeRemaining");
	json_object_del(properties, "isDeferredDeleteScheduleUpcoming");
	/* its policy may have gone meanwhile */
	if (lf_json_set_bool(doc, DEFERRED, false) ||
	    lf_json_set_text(doc, "properties.policyId", "") ||
	    lf_json_set_text(doc, "properties.protectionState", "ProtectionStopped"))
		return lf_fail_nomem(err);
	return write_item(request, doc, request->before.state, "Undelete", err);
}

/* An item stays the machine's that it was made for. */
static int check_source(const struct request *request, struct lf_error *err)
{
	const char *source =
		lf_json_text_or(lf_arm_body(request->call), "properties.sourceResourceId", "");

	if (!source[0] || lf_arm_id_equal(source, lf_json_text_or(request->before.state, "vm", "")))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidItemName",
			   "properties.sourceResourceId", "name the machine that the item protects",
			   "the item protects another machine");
}

static int put_again(struct request *request, struct lf_error *err)
{
	json_t *body = lf_arm_body(request->call), *doc = request->before.doc;
	const char *state = lf_json_text_or(body, "properties.protectionState", "");
	bool deferred = is_deferred(&request->before);

	if (lf_json_bool_or(body, "properties.isRehydrate", false))
		return deferred ? rehydrate(request, err)
				: lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorItemNotSoftDeleted",
					      request->before.id, "nothing is to be undone",
					      "the item is not deleted");
	if (deferred)
		return lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorItemSoftDeleted",
				   request->before.id, "undelete it first: PUT isRehydrate true",
				   "the item is deleted, and kept for a while");
	if (lf_text_equal_nocase(state, "ProtectionStopped") ||
	    lf_text_equal_nocase(state, "BackupsSuspended")) {
		bool suspended = lf_text_equal_nocase(state, "BackupsSuspended");
		if (lf_json_set_text(doc, "properties.protectionState",
				     suspended ? "BackupsSuspended" : "ProtectionStopped") ||
		    (!suspended && lf_json_set_text(doc, "properties.policyId", "")))
			return lf_fail_nomem(err);
		return write_item(request, doc, request->before.state, "DisableBackup", err);
	}
	if (!request->policy)
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidInput",
				   "properties.policyId", "name a backup policy of the vault",
				   "protection needs a policy");
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	int rc = check_machine(request, lf_json_text_or(request->before.state, "vm", ""), &vm, err);
	if (!rc)
		rc = check_source(request, err);
	if (!rc)
		rc = check_policy(request, doc, err);
	if (!rc)
		rc = put_exclusion(request, &vm, doc, err);
	bool fresh = !lf_json_text(doc, "properties.lastRecoveryPoint");
	if (!rc &&
	    lf_json_set_text(doc, "properties.protectionState", fresh ? "IRPending" : "Protected"))
		rc = lf_fail_nomem(err);
	return rc ? rc : write_item(request, doc, request->before.state, "ConfigureBackup", err);
}

static const char *const item_types[] = {"Microsoft.Compute/virtualMachines", NULL};
static const char *const item_states[] = {
	"Invalid",	     "IRPending",	 "Protected",	     "ProtectionError",
	"ProtectionStopped", "ProtectionPaused", "BackupsSuspended", NULL};
static const struct lf_field item_fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "What is protected, and how."},
	{"properties.protectedItemType", LF_ENUM, LF_REQUIRED, 0, 0, item_types,
	 "A virtual machine."},
	{"properties.sourceResourceId", LF_ID, 0, 0, 0, NULL, "The machine to protect."},
	{"properties.policyId", LF_TEXT, 0, 0, 1024, NULL, "The backup policy, of the same vault."},
	{"properties.protectionState", LF_ENUM, 0, 0, 0, item_states,
	 "ProtectionStopped: stop, and keep the data."},
	{"properties.isRehydrate", LF_BOOL, 0, 0, 0, NULL, "Bring a deleted item back."},
	{LF_BACKUP_EXCLUSION, LF_OBJECT, 0, 0, 0, NULL, "Data disks that are left out, or taken."},
	{LF_BACKUP_EXCLUSION ".diskLunList", LF_ARRAY, 0, 0, 64, NULL, "Their LUNs."},
	{LF_BACKUP_EXCLUSION ".isInclusionList", LF_BOOL, 0, 0, 0, NULL, "Taken, or left out."},
	{"properties.backupManagementType", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "AzureIaasVM."},
	{"properties.workloadType", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "VM."},
	{"properties.friendlyName", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "The machine's name."},
	{"properties.virtualMachineId", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "The machine."},
	{"properties.healthStatus", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "How backups go."},
	{"properties.lastBackupTime", LF_TEXT, LF_READ_ONLY, 0, 0, NULL,
	 "When the last one began."},
	{"properties.protectedItemDataId", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "The item's number."},
	{"properties.vaultId", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "The vault."},
	{"properties.policyType", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "The policy's kind."},
	{"properties.deferredDeleteTimeRemaining", LF_TEXT, 0, 0, 64, NULL, "Shorter at each GET."},
};

/* Types, and nothing that would have no effect; what GET shows may be sent back. */
static int check_body(const struct request *request, struct lf_error *err)
{
	LF_AUTO_JSON *shown = NULL;
	int rc = request->exists ? lf_document_view(request->call, &lf_backup_item_document,
						    &request->before, &shown, err)
				 : 0;

	return rc ? rc
		  : lf_document_check_request(lf_arm_body(request->call), item_fields,
					      LF_N(item_fields), shown, err);
}

/* A client asks for two states, and for protection; the others come by themselves. */
static int check_state(const struct request *request, struct lf_error *err)
{
	static const char *const asked[] = {"", "IRPending", "Protected", "ProtectionStopped",
					    "BackupsSuspended"};
	static const char path[] = "properties.protectionState";
	const char *state = lf_json_text_or(lf_arm_body(request->call), path, "");
	size_t n = request->exists ? LF_N(asked) : 3;

	if (request->exists && strcmp(state, lf_json_text_or(request->before.doc, path, "")) == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (strcmp(state, asked[i]) == 0)
			return 0;
	return lf_fail_arm(
		err, LF_EINVAL, "InvalidParameter", path,
		"ProtectionStopped and BackupsSuspended stop what is protected; a policy "
		"protects",
		"an item is not made %s", state);
}

int lf_backup_item_put(struct lf_arm_call *call, struct lf_error *err)
{
	const char *policy = lf_json_text(lf_arm_body(call), "properties.policyId");
	LF_CLEANUP(request_done)
	struct request request = {.call = call, .policy = policy && policy[0] ? policy : NULL};

	int rc = begin_request(&request, err);
	if (!rc)
		rc = check_body(&request, err);
	if (!rc)
		rc = check_state(&request, err);
	return rc ? rc : request.exists ? put_again(&request, err) : put_new(&request, err);
}

/* Points that a locked or unlocked immutability keeps until they expire. */
static int refuse_immutable(struct lf_catalog *catalog, const struct lf_resource *vault,
			    const struct lf_resource *item, struct lf_error *err)
{
	LF_AUTO_RESOURCE_LIST points = {0};

	if (strcmp(lf_json_text_or(vault->doc, IMMUTABLE, "Disabled"), "Disabled") == 0)
		return 0;
	int rc = lf_backup_points(catalog, item->id, &points, err);
	if (rc || !points.n)
		return rc;
	return lf_fail_arm(
		err, LF_ECONFLICT, "BMSUserErrorOperationNotAllowedOnImmutableVault", item->id,
		"stop the protection and keep the data (PUT protectionState "
		"ProtectionStopped)",
		"the vault is immutable: %zu recovery points have not expired", points.n);
}

int lf_backup_item_delete(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_CLEANUP(request_done) struct request request = {.call = call};
	struct lf_resource *item = &request.before;

	int rc = begin_request(&request, err);
	if (!rc && !request.exists)
		return lf_arm_reply(call, 204, NULL, err);
	if (!rc && is_deferred(item))
		return lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorItemSoftDeleted", item->id,
				   "it goes by itself at deferredDeleteTimeInUTC",
				   "the item is deleted already, and kept for a while");
	if (!rc)
		rc = refuse_immutable(context->catalog, &request.vault, item, err);
	if (rc)
		return rc;
	bool soft = strcmp(lf_json_text_or(request.vault.doc, SOFT_STATE, ""), "Disabled") != 0;
	int64_t days = soft ? lf_json_int_or(request.vault.doc, SOFT_DAYS, 14) : 0;
	if (lf_json_set_bool(item->doc, DEFERRED, true) ||
	    lf_json_set_text(item->doc, "properties.protectionState", "ProtectionStopped") ||
	    lf_json_set_time(item->doc, DEFERRED_AT,
			     lf_clock_now_ns(context->clock) + days * DAY_NS))
		return lf_fail_nomem(err);
	return write_item(&request, item->doc, item->state, "DeleteBackupData", err);
}

/* "D.HH:MM:SS" until a deleted item goes. */
static int add_time_left(struct lf_arm_call *call, const struct lf_resource *item, json_t *doc,
			 struct lf_error *err)
{
	struct lf_error ignored;
	int64_t until;
	char text[64];

	if (!is_deferred(item) ||
	    lf_time_parse(lf_json_text_or(item->doc, DEFERRED_AT, ""), &until, &ignored))
		return 0;
	int64_t left = (until - lf_clock_now_ns(lf_arm_context(call)->clock)) / LF_NS_PER_S;
	left = left < 0 ? 0 : left;
	snprintf(text, sizeof(text), "%lld.%02lld:%02lld:%02lld", (long long)(left / 86400),
		 (long long)(left / 3600 % 24), (long long)(left / 60 % 60),
		 (long long)(left % 60));
	return lf_json_set_text(doc, "properties.deferredDeleteTimeRemaining", text)
		       ? lf_fail_nomem(err)
		       : 0;
}

/* What only now can say: how many points there are, how long a deleted item is kept yet. */
static int view_item(struct lf_arm_call *call, const struct lf_resource *item, json_t *doc,
		     struct lf_error *err)
{
	LF_AUTO_RESOURCE_LIST points = {0};

	int rc = lf_backup_points(lf_arm_context(call)->catalog, item->id, &points, err);
	if (rc)
		return rc;
	const char *oldest =
		points.n ? lf_json_text(points.items[0].doc, "properties.recoveryPointTime") : NULL;
	json_t *extended =
		json_pack("{s:s?, s:I, s:b}", "oldestRecoveryPoint", oldest, "recoveryPointCount",
			  (json_int_t)points.n, "policyInconsistent", 0);
	static const struct lf_view_row scan[] = {
		{"sourceSideScanStatus", LF_VIEW_CONST, 0, NULL, "\"NotConfigured\""},
		{"sourceSideScanSummary", LF_VIEW_CONST, 0, NULL, "\"NotApplicable\""},
	};
	LF_AUTO_DOC info = LF_DOC_INIT;
	if (lf_backup_is_2026(call)) {
		lf_view_put(&info, scan, LF_N(scan), NULL);
		if (lf_json_set(doc, "properties.sourceSideScanInfo", lf_doc_take(&info)))
			rc = lf_fail_nomem(err);
	}
	if (rc)
		return rc;
	return lf_json_set(doc, "properties.extendedInfo", extended)
		       ? lf_fail_nomem(err)
		       : add_time_left(call, item, doc, err);
}

/* By its other name, perhaps. */
static int find_absent(struct lf_arm_call *call, const char *id, struct lf_resource *ret_item,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *own = lf_backup_item_id(id);
	bool there = false;
	int rc = own ? lf_catalog_find(lf_arm_context(call)->catalog, own, ret_item, &there, err)
		     : lf_fail_nomem(err);

	return rc || there ? rc : lf_backup_fail_no_item(id, err);
}

/* In the paired region an item is there once a point of it is. */
static bool is_listed(struct lf_arm_call *call, const struct lf_resource *item)
{
	LF_AUTO_RESOURCE_LIST points = {0};
	struct lf_error ignored;

	if (!lf_backup_is_secondary(call))
		return true;
	if (lf_backup_points(lf_arm_context(call)->catalog, item->id, &points, &ignored))
		return false;
	for (size_t i = 0; i < points.n; i++)
		if (lf_json_bool_or(points.items[i].state, "secondary.complete", false))
			return true;
	return false;
}

static const struct lf_filter_row item_filter[] = {
	{"backupManagementType", "properties.backupManagementType"},
	{"itemType", "properties.workloadType"},
	{"friendlyName", "properties.friendlyName"},
	{"policyName", "properties.policyName"},
	{"containerName", "properties.containerName"},
};
/* It is read as a document; writing and deleting one are operations, with handlers above. */
const struct lf_document lf_backup_item_document = {
	.type = LF_BACKUP_ITEM_TYPE,
	.view = view_item,
	.absent = find_absent,
	.listed = is_listed,
	.filter = item_filter,
	.n_filter = LF_N(item_filter),
	.no_etag = true,
};

int lf_backup_item_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	int rc = lf_backup_vault(call, &vault, err);

	return rc ? rc : lf_document_list_below(call, &lf_backup_item_document, vault.id, err);
}
