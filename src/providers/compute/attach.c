/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a disk's bytes are, and who holds on to them: the claim on a point
 * comes before the disk that is made from it and goes after it, so that a kill
 * leaves a claim too many, never one too few.
 */
#include "providers/compute/attach.h"

#include <string.h>

#include "arm/arm.h"
#include "providers/compute/ids.h"
#include "providers/compute/machine_doc.h"
#include "vault/point/point.h"

bool lf_disk_host(const struct lf_context *context, const struct lf_resource *disk,
		  char out[static LF_GUID_SIZE])
{
	const char *machine = lf_json_text(disk->state, "machine");
	const char *host = lf_json_text(disk->state, "host");

	if (host)
		snprintf(out, LF_GUID_SIZE, "%s", host);
	else if (machine) /* written before disks could move */
		lf_machine_guid(context, machine, "vm", out);
	return host || machine;
}

bool lf_disk_is(const void *argument, const char *disk_id)
{
	return lf_arm_id_equal(disk_id, argument);
}

int lf_disks_of_host(struct lf_context *context, const char *host, lf_disk_except_fn *except,
		     const void *argument, unsigned *ret_n, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_DISK_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	char other[LF_GUID_SIZE];

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	*ret_n = 0;
	for (size_t i = 0; !rc && i < list.n; i++)
		*ret_n += lf_disk_host(context, &list.items[i], other) &&
			  strcmp(other, host) == 0 &&
			  !(except && except(argument, list.items[i].id));
	return rc;
}

/* The file that the disk is in the directory of its first machine. */
static int file_source(struct lf_context *context, const struct lf_resource *disk, const char *host,
		       json_t **ret_source, struct lf_error *err)
{
	int64_t lun = lf_json_int_or(disk->state, "lun",
				     lf_json_text(disk->doc, "properties.osType") ? -1 : -2);
	const char *path = lf_json_text(disk->state, "path");
	const struct lf_vm_source known = {
		.kind = LF_VM_SOURCE_FILE, .path = path, .format = "qcow2"};
	LF_AUTO_VM_STATE state = {0};

	if (path) {
		*ret_source = lf_vm_source_doc(&known);
		return *ret_source ? 0 : lf_fail_nomem(err);
	}
	int rc = lf_compute_vm_state(context->compute, host, &state, err);
	if (rc)
		return rc;
	const struct lf_vm_disk_state *file = lf_vm_state_disk(&state, lun);
	if (!file)
		return lf_fail(err, LF_ENOTFOUND, disk->id, "the host holds no file of disk %s",
			       lf_arm_id_last(disk->id));
	if (!file->hydrated)
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", disk->id,
				   "let its machine run until its disks are copied, or "
				   "restore the disk again from its recovery point",
				   "disk %s still reads from a recovery point",
				   lf_arm_id_last(disk->id));
	const struct lf_vm_source source = {
		.kind = LF_VM_SOURCE_FILE, .path = file->path, .format = "qcow2"};
	*ret_source = lf_vm_source_doc(&source);
	return *ret_source ? 0 : lf_fail_nomem(err);
}

int lf_disk_find_source(struct lf_context *context, const struct lf_resource *disk,
			json_t **ret_source, struct lf_error *err)
{
	const char *made = lf_json_text_or(disk->doc, "properties.provisioningState", "Succeeded");
	json_t *source = lf_json_at(disk->state, "source");
	char host[LF_GUID_SIZE];

	if (strcmp(made, "Succeeded") != 0)
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", disk->id,
				   "wait until its provisioningState is Succeeded",
				   "disk %s is not there yet", lf_arm_id_last(disk->id));
	if (lf_disk_host(context, disk, host))
		return file_source(context, disk, host, ret_source, err);
	static const struct lf_vm_source nothing = {.kind = LF_VM_SOURCE_EMPTY};
	*ret_source = source ? json_deep_copy(source) : lf_vm_source_doc(&nothing);
	return *ret_source ? 0 : lf_fail_nomem(err);
}

int lf_disk_attach(struct lf_catalog *catalog, const char *id, const char *vm_id, const char *host,
		   int64_t lun, const json_t *source, struct lf_error *err)
{
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	struct lf_vm_source from;

	int rc = lf_vm_source_read(source, &from, err);
	if (!rc)
		rc = lf_catalog_get(catalog, id, &disk, err);
	if (rc)
		return rc;
	const char *owner = lf_json_text(disk.doc, "managedBy");
	if (owner && !lf_arm_id_equal(owner, vm_id))
		return lf_fail_arm(err, LF_ECONFLICT, "AttachDiskWhileBeingDetached", id,
				   "detach it first, or use another disk",
				   "disk %s is attached to VM %s", lf_arm_id_last(id), owner);
	int failed = lf_json_set_text(disk.doc, "managedBy", vm_id) ||
		     lf_json_set_text(disk.doc, "properties.diskState", "Attached") ||
		     lf_json_set_text(disk.state, "machine", vm_id);
	/* a file stays where it is; anything else becomes one in the machine's directory */
	if (from.kind != LF_VM_SOURCE_FILE)
		failed |= lf_json_set_text(disk.state, "host", host) ||
			  lf_json_set_int(disk.state, "lun", lun);
	return failed ? lf_fail_nomem(err)
		      : lf_catalog_put(catalog, id, LF_DISK_TYPE, LF_PUT_EXISTING, NULL, disk.doc,
				       disk.state, err);
}

