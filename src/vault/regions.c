/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/regions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/text.h"
#include "os/file.h"
#include "os/thread.h"
#include "vault/key.h"

#define REGION_NAME_MAX 64u

struct region {
	struct region *next;
	char name[REGION_NAME_MAX + 1];
	struct lf_vault *vault;
};

struct lf_regions {
	char *dir;
	char *key_file;
	pthread_mutex_t mutex; /* held while a vault is opened: that happens once */
	struct region *regions;
};

void lf_regions_free(struct lf_regions *regions)
{
	if (!regions)
		return;
	while (regions->regions) {
		struct region *next = regions->regions->next;
		lf_vault_free(regions->regions->vault);
		free(regions->regions);
		regions->regions = next;
	}
	pthread_mutex_destroy(&regions->mutex);
	free(regions->dir);
	free(regions->key_file);
	free(regions);
}

int lf_regions_open(const char *data_dir, struct lf_regions **ret_regions, struct lf_error *err)
{
	struct lf_regions *regions = calloc(1, sizeof(*regions));
	LF_AUTO_FREE char *keys = lf_printf_dup("%s/keys", data_dir);

	if (!regions)
		return lf_fail_nomem(err);
	pthread_mutex_init(&regions->mutex, NULL);
	regions->dir = lf_printf_dup("%s/regions", data_dir);
	regions->key_file = lf_printf_dup("%s/keys/platform.key", data_dir);
	int rc = keys && regions->dir && regions->key_file ? 0 : lf_fail_nomem(err);
	if (!rc)
		rc = lf_dir_make(keys, 0700, err);
	if (!rc)
		rc = lf_dir_make(regions->dir, 0700, err);
	if (rc) {
		lf_regions_free(regions);
		return rc;
	}
	*ret_regions = regions;
	return 0;
}

/* "westeurope" and "West Europe" are one region. */
static int region_name(const char *region, char out[static REGION_NAME_MAX + 1],
		       struct lf_error *err)
{
	size_t n = 0;

	for (const char *p = region; *p; p++) {
		char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
		if (c == ' ')
			continue;
		if (!plain || n == REGION_NAME_MAX)
			return lf_fail(err, LF_EINVAL, region, "not the name of a region");
		out[n++] = c;
	}
	out[n] = '\0';
	return n ? 0 : lf_fail(err, LF_EINVAL, region, "not the name of a region");
}

int lf_regions_paths(struct lf_regions *regions, const char *region, char **ret_dir,
		     char **ret_key_file, struct lf_error *err)
{
	char name[REGION_NAME_MAX + 1];
	int rc = region_name(region, name, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/%s/store", regions->dir, name);
	LF_AUTO_FREE char *key_file = strdup(regions->key_file);
	if (!dir || !key_file)
		return lf_fail_nomem(err);
	*ret_dir = lf_steal(&dir);
	*ret_key_file = lf_steal(&key_file);
	return 0;
}

static struct region *find_region(const struct lf_regions *regions, const char *name)
{
	struct region *region = regions->regions;

	while (region && strcmp(region->name, name) != 0)
		region = region->next;
	return region;
}

/* Open the vault that is there; LF_ENOTFOUND: there is none. */
static int add_region(struct lf_regions *regions, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	LF_AUTO_FREE char *key_file = NULL;
	LF_AUTO_FREE struct region *added = calloc(1, sizeof(*added));
	int rc = added ? lf_regions_paths(regions, name, &dir, &key_file, err) : lf_fail_nomem(err);

	if (!rc)
		rc = lf_vault_open(dir, key_file, NULL, &added->vault, err);
	if (rc)
		return rc;
	snprintf(added->name, sizeof(added->name), "%s", name);
	added->next = regions->regions;
	regions->regions = lf_steal(&added);
	return 0;
}

/* For lf_dir_list(): the first vault that opens will do. */
static int open_any(void *context, const char *name, struct lf_error *err)
{
	struct lf_regions *regions = context;
	char normal[REGION_NAME_MAX + 1];
	struct lf_error ignored;

	if (regions->regions || region_name(name, normal, &ignored))
		return 0;
	int rc = add_region(regions, normal, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

/* All regions of a site are one deduplication domain, so that disks can be copied between them; but
 * what a peer sends is in the peer's. */
static int make_region(struct lf_regions *regions, const char *name, const uint8_t *id_key,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	LF_AUTO_FREE char *key_file = NULL;
	int rc = id_key || regions->regions ? 0 : lf_dir_list(regions->dir, open_any, regions, err);

	if (!rc && !id_key && regions->regions)
		id_key = lf_vault_key(regions->regions->vault)->id_key;
	if (!rc)
		rc = lf_regions_paths(regions, name, &dir, &key_file, err);
	if (!rc)
		rc = lf_vault_init_like(dir, key_file, id_key, err);
	return rc ? rc : add_region(regions, name, err);
}

/* Of a domain, or (NULL) of any. */
static int get_vault(struct lf_regions *regions, const char *region, const uint8_t *id_key,
		     struct lf_vault **ret_vault, struct lf_error *err)
{
	char name[REGION_NAME_MAX + 1];
	int rc = region_name(region, name, err);

	if (rc)
		return rc;
	LF_GUARD(&regions->mutex);
	if (!find_region(regions, name)) {
		rc = add_region(regions, name, err);
		if (rc == LF_ENOTFOUND)
			rc = make_region(regions, name, id_key, err);
	}
	if (!rc)
		*ret_vault = find_region(regions, name)->vault;
	return rc;
}

int lf_regions_vault(struct lf_regions *regions, const char *region, struct lf_vault **ret_vault,
		     struct lf_error *err)
{
	return get_vault(regions, region, NULL, ret_vault, err);
}

int lf_regions_join(struct lf_regions *regions, const char *region, const uint8_t *id_key,
		    struct lf_vault **ret_vault, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	int rc = get_vault(regions, region, id_key, &vault, err);

	if (rc)
		return rc;
	if (CRYPTO_memcmp(lf_vault_key(vault)->id_key, id_key, 32) != 0)
		return lf_fail_arm(err, LF_ECONFLICT, "DomainsDiffer", region,
				   "pair the sites before this one stores anything of that region",
				   "the store of region %s is of another deduplication domain",
				   region);
	*ret_vault = vault;
	return 0;
}
