/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/compute/ids.h"

#include <string.h>

#include "arm/arm.h"
#include "base/text.h"

void lf_machine_guid(const struct lf_context *context, const char *id, const char *kind,
		     char out[static LF_GUID_SIZE])
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(id);
	LF_AUTO_FREE char *space = lf_printf_dup("%s/%s", context->tenant_id, kind);

	LF_ASSERT(lower && space);
	lf_guid_derive(space, lower, out);
}

void lf_machine_host_guid(struct lf_context *context, const char *vm_id,
			  char out[static LF_GUID_SIZE])
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	struct lf_error ignored;

	lf_machine_guid(context, vm_id, "vm", out);
	const char *planned = lf_catalog_get(context->catalog, vm_id, &vm, &ignored)
				      ? NULL
				      : lf_json_text(vm.state, "plan.vm.guid");
	if (planned)
		snprintf(out, LF_GUID_SIZE, "%s", planned);
}

char *lf_machine_sibling(const char *vm_id, const char *type, const char *name)
{
	char subscription[128], group[128];

	if (!lf_arm_id_segment(vm_id, "subscriptions", subscription, sizeof(subscription)) ||
	    !lf_arm_id_segment(vm_id, "resourceGroups", group, sizeof(group)))
		return NULL;
	return lf_printf_dup("/subscriptions/%s/resourceGroups/%s/providers/%s/%s", subscription,
			     group, type, name);
}

char *lf_machine_disk_id(const json_t *machine, const json_t *disk)
{
	const char *id = lf_json_text(disk, "id");

	return id ? strdup(id)
		  : lf_machine_sibling(lf_json_text_or(machine, "id", ""), LF_DISK_TYPE,
				       lf_json_text_or(disk, "name", ""));
}
