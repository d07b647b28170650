/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/exchange.h - one request and its answer, as those see them who serve it.
 *
 * Threads: an exchange belongs to the thread that serves it; see lf_http_suspend()
 * (http/server.h) for one that another thread goes on with.
 */
#ifndef LF_HTTP_EXCHANGE_H
#define LF_HTTP_EXCHANGE_H

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
/* The address of the private door that the request came by; NULL: it came by the server's own. */
const char *lf_http_private_address(const struct lf_http_exchange *x);
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

#endif
