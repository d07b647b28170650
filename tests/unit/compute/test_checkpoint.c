/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bitmaps in a disk's file, made by the tools that a host has.
 */
#include "test.h"

#include <endian.h>

#include "base/text.h"
#include "compute/libvirt/checkpoint.h"
#include "os/file.h"
#include "os/process.h"

#define LIMIT_NS   (60 * LF_NS_PER_S)
#define EXTENSION  0x23852875u /* of a qcow2 header: its bitmaps */
#define EXTENSIONS 112u	       /* where the extensions of such a small one begin */

static struct lf_error err;

static void run(const char *command)
{
	const char *const argv[] = {"sh", "-c", command, NULL};

	assert_lf_ok(lf_process_run(argv, LIMIT_NS, NULL, &err));
}

/* A disk with bitmaps of two checkpoints of ours, and somebody else's. */
static char *make_image(const char *dir)
{
	char *image = lf_printf_dup("%s/disk.qcow2", dir);
	LF_AUTO_FREE char *command = lf_printf_dup(
		"qemu-img create -q -f qcow2 %s 8M && qemu-io -c 'write -P 7 1M 64k' %s && "
		"for b in landfall-a landfall-b other; do qemu-img bitmap --add %s $b; done",
		image, image, image);

	run(command);
	return image;
}

/* As a QEMU that was killed leaves them: in use, which is why nothing else uses them. */
static void break_bitmaps(const char *image)
{
	LF_AUTO_BUF bytes = LF_BUF_INIT;
	size_t at = EXTENSIONS;
	uint32_t type = 0, n = 0, flags;
	uint64_t directory;

	assert_lf_ok(lf_file_read(image, 64 << 20, &bytes, &err));
	uint8_t *data = (uint8_t *)bytes.data;
	for (;; at += 8 + ((size_t)be32toh(n) + 7) / 8 * 8) {
		memcpy(&type, data + at, 4);
		memcpy(&n, data + at + 4, 4);
		if (be32toh(type) == EXTENSION)
			break;
		assert_int_not_equal(type, 0);
	}
	memcpy(&directory, data + at + 8 + 16, 8);
	memcpy(&flags, data + be64toh(directory) + 12, 4);
	flags |= htobe32(1); /* of the first */
	memcpy(data + be64toh(directory) + 12, &flags, 4);
	assert_lf_ok(lf_file_write_durable(image, bytes.data, bytes.len, 0600, &err));
}

static void check_bitmaps(const char *image, const char *names)
{
	LF_AUTO_FREE char *command = lf_printf_dup(
		"test \"$(qemu-img info %s | sed -n 's/^ *name: //p' | tr '\\n' ' ')\" = '%s' && "
		"qemu-img check -q %s && qemu-io -r -c 'read -P 7 1M 64k' %s",
		image, names, image, image);

	run(command);
}

static void test_bitmaps__that_no_checkpoint_has_go_from_the_file(void **state)
{
	LF_AUTO_FREE char *image = NULL;
	LF_AUTO_JSON *keep = json_pack("[s]", "landfall-b");

	if (system("command -v qemu-img qemu-io >/dev/null"))
		skip();
	image = make_image(*state);
	break_bitmaps(image);
	assert_lf_ok(lf_checkpoint_clean_image(image, keep, &err));
	check_bitmaps(image, "landfall-b other ");
	assert_lf_ok(lf_checkpoint_clean_image(image, keep, &err));
	json_array_clear(keep);
	assert_lf_ok(lf_checkpoint_clean_image(image, keep, &err));
	check_bitmaps(image, "other ");
}

static void test_bitmaps__of_a_file_that_is_no_image_are_an_error(void **state)
{
	LF_AUTO_FREE char *image = lf_printf_dup("%s/none.qcow2", (const char *)*state);

	assert_int_not_equal(lf_checkpoint_clean_image(image, NULL, &err), 0);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, test_dir_setup, test_dir_teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(test_bitmaps__that_no_checkpoint_has_go_from_the_file),
		IN_DIR(test_bitmaps__of_a_file_that_is_no_image_are_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
