/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/client.h - HTTPS requests over libcurl, one connection kept alive.
 *
 * Threads: a client belongs to one thread at a time.
 */
#ifndef LF_HTTP_CLIENT_H
#define LF_HTTP_CLIENT_H

#include "base/buf.h"

struct lf_http_client_opts {
	const char *ca_file;		  /* PEM; NULL: the system's */
	const char *cert_file, *key_file; /* client certificate; NULL: none */
	int64_t timeout_ns;		  /* of one request; 0: 60 s */
	bool insecure; /* accept any server: only to fetch a CA that is then compared by fingerprint
			*/
	int64_t connect_timeout_ns; /* 0: 10 s */
};
struct lf_http_client;
LF_MUST_CHECK int lf_http_client_new(const struct lf_http_client_opts *opts,
				     struct lf_http_client **ret_client, struct lf_error *err);
void lf_http_client_free(struct lf_http_client *client);

struct lf_http_call {
	const char *method, *url;
	const char *const *headers; /* "Name: value", NULL-ended; may be NULL */
	const void *body;	    /* NULL with len 0: none */
	size_t body_len;
	const char *body_file; /* instead of body: stream this file */
	size_t answer_max;     /* 0: 16 MiB */
};
struct lf_http_answer {
	int status;
	struct lf_buf body;
	struct lf_buf headers; /* raw lines */
};
void lf_http_answer_done(struct lf_http_answer *answer);
#define LF_AUTO_HTTP_ANSWER LF_CLEANUP(lf_http_answer_done) struct lf_http_answer
/* 0 for any HTTP status; LF_EUNREACHABLE, LF_ETIMEOUT, LF_EUNAUTHENTICATED (TLS) when there was
 * none. */
LF_MUST_CHECK int lf_http_client_call(struct lf_http_client *client,
				      const struct lf_http_call *call,
				      struct lf_http_answer *ret_answer, struct lf_error *err);
/* Value of an answer header (case-insensitive) into out; false: absent. */
bool lf_http_answer_header(const struct lf_http_answer *answer, const char *name, char *out,
			   size_t out_size);

#endif
