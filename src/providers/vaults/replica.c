/* SPDX-License-Identifier: Apache-2.0 */
/* Vaults of regions that a peer serves, as it sent them here. */
#include <string.h>

#include "base/text.h"
#include "providers/vaults/vaults.h"

int lf_vault_admit(struct lf_arm_call *call, struct lf_error *err)
{
	const char *method = lf_http_method(lf_arm_http(call)), *id = lf_arm_id(call, 0);
	const char *name = strcasestr(id, "/Microsoft.RecoveryServices/vaults/");
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;

	if (!name || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
	    lf_text_equal_nocase(lf_arm_id_last(id), "accessToken"))
		return 0;
	name += strlen("/Microsoft.RecoveryServices/vaults/");
	LF_AUTO_FREE char *vault_id = strndup(id, (size_t)(name - id) + strcspn(name, "/"));
	if (!vault_id)
		return lf_fail_nomem(err);
	bool there; /* if not, the handler says so */
	int rc = lf_catalog_find(lf_arm_context(call)->catalog, vault_id, &vault, &there, err);
	const char *of = rc || !there ? NULL : lf_json_text(vault.state, "replicaOf");
	if (!of)
		return rc;
	return lf_fail_arm(err, LF_ECONFLICT, "VaultIsReplica", vault_id,
			   "change it where it is; restore from here by Cross Region Restore",
			   "the vault is in %s, which another site serves: here it is read only",
			   of);
}