int lf_part_detach(struct lf_context *context, struct lf_resource *part, struct lf_error *err)
{
	bool is_disk = lf_text_equal_nocase(part->type, LF_DISK_TYPE);
	char host[LF_GUID_SIZE];
	int failed = 0;

	json_object_del(part->doc, "managedBy");
	json_object_del(lf_json_at(part->doc, "properties"), "virtualMachine");
	if (is_disk && lf_disk_host(context, part, host))
		failed = lf_json_set_text(part->state, "host", host) ||
			 lf_json_set_text(part->doc, "properties.diskState", "Unattached");
	json_object_del(part->state, "machine");
	return failed ? lf_fail_nomem(err)
		      : lf_catalog_put(context->catalog, part->id, part->type, LF_PUT_EXISTING,
				       NULL, part->doc, part->state, err);
}

/* What a disk without a machine holds of a point: the vault is NULL when it is made from no point.
 */
struct claim {
	struct lf_vault *vault;
	const char *point; /* borrowed from the source */
	char name[LF_GUID_SIZE + 8];
};

static int open_claim(struct lf_context *context, const char *id, const json_t *doc,
		      struct claim *ret_claim, struct lf_error *err)
{
	struct lf_vm_source source;
	char guid[LF_GUID_SIZE];

	ret_claim->vault = NULL;
	int rc = doc ? lf_vm_source_read(doc, &source, err) : 0;
	if (rc || !doc || source.kind != LF_VM_SOURCE_POINT)
		return rc;
	if (!source.point.region || !source.point.point)
		return lf_fail(err, LF_ECORRUPT, id, "the disk's source names no recovery point");
	lf_machine_guid(context, id, "disk", guid);
	snprintf(ret_claim->name, sizeof(ret_claim->name), "disk:%s", guid);
	ret_claim->point = source.point.point;
	return lf_regions_vault(context->regions, source.point.region, &ret_claim->vault, err);
}

int lf_disk_claim(struct lf_context *context, const char *id, const json_t *source,
		  struct lf_error *err)
{
	struct claim claim;
	int rc = open_claim(context, id, source, &claim, err);

	return rc || !claim.vault
		       ? rc
		       : lf_claim_put(claim.vault, claim.point, claim.name, LF_CLAIM_FOREVER, err);
}

int lf_disk_unclaim(struct lf_context *context, const char *id, const json_t *source,
		    struct lf_error *err)
{
	struct claim claim;
	int rc = open_claim(context, id, source, &claim, err);

	return rc || !claim.vault ? rc : lf_claim_drop(claim.vault, claim.point, claim.name, err);
}

int lf_disks_settle(struct lf_context *context, const char *vm_id, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_DISK_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		struct lf_resource *disk = &list.items[i];
		json_t *source = lf_json_at(disk->state, "source");
		if (!source || !lf_json_text(disk->state, "host") ||
		    !lf_arm_id_equal(lf_json_text_or(disk->state, "machine", ""), vm_id))
			continue;
		rc = lf_disk_unclaim(context, disk->id, source, err);
		if (!rc && json_object_del(disk->state, "source") == 0)
			rc = lf_catalog_put(context->catalog, disk->id, LF_DISK_TYPE,
					    LF_PUT_EXISTING, NULL, disk->doc, disk->state, err);
	}
	return rc;
}

int lf_disk_make(struct lf_context *context, const char *id, const json_t *machine,
		 const json_t *disk, struct lf_error *err)
{
	json_t *source = lf_json_at(disk, "source");
	LF_AUTO_RESOURCE there = LF_RESOURCE_INIT;

	int rc = lf_catalog_get(context->catalog, id, &there, err);
	if (!rc)
		return json_equal(lf_json_at(there.state, "source"), source)
			       ? 0
			       : lf_fail(err, LF_EEXISTS, id, "another disk is called %s",
					 lf_arm_id_last(id));
	LF_AUTO_JSON *doc = lf_machine_disk_doc(machine, disk, lf_clock_now_ns(context->clock));
	LF_AUTO_JSON *state = json_pack("{s:O}", "source", source);
	if (!doc || !state || lf_json_set_text(doc, "properties.diskState", "Unattached"))
		return lf_fail_nomem(err);
	json_object_del(doc, "managedBy");
	if (rc == LF_ENOTFOUND)
		rc = lf_disk_claim(context, id, source, err);
	return rc ? rc
		  : lf_catalog_put(context->catalog, id, LF_DISK_TYPE, LF_PUT_NEW, NULL, doc, state,
				   err);
}
