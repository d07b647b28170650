/* SPDX-License-Identifier: Apache-2.0 */
#include "outflow/window.h"

#include <string.h>

#include "extent/wire.h"
#include "vault/pack/pack_internal.h"

void lf_window_add(struct lf_window *window, uint64_t page, uint32_t pages, uint8_t *data)
{
	/* the id comes later; without one it is a hole */
	const struct lf_extent extent = {.page = page, .pages = pages, .hole = true};
	uint8_t wire[LF_EXTENT_WIRE_SIZE];

	if (data) {
		LF_ASSERT(window->n < LF_WINDOW_PAGES && pages <= LF_CHUNK_PAGES_MAX);
		window->chunks[window->n++] = (struct lf_window_chunk){
			.data = data,
			.plain = pages * LF_PAGE_SIZE,
			.record = window->extents.len / LF_EXTENT_WIRE_SIZE};
	}
	lf_extent_encode(&extent, wire);
	lf_buf_append(&window->extents, wire, sizeof(wire));
}

int lf_window_hash(struct lf_window *window, struct lf_chunk_hasher *hasher, struct lf_error *err)
{
	int rc = lf_buf_check(&window->extents, err);

	for (size_t i = 0; !rc && i < window->n; i++) {
		struct lf_window_chunk *chunk = &window->chunks[i];
		rc = lf_chunk_id_of(hasher, chunk->data, chunk->plain, &chunk->id, err);
		if (!rc)
			memcpy(window->extents.data + chunk->record * LF_EXTENT_WIRE_SIZE + 16,
			       chunk->id.bytes, sizeof(chunk->id.bytes));
	}
	return rc;
}

int lf_window_ask(struct lf_window *window, const struct lf_sink *sink, struct lf_seen *seen,
		  uint64_t arrived, struct lf_error *err)
{
	struct lf_chunk_id ids[LF_WINDOW_PAGES];
	uint8_t have[LF_WINDOW_PAGES / 8] = {0};

	if (!window->n)
		return 0;
	for (size_t i = 0; i < window->n; i++)
		ids[i] = window->chunks[i].id;
	int rc = sink->have(sink->context, ids, window->n, have, err);
	for (size_t i = 0; !rc && i < window->n; i++)
		window->chunks[i].wanted = !lf_have_bit(have, i) &&
					   !lf_seen_before(seen, &ids[i], window->number, arrived);
	return rc;
}

void lf_window_code(struct lf_window *window, struct lf_codec *codec, uint8_t *scratch)
{
	for (size_t i = 0; i < window->n; i++) {
		struct lf_window_chunk *chunk = &window->chunks[i];
		if (!chunk->wanted)
			continue;
		chunk->coded = (uint32_t)lf_codec_pack(codec, LF_EFFORT_FAST, chunk->data,
						       chunk->plain, scratch, &chunk->coding);
		if (chunk->coding != LF_CODING_RAW)
			memcpy(chunk->data, scratch, chunk->coded);
	}
}

size_t lf_window_wanted(const struct lf_window *window)
{
	size_t wanted = 0;

	for (size_t i = 0; i < window->n; i++)
		wanted += window->chunks[i].wanted;
	return wanted;
}

int lf_window_pack(const struct lf_window *window, struct lf_pack_writer *pack,
		   struct lf_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < window->n; i++) {
		const struct lf_window_chunk *chunk = &window->chunks[i];
		const struct lf_pack_entry like = {.id = chunk->id,
						   .plain = chunk->plain,
						   .coding = chunk->coding,
						   .kind = LF_CHUNK_DATA};
		if (chunk->wanted)
			rc = lf_pack_writer_add_coded(pack, &like, chunk->data, chunk->coded, err);
	}
	return rc;
}
