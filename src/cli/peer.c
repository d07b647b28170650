/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairing keys are files of the data directory, made and removed beside a
 * running daemon, which reads them when a peer calls; so there is nothing to
 * reload.
 */
#include "cli/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/text.h"
#include "os/file.h"
#include "peer/pairing.h"

struct args {
	const char *data_dir, *region, *url, *name;
};

/* LF_URL of client.env, which the daemon writes. */
static int site_url(const char *data_dir, char **ret_url, struct lf_error *err)
{
	static const char member[] = "LF_URL=";
	LF_AUTO_FREE char *path = lf_printf_dup("%s/client.env", data_dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	int rc = path ? lf_file_read(path, 65536, &text, err) : lf_fail_nomem(err);

	if (rc)
		return rc;
	const char *at = strstr(lf_buf_text(&text), member);
	if (!at) {
		lf_fail(err, LF_EINVAL, path, "%s does not say where the site is", path);
		return lf_error_hint(err, "give --url");
	}
	at += strlen(member);
	at += strspn(at, "'\"");
	*ret_url = strndup(at, strcspn(at, "'\"\n"));
	return *ret_url ? 0 : lf_fail_nomem(err);
}

static int create(const struct args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *url = args->url ? strdup(args->url) : NULL;
	LF_AUTO_FREE char *path = NULL;
	int rc = args->url ? 0 : site_url(args->data_dir, &url, err);
	if (!rc)
		rc = url ? lf_pairing_create(args->data_dir, args->name, args->region, url, &path,
					     err)
			 : lf_fail_nomem(err);
	if (!rc)
		printf("%s\n", path);
	return rc;
}

static int list(const struct args *args, struct lf_error *err)
{
	LF_AUTO_JSON *pairings = NULL;
	const json_t *pairing;
	size_t i;
	int rc = lf_pairing_list(args->data_dir, &pairings, err);

	json_array_foreach (pairings, i, pairing)
		printf("%-32s %-20s %s\n", lf_json_text_or(pairing, "name", ""),
		       lf_json_text_or(pairing, "region", "(the first)"),
		       lf_json_text_or(pairing, "file", ""));
	return rc;
}

static int revoke(const struct args *args, struct lf_error *err)
{
	return lf_pairing_revoke(args->data_dir, args->name, err);
}

#define DATA                                                                                       \
	{                                                                                          \
		"--data", "DIR", true, "the site's data directory", lf_option_text,                \
			offsetof(struct args, data_dir)                                            \
	}
static const struct lf_option data_alone[] = {DATA, {0}};
static const struct lf_option of_create[] = {
	{"--region", "REGION", true, "the region whose points the other site may send",
	 lf_option_text, offsetof(struct args, region)},
	DATA,
	LF_OPTION_TEXT("--url", "URL", struct args, url,
		       "where the other site reaches this one (default: as client.env says)"),
	{0},
};
static const struct command {
	struct lf_command_line line;
	int (*run)(const struct args *args, struct lf_error *err);
} commands[] = {
	{{"landfall peer", "create", "NAME", 1, 1, false, of_create,
	  "Make a key for another site, and print its file, which is to be copied there.\n"
	  "A key that is made anew under the same name goes on with the points that came by the\n"
	  "old one."},
	 create},
	{{"landfall peer", "list", NULL, 0, 0, false, data_alone, "List all keys."}, list},
	{{"landfall peer", "revoke", "NAME", 1, 1, false, data_alone,
	  "End a key at once.\n"
	  "\"peer\" is the one that every site has: it gets another secret."},
	 revoke},
};

static void print_help(void)
{
	puts("usage: landfall peer COMMAND ...\n\n"
	     "Pairing keys: which sites may send points to this one, and of which region.  The\n"
	     "site may run meanwhile.\n");
	for (size_t i = 0; i < LF_N(commands); i++)
		lf_args_help_row(&commands[i].line);
}

int lf_cli_peer(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct command *command = NULL;
	struct lf_error err = LF_ERROR_NONE;
	struct args args = {0};
	struct lf_args said;

	for (size_t i = 0; i < LF_N(commands); i++)
		if (strcmp(name, commands[i].line.command) == 0)
			command = &commands[i];
	if (!command && (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0)) {
		print_help();
		return 0;
	}
	if (!command) {
		fputs("landfall peer: create, list or revoke; see landfall peer --help\n", stderr);
		return 2;
	}
	int rc = lf_args_read(&command->line, argc - 2, argv + 2, &args, &said, &err);
	if (!rc && said.help) {
		lf_args_help(&command->line);
		return 0;
	}
	args.name = said.words[0];
	return lf_args_end(&command->line, rc ? rc : command->run(&args, &err), &err);
}
