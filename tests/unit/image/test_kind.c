/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <endian.h>

#include "image/kind.h"
#include "image/vhd.h"

#define DISK (UINT64_C(4) << 20)

static const uint8_t id[LF_VHD_ID_SIZE] = "an id of a disk";

static int check(const uint8_t *head, const uint8_t *tail, uint64_t size, uint64_t *ret_bytes,
		 struct lf_error *err)
{
	*err = LF_ERROR_NONE;
	*ret_bytes = 0;
	return lf_image_check(head, tail, size, "file", ret_bytes, err);
}

/* The sum made right again, as whoever forges a footer would. */
static void sign(uint8_t footer[static LF_VHD_FOOTER_SIZE])
{
	uint32_t sum = 0;

	memset(footer + 64, 0, 4);
	for (size_t i = 0; i < LF_VHD_FOOTER_SIZE; i++)
		sum += footer[i];
	sum = htobe32(~sum);
	memcpy(footer + 64, &sum, 4);
}

static void test_image__of_another_format_is_refused_by_name(void **state)
{
	static const struct {
		size_t at;
		const char *magic, *name;
	} cases[] = {
		{0, "QFI\xfb", "qcow"},
		{0, "vhdxfile", "VHDX"},
		{0, "KDMV", "VMDK"},
		{0, "# Disk DescriptorFile", "VMDK"},
		{64, "\x7f\x10\xda\xbe", "VDI"},
		{0, "conectix", "dynamic"},
		{0, "\x1f\x8b\x08", "gzip"},
		{0, "\x28\xb5\x2f\xfd", "zstd"},
		{0,
		 "\xfd"
		 "7zXZ",
		 "xz"},
		{257, "ustar", "tar"},
		{0, "PK\3\4", "ZIP"},
		{0, "QED", "QED"},
	};
	uint8_t tail[LF_IMAGE_HEAD] = {0};
	struct lf_error err;
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < LF_N(cases); i++) {
		uint8_t head[LF_IMAGE_HEAD] = {0};
		memcpy(head + cases[i].at, cases[i].magic, strlen(cases[i].magic));
		assert_int_equal(check(head, tail, DISK, &bytes, &err), LF_EUNSUPPORTED);
		assert_string_equal(lf_error_arm(&err), "InvalidVhd");
		assert_non_null(strstr(err.message, cases[i].name));
		assert_true(err.hint[0]);
		assert_int_equal(bytes, 0);
	}
}

static void test_image__that_is_raw_or_a_fixed_vhd_has_its_size(void **state)
{
	uint8_t head[LF_IMAGE_HEAD] = {0xeb, 0x63}, tail[LF_IMAGE_HEAD] = {0};
	struct lf_error err;
	uint64_t bytes;

	(void)state;
	assert_lf_ok(check(head, tail, DISK, &bytes, &err));
	assert_true(bytes == DISK);
	lf_vhd_footer(DISK, id, tail);
	assert_lf_ok(check(head, tail, DISK + 512, &bytes, &err));
	assert_true(bytes == DISK);
	/* the footer says that it is raw, whatever it begins with */
	memcpy(head, "QFI\xfb", 4);
	assert_lf_ok(check(head, tail, DISK + 512, &bytes, &err));
	assert_true(bytes == DISK);
	assert_int_equal(check(head, tail, 0, &bytes, &err), LF_EINVAL);
	assert_int_equal(check(head, tail, DISK + 513, &bytes, &err), LF_EINVAL);
}

static void test_footer__that_is_not_whole_is_refused(void **state)
{
	uint8_t head[LF_IMAGE_HEAD] = {0}, good[LF_IMAGE_HEAD], tail[LF_IMAGE_HEAD];
	struct lf_error err;
	uint64_t bytes;

	(void)state;
	lf_vhd_footer(DISK, id, good);
	for (size_t i = 8; i < sizeof(good); i++) { /* any byte behind the cookie */
		memcpy(tail, good, sizeof(tail));
		tail[i] ^= 0x41;
		assert_int_equal(check(head, tail, DISK + 512, &bytes, &err), LF_EINVAL);
		assert_string_equal(lf_error_arm(&err), "InvalidVhd");
	}
	for (uint8_t type = 0; type < 6; type++) {
		memcpy(tail, good, sizeof(tail));
		tail[63] = type;
		sign(tail);
		assert_int_equal(check(head, tail, DISK + 512, &bytes, &err),
				 type == 2 ? 0 : LF_EUNSUPPORTED);
	}
	lf_vhd_footer(DISK + 512, id, tail); /* a disk of another size: the file was cut */
	assert_int_equal(check(head, tail, DISK + 512, &bytes, &err), LF_EINVAL);
	lf_vhd_footer(DISK, id, tail);
	assert_int_equal(check(head, tail, 2 * DISK, &bytes, &err), LF_EINVAL);
	lf_vhd_footer(0, id, tail);
	assert_int_equal(check(tail, tail, 512, &bytes, &err), LF_EUNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image__of_another_format_is_refused_by_name),
		cmocka_unit_test(test_image__that_is_raw_or_a_fixed_vhd_has_its_size),
		cmocka_unit_test(test_footer__that_is_not_whole_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
