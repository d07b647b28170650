/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front: every request of the port comes here.  What a mount claims is the
 * mount's from the first look on; the rest is a call of the management plane, in the
 * order path, route, token, version, rights, scope (all of it decided before the
 * body is read), body, handler.
 */
#include <string.h>

#include "arm/call.h"
#include "audit/exchange.h"
#include "base/log.h"
#include "base/names.h"

#define BODY_MAX      (4u << 20)  /* of a management call; Azure's own limit */
#define BODY_MAX_OPEN (64u << 10) /* of nobody: the token endpoint's form */
#define MOUNTS_MAX    8

struct lf_arm {
	struct lf_arm_opts opts; /* with the monitor URLs among the providers */
	struct lf_router *router;
	struct lf_arm_mount mounts[MOUNTS_MAX];
	size_t n_mounts;
	struct lf_http_handler handler;
};

static const struct lf_arm_mount *find_mount(const struct lf_arm *arm,
					     const struct lf_http_exchange *x)
{
	for (size_t i = 0; i < arm->n_mounts; i++)
		if (arm->mounts[i].matches(arm->mounts[i].context, x))
			return &arm->mounts[i];
	return NULL;
}

static void call_free(void *context)
{
	struct lf_arm_call *call = context;

	if (!call)
		return;
	lf_path_done(&call->path);
	json_decref(call->body);
	for (size_t i = 0; i < call->n_queries; i++)
		free(call->queries[i].value);
	free(call->base_url);
	free(call->api_version);
	for (size_t i = 0; i < LF_N(call->ids); i++)
		free(call->ids[i]);
	free(call->principal);
	free(call->client);
	free(call);
}

/* "NAME", "NAME:PORT", "[ADDRESS]:PORT": a name of this site?  Ports are as clients see them. */
static bool is_own_host(const struct lf_arm_opts *site, const char *host)
{
	char name[256];

	if (!host || strlen(host) >= sizeof(name))
		return false;
	bool bracketed = host[0] == '[';
	size_t len = strcspn(host + bracketed, bracketed ? "]" : ":");
	const char *rest = host + bracketed + len;
	snprintf(name, sizeof(name), "%.*s", (int)len, host + bracketed);
	if (bracketed && *rest++ != ']')
		return false;
	bool port = rest[0] == ':' && rest[1] && strlen(rest) <= 6 &&
		    !rest[1 + strspn(rest + 1, "0123456789")];
	if (*rest && !port)
		return false;
	for (const char *const *own = site->names; own && *own; own++)
		if (lf_text_equal_nocase(*own, name))
			return true;
	return false;
}

static int call_init(struct lf_arm_call *call, const struct lf_arm_opts *site,
		     struct lf_http_exchange *x, struct lf_error *err)
{
	const char *host = lf_http_header(x, "Host");
	const char *correlation = lf_http_header(x, "x-ms-correlation-request-id");

	call->site = site;
	call->http = x;
	lf_guid_random(call->request_id);
	snprintf(call->correlation_id, sizeof(call->correlation_id), "%s",
		 correlation && lf_guid_valid(correlation) ? correlation : call->request_id);
	call->base_url = is_own_host(site, host) ? lf_printf_dup("https://%s", host)
						 : strdup(*site->base_url);
	return call->base_url ? 0 : lf_fail_nomem(err);
}

/* "LANDFALL:20261130T040000Z:GUID": who took the request, and when. */
static void set_routing_id(struct lf_arm_call *call, int64_t now_ns)
{
	char time[LF_TIME_SIZE], digits[16] = "", id[96];
	size_t n = 0;

	lf_time_format(now_ns, time);
	for (const char *p = time; *p && *p != '.' && n + 1 < sizeof(digits); p++)
		if (*p == 'T' || (*p >= '0' && *p <= '9'))
			digits[n++] = *p;
	snprintf(id, sizeof(id), "LANDFALL:%.15sZ:%s", digits, call->request_id);
	lf_http_set_header(call->http, "x-ms-routing-request-id", id);
}

