/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole sessions against a site in memory: what the site has after a commit is what the disks
 * held, whatever was lost on the way, and whatever the disks did meanwhile.
 */
#include "memory_site.h"
#include "played_disks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "agent/transfer.h"
#include "base/fault.h"
#include "base/names.h"
#include "base/text.h"

#define FIRST	"11111111-1111-1111-1111-111111111111"
#define SECOND	"22222222-2222-2222-2222-222222222222"
#define PAGES_2 40u

static struct lf_error err;
static atomic_bool stopping;

struct fixture {
	char *dir, *first, *second;
	struct lf_domain_key key;
	struct memory_site site;
	struct lf_watches *watches;
	struct lf_progress progress;
	json_t *machine;
	bool app;
	bool alone; /* the first disk is protected, no other */
	const char *group;
};

static void write_pages(const char *path, uint64_t page, uint64_t pages, uint64_t seed)
{
	LF_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
	uint64_t words[512];
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	assert_true(fd >= 0);
	for (uint64_t i = 0; i < pages; i++) {
		for (size_t w = 0; w < LF_N(words); w++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			/* an eighth of it compresses */
			words[w] = !seed ? 0 : w % 8 ? x : seed;
		}
		assert_lf_ok(lf_file_pwrite_all(fd, words, sizeof(words), (page + i) * 4096, path,
						&err));
		if (tracker.on && strstr(path, "first.raw"))
			tracker.bits[(page + i) / 64] |= UINT64_C(1) << (page + i) % 64;
	}
}

static char *make_disk(const char *dir, const char *name, uint64_t bytes)
{
	char *path = lf_printf_dup("%s/%s", dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
	return path;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir = NULL;

	if (!f || test_memory_dir_setup(&dir))
		return -1;
	memset(&tracker, 0, sizeof(tracker));
	broken.pages = 0;
	writer = NULL;
	tracker.pages = PAGES;
	stopping = false;
	f->dir = dir;
	f->first = make_disk(f->dir, "first.raw", PAGES * 4096);
	f->second = make_disk(f->dir, "second.raw", PAGES_2 * 4096 - 512); /* ends within a page */
	write_pages(f->first, 3, 200, 1);
	write_pages(f->first, 100, 4, 0); /* zeroes in the midst of data */
	write_pages(f->first, 1500, 900, 2);
	write_pages(f->first, 2999, 1, 3);
	write_pages(f->second, 0, 10, 1); /* as the first has it */
	memset(f->key.id_key, 7, 32);
	memset(f->key.data_key, 9, 32);
	f->key.epoch = 1;
	memory_site_init(&f->site, &f->key);
	f->progress =
		(struct lf_progress){.mutex = PTHREAD_MUTEX_INITIALIZER, .status = json_array()};
	f->machine = json_pack("{s:[{s:s,s:s,s:s,s:b},{s:s,s:s,s:s,s:i}]}", "disks", "id", FIRST,
			       "path", f->first, "name", "os", "os", 1, "id", SECOND, "path",
			       f->second, "name", "data", "lun", 1);
	assert_lf_ok(lf_watches_new(&f->watches, &err));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	lf_watches_free(f->watches);
	memory_site_done(&f->site);
	LF_ALONE(lf_progress_lock);
	json_decref(f->progress.status);
	json_decref(f->machine);
	free(f->first);
	free(f->second);
	free(f);
	return test_dir_teardown(&dir);
}

static int run_session(struct fixture *f)
{
	char id[65], data[65];

	lf_hex_encode(f->key.id_key, 32, id);
	lf_hex_encode(f->key.data_key, 32, data);
	LF_AUTO_JSON *assignment =
		json_pack("{s:s,s:s?,s:[{s:s},{s:s,s:b}],s:s,s:s,s:b,s:{s:s,s:s,s:i}}", "itemId",
			  "item", "group", f->group, "disks", "id", FIRST, "id", SECOND, "included",
			  !f->alone, "basePointId", f->site.base, "packPath", "/account/packs/",
			  "app", f->app, "key", "id", id, "data", data, "epoch", 1);
	const struct lf_transfer_opts opts = {.site = &f->site.site,
					      .machine = f->machine,
					      .assignment = assignment,
					      .state_dir = f->dir,
					      .watches = f->watches,
					      .progress = &f->progress,
					      .stopping = &stopping};

	assert_non_null(assignment);
	return lf_transfer_run(&opts, &err);
}

/* The newest point is what the disk holds now. */
static void check_disk(const struct fixture *f, size_t i, const char *path)
{
	const struct memory_point_disk *d = &f->site.disks[i];
	uint8_t page[LF_PAGE_SIZE];
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	for (uint64_t p = 0; p < d->pages; p++) {
		memset(page, 0, sizeof(page));
		assert_true(pread(fd, page, sizeof(page), (off_t)(p * sizeof(page))) >= 0);
		if (memcmp(page, d->image + p * sizeof(page), sizeof(page)) != 0)
			fail_msg("page %llu of %s differs", (unsigned long long)p, path);
	}
}

static void check_point(const struct fixture *f)
{
	check_disk(f, 0, f->first);
	check_disk(f, 1, f->second);
}

/* Some more of a machine's life: writes, zeroes, a hole. */
static void live_on(struct fixture *f, uint64_t seed)
{
	LF_AUTO_FD fd = open(f->first, O_WRONLY | O_CLOEXEC);

	write_pages(f->first, 5, 1, seed + 100);
	write_pages(f->first, 90, 20, seed + 101);
	write_pages(f->first, 1023, 3, seed + 102); /* across windows */
	write_pages(f->first, 2000, 2, 0);
	write_pages(f->second, 3 + seed % 20, 2, seed + 103);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1600 * 4096,
				   (off_t)((seed % 7 + 1) * 4096)),
			 0);
	for (uint64_t page = 1600; page < 1601 + seed % 7; page++)
		tracker.bits[page / 64] |= UINT64_C(1) << page % 64;
}

