/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks without a state: each looks at a value, and at the resource that it names.
 */
#include "providers/compute/vm/placement.h"

#include <string.h>

#include "arm/arm.h"
#include "arm/path.h"
#include "base/text.h"
#include "providers/common/document.h"
#include "providers/resources/locations.h"
#include "providers/storage/storage.h"

static int fail_value(const char *target, const char *value, const char *hint, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", target, hint,
			   "the value '%.64s' of %s is invalid", value, target);
}

/* The published form of value, of a NULL-ended list; NULL: it has none. */
static const char *find_value(const char *const *values, const char *value)
{
	while (*values && !lf_text_equal_nocase(*values, value))
		values++;
	return *values;
}

int lf_disk_sku_check(const char *name, const char *target, const char **ret_name,
		      struct lf_error *err)
{
	static const char *const names[] = {
		"Standard_LRS",	   "StandardSSD_LRS", "Premium_LRS",  "Premium_ZRS",
		"StandardSSD_ZRS", "PremiumV2_LRS",   "UltraSSD_LRS", NULL};
	const char *found = find_value(names, name);

	if (!found)
		return fail_value(target, name,
				  "use Standard_LRS, StandardSSD_LRS, Premium_LRS, Premium_ZRS, "
				  "StandardSSD_ZRS, PremiumV2_LRS or UltraSSD_LRS",
				  err);
	*ret_name = found;
	return 0;
}

int lf_vm_license_check(const char *license, const char *os_type, const char *target,
			const char **ret_license, struct lf_error *err)
{
	static const char *const windows[] = {"None", "Windows_Server", "Windows_Client", NULL};
	static const char *const linuxes[] = {"None",		"RHEL_BYOS",
					      "SLES_BYOS",	"RHEL_BASE",
					      "RHEL_EUS",	"RHEL_SAPAPPS",
					      "RHEL_SAPHA",	"RHEL_BASESAPAPPS",
					      "RHEL_BASESAPHA", "SLES_STANDARD",
					      "SLES_SAP",	"SLES_HPC",
					      "UBUNTU_PRO",	NULL};
	bool is_windows = lf_text_equal_nocase(os_type, "Windows");
	const char *found = find_value(is_windows ? windows : linuxes, license);

	if (!found)
		return fail_value(target, license,
				  is_windows ? "use None, Windows_Server or Windows_Client"
					     : "use None, RHEL_BYOS or SLES_BYOS: a Windows "
					       "licence is of a Windows machine",
				  err);
	*ret_license = found;
	return 0;
}

int lf_vm_zone_check(const char *zone, const char *target, struct lf_error *err)
{
	return zone[0] >= '1' && zone[0] <= '3' && !zone[1]
		       ? 0
		       : fail_value(target, zone, "use 1, 2 or 3", err);
}

/* A resource of type that is there, in that location. */
static int find_placed(struct lf_catalog *catalog, const char *id, const char *type,
		       const char *location, const char *target, struct lf_resource *ret_resource,
		       struct lf_error *err)
{
	int rc = lf_arm_id_check(id, type, target, err);

	if (!rc)
		rc = lf_catalog_get(catalog, id, ret_resource, err);
	if (rc == LF_ENOTFOUND)
		return fail_value(target, id, "make it first, or name one that is there", err);
	if (rc)
		return rc;
	return lf_location_equal(lf_json_text(ret_resource->doc, "location"), location)
		       ? 0
		       : fail_value(target, id, "name one of the machine's own location", err);
}

int lf_vm_set_check(struct lf_catalog *catalog, const char *id, const char *vm_id,
		    const char *location, const char *target, struct lf_error *err)
{
	LF_AUTO_RESOURCE set = LF_RESOURCE_INIT;
	char own[128] = "", other[128] = "";
	int rc = find_placed(catalog, id, LF_SET_TYPE, location, target, &set, err);

	if (rc)
		return rc;
	lf_arm_id_segment(vm_id, "resourceGroups", own, sizeof(own));
	lf_arm_id_segment(set.id, "resourceGroups", other, sizeof(other));
	return lf_text_equal_nocase(own, other)
		       ? 0
		       : fail_value(target, id, "name a set of the machine's own resource group",
				    err);
}

int lf_vm_placement_group_check(struct lf_catalog *catalog, const char *id, const char *location,
				const char *target, struct lf_error *err)
{
	LF_AUTO_RESOURCE group = LF_RESOURCE_INIT;

	return find_placed(catalog, id, LF_PLACEMENT_GROUP_TYPE, location, target, &group, err);
}

int lf_vm_boot_account_uri(struct lf_catalog *catalog, const char *account_id, const char *target,
			   char **ret_uri, struct lf_error *err)
{
	LF_AUTO_RESOURCE account = LF_RESOURCE_INIT;
	int rc = lf_arm_id_check(account_id, LF_STORAGE_TYPE, target, err);

	if (!rc)
		rc = lf_catalog_get(catalog, account_id, &account, err);
	if (rc == LF_ENOTFOUND)
		return fail_value(target, account_id, "name a storage account that is there", err);
	if (rc)
		return rc;
	*ret_uri = strdup(lf_json_text_or(account.doc, "properties.primaryEndpoints.blob", ""));
	return *ret_uri ? 0 : lf_fail_nomem(err);
}

/* "https://HOST/ACCOUNT/": whatever name of this site a client calls it by. */
int lf_vm_boot_uri_check(struct lf_context *context, const char *uri, const char *target,
			 struct lf_error *err)
{
	const char *host = strstr(uri, "://");
	const char *name = host ? strchr(host + 3, '/') : NULL;
	LF_AUTO_JSON *keys = NULL;
	char account[32] = "";
	struct lf_error found;

	if (name)
		snprintf(account, sizeof(account), "%.*s", (int)strcspn(name + 1, "/"), name + 1);
	if (name && lf_storage_name_valid(account)) {
		int rc = lf_storage_keys(context->catalog, account, &keys, &found);
		/* one that gives no keys is there, too */
		if (!rc || rc == LF_EDENIED)
			return 0;
	}
	return fail_value(target, uri, "give the blob endpoint of a storage account of this site",
			  err);
}

int lf_vm_security_check(const char *type, bool secure_boot, bool tpm, bool uefi,
			 const char *target, struct lf_error *err)
{
	bool trusted = type && lf_text_equal_nocase(type, "TrustedLaunch");

	if (type && !trusted && !lf_text_equal_nocase(type, "Standard"))
		return fail_value(target, type, "use TrustedLaunch, or leave it out", err);
	if (!uefi && (trusted || secure_boot || tpm))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", target,
				   "leave it out, or use a system that boots by UEFI",
				   "Secure Boot and a TPM are of machines of generation 2");
	return 0;
}
