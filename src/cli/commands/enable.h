/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/commands/enable.h - replication enable, and the target settings that update shares.
 */
#ifndef LF_CLI_COMMANDS_ENABLE_H
#define LF_CLI_COMMANDS_ENABLE_H

#include "cli/command.h"

lf_cli_run_fn lf_cli_enable;

#define LF_CLI_TARGET_OPTIONS                                                                      \
	{"--target-group", "GROUP", false, "resource group of the target machine"},                \
		{"--network", "NETWORK", false, "network of the target machine"},                  \
		{"--subnet", "NAME", false, "its subnet"},                                         \
		{"--test-network", "NETWORK", false, "network of test failovers"},                 \
		{"--test-subnet", "NAME", false, "its subnet"},                                    \
		{"--vm-name", "NAME", false, "name of the target machine"},                        \
	{                                                                                          \
		"--vm-size", "SIZE", false, "its size, for example Standard_B1s"                   \
	}

/* What those options say, as members of providerSpecificDetails. */
LF_MUST_CHECK int lf_cli_target_settings(struct lf_cli *cli, const struct lf_args *args,
					 json_t *details, struct lf_error *err);

#endif
