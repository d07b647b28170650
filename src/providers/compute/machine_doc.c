/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's resources as clients see them: the documents of the VM, its disks
 * and its interfaces, made of its specification and plan alone, so that making
 * the machine again gives the same ones.
 */
#include "providers/compute/machine_doc.h"

#include <string.h>

#include "json/doc.h"
#include "providers/compute/ids.h"
#include "providers/compute/vm/placement.h"

#define GIB ((int64_t)1 << 30)

json_t *lf_machine_disk_view(const json_t *machine, const json_t *disk)
{
	LF_AUTO_FREE char *id = lf_machine_disk_id(machine, disk);
	LF_AUTO_DOC doc = LF_DOC_INIT;
	int64_t lun = lf_json_int_or(disk, "lun", -1);
	int64_t bytes = lf_json_int_or(disk, "sizeBytes", 0);

	lf_doc_text(&doc, "name", lf_json_text_or(disk, "name", ""));
	lf_doc_text(&doc, "createOption", lf_json_text_or(disk, "createOption", "Attach"));
	lf_doc_text(&doc, "caching", lf_json_text_or(disk, "caching", "ReadWrite"));
	lf_doc_text(&doc, "deleteOption", lf_json_text_or(disk, "deleteOption", "Detach"));
	lf_doc_int(&doc, "diskSizeGB", (bytes + GIB - 1) / GIB);
	lf_doc_text(&doc, "managedDisk.storageAccountType",
		    lf_json_text_or(disk, "sku", LF_DISK_SKU_DEFAULT));
	lf_doc_text_if(&doc, "managedDisk.id", id);
	if (lun < 0)
		lf_doc_text(&doc, "osType", lf_json_text_or(machine, "osType", "Linux"));
	else
		lf_doc_int(&doc, "lun", lun);
	return lf_doc_take(&doc);
}

json_t *lf_machine_storage_profile(const json_t *machine)
{
	LF_AUTO_DOC profile = LF_DOC_INIT;
	const json_t *disk;
	size_t i;

	lf_doc_put(&profile, "dataDisks", json_array());
	json_array_foreach (lf_json_at(machine, "disks"), i, disk) {
		if (lf_json_int_or(disk, "lun", -1) < 0)
			lf_doc_put(&profile, "osDisk", lf_machine_disk_view(machine, disk));
		else
			lf_doc_append(&profile, "dataDisks", lf_machine_disk_view(machine, disk));
	}
	return lf_doc_take(&profile);
}

/* What was asked for besides disks, size and interfaces, each as clients know it. */
static void put_asked(struct lf_doc *properties, const json_t *machine)
{
	bool secure = lf_json_bool_or(machine, "secureBoot", false);
	bool tpm = lf_json_bool_or(machine, "tpm", false);
	const char *type = lf_json_text(machine, "securityType");

	lf_doc_bool(properties, "diagnosticsProfile.bootDiagnostics.enabled",
		    lf_json_bool_or(machine, "bootDiagnostics.enabled", true));
	lf_doc_text_if(properties, "diagnosticsProfile.bootDiagnostics.storageUri",
		       lf_json_text(machine, "bootDiagnostics.storageUri"));
	lf_doc_text_if(properties, "securityProfile.securityType", type);
	if (secure || tpm || type) {
		lf_doc_bool(properties, "securityProfile.uefiSettings.secureBootEnabled", secure);
		lf_doc_bool(properties, "securityProfile.uefiSettings.vTpmEnabled", tpm);
	}
	lf_doc_share_if(properties, "storageProfile.imageReference", lf_json_at(machine, "image"));
	lf_doc_share_if(properties, "osProfile", lf_json_at(machine, "osProfile"));
	lf_doc_text_if(properties, "availabilitySet.id",
		       lf_json_text(machine, "availabilitySetId"));
	lf_doc_text_if(properties, "proximityPlacementGroup.id",
		       lf_json_text(machine, "proximityPlacementGroupId"));
	lf_doc_text_if(properties, "licenseType", lf_json_text(machine, "licenseType"));
}

int lf_machine_vm_complete(json_t *doc, struct lf_error *err)
{
	static const char *const members[][2] = {{"properties.priority", "Regular"},
						 {"properties.extensionsTimeBudget", "PT1H30M"}};
	json_t *nics = lf_json_at(doc, "properties.networkProfile.networkInterfaces"), *nic;
	int failed = 0;
	size_t i;

	for (i = 0; i < LF_N(members); i++)
		failed |= lf_json_set_text(doc, members[i][0], members[i][1]);
	json_array_foreach (nics, i, nic)
		failed |= lf_json_set_text(nic, "properties.deleteOption", "Detach");
	return failed ? lf_fail_nomem(err) : 0;
}