static void set_common_headers(struct lf_arm_call *call)
{
	const char *client_id = lf_http_header(call->http, "x-ms-client-request-id");
	const char *wanted = lf_http_header(call->http, "x-ms-return-client-request-id");
	char date[LF_TIME_SIZE];

	int64_t now = lf_clock_now_ns(call->site->clock);
	lf_time_format_http(now, date);
	set_routing_id(call, now);
	lf_http_set_header(call->http, "Date", date);
	lf_http_set_header(call->http, "Cache-Control", "no-cache");
	lf_http_set_header(call->http, "Pragma", "no-cache");
	lf_http_set_header(call->http, "x-content-type-options", "nosniff");
	lf_http_set_header(call->http, "Strict-Transport-Security",
			   "max-age=31536000; includeSubDomains");
	lf_http_set_header(call->http, "x-ms-request-id", call->request_id);
	lf_http_set_header(call->http, "x-ms-correlation-request-id", call->correlation_id);
	if (client_id && wanted && lf_text_equal_nocase(wanted, "true"))
		lf_http_set_header(call->http, "x-ms-client-request-id", client_id);
}

/* Why there is no route: unknown namespace, type or method. */
static int fail_route(const struct lf_arm *arm, const struct lf_arm_call *call,
		      struct lf_error *err)
{
	const char *space = NULL;
	bool known = false;

	for (size_t i = 0; i + 1 < call->path.n; i++)
		if (lf_text_equal_nocase(call->path.segments[i], "providers"))
			space = call->path.segments[i + 1];
	for (size_t i = 0; space && i < arm->opts.n_providers; i++)
		known = known || (arm->opts.providers[i]->name &&
				  lf_text_equal_nocase(arm->opts.providers[i]->name, space));
	if (call->match.path_known)
		return lf_fail_arm(err, LF_EMETHOD, "MethodNotAllowed", NULL,
				   "see the list of operations in docs/contract.md",
				   "this resource does not answer the method %s",
				   lf_http_method(call->http));
	if (space && !known)
		return lf_fail_arm(err, LF_ENOTFOUND, "InvalidResourceNamespace", space,
				   "list /providers to see what this site serves",
				   "the resource namespace '%s' is invalid", space);
	if (space)
		return lf_fail_arm(err, LF_ENOTFOUND, "InvalidResourceType", NULL,
				   "see the list of operations in docs/contract.md",
				   "the resource type could not be found in the namespace '%s' for "
				   "this path",
				   space);
	return lf_fail(err, LF_ENOTFOUND, NULL, "there is nothing at this path");
}

static int find_route(struct lf_arm *arm, struct lf_arm_call *call, struct lf_error *err)
{
	const char *method = lf_http_method(call->http);
	int rc = lf_path_parse(lf_http_path(call->http), &call->path, err);

	if (rc)
		return rc;
	lf_router_find(arm->router, method, &call->path, &call->match);
	if (!call->match.route && strcmp(method, "HEAD") == 0)
		lf_router_find(arm->router, "GET", &call->path, &call->match);
	return call->match.route ? 0 : fail_route(arm, call, err);
}

/* The subscription exists; what is written goes into a resource group that does. */
static int check_scope(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_path *path = &call->path;
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;
	char id[512];

	if (path->n < 2 || !lf_text_equal_nocase(path->segments[0], "subscriptions"))
		return 0;
	snprintf(id, sizeof(id), "/subscriptions/%s", path->segments[1]);
	int rc = lf_catalog_get(call->site->catalog, id, &found, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_ENOTFOUND, "SubscriptionNotFound", id,
				   "list /subscriptions to see which there are",
				   "the subscription '%s' could not be found", path->segments[1]);
	if (rc || path->n < 6 || !lf_text_equal_nocase(path->segments[2], "resourceGroups") ||
	    strcmp(lf_http_method(call->http), "PUT") != 0)
		return rc;
	lf_resource_done(&found);
	snprintf(id, sizeof(id), "/subscriptions/%s/resourceGroups/%s", path->segments[1],
		 path->segments[3]);
	rc = lf_catalog_get(call->site->catalog, id, &found, err);
	return rc != LF_ENOTFOUND
		       ? rc
		       : lf_fail_arm(err, LF_ENOTFOUND, "ResourceGroupNotFound", id,
				     "create the resource group first",
				     "resource group '%s' could not be found", path->segments[3]);
}

