/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/text.h"
#include "disk_conformance.h"
#include "fake_disk.h"
#include "os/process.h"

#define PAGE LF_DISK_ALIGN

static void image_path(void **state, char path[static 256])
{
	snprintf(path, 256, "%s/disk.img", (char *)*state);
}

/* size bytes, of which pages 10 and 11 are data. */
static struct lf_disk *make_image(void **state, off_t size)
{
	struct lf_disk *disk = NULL;
	char path[256], page[PAGE];
	struct lf_error err;

	image_path(state, path);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, size), 0);
	for (int i = 10; i < 12; i++) {
		memset(page, 'a' + i, PAGE);
		assert_int_equal(pwrite(fd, page, PAGE, (off_t)i * PAGE), PAGE);
	}
	close(fd);
	assert_lf_ok(lf_disk_open(path, &disk, &err));
	return disk;
}

static void test_disk__reads_zeroes_past_the_end(void **state)
{
	struct lf_disk *disk = make_image(state, 12 * PAGE);
	uint8_t *data = aligned_alloc(PAGE, 4 * PAGE);
	struct lf_error err;

	memset(data, 7, 4 * PAGE);
	assert_lf_ok(lf_disk_read(disk, data, 4 * PAGE, 10 * PAGE, &err));
	assert_int_equal(data[0], 'a' + 10);
	assert_int_equal(data[2 * PAGE - 1], 'a' + 11);
	for (size_t i = 2 * PAGE; i < 4 * PAGE; i++)
		assert_int_equal(data[i], 0);
	memset(data, 7, PAGE);
	assert_lf_ok(lf_disk_read(disk, data, PAGE, 1000 * PAGE, &err));
	assert_int_equal(data[0] | data[PAGE - 1], 0);
	free(data);
	lf_disk_close(disk);
}

static void test_disk__of_an_odd_size_ends_with_zeroes(void **state)
{
	struct lf_disk *disk = make_image(state, 0);
	char path[256];
	uint8_t *data = aligned_alloc(PAGE, PAGE);
	uint64_t size = 0;
	struct lf_error err;

	image_path(state, path);
	assert_int_equal(truncate(path, 11 * PAGE + 100), 0);
	assert_lf_ok(lf_disk_size(disk, &size, &err));
	assert_int_equal(size, 11 * PAGE + 100);
	assert_lf_ok(lf_disk_read(disk, data, PAGE, 11 * PAGE, &err));
	assert_int_equal(data[99], 'a' + 11);
	assert_int_equal(data[100] | data[PAGE - 1], 0);
	free(data);
	lf_disk_close(disk);
}

static void test_disk__tells_its_size_as_it_is_now(void **state)
{
	struct lf_disk *disk = make_image(state, 20 * PAGE);
	char path[256];
	uint64_t size = 0;
	struct lf_error err;

	image_path(state, path);
	assert_lf_ok(lf_disk_size(disk, &size, &err));
	assert_int_equal(size, 20 * PAGE);
	assert_int_equal(truncate(path, 50 * PAGE), 0);
	assert_lf_ok(lf_disk_size(disk, &size, &err));
	assert_int_equal(size, 50 * PAGE);
	lf_disk_close(disk);
}

static void test_disk__finds_data_behind_holes(void **state)
{
	struct lf_disk *disk = make_image(state, 4000 * PAGE);
	uint64_t from = 0, to = 0;
	struct lf_error err;

	assert_lf_ok(lf_disk_next_data(disk, 0, &from, &to, &err));
	assert_true(from <= 10 * PAGE && to > 11 * PAGE);
	assert_lf_ok(lf_disk_next_data(disk, 11 * PAGE, &from, &to, &err));
	assert_int_equal(from, 11 * PAGE);
	/* file systems may keep blocks larger than a page, not a thousand pages */
	assert_lf_ok(lf_disk_next_data(disk, 2000 * PAGE, &from, &to, &err));
	assert_int_equal(from, 4000 * PAGE);
	lf_disk_close(disk);
}

/* Of the image that make_image() makes; free(). */
static uint8_t *image_bytes(uint64_t size)
{
	uint8_t *bytes = calloc(1, size);

	for (int i = 10; i < 12; i++)
		memset(bytes + (size_t)i * PAGE, 'a' + i, PAGE);
	return bytes;
}

