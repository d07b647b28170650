/* SPDX-License-Identifier: Apache-2.0 */
/* Partition tables: what is found lies on the disk. */
#include <stdlib.h>
#include <string.h>

#include "image/partition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lf_partition found[LF_PARTITIONS_MAX];
	uint64_t disk = 0;

	memcpy(&disk, data, size < sizeof(disk) ? size : sizeof(disk));
	size_t n = lf_partitions_read(data, size, disk, size % 2 ? 4096 : 512, found);
	LF_ASSERT(n <= LF_PARTITIONS_MAX);
	for (size_t i = 0; i < n; i++)
		LF_ASSERT(found[i].offset < disk && found[i].size <= disk - found[i].offset);
	return 0;
}
