/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that a failover makes: the item's settings, the source's
 * description, and the point's disks, put together for lf_machine_make().
 */
#include <string.h>

#include "base/names.h"
#include "providers/compute/machine.h"
#include "providers/compute/vm/placement.h"
#include "providers/siterecovery/internal.h"

#define VM_NAME_MAX	   63
#define RESOURCE_NAME_SIZE 128

static const char *setting(const struct lf_resource *item, const char *name)
{
	return lf_json_text_or(lf_json_at(item->doc, "details"), name, "");
}

/* The target's name; without one, the source's made to fit. */
static void vm_name(const struct lf_resource *item, bool test, char out[static VM_NAME_MAX + 1])
{
	const char *name = setting(item, "targetVmName");
	size_t limit = test ? VM_NAME_MAX - 5 : VM_NAME_MAX;

	if (!*name)
		name = lf_json_text_or(item->doc, "friendlyName", "machine");
	lf_name_make(LF_NAME_VM, name, out, limit + 1);
	if (test)
		strncat(out, "-test", VM_NAME_MAX - strlen(out));
}

char *lf_sr_vm_id(const struct lf_resource *item, bool test)
{
	char name[VM_NAME_MAX + 1];

	vm_name(item, test, name);
	return lf_printf_dup("%s/providers/Microsoft.Compute/virtualMachines/%s",
			     setting(item, "targetResourceGroupId"), name);
}

static json_t *tags_of(const struct lf_resource *item, const char *name)
{
	LF_AUTO_JSON *tags = json_object();
	json_t *tag;
	size_t i;

	json_array_foreach (lf_json_at(lf_json_at(item->doc, "details"), name), i, tag) {
		const char *key = lf_json_text(tag, "tagName");
		if (key && json_object_set_new(tags, key,
					       json_string(lf_json_text_or(tag, "tagValue", ""))))
			return NULL;
	}
	return lf_steal(&tags);
}

/*
 * The name as it is, or with the first number that makes it nobody's: an earlier machine of the
 * same name may have left its parts.  Made once, with the plan.
 */
static int free_name(struct lf_catalog *catalog, const struct lf_resource *item, const char *type,
		     const char *name, char out[static RESOURCE_NAME_SIZE], struct lf_error *err)
{
	const char *group = setting(item, "targetResourceGroupId");
	bool taken = true;
	int rc = 0;

	snprintf(out, RESOURCE_NAME_SIZE, "%s", name);
	for (int n = 2; !rc && taken; n++) {
		LF_AUTO_FREE char *id = lf_printf_dup("%s/providers/%s/%s", group, type, out);
		LF_AUTO_RESOURCE there = LF_RESOURCE_INIT;
		rc = id ? lf_catalog_find(catalog, id, &there, &taken, err) : lf_fail_nomem(err);
		if (!rc && taken)
			snprintf(out, RESOURCE_NAME_SIZE, "%s-%d", name, n);
	}
	return rc;
}

static int put_disk_name(struct lf_catalog *catalog, const struct lf_sr_plan *plan,
			 const char *name, const char *given, int64_t lun, struct lf_doc *disk,
			 struct lf_error *err)
{
	char made[RESOURCE_NAME_SIZE], out[RESOURCE_NAME_SIZE];

	if (*given) { /* its user's word: taken, it is refused when it is made */
		lf_doc_printf(disk, "name", "%s%s", given, plan->test ? "-test" : "");
		return 0;
	}
	if (lun < 0)
		snprintf(made, sizeof(made), "%s-OSdisk", name);
	else
		snprintf(made, sizeof(made), "%s-datadisk-%lld", name, (long long)lun);
	int rc = free_name(catalog, plan->item, "Microsoft.Compute/disks", made, out, err);
	lf_doc_text(disk, "name", out);
	return rc;
}

