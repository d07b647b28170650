/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/readme.h - what a store's own README says to whoever finds it.
 */
#ifndef LF_VAULT_README_H
#define LF_VAULT_README_H

static const char lf_vault_readme[] =
	"This directory is a Landfall vault: recovery points of disks, deduplicated and "
	"encrypted.\n"
	"\n"
	"vault.json  the vault's keys, wrapped by a platform key that is kept elsewhere\n"
	"packs/      the data: sealed chunks, each file with its own index at its end\n"
	"points/     recovery points: sealed lists of disks, each naming the root of a disk map\n"
	"claims/     who keeps a point, and until when\n"
	"sessions/   transfers under way\n"
	"index/      where each chunk is: a cache, made again from packs when it is missing\n"
	"prints/     what each disk's pages held: a cache that makes the next pass short\n"
	"tmp/, lock  work in progress of the one process that writes\n"
	"\n"
	"Do not change or remove single files.  A copy of the whole directory, with the platform\n"
	"key, is a whole backup.  The formats are written down in docs/formats of Landfall's "
	"source.\n"
	"  landfall vault list DIR --key FILE\n"
	"  landfall vault verify DIR --key FILE\n"
	"  landfall vault export DIR POINT DISK.raw --key FILE\n";

#endif
