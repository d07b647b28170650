/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managed disks as documents, and what goes beside them: the claim on what a
 * disk is to be made from, the job that takes in an uploaded one, the URLs
 * that let others read it.  Each of these is there before the row says so, and
 * is gone before the row goes.
 */
#include <string.h>

#include "base/log.h"
#include "providers/common/document.h"
#include "providers/common/unsupported.h"
#include "providers/compute/access.h"
#include "providers/compute/attach.h"
#include "providers/compute/compute.h"
#include "providers/compute/disk_import.h"
#include "providers/compute/disk_source.h"
#include "providers/compute/ids.h"
#include "providers/compute/vm/placement.h"

#define GIB	     ((int64_t)1 << 30)
#define DISK_GIB_MAX 65536

static int set_size(json_t *doc, int64_t bytes)
{
	return lf_json_set_int(doc, "properties.diskSizeGB", (bytes + GIB - 1) / GIB) |
	       lf_json_set_int(doc, "properties.diskSizeBytes", bytes);
}

static const struct lf_unsupported unsupported[] = {
	{"properties.networkAccessPolicy", LF_IS_TEXT, "AllowPrivate",
	 "PrivateDiskAccessNotSupported"},
	{"properties.diskAccessId", LF_IS_THERE, NULL, "PrivateDiskAccessNotSupported"},
	{"properties.encryption.diskEncryptionSetId", LF_IS_THERE, NULL,
	 "CustomerManagedKeysNotSupported"},
	{"properties.encryption.type", LF_IS_TEXT, "EncryptionAtRestWithCustomerKey",
	 "CustomerManagedKeysNotSupported"},
	{"properties.encryption.type", LF_IS_TEXT, "EncryptionAtRestWithPlatformAndCustomerKeys",
	 "CustomerManagedKeysNotSupported"},
	{"properties.encryptionSettingsCollection.enabled", LF_IS_TRUE, NULL,
	 "DiskEncryptionSettingsNotSupported"},
	{"properties.securityProfile.securityType", LF_IS_THERE, NULL,
	 "DiskSecurityProfileNotSupported"},
	{"properties.dataAccessAuthMode", LF_IS_TEXT, "AzureActiveDirectory",
	 "DataAccessAuthModeNotSupported"},
};

/* A disk that is closed is taken back from those who may read it now. */
static int change_access(struct lf_context *context, const json_t *doc,
			 const struct lf_resource *before, struct lf_error *err)
{
	return lf_disk_is_closed(doc) && !lf_disk_is_closed(before->doc)
		       ? lf_disk_access_revoke(context, before->id, err)
		       : 0;
}

/* The machine that has the disk says its type, too. */
static int note_type(struct lf_catalog *catalog, const struct lf_resource *disk, const char *sku,
		     struct lf_error *err)
{
	const char *owner = lf_json_text(disk->state, "machine");
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	LF_AUTO_JSON *rows = json_array();
	const json_t *row;
	size_t i;
	int rc = owner ? lf_catalog_get(catalog, owner, &vm, err) : LF_ENOTFOUND;

	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	const json_t *profile = lf_json_at(vm.doc, "properties.storageProfile");
	json_array_append(rows, lf_json_at(profile, "osDisk"));
	json_array_extend(rows, lf_json_at(profile, "dataDisks"));
	json_array_foreach (rows, i, row)
		if (lf_arm_id_equal(lf_json_text_or(row, "managedDisk.id", ""), disk->id) &&
		    lf_json_set_text((json_t *)(uintptr_t)row, "managedDisk.storageAccountType",
				     sku))
			return lf_fail_nomem(err);
	return lf_catalog_put(catalog, vm.id, LF_VM_TYPE, LF_PUT_EXISTING, NULL, vm.doc, NULL, err);
}

