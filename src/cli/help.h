/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/help.h - the tables as help, and finding a row by its words.
 */
#ifndef LF_CLI_HELP_H
#define LF_CLI_HELP_H

#include "cli/command.h"

/* The row whose words begin argv; *ret_words: how many.  NULL: none. */
const struct lf_cli_command *lf_cli_command_find(int argc, char *const *argv, int *ret_words);
/* Is it the first word of a command? */
bool lf_cli_is_group(const char *group);
/* All commands; group not NULL: those whose first word it is.  false: there are none. */
bool lf_cli_help_all(const char *group);

#endif
