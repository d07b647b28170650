/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walk what root has and base has not, in batches: ask the target which chunks
 * it lacks, pack those as they are compressed but sealed for it, and close
 * packs as they fill; the last flush delivers all.  The caller's lease keeps
 * what has arrived, so that a copy that is cut short and repeated goes on from
 * there.
 */
#include "vault/flow/copy.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "vault/vault_internal.h"

struct send {
	struct lf_vault *from;
	const struct lf_root *root;
	const struct lf_copy_opts *opts;
	const struct lf_copy_sink *sink;
	struct lf_opener *opener; /* of the source */
	uint8_t *plain;
	struct lf_extent *batch;
	size_t count;
	struct lf_copy_result result;
};

/* As it is compressed; from another copy, or anew, when the first cannot be read. */
static int add_chunk(struct send *send, const struct lf_place *place, struct lf_pack_writer *writer,
		     struct lf_error *err)
{
	const struct lf_pack_entry *entry = &place->entry;
	struct lf_pack_entry like = *entry;
	struct lf_error ignored;
	uint32_t len = 0;

	like.kind = LF_CHUNK_DATA; /* a disk may hold the very bytes of a node */
	if (!lf_vault_read_place(send->from, send->opener, place, send->plain, &ignored))
		return lf_pack_writer_add_coded(
			writer, &like,
			entry->coding == LF_CODING_RAW ? send->plain : send->opener->scratch,
			entry->stored - LF_TAG_SIZE, err);
	int rc = lf_vault_load_chunk(send->from, &entry->id, send->plain, &len, err);
	return rc ? rc : lf_pack_writer_add(writer, &entry->id, send->plain, len, err);
}

/* Where a chunk is, so that one knows whose it is: all its copies are of one owner. */
static int find_chunk(struct send *send, const struct lf_chunk_id *id, struct lf_place *ret_place,
		      struct lf_error *err)
{
	uint32_t len;

	if (lf_index_find(send->from->index, id, 0, ret_place))
		return 0;
	/* not yet, or not any more: reading looks again */
	int rc = lf_vault_load_chunk(send->from, id, send->plain, &len, err);
	if (!rc && !lf_index_find(send->from->index, id, 0, ret_place))
		rc = lf_index_fail_absent(send->from->index, id, LF_ENOTFOUND, err);
	return rc;
}

static int give_chunk(struct send *send, const struct lf_chunk_id *id, struct lf_error *err)
{
	struct lf_pack_writer *writer = NULL;
	struct lf_place place;

	if (send->sink->sent && send->sink->sent(send->sink->context, id))
		return 0;
	int rc = find_chunk(send, id, &place, err);
	if (!rc)
		rc = send->sink->pack(send->sink->context,
				      lf_pack_owner(place.pack->flags, place.pack->salt), &writer,
				      err);
	if (rc || lf_pack_writer_find(writer, id))
		return rc;
	uint64_t before = lf_pack_writer_size(writer);
	rc = add_chunk(send, &place, writer, err);
	if (!rc)
		send->result.moved_bytes += lf_pack_writer_size(writer) - before;
	return rc;
}

static int flush_batch(struct send *send, struct lf_error *err)
{
	uint8_t have[LF_COPY_BATCH / 8] = {0};
	int rc = send->count ? send->sink->name(send->sink->context, send->batch, send->count, have,
						err)
			     : 0;

	for (size_t i = 0; !rc && i < send->count; i++) {
		if (send->batch[i].hole)
			continue;
		send->result.named_chunks++;
		if (!(have[i / 8] >> (i % 8) & 1))
			rc = give_chunk(send, &send->batch[i].chunk, err);
	}
	if (!rc && send->count && send->opts->progress) {
		const struct lf_extent *last = &send->batch[send->count - 1];
		uint64_t at = (last->page + last->pages) * LF_PAGE_SIZE;
		uint64_t size = send->opts->size_bytes;
		send->opts->progress(send->opts->context, at < size ? at : size, size);
	}
	send->count = 0;
	if (!rc && send->opts->stop && atomic_load(send->opts->stop))
		rc = lf_fail(err, LF_ECANCELED, NULL, "stopped");
	return rc;
}

