/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bit flipped in every file of a store: in every byte of headers, trailers
 * and small files, and here and there between.  Verification finds it, and
 * nothing wrong is ever read or exported; caches (index, page prints, notes of
 * verification, traces) do no harm to who writes, either.
 * LF_TEST_LONG=1: many more places.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "vault_fixture.h"

#include "vault/care/care.h"
#include "vault/map/ahead.h"
#include "vault/flow/ingest.h"
#include "vault/lease.h"

#define PAGES  90u
#define BYTES  ((uint64_t)PAGES * LF_PAGE_SIZE)
#define POINTS 2u
#define ENDS   136u /* bytes: no header or trailer is longer */

struct flips {
	struct fixture *fixture;
	char disk[256], prints[256], trace[256];
	uint8_t now[BYTES], points[POINTS][BYTES];
	struct lf_root root; /* that the prints describe */
	const char *file;    /* below the store, that is flipped */
	uint64_t at;
	unsigned count;
};

static bool is_long(void)
{
	const char *text = getenv("LF_TEST_LONG");

	return text && strcmp(text, "1") == 0;
}

static void point_id(unsigned number, char id[static LF_GUID_SIZE])
{
	lf_guid_derive("flips", number ? "new" : "old", id);
}

static void write_disk(struct flips *flips)
{
	struct lf_error err;
	int fd = open(flips->disk, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_lf_ok(lf_file_pwrite_all(fd, flips->now, BYTES, 0, flips->disk, &err));
	close(fd);
}

static int ingest_disk(struct flips *flips, const struct lf_root *base, struct lf_root *ret_root,
		       struct lf_error *err)
{
	struct lf_ingest_opts opts = {
		.path = flips->disk, .base = base, .prints = flips->prints, .threads = 1};
	struct lf_ingest_result result;
	int rc = lf_ingest(flips->fixture->vault, &opts, &result, err);

	if (!rc)
		*ret_root = result.root;
	return rc;
}

/* Pages, some of which are zeroes and some of which compress. */
static void fill_pages(struct flips *flips, unsigned from, unsigned step, uint64_t seed)
{
	for (unsigned i = from; i < PAGES; i += step) {
		fill_noise(flips->now + i * LF_PAGE_SIZE, LF_PAGE_SIZE, seed * 1000 + i);
		if (i % 4 == 0)
			memset(flips->now + i * LF_PAGE_SIZE, (int)i, LF_PAGE_SIZE / 2);
		if (i % 11 == 3)
			memset(flips->now + i * LF_PAGE_SIZE, 0, LF_PAGE_SIZE);
	}
}

/* Two points, claims, a session, two runs, page prints, notes of verification. */
static void make_store(struct flips *flips)
{
	struct fixture *fixture = flips->fixture;
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/prints", fixture->store);
	char id[LF_GUID_SIZE];
	struct lf_error err;

	assert_lf_ok(lf_dir_make(dir, 0700, &err));
	snprintf(flips->disk, sizeof(flips->disk), "%s/disk", fixture->dir);
	snprintf(flips->trace, sizeof(flips->trace), "%s/trace", fixture->dir);
	snprintf(flips->prints, sizeof(flips->prints), "%s/%032d", dir, 7);
	for (unsigned i = 0; i < POINTS; i++) {
		struct lf_root base = flips->root;
		fill_pages(flips, i * 5, i ? 9 : 1, i + 1);
		write_disk(flips);
		assert_lf_ok(ingest_disk(flips, i ? &base : NULL, &flips->root, &err));
		point_id(i, id);
		put_point(fixture->vault, id, &flips->root, BYTES);
		memcpy(flips->points[i], flips->now, BYTES);
		fixture_reopen(fixture); /* what is in memory of the index becomes a file */
		collect(fixture->vault, "bytes");
	}
	assert_lf_ok(lf_claim_put(fixture->vault, id, "lock", 99, &err));
	lf_guid_random(id);
	assert_lf_ok(lf_lease_begin(fixture->vault, id, &err));
	assert_whole(fixture->vault); /* and leaves a note of it */
	fixture_close(fixture);
}

static void flip_bit(struct flips *flips)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", flips->fixture->store, flips->file);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte = 0;

	assert_int_equal(pread(fd, &byte, 1, (off_t)flips->at), 1);
	byte ^= (uint8_t)(1u << (flips->at % 8));
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)flips->at), 1);
	close(fd);
}

