/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other disks under a machine.  The VM's state keeps what it had, "exchange": {"key", "before": the
 * host's GUID, "disks": of the plan, "profile": of the document}, so that it can be taken back.
 */
#include "arm/arm.h"
#include "providers/compute/attach.h"
#include "providers/compute/machine.h"
#include "providers/compute/make.h"
#include "providers/compute/machine_doc.h"
#include "providers/compute/plan.h"

/* The exchange in the catalog: the plan, the VM, disks old and new.  The transaction is open. */
static int note_exchange(struct lf_context *context, struct lf_resource *vm, const char *key,
			 const json_t *disks, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_DISK_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *machine = json_deep_copy(lf_json_at(vm->state, "machine"));
	struct lf_vm_spec spec;
	json_t *disk;
	size_t i;

	int rc = lf_vm_spec_read(lf_json_at(vm->state, "plan.vm"), &spec, err);
	if (!rc)
		rc = lf_vm_disks_read(disks, &spec, err);
	if (rc)
		return rc;
	lf_guid_random(spec.guid);
	if (!machine || lf_json_set(machine, "disks", json_deep_copy(disks)) ||
	    lf_json_set_text(vm->state, "exchange.key", key) ||
	    lf_json_set_text(vm->state, "exchange.before",
			     lf_json_text_or(vm->state, "plan.vm.guid", "")) ||
	    lf_json_set(vm->state, "exchange.disks",
			json_deep_copy(lf_json_at(vm->state, "plan.vm.disks"))) ||
	    lf_json_set(vm->state, "exchange.profile",
			json_deep_copy(lf_json_at(vm->doc, "properties.storageProfile"))) ||
	    lf_json_set(vm->state, "plan.vm", lf_vm_spec_doc(&spec)) ||
	    lf_json_set(vm->doc, "properties.storageProfile", lf_machine_storage_profile(machine)))
		return lf_fail_nomem(err);
	rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (i = 0; !rc && i < list.n; i++)
		if (lf_arm_id_equal(lf_json_text_or(list.items[i].doc, "managedBy", ""), vm->id))
			rc = lf_part_detach(context, &list.items[i], err);
	if (rc)
		return rc;
	json_array_foreach (disks, i, disk) {
		rc = lf_machine_put_disk(context, machine, spec.guid, disk, err);
		if (rc)
			return rc;
	}
	return lf_catalog_put(context->catalog, vm->id, LF_VM_TYPE, LF_PUT_EXISTING, NULL, vm->doc,
			      vm->state, err);
}

int lf_machine_exchange_disks(struct lf_context *context, const char *vm_id, const char *key,
			      const json_t *disks, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;

	int rc = lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, vm_id, &vm, err);
	if (!rc && strcmp(lf_json_text_or(vm.state, "exchange.key", ""), key) != 0)
		rc = note_exchange(context, &vm, key, disks, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (rc)
		return rc;
	/* the domain goes, its disks stay: they are resources without a machine now */
	rc = lf_compute_vm_remove(context->compute,
				  lf_json_text_or(vm.state, "exchange.before", ""), true, err);
	if (!rc)
		rc = lf_machine_make_on_host(context, lf_json_at(vm.state, "plan"), err);
	return rc ? rc : lf_disks_settle(context, vm_id, err);
}

/* The id of each disk of a storage profile is the machine's again, where it lies. */
static int attach_again(struct lf_catalog *catalog, const struct lf_resource *vm,
			const json_t *profile, struct lf_error *err)
{
	LF_AUTO_JSON *file = lf_vm_source_doc(&(struct lf_vm_source){.kind = LF_VM_SOURCE_FILE});
	const json_t *row;
	size_t i;

	int rc = lf_disk_attach(catalog, lf_json_text_or(profile, "osDisk.managedDisk.id", ""),
				vm->id, "", -1, file, err);
	json_array_foreach (lf_json_at(profile, "dataDisks"), i, row)
		if (!rc)
			rc = lf_disk_attach(catalog, lf_json_text_or(row, "managedDisk.id", ""),
					    vm->id, "", lf_json_int_or(row, "lun", 0), file, err);
	return rc;
}

/* The transaction is open. */
static int note_back(struct lf_catalog *catalog, struct lf_resource *vm, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_DISK_TYPE};
	LF_AUTO_JSON *exchange = json_incref(lf_json_at(vm->state, "exchange"));
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		if (lf_arm_id_equal(lf_json_text_or(list.items[i].doc, "managedBy", ""), vm->id))
			rc = lf_catalog_delete_tree(catalog, list.items[i].id, err);
	if (!rc)
		rc = attach_again(catalog, vm, lf_json_at(exchange, "profile"), err);
	json_object_del(vm->state, "exchange");
	if (!rc &&
	    (lf_json_set(vm->state, "plan.vm.disks",
			 json_deep_copy(lf_json_at(exchange, "disks"))) ||
	     lf_json_set_text(vm->state, "plan.vm.guid", lf_json_text_or(exchange, "before", "")) ||
	     lf_json_set(vm->doc, "properties.storageProfile",
			 json_deep_copy(lf_json_at(exchange, "profile")))))
		rc = lf_fail_nomem(err);
	return rc ? rc
		  : lf_catalog_put(catalog, vm->id, LF_VM_TYPE, LF_PUT_EXISTING, NULL, vm->doc,
				   vm->state, err);
}

int lf_machine_exchange_back(struct lf_context *context, const char *vm_id, const char *key,
			     struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	bool there = false;

	int rc = lf_catalog_find(context->catalog, vm_id, &vm, &there, err);
	if (rc || !there)
		return rc;
	if (strcmp(lf_json_text_or(vm.state, "exchange.key", ""), key) == 0) {
		/* what was made of it goes first: after the commit nothing names it any more */
		rc = lf_compute_vm_remove(context->compute,
					  lf_json_text_or(vm.state, "plan.vm.guid", ""), false,
					  err);
		if (!rc)
			rc = lf_transaction_begin(&tx, context->catalog, err);
		if (!rc)
			rc = note_back(context->catalog, &vm, err);
		if (!rc)
			rc = lf_transaction_commit(&tx, err);
		if (rc)
			return rc;
	}
	return lf_machine_make_on_host(context, lf_json_at(vm.state, "plan"), err);
}
