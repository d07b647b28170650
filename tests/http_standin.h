/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/http_standin.h - a request without a connection: what a handler is asked and answers.
 *
 * It takes the place of http/server.c in one program: include it in one file.
 * For handlers' own tests and fuzz targets; the server has tests of its own.
 */
#ifndef LF_TEST_HTTP_STANDIN_H
#define LF_TEST_HTTP_STANDIN_H

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/server.h"

#define STANDIN_HEADERS	   48
#define STANDIN_STREAM_MAX (UINT64_C(64) << 20)

struct lf_http_exchange {
	const char *method, *path, *query;
	const char *names[STANDIN_HEADERS], *values[STANDIN_HEADERS]; /* the request's headers */
	size_t n;
	const char *address;			      /* the peer's; NULL: 127.0.0.1 */
	const char *client_name, *client_fingerprint; /* of its certificate; NULL: it has none */
	unsigned tls;				      /* 0: 13 */
	const char *door; /* NULL: it came by the server's own address */
	const void *body;
	size_t body_len;
	struct lf_http_begin begin;
	/* the answer: free with standin_done() */
	int status;
	char *answer_names[STANDIN_HEADERS], *answer_values[STANDIN_HEADERS];
	size_t n_answer;
	struct lf_buf answer;
	uint64_t announced; /* length of the answer */
	bool broken;	    /* it broke off */
	bool suspended;	    /* another thread answers */
	sem_t resumed;
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
	return x->query ? x->query : "";
}

const char *lf_http_header(const struct lf_http_exchange *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcasecmp(x->names[i], name) == 0)
			return x->values[i];
	return NULL;
}

void lf_http_headers_each(const struct lf_http_exchange *x, const char *prefix,
			  lf_http_header_fn *visit, void *context)
{
	for (size_t i = 0; i < x->n; i++)
		if (strncasecmp(x->names[i], prefix, strlen(prefix)) == 0)
			visit(context, x->names[i], x->values[i]);
}

const char *lf_http_body(const struct lf_http_exchange *x, size_t *ret_len)
{
	*ret_len = x->begin.sink ? 0 : x->body_len;
	return x->body ? x->body : "";
}

void *lf_http_state(const struct lf_http_exchange *x)
{
	return x->begin.context;
}

void lf_http_status(struct lf_http_exchange *x, int status)
{
	x->status = status;
}

void lf_http_set_header(struct lf_http_exchange *x, const char *name, const char *value)
{
	LF_ASSERT(x->n_answer < STANDIN_HEADERS);
	x->answer_names[x->n_answer] = strdup(name);
	x->answer_values[x->n_answer++] = strdup(value);
}

void lf_http_answer_take(struct lf_http_exchange *x, const char *content_type, char *data,
			 size_t len)
{
	(void)content_type;
	lf_buf_append(&x->answer, data, len);
	x->announced = len;
	free(data);
}

void lf_http_answer_copy(struct lf_http_exchange *x, const char *content_type, const char *text)
{
	(void)content_type;
	lf_buf_append(&x->answer, text, strlen(text));
	x->announced = strlen(text);
}

/* Read at once, in blocks that lie alone in memory: one byte too many is seen. */
void lf_http_answer_stream(struct lf_http_exchange *x, const char *content_type, uint64_t len,
			   lf_http_read_fn *read, void (*release)(void *context), void *context)
{
	struct lf_error err;

	(void)content_type;
	x->announced = len;
	for (uint64_t at = 0; at < len && at < STANDIN_STREAM_MAX && !x->broken;) {
		size_t n = len - at < 65536 ? (size_t)(len - at) : 65536;
		char *block = malloc(n);
		LF_ASSERT(block);
		x->broken = read(context, block, n, at, &err) != 0;
		if (!x->broken)
			lf_buf_append(&x->answer, block, n);
		free(block);
		at += n;
	}
	if (release)
		release(context);
}

int lf_http_hand_over(struct lf_http_exchange *x, const struct lf_http_handler *handler,
		      struct lf_http_begin *ret_begin)
{
	return handler->begin(handler->context, x, ret_begin);
}

void lf_http_suspend(struct lf_http_exchange *x)
{
	LF_ASSERT(sem_init(&x->resumed, 0, 0) == 0);
	x->suspended = true;
}

void lf_http_resume(struct lf_http_exchange *x)
{
	sem_post(&x->resumed);
}

void lf_http_answer_sorry(struct lf_http_exchange *x)
{
	x->status = 500;
	x->broken = true;
}

const char *lf_http_client_fingerprint(const struct lf_http_exchange *x)
{
	return x->client_fingerprint;
}

const char *lf_http_client_address(const struct lf_http_exchange *x)
{
	return x->address ? x->address : "127.0.0.1";
}

const char *lf_http_private_address(const struct lf_http_exchange *x)
{
	return x->door;
}

unsigned lf_http_tls_version(const struct lf_http_exchange *x)
{
	return x->tls ? x->tls : 13;
}

int lf_http_answered(const struct lf_http_exchange *x)
{
	return x->status;
}

const char *lf_http_client_name(const struct lf_http_exchange *x)
{
	return x->client_name;
}

/* A header of the request. */
static inline void standin_add(struct lf_http_exchange *x, const char *name, const char *value)
{
	LF_ASSERT(x->n < STANDIN_HEADERS);
	x->names[x->n] = name;
	x->values[x->n++] = value;
}

/* A header of the answer, or NULL. */
static inline const char *standin_answer(const struct lf_http_exchange *x, const char *name)
{
	for (size_t i = x->n_answer; i > 0; i--) /* set again, the last one counts */
		if (strcasecmp(x->answer_names[i - 1], name) == 0)
			return x->answer_values[i - 1];
	return NULL;
}

/* Let the handler look at the headers; 0: the body may come (standin_complete). */
static inline int standin_begin(const struct lf_http_handler *handler, struct lf_http_exchange *x)
{
	return handler->begin(handler->context, x, &x->begin);
}

static inline void standin_complete(const struct lf_http_handler *handler,
				    struct lf_http_exchange *x)
{
	struct lf_error err = LF_ERROR_NONE;
	int rc = 0;

	if (x->body_len > x->begin.body_max)
		rc = lf_fail(&err, LF_ETOOLARGE, NULL, "too large");
	else if (x->begin.sink && x->body_len)
		rc = x->begin.sink(x->begin.context, x->body, x->body_len, &err);
	handler->complete(handler->context, x, rc, &err);
	if (x->suspended) {
		while (sem_wait(&x->resumed))
			;
		sem_destroy(&x->resumed);
	}
}

static inline void standin_call(const struct lf_http_handler *handler, struct lf_http_exchange *x)
{
	if (standin_begin(handler, x) == 0)
		standin_complete(handler, x);
}

static inline void standin_done(struct lf_http_exchange *x)
{
	if (x->begin.release)
		x->begin.release(x->begin.context);
	for (size_t i = 0; i < x->n_answer; i++) {
		free(x->answer_names[i]);
		free(x->answer_values[i]);
	}
	lf_buf_done(&x->answer);
	*x = (struct lf_http_exchange){0};
}

#endif
