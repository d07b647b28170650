/* SPDX-License-Identifier: Apache-2.0 */
/* Catalogs of other versions, damaged ones, and rows that cannot be read. */
#include "test.h"

#include <sqlite3.h>

#include "base/health.h"
#include "catalog/jobrows.h"

struct fixture {
	char *dir, *path;
	struct lf_clock *clock;
};

static struct lf_error err;

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir = NULL;

	if (!f || test_memory_dir_setup(&dir))
		return -1;
	f->dir = dir;
	f->path = lf_printf_dup("%s/catalog.db", f->dir);
	f->clock = lf_clock_new_manual(1000);
	*state = f;
	return f->path ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	lf_clock_free(f->clock);
	free(f->path);
	free(f);
	return test_dir_teardown(&dir);
}

static struct lf_catalog *open_catalog(struct fixture *f)
{
	struct lf_catalog *catalog = NULL;

	assert_lf_ok(lf_catalog_open(f->path, f->clock, &catalog, &err));
	return catalog;
}

static int open_fails(struct fixture *f)
{
	struct lf_catalog *catalog = NULL;
	int rc = lf_catalog_open(f->path, f->clock, &catalog, &err);

	lf_catalog_free(catalog);
	return rc;
}

/* What somebody else does to the file. */
static void run_sql(struct fixture *f, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int version_of(struct fixture *f)
{
	sqlite3 *db;
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return version;
}

static void put(struct lf_catalog *catalog, const char *id)
{
	LF_AUTO_JSON *doc = json_pack("{s:s}", "name", id);

	assert_lf_ok(lf_catalog_put(catalog, id, "Test/things", LF_PUT_ANY, NULL, doc, NULL, &err));
}

static void test_catalog__of_a_newer_version_is_left_as_it_is(void **state)
{
	struct fixture *f = *state;

	lf_catalog_free(open_catalog(f));
	assert_int_equal(version_of(f), 1);
	run_sql(f, "PRAGMA user_version = 99");
	assert_int_equal(open_fails(f), LF_EUNSUPPORTED);
	assert_non_null(strstr(err.hint, "newer version"));
	assert_int_equal(version_of(f), 99);
	run_sql(f, "PRAGMA user_version = 1");
	lf_catalog_free(open_catalog(f));
}

static void test_catalog__that_is_damaged_is_not_opened(void **state)
{
	struct fixture *f = *state;
	struct lf_catalog *catalog = open_catalog(f);
	char id[64];

	for (unsigned i = 0; i < 2000; i++) {
		snprintf(id, sizeof(id), "/things/%04u", i);
		put(catalog, id);
	}
	lf_catalog_free(catalog);
	FILE *file = fopen(f->path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	long size = ftell(file);
	for (long at = 8192; at + 4096 <= size;
	     at += 3 * 4096) { /* pages in the middle of the tree */
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		for (unsigned i = 0; i < 4096; i++)
			assert_int_equal(fputc(0xa5, file), 0xa5);
	}
	assert_int_equal(fclose(file), 0);
	assert_int_equal(open_fails(f), LF_ECORRUPT);
	assert_int_equal(truncate(f->path, 10000), 0);
	assert_int_equal(open_fails(f), LF_ECORRUPT);
}

static void expect_list(struct lf_catalog *catalog, const char *type, size_t n)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST list = {0};

	assert_lf_ok(lf_catalog_list(catalog, &query, &list, &err));
	assert_int_equal(list.n, n);
	for (size_t i = 0; i < list.n; i++) {
		assert_true(json_is_object(list.items[i].doc));
		assert_true(json_is_object(list.items[i].state));
	}
}

static void test_list__goes_on_past_rows_that_cannot_be_read(void **state)
{
	static const char *const damage[] = {
		"UPDATE resources SET doc = '{\"name\":' WHERE key = '/things/b'",
		"UPDATE resources SET doc = '' WHERE key = '/things/b'",
		"UPDATE resources SET doc = '[]' WHERE key = '/things/b'",
		"UPDATE resources SET doc = x'7b22ff227d' WHERE key = '/things/b'",
		"UPDATE resources SET state = 'null' WHERE key = '/things/b'",
		"UPDATE resources SET id = 'x' WHERE key = '/things/b'",
	};
	struct fixture *f = *state;
	struct lf_resource thing = LF_RESOURCE_INIT;

	for (size_t i = 0; i < LF_N(damage); i++) {
		struct lf_catalog *catalog = open_catalog(f);
		put(catalog, "/things/a");
		put(catalog, "/things/b");
		put(catalog, "/things/c");
		expect_list(catalog, "Test/things", 3);
		lf_catalog_free(catalog);
		run_sql(f, damage[i]);
		catalog = open_catalog(f);
		expect_list(catalog, "Test/things", 2);
		expect_list(catalog, NULL, 2);
		assert_int_equal(lf_health_count(), 1);
		assert_int_equal(lf_catalog_get(catalog, "/things/b", &thing, &err), LF_ECORRUPT);
		assert_lf_ok(lf_catalog_delete(catalog, "/things/b", &err));
		expect_list(catalog, "Test/things", 2);
		lf_catalog_free(catalog);
		lf_health_clear("catalog-row", "x");
		assert_int_equal(lf_health_count(), 0);
	}
}

static void test_list__pages_past_rows_that_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	struct lf_catalog *catalog = open_catalog(f);
	struct lf_list_query query = {.type = "Test/things", .limit = 2};
	LF_AUTO_RESOURCE_LIST first = {0}, second = {0};

	for (unsigned i = 0; i < 5; i++) {
		char id[] = "/things/a";
		id[8] = (char)('a' + i);
		put(catalog, id);
	}
	lf_catalog_free(catalog);
	run_sql(f, "UPDATE resources SET doc = '?' WHERE key = '/things/b'");
	catalog = open_catalog(f);
	assert_lf_ok(lf_catalog_list(catalog, &query, &first, &err));
	assert_int_equal(first.n, 2);
	assert_true(first.more);
	assert_string_equal(first.items[1].id, "/things/c");
	query.after = first.items[1].id;
	assert_lf_ok(lf_catalog_list(catalog, &query, &second, &err));
	assert_int_equal(second.n, 2);
	assert_false(second.more);
	lf_catalog_free(catalog);
	lf_health_clear("catalog-row", "/things/b");
}

