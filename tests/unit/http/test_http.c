/* SPDX-License-Identifier: Apache-2.0 */
/* Server and client over a real loopback TLS connection. */
#include "wire.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "crypto/tls.h"
#include "http/client.h"
#include "http/server.h"

#define SMALL 1000

static struct lf_error err;
static char dir[] = "/tmp/landfall-test-XXXXXX";
static struct lf_http_server *server;
static size_t sunk, released;

static int sink(void *context, const void *data, size_t len, struct lf_error *e)
{
	*(size_t *)context += len;
	return memchr(data, '!', len) ? lf_fail(e, LF_EINVAL, NULL, "an exclamation mark") : 0;
}

static void release(void *context)
{
	(void)context;
	released++;
}

static int begin(void *context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	(void)context;
	ret_begin->body_max = SMALL;
	if (strcmp(lf_http_path(x), "/refused") == 0) {
		lf_http_status(x, 403);
		lf_http_answer_copy(x, "text/plain", "no");
		return 1;
	}
	if (strcmp(lf_http_path(x), "/sink") == 0) {
		sunk = 0;
		*ret_begin = (struct lf_http_begin){
			.body_max = 1 << 20, .sink = sink, .release = release, .context = &sunk};
	}
	return 0;
}

static int read_letters(void *context, void *data, size_t len, uint64_t offset, struct lf_error *e)
{
	(void)context, (void)e;
	for (size_t i = 0; i < len; i++)
		((char *)data)[i] = (char)('a' + (offset + i) % 26);
	return 0;
}

static int read_half(void *context, void *data, size_t len, uint64_t offset, struct lf_error *e)
{
	return offset > 100000 ? lf_fail(e, LF_EIO, NULL, "half is enough")
			       : read_letters(context, data, len, offset, e);
}

#define WAITERS 6 /* more than the server has threads */
static struct lf_http_exchange *waiting[WAITERS];
static size_t n_waiting;
static pthread_mutex_t waiting_mutex = PTHREAD_MUTEX_INITIALIZER;

/* The first ones wait for the last one, which answers all of them from another thread. */
static void *answer_all(void *context)
{
	(void)context;
	for (size_t i = 0; i < WAITERS; i++) {
		lf_http_status(waiting[i], 200);
		lf_http_answer_copy(waiting[i], "text/plain", "later");
		lf_http_resume(waiting[i]);
	}
	return NULL;
}

static void wait_for_others(struct lf_http_exchange *x)
{
	pthread_t thread;

	lf_http_suspend(x);
	pthread_mutex_lock(&waiting_mutex);
	waiting[n_waiting++] = x;
	if (n_waiting == WAITERS && pthread_create(&thread, NULL, answer_all, NULL) == 0)
		pthread_detach(thread);
	pthread_mutex_unlock(&waiting_mutex);
}

static void complete(void *context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *e)
{
	size_t len;
	const char *body = lf_http_body(x, &len);
	const char *name = lf_http_client_name(x);

	(void)context;
	lf_http_status(x, sink_error ? lf_error_http(sink_error) : 200);
	if (lf_http_query(x)[0])
		lf_http_set_header(x, "X-Echo", lf_http_query(x));
	if (sink_error) {
		lf_http_answer_copy(x, "text/plain", e->message);
	} else if (strcmp(lf_http_path(x), "/stream") == 0) {
		lf_http_answer_stream(x, "text/plain", 1000000, read_letters, release, NULL);
	} else if (strcmp(lf_http_path(x), "/endless") == 0) {
		lf_http_answer_stream(x, "text/plain", UINT64_C(1) << 40, read_letters, release,
				      NULL);
	} else if (strcmp(lf_http_path(x), "/broken") == 0) {
		lf_http_answer_stream(x, "text/plain", 1000000, read_half, release, NULL);
	} else if (strcmp(lf_http_path(x), "/later") == 0) {
		wait_for_others(x);
	} else if (strcmp(lf_http_path(x), "/address") == 0) {
		lf_http_answer_copy(x, "text/plain", lf_http_client_address(x));
	} else if (strcmp(lf_http_path(x), "/lines") == 0) {
		lf_http_set_header(x, "X-Lines", "a\r\nX-Injected: b");
	} else {
		char *text = lf_printf_dup("%s %s [%s] %s", lf_http_method(x), lf_http_path(x),
					   name ? name : "", len ? body : "");
		lf_http_answer_take(x, "text/plain", text, strlen(text));
	}
}

