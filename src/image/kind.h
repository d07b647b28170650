/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image/kind.h - is a file the bytes of a disk, or an image in a format that holds them otherwise?
 *
 * Here disks are read as raw bytes, with or without the footer of a fixed VHD
 * behind them.  A file of another format read so would be a disk that boots
 * nothing, and a success that was none: it is refused by its format's name.
 * What has a whole footer of a fixed VHD is raw whatever it begins with.
 * Any thread.
 */
#ifndef LF_IMAGE_KIND_H
#define LF_IMAGE_KIND_H

#include "base/error.h"

#define LF_IMAGE_HEAD 512u /* bytes that tell a format, at either end */

/*
 * head: the first LF_IMAGE_HEAD bytes of a file of size bytes, tail: the last;
 * both NUL-filled behind what there is of them.  *ret_bytes: the disk's size.
 *   LF_EUNSUPPORTED "InvalidVhd"  another format (which one, and how to convert it, as the hint), a
 *                                 dynamic or differencing VHD
 *   LF_EINVAL "InvalidVhd"        a footer that is damaged or says another size; no whole sectors
 */
LF_MUST_CHECK int lf_image_check(const uint8_t head[static LF_IMAGE_HEAD],
				 const uint8_t tail[static LF_IMAGE_HEAD], uint64_t size,
				 const char *target, uint64_t *ret_bytes, struct lf_error *err);
/* The same of an open file; LF_EIO, too. */
LF_MUST_CHECK int lf_image_check_file(int fd, uint64_t size, const char *target,
				      uint64_t *ret_bytes, struct lf_error *err);

#endif
