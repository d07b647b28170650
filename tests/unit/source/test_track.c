/* SPDX-License-Identifier: Apache-2.0 */
/* Tracks a real loop device; skipped without the rights, or on a kernel without what it takes. */
#include "test.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <linux/fs.h>

#include "base/text.h"
#include "os/file.h"
#include "os/process.h"
#include "source/track.h"

#define DISK_BYTES (UINT64_C(256) << 20)

static struct lf_error err;

struct fixture {
	char dir[64], image[96], device[64];
	struct lf_track *track;
	uint64_t *bits;
	int fd;
};

/* The script's $1 and $2 are a and b. */
static int shell(const char *script, const char *a, const char *b)
{
	const char *const argv[] = {"sh", "-ec", script, "sh", a, b, NULL};

	return lf_process_run(argv, 60 * LF_NS_PER_S, NULL, &err);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	LF_AUTO_BUF name = LF_BUF_INIT;

	strcpy(f->dir, "/tmp/landfall-test-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->fd = -1;
	*state = f;
	snprintf(f->image, sizeof(f->image), "%s/disk", f->dir);
	LF_AUTO_FREE char *list = lf_printf_dup("%s/device", f->dir);
	if (shell("truncate -s 256M $1; losetup -f --show $1 >$2", f->image, list) ||
	    lf_file_read(list, sizeof(f->device) - 1, &name, &err))
		return 0;
	snprintf(f->device, sizeof(f->device), "%.*s", (int)strcspn(name.data, "\n"), name.data);
	return 0;
}

/* Begins to track; skips where that cannot be. */
static void begin(struct fixture *f, const char *device)
{
	if (!f->device[0])
		skip();
	int rc = lf_track_open(device, &f->track, &err);
	if (rc == LF_EUNSUPPORTED) {
		print_message("%s\n", err.message);
		skip();
	}
	assert_lf_ok(rc);
	f->bits = calloc(lf_track_words(f->track), sizeof(uint64_t));
	assert_non_null(f->bits);
	f->fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
	assert_true(f->fd >= 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->fd >= 0)
		close(f->fd);
	lf_track_close(f->track);
	free(f->bits);
	if (f->device[0] && shell("losetup -d $1; rm -rf $2", f->device, f->dir))
		return -1;
	free(f);
	return 0;
}

static void swap(int *a, int *b)
{
	int c = *a;

	*a = *b;
	*b = c;
}

static void put(const struct fixture *f, uint64_t offset, size_t len)
{
	void *data = aligned_alloc(4096, (len + 4095) / 4096 * 4096);

	assert_non_null(data);
	memset(data, 0x5a, len);
	assert_int_equal(pwrite(f->fd, data, len, (off_t)offset), len);
	free(data);
}

/* Which pages were taken, as "3-5 9"; forgets them. */
static char *taken(struct fixture *f)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	uint64_t pages = lf_track_pages(f->track);

	lf_track_take(f->track, f->bits);
	for (uint64_t p = 0, from = UINT64_MAX; p <= pages; p++) {
		bool set = p < pages && f->bits[p / 64] >> p % 64 & 1;
		if (set && from == UINT64_MAX)
			from = p;
		if (set || from == UINT64_MAX)
			continue;
		lf_buf_printf(&text, p - 1 > from ? "%s%llu-%llu" : "%s%llu", text.len ? " " : "",
			      (unsigned long long)from, (unsigned long long)p - 1);
		from = UINT64_MAX;
	}
	memset(f->bits, 0, lf_track_words(f->track) * sizeof(uint64_t));
	return text.len ? lf_buf_take(&text) : strdup("");
}

static void assert_taken(struct fixture *f, const char *expected)
{
	LF_AUTO_FREE char *got = taken(f);

	assert_string_equal(got, expected);
}

static void test_track__marks_what_is_written_once(void **state)
{
	struct fixture *f = *state;

	begin(f, f->device);
	assert_int_equal(lf_track_pages(f->track), DISK_BYTES / 4096);
	assert_taken(f, "");
	put(f, 3 * 4096, 4096);
	put(f, 4096 * 65535, 4096);
	put(f, 62 * 4096, 5 * 4096);
	assert_taken(f, "3 62-66 65535");
	assert_taken(f, "");
	put(f, 512, 512);
	put(f, 8192 - 512, 1024);
	assert_taken(f, "0-2");
}

