/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each operation of a vault with its n-th allocation failing, and its n-th
 * read, write, sync and rename, for all n until it ends without.  It says so
 * with the right code, the vault is whole, and the same operation succeeds
 * afterwards.  LF_TEST_LONG=1: everything is checked after every n.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

#include "vault_fixture.h"

#include "base/fault.h"
#include "vault/care/care.h"
#include "vault/map/ahead.h"
#include "vault/flow/copy.h"
#include "vault/flow/ingest.h"
#include "vault/flow/prints.h"
#include "vault/care/usage.h"
#include "vault/lease.h"
#include "vault/vault_internal.h"

#define PAGES 60u
#define BYTES ((uint64_t)PAGES * LF_PAGE_SIZE - 1000) /* the last page is not a whole one */

/* Allocations: the linker sends those of our objects here (meson.build). */

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *old, size_t len);
void *__real_reallocarray(void *old, size_t n, size_t len);
void *__real_aligned_alloc(size_t align, size_t len);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
int __real_vasprintf(char **text, const char *fmt, va_list args);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap_reallocarray(void *old, size_t n, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
int __wrap_vasprintf(char **text, const char *fmt, va_list args);
json_t *__real_json_loadb(const char *text, size_t len, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t len, size_t flags, json_error_t *error);

static atomic_uint allocations, failed_allocations;
static unsigned fail_at; /* 0: never */
static bool fail_all;	 /* and all that come later */
/* Allocations of a parser at work: jansson 2.14 crashes when any but its first one fails. */
static _Thread_local unsigned parsing;

static bool fails(void)
{
	if (!fail_at || (parsing && parsing++ > 1))
		return false;
	unsigned now = atomic_fetch_add(&allocations, 1) + 1;
	if (now != fail_at && !(fail_all && now > fail_at))
		return false;
	atomic_fetch_add(&failed_allocations, 1);
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t len)
{
	return fails() ? NULL : __real_malloc(len);
}
void *__wrap_calloc(size_t n, size_t len)
{
	return fails() ? NULL : __real_calloc(n, len);
}
void *__wrap_realloc(void *old, size_t len)
{
	return fails() ? NULL : __real_realloc(old, len);
}
void *__wrap_reallocarray(void *old, size_t n, size_t len)
{
	return fails() ? NULL : __real_reallocarray(old, n, len);
}
void *__wrap_aligned_alloc(size_t align, size_t len)
{
	return fails() ? NULL : __real_aligned_alloc(align, len);
}
char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}
char *__wrap_strndup(const char *text, size_t len)
{
	return fails() ? NULL : __real_strndup(text, len);
}
int __wrap_vasprintf(char **text, const char *fmt, va_list args)
{
	return fails() ? -1 : __real_vasprintf(text, fmt, args);
}

json_t *__wrap_json_loadb(const char *text, size_t len, size_t flags, json_error_t *error)
{
	parsing = 1;
	json_t *doc = __real_json_loadb(text, len, flags, error);
	parsing = 0;
	return doc;
}

/* What the operations work on. */

struct sweep {
	struct fixture *fixture;
	uint64_t round; /* new content for each */
	char disk[256], prints[256], out[256], trace[256];
	uint8_t now[PAGES * LF_PAGE_SIZE]; /* what is on the disk */
	struct lf_root base, root;
	uint64_t changed[PAGES + 1];
	size_t changed_count;
	struct lf_root kept; /* of a point that is always there */
	uint8_t kept_bytes[PAGES * LF_PAGE_SIZE];
	char point[LF_GUID_SIZE], session[LF_GUID_SIZE];
	struct lf_vault *other; /* of the same domain */
};

