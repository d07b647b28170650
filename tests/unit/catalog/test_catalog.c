/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/fault.h"
#include "catalog/catalog.h"

struct fixture {
	char *dir;
	struct lf_clock *clock;
	struct lf_catalog *catalog;
};

static void open_catalog(struct fixture *f)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/catalog.db", f->dir);

	assert_lf_ok(lf_catalog_open(path, f->clock, &f->catalog, &err));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir = NULL;

	if (!f || test_dir_setup(&dir))
		return -1;
	f->dir = dir;
	f->clock = lf_clock_new_manual(1000);
	open_catalog(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	lf_catalog_free(f->catalog);
	lf_clock_free(f->clock);
	free(f);
	return test_dir_teardown(&dir);
}

static int put(struct fixture *f, const char *id, enum lf_put_mode mode, int value,
	       struct lf_error *err)
{
	LF_AUTO_JSON *doc = json_pack("{s:i}", "value", value);

	return lf_catalog_put(f->catalog, id, "Test/things", mode, NULL, doc, NULL, err);
}

static void test_put__of_what_was_deleted_since_it_was_read_is_refused(void **state)
{
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;

	/* who changes a resource gives no type */
	assert_int_equal(
		lf_catalog_put(f->catalog, "/gone", NULL, LF_PUT_ANY, NULL, NULL, NULL, &err),
		LF_ENOTFOUND);
}

static void test_transaction__ends_once(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	struct lf_error err = LF_ERROR_NONE;

	assert_int_equal(lf_transaction_commit(&tx, &err), LF_EINTERNAL);
	assert_lf_ok(lf_transaction_begin(&tx, f->catalog, &err));
	assert_lf_ok(lf_transaction_commit(&tx, &err));
	assert_int_equal(lf_transaction_commit(&tx, &err), LF_EINTERNAL);
}

static int64_t get(struct fixture *f, const char *id)
{
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	struct lf_error err = LF_ERROR_NONE;

	if (lf_catalog_get(f->catalog, id, &resource, &err))
		return -1;
	return lf_json_int_or(resource.doc, "value", -2);
}

static void test_put__keeps_the_case_it_was_written_with_and_finds_any(void **state)
{
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;

	assert_lf_ok(put(f, "/Subs/A", LF_PUT_NEW, 1, &err));
	assert_int_equal(put(f, "/subs/a", LF_PUT_NEW, 2, &err), LF_EEXISTS);
	assert_lf_ok(put(f, "/SUBS/a", LF_PUT_EXISTING, 3, &err));
	assert_lf_ok(lf_catalog_get(f->catalog, "/subs/A", &resource, &err));
	assert_string_equal(resource.id, "/Subs/A");
	assert_int_equal(lf_json_int_or(resource.doc, "value", 0), 3);
	assert_int_equal(put(f, "/subs/b", LF_PUT_EXISTING, 3, &err), LF_ENOTFOUND);
}

static void test_put__keeps_what_is_not_given_and_checks_the_etag(void **state)
{
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE after = LF_RESOURCE_INIT;
	LF_AUTO_JSON *secret = json_pack("{s:s}", "key", "x");

	assert_lf_ok(put(f, "/a", LF_PUT_ANY, 1, &err));
	assert_lf_ok(lf_catalog_get(f->catalog, "/a", &before, &err));
	assert_lf_ok(lf_catalog_put(f->catalog, "/a", NULL, LF_PUT_EXISTING, before.etag, NULL,
				    secret, &err));
	assert_int_equal(lf_catalog_put(f->catalog, "/a", NULL, LF_PUT_EXISTING, before.etag, NULL,
					secret, &err),
			 LF_EPRECONDITION);
	assert_lf_ok(lf_catalog_get(f->catalog, "/a", &after, &err));
	assert_int_equal(lf_json_int_or(after.doc, "value", 0), 1);
	assert_string_equal(lf_json_text(after.state, "key"), "x");
	assert_string_equal(after.type, "Test/things");
}

