/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/copy.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/fault.h"
#include "vault/vault_internal.h"

#define BATCH 4096u /* extents that the target is asked about at once */

struct copy {
	struct lf_vault *from, *to;
	const struct lf_root *root;
	const struct lf_copy_opts *opts;
	struct lf_map_edit *edit;      /* in the target */
	struct lf_pack_writer *writer; /* its open pack */
	struct lf_opener *opener;      /* of the source */
	uint8_t *plain;
	struct lf_extent *batch;
	size_t count;
	struct lf_copy_result result;
};

/* As it is compressed; from another copy, or anew, when the first cannot be read. */
static int move_chunk(struct copy *copy, const struct lf_chunk_id *id, struct lf_error *err)
{
	struct lf_place place;
	struct lf_error ignored;
	uint32_t len = 0;
	int rc = lf_vault_open_pack(copy->to, &copy->writer, err);

	if (rc || lf_pack_writer_find(copy->writer, id))
		return rc;
	uint64_t before = lf_pack_writer_size(copy->writer);
	if (lf_index_find(copy->from->index, id, 0, &place) &&
	    !lf_vault_read_place(copy->from, copy->opener, &place, copy->plain, &ignored)) {
		bool raw = place.entry.coding == LF_CODING_RAW;
		rc = lf_pack_writer_add_coded(copy->writer, &place.entry,
					      raw ? copy->plain : copy->opener->scratch,
					      place.entry.stored - LF_TAG_SIZE, err);
	} else {
		rc = lf_vault_load_chunk(copy->from, id, copy->plain, &len, err);
		if (!rc)
			rc = lf_pack_writer_add(copy->writer, id, copy->plain, len, err);
	}
	if (!rc)
		copy->result.moved_bytes += lf_pack_writer_size(copy->writer) - before;
	return rc;
}

static int flush_batch(struct copy *copy, struct lf_error *err)
{
	struct lf_chunk_id ids[BATCH];
	uint8_t have[BATCH / 8] = {0};
	size_t n = 0;

	for (size_t i = 0; i < copy->count; i++)
		if (!copy->batch[i].hole)
			ids[n++] = copy->batch[i].chunk;
	int rc = n ? lf_vault_have(copy->to, ids, n, have, err) : 0;
	for (size_t i = 0; !rc && i < n; i++)
		if (!(have[i / 8] >> (i % 8) & 1))
			rc = move_chunk(copy, &ids[i], err);
	copy->result.named_chunks += n;
	for (size_t i = 0; !rc && i < copy->count; i++)
		rc = lf_map_edit_put(copy->edit, &copy->batch[i], err);
	if (!rc && copy->count && copy->opts->progress) {
		const struct lf_extent *last = &copy->batch[copy->count - 1];
		uint64_t at = (last->page + last->pages) * LF_PAGE_SIZE;
		uint64_t size = copy->opts->size_bytes;
		copy->opts->progress(copy->opts->context, at < size ? at : size, size);
	}
	copy->count = 0;
	if (!rc && copy->opts->stop && atomic_load(copy->opts->stop))
		rc = lf_fail(err, LF_ECANCELED, NULL, "stopped");
	return rc;
}

static int take_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct copy *copy = context;

	/* what is a hole in an empty map need not be said */
	if (extent->hole && !copy->opts->base)
		return 0;
	copy->batch[copy->count++] = *extent;
	return copy->count == BATCH ? flush_batch(copy, err) : 0;
}

static int copy_extents(struct copy *copy, struct lf_error *err)
{
	const struct lf_root *base = copy->opts->base;
	uint64_t pages = (copy->opts->size_bytes + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;
	int rc = base ? lf_map_diff(copy->from, base, copy->root, take_extent, copy, err)
		      : lf_map_walk(copy->from, copy->root, 0, pages, take_extent, copy, err);

	if (!rc)
		rc = flush_batch(copy, err);
	return rc ? rc : lf_vault_close_pack(copy->to, &copy->writer, err);
}

static int begin(struct copy *copy, struct lf_error *err)
{
	if (CRYPTO_memcmp(copy->from->key.id_key, copy->to->key.id_key,
			  sizeof(copy->to->key.id_key)) != 0)
		return lf_fail(err, LF_EINVAL, copy->to->dir,
			       "the vaults are of different deduplication domains");
	copy->plain = malloc(LF_CHUNK_BYTES_MAX);
	copy->batch = calloc(BATCH, sizeof(*copy->batch));
	if (!copy->plain || !copy->batch)
		return lf_fail_nomem(err);
	int rc = lf_opener_get(copy->from, &copy->opener, err);
	return rc ? rc : lf_map_edit_begin(copy->to, copy->opts->base, &copy->edit, err);
}

int lf_vault_copy_disk(struct lf_vault *from, struct lf_vault *to, const struct lf_root *root,
		       const struct lf_copy_opts *opts, struct lf_copy_result *ret_result,
		       struct lf_error *err)
{
	struct copy copy = {.from = from, .to = to, .root = root, .opts = opts};
	int rc = begin(&copy, err);

	if (!rc)
		rc = copy_extents(&copy, err);
	if (!rc)
		rc = lf_map_edit_commit(copy.edit, &copy.result.root, err);
	if (!rc && !lf_root_equal(&copy.result.root, root))
		rc = lf_fail(err, LF_ECORRUPT, NULL, "the copy's map differs from the source's");
	if (!rc)
		*ret_result = copy.result;
	lf_map_edit_free(copy.edit);
	lf_pack_writer_free(copy.writer);
	if (copy.opener)
		lf_opener_put(from, copy.opener);
	free(copy.plain);
	free(copy.batch);
	return rc;
}
