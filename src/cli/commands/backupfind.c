/* SPDX-License-Identifier: Apache-2.0 */
/* Which backup is meant: a machine of a vault, and a point of it. */
#include <string.h>

#include "base/text.h"
#include "cli/commands/backup.h"
#include "cli/find.h"

int lf_cli_backup_item(struct lf_cli *cli, const struct lf_args *args, json_t **ret_item,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *items = NULL;
	const json_t *item;
	size_t i;

	int rc = lf_cli_find_vault(cli, args, &vault, err);
	LF_AUTO_FREE char *path = rc ? NULL : lf_printf_dup("%s" LF_CLI_BACKUP_ITEMS, vault);
	if (!rc)
		rc = path ? lf_cli_list(cli, path, LF_CLI_BACKUP_API, &items, err)
			  : lf_fail_nomem(err);
	json_array_foreach (items, i, item)
		if (lf_text_equal_nocase(lf_json_text_or(item, "properties.friendlyName", ""),
					 args->words[0]) ||
		    lf_text_equal_nocase(lf_json_text_or(item, "id", ""), args->words[0])) {
			*ret_item = json_deep_copy(item);
			return *ret_item ? 0 : lf_fail_nomem(err);
		}
	if (rc)
		return rc;
	lf_fail(err, LF_ENOTFOUND, args->words[0], "the vault backs up no machine called %s",
		args->words[0]);
	return lf_error_hint(err, "landfall backup list shows what it backs up");
}

int lf_cli_backup_points(struct lf_cli *cli, const json_t *item, json_t **ret_points,
			 struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/recoveryPoints", lf_cli_id(item));

	return path ? lf_cli_list(cli, path, LF_CLI_BACKUP_API, ret_points, err)
		    : lf_fail_nomem(err);
}

int lf_cli_backup_point(struct lf_cli *cli, const struct lf_args *args, const json_t *item,
			char **ret_point, struct lf_error *err)
{
	const char *given = lf_args_value(args, "--point");
	LF_AUTO_JSON *points = NULL;
	int rc = given ? 0 : lf_cli_backup_points(cli, item, &points, err);

	if (rc)
		return rc;
	if (!given && !json_array_size(points))
		return lf_fail(err, LF_ENOTFOUND, args->words[0], "there is no recovery point yet");
	*ret_point = strdup(given ? given : lf_json_text_or(points, "0.name", ""));
	return *ret_point ? 0 : lf_fail_nomem(err);
}
