/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks that come in one by one, and what is here already.
 *
 * A chunk that is neither in the index nor in the open pack is appended to the open pack, which is
 * adopted when it is full or flushed.  Until then it is nowhere else: a kill loses it, and so
 * does a write that fails, of which vault->lost tells the edits under way.
 */
#include <string.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"
#include "vault/vault_internal.h"

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
	LF_GUARD(&vault->pending_mutex, lf_pending_lock);
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
	LF_GUARD(&vault->pending_mutex, lf_pending_lock);

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

LF_REQUIRES(lf_pending_lock)
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

LF_REQUIRES(lf_pending_lock)
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
		LF_GUARD(&vault->pending_mutex, lf_pending_lock);
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
	LF_GUARD(&vault->pending_mutex, lf_pending_lock);

	return flush_locked(vault, err);
}