static bool is_in(const char *file, const char *folder)
{
	return strncmp(file, folder, strlen(folder)) == 0;
}

/* What is read of a point is right, and all of it can be when needed. */
static void check_point(struct flips *flips, struct lf_vault *vault, unsigned number, bool needed)
{
	static uint8_t bytes[BYTES];
	LF_AUTO_JSON *manifest = NULL;
	struct lf_root root;
	char id[LF_GUID_SIZE];
	struct lf_error err;

	point_id(number, id);
	int rc = lf_point_get(vault, id, &manifest, &err);
	if (!rc)
		rc = lf_root_parse(lf_json_text_or(manifest, "disks.0.root", ""), &root, &err);
	for (uint64_t page = 0; !rc && page < PAGES; page++) {
		int read =
			lf_map_read(vault, &root, bytes, LF_PAGE_SIZE, page * LF_PAGE_SIZE, &err);
		if (!read)
			assert_memory_equal(bytes, flips->points[number] + page * LF_PAGE_SIZE,
					    LF_PAGE_SIZE);
		if (read && needed)
			rc = read;
	}
	if (needed && rc)
		fail_msg("%s at %llu: %s", flips->file, (unsigned long long)flips->at, err.message);
}

static void check_export(struct flips *flips, struct lf_vault *vault)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/out", flips->fixture->dir);
	LF_AUTO_BUF out = LF_BUF_INIT;
	LF_AUTO_JSON *manifest = NULL;
	struct lf_export_opts opts = {.threads = 1};
	struct lf_root root;
	char id[LF_GUID_SIZE];
	struct lf_error err;

	point_id(1, id);
	if (lf_point_get(vault, id, &manifest, &err))
		return;
	assert_lf_ok(lf_root_parse(lf_json_text_or(manifest, "disks.0.root", ""), &root, &err));
	if (lf_export_file(vault, &root, BYTES, path, &opts, &err))
		return;
	assert_lf_ok(lf_file_read(path, BYTES, &out, &err));
	assert_int_equal(out.len, BYTES);
	assert_memory_equal(out.data, flips->points[1], BYTES);
	unlink(path);
}

/* Who only reads. */
static void check_reader(struct flips *flips, bool harmless)
{
	struct lf_vault_opts opts = {.read_only = true};
	LF_AUTO_JSON *faults = NULL;
	struct lf_vault *vault = NULL;
	struct fixture *fixture = flips->fixture;
	struct lf_error err;

	int rc = lf_vault_open(fixture->store, fixture->key, &opts, &vault, &err);
	if (rc && harmless)
		fail_msg("%s at %llu: %s", flips->file, (unsigned long long)flips->at, err.message);
	if (rc)
		return; /* said so at once */
	for (unsigned i = 0; i < POINTS; i++)
		check_point(flips, vault, i, harmless);
	if (flips->count % 4 == 0)
		check_export(flips, vault);
	assert_lf_ok(lf_vault_verify(vault, NULL, &faults, &err));
	if (json_array_size(faults) == 0 && !harmless)
		fail_msg("a bit of %s flipped at %llu is not found", flips->file,
			 (unsigned long long)flips->at);
	lf_vault_free(vault);
}

/* A run that says wrong things may cost a read, never tell a lie; repair makes it anew from the
 * packs. */
static void repair_index(struct flips *flips)
{
	struct fixture *fixture = flips->fixture;
	LF_AUTO_JSON *report = NULL;
	struct lf_error err;

	for (unsigned i = 0; i < POINTS; i++)
		check_point(flips, fixture->vault, i, false);
	assert_lf_ok(lf_vault_repair(fixture->vault, NULL, 1, &report, &err));
	assert_int_equal(lf_json_int_or(report, "lostChunks", -1), 0);
}

/* Who writes, in a copy of the store: a cache is damaged, so all goes on as if it were not; of the
 * index once it is repaired. */
