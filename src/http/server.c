/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: the library calls on_request for each exchange, first with the head alone.
 *
 * admit, then connection_changed: the gate lets a connection in and follows it.  new_exchange: the
 * raw request line.  begin_exchange: the head is checked (head.h), the handler's begin decides
 * about the body.  take_block: the body, buffered within the gate's bounds or into the handler's
 * sink. answer_now: the handler's complete, and the answer is queued; after lf_http_suspend() it
 * comes again when another thread has resumed the exchange.  exchange_ended frees it, whatever
 * happened. One thread of our own (watch) ends connections whose time is over.
 */
#include "http/server.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <malloc.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/health.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "http/certificate.h"
#include "http/exchange_internal.h"
#include "http/gate.h"
#include "http/head.h"
#include "http/json.h"
#include "http/listen.h"
#include "os/file.h"

#define THREADS_DEFAULT	    4
#define CONNECTIONS_DEFAULT 1024
#define PER_ADDRESS_DEFAULT 512
/* The library clears all of it for each request: a head of 64 KiB, and room for what it notes of
 * it. */
#define CONNECTION_BYTES (80u << 10)
#define STALL_SECONDS	 120 /* an answer of which the client takes nothing */
#define HEAD_MS		 15000u
#define IDLE_MS		 60000u
#define BODY_MS		 30000u
#define DROP_MS		 10000u
#define BODY_RATE	 256u		     /* bytes a second */
#define BODIES_NOBODY	 ((size_t)32 << 20)  /* bytes, of all that nobody is known on */
#define BODIES_KNOWN	 ((size_t)128 << 20) /* bytes, of all others */
#define BODY_LARGE	 ((size_t)1 << 20)   /* worth giving its memory back */
#define LINGER_BYTES	 (64u << 20)
#define STOP_GRACE_NS	 (5 * LF_NS_PER_S)

LF_LOCK_KIND(lf_http_watch_lock);
struct lf_http_server {
	struct MHD_Daemon *daemon;
	struct MHD_Response *sorry; /* what is sent where nothing else can be; made at the start */
	struct lf_http_handler handler;
	struct lf_gate *gate;
	struct lf_http_certificates *certificates;
	struct lf_http_doors *doors; /* NULL: there are none */
	pthread_t watcher;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool watching, stopping LF_GUARDED_BY(lf_http_watch_lock);
	atomic_bool trim; /* a large body's memory was freed */
	uint16_t port;
	unsigned hurry;
	atomic_uint in_flight;
	atomic_uint suspended; /* of them, waiting for lf_http_resume() */
};

static struct MHD_Response *new_sorry(void)
{
	static const char text[] =
		"{\"error\":{\"code\":\"InternalServerError\",\"message\":\"The server could not "
		"make an answer to this request. Its log says more.\"}}";
	struct MHD_Response *sorry = MHD_create_response_from_buffer(
		sizeof(text) - 1, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);

	if (sorry && MHD_add_response_header(sorry, "Content-Type", "application/json") &&
	    MHD_add_response_header(sorry, "Connection", "close"))
		return sorry;
	if (sorry)
		MHD_destroy_response(sorry);
	return NULL;
}

/* The exchange. */

static void exchange_free(struct lf_http_exchange *x)
{
	if (x->begin.release)
		x->begin.release(x->begin.context);
	lf_gate_let_go(x->visitor);
	if (x->body.capacity >= BODY_LARGE)
		atomic_store(&x->server->trim, true);
	if (x->response)
		MHD_destroy_response(x->response);
	for (size_t i = 0; i < x->n_headers; i++) {
		free(x->headers[i].name);
		free(x->headers[i].value);
	}
	free(x->headers);
	lf_buf_done(&x->body);
	free(x->path);
	free(x->query);
	free(x);
}