static void write_disk(struct sweep *sweep)
{
	struct lf_error err;
	int fd = open(sweep->disk, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_lf_ok(lf_file_pwrite_all(fd, sweep->now, BYTES, 0, sweep->disk, &err));
	close(fd);
}

/* A tenth are zeroes, a third is there already. */
static void new_disk(struct sweep *sweep)
{
	memset(sweep->now, 0, sizeof(sweep->now));
	sweep->round++;
	for (uint64_t i = 0; i < PAGES; i++)
		if (i % 10 != 3)
			fill_noise(sweep->now + i * LF_PAGE_SIZE, LF_PAGE_SIZE,
				   i % 3 ? sweep->round * 1000 + i : i + 1);
	memset(sweep->now + BYTES, 0, sizeof(sweep->now) - BYTES);
	write_disk(sweep);
}

static int ingest(struct sweep *sweep, const struct lf_root *base, bool prints, bool list,
		  struct lf_error *err)
{
	struct lf_ingest_result result;
	struct lf_ingest_opts opts = {.path = sweep->disk,
				      .base = base,
				      .prints = prints ? sweep->prints : NULL,
				      .changed = list ? sweep->changed : NULL,
				      .changed_count = list ? sweep->changed_count : 0,
				      .threads = 1 + sweep->round % 2};
	int rc = lf_ingest(sweep->fixture->vault, &opts, &result, err);

	if (!rc)
		sweep->root = result.root;
	return rc;
}

static void check_disk(struct lf_vault *vault, const struct lf_root *root, const uint8_t *expected)
{
	static uint8_t bytes[PAGES * LF_PAGE_SIZE];
	struct lf_error err;

	assert_lf_ok(lf_map_read(vault, root, bytes, sizeof(bytes), 0, &err));
	assert_memory_equal(bytes, expected, sizeof(bytes));
}

static void check_root(struct sweep *sweep)
{
	check_disk(sweep->fixture->vault, &sweep->root, sweep->now);
}

static int ingest_full(struct sweep *sweep, struct lf_error *err)
{
	return ingest(sweep, NULL, true, false, err);
}

/* A disk that is in the vault, and changes to it. */
static void change_disk(struct sweep *sweep)
{
	struct lf_error err;

	new_disk(sweep);
	assert_lf_ok(ingest_full(sweep, &err));
	sweep->base = sweep->root;
	sweep->changed_count = 0;
	for (uint64_t i = sweep->round % 7; i < PAGES; i += 9) {
		sweep->changed[sweep->changed_count++] = i;
		if (i % 5) /* else zeroes now */
			fill_noise(sweep->now + i * LF_PAGE_SIZE, LF_PAGE_SIZE,
				   sweep->round * 7777 + i);
		else
			memset(sweep->now + i * LF_PAGE_SIZE, 0, LF_PAGE_SIZE);
	}
	sweep->changed[sweep->changed_count++] = PAGES + 5; /* behind the end */
	memset(sweep->now + BYTES, 0, sizeof(sweep->now) - BYTES);
	write_disk(sweep);
}

static int ingest_by_prints(struct sweep *sweep, struct lf_error *err)
{
	return ingest(sweep, &sweep->base, true, false, err);
}

static int ingest_by_list(struct sweep *sweep, struct lf_error *err)
{
	return ingest(sweep, &sweep->base, sweep->round % 3 == 0, true, err);
}

static int commit_edit(struct sweep *sweep, struct lf_error *err)
{
	struct lf_vault *vault = sweep->fixture->vault;
	struct lf_map_edit *edit = NULL;
	int rc = lf_map_edit_begin(vault, NULL, &edit, err);

	for (uint64_t i = 0; !rc && i < PAGES; i++) {
		struct lf_extent extent = {.page = i, .pages = 1};
		rc = lf_vault_put(vault, sweep->now + i * LF_PAGE_SIZE, LF_PAGE_SIZE, &extent.chunk,
				  err);
		if (!rc)
			rc = lf_map_edit_put(edit, &extent, err);
	}
	if (!rc)
		rc = lf_map_edit_commit(edit, &sweep->root, err);
	lf_map_edit_free(edit);
	return rc;
}

static int put_and_drop(struct sweep *sweep, struct lf_error *err)
{
	struct lf_vault *vault = sweep->fixture->vault;
	LF_AUTO_JSON *got = NULL;
	uint8_t bits[1];
	int rc = lf_lease_begin(vault, sweep->session, err);

	if (!rc)
		rc = lf_vault_have(vault, &sweep->kept.node, 1, bits, err);
	if (!rc)
		rc = lf_claim_put(vault, sweep->point, "lock", 5, err);
	if (!rc)
		rc = lf_point_get(vault, sweep->point, &got, err);
	if (!rc)
		rc = lf_point_put(vault, sweep->session, got, "retention", 5, err);
	if (!rc)
		rc = lf_claim_drop(vault, sweep->session, "retention", err);
	return rc ? rc : lf_lease_end(vault, sweep->session, err);
}

static void close_other(struct sweep *sweep)
{
	lf_vault_free(sweep->other);
	sweep->other = NULL;
}

static void close_vault(struct sweep *sweep)
{
	fixture_close(sweep->fixture);
}

static int open_vault(struct sweep *sweep, struct lf_error *err)
{
	struct fixture *fixture = sweep->fixture;

	return fixture->vault
		       ? 0
		       : lf_vault_open(fixture->store, fixture->key, NULL, &fixture->vault, err);
}

static void reopen_vault(struct sweep *sweep)
{
	fixture_reopen(sweep->fixture); /* nothing is cached */
}

static int read_disk(struct sweep *sweep, struct lf_error *err)
{
	static uint8_t bytes[PAGES * LF_PAGE_SIZE];
	int rc = lf_map_read(sweep->fixture->vault, &sweep->kept, bytes, sizeof(bytes), 0, err);

	if (!rc)
		assert_memory_equal(bytes, sweep->kept_bytes, sizeof(bytes));
	return rc;
}

static void begin_export(struct sweep *sweep)
{
	reopen_vault(sweep);
	unlink(sweep->out);
	sweep->round++;
}

static int export_disk(struct sweep *sweep, struct lf_error *err)
{
	static const enum lf_export_format formats[] = {LF_EXPORT_RAW, LF_EXPORT_QCOW2,
							LF_EXPORT_VHD};
	struct lf_export_opts opts = {.format = formats[sweep->round % 3], .threads = 1};
	int rc = lf_export_file(sweep->fixture->vault, &sweep->kept, BYTES, sweep->out, &opts, err);

	/* half a disk is never left, unless all of it is there and only its name may not last */
	if (rc && rc != LF_ENOMEM && rc != LF_EIO)
		assert_int_equal(access(sweep->out, F_OK), -1);
	unlink(sweep->out);
	return rc;
}

static void make_garbage(struct sweep *sweep)
{
	struct lf_error err;

	new_disk(sweep);
	assert_lf_ok(ingest_full(sweep, &err));
}

static int collect_garbage(struct sweep *sweep, bool compact, struct lf_error *err)
{
	struct lf_collect_opts opts = {.now_ns = 10, .compact = compact, .threads = 1};
	LF_AUTO_JSON *report = NULL;

	return lf_vault_collect(sweep->fixture->vault, &opts, &report, err);
}

static int collect_only(struct sweep *sweep, struct lf_error *err)
{
	return collect_garbage(sweep, false, err);
}

static int compact_packs(struct sweep *sweep, struct lf_error *err)
{
	return collect_garbage(sweep, true, err);
}

static int verify_vault(struct sweep *sweep, struct lf_error *err)
{
	LF_AUTO_JSON *faults = NULL;

	int rc = lf_vault_verify(sweep->fixture->vault, NULL, &faults, err);

	if (!rc && fail_at) /* memory that is short is no fault of the vault's */
		assert_int_equal(json_array_size(faults), 0);
	return rc;
}

static int ask_around(struct sweep *sweep, struct lf_error *err)
{
	struct lf_vault *vault = sweep->fixture->vault;
	LF_AUTO_JSON *points = NULL, *stats = NULL, *usage = NULL, *freed = NULL;
	LF_AUTO_JSON *drop = json_pack("{s:b}", sweep->point, 1);
	int rc = lf_point_list(vault, &points, NULL, err);

	if (!rc)
		rc = lf_vault_stats(vault, &stats, err);
	if (!rc)
		rc = lf_vault_explain(vault, sweep->point, &usage, err);
	return rc ? rc : lf_vault_simulate(vault, drop, &freed, err);
}

static int read_ahead(struct sweep *sweep, struct lf_error *err)
{
	struct lf_ahead *ahead = NULL;
	int rc =
		lf_ahead_new(sweep->fixture->vault, &sweep->kept, BYTES, sweep->trace, &ahead, err);

	if (rc)
		return rc;
	lf_ahead_note(ahead, 0, 8192);
	lf_ahead_note(ahead, 8192, 8192);
	lf_ahead_settle(ahead);
	lf_ahead_free(ahead);
	return 0;
}

/* Another vault without anything in it. */
static void make_other(struct sweep *sweep)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/other", sweep->fixture->dir);
	struct lf_error err;

	close_other(sweep);
	assert_lf_ok(lf_dir_remove(dir, &err));
	assert_lf_ok(lf_vault_init_like(dir, sweep->fixture->key,
					lf_vault_key(sweep->fixture->vault)->id_key, &err));
	assert_lf_ok(lf_vault_open(dir, sweep->fixture->key, NULL, &sweep->other, &err));
}

