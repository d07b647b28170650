/* SPDX-License-Identifier: Apache-2.0 */
/* "landfall vault" as a program of its own, for the tests of this folder. */
#include "cli/vault.h"

int main(int argc, char **argv)
{
	return lf_cli_vault("landfall vault", argc, argv);
}
