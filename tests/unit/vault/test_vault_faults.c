/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same small history with the process killed, the disk full or failing at
 * every step of it.  What was acknowledged is there afterwards.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "vault_fixture.h"

#include "base/fault.h"
#include "vault/care/care.h"
#include "vault/map/map.h"

#define PAGES  600u
#define POINTS 5u

/* What the history has been told is durable; shared with the parent through a pipe. */
struct told {
	unsigned point;
	bool dropped;
};

static void point_id(unsigned number, char id[static LF_GUID_SIZE])
{
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	lf_guid_derive("faults", name, id);
}

static uint32_t page_seed(unsigned point, uint32_t page)
{
	/* each point rewrites a fifth; the rest is the point's before */
	while (point && page % POINTS != point % POINTS)
		point--;
	return page % 7 == 3 ? 0 : point * 10000 + page + 1;
}

static void fill_page(uint8_t *page, uint32_t seed)
{
	if (seed)
		fill_noise(page, LF_PAGE_SIZE, seed);
	else
		memset(page, 0, LF_PAGE_SIZE);
}

/* Everything between the base's root and the new point's. */
static int write_pages(struct lf_vault *vault, unsigned point, struct lf_map_edit *edit,
		       struct lf_error *err)
{
	uint8_t page[LF_PAGE_SIZE];
	int rc = 0;

	for (uint32_t i = point ? point : 0; !rc && i < PAGES; i += point ? POINTS : 1) {
		uint32_t seed = page_seed(point, i);
		struct lf_extent extent = {.page = i, .pages = 1, .hole = !seed};
		fill_page(page, seed);
		if (seed)
			rc = lf_vault_put(vault, page, sizeof(page), &extent.chunk, err);
		if (!rc)
			rc = lf_map_edit_put(edit, &extent, err);
	}
	return rc;
}

static int make_point(struct lf_vault *vault, unsigned point, struct lf_root *root,
		      struct lf_error *err)
{
	struct lf_map_edit *edit = NULL;
	struct lf_root made;
	char id[LF_GUID_SIZE];
	int rc = lf_map_edit_begin(vault, root, &edit, err);

	if (!rc)
		rc = write_pages(vault, point, edit, err);
	if (!rc)
		rc = lf_map_edit_commit(edit, &made, err);
	if (!rc) {
		LF_AUTO_JSON *manifest = NULL;
		point_id(point, id);
		manifest = one_disk(id, &made, (uint64_t)PAGES * LF_PAGE_SIZE);
		rc = lf_point_put(vault, id, manifest, "retention", LF_CLAIM_FOREVER, err);
	}
	lf_map_edit_free(edit);
	if (!rc)
		*root = made;
	return rc;
}

static void tell(int fd, unsigned point, bool dropped)
{
	struct told told = {point, dropped};

	if (write(fd, &told, sizeof(told)) != (ssize_t)sizeof(told))
		abort();
}

/* Points, a drop and a collection; a failed step is tried once more by what follows. */
static unsigned run_history(struct lf_vault *vault, int fd)
{
	struct lf_root root = {0};
	struct lf_error err;
	unsigned failed = 0;

	for (unsigned point = 0; point < POINTS; point++) {
		if (make_point(vault, point, &root, &err)) {
			failed++;
			break; /* later points build on this one */
		}
		tell(fd, point, false);
		if (point == 2) {
			LF_AUTO_JSON *report = NULL;
			char id[LF_GUID_SIZE];
			point_id(1, id);
			tell(fd, 1, true);
			failed += !!lf_claim_drop(vault, id, "retention", &err);
			failed += !!lf_vault_collect(vault, &(struct lf_collect_opts){.now_ns = 1},
						     &report, &err);
		}
	}
	/* only the last point stays: most of the first one's pack is garbage now */
	for (unsigned point = 0; !failed && point + 1 < POINTS; point++) {
		char id[LF_GUID_SIZE];
		point_id(point, id);
		tell(fd, point, true);
		failed += !!lf_claim_drop(vault, id, "retention", &err);
	}
	LF_AUTO_JSON *report = NULL;
	failed += !!lf_vault_collect(vault, &(struct lf_collect_opts){.now_ns = 1}, &report, &err);
	return failed;
}

static void check_point(struct lf_vault *vault, unsigned point)
{
	LF_AUTO_JSON *manifest = NULL;
	struct lf_root root;
	uint8_t expected[LF_PAGE_SIZE], page[LF_PAGE_SIZE];
	char id[LF_GUID_SIZE];
	struct lf_error err;

	point_id(point, id);
	assert_lf_ok(lf_point_get(vault, id, &manifest, &err));
	assert_lf_ok(lf_root_parse(lf_json_text_or(manifest, "disks.0.root", ""), &root, &err));
	for (uint32_t i = 0; i < PAGES; i++) {
		fill_page(expected, page_seed(point, i));
		assert_lf_ok(lf_map_read(vault, &root, page, sizeof(page),
					 (uint64_t)i * LF_PAGE_SIZE, &err));
		assert_memory_equal(page, expected, sizeof(page));
	}
}

