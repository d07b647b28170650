/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of an image: what is taken is raw, or has a whole footer that says its size. */
#include <string.h>

#include "image/kind.h"
#include "image/vhd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const others[] = {"QFI\xfb", "vhdxfile", "KDMV",
					     "COWD",	"conectix", "\x1f\x8b\x08"};
	uint8_t head[LF_IMAGE_HEAD] = {0}, tail[LF_IMAGE_HEAD] = {0};
	uint64_t bytes = 0, total = 0;
	struct lf_error err = LF_ERROR_NONE;

	if (size < sizeof(total))
		return 0;
	memcpy(&total, data, sizeof(total));
	data += sizeof(total), size -= sizeof(total);
	size_t half = size / 2 < sizeof(head) ? size / 2 : sizeof(head);
	memcpy(head, data, half);
	size_t rest = size - half < sizeof(tail) ? size - half : sizeof(tail);
	memcpy(tail, data + size - rest, rest);
	/* a size and a sum that fit, so that what is behind them is reached */
	if (total & 1) {
		uint32_t sum = 0;
		total &= ~(uint64_t)511;
		memcpy(tail, "conectix", 8);
		memset(tail + 64, 0, 4);
		for (size_t i = 0; i < sizeof(tail); i++)
			sum += tail[i];
		sum = ~sum;
		for (size_t i = 0; i < 4; i++)
			tail[64 + i] = (uint8_t)(sum >> (24 - 8 * i));
	}
	int rc = lf_image_check(head, tail, total, "f", &bytes, &err);
	LF_ASSERT(rc == 0 || rc == LF_EINVAL || rc == LF_EUNSUPPORTED);
	if (rc) {
		LF_ASSERT(bytes == 0 && err.message[0] && err.hint[0]);
		return 0;
	}
	bool footed = total > 512 && lf_vhd_is_footer(tail);
	LF_ASSERT(bytes == (footed ? total - 512 : total) && bytes % 512 == 0);
	for (size_t i = 0; !footed && i < LF_N(others); i++)
		LF_ASSERT(memcmp(head, others[i], strlen(others[i])) != 0);
	return 0;
}
