/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines as documents: what a body may say, and what of one that is there may change.  Its size,
 * licence, diagnostics and tags change with the row; its data disks change with the row, too, and
 * then on the host, by a job that is submitted in the same transaction (vm/disks.c): until that has
 * ended the machine is Updating.
 */
#include <string.h>

#include "providers/common/document.h"
#include "providers/common/unsupported.h"
#include "providers/compute/compute.h"
#include "providers/compute/ids.h"
#include "providers/compute/machine_doc.h"
#include "providers/compute/vm/body.h"
#include "providers/compute/vm/disks.h"
#include "providers/compute/vm/placement.h"

#define OS_DISK	   LF_VM_STORAGE ".osDisk."
#define IMAGE	   LF_VM_STORAGE ".imageReference."
#define OS_PROFILE "properties.osProfile."
#define DATA_DISKS LF_VM_STORAGE ".dataDisks"
#define DATA_DISK  DATA_DISKS ".*."
#define NIC	   "properties.networkProfile.networkInterfaces.*."
#define OURS(name, type_)                                                                          \
	{                                                                                          \
		name, type_, LF_READ_ONLY, 0, 0, NULL, "Read only."                                \
	}
/* What both kinds of a machine's disks have. */
#define DISK_MEMBERS(disk)                                                                         \
	{disk "name", LF_TEXT, 0, 0, 80, NULL, "Its disk's, or what a new one is called."},        \
		{disk "createOption",                                                              \
		 LF_ENUM,                                                                          \
		 0,                                                                                \
		 0,                                                                                \
		 0,                                                                                \
		 create_options,                                                                   \
		 "Attach: a disk that is there; Empty: a new one."},                               \
		{disk "caching",                                                                   \
		 LF_ENUM,                                                                          \
		 0,                                                                                \
		 0,                                                                                \
		 0,                                                                                \
		 cachings,                                                                         \
		 "Kept; writes are what the guest "                                                \
		 "flushes."},                                                                      \
		{disk "deleteOption",		LF_ENUM, 0, 0, 0, delete_options,                  \
		 "Does it go with the machine?"},                                                  \
		{disk "diskSizeGB", LF_INT, 0, 1, 65536, NULL, "Of a new one; else its disk's."},  \
	{                                                                                          \
		disk "managedDisk.storageAccountType", LF_TEXT, 0, 0, 32, NULL,                    \
			"Of a new one; else its disk's."                                           \
	}
