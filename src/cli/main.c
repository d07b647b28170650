/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landfall - the command line over the REST contract.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/term.h"
#include "cli/help.h"
#include "cli/peer.h"
#include "vaultcli/vaultcli.h"

struct globals {
	const char *env_file;
	bool json, help, version;
	int argc; /* what remains */
	char **argv;
};

/* Options before the command, and --output and --env anywhere in it. */
static int parse_globals(int argc, char **argv, struct globals *globals, struct lf_error *err)
{
	int kept = 0;

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--output") == 0 || strcmp(argv[i], "--env") == 0) {
			if (!value)
				return lf_fail(err, LF_EINVAL, argv[i], "%s takes a value",
					       argv[i]);
			if (strcmp(argv[i], "--env") == 0)
				globals->env_file = value;
			else if (strcmp(value, "json") == 0 || strcmp(value, "table") == 0)
				globals->json = value[0] == 'j';
			else
				return lf_fail(err, LF_EINVAL, value,
					       "--output takes table or json");
			i++;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			globals->help = true;
		} else if (strcmp(argv[i], "--version") == 0) {
			globals->version = true;
		} else {
			argv[kept++] = argv[i];
		}
	}
	globals->argc = kept;
	globals->argv = argv;
	return 0;
}

static int run_command(const struct globals *globals, struct lf_error *err)
{
	int words = 0;
	const struct lf_cli_command *command =
		lf_cli_command_find(globals->argc, globals->argv, &words);
	struct lf_args args;
	struct lf_cli cli = {.json = globals->json, .wait = true, .live = isatty(STDERR_FILENO)};

	if (!command && globals->help && lf_cli_help_all(globals->argv[0]))
		return 0;
	if (!command) {
		lf_fail(err, LF_EINVAL, globals->argv[0], "there is no command %s%s%s",
			globals->argv[0], globals->argc > 1 ? " " : "",
			globals->argc > 1 ? globals->argv[1] : "");
		return lf_cli_is_group(globals->argv[0])
			       ? lf_error_hint(err, "see landfall %s --help", globals->argv[0])
			       : lf_error_hint(err, "see landfall --help");
	}
	const struct lf_command_line line = lf_cli_line(command);
	if (globals->help) {
		lf_args_help(&line);
		return 0;
	}
	int rc =
		lf_args_read(&line, globals->argc - words, globals->argv + words, NULL, &args, err);
	if (rc)
		return rc;
	for (unsigned i = 0; i < LF_ARGS_OPTIONS_MAX && command->options[i].name; i++)
		if (strcmp(command->options[i].name, "--no-wait") == 0 && args.values[i])
			cli.wait = false;
	if (!command->offline || !args.n_words)
		rc = lf_cli_open(&cli, globals->env_file, err);
	if (!rc)
		rc = command->run(&cli, &args, err);
	lf_cli_done(&cli);
	return rc;
}

static void print_error(struct lf_error *err)
{
	lf_term_clean_error(err);
	fprintf(stderr, "landfall: %s\n", err->message);
	if (err->arm_code[0])
		fprintf(stderr, "  code: %s\n", err->arm_code);
	if (err->target[0])
		fprintf(stderr, "  target: %s\n", err->target);
	if (err->hint[0])
		fprintf(stderr, "  advice: %s\n", err->hint);
}

int main(int argc, char **argv)
{
	struct globals globals = {0};
	struct lf_error err = LF_ERROR_NONE;

	signal(SIGPIPE, SIG_IGN);
	/* the vault's own commands need no account, and read their own options */
	if (argc > 1 && strcmp(argv[1], "vault") == 0)
		return lf_vaultcli("landfall vault", argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "peer") == 0)
		return lf_cli_peer(argc - 1, argv + 1);
	int rc = parse_globals(argc, argv, &globals, &err);
	if (!rc && globals.version) {
		puts("landfall " LF_VERSION);
		return 0;
	}
	if (!rc && globals.argc == 0) {
		lf_cli_help_all(NULL);
		return globals.help ? 0 : lf_error_exit(LF_EINVAL);
	}
	if (!rc)
		rc = run_command(&globals, &err);
	if (!rc && fflush(stdout))
		rc = lf_fail(&err, LF_EIO, NULL, "cannot write to standard output");
	if (rc)
		print_error(&err);
	return rc ? lf_error_exit(rc) : 0;
}
