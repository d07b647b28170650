/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that a failover makes: the item's settings, the source's
 * description, and the point's disks, put together for lf_machine_make().
 */
#include <string.h>

#include "base/names.h"
#include "providers/compute/machine.h"
#include "providers/siterecovery/internal.h"

#define VM_NAME_MAX 63

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

static const char *target_disk_name(const struct lf_resource *item, const char *disk_id)
{
	size_t i;
	json_t *row;

	json_array_foreach (lf_json_at(item->doc, "disks"), i, row)
		if (lf_text_equal_nocase(lf_json_text_or(row, "diskId", ""), disk_id))
			return lf_json_text_or(row, "targetDiskName", "");
	return "";
}

static int add_disks(const struct lf_sr_plan *plan, const char *name, json_t *machine)
{
	json_t *disks = json_array(), *disk;
	int64_t next_lun = 0;
	size_t i;

	json_array_foreach (lf_json_at(plan->point, "disks"), i, disk) {
		bool os = lf_json_bool_or(disk, "os", false);
		int64_t lun = os ? -1 : next_lun++;
		const char *given = target_disk_name(plan->item, lf_json_text_or(disk, "id", ""));
		LF_AUTO_FREE char *fallback =
			os ? lf_printf_dup("%s-OSdisk", name)
			   : lf_printf_dup("%s-datadisk-%lld", name, (long long)lun);
		LF_AUTO_FREE char *full =
			*given ? lf_printf_dup("%s%s", given, plan->test ? "-test" : "")
			       : lf_printf_dup("%s", fallback ? fallback : "");
		const struct lf_point_ref source = {
			.region = lf_json_text(plan->item->state, "region"),
			.point = lf_json_text(plan->point, "id"),
			.root = lf_json_text(disk, "root"),
			.disk = lf_json_text(disk, "id")};
		LF_AUTO_DOC row = LF_DOC_INIT;
		lf_doc_int(&row, "lun", lun);
		lf_doc_text(&row, "name", full);
		lf_doc_int(&row, "sizeBytes", lf_json_int_or(disk, "sizeBytes", 0));
		lf_doc_put(&row, "source", lf_point_ref_doc(&source));
		lf_doc_put(&row, "tags", tags_of(plan->item, "targetManagedDiskTags"));
		if (json_array_append_new(disks, lf_doc_take(&row)))
			return -1;
	}
	return lf_json_set(machine, "disks", disks);
}

static const json_t *nic_setting(const struct lf_resource *item, const char *id)
{
	size_t i;
	json_t *row;

	json_array_foreach (lf_json_at(item->doc, "nics"), i, row)
		if (lf_text_equal_nocase(lf_json_text_or(row, "nicId", ""), id))
			return row;
	return NULL;
}

static const char *find_subnet(const json_t *subnets, const char *name)
{
	size_t i;
	json_t *row;

	json_array_foreach ((json_t *)(uintptr_t)subnets, i, row)
		if (*name && lf_text_equal_nocase(lf_json_text_or(row, "name", ""), name))
			return lf_json_text(row, "name");
	return NULL;
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

static int add_nic(const struct lf_sr_plan *plan, const json_t *subnets, const char *name,
		   const json_t *source, size_t at, json_t *nics)
{
	const char *id = lf_json_text_or(source, "id", lf_json_text_or(source, "mac", ""));
	const json_t *given = nic_setting(plan->item, id);
	const char *address = lf_json_text_or(
		given, plan->test ? "testStaticIPAddress" : "targetStaticIPAddress", "");
	const char *own_name = plan->test ? "" : lf_json_text_or(given, "targetNicName", "");

	if (!lf_json_bool_or(given, "isSelectedForFailover", true))
		return 0;
	if (!*address)
		address = lf_json_text_or(source, "ips.0", "");
	LF_AUTO_FREE char *nic_name =
		*own_name ? strdup(own_name) : lf_printf_dup("%s-nic-%zu", name, at);
	return json_array_append_new(
		nics,
		json_pack("{s:s?,s:s,s:s,s:s*,s:s*,s:b,s:o}", "name", nic_name, "networkId",
			  plan->network_id, "subnet", choose_subnet(plan, subnets, given),
			  "address", *address ? address : NULL, "mac", lf_json_text(source, "mac"),
			  "primary", (int)lf_json_bool_or(given, "isPrimaryNic", at == 0), "tags",
			  tags_of(plan->item, "targetNicTags")));
}

static int add_nics(struct lf_context *context, const struct lf_sr_plan *plan, const char *name,
		    json_t *machine, struct lf_error *err)
{
	json_t *nics = json_array(), *sources = lf_json_at(plan->item->state, "machine.nics");
	LF_AUTO_JSON *subnets = NULL;
	int failed = lf_json_set(machine, "nics", nics);
	size_t i;
	json_t *source;

	if (failed)
		return lf_fail_nomem(err);
	if (!plan->network_id || !*plan->network_id)
		return 0;
	int rc = lf_sr_subnets(context, plan->network_id, "networkId", &subnets, err);
	if (rc)
		return rc;
	if (!json_array_size(subnets))
		return lf_fail_arm(err, LF_EINVAL, "SubnetNotFound", plan->network_id,
				   "add a subnet to the network", "the network has no subnet");
	json_array_foreach (sources, i, source)
		failed |= add_nic(plan, subnets, name, source, i, nics);
	if (!failed && !json_array_size(sources)) /* a machine needs one */
		failed = add_nic(plan, subnets, name, NULL, 0, nics);
	return failed ? lf_fail_nomem(err) : 0;
}

int lf_sr_machine_plan(struct lf_context *context, const struct lf_sr_plan *plan,
		       json_t **ret_machine, struct lf_error *err)
{
	const struct lf_resource *item = plan->item;
	const char *firmware = lf_json_text_or(item->state, "machine.firmware", "bios");
	const char *os = lf_json_text_or(item->state, "machine.os", "");
	char name[VM_NAME_MAX + 1], size[64];

	vm_name(item, plan->test, name);
	snprintf(size, sizeof(size), "%s", setting(item, "targetVmSize"));
	if (!*size)
		lf_compute_size_for(lf_json_int_or(item->state, "machine.cores", 1),
				    lf_json_int_or(item->state, "machine.memoryMiB", 1024), size,
				    sizeof(size));
	LF_AUTO_FREE char *id = lf_sr_vm_id(item, plan->test);
	LF_AUTO_JSON *machine =
		json_pack("{s:s?,s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:s,s:b}", "id", id, "name", name,
			  "location", lf_json_text_or(item->state, "region", ""), "vmSize", size,
			  "osType", strcasestr(os, "windows") ? "Windows" : "Linux", "firmware",
			  strcasestr(firmware, "efi") ? "uefi" : "bios", "tags",
			  tags_of(item, "targetVmTags"), "managedBy", item->id, "madeBy", plan->job,
			  "isolated", (int)plan->test);
	if (!id || !machine || add_disks(plan, name, machine))
		return lf_fail_nomem(err);
	int rc = add_nics(context, plan, name, machine, err);
	if (!rc)
		*ret_machine = lf_steal(&machine);
	return rc;
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

int lf_sr_machine_give_away(struct lf_context *context, const char *vm_id, struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(context->catalog, vm_id, &vm, err);

	if (rc == LF_ENOTFOUND) /* removed by its user */
		return 0;
	if (rc || json_object_del(vm.doc, "managedBy"))
		return rc;
	return lf_catalog_put(context->catalog, vm_id, NULL, LF_PUT_EXISTING, NULL, vm.doc, NULL,
			      err);
}
