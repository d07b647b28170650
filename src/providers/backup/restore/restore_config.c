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
static json_t *profile_disk(const json_t *disk, const char *os_type)
{
	int64_t lun = lf_json_int_or(disk, "lun", -1);
	const char *uri = lf_json_text(disk, "uri");
	LF_AUTO_DOC row = LF_DOC_INIT;

	lf_doc_text(&row, "name", lf_json_text_or(disk, "name", ""));
	lf_doc_text(&row, "createOption", "Attach");
	if (uri)
		lf_doc_text(&row, "vhd.uri", uri);
	else
		lf_doc_text(&row, "managedDisk.id", lf_json_text_or(disk, "id", ""));
	if (lun >= 0)
		lf_doc_int(&row, "lun", lun);
	else
		lf_doc_text(&row, "osType", os_type);
	return lf_doc_take(&row);
}

static json_t *storage_profile(const struct lf_restore *restore, const json_t *disks)
{
	const char *os_type = lf_json_text_or(restore->machine,
					      "properties.storageProfile.osDisk.osType", "Linux");
	LF_AUTO_DOC profile = LF_DOC_INIT;
	const json_t *disk;
	size_t i;

	lf_doc_put(&profile, "dataDisks", json_array());
	json_array_foreach (disks, i, disk)
		if (lf_json_int_or(disk, "lun", -1) >= 0)
			lf_doc_append(&profile, "dataDisks", profile_disk(disk, os_type));
		else
			lf_doc_put(&profile, "osDisk", profile_disk(disk, os_type));
	return lf_doc_take(&profile);
}

/* Names with a dot are members of their own here, which no path can name. */
static char *flat_text(json_t *flat, const json_t *properties)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)properties, name, value) {
		LF_AUTO_FREE char *full = lf_printf_dup("properties.%s", name);
		if (!full || json_object_set(flat, full, value))
			return NULL;
	}
	return json_dumps(flat, JSON_INDENT(2));
}

char *lf_restore_config(const struct lf_restore *restore, const json_t *disks)
{
	static const char *const kept[] = {
		"hardwareProfile", "osProfile", "networkProfile", "diagnosticsProfile",
		"securityProfile", "vmId",	"licenseType"};
	const json_t *had = lf_json_at(restore->machine, "properties");
	LF_AUTO_DOC top = LF_DOC_INIT, properties = LF_DOC_INIT;

	lf_doc_text(&top, "name", restore->vm_name);
	lf_doc_text(&top, "location", restore->location);
	lf_doc_text(&top, "type", "Microsoft.Compute/virtualMachines");
	lf_doc_share_if(&top, "tags", lf_json_at(restore->machine, "tags"));
	lf_doc_put(&properties, "storageProfile", storage_profile(restore, disks));
	for (size_t i = 0; i < LF_N(kept); i++)
		lf_doc_share_if(&properties, kept[i], lf_json_at(had, kept[i]));
	LF_AUTO_JSON *flat = lf_doc_take(&top);
	LF_AUTO_JSON *own = lf_doc_take(&properties);
	return flat && own ? flat_text(flat, own) : NULL;
}

/* Whoever deploys it says what the machine is called and which interface it gets. */
static json_t *template_machine(const struct lf_restore *restore, const json_t *disks)
{
	LF_AUTO_DOC vm = LF_DOC_INIT;

	lf_doc_text(&vm, "type", "Microsoft.Compute/virtualMachines");
	lf_doc_text(&vm, "apiVersion", "2024-07-01");
	lf_doc_text(&vm, "name", "[parameters('virtualMachineName')]");
	lf_doc_text(&vm, "location", restore->location);
	lf_doc_share_if(&vm, "zones", lf_json_at(restore->machine, "zones"));
	lf_doc_share_if(&vm, "properties.securityProfile",
			lf_json_at(restore->machine, "properties.securityProfile"));
	lf_doc_share_if(&vm, "properties.licenseType",
			lf_json_at(restore->machine, "properties.licenseType"));
	lf_doc_text(&vm, "properties.hardwareProfile.vmSize",
		    lf_json_text_or(restore->machine, "properties.hardwareProfile.vmSize", ""));
	lf_doc_put(&vm, "properties.storageProfile", storage_profile(restore, disks));
	lf_doc_append(&vm, "properties.networkProfile.networkInterfaces",
		      json_pack("{s:s}", "id", "[parameters('networkInterfaceId')]"));
	return lf_doc_take(&vm);
}

char *lf_restore_template(const struct lf_restore *restore, const json_t *disks)
{
	LF_AUTO_DOC template = LF_DOC_INIT;

	lf_doc_text(&template, "$schema",
		    "https://schema.management.azure.com/schemas/2015-01-01/"
		    "deploymentTemplate.json#");
	lf_doc_text(&template, "contentVersion", "1.0.0.0");
	lf_doc_text(&template, "parameters.virtualMachineName.type", "string");
	lf_doc_text(&template, "parameters.virtualMachineName.defaultValue", restore->vm_name);
	lf_doc_text(&template, "parameters.networkInterfaceId.type", "string");
	lf_doc_append(&template, "resources", template_machine(restore, disks));
	LF_AUTO_JSON *own = lf_doc_take(&template);
	return own ? json_dumps(own, JSON_INDENT(2)) : NULL;
}
