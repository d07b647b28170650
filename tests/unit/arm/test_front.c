/* SPDX-License-Identifier: Apache-2.0 */
/* The front over a real connection: who serves a request, and what nobody's request can do. */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "arm/arm.h"
#include "base/health.h"
#include "base/text.h"
#include "crypto/tls.h"
#include "wire.h"

#define TENANT "11111111-1111-4111-8111-111111111111"
#define OWNER  "22222222-2222-4222-8222-222222222222"

static struct lf_error err;
static struct {
	char dir[32];
	struct lf_arm_opts opts;
	const char *base_url;
	struct lf_arm *arm;
	struct lf_http_server *server;
	atomic_bool there; /* what the mount serves has come into being */
	sem_t looked;	   /* at a request's head */
	atomic_uint mounted;
} site;

static bool mount_matches(void *context, const struct lf_http_exchange *x)
{
	bool there = atomic_load(&site.there) && strncmp(lf_http_path(x), "/late", 5) == 0;

	(void)context;
	sem_post(&site.looked);
	return there;
}

static int mount_begin(void *context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	(void)context;
	ret_begin->body_max = 1000;
	if (lf_http_header(x, "Authorization"))
		return 0;
	lf_http_status(x, 401);
	lf_http_answer_copy(x, "text/plain", "who are you?");
	return LF_EUNAUTHENTICATED;
}

static void mount_complete(void *context, struct lf_http_exchange *x, int sink_error,
			   const struct lf_error *sink_err)
{
	(void)context, (void)sink_error, (void)sink_err;
	atomic_fetch_add(&site.mounted, 1);
	lf_http_status(x, 200);
	lf_http_answer_copy(x, "text/plain", "everything");
}

static int echo(struct lf_arm_call *call, struct lf_error *e)
{
	LF_AUTO_JSON *doc = json_pack("{s:s,s:s}", "name", lf_arm_param(call, "name"), "url",
				      lf_arm_base_url(call));

	return doc ? lf_arm_reply(call, 200, doc, e) : lf_fail_nomem(e);
}

/* Asks for what its route has not got. */
static int stray(struct lf_arm_call *call, struct lf_error *e)
{
	LF_AUTO_JSON *doc = json_pack("{s:s,s:s}", "other", lf_arm_param(call, "other"), "up",
				      lf_arm_id(call, 30));

	return doc ? lf_arm_reply(call, 200, doc, e) : lf_fail_nomem(e);
}

/* A target that no client sent: the answer has to be made all the same. */
static int fail_strangely(struct lf_arm_call *call, struct lf_error *e)
{
	memset(e, 0, sizeof(*e));
	e->code = LF_EINVAL;
	snprintf(e->target, sizeof(e->target), "\377%s", lf_arm_param(call, "name"));
	return LF_EINVAL;
}

/* What the system said to the site, and what was written for its clients. */
static int fail_by_system(struct lf_arm_call *call, struct lf_error *e)
{
	(void)call;
	lf_fail_sys(e, EIO, "/site/catalog.db", "cannot read /site/catalog.db");
	return lf_error_hint(e, "mount /site again");
}

static int fail_for_clients(struct lf_arm_call *call, struct lf_error *e)
{
	(void)call;
	return lf_fail_arm(e, LF_EUNREACHABLE, "AgentIsAway", "vm", "start it",
			   "the machine's agent does not answer");
}

static int say_nothing(struct lf_arm_call *call, struct lf_error *e)
{
	(void)call, (void)e;
	return 0;
}

static const struct lf_arm_route routes[] = {
	{.method = "POST", .path = "/open/{name}", .handler = echo, .flags = LF_ARM_OPEN},
	{.method = "GET", .path = "/open/{name}", .handler = echo, .flags = LF_ARM_OPEN},
	{.method = "GET", .path = "/stray", .handler = stray, .flags = LF_ARM_OPEN},
	{.method = "GET",
	 .path = "/strange/{name}",
	 .handler = fail_strangely,
	 .flags = LF_ARM_OPEN},
	LF_GET("/broken", fail_by_system, .flags = LF_ARM_OPEN),
	LF_GET("/away", fail_for_clients, .flags = LF_ARM_OPEN),
	{.method = "GET", .path = "/silent", .handler = say_nothing, .flags = LF_ARM_OPEN},
	{.method = "PUT",
	 .path = "/closed/{name}",
	 .handler = echo,
	 .action = "Test/x/write",
	 .flags = LF_ARM_NO_VERSION},
};
static const struct lf_arm_provider provider = {.routes = routes, .n_routes = LF_N(routes)};

