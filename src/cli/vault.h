/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/vault.h - "landfall vault": a store's directory by itself, with no
 * service running, or beside one for reading.
 */
#ifndef LF_CLI_VAULT_H
#define LF_CLI_VAULT_H

/* program: what messages begin with, "landfall vault".  argv[1] is the command.  Returns the exit
 * status. */
int lf_cli_vault(const char *program, int argc, char **argv);

#endif
