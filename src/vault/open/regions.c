/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vaults are opened at first use and stay open.  Where the record names a
 * region whose store is away, its use fails until it is back; where it names
 * none, a store is made, then recorded.  A kill in between leaves a store that
 * the next start records.  Before anything is opened the platform key is tried
 * on the stores: one that opens none of them is another site's.
 */
#include "vault/open/domainkey.h"
#include "vault/open/regions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/health.h"
#include "base/lock.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/pack/key.h"
#include "vault/open/regionrecord.h"
#include "vault/vault_internal.h"

#define REGION_NAME_MAX 64u

struct region {
	struct region *next;
	char name[REGION_NAME_MAX + 1];
	struct lf_vault *vault;
};

LF_LOCK_KIND(regions_lock); /* held while a vault is opened: that happens once */

struct lf_regions {
	char *dir;
	char *key_file;
	pthread_mutex_t mutex;
	struct region *regions LF_GUARDED_BY(regions_lock);
	struct lf_region_record record LF_GUARDED_BY(regions_lock); /* what was made here */
};

void lf_regions_free(struct lf_regions *regions)
{
	if (!regions)
		return;
	LF_ALONE(regions_lock);
	while (regions->regions) {
		struct region *next = regions->regions->next;
		lf_vault_free(regions->regions->vault);
		free(regions->regions);
		regions->regions = next;
	}
	pthread_mutex_destroy(&regions->mutex);
	lf_region_record_done(&regions->record);
	free(regions->dir);
	free(regions->key_file);
	free(regions);
}

/* Nothing is made in the place of a key that stores of this site are sealed with. */
LF_REQUIRES(regions_lock)
static int fail_key_missing(const struct lf_regions *regions, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EDENIED, "PlatformKeyMissing", regions->key_file,
			   "bring it back from its copy; without it nothing of the stores can be "
			   "read (landfalld(8), LOSS)",
			   "%s is missing, and there are stores of %zu regions that only it opens",
			   regions->key_file, json_array_size(regions->record.names));
}

LF_REQUIRES(regions_lock)
static bool key_is_missing(const struct lf_regions *regions)
{
	return json_array_size(regions->record.names) > 0 && access(regions->key_file, F_OK) != 0;
}

/* What became of the platform key and the stores that it opens. */
struct key_try {
	size_t opened, refused;
	struct lf_error refusal;
};

/* One store: a damaged one is its own affair, an erased one nobody's. */
LF_REQUIRES(regions_lock)
static int try_key(const struct lf_regions *regions, const char *name, struct key_try *tried,
		   struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/%s/store", regions->dir, name);
	struct lf_error bad = LF_ERROR_NONE;
	struct lf_domain_key key;

	if (!dir)
		return lf_fail_nomem(err);
	int rc = lf_domain_key_check(dir, &bad);
	if (rc == LF_EDENIED)
		return 0;
	if (!rc)
		rc = lf_domain_key_load(dir, regions->key_file, &key, &bad);
	lf_domain_key_done(&key);
	tried->opened += rc == 0;
	tried->refused += rc == LF_EDENIED;
	if (rc == LF_EDENIED)
		tried->refusal = bad;
	if (rc)
		lf_health_raise("region-store", name, "%s", bad.message);
	else
		lf_health_clear("region-store", name);
	return 0;
}

/* The stores themselves say which platform key is theirs: one that opens none of them is another
 * site's. */
LF_REQUIRES(regions_lock)
static int check_key(const struct lf_regions *regions, struct lf_error *err)
{
	struct key_try tried = {0};
	size_t i;
	json_t *name;
	int rc = 0;

	if (key_is_missing(regions))
		return fail_key_missing(regions, err);
	json_array_foreach (regions->record.names, i, name)
		if (!rc)
			rc = try_key(regions, json_string_value(name), &tried, err);
	if (rc || tried.opened || !tried.refused)
		return rc;
	*err = tried.refusal;
	return lf_error_hint(err, "bring back the platform key of this site from its copy "
				  "(landfalld(8), LOSS)");
}