static void test_transfer__first_point_is_what_the_disks_hold(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.deltas, 0);
	assert_int_equal(f->site.commits, 1);
	check_point(f);
}

static void test_transfer__next_point_sends_only_what_changed(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(run_session(f));
	size_t asked = f->site.sink.asked;
	live_on(f, 1);
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.deltas, 1);
	assert_true(f->site.sink.asked - asked < 30);
	check_point(f);
	asked = f->site.sink.asked;
	assert_lf_ok(run_session(f)); /* nothing */
	assert_int_equal(f->site.sink.asked, asked);
	assert_int_equal(f->site.deltas, 2);
	check_point(f);
}

/* The others of the group come after two questions, or do not come. */
static void test_transfer__of_a_group_waits_for_the_others_and_says_that_it_held(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(run_session(f));
	f->group = "33333333-3333-3333-3333-333333333333";
	f->site.others_come = 3;
	live_on(f, 1);
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.asked_ready, 3);
	assert_int_equal(f->site.asked_held, 3);
	assert_true(f->site.said_together);
	check_point(f);
	/* alone again */
	f->group = NULL;
	assert_lf_ok(run_session(f));
	assert_false(f->site.said_together);
	assert_int_equal(f->site.asked_held, 3);
}

static void test_transfer__whose_group_is_lost_makes_its_point_alone(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(run_session(f));
	f->group = "33333333-3333-3333-3333-333333333333";
	f->site.lost = true;
	live_on(f, 1);
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.commits, 2);
	assert_int_equal(f->site.asked_held, 0);
	assert_false(f->site.said_together);
	check_point(f);
}

/* Of a disk alone, whose last pack nothing sends on its way but the end. */
static void test_transfer__a_commit_says_all_that_was_sent(void **state)
{
	struct fixture *f = *state;

	f->alone = true;
	assert_lf_ok(run_session(f));
	assert_true(f->site.said_sent > 0);
	live_on(f, 1);
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.deltas, 1);
	assert_true(f->site.said_sent > 0);
	check_disk(f, 0, f->first);
}