/* First contact: the raw request line, before anything is decoded. */
static void *new_exchange(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct lf_http_exchange *x = calloc(1, sizeof(*x));

	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (!x)
		return NULL;
	x->visitor = info ? info->socket_context : NULL;
	lf_gate_phase(x->visitor, LF_GATE_HEAD);
	x->server = cls;
	x->handler = &x->server->handler;
	x->connection = connection;
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	lf_http_doors_private(x->server->doors, fd ? fd->connect_fd : -1, x->door, sizeof(x->door));
	x->uri = uri;
	x->uri_len = strlen(uri);
	x->path = strndup(uri, strcspn(uri, "?"));
	const char *mark = strchr(uri, '?');
	x->query = strdup(mark ? mark + 1 : "");
	atomic_fetch_add(&x->server->in_flight, 1);
	return x;
}

static void exchange_ended(void *cls, struct MHD_Connection *connection, void **own,
			   enum MHD_RequestTerminationCode code)
{
	struct lf_http_exchange *x = *own;

	(void)cls, (void)connection, (void)code;
	if (!x)
		return;
	struct lf_http_server *server = x->server;
	struct lf_visitor *visitor = x->visitor;
	exchange_free(x);
	lf_gate_phase(visitor, LF_GATE_IDLE);
	*own = NULL;
	atomic_fetch_sub(&server->in_flight, 1);
}

static void count_answer(int status)
{
	static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

	lf_count("http_answers", status >= 100 && status < 600 ? classes[status / 100 - 1] : "5xx",
		 1);
}

static enum MHD_Result send_sorry(struct lf_http_exchange *x)
{
	lf_health_raise("http-answer", "", "no answer could be made to %s %.300s", x->method,
			x->path);
	count_answer(500);
	return MHD_queue_response(x->connection, 500, x->server->sorry);
}

static enum MHD_Result send_answer(struct lf_http_exchange *x)
{
	if (x->status && !x->response)
		lf_http_answer_take(x, NULL, NULL, 0);
	for (size_t i = 0; x->response && i < x->n_headers; i++)
		if (MHD_add_response_header(x->response, x->headers[i].name, x->headers[i].value) ==
		    MHD_NO)
			lf_warn("cannot answer the header %s", x->headers[i].name);
	if (!x->status || !x->response || x->broken)
		return send_sorry(x);
	count_answer(x->status);
	enum MHD_Result result =
		MHD_queue_response(x->connection, (unsigned)x->status, x->response);
	MHD_destroy_response(x->response);
	x->response = NULL;
	return result;
}

/* The body has come, or does not matter. */
static enum MHD_Result answer_now(struct lf_http_exchange *x)
{
	lf_gate_phase(x->visitor, LF_GATE_WORK);
	if (!x->decided)
		x->handler->complete(x->handler->context, x, x->sink_error, &x->sink_err);
	x->decided = true;
	if (x->later) { /* after lf_http_resume() we come here again */
		x->later = false;
		return MHD_YES;
	}
	lf_gate_phase(x->visitor, LF_GATE_ANSWER);
	return send_answer(x);
}

void lf_http_suspend(struct lf_http_exchange *x)
{
	x->later = true;
	atomic_fetch_add(&x->server->suspended, 1);
	MHD_suspend_connection(x->connection);
}

void lf_http_resume(struct lf_http_exchange *x)
{
	struct lf_http_server *server = x->server;

	MHD_resume_connection(x->connection);
	atomic_fetch_sub(&server->suspended, 1);
}

/*
 * The answer is set before the body was read.  A client that is still sending would meet a reset
 * instead of the answer: what is bearable is read and dropped first.  Not from one that waits for
 * "100 Continue", which sends nothing yet.
 */
static enum MHD_Result refuse_body(struct lf_http_exchange *x, uint64_t announced)
{
	const char *expect = lf_http_header(x, "Expect");

	if (announced <= LINGER_BYTES && !(announced && expect)) {
		lf_gate_phase(x->visitor, LF_GATE_DROP);
		return MHD_YES;
	}
	lf_gate_linger(x->visitor);
	lf_http_set_header(x, "Connection", "close");
	return answer_now(x);
}