static void test_track__marks_zeroes_and_discards(void **state)
{
	struct fixture *f = *state;
	uint64_t range[2] = {UINT64_C(1) << 20, UINT64_C(32) << 20};

	begin(f, f->device);
	assert_int_equal(ioctl(f->fd, BLKDISCARD, range), 0);
	assert_taken(f, "256-8447");
	range[0] = UINT64_C(64) << 20;
	range[1] = UINT64_C(192) << 20; /* to the end */
	assert_int_equal(ioctl(f->fd, BLKZEROOUT, range), 0);
	assert_taken(f, "16384-65535");
}

static void test_track__reads_leave_no_mark(void **state)
{
	struct fixture *f = *state;
	begin(f, f->device);
	void *page = aligned_alloc(4096, 4096);
	for (int i = 0; i < 100; i++)
		assert_int_equal(pread(f->fd, page, 4096, i * 4096), 4096);
	free(page);
	assert_taken(f, "");
}

static void test_track__of_a_partition_counts_from_its_beginning(void **state)
{
	struct fixture *f = *state;
	char part[80];

	if (!f->device[0])
		skip();
	assert_lf_ok(shell("delpart $1 1 2>/dev/null || true; addpart $1 1 2048 4096; "
			   "udevadm settle 2>/dev/null || true; test -b $2p1",
			   f->device, f->device));
	snprintf(part, sizeof(part), "%sp1", f->device);
	begin(f, part);
	assert_int_equal(lf_track_pages(f->track), 512);
	int whole = open(f->device, O_RDWR | O_DIRECT | O_CLOEXEC);
	put(f, 4096, 4096);
	/* the same place through the whole disk, and places around the partition */
	swap(&f->fd, &whole);
	put(f, (1 << 20) + 8192, 4096);
	put(f, (1 << 20) - 4096, 8192);
	put(f, (3 << 20) - 4096, 8192);
	put(f, 0, 4096);
	assert_taken(f, "0-2 511");
	swap(&f->fd, &whole);
	close(whole);
	close(f->fd);
	f->fd = -1;
	lf_track_close(f->track);
	f->track = NULL;
	assert_lf_ok(shell("delpart $1 1$2", f->device, ""));
}

/* Every page that differs after a file system was worked on is marked. */
static void test_track__covers_what_a_file_system_writes(void **state)
{
	struct fixture *f = *state;

	begin(f, f->device);
	assert_lf_ok(shell("cp --sparse=always $1 $2.before", f->image, f->image));
	assert_lf_ok(shell("mkfs.ext4 -q $1; mkdir $2.m; ", f->device, f->image));
	assert_lf_ok(shell("mount $1 $2.m", f->device, f->image));
	assert_lf_ok(
		shell("cd $1.m; for i in 1 2 3 4 5 6 7 8; do head -c ${i}00K /dev/urandom >f$i; "
		      "done; sync; rm f3 f5; fallocate -p -o 40960 -l 81920 f8; "
		      "dd if=/dev/zero of=f7 bs=4k seek=9 count=3 conv=notrunc status=none$2",
		      f->image, ""));
	assert_lf_ok(shell("umount $1.m; sync $2", f->image, f->device));
	lf_track_take(f->track, f->bits);
	LF_AUTO_FREE char *before = lf_printf_dup("%s.before", f->image);
	int old = open(before, O_RDONLY | O_CLOEXEC), missed = 0, differ = 0;
	char a[4096];
	void *b = aligned_alloc(4096, 4096);
	for (uint64_t p = 0; p < lf_track_pages(f->track); p++) {
		assert_int_equal(pread(old, a, 4096, (off_t)(p * 4096)), 4096);
		assert_int_equal(pread(f->fd, b, 4096, (off_t)(p * 4096)), 4096);
		bool marked = f->bits[p / 64] >> p % 64 & 1;
		differ += memcmp(a, b, 4096) != 0;
		missed += memcmp(a, b, 4096) != 0 && !marked;
	}
	close(old);
	free(b);
	assert_true(differ > 500);
	assert_int_equal(missed, 0);
}

static void test_track__of_a_file_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(lf_track_open(f->image, &f->track, &err), LF_EUNSUPPORTED);
	assert_int_equal(lf_track_open("/does/not/exist", &f->track, &err), LF_ENOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_track__marks_what_is_written_once),
		TEST(test_track__marks_zeroes_and_discards),
		TEST(test_track__reads_leave_no_mark),
		TEST(test_track__of_a_partition_counts_from_its_beginning),
		TEST(test_track__covers_what_a_file_system_writes),
		TEST(test_track__of_a_file_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
