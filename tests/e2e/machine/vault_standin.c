/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "e2e/machine/machine_vault.h"
#include "vault/point.h"

static bool claimed;
static char *store_dir;

/* The vault's part, as far as disks.c asks for it: files in a directory, claims counted. */
int lf_regions_vault(struct lf_regions *regions, const char *region, struct lf_vault **ret_vault,
		     struct lf_error *err)
{
	(void)regions;
	(void)region;
	(void)err;
	*ret_vault = NULL;
	return 0;
}

int lf_regions_paths(struct lf_regions *regions, const char *region, char **ret_dir,
		     char **ret_key_file, struct lf_error *err)
{
	(void)regions;
	(void)region;
	(void)err;
	*ret_dir = strdup(store_dir);
	*ret_key_file = strdup("/dev/null");
	return 0;
}

int lf_claim_put(struct lf_vault *vault, const char *point, const char *claim, int64_t until_ns,
		 struct lf_error *err)
{
	(void)vault;
	(void)point;
	(void)claim;
	(void)until_ns;
	(void)err;
	claimed = true;
	return 0;
}

int lf_claim_drop(struct lf_vault *vault, const char *point, const char *claim,
		  struct lf_error *err)
{
	(void)vault;
	(void)point;
	(void)claim;
	(void)err;
	claimed = false;
	return 0;
}

struct lf_regions *machine_regions_open(const char *dir, const char *os)
{
	(void)dir;
	store_dir = strndup(os, (size_t)(strrchr(os, '/') - os));
	return (struct lf_regions *)(uintptr_t)&claimed; /* not NULL: there are points */
}

void machine_regions_free(struct lf_regions *regions)
{
	(void)regions;
	free(store_dir);
}

char *machine_root(struct lf_regions *regions, const char *path)
{
	(void)regions;
	return strdup(strrchr(path, '/') + 1);
}

bool machine_claimed(struct lf_regions *regions)
{
	(void)regions;
	return claimed;
}
