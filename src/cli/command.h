/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/command.h - commands as table rows.
 *
 * The rows give parsing, checks and --help; a handler does one thing over REST
 * and prints it.
 */
#ifndef LF_CLI_COMMAND_H
#define LF_CLI_COMMAND_H

#include "cli/cli.h"

#define LF_CLI_ARGS_MAX	   4
#define LF_CLI_OPTIONS_MAX 24

struct lf_cli_option {
	const char *name;  /* "--vault" */
	const char *value; /* what stands for its value in the help; NULL: a switch */
	bool required;
	const char *help;
};

struct lf_cli_args;
typedef int lf_cli_run_fn(struct lf_cli *cli, const struct lf_cli_args *args, struct lf_error *err);

struct lf_cli_command {
	const char *words; /* "replication enable" */
	const char *args;  /* positional ones, as the help shows them: "MACHINE" */
	unsigned min_args, max_args;
	const char *help; /* one sentence */
	lf_cli_run_fn *run;
	struct lf_cli_option options[LF_CLI_OPTIONS_MAX]; /* ends with a NULL name */
	bool offline; /* with an argument it needs no account: cli is not open then */
};

struct lf_cli_args {
	const struct lf_cli_command *command;
	const char *args[LF_CLI_ARGS_MAX];
	unsigned n_args;
	const char *values[LF_CLI_OPTIONS_MAX]; /* "" for a switch that is given */
};

/* Value of an option that the command has; NULL: not given. */
const char *lf_cli_option(const struct lf_cli_args *args, const char *name);
const char *lf_cli_option_or(const struct lf_cli_args *args, const char *name,
			     const char *fallback);
/* argv behind the command's words.  LF_EINVAL with how it should be. */
LF_MUST_CHECK int lf_cli_args_parse(const struct lf_cli_command *command, int argc,
				    char *const *argv, struct lf_cli_args *ret_args,
				    struct lf_error *err);

/* Tables, one a file; each ends with NULL words. */
extern const struct lf_cli_command lf_cli_basic_commands[], lf_cli_resource_commands[],
	lf_cli_site_commands[], lf_cli_replication_commands[], lf_cli_failover_commands[],
	lf_cli_job_commands[], lf_cli_vm_commands[], lf_cli_backup_commands[],
	lf_cli_disk_commands[], lf_cli_audit_commands[];

/* Options that many commands share. */
#define LF_CLI_GROUP_OPTION                                                                        \
	{                                                                                          \
		"--group", "GROUP", false, "resource group"                                        \
	}
#define LF_CLI_VAULT_OPTION                                                                        \
	{                                                                                          \
		"--vault", "VAULT", false, "recovery vault (default: the only one there is)"       \
	}
#define LF_CLI_NO_WAIT_OPTION                                                                      \
	{                                                                                          \
		"--no-wait", NULL, false, "return when the operation has been accepted"            \
	}

#endif