static void put_file(const char *name, const char *text)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);

	assert_lf_ok(lf_file_write_durable(path, text, strlen(text), 0600, &err));
}

/* NAME.crt and NAME.key: a client certificate by this authority. */
static void make_client(const char *file, const char *ca, const char *ca_key, const char *name)
{
	LF_AUTO_FREE char *csr = NULL, *key = NULL, *cert = NULL;
	LF_AUTO_FREE char *cert_file = lf_printf_dup("%s.crt", file);
	LF_AUTO_FREE char *key_file = lf_printf_dup("%s.key", file);
	int64_t now = (int64_t)time(NULL) * LF_NS_PER_S;

	assert_lf_ok(lf_csr_new(name, &csr, &key, &err));
	assert_lf_ok(lf_ca_sign_client(ca, ca_key, csr, name, now, 1, &cert, &err));
	put_file(cert_file, cert);
	put_file(key_file, key);
}

static int group_setup(void **state)
{
	static const char *const names[] = {"127.0.0.1", NULL};
	static const struct lf_http_handler handler = {.begin = begin, .complete = complete};
	LF_AUTO_FREE char *ca = NULL, *ca_key = NULL, *other = NULL, *other_key = NULL;
	LF_AUTO_FREE char *cert = NULL, *key = NULL;
	int64_t now = (int64_t)time(NULL) * LF_NS_PER_S;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_lf_ok(lf_ca_new("Landfall test", now, &ca, &ca_key, &err));
	assert_lf_ok(lf_ca_new("Landfall test", now, &other, &other_key, &err));
	assert_lf_ok(lf_ca_issue_server(ca, ca_key, names, now, 1, &cert, &key, &err));
	put_file("ca", ca);
	put_file("other", other);
	put_file("server.crt", cert);
	put_file("server.key", key);
	make_client("agent", ca, ca_key, "agent-1");
	make_client("foreign", other, other_key, "agent-1");
	const struct lf_http_server_opts opts = {.address = "127.0.0.1",
						 .certificate_pem = cert,
						 .key_pem = key,
						 .client_ca_pem = ca,
						 .threads = 2};
	assert_lf_ok(lf_http_server_open(&opts, &handler, &server, &err));
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	lf_http_server_free(server);
	return lf_dir_remove(dir, &err);
}

static struct lf_http_client *new_client(const char *ca, const char *identity)
{
	LF_AUTO_FREE char *ca_file = lf_printf_dup("%s/%s", dir, ca);
	LF_AUTO_FREE char *cert = lf_printf_dup("%s/%s.crt", dir, identity ? identity : "");
	LF_AUTO_FREE char *key = lf_printf_dup("%s/%s.key", dir, identity ? identity : "");
	const struct lf_http_client_opts opts = {.ca_file = ca_file,
						 .cert_file = identity ? cert : NULL,
						 .key_file = identity ? key : NULL};
	struct lf_http_client *client = NULL;

	assert_lf_ok(lf_http_client_new(&opts, &client, &err));
	return client;
}

static int call(struct lf_http_client *client, const char *method, const char *path,
		const void *body, size_t len, struct lf_http_answer *answer)
{
	LF_AUTO_FREE char *url =
		lf_printf_dup("https://127.0.0.1:%u%s", lf_http_server_port(server), path);
	const struct lf_http_call one = {
		.method = method, .url = url, .body = body, .body_len = len};

	lf_http_answer_done(answer);
	return lf_http_client_call(client, &one, answer, &err);
}

