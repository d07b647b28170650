/* SPDX-License-Identifier: Apache-2.0 */
/* A watch of a real loop device; skipped without the rights, or on a kernel that cannot track it.
 */
#include "test.h"

#include "agent/watch.h"
#include "base/text.h"
#include "os/file.h"
#include "os/process.h"

#define DISK_PAGES (UINT64_C(64) << 20 >> 12)
#define DISK_ID	   "11111111-2222-4333-8444-555555555555"
#define POINT_ID   "99999999-2222-4333-8444-555555555555"

struct fixture {
	char dir[64], image[96], device[64];
	struct lf_watches *watches;
};
static struct lf_error err;

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
	if (!mkdtemp(f->dir) || lf_watches_new(&f->watches, &err))
		return -1;
	*state = f;
	snprintf(f->image, sizeof(f->image), "%s/disk", f->dir);
	LF_AUTO_FREE char *list = lf_printf_dup("%s/device", f->dir);
	if (shell("truncate -s 64M $1; losetup -f --show $1 >$2", f->image, list) ||
	    lf_file_read(list, sizeof(f->device) - 1, &name, &err))
		return 0;
	snprintf(f->device, sizeof(f->device), "%.*s", (int)strcspn(name.data, "\n"), name.data);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	lf_watches_free(f->watches);
	if (f->device[0] && shell("losetup -d $1; rm -rf $2", f->device, f->dir))
		return -1;
	free(f);
	return 0;
}

/* The watch of the device, which covers the point; skips where nothing can be tracked. */
static struct lf_watch *watch_point(struct fixture *f)
{
	struct lf_watch *watch =
		f->device[0] ? lf_watches_get(f->watches, DISK_ID, f->device, DISK_PAGES) : NULL;

	if (!watch)
		skip();
	lf_watch_committed(watch, POINT_ID);
	assert_true(lf_watch_covers(watch, POINT_ID));
	return watch;
}

static void test_watch__of_a_disk_that_stayed_goes_on(void **state)
{
	struct fixture *f = *state;
	struct lf_watch *watch = watch_point(f);

	assert_ptr_equal(lf_watches_get(f->watches, DISK_ID, f->device, DISK_PAGES), watch);
	assert_true(lf_watch_covers(watch, POINT_ID));
}

static void test_watch__of_a_disk_that_was_away_begins_anew(void **state)
{
	struct fixture *f = *state;

	watch_point(f);
	assert_lf_ok(shell("losetup -d $1; losetup $1 $2", f->device, f->image));
	struct lf_watch *watch = lf_watches_get(f->watches, DISK_ID, f->device, DISK_PAGES);
	assert_true(!watch || !lf_watch_covers(watch, POINT_ID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_watch__of_a_disk_that_stayed_goes_on, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_watch__of_a_disk_that_was_away_begins_anew,
						setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
