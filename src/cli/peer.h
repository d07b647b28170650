/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/peer.h - "landfall peer": the pairing keys of a site (peer/pairing.h), on
 * its data directory, beside a daemon that runs.
 */
#ifndef LF_CLI_PEER_H
#define LF_CLI_PEER_H

/* argv[1] is the command.  Returns the exit status. */
int lf_cli_peer(int argc, char **argv);

#endif
