/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine that is deleted leaves: disks (unless their deleteOption says otherwise) and
 * interfaces, as resources without a machine.  The host's part goes first, and keeps the directory
 * in which disks that stay lie; then lf_document_remove() has the parts detached, and the machine's
 * row deleted, in one transaction.
 */
#include "providers/authorization/authorization.h"
#include "providers/compute/attach.h"
#include "providers/compute/compute.h"
#include "providers/compute/ids.h"
#include "providers/compute/machine.h"
#include "providers/network/network.h"

static bool is_deleted_with_vm(const void *doc, const char *disk_id)
{
	const json_t *profile = lf_json_at(doc, "properties.storageProfile");
	const json_t *found = NULL;
	json_t *disk;
	size_t i;

	if (lf_arm_id_equal(lf_json_text_or(profile, "osDisk.managedDisk.id", ""), disk_id))
		found = lf_json_at(profile, "osDisk");
	json_array_foreach (lf_json_at(profile, "dataDisks"), i, disk)
		if (lf_arm_id_equal(lf_json_text_or(disk, "managedDisk.id", ""), disk_id))
			found = disk;
	return lf_text_equal_nocase(lf_json_text_or(found, "deleteOption", "Detach"), "Delete");
}

/* Disks that are deleted with the VM, or stay; interfaces always stay. */
static int leave_parts(struct lf_context *context, const struct lf_resource *vm, const char *type,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		struct lf_resource *part = &list.items[i];
		if (!lf_arm_id_equal(lf_json_text_or(part->state, "machine", ""), vm->id))
			continue;
		rc = is_deleted_with_vm(vm->doc, part->id)
			     ? lf_catalog_delete_tree(context->catalog, part->id, err)
			     : lf_part_detach(context, part, err);
	}
	return rc;
}

int lf_vm_check_locks(struct lf_context *context, const char *vm_id, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_DISK_TYPE};
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST list = {0};
	bool there = false;

	int rc = lf_catalog_find(context->catalog, vm_id, &vm, &there, err);
	if (!rc && there)
		rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		const struct lf_resource *disk = &list.items[i];
		if (lf_arm_id_equal(lf_json_text_or(disk->state, "machine", ""), vm.id) &&
		    is_deleted_with_vm(vm.doc, disk->id))
			rc = lf_rights_unlocked(context->rights, LF_DISK_TYPE "/delete", disk->id,
						err);
	}
	return rc;
}

int lf_vm_leave_parts(struct lf_context *context, const struct lf_resource *vm,
		      struct lf_error *err)
{
	int rc = leave_parts(context, vm, LF_DISK_TYPE, err);

	return rc ? rc : leave_parts(context, vm, LF_NIC_TYPE, err);
}

int lf_vm_leave_host(struct lf_context *context, const struct lf_resource *vm, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];
	unsigned staying;

	if (!context->compute)
		return 0;
	lf_machine_host_guid(context, vm->id, guid);
	/* disks that stay lie in the machine's directory */
	int rc = lf_disks_of_host(context, guid, is_deleted_with_vm, vm->doc, &staying, err);
	if (!rc)
		rc = lf_compute_vm_remove(context->compute, guid, staying > 0, err);
	return rc ? rc : lf_machine_remove_networks(context, lf_json_at(vm->state, "plan"), err);
}