static void test_transfer__a_full_pass_dies_anywhere_and_goes_on(void **state)
{
	struct fixture *f = *state;
	size_t resumed = 0;

	for (size_t at = 1, rc = 1; rc; at++) {
		void *again = NULL;
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(&again), 0);
		*state = f = again;
		tracker.on = at % 2;
		f->site.sink.fault_at = at;
		f->site.sink.fault = at % 3;
		rc = run_session(f) != 0;
		size_t calls = f->site.sink.calls;
		assert_true(rc || calls < at);
		f->site.sink.fault_at = 0;
		live_on(f, at);
		assert_lf_ok(run_session(f));
		check_point(f);
		resumed += f->site.resumed;
		assert_true(at < 100);
	}
	assert_true(resumed > 0);
}

/* Of a disk that takes several packs: what was acknowledged is not sent again. */
static void test_transfer__a_full_pass_goes_on_where_it_was_acknowledged(void **state)
{
	const uint64_t pages = 12000;
	struct fixture *f = *state;
	size_t midway = 0;

	assert_int_equal(truncate(f->first, (off_t)(pages * 4096)), 0);
	write_pages(f->first, 4096, 7904, 9);
	for (size_t at = 12; at < 21; at += 2) {
		f->site.base[0] = f->site.session[0] = '\0';
		f->site.sink.calls = 0;
		f->site.sink.fault_at = at;
		f->site.sink.fault = at / 2 % 3;
		int rc = run_session(f);
		uint64_t had = memory_site_upto(&f->site, FIRST);
		midway += rc && had > 4096 && had < pages;
		f->site.sink.fault_at = 0;
		live_on(f, at);
		assert_lf_ok(run_session(f));
		check_point(f);
		/* for the next turn the site knows nothing of it */
		memory_sink_done(&f->site.sink);
		memory_sink_init(&f->site.sink, &f->key);
	}
	assert_true(midway > 0);
}

static void test_transfer__a_delta_dies_anywhere_and_the_next_has_it_all(void **state)
{
	struct fixture *f = *state;

	for (size_t at = 1, rc = 1; rc; at++) {
		void *again = NULL;
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(&again), 0);
		*state = f = again;
		tracker.on = at % 2;
		assert_lf_ok(run_session(f));
		live_on(f, at);
		f->site.sink.calls = 0;
		f->site.sink.fault_at = at;
		f->site.sink.fault = at % 3;
		rc = run_session(f) != 0;
		f->site.sink.fault_at = 0;
		live_on(f, at + 50);
		assert_lf_ok(run_session(f));
		assert_int_equal(f->site.deltas, f->site.sessions - 1);
		check_point(f);
		assert_true(at < 100);
	}
}

static void test_transfer__packs_that_overtake_change_nothing(void **state)
{
	struct fixture *f = *state;

	f->site.sink.reorder = true;
	assert_lf_ok(run_session(f));
	check_point(f);
}

static void test_transfer__reads_what_was_written_once_it_is_watched(void **state)
{
	struct fixture *f = *state;

	tracker.on = true;
	assert_lf_ok(run_session(f));
	for (uint64_t i = 0; i < 5; i++) {
		live_on(f, i);
		assert_lf_ok(run_session(f));
		check_point(f);
	}
	assert_int_equal(f->site.deltas, 5);
	/* what is not marked is not looked at: it was not read */
	LF_AUTO_FD fd = open(f->first, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "unseen", 6, 700 * 4096), 6);
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.disks[0].image[700 * 4096], 0);
}

/* The machine's only script for applications is this. */
static void script_in(const struct fixture *f, const char *text)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/app.d", f->dir);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/script", dir);

	mkdir(dir, 0700);
	assert_lf_ok(lf_file_write_durable(path, text, strlen(text), 0700, &err));
	json_object_set_new(f->machine, "appScripts", json_string(dir));
}

/* Whoever writes to a device was not seen to stand still when the others did. */
static void test_transfer__that_does_not_hold_everything_is_of_no_group(void **state)
{
	struct fixture *f = *state;

	script_in(f, "#!/bin/sh\n");
	f->app = true;
	assert_lf_ok(run_session(f));
	f->group = "33333333-3333-3333-3333-333333333333";
	f->site.others_come = 3;
	for (int i = 0; i < 2; i++) {
		writer = i ? "/dev/vdb by postgres" : NULL;
		assert_lf_ok(run_session(f));
		assert_true(f->site.said_together == !writer);
		assert_int_equal(f->site.said_unheld, writer ? 256 : 0);
		assert_string_equal(f->site.consistency,
				    writer ? "Inconsistent" : "ApplicationConsistent");
	}
}