/* A certificate of the authority in file NAME, shown by the server from now on. */
static void show_certificate_of(const char *name)
{
	static const char *const names[] = {"127.0.0.1", NULL};
	LF_AUTO_FREE char *ca = NULL, *ca_key = NULL, *cert = NULL, *key = NULL;
	int64_t now = (int64_t)time(NULL) * LF_NS_PER_S;

	assert_lf_ok(lf_ca_new(name, now, &ca, &ca_key, &err));
	assert_lf_ok(lf_ca_issue_server(ca, ca_key, names, now, 1, &cert, &key, &err));
	put_file(name, ca);
	assert_lf_ok(lf_http_server_renew(server, cert, key, &err));
}

static void test_certificate__is_another_for_those_who_connect_after_it_was_renewed(void **state)
{
	LF_AUTO_HTTP_ANSWER answer = {0};

	(void)state;
	show_certificate_of("authority-1");
	struct lf_http_client *before = new_client("authority-1", NULL);
	assert_lf_ok(call(before, "GET", "/x", "", 0, &answer));
	show_certificate_of("authority-2");
	struct lf_http_client *after = new_client("authority-2", NULL);
	struct lf_http_client *late = new_client("authority-1", NULL);
	assert_lf_ok(call(after, "GET", "/x", "", 0, &answer));
	assert_int_equal(call(late, "GET", "/x", "", 0, &answer), LF_EUNAUTHENTICATED);
	/* what is connected goes on */
	assert_lf_ok(call(before, "GET", "/x", "", 0, &answer));
	assert_int_equal(lf_http_server_renew(server, "nonsense", "nonsense", &err), LF_EINVAL);
	assert_lf_ok(call(after, "GET", "/x", "", 0, &answer));
	lf_http_client_free(before);
	lf_http_client_free(after);
	lf_http_client_free(late);
}

static void check(const char *identity, const char *method, const char *path, const char *body,
		  int status, const char *expected)
{
	struct lf_http_client *client = new_client("ca", identity);
	LF_AUTO_HTTP_ANSWER answer = {0};

	assert_lf_ok(call(client, method, path, body, strlen(body), &answer));
	assert_int_equal(answer.status, status);
	assert_string_equal(lf_buf_text(&answer.body), expected);
	lf_http_client_free(client);
}

static void test_request__arrives_as_sent(void **state)
{
	char value[64];
	struct lf_http_client *client = new_client("ca", NULL);
	LF_AUTO_HTTP_ANSWER answer = {0};

	(void)state;
	check(NULL, "GET", "/a//b/%2e%2E/c%2Fd", "", 200, "GET /a//b/%2e%2E/c%2Fd [] ");
	check(NULL, "PATCH", "/x?y=z", "text", 200, "PATCH /x [] text");
	check(NULL, "DELETE", "/x", "", 200, "DELETE /x [] ");
	assert_lf_ok(call(client, "GET", "/x?a=%20&b=?", NULL, 0, &answer));
	assert_true(lf_http_answer_header(&answer, "x-echo", value, sizeof(value)));
	assert_string_equal(value, "a=%20&b=?");
	assert_false(lf_http_answer_header(&answer, "x-ech", value, sizeof(value)));
	assert_lf_ok(call(client, "GET", "/lines", NULL, 0, &answer));
	assert_true(lf_http_answer_header(&answer, "X-Lines", value, sizeof(value)));
	assert_false(lf_http_answer_header(&answer, "X-Injected", value, sizeof(value)));
	lf_http_client_free(client);
}

static void test_client__is_named_by_a_certificate_of_the_authority_alone(void **state)
{
	(void)state;
	check("agent", "GET", "/x", "", 200, "GET /x [agent-1] ");
	check("foreign", "GET", "/x", "", 200, "GET /x [] ");
	/* the same authority made it, but for a server */
	check("server", "GET", "/x", "", 200, "GET /x [] ");
}

static void test_server__of_another_authority_is_not_believed(void **state)
{
	struct lf_http_client *client = new_client("other", NULL);
	LF_AUTO_HTTP_ANSWER answer = {0};

	(void)state;
	assert_int_equal(call(client, "GET", "/x", NULL, 0, &answer), LF_EUNAUTHENTICATED);
	lf_http_client_free(client);
}