static int copy_disk(struct sweep *sweep, struct lf_error *err)
{
	struct lf_copy_opts opts = {.size_bytes = BYTES};
	struct lf_copy_result result;
	int rc = lf_vault_copy_disk(sweep->fixture->vault, sweep->other, &sweep->kept, &opts,
				    &result, err);

	return rc;
}

static void check_other(struct sweep *sweep)
{
	check_disk(sweep->other, &sweep->kept, sweep->kept_bytes);
	assert_whole(sweep->other);
}

static int damage_pack(void *context, const char *name, struct lf_error *err)
{
	const struct sweep *sweep = context;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/packs/%s", sweep->fixture->store, name);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte = 0;

	(void)err;
	assert_int_equal(pread(fd, &byte, 1, 100), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, 100), 1);
	close(fd);
	return 0;
}

/* A record of each pack is damaged; another vault has what it held of the point. */
static void damage_vault(struct sweep *sweep)
{
	LF_AUTO_FREE char *packs = lf_printf_dup("%s/packs", sweep->fixture->store);
	struct lf_error err;

	make_other(sweep);
	assert_lf_ok(copy_disk(sweep, &err));
	assert_lf_ok(lf_dir_list(packs, damage_pack, sweep, &err));
	reopen_vault(sweep);
}

static int repair_vault(struct sweep *sweep, struct lf_error *err)
{
	LF_AUTO_JSON *report = NULL;

	return lf_vault_repair(sweep->fixture->vault, sweep->other, 10, &report, err);
}