/* What a disk is where nobody said otherwise; older rows do not say it. */
static int put_defaults(json_t *doc, struct lf_error *err)
{
	static const struct {
		const char *path, *value;
	} defaults[] = {{"sku.name", LF_DISK_SKU_DEFAULT},
			{"properties.networkAccessPolicy", "AllowAll"},
			{"properties.publicNetworkAccess", "Enabled"},
			{"properties.encryption.type", "EncryptionAtRestWithPlatformKey"},
			{"properties.dataAccessAuthMode", "None"}};
	int failed = 0;

	for (size_t i = 0; i < LF_N(defaults); i++)
		if (!lf_json_text(doc, defaults[i].path))
			failed |= lf_json_set_text(doc, defaults[i].path, defaults[i].value);
	const char *sku = lf_json_text_or(doc, "sku.name", "");
	failed |= lf_json_set_text(doc, "sku.tier",
				   strncmp(sku, "Premium", 7) == 0 ? "Premium"
				   : strncmp(sku, "Ultra", 5) == 0 ? "Ultra"
								   : "Standard");
	return failed ? lf_fail_nomem(err) : 0;
}

static int view_disk(struct lf_arm_call *call, const struct lf_resource *disk, json_t *doc,
		     struct lf_error *err)
{
	(void)call, (void)disk;
	return put_defaults(doc, err);
}

/* A disk that is being taken in. */
static const char *import_job(const struct lf_resource *disk)
{
	bool making = strcmp(lf_json_text_or(disk->doc, "properties.provisioningState", ""),
			     "Creating") == 0;

	return making ? lf_json_text(disk->state, "importJob") : NULL;
}

/* What a disk that is there may change to: larger, while it is nobody's; its type; who may read it;
 * tags.  A PUT that leaves out what cannot change leaves it as it is. */
static int check_change(struct lf_context *context, json_t *doc, const struct lf_resource *before,
			struct lf_error *err)
{
	static const char *const changing[] = {"sku.name", "properties.diskSizeGB",
					       "properties.networkAccessPolicy",
					       "properties.publicNetworkAccess"};
	int64_t had = lf_json_int_or(before->doc, "properties.diskSizeGB", 0);
	int64_t gib = lf_json_int_or(doc, "properties.diskSizeGB", had);
	const char *sku = lf_json_text_or(doc, "sku.name", "");
	LF_AUTO_JSON *kept = json_deep_copy(before->doc);
	LF_AUTO_JSON *shown = json_deep_copy(before->doc);
	json_t *tags = lf_json_at(doc, "tags");

	if (!kept || !shown)
		return lf_fail_nomem(err);
	if (gib < had)
		return lf_fail(err, LF_ECONFLICT, "properties.diskSizeGB",
			       "a disk cannot be made smaller");
	if (gib != had &&
	    (lf_json_text(before->state, "machine") || lf_json_text(before->state, "host")))
		return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed",
				   "properties.diskSizeGB",
				   "make a larger disk of a restore point of its machine",
				   "a disk that a machine wrote to cannot be resized yet");
	int rc = put_defaults(shown, err);
	if (!rc)
		rc = lf_changes_check(doc, shown, changing, LF_N(changing), err);
	if (rc && import_job(before))
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", before->id,
				   "wait until that has ended; GET shows its provisioningState",
				   "the disk is still being made, of something else");
	if (rc)
		return rc;
	json_object_del(kept, "tags");
	if (lf_changes_take(kept, doc, changing, LF_N(changing)) ||
	    (tags && json_object_set(kept, "tags", tags)) ||
	    (gib != had && set_size(kept, gib * GIB)))
		return lf_fail_nomem(err);
	rc = change_access(context, kept, before, err);
	if (!rc && *sku && strcmp(sku, lf_json_text_or(before->doc, "sku.name", "")) != 0)
		rc = note_type(context->catalog, before, sku, err);
	if (rc)
		return rc;
	json_object_clear(doc);
	return json_object_update(doc, kept) ? lf_fail_nomem(err) : 0;
}

/* Type and zone, as published. */
static int check_type(json_t *doc, const struct lf_resource *before, struct lf_error *err)
{
	const char *sku = lf_json_text(doc, "sku.name");
	const char *zone = lf_json_text(doc, "zones.0");
	int rc = sku ? lf_disk_sku_check(sku, "sku.name", &sku, err) : 0;

	if (!rc && zone)
		rc = lf_vm_zone_check(zone, "zones", err);
	if (!rc && !sku && !before)
		sku = LF_DISK_SKU_DEFAULT;
	return rc || !sku || !lf_json_set_text(doc, "sku.name", sku) ? rc : lf_fail_nomem(err);
}

