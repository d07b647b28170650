/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore point says of the machine it is of.
 */
#include <string.h>

#include "base/text.h"
#include "providers/compute/restorepoint/restorepoint.h"

/* The disk's name and its GUID, which no other disk of the machine has. */
char *lf_disk_restore_point_id(const char *point_id, const json_t *disk)
{
	return lf_printf_dup("%s/diskRestorePoints/%s_%s", point_id,
			     lf_json_text_or(disk, "name", "disk"),
			     lf_json_text_or(disk, "id", ""));
}

const json_t *lf_restore_point_find_disk(const struct lf_resource *point, const char *name)
{
	const json_t *disk;
	size_t i;

	json_array_foreach (lf_json_at(point->state, "disks"), i, disk) {
		LF_AUTO_FREE char *id = lf_disk_restore_point_id(point->id, disk);
		if (id && lf_text_equal_nocase(lf_arm_id_last(id), name))
			return disk;
	}
	return NULL;
}

static const json_t *find_lun(const json_t *disks, int64_t lun)
{
	const json_t *disk;
	size_t i;

	json_array_foreach (disks, i, disk)
		if (lf_json_int_or(disk, "lun", -1) == lun)
			return disk;
	return NULL;
}

/* A disk of the machine's storage profile; one that was left out has no point of its own. */
static int name_disk(json_t *row, const char *point_id, const json_t *disk)
{
	if (!disk)
		return json_object_del(row, "diskRestorePoint") && 0;
	LF_AUTO_FREE char *id = lf_disk_restore_point_id(point_id, disk);
	return !id || lf_json_set_text(row, "diskRestorePoint.id", id) ? -1 : 0;
}

int lf_restore_point_rename_disks(json_t *metadata, const char *point_id, const json_t *disks,
				  struct lf_error *err)
{
	json_t *profile = lf_json_at(metadata, "storageProfile"), *row;
	json_t *os = lf_json_at(profile, "osDisk");
	int failed = os ? name_disk(os, point_id, find_lun(disks, -1)) : 0;
	size_t i;

	json_array_foreach (lf_json_at(profile, "dataDisks"), i, row)
		failed |= name_disk(row, point_id, find_lun(disks, lf_json_int_or(row, "lun", -2)));
	return failed ? lf_fail_nomem(err) : 0;
}

json_t *lf_restore_point_metadata(const struct lf_resource *vm, const char *point_id,
				  const json_t *disks)
{
	static const char *const kept[] = {
		"hardwareProfile", "storageProfile",  "osProfile",	   "vmId",
		"licenseType",	   "securityProfile", "diagnosticsProfile"};
	LF_AUTO_JSON *metadata = json_object();
	struct lf_error ignored;
	int failed =
		lf_json_set_text(metadata, "location", lf_json_text_or(vm->doc, "location", ""));

	for (size_t i = 0; i < LF_N(kept); i++) {
		LF_AUTO_FREE char *path = lf_printf_dup("properties.%s", kept[i]);
		json_t *value = path ? lf_json_at(vm->doc, path) : NULL;
		if (value)
			failed |= lf_json_set(metadata, kept[i], json_deep_copy(value));
	}
	bool uefi = strcmp(lf_json_text_or(vm->state, "machine.firmware", ""), "uefi") == 0;
	failed |= lf_json_set_text(metadata, "hyperVGeneration", uefi ? "V2" : "V1");
	if (failed || lf_restore_point_rename_disks(metadata, point_id, disks, &ignored))
		return NULL;
	return lf_steal(&metadata);
}
