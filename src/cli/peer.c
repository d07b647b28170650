/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairing keys are files of the data directory, made and removed beside a
 * running daemon, which reads them when a peer calls; so there is nothing to
 * reload.
 */
#include "cli/peer.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "os/file.h"
#include "peer/pairing.h"

static const char help[] =
	"landfall peer - pairing keys: which sites may send points to this one, and of which "
	"region\n"
	"\n"
	"  peer create NAME --region REGION --data DIR [--url URL]\n"
	"                               make a key for another site, and copy its file there\n"
	"  peer list --data DIR         list all keys\n"
	"  peer revoke NAME --data DIR  end a key at once; \"peer\" is the one that every site "
	"has:\n"
	"                               it gets another secret\n"
	"\n"
	"DIR is the site's data directory; URL is where the other site reaches this one (default:\n"
	"as client.env says).\n"
	"\n"
	"The site may run meanwhile.  A key that is made anew under the same name goes on with "
	"the\n"
	"points that came by the old one.\n";

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
	int rc = args->region ? 0 : lf_fail(err, LF_EINVAL, "--region", "give --region");

	if (!rc && !args->url)
		rc = site_url(args->data_dir, &url, err);
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

static const struct {
	const char *name;
	bool named; /* takes NAME */
	int (*run)(const struct args *args, struct lf_error *err);
} commands[] = {{"create", true, create}, {"list", false, list}, {"revoke", true, revoke}};

/* The command's number; -1: not such a call. */
static int parse_args(int argc, char **argv, struct args *args)
{
	static const struct option options[] = {{"data", required_argument, NULL, 'd'},
						{"region", required_argument, NULL, 'r'},
						{"url", required_argument, NULL, 'u'},
						{0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'd')
			args->data_dir = optarg;
		else if (option == 'r')
			args->region = optarg;
		else if (option == 'u')
			args->url = optarg;
		else
			return -1;
	}
	for (size_t i = 0; optind < argc && i < LF_N(commands); i++) {
		if (strcmp(argv[optind], commands[i].name) != 0)
			continue;
		if (argc - optind != 1 + commands[i].named || !args->data_dir)
			return -1;
		args->name = commands[i].named ? argv[optind + 1] : NULL;
		return (int)i;
	}
	return -1;
}

int lf_cli_peer(const char *program, int argc, char **argv)
{
	struct lf_error err = LF_ERROR_NONE;
	struct args args = {0};

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || (i == 1 && strcmp(argv[i], "help") == 0)) {
			fputs(help, stdout);
			return 0;
		}
	int number = parse_args(argc, argv, &args);
	if (number < 0) {
		fputs(help, stderr);
		return 2;
	}
	int rc = commands[number].run(&args, &err);
	if (rc)
		fprintf(stderr, "%s %s: %s%s%s%s\n", program, commands[number].name, err.message,
			err.hint[0] ? " (" : "", err.hint, err.hint[0] ? ")" : "");
	return rc ? lf_error_exit(rc) : 0;
}