/* The round under the freeze holds what it finds in memory until the thaw. */
static void test_transfer__what_changed_under_a_freeze_is_in_the_point(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *text = lf_printf_dup(
		"#!/bin/sh\n"
		"[ $1 = freeze ] || exit 0\n"
		"yes frozen | dd of=%s bs=4096 seek=700 count=300 conv=notrunc iflag=fullblock\n"
		"yes cold | dd of=%s bs=4096 seek=5 count=3 conv=notrunc iflag=fullblock\n",
		f->first, f->second);

	f->app = true;
	script_in(f, text);
	assert_lf_ok(run_session(f));
	assert_memory_equal(f->site.disks[0].image + 700 * 4096, "frozen\n", 7);
	assert_memory_equal(f->site.disks[1].image + 5 * 4096, "cold\n", 5);
	check_point(f);
	live_on(f, 3);
	assert_lf_ok(run_session(f));
	check_point(f);
}

/* However many: a site takes so many extents at once, and no more. */
static void test_transfer__holes_under_a_freeze_come_a_window_at_a_time(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *other = make_disk(f->dir, "other.raw", PAGES * 4096);
	LF_AUTO_FREE char *text = lf_printf_dup("#!/bin/sh\n"
						"[ $1 = freeze ] || exit 0\n"
						"dd if=%s of=%s bs=1M conv=notrunc\n",
						other, f->first);

	write_pages(f->first, 0, PAGES, 7);
	write_pages(other, 0, PAGES, 7);
	for (uint64_t page = 0; page < PAGES; page += 2)
		write_pages(other, page, 1, 0);
	f->app = true;
	script_in(f, text);
	assert_lf_ok(run_session(f));
	assert_in_range(f->site.sink.runs_max, 1, LF_WINDOW_PAGES);
	check_point(f);
}

/* In the point is what was there before the freeze, and not what is done when it is over. */
static void test_transfer__an_application_is_held_through_the_instant_alone(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *text = lf_printf_dup(
		"#!/bin/sh\necho $1 | dd of=%s bs=4096 seek=700 conv=notrunc,sync\n", f->first);

	f->app = true;
	script_in(f, text);
	assert_lf_ok(run_session(f));
	assert_memory_equal(f->site.disks[0].image + 700 * 4096, "freeze\n", 7);
	assert_string_equal(f->site.consistency, "ApplicationConsistent");
	assert_string_equal(f->site.app_error, "");
}

static void test_transfer__nothing_slow_is_begun_while_an_application_is_held(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *file = lf_printf_dup("%s/held", f->dir);
	LF_AUTO_FREE char *text =
		lf_printf_dup("#!/bin/sh\n[ $1 = thaw ] && rm -f %s || echo >%s\n", file, file);

	memset(&held, 0, sizeof(held));
	held.file = file;
	f->app = true;
	script_in(f, text);
	assert_lf_ok(run_session(f));
	live_on(f, 1);
	assert_lf_ok(run_session(f));
	assert_string_equal(f->site.consistency, "ApplicationConsistent");
	assert_int_equal(held.taken, 0);
	assert_int_equal(held.looks, 0);
	held.file = NULL;
}

