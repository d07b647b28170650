/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extent/wire.h - the words in which a disk travels: an extent as a record of
 * 48 bytes, and which chunks the receiver has as a row of bits.
 *
 *   record  := u64 page · u32 pages · u32 chunk page · 32 bytes chunk id   (all zero id: hole)
 *
 * little-endian.  Agents, peers and journals use the same record
 * (docs/agent-protocol.md, docs/peer-protocol.md, docs/formats/site.md).
 *
 * Threads: any.
 */
#ifndef LF_EXTENT_WIRE_H
#define LF_EXTENT_WIRE_H

#include "vault/map/map.h"

#define LF_EXTENT_WIRE_SIZE 48

/* One record from its wire form; LF_EINVAL when its numbers make no sense. */
LF_MUST_CHECK int lf_extent_decode(const uint8_t wire[static LF_EXTENT_WIRE_SIZE],
				   struct lf_extent *ret_extent, struct lf_error *err);
void lf_extent_encode(const struct lf_extent *extent, uint8_t wire[static LF_EXTENT_WIRE_SIZE]);

/* "have": bit i, least significant first, set: the receiver has the i-th chunk it was asked for. */
static inline size_t lf_have_bytes(size_t chunks)
{
	return (chunks + 7) / 8;
}

static inline bool lf_have_bit(const uint8_t *bits, size_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

static inline void lf_have_set(uint8_t *bits, size_t i)
{
	bits[i / 8] |= (uint8_t)(1u << (i % 8));
}

#endif
