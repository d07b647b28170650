/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vaultcli/vaultcli.h - "landfall vault": a store's directory by itself, with no
 * service running, or beside one for reading.
 */
#ifndef LF_VAULTCLI_VAULTCLI_H
#define LF_VAULTCLI_VAULTCLI_H

/* program: what messages begin with, "landfall vault".  argv[1] is the command.  Returns the exit
 * status. */
int lf_vaultcli(const char *program, int argc, char **argv);

#endif
