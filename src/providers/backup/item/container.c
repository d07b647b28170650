/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers and what could be protected: both are views of machines and items, so refreshing them
 * has nothing to do.  And what clients ask before they protect or restore.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/item/server.h"
#include "providers/backup/job/jobs.h"
#include "providers/common/page.h"
#include "providers/compute/ids.h"
#include "providers/resources/locations.h"

#define CONTAINER_TYPE LF_VAULT_TYPE "/backupFabrics/protectionContainers"
#define FABRIC	       "/backupFabrics/Azure/protectionContainers/"

/* What containers and protectable items say of a machine. */
static void put_machine(struct lf_doc *properties, const char *vm_id, const char *friendly)
{
	char group[128] = "";

	lf_arm_id_segment(vm_id, "resourceGroups", group, sizeof(group));
	lf_doc_text(properties, "friendlyName", friendly);
	lf_doc_text(properties, "backupManagementType", "AzureIaasVM");
	lf_doc_text(properties, "virtualMachineId", vm_id);
	lf_doc_text(properties, "virtualMachineVersion", "Compute");
	lf_doc_text(properties, "resourceGroup", group);
}

static int view_container(const struct lf_resource *vault, const char *vm_id, json_t **ret_view,
			  struct lf_error *err)
{
	LF_AUTO_FREE char *name = lf_backup_container_name(vm_id);
	LF_AUTO_FREE char *id = lf_printf_dup("%s" FABRIC "%s", vault->id, name ? name : "");
	LF_AUTO_DOC properties = LF_DOC_INIT;

	if (!name || !id)
		return lf_fail_nomem(err);
	put_machine(&properties, vm_id, lf_arm_id_last(vm_id));
	lf_doc_text(&properties, "registrationStatus", "Registered");
	lf_doc_text(&properties, "healthStatus", "Healthy");
	lf_doc_text(&properties, "containerType", "Microsoft.Compute/virtualMachines");
	return lf_document_wrap(id, CONTAINER_TYPE, lf_doc_take(&properties), ret_view, err);
}

/* The vault's items, of which each has a container, and the vault. */
static int list_items(struct lf_arm_call *call, struct lf_resource *ret_vault,
		      struct lf_resource_list *ret_items, struct lf_error *err)
{
	int rc = lf_backup_vault(call, ret_vault, err);
	const struct lf_list_query query = {.type = LF_BACKUP_ITEM_TYPE, .below = ret_vault->id};

	return rc ? rc : lf_catalog_list(lf_arm_context(call)->catalog, &query, ret_items, err);
}

int lf_backup_container_list(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_filter_row rows[] = {
		{"backupManagementType", "properties.backupManagementType"},
		{"friendlyName", "properties.friendlyName"},
		{"status", "properties.registrationStatus"},
		/* a container does not show what is in it: machines */
		{"itemType", "VM", LF_FILTER_FIXED},
	};
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_RESOURCE_LIST items = {0};
	LF_AUTO_JSON *values = json_array();

	int rc = list_items(call, &vault, &items, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), rows, LF_N(rows), &filter, err);
	for (size_t i = 0; !rc && i < items.n; i++) {
		LF_AUTO_JSON *view = NULL;
		rc = view_container(&vault, lf_json_text_or(items.items[i].state, "vm", ""), &view,
				    err);
		if (!rc && lf_filter_passes(filter, view) && json_array_append(values, view))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_page_reply(call, values, err);
}

int lf_backup_container_get(struct lf_arm_call *call, struct lf_error *err)
{
	const char *wanted = lf_arm_param(call, "container");
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST items = {0};

	int rc = list_items(call, &vault, &items, err);
	for (size_t i = 0; !rc && i < items.n; i++) {
		const char *vm = lf_json_text_or(items.items[i].state, "vm", "");
		LF_AUTO_FREE char *name = lf_backup_container_name(vm);
		LF_AUTO_JSON *view = NULL;
		if (!name || !lf_text_equal_nocase(name, wanted))
			continue;
		rc = view_container(&vault, vm, &view, err);
		return rc ? rc : lf_arm_reply(call, 200, view, err);
	}
	return rc ? rc
		  : lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorContainerObjectNotFound", wanted,
				"a container is there once its machine is protected",
				"the vault has no container '%.200s'", wanted);
}

/* Machines need no registration: their container comes with the item. */
int lf_backup_container_put(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "BMSUserErrorContainerTypeNotSupported",
			   lf_arm_param(call, "container"),
			   "protect a machine without registering it: PUT its protected item",
			   "only virtual machines are backed up here, and they are not registered: "
			   "file shares, storage accounts, workloads and servers cannot be");
}

