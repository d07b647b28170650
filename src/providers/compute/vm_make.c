/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's own machine: PUT of a virtual machine with disks and network
 * interfaces that are there.  The request becomes what lf_machine_make() takes;
 * its rows and the job that makes the rest are one transaction.
 */
#include <string.h>

#include "base/names.h"
#include "providers/common/document.h"
#include "providers/compute/attach.h"
#include "providers/compute/compute.h"
#include "providers/compute/machine.h"
#include "providers/compute/machine_doc.h"
#include "providers/compute/ids.h"
#include "providers/compute/vm/body.h"
#include "providers/compute/vm/placement.h"
#include "providers/network/network.h"
#include "providers/resources/locations.h"

#define PROFILE	  LF_VM_STORAGE
#define LUN_MAX	  63
#define IMAGE_GIB 30 /* of an OS disk that is made of an image */

static int fail_parameter(const char *target, const char *hint, const char *what,
			  struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", target, hint, "%s", what);
}

/* A row's text; clients write "" for what they leave to the service. */
static const char *said_or(const json_t *row, const char *path, const char *fallback)
{
	const char *text = lf_json_text_or(row, path, "");

	return *text ? text : fallback;
}

/* What a row says of a disk that is there has to be so. */
static int check_row(const struct lf_resource *disk, const json_t *row, const char *target,
		     struct lf_error *err)
{
	const struct {
		const char *name, *is;
	} texts[] = {{"createOption", "Attach"},
		     {"name", lf_arm_id_last(disk->id)},
		     {"osType", lf_json_text_or(disk->doc, "properties.osType", "")},
		     {"managedDisk.storageAccountType",
		      lf_json_text_or(disk->doc, "sku.name", LF_DISK_SKU_DEFAULT)}};
	int64_t gib = lf_json_int_or(disk->doc, "properties.diskSizeGB", 0);

	for (size_t i = 0; i < LF_N(texts); i++)
		if (!lf_text_equal_nocase(said_or(row, texts[i].name, texts[i].is), texts[i].is))
			return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", target,
					   "leave it out, or change the disk first",
					   "the disk's %s is '%s'", texts[i].name, texts[i].is);
	return lf_json_int_or(row, "diskSizeGB", gib) == gib
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "InvalidParameter", target,
				     "leave it out, or change the disk first",
				     "the disk's diskSizeGB is %lld", (long long)gib);
}

/* Of the OS disk the machine has its kind of system and its firmware. */
static int take_system(const struct lf_resource *disk, json_t *machine, const char *target,
		       struct lf_error *err)
{
	const char *os = lf_json_text(disk->doc, "properties.osType");
	bool uefi =
		strcmp(lf_json_text_or(disk->doc, "properties.hyperVGeneration", ""), "V2") == 0;

	if (!os)
		return fail_parameter(target, "attach it as a data disk",
				      "the disk holds no operating system", err);
	return lf_json_set_text(machine, "osType", os) ||
			       lf_json_set_text(machine, "firmware", uefi ? "uefi" : "bios")
		       ? lf_fail_nomem(err)
		       : 0;
}

/* What both kinds of disks have. */
static void put_row(struct lf_doc *made, const json_t *row, int64_t lun)
{
	lf_doc_int(made, "lun", lun);
	lf_doc_text_if(made, "caching", lf_json_text(row, "caching"));
	lf_doc_text_if(made, "deleteOption", lf_json_text(row, "deleteOption"));
}

