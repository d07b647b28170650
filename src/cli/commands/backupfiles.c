/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a recovery point: a script that mounts them.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands/backup.h"
#include "cli/find.h"
#include "cli/output.h"
#include "os/file.h"

/* The script holds a key: nobody else reads it. */
static int write_script(const char *path, const char *base64, struct lf_error *err)
{
	size_t len = strlen(base64);
	LF_AUTO_FREE unsigned char *text = malloc(len + 1);
	int got = text ? EVP_DecodeBlock(text, (const unsigned char *)base64, (int)len) : -1;

	if (!text)
		return lf_fail_nomem(err);
	if (got < 0)
		return lf_fail(err, LF_EIO, path, "the service's script cannot be read");
	while (len && base64[len - 1] == '=' && got > 0) /* what pads is no text */
		len--, got--;
	int rc = lf_file_write_durable(path, text, (size_t)got, 0700, err);
	explicit_bzero(text, (size_t)got);
	return rc;
}

static int take_script(struct lf_cli *cli, const char *item_id, const char *monitor,
		       const char *path, struct lf_error *err)
{
	const char *job = strrchr(monitor, '/');
	LF_AUTO_FREE char *status =
		lf_printf_dup("%s/operationsStatus/%.36s", item_id, job ? job + 1 : "");
	LF_AUTO_JSON *doc = NULL;
	int rc =
		status ? lf_cli_get(cli, status, LF_CLI_BACKUP_API, &doc, err) : lf_fail_nomem(err);
	const char *script = rc ? NULL
				: lf_json_text(doc, "properties.recoveryTarget.clientScripts.0."
						    "scriptContent");

	if (!rc && !script)
		rc = lf_fail(err, LF_EIO, item_id, "the service answers no script");
	return rc ? rc : write_script(path, script, err);
}

int lf_cli_backup_files(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	bool revoke = lf_args_value(args, "--revoke");
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_FREE char *point = NULL;
	LF_AUTO_CLI_ANSWER answer = {0};

	int rc = lf_cli_backup_item(cli, args, &item, err);
	if (!rc)
		rc = lf_cli_backup_point(cli, args, item, &point, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *path =
		lf_printf_dup("%s/recoveryPoints/%s/%sInstantItemRecovery", lf_cli_id(item), point,
			      revoke ? "revoke" : "provision");
	LF_AUTO_FREE char *named = lf_printf_dup("%s-%s.sh", args->words[0], point);
	LF_AUTO_JSON *body = json_pack("{s:{s:s, s:s}}", "properties", "objectType",
				       "IaasVMILRRegistrationRequest", "recoveryPointId", point);
	const char *file = lf_args_value_or(args, "--to", named);
	rc = path && named && body ? lf_cli_call(cli, "POST", path, LF_CLI_BACKUP_API,
						 revoke ? NULL : body, &answer, err)
				   : lf_fail_nomem(err);
	if (!rc && !revoke)
		rc = take_script(cli, lf_cli_id(item), answer.monitor, file, err);
	LF_AUTO_JSON *said =
		json_pack("{s:s, s:s*}", "point", point, "script", revoke ? NULL : file);
	if (!rc && !said)
		rc = lf_fail_nomem(err);
	return rc ? rc
	       : revoke
		       ? lf_cli_say(cli, said, err, "the files of point %s are let go of", point)
		       : lf_cli_say(
				 cli, said, err,
				 "as root, \"sh %s up DIR\" mounts the files of point %s below DIR",
				 file, point);
}