static int add_disk(struct lf_catalog *catalog, const struct lf_sr_plan *plan, const char *name,
		    const json_t *disk, int64_t lun, struct lf_doc *machine, struct lf_error *err)
{
	const char *id = lf_json_text_or(disk, "id", "");
	const json_t *row = lf_json_find_nocase(lf_json_at(plan->item->doc, "disks"), "diskId", id);
	const struct lf_point_ref source = {.region = lf_json_text(plan->item->state, "region"),
					    .point = lf_json_text(plan->point, "id"),
					    .root = lf_json_text(disk, "root"),
					    .disk = id};
	LF_AUTO_DOC made = LF_DOC_INIT;

	int rc = put_disk_name(catalog, plan, name, lf_json_text_or(row, "targetDiskName", ""), lun,
			       &made, err);
	lf_doc_int(&made, "lun", lun);
	lf_doc_text(&made, "sku", lf_json_text_or(row, "diskType", LF_DISK_SKU_DEFAULT));
	lf_doc_int(&made, "sizeBytes", lf_json_int_or(disk, "sizeBytes", 0));
	lf_doc_put(&made, "source", lf_point_ref_doc(&source));
	lf_doc_put(&made, "tags", tags_of(plan->item, "targetManagedDiskTags"));
	lf_doc_append(machine, "disks", lf_doc_take(&made));
	return rc;
}

static int put_disks(struct lf_catalog *catalog, const struct lf_sr_plan *plan, const char *name,
		     struct lf_doc *machine, struct lf_error *err)
{
	int64_t next_lun = 0;
	size_t i;
	json_t *disk;
	int rc = 0;

	lf_doc_put(machine, "disks", json_array());
	json_array_foreach (lf_json_at(plan->point, "disks"), i, disk) {
		bool os = lf_json_bool_or(disk, "os", false);
		if (!rc)
			rc = add_disk(catalog, plan, name, disk, os ? -1 : next_lun++, machine,
				      err);
	}
	return rc;
}

static const char *find_subnet(const json_t *subnets, const char *name)
{
	return *name ? lf_json_text(lf_json_find_nocase(subnets, "name", name), "name") : NULL;
}

/* The one asked for; in a test, the one named as the target's; else the first by name. */
static const char *choose_subnet(const struct lf_sr_plan *plan, const json_t *subnets,
				 const json_t *nic)
{
	const char *real =
		lf_json_text_or(nic, "targetSubnetName", setting(plan->item, "targetSubnetName"));
	const char *test =
		lf_json_text_or(nic, "testSubnetName", setting(plan->item, "testSubnetName"));
	const char *found = find_subnet(subnets, plan->test && *test ? test : real);

	if (!found)
		found = find_subnet(subnets, real);
	return found ? found : lf_json_text_or(subnets, "0.name", "");
}

/* The interface number at, of a source's (NULL: the one that a machine needs). */
static int put_nic(struct lf_catalog *catalog, struct lf_doc *machine,
		   const struct lf_sr_plan *plan, const json_t *subnets, const char *name,
		   const json_t *source, size_t at, struct lf_error *err)
{
	const char *id = lf_json_text_or(source, "id", lf_json_text_or(source, "mac", ""));
	const json_t *given = lf_json_find_nocase(lf_json_at(plan->item->doc, "nics"), "nicId", id);
	const char *address = lf_json_text_or(
		given, plan->test ? "testStaticIPAddress" : "targetStaticIPAddress", "");
	const char *own_name = plan->test ? "" : lf_json_text_or(given, "targetNicName", "");
	char made[RESOURCE_NAME_SIZE], chosen[RESOURCE_NAME_SIZE];
	LF_AUTO_DOC nic = LF_DOC_INIT;
	int rc = 0;

	if (!lf_json_bool_or(given, "isSelectedForFailover", true))
		return 0;
	lf_doc_bool(&nic, "asked", *address); /* by the user: he is told when he gets another */
	if (!*address) {
		address = lf_json_text_or(source, "ips.0", "");
		if (strchr(address, ':')) /* its IPv4 addresses are first, and it has none */
			address = "";
	}
	snprintf(made, sizeof(made), "%s-nic-%zu", name, at);
	if (!*own_name)
		rc = free_name(catalog, plan->item, "Microsoft.Network/networkInterfaces", made,
			       chosen, err);
	lf_doc_text(&nic, "name", *own_name ? own_name : chosen);
	lf_doc_text(&nic, "networkId", plan->network_id);
	lf_doc_text(&nic, "subnet", choose_subnet(plan, subnets, given));
	lf_doc_text_if(&nic, "address", *address ? address : NULL);
	lf_doc_text_if(&nic, "mac", lf_json_text(source, "mac"));
	lf_doc_bool(&nic, "primary", lf_json_bool_or(given, "isPrimaryNic", at == 0));
	lf_doc_put(&nic, "tags", tags_of(plan->item, "targetNicTags"));
	lf_doc_append(machine, "nics", lf_doc_take(&nic));
	return rc;
}