/* A disk that is there, and belongs to nobody else. */
static int add_own_disk(struct lf_arm_call *call, const json_t *row, int64_t lun, json_t *machine,
			struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *target = lun < 0 ? PROFILE ".osDisk" : PROFILE ".dataDisks";
	const char *id = lf_json_text(row, "managedDisk.id");
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	LF_AUTO_JSON *source = NULL;
	LF_AUTO_DOC made = LF_DOC_INIT;

	int rc = lf_arm_id_check(id, LF_DISK_TYPE, target, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, id, &disk, err);
	if (rc == LF_ENOTFOUND)
		return fail_parameter(target, "make it first", "the disk is not there", err);
	if (!rc)
		rc = lf_disk_find_source(context, &disk, &source, err);
	if (!rc)
		rc = check_row(&disk, row, target, err);
	if (!rc && lun < 0)
		rc = take_system(&disk, machine, target, err);
	if (rc)
		return rc;
	put_row(&made, row, lun);
	lf_doc_text(&made, "id", disk.id);
	lf_doc_text(&made, "name", lf_arm_id_last(disk.id));
	lf_doc_int(&made, "sizeBytes", lf_json_int_or(disk.doc, "properties.diskSizeBytes", 0));
	lf_doc_share(&made, "source", source);
	lf_doc_text(&made, "sku", lf_json_text_or(disk.doc, "sku.name", LF_DISK_SKU_DEFAULT));
	return json_array_append_new(lf_json_at(machine, "disks"), lf_doc_take(&made))
		       ? lf_fail_nomem(err)
		       : 0;
}

/* A disk that the machine is made with: empty, also that of an image. */
static int add_new_disk(struct lf_arm_call *call, const json_t *row, int64_t lun, json_t *machine,
			struct lf_error *err)
{
	const char *target = lun < 0 ? PROFILE ".osDisk" : PROFILE ".dataDisks";
	const char *vm = lf_arm_id_last(lf_arm_id(call, 0)), *name = lf_json_text(row, "name");
	const char *sku = said_or(row, "managedDisk.storageAccountType", LF_DISK_SKU_DEFAULT);
	int64_t gib = lf_json_int_or(row, "diskSizeGB", lun < 0 ? IMAGE_GIB : 0);
	LF_AUTO_DOC made = LF_DOC_INIT;

	if (!gib)
		return fail_parameter(target, "give diskSizeGB", "an empty disk needs a size", err);
	int rc = lf_disk_sku_check(sku, target, &sku, err);
	if (!rc && name)
		rc = lf_name_check(LF_NAME_RESOURCE, name, target, err);
	if (rc)
		return rc;
	put_row(&made, row, lun);
	if (name)
		lf_doc_text(&made, "name", name);
	else if (lun < 0)
		lf_doc_printf(&made, "name", "%s_OsDisk_1", vm);
	else
		lf_doc_printf(&made, "name", "%s_DataDisk_%lld", vm, (long long)lun);
	lf_doc_int(&made, "sizeBytes", gib << 30);
	lf_doc_text(&made, "source.kind", "empty");
	lf_doc_text(&made, "sku", sku);
	lf_doc_text(&made, "createOption", lun < 0 ? "FromImage" : "Empty");
	return json_array_append_new(lf_json_at(machine, "disks"), lf_doc_take(&made))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int add_disk(struct lf_arm_call *call, const json_t *row, int64_t lun, json_t *machine,
		    struct lf_error *err)
{
	const char *option = lf_json_text_or(row, "createOption", "");