static void test_list__pages_by_type_below_an_id(void **state)
{
	static const char *const ids[] = {"/s/g/a", "/s/g/B", "/s/g/c", "/s/g2/d", "/s/g/b/sub"};
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_RESOURCE_LIST first = {0};
	LF_AUTO_RESOURCE_LIST second = {0};

	for (size_t i = 0; i < LF_N(ids); i++)
		assert_lf_ok(put(f, ids[i], LF_PUT_NEW, (int)i, &err));
	struct lf_list_query query = {.type = "test/THINGS", .below = "/S/g", .limit = 2};
	assert_lf_ok(lf_catalog_list(f->catalog, &query, &first, &err));
	assert_int_equal(first.n, 2);
	assert_true(first.more);
	assert_string_equal(first.items[1].id, "/s/g/B");
	query.after = first.items[1].id;
	assert_lf_ok(lf_catalog_list(f->catalog, &query, &second, &err));
	assert_int_equal(second.n, 2);
	assert_false(second.more);
	assert_string_equal(second.items[1].id, "/s/g/c");
}

static void test_count__is_of_what_a_list_would_show(void **state)
{
	static const char *const ids[] = {"/s/g/a", "/s/g/B", "/s/g2/d", "/s/g/b/sub"};
	static const struct {
		const char *type, *below;
		size_t n;
	} asked[] = {{"test/THINGS", "/S/G", 3}, {"Test/things", NULL, 4}, {NULL, "/s", 4},
		     {NULL, "/s/g2", 1},	 {"Test/other", "/s", 0},  {NULL, "/s/g/a", 0}};
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	size_t n = 0;

	assert_lf_ok(lf_transaction_begin(&tx, f->catalog, &err));
	for (size_t i = 0; i < LF_N(ids); i++)
		assert_lf_ok(put(f, ids[i], LF_PUT_NEW, (int)i, &err));
	for (size_t i = 0; i < LF_N(asked); i++) {
		assert_lf_ok(lf_catalog_count(f->catalog, asked[i].type, asked[i].below, &n, &err));
		assert_int_equal(n, asked[i].n);
	}
}

static void test_list__finds_by_the_last_name_alone(void **state)
{
	static const char *const ids[] = {"/s/g/name", "/s/h/NAME", "/s/g/rename", "/s/name/x"};
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_RESOURCE_LIST none = {0};

	for (size_t i = 0; i < LF_N(ids); i++)
		assert_lf_ok(put(f, ids[i], LF_PUT_NEW, (int)i, &err));
	struct lf_list_query query = {.type = "Test/things", .named = "Name"};
	assert_lf_ok(lf_catalog_list(f->catalog, &query, &list, &err));
	assert_int_equal(list.n, 2);
	assert_string_equal(list.items[0].id, "/s/g/name");
	assert_string_equal(list.items[1].id, "/s/h/NAME");
	query.named = "%";
	assert_lf_ok(lf_catalog_list(f->catalog, &query, &none, &err));
	assert_int_equal(none.n, 0);
}

static void test_delete_tree__takes_children_and_no_neighbours(void **state)
{
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;

	assert_lf_ok(put(f, "/s/g", LF_PUT_NEW, 1, &err));
	assert_lf_ok(put(f, "/s/G/x", LF_PUT_NEW, 2, &err));
	assert_lf_ok(put(f, "/s/g2", LF_PUT_NEW, 3, &err));
	assert_lf_ok(lf_catalog_delete_tree(f->catalog, "/S/g", &err));
	assert_int_equal(get(f, "/s/g"), -1);
	assert_int_equal(get(f, "/s/g/x"), -1);
	assert_int_equal(get(f, "/s/g2"), 3);
}