static int check_call(struct lf_arm *arm, struct lf_arm_call *call, struct lf_error *err)
{
	int rc = find_route(arm, call, err);

	if (rc)
		return rc;
	const struct lf_arm_route *route = call->match.route;
	rc = lf_form_value(lf_http_query(call->http), "api-version", &call->api_version, err);
	if (rc || route->flags & LF_ARM_OPEN)
		return rc;
	rc = lf_arm_authenticate(call, err);
	if (!rc && !(route->flags & LF_ARM_NO_VERSION))
		rc = lf_arm_check_version(call->match.provider, call->api_version, err);
	if (!rc)
		rc = lf_arm_authorize(call, err);
	if (!rc)
		rc = check_scope(call, err);
	if (!rc && strcmp(route->method, "PUT") == 0)
		rc = lf_id_check_new(lf_arm_id(call, 0), "name", err);
	return rc || !call->match.provider->admit ? rc : call->match.provider->admit(call, err);
}

static int read_body(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_arm_route *route = call->match.route;
	size_t len;
	const char *text = lf_http_body(call->http, &len);
	int rc = 0;

	if (route->flags & LF_ARM_FORM)
		return 0;
	if (len)
		rc = lf_json_parse(text, len, &call->body, err);
	if (rc)
		return rc;
	if (call->body && !json_is_object(call->body))
		return lf_fail_arm(err, LF_EINVAL, "InvalidRequestContent", NULL,
				   "send one JSON object", "the body is not a JSON object");
	if (!call->body && route->flags & LF_ARM_BODY)
		return lf_fail_arm(err, LF_EINVAL, "InvalidRequestContent", NULL,
				   "send the resource as a JSON object", "the body is empty");
	return call->body ? lf_fields_check(route->fields, route->n_fields, call->body, NULL, err)
			  : 0;
}

/*
 * What was done or tried, before it is answered.  Of what only reads the refusals are kept; signing
 * in says itself what came of it.
 */
static void audit_call(struct lf_arm_call *call, const struct lf_error *err)
{
	const struct lf_arm_route *route = call->match.route;
	const char *method = lf_http_method(call->http);
	bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	bool refused = err->code == LF_EUNAUTHENTICATED || err->code == LF_EDENIED;
	struct lf_audit_event event = {
		.action = call->match.right,
		.resource = route ? lf_arm_id(call, 0) : NULL,
		.principal = call->principal,
		.client = call->client,
		.correlation = call->correlation_id,
		.job = call->job,
		/* what cannot be undone or gives something away: deletions, keys, restores */
		.durable = !err->code &&
			   (strcmp(method, "DELETE") == 0 || strcmp(method, "POST") == 0),
	};

	bool nobody = err->code && !call->principal;
	bool quiet = (reads && !refused) || (route && route->flags & LF_ARM_OPEN);
	if (quiet && !nobody)
		return;
	lf_audit_exchange(call->site->audit, call->http, &event, err);
}

/* What is not told outside is in the log. */
static void answer_error(struct lf_arm_call *call, const struct lf_error *err)
{
	if (lf_error_http(err->code) >= 500 || err->sys)
		lf_log_error(lf_http_path(call->http), err);
	lf_arm_reply_error(call, err);
}