	if (lf_json_text(row, "managedDisk.id"))
		return add_own_disk(call, row, lun, machine, err);
	if (lun >= 0 && lf_text_equal_nocase(option, "Empty"))
		return add_new_disk(call, row, lun, machine, err);
	if (lun < 0 && lf_json_at(machine, "image"))
		return add_new_disk(call, row, lun, machine, err);
	return fail_parameter(lun < 0 ? PROFILE ".osDisk" : PROFILE ".dataDisks",
			      "make the disk first and attach it by managedDisk.id",
			      "a machine is made of managed disks that are there", err);
}

/*
 * A machine of an image is one of the emulator's: there are no images, and its disk is empty.  What
 * the profile says of users and their secrets is for a guest that nobody sets up; the secrets are
 * not kept.
 */
static int take_image(struct lf_arm_call *call, json_t *machine, struct lf_error *err)
{
	const struct lf_context *context = lf_arm_context(call);
	const json_t *body = lf_arm_body(call),
		     *image = lf_json_at(body, PROFILE ".imageReference");
	LF_AUTO_JSON *profile = json_deep_copy(lf_json_at(body, "properties.osProfile"));
	const char *os = lf_json_text(body, PROFILE ".osDisk.osType");
	bool windows = os ? lf_text_equal_nocase(os, "Windows")
			  : lf_json_at(profile, "windowsConfiguration") != NULL;
	bool uefi = lf_json_text(body, "properties.securityProfile.securityType") ||
		    strcasestr(lf_json_text_or(image, "sku", ""), "gen2") ||
		    strcasestr(lf_json_text_or(image, "sku", ""), "-g2");

	if (!image)
		return !profile ? 0
				: fail_parameter("properties.osProfile", "leave it out",
						 "parameter 'osProfile' is not allowed without an "
						 "image",
						 err);
	if (!context->compute || !lf_compute_emulates(context->compute))
		return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed",
				   PROFILE ".imageReference",
				   "make a disk of a system that you have (createOption Import, or "
				   "landfall disk import) and attach it by managedDisk.id",
				   "this site has no images");
	json_object_del(profile, "adminPassword");
	return json_object_set(machine, "image", (json_t *)(uintptr_t)image) ||
			       (profile && json_object_set(machine, "osProfile", profile)) ||
			       lf_json_set_text(machine, "osType", windows ? "Windows" : "Linux") ||
			       lf_json_set_text(machine, "firmware", uefi ? "uefi" : "bios")
		       ? lf_fail_nomem(err)
		       : 0;
}

static int add_disks(struct lf_arm_call *call, json_t *machine, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call), *row;
	uint64_t luns = 0; /* taken */
	size_t i;

	int rc = add_disk(call, lf_json_at(body, PROFILE ".osDisk"), -1, machine, err);
	json_array_foreach (lf_json_at(body, PROFILE ".dataDisks"), i, row) {
		int64_t lun = lf_json_int_or(row, "lun", -1);
		if (rc)
			return rc;
		if (lun < 0 || lun > LUN_MAX || luns & UINT64_C(1) << lun)
			return fail_parameter(PROFILE ".dataDisks.lun",
					      "give each data disk a LUN of its own, 0 to 63",
					      "a data disk has no LUN of its own", err);
		luns |= UINT64_C(1) << lun;
		rc = add_disk(call, row, lun, machine, err);
	}
	return rc;
}

static int add_nics(struct lf_arm_call *call, json_t *machine, struct lf_error *err)
{
	static const char path[] = "properties.networkProfile.networkInterfaces";
	json_t *rows = lf_json_at(lf_arm_body(call), path);
	const json_t *row;
	size_t i;

	if (json_array_size(rows) == 0)
		return fail_parameter(path, "make a network interface first and name it here",
				      "a machine needs a network interface", err);
	json_array_foreach (rows, i, row) {
		const char *id = lf_json_text_or(row, "id", "");
		LF_AUTO_RESOURCE nic = LF_RESOURCE_INIT;
		bool primary = lf_json_bool_or(row, "properties.primary", i == 0);
		int rc = lf_arm_id_check(id, LF_NIC_TYPE, path, err);
		if (!rc)
			rc = lf_catalog_get(lf_arm_context(call)->catalog, id, &nic, err);
		if (rc == LF_ENOTFOUND)
			return fail_parameter(path, "make it first",
					      "the network interface is not there", err);
		if (rc)
			return rc;
		if (json_array_append_new(
			    lf_json_at(machine, "nics"),
			    json_pack("{s:s, s:b}", "id", nic.id, "primary", (int)primary)))
			return lf_fail_nomem(err);
	}
	return 0;
}