/* A refusal by the code that the path names. */
static int refuse_by(struct lf_arm_call *call, struct lf_error *e)
{
	return lf_fail_arm(e, strcmp(lf_arm_param(call, "kind"), "gone") ? LF_EINVAL : LF_ENOTFOUND,
			   lf_arm_param(call, "code"), "properties.x", "mend it", "it is wrong");
}

static const struct lf_arm_route documented_routes[] = {
	LF_GET("/documented/{kind}/{code}", refuse_by, .flags = LF_ARM_OPEN),
};
static const char *const documented_codes[] = {"InvalidParameter", "ResourceNotFound",
					       "PointNotFound", NULL};
static const struct lf_arm_provider documented = {.routes = documented_routes,
						  .n_routes = LF_N(documented_routes),
						  .error_codes = documented_codes};

static void open_parts(void)
{
	static const char *const names[] = {"a", "site.example", "::1", NULL};

	LF_AUTO_FREE char *catalog = lf_printf_dup("%s/catalog.db", site.dir);
	LF_AUTO_FREE char *jwk = NULL;

	site.opts.clock = lf_clock_new_real(1);
	site.base_url = "https://127.0.0.1";
	site.opts.base_url = &site.base_url;
	site.opts.names = names;
	site.opts.tenant_id = TENANT;
	site.opts.owner_id = OWNER;
	assert_lf_ok(lf_catalog_open(catalog, site.opts.clock, &site.opts.catalog, &err));
	assert_lf_ok(lf_token_key_new(&jwk, &err));
	assert_lf_ok(
		lf_token_keys_load((const char *const[]){jwk}, 1, &site.opts.token_keys, &err));
}

static int group_setup(void **state)
{
	static const struct lf_arm_provider *const providers[] = {&provider, &documented};
	static const char *const names[] = {"127.0.0.1", NULL};
	const struct lf_arm_mount mount = {
		mount_matches, {mount_begin, mount_complete, NULL}, NULL};
	LF_AUTO_FREE char *ca = NULL, *ca_key = NULL, *cert = NULL, *key = NULL;
	int64_t now = (int64_t)time(NULL) * LF_NS_PER_S;

	(void)state;
	sem_init(&site.looked, 0, 0);
	snprintf(site.dir, sizeof(site.dir), "/tmp/landfall-test-XXXXXX");
	assert_non_null(mkdtemp(site.dir));
	open_parts();
	site.opts.providers = providers;
	site.opts.n_providers = LF_N(providers);
	assert_lf_ok(lf_arm_open(&site.opts, &site.arm, &err));
	assert_lf_ok(lf_arm_mount(site.arm, &mount, &err));
	assert_lf_ok(lf_ca_new("Landfall test", now, &ca, &ca_key, &err));
	assert_lf_ok(lf_ca_issue_server(ca, ca_key, names, now, 1, &cert, &key, &err));
	const struct lf_http_server_opts opts = {
		.address = "127.0.0.1", .certificate_pem = cert, .key_pem = key, .threads = 2};
	assert_lf_ok(lf_http_server_open(&opts, lf_arm_http_handler(site.arm), &site.server, &err));
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	lf_http_server_free(site.server);
	lf_arm_free(site.arm);
	lf_token_keys_free(site.opts.token_keys);
	lf_catalog_free(site.opts.catalog);
	lf_clock_free(site.opts.clock);
	return lf_dir_remove(site.dir, &err);
}

/* One request on a connection of its own; all that comes back. */
static const char *ask(const char *text)
{
	static struct wire wire;

	wire_open(&wire, lf_http_server_port(site.server));
	wire_send(&wire, text);
	wire_read(&wire, NULL);
	wire_close(&wire);
	return wire.text;
}

#define END " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"

