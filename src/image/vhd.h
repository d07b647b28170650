/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image/vhd.h - fixed VHD: a raw disk with a footer of 512 bytes behind it.
 *
 * As Azure takes them: the disk is a whole number of MiB.  Pure; any thread.
 */
#ifndef LF_IMAGE_VHD_H
#define LF_IMAGE_VHD_H

#include "base/error.h"

#define LF_VHD_FOOTER_SIZE 512u
#define LF_VHD_ID_SIZE	   16u
#define LF_VHD_UNIT	   (UINT64_C(1) << 20)

/* The size of the disk in the file, in bytes: size rounded up; the footer follows it. */
uint64_t lf_vhd_disk_size(uint64_t size);
/*
 * The footer of a disk of disk_size bytes, a multiple of 512.  It depends on
 * the arguments alone: the same disk has the same footer at any time.
 */
void lf_vhd_footer(uint64_t disk_size, const uint8_t id[static LF_VHD_ID_SIZE],
		   uint8_t out[static LF_VHD_FOOTER_SIZE]);

/* Do the last bytes of a file begin as a footer does? */
bool lf_vhd_is_footer(const uint8_t footer[static LF_VHD_FOOTER_SIZE]);
/*
 * Is it the footer of a fixed VHD of a disk of disk_size bytes?
 *   LF_EUNSUPPORTED "InvalidVhd"  a dynamic or differencing VHD, or another version
 *   LF_EINVAL "InvalidVhd"        its checksum is wrong, or its disk has another size
 */
LF_MUST_CHECK int lf_vhd_check_footer(const uint8_t footer[static LF_VHD_FOOTER_SIZE],
				      uint64_t disk_size, const char *target, struct lf_error *err);

#endif