/* Was it never made?  Then a PUT makes it anew. */
static bool has_failed(const json_t *doc)
{
	return strcmp(lf_json_text_or(doc, "properties.provisioningState", ""), "Failed") == 0;
}

static int check_disk(struct lf_arm_call *call, const char *id, json_t *doc,
		      const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	int64_t gib = lf_json_int_or(doc, "properties.diskSizeGB", 0);
	struct lf_disk_origin origin;

	if (before && has_failed(before->doc))
		before = NULL;
	if ((gib || !before) && gib != 0 && (gib < 1 || gib > DISK_GIB_MAX))
		return lf_fail(err, LF_EINVAL, "properties.diskSizeGB", "a disk has 1 to %d GiB",
			       DISK_GIB_MAX);
	int rc = lf_unsupported_check(unsupported, LF_N(unsupported), doc, err);
	if (!rc)
		rc = check_type(doc, before, err);
	if (rc || before)
		return rc ? rc : check_change(lf_arm_context(call), doc, before, err);
	rc = lf_disk_origin(call, doc, &origin, err);
	LF_AUTO_JSON *source = rc ? NULL : origin.source;
	if (rc)
		return rc;
	int64_t bytes = gib ? gib * GIB : origin.bytes;
	if (!bytes)
		return lf_fail(err, LF_EINVAL, "properties.diskSizeGB",
			       "an empty disk needs a size");
	if (bytes < origin.bytes)
		return lf_fail(err, LF_EINVAL, "properties.diskSizeGB",
			       "the disk cannot be smaller than its source, which has %lld bytes",
			       (long long)origin.bytes);
	if (origin.file) {
		rc = lf_disk_import_submit(lf_arm_context(call), id, origin.file, origin.bytes,
					   lf_json_text_or(doc, "location", ""), state, err);
		free(origin.file);
		if (rc)
			return rc;
	}
	int failed = (source && json_object_set(state, "source", source)) || set_size(doc, bytes) ||
		     lf_json_set_text(doc, "properties.diskState", "Unattached") ||
		     lf_json_set_text(doc, "properties.provisioningState",
				      source ? "Succeeded" : "Creating") ||
		     lf_json_set_time(doc, "properties.timeCreated",
				      lf_clock_now_ns(lf_arm_context(call)->clock));
	if (!lf_json_text(doc, "properties.creationData.createOption"))
		failed |= lf_json_set_text(doc, "properties.creationData.createOption", "Empty");
	if (origin.os_type)
		failed |= lf_json_set_text(doc, "properties.osType", origin.os_type) ||
			  lf_json_set_text(doc, "properties.hyperVGeneration",
					   origin.uefi ? "V2" : "V1");
	return failed ? lf_fail_nomem(err) : 0;
}

static int refuse_in_use(struct lf_context *context, const struct lf_resource *disk,
			 struct lf_error *err)
{
	const char *owner = lf_json_text(disk->doc, "managedBy");
	bool granted;

	int rc = lf_disk_access_is_granted(context->catalog, disk->id, &granted, err);
	if (!rc && granted)
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", disk->id,
				   "end it first: POST endGetAccess",
				   "disk %s can be read by a shared access signature",
				   lf_arm_id_last(disk->id));
	return rc	? rc
	       : !owner ? 0
			: lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", disk->id,
				      "delete or detach from the virtual machine first",
				      "disk %s is attached to VM %s", lf_arm_id_last(disk->id),
				      owner);
}

/* Is there a machine of that GUID on the host?  Its own disks may all lie in other directories. */
static int has_machine(struct lf_context *context, const char *host, bool *ret_has,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_VM_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	char guid[LF_GUID_SIZE];

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	*ret_has = false;
	for (size_t i = 0; !rc && i < list.n; i++) {
		lf_machine_guid(context, list.items[i].id, "vm", guid);
		*ret_has |= strcmp(lf_json_text_or(list.items[i].state, "plan.vm.guid", guid),
				   host) == 0;
	}
	return rc;
}

/* What lets others read it; the claim on what it was to be made from; the host's part, with the
 * last disk that lies there, unless a machine is there still. */
