/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order when made: one transaction writes every resource, with the plan as the
 * VM's state; then the host makes what the plan says; then the VM is
 * Succeeded.  After a kill the same call finds the plan and goes on with it,
 * so addresses and names stay what they were.  Order when removed: the host's
 * part first, then every resource in one transaction.
 */
#include "providers/compute/machine.h"

#include "arm/arm.h"
#include "providers/compute/attach.h"
#include "providers/compute/make.h"
#include "providers/compute/machine_doc.h"
#include "providers/compute/plan.h"
#include "providers/network/network.h"

static int check_host(const struct lf_context *context, struct lf_error *err)
{
	return context->compute ? 0
				: lf_fail(err, LF_EUNSUPPORTED, NULL, "this site runs no machines");
}

/* Written when new; one of the same id that is not this machine's is refused. */
int lf_machine_put_disk(struct lf_context *context, const json_t *machine, const char *host,
			const json_t *disk, struct lf_error *err)
{
	const char *vm_id = lf_json_text_or(machine, "id", "");
	int64_t lun = lf_json_int_or(disk, "lun", -1);
	LF_AUTO_FREE char *id = lf_machine_disk_id(machine, disk);

	if (!id)
		return lf_fail_nomem(err);
	if (lf_json_text(disk, "id"))
		return lf_disk_attach(context->catalog, id, vm_id, host, lun,
				      lf_json_at(disk, "source"), err);
	LF_AUTO_JSON *doc = lf_machine_disk_doc(machine, disk, lf_clock_now_ns(context->clock));
	LF_AUTO_JSON *state = json_pack("{s:s, s:s, s:I}", "machine", vm_id, "host", host, "lun",
					(json_int_t)lun);
	return doc && state ? lf_catalog_put(context->catalog, id, LF_DISK_TYPE, LF_PUT_NEW, NULL,
					     doc, state, err)
			    : lf_fail_nomem(err);
}

/* An interface that is there becomes the machine's; a new one is written. */
static int put_nic(struct lf_catalog *catalog, const json_t *machine, const json_t *nic,
		   struct lf_error *err)
{
	const char *vm_id = lf_json_text_or(machine, "id", "");
	const char *id = lf_json_text_or(nic, "id", "");
	bool own = lf_json_bool_or(nic, "own", false);
	LF_AUTO_RESOURCE there = LF_RESOURCE_INIT;

	int rc = own ? lf_catalog_get(catalog, id, &there, err) : 0;
	if (!rc && own)
		rc = lf_network_nic_check_free(&there, vm_id, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *doc = own ? json_incref(there.doc) : lf_machine_nic_doc(machine, nic);
	LF_AUTO_JSON *state = own ? json_incref(there.state) : json_object();
	if (!doc || lf_json_set_text(state, "machine", vm_id) ||
	    lf_json_set_text(doc, "properties.virtualMachine.id", vm_id) ||
	    lf_json_set_text(doc, "properties.macAddress", lf_json_text_or(nic, "mac", "")))
		return lf_fail_nomem(err);
	return lf_catalog_put(catalog, id, LF_NIC_TYPE, own ? LF_PUT_EXISTING : LF_PUT_NEW, NULL,
			      doc, state, err);
}

static int put_parts(struct lf_context *context, const json_t *machine, const json_t *plan,
		     struct lf_error *err)
{
	const char *host = lf_json_text_or(plan, "vm.guid", "");
	json_t *part;
	size_t i;

