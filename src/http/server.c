/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request, in the order of the library's callbacks: its raw line, its head (begin_exchange; the
 * handler's begin may refuse before the body), blocks of the body (to the handler's sink, or into
 * memory that the gate counts), its end (answer_now: the handler's complete, or later by
 * lf_http_resume()), the answer.  The gate hears of each phase, and the watcher ends what takes too
 * long.  Nothing here outlives the process.
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <malloc.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
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
#define STREAM_BLOCK	 (64u << 10)
#define LINGER_BYTES	 (64u << 20)
#define STOP_GRACE_NS	 (5 * LF_NS_PER_S)

LF_LOCK_KIND(lf_http_watch_lock);
struct lf_http_server {
	struct MHD_Daemon *daemon;
	struct MHD_Response *sorry; /* what is sent where nothing else can be; made at the start */
	struct lf_http_handler handler;
	struct lf_gate *gate;
	struct lf_http_certificates *certificates;
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

struct stream {
	lf_http_read_fn *read;
	void (*release)(void *context);
	void *context;
};

struct lf_http_exchange {
	struct lf_http_server *server;
	const struct lf_http_handler *handler; /* who serves it: decided in begin */
	struct MHD_Connection *connection;
	struct lf_visitor *visitor; /* the connection, as the gate knows it */
	const char *method;
	const char *uri; /* with the query, raw; in the library's memory of this request */
	size_t uri_len;
	char *path, *query;
	struct lf_http_begin begin;
	struct lf_buf body;
	uint64_t received;
	int sink_error;
	struct lf_error sink_err;
	bool begun, client_checked;
	bool text;    /* all headers are */
	bool decided; /* the answer is set: nothing of the body is wanted, complete is not called */
	bool broken;  /* the answer could not be made: say so, whatever the status */
	bool later;   /* lf_http_suspend(): the answer is set by another thread */
	char address[INET6_ADDRSTRLEN];
	char fingerprint[LF_FINGERPRINT_SIZE];
	char client_name[256];
	int status;
	struct MHD_Response *response;
	struct {
		char *name, *value;
	} headers[32];
	size_t n_headers;
};

const char *lf_http_method(const struct lf_http_exchange *x)
{
	return x->method;
}

const char *lf_http_path(const struct lf_http_exchange *x)
{
	return x->path;
}

const char *lf_http_query(const struct lf_http_exchange *x)
{
	return x->query;
}

const char *lf_http_header(const struct lf_http_exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

struct visit {
	const char *prefix;
	lf_http_header_fn *fn;
	void *context;
};

static enum MHD_Result visit_header(void *cls, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	const struct visit *visit = cls;

	(void)kind;
	if (strncasecmp(name, visit->prefix, strlen(visit->prefix)) == 0)
		visit->fn(visit->context, name, value ? value : "");
	return MHD_YES;
}

void lf_http_headers_each(const struct lf_http_exchange *x, const char *prefix,
			  lf_http_header_fn *visit_fn, void *context)
{
	struct visit visit = {prefix, visit_fn, context};

	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, visit_header, &visit);
}

const char *lf_http_body(const struct lf_http_exchange *x, size_t *ret_len)
{
	*ret_len = x->body.len;
	return lf_buf_text(&x->body);
}

/* A certificate that our CA signed and that is valid now; else both stay "". */
static void check_client(struct lf_http_exchange *x)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	x->client_checked = true;
	if (info && info->tls_session)
		lf_http_certificate_of(info->tls_session, x->fingerprint, x->client_name,
				       sizeof(x->client_name));
}

const char *lf_http_client_fingerprint(const struct lf_http_exchange *x)
{
	struct lf_http_exchange *own = (struct lf_http_exchange *)(uintptr_t)x; /* caches */

	if (!own->client_checked)
		check_client(own);
	return x->fingerprint[0] ? x->fingerprint : NULL;
}

const char *lf_http_client_name(const struct lf_http_exchange *x)
{
	return lf_http_client_fingerprint(x) ? x->client_name : NULL;
}