static int remove_disk(struct lf_context *context, const struct lf_resource *disk,
		       struct lf_error *err)
{
	char host[LF_GUID_SIZE];
	unsigned others;
	bool lives;

	int rc = lf_disk_access_revoke(context, disk->id, err);
	if (!rc)
		rc = lf_disk_unclaim(context, disk->id, lf_json_at(disk->state, "source"), err);
	if (rc || !context->compute || !lf_disk_host(context, disk, host))
		return rc;
	const char *path = lf_json_text(disk->state, "path");
	rc = lf_disks_of_host(context, host, lf_disk_is, disk->id, &others, err);
	if (!rc)
		rc = has_machine(context, host, &lives, err);
	if (rc)
		return rc;
	return !others && !lives ? lf_compute_vm_remove(context->compute, host, false, err)
	       : path		 ? lf_compute_file_remove(context->compute, host, path, err)
				 : 0;
}

static const char *const access_policies[] = {"AllowAll", "AllowPrivate", "DenyAll", NULL};
static const char *const switches[] = {"Enabled", "Disabled", NULL};
static const char *const os_types[] = {"Linux", "Windows", NULL};
static const char *const encryptions[] = {"EncryptionAtRestWithPlatformKey",
					  "EncryptionAtRestWithCustomerKey",
					  "EncryptionAtRestWithPlatformAndCustomerKeys", NULL};
static const char *const auth_modes[] = {"None", "AzureActiveDirectory", NULL};
static const char *const generations[] = {"V1", "V2", NULL};
static const char *const architectures[] = {"x64", NULL};
#define OURS(name, type_)                                                                          \
	{                                                                                          \
		name, type_, LF_READ_ONLY, 0, 0, NULL, "Read only."                                \
	}
