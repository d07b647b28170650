/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole table of operations and the right that each asks for, as it is (rights.txt): a change
 * of a row or of the rule is a change of that file, which somebody reads.  "by hand" stands where
 * the right is not the one that follows from method and path.
 */
#include "agreed.h"

#include "providers/registry.h"

static struct lf_error err;

static bool is_by_hand(const struct lf_arm_route *row, const char *right)
{
	struct lf_arm_route plain = *row;
	LF_AUTO_FREE char *derived = NULL;

	plain.action = NULL;
	return right && (lf_route_right(&plain, &derived, &err) || strcmp(derived, right) != 0);
}

/* Names of parameters change nothing. */
static void append_path(struct lf_buf *line, const char *path)
{
	for (const char *p = path; *p; p++) {
		lf_buf_append(line, p, 1);
		if (*p == '{')
			p = strchr(p, '}') - 1;
	}
}

static char *line_of(const struct lf_arm_route *row)
{
	struct lf_buf line = LF_BUF_INIT;
	LF_AUTO_FREE char *right = NULL;

	assert_lf_ok(lf_route_right(row, &right, &err));
	append_path(&line, row->path);
	lf_buf_printf(&line, " %s: %s%s\n", row->method, right ? right : "(open)",
		      is_by_hand(row, right) ? " by hand" : "");
	return lf_buf_take(&line);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_table(struct lf_buf *table)
{
	char *lines[1000];
	size_t n_providers, n = 0;
	const struct lf_arm_provider *const *all = lf_registry_providers(&n_providers);

	for (size_t i = 0; i < n_providers; i++)
		for (size_t j = 0; j < all[i]->n_routes; j++) {
			assert_true(n < LF_N(lines));
			lines[n] = line_of(&all[i]->routes[j]);
			assert_non_null(lines[n++]);
		}
	qsort(lines, n, sizeof(*lines), compare);
	for (size_t i = 0; i < n; i++) {
		lf_buf_puts(table, lines[i]);
		free(lines[i]);
	}
}

static void test_rights__are_those_that_were_agreed(void **state)
{
	LF_AUTO_BUF table = LF_BUF_INIT;

	(void)state;
	print_table(&table);
	assert_agreed(__FILE__, "rights", &table);
}

static void check(const char *method, const char *path, const char *expected)
{
	const struct lf_arm_route row = {.method = method, .path = path};
	LF_AUTO_FREE char *right = NULL;

	assert_lf_ok(lf_route_right(&row, &right, &err));
	assert_string_equal(right, expected);
}

static void test_right__follows_from_method_and_path(void **state)
{
	(void)state;
	check("GET", LF_GROUP_PATH "/providers/A.B/things/{name}/parts", "A.B/things/parts/read");
	check("PUT", LF_GROUP_PATH "/providers/A.B/things/{name}", "A.B/things/write");
	check("PATCH", LF_GROUP_PATH "/providers/A.B/things/{name}", "A.B/things/write");
	check("DELETE", LF_GROUP_PATH "/providers/A.B/things/{name}", "A.B/things/delete");
	check("POST", LF_GROUP_PATH "/providers/A.B/things/{name}/stop", "A.B/things/stop/action");
	/* of two namespaces the one that is deeper in the path */
	check("GET", LF_GROUP_PATH "/providers/A.B/things/{name}/providers/C.D/parts/{part}",
	      "C.D/parts/read");
	check("GET", LF_GROUP_PATH, "Microsoft.Resources/subscriptions/resourceGroups/read");
}

static void test_right__that_follows_from_nothing_is_refused(void **state)
{
	const struct lf_arm_route open = {
		.method = "GET", .path = "/providers/A.B/things", .flags = LF_ARM_OPEN};
	const struct lf_arm_route bad[] = {
		{.method = "GET", .path = "/providers/{namespace}/things"},
		{.method = "TRACE", .path = "/providers/A.B/things"}};
	char *right = NULL;

	(void)state;
	for (size_t i = 0; i < LF_N(bad); i++)
		assert_int_equal(lf_route_right(&bad[i], &right, &err), LF_EINTERNAL);
	assert_lf_ok(lf_route_right(&open, &right, &err));
	assert_null(right);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights__are_those_that_were_agreed),
		cmocka_unit_test(test_right__follows_from_method_and_path),
		cmocka_unit_test(test_right__that_follows_from_nothing_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