static const char *const os_types[] = {"Linux", "Windows", NULL};
static const char *const create_options[] = {"Attach", "Empty", "FromImage", NULL};
static const char *const cachings[] = {"None", "ReadOnly", "ReadWrite", NULL};
static const char *const delete_options[] = {"Detach", "Delete", NULL};
static const char *const detach_only[] = {"Detach", NULL};
static const char *const priorities[] = {"Regular", NULL};
static const char *const budgets[] = {"PT1H30M", NULL}; /* what clients send who were not asked */
static const char *const expands[] = {"instanceView", "userData", NULL};
static const struct lf_field vm_fields[] = {
	{"properties.hardwareProfile.vmSize", LF_TEXT, 0, 0, 64, NULL,
	 "Size of the machine; another one counts from its next start."},
	{OS_DISK "managedDisk.id", LF_ID, 0, 0, 0, NULL, "The disk that it boots from."},
	DISK_MEMBERS(OS_DISK),
	{OS_DISK "osType", LF_ENUM, 0, 0, 0, os_types, "What the disk says, if at all."},
	{IMAGE "publisher", LF_TEXT, 0, 0, 128, NULL, "An image; the emulator's disk is empty."},
	{IMAGE "offer", LF_TEXT, 0, 0, 128, NULL, "Of the publisher."},
	{IMAGE "sku", LF_TEXT, 0, 0, 128, NULL, "Of the offer; gen2 boots by UEFI."},
	{IMAGE "version", LF_TEXT, 0, 0, 64, NULL, "Of the image."},
	OURS(IMAGE "exactVersion", LF_TEXT),
	{IMAGE "id", LF_TEXT, 0, 0, 512, NULL, "An image by its id."},
	{OS_PROFILE "computerName", LF_TEXT, 0, 0, 64, NULL, "Of a machine of an image."},
	{OS_PROFILE "adminUsername", LF_TEXT, 0, 0, 64, NULL, "Kept."},
	{OS_PROFILE "adminPassword", LF_TEXT, LF_SECRET, 0, 123, NULL, "Not kept."},
	{OS_PROFILE "linuxConfiguration", LF_OBJECT, 0, 0, 0, NULL, "Kept."},
	{OS_PROFILE "windowsConfiguration", LF_OBJECT, 0, 0, 0, NULL, "Kept."},
	{OS_PROFILE "allowExtensionOperations", LF_BOOL, 0, 0, 0, NULL, "Kept."},
	{OS_PROFILE "requireGuestProvisionSignal", LF_BOOL, 0, 0, 0, NULL, "Kept."},
	{DATA_DISKS, LF_ARRAY, 0, 0, 64, NULL, "Its data disks."},
	{DATA_DISK "lun", LF_INT, LF_REQUIRED, 0, 63, NULL, "Where it is; each has its own."},
	{DATA_DISK "managedDisk.id", LF_ID, 0, 0, 0, NULL, "A disk that is there."},
	DISK_MEMBERS(DATA_DISK),
	{DATA_DISK "toBeDetached", LF_BOOL, 0, 0, 0, NULL, "It goes, whatever else is said of it."},
	{"properties.networkProfile.networkInterfaces", LF_ARRAY, 0, 0, 8, NULL,
	 "Network interfaces that are there."},
	{NIC "id", LF_ID, LF_REQUIRED, 0, 0, NULL, "A network interface that is there."},
	{NIC "properties.primary", LF_BOOL, 0, 0, 0, NULL, "The first, unless said otherwise."},
	{NIC "properties.deleteOption", LF_ENUM, 0, 0, 0, detach_only,
	 "It stays when the machine goes."},
	{"properties.securityProfile.securityType", LF_TEXT, 0, 0, 32, NULL,
	 "TrustedLaunch, of a machine that boots by UEFI."},
	{"properties.securityProfile.uefiSettings.secureBootEnabled", LF_BOOL, 0, 0, 0, NULL,
	 "Secure Boot, with Microsoft's keys."},
	{"properties.securityProfile.uefiSettings.vTpmEnabled", LF_BOOL, 0, 0, 0, NULL,
	 "A TPM 2.0."},
	{"properties.diagnosticsProfile.bootDiagnostics.enabled", LF_BOOL, 0, 0, 0, NULL,
	 "Kept; the console is there in any case."},
	{"properties.diagnosticsProfile.bootDiagnostics.storageUri", LF_TEXT, 0, 0, 2048, NULL,
	 "The blob endpoint of a storage account of this site; empty: none."},
	{"properties.availabilitySet.id", LF_ID, 0, 0, 0, NULL,
	 "A set of its group and location; it lists the machine."},
	{"properties.proximityPlacementGroup.id", LF_ID, 0, 0, 0, NULL,
	 "A group of its location; it lists the machine."},
	{"properties.licenseType", LF_TEXT, 0, 0, 32, NULL,
	 "A licence for its kind of system, or None."},
	{"properties.priority", LF_ENUM, 0, 0, 0, priorities, "No machine is evicted."},
	{"properties.extensionsTimeBudget", LF_ENUM, 0, 0, 0, budgets,
	 "The default: there are no extensions."},
	{"zones", LF_ARRAY, 0, 0, 1, NULL, "1, 2 or 3."},
	{"identity.type", LF_TEXT, 0, 0, 64, NULL, "None."},
	{"location", LF_TEXT, 0, 0, 64, NULL, "Its region, which cannot be changed."},
	OURS("id", LF_TEXT),
	OURS("name", LF_TEXT),
	OURS("type", LF_TEXT),
	OURS("etag", LF_TEXT),
	OURS("managedBy", LF_TEXT),
	OURS("resources", LF_ARRAY),
	OURS("systemData", LF_OBJECT),
	OURS("properties.vmId", LF_TEXT),
	OURS("properties.provisioningState", LF_TEXT),
	OURS("properties.instanceView", LF_OBJECT),
	OURS("properties.timeCreated", LF_TEXT),

};

