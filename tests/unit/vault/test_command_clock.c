/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "landfall vault" by a clock that leaps; -Wl,--wrap.
 */
#include "test.h"

#include "base/clock.h"
#include "base/text.h"
#include "vaultcli/vaultcli.h"

#define DISK_BYTES (64u << 10)
#define NOW	   (INT64_C(1767225600) * LF_NS_PER_S)
#define TWO_YEARS  (INT64_C(730) * 86400 * LF_NS_PER_S)
#define LAST	   "33333333-3333-3333-3333-333333333333"

static struct lf_error err;
static int64_t now_ns;

int64_t __wrap_lf_vaultcli_now_ns(void);

int64_t __wrap_lf_vaultcli_now_ns(void)
{
	return now_ns;
}

static void run(const char *a, const char *b, const char *c, const char *d, const char *e,
		const char *f, const char *g, const char *h)
{
	const char *words[] = {"vault", a, b, c, d, e, f, g, h, NULL};
	char *argv[LF_N(words)];
	int argc = 0;

	for (; argc < (int)LF_N(words) - 1 && words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	argv[argc] = NULL;
	assert_int_equal(lf_vaultcli("landfall vault", argc, argv), 0);
}

struct disk {
	char *store, *image, *list;
	uint8_t bytes[DISK_BYTES];
};

/* This letter in that page, alone, since the last time. */
static void write_page(struct disk *disk, unsigned page, char letter)
{
	char line[16];

	memset(disk->bytes + page * 4096, letter, 4096);
	snprintf(line, sizeof(line), "%u\n", page);
	assert_lf_ok(lf_file_write_durable(disk->image, disk->bytes, DISK_BYTES, 0600, &err));
	assert_lf_ok(lf_file_write_durable(disk->list, line, strlen(line), 0600, &err));
}

/* The point made last is what a list of changes is relative to, whatever its time says. */
static void test_ingest__with_a_list_goes_on_from_the_point_made_last(void **state)
{
	struct disk disk = {.store = lf_printf_dup("%s/store", (const char *)*state),
			    .image = lf_printf_dup("%s/disk", (const char *)*state),
			    .list = lf_printf_dup("%s/list", (const char *)*state)};
	LF_AUTO_FREE char *out = lf_printf_dup("%s/out", (const char *)*state);
	LF_AUTO_BUF exported = LF_BUF_INIT;

	now_ns = NOW;
	run("init", disk.store, NULL, NULL, NULL, NULL, NULL, NULL);
	write_page(&disk, 1, 'a');
	now_ns = NOW + TWO_YEARS;
	run("ingest", disk.store, disk.image, "--disk", "sda", NULL, NULL, NULL);
	now_ns = NOW + LF_NS_PER_S;
	write_page(&disk, 2, 'b');
	run("ingest", disk.store, disk.image, "--disk", "sda", "--changed", disk.list, NULL);
	now_ns = NOW + 2 * LF_NS_PER_S;
	write_page(&disk, 3, 'c');
	run("ingest", disk.store, disk.image, "--disk=sda", "--changed", disk.list, "--point",
	    LAST);
	run("export", disk.store, LAST, out, NULL, NULL, NULL, NULL);
	assert_lf_ok(lf_file_read(out, DISK_BYTES + 1, &exported, &err));
	assert_int_equal(exported.len, DISK_BYTES);
	assert_memory_equal(exported.data, disk.bytes, DISK_BYTES);
	free(disk.store);
	free(disk.image);
	free(disk.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_ingest__with_a_list_goes_on_from_the_point_made_last, test_dir_setup,
			test_dir_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
