/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/server.h - HTTPS over libmicrohttpd: streamed bodies, limits, client
 * certificates.
 *
 * The listening socket is our own (TCP_NODELAY; socket activation later).
 * Refuses: paths, queries (as sent and percent-decoded) and header values that
 * are not UTF-8, so that handlers are given text alone; Content-Length together
 * with Transfer-Encoding, bodies over what the handler allows (413 without
 * reading them), header blocks over 64 KiB.
 *
 * Bounded for nobody, see http/gate.h: connections in all and for an address, the
 * time for a handshake and a head (15 s), for a body (30 s without a byte; less
 * than 256 bytes a second after a minute), between requests (60 s), the memory of
 * bodies that are buffered (503 where there is none left: 32 MiB of nobody, 128 MiB
 * of those who are known).
 *
 * Threads: handlers run on opts.threads threads at once; a request belongs to
 * its thread.
 */
#ifndef LF_HTTP_SERVER_H
#define LF_HTTP_SERVER_H

#include "base/buf.h"

struct lf_http_exchange; /* one request and its answer */

/* Request: borrowed until the handler returns. */
const char *lf_http_method(const struct lf_http_exchange *x);
const char *lf_http_path(const struct lf_http_exchange *x);  /* raw: not decoded, not collapsed */
const char *lf_http_query(const struct lf_http_exchange *x); /* raw, without '?'; "" if none */
const char *lf_http_header(const struct lf_http_exchange *x, const char *name); /* NULL: absent */
/* Visit all request headers whose lower-case name starts with prefix (shared-key signing,
 * metadata). */
typedef void lf_http_header_fn(void *context, const char *name, const char *value);
void lf_http_headers_each(const struct lf_http_exchange *x, const char *prefix,
			  lf_http_header_fn *visit, void *context);
const char *lf_http_body(const struct lf_http_exchange *x, size_t *ret_len); /* buffered bodies */
/* SHA-256 hex of the verified client certificate, or NULL: none, or not signed by our CA. */
const char *lf_http_client_fingerprint(const struct lf_http_exchange *x);
const char *lf_http_client_name(const struct lf_http_exchange *x); /* its CN; NULL likewise */
/* Where the request came from, without the port: "192.0.2.1", "2001:db8::1"; "" unknown. */
const char *lf_http_client_address(const struct lf_http_exchange *x);
/* Of the connection: 12 or 13, for TLS 1.2 and 1.3. */
unsigned lf_http_tls_version(const struct lf_http_exchange *x);
/* What begin put into ret_begin->context: where a streamed body went, or what was decided. */
void *lf_http_state(const struct lf_http_exchange *x);

/* Answer: set any time before the handler returns. */
void lf_http_status(struct lf_http_exchange *x, int status);
int lf_http_answered(const struct lf_http_exchange *x); /* the status that was set; 0: none */
void lf_http_set_header(struct lf_http_exchange *x, const char *name, const char *value);
/* Takes the text (free()); content_type may be NULL with len 0. */
void lf_http_answer_take(struct lf_http_exchange *x, const char *content_type, char *data,
			 size_t len);
void lf_http_answer_copy(struct lf_http_exchange *x, const char *content_type, const char *text);
/* len bytes produced by read(context, data, len, offset); release(context) at the end. */
typedef int lf_http_read_fn(void *context, void *data, size_t len, uint64_t offset,
			    struct lf_error *err);
void lf_http_answer_stream(struct lf_http_exchange *x, const char *content_type, uint64_t len,
			   lf_http_read_fn *read, void (*release)(void *context), void *context);

/* The answer that cannot fail, in place of whatever was set: 500, a constant, the connection ends.
 * Also sent where a handler set none and where there was no memory for one; counted in the health
 * of the process ("http-answer"). */
void lf_http_answer_sorry(struct lf_http_exchange *x);

/* What the first look at a request (headers only) decides about its body. */
struct lf_http_begin {
	uint64_t body_max; /* over this: 413 */
	bool known;	   /* who is calling has been proved: the bounds for nobody are over */
	/* NULL: the body is buffered.  Else each block goes here. */
	int (*sink)(void *context, const void *data, size_t len, struct lf_error *err);
	void (*release)(void *context); /* called once with what begin left here, at the end */
	void *context;			/* lf_http_state() returns it */
};

/*
 * Who serves an exchange, what it is about and what the caller may do is decided in begin, once:
 * complete finds it in lf_http_state() and does not look again, because what begin asked (which
 * names exist, who has which right) may have changed while the body was on its way.
 */
struct lf_http_handler {
	/* Non-zero: an answer has been set; what comes of the body is dropped and complete is not
	 * called. */
	int (*begin)(void *server_context, struct lf_http_exchange *x,
		     struct lf_http_begin *ret_begin);
	/* sink_error: 0, or what the sink returned (its error in err). Sets the answer. */
	void (*complete)(void *server_context, struct lf_http_exchange *x, int sink_error,
			 const struct lf_error *err);
	void *context;
};
/* For a begin that only chooses: the exchange is handler's from here on, for good.  Returns what
 * handler's begin returns. */
int lf_http_hand_over(struct lf_http_exchange *x, const struct lf_http_handler *handler,
		      struct lf_http_begin *ret_begin);

/*
 * For a complete that has to wait for another thread: lf_http_suspend() inside complete frees the
 * thread that serves; the exchange waits, and whoever goes on with it sets the answer and calls
 * lf_http_resume(), once, after which it does not touch the exchange any more.  The two may come in
 * any order with complete's return.  lf_http_server_free() waits until all that wait were resumed:
 * have the other thread give up first.
 */
void lf_http_suspend(struct lf_http_exchange *x);
void lf_http_resume(struct lf_http_exchange *x);

struct lf_http_server_opts {
	const char *address;				       /* "127.0.0.1" */
	uint16_t port;					       /* 0: any free one */
	const char *certificate_pem, *key_pem, *client_ca_pem; /* texts; client_ca NULL: no mTLS */
	unsigned threads;				       /* 0: 4 */
	unsigned connections_max;			       /* 0: 1024 */
	unsigned connections_per_address;		       /* 0: 512 */
	unsigned hurry; /* for tests: deadlines are so many times shorter; 0: 1 */
};
struct lf_http_server;
LF_MUST_CHECK int lf_http_server_open(const struct lf_http_server_opts *opts,
				      const struct lf_http_handler *handler,
				      struct lf_http_server **ret_server, struct lf_error *err);
uint16_t lf_http_server_port(const struct lf_http_server *server);
/* Connections from now on see this certificate.  LF_EINVAL: the pair cannot be read. */
LF_MUST_CHECK int lf_http_server_renew(struct lf_http_server *server, const char *certificate_pem,
				       const char *key_pem, struct lf_error *err);
/* Stops accepting, ends what asks nothing, gives what is under way 5 s, cuts what is still sending
 * or reading then, waits for handlers that run to return, and frees. */
void lf_http_server_free(struct lf_http_server *server);

#endif