static void test_request__stays_with_the_handler_that_was_chosen_at_its_head(void **state)
{
	static struct wire wire;

	(void)state;
	atomic_store(&site.there, false);
	wire_open(&wire, lf_http_server_port(site.server));
	wire_send(&wire, "PUT /late/blob" END "Content-Length: 4\r\n\r\nab");
	assert_int_equal(sem_wait(&site.looked), 0);
	atomic_store(&site.there, true);
	wire_send(&wire, "cd");
	assert_memory_equal(wire_read(&wire, NULL), "HTTP/1.1 404", 12);
	wire_close(&wire);
	assert_int_equal(site.mounted, 0);
	/* begun after it came into being it is the mount's, which asks who is calling */
	assert_memory_equal(ask("PUT /late/blob" END "Content-Length: 4\r\n\r\nabcd"),
			    "HTTP/1.1 401", 12);
	assert_int_equal(site.mounted, 0);
	assert_non_null(strstr(ask("GET /late/blob" END "Authorization: x\r\n\r\n"), "everything"));
	assert_int_equal(site.mounted, 1);
	atomic_store(&site.there, false);
}

static void test_call_of_nobody__is_refused_before_its_body(void **state)
{
	static struct wire wire;

	(void)state;
	/* the body never comes: who waits for leave to send it is refused at once */
	wire_open(&wire, lf_http_server_port(site.server));
	wire_send(&wire, "PUT /closed/x" END "Expect: 100-continue\r\nContent-Length: 900\r\n\r\n");
	assert_memory_equal(wire_read(&wire, NULL), "HTTP/1.1 401", 12);
	wire_close(&wire);
	/* a body that is sent all the same is dropped, and the connection goes on */
	wire_open(&wire, lf_http_server_port(site.server));
	wire_send(&wire, "PUT /closed/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n{x}"
			 "GET /open/next" END "\r\n");
	wire_read(&wire, NULL);
	assert_memory_equal(wire.text, "HTTP/1.1 401", 12);
	assert_non_null(strstr(wire.text, "\"name\":\"next\""));
	wire_close(&wire);
}

static void test_open_route__takes_small_bodies_alone(void **state)
{
	LF_AUTO_BUF text = LF_BUF_INIT;

	(void)state;
	lf_buf_printf(&text, "POST /open/x" END "Content-Length: %d\r\n\r\n{\"a\":\"%065000d\"}",
		      65008, 0);
	assert_memory_equal(ask(lf_buf_text(&text)), "HTTP/1.1 200", 12);
	lf_buf_clear(&text);
	lf_buf_printf(&text, "POST /open/x" END "Content-Length: %d\r\n\r\n{\"a\":\"%066000d\"}",
		      66008, 0);
	assert_memory_equal(ask(lf_buf_text(&text)), "HTTP/1.1 413", 12);
}

static void test_bytes_that_are_no_text__are_the_senders_fault(void **state)
{
	static const char *const requests[] = {"GET /providers/%FF",
					       "GET /subscriptions/x/providers/%FF/y",
					       "GET /open/%C3",
					       "GET /open/\377",
					       "GET /open/%ED%A0%80",
					       "GET /open/x?$filter=%FF",
					       "GET /open/x?api-version=\377",
					       "GET /open/%00",
					       "PUT /closed/%FF",
					       "GET /late/%FF"};

	(void)state;
	atomic_store(&site.there, true);
	for (size_t i = 0; i < LF_N(requests); i++) {
		LF_AUTO_FREE char *text = lf_printf_dup("%s" END "\r\n", requests[i]);
		const char *answer = ask(text);
		assert_memory_equal(answer, "HTTP/1.1 400", 12);
		assert_non_null(strstr(answer, "\"code\":\"InvalidRequestUri\""));
	}
	atomic_store(&site.there, false);
	assert_memory_equal(ask("GET /open/x" END "X-Note: \377\r\n\r\n"), "HTTP/1.1 400", 12);
	assert_memory_equal(ask("GET /open/x" END "X-Note: \303\274\r\n\r\n"), "HTTP/1.1 200", 12);
}

