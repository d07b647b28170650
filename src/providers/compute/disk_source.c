/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new disk is made from: nothing, a disk of a restore point, another disk
 * that no machine has had yet, or a page blob.  Unless that was uploaded no byte is moved: a disk
 * names a root.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob/page.h"
#include "blob/point.h"
#include "blob/internal.h"
#include "image/kind.h"
#include "os/file.h"
#include "providers/common/document.h"
#include "providers/compute/disk_import.h"
#include "providers/compute/disk_source.h"
#include "providers/compute/ids.h"
#include "providers/compute/restorepoint/restorepoint.h"
#include "providers/resources/locations.h"
#include "providers/storage/storage.h"

#define OPTION	   "properties.creationData.createOption"
#define SOURCE_ID  "properties.creationData.sourceResourceId"
#define SOURCE_URI "properties.creationData.sourceUri"
#define DISKS	   "/diskRestorePoints/"
#define OS_TYPE	   "properties.sourceMetadata.storageProfile.osDisk.osType"

static int fail_source(const char *id, const char *hint, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", SOURCE_ID, hint, "'%.200s' %s", id,
			   what);
}

static int check_region(const json_t *doc, const char *region, struct lf_error *err)
{
	if (lf_location_equal(lf_json_text(doc, "location"), region))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "location",
			   "make the disk where its source is, or copy the restore point there",
			   "the source is in %s", region);
}

static const char *os_word(const char *os_type)
{
	return lf_text_equal_nocase(os_type, "Windows") ? "Windows" : "Linux";
}

static int from_restore_point(struct lf_context *context, const json_t *doc, const char *id,
			      struct lf_disk_origin *ret_origin, struct lf_error *err)
{
	const char *name = strcasestr(id, DISKS);
	LF_AUTO_FREE char *point_id = strndup(id, (size_t)(name - id));
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;

	if (!point_id)
		return lf_fail_nomem(err);
	int rc = lf_catalog_get(context->catalog, point_id, &point, err);
	const json_t *disk = rc ? NULL : lf_restore_point_find_disk(&point, name + strlen(DISKS));
	if (rc == LF_ENOTFOUND || (!rc && !disk))
		return fail_source(id, "list the restore point's diskRestorePoints", "is not there",
				   err);
	if (rc)
		return rc;
	if (lf_restore_point_percent(context, &point, disk) < 100 || !lf_json_text(disk, "root"))
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", SOURCE_ID,
				   "wait until its completionPercent is 100",
				   "the disk restore point is not complete");
	const char *region = lf_json_text_or(point.state, "region", "");
	ret_origin->bytes = lf_json_int_or(disk, "sizeBytes", 0);
	ret_origin->os_type = lf_json_int_or(disk, "lun", 0) < 0
				      ? os_word(lf_json_text_or(point.doc, OS_TYPE, ""))
				      : NULL;
	ret_origin->uefi =
		strcmp(lf_json_text_or(point.doc, "properties.sourceMetadata.hyperVGeneration", ""),
		       "V2") == 0;
	ret_origin->source =
		lf_point_ref_doc(&(struct lf_point_ref){.region = region,
							.point = lf_json_text(point.state, "point"),
							.root = lf_json_text(disk, "root"),
							.disk = lf_json_text(disk, "id")});
	return ret_origin->source ? check_region(doc, region, err) : lf_fail_nomem(err);
}

static int from_disk(struct lf_catalog *catalog, const json_t *doc, const char *id,
		     struct lf_disk_origin *ret_origin, struct lf_error *err)
{
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	int rc = lf_arm_id_check(id, LF_DISK_TYPE, SOURCE_ID, err);

	if (!rc)
		rc = lf_catalog_get(catalog, id, &disk, err);
	if (rc == LF_ENOTFOUND)
		return fail_source(id, "name a disk that is there", "is not there", err);
	if (rc)
		return rc;
	if (!lf_json_at(disk.state, "source") || lf_json_text(disk.state, "machine"))
		return lf_fail_arm(
			err, LF_EUNSUPPORTED, "OperationNotAllowed", SOURCE_ID,
			"make a restore point of its machine and the disk from that",
			"a disk that a machine has written to cannot be copied directly");
	const char *os_type = lf_json_text(disk.doc, "properties.osType");
	ret_origin->bytes = lf_json_int_or(disk.doc, "properties.diskSizeBytes", 0);
	ret_origin->os_type = os_type ? os_word(os_type) : NULL;
	ret_origin->uefi =
		strcmp(lf_json_text_or(disk.doc, "properties.hyperVGeneration", ""), "V2") == 0;
	ret_origin->source = json_deep_copy(lf_json_at(disk.state, "source"));
	return ret_origin->source
		       ? check_region(doc, lf_json_text_or(disk.doc, "location", ""), err)
		       : lf_fail_nomem(err);
}

