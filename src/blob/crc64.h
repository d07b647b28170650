/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/crc64.h - the CRC64 of x-ms-content-crc64 (CRC-64/NVME; its bytes travel in
 * little-endian order, as base64).
 *
 * Pure; any thread.
 */
#ifndef LF_BLOB_CRC64_H
#define LF_BLOB_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* Of the bytes so far (0: none) and these. */
uint64_t lf_crc64(uint64_t crc, const void *data, size_t len);

#endif