static void test_body__has_a_limit(void **state)
{
	struct lf_http_client *client = new_client("ca", NULL);
	LF_AUTO_HTTP_ANSWER answer = {0};
	char *body = calloc(1, 4 << 20);

	(void)state;
	memset(body, 'x', 4 << 20);
	assert_lf_ok(call(client, "PUT", "/x", body, SMALL, &answer));
	assert_int_equal(answer.status, 200);
	assert_lf_ok(call(client, "PUT", "/x", body, SMALL + 1, &answer));
	assert_int_equal(answer.status, 413);
	/* without reading it: the connection ends, perhaps before we had a look at the answer */
	if (!call(client, "PUT", "/x", body, 4 << 20, &answer))
		assert_int_equal(answer.status, 413);
	assert_lf_ok(call(client, "GET", "/x", NULL, 0, &answer));
	assert_int_equal(answer.status, 200);
	lf_http_client_free(client);
	free(body);
}

static void test_refusal__does_not_wait_for_the_body(void **state)
{
	(void)state;
	check(NULL, "PUT", "/refused", "some text", 403, "no");
	check(NULL, "GET", "/refused", "", 403, "no");
}

static void test_sink__gets_the_body_and_is_released(void **state)
{
	struct lf_http_client *client = new_client("ca", NULL);
	LF_AUTO_HTTP_ANSWER answer = {0};
	char *body = malloc(500000);
	size_t before = released;

	(void)state;
	memset(body, 'x', 500000);
	assert_lf_ok(call(client, "PUT", "/sink", body, 500000, &answer));
	assert_int_equal(answer.status, 200);
	assert_int_equal(sunk, 500000);
	body[3] = '!';
	assert_lf_ok(call(client, "PUT", "/sink", body, 500000, &answer));
	assert_int_equal(answer.status, 400);
	assert_string_equal(lf_buf_text(&answer.body), "an exclamation mark");
	assert_true(sunk < 500000);
	/* both exchanges are over once a third one on their connection is answered */
	assert_lf_ok(call(client, "GET", "/x", NULL, 0, &answer));
	assert_int_equal(released - before, 2);
	lf_http_client_free(client);
	free(body);
}

static void test_answer__is_streamed(void **state)
{
	struct lf_http_client *client = new_client("ca", NULL);
	LF_AUTO_HTTP_ANSWER answer = {0};
	char length[32];

	(void)state;
	assert_lf_ok(call(client, "GET", "/stream", NULL, 0, &answer));
	assert_int_equal(answer.body.len, 1000000);
	assert_int_equal(answer.body.data[999999], 'a' + 999999 % 26);
	assert_lf_ok(call(client, "HEAD", "/stream", NULL, 0, &answer));
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body.len, 0);
	assert_true(lf_http_answer_header(&answer, "content-length", length, sizeof(length)));
	assert_string_equal(length, "1000000");
	/* what breaks off is no answer */
	assert_int_equal(call(client, "GET", "/broken", NULL, 0, &answer), LF_EUNREACHABLE);
	lf_http_client_free(client);
}

/* What comes back for raw text, up to the end of the connection or want answers. */
static const char *raw(const char *text, size_t want)
{
	static struct wire wire;
	size_t found = 0, before = SIZE_MAX;

	wire_open(&wire, lf_http_server_port(server));
	wire_send(&wire, text);
	while (found < want && wire.used != before) {
		before = wire.used;
		wire_more(&wire);
		found = 0;
		for (const char *p = wire.text; (p = strstr(p, "[] ")); p++)
			found++;
	}
	wire_close(&wire);
	return wire.text;
}

/* A server that is in a hurry: deadlines of seconds are so many times shorter. */
static struct lf_http_server *hasty_server(unsigned hurry, unsigned per_address)
{
	static const struct lf_http_handler handler = {.begin = begin, .complete = complete};
	LF_AUTO_BUF cert = LF_BUF_INIT, key = LF_BUF_INIT;
	LF_AUTO_FREE char *cert_file = lf_printf_dup("%s/server.crt", dir);
	LF_AUTO_FREE char *key_file = lf_printf_dup("%s/server.key", dir);
	struct lf_http_server *hasty = NULL;