static void test_long_text__is_cut_between_characters(void **state)
{
	LF_AUTO_BUF text = LF_BUF_INIT;

	(void)state;
	for (int shift = 0; shift < 3; shift++) {
		lf_buf_clear(&text);
		lf_buf_printf(&text, "GET /providers/%.*s", shift, "xx");
		for (int i = 0; i < 600; i++)
			lf_buf_puts(&text, "%C3%BC");
		lf_buf_puts(&text, END "\r\n");
		const char *answer = ask(lf_buf_text(&text));
		assert_memory_equal(answer, "HTTP/1.1 404", 12);
		assert_non_null(strstr(answer, "\"code\":\"InvalidResourceNamespace\""));
		assert_non_null(strstr(answer, "\303\274\""));
	}
}

static void test_answer_that_cannot_be_made__is_the_constant_one(void **state)
{
	struct lf_health_condition conditions[LF_HEALTH_MAX];

	(void)state;
	const char *answer = ask("GET /strange/x" END "\r\n");
	assert_memory_equal(answer, "HTTP/1.1 500", 12);
	assert_non_null(strstr(answer, "could not make an answer"));
	assert_int_equal(lf_health_read(conditions, LF_HEALTH_MAX, NULL), 1);
	assert_string_equal(conditions[0].name, "http-answer");
	lf_health_clear("http-answer", "");
}

static void test_handler_that_does_not_fit_its_route__is_an_error_of_the_server(void **state)
{
	(void)state;
	const char *answer = ask("GET /stray" END "\r\n");
	assert_memory_equal(answer, "HTTP/1.1 500", 12);
	assert_non_null(strstr(answer, "\"code\":\"InternalServerError\""));
}

static void test_error__has_the_code_that_the_documents_name_and_its_own_in_the_details(
	void **state)
{
	static const struct {
		const char *path, *code, *own; /* NULL: no details */
	} cases[] = {
		{"wrong/InvalidVmSize", "InvalidParameter", "InvalidVmSize"},
		{"wrong/NetworkNotFound", "ResourceNotFound", "NetworkNotFound"},
		{"gone/PolicyIsAway", "ResourceNotFound", "PolicyIsAway"},
		{"gone/PointNotFound", "PointNotFound", NULL},
		{"wrong/InvalidParameter", "InvalidParameter", NULL},
	};

	(void)state;
	for (size_t i = 0; i < LF_N(cases); i++) {
		LF_AUTO_FREE char *path =
			lf_printf_dup("GET /documented/%s" END "\r\n", cases[i].path);
		LF_AUTO_FREE char *code =
			lf_printf_dup("{\"error\":{\"code\":\"%s\"", cases[i].code);
		LF_AUTO_FREE char *own = lf_printf_dup("\"details\":[{\"code\":\"%s\"",
						       cases[i].own ? cases[i].own : "");
		const char *answer = ask(path);
		assert_non_null(strstr(answer, code));
		if (cases[i].own)
			assert_non_null(strstr(answer, own));
		else
			assert_non_null(strstr(answer, "\"details\":[]"));
		assert_non_null(strstr(answer, "Mend it."));
	}
}

static void test_error__tells_a_tenant_nothing_of_the_sites_inside(void **state)
{
	(void)state;
	const char *answer = ask("GET /broken" END "\r\n");
	assert_memory_equal(answer, "HTTP/1.1 500", 12);
	assert_non_null(strstr(answer, "The site could not do this; its log says why."));
	assert_null(strstr(answer, "/site"));
	assert_null(strstr(answer, "nput/output error"));
	answer = ask("GET /away" END "\r\n");
	assert_memory_equal(answer, "HTTP/1.1 503", 12);
	assert_non_null(strstr(answer, "The machine's agent does not answer."));
	assert_non_null(strstr(answer, "\"target\":\"vm\""));
	assert_non_null(strstr(answer, "Start it."));
}

static void test_host__comes_back_if_it_is_the_sites_own(void **state)
{
	static const struct {
		const char *host, *url;
	} cases[] = {{"site.example", "https://site.example\""},
		     {"SITE.example:8443", "https://SITE.example:8443\""},
		     {"[::1]:1", "https://[::1]:1\""},
		     {"other.example", "https://127.0.0.1\""},
		     {"site.example.other", "https://127.0.0.1\""},
		     {"site.example:", "https://127.0.0.1\""},
		     {"site.example:x", "https://127.0.0.1\""},
		     {"site.example:1@other", "https://127.0.0.1\""},
		     {"[::1", "https://127.0.0.1\""},
		     {"", "https://127.0.0.1\""}};

	(void)state;
	for (size_t i = 0; i < LF_N(cases); i++) {
		LF_AUTO_FREE char *text = lf_printf_dup(
			"GET /open/x HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
			cases[i].host);
		LF_AUTO_FREE char *url = lf_printf_dup("\"url\":\"%s", cases[i].url);
		const char *answer = ask(text);
		assert_memory_equal(answer, "HTTP/1.1 200", 12);
		assert_non_null(strstr(answer, url));
	}
}

