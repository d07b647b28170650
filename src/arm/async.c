/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that a job gives later: 201 or 202 with the headers that clients
 * follow, the job's status in the three words that end a wait, and its result
 * by the handler that the row names.
 */
#include <string.h>

#include "arm/call.h"

#include "json/doc.h"

static void set_url(struct lf_arm_call *call, const char *header, const char *path)
{
	LF_AUTO_FREE char *url = lf_printf_dup("%s%s%sapi-version=%s", call->base_url, path,
					       strchr(path, '?') ? "&" : "?",
					       call->api_version ? call->api_version : "");

	if (url)
		lf_http_set_header(call->http, header, url);
}

static char *default_path(struct lf_arm_call *call, const char *kind, const char *job)
{
	const char *space = call->match.provider->name;

	return lf_printf_dup("/subscriptions/%s/providers/%s/locations/global/%s/%s",
			     call->path.n > 1 ? call->path.segments[1]
					      : call->site->subscription_id,
			     space ? space : "Microsoft.Resources", kind, job);
}

int lf_arm_reply_async(struct lf_arm_call *call, int status, const struct lf_arm_async *async,
		       const json_t *body, struct lf_error *err)
{
	LF_AUTO_FREE char *status_path =
		async->status_path ? strdup(async->status_path)
				   : default_path(call, "operationStatuses", async->job);
	LF_AUTO_FREE char *result_path =
		async->result_path ? strdup(async->result_path)
				   : default_path(call, "operationResults", async->job);
	char seconds[16];

	snprintf(call->job, sizeof(call->job), "%s", async->job);
	if (!status_path || !result_path)
		return lf_fail_nomem(err);
	set_url(call, "Azure-AsyncOperation", status_path);
	if (!async->no_location)
		set_url(call, "Location", result_path);
	snprintf(seconds, sizeof(seconds), "%u", async->retry_after ? async->retry_after : 1);
	lf_http_set_header(call->http, "Retry-After", seconds);
	return lf_arm_reply(call, status, body, err);
}

/* What clients understand: three final words, anything else means that it still runs. */
static const char *status_word(enum lf_job_state state)
{
	switch (state) {
	case LF_JOB_SUCCEEDED:
		return "Succeeded";
	case LF_JOB_FAILED:
		return "Failed";
	case LF_JOB_CANCELLED:
		return "Canceled";
	default:
		return "InProgress";
	}
}

int lf_arm_reply_job_status(struct lf_arm_call *call, const char *id, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_jobs_get(call->site->jobs, id, &job, err);

	if (rc)
		return rc;
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "id", lf_arm_id(call, 0));
	lf_doc_text(&doc, "name", job.id);
	lf_doc_text(&doc, "status", status_word(job.state));
	lf_doc_time(&doc, "startTime", job.created_ns);
	lf_doc_time(&doc, "endTime", job.ended_ns);
	lf_doc_put(&doc, "error",
		   job.state == LF_JOB_FAILED ? lf_arm_error_body(&job.error) : json_null());
	lf_doc_null(&doc, "properties");
	lf_doc_null(&doc, "percentComplete");
	LF_AUTO_JSON *body = lf_doc_take(&doc);
	if (!body)
		return lf_fail_nomem(err);
	if (!lf_job_state_is_final(job.state))
		lf_http_set_header(call->http, "Retry-After", "1");
	return lf_arm_reply(call, 200, body, err);
}

static int reply_running(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *url = lf_printf_dup("%s%s?%s", call->base_url, lf_http_path(call->http),
					       lf_http_query(call->http));

	if (!url)
		return lf_fail_nomem(err);
	lf_http_set_header(call->http, "Location", url);
	lf_http_set_header(call->http, "Retry-After", "1");
	return lf_arm_reply(call, 202, NULL, err);
}

int lf_arm_reply_job_result(struct lf_arm_call *call, const char *id, lf_arm_handler *done,
			    struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_jobs_get(call->site->jobs, id, &job, err);

	if (rc)
		return rc;
	if (!lf_job_state_is_final(job.state))
		return reply_running(call, err);
	if (job.state == LF_JOB_FAILED) {
		*err = job.error;
		return err->code ? err->code : lf_fail(err, LF_EINTERNAL, id, "the job failed");
	}
	if (job.state == LF_JOB_CANCELLED)
		return lf_fail(err, LF_ECANCELED, id, "the operation was cancelled");
	if (done)
		return done(call, err);
	json_t *result = lf_json_at(job.data, "result");
	return lf_arm_reply(call, result ? 200 : 204, result, err);
}

static int monitor_status(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_arm_reply_job_status(call, lf_arm_param(call, "operation"), err);
}

/* Not every client takes 204 for an operation that has no result. */
static int monitor_done(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_jobs_get(call->site->jobs, lf_arm_param(call, "operation"), &job, err);

	return rc ? rc : lf_arm_reply(call, 200, lf_json_at(job.data, "result"), err);
}

static int monitor_result(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_arm_reply_job_result(call, lf_arm_param(call, "operation"), monitor_done, err);
}

#define MONITOR(kind, handler)                                                                     \
	LF_GET(LF_SUBSCRIPTION_PATH "/providers/{namespace}/locations/{location}/" kind            \
				    "/{operation}",                                                \
	       handler, LF_RIGHT("*/locations/" kind "/read"), .flags = LF_ARM_NO_VERSION)

static const struct lf_arm_route monitor_routes[] = {
	MONITOR("operationStatuses", monitor_status),
	MONITOR("operations", monitor_status),
	MONITOR("operationResults", monitor_result),
};

const struct lf_arm_provider lf_arm_monitor_provider = {
	.routes = monitor_routes,
	.n_routes = LF_N(monitor_routes),
};
