/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's struct is made at its head and freed when the exchange ends.  The head finds the
 * route and asks admit; complete runs the route's function, or gives it to later; each way out goes
 * through answer(), which tells the caller's ended once.
 */
#include "http/endpoint.h"

#include <stdlib.h>
#include <string.h>

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

struct lf_endpoint {
	struct lf_endpoint_opts opts;
	struct lf_http_handler handler;
};

int lf_endpoint_answer_empty(struct lf_endpoint_ask *ask)
{
	lf_http_status(ask->x, 204);
	return 0;
}

int lf_endpoint_answer_bits(struct lf_endpoint_ask *ask, uint8_t *bits, size_t n)
{
	lf_http_status(ask->x, 200);
	lf_http_answer_take(ask->x, "application/octet-stream", (char *)bits, (n + 7) / 8);
	return 0;
}

/* A GUID, or a name, at the beginning of path, into out; how long it is, 0: there is none. */
static size_t take_name(bool guid, const char *path, char *out, size_t size)
{
	size_t len = guid ? strnlen(path, LF_GUID_SIZE - 1) : strspn(path, NAME_LETTERS);

	if (!len || len >= size)
		return 0;
	memcpy(out, path, len);
	out[len] = '\0';
	if (!guid || lf_guid_valid(out))
		return len;
	out[0] = '\0';
	return 0;
}

/* Does path have the form of the pattern?  What is named in it goes into ask, as far as it does. */
static bool path_matches(const char *pattern, const char *path, struct lf_endpoint_ask *ask)
{
	for (; *pattern; pattern++) {
		bool guid = *pattern == '*';
		size_t len = 1;
		if (guid || *pattern == '%')
			len = guid ? take_name(true, path, ask->guid, sizeof(ask->guid))
				   : take_name(false, path, ask->name, sizeof(ask->name));
		else if (*pattern != *path)
			len = 0;
		if (!len)
			return false;
		path += len;
	}
	return !*path;
}

static void find_route(const struct lf_endpoint_opts *opts, struct lf_endpoint_ask *ask)
{
	const char *path = lf_http_path(ask->x) + strlen(opts->root);

	for (size_t i = 0; !ask->route && i < opts->n_routes; i++)
		if (path_matches(opts->routes[i].path, path, ask) &&
		    strcmp(opts->routes[i].method, lf_http_method(ask->x)) == 0)
			ask->route = &opts->routes[i];
}

/* The request, and the endpoint that it is at. */
struct request {
	const struct lf_endpoint *endpoint;
	struct lf_endpoint_ask *ask;
};

static void request_free(void *context)
{
	struct request *request = context;

	if (request->endpoint->opts.done)
		request->endpoint->opts.done(request->ask);
	json_decref(request->ask->doc);
	free(request->ask);
	free(request);
}

static struct request *new_request(const struct lf_endpoint *endpoint, struct lf_http_exchange *x)
{
	struct request *request = calloc(1, sizeof(*request));
	struct lf_endpoint_ask *ask = calloc(1, endpoint->opts.ask_size);

	if (!request || !ask) {
		free(request);
		free(ask);
		return NULL;
	}
	ask->context = endpoint->opts.context;
	ask->x = x;
	*request = (struct request){endpoint, ask};
	return request;
}

static void answer(const struct request *request, int rc, struct lf_error *err)
{
	if (rc)
		lf_http_answer_error(request->ask->x, err);
	request->endpoint->opts.ended(request->ask, rc ? err : &LF_ERROR_NONE);
}

static int take_block(void *context, const void *data, size_t len, struct lf_error *err)
{
	struct lf_endpoint_ask *ask = ((struct request *)context)->ask;

	return ask->route->sink(ask, data, len, err);
}

static int begin(void *context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	const struct lf_endpoint *endpoint = context;
	struct request *request = new_request(endpoint, x);
	struct lf_error err = LF_ERROR_NONE;

	if (!request) {
		int rc = lf_fail_nomem(&err);
		lf_http_answer_error(x, &err);
		return rc;
	}
	struct lf_endpoint_ask *ask = request->ask;
	find_route(&endpoint->opts, ask);
	*ret_begin = (struct lf_http_begin){.release = request_free, .context = request};
	int rc = endpoint->opts.admit(ask, &err);
	if (!rc && !ask->route)
		rc = lf_fail(&err, LF_ENOTFOUND, NULL, "there is nothing at this path");
	if (rc) {
		answer(request, rc, &err);
		return rc;
	}
	ret_begin->body_max = ask->route->body_max;
	ret_begin->known = !(ask->route->flags & LF_ENDPOINT_OPEN);
	ret_begin->sink = ask->route->sink ? take_block : NULL;
	return 0;
}

static int serve(struct lf_endpoint_ask *ask, struct lf_error *err)
{
	int rc = 0;

	ask->body = lf_http_body(ask->x, &ask->len);
	if (ask->route->flags & LF_ENDPOINT_JSON)
		rc = lf_json_parse(ask->body, ask->len, &ask->doc, err);
	return rc ? rc : ask->route->fn(ask, err);
}

static void serve_later(void *context, const atomic_bool *stopping)
{
	const struct request *request = context;
	struct lf_error err = LF_ERROR_NONE;

	request->ask->stopping = stopping;
	int rc = *stopping ? lf_fail(&err, LF_EUNREACHABLE, NULL, "the site is stopping")
			   : serve(request->ask, &err);
	answer(request, rc, &err);
}

static void complete(void *context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *sink_err)
{
	const struct lf_endpoint *endpoint = context;
	struct request *request = lf_http_state(x);
	struct lf_later *later = endpoint->opts.later;
	struct lf_error err = LF_ERROR_NONE;
	int rc = sink_error;

	if (sink_error)
		err = *sink_err;
	else if (request->ask->route->flags & LF_ENDPOINT_LATER && later) {
		rc = lf_later_give(later, x, request->ask->who, serve_later, request, &err);
		if (!rc)
			return;
	} else
		rc = serve(request->ask, &err);
	answer(request, rc, &err);
}

int lf_endpoint_open(const struct lf_endpoint_opts *opts, struct lf_endpoint **ret_endpoint,
		     struct lf_error *err)
{
	struct lf_endpoint *endpoint = calloc(1, sizeof(*endpoint));

	if (!endpoint)
		return lf_fail_nomem(err);
	endpoint->opts = *opts;
	endpoint->handler = (struct lf_http_handler){begin, complete, endpoint};
	*ret_endpoint = endpoint;
	return 0;
}

void lf_endpoint_free(struct lf_endpoint *endpoint)
{
	free(endpoint);
}

bool lf_endpoint_matches(const struct lf_endpoint *endpoint, const struct lf_http_exchange *x)
{
	return strncmp(lf_http_path(x), endpoint->opts.root, strlen(endpoint->opts.root)) == 0;
}

const struct lf_http_handler *lf_endpoint_handler(const struct lf_endpoint *endpoint)
{
	return &endpoint->handler;
}
