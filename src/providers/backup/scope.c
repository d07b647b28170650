/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of containers and items are made of the machine's group and name, as the service makes
 * them; what a path names is looked up from there.
 */
#include "providers/backup/scope.h"

#include <stdlib.h>
#include <string.h>

#include "providers/resources/locations.h"

#define CONTAINER "iaasvmcontainer;iaasvmcontainerv2;"
#define ITEM	  "VM;iaasvmcontainerv2;"

static char *name_of(const char *prefix, const char *vm_id)
{
	char group[128];

	if (!lf_arm_id_segment(vm_id, "resourceGroups", group, sizeof(group)))
		group[0] = '\0';
	return lf_printf_dup("%s%s;%s", prefix, group, lf_arm_id_last(vm_id));
}

char *lf_backup_container_name(const char *vm_id)
{
	return name_of(CONTAINER, vm_id);
}

char *lf_backup_item_name(const char *vm_id)
{
	return name_of(ITEM, vm_id);
}

/* "GROUP;VM" at the end of a name that begins with one of the prefixes; NULL: it does not. */
static const char *machine_part(const char *name, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lf_text_starts_nocase(name, prefixes[i]))
			return name + strlen(prefixes[i]);
	return NULL;
}

char *lf_backup_item_id(const char *id)
{
	static const char *const item_prefixes[] = {ITEM, "VM;"};
	static const char *const container_prefixes[] = {CONTAINER, "iaasvmcontainerv2;"};
	char container[320], item[320];

	const char *end = strcasestr(id, "/protectionContainers/");
	if (!end || !lf_arm_id_segment(id, "protectionContainers", container, sizeof(container)) ||
	    !lf_arm_id_segment(id, "protectedItems", item, sizeof(item)))
		return strdup(id);
	const char *machine = machine_part(item, item_prefixes, LF_N(item_prefixes));
	const char *held = machine_part(container, container_prefixes, LF_N(container_prefixes));
	if (!machine || !held || !lf_text_equal_nocase(machine, held))
		return strdup(id);
	return lf_printf_dup("%.*s/protectionContainers/" CONTAINER "%s/protectedItems/" ITEM "%s",
			     (int)(end - id), id, held, machine);
}

char *lf_backup_vault_id(const char *id)
{
	const char *end = strcasestr(id, "/backupFabrics/");

	return strndup(id, end ? (size_t)(end - id) : strlen(id));
}

int lf_backup_vault(struct lf_arm_call *call, struct lf_resource *ret_vault, struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_id_above(lf_arm_id(call, 0), LF_VAULT_TYPE);

	return id ? lf_catalog_get(lf_arm_context(call)->catalog, id, ret_vault, err)
		  : lf_fail_nomem(err);
}

int lf_backup_fail_no_item(const char *id, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorContainerObjectNotFound", id,
			   "GET backupProtectedItems lists what the vault protects",
			   "the vault has no protected item '%s'", lf_arm_id_last(id));
}

int lf_backup_item(struct lf_arm_call *call, unsigned levels_up, struct lf_resource *ret_item,
		   struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_backup_item_id(lf_arm_id(call, levels_up));
	bool there = false;
	int rc = id ? lf_catalog_find(lf_arm_context(call)->catalog, id, ret_item, &there, err)
		    : lf_fail_nomem(err);

	return rc || there ? rc : lf_backup_fail_no_item(id, err);
}

int lf_backup_point(struct lf_arm_call *call, unsigned levels_up, struct lf_resource *ret_item,
		    struct lf_resource *ret_point, struct lf_error *err)
{
	const char *name = lf_arm_param(call, "point");
	bool there = false;
	int rc = lf_backup_item(call, levels_up + 2, ret_item, err);
	LF_AUTO_FREE char *id =
		rc ? NULL : lf_printf_dup("%s/recoveryPoints/%s", ret_item->id, name);

	if (!rc)
		rc = id ? lf_catalog_find(lf_arm_context(call)->catalog, id, ret_point, &there, err)
			: lf_fail_nomem(err);
	return rc || there ? rc
			   : lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorRecoveryPointNotFound",
					 name, "GET recoveryPoints lists those of the item",
					 "the item has no recovery point '%.64s'", name);
}

const char *lf_backup_pair(const struct lf_resource *vault)
{
	bool on = lf_text_equal_nocase(
		lf_json_text_or(vault->doc, "properties.redundancySettings.crossRegionRestore", ""),
		"Enabled");

	return on ? lf_location_pair(lf_json_text_or(vault->doc, "location", "")) : NULL;
}

bool lf_backup_is_secondary(const struct lf_arm_call *call)
{
	static const char *const versions[] = {"2018-12-20", "2018-12-20-preview", "2021-11-15",
					       "2023-01-15"};
	const char *version = lf_arm_api_version(call);

	for (size_t i = 0; version && i < LF_N(versions); i++)
		if (lf_text_equal_nocase(versions[i], version))
			return true;
	return false;
}

bool lf_backup_is_2026(const struct lf_arm_call *call)
{
	const char *version = lf_arm_api_version(call);

	return version && strcmp(version, "2026") >= 0;
}

bool lf_backup_is_stopped(const struct lf_resource *item)
{
	const char *state = lf_json_text_or(item->doc, "properties.protectionState", "");

	return strcmp(state, "ProtectionStopped") == 0 || strcmp(state, "BackupsSuspended") == 0;
}

int lf_backup_store(struct lf_catalog *catalog, const struct lf_resource *resource,
		    struct lf_error *err)
{
	return lf_catalog_put(catalog, resource->id, resource->type, LF_PUT_EXISTING, NULL,
			      resource->doc, resource->state, err);
}
