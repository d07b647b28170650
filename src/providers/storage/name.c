/* SPDX-License-Identifier: Apache-2.0 */
/* Names of accounts: which there can be, and whose one is. */
#include <string.h>

#include "providers/storage/internal.h"

bool lf_storage_name_valid(const char *name)
{
	/* these would hide URLs of the site itself */
	static const char *const reserved[] = {
		"subscriptions", "providers", "tenants", "metadata",  "common",	 "organizations",
		"consumers",	 "adfs",      "oauth2",	 "discovery", "agent",	 "peer",
		"console",	 "landfall",  "health",	 "metrics",   "healthz", "wellknown"};
	size_t len = strlen(name);

	for (size_t i = 0; i < LF_N(reserved); i++)
		if (strcmp(name, reserved[i]) == 0)
			return false;
	return len >= 3 && len <= 24 && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789")];
}

int lf_storage_find(struct lf_catalog *catalog, const char *name, char **ret_id,
		    struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_STORAGE_TYPE, .named = name};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	*ret_id = NULL;
	if (!rc && list.n && !(*ret_id = strdup(list.items[0].id)))
		rc = lf_fail_nomem(err);
	return rc;
}
