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

static json_t *disk_of(const struct lf_sr_plan *plan, const char *name, const json_t *disk,
		       int64_t lun)
{
	const char *id = lf_json_text_or(disk, "id", "");
	const json_t *row = lf_json_find_nocase(lf_json_at(plan->item->doc, "disks"), "diskId", id);
	const char *given = lf_json_text_or(row, "targetDiskName", "");
	const struct lf_point_ref source = {.region = lf_json_text(plan->item->state, "region"),
					    .point = lf_json_text(plan->point, "id"),
					    .root = lf_json_text(disk, "root"),
					    .disk = id};
	LF_AUTO_DOC made = LF_DOC_INIT;

	if (*given)
		lf_doc_printf(&made, "name", "%s%s", given, plan->test ? "-test" : "");
	else if (lun < 0)
		lf_doc_printf(&made, "name", "%s-OSdisk", name);
	else
		lf_doc_printf(&made, "name", "%s-datadisk-%lld", name, (long long)lun);
	lf_doc_int(&made, "lun", lun);
	lf_doc_int(&made, "sizeBytes", lf_json_int_or(disk, "sizeBytes", 0));
	lf_doc_put(&made, "source", lf_point_ref_doc(&source));
	lf_doc_put(&made, "tags", tags_of(plan->item, "targetManagedDiskTags"));
	return lf_doc_take(&made);
}

static void put_disks(struct lf_doc *machine, const struct lf_sr_plan *plan, const char *name)
{
	int64_t next_lun = 0;
	size_t i;
	json_t *disk;

	lf_doc_put(machine, "disks", json_array());
	json_array_foreach (lf_json_at(plan->point, "disks"), i, disk) {
		bool os = lf_json_bool_or(disk, "os", false);
		lf_doc_append(machine, "disks", disk_of(plan, name, disk, os ? -1 : next_lun++));
	}
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
static void put_nic(struct lf_doc *machine, const struct lf_sr_plan *plan, const json_t *subnets,
		    const char *name, const json_t *source, size_t at)
{
	const char *id = lf_json_text_or(source, "id", lf_json_text_or(source, "mac", ""));
	const json_t *given = lf_json_find_nocase(lf_json_at(plan->item->doc, "nics"), "nicId", id);
	const char *address = lf_json_text_or(
		given, plan->test ? "testStaticIPAddress" : "targetStaticIPAddress", "");
	const char *own_name = plan->test ? "" : lf_json_text_or(given, "targetNicName", "");
	LF_AUTO_DOC nic = LF_DOC_INIT;

	if (!lf_json_bool_or(given, "isSelectedForFailover", true))
		return;
	if (!*address) {
		address = lf_json_text_or(source, "ips.0", "");
		if (strchr(address, ':')) /* its IPv4 addresses are first, and it has none */
			address = "";
	}
	if (*own_name)
		lf_doc_text(&nic, "name", own_name);
	else
		lf_doc_printf(&nic, "name", "%s-nic-%zu", name, at);
	lf_doc_text(&nic, "networkId", plan->network_id);
	lf_doc_text(&nic, "subnet", choose_subnet(plan, subnets, given));
	lf_doc_text_if(&nic, "address", *address ? address : NULL);
	lf_doc_text_if(&nic, "mac", lf_json_text(source, "mac"));
	lf_doc_bool(&nic, "primary", lf_json_bool_or(given, "isPrimaryNic", at == 0));
	lf_doc_put(&nic, "tags", tags_of(plan->item, "targetNicTags"));
	lf_doc_append(machine, "nics", lf_doc_take(&nic));
}

static int put_nics(struct lf_context *context, const struct lf_sr_plan *plan, const char *name,
		    struct lf_doc *machine, struct lf_error *err)
{
	const json_t *sources = lf_json_at(plan->item->state, "machine.nics");
	LF_AUTO_JSON *subnets = NULL;
	size_t i;
	json_t *source;

	lf_doc_put(machine, "nics", json_array());
	if (!plan->network_id || !*plan->network_id)
		return 0;
	int rc = lf_sr_subnets(context, plan->network_id, "networkId", &subnets, err);
	if (rc)
		return rc;
	if (!json_array_size(subnets))
		return lf_fail_arm(err, LF_EINVAL, "SubnetNotFound", plan->network_id,
				   "add a subnet to the network", "the network has no subnet");
	json_array_foreach ((json_t *)(uintptr_t)sources, i, source)
		put_nic(machine, plan, subnets, name, source, i);
	if (!json_array_size(sources)) /* a machine needs one */
		put_nic(machine, plan, subnets, name, NULL, 0);
	return 0;
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
	put_disks(&machine, plan, name);
	int rc = put_nics(context, plan, name, &machine, err);
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
