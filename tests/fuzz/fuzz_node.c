/* SPDX-License-Identifier: Apache-2.0 */
/* A node of a disk map: what is accepted encodes to the same bytes. */
#include <string.h>

#include "vault/map/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lf_leaf_extent extents[LF_LEAF_PAGES];
	static uint8_t again[LF_NODE_BYTES_MAX];
	struct lf_inner inner;
	struct lf_error err;
	size_t n = 0;

	if (lf_leaf_decode(data, size, extents, &n, &err) == 0) {
		LF_ASSERT(lf_leaf_encode(extents, n, again) == size);
		LF_ASSERT(memcmp(again, data, size) == 0);
	}
	for (unsigned height = 1; height <= LF_ROOT_HEIGHT_MAX; height++) {
		if (lf_inner_decode(data, size, height, &inner, &err))
			continue;
		LF_ASSERT(lf_inner_encode(&inner, height, again) == size);
		LF_ASSERT(memcmp(again, data, size) == 0);
	}
	return 0;
}
