/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/pack/codec.h - compression of chunks: contexts made once, nothing allocated
 * for a chunk.
 *
 * Threads: a codec belongs to one thread at a time.
 */
#ifndef LF_VAULT_PACK_CODEC_H
#define LF_VAULT_PACK_CODEC_H

#include "base/error.h"

/* How a record's bytes are stored; numbers are of the format (docs/formats/pack.md). */
enum lf_coding { LF_CODING_RAW = 0, LF_CODING_ZSTD = 1, LF_CODING_LZ4 = 2 };

/*
 * How much time a chunk is worth: a first full pass is bound by compression, so
 * it is fast there; where most is known already there is time; changes are few
 * and stay long, and small chunks gain most.  Compaction has all the time.
 */
enum lf_effort { LF_EFFORT_FAST, LF_EFFORT_NORMAL, LF_EFFORT_DENSE, LF_EFFORT_BEST };

struct lf_codec;
LF_MUST_CHECK int lf_codec_new(struct lf_codec **ret_codec, struct lf_error *err);
void lf_codec_free(struct lf_codec *codec);
/*
 * Compress len bytes into out (len bytes of room) if that saves a sixteenth.
 * Returns the bytes used and sets *ret_coding; LF_CODING_RAW: out is untouched
 * and len is returned.
 */
size_t lf_codec_pack(struct lf_codec *codec, enum lf_effort effort, const void *data, size_t len,
		     void *out, enum lf_coding *ret_coding);
/* Exactly plain bytes into out, or LF_ECORRUPT. */
LF_MUST_CHECK int lf_codec_unpack(struct lf_codec *codec, enum lf_coding coding, const void *data,
				  size_t len, void *out, size_t plain, struct lf_error *err);

#endif
