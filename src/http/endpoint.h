/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/endpoint.h - calls of programs, agents and peers, as a table of routes below a root.
 *
 * At a request's head its route is found and opts.admit says who asks; nobody's body is read
 * before.  Then the body comes, is parsed where the route takes JSON, and the route's function
 * sets the answer or fails, at once or on a thread of http/later.h.  opts.ended hears of every
 * answer, for the audit log.
 *
 * Threads: those of the HTTPS server and of http/later.h; a request is one's at a time.
 */
#ifndef LF_HTTP_ENDPOINT_H
#define LF_HTTP_ENDPOINT_H

#include "base/text.h"
#include "http/json.h"
#include "http/later.h"
#include "http/server.h"

enum lf_endpoint_flags {
	LF_ENDPOINT_OPEN = 1,  /* whoever asks: admit leaves ask->who empty */
	LF_ENDPOINT_JSON = 2,  /* the body is a document */
	LF_ENDPOINT_LATER = 4, /* takes long: not on a thread that answers */
};

struct lf_endpoint_ask;
typedef int lf_endpoint_fn(struct lf_endpoint_ask *ask, struct lf_error *err);

struct lf_endpoint_route {
	const char *method, *path; /* below the root; '*': a GUID, '%': a name of a-z, 0-9 and - */
	unsigned flags;
	uint64_t body_max;
	lf_endpoint_fn *fn;
	const char *action; /* for the audit log: of what is told when it went well, too */
	/* Takes each block of the body as it comes; NULL: it is buffered. */
	int (*sink)(struct lf_endpoint_ask *ask, const void *data, size_t len,
		    struct lf_error *err);
};

/* One request, the first member of the caller's own struct of it. */
struct lf_endpoint_ask {
	void *context; /* opts.context */
	struct lf_http_exchange *x;
	const struct lf_endpoint_route *route; /* NULL, in admit and ended: nothing is there */
	char name[65], guid[LF_GUID_SIZE];     /* of the path; "" when it has none */
	char who[65];			       /* who asks, by opts.admit; "": not known */
	const char *body;
	size_t len;
	json_t *doc;		     /* the body, of a route that takes JSON */
	const atomic_bool *stopping; /* what takes long ends; NULL: served at once */
};

struct lf_endpoint_opts {
	const char *root; /* "/agent/v1/" */
	const struct lf_endpoint_route *routes;
	size_t n_routes;
	size_t ask_size;	/* of the caller's struct; zeroes at first */
	struct lf_later *later; /* NULL (tests): everything is served at once */
	/* Who asks?  Fills ask->who.  Also of a path with nothing there, so that it can refuse
	 * before it tells; 0: then 404. */
	int (*admit)(struct lf_endpoint_ask *ask, struct lf_error *err);
	/* It was answered; err->code 0: well. */
	void (*ended)(struct lf_endpoint_ask *ask, const struct lf_error *err);
	void (*done)(struct lf_endpoint_ask *ask); /* before it is freed; may be NULL */
	void *context;
};
struct lf_endpoint;
LF_MUST_CHECK int lf_endpoint_open(const struct lf_endpoint_opts *opts,
				   struct lf_endpoint **ret_endpoint, struct lf_error *err);
void lf_endpoint_free(struct lf_endpoint *endpoint);
bool lf_endpoint_matches(const struct lf_endpoint *endpoint, const struct lf_http_exchange *x);
const struct lf_http_handler *lf_endpoint_handler(const struct lf_endpoint *endpoint);

/* 204, without a body.  Returns 0. */
int lf_endpoint_answer_empty(struct lf_endpoint_ask *ask);
/* n bits (at least (n + 7) / 8 bytes; free(), taken). */
int lf_endpoint_answer_bits(struct lf_endpoint_ask *ask, uint8_t *bits, size_t n);

#endif