const char *lf_http_client_address(const struct lf_http_exchange *x)
{
	struct lf_http_exchange *own = (struct lf_http_exchange *)(uintptr_t)x; /* caches */
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *name = info ? info->client_addr : NULL;

	if (x->address[0] || !name)
		return x->address;
	if (name->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)name)->sin_addr,
			  own->address, sizeof(own->address));
	if (name->sa_family == AF_INET6) {
		const struct in6_addr *v6 =
			&((const struct sockaddr_in6 *)(const void *)name)->sin6_addr;
		/* IPv4 that came to an IPv6 socket is the same address */
		bool v4 = IN6_IS_ADDR_V4MAPPED(v6);
		inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &v6->s6_addr[12] : v6->s6_addr,
			  own->address, sizeof(own->address));
	}
	return x->address;
}

unsigned lf_http_tls_version(const struct lf_http_exchange *x)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info && info->tls_session &&
			       gnutls_protocol_get_version(info->tls_session) >= GNUTLS_TLS1_3
		       ? 13
		       : 12;
}

void *lf_http_state(const struct lf_http_exchange *x)
{
	return x->begin.context;
}

int lf_http_hand_over(struct lf_http_exchange *x, const struct lf_http_handler *handler,
		      struct lf_http_begin *ret_begin)
{
	x->handler = handler;
	return handler->begin(handler->context, x, ret_begin);
}

void lf_http_status(struct lf_http_exchange *x, int status)
{
	x->status = status;
}

int lf_http_answered(const struct lf_http_exchange *x)
{
	return x->status;
}

void lf_http_set_header(struct lf_http_exchange *x, const char *name, const char *value)
{
	size_t at = 0;

	while (at < x->n_headers && strcasecmp(x->headers[at].name, name) != 0)
		at++;
	char *copy = strdup(value), *name_copy = at < x->n_headers ? NULL : strdup(name);
	/* a line break would end the header: what a client sent may be in value */
	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	if (at < x->n_headers && copy) {
		free(x->headers[at].value);
		x->headers[at].value = copy;
		return;
	}
	if (!copy || !name_copy || x->n_headers == LF_N(x->headers)) {
		free(copy);
		free(name_copy);
		return;
	}
	x->headers[x->n_headers].name = name_copy;
	x->headers[x->n_headers++].value = copy;
}

static void set_response(struct lf_http_exchange *x, const char *content_type,
			 struct MHD_Response *response)
{
	if (x->response)
		MHD_destroy_response(x->response);
	x->response = response;
	x->broken = x->broken || !response;
	if (content_type)
		lf_http_set_header(x, "Content-Type", content_type);
}

void lf_http_answer_take(struct lf_http_exchange *x, const char *content_type, char *data,
			 size_t len)
{
	set_response(x, content_type,
		     MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE));
}

void lf_http_answer_copy(struct lf_http_exchange *x, const char *content_type, const char *text)
{
	set_response(x, content_type,
		     MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
						     MHD_RESPMEM_MUST_COPY));
}

static ssize_t read_stream(void *cls, uint64_t position, char *data, size_t max)
{
	struct stream *stream = cls;
	struct lf_error err;

	if (stream->read(stream->context, data, max, position, &err)) {
		lf_log_error("an answer broke off", &err);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	return (ssize_t)max;
}

static void free_stream(void *cls)
{
	struct stream *stream = cls;

	if (stream->release)
		stream->release(stream->context);
	free(stream);
}

void lf_http_answer_stream(struct lf_http_exchange *x, const char *content_type, uint64_t len,
			   lf_http_read_fn *read, void (*release)(void *context), void *context)
{
	struct stream *stream = malloc(sizeof(*stream));

	if (!stream) {
		if (release)
			release(context);
		x->broken = true;
		return;
	}
	*stream = (struct stream){read, release, context};
	set_response(x, content_type,
		     MHD_create_response_from_callback(len, STREAM_BLOCK, read_stream, stream,
						       free_stream));
}

void lf_http_answer_sorry(struct lf_http_exchange *x)
{
	x->broken = true;
}

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
		set_response(x, NULL,
			     MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
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
			 ? lf_http_listen(opts->address, opts->port, &server->port, &fd, err)
			 : lf_fail_nomem(err);
	if (!rc)
		rc = lf_http_certificates_new(opts->certificate_pem, opts->key_pem,
					      &server->certificates, err);
	if (!rc)
		rc = start_watching(server, err);
	if (!rc)
		rc = start_daemon(server, opts, connections, fd, err);
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