static int status_of(const char *audience, const char *host, const char *principal)
{
	json_int_t now = lf_clock_now_ns(site.opts.clock) / LF_NS_PER_S;
	LF_AUTO_JSON *claims = json_pack("{s:s,s:s,s:I,s:I,s:s}", "aud", audience, "iss",
					 "urn:landfall:tenant:" TENANT, "nbf", now, "exp",
					 now + 600, "oid", principal);
	LF_AUTO_FREE char *token = NULL;

	assert_lf_ok(lf_token_sign(site.opts.token_keys, claims, &token, &err));
	LF_AUTO_FREE char *text =
		lf_printf_dup("PUT /closed/x?api-version=1 HTTP/1.1\r\nHost: %s\r\n"
			      "Connection: close\r\nAuthorization: Bearer %s\r\n"
			      "Content-Length: 2\r\n\r\n{}",
			      host, token);
	return atoi(ask(text) + strlen("HTTP/1.1 "));
}

static int status_with_token(const char *audience, const char *host)
{
	return status_of(audience, host, OWNER);
}

static void test_principal__that_is_not_the_owner_is_refused(void **state)
{
	(void)state;
	assert_int_equal(status_of("https://127.0.0.1", "a", OWNER), 200);
	assert_int_equal(
		status_of("https://127.0.0.1", "a", "11111111-0000-4000-8000-000000000000"), 403);
	assert_int_equal(status_of("https://127.0.0.1", "a", ""), 403);
}

static void test_token__for_another_service_is_not_good_under_its_name(void **state)
{
	(void)state;
	assert_int_equal(status_with_token("https://site.example:8443", "site.example:8443"), 200);
	assert_int_equal(status_with_token("https://site.example:8443/", "site.example:8443"), 200);
	assert_int_equal(status_with_token("https://127.0.0.1", "other"), 200);
	assert_int_equal(status_with_token("https://management.azure.com", "other"), 200);
	assert_int_equal(status_with_token("https://other", "other"), 401);
	assert_int_equal(status_with_token("https://storage.azure.com", "storage.azure.com"), 401);
	assert_int_equal(status_with_token("https://storage.azure.com", "a"), 401);
}

static void test_handler_without_an_answer__is_an_error_of_the_server(void **state)
{
	(void)state;
	assert_memory_equal(ask("GET /silent" END "\r\n"), "HTTP/1.1 500", 12);
	assert_memory_equal(ask("GET /open/x" END "\r\n"), "HTTP/1.1 200", 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request__stays_with_the_handler_that_was_chosen_at_its_head),
		cmocka_unit_test(test_call_of_nobody__is_refused_before_its_body),
		cmocka_unit_test(test_open_route__takes_small_bodies_alone),
		cmocka_unit_test(test_bytes_that_are_no_text__are_the_senders_fault),
		cmocka_unit_test(test_long_text__is_cut_between_characters),
		cmocka_unit_test(test_answer_that_cannot_be_made__is_the_constant_one),
		cmocka_unit_test(
			test_handler_that_does_not_fit_its_route__is_an_error_of_the_server),
		cmocka_unit_test(
			test_error__has_the_code_that_the_documents_name_and_its_own_in_the_details),
		cmocka_unit_test(test_error__tells_a_tenant_nothing_of_the_sites_inside),
		cmocka_unit_test(test_host__comes_back_if_it_is_the_sites_own),
		cmocka_unit_test(test_principal__that_is_not_the_owner_is_refused),
		cmocka_unit_test(test_token__for_another_service_is_not_good_under_its_name),
		cmocka_unit_test(test_handler_without_an_answer__is_an_error_of_the_server),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
