/* SPDX-License-Identifier: Apache-2.0 */
/* A pack's header, footer and records from anybody. */
#include <stdlib.h>
#include <string.h>

#include "vault/pack/pack_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
	const uint8_t *data;
	size_t size;
};

static int read_at(void *context, void *out, size_t len, uint64_t offset, struct lf_error *err)
{
	const struct file *file = context;

	if (offset > file->size || len > file->size - offset)
		return lf_fail(err, LF_ECORRUPT, NULL, "ends early");
	memcpy(out, file->data + offset, len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file file = {data, size};
	struct lf_pack_footer footer = {0};
	struct lf_error err;

	if (lf_pack_footer_read(read_at, &file, size, &footer, &err) == 0) {
		for (uint32_t i = 0; i < footer.count; i++)
			LF_ASSERT(footer.entries[i].offset + footer.entries[i].stored <= size);
		lf_pack_footer_done(&footer);
	}
	/* what a broken seal would let through: the decompressors */
	if (size > 4) {
		static struct lf_codec *codec;
		static uint8_t out[LF_CHUNK_BYTES_MAX];
		size_t plain = (size_t)(data[0] | data[1] << 8 | data[2] << 16) % sizeof(out);
		if (!codec && lf_codec_new(&codec, &err))
			abort();
		(void)!lf_codec_unpack(codec, data[3] % 3, data + 4, size - 4, out, plain, &err);
	}
	return 0;
}
