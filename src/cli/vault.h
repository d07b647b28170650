/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/vault.h - "landfall vault": a store's directory by itself, with no
 * service running, or beside one for reading.
 */
#ifndef LF_CLI_VAULT_H
#define LF_CLI_VAULT_H

/* argv[0] is "vault".  Returns the exit status. */
int lf_cli_vault(int argc, char **argv);

#endif
