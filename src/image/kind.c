/* SPDX-License-Identifier: Apache-2.0 */
#include "image/kind.h"

#include <string.h>

#include "image/vhd.h"
#include "os/file.h"

#define SECTOR 512u

static const struct {
	const char *name;
	const char *convert; /* what qemu-img calls it; NULL: unpack it */
	size_t at, len;
	const char *magic;
} formats[] = {
	{"a qcow image", "qcow2", 0, 4, "QFI\xfb"},
	{"a VHDX image", "vhdx", 0, 8, "vhdxfile"},
	{"a VMDK image", "vmdk", 0, 4, "KDMV"},
	{"a VMDK image", "vmdk", 0, 4, "COWD"},
	{"the descriptor of a VMDK image", "vmdk", 0, 21, "# Disk DescriptorFile"},
	{"a VDI image", "vdi", 64, 4, "\x7f\x10\xda\xbe"},
	{"a QED image", "qed", 0, 4, "QED"},
	{"a Parallels image", "parallels", 0, 16, "WithoutFreeSpace"},
	{"a Parallels image", "parallels", 0, 16, "WithouFreSpacExt"},
	{"a dynamic or differencing VHD", "vpc", 0, 8, "conectix"},
	{"compressed by gzip", NULL, 0, 3, "\x1f\x8b\x08"},
	{"compressed by xz", NULL, 0, 6,
	 "\xfd"
	 "7zXZ"},
	{"compressed by zstd", NULL, 0, 4, "\x28\xb5\x2f\xfd"},
	{"compressed by bzip2", NULL, 0, 3, "BZh"},
	{"a ZIP archive", NULL, 0, 4, "PK\3\4"},
	{"a 7z archive", NULL, 0, 6, "7z\xbc\xaf\x27\x1c"},
	{"a tar archive (or an OVA)", NULL, 257, 5, "ustar"},
};

static int check_head(const uint8_t *head, const char *target, struct lf_error *err)
{
	char hint[128];

	for (size_t i = 0; i < LF_N(formats); i++) {
		if (memcmp(head + formats[i].at, formats[i].magic, formats[i].len) != 0)
			continue;
		if (formats[i].convert)
			snprintf(hint, sizeof(hint), "convert it: qemu-img convert -f %s -O raw",
				 formats[i].convert);
		else
			snprintf(hint, sizeof(hint), "unpack it first");
		return lf_fail_arm(err, LF_EUNSUPPORTED, "InvalidVhd", target, hint,
				   "this is %s, and a disk is read from a raw image or a fixed VHD",
				   formats[i].name);
	}
	return 0;
}

int lf_image_check(const uint8_t head[static LF_IMAGE_HEAD],
		   const uint8_t tail[static LF_IMAGE_HEAD], uint64_t size, const char *target,
		   uint64_t *ret_bytes, struct lf_error *err)
{
	if (size % SECTOR || !size)
		return lf_fail_arm(err, LF_EINVAL, "InvalidVhd", target,
				   "give a raw disk image or a fixed VHD, uncompressed",
				   "its size is not that of a disk");
	bool footed = size > SECTOR && lf_vhd_is_footer(tail);
	uint64_t bytes = footed ? size - SECTOR : size;
	int rc = footed ? lf_vhd_check_footer(tail, bytes, target, err)
			: check_head(head, target, err);
	if (!rc)
		*ret_bytes = bytes;
	return rc;
}

int lf_image_check_file(int fd, uint64_t size, const char *target, uint64_t *ret_bytes,
			struct lf_error *err)
{
	uint8_t head[LF_IMAGE_HEAD] = {0}, tail[LF_IMAGE_HEAD] = {0};
	size_t len = size < LF_IMAGE_HEAD ? (size_t)size : LF_IMAGE_HEAD;
	int rc = lf_file_pread_all(fd, head, len, 0, target, err);

	if (!rc)
		rc = lf_file_pread_all(fd, tail, len, size - len, target, err);
	return rc ? rc : lf_image_check(head, tail, size, target, ret_bytes, err);
}
