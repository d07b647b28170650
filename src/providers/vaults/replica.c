/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be asked below a vault: of one of a region that a peer serves, reads alone; of one whose
 * public access is off, what came through a private endpoint.
 */
#include <string.h>

#include "base/text.h"
#include "providers/network/private_link.h"
#include "providers/vaults/vaults.h"

static int check_replica(struct lf_arm_call *call, const struct lf_resource *vault,
			 struct lf_error *err)
{
	const char *method = lf_http_method(lf_arm_http(call)), *id = lf_arm_id(call, 0);
	const char *of = lf_json_text(vault->state, "replicaOf");

	if (!of || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
	    lf_text_equal_nocase(lf_arm_id_last(id), "accessToken"))
		return 0;
	return lf_fail_arm(err, LF_ECONFLICT, "VaultIsReplica", vault->id,
			   "change it where it is; restore from here by Cross Region Restore",
			   "the vault is in %s, which another site serves: here it is read only",
			   of);
}

/* below: of the path, "" or "/replicationFabrics/...".  The vault itself, its endpoints and what is
 * asked about an operation are Resource Manager's, and reached from everywhere, as in Azure. */
static bool is_service(const char *below)
{
	static const char *const managed[] = {
		LF_PRIVATE_LINK_TYPES, "privateLinkResources", "extendedInformation",
		"operationStatus",     "operationResults",     "usages",
		"replicationUsages",   "certificates",	       "registeredIdentities"};

	for (size_t i = 0; *below && i < LF_N(managed); i++) {
		size_t len = strlen(managed[i]);
		if (lf_text_starts_nocase(below + 1, managed[i]) && strchr("/", below[1 + len]))
			return false;
	}
	return *below != '\0';
}

static int check_network(struct lf_arm_call *call, const struct lf_resource *vault,
			 const char *below, struct lf_error *err)
{
	static const char path[] = "properties.publicNetworkAccess";
	bool may = strcmp(lf_json_text_or(vault->doc, path, ""), "Disabled") != 0;

	if (!is_service(below))
		return 0;
	const char *group = lf_text_starts_nocase(below, "/replication") ? "AzureSiteRecovery"
			    : lf_text_starts_nocase(below, "/backup")	 ? "AzureBackup"
									 : NULL;
	int rc = lf_private_link_admit(lf_arm_context(call)->catalog, vault->id, group, may,
				       lf_arm_http(call), &may, err);
	return rc || may ? rc
			 : lf_fail_arm(err, LF_EDENIED, "PublicNetworkAccessDisabled", vault->id,
				       "come through an approved private endpoint of the vault, or "
				       "set its publicNetworkAccess to Enabled",
				       "the vault is not reached from this network");
}

int lf_vault_admit(struct lf_arm_call *call, struct lf_error *err)
{
	const char *id = lf_arm_id(call, 0);
	const char *name = strcasestr(id, "/Microsoft.RecoveryServices/vaults/");
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;

	if (!name)
		return 0;
	name += strlen("/Microsoft.RecoveryServices/vaults/");
	const char *below = name + strcspn(name, "/");
	LF_AUTO_FREE char *vault_id = strndup(id, (size_t)(below - id));
	if (!vault_id)
		return lf_fail_nomem(err);
	bool there = false; /* if not, the handler says so */
	int rc = lf_catalog_find(lf_arm_context(call)->catalog, vault_id, &vault, &there, err);
	if (rc || !there)
		return rc;
	rc = check_replica(call, &vault, err);
	return rc ? rc : check_network(call, &vault, below, err);
}
