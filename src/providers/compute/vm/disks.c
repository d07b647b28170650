/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching and detaching.  First all is noted in the caller's transaction: disks that go are
 * nobody's and know their file, new ones are the machine's, the plan has the disks that are to be.
 * Then the job's step has the host follow the plan, as often as it is run.  A host that cannot (a
 * guest that does not let go of its disk) has the job take the notes back and the host follow them
 * again.  A kill leaves a plan that the host has not followed yet: the job goes on.
 */
#include "providers/compute/vm/disks.h"

#include <string.h>

#include "providers/common/document.h"
#include "providers/compute/attach.h"
#include "providers/compute/compute.h"
#include "providers/compute/ids.h"
#include "providers/compute/machine.h"
#include "providers/compute/machine_doc.h"
#include "providers/compute/vm/body.h"
#include "providers/compute/vm/placement.h"

#define ROWS LF_VM_STORAGE ".dataDisks"
#define PLAN "plan.vm.disks"
#define LUNS 64
#define GIB  ((int64_t)1 << 30)

static int fail_row(const char *hint, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", ROWS, hint, "%s", what);
}

static json_t *find_lun(const json_t *rows, int64_t lun)
{
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)rows, i, row)
		if (lf_json_int_or(row, "lun", -1) == lun)
			return row;
	return NULL;
}

/* The row of wanted that keeps what is attached; NULL: it goes. */
static json_t *find_kept(const json_t *wanted, const json_t *row)
{
	json_t *same = find_lun(wanted, lf_json_int_or(row, "lun", -1));
	const char *id = lf_json_text(same, "managedDisk.id");

	if (!same || lf_json_bool_or(same, "toBeDetached", false))
		return NULL;
	return !id || lf_arm_id_equal(id, lf_json_text_or(row, "managedDisk.id", "")) ? same : NULL;
}

/* Every disk has its place in the machine by number, before one of them goes. */
static int number_plan(json_t *plan)
{
	int failed = 0;
	json_t *row;
	size_t i;

	json_array_foreach (plan, i, row)
		if (!lf_json_int_or(row, "slot", 0))
			failed |= lf_json_set_int(row, "slot", (int64_t)i + 1);
	return failed;
}

/* One that neither the machine nor what it was before has. */
static int64_t free_slot(const json_t *plan, const json_t *before)
{
	for (int64_t slot = 2;; slot++) {
		const json_t *row;
		bool taken = false;
		size_t i;
		json_array_foreach (plan, i, row)
			taken |= lf_json_int_or(row, "slot", 0) == slot;
		json_array_foreach (before, i, row)
			taken |= lf_json_int_or(row, "slot", 0) == slot;
		if (!taken)
			return slot;
	}
}

static int detach(struct lf_context *context, const struct lf_resource *vm, const json_t *row,
		  json_t *plan, struct lf_error *err)
{
	const char *id = lf_json_text_or(row, "managedDisk.id", "");
	int64_t lun = lf_json_int_or(row, "lun", -1);
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	LF_AUTO_VM_STATE state = {0};
	size_t i;

	int rc = lf_machine_state(context, vm->id, &state, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, id, &disk, err);
	if (rc)
		return rc;
	const struct lf_vm_disk_state *file = lf_vm_state_disk(&state, lun);
	if (file && !file->hydrated)
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", id,
				   "let the machine run until its disks are copied",
				   "disk %s still reads from a recovery point", lf_arm_id_last(id));
	if (file && lf_json_set_text(disk.state, "path", file->path))
		return lf_fail_nomem(err);
	json_object_del(disk.state, "lun");
	json_array_foreach (plan, i, row)
		if (lf_json_int_or(row, "lun", -1) == lun) {
			json_array_remove(plan, i);
			break;
		}
	return lf_part_detach(context, &disk, err);
}