static int take_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct send *send = context;

	/* what is a hole in an empty map need not be said */
	if (extent->hole && !send->opts->base)
		return 0;
	send->batch[send->count++] = *extent;
	return send->count == LF_COPY_BATCH ? flush_batch(send, err) : 0;
}

static int send_extents(struct send *send, struct lf_error *err)
{
	const struct lf_root *base = send->opts->base;
	uint64_t pages = (send->opts->size_bytes + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;

	send->plain = malloc(LF_CHUNK_BYTES_MAX);
	send->batch = calloc(LF_COPY_BATCH, sizeof(*send->batch));
	if (!send->plain || !send->batch)
		return lf_fail_nomem(err);
	int rc = lf_opener_get(send->from, &send->opener, err);
	if (!rc)
		rc = base ? lf_map_diff(send->from, base, send->root, take_extent, send, err)
			  : lf_map_walk(send->from, send->root, 0, pages, take_extent, send, err);
	return rc ? rc : flush_batch(send, err);
}

int lf_vault_send_disk(struct lf_vault *from, const struct lf_root *root,
		       const struct lf_copy_opts *opts, const struct lf_copy_sink *sink,
		       struct lf_copy_result *ret_result, struct lf_error *err)
{
	struct send send = {.from = from, .root = root, .opts = opts, .sink = sink};
	int rc = send_extents(&send, err);

	if (!rc)
		*ret_result = send.result;
	if (send.opener)
		lf_opener_put(from, send.opener);
	free(send.plain);
	free(send.batch);
	return rc;
}

/* Into a vault that is open here. */
struct local {
	struct lf_vault *to;
	struct lf_map_edit *edit;
	struct lf_pack_writer *writer; /* its open pack */
};

static int local_name(void *context, const struct lf_extent *extents, size_t n, uint8_t *ret_have,
		      struct lf_error *err)
{
	struct local *local = context;
	struct lf_chunk_id ids[LF_COPY_BATCH] = {0};
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		if (!extents[i].hole)
			ids[i] = extents[i].chunk;
		rc = lf_map_edit_put(local->edit, &extents[i], err);
	}
	return rc ? rc : lf_vault_have(local->to, ids, n, ret_have, err);
}

static int local_pack(void *context, const uint8_t *owner, struct lf_pack_writer **ret_writer,
		      struct lf_error *err)
{
	struct local *local = context;
	int rc = lf_vault_open_pack(local->to, owner, &local->writer, err);

	*ret_writer = local->writer;
	return rc;
}

static int copy_to(struct local *local, struct lf_vault *from, const struct lf_root *root,
		   const struct lf_copy_opts *opts, struct lf_copy_result *result,
		   struct lf_error *err)
{
	const struct lf_copy_sink sink = {.name = local_name, .pack = local_pack, .context = local};

	if (CRYPTO_memcmp(from->key.id_key, local->to->key.id_key, sizeof(from->key.id_key)) != 0)
		return lf_fail(err, LF_EINVAL, local->to->dir,
			       "the vaults are of different deduplication domains");
	int rc = lf_map_edit_begin(local->to, opts->base, &local->edit, err);
	if (!rc)
		rc = lf_vault_send_disk(from, root, opts, &sink, result, err);
	if (!rc)
		rc = lf_vault_close_pack(local->to, &local->writer, err);
	if (!rc)
		rc = lf_map_edit_commit(local->edit, &result->root, err);
	if (!rc && !lf_root_equal(&result->root, root))
		rc = lf_fail(err, LF_ECORRUPT, NULL, "the copy's map differs from the source's");
	return rc;
}

int lf_vault_copy_disk(struct lf_vault *from, struct lf_vault *to, const struct lf_root *root,
		       const struct lf_copy_opts *opts, struct lf_copy_result *ret_result,
		       struct lf_error *err)
{
	struct lf_copy_result result = {0};
	struct local local = {.to = to};
	int rc = copy_to(&local, from, root, opts, &result, err);

	if (!rc)
		*ret_result = result;
	lf_map_edit_free(local.edit);
	lf_pack_writer_free(local.writer);
	return rc;
}