int lf_regions_open(const char *data_dir, struct lf_regions **ret_regions, struct lf_error *err)
{
	struct lf_regions *regions = calloc(1, sizeof(*regions));
	LF_AUTO_FREE char *keys = lf_printf_dup("%s/keys", data_dir);

	if (!regions)
		return lf_fail_nomem(err);
	pthread_mutex_init(&regions->mutex, NULL);
	LF_ALONE(regions_lock);
	regions->dir = lf_printf_dup("%s/regions", data_dir);
	regions->key_file = lf_printf_dup("%s/keys/platform.key", data_dir);
	int rc = keys && regions->dir && regions->key_file ? 0 : lf_fail_nomem(err);
	if (!rc)
		rc = lf_dir_make(keys, 0700, err);
	if (!rc)
		rc = lf_dir_make(regions->dir, 0700, err);
	if (!rc)
		rc = lf_region_record_open(data_dir, &regions->record, err);
	if (!rc)
		rc = check_key(regions, err);
	if (!rc)
		rc = lf_region_record_save(&regions->record, err);
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

LF_REQUIRES(regions_lock)
static struct region *find_region(const struct lf_regions *regions, const char *name)
{
	struct region *region = regions->regions;

	while (region && strcmp(region->name, name) != 0)
		region = region->next;
	return region;
}

/* Open the vault that is there; LF_ENOTFOUND: there is none. */
LF_REQUIRES(regions_lock)
static int add_region(struct lf_regions *regions, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	LF_AUTO_FREE char *key_file = NULL;
	LF_AUTO_FREE struct region *added = calloc(1, sizeof(*added));
	int rc = added ? lf_regions_paths(regions, name, &dir, &key_file, err) : lf_fail_nomem(err);

	if (!rc)
		rc = lf_vault_open(dir, key_file, NULL, &added->vault, err);
	if (!rc)
		rc = lf_region_record_add(&regions->record, name, err);
	if (rc) {
		lf_vault_free(added ? added->vault : NULL);
		return rc;
	}
	snprintf(added->name, sizeof(added->name), "%s", name);
	added->next = regions->regions;
	regions->regions = lf_steal(&added);
	lf_health_clear("region-store", name);
	return 0;
}

/* The first recorded store that opens will do; none does: the error of the last that should. */
LF_REQUIRES(regions_lock)
static int open_any(struct lf_regions *regions, struct lf_error *err)
{
	int rc = 0;
	size_t i;
	json_t *name;

	json_array_foreach (regions->record.names, i, name) {
		if (regions->regions)
			return 0;
		rc = add_region(regions, json_string_value(name), err);
	}
	return regions->regions ? 0 : rc;
}

/* A store that was made here and is away (a mount that is late) is waited for, not made anew. */
LF_REQUIRES(regions_lock)
static int check_new(const struct lf_regions *regions, const char *name, struct lf_error *err)
{
	if (lf_region_record_has(&regions->record, name))
		return lf_fail_arm(err, LF_EUNREACHABLE, "RegionStoreMissing", name,
				   "mount or restore it (landfalld(8), LOSS)",
				   "the store of region %s is not in %s/%s/store, where it was "
				   "made",
				   name, regions->dir, name);
	return key_is_missing(regions) ? fail_key_missing(regions, err) : 0;
}

/* All regions of a site are one deduplication domain, so that disks can be copied between them; but
 * what a peer sends is in the peer's. */
LF_REQUIRES(regions_lock)
static int make_region(struct lf_regions *regions, const char *name, const uint8_t *id_key,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	LF_AUTO_FREE char *key_file = NULL;
	int rc = check_new(regions, name, err);

	if (!rc && !id_key && !regions->regions)
		rc = open_any(regions, err);
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
	LF_GUARD(&regions->mutex, regions_lock);
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

int lf_regions_find(struct lf_regions *regions, const char *region, struct lf_vault **ret_vault,
		    struct lf_error *err)
{
	char name[REGION_NAME_MAX + 1];
	int rc = region_name(region, name, err);

	if (rc)
		return rc;
	LF_GUARD(&regions->mutex, regions_lock);
	if (!find_region(regions, name))
		rc = add_region(regions, name, err);
	if (rc == LF_ENOTFOUND)
		return lf_region_record_has(&regions->record, name)
			       ? check_new(regions, name, err)
			       : lf_fail(err, LF_ENOTFOUND, name, "there is no store of region %s",
					 name);
	if (!rc)
		*ret_vault = find_region(regions, name)->vault;
	return rc;
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
