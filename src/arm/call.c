/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler asks of its call.  A name that the route's row does not have
 * is the row's or the handler's mistake: it is logged, and the call is
 * answered as an error whatever the handler says.
 */
#include "arm/call.h"

#include <string.h>

struct lf_context *lf_arm_context(const struct lf_arm_call *call)
{
	return call->site->context;
}

struct lf_http_exchange *lf_arm_http(const struct lf_arm_call *call)
{
	return call->http;
}

/* The handler and its route do not fit: nothing that it answers is sent. */
static const char *flawed(const struct lf_arm_call *call, const char *what)
{
	struct lf_arm_call *own = (struct lf_arm_call *)(uintptr_t)call;

	own->flaw = what;
	return "";
}

const char *lf_arm_param(const struct lf_arm_call *call, const char *name)
{
	const struct lf_route_match *match = &call->match;

	for (size_t i = 0; i < match->n_params; i++)
		if (strlen(name) == match->param_lens[i] &&
		    strncmp(match->param_names[i], name, match->param_lens[i]) == 0)
			return match->param_values[i];
	return flawed(call, "asks for a parameter that its route has not got");
}

const char *lf_arm_query(const struct lf_arm_call *call, const char *name)
{
	struct lf_arm_call *own =
		(struct lf_arm_call *)(uintptr_t)call; /* keeps what it hands out */
	struct lf_error ignored;
	char *value = NULL;

	/* a view asks once for each row of a list */
	for (size_t i = 0; i < own->n_queries; i++)
		if (strcmp(own->queries[i].name, name) == 0)
			return own->queries[i].value;
	if (own->n_queries == LF_N(own->queries))
		return NULL;
	if (lf_form_value(lf_http_query(call->http), name, &value, &ignored))
		value = NULL;
	own->queries[own->n_queries].name = name;
	own->queries[own->n_queries++].value = value;
	return value;
}

int lf_arm_query_bool(const struct lf_arm_call *call, const char *name, bool *ret_value,
		      struct lf_error *err)
{
	const char *value = lf_arm_query(call, name);

	*ret_value = value && lf_text_equal_nocase(value, "true");
	return !value || *ret_value || lf_text_equal_nocase(value, "false")
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameter", name,
				     "give true or false", "'%.40s' is neither true nor false",
				     value);
}

const char *lf_arm_header(const struct lf_arm_call *call, const char *name)
{
	return lf_http_header(call->http, name);
}

const void *lf_arm_subject(const struct lf_arm_call *call)
{
	return call->match.route->subject;
}

const struct lf_field *lf_arm_fields(const struct lf_arm_call *call, size_t *ret_n)
{
	*ret_n = call->match.route->n_fields;
	return call->match.route->fields;
}

const char *lf_arm_api_version(const struct lf_arm_call *call)
{
	return call->api_version ? call->api_version : "";
}

json_t *lf_arm_body(const struct lf_arm_call *call)
{
	return call->body;
}

/* Literals as the table has them, parameters as the client sent them. */
const char *lf_arm_id(const struct lf_arm_call *call, unsigned levels_up)
{
	struct lf_arm_call *own = (struct lf_arm_call *)(uintptr_t)call;
	const struct lf_route_match *match = &call->match;
	const char *p = match->route->path;
	struct lf_buf id = LF_BUF_INIT;

	if (levels_up >= match->n_segments)
		return flawed(call, "asks for a parent that its route has not got");
	if (own->ids[levels_up])
		return own->ids[levels_up];
	for (size_t i = 0; i < match->n_segments - levels_up; i++) {
		p += *p == '/';
		size_t len = strcspn(p, "/");
		lf_buf_puts(&id, "/");
		if (p[0] == '{')
			lf_buf_puts(&id, match->segments[i]);
		else
			lf_buf_append(&id, p, len);
		p += len;
	}
	own->ids[levels_up] = lf_buf_take(&id);
	return own->ids[levels_up] ? own->ids[levels_up] : "";
}

const char *lf_arm_base_url(const struct lf_arm_call *call)
{
	return call->base_url;
}

const char *lf_arm_principal(const struct lf_arm_call *call)
{
	return call->principal ? call->principal : "";
}

const char *lf_arm_request_id(const struct lf_arm_call *call)
{
	return call->request_id;
}

const char *lf_arm_correlation_id(const struct lf_arm_call *call)
{
	return call->correlation_id;
}