static void test_transaction__is_all_or_nothing_and_survives_reopening(void **state)
{
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_FREE char *value = NULL;

	assert_lf_ok(lf_transaction_begin(&tx, f->catalog, &err));
	assert_lf_ok(put(f, "/a", LF_PUT_NEW, 1, &err));
	assert_int_equal(get(f, "/a"), 1);
	lf_transaction_rollback(&tx);
	assert_int_equal(get(f, "/a"), -1);
	assert_lf_ok(lf_transaction_begin(&tx, f->catalog, &err));
	assert_lf_ok(put(f, "/a", LF_PUT_NEW, 2, &err));
	assert_lf_ok(lf_catalog_setting_put(f->catalog, "s", "v", &err));
	assert_lf_ok(lf_transaction_commit(&tx, &err));
	lf_catalog_free(f->catalog);
	open_catalog(f);
	assert_int_equal(get(f, "/a"), 2);
	assert_lf_ok(lf_catalog_setting_get(f->catalog, "s", &value, &err));
	assert_string_equal(value, "v");
	assert_int_equal(lf_catalog_setting_get(f->catalog, "none", &value, &err), LF_ENOTFOUND);
}

static void test_write__that_fails_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;

	assert_lf_ok(put(f, "/a", LF_PUT_NEW, 1, &err));
	lf_fault_set("catalog-write=enospc");
	assert_int_equal(put(f, "/a", LF_PUT_ANY, 2, &err), LF_ENOSPACE);
	lf_fault_set(NULL);
	assert_int_equal(get(f, "/a"), 1);
	assert_lf_ok(put(f, "/a", LF_PUT_ANY, 3, &err));
	assert_int_equal(get(f, "/a"), 3);
}

static void test_put__makes_nothing_that_its_own_url_would_not_find(void **state)
{
	static const char *const bad[] = {
		"a",
		"/a/../b",
		"/a//b",
		"/a/",
		"/a/b\nc",
		"/a/%2e%2e/b",
		"/a/?b",
		"/a/\xff",
		"/a/virtualMachines/b c",
		"/a/disks/b/",
		"/a/storageAccounts/B",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < LF_N(bad); i++) {
		struct lf_error err = LF_ERROR_NONE;
		if (put(f, bad[i], LF_PUT_ANY, 1, &err) != LF_EINVAL || get(f, bad[i]) != -1)
			fail_msg("'%s' was made", bad[i]);
	}
}

/* Write two rows in one scope, and fail between them when asked to. */
static int put_two(struct fixture *f, const char *a, const char *b, bool fail)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	struct lf_error err = LF_ERROR_NONE;

	int rc = lf_transaction_begin(&tx, f->catalog, &err);
	if (!rc)
		rc = put(f, a, LF_PUT_NEW, 1, &err);
	if (!rc && fail)
		return LF_EIO;
	if (!rc)
		rc = put(f, b, LF_PUT_NEW, 2, &err);
	return rc ? rc : lf_transaction_commit(&tx, &err);
}

static void test_scope__takes_back_what_it_wrote_unless_it_commits(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put_two(f, "/a", "/b", true), LF_EIO);
	assert_int_equal(get(f, "/a"), -1);
	assert_false(lf_catalog_in_transaction(f->catalog));
	assert_int_equal(put_two(f, "/a", "/b", false), 0);
	assert_int_equal(get(f, "/a"), 1);
	assert_int_equal(get(f, "/b"), 2);
	assert_false(lf_catalog_in_transaction(f->catalog));
}

static void test_scope__inside_another_fails_alone_and_commits_with_it(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	struct lf_error err = LF_ERROR_NONE;

	assert_lf_ok(lf_transaction_begin(&tx, f->catalog, &err));
	assert_lf_ok(put(f, "/outer", LF_PUT_NEW, 0, &err));
	assert_int_equal(put_two(f, "/a", "/b", true), LF_EIO);
	assert_int_equal(put_two(f, "/c", "/d", false), 0);
	assert_true(lf_catalog_in_transaction(f->catalog));
	assert_int_equal(get(f, "/a"), -1);
	assert_lf_ok(lf_transaction_commit(&tx, &err));
	assert_int_equal(get(f, "/outer"), 0);
	assert_int_equal(get(f, "/c"), 1);
	assert_int_equal(get(f, "/d"), 2);
}

