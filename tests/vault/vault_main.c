/* SPDX-License-Identifier: Apache-2.0 */
/* "landfall vault" as a program of its own, for the tests of this folder. */
#include "vaultcli/vaultcli.h"

int main(int argc, char **argv)
{
	return lf_vaultcli("landfall vault", argc, argv);
}
