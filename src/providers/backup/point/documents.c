/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written down of a point: its document, which clients see, its row's state, and its
 * manifest in the vault.
 */
#include "providers/backup/point/documents.h"

#include "json/view.h"

const json_t *lf_backup_disk_at(const json_t *disks, int64_t lun)
{
	const json_t *disk;
	size_t i;

	json_array_foreach (disks, i, disk)
		if (lf_json_int_or(disk, "lun", -2) == lun)
			return disk;
	return NULL;
}

static void add_disk_name(struct lf_doc *configuration, const char *list, const json_t *disk)
{
	LF_AUTO_DOC row = LF_DOC_INIT;

	lf_doc_int(&row, "lun", lf_json_int_or(disk, "lun", -1));
	lf_doc_text(&row, "name", lf_json_text_or(disk, "name", ""));
	lf_doc_append(configuration, list, lf_doc_take(&row));
}

/* What the point holds, and what was left out. */
static json_t *disk_configuration(const struct lf_resource *vm, const json_t *disks)
{
	const json_t *attached = lf_json_at(vm->doc, "properties.storageProfile.dataDisks"), *disk;
	size_t i, included = json_array_size(disks), excluded = 0;
	LF_AUTO_DOC configuration = LF_DOC_INIT;

	json_array_foreach (attached, i, disk)
		excluded += !lf_backup_disk_at(disks, lf_json_int_or(disk, "lun", -3));
	lf_doc_int(&configuration, "numberOfDisksIncludedInBackup", (int64_t)included);
	lf_doc_int(&configuration, "numberOfDisksAttachedToVm", (int64_t)(included + excluded));
	lf_doc_put(&configuration, "includedDiskList", json_array());
	json_array_foreach (disks, i, disk)
		add_disk_name(&configuration, "includedDiskList", disk);
	lf_doc_put(&configuration, "excludedDiskList", json_array());
	json_array_foreach (attached, i, disk)
		if (!lf_backup_disk_at(disks, lf_json_int_or(disk, "lun", -3)))
			add_disk_name(&configuration, "excludedDiskList", disk);
	return lf_doc_take(&configuration);
}

enum { VM, CAPTURE };
static const struct lf_view_row point_rows[] = {
	{"objectType", LF_VIEW_CONST, 0, NULL, "\"IaasVMRecoveryPoint\""},
	{"recoveryPointType", LF_VIEW_TEXT, CAPTURE, "consistency", "\"CrashConsistent\""},
	{"recoveryPointAdditionalInfo", LF_VIEW_CONST, 0, NULL, "\"\""},
	{"sourceVMStorageType", LF_VIEW_CONST, 0, NULL, "\"NormalStorage\""},
	{"isSourceVMEncrypted", LF_VIEW_CONST, 0, NULL, "false"},
	{"isInstantIlrSessionActive", LF_VIEW_CONST, 0, NULL, "false"},
	{"isManagedVirtualMachine", LF_VIEW_CONST, 0, NULL, "true"},
	{"virtualMachineSize", LF_VIEW_TEXT, VM, "hardwareProfile.vmSize", "\"\""},
	{"osType", LF_VIEW_TEXT, VM, "storageProfile.osDisk.osType", "\"Linux\""},
	{"originalStorageAccountOption", LF_VIEW_CONST, 0, NULL, "false"},
	{"recoveryPointProperties.isSoftDeleted", LF_VIEW_CONST, 0, NULL, "false"},
};

int lf_backup_taken_doc(const struct lf_backup_taken *taken, json_t **ret_doc, struct lf_error *err)
{
	const json_t *const sources[] = {
		[VM] = lf_json_at(taken->vm->doc, "properties"), [CAPTURE] = taken->capture};
	LF_AUTO_DOC properties = LF_DOC_INIT, doc = LF_DOC_INIT;

	lf_view_put(&properties, point_rows, LF_N(point_rows), sources);
	lf_doc_text(&properties, "recoveryPointTime", taken->time);
	lf_doc_text(&properties, "recoveryPointProperties.expiryTime", taken->expires);
	lf_doc_put(&properties, "recoveryPointDiskConfiguration",
		   disk_configuration(taken->vm, lf_json_at(taken->capture, "disks")));
	lf_doc_put(&doc, "properties", lf_doc_take(&properties));
	return lf_doc_end(&doc, ret_doc, err);
}

int lf_backup_taken_state(const struct lf_backup_taken *taken, const struct lf_resource *item,
			  json_t **ret_state, struct lf_error *err)
{
	LF_AUTO_DOC state = LF_DOC_INIT;

	lf_doc_text(&state, "region", lf_json_text_or(item->state, "region", ""));
	lf_doc_text(&state, "point", taken->guid);
	lf_doc_share(&state, "disks", lf_json_at(taken->capture, "disks"));
	lf_doc_share(&state, "machine", taken->vm->doc);
	lf_doc_text(&state, "firmware",
		    lf_json_text_or(taken->vm->state, "machine.firmware", "bios"));
	lf_doc_text(&state, "expires", taken->expires);
	lf_doc_bool(&state, "byPolicy", taken->by_policy);
	return lf_doc_end(&state, ret_state, err);
}

json_t *lf_backup_manifest(const char *guid, const char *time, const char *consistency,
			   const char *vm_id, const json_t *disks)
{
	LF_AUTO_DOC manifest = LF_DOC_INIT;

	lf_doc_text(&manifest, "id", guid);
	lf_doc_text(&manifest, "time", time);
	lf_doc_text(&manifest, "consistency", consistency);
	lf_doc_text(&manifest, "machine.id", vm_id);
	lf_doc_share(&manifest, "disks", disks);
	return lf_doc_take(&manifest);
}
