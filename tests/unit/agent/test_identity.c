/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/identity.h"
#include "agent/machine.h"
#include "base/text.h"
#include "os/file.h"

#define MACHINE "5d1c8ab0-0000-4000-8000-000000000001"

/* An image with a GPT's first sectors, or an MBR's (sector 0), whose mark is such bytes. */
static void make_image(const char *dir, const char *name, uint32_t sector, char mark)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);
	char head[40960] = {0};
	struct lf_error err;

	if (sector) {
		memcpy(head + sector, "EFI PART", 8);
		memset(head + sector + 56, mark, 16);
	} else if (mark) {
		memset(head + 440, mark, 4);
		head[510] = 0x55;
		head[511] = (char)0xaa;
	}
	assert_lf_ok(lf_file_write_durable(path, head, sizeof(head), 0600, &err));
}

static void link_disk(const char *dir, const char *name, const char *image)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);

	unlink(path);
	assert_int_equal(symlink(image, path), 0);
}

/* The configuration of disks sda (the system's) and, if wanted, sdb, identified. */
static json_t *look(const char *dir, bool both)
{
	LF_AUTO_FREE char *sda = lf_printf_dup("%s/sda", dir), *sdb = lf_printf_dup("%s/sdb", dir);
	LF_AUTO_JSON *others = json_pack("[{s:s},{s:s}]", "path", sda, "path", sdb);
	struct lf_error err;
	json_t *disks = json_pack("[{s:s,s:s,s:b}]", "path", sda, "name", "sda", "os", 1);

	if (both)
		json_array_append_new(
			disks, json_pack("{s:s,s:s,s:b}", "path", sdb, "name", "sdb", "os", 0));
	assert_lf_ok(lf_disks_identify(disks, others, MACHINE, dir, &err));
	return disks;
}

static const char *text(const json_t *disks, const char *path)
{
	return lf_json_text_or(disks, path, "");
}

static void test_identity__follows_disks_that_change_places(void **state)
{
	static const struct {
		uint32_t sector;
		char mark[2];
	} kinds[] = {{512, "ab"}, {4096, "ab"}, {0, "ab"}};

	for (size_t i = 0; i < LF_N(kinds); i++) {
		LF_AUTO_FREE char *dir = lf_printf_dup("%s/%zu", (char *)*state, i);
		struct lf_error err;
		assert_lf_ok(lf_dir_make(dir, 0700, &err));
		make_image(dir, "a", kinds[i].sector, kinds[i].mark[0]);
		make_image(dir, "b", kinds[i].sector, kinds[i].mark[1]);
		link_disk(dir, "sda", "a");
		link_disk(dir, "sdb", "b");
		LF_AUTO_JSON *before = look(dir, true);
		link_disk(dir, "sda", "b");
		link_disk(dir, "sdb", "a");
		LF_AUTO_JSON *after = look(dir, true);
		assert_string_equal(text(before, "0.id"), text(after, "1.id"));
		assert_string_equal(text(before, "1.id"), text(after, "0.id"));
		assert_string_equal(text(after, "1.name"), "sda");
		assert_true(lf_json_bool_or(after, "1.os", false));
		assert_false(lf_json_bool_or(after, "0.os", true));
	}
}

static void test_identity__finds_a_disk_whose_path_another_has_now(void **state)
{
	make_image(*state, "a", 512, 'a');
	make_image(*state, "b", 512, 'b');
	link_disk(*state, "sda", "a");
	link_disk(*state, "sdb", "b");
	LF_AUTO_JSON *before = look(*state, false);
	link_disk(*state, "sda", "b");
	link_disk(*state, "sdb", "a");
	LF_AUTO_JSON *after = look(*state, false);
	assert_string_equal(text(before, "0.id"), text(after, "0.id"));
	assert_non_null(strstr(text(after, "0.path"), "/sdb"));
}

static void test_identity__never_takes_one_disk_for_another(void **state)
{
	make_image(*state, "a", 512, 'a');
	make_image(*state, "b", 512, 'b');
	make_image(*state, "blank", 0, 0);
	link_disk(*state, "sda", "a");
	LF_AUTO_JSON *before = look(*state, false);
	static const char *const others[] = {"b", "blank"};
	for (size_t i = 0; i < LF_N(others); i++) {
		link_disk(*state, "sda", others[i]);
		LF_AUTO_JSON *other = look(*state, false);
		assert_string_not_equal(text(before, "0.id"), text(other, "0.id"));
	}
	link_disk(*state, "sda", "a");
	LF_AUTO_JSON *back = look(*state, false);
	assert_string_equal(text(before, "0.id"), text(back, "0.id"));
}

static void test_identity__stays_when_a_blank_disk_is_partitioned(void **state)
{
	make_image(*state, "a", 0, 0);
	link_disk(*state, "sda", "a");
	LF_AUTO_JSON *before = look(*state, false);
	make_image(*state, "a", 512, 'x');
	LF_AUTO_JSON *after = look(*state, false);
	assert_string_equal(text(before, "0.id"), text(after, "0.id"));
}