json_t *lf_machine_vm_doc(const json_t *machine, const json_t *plan, int64_t now_ns)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_DOC properties = LF_DOC_INIT;
	const json_t *nic;
	size_t i;

	lf_doc_text(&properties, "vmId", lf_json_text_or(plan, "vm.guid", ""));
	lf_doc_text(&properties, "hardwareProfile.vmSize", lf_json_text_or(machine, "vmSize", ""));
	lf_doc_put(&properties, "storageProfile", lf_machine_storage_profile(machine));
	lf_doc_put(&properties, "networkProfile.networkInterfaces", json_array());
	json_array_foreach (lf_json_at(plan, "nics"), i, nic)
		lf_doc_append(&properties, "networkProfile.networkInterfaces",
			      json_pack("{s:s, s:{s:b}}", "id", lf_json_text(nic, "id"),
					"properties", "primary",
					(int)lf_json_bool_or(nic, "primary", false)));
	put_asked(&properties, machine);
	lf_doc_text(&properties, "provisioningState", "Creating");
	lf_doc_time(&properties, "timeCreated", now_ns);
	lf_doc_text(&doc, "location", lf_json_text_or(machine, "location", ""));
	lf_doc_share_if(&doc, "zones", lf_json_at(machine, "zones"));
	lf_doc_share_if(&doc, "tags", lf_json_at(machine, "tags"));
	lf_doc_text_if(&doc, "managedBy", lf_json_text(machine, "managedBy"));
	lf_doc_text_if(&doc, "identity.type", lf_json_text(machine, "identityType"));
	lf_doc_put(&doc, "properties", lf_doc_take(&properties));
	return lf_doc_take(&doc);
}

json_t *lf_machine_disk_doc(const json_t *machine, const json_t *disk, int64_t now_ns)
{
	bool uefi = strcmp(lf_json_text_or(machine, "firmware", ""), "uefi") == 0;
	int64_t bytes = lf_json_int_or(disk, "sizeBytes", 0);
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "location", lf_json_text_or(machine, "location", ""));
	lf_doc_text(&doc, "managedBy", lf_json_text_or(machine, "id", ""));
	lf_doc_share_if(&doc, "tags", lf_json_at(disk, "tags"));
	lf_doc_share_if(&doc, "zones", lf_json_at(machine, "zones"));
	lf_doc_text(&doc, "sku.name", lf_json_text_or(disk, "sku", LF_DISK_SKU_DEFAULT));
	if (lf_json_int_or(disk, "lun", -1) < 0) {
		lf_doc_text(&doc, "properties.osType", lf_json_text_or(machine, "osType", "Linux"));
		lf_doc_text(&doc, "properties.hyperVGeneration", uefi ? "V2" : "V1");
	}
	lf_doc_text(&doc, "properties.creationData.createOption",
		    strcmp(lf_json_text_or(disk, "source.kind", ""), "empty") == 0 ? "Empty"
										   : "Restore");
	lf_doc_int(&doc, "properties.diskSizeGB", (bytes + GIB - 1) / GIB);
	lf_doc_int(&doc, "properties.diskSizeBytes", bytes);
	lf_doc_text(&doc, "properties.provisioningState", "Succeeded");
	lf_doc_text(&doc, "properties.diskState", "Attached");
	lf_doc_time(&doc, "properties.timeCreated", now_ns);
	return lf_doc_take(&doc);
}

static json_t *ip_configuration(const json_t *nic)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	bool fixed = lf_json_bool_or(nic, "static", false);

	lf_doc_text(&doc, "name", LF_MACHINE_IP_CONFIGURATION);
	lf_doc_printf(&doc, "id", "%s/ipConfigurations/" LF_MACHINE_IP_CONFIGURATION,
		      lf_json_text_or(nic, "id", ""));
	lf_doc_text(&doc, "properties.provisioningState", "Succeeded");
	lf_doc_text(&doc, "properties.privateIPAddress", lf_json_text_or(nic, "address", ""));
	lf_doc_text(&doc, "properties.privateIPAllocationMethod", fixed ? "Static" : "Dynamic");
	lf_doc_bool(&doc, "properties.primary", true);
	lf_doc_text(&doc, "properties.privateIPAddressVersion", "IPv4");
	lf_doc_text(&doc, "properties.subnet.id", lf_json_text_or(nic, "subnetId", ""));
	return lf_doc_take(&doc);
}

json_t *lf_machine_nic_doc(const json_t *machine, const json_t *nic)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "location", lf_json_text_or(machine, "location", ""));
	lf_doc_share_if(&doc, "tags", lf_json_at(nic, "tags"));
	lf_doc_text(&doc, "properties.provisioningState", "Succeeded");
	lf_doc_text(&doc, "properties.macAddress", lf_json_text_or(nic, "mac", ""));
	lf_doc_bool(&doc, "properties.primary", lf_json_bool_or(nic, "primary", false));
	lf_doc_bool(&doc, "properties.enableIPForwarding", false);
	lf_doc_text(&doc, "properties.virtualMachine.id", lf_json_text_or(machine, "id", ""));
	lf_doc_append(&doc, "properties.ipConfigurations", ip_configuration(nic));
	return lf_doc_take(&doc);
}