static void test_transfer__where_scripts_fail_the_point_is_crash_consistent_and_says_why(
	void **state)
{
	static const struct {
		const char *text, *error, *advice;
	} rows[] = {
		{"#!/bin/sh\necho no room; exit 3\n", "no room", "by hand"},
		{"#!/bin/sh\n[ $1 = freeze ] || { echo lock lost; exit 1; }\n", "lock lost",
		 "thaw"},
		{"#!/bin/sh\n[ $1 = thaw ] || sleep 100\n", "took longer", "by hand"},
	};
	struct fixture *f = *state;

	f->app = true;
	json_object_set_new(f->machine, "appScriptLimitS", json_integer(1));
	for (size_t i = 0; i < LF_N(rows); i++) {
		script_in(f, rows[i].text);
		live_on(f, i);
		assert_lf_ok(run_session(f));
		assert_string_equal(f->site.consistency, "CrashConsistent");
		assert_non_null(strstr(f->site.app_error, rows[i].error));
		assert_non_null(strstr(f->site.app_advice, rows[i].advice));
		check_point(f);
	}
	/* a time that is none; what a site would not take as a text */
	json_object_set_new(f->machine, "appScriptLimitS", json_string("soon"));
	assert_lf_ok(run_session(f));
	assert_non_null(strstr(f->site.app_error, "appScriptLimitS"));
	json_object_del(f->machine, "appScriptLimitS");
	script_in(f, "#!/bin/sh\nprintf 'a\\033[31m\\351b'; exit 1\n");
	assert_lf_ok(run_session(f));
	assert_non_null(strstr(f->site.app_error, "a?[31m"));
	assert_true(lf_name_good(LF_NAME_TEXT, f->site.app_error));
	/* no directory; and what an earlier version would have run */
	json_object_set_new(f->machine, "appScripts", json_string("/nowhere/app.d"));
	assert_lf_ok(run_session(f));
	assert_string_equal(f->site.consistency, "CrashConsistent");
	assert_non_null(strstr(f->site.app_error, "/nowhere/app.d"));
	json_object_set_new(f->machine, "postScript", json_string("/bin/true"));
	assert_lf_ok(run_session(f));
	assert_string_equal(f->site.consistency, "CrashConsistent");
	assert_non_null(strstr(f->site.app_error, "postScript"));
	/* who is not asked for it says nothing */
	f->app = false;
	assert_lf_ok(run_session(f));
	assert_string_equal(f->site.app_error, "");
	check_point(f);
}

static void test_transfer__a_stop_is_a_cancel_and_no_loss(void **state)
{
	struct fixture *f = *state;

	stopping = true;
	assert_int_equal(run_session(f), LF_ECANCELED);
	stopping = false;
	assert_lf_ok(run_session(f));
	check_point(f);
}

static void test_transfer__a_disk_that_grew_begins_again(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(run_session(f));
	assert_int_equal(truncate(f->second, 60 * 4096), 0);
	write_pages(f->second, 55, 3, 77);
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.deltas, 0);
	check_point(f);
}

static void test_transfer__a_disk_that_is_gone_is_said_by_name(void **state)
{
	struct fixture *f = *state;

	json_array_remove(lf_json_at(f->machine, "disks"), 1);
	assert_int_equal(run_session(f), LF_ENOTFOUND);
	assert_string_equal(err.target, SECOND);
	assert_true(err.hint[0]);
}

static void test_transfer__fingerprints_that_are_lost_cost_a_full_pass(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *prints = lf_printf_dup("%s/%s.prints", f->dir, FIRST);

	assert_lf_ok(run_session(f));
	assert_int_equal(unlink(prints), 0);
	live_on(f, 1);
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.deltas, 0);
	check_point(f);
}

static void test_transfer__a_site_that_lost_its_point_gets_a_full_one(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(run_session(f));
	f->site.base[0] = '\0';
	live_on(f, 1);
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.deltas, 0);
	check_point(f);
}

static void test_transfer__a_disk_that_cannot_be_read_ends_the_session(void **state)
{
	struct fixture *f = *state;

	broken.page = 1600;
	broken.pages = 1;
	assert_int_equal(run_session(f), LF_EIO);
	assert_non_null(strstr(err.message, "at byte 6553600"));
	assert_non_null(strstr(err.hint, "badSectors"));
	broken.pages = 0;
	lf_fault_set("disk-read=eio@2");
	assert_int_equal(run_session(f), LF_EIO);
	lf_fault_set(NULL);
	assert_lf_ok(run_session(f));
	check_point(f);
}