static enum MHD_Result answer_decided(struct lf_http_exchange *x)
{
	x->decided = true;
	return answer_now(x);
}

/* The request before its body: refuse what must not be read at all. */
static enum MHD_Result begin_exchange(struct lf_http_exchange *x, const char *method,
				      const char *version)
{
	const char *length = lf_http_header(x, "Content-Length");
	struct lf_error err = LF_ERROR_NONE, ignored;
	uint64_t announced = 0;

	x->begun = true;
	x->method = method;
	if (!x->path || !x->query)
		return MHD_NO;
	struct lf_http_head head = {x->uri, x->uri_len, x->path, x->query, version, x->connection};
	if (lf_http_check_framing(&head, &err)) {
		lf_http_answer_error(x, &err);
		lf_http_set_header(x, "Connection", "close");
		return answer_decided(x);
	}
	if (length && lf_parse_u64(length, 0, UINT64_MAX, &announced, &ignored))
		announced = UINT64_MAX;
	if (lf_http_check_text(&head, &err)) {
		lf_http_answer_error(x, &err);
		x->decided = true;
		return refuse_body(x, announced);
	}
	if (lf_http_hand_over(x, x->handler, &x->begin)) {
		x->decided = true;
		return refuse_body(x, announced);
	}
	if (x->begin.known)
		lf_gate_know(x->visitor);
	lf_gate_phase(x->visitor, LF_GATE_BODY);
	if (announced > x->begin.body_max) {
		x->sink_error = lf_fail_arm(&x->sink_err, LF_ETOOLARGE, "RequestEntityTooLarge",
					    "Content-Length", "send a smaller body",
					    "the body has %.20s bytes, more than the %llu that are "
					    "allowed here",
					    length, (unsigned long long)x->begin.body_max);
		lf_http_set_header(x, "Connection", "close");
		return refuse_body(x, announced);
	}
	return MHD_YES;
}

static void take_block(struct lf_http_exchange *x, const char *data, size_t len)
{
	x->received += len;
	lf_gate_progress(x->visitor, len);
	if (x->decided || x->sink_error)
		return; /* the rest is read and dropped */
	if (x->received > x->begin.body_max)
		x->sink_error =
			lf_fail_arm(&x->sink_err, LF_ETOOLARGE, "RequestEntityTooLarge", NULL,
				    "send a smaller body",
				    "the body is longer than the %llu bytes that are allowed "
				    "here",
				    (unsigned long long)x->begin.body_max);
	else if (x->begin.sink)
		x->sink_error = x->begin.sink(x->begin.context, data, len, &x->sink_err);
	else if (lf_gate_hold(x->visitor, len))
		lf_buf_append(&x->body, data, len);
	else
		x->sink_error = lf_fail_arm(&x->sink_err, LF_EUNREACHABLE, "ServerBusy", NULL,
					    "try again in a few seconds",
					    "too many bodies are on their way at this moment");
	if (!x->sink_error && x->body.failed)
		x->sink_error = lf_fail_nomem(&x->sink_err);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **own)
{
	struct lf_http_exchange *x = *own;

	(void)cls, (void)connection, (void)url;
	if (!x)
		return MHD_NO;
	if (!x->begun)
		return begin_exchange(x, method, version);
	if (*data_len) {
		take_block(x, data, *data_len);
		*data_len = 0;
		/* a body of unknown length that went over: nothing of the rest matters */
		bool dropped = x->decided || x->sink_error == LF_ETOOLARGE;
		if (dropped && x->received > x->begin.body_max + LINGER_BYTES)
			return MHD_NO;
		return MHD_YES;
	}
	return answer_now(x);
}

/* Connections. */

static enum MHD_Result admit(void *cls, const struct sockaddr *from, socklen_t len)
{
	const struct lf_http_server *server = cls;

