/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "arm/router.h"
#include "providers/registry.h"

static struct lf_error err;

static const struct lf_arm_route rows[] = {
	{.method = "GET", .path = "/things/{name}"},
	{.method = "PUT", .path = "/things/{thing}"},
	{.method = "POST", .path = "/things/special"},
	{.method = "GET", .path = "/things/{name}/parts/{part}"},
	{.method = "GET", .path = "/things/special/parts"},
};
static const struct lf_arm_provider provider = {.routes = rows, .n_routes = 5};
static const struct lf_arm_provider *const providers[] = {&provider};

/* Row for method and raw path; -1: none, -2: other methods only. */
static int find(const struct lf_router *router, const char *method, const char *raw,
		struct lf_route_match *match)
{
	static struct lf_path path;

	lf_path_done(&path);
	assert_lf_ok(lf_path_parse(raw, &path, &err));
	lf_router_find(router, method, &path, match);
	return match->route ? (int)(match->route - rows) : match->path_known ? -2 : -1;
}

static void test_router__finds_rows_in_any_case(void **state)
{
	struct lf_router *router = NULL;
	struct lf_route_match match;

	(void)state;
	assert_lf_ok(lf_router_new(providers, 1, &router, &err));
	assert_int_equal(find(router, "GET", "/THINGS/Abc", &match), 0);
	assert_int_equal(match.n_params, 1);
	assert_string_equal(match.param_values[0], "Abc");
	assert_memory_equal(match.param_names[0], "name", 4);
	assert_int_equal(match.param_lens[0], 4);
	assert_int_equal(find(router, "PUT", "//things//x/", &match), 1);
	assert_memory_equal(match.param_names[0], "thing", 5);
	assert_int_equal(find(router, "GET", "/things/a%20b/parts/7", &match), 3);
	assert_string_equal(match.param_values[0], "a b");
	assert_string_equal(match.param_values[1], "7");
	assert_int_equal(find(router, "POST", "/things/SPECIAL", &match), 2);
	/* a literal that leads nowhere does not hide the parameter */
	assert_int_equal(find(router, "GET", "/things/special/parts/7", &match), 3);
	assert_int_equal(find(router, "GET", "/things/special/parts", &match), 4);
	/* methods are told apart, with case */
	assert_int_equal(find(router, "DELETE", "/things/x", &match), -2);
	assert_int_equal(find(router, "get", "/things/x", &match), -2);
	assert_int_equal(find(router, "GET", "/things", &match), -1);
	assert_int_equal(find(router, "GET", "/", &match), -1);
	assert_int_equal(find(router, "GET", "/things/x/y", &match), -1);
	find(router, "GET", "/", &match);
	lf_router_free(router);
}

static void test_router__refuses_two_rows_for_one_path(void **state)
{
	static const struct lf_arm_route again[] = {{.method = "GET", .path = "/Things/{other}"}};
	static const struct lf_arm_provider second = {.routes = again, .n_routes = 1};
	static const struct lf_arm_provider *const both[] = {&provider, &second};
	struct lf_router *router = NULL;

	(void)state;
	assert_int_equal(lf_router_new(both, 2, &router, &err), LF_EEXISTS);
	assert_null(router);
}

static void test_registry__routes_are_found_by_their_own_paths(void **state)
{
	size_t n = 0, rows_seen = 0;
	const struct lf_arm_provider *const *all = lf_registry_providers(&n);
	struct lf_router *router = NULL;

	(void)state;
	assert_lf_ok(lf_router_new(all, n, &router, &err));
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < all[i]->n_routes; j++, rows_seen++) {
			const struct lf_arm_route *row = &all[i]->routes[j];
			LF_AUTO_PATH path = {0};
			struct lf_route_match match;
			/* the template itself is a path: "{name}" is a name like any other */
			assert_lf_ok(lf_path_parse(row->path, &path, &err));
			lf_router_find(router, row->method, &path, &match);
			assert_ptr_equal(match.route, row);
			assert_ptr_equal(match.provider, all[i]);
			/* an open row asks for no right, every other one does */
			assert_true((match.right != NULL) != ((row->flags & LF_ARM_OPEN) != 0));
			assert_non_null(row->handler);
			for (size_t k = 0; k < row->n_fields; k++)
				assert_true(row->fields[k].type != LF_ENUM ||
					    row->fields[k].values);
		}
	}
	assert_true(rows_seen > 50);
	lf_router_free(router);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_router__finds_rows_in_any_case),
		cmocka_unit_test(test_router__refuses_two_rows_for_one_path),
		cmocka_unit_test(test_registry__routes_are_found_by_their_own_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