/* A new disk, empty, beside the machine. */
static int make_disk(struct lf_context *context, const struct lf_resource *vm, const json_t *row,
		     char **ret_id, struct lf_error *err)
{
	int64_t gib = lf_json_int_or(row, "diskSizeGB", 0);
	const char *sku =
		lf_json_text_or(row, "managedDisk.storageAccountType", LF_DISK_SKU_DEFAULT);
	LF_AUTO_FREE char *name =
		lf_json_text(row, "name")
			? strdup(lf_json_text(row, "name"))
			: lf_printf_dup("%s_DataDisk_%lld", lf_arm_id_last(vm->id),
					(long long)lf_json_int_or(row, "lun", 0));
	LF_AUTO_FREE char *id = name ? lf_machine_sibling(vm->id, LF_DISK_TYPE, name) : NULL;
	LF_AUTO_DOC made = LF_DOC_INIT;
	LF_AUTO_JSON *disk = NULL, *machine = NULL;

	if (!id)
		return lf_fail_nomem(err);
	if (!gib)
		return fail_row("give diskSizeGB", "an empty disk needs a size", err);
	int rc = lf_disk_sku_check(sku, ROWS ".managedDisk.storageAccountType", &sku, err);
	if (rc)
		return rc;
	lf_doc_int(&made, "lun", 0);
	lf_doc_int(&made, "sizeBytes", gib * GIB);
	lf_doc_text(&made, "sku", sku);
	lf_doc_text(&made, "source.kind", "empty");
	machine = json_pack("{s:s, s:O*}", "location", lf_json_text_or(vm->doc, "location", ""),
			    "zones", lf_json_at(vm->doc, "zones"));
	rc = machine ? lf_doc_end(&made, &disk, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_disk_make(context, id, machine, disk, err);
	if (!rc)
		*ret_id = lf_steal(&id);
	return rc;
}

/* What the machine's document and plan say of a disk that it gets. */
static int note_attached(const struct lf_resource *vm, const struct lf_resource *disk,
			 const json_t *row, const json_t *source, json_t *plan, json_t *rows,
			 const json_t *before, struct lf_error *err)
{
	const char *machine_id = vm->id;
	LF_AUTO_DOC made = LF_DOC_INIT;
	LF_AUTO_JSON *made_doc = NULL;
	LF_AUTO_JSON *machine = json_pack("{s:s}", "id", machine_id);
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	lf_doc_int(&made, "lun", lf_json_int_or(row, "lun", 0));
	lf_doc_text(&made, "id", disk->id);
	lf_doc_text(&made, "name", lf_arm_id_last(disk->id));
	lf_doc_int(&made, "sizeBytes", lf_json_int_or(disk->doc, "properties.diskSizeBytes", 0));
	lf_doc_share(&made, "source", source);
	lf_doc_int(&made, "slot", free_slot(plan, before));
	if (strcmp(lf_json_text_or(source, "kind", ""), "file") != 0)
		lf_doc_text(&made, "file", guid);
	lf_doc_text(&made, "sku", lf_json_text_or(disk->doc, "sku.name", LF_DISK_SKU_DEFAULT));
	lf_doc_text_if(&made, "caching", lf_json_text(row, "caching"));
	lf_doc_text_if(&made, "deleteOption", lf_json_text(row, "deleteOption"));
	lf_doc_text_if(&made, "createOption", lf_json_text(row, "createOption"));
	int rc = machine ? lf_doc_end(&made, &made_doc, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	return json_array_append(plan, made_doc) ||
			       json_array_append_new(rows, lf_machine_disk_view(machine, made_doc))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int attach(struct lf_context *context, const struct lf_resource *vm, const json_t *row,
		  json_t *plan, json_t *rows, const json_t *before, struct lf_error *err)
{
	const char *id = lf_json_text(row, "managedDisk.id");
	const char *host = lf_json_text_or(vm->state, "plan.vm.guid", "");
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	LF_AUTO_JSON *source = NULL;
	LF_AUTO_FREE char *made = NULL;
	int rc = 0;

	if (!id) {
		if (!lf_text_equal_nocase(lf_json_text_or(row, "createOption", ""), "Empty"))
			return fail_row("give managedDisk.id, or createOption Empty and diskSizeGB",
					"a data disk is none that is there", err);
		rc = make_disk(context, vm, row, &made, err);
		id = made;
	}
	if (!rc)
		rc = lf_arm_id_check(id, LF_DISK_TYPE, ROWS ".managedDisk.id", err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, id, &disk, err);
	if (rc == LF_ENOTFOUND)
		return fail_row("make it first", "the disk is not there", err);
	if (!rc && strcmp(lf_json_text_or(disk.doc, "location", ""),
			  lf_json_text_or(vm->doc, "location", "")) != 0)
		return fail_row("make a disk in the machine's location",
				"the disk is in another location", err);
	if (!rc && lf_json_text(disk.state, "machine"))
		return lf_fail_arm(err, LF_ECONFLICT, "AttachDiskWhileBeingDetached", id,
				   "detach it first, or use another disk",
				   "disk %s is attached to VM %s", lf_arm_id_last(id),
				   lf_json_text(disk.state, "machine"));
	if (!rc)
		rc = lf_disk_find_source(context, &disk, &source, err);
	if (!rc)
		rc = note_attached(vm, &disk, row, source, plan, rows, before, err);
	return rc ? rc
		  : lf_disk_attach(context->catalog, disk.id, vm->id, host,
				   lf_json_int_or(row, "lun", 0), source, err);
}

static int check_luns(const json_t *wanted, struct lf_error *err)
{
	bool taken[LUNS] = {false};
	const json_t *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)wanted, i, row) {
		int64_t lun = lf_json_int_or(row, "lun", -1);
		if (lun < 0 || lun >= LUNS || taken[lun])
			return fail_row("give each data disk a LUN of its own, 0 to 63",
					"a data disk has no LUN of its own", err);
		taken[lun] = true;
	}
	return 0;
}

/* What can be said of a disk that stays. */
static int keep_row(json_t *row, const json_t *wanted, json_t *rows)
{
	static const char *const names[] = {"caching", "deleteOption"};
	int failed = 0;

	for (size_t i = 0; i < LF_N(names); i++)
		if (lf_json_text(wanted, names[i]))
			failed |= lf_json_set_text(row, names[i], lf_json_text(wanted, names[i]));
	return failed | json_array_append(rows, row);
}

static int submit(struct lf_context *context, struct lf_resource *vm, const json_t *before_plan,
		  const json_t *before_rows, struct lf_error *err)
{
	char subscription[128] = "", job[LF_GUID_SIZE];

	lf_arm_id_segment(vm->id, "subscriptions", subscription, sizeof(subscription));
	LF_AUTO_FREE char *scope = lf_printf_dup("/subscriptions/%s", subscription);
	const struct lf_job_request request = {
		.type = lf_vm_disks_job.name, .scope = scope, .resource = vm->id};
	if (!scope || lf_json_set(vm->state, "change.disks", json_deep_copy(before_plan)) ||
	    lf_json_set(vm->state, "change.rows", json_deep_copy(before_rows)) ||
	    lf_json_set_text(vm->doc, "properties.provisioningState", "Updating"))
		return lf_fail_nomem(err);
	int rc = lf_jobs_submit(context->jobs, &request, job, err);
	if (!rc && lf_json_set_text(vm->state, "change.job", job))
		rc = lf_fail_nomem(err);
	return rc;
}

int lf_vm_disks_change(struct lf_context *context, struct lf_resource *vm, const json_t *wanted,
		       bool *ret_changed, struct lf_error *err)
{
	LF_AUTO_JSON *plan = json_deep_copy(lf_json_at(vm->state, PLAN));
	LF_AUTO_JSON *had = json_deep_copy(lf_json_at(vm->doc, ROWS));
	LF_AUTO_JSON *rows = json_array();
	json_t *row;
	size_t i;

	*ret_changed = false;
	int rc = check_luns(wanted, err);
	if (!rc && (!plan || !rows || number_plan(plan)))
		rc = lf_fail_nomem(err);
	LF_AUTO_JSON *before = json_deep_copy(plan);
	json_array_foreach (had, i, row) {
		const json_t *kept = find_kept(wanted, row);
		if (!rc && kept)
			rc = keep_row(row, kept, rows) ? lf_fail_nomem(err) : 0;
		else if (!rc && (*ret_changed = true))
			rc = detach(context, vm, row, plan, err);
	}
	json_array_foreach ((json_t *)(uintptr_t)wanted, i, row) {
		if (rc)
			break;
		if (find_lun(rows, lf_json_int_or(row, "lun", -1)) ||
		    lf_json_bool_or(row, "toBeDetached", false))
			continue;
		*ret_changed = true;
		rc = attach(context, vm, row, plan, rows, before, err);
	}
	if (rc)
		return rc;
	LF_AUTO_JSON *was = json_deep_copy(lf_json_at(vm->doc, ROWS));
	if (lf_json_set(vm->doc, ROWS, json_incref(rows)))
		return lf_fail_nomem(err);
	if (!*ret_changed)
		return 0;
	if (lf_json_set(vm->state, PLAN, json_incref(plan)))
		return lf_fail_nomem(err);
	return submit(context, vm, before, was, err);
}

/* The host follows the plan. */
static int follow(struct lf_context *context, const struct lf_resource *vm, struct lf_error *err)
{
	struct lf_vm_spec spec;
	int rc = lf_vm_spec_read(lf_json_at(vm->state, "plan.vm"), &spec, err);

	if (!rc)
		rc = lf_compute_vm_change(context->compute, &spec, err);
	if (!rc)
		rc = lf_disks_settle(context, vm->id, err);
	return rc ? rc : lf_machine_hydrate(context, vm->id, err);
}

static int note_over(struct lf_catalog *catalog, struct lf_resource *vm, struct lf_error *err)
{
	json_object_del(vm->state, "change");
	if (lf_json_set_text(vm->doc, "properties.provisioningState", "Succeeded"))
		return lf_fail_nomem(err);
	return lf_catalog_put(catalog, vm->id, LF_VM_TYPE, LF_PUT_EXISTING, NULL, vm->doc,
			      vm->state, err);
}

static int run_change(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(context->catalog, lf_job_run_job(run)->resource, &vm, err);

	if (!rc)
		rc = follow(context, &vm, err);
	return rc ? rc : note_over(context->catalog, &vm, err);
}

/* Disks are nobody's again. */
static int let_go(struct lf_context *context, const struct lf_resource *vm,
		  struct lf_resource *disk, struct lf_error *err)
{
	(void)vm;
	/* it has its file as little as before: what it was to be made of is there still */
	if (lf_json_at(disk->state, "source")) {
		json_object_del(disk->state, "machine");
		json_object_del(disk->state, "host");
		json_object_del(disk->state, "lun");
	}
	if (lf_json_set_text(disk->doc, "properties.diskState", "Unattached"))
		return lf_fail_nomem(err);
	return lf_part_detach(context, disk, err);
}

/* Disks are the machine's again, where they lie. */
static int take_again(struct lf_context *context, const struct lf_resource *vm,
		      struct lf_resource *disk, struct lf_error *err)
{
	if (lf_json_set_text(disk->state, "machine", vm->id) ||
	    lf_json_set_text(disk->doc, "managedBy", vm->id) ||
	    lf_json_set_text(disk->doc, "properties.diskState", "Attached"))
		return lf_fail_nomem(err);
	return lf_catalog_put(context->catalog, disk->id, LF_DISK_TYPE, LF_PUT_EXISTING, NULL,
			      disk->doc, disk->state, err);
}

/* Each disk of the rows that others does not have. */
static int each_left_over(struct lf_context *context, const struct lf_resource *vm,
			  const json_t *rows, const json_t *others,
			  int (*fn)(struct lf_context *context, const struct lf_resource *vm,
				    struct lf_resource *disk, struct lf_error *err),
			  struct lf_error *err)
{
	const json_t *row;
	size_t i;
	int rc = 0;

	json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
		LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
		if (rc || find_kept(others, row))
			continue;
		rc = lf_catalog_get(context->catalog, lf_json_text_or(row, "managedDisk.id", ""),
				    &disk, err);
		if (!rc)
			rc = fn(context, vm, &disk, err);
	}
	return rc;
}

static int undo_change(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	int rc = lf_transaction_begin(&tx, context->catalog, err);

	if (!rc)
		rc = lf_catalog_get(context->catalog, lf_job_run_job(run)->resource, &vm, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	LF_AUTO_JSON *change = json_incref(lf_json_at(vm.state, "change"));
	if (change) {
		json_t *was = lf_json_at(change, "rows"), *is = lf_json_at(vm.doc, ROWS);
		rc = each_left_over(context, &vm, is, was, let_go, err);
		if (!rc)
			rc = each_left_over(context, &vm, was, is, take_again, err);
		if (!rc && (lf_json_set(vm.state, PLAN, json_incref(lf_json_at(change, "disks"))) ||
			    lf_json_set(vm.doc, ROWS, json_incref(was))))
			rc = lf_fail_nomem(err);
		if (!rc)
			rc = note_over(context->catalog, &vm, err);
	}
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	return rc ? rc : follow(context, &vm, err);
}

static const struct lf_job_step steps[] = {
	{"ChangeDisks", "Change the machine's data disks", run_change, undo_change},
};
const struct lf_job_type lf_vm_disks_job = {
	.name = "compute.changeDisks", .steps = steps, .n_steps = LF_N(steps)};
