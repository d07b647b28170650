/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/document.h"
#include "providers/compute/compute.h"
#include "providers/compute/plan.h"

#define GIB	     ((int64_t)1 << 30)
#define DISK_GIB_MAX 65536

static int refuse_option(const char *option, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed",
			   "properties.creationData.createOption",
			   "use Empty; disks with content are made by failover and restore",
			   "disks cannot be made by createOption %.32s here", option);
}

/* A new disk is empty; one that is there keeps what it was made from, and never shrinks. */
static int check_disk(struct lf_arm_call *call, const char *id, json_t *doc,
		      const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	const char *option =
		lf_json_text_or(doc, "properties.creationData.createOption", before ? "" : "Empty");
	int64_t had = before ? lf_json_int_or(before->doc, "properties.diskSizeGB", 0) : 0;
	int64_t gib = lf_json_int_or(doc, "properties.diskSizeGB", had);

	(void)id;
	(void)state;
	if (!before && !lf_text_equal_nocase(option, "Empty"))
		return refuse_option(option, err);
	if (gib < 1 || gib > DISK_GIB_MAX)
		return lf_fail(err, LF_EINVAL, "properties.diskSizeGB", "a disk has 1 to %d GiB",
			       DISK_GIB_MAX);
	if (before && gib != had && lf_json_text(before->state, "machine"))
		return lf_fail(err, LF_EUNSUPPORTED, "properties.diskSizeGB",
			       "the disk of a machine cannot be resized yet");
	if (gib < had)
		return lf_fail(err, LF_ECONFLICT, "properties.diskSizeGB",
			       "a disk cannot be made smaller");
	json_t *tags = lf_json_at(doc, "tags");
	LF_AUTO_JSON *kept = before ? json_deep_copy(before->doc) : NULL;
	if (kept) {
		if (tags && json_object_set(kept, "tags", tags))
			return lf_fail_nomem(err);
		json_object_clear(doc);
		if (json_object_update(doc, kept))
			return lf_fail_nomem(err);
	} else if (lf_json_set_text(doc, "properties.creationData.createOption", "Empty") ||
		   lf_json_set_text(doc, "properties.diskState", "Unattached") ||
		   lf_json_set_text(doc, "properties.provisioningState", "Succeeded") ||
		   lf_json_set_time(doc, "properties.timeCreated",
				    lf_clock_now_ns(lf_arm_context(call)->clock))) {
		return lf_fail_nomem(err);
	}
	if (gib == had)
		return 0; /* the exact size in bytes stays */
	return lf_json_set_int(doc, "properties.diskSizeGB", gib) ||
			       lf_json_set_int(doc, "properties.diskSizeBytes", gib * GIB)
		       ? lf_fail_nomem(err)
		       : 0;
}

/* How many other disks are left of the machine that this one was made with. */
static int count_siblings(struct lf_context *context, const struct lf_resource *disk,
			  unsigned *ret_n, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_DISK_TYPE};
	const char *machine = lf_json_text_or(disk->state, "machine", "");
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	if (rc)
		return rc;
	*ret_n = 0;
	for (size_t i = 0; i < list.n; i++)
		if (!lf_arm_id_equal(list.items[i].id, disk->id) &&
		    lf_arm_id_equal(lf_json_text_or(list.items[i].state, "machine", ""), machine))
			(*ret_n)++;
	return 0;
}

static int refuse_attached(struct lf_context *context, const struct lf_resource *disk,
			   struct lf_error *err)
{
	const char *owner = lf_json_text(disk->doc, "managedBy");

	(void)context;
	return !owner ? 0
		      : lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", disk->id,
				    "delete or detach from the virtual machine first",
				    "disk %s is attached to VM %s", lf_arm_id_last(disk->id),
				    owner);
}

/* The host's part, with the last disk of what was a machine. */
static int remove_disk(struct lf_context *context, const struct lf_resource *disk,
		       struct lf_error *err)
{
	const char *machine = lf_json_text(disk->state, "machine");
	char guid[LF_GUID_SIZE];
	unsigned siblings;

	if (!machine || !context->compute)
		return 0;
	int rc = count_siblings(context, disk, &siblings, err);
	if (rc || siblings)
		return rc;
	lf_machine_guid(context, machine, "vm", guid);
	return lf_compute_vm_remove(context->compute, guid, false, err);
}

static const struct lf_document disk_document = {.type = LF_DISK_TYPE,
						 .check = check_disk,
						 .removing = refuse_attached,
						 .undo = remove_disk,
						 .needs_location = true,
						 .async = true};

int lf_disk_get(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_get(call, &disk_document, err);
}

int lf_disk_list_group(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_list(call, &disk_document, 3, err);
}

int lf_disk_list_all(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_list(call, &disk_document, 3, err);
}

int lf_disk_put(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_put(call, &disk_document, err);
}

int lf_disk_patch(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_patch(call, &disk_document, err);
}

int lf_disk_delete(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_delete(call, &disk_document, 202, err);
}

int lf_disk_grant(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", lf_arm_id(call, 1),
			   "restore the disk to a storage account instead",
			   "access by SAS to a managed disk is not served yet");
}

/* Nothing is ever granted, so there is nothing to take back. */
int lf_disk_revoke(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 1), &disk, err);

	return rc ? rc : lf_arm_reply(call, 200, NULL, err);
}
