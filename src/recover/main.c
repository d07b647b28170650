/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landfall-recover: points of a vault from its directory and key alone.  One
 * static file that runs on any Linux; it only ever reads the vault.
 */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "cli/vault.h"

int main(int argc, char **argv)
{
	static const char *const commands[] = {"list", "export", "diff", "verify", "stats"};

	for (size_t i = 0; argc > 1 && i < LF_N(commands); i++)
		if (strcmp(argv[1], commands[i]) == 0)
			return lf_cli_vault(argc, argv);
	puts("usage: landfall-recover COMMAND DIR ... [--key FILE]\n\n"
	     "  list DIR                     recovery points, oldest first\n"
	     "  verify DIR                   check every byte; faults name the points they affect\n"
	     "  export DIR POINT FILE [--disk NAME] [--format raw|qcow2|vhd]\n"
	     "                               a disk of a point to the new file FILE, sparse\n"
	     "  diff DIR POINT POINT         byte ranges that differ\n"
	     "  stats DIR                    what the vault holds\n\n"
	     "DIR is a vault (of a service: DATA/regions/REGION/store), FILE its platform key\n"
	     "(of a service: DATA/keys/platform.key; default DIR/platform.key).  --help says "
	     "more.");
	return argc > 1 && strcmp(argv[1], "--help") != 0 ? 2 : 0;
}