/* What cannot be read is zeroes if its owner wants so, and the point says where. */
static void test_transfer__bad_sectors_count_as_zeroes_where_wanted(void **state)
{
	struct fixture *f = *state;

	broken.page = 1600;
	broken.pages = 2;
	json_object_set_new(f->machine, "badSectors", json_string("zero"));
	for (int i = 0; i < 2; i++) { /* a full pass, and a delta */
		assert_lf_ok(run_session(f));
		assert_string_equal(f->site.unreadable_disk, FIRST);
		assert_int_equal(f->site.unreadable_offset, 1600 * 4096);
		assert_int_equal(f->site.unreadable_bytes, 2 * 4096);
		const uint8_t *image = f->site.disks[0].image + 1600 * 4096;
		assert_true(lf_page_is_zero(image) && lf_page_is_zero(image + 4096));
		assert_false(lf_page_is_zero(image + 2 * 4096));
		live_on(f, 1);
	}
	/* they can be read again */
	broken.pages = 0;
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.deltas, 2);
	assert_int_equal(f->site.unreadable_bytes, 0);
	check_point(f);
	/* too many of them are no disk */
	broken.pages = 257;
	assert_int_equal(run_session(f), LF_EIO);
	broken.pages = 0;
	json_object_set_new(f->machine, "badSectors", json_string("maybe"));
	assert_int_equal(run_session(f), LF_EINVAL);
}

/* A cable that was loose, say: nothing is written, and no tracker tells. */
static void test_transfer__bad_sectors_that_can_be_read_again_are_read(void **state)
{
	struct fixture *f = *state;

	tracker.on = true;
	json_object_set_new(f->machine, "badSectors", json_string("zero"));
	broken.page = 1600;
	broken.pages = 2;
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.unreadable_bytes, 2 * 4096);
	broken.pages = 0;
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.deltas, 1);
	assert_int_equal(f->site.unreadable_bytes, 0);
	check_point(f);
}

/* Pages written here and there are sent as pages, not as the chunks that they were cut into. */
static void test_transfer__scattered_writes_send_little_more_than_themselves(void **state)
{
	struct fixture *f = *state;
	const int64_t n = 90;

	assert_lf_ok(run_session(f));
	for (int64_t i = 0; i < n; i++)
		write_pages(f->first, 1500 + 10 * (uint64_t)i, 1, 1000 + (uint64_t)i);
	assert_lf_ok(run_session(f));
	assert_int_equal(f->site.deltas, 1);
	check_point(f);
	/* packs, and a record of an extent each */
	assert_in_range(f->site.said_sent + n * 48, n * 4096 / 2, n * 4096 * 3 / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_transfer__first_point_is_what_the_disks_hold),
		TEST(test_transfer__next_point_sends_only_what_changed),
		TEST(test_transfer__of_a_group_waits_for_the_others_and_says_that_it_held),
		TEST(test_transfer__whose_group_is_lost_makes_its_point_alone),
		TEST(test_transfer__that_does_not_hold_everything_is_of_no_group),
		TEST(test_transfer__a_commit_says_all_that_was_sent),
		TEST(test_transfer__a_full_pass_dies_anywhere_and_goes_on),
		TEST(test_transfer__a_full_pass_goes_on_where_it_was_acknowledged),
		TEST(test_transfer__a_delta_dies_anywhere_and_the_next_has_it_all),
		TEST(test_transfer__packs_that_overtake_change_nothing),
		TEST(test_transfer__reads_what_was_written_once_it_is_watched),
		TEST(test_transfer__what_changed_under_a_freeze_is_in_the_point),
		TEST(test_transfer__holes_under_a_freeze_come_a_window_at_a_time),
		TEST(test_transfer__an_application_is_held_through_the_instant_alone),
		TEST(test_transfer__nothing_slow_is_begun_while_an_application_is_held),
		TEST(test_transfer__where_scripts_fail_the_point_is_crash_consistent_and_says_why),
		TEST(test_transfer__a_stop_is_a_cancel_and_no_loss),
		TEST(test_transfer__a_disk_that_grew_begins_again),
		TEST(test_transfer__a_disk_that_is_gone_is_said_by_name),
		TEST(test_transfer__fingerprints_that_are_lost_cost_a_full_pass),
		TEST(test_transfer__a_site_that_lost_its_point_gets_a_full_one),
		TEST(test_transfer__a_disk_that_cannot_be_read_ends_the_session),
		TEST(test_transfer__bad_sectors_count_as_zeroes_where_wanted),
		TEST(test_transfer__bad_sectors_that_can_be_read_again_are_read),
		TEST(test_transfer__scattered_writes_send_little_more_than_themselves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
