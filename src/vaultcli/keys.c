/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of "landfall vault" that change its keys.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vaultcli/args.h"

int lf_vaultcli_rekey(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	int rc = lf_vaultcli_open(args, false, &vault, err);
	if (!rc)
		rc = lf_vault_rekey(vault, args->new_key_file, err);
	lf_vault_free(vault);
	return rc;
}

int lf_vaultcli_rotate(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *key_file = lf_vaultcli_key(args);
	struct lf_vault *vault = NULL;
	int rc = key_file ? lf_vaultcli_open(args, false, &vault, err) : lf_fail_nomem(err);

	if (!rc)
		rc = lf_vault_rotate(vault, key_file, err);
	lf_vault_free(vault);
	return rc;
}

/* A claim that is a lock forbids what cannot be undone. */
static int refuse_locked(struct lf_vault *vault, int64_t now_ns, struct lf_error *err)
{
	LF_AUTO_JSON *points = NULL, *damaged = NULL;
	const json_t *point;
	size_t i;
	int rc = lf_point_list(vault, &points, &damaged, err);

	if (!rc && json_array_extend(points, damaged))
		rc = lf_fail_nomem(err);
	json_array_foreach (points, i, point) {
		const char *id = lf_json_text_or(point, "id", "");
		int64_t until = 0;
		if (rc)
			return rc;
		rc = lf_claim_until(vault, id, "lock", &until, err);
		if (rc == LF_ENOTFOUND)
			rc = 0;
		else if (!rc && until > now_ns)
			return lf_fail(err, LF_ECONFLICT, id, "point %s is locked", id);
	}
	return rc;
}

int lf_vaultcli_erase(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_vault *vault = NULL;

	if (!args->yes)
		return lf_fail(err, LF_EINVAL, "--yes",
			       "every point in %s would be lost for good; confirm with --yes",
			       args->words[0]);
	int rc = lf_vaultcli_open(args, false, &vault, err);
	if (!rc)
		rc = refuse_locked(vault, lf_vaultcli_now_ns(), err);
	if (!rc)
		rc = lf_vault_erase(vault, lf_vaultcli_now_ns(), err);
	lf_vault_free(vault);
	return rc;
}