	(void)len;
	return lf_gate_admit(server->gate, from) ? MHD_YES : MHD_NO;
}

static void connection_changed(void *cls, struct MHD_Connection *connection, void **visitor,
			       enum MHD_ConnectionNotificationCode code)
{
	const struct lf_http_server *server = cls;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		lf_gate_leave(*visitor);
		*visitor = NULL;
		return;
	}
	const union MHD_ConnectionInfo *from =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *tls =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (tls)
		lf_http_certificates_use(server->certificates, tls->tls_session);
	*visitor = lf_gate_enter(server->gate, from ? from->client_addr : NULL,
				 fd ? fd->connect_fd : -1);
}

/* Deadlines are looked at, and memory of large bodies goes back to the system. */
static void *watch(void *context)
{
	struct lf_http_server *server = context;
	LF_GUARD(&server->mutex, lf_http_watch_lock);

	while (!server->stopping) {
		unsigned wait_ms = lf_gate_tick(server->gate);
		if (atomic_exchange(&server->trim, false))
			malloc_trim(0);
		struct timespec until =
			lf_clock_monotonic_after((int64_t)(wait_ms * LF_NS_PER_MS / server->hurry));
		pthread_cond_timedwait(&server->wake, &server->mutex, &until);
	}
	return NULL;
}

static int start_watching(struct lf_http_server *server, struct lf_error *err)
{
	int sys = pthread_create(&server->watcher, NULL, watch, server);

	if (sys)
		return lf_fail_sys(err, sys, NULL, "cannot start a thread");
	server->watching = true;
	return 0;
}

static void stop_watching(struct lf_http_server *server)
{
	if (!server->watching)
		return;
	lf_lock(&server->mutex, lf_http_watch_lock);
	server->stopping = true;
	pthread_cond_signal(&server->wake);
	lf_unlock(&server->mutex, lf_http_watch_lock);
	pthread_join(server->watcher, NULL);
	server->watching = false;
}

static void log_daemon(void *cls, const char *fmt, va_list args) LF_PRINTF(2, 0);
static void log_daemon(void *cls, const char *fmt, va_list args)
{
	char line[512];

	(void)cls;
	vsnprintf(line, sizeof(line), fmt, args);
	lf_debug("http: %s", line);
}

static int start_daemon(struct lf_http_server *server, const struct lf_http_server_opts *opts,
			unsigned connections, int fd, struct lf_error *err)
{
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_USE_ERROR_LOG | MHD_USE_ITC |
			MHD_ALLOW_SUSPEND_RESUME,
		0, admit, server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, log_daemon, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_CERT_CALLBACK,
		lf_http_certificates_give, MHD_OPTION_HTTPS_PRIORITIES,
		"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", MHD_OPTION_THREAD_POOL_SIZE,
		opts->threads ? opts->threads : THREADS_DEFAULT, MHD_OPTION_CONNECTION_LIMIT,
		2 * connections, /* a thread's share of it must not end before the gate's limit */
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)STALL_SECONDS, MHD_OPTION_URI_LOG_CALLBACK,
		new_exchange, server, MHD_OPTION_NOTIFY_COMPLETED, exchange_ended, server,
		MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
		opts->client_ca_pem ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END,
		opts->client_ca_pem, MHD_OPTION_END);
	return server->daemon ? 0
			      : lf_fail(err, LF_EINTERNAL, NULL, "cannot start the HTTPS server");
}

static struct lf_gate *new_gate(const struct lf_http_server_opts *opts, unsigned connections,
				unsigned hurry)
{
	const struct lf_gate_opts gate = {.connections_max = connections,
					  .per_address = opts->connections_per_address
								 ? opts->connections_per_address
								 : PER_ADDRESS_DEFAULT,
					  .head_ms = HEAD_MS / hurry,
					  .idle_ms = IDLE_MS / hurry,
					  .body_ms = BODY_MS / hurry,
					  .drop_ms = DROP_MS / hurry,
					  .body_rate = BODY_RATE * hurry,
					  .nobody_max = BODIES_NOBODY,
					  .known_max = BODIES_KNOWN};

	return lf_gate_new(&gate);
}