static void check_repaired(struct sweep *sweep)
{
	assert_whole(sweep->fixture->vault);
	check_disk(sweep->fixture->vault, &sweep->kept, sweep->kept_bytes);
}

static int rekey_vault(struct sweep *sweep, struct lf_error *err)
{
	return lf_vault_rekey(sweep->fixture->vault, sweep->fixture->key, err);
}

static const struct operation {
	const char *name;
	void (*prepare)(struct sweep *sweep);
	int (*run)(struct sweep *sweep, struct lf_error *err);
	void (*check)(struct sweep *sweep); /* what it made */
} operations[] = {
	{"ingest", new_disk, ingest_full, check_root},
	{"ingest by prints", change_disk, ingest_by_prints, check_root},
	{"ingest by list", change_disk, ingest_by_list, check_root},
	{"commit", new_disk, commit_edit, check_root},
	{"point", NULL, put_and_drop, NULL},
	{"open", close_vault, open_vault, NULL},
	{"read", reopen_vault, read_disk, NULL},
	{"export", begin_export, export_disk, NULL},
	{"collect", make_garbage, collect_only, NULL},
	{"compact", make_garbage, compact_packs, NULL},
	{"verify", reopen_vault, verify_vault, NULL},
	{"ask", reopen_vault, ask_around, NULL},
	{"ahead", reopen_vault, read_ahead, NULL},
	{"copy", make_other, copy_disk, check_other},
	{"repair", damage_vault, repair_vault, check_repaired},
	{"rekey", NULL, rekey_vault, NULL},
};

/* How the n-th of something fails. */
static const struct failure {
	const char *name; /* NULL: allocations, one; "": all from the n-th on */
	int code, other;
} failures[] = {
	{NULL, LF_ENOMEM},
	{"", LF_ENOMEM},
	{"file-read=eio", LF_EIO},
	{"file-eof=eio", LF_ECORRUPT, LF_EIO},
	{"file-write=enospc", LF_ENOSPACE},
	{"file-sync=eio", LF_EIO},
	{"file-rename=enospc", LF_ENOSPACE},
	{"vault-run-write=enospc", LF_ENOSPACE},
	{"file-short=eio", 0},
};

static void arm(const struct failure *failure, unsigned n)
{
	char list[64];

	if (failure->name && failure->name[0]) {
		snprintf(list, sizeof(list), "%s@%u", failure->name, n);
		lf_fault_set(list);
		return;
	}
	allocations = failed_allocations = 0;
	fail_all = failure->name;
	fail_at = n;
}