static void test_job_rows__that_cannot_be_read_are_left_out(void **state)
{
	struct fixture *f = *state;
	struct lf_catalog *catalog = open_catalog(f);
	const struct lf_jobrow_query all = {.unfinished = true};
	LF_AUTO_JSON *body = json_pack("{s:s}", "id", "x");
	LF_AUTO_JSON *bodies = NULL;

	for (unsigned i = 0; i < 3; i++) {
		const char *const ids[] = {"one", "two", "three"};
		const struct lf_jobrow row = {.id = ids[i],
					      .type = "t",
					      .scope = "/s",
					      .resource = "/r",
					      .created_ns = i,
					      .body = body};
		assert_lf_ok(lf_jobrow_put(catalog, &row, &err));
	}
	lf_catalog_free(catalog);
	run_sql(f, "UPDATE jobs SET body = 'no' WHERE id = 'two'");
	catalog = open_catalog(f);
	assert_lf_ok(lf_jobrow_list(catalog, &all, &bodies, &err));
	assert_int_equal(json_array_size(bodies), 2);
	assert_int_equal(lf_health_count(), 1);
	lf_health_clear("job-row", "two");
	lf_catalog_free(catalog);
}

static void test_expire__keeps_the_newest_jobs(void **state)
{
	struct fixture *f = *state;
	struct lf_catalog *catalog = open_catalog(f);
	const struct lf_jobrow_query all = {0};
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_JSON *bodies = NULL;
	bool more = false;
	char id[32];

	assert_lf_ok(lf_transaction_begin(&tx, catalog, &err));
	for (unsigned i = 0; i < 1200; i++) {
		snprintf(id, sizeof(id), "%u", i);
		LF_AUTO_JSON *body = json_pack("{s:s}", "id", id);
		const struct lf_jobrow row = {.id = id,
					      .type = "t",
					      .scope = "/s",
					      .resource = "/r",
					      .final = i != 3,
					      .created_ns = i,
					      .body = body};
		assert_lf_ok(lf_jobrow_put(catalog, &row, &err));
	}
	assert_lf_ok(lf_transaction_commit(&tx, &err));
	assert_lf_ok(lf_jobrow_expire(catalog, 0, 100, &more, &err));
	assert_true(more);
	while (more)
		assert_lf_ok(lf_jobrow_expire(catalog, 0, 100, &more, &err));
	assert_lf_ok(lf_jobrow_list(catalog, &all, &bodies, &err));
	assert_int_equal(json_array_size(bodies), 101);
	assert_string_equal(lf_json_text(bodies, "0.id"), "1199");
	assert_string_equal(lf_json_text(bodies, "99.id"), "1100");
	assert_string_equal(lf_json_text(bodies, "100.id"), "3"); /* not finished */
	lf_catalog_free(catalog);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(test_catalog__of_a_newer_version_is_left_as_it_is),
		WITH_DIR(test_catalog__that_is_damaged_is_not_opened),
		WITH_DIR(test_list__goes_on_past_rows_that_cannot_be_read),
		WITH_DIR(test_list__pages_past_rows_that_cannot_be_read),
		WITH_DIR(test_job_rows__that_cannot_be_read_are_left_out),
		WITH_DIR(test_expire__keeps_the_newest_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
