/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/commands/backup.h - what the commands of backups share.
 */
#ifndef LF_CLI_COMMANDS_BACKUP_H
#define LF_CLI_COMMANDS_BACKUP_H

#include "cli/command.h"

#define LF_CLI_BACKUP_API   "2024-04-01"
#define LF_CLI_BACKUP_ITEMS "/backupProtectedItems" /* of a vault */

/* The protected item of the machine that the first argument names. */
LF_MUST_CHECK int lf_cli_backup_item(struct lf_cli *cli, const struct lf_args *args,
				     json_t **ret_item, struct lf_error *err);
/* The item's points, the newest first. */
LF_MUST_CHECK int lf_cli_backup_points(struct lf_cli *cli, const json_t *item, json_t **ret_points,
				       struct lf_error *err);
/* --point, or the item's newest; free(). */
LF_MUST_CHECK int lf_cli_backup_point(struct lf_cli *cli, const struct lf_args *args,
				      const json_t *item, char **ret_point, struct lf_error *err);
/* "backup files" */
int lf_cli_backup_files(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err);

#endif