static int put_nics(struct lf_catalog *catalog, const struct lf_sr_plan *plan, const char *name,
		    struct lf_doc *machine, struct lf_error *err)
{
	const json_t *sources = lf_json_at(plan->item->state, "machine.nics");
	LF_AUTO_JSON *subnets = NULL;
	size_t i;
	json_t *source;

	lf_doc_put(machine, "nics", json_array());
	if (!plan->network_id || !*plan->network_id)
		return 0;
	int rc = lf_sr_subnets(catalog, plan->network_id, "networkId", &subnets, err);
	if (rc)
		return rc;
	if (!json_array_size(subnets))
		return lf_fail_arm(err, LF_EINVAL, "SubnetNotFound", plan->network_id,
				   "add a subnet to the network", "the network has no subnet");
	json_array_foreach ((json_t *)(uintptr_t)sources, i, source)
		if (!rc)
			rc = put_nic(catalog, machine, plan, subnets, name, source, i, err);
	if (!rc && !json_array_size(sources)) /* a machine needs one */
		rc = put_nic(catalog, machine, plan, subnets, name, NULL, 0, err);
	return rc;
}

static void put_security(struct lf_doc *machine, const struct lf_resource *item)
{
	const json_t *profile = lf_json_at(item->doc, "details.targetVmSecurityProfile");
	const char *type = lf_json_text_or(profile, "targetVmSecurityType", "None");

	if (lf_text_equal_nocase(type, "None"))
		return;
	lf_doc_text(machine, "securityType", type);
	lf_doc_bool(machine, "secureBoot",
		    lf_text_equal_nocase(lf_json_text_or(profile, "targetVmSecureBoot", ""),
					 "Enabled"));
	lf_doc_bool(machine, "tpm",
		    lf_text_equal_nocase(lf_json_text_or(profile, "targetVmTpm", ""), "Enabled"));
}

/* A licence that its owner brings, by the name that a virtual machine has for it; NULL: none. */
static const char *licence_of(const struct lf_resource *item, const char *os, bool windows)
{
	const char *given = setting(item, "linuxLicenseType");

	if (windows)
		return lf_text_equal_nocase(setting(item, "licenseType"), "WindowsServer")
			       ? "Windows_Server"
			       : NULL;
	if (lf_text_equal_nocase(given, "LinuxServer"))
		return strcasestr(os, "red hat") ? "RHEL_BYOS"
		       : strcasestr(os, "suse")	 ? "SLES_BYOS"
						 : NULL;
	return strcasestr(given, "_BYOS") ? given : NULL;
}

/* Where the machine stands. */
static void put_place(struct lf_doc *machine, const struct lf_resource *item)
{
	static const char *const members[][2] = {
		{"targetAvailabilitySetId", "availabilitySetId"},
		{"targetProximityPlacementGroupId", "proximityPlacementGroupId"},
	};
	const char *zone = setting(item, "targetAvailabilityZone");

	for (size_t i = 0; i < LF_N(members); i++)
		if (*setting(item, members[i][0]))
			lf_doc_text(machine, members[i][1], setting(item, members[i][0]));
	if (*zone)
		lf_doc_append(machine, "zones", json_string(zone));
}