static void test_scope__takes_back_what_inner_ones_committed(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	struct lf_error err = LF_ERROR_NONE;

	assert_lf_ok(lf_transaction_begin(&tx, f->catalog, &err));
	assert_int_equal(put_two(f, "/a", "/b", false), 0);
	lf_transaction_rollback(&tx);
	assert_int_equal(get(f, "/a"), -1);
	assert_int_equal(get(f, "/b"), -1);
	assert_int_equal(lf_transaction_commit(&tx, &err), LF_EINTERNAL);
}

static void test_find__answers_that_nothing_is_there(void **state)
{
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	bool there = true;

	assert_lf_ok(lf_catalog_find(f->catalog, "/a", &resource, &there, &err));
	assert_false(there);
	assert_null(resource.id);
	assert_int_equal(err.code, 0);
	assert_lf_ok(put(f, "/a", LF_PUT_NEW, 1, &err));
	assert_lf_ok(lf_catalog_find(f->catalog, "/A", &resource, &there, &err));
	assert_true(there);
	assert_string_equal(resource.id, "/a");
}

/* Set both documents to the number given; a negative one is refused after the change. */
static int set_value(struct lf_resource *resource, void *argument, struct lf_error *err)
{
	int value = *(int *)argument;

	if (lf_json_set_int(resource->doc, "value", value) |
	    lf_json_set_int(resource->state, "value", value))
		return lf_fail_nomem(err);
	return value < 0 ? lf_fail(err, LF_EINVAL, NULL, "negative") : 0;
}

static void test_change__writes_both_documents_or_nothing(void **state)
{
	struct fixture *f = *state;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	int value = 5;

	assert_int_equal(lf_catalog_change(f->catalog, "/a", set_value, &value, &err),
			 LF_ENOTFOUND);
	assert_lf_ok(put(f, "/a", LF_PUT_NEW, 1, &err));
	assert_lf_ok(lf_catalog_change(f->catalog, "/a", set_value, &value, &err));
	value = -1;
	assert_int_equal(lf_catalog_change(f->catalog, "/a", set_value, &value, &err), LF_EINVAL);
	assert_lf_ok(lf_catalog_get(f->catalog, "/a", &resource, &err));
	assert_int_equal(lf_json_int_or(resource.doc, "value", 0), 5);
	assert_int_equal(lf_json_int_or(resource.state, "value", 0), 5);
}

#define WITH_CATALOG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CATALOG(test_put__keeps_the_case_it_was_written_with_and_finds_any),
		WITH_CATALOG(test_put__keeps_what_is_not_given_and_checks_the_etag),
		WITH_CATALOG(test_list__pages_by_type_below_an_id),
		WITH_CATALOG(test_count__is_of_what_a_list_would_show),
		WITH_CATALOG(test_list__finds_by_the_last_name_alone),
		WITH_CATALOG(test_delete_tree__takes_children_and_no_neighbours),
		WITH_CATALOG(test_transaction__is_all_or_nothing_and_survives_reopening),
		WITH_CATALOG(test_put__makes_nothing_that_its_own_url_would_not_find),
		WITH_CATALOG(test_write__that_fails_changes_nothing),
		WITH_CATALOG(test_put__of_what_was_deleted_since_it_was_read_is_refused),
		WITH_CATALOG(test_transaction__ends_once),
		WITH_CATALOG(test_scope__takes_back_what_it_wrote_unless_it_commits),
		WITH_CATALOG(test_scope__inside_another_fails_alone_and_commits_with_it),
		WITH_CATALOG(test_scope__takes_back_what_inner_ones_committed),
		WITH_CATALOG(test_find__answers_that_nothing_is_there),
		WITH_CATALOG(test_change__writes_both_documents_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
