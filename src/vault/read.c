/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading chunks: the index, the record, the seal, the cache.  A copy that
 * fails is not the end: another copy, a fresh look at the store (packs move
 * while a daemon collects), and an index made again from packs come first.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/lock.h"
#include "base/text.h"
#include "vault/vault_internal.h"

static void opener_free(struct lf_opener *opener)
{
	if (!opener)
		return;
	lf_sealer_free(opener->sealer);
	lf_codec_free(opener->codec);
	free(opener->record);
	free(opener->scratch);
	free(opener);
}

void lf_openers_free(struct lf_vault *vault)
{
	LF_ALONE(lf_openers_lock);
	while (vault->openers) {
		struct lf_opener *next = vault->openers->next;
		opener_free(vault->openers);
		vault->openers = next;
	}
}

static struct lf_opener *take_opener(struct lf_vault *vault)
{
	LF_GUARD(&vault->openers_mutex, lf_openers_lock);
	struct lf_opener *opener = vault->openers;

	if (opener)
		vault->openers = opener->next;
	return opener;
}

int lf_opener_get(struct lf_vault *vault, struct lf_opener **ret_opener, struct lf_error *err)
{
	struct lf_opener *opener = take_opener(vault);

	if (opener) {
		*ret_opener = opener;
		return 0;
	}
	opener = calloc(1, sizeof(*opener));
	if (!opener)
		return lf_fail_nomem(err);
	opener->record = malloc(LF_CHUNK_BYTES_MAX + LF_TAG_SIZE);
	opener->scratch = malloc(LF_CHUNK_BYTES_MAX);
	int rc = opener->record && opener->scratch ? 0 : lf_fail_nomem(err);
	if (!rc)
		rc = lf_sealer_new(&opener->sealer, err);
	if (!rc)
		rc = lf_codec_new(&opener->codec, err);
	if (rc) {
		opener_free(opener);
		return rc;
	}
	*ret_opener = opener;
	return 0;
}

void lf_opener_put(struct lf_vault *vault, struct lf_opener *opener)
{
	LF_GUARD(&vault->openers_mutex, lf_openers_lock);

	opener->next = vault->openers;
	vault->openers = opener;
}

static int set_pack(struct lf_vault *vault, struct lf_opener *opener, const struct lf_pack *pack,
		    struct lf_error *err)
{
	unsigned heals = lf_index_heals(vault->index);
	uint8_t key[32];

	if (opener->pack == pack && opener->heals == heals)
		return 0;
	int rc = lf_pack_key(&vault->key, pack->epoch, pack->flags, pack->salt, key, err);
	opener->pack = NULL;
	if (!rc)
		rc = lf_sealer_set_key(opener->sealer, key, err);
	OPENSSL_cleanse(key, sizeof(key));
	if (!rc) {
		opener->pack = pack;
		opener->heals = heals;
	}
	return rc;
}

void lf_owners_free(struct lf_vault *vault)
{
	LF_ALONE(lf_owners_lock);
	while (vault->owners) {
		struct lf_owner *next = vault->owners->next;
		lf_chunk_hasher_free(vault->owners->hasher);
		free(vault->owners);
		vault->owners = next;
	}
}

LF_REQUIRES(lf_owners_lock)
static int add_owner(struct lf_vault *vault, const uint8_t *owner, struct lf_error *err)
{
	struct lf_owner *added = calloc(1, sizeof(*added));
	struct lf_domain_key key;

	if (!added)
		return lf_fail_nomem(err);
	memcpy(added->owner, owner, LF_OWNER_SIZE);
	lf_domain_key_for_owner(&vault->key, owner, &key);
	int rc = lf_chunk_hasher_new(&key, &added->hasher, err);
	lf_domain_key_done(&key);
	if (rc) {
		free(added);
		return rc;
	}
	added->next = vault->owners;
	vault->owners = added;
	return 0;
}

/* What names an owner's chunks (NULL: the domain's own); it lives as long as the vault. */
static int find_hasher(struct lf_vault *vault, const uint8_t *owner,
		       struct lf_chunk_hasher **ret_hasher, struct lf_error *err)
{
	int rc = 0;

	*ret_hasher = vault->hasher;
	if (!owner)
		return 0;
	LF_GUARD(&vault->owners_mutex, lf_owners_lock);
	const struct lf_owner *at = vault->owners;
	while (at && memcmp(at->owner, owner, LF_OWNER_SIZE) != 0)
		at = at->next;
	if (!at)
		rc = add_owner(vault, owner, err);
	if (!rc)
		*ret_hasher = at ? at->hasher : vault->owners->hasher;
	return rc;
}

int lf_vault_check_id(struct lf_vault *vault, const uint8_t *owner, const struct lf_chunk_id *id,
		      const void *data, size_t len, struct lf_error *err)
{
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_chunk_id found;
	int rc = find_hasher(vault, owner, &hasher, err);

	if (!rc)
		rc = lf_chunk_id_of(hasher, data, len, &found, err);
	if (!rc && memcmp(found.bytes, id->bytes, sizeof(found)) != 0)
		rc = lf_fail(err, LF_ECORRUPT, NULL, "a chunk is not what its id says");
	return rc;
}