static int put_diagnostics(struct lf_context *context, struct lf_doc *machine,
			   const struct lf_resource *item, struct lf_error *err)
{
	const char *id = setting(item, "targetBootDiagnosticsStorageAccountId");
	LF_AUTO_FREE char *uri = NULL;
	int rc = *id ? lf_vm_boot_account_uri(context->catalog, id,
					      "targetBootDiagnosticsStorageAccountId", &uri, err)
		     : 0;

	lf_doc_bool(machine, "bootDiagnostics.enabled", true);
	lf_doc_text_if(machine, "bootDiagnostics.storageUri", uri);
	return rc;
}

int lf_sr_machine_plan(struct lf_context *context, const struct lf_sr_plan *plan,
		       json_t **ret_machine, struct lf_error *err)
{
	const struct lf_resource *item = plan->item;
	const json_t *source = lf_json_at(item->state, "machine");
	bool uefi = strcasestr(lf_json_text_or(source, "firmware", "bios"), "efi") != NULL;
	bool windows = strcasestr(lf_json_text_or(source, "os", ""), "windows") != NULL;
	LF_AUTO_FREE char *id = lf_sr_vm_id(item, plan->test);
	LF_AUTO_DOC machine = LF_DOC_INIT;
	char name[VM_NAME_MAX + 1], size[64];

	if (!id)
		return lf_fail_nomem(err);
	vm_name(item, plan->test, name);
	snprintf(size, sizeof(size), "%s", setting(item, "targetVmSize"));
	if (!*size)
		lf_compute_size_for(lf_json_int_or(source, "cores", 1),
				    lf_json_int_or(source, "memoryMiB", 1024), size, sizeof(size));
	lf_doc_text(&machine, "id", id);
	lf_doc_text(&machine, "name", name);
	lf_doc_text(&machine, "location", lf_json_text_or(item->state, "region", ""));
	lf_doc_text(&machine, "vmSize", size);
	lf_doc_text(&machine, "osType", windows ? "Windows" : "Linux");
	lf_doc_text(&machine, "firmware", uefi ? "uefi" : "bios");
	lf_doc_put(&machine, "tags", tags_of(item, "targetVmTags"));
	lf_doc_text(&machine, "managedBy", item->id);
	lf_doc_text(&machine, "madeBy", plan->job);
	lf_doc_bool(&machine, "isolated", plan->test);
	lf_doc_text_if(&machine, "licenseType",
		       licence_of(item, lf_json_text_or(source, "os", ""), windows));
	put_security(&machine, item);
	put_place(&machine, item);
	int rc = put_diagnostics(context, &machine, item, err);
	if (!rc)
		rc = put_disks(context->catalog, plan, name, &machine, err);
	if (!rc)
		rc = put_nics(context->catalog, plan, name, &machine, err);
	return rc ? rc : lf_doc_end(&machine, ret_machine, err);
}

int lf_sr_machine_remove_own(struct lf_context *context, const char *vm_id, const char *job,
			     struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(context->catalog, vm_id, &vm, err);

	if (rc == LF_ENOTFOUND)
		return lf_machine_remove(context, vm_id, err); /* what a kill may have left */
	if (rc)
		return rc;
	if (strcmp(lf_json_text_or(vm.state, "machine.madeBy", ""), job) != 0)
		return 0;
	return lf_machine_remove(context, vm_id, err);
}

int lf_sr_machine_give_away(struct lf_catalog *catalog, const char *vm_id, struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(catalog, vm_id, &vm, err);

	if (rc == LF_ENOTFOUND) /* removed by its user */
		return 0;
	if (rc || json_object_del(vm.doc, "managedBy"))
		return rc;
	return lf_catalog_put(catalog, vm_id, NULL, LF_PUT_EXISTING, NULL, vm.doc, NULL, err);
}
