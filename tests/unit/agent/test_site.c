/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site over links, to a server on loopback: requests of the transfer while the sink's functions
 * run in the threads of an outflow.  ThreadSanitizer says whether they share a connection.
 */
#include "test.h"

#include <pthread.h>
#include <time.h>

#include "agent/site.h"
#include "base/clock.h"
#include "crypto/tls.h"
#include "extent/wire.h"
#include "http/server.h"
#include "os/file.h"

#define CALLS 20
#define ASKED 8

static struct lf_error err;
static char dir[] = "/tmp/landfall-test-XXXXXX";
static struct lf_http_server *server;
static struct lf_progress progress = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int begin(void *context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	(void)context, (void)x;
	ret_begin->body_max = 65536;
	return 0;
}

static void complete(void *context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *e)
{
	bool put = strcmp(lf_http_method(x), "PUT") == 0;

	(void)context, (void)sink_error, (void)e;
	lf_http_status(x, put ? 201 : 200);
	lf_http_answer_copy(x, "text/plain",
			    strstr(lf_http_path(x), "/have")	? "h"
			    : strstr(lf_http_path(x), "/group") ? "{\"go\":true}"
								: "");
}

static void put_file(const char *name, const char *text)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);

	assert_lf_ok(lf_file_write_durable(path, text, strlen(text), 0600, &err));
}

static int group_setup(void **state)
{
	static const char *const names[] = {"127.0.0.1", NULL};
	static const struct lf_http_handler handler = {.begin = begin, .complete = complete};
	LF_AUTO_FREE char *ca = NULL, *ca_key = NULL, *cert = NULL, *key = NULL;
	LF_AUTO_FREE char *csr = NULL, *own_key = NULL, *own = NULL;
	int64_t now = (int64_t)time(NULL) * LF_NS_PER_S;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_lf_ok(lf_ca_new("Landfall test", now, &ca, &ca_key, &err));
	assert_lf_ok(lf_ca_issue_server(ca, ca_key, names, now, 1, &cert, &key, &err));
	assert_lf_ok(lf_csr_new("agent-1", &csr, &own_key, &err));
	assert_lf_ok(lf_ca_sign_client(ca, ca_key, csr, "agent-1", now, 1, &own, &err));
	const struct lf_http_server_opts opts = {.address = "127.0.0.1",
						 .certificate_pem = cert,
						 .key_pem = key,
						 .client_ca_pem = ca,
						 .threads = 2};
	assert_lf_ok(lf_http_server_open(&opts, &handler, &server, &err));
	LF_AUTO_FREE char *pair = lf_printf_dup("%s%s", own, own_key);
	LF_AUTO_FREE char *identity =
		lf_printf_dup("{\"url\":\"https://127.0.0.1:%u\",\"machineId\":\"m\"}",
			      lf_http_server_port(server));
	put_file("ca.pem", ca);
	put_file("agent.pem", pair);
	put_file("agent.json", identity);
	put_file("pack", "a pack");
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	lf_http_server_free(server);
	return lf_dir_remove(dir, &err);
}

struct carrier {
	const struct lf_sink *sink;
	unsigned number;
	int rc;
	struct lf_error err;
};

static void *ask(void *context)
{
	struct carrier *c = context;
	const struct lf_chunk_id ids[ASKED] = {0};

	for (int i = 0; !c->rc && i < CALLS; i++) {
		uint8_t bits[1] = {0};
		c->rc = c->sink->have(c->sink->context, ids, ASKED, bits, &c->err);
		if (!c->rc && bits[0] != 'h')
			c->rc = lf_fail(&c->err, LF_ECORRUPT, NULL, "another's answer");
	}
	return NULL;
}

static void *carry(void *context)
{
	struct carrier *c = context;
	LF_AUTO_FREE char *file = lf_printf_dup("%s/pack", dir);
	struct lf_parcel parcel = {.pack_file = file, .name = "name", .disk = "disk"};

	for (int i = 0; !c->rc && i < CALLS; i++) {
		c->rc = c->sink->bring(c->sink->context, c->number, &parcel, &c->err);
		if (!c->rc)
			c->rc = c->sink->take(c->sink->context, c->number, &parcel, &c->err);
	}
	return NULL;
}

static void test_site__takes_requests_while_its_sink_is_at_work(void **state)
{
	struct lf_link *link = NULL;
	struct lf_link_site *over = NULL;
	struct carrier all[LF_SINK_CARRIERS + 1] = {0};
	pthread_t threads[LF_SINK_CARRIERS + 1];
	const struct lf_sink *sink = NULL;
	LF_AUTO_JSON *request = json_pack("{s:s}", "stage", "held");

	(void)state;
	assert_lf_ok(lf_link_open(dir, &link, &err));
	assert_lf_ok(lf_link_site_new(link, dir, &progress, &over, &err));
	const struct lf_site *site = lf_link_site_get(over);
	assert_lf_ok(site->begin(site->context, "session", "/account/packs/", &sink, &err));
	for (unsigned i = 0; i <= LF_SINK_CARRIERS; i++) {
		all[i] = (struct carrier){.sink = sink, .number = i};
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < LF_SINK_CARRIERS ? carry : ask, &all[i]),
				 0);
	}
	for (int i = 0; i < CALLS; i++) {
		LF_AUTO_JSON *answer = NULL;
		assert_lf_ok(site->post(site->context, "sessions/session/group", request, &answer,
					&err));
		assert_true(json_is_true(json_object_get(answer, "go")));
	}
	for (unsigned i = 0; i <= LF_SINK_CARRIERS; i++) {
		pthread_join(threads[i], NULL);
		if (all[i].rc)
			fail_msg("%s", all[i].err.message);
	}
	site->end(site->context);
	lf_link_site_free(over);
	lf_link_close(link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_site__takes_requests_while_its_sink_is_at_work),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
