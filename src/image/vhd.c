/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The footer of a fixed VHD: 512 big-endian bytes behind the disk, made from
 * the size and an id alone, so that it need not be stored.  When a footer is
 * read, everything that we do not take is named: a dynamic VHD, another
 * version, a checksum or a size that does not fit.
 */
#include "image/vhd.h"

#include <endian.h>
#include <string.h>

#define SECTOR	     512u
#define FEATURES     2u /* always set; no others */
#define VERSION	     0x00010000u
#define FIXED	     2u
#define DYNAMIC	     3u
#define DIFFERENCING 4u
#define COOKIE	     "conectix"
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

/* Over all bytes but the sum's own. */
static uint32_t sum_of(const struct footer *footer)
{
	struct footer copy = *footer;
	uint8_t bytes[sizeof(copy)];
	uint32_t sum = 0;

	copy.checksum = 0;
	memcpy(bytes, &copy, sizeof(copy));
	for (size_t i = 0; i < sizeof(bytes); i++)
		sum += bytes[i];
	return ~sum;
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

	LF_ASSERT(disk_size % SECTOR == 0);
	memcpy(footer.cookie, COOKIE, sizeof(footer.cookie));
	memcpy(footer.id, id, LF_VHD_ID_SIZE);
	put_geometry(&footer, disk_size / SECTOR);
	footer.checksum = htobe32(sum_of(&footer));
	memcpy(out, &footer, sizeof(footer));
}

bool lf_vhd_is_footer(const uint8_t footer[static LF_VHD_FOOTER_SIZE])
{
	return memcmp(footer, COOKIE, strlen(COOKIE)) == 0;
}

int lf_vhd_check_footer(const uint8_t bytes[static LF_VHD_FOOTER_SIZE], uint64_t disk_size,
			const char *target, struct lf_error *err)
{
	struct footer footer;

	memcpy(&footer, bytes, sizeof(footer));
	uint32_t type = be32toh(footer.type);
	uint64_t says = be64toh(footer.current_size);
	if (be32toh(footer.checksum) != sum_of(&footer))
		return lf_fail_arm(err, LF_EINVAL, "InvalidVhd", target,
				   "copy the file again, or convert it: qemu-img convert -O vpc -o "
				   "subformat=fixed,force_size",
				   "the footer of the VHD is damaged");
	if (type == DYNAMIC || type == DIFFERENCING)
		return lf_fail_arm(err, LF_EUNSUPPORTED, "InvalidVhd", target,
				   "convert it: qemu-img convert -f vpc -O raw",
				   "this is a %s VHD, and a disk is read from a fixed one",
				   type == DYNAMIC ? "dynamic" : "differencing");
	if (type != FIXED || be32toh(footer.version) != VERSION)
		return lf_fail_arm(err, LF_EUNSUPPORTED, "InvalidVhd", target,
				   "convert it: qemu-img convert -f vpc -O raw",
				   "this is a VHD of type %u, and a disk is read from a fixed one",
				   type);
	if (says != disk_size)
		return lf_fail_arm(err, LF_EINVAL, "InvalidVhd", target, "copy the whole file",
				   "the VHD's footer says %llu bytes, and there are %llu",
				   (unsigned long long)says, (unsigned long long)disk_size);
	return 0;
}
