/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image/partition.h - the partitions that a disk's first sectors name: GPT, or
 * the four of an MBR.  Pure; any thread.
 */
#ifndef LF_IMAGE_PARTITION_H
#define LF_IMAGE_PARTITION_H

#include "base/compiler.h"

#define LF_PARTITION_HEAD 28672u /* bytes of a disk that are looked at: a usual GPT, and some */
#define LF_PARTITIONS_MAX 128u

struct lf_partition {
	uint64_t offset, size; /* bytes; inside the disk */
	unsigned number;       /* as Linux counts: 1 is the first */
	bool efi;	       /* the EFI system partition */
};
/* The logical sectors that a GPT counts in, 512 or 4096; 0: there is no GPT in the disk's first len
 * bytes. */
uint32_t lf_partitions_sector(const uint8_t *head, size_t len);
/*
 * head: the first len bytes of a disk of size bytes.  sector: its logical sectors, which an MBR
 * counts in and does not say; 512, unless it is 4096.  Returns how many are in out: 0, there are
 * none.
 */
size_t lf_partitions_read(const uint8_t *head, size_t len, uint64_t size, uint32_t sector,
			  struct lf_partition out[static LF_PARTITIONS_MAX]);

#endif