int lf_backup_containers_refresh(struct lf_arm_call *call, struct lf_error *err)
{
	/* whatever kind is named, there is nothing to do */
	static const struct lf_filter_row rows[] = {
		{"backupManagementType", "AzureIaasVM", LF_FILTER_FIXED}};
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	char job[LF_GUID_SIZE];

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), rows, LF_N(rows), &filter, err);
	LF_AUTO_FREE char *below = rc ? NULL : lf_printf_dup("%s/backupFabrics/Azure", vault.id);
	if (!rc)
		rc = below ? lf_transaction_begin(&tx, lf_arm_context(call)->catalog, err)
			   : lf_fail_nomem(err);
	if (!rc)
		rc = lf_backup_note_done(call, &lf_backup_done_job, &vault, NULL,
					 "RefreshContainers", job, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	return rc ? rc : lf_backup_reply_accepted(call, below, job, err);
}

/* What the service's description has: 204, and no body. */
int lf_backup_refresh_result(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_backup_operation_job(call, LF_BACKUP_JOBS, "operation", &job, err);

	return rc ? rc : lf_arm_reply(call, 204, NULL, err);
}

static bool is_protected(const struct lf_resource_list *items, const char *vm_id)
{
	for (size_t i = 0; i < items->n; i++)
		if (lf_arm_id_equal(lf_json_text_or(items->items[i].state, "vm", ""), vm_id))
			return true;
	return false;
}

/* A machine with an agent is under a type of its own: who asks for AzureIaasVM reads the id of a
 * virtual machine. */
static int view_protectable(const struct lf_resource *vault, const char *vm_id,
			    const char *friendly, json_t **ret_view, struct lf_error *err)
{
	LF_AUTO_FREE char *container = lf_backup_container_name(vm_id);
	LF_AUTO_FREE char *name = lf_backup_item_name(vm_id);
	LF_AUTO_FREE char *id = lf_printf_dup("%s" FABRIC "%s/protectableItems/%s", vault->id,
					      container ? container : "", name ? name : "");
	LF_AUTO_DOC properties = LF_DOC_INIT;

	if (!container || !name || !id)
		return lf_fail_nomem(err);
	put_machine(&properties, vm_id, friendly);
	if (lf_backup_is_server(vm_id))
		lf_doc_text(&properties, "backupManagementType", "MAB");
	lf_doc_text(&properties, "protectableItemType", "Microsoft.Compute/virtualMachines");
	lf_doc_text(&properties, "workloadType", "VM");
	lf_doc_text(&properties, "protectionState", "NotProtected");
	return lf_document_wrap(id, CONTAINER_TYPE "/protectableItems", lf_doc_take(&properties),
				ret_view, err);
}

/* A list of what could be protected, while it is made. */
struct protectable {
	struct lf_resource vault;
	struct lf_resource_list items; /* of all vaults */
	struct lf_filter *filter;
	json_t *values;
};

static void protectable_done(struct protectable *list)
{
	lf_resource_done(&list->vault);
	lf_resource_list_done(&list->items);
	lf_filter_free(&list->filter);
	json_decref(list->values);
}

static const struct lf_filter_row protectable_filter[] = {
	{"backupManagementType", "properties.backupManagementType"},
	{"friendlyName", "properties.friendlyName"},
	{"status", "properties.protectionState"},
	{"itemType", "properties.workloadType"},
};

static int add_protectable(struct protectable *list, const char *vm_id, const char *friendly,
			   struct lf_error *err)
{
	LF_AUTO_JSON *view = NULL;

	if (is_protected(&list->items, vm_id))
		return 0;
	int rc = view_protectable(&list->vault, vm_id, friendly, &view, err);
	if (!rc && lf_filter_passes(list->filter, view) && json_array_append(list->values, view))
		rc = lf_fail_nomem(err);
	return rc;
}

/* Virtual machines where the vault is. */
static int add_vms(struct lf_catalog *catalog, struct protectable *list, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_VM_TYPE};
	LF_AUTO_RESOURCE_LIST vms = {0};
	const char *here = lf_json_text(list->vault.doc, "location");
	int rc = lf_catalog_list(catalog, &query, &vms, err);

	for (size_t i = 0; !rc && i < vms.n; i++) {
		const char *id = vms.items[i].id;
		if (lf_location_equal(lf_json_text(vms.items[i].doc, "location"), here))
			rc = add_protectable(list, id, lf_arm_id_last(id), err);
	}
	return rc;
}

/* Machines with an agent: whatever region keeps their points. */
static int add_servers(struct lf_context *context, struct protectable *list, struct lf_error *err)
{
	LF_AUTO_JSON *servers = NULL;
	const json_t *server;
	size_t i;
	int rc = lf_backup_server_list(context, &servers, err);

	json_array_foreach (servers, i, server)
		if (!rc)
			rc = add_protectable(list, lf_json_text_or(server, "id", ""),
					     lf_json_text_or(server, "name", ""), err);
	return rc;
}