	assert_lf_ok(lf_file_read(cert_file, 1 << 16, &cert, &err));
	assert_lf_ok(lf_file_read(key_file, 1 << 16, &key, &err));
	const struct lf_http_server_opts opts = {.address = "127.0.0.1",
						 .certificate_pem = lf_buf_text(&cert),
						 .key_pem = lf_buf_text(&key),
						 .threads = 2,
						 .connections_per_address = per_address,
						 .hurry = hurry};
	assert_lf_ok(lf_http_server_open(&opts, &handler, &hasty, &err));
	return hasty;
}

/* The server ends the connection without a word. */
static void ends(struct wire *wire)
{
	char byte;

	if (wire->ssl)
		wire_read(wire, NULL);
	else
		assert_true(recv(wire->fd, &byte, 1, 0) <= 0);
	assert_int_equal(wire->used, 0);
	wire_close(wire);
}

static void test_connection__that_takes_its_time_is_ended(void **state)
{
	static const char *const parts[] = {
		"", /* a handshake, and then nothing */
		"GET /x HTTP/1.1\r\nHost: a\r\n",
		"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nhalf",
		"PUT /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nhalf",
	};
	struct lf_http_server *hasty = hasty_server(100, 0);
	static struct wire wires[LF_N(parts) + 1];
	struct wire *mute = &wires[LF_N(parts)];

	(void)state;
	wire_connect(mute, lf_http_server_port(hasty)); /* no handshake */
	for (size_t i = 0; i < LF_N(parts); i++) {
		wire_open(&wires[i], lf_http_server_port(hasty));
		if (parts[i][0])
			wire_send(&wires[i], parts[i]);
	}
	for (size_t i = 0; i <= LF_N(parts); i++)
		ends(&wires[i]);
	lf_http_server_free(hasty);
}