/* What of a machine that is there a body may change; data disks have a way of their own. */
static const char *const changing[] = {"properties.hardwareProfile.vmSize",
				       "properties.licenseType",
				       "properties.diagnosticsProfile",
				       LF_VM_STORAGE ".osDisk.caching",
				       LF_VM_STORAGE ".osDisk.deleteOption",
				       "identity.type",
				       DATA_DISKS};
#define N_TAKEN (LF_N(changing) - 1)

/* Clients that want no account of their own say so with an empty text. */
static void drop_empty_uri(json_t *doc)
{
	json_t *boot = lf_json_at(doc, "properties.diagnosticsProfile.bootDiagnostics");
	const char *uri = lf_json_text(boot, "storageUri");

	if (uri && !uri[0])
		json_object_del(boot, "storageUri");
}

/* The values that are looked at before they are taken. */
static int check_values(struct lf_context *context, const json_t *doc, struct lf_error *err)
{
	static const char uri_path[] = "properties.diagnosticsProfile.bootDiagnostics.storageUri";
	const char *license = lf_json_text(doc, "properties.licenseType");
	const char *uri = lf_json_text(doc, uri_path);
	const char *os = lf_json_text_or(doc, LF_VM_STORAGE ".osDisk.osType", "Linux");
	int rc = license ? lf_vm_license_check(license, os, "properties.licenseType", &license, err)
			 : 0;

	return rc || !uri ? rc : lf_vm_boot_uri_check(context, uri, uri_path, err);
}

/* A running machine gets its new size at its next start, as libvirt has it. */
static int set_size(struct lf_context *context, const json_t *doc, json_t *state, bool define,
		    struct lf_error *err)
{
	struct lf_vm_spec spec;
	unsigned vcpus, memory_mib;
	int rc = lf_compute_size(lf_json_text_or(doc, "properties.hardwareProfile.vmSize", ""),
				 &vcpus, &memory_mib, err);

	if (!rc && (lf_json_set_int(state, "plan.vm.vcpus", (int64_t)vcpus) ||
		    lf_json_set_int(state, "plan.vm.memoryMiB", (int64_t)memory_mib)))
		rc = lf_fail_nomem(err);
	if (rc || !context->compute || !define)
		return rc;
	rc = lf_vm_spec_read(lf_json_at(state, "plan.vm"), &spec, err);
	return rc ? rc : lf_compute_vm_define(context->compute, &spec, err);
}

static int check_vm(struct lf_arm_call *call, const char *id, json_t *doc,
		    const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);

	if (!before) /* a new one is lf_vm_make()'s: it was there a moment ago */
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", id,
				   "send the request again",
				   "the machine was deleted while it was being changed");
	drop_empty_uri(doc);
	struct lf_resource vm = {
		.id = before->id, .doc = json_deep_copy(before->doc), .state = state};
	LF_AUTO_JSON *kept = vm.doc;
	int rc = kept ? lf_machine_vm_complete(kept, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_vm_identity_check(doc, err);
	if (!rc)
		rc = lf_changes_check(doc, kept, changing, LF_N(changing), err);
	if (!rc)
		rc = check_values(context, doc, err);
	if (rc)
		return rc;
	json_t *tags = lf_json_at(doc, "tags"), *disks = lf_json_at(doc, DATA_DISKS);
	bool changed = false;
	if (lf_changes_take(kept, doc, changing, N_TAKEN) ||
	    (tags ? json_object_set(kept, "tags", tags) : json_object_del(kept, "tags") * 0))
		return lf_fail_nomem(err);
	if (disks)
		rc = lf_vm_disks_change(context, &vm, disks, &changed, err);
	if (!rc)
		rc = set_size(context, kept, state, !changed, err);
	if (rc)
		return rc;
	json_object_clear(doc);
	return json_object_update(doc, kept) ? lf_fail_nomem(err) : 0;
}

/* The job that changes the disks. */
static const char *change_job(const struct lf_resource *vm)
{
	return lf_json_text(vm->state, "change.job");
}

const struct lf_document lf_vm_document = {.type = LF_VM_TYPE,
					   .fields = vm_fields,
					   .n_fields = LF_N(vm_fields),
					   .strict = true,
					   .check = check_vm,
					   .view = lf_vm_view,
					   .expands = expands,
					   .making = change_job,
					   .removing = lf_vm_leave_parts,
					   .undo = lf_vm_leave_host,
					   .needs_location = true,
					   .async = true};
