/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login-check and rest: the account, and any request at all.
 */
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "os/file.h"

#define BODY_MAX (16u << 20)

static int login_check(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	(void)args;
	LF_AUTO_FREE char *path = lf_cli_path(cli, "%s", "");
	LF_AUTO_JSON *subscription = NULL;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_sign_in(cli, err);
	if (!rc)
		rc = lf_cli_get(cli, path, LF_API_RESOURCES, &subscription, err);
	return rc ? rc
		  : lf_cli_say(cli, subscription, err, "signed in to %s, subscription %s (%s)",
			       cli->url, cli->subscription,
			       lf_json_text_or(subscription, "displayName", "no name"));
}

/* "@FILE" or the JSON itself. */
static int read_body(const char *text, json_t **ret_body, struct lf_error *err)
{
	LF_AUTO_BUF file = LF_BUF_INIT;

	if (text[0] != '@')
		return lf_json_parse(text, strlen(text), ret_body, err);
	int rc = lf_file_read(text + 1, BODY_MAX, &file, err);
	return rc ? rc : lf_json_parse(lf_buf_text(&file), file.len, ret_body, err);
}

static int rest(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	const char *body_text = lf_args_value(args, "--body"), *at;
	LF_AUTO_JSON *body = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_BUF path = LF_BUF_INIT;

	int rc = body_text ? read_body(body_text, &body, err) : 0;
	if (rc)
		return rc;
	/* {subscription} saves typing */
	at = strstr(args->words[1], "{subscription}");
	lf_buf_append(&path, args->words[1],
		      at ? (size_t)(at - args->words[1]) : strlen(args->words[1]));
	if (at)
		lf_buf_printf(&path, "%s%s", cli->subscription, at + strlen("{subscription}"));
	rc = lf_buf_check(&path, err);
	cli->wait = lf_args_value(args, "--wait") != NULL;
	if (!rc && strcmp(args->words[0], "GET") == 0 && !cli->wait) {
		LF_AUTO_CLI_ANSWER answer = {0};
		rc = lf_cli_call(cli, "GET", path.data, lf_args_value(args, "--api-version"), body,
				 &answer, err);
		if (!rc && !answer.doc)
			lf_cli_print_text(&answer, !isatty(STDOUT_FILENO));
		doc = rc ? NULL : lf_steal(&answer.doc);
	} else if (!rc) {
		rc = lf_cli_change(cli, args->words[0], path.data,
				   lf_args_value(args, "--api-version"), body, NULL, NULL, &doc,
				   err);
	}
	return rc || !doc || json_is_null(doc) ? rc : lf_cli_print_json(doc, err);
}

const struct lf_cli_command lf_cli_basic_commands[] = {
	{.words = "login-check", .help = "Sign in and say where.", .run = login_check},
	{.words = "rest",
	 .args = "METHOD PATH",
	 .min_args = 2,
	 .max_args = 2,
	 .help = "Send any request; {subscription} in PATH stands for the account's.",
	 .run = rest,
	 .options = {{"--body", "JSON|@FILE", false, "body of the request"},
		     {"--api-version", "DATE", false, "added to PATH"},
		     {"--wait", NULL, false, "follow the operation to its end"}}},
	{0},
};
