/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two documents beside restored disks.  Source of the first's form: "restore disks" of the
 * service's documents: keys below "properties" are flattened into names with a dot.  UTF-8, as
 * clients of today read it.
 */
#include <string.h>

#include "base/text.h"
#include "providers/backup/restore/restore.h"

/* A disk of the storage profile: an unmanaged one by its VHD, a managed one by its id. */
static json_t *profile_disk(const json_t *disk)
{
	int64_t lun = lf_json_int_or(disk, "lun", -1);
	const char *uri = lf_json_text(disk, "uri"), *id = lf_json_text(disk, "id");
	json_t *row = json_pack("{s:s, s:s}", "name", lf_json_text_or(disk, "name", ""),
				"createOption", "Attach");
	int failed = uri ? lf_json_set_text(row, "vhd.uri", uri)
			 : lf_json_set_text(row, "managedDisk.id", id ? id : "");

	if (lun >= 0)
		failed |= lf_json_set_int(row, "lun", lun);
	if (!failed)
		return row;
	json_decref(row);
	return NULL;
}

static json_t *storage_profile(const json_t *input, const json_t *disks)
{
	json_t *profile = json_pack("{s:[]}", "dataDisks");
	const json_t *disk;
	size_t i;

	json_array_foreach (disks, i, disk) {
		json_t *row = profile_disk(disk);
		if (lf_json_int_or(disk, "lun", -1) >= 0) {
			json_array_append_new(lf_json_at(profile, "dataDisks"), row);
			continue;
		}
		lf_json_set_text(row, "osType",
				 lf_json_text_or(input,
						 "machine.properties.storageProfile.osDisk.osType",
						 "Linux"));
		lf_json_set(profile, "osDisk", row);
	}
	return profile;
}

char *lf_restore_config(const json_t *input, const json_t *disks)
{
	static const char *const kept[] = {
		"hardwareProfile", "osProfile", "networkProfile", "diagnosticsProfile",
		"securityProfile", "vmId",	"licenseType"};
	LF_AUTO_JSON *config = json_pack(
		"{s:s, s:s, s:s, s:O*, s:o}", "name", lf_json_text_or(input, "vmName", ""),
		"location", lf_json_text_or(input, "location", ""), "type",
		"Microsoft.Compute/virtualMachines", "tags", lf_json_at(input, "machine.tags"),
		"properties.storageProfile", storage_profile(input, disks));

	for (size_t i = 0; config && i < LF_N(kept); i++) {
		LF_AUTO_FREE char *from = lf_printf_dup("machine.properties.%s", kept[i]);
		LF_AUTO_FREE char *name = lf_printf_dup("properties.%s", kept[i]);
		json_t *value = from ? lf_json_at(input, from) : NULL;
		if (!name || (value && json_object_set(config, name, value)))
			return NULL;
	}
	return config ? json_dumps(config, JSON_INDENT(2)) : NULL;
}

/* Whoever deploys it says what the machine is called and which interface it gets. */
char *lf_restore_template(const json_t *input, const json_t *disks)
{
	LF_AUTO_JSON *template = json_pack(
		"{s:s, s:s, s:{s:{s:s, s:s}, s:{s:s}}, s:[{s:s, s:s, s:s, s:s, s:{s:{s:s}, s:o,"
		" s:{s:[{s:s}]}}}]}",
		"$schema",
		"https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
		"contentVersion", "1.0.0.0", "parameters", "virtualMachineName", "type", "string",
		"defaultValue", lf_json_text_or(input, "vmName", ""), "networkInterfaceId", "type",
		"string", "resources", "type", "Microsoft.Compute/virtualMachines", "apiVersion",
		"2024-07-01", "name", "[parameters('virtualMachineName')]", "location",
		lf_json_text_or(input, "location", ""), "properties", "hardwareProfile", "vmSize",
		lf_json_text_or(input, "machine.properties.hardwareProfile.vmSize", ""),
		"storageProfile", storage_profile(input, disks), "networkProfile",
		"networkInterfaces", "id", "[parameters('networkInterfaceId')]");

	return template ? json_dumps(template, JSON_INDENT(2)) : NULL;
}
