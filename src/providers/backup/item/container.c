/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers and what could be protected: both are views of machines and items, so refreshing them
 * has nothing to do.  And what clients ask before they protect or restore.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/item/server.h"
#include "providers/backup/job/jobs.h"
#include "providers/common/filter.h"
#include "providers/compute/plan.h"

#define FABRIC "/backupFabrics/Azure/protectionContainers/"

static json_t *container_view(const struct lf_resource *vault, const char *vm_id)
{
	LF_AUTO_FREE char *name = lf_backup_container_name(vm_id);
	LF_AUTO_FREE char *id = lf_printf_dup("%s" FABRIC "%s", vault->id, name ? name : "");
	char group[128] = "";
	struct lf_error ignored;

	lf_arm_id_segment(vm_id, "resourceGroups", group, sizeof(group));
	json_t *doc = json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "properties",
				"friendlyName", lf_arm_id_last(vm_id), "backupManagementType",
				"AzureIaasVM", "registrationStatus", "Registered", "healthStatus",
				"Healthy", "containerType", "Microsoft.Compute/virtualMachines",
				"virtualMachineId", vm_id, "virtualMachineVersion", "Compute",
				"resourceGroup", group);
	if (id && doc &&
	    !lf_arm_envelope(doc, id, LF_VAULT_TYPE "/backupFabrics/protectionContainers",
			     &ignored))
		return doc;
	json_decref(doc);
	return NULL;
}

static json_t *filter_fields(const char *vm_id, const char *kind)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "backupManagementType", "AzureIaasVM",
			 "friendlyName", lf_arm_id_last(vm_id), "status", kind, "itemType", "VM");
}

int lf_backup_container_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();

	int rc = lf_backup_vault(call, &vault, err);
	const struct lf_list_query query = {.type = LF_BACKUP_ITEM_TYPE, .below = vault.id};
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), &filter, err);
	if (!rc)
		rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		const char *vm = lf_json_text_or(list.items[i].state, "vm", "");
		LF_AUTO_JSON *fields = filter_fields(vm, "Registered");
		if (lf_filter_matches(filter, fields) &&
		    json_array_append_new(values, container_view(&vault, vm)))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_backup_reply_list(call, values, err);
}

int lf_backup_container_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_backup_vault(call, &vault, err);
	const struct lf_list_query query = {.type = LF_BACKUP_ITEM_TYPE, .below = vault.id};
	if (!rc)
		rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		const char *vm = lf_json_text_or(list.items[i].state, "vm", "");
		LF_AUTO_FREE char *name = lf_backup_container_name(vm);
		if (!name || !lf_text_equal_nocase(name, lf_arm_param(call, "container")))
			continue;
		LF_AUTO_JSON *view = container_view(&vault, vm);
		return view ? lf_arm_reply(call, 200, view, err) : lf_fail_nomem(err);
	}
	return rc ? rc
		  : lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorContainerObjectNotFound",
				lf_arm_param(call, "container"),
				"a container is there once its machine is protected",
				"the vault has no container '%.200s'",
				lf_arm_param(call, "container"));
}

/* Machines need no registration: their container comes with the item. */
int lf_backup_container_put(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "BMSUserErrorContainerTypeNotSupported",
			   lf_arm_param(call, "container"),
			   "protect the machine: PUT its protected item",
			   "virtual machines are not registered before they are protected");
}

int lf_backup_containers_refresh(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	char job[LF_GUID_SIZE];

	int rc = lf_backup_vault(call, &vault, err);
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

static bool is_protected(const struct lf_resource_list *items, const char *vm_id)
{
	for (size_t i = 0; i < items->n; i++)
		if (lf_arm_id_equal(lf_json_text_or(items->items[i].state, "vm", ""), vm_id))
			return true;
	return false;
}

static json_t *protectable_view(const struct lf_resource *vault, const char *vm_id,
				const char *friendly)
{
	LF_AUTO_FREE char *container = lf_backup_container_name(vm_id);
	LF_AUTO_FREE char *name = lf_backup_item_name(vm_id);
	LF_AUTO_FREE char *id = lf_printf_dup("%s" FABRIC "%s/protectableItems/%s", vault->id,
					      container ? container : "", name ? name : "");
	struct lf_error ignored;
	char group[128] = "";

	lf_arm_id_segment(vm_id, "resourceGroups", group, sizeof(group));
	json_t *doc = json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "properties",
				"protectableItemType", "Microsoft.Compute/virtualMachines",
				"backupManagementType", "AzureIaasVM", "workloadType", "VM",
				"friendlyName", friendly, "protectionState", "NotProtected",
				"virtualMachineId", vm_id, "virtualMachineVersion", "Compute",
				"resourceGroup", group);
	if (id && doc &&
	    !lf_arm_envelope(doc, id,
			     LF_VAULT_TYPE "/backupFabrics/protectionContainers/protectableItems",
			     &ignored))
		return doc;
	json_decref(doc);
	return NULL;
}