static const struct lf_field disk_fields[] = {
	{"properties.networkAccessPolicy", LF_ENUM, 0, 0, 0, access_policies,
	 "May it be handed out to be read: AllowAll unless said otherwise, or DenyAll."},
	{"properties.publicNetworkAccess", LF_ENUM, 0, 0, 0, switches,
	 "Disabled: it is not handed out to be read."},
	{"properties.creationData.createOption", LF_TEXT, 0, 0, 32, NULL,
	 "How the disk is made: Empty, Restore (from a disk restore point), Copy, "
	 "Import (from a page blob)."},
	{"properties.creationData.sourceResourceId", LF_ID, 0, 0, 0, NULL,
	 "The disk restore point, or the disk, that it is made from."},
	{"properties.creationData.sourceUri", LF_TEXT, 0, 0, 2048, NULL,
	 "The page blob that it is imported from."},
	{"properties.creationData.storageAccountId", LF_ID, 0, 0, 0, NULL,
	 "The account of that blob, which the URL names."},
	{"properties.diskSizeGB", LF_INT, 0, 1, 65536, NULL,
	 "Size in GiB; never less than it was."},
	{"sku.name", LF_TEXT, 0, 0, 32, NULL, "Its type; kept, all lie on this host's disks."},
	{"sku.tier", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Of the type."},
	{"zones", LF_ARRAY, 0, 0, 1, NULL, "1, 2 or 3."},
	{"zones.*", LF_TEXT, 0, 0, 1, NULL, "A zone."},
	{"properties.osType", LF_ENUM, 0, 0, 0, os_types, "Of a disk that machines boot from."},
	{"properties.hyperVGeneration", LF_ENUM, 0, 0, 0, generations, "V2 boots by UEFI."},
	{"properties.supportedCapabilities.architecture", LF_ENUM, 0, 0, 0, architectures, "x64."},
	{"properties.maxShares", LF_INT, 0, 1, 1, NULL, "One machine has it."},
	{"properties.encryption.type", LF_ENUM, 0, 0, 0, encryptions,
	 "EncryptionAtRestWithPlatformKey: the vault's key."},
	{"properties.encryption.diskEncryptionSetId", LF_TEXT, 0, 0, 512, NULL, "Refused."},
	{"properties.diskAccessId", LF_TEXT, 0, 0, 512, NULL, "Refused."},
	{"properties.securityProfile.securityType", LF_TEXT, 0, 0, 64, NULL, "Refused."},
	{"properties.dataAccessAuthMode", LF_ENUM, 0, 0, 0, auth_modes, "None."},
	{"properties.encryptionSettingsCollection.enabled", LF_BOOL, 0, 0, 0, NULL, "Refused."},
	OURS("managedBy", LF_TEXT),
	OURS("properties.provisioningState", LF_TEXT),
	OURS("properties.diskState", LF_TEXT),
	OURS("properties.timeCreated", LF_TEXT),
	OURS("properties.uniqueId", LF_TEXT),
	OURS("properties.diskSizeBytes", LF_INT),
};

const struct lf_document lf_disk_document = {.type = LF_DISK_TYPE,
					     .fields = disk_fields,
					     .n_fields = LF_N(disk_fields),
					     .strict = true,
					     .view = view_disk,
					     .check = check_disk,
					     .removing = refuse_in_use,
					     .undo = remove_disk,
					     .making = import_job,
					     .needs_location = true,
					     .created_is_200 = true,
					     .deleted_status = 202,
					     .async = true};

int lf_disk_remove(struct lf_context *context, const char *id, struct lf_error *err)
{
	return lf_document_remove(context, &lf_disk_document, id, err);
}

static bool is_made(struct lf_context *context, const char *id)
{
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	struct lf_error ignored;
	int rc = lf_catalog_get(context->catalog, id, &disk, &ignored);

	return rc != LF_ENOTFOUND && (rc || !has_failed(disk.doc));
}

/* The claim on what a new disk is made from comes before the disk: see attach.h. */
int lf_disk_put(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FREE char *id = strdup(lf_arm_id(call, 0));
	LF_AUTO_RESOURCE there = LF_RESOURCE_INIT;
	struct lf_disk_origin origin;
	struct lf_error ignored;

	if (!id)
		return lf_fail_nomem(err);
	int rc = lf_catalog_get(context->catalog, id, &there, err);
	if (rc != LF_ENOTFOUND && (rc || !has_failed(there.doc)))
		return rc ? rc : lf_document_put(call, &lf_disk_document, err);
	rc = lf_disk_origin(call, lf_arm_body(call), &origin, err);
	LF_AUTO_JSON *source = rc ? NULL : origin.source;
	if (!rc)
		free(origin.file);
	if (!rc)
		rc = lf_disk_claim(context, id, source, err);
	if (!rc)
		rc = lf_document_put(call, &lf_disk_document, err);
	if (rc && source && !is_made(context, id) && lf_disk_unclaim(context, id, source, &ignored))
		lf_log_error("a claim that no disk needs", &ignored);
	return rc;
}

/* The point that a disk without a machine is made from. */
static int find_point(const struct lf_resource *disk, struct lf_blob_point *ret_point,
		      struct lf_error *err)
{
	const json_t *doc = lf_json_at(disk->state, "source");
	struct lf_vm_source source;

	if (lf_json_text(disk->doc, "managedBy") || !doc)
		return lf_fail_arm(
			err, LF_ECONFLICT, "OperationNotAllowed", disk->id,
			"make a restore point of its machine, and ask for that one's disk",
			"a disk that a machine has written to cannot be read directly");
	int rc = lf_vm_source_read(doc, &source, err);
	if (rc)
		return rc;
	if (source.kind != LF_VM_SOURCE_POINT || !source.point.root)
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", disk->id,
				   "attach it to a machine first", "the disk is empty");
	*ret_point = (struct lf_blob_point){
		.region = source.point.region ? source.point.region : "",
		.point = source.point.point ? source.point.point : "",
		.root = source.point.root,
		.size_bytes = (uint64_t)lf_json_int_or(disk->doc, "properties.diskSizeBytes", 0)};
	return 0;
}

int lf_disk_grant(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	struct lf_blob_point point;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 1), &disk, err);

	if (!rc)
		rc = lf_disk_access_check(lf_arm_context(call)->catalog, disk.id, err);
	if (!rc)
		rc = find_point(&disk, &point, err);
	return rc ? rc : lf_disk_access_grant(call, &point, err);
}

int lf_disk_revoke(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(context->catalog, lf_arm_id(call, 1), &disk, err);

	if (!rc)
		rc = lf_disk_access_revoke(context, disk.id, err);
	return rc ? rc : lf_arm_reply(call, 200, NULL, err);
}
