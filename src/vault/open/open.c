/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a vault and opening it.
 *
 * It is made folder by folder, and is there once vault.json is.  Opening reads the keys, takes the
 * lock (a writer), removes what a killed process left half-made, syncs what it renamed, and reads
 * the index and the leases.  The last to write merges the index's small parts when it closes; a
 * kill before that costs the next one to open a look at more footers.
 */
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/open/domainkey.h"
#include "vault/open/readme.h"
#include "vault/vault_internal.h"

#define CACHE_BYTES_DEFAULT (64u << 20)

int lf_vault_init(const char *dir, const char *key_file, struct lf_error *err)
{
	return lf_vault_init_like(dir, key_file, NULL, err);
}

int lf_vault_init_like(const char *dir, const char *key_file, const uint8_t *id_key,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *vault_file = lf_printf_dup("%s/vault.json", dir);
	static const char *const folders[] = {"packs",	"index",    "points",
					      "claims", "sessions", "tmp"};

	if (!vault_file)
		return lf_fail_nomem(err);
	if (access(vault_file, F_OK) == 0)
		return lf_fail(err, LF_EEXISTS, dir, "there is a vault in %s already", dir);
	int rc = lf_dir_make(dir, 0700, err);
	for (size_t i = 0; !rc && i < LF_N(folders); i++) {
		LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, folders[i]);
		rc = path ? lf_dir_make(path, 0700, err) : lf_fail_nomem(err);
	}
	if (!rc) {
		LF_AUTO_FREE char *path = lf_printf_dup("%s/README", dir);
		LF_AUTO_BUF text = LF_BUF_INIT;
		rc = path ? lf_vault_readme(&text, err) : lf_fail_nomem(err);
		if (!rc)
			rc = lf_file_write_durable(path, text.data, text.len, 0600, err);
	}
	LF_CRASH_POINT("vault-init");
	/* the vault exists once this file does */
	if (!rc)
		rc = lf_domain_key_make(dir, key_file, id_key, err);
	return rc ? rc : lf_file_sync_parent(dir, err);
}

static int take_lock(struct lf_vault *vault, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/lock", vault->dir);

	if (!path)
		return lf_fail_nomem(err);
	vault->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (vault->lock_fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	if (flock(vault->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return lf_fail_sys(err, errno, path, "cannot lock %s", path);
	lf_fail(err, LF_ECONFLICT, vault->dir, "another process writes to the vault in %s",
		vault->dir);
	return lf_error_hint(err, "stop it first, or ask the service that runs");
}

static int remove_leftover(void *context, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/tmp/%s", (const char *)context, name);

	if (!path)
		return lf_fail_nomem(err);
	if (!lf_guid_valid(name))
		return 0; /* not ours */
	int rc = lf_file_remove(path, err);
	return rc && err->sys == EISDIR ? 0 : rc;
}

/*
 * What a crash left half-made, which only we may remove: we have the lock.  And
 * what a killed process renamed but did not come to sync must last from here on:
 * we shall build on it without writing it again.
 */
static int sweep(struct lf_vault *vault, struct lf_error *err)
{
	static const char *const folders[] = {".", "packs", "points", "claims", "sessions"};
	LF_AUTO_FREE char *tmp = lf_printf_dup("%s/tmp", vault->dir);

	if (!tmp)
		return lf_fail_nomem(err);
	int rc = lf_dir_make(tmp, 0700, err);
	if (!rc)
		rc = lf_dir_list(tmp, remove_leftover, vault->dir, err);
	for (size_t i = 0; !rc && i < LF_N(folders); i++) {
		rc = lf_store_sweep(vault->store, folders[i], err);
		if (!rc)
			rc = lf_store_sync(vault->store, folders[i], err);
	}
	return rc;
}

static int open_parts(struct lf_vault *vault, const char *key_file,
		      const struct lf_vault_opts *opts, struct lf_error *err)
{
	uint64_t cache = opts && opts->cache_bytes ? opts->cache_bytes : CACHE_BYTES_DEFAULT;

	vault->dir = strdup(vault->dir);
	if (!vault->dir)
		return lf_fail_nomem(err);
	int rc = vault->keyless ? lf_domain_key_check(vault->dir, err)
				: lf_domain_key_load(vault->dir, key_file, &vault->key, err);
	if (!rc && !vault->read_only)
		rc = take_lock(vault, err);
	if (!rc)
		rc = lf_store_open_directory(vault->dir, &vault->store, err);
	if (!rc)
		rc = lf_cache_new(cache, &vault->cache, err);
	if (!rc)
		rc = lf_chunk_hasher_new(&vault->key, &vault->hasher, err);
	if (!rc && !vault->read_only)
		rc = sweep(vault, err);
	if (!rc)
		rc = lf_index_open(vault->store, vault->dir, vault->read_only, &vault->index, err);
	if (!rc && !vault->read_only)
		rc = lf_leases_load(vault, err);
	return rc;
}

int lf_vault_open(const char *dir, const char *key_file, const struct lf_vault_opts *opts,
		  struct lf_vault **ret_vault, struct lf_error *err)
{
	struct lf_vault *vault = calloc(1, sizeof(*vault));

	if (!vault)
		return lf_fail_nomem(err);
	pthread_mutex_init(&vault->pending_mutex, NULL);
	pthread_mutex_init(&vault->openers_mutex, NULL);
	pthread_mutex_init(&vault->owners_mutex, NULL);
	pthread_mutex_init(&vault->points_mutex, NULL);
	pthread_mutex_init(&vault->holders_mutex, NULL);
	pthread_mutex_init(&vault->collecting_mutex, NULL);
	vault->lock_fd = -1;
	vault->keyless = opts && opts->keyless;
	vault->read_only = opts && (opts->read_only || opts->keyless);
	vault->dir = (char *)(uintptr_t)dir; /* until open_parts() has a copy */
	int rc = open_parts(vault, key_file, opts, err);
	if (rc) {
		lf_vault_free(vault);
		return rc;
	}
	*ret_vault = vault;
	return 0;
}

void lf_vault_free(struct lf_vault *vault)
{
	struct lf_error err;

	if (!vault)
		return;
	LF_ALONE(lf_pending_lock);
	LF_ALONE(lf_holders_lock);
	lf_pack_writer_free(vault->pending);
	/* the next one to open should not have to read many footers; nothing is lost otherwise */
	if (vault->index && !vault->read_only)
		(void)!lf_index_tidy(vault->index, false, &err);
	while (vault->holders)
		lf_holder_end(vault, vault->holders);
	lf_openers_free(vault);
	lf_owners_free(vault);
	lf_index_free(vault->index);
	lf_cache_free(vault->cache);
	lf_store_free(vault->store);
	lf_chunk_hasher_free(vault->hasher);
	lf_domain_key_done(&vault->key);
	lf_fd_done(&vault->lock_fd);
	pthread_mutex_destroy(&vault->pending_mutex);
	pthread_mutex_destroy(&vault->openers_mutex);
	pthread_mutex_destroy(&vault->owners_mutex);
	pthread_mutex_destroy(&vault->points_mutex);
	pthread_mutex_destroy(&vault->holders_mutex);
	pthread_mutex_destroy(&vault->collecting_mutex);
	free(vault->dir);
	free(vault);
}