/* "https://HOST/ACCOUNT/CONTAINER/BLOB" in parts; *ret_target as lf_blob_target_parse(). */
static int parse_uri(const char *uri, struct lf_blob_target *ret_target, struct lf_error *err)
{
	const char *host = strstr(uri, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;
	LF_AUTO_FREE char *own = path ? strndup(path, strcspn(path, "?#")) : NULL;

	if (own && lf_blob_target_parse(own, ret_target, err) == 0 && ret_target->blob[0])
		return 0;
	return lf_fail_arm(
		err, LF_EINVAL, "InvalidParameter", SOURCE_URI,
		"give the URL of a page blob of this site, as its container's list has it",
		"'%.200s' is not the URL of a blob", uri);
}

/* Whoever may have the account's keys, or has a data role for the container, reads its blobs. */
static int check_reader(struct lf_arm_call *call, const struct lf_blob_target *target,
			struct lf_error *err)
{
	static const char keys[] = LF_STORAGE_TYPE "/listkeys/action";
	struct lf_blob_access access = {.operation = LF_BLOB_READ,
					.principal = lf_arm_principal(call),
					.account = target->account,
					.container = target->container,
					.blob = target->blob};
	LF_AUTO_FREE char *account = NULL;
	bool may = false;

	int rc = lf_storage_find(lf_arm_context(call)->catalog, target->account, &account, err);
	if (rc || lf_arm_may(call, keys, account ? account : ""))
		return rc;
	rc = lf_storage_may(lf_arm_context(call), &access, &may, err);
	if (rc || may)
		return rc;
	return lf_fail_arm(err, LF_EDENIED, "LinkedAuthorizationFailed", SOURCE_URI,
			   "ask an owner of the account for Storage Blob Data Reader there",
			   "the client has permission to make the disk, but not to read blobs of "
			   "the storage account '%s'",
			   target->account);
}

/* A page blob: one that is a point's disk needs no copy, any other is taken in by a job. */
static int from_blob(struct lf_arm_call *call, const json_t *doc, struct lf_disk_origin *ret_origin,
		     struct lf_error *err)
{
	const struct lf_context *context = lf_arm_context(call);
	const char *uri = lf_json_text_or(doc, SOURCE_URI, "");
	LF_AUTO_BLOB_TARGET target = {0};
	LF_AUTO_JSON *point = NULL;
	struct stat st;

	int rc = parse_uri(uri, &target, err);
	if (!rc)
		rc = check_reader(call, &target, err);
	if (rc)
		return rc;
	if (lf_blob_find_point(context->data_dir, target.account, target.container, target.blob,
			       &point, err) == 0) {
		const char *region = lf_json_text_or(point, "region", "");
		ret_origin->bytes = lf_json_int_or(point, "sizeBytes", 0);
		ret_origin->source = lf_point_ref_doc(
			&(struct lf_point_ref){.region = region,
					       .point = lf_json_text(point, "point"),
					       .root = lf_json_text(point, "root")});
		return ret_origin->source ? check_region(doc, region, err) : lf_fail_nomem(err);
	}
	rc = lf_blob_page_file(context->data_dir, target.account, target.container, target.blob,
			       &ret_origin->file, err);
	LF_AUTO_FD fd = rc ? -1 : open(ret_origin->file, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		uint64_t bytes;
		rc = lf_image_check_file(fd, (uint64_t)st.st_size, SOURCE_URI, &bytes, err);
		ret_origin->bytes = rc ? 0 : (int64_t)bytes;
		return rc;
	}
	free(ret_origin->file);
	ret_origin->file = NULL;
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", SOURCE_URI,
			   "upload the disk as a page blob first", "there is no page blob '%.200s'",
			   uri);
}

static int find_origin(struct lf_arm_call *call, const json_t *doc,
		       struct lf_disk_origin *ret_origin, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *option = lf_json_text_or(doc, OPTION, "Empty");
	const char *id = lf_json_text_or(doc, SOURCE_ID, "");
	bool copy = lf_text_equal_nocase(option, "Copy");

	if (lf_text_equal_nocase(option, "Empty")) {
		ret_origin->source =
			lf_vm_source_doc(&(struct lf_vm_source){.kind = LF_VM_SOURCE_EMPTY});
		return ret_origin->source ? 0 : lf_fail_nomem(err);
	}
	if (lf_text_equal_nocase(option, "Import"))
		return from_blob(call, doc, ret_origin, err);
	if (!copy && !lf_text_equal_nocase(option, "Restore"))
		return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", OPTION,
				   "use Empty, Restore, Copy or Import",
				   "disks cannot be made by createOption %.32s here", option);
	if (!id[0])
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", SOURCE_ID,
				   "name a disk restore point, or a disk", "%s needs a source",
				   option);
	if (strcasestr(id, DISKS))
		return from_restore_point(context, doc, id, ret_origin, err);
	return copy ? from_disk(context->catalog, doc, id, ret_origin, err)
		    : fail_source(id, "name a disk restore point", "is no disk restore point", err);
}

int lf_disk_origin(struct lf_arm_call *call, const json_t *doc, struct lf_disk_origin *ret_origin,
		   struct lf_error *err)
{
	struct lf_disk_origin origin = {0};
	int rc = find_origin(call, doc, &origin, err);

	if (!rc) {
		*ret_origin = origin;
		return 0;
	}
	json_decref(origin.source);
	free(origin.file);
	return rc;
}