/* What is left when the threads are gone, or were never there. */
static void server_done(struct lf_http_server *server, int fd)
{
	stop_watching(server);
	if (fd >= 0)
		close(fd);
	if (server->sorry)
		MHD_destroy_response(server->sorry);
	lf_gate_free(server->gate);
	lf_http_doors_free(server->doors);
	lf_http_certificates_free(server->certificates);
	pthread_cond_destroy(&server->wake);
	pthread_mutex_destroy(&server->mutex);
	free(server);
}

int lf_http_server_open(const struct lf_http_server_opts *opts,
			const struct lf_http_handler *handler, struct lf_http_server **ret_server,
			struct lf_error *err)
{
	struct lf_http_server *server = calloc(1, sizeof(*server));
	unsigned connections = opts->connections_max ? opts->connections_max : CONNECTIONS_DEFAULT;
	pthread_condattr_t monotonic;
	int fd = -1;

	if (!server)
		return lf_fail_nomem(err);
	pthread_mutex_init(&server->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&server->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	server->handler = *handler;
	server->hurry = opts->hurry ? opts->hurry : 1;
	server->sorry = new_sorry();
	server->gate = new_gate(opts, connections, server->hurry);
	int rc = server->sorry && server->gate
			 ? lf_http_listen(opts->address, opts->port, false, &server->port, &fd, err)
			 : lf_fail_nomem(err);
	if (!rc)
		rc = lf_http_certificates_new(opts->certificate_pem, opts->key_pem,
					      &server->certificates, err);
	if (!rc)
		rc = start_watching(server, err);
	if (!rc && opts->n_doors)
		rc = lf_http_doors_open(opts->doors, opts->n_doors, &server->doors, err);
	if (!rc)
		rc = start_daemon(server, opts, connections, fd, err);
	if (!rc && opts->n_doors &&
	    (rc = lf_http_doors_start(server->doors, server->daemon, err))) {
		fd = MHD_quiesce_daemon(server->daemon);
		MHD_stop_daemon(server->daemon);
	}
	if (rc) {
		server_done(server, fd);
		return rc;
	}
	*ret_server = server;
	return 0;
}

int lf_http_server_renew(struct lf_http_server *server, const char *certificate_pem,
			 const char *key_pem, struct lf_error *err)
{
	return lf_http_certificates_set(server->certificates, certificate_pem, key_pem, err);
}

uint16_t lf_http_server_port(const struct lf_http_server *server)
{
	return server->port;
}

uint16_t lf_http_server_door_port(const struct lf_http_server *server, size_t i)
{
	return lf_http_doors_port(server->doors, i);
}

/* Until nothing is under way, or limit_ns have passed. */
static void wait_for_exchanges(struct lf_http_server *server, int64_t limit_ns)
{
	const struct timespec pause = {.tv_nsec = 5 * LF_NS_PER_MS};

	for (int64_t waited = 0; atomic_load(&server->in_flight) && waited < limit_ns;
	     waited += pause.tv_nsec)
		nanosleep(&pause, NULL);
}

void lf_http_server_free(struct lf_http_server *server)
{
	if (!server)
		return;
	lf_http_doors_stop(server->doors);
	int fd = MHD_quiesce_daemon(server->daemon);
	lf_gate_end(server->gate, false);
	wait_for_exchanges(server, STOP_GRACE_NS / server->hurry);
	lf_gate_end(server->gate, true); /* slow senders and readers */
	wait_for_exchanges(server, STOP_GRACE_NS / server->hurry);
	while (atomic_load(&server->suspended)) /* the library does not stop with them */
		nanosleep(&(const struct timespec){.tv_nsec = 5 * LF_NS_PER_MS}, NULL);
	MHD_stop_daemon(server->daemon);
	server_done(server, fd);
}
