/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler asks of a request and sets of its answer.
 *
 * A request's texts are the library's, valid until the answer has gone; the client's certificate
 * and address are looked up when first asked for.  An answer is only noted here: the server sends
 * it when the handler has returned, and one that could not be made is noted as broken.
 */
#include "http/exchange.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/text.h"
#include "http/certificate.h"
#include "http/exchange_internal.h"

#define STREAM_BLOCK (64u << 10)

struct stream {
	lf_http_read_fn *read;
	void (*release)(void *context);
	void *context;
};

/* Request. */

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

const char *lf_http_private_address(const struct lf_http_exchange *x)
{
	return x->door[0] ? x->door : NULL;
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

/* Answer. */

void lf_http_status(struct lf_http_exchange *x, int status)
{
	x->status = status;
}

int lf_http_answered(const struct lf_http_exchange *x)
{
	return x->status;
}

static bool make_room(struct lf_http_exchange *x)
{
	size_t wanted = x->headers_room ? 2 * x->headers_room : 32;

	if (x->n_headers < x->headers_room)
		return true;
	struct lf_http_pair *headers = realloc(x->headers, wanted * sizeof(*headers));
	if (!headers)
		return false;
	x->headers = headers;
	x->headers_room = wanted;
	return true;
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
	if (!copy || !name_copy || !make_room(x)) {
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
