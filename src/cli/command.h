/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/command.h - commands as table rows.
 *
 * The rows give parsing, checks and --help; a handler does one thing over REST
 * and prints it.
 */
#ifndef LF_CLI_COMMAND_H
#define LF_CLI_COMMAND_H

#include "base/args.h"
#include "cli/cli.h"

typedef int lf_cli_run_fn(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err);

struct lf_cli_command {
	const char *words; /* "replication enable" */
	const char *args;  /* positional ones, as the help shows them: "MACHINE" */
	unsigned min_args, max_args;
	const char *help; /* one sentence */
	lf_cli_run_fn *run;
	struct lf_option options[LF_ARGS_OPTIONS_MAX]; /* ends with a NULL name */
	bool offline; /* with an argument it needs no account: cli is not open then */
};

/* The same as a line to be read and helped with. */
struct lf_command_line lf_cli_line(const struct lf_cli_command *command);

/* Tables, one a file; each ends with NULL words. */
extern const struct lf_cli_command lf_cli_basic_commands[], lf_cli_resource_commands[],
	lf_cli_site_commands[], lf_cli_replication_commands[], lf_cli_failover_commands[],
	lf_cli_job_commands[], lf_cli_vm_commands[], lf_cli_backup_commands[],
	lf_cli_disk_commands[], lf_cli_audit_commands[], lf_cli_role_commands[];

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