/* Machines with an agent: whatever region keeps their points. */
static int add_servers(struct lf_arm_call *call, const struct lf_resource *vault,
		       const struct lf_resource_list *items, const struct lf_filter *filter,
		       json_t *values, struct lf_error *err)
{
	LF_AUTO_JSON *servers = NULL;
	const json_t *server;
	size_t i;
	int rc = lf_backup_server_list(lf_arm_context(call), &servers, err);

	json_array_foreach (servers, i, server) {
		const char *id = lf_json_text_or(server, "id", "");
		LF_AUTO_JSON *fields = filter_fields(id, "NotProtected");
		if (!rc && !is_protected(items, id) && lf_filter_matches(filter, fields) &&
		    json_array_append_new(
			    values,
			    protectable_view(vault, id, lf_json_text_or(server, "name", ""))))
			rc = lf_fail_nomem(err);
	}
	return rc;
}

int lf_backup_protectable_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_RESOURCE_LIST vms = {0}, items = {0};
	const struct lf_list_query all_vms = {.type = LF_VM_TYPE};
	const struct lf_list_query all_items = {.type = LF_BACKUP_ITEM_TYPE};
	LF_AUTO_JSON *values = json_array();
	char here[64], there[64];

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), &filter, err);
	if (!rc)
		rc = lf_catalog_list(context->catalog, &all_vms, &vms, err);
	if (!rc)
		rc = lf_catalog_list(context->catalog, &all_items, &items, err);
	lf_location_normal(lf_json_text_or(vault.doc, "location", ""), here, sizeof(here));
	for (size_t i = 0; !rc && i < vms.n; i++) {
		LF_AUTO_JSON *fields = filter_fields(vms.items[i].id, "NotProtected");
		lf_location_normal(lf_json_text_or(vms.items[i].doc, "location", ""), there,
				   sizeof(there));
		if (strcmp(here, there) != 0 || is_protected(&items, vms.items[i].id) ||
		    !lf_filter_matches(filter, fields))
			continue;
		if (json_array_append_new(values,
					  protectable_view(&vault, vms.items[i].id,
							   lf_arm_id_last(vms.items[i].id))))
			rc = lf_fail_nomem(err);
	}
	if (!rc)
		rc = add_servers(call, &vault, &items, filter, values, err);
	return rc ? rc : lf_backup_reply_list(call, values, err);
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
		LF_AUTO_FREE char *vault = lf_backup_vault_id(item->id);
		LF_AUTO_FREE char *container = lf_backup_container_name(vm);
		LF_AUTO_JSON *body = json_pack(
			"{s:s, s:s?, s:s, s:s?, s:s, s:s}", "protectionStatus", "Protected",
			"vaultId", vault, "fabricName", "Azure", "containerName", container,
			"protectedItemName", lf_arm_id_last(item->id), "policyName",
			lf_json_text_or(item->doc, "properties.policyName", ""));
		return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
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

	bool there;
	int rc = lf_catalog_find(lf_arm_context(call)->catalog, vm_id, &vm, &there, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *body = json_pack(
		"{s:s, s:s, s:s, s:s, s:s?, s:s?}", "status", there ? "Succeeded" : "Failed",
		"errorCode", there ? "" : "UserErrorVmNotFound", "errorMessage",
		there ? "" : "The virtual machine was not found.", "recommendation",
		there ? "" : "Name a virtual machine that is there.", "containerName", container,
		"protectedItemName", item);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

/* How much is protected, by kind: "BMSProtectedItemCountAggregate", "…Container…". */
int lf_backup_usage(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	size_t n = 0;

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_vault_count(lf_arm_context(call), vault.id, LF_BACKUP_ITEM_TYPE, &n, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *values =
		json_pack("[{s:s, s:n, s:I, s:i, s:{s:s, s:s}}]", "unit", "Count", "nextResetTime",
			  "currentValue", (json_int_t)n, "limit", -1, "name", "value",
			  "AzureIaasVM", "localizedValue", "Azure Virtual Machine");
	return values ? lf_arm_reply_list(call, values, NULL, err) : lf_fail_nomem(err);
}
