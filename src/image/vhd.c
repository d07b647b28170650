/* SPDX-License-Identifier: Apache-2.0 */
#include "image/vhd.h"

#include <endian.h>
#include <string.h>

#define SECTOR	     512u
#define FEATURES     2u /* always set; no others */
#define VERSION	     0x00010000u
#define FIXED	     2u
#define NOT_DYNAMIC  UINT64_MAX	 /* offset of the next header */
#define HOST_WINDOWS 0x5769326bu /* "Wi2k" */

/* All integers are big-endian. */
struct footer {
	char cookie[8];
	uint32_t features, version;
	uint64_t next_header;
	uint32_t time; /* seconds since 2000 */
	char creator[4];
	uint32_t creator_version, creator_host;
	uint64_t original_size, current_size;
	uint16_t cylinders;
	uint8_t heads, sectors;
	uint32_t type, checksum;
	uint8_t id[LF_VHD_ID_SIZE];
	uint8_t saved_state, reserved[427];
};
_Static_assert(sizeof(struct footer) == LF_VHD_FOOTER_SIZE, "the footer is one sector");

uint64_t lf_vhd_disk_size(uint64_t size)
{
	return (size + LF_VHD_UNIT - 1) / LF_VHD_UNIT * LF_VHD_UNIT;
}

/* The geometry that the specification computes, rounded down; what counts is the size. */
static void put_geometry(struct footer *footer, uint64_t sectors)
{
	const uint64_t most = UINT64_C(65535) * 16 * 255;
	uint64_t total = sectors < most ? sectors : most, tracks;
	unsigned per_track = 17, heads;

	if (total >= UINT64_C(65535) * 16 * 63) {
		per_track = 255;
		heads = 16;
		tracks = total / per_track;
	} else {
		tracks = total / per_track;
		heads = (unsigned)((tracks + 1023) / 1024);
		heads = heads < 4 ? 4 : heads;
		if (tracks >= heads * UINT64_C(1024) || heads > 16) {
			per_track = 31;
			heads = 16;
			tracks = total / per_track;
		}
		if (tracks >= heads * UINT64_C(1024)) {
			per_track = 63;
			heads = 16;
			tracks = total / per_track;
		}
	}
	footer->cylinders = htobe16((uint16_t)(tracks / heads));
	footer->heads = (uint8_t)heads;
	footer->sectors = (uint8_t)per_track;
}

void lf_vhd_footer(uint64_t disk_size, const uint8_t id[static LF_VHD_ID_SIZE],
		   uint8_t out[static LF_VHD_FOOTER_SIZE])
{
	struct footer footer = {
		.features = htobe32(FEATURES),
		.version = htobe32(VERSION),
		.next_header = htobe64(NOT_DYNAMIC),
		/* Hyper-V: readers that know it take the size, and not the geometry, by its word */
		.creator = {'w', 'i', 'n', ' '},
		.creator_version = htobe32(VERSION),
		.creator_host = htobe32(HOST_WINDOWS),
		.original_size = htobe64(disk_size),
		.current_size = htobe64(disk_size),
		.type = htobe32(FIXED),
	};
	uint32_t sum = 0;

	LF_ASSERT(disk_size % SECTOR == 0);
	memcpy(footer.cookie, "conectix", sizeof(footer.cookie));
	memcpy(footer.id, id, LF_VHD_ID_SIZE);
	put_geometry(&footer, disk_size / SECTOR);
	memcpy(out, &footer, sizeof(footer));
	for (size_t i = 0; i < sizeof(footer); i++)
		sum += out[i];
	footer.checksum = htobe32(~sum);
	memcpy(out, &footer, sizeof(footer));
}