static void check_writer(struct flips *flips)
{
	struct fixture *fixture = flips->fixture;
	char command[1024];
	struct lf_root root;
	struct lf_error err;

	snprintf(command, sizeof(command), "rm -rf %s.kept && cp -a %s %s.kept", fixture->store,
		 fixture->store, fixture->store);
	assert_int_equal(system(command), 0);
	fixture_open(fixture);
	if (is_in(flips->file, "index/"))
		repair_index(flips);
	for (unsigned i = 0; i < POINTS; i++)
		check_point(flips, fixture->vault, i, true);
	memcpy(flips->now, flips->points[1], BYTES);
	fill_pages(flips, flips->count % 7, 13, 50 + flips->count);
	write_disk(flips);
	assert_lf_ok(ingest_disk(flips, &flips->root, &root, &err));
	static uint8_t bytes[BYTES];
	assert_lf_ok(lf_map_read(fixture->vault, &root, bytes, BYTES, 0, &err));
	assert_memory_equal(bytes, flips->now, BYTES);
	assert_whole(fixture->vault);
	fixture_close(fixture);
	snprintf(command, sizeof(command), "rm -rf %s && mv %s.kept %s", fixture->store,
		 fixture->store, fixture->store);
	assert_int_equal(system(command), 0);
}

static void flip_file(struct flips *flips, uint64_t size)
{
	bool prints = is_in(flips->file, "prints/"), index = is_in(flips->file, "index/");
	bool notes = strcmp(flips->file, "verified") == 0;
	uint64_t samples = is_long() ? 2000 : 30, step = size / samples + 1;

	for (flips->at = 0; flips->at < size;) {
		flip_bit(flips);
		check_reader(flips, prints || notes);
		/* copies of a store take time */
		if ((prints || index || notes) && flips->count % (is_long() ? 2 : 24) == 0)
			check_writer(flips);
		flip_bit(flips);
		flips->count++;
		bool at_end = flips->at < ENDS || flips->at + ENDS >= size;
		uint64_t next = flips->at + (at_end ? 1 : step);
		flips->at = next > size - ENDS && size > ENDS && !at_end ? size - ENDS : next;
	}
}

static int flip_folder(struct flips *flips, const char *folder);

struct visit {
	struct flips *flips;
	const char *folder;
};

static int visit_name(void *context, const char *name, struct lf_error *err)
{
	const struct visit *visit = context;
	LF_AUTO_FREE char *file = visit->folder[0] ? lf_printf_dup("%s/%s", visit->folder, name)
						   : lf_printf_dup("%s", name);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", visit->flips->fixture->store, file);
	struct stat st;

	(void)err;
	assert_int_equal(stat(path, &st), 0);
	if (S_ISDIR(st.st_mode))
		return flip_folder(visit->flips, file);
	visit->flips->file = file;
	flip_file(visit->flips, (uint64_t)st.st_size);
	return 0;
}

static int flip_folder(struct flips *flips, const char *folder)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", flips->fixture->store, folder);
	struct visit visit = {flips, folder};
	struct lf_error err;

	return lf_dir_list(path, visit_name, &visit, &err);
}

static void test_vault__finds_every_flipped_bit(void **state)
{
	struct flips *flips = calloc(1, sizeof(*flips));

	flips->fixture = *state;
	make_store(flips);
	assert_int_equal(flip_folder(flips, ""), 0);
	fixture_open(flips->fixture);
	assert_whole(flips->fixture->vault);
	print_message("%u flips\n", flips->count);
	free(flips);
}

/* A boot goes on whatever its trace has come to. */
static void test_trace__with_any_bit_flipped_is_harmless(void **state)
{
	struct flips *flips = calloc(1, sizeof(*flips));
	struct fixture *fixture = *state;
	struct lf_ahead *ahead = NULL;
	struct lf_error err;
	struct stat st;

	flips->fixture = fixture;
	make_store(flips);
	fixture_open(fixture);
	assert_lf_ok(lf_ahead_new(fixture->vault, &flips->root, BYTES, flips->trace, &ahead, &err));
	for (uint64_t at = 0; at < BYTES; at += 70000)
		lf_ahead_note(ahead, at, 4096);
	lf_ahead_free(ahead);
	flips->file = "../trace";
	assert_int_equal(stat(flips->trace, &st), 0);
	for (flips->at = 0; flips->at < (uint64_t)st.st_size; flips->at++) {
		flip_bit(flips);
		fixture_reopen(fixture);
		assert_lf_ok(lf_ahead_new(fixture->vault, &flips->root, BYTES, flips->trace, &ahead,
					  &err));
		lf_ahead_settle(ahead);
		check_point(flips, fixture->vault, 1, true);
		lf_ahead_free(ahead);
		flip_bit(flips);
	}
	free(flips);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vault__finds_every_flipped_bit),
		TEST(test_trace__with_any_bit_flipped_is_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
