/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order when made: one transaction writes every resource, with the plan as the
 * VM's state; then the host makes what the plan says; then the VM is
 * Succeeded.  After a kill the same call finds the plan and goes on with it,
 * so addresses and names stay what they were.  Order when removed: the host's
 * part first, then every resource in one transaction.
 */
#include "providers/compute/machine.h"

#include "providers/compute/plan.h"

static int check_host(const struct lf_context *context, struct lf_error *err)
{
	return context->compute ? 0
				: lf_fail(err, LF_EUNSUPPORTED, NULL, "this site runs no machines");
}

/* Written when new; one of the same id that is not this machine's is refused. */
static int put_resource(struct lf_context *context, const char *id, const char *type, json_t *doc,
			const char *vm_id, struct lf_error *err)
{
	LF_AUTO_JSON *own = doc;
	LF_AUTO_JSON *state = json_pack("{s:s}", "machine", vm_id);

	if (!own || !state || !id)
		return lf_fail_nomem(err);
	return lf_catalog_put(context->catalog, id, type, LF_PUT_NEW, NULL, own, state, err);
}

static int put_parts(struct lf_context *context, const json_t *machine, const json_t *plan,
		     struct lf_error *err)
{
	const char *vm_id = lf_json_text_or(machine, "id", "");
	int64_t now = lf_clock_now_ns(context->clock);
	json_t *part;
	size_t i;
	int rc = 0;

	json_array_foreach (lf_json_at(machine, "disks"), i, part) {
		LF_AUTO_FREE char *id =
			lf_machine_sibling(vm_id, LF_DISK_TYPE, lf_json_text_or(part, "name", ""));
		rc = put_resource(context, id, LF_DISK_TYPE,
				  lf_machine_disk_doc(machine, part, now), vm_id, err);
		if (rc)
			return rc;
	}
	json_array_foreach (lf_json_at(plan, "nics"), i, part) {
		rc = put_resource(context, lf_json_text(part, "id"), LF_NIC_TYPE,
				  lf_machine_nic_doc(machine, part), vm_id, err);
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

static int note_resources(struct lf_context *context, const json_t *machine, json_t **ret_plan,
			  struct lf_error *err)
{
	LF_AUTO_JSON *plan = NULL;

	int rc = lf_catalog_begin(context->catalog, err);
	if (rc)
		return rc;
	rc = put_all(context, machine, &plan, err);
	if (!rc)
		rc = lf_catalog_commit(context->catalog, err);
	if (rc) {
		lf_catalog_rollback(context->catalog);
		return rc;
	}
	*ret_plan = lf_steal(&plan);
	return 0;
}

static int make_on_host(struct lf_context *context, const json_t *plan, struct lf_error *err)
{
	json_t *network;
	size_t i;

	json_array_foreach (lf_json_at(plan, "networks"), i, network) {
		int rc = lf_compute_network_ensure(context->compute, network, err);
		if (rc)
			return rc;
	}
	return lf_compute_vm_define(context->compute, lf_json_at(plan, "vm"), err);
}

static int note_made(struct lf_context *context, const char *id, struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;

	int rc = lf_catalog_get(context->catalog, id, &vm, err);
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
		rc = make_on_host(context, plan, err);
	return rc ? rc : note_made(context, lf_json_text_or(machine, "id", ""), err);
}

int lf_machine_start(struct lf_context *context, const char *vm_id, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];

	int rc = check_host(context, err);
	if (rc)
		return rc;
	lf_machine_guid(context, vm_id, "vm", guid);
	return lf_compute_vm_start(context->compute, guid, err);
}

int lf_machine_hydrate(struct lf_context *context, const char *vm_id, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];

	int rc = check_host(context, err);
	if (rc)
		return rc;
	lf_machine_guid(context, vm_id, "vm", guid);
	return lf_compute_vm_hydrate(context->compute, guid, err);
}

int lf_machine_state(struct lf_context *context, const char *vm_id, json_t **ret_state,
		     struct lf_error *err)
{
	char guid[LF_GUID_SIZE];

	int rc = check_host(context, err);
	if (rc)
		return rc;
	lf_machine_guid(context, vm_id, "vm", guid);
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
static int delete_parts(struct lf_context *context, const char *type, const char *vm_id,
			struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		if (lf_arm_id_equal(lf_json_text_or(list.items[i].state, "machine", ""), vm_id))
			rc = lf_catalog_delete(context->catalog, list.items[i].id, err);
	return rc;
}

static int delete_resources(struct lf_context *context, const char *vm_id, struct lf_error *err)
{
	int rc = lf_catalog_begin(context->catalog, err);

	if (rc)
		return rc;
	rc = delete_parts(context, LF_DISK_TYPE, vm_id, err);
	if (!rc)
		rc = delete_parts(context, LF_NIC_TYPE, vm_id, err);
	if (!rc)
		rc = lf_catalog_delete_tree(context->catalog, vm_id, err);
	if (!rc)
		rc = lf_catalog_commit(context->catalog, err);
	if (rc)
		lf_catalog_rollback(context->catalog);
	return rc;
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
	lf_machine_guid(context, vm_id, "vm", guid);
	rc = lf_compute_vm_remove(context->compute, guid, false, err);
	if (!rc && known)
		rc = lf_machine_remove_networks(context, lf_json_at(vm.state, "plan"), err);
	return rc ? rc : delete_resources(context, vm_id, err);
}
