/* SPDX-License-Identifier: Apache-2.0 */
#include "extent/wire.h"

#include <string.h>

#include "base/bytes.h"

#define DISK_PAGES_MAX (UINT64_C(1) << 52) /* 16 EiB: no disk is larger */

static const uint8_t hole_id[32];

void lf_extent_encode(const struct lf_extent *extent, uint8_t wire[static LF_EXTENT_WIRE_SIZE])
{
	lf_put_u64(wire, extent->page);
	lf_put_u32(wire + 8, extent->pages);
	lf_put_u32(wire + 12, extent->chunk_page);
	memcpy(wire + 16, extent->hole ? hole_id : extent->chunk.bytes, sizeof(hole_id));
}

int lf_extent_decode(const uint8_t wire[static LF_EXTENT_WIRE_SIZE], struct lf_extent *ret_extent,
		     struct lf_error *err)
{
	struct lf_extent extent = {.page = lf_get_u64(wire),
				   .pages = lf_get_u32(wire + 8),
				   .chunk_page = lf_get_u32(wire + 12)};

	memcpy(extent.chunk.bytes, wire + 16, sizeof(hole_id));
	extent.hole = memcmp(wire + 16, hole_id, sizeof(hole_id)) == 0;
	if (!extent.pages || extent.page >= DISK_PAGES_MAX ||
	    extent.pages > DISK_PAGES_MAX - extent.page ||
	    (!extent.hole && (uint64_t)extent.chunk_page + extent.pages > LF_CHUNK_PAGES_MAX))
		return lf_fail(err, LF_EINVAL, "extents", "an extent is out of range");
	*ret_extent = extent;
	return 0;
}