static void test_disk__a_file_conforms(void **state)
{
	static const uint64_t sizes[] = {12 * PAGE, 300 * PAGE, 300 * PAGE + 512, 300 * PAGE + 1};

	for (size_t i = 0; i < LF_N(sizes); i++) {
		struct lf_disk *disk = make_image(state, (off_t)sizes[i]);
		LF_AUTO_FREE uint8_t *bytes = image_bytes(sizes[i]);
		conform_disk(disk, bytes, sizes[i], false, NULL);
		lf_disk_close(disk);
	}
}

/* Where this machine lets us make one: root, and a loop device. */
static void test_disk__a_block_device_conforms(void **state)
{
	const uint64_t size = 300 * PAGE;
	LF_AUTO_FREE uint8_t *bytes = image_bytes(size);
	LF_AUTO_BUF name = LF_BUF_INIT;
	struct lf_disk *disk = NULL;
	char path[256];
	struct lf_error err;

	lf_disk_close(make_image(state, (off_t)size));
	image_path(state, path);
	const char *const attach[] = {"losetup", "--find", "--show", "--sector-size",
				      "4096",	 path,	   NULL};
	if (geteuid() != 0 || lf_process_run(attach, 10 * LF_NS_PER_S, &name, &err))
		skip();
	char *device = lf_buf_take(&name);
	device[strcspn(device, "\n")] = '\0';
	int rc = lf_disk_open(device, &disk, &err);
	if (!rc) {
		assert_int_equal(lf_disk_sector(disk), 4096);
		conform_disk(disk, bytes, size, true, NULL);
	}
	lf_disk_close(disk);
	const char *const detach[] = {"losetup", "--detach", device, NULL};
	assert_lf_ok(lf_process_run(detach, 10 * LF_NS_PER_S, NULL, &err));
	free(device);
	assert_int_equal(rc, 0);
}

static void test_disk__a_fake_conforms(void **state)
{
	struct fake_disk fake;

	(void)state;
	fake_disk_init(&fake, 100 * PAGE + 77);
	memset(fake.bytes + 5 * PAGE, 'x', 3 * PAGE);
	memset(fake.bytes + 100 * PAGE, 'y', 77);
	memset(fake.marked + 7 * PAGE, 1, PAGE);
	conform_disk(&fake.disk, fake.bytes, 100 * PAGE + 77, false, fake.marked);
	fake_disk_done(&fake);
}

static void test_disk__that_knows_nothing_is_all_data(void **state)
{
	struct fake_disk fake;
	uint64_t from = 0, to = 0;
	struct lf_error err;

	(void)state;
	fake_disk_init(&fake, 100 * PAGE);
	fake.disk.next_data = fake.disk.next_dirty = NULL;
	conform_disk(&fake.disk, fake.bytes, 100 * PAGE, false, NULL);
	assert_lf_ok(lf_disk_next_data(&fake.disk, 3 * PAGE, &from, &to, &err));
	assert_int_equal(from, 3 * PAGE);
	assert_int_equal(to, 100 * PAGE);
	fake_disk_done(&fake);
}

static void test_disk__says_what_cannot_be_opened_or_read(void **state)
{
	struct lf_disk *disk = NULL;
	uint8_t data[PAGE];
	char path[256];
	struct lf_error err;

	snprintf(path, sizeof(path), "%s/none", (char *)*state);
	assert_int_equal(lf_disk_open(path, &disk, &err), LF_ENOTFOUND);
	assert_int_equal(lf_disk_open(*state, &disk, &err), LF_EINVAL); /* a directory */
	snprintf(path, sizeof(path), "%s/fifo", (char *)*state);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(lf_disk_open(path, &disk, &err), LF_EINVAL);
	assert_null(disk);
	disk = make_image(state, 20 * PAGE);
	lf_fault_set("disk-read=eio");
	assert_int_equal(lf_disk_read(disk, data, PAGE, 10 * PAGE, &err), LF_EIO);
	lf_fault_set(NULL);
	assert_non_null(strstr(err.message, "40960"));
	lf_disk_close(disk);
	lf_disk_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_disk__reads_zeroes_past_the_end),
		TEST(test_disk__of_an_odd_size_ends_with_zeroes),
		TEST(test_disk__tells_its_size_as_it_is_now),
		TEST(test_disk__finds_data_behind_holes),
		TEST(test_disk__a_file_conforms),
		TEST(test_disk__a_block_device_conforms),
		TEST(test_disk__a_fake_conforms),
		TEST(test_disk__that_knows_nothing_is_all_data),
		TEST(test_disk__says_what_cannot_be_opened_or_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