int lf_backup_protectable_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_CLEANUP(protectable_done) struct protectable list = {.values = json_array()};
	const struct lf_list_query query = {.type = LF_BACKUP_ITEM_TYPE};

	int rc = lf_backup_vault(call, &list.vault, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), protectable_filter,
				   LF_N(protectable_filter), &list.filter, err);
	if (!rc)
		rc = lf_catalog_list(context->catalog, &query, &list.items, err);
	if (!rc)
		rc = add_vms(context->catalog, &list, err);
	if (!rc)
		rc = add_servers(context, &list, err);
	return rc ? rc : lf_page_reply(call, list.values, err);
}

static int reply_protected(struct lf_arm_call *call, const struct lf_resource *item, const char *vm,
			   struct lf_error *err)
{
	LF_AUTO_FREE char *vault = lf_backup_vault_id(item->id);
	LF_AUTO_FREE char *container = lf_backup_container_name(vm);
	LF_AUTO_DOC body = LF_DOC_INIT;

	lf_doc_text(&body, "protectionStatus", "Protected");
	lf_doc_text(&body, "vaultId", vault);
	lf_doc_text(&body, "fabricName", "Azure");
	lf_doc_text(&body, "containerName", container);
	lf_doc_text(&body, "protectedItemName", lf_arm_id_last(item->id));
	lf_doc_text(&body, "policyName", lf_json_text_or(item->doc, "properties.policyName", ""));
	return lf_arm_reply_doc(call, 200, &body, err);
}

/* Is the machine protected, and where? */
int lf_backup_status(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_BACKUP_ITEM_TYPE};
	const char *vm = lf_json_text_or(lf_arm_body(call), "resourceId", "");
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		const struct lf_resource *item = &list.items[i];
		if (!lf_arm_id_equal(lf_json_text_or(item->state, "vm", ""), vm))
			continue;
		return reply_protected(call, item, vm, err);
	}
	LF_AUTO_JSON *body = json_pack("{s:s}", "protectionStatus", "NotProtected");
	return rc ? rc : lf_arm_reply(call, 200, body, err);
}

int lf_backup_validate_feature(struct lf_arm_call *call, struct lf_error *err)
{
	bool vm = lf_text_equal_nocase(lf_json_text_or(lf_arm_body(call), "featureType", ""),
				       "AzureVMResourceBackup");
	LF_AUTO_JSON *body = json_pack("{s:s}", "supportStatus", vm ? "Supported" : "NotSupported");

	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

int lf_backup_prevalidate(struct lf_arm_call *call, struct lf_error *err)
{
	const char *vm_id = lf_json_text_or(lf_arm_body(call), "resourceId", "");
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *container = lf_backup_container_name(vm_id);
	LF_AUTO_FREE char *item = lf_backup_item_name(vm_id);

	LF_AUTO_DOC body = LF_DOC_INIT;
	bool there;
	int rc = lf_catalog_find(lf_arm_context(call)->catalog, vm_id, &vm, &there, err);
	if (rc)
		return rc;
	lf_doc_text(&body, "status", there ? "Succeeded" : "Failed");
	lf_doc_text(&body, "errorCode", there ? "" : "UserErrorVmNotFound");
	lf_doc_text(&body, "errorMessage", there ? "" : "The virtual machine was not found.");
	lf_doc_text(&body, "recommendation", there ? "" : "Name a virtual machine that is there.");
	lf_doc_text(&body, "containerName", container);
	lf_doc_text(&body, "protectedItemName", item);
	return lf_arm_reply_doc(call, 200, &body, err);
}

/* How much is protected, by kind: "BMSProtectedItemCountAggregate", "…Container…". */
int lf_backup_usage(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_filter_row rows[] = {
		{"backupManagementType", "name.value"},
		{"type", "BackupProtectedItemCountSummary", LF_FILTER_FIXED},
	};
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_DOC usage = LF_DOC_INIT;
	LF_AUTO_JSON *own = NULL;
	size_t n = 0;

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), rows, LF_N(rows), &filter, err);
	if (!rc)
		rc = lf_vault_count(lf_arm_context(call)->catalog, vault.id, LF_BACKUP_ITEM_TYPE,
				    &n, err);
	if (rc)
		return rc;
	lf_doc_text(&usage, "unit", "Count");
	lf_doc_null(&usage, "nextResetTime");
	lf_doc_int(&usage, "currentValue", (int64_t)n);
	lf_doc_int(&usage, "limit", -1);
	lf_doc_text(&usage, "name.value", "AzureIaasVM");
	lf_doc_text(&usage, "name.localizedValue", "Azure Virtual Machine");
	rc = lf_doc_end(&usage, &own, err);
	if (!rc && lf_filter_passes(filter, own) && json_array_append(values, own))
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}
