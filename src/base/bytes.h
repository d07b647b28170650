/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/bytes.h - integers as they lie in files and on the wire, at any
 * address.  Pure.
 *
 * lf_put_u32(), lf_get_u32() and their sisters: little-endian, as our own
 * formats are.  lf_put_be32(), lf_get_be32(): big-endian, as NBD is.
 */
#ifndef LF_BASE_BYTES_H
#define LF_BASE_BYTES_H

#include <endian.h>
#include <string.h>

#include "base/compiler.h"

#define LF_BYTES(name, bits, to, from)                                                             \
	static inline void lf_put_##name(uint8_t *out, uint##bits##_t value)                       \
	{                                                                                          \
		value = to(value);                                                                 \
		memcpy(out, &value, sizeof(value));                                                \
	}                                                                                          \
	static inline uint##bits##_t lf_get_##name(const uint8_t *in)                              \
	{                                                                                          \
		uint##bits##_t value;                                                              \
                                                                                                   \
		memcpy(&value, in, sizeof(value));                                                 \
		return from(value);                                                                \
	}
LF_BYTES(u16, 16, htole16, le16toh)
LF_BYTES(u32, 32, htole32, le32toh)
LF_BYTES(u64, 64, htole64, le64toh)
LF_BYTES(be16, 16, htobe16, be16toh)
LF_BYTES(be32, 32, htobe32, be32toh)
LF_BYTES(be64, 64, htobe64, be64toh)
#undef LF_BYTES

#endif