static void test_identity__tells_copies_of_a_disk_apart_by_name(void **state)
{
	make_image(*state, "a", 512, 'a');
	make_image(*state, "b", 512, 'a');
	link_disk(*state, "sda", "a");
	link_disk(*state, "sdb", "b");
	LF_AUTO_JSON *one = look(*state, true);
	LF_AUTO_JSON *two = look(*state, true);
	assert_string_not_equal(text(one, "0.id"), text(one, "1.id"));
	assert_string_equal(text(one, "0.id"), text(two, "0.id"));
	assert_string_equal(text(one, "1.id"), text(two, "1.id"));
}

/* Whichever of the two is looked at first: the recorded one is where it was. */
static void test_identity__a_copy_does_not_take_its_originals_place(void **state)
{
	LF_AUTO_FREE char *sda = lf_printf_dup("%s/sda", (char *)*state);
	LF_AUTO_FREE char *sdb = lf_printf_dup("%s/sdb", (char *)*state);
	LF_AUTO_JSON *others = json_array();
	struct lf_error err;

	make_image(*state, "sda", 512, 'a');
	LF_AUTO_JSON *before = look(*state, false);
	make_image(*state, "sdb", 512, 'a');
	LF_AUTO_JSON *after = json_pack("[{s:s,s:s},{s:s,s:s,s:b}]", "path", sdb, "name", "sdb",
					"path", sda, "name", "sda", "os", 1);
	assert_lf_ok(lf_disks_identify(after, others, MACHINE, *state, &err));
	assert_string_equal(text(before, "0.id"), text(after, "1.id"));
	assert_string_not_equal(text(before, "0.id"), text(after, "0.id"));
	assert_string_equal(text(after, "0.name"), "sdb");
}

/* Of the state directory's file system; -Wl,--wrap. */
static uint64_t free_bytes;

int __wrap_statvfs64(const char *path, struct statvfs *ret_fs);

int __wrap_statvfs64(const char *path, struct statvfs *ret_fs)
{
	(void)path;
	*ret_fs = (struct statvfs){.f_bavail = free_bytes / 4096, .f_frsize = 4096};
	return 0;
}

static bool has_room(const char *dir, const json_t *machine, uint64_t bytes)
{
	LF_AUTO_JSON *inventory = NULL;
	struct lf_error err;

	free_bytes = bytes;
	assert_lf_ok(lf_agent_machine_inventory(machine, dir, MACHINE, &inventory, &err));
	const json_t *check = lf_json_find(lf_json_at(inventory, "preflight"), "check",
					   "state directory has room");
	assert_non_null(check);
	return lf_json_bool_or(check, "ok", false);
}

/* Each alone would fit: a print of eight bytes a page for both, a page each, and 64 MiB of packs.
 */
static void test_preflight__wants_room_for_the_prints_of_all_disks(void **state)
{
	static const char *const names[] = {"sda", "sdb"};
	const uint64_t gib = UINT64_C(1) << 30, mib = 1 << 20, packs = 64 * mib;
	LF_AUTO_JSON *machine = json_pack("{s:s,s:[],s:[]}", "name", "m", "disks", "nics");

	for (size_t i = 0; i < LF_N(names); i++) {
		LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", (const char *)*state, names[i]);
		make_image(*state, names[i], 512, 'a');
		assert_int_equal(truncate(path, (off_t)gib), 0);
		json_array_append_new(
			lf_json_at(machine, "disks"),
			json_pack("{s:s,s:s,s:s}", "id", names[i], "name", names[i], "path", path));
	}
	assert_false(has_room(*state, machine, packs + 3 * mib));
	assert_false(has_room(*state, machine, packs + 4 * mib));
	assert_true(has_room(*state, machine, packs + 4 * mib + 2 * 4096));
	/* what is there already is not wanted again */
	LF_AUTO_FREE char *prints = lf_printf_dup("%s/sda.prints", (const char *)*state);
	LF_AUTO_FREE char *bytes = calloc(1, 2 * mib + 4096);
	struct lf_error err;
	memset(bytes, 'p', 2 * mib + 4096);
	assert_lf_ok(lf_file_write_durable(prints, bytes, 2 * mib + 4096, 0600, &err));
	assert_true(has_room(*state, machine, packs + 2 * mib + 4096));
	assert_false(has_room(*state, machine, packs + 2 * mib));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identity__follows_disks_that_change_places,
						test_memory_dir_setup, test_dir_teardown),
		cmocka_unit_test_setup_teardown(
			test_identity__finds_a_disk_whose_path_another_has_now,
			test_memory_dir_setup, test_dir_teardown),
		cmocka_unit_test_setup_teardown(test_identity__never_takes_one_disk_for_another,
						test_memory_dir_setup, test_dir_teardown),
		cmocka_unit_test_setup_teardown(
			test_identity__a_copy_does_not_take_its_originals_place,
			test_memory_dir_setup, test_dir_teardown),
		cmocka_unit_test_setup_teardown(
			test_identity__stays_when_a_blank_disk_is_partitioned,
			test_memory_dir_setup, test_dir_teardown),
		cmocka_unit_test_setup_teardown(test_identity__tells_copies_of_a_disk_apart_by_name,
						test_memory_dir_setup, test_dir_teardown),
		cmocka_unit_test_setup_teardown(
			test_preflight__wants_room_for_the_prints_of_all_disks,
			test_memory_dir_setup, test_dir_teardown),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