/* A call of the management plane: who may do what, decided before its body is read. */
static int begin_call(struct lf_arm *arm, struct lf_http_exchange *x,
		      struct lf_http_begin *ret_begin)
{
	struct lf_arm_call *call = calloc(1, sizeof(*call));
	struct lf_error err = LF_ERROR_NONE;

	if (!call) {
		lf_http_answer_sorry(x);
		return lf_fail_nomem(&err);
	}
	*ret_begin = (struct lf_http_begin){.release = call_free, .context = call};
	int rc = call_init(call, &arm->opts, x, &err);
	if (!rc) {
		set_common_headers(call);
		rc = check_call(arm, call, &err);
	}
	if (rc) {
		audit_call(call, &err);
		answer_error(call, &err);
		return rc;
	}
	ret_begin->known = !(call->match.route->flags & LF_ARM_OPEN);
	ret_begin->body_max = ret_begin->known ? BODY_MAX : BODY_MAX_OPEN;
	return 0;
}

static int begin(void *server_context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	struct lf_arm *arm = server_context;
	const struct lf_arm_mount *mount = find_mount(arm, x);

	return mount ? lf_http_hand_over(x, &mount->handler, ret_begin)
		     : begin_call(arm, x, ret_begin);
}

/* Of calls that begin_call() let through; a mount's exchanges never come here. */
static void complete(void *server_context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *sink_err)
{
	struct lf_arm_call *call = lf_http_state(x);
	struct lf_error err = LF_ERROR_NONE;
	int rc = sink_error;

	(void)server_context;

	call->begun = true;
	if (sink_error) /* the body was too large or broke off */
		err = *sink_err;
	else
		rc = read_body(call, &err);
	if (!rc)
		rc = lf_arm_authorize_links(call, &err);
	if (!rc)
		rc = call->match.route->handler(call, &err);
	if (rc == LF_ARM_LATER) /* it is another thread's now */
		return;
	if (!rc && (call->flaw || !call->replied))
		rc = lf_fail(&err, LF_EINTERNAL, call->match.route->path, "the handler of %s %s",
			     call->match.route->path, call->flaw ? call->flaw : "gives no answer");
	audit_call(call, rc ? &err : &LF_ERROR_NONE);
	if (rc)
		answer_error(call, &err);
}

int lf_arm_open(const struct lf_arm_opts *opts, struct lf_arm **ret_arm, struct lf_error *err)
{
	struct lf_arm *arm = calloc(1, sizeof(*arm));
	size_t n = opts->n_providers;
	const struct lf_arm_provider **providers = calloc(n + 1, sizeof(*providers));

	if (!arm || !providers) {
		free(arm);
		free(providers);
		return lf_fail_nomem(err);
	}
	memcpy(providers, opts->providers, n * sizeof(*providers));
	providers[n] = &lf_arm_monitor_provider;
	arm->opts = *opts;
	arm->opts.providers = providers;
	arm->opts.n_providers = n + 1;
	arm->handler = (struct lf_http_handler){begin, complete, arm};
	int rc = lf_router_new(providers, n + 1, &arm->router, err);
	if (rc) {
		lf_arm_free(arm);
		return rc;
	}
	*ret_arm = arm;
	return 0;
}

void lf_arm_free(struct lf_arm *arm)
{
	if (!arm)
		return;
	lf_router_free(arm->router);
	free((void *)(uintptr_t)arm->opts.providers);
	free(arm);
}

int lf_arm_mount(struct lf_arm *arm, const struct lf_arm_mount *mount, struct lf_error *err)
{
	if (arm->n_mounts == MOUNTS_MAX)
		return lf_fail(err, LF_EINTERNAL, NULL, "more than %d mounts", MOUNTS_MAX);
	arm->mounts[arm->n_mounts++] = *mount;
	return 0;
}

const struct lf_http_handler *lf_arm_http_handler(struct lf_arm *arm)
{
	return &arm->handler;
}
