/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where machine.c's disks come from: a vault, and back out of it.
 */
#ifndef LF_TEST_MACHINE_VAULT_H
#define LF_TEST_MACHINE_VAULT_H

#include "vault/open/regions.h"

#define MACHINE_POINT "99999999-0000-8000-8000-000000000001"

/* dir: for the vault; os: a disk's path, beside which all disks are. */
struct lf_regions *machine_regions_open(const char *dir, const char *os);
void machine_regions_free(struct lf_regions *regions);
/* The root of the disk at path, which is taken in when it is new; free(). */
char *machine_root(struct lf_regions *regions, const char *path);
/* A disk of the vault as a file. */
void machine_export(struct lf_regions *regions, const char *root, uint64_t size, const char *path);
/* Is there an export's claim on the point? */
bool machine_claimed(struct lf_regions *regions);

#endif
