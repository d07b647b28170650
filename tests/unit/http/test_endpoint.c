/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/endpoint.h"
#include "http_standin.h"

#define GUID "11111111-2222-4333-8444-555555555555"

static struct lf_error err;

struct ask {
	struct lf_endpoint_ask at;
	char *kept; /* freed by done */
};

static struct {
	unsigned served, ended, done;
	int ended_code;
	size_t sunk;
	char name[65], guid[LF_GUID_SIZE], member[16];
} seen;

static int serve(struct lf_endpoint_ask *at, struct lf_error *e)
{
	(void)e;
	seen.served++;
	snprintf(seen.name, sizeof(seen.name), "%s", at->name);
	snprintf(seen.guid, sizeof(seen.guid), "%s", at->guid);
	snprintf(seen.member, sizeof(seen.member), "%s", lf_json_text_or(at->doc, "member", ""));
	return lf_endpoint_answer_empty(at);
}

static int refuse(struct lf_endpoint_ask *at, struct lf_error *e)
{
	(void)at;
	return lf_fail(e, LF_ECONFLICT, NULL, "not now");
}

static int answer_bits(struct lf_endpoint_ask *at, struct lf_error *e)
{
	uint8_t *bits = calloc(1, 2);

	(void)e;
	return lf_endpoint_answer_bits(at, bits, 9);
}

static int sink(struct lf_endpoint_ask *at, const void *data, size_t len, struct lf_error *e)
{
	(void)data;
	assert_non_null(((struct ask *)at)->kept);
	seen.sunk += len;
	return len > 4 ? lf_fail(e, LF_ENOSPACE, NULL, "full") : 0;
}

static int admit(struct lf_endpoint_ask *at, struct lf_error *e)
{
	const char *given = lf_http_header(at->x, "Authorization");

	((struct ask *)at)->kept = strdup("kept");
	if (at->route && at->route->flags & LF_ENDPOINT_OPEN)
		return 0;
	if (!given)
		return lf_fail(e, LF_EUNAUTHENTICATED, NULL, "who asks?");
	snprintf(at->who, sizeof(at->who), "%s", given);
	return 0;
}

static void ended(struct lf_endpoint_ask *at, const struct lf_error *e)
{
	(void)at;
	seen.ended++;
	seen.ended_code = e->code;
}

static void done(struct lf_endpoint_ask *at)
{
	seen.done++;
	free(((struct ask *)at)->kept);
}

static const struct lf_endpoint_route routes[] = {
	{"GET", "ca", LF_ENDPOINT_OPEN, 0, serve},
	{"POST", "%/*/say", LF_ENDPOINT_JSON, 100, serve},
	{"POST", "%/*/refuse", 0, 100, refuse},
	{"POST", "%/*/bits", 0, 100, answer_bits},
	{"POST", "%/*/sink", 0, 100, serve, NULL, sink},
	{"DELETE", "%/*", 0, 0, serve},
};

/* The status of the answer; who NULL: nobody is known. */
static int call(const char *method, const char *path, const char *who, const char *body)
{
	const struct lf_endpoint_opts opts = {.root = "/x/v1/",
					      .routes = routes,
					      .n_routes = LF_N(routes),
					      .ask_size = sizeof(struct ask),
					      .admit = admit,
					      .ended = ended,
					      .done = done};
	struct lf_endpoint *endpoint = NULL;
	struct lf_http_exchange x = {.method = method,
				     .path = path,
				     .body = body,
				     .body_len = strlen(body),
				     .n = who ? 1 : 0,
				     .names = {"Authorization"},
				     .values = {who}};

	memset(&seen, 0, sizeof(seen));
	assert_lf_ok(lf_endpoint_open(&opts, &endpoint, &err));
	assert_true(lf_endpoint_matches(endpoint, &x));
	standin_call(lf_endpoint_handler(endpoint), &x);
	int status = x.status;
	standin_done(&x);
	lf_endpoint_free(endpoint);
	assert_int_equal(seen.ended, 1);
	assert_int_equal(seen.done, 1);
	return status;
}

static void test_route__names_what_is_asked(void **state)
{
	(void)state;
	assert_int_equal(call("POST", "/x/v1/west-1/" GUID "/say", "me", "{\"member\":\"m\"}"),
			 204);
	assert_string_equal(seen.name, "west-1");
	assert_string_equal(seen.guid, GUID);
	assert_string_equal(seen.member, "m");
	assert_int_equal(seen.ended_code, 0);
	assert_int_equal(call("DELETE", "/x/v1/west/" GUID, "me", ""), 204);
	assert_int_equal(call("GET", "/x/v1/ca", NULL, ""), 204);
	assert_int_equal(call("POST", "/x/v1/west/" GUID "/bits", "me", ""), 200);
}

static void test_path__that_is_no_route_is_404_for_who_is_known(void **state)
{
	static const char *const paths[] = {
		"/x/v1/",
		"/x/v1/west",
		"/x/v1/west/" GUID "/",
		"/x/v1/West/" GUID,
		"/x/v1//" GUID,
		"/x/v1/west/" GUID "/say/more",
		"/x/v1/west/x/say",
		"/x/v1/west/" GUID "0/say",
		"/x/v1/west/../say",
		"/x/v1/west/" GUID,
	};

	(void)state;
	for (size_t i = 0; i < LF_N(paths); i++) {
		assert_int_equal(call("POST", paths[i], "me", ""), 404);
		assert_int_equal(call("POST", paths[i], NULL, ""), 401);
		assert_int_equal(seen.served, 0);
	}
}

static void test_body__is_looked_at_once_it_is_known_who_sends_it(void **state)
{
	(void)state;
	assert_int_equal(call("POST", "/x/v1/west/" GUID "/say", NULL, "{"), 401);
	assert_int_equal(call("POST", "/x/v1/west/" GUID "/say", "me", "{"), 400);
	assert_int_equal(seen.served, 0);
	assert_int_equal(seen.ended_code, LF_EINVAL);
	assert_int_equal(call("POST", "/x/v1/west/" GUID "/refuse", "me", ""), 409);
	assert_int_equal(seen.ended_code, LF_ECONFLICT);
}

static void test_sink__takes_the_body_as_it_comes(void **state)
{
	(void)state;
	assert_int_equal(call("POST", "/x/v1/west/" GUID "/sink", "me", "abc"), 204);
	assert_int_equal(seen.sunk, 3);
	assert_int_equal(call("POST", "/x/v1/west/" GUID "/sink", "me", "abcdef"), 507);
	assert_int_equal(seen.served, 0);
	assert_int_equal(seen.ended_code, LF_ENOSPACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route__names_what_is_asked),
		cmocka_unit_test(test_path__that_is_no_route_is_404_for_who_is_known),
		cmocka_unit_test(test_body__is_looked_at_once_it_is_known_who_sends_it),
		cmocka_unit_test(test_sink__takes_the_body_as_it_comes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