/* How many failed. */
static unsigned disarm(void)
{
	unsigned count = lf_fault_count() + failed_allocations;

	fail_at = 0;
	failed_allocations = 0;
	lf_fault_set(NULL);
	return count;
}

static void check_vault(struct sweep *sweep)
{
	struct lf_error err;

	assert_lf_ok(collect_garbage(sweep, false, &err));
	assert_whole(sweep->fixture->vault);
	check_disk(sweep->fixture->vault, &sweep->kept, sweep->kept_bytes);
	fixture_reopen(sweep->fixture);
	assert_whole(sweep->fixture->vault);
	check_disk(sweep->fixture->vault, &sweep->kept, sweep->kept_bytes);
}

static void fail_run(const struct operation *operation, const struct failure *failure, unsigned n,
		     int rc, const struct lf_error *err)
{
	fail_msg("%s, %s at %u: %s: %s", operation->name,
		 failure->name ? failure->name : "allocation", n, lf_error_name(rc), err->message);
}

/* False: it came to its end without a failure. */
static bool run_one(struct sweep *sweep, const struct operation *operation,
		    const struct failure *failure, unsigned n)
{
	struct lf_error err = LF_ERROR_NONE;

	if (operation->prepare)
		operation->prepare(sweep);
	arm(failure, n);
	int rc = operation->run(sweep, &err);
	unsigned failed = disarm();
	if (rc && (!failed || (rc != failure->code && rc != failure->other)))
		fail_run(operation, failure, n, rc, &err);
	rc = rc ? operation->run(sweep, &err) : 0; /* the same again, as it should be */
	if (rc)
		fail_run(operation, failure, n, rc, &err);
	if (operation->check)
		operation->check(sweep);
	return failed > 0;
}

static bool is_long(void)
{
	const char *text = getenv("LF_TEST_LONG");

	return text && strcmp(text, "1") == 0;
}

static void sweep_operation(struct sweep *sweep, const struct operation *operation,
			    const struct failure *failure)
{
	unsigned n = 1, step = 1;

	/* what cannot be read is what a repair takes out of a vault */
	if (operation->run == repair_vault && (failure->code == LF_EIO || failure->other) &&
	    strncmp(failure->name, "file-sync", 9) != 0)
		return;
	while (run_one(sweep, operation, failure, n)) {
		if (is_long() || n % 32 == 0)
			check_vault(sweep);
		/* in short, what is far from the beginning is looked at here and there */
		n += step;
		if (!is_long() && n > 60)
			step = n / 20;
		if (n > 20000)
			fail_msg("%s does not end", operation->name);
	}
	check_vault(sweep);
	close_other(sweep);
	if (getenv("LF_TEST_VERBOSE"))
		print_message("%s, %s: %u\n", operation->name,
			      failure->name ? failure->name : "allocation", n - 1);
}

static void sweep_begin(struct sweep *sweep, struct fixture *fixture)
{
	struct lf_error err;

	sweep->fixture = fixture;
	snprintf(sweep->disk, sizeof(sweep->disk), "%s/disk", fixture->dir);
	snprintf(sweep->prints, sizeof(sweep->prints), "%s/prints", fixture->dir);
	snprintf(sweep->out, sizeof(sweep->out), "%s/out", fixture->dir);
	snprintf(sweep->trace, sizeof(sweep->trace), "%s/trace", fixture->dir);
	lf_guid_random(sweep->point);
	lf_guid_random(sweep->session);
	new_disk(sweep);
	assert_lf_ok(ingest_full(sweep, &err));
	sweep->kept = sweep->root;
	memcpy(sweep->kept_bytes, sweep->now, sizeof(sweep->now));
	put_point(fixture->vault, sweep->point, &sweep->kept, BYTES);
}

static void sweep_all(void **state, size_t first, size_t end)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	sweep_begin(sweep, *state);
	for (size_t i = 0; i < LF_N(operations); i++)
		for (size_t j = first; j < end; j++)
			sweep_operation(sweep, &operations[i], &failures[j]);
	free(sweep);
}

static void test_vault__bears_every_allocation_failing(void **state)
{
	sweep_all(state, 0, 2);
}

static void test_vault__bears_every_file_failing(void **state)
{
	sweep_all(state, 2, LF_N(failures));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vault__bears_every_allocation_failing),
		TEST(test_vault__bears_every_file_failing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