static void test_connections__of_the_silent_give_way_to_who_asks(void **state)
{
	struct lf_http_server *hasty = hasty_server(1, 20);
	static struct wire silent[60], last;

	(void)state;
	for (size_t i = 0; i < LF_N(silent); i++)
		wire_connect(&silent[i], lf_http_server_port(hasty));
	wire_open(&last, lf_http_server_port(hasty));
	wire_send(&last, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	assert_memory_equal(wire_read(&last, NULL), "HTTP/1.1 200", 12);
	wire_close(&last);
	ends(&silent[0]);
	for (size_t i = 1; i < LF_N(silent); i++)
		wire_close(&silent[i]);
	lf_http_server_free(hasty);
}

static void test_stop__does_not_wait_for_who_is_slow(void **state)
{
	struct lf_http_server *hasty = hasty_server(10, 0);
	static struct wire upload, download;
	const int small = 4096;

	(void)state;
	wire_connect(&download, lf_http_server_port(hasty));
	setsockopt(download.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_true(wire_handshake(&download));
	wire_send(&download, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
	wire_read(&download, "\r\n\r\n"); /* and no more of it */
	wire_open(&upload, lf_http_server_port(hasty));
	wire_send(&upload, "PUT /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nhalf");
	int64_t before = lf_clock_monotonic_ns();
	lf_http_server_free(hasty);
	/* half a second of grace, at ten times the speed; under load perhaps a few */
	assert_true(lf_clock_monotonic_ns() - before < 10 * LF_NS_PER_S);
	wire_close(&upload);
	wire_close(&download);
}

static void test_refusal__of_what_is_still_being_sent_is_read(void **state)
{
	static struct wire wire;
	static char block[65536];
	int sent = 1;

	(void)state;
	memset(block, 'x', sizeof(block));
	wire_open(&wire, lf_http_server_port(server));
	wire_send(&wire, "PUT /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000000\r\n\r\n");
	/* far more than sockets hold: without somebody who reads it would be reset */
	for (int i = 0; i < 100 && sent > 0; i++)
		sent = SSL_write(wire.ssl, block, sizeof(block));
	assert_memory_equal(wire_read(&wire, "\r\n\r\n"), "HTTP/1.1 403", 12);
	wire_close(&wire);
}

static void test_request__with_two_lengths_is_refused(void **state)
{
	(void)state;
	const char *answer =
		raw("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /y HTTP/1.1\r\n\r\n",
		    SIZE_MAX);
	assert_memory_equal(answer, "HTTP/1.1 400", 12);
	assert_null(strstr(answer, "/y"));
}

static void test_request__whose_end_or_host_is_in_doubt_is_refused(void **state)
{
	static const char *const heads[] = {
		"Host: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
		"Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
		"Host: a\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n",
		"Host: a\r\nContent-Length : 5\r\n",
		"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n",
		"Host: a\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n",
		"Host: a\r\nTransfer-Encoding: xchunked\r\n",
		"Host: a\r\nHost: b\r\nContent-Length: 5\r\n",
		"Content-Length: 5\r\n",
		"Host: a\r\nX(y: z\r\nContent-Length: 5\r\n",
		"Host: a\r\nX-y: a\x01z\r\nContent-Length: 5\r\n",
	};

	(void)state;
	for (size_t i = 0; i < LF_N(heads); i++) {
		LF_AUTO_FREE char *text =
			lf_printf_dup("POST /x HTTP/1.1\r\n%s\r\nhello"
				      "GET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
				      heads[i]);
		const char *answer = raw(text, SIZE_MAX);
		assert_memory_equal(answer, "HTTP/1.1 400", 12);
		assert_null(strstr(answer, "/y"));
	}
	assert_memory_equal(raw("GET /x HTTP/1.0\r\n\r\n", SIZE_MAX), "HTTP/1.", 7);
}

static void test_folded_header__is_no_second_header(void **state)
{
	(void)state;
	/* RFC 9112 lets a server put the lines together, or refuse */
	const char *answer = raw("POST /x HTTP/1.1\r\nHost: a\r\nX-y: 1\r\n"
				 " Content-Length: 9\r\nContent-Length: 5\r\n"
				 "Connection: close\r\n\r\nhello",
				 SIZE_MAX);
	assert_true(strstr(answer, "POST /x [] hello") || memcmp(answer, "HTTP/1.1 400", 12) == 0);
	answer = raw("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n 2\r\n"
		     "Connection: close\r\n\r\nhellohellohe",
		     SIZE_MAX);
	assert_memory_equal(answer, "HTTP/1.1 400", 12);
}

static void test_request__with_a_strange_length_is_refused(void **state)
{
	static const char *const lengths[] = {"-1", "+5", "5x", "99999999999999999999", "5, 5"};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		LF_AUTO_FREE char *text = lf_printf_dup(
			"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\nhello",
			lengths[i]);
		const char *answer = raw(text, 1);
		assert_memory_equal(answer, "HTTP/1.1 4", 10);
	}
}

static void test_chunked__body_has_the_same_limit(void **state)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	static const char begin_text[] =
		"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

	(void)state;
	lf_buf_puts(&text, begin_text);
	lf_buf_puts(&text, "5\r\nhello\r\n0\r\n\r\n");
	assert_non_null(strstr(raw(lf_buf_text(&text), 1), "POST /x [] hello"));
	/* over it, but not by much: told so */
	lf_buf_clear(&text);
	lf_buf_puts(&text, begin_text);
	for (int i = 0; i < SMALL / 100 + 1; i++)
		lf_buf_printf(&text, "64\r\n%0100d\r\n", i);
	lf_buf_puts(&text, "0\r\n\r\nGET /end HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_memory_equal(raw(lf_buf_text(&text), 1), "HTTP/1.1 413", 12);
}

static void *ask_later(void *context)
{
	(void)context;
	check(NULL, "POST", "/later", "body", 200, "later");
	return NULL;
}

static void test_exchange__that_waits_holds_no_thread(void **state)
{
	pthread_t threads[WAITERS - 1];

	(void)state;
	for (size_t i = 0; i < LF_N(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_later, NULL), 0);
	for (bool all = false; !all;) { /* others are served meanwhile */
		check(NULL, "GET", "/x", "", 200, "GET /x [] ");
		pthread_mutex_lock(&waiting_mutex);
		all = n_waiting == WAITERS - 1;
		pthread_mutex_unlock(&waiting_mutex);
	}
	check(NULL, "POST", "/later", "", 200, "later");
	for (size_t i = 0; i < LF_N(threads); i++)
		pthread_join(threads[i], NULL);
}

static void test_client__has_an_address(void **state)
{
	(void)state;
	check(NULL, "GET", "/address", "", 200, "127.0.0.1");
}

static void test_connection__serves_many_requests(void **state)
{
	(void)state;
	const char *answer =
		raw("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
		    "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		    SIZE_MAX);
	assert_non_null(strstr(answer, "GET /1 []"));
	assert_non_null(strstr(answer, "GET /2 []"));
	assert_non_null(strstr(answer, "GET /3 []"));
}

static void test_request__with_endless_headers_is_refused(void **state)
{
	LF_AUTO_BUF text = LF_BUF_INIT;

	(void)state;
	lf_buf_puts(&text, "GET /x HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 3000; i++)
		lf_buf_printf(&text, "X-%d: %064d\r\n", i, i);
	lf_buf_puts(&text, "\r\n");
	assert_null(strstr(raw(lf_buf_text(&text), 1), "HTTP/1.1 200"));
}

/* One header of so many bytes. */
static const char *ask_with_header(size_t len)
{
	LF_AUTO_FREE char *value = malloc(len + 1);
	LF_AUTO_BUF text = LF_BUF_INIT;

	assert_non_null(value);
	memset(value, 'a', len);
	value[len] = '\0';
	lf_buf_printf(&text, "GET /x HTTP/1.1\r\nHost: a\r\nX-y: %s\r\n", value);
	lf_buf_puts(&text, "Connection: close\r\n\r\n");
	return raw(lf_buf_text(&text), SIZE_MAX);
}

static void test_head__of_64_kib_is_taken_and_a_larger_one_refused(void **state)
{
	(void)state;
	assert_memory_equal(ask_with_header(65000), "HTTP/1.1 200", 12);
	assert_memory_equal(ask_with_header(90000), "HTTP/1.1 431", 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request__arrives_as_sent),
		cmocka_unit_test(test_client__is_named_by_a_certificate_of_the_authority_alone),
		cmocka_unit_test(test_server__of_another_authority_is_not_believed),
		cmocka_unit_test(test_body__has_a_limit),
		cmocka_unit_test(test_refusal__does_not_wait_for_the_body),
		cmocka_unit_test(test_sink__gets_the_body_and_is_released),
		cmocka_unit_test(test_answer__is_streamed),
		cmocka_unit_test(test_request__with_two_lengths_is_refused),
		cmocka_unit_test(test_request__whose_end_or_host_is_in_doubt_is_refused),
		cmocka_unit_test(test_folded_header__is_no_second_header),
		cmocka_unit_test(test_request__with_a_strange_length_is_refused),
		cmocka_unit_test(test_chunked__body_has_the_same_limit),
		cmocka_unit_test(test_exchange__that_waits_holds_no_thread),
		cmocka_unit_test(test_client__has_an_address),
		cmocka_unit_test(test_connection__serves_many_requests),
		cmocka_unit_test(test_connection__that_takes_its_time_is_ended),
		cmocka_unit_test(test_connections__of_the_silent_give_way_to_who_asks),
		cmocka_unit_test(test_stop__does_not_wait_for_who_is_slow),
		cmocka_unit_test(test_refusal__of_what_is_still_being_sent_is_read),
		cmocka_unit_test(test_request__with_endless_headers_is_refused),
		cmocka_unit_test(test_head__of_64_kib_is_taken_and_a_larger_one_refused),
		cmocka_unit_test(
			test_certificate__is_another_for_those_who_connect_after_it_was_renewed),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