	json_array_foreach (lf_json_at(machine, "disks"), i, part) {
		int rc = lf_machine_put_disk(context, machine, host, part, err);
		if (rc)
			return rc;
	}
	json_array_foreach (lf_json_at(plan, "nics"), i, part) {
		int rc = put_nic(context->catalog, machine, part, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The transaction is open.  *ret_plan: made now, or found. */
static int put_all(struct lf_context *context, const json_t *machine, json_t **ret_plan,
		   struct lf_error *err)
{
	const char *id = lf_json_text_or(machine, "id", "");
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	LF_AUTO_JSON *plan = NULL;

	int rc = lf_catalog_get(context->catalog, id, &before, err);
	if (!rc) {
		if (!json_equal(lf_json_at(before.state, "machine"), machine))
			return lf_fail(err, LF_EEXISTS, id, "another machine is called %s",
				       lf_arm_id_last(id));
		*ret_plan = json_deep_copy(lf_json_at(before.state, "plan"));
		return *ret_plan ? 0 : lf_fail_nomem(err);
	}
	if (rc != LF_ENOTFOUND)
		return rc;
	rc = lf_machine_plan(context, machine, &plan, err);
	if (!rc)
		rc = put_parts(context, machine, plan, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *doc = lf_machine_vm_doc(machine, plan, lf_clock_now_ns(context->clock));
	LF_AUTO_JSON *copy = json_deep_copy(machine);
	LF_AUTO_JSON *state = json_pack("{s:O, s:O}", "machine", copy, "plan", plan);
	if (!doc || !copy || !state)
		return lf_fail_nomem(err);
	rc = lf_catalog_put(context->catalog, id, LF_VM_TYPE, LF_PUT_NEW, NULL, doc, state, err);
	if (!rc)
		*ret_plan = lf_steal(&plan);
	return rc;
}

int lf_machine_note(struct lf_context *context, const json_t *machine, struct lf_error *err)
{
	LF_AUTO_JSON *plan = NULL;
	int rc = check_host(context, err);

	return rc ? rc : put_all(context, machine, &plan, err);
}

static int note_resources(struct lf_context *context, const json_t *machine, json_t **ret_plan,
			  struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_JSON *plan = NULL;

	int rc = lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = put_all(context, machine, &plan, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (rc)
		return rc;
	*ret_plan = lf_steal(&plan);
	return 0;
}

int lf_machine_make_on_host(struct lf_context *context, const json_t *plan, struct lf_error *err)
{
	struct lf_vm_network network;
	struct lf_vm_spec vm;
	const json_t *row;
	size_t i;

	json_array_foreach (lf_json_at(plan, "networks"), i, row) {
		int rc = lf_vm_network_read(row, &network, err);
		if (!rc)
			rc = lf_compute_network_ensure(context->compute, &network, err);
		if (rc)
			return rc;
	}
	int rc = lf_vm_spec_read(lf_json_at(plan, "vm"), &vm, err);
	return rc ? rc : lf_compute_vm_define(context->compute, &vm, err);
}

static int note_made(struct lf_context *context, const char *id, struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;

	int rc = lf_disks_settle(context, id, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, id, &vm, err);
	if (rc ||
	    strcmp(lf_json_text_or(vm.doc, "properties.provisioningState", ""), "Succeeded") == 0)
		return rc;
	if (lf_json_set_text(vm.doc, "properties.provisioningState", "Succeeded"))
		return lf_fail_nomem(err);
	return lf_catalog_put(context->catalog, id, LF_VM_TYPE, LF_PUT_EXISTING, NULL, vm.doc, NULL,
			      err);
}

int lf_machine_make(struct lf_context *context, const json_t *machine, struct lf_error *err)
{
	LF_AUTO_JSON *plan = NULL;

	int rc = check_host(context, err);
	if (!rc)
		rc = note_resources(context, machine, &plan, err);
	if (!rc)
		rc = lf_machine_make_on_host(context, plan, err);
	return rc ? rc : note_made(context, lf_json_text_or(machine, "id", ""), err);
}

int lf_machine_start(struct lf_context *context, const char *vm_id, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];

	int rc = check_host(context, err);
	if (rc)
		return rc;
	lf_machine_host_guid(context, vm_id, guid);
	return lf_compute_vm_start(context->compute, guid, err);
}

int lf_machine_hydrate(struct lf_context *context, const char *vm_id, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];

	int rc = check_host(context, err);
	if (rc)
		return rc;
	lf_machine_host_guid(context, vm_id, guid);
	return lf_compute_vm_hydrate(context->compute, guid, err);
}

int lf_machine_state(struct lf_context *context, const char *vm_id, struct lf_vm_state *ret_state,
		     struct lf_error *err)
{
	char guid[LF_GUID_SIZE];

	int rc = check_host(context, err);
	if (rc)
		return rc;
	lf_machine_host_guid(context, vm_id, guid);
	return lf_compute_vm_state(context->compute, guid, ret_state, err);
}

int lf_machine_remove_networks(struct lf_context *context, const json_t *plan, struct lf_error *err)
{
	json_t *network;
	size_t i;

	json_array_foreach (lf_json_at(plan, "networks"), i, network) {
		int rc = lf_compute_network_remove(context->compute,
						   lf_json_text_or(network, "guid", ""), err);
		if (rc && rc != LF_ECONFLICT)
			return rc;
	}
	return 0;
}

/* Those of type whose state names the machine; others of the same name are not ours to delete. */
static int delete_parts(struct lf_catalog *catalog, const char *type, const char *vm_id,
			struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		if (lf_arm_id_equal(lf_json_text_or(list.items[i].state, "machine", ""), vm_id))
			rc = lf_catalog_delete_tree(catalog, list.items[i].id, err);
	return rc;
}

static int delete_resources(struct lf_catalog *catalog, const char *vm_id, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	int rc = lf_transaction_begin(&tx, catalog, err);

	if (!rc)
		rc = delete_parts(catalog, LF_DISK_TYPE, vm_id, err);
	if (!rc)
		rc = delete_parts(catalog, LF_NIC_TYPE, vm_id, err);
	if (!rc)
		rc = lf_catalog_delete_tree(catalog, vm_id, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_machine_remove(struct lf_context *context, const char *vm_id, struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	char guid[LF_GUID_SIZE];

	int rc = check_host(context, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, vm_id, &vm, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	bool known = rc == 0;
	lf_machine_host_guid(context, vm_id, guid);
	rc = lf_compute_vm_remove(context->compute, guid, false, err);
	if (!rc && known)
		rc = lf_machine_remove_networks(context, lf_json_at(vm.state, "plan"), err);
	return rc ? rc : delete_resources(context->catalog, vm_id, err);
}