static int plan_machine(struct lf_arm_call *call, json_t **ret_machine, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	const char *size = lf_json_text(body, "properties.hardwareProfile.vmSize");
	unsigned vcpus, memory_mib;

	if (!size)
		return fail_parameter("properties.hardwareProfile.vmSize",
				      "GET locations/{location}/vmSizes lists them",
				      "a machine needs a size", err);
	int rc = lf_compute_size(size, &vcpus, &memory_mib, err);
	if (rc)
		return rc;
	LF_AUTO_DOC doc = LF_DOC_INIT;
	lf_doc_text(&doc, "id", lf_arm_id(call, 0));
	lf_doc_text(&doc, "location", lf_json_text_or(body, "location", ""));
	lf_doc_text(&doc, "vmSize", size);
	lf_doc_share_if(&doc, "tags", lf_json_at(body, "tags"));
	lf_doc_put(&doc, "disks", json_array());
	lf_doc_put(&doc, "nics", json_array());
	LF_AUTO_JSON *machine = NULL;
	rc = lf_doc_end(&doc, &machine, err);
	if (rc)
		return rc;
	rc = take_image(call, machine, err);
	if (!rc)
		rc = add_disks(call, machine, err);
	if (!rc)
		rc = lf_vm_body_read(lf_arm_context(call), lf_arm_id(call, 0), body, machine, err);
	if (!rc)
		rc = add_nics(call, machine, err);
	if (!rc)
		*ret_machine = lf_steal(&machine);
	return rc;
}

/* The rows and their job, in one transaction. */
static int submit(struct lf_arm_call *call, json_t *machine, char ret_job[static LF_GUID_SIZE],
		  struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_FREE char *scope =
		lf_printf_dup("/subscriptions/%s", lf_arm_param(call, "subscription"));
	const struct lf_job_request request = {.type = lf_vm_make_job.name,
					       .scope = scope,
					       .resource = lf_arm_id(call, 0),
					       .doc = machine};

	int rc = scope ? lf_transaction_begin(&tx, context->catalog, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_machine_note(context, machine, err);
	if (!rc)
		rc = lf_jobs_submit(context->jobs, &request, ret_job, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_vm_make(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *machine = NULL;
	char job[LF_GUID_SIZE];

	int rc = lf_vm_body_check(&lf_vm_document, lf_arm_body(call), err);
	if (rc)
		return rc;
	if (!lf_json_text(lf_arm_body(call), "location"))
		return fail_parameter("location", "name the region of its disks",
				      "a machine needs a location", err);
	rc = lf_location_check(lf_json_text(lf_arm_body(call), "location"), err);
	if (!rc)
		rc = plan_machine(call, &machine, err);
	if (!rc)
		rc = submit(call, machine, job, err);
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	if (!rc)
		rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 0), &vm, err);
	if (!rc)
		rc = lf_arm_envelope(vm.doc, vm.id, LF_VM_TYPE, err);
	if (!rc)
		rc = lf_machine_vm_complete(vm.doc, err);
	const struct lf_arm_async async = {.job = job, .no_location = true};
	return rc ? rc : lf_arm_reply_async(call, 201, &async, vm.doc, err);
}

int lf_vm_put(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE there = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 0), &there, err);

	if (rc == LF_ENOTFOUND)
		return lf_vm_make(call, err);
	return rc ? rc : lf_document_put(call, &lf_vm_document, err);
}

static int run_make(struct lf_job_run *run, struct lf_error *err)
{
	return lf_machine_make(lf_job_run_context(run), lf_job_run_job(run)->doc, err);
}

/* Its disks are copied behind it: then they are files, and need no point. */
static int run_start(struct lf_job_run *run, struct lf_error *err)
{
	const char *id = lf_job_run_job(run)->resource;
	int rc = lf_machine_start(lf_job_run_context(run), id, err);

	return rc ? rc : lf_machine_hydrate(lf_job_run_context(run), id, err);
}

static const struct lf_job_step steps[] = {
	{"Make", "Make the machine", run_make, NULL},
	{"Start", "Start the machine", run_start, NULL},
};
const struct lf_job_type lf_vm_make_job = {
	.name = "compute.makeMachine", .steps = steps, .n_steps = LF_N(steps)};
