/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zstandard or LZ4 by how much time a chunk is worth; bytes that look like
 * noise are not tried, and what saves less than a sixteenth stays as it is. 
 * Contexts are made once for a thread.
 */
#include "vault/pack/codec.h"

#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <zstd.h>

#include "base/bytes.h"

/* why these: docs/adr/0006-compression-by-effort.md */
#define LEVEL_FAST   (-3)
#define LEVEL_NORMAL 5
#define LEVEL_DENSE  6
#define LEVEL_BEST   9
#define SMALL_BYTES  16384u /* always worth the dense level */
#define SAMPLE_BYTES 1024u  /* four pieces of it tell noise from data */
#define SAMPLE_LEAST 16384u

struct lf_codec {
	ZSTD_CCtx *out[LF_EFFORT_BEST + 1]; /* by effort */
	ZSTD_DCtx *in;
};

void lf_codec_free(struct lf_codec *codec)
{
	if (!codec)
		return;
	for (size_t i = 0; i < LF_N(codec->out); i++)
		ZSTD_freeCCtx(codec->out[i]);
	ZSTD_freeDCtx(codec->in);
	free(codec);
}

int lf_codec_new(struct lf_codec **ret_codec, struct lf_error *err)
{
	static const int levels[] = {LEVEL_FAST, LEVEL_NORMAL, LEVEL_DENSE, LEVEL_BEST};
	struct lf_codec *codec = calloc(1, sizeof(*codec));
	bool whole = codec && (codec->in = ZSTD_createDCtx());

	for (size_t i = 0; whole && i < LF_N(levels); i++) {
		codec->out[i] = ZSTD_createCCtx();
		whole = codec->out[i] &&
			!ZSTD_isError(ZSTD_CCtx_setParameter(codec->out[i], ZSTD_c_compressionLevel,
							     levels[i]));
	}
	if (!whole) {
		lf_codec_free(codec);
		return lf_fail_nomem(err);
	}
	*ret_codec = codec;
	return 0;
}

/*
 * Noise (encrypted or compressed already) spreads its bytes evenly: the sum of
 * squared counts of n even bytes is near n + n * n / 256.  Text and code lie far
 * above.  Repeats of noise are missed, and are rare inside one chunk.
 */
static bool looks_like_noise(const uint8_t *data, size_t len)
{
	uint16_t counts[256] = {0};
	uint64_t sum = 0;
	const uint64_t n = 4 * SAMPLE_BYTES;

	if (len < SAMPLE_LEAST)
		return false;
	for (size_t piece = 0; piece < 4; piece++) {
		const uint8_t *at = data + (len - SAMPLE_BYTES) / 3 * piece;
		for (size_t i = 0; i < SAMPLE_BYTES; i++)
			counts[at[i]]++;
	}
	for (size_t i = 0; i < 256; i++)
		sum += (uint64_t)counts[i] * counts[i];
	return sum < (n + n * n / 256) * 17 / 16;
}

size_t lf_codec_pack(struct lf_codec *codec, enum lf_effort effort, const void *data, size_t len,
		     void *out, enum lf_coding *ret_coding)
{
	*ret_coding = LF_CODING_RAW;
	if (looks_like_noise(data, len))
		return len;
	if (len <= SMALL_BYTES && effort < LF_EFFORT_DENSE)
		effort = LF_EFFORT_DENSE;
	size_t n = ZSTD_compress2(codec->out[effort], out, len - len / 16, data, len);
	if (ZSTD_isError(n))
		return len;
	*ret_coding = LF_CODING_ZSTD;
	return n;
}

int lf_codec_unpack(struct lf_codec *codec, enum lf_coding coding, const void *data, size_t len,
		    void *out, size_t plain, struct lf_error *err)
{
	size_t n = 0;

	switch (coding) {
	case LF_CODING_RAW:
		if (len == plain)
			memcpy(out, data, len);
		n = len;
		break;
	case LF_CODING_ZSTD:
		n = ZSTD_decompressDCtx(codec->in, out, plain, data, len);
		break;
	case LF_CODING_LZ4:
		n = (size_t)LZ4_decompress_safe(data, out, (int)len, (int)plain);
		break;
	}
	if (n != plain)
		return lf_fail(err, LF_ECORRUPT, NULL, "a chunk does not decompress to its size");
	return 0;
}
