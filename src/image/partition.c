/* SPDX-License-Identifier: Apache-2.0 */
#include "image/partition.h"

#include <string.h>

#include "base/bytes.h"

#define SECTOR	    512u
#define SECTOR_4K   4096u
#define MBR_TABLE   446u
#define MBR_ENTRY   16u
#define MBR_ENTRIES 4u
#define MBR_GPT	    0xee /* type of the one partition that stands for a GPT */
#define MBR_EFI	    0xef
#define GPT_ENTRY   128u

/* C12A7328-F81F-11D2-BA4B-00A0C93EC93B, as it lies on the disk. */
static const uint8_t efi_type[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
				     0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

/* Sectors from first on; false: they are not on the disk. */
static bool place(uint64_t first, uint64_t sectors, uint32_t sector, uint64_t size,
		  struct lf_partition *out)
{
	uint64_t all = size / sector;

	if (!first || !sectors || first >= all || sectors > all - first)
		return false;
	out->offset = first * sector;
	out->size = sectors * sector;
	return true;
}

static size_t read_mbr(const uint8_t *head, uint32_t sector, uint64_t size,
		       struct lf_partition *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const uint8_t *entry = head + MBR_TABLE + (size_t)i * MBR_ENTRY;
		struct lf_partition partition = {.number = i + 1, .efi = entry[4] == MBR_EFI};
		if (entry[4] && entry[4] != MBR_GPT &&
		    place(lf_get_u32(entry + 8), lf_get_u32(entry + 12), sector, size, &partition))
			out[n++] = partition;
	}
	return n;
}

static size_t read_gpt(const uint8_t *head, size_t len, uint32_t sector, uint64_t size,
		       struct lf_partition *out)
{
	static const uint8_t unused[16];
	const uint8_t *header = head + sector;
	uint64_t table = lf_get_u64(header + 72);
	uint32_t count = lf_get_u32(header + 80);
	size_t n = 0;

	if (lf_get_u32(header + 84) != GPT_ENTRY || table > len / sector)
		return 0;
	for (uint32_t i = 0; i < count && i < LF_PARTITIONS_MAX; i++) {
		size_t at = (size_t)table * sector + (size_t)i * GPT_ENTRY;
		if (at + GPT_ENTRY > len)
			break;
		const uint8_t *entry = head + at;
		uint64_t first = lf_get_u64(entry + 32), last = lf_get_u64(entry + 40);
		struct lf_partition partition = {
			.number = i + 1, .efi = memcmp(entry, efi_type, sizeof(efi_type)) == 0};
		if (memcmp(entry, unused, sizeof(unused)) != 0 && last >= first &&
		    last != UINT64_MAX && place(first, last - first + 1, sector, size, &partition))
			out[n++] = partition;
	}
	return n;
}

uint32_t lf_partitions_sector(const uint8_t *head, size_t len)
{
	static const uint32_t sectors[] = {SECTOR, SECTOR_4K};

	for (size_t i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++)
		if (len >= 2 * (size_t)sectors[i] && memcmp(head + sectors[i], "EFI PART", 8) == 0)
			return sectors[i];
	return 0;
}

size_t lf_partitions_read(const uint8_t *head, size_t len, uint64_t size, uint32_t sector,
			  struct lf_partition out[static LF_PARTITIONS_MAX])
{
	uint32_t gpt = lf_partitions_sector(head, len);

	if (gpt)
		return read_gpt(head, len, gpt, size, out);
	/* a boot sector of a file system has the mark, too; its bytes make no partitions, mostly */
	if (len < SECTOR || head[510] != 0x55 || head[511] != 0xaa)
		return 0;
	return read_mbr(head, sector == SECTOR_4K ? SECTOR_4K : SECTOR, size, out);
}
