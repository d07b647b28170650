/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/admit.h"
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

int lf_vault_writable(const struct lf_vault *vault, struct lf_error *err)
{
	if (vault->read_only)
		return lf_fail(err, LF_EUNSUPPORTED, vault->dir, "the vault is open for reading");
	return 0;
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

	return path ? lf_file_remove(path, err) : lf_fail_nomem(err);
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
		rc = lf_sessions_load(vault, err);
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

const struct lf_domain_key *lf_vault_key(const struct lf_vault *vault)
{
	return &vault->key;
}

bool lf_vault_hold(struct lf_vault *vault, const struct lf_chunk_id *id, uint32_t *ret_plain)
{
	if (lf_index_hold(vault->index, id, ret_plain))
		return true;
	if (vault->read_only)
		return false;
	LF_GUARD(&vault->pending_mutex);
	const struct lf_pack_entry *entry =
		vault->pending ? lf_pack_writer_find(vault->pending, id) : NULL;
	if (entry && ret_plain)
		*ret_plain = entry->plain;
	/* it may have moved to the index between the two looks */
	return entry || lf_index_hold(vault->index, id, ret_plain);
}

static void hold_pending(struct lf_vault *vault, const struct lf_chunk_id *ids, size_t n,
			 uint8_t *bits)
{
	LF_GUARD(&vault->pending_mutex);

	for (size_t i = 0; vault->pending && i < n; i++)
		if (lf_pack_writer_find(vault->pending, &ids[i]))
			bits[i / 8] |= (uint8_t)(1u << (i % 8));
}

int lf_vault_have(struct lf_vault *vault, const struct lf_chunk_id *ids, size_t n,
		  uint8_t *ret_bits, struct lf_error *err)
{
	uint64_t seq = atomic_load(&vault->seq);

	(void)err;
	memset(ret_bits, 0, (n + 7) / 8);
	lf_index_hold_many(vault->index, ids, n, ret_bits);
	if (vault->read_only)
		return 0;
	hold_pending(vault, ids, n, ret_bits);
	/* chunks may have moved from the open pack to the index between the two looks */
	if (atomic_load(&vault->seq) != seq)
		lf_index_hold_many(vault->index, ids, n, ret_bits);
	return 0;
}

static int read_fd_at(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err)
{
	return lf_file_pread_all(*(int *)context, data, len, offset, "pack", err);
}

static int adopt_footer(struct lf_vault *vault, const struct lf_pack_footer *footer,
			const char *path, struct lf_error *err)
{
	char name[80] = "packs/";

	if (footer->count == 0 || lf_index_has_pack(vault->index, footer->name))
		return lf_file_remove(path, err);
	lf_hex_encode(footer->name, 32, name + 6);
	LF_CRASH_POINT("vault-adopt");
	int rc = lf_store_adopt(vault->store, name, path, err);
	LF_CRASH_POINT("vault-adopted");
	if (!rc)
		rc = lf_index_add(vault->index, footer, atomic_fetch_add(&vault->seq, 1) + 1, err);
	if (!rc) {
		atomic_fetch_add(&vault->adopted_bytes, footer->size);
		/* the pack is in: a merge that fails (no room) is tried again with the next one */
		struct lf_error ignored;
		(void)!lf_index_tidy(vault->index, false, &ignored);
	}
	return rc;
}

/* Out of reach of whoever brought it: what is checked is what is taken. */
static int take_file(struct lf_vault *vault, const char *path, char **ret_path,
		     struct lf_error *err)
{
	char name[64], guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	snprintf(name, sizeof(name), "tmp/%s", guid);
	LF_AUTO_FREE char *taken = lf_printf_dup("%s/%s", vault->dir, name);
	if (!taken)
		return lf_fail_nomem(err);
	if (rename(path, taken)) {
		int rc = errno == EXDEV ? lf_store_adopt(vault->store, name, path, err)
					: lf_fail_sys(err, errno, path, "cannot take %s", path);
		if (rc)
			return rc;
	}
	*ret_path = lf_steal(&taken);
	return 0;
}

/* Is the file a whole pack, of what its records' ids say?  *ret_known: one of its name is here
 * already; what this one holds was not looked at. */
static int check_pack(struct lf_vault *vault, const char *path, struct lf_pack_footer *footer,
		      bool *ret_known, struct lf_error *err)
{
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	int rc = lf_pack_footer_read(read_fd_at, &fd, (uint64_t)st.st_size, footer, err);
	if (rc)
		return rc;
	*ret_known = lf_index_has_pack(vault->index, footer->name);
	return *ret_known ? 0 : lf_pack_admit(vault, fd, footer, err);
}

/* The sender's fault, for good; what is wrong here may be better the next time. */
static bool is_bad_pack(int rc)
{
	return rc == LF_ECORRUPT || rc == LF_EUNSUPPORTED || rc == LF_EDENIED;
}

static int refuse_pack(const char *path, struct lf_error *err)
{
	const struct lf_error why = *err;
	struct lf_error ignored;

	(void)!lf_file_remove(path, &ignored);
	return lf_fail_arm(err, LF_EINVAL, "PackRefused", NULL,
			   "nothing of it was taken; read and pack the data again",
			   "the pack was refused: %s", why.message);
}

int lf_vault_adopt_pack(struct lf_vault *vault, const char *path, struct lf_error *err)
{
	struct lf_pack_footer footer = {0};
	LF_AUTO_FREE char *taken = NULL;
	bool known = false;
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = take_file(vault, path, &taken, err);
	if (rc)
		return rc;
	rc = check_pack(vault, taken, &footer, &known, err);
	if (!rc && known) /* also if it is collected just now: it is not the one that was checked */
		rc = lf_file_remove(taken, err);
	else if (!rc)
		rc = adopt_footer(vault, &footer, taken, err);
	else if (is_bad_pack(rc))
		rc = refuse_pack(taken, err);
	if (rc && access(taken, F_OK) == 0) /* to be tried again */
		(void)!rename(taken, path);
	lf_pack_footer_done(&footer);
	return rc;
}

int lf_vault_begin_pack(struct lf_vault *vault, const uint8_t *owner,
			struct lf_pack_writer **writer, struct lf_error *err)
{
	struct lf_domain_key key;
	char guid[LF_GUID_SIZE];

	if (*writer)
		return 0;
	lf_guid_random(guid);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/tmp/%s", vault->dir, guid);
	if (!path)
		return lf_fail_nomem(err);
	if (!owner)
		return lf_pack_writer_new(&vault->key, path, writer, err);
	lf_domain_key_for_owner(&vault->key, owner, &key);
	int rc = lf_pack_writer_new(&key, path, writer, err);
	lf_domain_key_done(&key);
	return rc;
}

int lf_vault_open_pack(struct lf_vault *vault, const uint8_t *owner, struct lf_pack_writer **writer,
		       struct lf_error *err)
{
	bool done = *writer &&
		    (lf_pack_writer_is_full(*writer) || !lf_pack_writer_is_of(*writer, owner));
	int rc = done ? lf_vault_close_pack(vault, writer, err) : 0;

	return rc ? rc : lf_vault_begin_pack(vault, owner, writer, err);
}

int lf_vault_close_pack(struct lf_vault *vault, struct lf_pack_writer **writer,
			struct lf_error *err)
{
	int rc = 0;

	if (*writer && lf_pack_writer_count(*writer))
		rc = lf_vault_adopt_writer(vault, *writer, err);
	lf_pack_writer_free(*writer);
	*writer = NULL;
	LF_CRASH_POINT("vault-close-pack");
	return rc;
}

int lf_vault_adopt_writer(struct lf_vault *vault, struct lf_pack_writer *writer,
			  struct lf_error *err)
{
	char name[LF_PACK_NAME_SIZE];
	int rc = lf_pack_writer_finish(writer, name, err);

	return rc ? rc
		  : adopt_footer(vault, lf_pack_writer_footer(writer), lf_pack_writer_path(writer),
				 err);
}

static int flush_locked(struct lf_vault *vault, struct lf_error *err)
{
	if (!vault->pending)
		return 0;
	int rc = lf_vault_adopt_writer(vault, vault->pending, err);
	if (rc) /* its chunks are lost: edits under way learn of it when they commit */
		atomic_fetch_add(&vault->lost, 1);
	lf_pack_writer_free(vault->pending);
	vault->pending = NULL;
	return rc;
}

static int put_locked(struct lf_vault *vault, enum lf_chunk_kind kind, const struct lf_chunk_id *id,
		      const void *data, size_t len, struct lf_error *err)
{
	int rc = lf_vault_begin_pack(vault, NULL, &vault->pending, err);

	if (rc)
		return rc;
	if (lf_pack_writer_find(vault->pending, id))
		return 0;
	rc = lf_pack_writer_add_kind(vault->pending, id, kind, data, len, err);
	if (rc) {
		atomic_fetch_add(&vault->lost, 1);
		lf_pack_writer_free(vault->pending);
		vault->pending = NULL;
		return rc;
	}
	if (lf_pack_writer_is_full(vault->pending))
		rc = flush_locked(vault, err);
	return rc;
}

int lf_vault_put_kind(struct lf_vault *vault, enum lf_chunk_kind kind, const void *data, size_t len,
		      struct lf_chunk_id *ret_id, struct lf_error *err)
{
	struct lf_chunk_id id;
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = lf_chunk_id_of(vault->hasher, data, len, &id, err);
	if (rc)
		return rc;
	if (!lf_index_hold(vault->index, &id, NULL)) {
		LF_GUARD(&vault->pending_mutex);
		rc = put_locked(vault, kind, &id, data, len, err);
	}
	if (!rc)
		*ret_id = id;
	return rc;
}

int lf_vault_put(struct lf_vault *vault, const void *data, size_t len, struct lf_chunk_id *ret_id,
		 struct lf_error *err)
{
	return lf_vault_put_kind(vault, LF_CHUNK_DATA, data, len, ret_id, err);
}

int lf_vault_flush(struct lf_vault *vault, struct lf_error *err)
{
	LF_GUARD(&vault->pending_mutex);

	return flush_locked(vault, err);
}
