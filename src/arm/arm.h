/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm/arm.h - one request of the management plane, from route table to answer.
 *
 * A provider is a table of routes.  For each request the core authenticates
 * the token, finds the route (case-insensitive, double slashes collapsed,
 * percent-decoded), checks the api-version, the ARM action against the
 * caller's rights and the body against the route's fields, calls the handler,
 * and turns its error into ARM's envelope.  A handler is a screen: typed
 * input, engine call, typed output.
 *
 * Threads: a call belongs to its thread; everything it points to outlives it.
 */
#ifndef LF_ARM_ARM_H
#define LF_ARM_ARM_H

#include "arm/route.h"
#include "audit/audit.h"
#include "catalog/catalog.h"
#include "crypto/token.h"
#include "http/server.h"
#include "job/job.h"
#include "json/field.h"

struct lf_arm_provider {
	const char *name; /* "Microsoft.RecoveryServices"; NULL: not an ARM namespace */
	/* The first and the last api-version that was published, "2016-12-01"; these and those of
	 * any day between are accepted, as "-preview" too.  NULL: no route of it needs one. */
	const char *oldest_version, *newest_version;
	const struct lf_arm_route *routes;
	size_t n_routes;
	const struct lf_job_type *const *jobs; /* that its handlers submit: NULL-ended; or NULL */
	/* Resource types for GET /providers: NULL-ended. */
	const char *const *types;
	/* The codes of 400 and 404 that its documents name, NULL-ended: what its handlers call by
	 * another is told as InvalidParameter or ResourceNotFound, and theirs is in the details.
	 * NULL: each is told as it is. */
	const char *const *error_codes;
	/* Asked before the handler of any of its routes, the body not yet read; may be NULL. */
	lf_arm_handler *admit;
};

/* The request. */
/* What the handlers of this site may use, opaque here: opts.context of lf_arm_open(). */
struct lf_context;
struct lf_context *lf_arm_context(const struct lf_arm_call *call);
struct lf_http_exchange *lf_arm_http(const struct lf_arm_call *call);
/* A captured path segment, decoded, in the caller's case; one that the route has not got: "", and
 * the call is answered with 500 whatever the handler does. */
const char *lf_arm_param(const struct lf_arm_call *call, const char *name);
/* A query option by name without '$' ("filter", "expand", "skiptoken"), decoded; NULL: absent or
 * empty.  A GET that was sent a filter, top, skip, skiptoken, orderby, select or expand at which
 * its handler did not look answers 400 in place of its 200. */
const char *lf_arm_query(const struct lf_arm_call *call, const char *name);
/* The same as true or false, absent as false; anything else: LF_EINVAL "InvalidQueryParameter". */
LF_MUST_CHECK int lf_arm_query_bool(const struct lf_arm_call *call, const char *name,
				    bool *ret_value, struct lf_error *err);
/* A header of the request by its name; NULL: not sent. */
const char *lf_arm_header(const struct lf_arm_call *call, const char *name);
const void *lf_arm_subject(const struct lf_arm_call *call);
/* The table by which the body was checked. */
const struct lf_field *lf_arm_fields(const struct lf_arm_call *call, size_t *ret_n);
const char *lf_arm_api_version(const struct lf_arm_call *call);
json_t *lf_arm_body(const struct lf_arm_call *call); /* checked; NULL when there was none */
/* Path of the request as a resource id: decoded, collapsed, no trailing slash, literal segments in
 * the published case.  levels_up drops that many last segments ("/id/action" -> 1).  Valid as
 * long as the call. */
const char *lf_arm_id(const struct lf_arm_call *call, unsigned levels_up);
/* Base URL as the client addressed us, "https://host:port", if by one of the site's names; else as
 * the site knows itself. */
const char *lf_arm_base_url(const struct lf_arm_call *call);
/* May the caller also do action ("Microsoft.X/things/write") over scope? */
bool lf_arm_may(const struct lf_arm_call *call, const char *action, const char *scope);
/* Object id of the caller's principal. */
const char *lf_arm_principal(const struct lf_arm_call *call);
const char *lf_arm_request_id(const struct lf_arm_call *call);
const char *lf_arm_correlation_id(const struct lf_arm_call *call);

/* Answers: at most one.  body is borrowed (dumped before return); may be NULL for no body. */
LF_MUST_CHECK int lf_arm_reply(struct lf_arm_call *call, int status, const json_t *body,
			       struct lf_error *err);
/* The same with what was built, which is empty after. */
LF_MUST_CHECK int lf_arm_reply_doc(struct lf_arm_call *call, int status, struct lf_doc *doc,
				   struct lf_error *err);
/* ARM's error envelope and status for err.  Handlers return their error: this is for threads that
 * answer later. */