/* What the pipe tells; returns how many points live. */
static void check_told(struct lf_vault *vault, int fd)
{
	bool lives[POINTS] = {false};
	struct told told;

	while (read(fd, &told, sizeof(told)) == (ssize_t)sizeof(told))
		lives[told.point] = !told.dropped;
	for (unsigned i = 0; i < POINTS; i++)
		if (lives[i])
			check_point(vault, i);
}

static void empty_store(struct fixture *fixture)
{
	struct lf_error err;

	fixture_close(fixture);
	assert_lf_ok(lf_dir_remove(fixture->store, &err));
	assert_lf_ok(lf_vault_init(fixture->store, fixture->key, &err));
}

/* Run the history in a child with a fault; true: it came to its end without being killed. */
static bool run_killed(struct fixture *fixture, const char *fault)
{
	int ends[2], status = 0;
	struct lf_error err;

	empty_store(fixture);
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		lf_fault_set(fault);
		if (lf_vault_open(fixture->store, fixture->key, NULL, &fixture->vault, &err))
			_exit(3);
		unsigned failed = run_history(fixture->vault, ends[1]);
		lf_vault_free(fixture->vault);
		_exit(failed ? 3 : 0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	bool ended = WIFEXITED(status);
	if (ended)
		assert_int_equal(WEXITSTATUS(status), 0);
	fixture_open(fixture);
	assert_whole(fixture->vault);
	check_told(fixture->vault, ends[0]);
	close(ends[0]);
	/* the leftovers are found, and it goes on */
	collect(fixture->vault, "bytes");
	struct lf_root root = {0};
	assert_lf_ok(make_point(fixture->vault, 0, &root, &err));
	assert_whole(fixture->vault);
	return ended;
}

static const char *const kill_places[] = {
	"file-sync",
	"file-rename",
	"vault-pack-written",
	"vault-pack-synced",
	"vault-adopt",
	"vault-adopted",
	"vault-run-written",
	"vault-run-renamed",
	"vault-run-removed",
	"vault-map-commit",
	"vault-point-claimed",
	"vault-point-put",
	"vault-claim-dropped",
	"vault-collect-point",
	"vault-collect-marked",
	"vault-collect-copied",
	"vault-collect-removed",
};

static void test_vault__keeps_what_it_acknowledged_when_killed_anywhere(void **state)
{
	unsigned runs = 0;

	for (size_t i = 0; i < LF_N(kill_places); i++) {
		char fault[128];
		unsigned n = 0;
		do {
			snprintf(fault, sizeof(fault), "%s=kill@%u", kill_places[i], ++n);
			runs++;
		} while (!run_killed(*state, fault));
		if (n < 2)
			fail_msg("%s is never passed", kill_places[i]);
	}
	print_message("%u runs\n", runs);
}

/* The n-th and all later calls fail; afterwards the same process goes on. */
static bool run_failing(struct fixture *fixture, const char *fault)
{
	int ends[2];
	struct lf_error err;

	empty_store(fixture);
	fixture_open(fixture);
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	lf_fault_set(fault);
	unsigned failed = run_history(fixture->vault, ends[1]);
	lf_fault_set(NULL);
	close(ends[1]);
	check_told(fixture->vault, ends[0]);
	close(ends[0]);
	assert_whole(fixture->vault);
	struct lf_root root = {0};
	assert_lf_ok(make_point(fixture->vault, 0, &root, &err));
	collect(fixture->vault, "bytes");
	fixture_reopen(fixture);
	assert_whole(fixture->vault);
	check_point(fixture->vault, 0);
	return failed == 0;
}

static void test_vault__goes_on_after_a_full_or_failing_disk(void **state)
{
	static const char *const places[] = {"file-write=enospc", "file-sync=eio",
					     "file-rename=enospc", "vault-run-write=enospc",
					     "file-read=eio"};
	for (size_t i = 0; i < LF_N(places); i++) {
		char fault[128];
		unsigned n = 0, step = i == 4 ? 97 : 1; /* reads are many and alike */
		do {
			snprintf(fault, sizeof(fault), "%s@%u", places[i], n + 1);
			n += step;
		} while (!run_failing(*state, fault) && n < 2000);
	}
}

/* More packs than may wait for a run, and no room for one: they are found all the same. */
static void test_vault__opens_on_a_full_disk(void **state)
{
	struct fixture *fixture = *state;
	struct lf_chunk_id ids[20];
	uint8_t data[LF_PAGE_SIZE];
	uint8_t have[LF_N(ids) / 8 + 1];
	struct lf_error err;

	lf_fault_set("vault-run-write=enospc@1");
	for (size_t i = 0; i < LF_N(ids); i++) {
		fill_noise(data, sizeof(data), i + 1);
		assert_lf_ok(lf_vault_put(fixture->vault, data, sizeof(data), &ids[i], &err));
		assert_lf_ok(lf_vault_flush(fixture->vault, &err));
	}
	fixture_reopen(fixture);
	assert_lf_ok(lf_vault_have(fixture->vault, ids, LF_N(ids), have, &err));
	for (size_t i = 0; i < LF_N(ids); i++)
		assert_true(have[i / 8] >> (i % 8) & 1);
	lf_fault_set(NULL);
	fixture_reopen(fixture);
	assert_whole(fixture->vault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_vault__keeps_what_it_acknowledged_when_killed_anywhere, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(test_vault__goes_on_after_a_full_or_failing_disk,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_vault__opens_on_a_full_disk, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
