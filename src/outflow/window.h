/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outflow/window.h - one window of a disk on its way through an outflow: filled by
 * the caller, hashed, asked for, coded, packed.
 *
 * Threads: a window belongs to one thread at a time.
 */
#ifndef LF_OUTFLOW_WINDOW_H
#define LF_OUTFLOW_WINDOW_H

#include "base/lock.h"
#include "outflow/seen.h"
#include "outflow/sink.h"
#include "vault/pack/codec.h"

struct lf_window_chunk {
	struct lf_chunk_id id;
	uint8_t *data;	/* in the window; compressed in place */
	uint32_t plain; /* bytes, and as they are stored */
	uint32_t coded;
	enum lf_coding coding;
	bool wanted;   /* the sink lacks it */
	size_t record; /* of extents: the one that names it */
};

enum lf_window_stage {
	LF_WINDOW_FREE,
	LF_WINDOW_GIVEN,
	LF_WINDOW_HASHED, /* ids are known, in the extents too */
	LF_WINDOW_ASKED,  /* wanted is */
	LF_WINDOW_CODED,
};

LF_LOCK_KIND(outflow_lock);
struct lf_window {
	enum lf_window_stage stage LF_GUARDED_BY(outflow_lock);
	bool busy LF_GUARDED_BY(outflow_lock); /* a thread brings it to its next stage */
	uint64_t number;		       /* from 1 on, in the order they were given */
	uint64_t upto;
	uint8_t *data;
	struct lf_window_chunk chunks[LF_WINDOW_PAGES];
	size_t n;
	struct lf_buf extents; /* records of extent/wire.h */
};

/* Note a run; data NULL: a hole. */
void lf_window_add(struct lf_window *window, uint64_t page, uint32_t pages, uint8_t *data);
LF_MUST_CHECK int lf_window_hash(struct lf_window *window, struct lf_chunk_hasher *hasher,
				 struct lf_error *err);
/* arrived: the newest window whose chunks the sink has. */
LF_MUST_CHECK int lf_window_ask(struct lf_window *window, const struct lf_sink *sink,
				struct lf_seen *seen, uint64_t arrived, struct lf_error *err);
/* scratch: LF_CHUNK_BYTES_MAX of room. */
void lf_window_code(struct lf_window *window, struct lf_codec *codec, uint8_t *scratch);
/* How many chunks have to be packed. */
size_t lf_window_wanted(const struct lf_window *window);
LF_MUST_CHECK int lf_window_pack(const struct lf_window *window, struct lf_pack_writer *pack,
				 struct lf_error *err);

#endif