void lf_arm_reply_error(struct lf_arm_call *call, const struct lf_error *err);
/* {"value":[...], "nextLink": URL or null}: next_token NULL = last page. */
LF_MUST_CHECK int lf_arm_reply_list(struct lf_arm_call *call, json_t *values,
				    const char *next_token, struct lf_error *err);
/*
 * 202 (or 201/200 with a body) with Azure-AsyncOperation, Location and Retry-After for job.
 * status_path/result_path: resource paths with the job id, without host; api-version is added.
 * NULL: the default .../providers/{namespace}/locations/{location}/operationStatuses/{job} pair.
 */
struct lf_arm_async {
	const char *job;
	const char *status_path;
	const char *result_path;
	bool no_location;     /* of a PUT or PATCH: clients read the resource when it is done */
	unsigned retry_after; /* seconds; 0: 1 */
};
LF_MUST_CHECK int lf_arm_reply_async(struct lf_arm_call *call, int status,
				     const struct lf_arm_async *async, const json_t *body,
				     struct lf_error *err);
/* For the monitor URLs: the status body of a job
 * ({"id","name","status","startTime","endTime","error"}). */
LF_MUST_CHECK int lf_arm_reply_job_status(struct lf_arm_call *call, const char *job,
					  struct lf_error *err);
/* 202 while the job runs; its error when it failed; else calls done (NULL: 204). */
LF_MUST_CHECK int lf_arm_reply_job_result(struct lf_arm_call *call, const char *job,
					  lf_arm_handler *done, struct lf_error *err);

/* Resource ids. */
/* Segment after name in an id ("resourceGroups" -> "rg1"), any case; into out; false: not there. */
bool lf_arm_id_segment(const char *id, const char *name, char *out, size_t out_size);
const char *lf_arm_id_last(const char *id);
bool lf_arm_id_equal(const char *a, const char *b);
/* "…/providers/SPACE/type1/name1/type2/name2" has type "SPACE/type1/type2", a group
 * "Microsoft.Resources/resourceGroups"; false: it is no id.  A longer type is cut. */
#define LF_ARM_TYPE_SIZE 512
bool lf_arm_id_type(const char *id, char *out, size_t out_size);
/* LF_EINVAL "LinkedInvalidPropertyId" (target) unless id has the form of a resource of type. */
LF_MUST_CHECK int lf_arm_id_check(const char *id, const char *type, const char *target,
				  struct lf_error *err);

/*
 * Fill "id", "name", "type" of an envelope doc.  Used by every provider's output.
 */
LF_MUST_CHECK int lf_arm_envelope(json_t *doc, const char *id, const char *type,
				  struct lf_error *err);

/* Who decides what a caller may, and what is locked; asked at the head of a request. */
struct lf_arm_rights {
	int (*may)(struct lf_context *context, const char *principal, const char *right,
		   const char *scope, bool *ret_may, struct lf_error *err);
	/* LF_ECONFLICT "ScopeLocked". */
	int (*unlocked)(struct lf_context *context, const char *right, const char *scope,
			struct lf_error *err);
	/* The right that a body needs at a resource of the type that it names; NULL: none. */
	const char *(*linked)(const char *type, const char *method);
};

/* The front: HTTP handler that owns the providers' tables. */
struct lf_arm_opts {
	struct lf_clock *clock;
	struct lf_catalog *catalog; /* subscriptions and groups */
	struct lf_jobs *jobs;	    /* of the monitor URLs */
	struct lf_audit *audit;
	struct lf_token_keys *token_keys;
	const char *const *base_url; /* "https://127.0.0.1:8443"; asked for when used */
	/* What the site is called, without ports, NULL-ended: a Host of one of these comes back in
	 * our URLs, and a token for it is a token for this site.  No other is. */
	const char *const *names;
	const char *tenant_id;
	/* NULL: only owner_id, the object id of the first principal, may anything. */
	const struct lf_arm_rights *rights;
	const char *owner_id;
	const char *subscription_id; /* of operations that belong to none */
	struct lf_context *context;  /* of the handlers: lf_arm_context() */
	const struct lf_arm_provider *const *providers;
	size_t n_providers;
};
struct lf_arm;
/* What opts point to outlives it; the array of providers is copied. */
LF_MUST_CHECK int lf_arm_open(const struct lf_arm_opts *opts, struct lf_arm **ret_arm,
			      struct lf_error *err);
void lf_arm_free(struct lf_arm *arm);
/* What else listens on the same port (agent intake, blob plane); asked in order before the routes.
 */
struct lf_arm_mount {
	bool (*matches)(void *context, const struct lf_http_exchange *x);
	struct lf_http_handler handler;
	void *context; /* of matches */
};
LF_MUST_CHECK int lf_arm_mount(struct lf_arm *arm, const struct lf_arm_mount *mount,
			       struct lf_error *err);
const struct lf_http_handler *lf_arm_http_handler(struct lf_arm *arm);

#endif