int lf_vault_read_place(struct lf_vault *vault, struct lf_opener *opener,
			const struct lf_place *place, void *out, struct lf_error *err)
{
	const struct lf_pack_entry *entry = &place->entry;
	char name[80] = "packs/";

	/* the index may be damaged: nothing it says is trusted before the seal has been checked */
	if (entry->plain == 0 || entry->plain > LF_CHUNK_BYTES_MAX || entry->stored < LF_TAG_SIZE ||
	    entry->stored > entry->plain + LF_TAG_SIZE || entry->coding > LF_CODING_LZ4)
		return lf_fail(err, LF_ECORRUPT, NULL, "the index holds impossible sizes");
	lf_hex_encode(place->pack->name, 32, name + 6);
	int rc = lf_store_read(vault->store, name, opener->record, entry->stored, entry->offset,
			       err);
	if (!rc)
		rc = set_pack(vault, opener, place->pack, err);
	if (!rc)
		rc = lf_record_open(opener->sealer, opener->codec, entry, opener->record,
				    opener->scratch, out, err);
	if (!rc && !atomic_load(&place->pack->checked))
		rc = lf_vault_check_id(vault, lf_pack_owner(place->pack->flags, place->pack->salt),
				       &entry->id, out, entry->plain, err);
	return rc ? lf_error_wrap(err, "%s", name) : 0;
}

/* A chunk of the open pack; LF_ENOTFOUND: not there. */
static int read_pending(struct lf_vault *vault, struct lf_opener *opener,
			const struct lf_chunk_id *id, void *out, uint32_t *ret_len,
			struct lf_error *err)
{
	LF_GUARD(&vault->pending_mutex, lf_pending_lock);
	const struct lf_pack_entry *entry =
		vault->pending ? lf_pack_writer_find(vault->pending, id) : NULL;

	if (!entry)
		return lf_fail(err, LF_ENOTFOUND, NULL, "no such chunk");
	int rc = lf_pack_writer_read(vault->pending, opener->record, entry->stored, entry->offset,
				     err);
	if (!rc)
		rc = lf_sealer_set_key(opener->sealer, lf_pack_writer_key(vault->pending), err);
	opener->pack = NULL;
	if (!rc)
		rc = lf_record_open(opener->sealer, opener->codec, entry, opener->record,
				    opener->scratch, out, err);
	if (!rc)
		*ret_len = entry->plain;
	return rc;
}

/* Any copy that can be read. */
static int read_copies(struct lf_vault *vault, struct lf_opener *opener,
		       const struct lf_chunk_id *id, void *out, uint32_t *ret_len,
		       struct lf_error *err)
{
	struct lf_place place;
	int rc = lf_fail(err, LF_ENOTFOUND, NULL, "no such chunk");

	for (unsigned nth = 0; rc && lf_index_find(vault->index, id, nth, &place); nth++) {
		rc = lf_vault_read_place(vault, opener, &place, out, err);
		if (!rc)
			*ret_len = place.entry.plain;
		else if (rc == LF_EIO || rc == LF_ENOMEM || rc == LF_EINTERNAL)
			return rc;
	}
	return rc;
}

static int read_anyhow(struct lf_vault *vault, struct lf_opener *opener,
		       const struct lf_chunk_id *id, void *out, uint32_t *ret_len,
		       struct lf_error *err)
{
	struct lf_error ignored;
	size_t dropped = 0;
	int rc = read_copies(vault, opener, id, out, ret_len, err);

	if (rc == LF_ENOTFOUND && !vault->read_only) {
		rc = read_pending(vault, opener, id, out, ret_len, err);
		if (rc == LF_ENOTFOUND) /* moved to the index in between */
			rc = read_copies(vault, opener, id, out, ret_len, err);
	}
	if (rc == LF_ENOTFOUND && !lf_index_refresh(vault->index, &ignored))
		rc = read_copies(vault, opener, id, out, ret_len, err);
	if ((rc == LF_ENOTFOUND || rc == LF_ECORRUPT) &&
	    !lf_index_heal(vault->index, &dropped, &ignored) && dropped)
		rc = read_copies(vault, opener, id, out, ret_len, err);
	return rc == LF_ENOTFOUND ? lf_index_fail_absent(vault->index, id, rc, err) : rc;
}

static int fail_chunk(const struct lf_chunk_id *id, struct lf_error *err)
{
	char hex[65];

	lf_hex_encode(id->bytes, 32, hex);
	return lf_error_wrap(err, "chunk %s", hex);
}

int lf_vault_load_chunk(struct lf_vault *vault, const struct lf_chunk_id *id, void *out,
			uint32_t *ret_len, struct lf_error *err)
{
	struct lf_opener *opener = NULL;
	int rc = lf_opener_get(vault, &opener, err);

	if (rc)
		return rc;
	rc = read_anyhow(vault, opener, id, out, ret_len, err);
	lf_opener_put(vault, opener);
	return rc ? fail_chunk(id, err) : 0;
}

int lf_vault_get_chunk(struct lf_vault *vault, const struct lf_chunk_id *id,
		       struct lf_cached **ret_chunk, struct lf_error *err)
{
	struct lf_cached *chunk = lf_cache_get(vault->cache, id);
	uint32_t len = 0;

	if (chunk) {
		*ret_chunk = chunk;
		return 0;
	}
	LF_AUTO_FREE uint8_t *plain = malloc(LF_CHUNK_BYTES_MAX);
	if (!plain)
		return lf_fail_nomem(err);
	int rc = lf_vault_load_chunk(vault, id, plain, &len, err);
	if (rc)
		return rc;
	chunk = lf_cache_put(vault->cache, id, plain, len);
	if (!chunk)
		return lf_fail_nomem(err);
	*ret_chunk = chunk;
	return 0;
}

int lf_vault_read_chunk(struct lf_vault *vault, const struct lf_chunk_id *id, struct lf_buf *buf,
			struct lf_error *err)
{
	struct lf_cached *chunk = NULL;
	int rc = lf_vault_get_chunk(vault, id, &chunk, err);

	if (rc)
		return rc;
	lf_buf_append(buf, chunk->bytes, chunk->len);
	lf_cache_release(vault->cache, chunk);
	return lf_buf_check(buf, err);
}
